/** Rows of the kernel matrix of a problem, as the solver asks for them: a block at a time by a matrix product, kept while there is room. */
import { input } from "../../engine/graph.ts";
import { Session } from "../../engine/session.ts";
import { centre, diagonalOf, type Kernel, kernelOf, squaredNorms } from "./kernel.ts";

/** Rows of one product. Always as many, so that the bits of a row do not depend on its company. */
const BLOCK = 64;
const MEGABYTE = 2 ** 20;

/** The product of any problem with these features: open once, close when done. */
export async function openProduct(features: number, kernel: Kernel, threads: number): Promise<Session> {
  const sides = {
    a: input("a", "float32", [BLOCK, features]),
    b: input("b", "float32", ["rows", features]),
    aNorms: input("aNorms", "float32", [BLOCK, 1]),
    bNorms: input("bNorms", "float32", ["rows"]),
  };
  const { a, b, aNorms, bNorms } = sides;
  const inputs = kernel.kernel === "rbf" ? [a, b, aNorms, bNorms] : [a, b];
  return Session.open({ name: "kernel", inputs, outputs: { rows: kernelOf(sides, kernel) } }, { threads });
}

export class KernelRows {
  readonly count: number;
  /** K(x, x), [count] */
  readonly diagonal: Float64Array;
  readonly #product: Session;
  readonly #features: number;
  readonly #rows: Float32Array;
  /** -γ‖x‖² */
  readonly #norms: Float32Array;
  readonly #block: { readonly rows: Float32Array; readonly norms: Float32Array; readonly out: Float32Array };
  readonly #capacity: number;
  readonly #slots: Float32Array[] = [];
  /** Of each slot the row that it holds; of each row its slot, or -1. */
  readonly #held: Int32Array;
  readonly #slotOf: Int32Array;
  /** Whether a slot was read since the hand last passed: the clock's approximation of the least recently used. */
  readonly #read: Uint8Array;
  #hand = 0;

  /** @param rows [count, features]; of rbf they are moved to their mean */
  constructor(product: Session, rows: Float32Array, features: number, kernel: Kernel, megabytes: number) {
    const count = rows.length / features;
    if (kernel.kernel === "rbf") centre(rows, count, features);
    this.count = count;
    this.diagonal = diagonalOf(rows, count, features, kernel);
    this.#product = product;
    this.#features = features;
    this.#rows = rows;
    this.#norms = Float32Array.from(squaredNorms(rows, count, features), (s) => -kernel.gamma * s);
    this.#block = { rows: new Float32Array(BLOCK * features), norms: new Float32Array(BLOCK), out: new Float32Array(BLOCK * count) };
    this.#capacity = Math.min(count, Math.max(2 * BLOCK, Math.floor((megabytes * MEGABYTE) / (4 * count))));
    this.#held = new Int32Array(this.#capacity).fill(-1);
    this.#slotOf = new Int32Array(count).fill(-1);
    this.#read = new Uint8Array(this.#capacity);
  }

  /** [count], or undefined where it must be loaded. Valid until the next `load`, or the one after if that one keeps it. */
  at(row: number): Float32Array | undefined {
    const slot = this.#slotOf[row]!;
    if (slot < 0) return undefined;
    this.#read[slot] = 1;
    return this.#slots[slot];
  }

  has(row: number): boolean {
    return this.#slotOf[row]! >= 0;
  }

  /** How many rows a load has room for besides the one that is needed. */
  static readonly company = BLOCK - 1;

  /** @param company rows to load along, not held yet @param keep a row that must stay */
  async load(row: number, company: Int32Array, keep = -1): Promise<Float32Array> {
    const { rows, norms, out } = this.#block;
    const wanted = [row, ...company];
    for (const [i, one] of wanted.entries()) {
      rows.set(this.#rows.subarray(one * this.#features, (one + 1) * this.#features), i * this.#features);
      norms[i] = this.#norms[one]!;
    }
    const feeds = {
      a: { dtype: "float32", shape: [BLOCK, this.#features], data: rows },
      b: { dtype: "float32", shape: [this.count, this.#features], data: this.#rows },
      aNorms: { dtype: "float32", shape: [BLOCK, 1], data: norms },
      bNorms: { dtype: "float32", shape: [this.count], data: this.#norms },
    } as const;
    await this.#product.run(feeds, { rows: { dtype: "float32", shape: [BLOCK, this.count], data: out } });
    // The needed row comes last: no other can take its slot.
    for (let i = wanted.length - 1; i >= 0; i--) this.#put(wanted[i]!, out.subarray(i * this.count, (i + 1) * this.count), keep);
    return this.at(row)!;
  }

  #put(row: number, values: Float32Array, keep: number): void {
    const slot = this.#free(keep);
    if (this.#held[slot]! >= 0) this.#slotOf[this.#held[slot]!] = -1;
    this.#held[slot] = row;
    this.#slotOf[row] = slot;
    this.#read[slot] = 1;
    this.#slots[slot] ??= new Float32Array(this.count);
    this.#slots[slot].set(values);
  }

  #free(keep: number): number {
    if (this.#slots.length < this.#capacity) return this.#slots.length;
    for (; ; this.#hand = (this.#hand + 1) % this.#capacity) {
      const slot = this.#hand;
      if (this.#held[slot] === keep || this.#read[slot]) {
        this.#read[slot] = 0;
        continue;
      }
      this.#hand = (slot + 1) % this.#capacity;
      return slot;
    }
  }
}
