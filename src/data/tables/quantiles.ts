/**
 * Quantiles and histograms of columns with any number of rows, exact, in constant memory: the bits of float32 in their
 * order are counted by their upper half, then, where a quantile falls, by the lower one. Distinct values are estimated within
 * one percent by HyperLogLog (Flajolet and others 2007).
 */
import { quantileShares } from "../../shared/profile.ts";

/** Passes over rows of numbers, row-major, NaN where missing; each pass gives the same. */
export type Passes = () => AsyncIterable<Float32Array>;
export interface Shape {
  /** At `quantileShares`, between neighbours in a straight line. */
  readonly quantiles: readonly number[];
  /** Between equal steps from the least to the greatest. */
  readonly counts: readonly number[];
  readonly distinct: number;
}

/** Columns that are counted at once: each takes up to nine megabytes. */
const AT_ONCE = 8;
const HALF = 2 ** 16;
const INDEX_BITS = 14;
const REGISTERS = 2 ** INDEX_BITS;

/** @param ends least and greatest of each column; undefined where it has no value */
export async function shapesOf(
  passes: Passes,
  width: number,
  ends: readonly (readonly [number, number] | undefined)[],
  bins: number,
): Promise<Shape[]> {
  const shapes: Shape[] = [];
  for (let from = 0; from < width; from += AT_ONCE) {
    const columns = ends.slice(from, from + AT_ONCE).map((end) => new Counting(end, bins));
    for (const step of ["upper", "lower"] as const) {
      for await (const rows of passes()) {
        const bits = new Uint32Array(rows.buffer, rows.byteOffset, rows.length);
        for (const [c, column] of columns.entries()) column[step](rows, bits, from + c, width);
      }
      for (const column of columns) column.settle(step);
    }
    shapes.push(...columns.map((column) => column.shape()));
  }
  return shapes;
}

/** Bits of a float32 as an integer of the same order. */
const keyOf = (bits: number): number => (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
const numberOf = (key: number): number => new Float32Array(Uint32Array.of(key & 0x80000000 ? key & 0x7fffffff : ~key).buffer)[0]!;

/** 32 bits to 32 others, each to one: the end of MurmurHash3. */
function mixed(bits: number): number {
  let h = bits ^ (bits >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Adds half of the bits of an order statistic. */
function seek(one: { within: number; bits: number }, counts: Uint32Array, from: number): void {
  let at = from;
  while (one.within >= counts[at]!) one.within -= counts[at++]!;
  one.bits = one.bits * HALF + (at - from);
}

/** One column. */
class Counting {
  readonly #least: number;
  readonly #scale: number;
  readonly #bins: Float64Array;
  #count = 0;
  /** The longest run of zeros that a hash with this index began with, and one. */
  readonly #registers = new Uint8Array(REGISTERS);
  readonly #upper = new Uint32Array(HALF);
  /** Which block of `#lower` values with this upper half are counted in, from 1; 0: none, as no quantile is there. */
  readonly #blockOf = new Uint8Array(HALF);
  #lower = new Uint32Array(0);
  /** Order statistics that are sought: how many values with the same upper half are less, and the bits so far. */
  #sought: { readonly rank: number; within: number; bits: number }[] = [];

  constructor(ends: readonly [number, number] | undefined, bins: number) {
    const [least, most] = ends ?? [0, 0];
    this.#least = least;
    this.#bins = new Float64Array(most > least ? bins : 1);
    this.#scale = most > least ? bins / (most - least) : 0;
  }

  upper(rows: Float32Array, bits: Uint32Array, column: number, width: number): void {
    const [upper, registers, bins, least, scale] = [this.#upper, this.#registers, this.#bins, this.#least, this.#scale];
    const last = bins.length - 1;
    let count = 0;
    for (let at = column; at < rows.length; at += width) {
      const value = rows[at]!;
      if (Number.isNaN(value)) continue;
      count++;
      upper[keyOf(bits[at]!) >>> 16]!++;
      const hash = mixed(value === 0 ? 0 : bits[at]!); // there are two zeros
      const run = Math.clz32((hash << INDEX_BITS) | (REGISTERS - 1)) + 1;
      if (run > registers[hash >>> (32 - INDEX_BITS)]!) registers[hash >>> (32 - INDEX_BITS)] = run;
      const bin = Math.floor((value - least) * scale);
      bins[bin < 0 ? 0 : bin > last ? last : bin]!++;
    }
    this.#count += count;
  }

  lower(rows: Float32Array, bits: Uint32Array, column: number, width: number): void {
    const [blockOf, lower] = [this.#blockOf, this.#lower];
    for (let at = column; at < rows.length; at += width) {
      const key = keyOf(bits[at]!);
      const block = blockOf[key >>> 16]!;
      if (block > 0 && !Number.isNaN(rows[at]!)) lower[(block - 1) * HALF + (key & (HALF - 1))]!++;
    }
  }

  /** Finds where the order statistics are among what was counted. */
  settle(step: "upper" | "lower"): void {
    if (this.#count === 0) return;
    if (step === "lower") {
      for (const one of this.#sought) seek(one, this.#lower, (this.#blockOf[one.bits]! - 1) * HALF);
      return;
    }
    const ranks = quantileShares.flatMap((share) => [Math.floor(share * (this.#count - 1)), Math.ceil(share * (this.#count - 1))]);
    this.#sought = [...new Set(ranks)].map((rank) => ({ rank, within: rank, bits: 0 }));
    let blocks = 0;
    for (const one of this.#sought) {
      seek(one, this.#upper, 0);
      this.#blockOf[one.bits] ||= ++blocks;
    }
    this.#lower = new Uint32Array(blocks * HALF);
  }

  shape(): Shape {
    const values = new Map(this.#sought.map(({ rank, bits }) => [rank, numberOf(bits)]));
    const quantiles = quantileShares.map((share) => {
      const at = share * (this.#count - 1);
      const [below, above] = [values.get(Math.floor(at))!, values.get(Math.ceil(at))!];
      return below + (above - below) * (at - Math.floor(at));
    });
    return { quantiles: this.#count ? quantiles : [], counts: [...this.#bins], distinct: this.#distinct() };
  }

  #distinct(): number {
    let [sum, empty] = [0, 0];
    for (const run of this.#registers) {
      sum += 2 ** -run;
      if (run === 0) empty++;
    }
    const estimate = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS ** 2) / sum;
    const few = estimate <= 2.5 * REGISTERS && empty > 0;
    return Math.min(this.#count, Math.round(few ? REGISTERS * Math.log(REGISTERS / empty) : estimate));
  }
}
