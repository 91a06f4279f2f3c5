/**
 * Quantiles and histograms of columns with any number of rows, exact, in constant memory: the bits of float32 in their
 * order are counted by their first 11, then, where a quantile falls, by the next 11, then by the last 10. Distinct values are
 * estimated within one percent by HyperLogLog (Flajolet and others 2007).
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

/** Columns that are counted at once: each takes half a megabyte. */
const AT_ONCE = 128;
const [FIRST, SECOND, THIRD] = [2048, 2048, 1024];
const INDEX_BITS = 14;
const REGISTERS = 2 ** INDEX_BITS;
/** Order statistics that the shares need: two each. */
const MOST_RANKS = 2 * quantileShares.length;

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
    for (const step of ["first", "second", "third"] as const) {
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

/** One column. */
class Counting {
  readonly #least: number;
  readonly #scale: number;
  readonly #bins: Float64Array;
  #count = 0;
  /** The longest run of zeros that a hash with this index began with, and one. */
  readonly #registers = new Uint8Array(REGISTERS);
  /** By the first bits; by the second, for each slot of the first; by the third, for each slot of both. */
  readonly #first = new Float64Array(FIRST);
  readonly #second = new Float64Array(MOST_RANKS * SECOND);
  readonly #third = new Float64Array(MOST_RANKS * THIRD);
  /** Which slot values with these bits are counted in; -1: none, as no quantile is there. */
  readonly #slotOfFirst = new Int16Array(FIRST).fill(-1);
  readonly #slotOfSecond = new Int16Array(MOST_RANKS * SECOND).fill(-1);
  /** Order statistics that are sought: how many values are less within their bits, and the bits so far. */
  #sought: { readonly rank: number; within: number; slot: number; bits: number }[] = [];

  constructor(ends: readonly [number, number] | undefined, bins: number) {
    const [least, most] = ends ?? [0, 0];
    this.#least = least;
    this.#bins = new Float64Array(most > least ? bins : 1);
    this.#scale = most > least ? bins / (most - least) : 0;
  }

  first(rows: Float32Array, bits: Uint32Array, column: number, width: number): void {
    const last = this.#bins.length - 1;
    for (let at = column; at < rows.length; at += width) {
      const value = rows[at]!;
      if (Number.isNaN(value)) continue;
      this.#count++;
      this.#first[keyOf(bits[at]!) >>> 21]!++;
      const hash = mixed(value === 0 ? 0 : bits[at]!); // there are two zeros
      const run = Math.clz32((hash << INDEX_BITS) | (REGISTERS - 1)) + 1;
      if (run > this.#registers[hash >>> (32 - INDEX_BITS)]!) this.#registers[hash >>> (32 - INDEX_BITS)] = run;
      const bin = Math.floor((value - this.#least) * this.#scale);
      this.#bins[bin < 0 ? 0 : bin > last ? last : bin]!++;
    }
  }

  second(rows: Float32Array, bits: Uint32Array, column: number, width: number): void {
    for (let at = column; at < rows.length; at += width) {
      if (Number.isNaN(rows[at]!)) continue;
      const key = keyOf(bits[at]!);
      const slot = this.#slotOfFirst[key >>> 21]!;
      if (slot >= 0) this.#second[slot * SECOND + ((key >>> 10) & (SECOND - 1))]!++;
    }
  }

  third(rows: Float32Array, bits: Uint32Array, column: number, width: number): void {
    for (let at = column; at < rows.length; at += width) {
      if (Number.isNaN(rows[at]!)) continue;
      const key = keyOf(bits[at]!);
      const outer = this.#slotOfFirst[key >>> 21]!;
      const slot = outer < 0 ? -1 : this.#slotOfSecond[outer * SECOND + ((key >>> 10) & (SECOND - 1))]!;
      if (slot >= 0) this.#third[slot * THIRD + (key & (THIRD - 1))]!++;
    }
  }

  /** Finds where the order statistics are among what was counted. */
  settle(step: "first" | "second" | "third"): void {
    if (this.#count === 0) return;
    if (step === "first") {
      const ranks = quantileShares.flatMap((share) => [Math.floor(share * (this.#count - 1)), Math.ceil(share * (this.#count - 1))]);
      this.#sought = [...new Set(ranks)].map((rank) => ({ rank, within: rank, slot: 0, bits: 0 }));
    }
    const [counts, size, slots] = {
      first: [this.#first, FIRST, this.#slotOfFirst] as const,
      second: [this.#second, SECOND, this.#slotOfSecond] as const,
      third: [this.#third, THIRD, undefined] as const,
    }[step];
    let next = 0;
    for (const one of this.#sought) {
      let at = one.slot * size;
      while (one.within >= counts[at]!) one.within -= counts[at++]!;
      one.bits = one.bits * size + (at - one.slot * size);
      if (!slots) continue;
      if (slots[at]! < 0) slots[at] = next++;
      one.slot = slots[at]!;
    }
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
