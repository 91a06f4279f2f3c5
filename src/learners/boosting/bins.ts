/** Features in at most 255 bins: trees then look at counts of bins, not at values. As scikit-learn's _BinMapper. */
import { random } from "../../shared/random.ts";
import type { FitData } from "../kinds.ts";

/** The bin of a missing value, whatever the feature. */
export const MISSING = 255;
/** Rows that quantiles are taken of. */
const SAMPLE = 200_000;

export interface Bins {
  /** Bin of each value, column by column: [features, count], in memory that threads share. */
  readonly codes: Uint8Array;
  /** Of each feature, rising: a value goes into the first bin whose threshold it does not exceed, float32. */
  readonly thresholds: readonly Float32Array[];
  /** Of each feature whether a value is missing. */
  readonly gaps: Uint8Array;
}

/** Column after column, told before each. @param maxBins besides that of missing values, at most 255 */
export function* binning(
  { inputs, count, features }: Pick<FitData, "inputs" | "count" | "features">,
  maxBins: number,
  seed: number,
): Generator<void, Bins> {
  const codes = new Uint8Array(new SharedArrayBuffer(count * features));
  const thresholds: Float32Array[] = [];
  const gaps = new Uint8Array(features);
  const sample = count > SAMPLE ? random(seed, "bins").permutation(count).subarray(0, SAMPLE) : undefined;
  const column = new Float32Array(count);
  for (let f = 0; f < features; f++) {
    yield;
    for (let row = 0, at = f; row < count; row++, at += features) column[row] = inputs[at]!;
    const cuts = inputs instanceof Uint8Array ? cutsOfBytes(column, sample, maxBins) : cutsOf(column, sample, maxBins);
    thresholds.push(cuts);
    if (inputs instanceof Uint8Array) {
      const codeOf = Uint8Array.from({ length: 256 }, (_, value) => binOf(value, cuts));
      for (let row = 0; row < count; row++) codes[f * count + row] = codeOf[column[row]!]!;
      continue;
    }
    for (let row = 0; row < count; row++) {
      const missing = Number.isNaN(column[row]!);
      if (missing) gaps[f] = 1;
      codes[f * count + row] = missing ? MISSING : binOf(column[row]!, cuts);
    }
  }
  return { codes, thresholds, gaps };
}

function binOf(value: number, cuts: Float32Array): number {
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= cuts[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

function cutsOf(column: Float32Array, sample: Int32Array | undefined, maxBins: number): Float32Array {
  const taken = sample ? Float32Array.from(sample, (row) => column[row]!) : column;
  const sorted = taken.filter((value) => !Number.isNaN(value)).sort();
  const distinct: number[] = [];
  const ends: number[] = [];
  for (let i = 0; i < sorted.length; i++) {
    if (i && sorted[i] === sorted[i - 1]) ends[ends.length - 1] = i + 1;
    else {
      distinct.push(sorted[i]!);
      ends.push(i + 1);
    }
  }
  return cutsBetween(distinct, ends, maxBins);
}

function cutsOfBytes(column: Float32Array, sample: Int32Array | undefined, maxBins: number): Float32Array {
  const counts = new Float64Array(256);
  for (let i = 0; i < (sample?.length ?? column.length); i++) counts[column[sample ? sample[i]! : i]!]!++;
  const distinct = Array.from(counts.keys()).filter((value) => counts[value]! > 0);
  let total = 0;
  return cutsBetween(
    distinct,
    distinct.map((value) => (total += counts[value]!)),
    maxBins,
  );
}

/** @param ends how many values are at most each of the distinct ones */
function cutsBetween(distinct: readonly number[], ends: readonly number[], maxBins: number): Float32Array {
  if (distinct.length <= maxBins)
    return Float32Array.from({ length: Math.max(0, distinct.length - 1) }, (_, i) => between(distinct[i]!, distinct[i + 1]!));
  const total = ends.at(-1)!;
  const cuts: number[] = [];
  let place = 0;
  for (let k = 1; k < maxBins; k++) {
    // numpy's percentile, method "midpoint"
    const at = (k / maxBins) * (total - 1);
    while (ends[place]! <= Math.floor(at)) place++;
    const [low, high] = [distinct[place]!, ends[place]! > Math.ceil(at) ? distinct[place]! : distinct[place + 1]!];
    const cut = low === high ? low : between(low, high);
    if (cut !== cuts.at(-1)) cuts.push(cut);
  }
  return Float32Array.from(cuts);
}

/** The middle, in float32 below the second. */
function between(a: number, b: number): number {
  const middle = Math.fround(a / 2 + b / 2);
  return middle < b ? middle : a;
}
