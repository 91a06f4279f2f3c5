/**
 * Sequential minimal optimization with second-order working sets: R.-E. Fan, P.-H. Chen, C.-J. Lin, "Working set selection using second order
 * information for training SVM", JMLR 6, 2005; shrinking as LIBSVM. In β = y α the dual is
 *   min ½ βᵀKβ - yᵀβ   with Σβ = 0 and β between 0 and y C
 * and a step moves β_i up and β_j down by the same.
 */
import { KernelRows } from "./rows.ts";

export interface Settings {
  /** The largest violation of the optimality conditions that may stay. */
  readonly tol: number;
  /** Steps at most; 0: no limit. */
  readonly maxIter: number;
  readonly shrinking: boolean;
  /** Asked at each step: throws where the work is no longer wanted. */
  readonly goOn: () => void;
}
export interface Solution {
  /** β, [rows]. */
  readonly coefficients: Float64Array;
  /** The decision is Σ β_j K(x_j, x) - rho. */
  readonly rho: number;
  readonly iterations: number;
}

/** Instead of curvatures that are not positive. */
const TAU = 1e-12;
const SHRINK_EVERY = 1000;
const [RISES, FALLS] = [1, 2];

interface State {
  readonly rows: KernelRows;
  readonly beta: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Kβ - y. */
  readonly slope: Float64Array;
  /** The part of Kβ that comes from rows at their bound C. */
  readonly bounded: Float64Array;
  /** Whether β may rise, fall, or both. */
  readonly moves: Uint8Array;
  /** Rows of the problem, and those of them that still move; both ascending. */
  readonly all: Int32Array;
  active: Int32Array;
}

/**
 * @param signs +1 or -1, [rows] @param bounds C of each row
 * @param all places of the rows that belong to the problem, ascending
 */
export async function solve(rows: KernelRows, signs: Int8Array, bounds: Float64Array, all: Int32Array, settings: Settings): Promise<Solution> {
  const s = begin(rows, signs, bounds, all);
  const period = Math.min(all.length, SHRINK_EVERY);
  let [iterations, untilShrink, unshrunk] = [0, period, false];
  let i = lowest(s);
  while (!settings.maxIter || iterations < settings.maxIter) {
    settings.goOn();
    if (settings.shrinking && untilShrink-- === 0) {
      untilShrink = period;
      if (!unshrunk && gap(s) <= 10 * settings.tol) {
        unshrunk = true;
        await restore(s, signs);
      }
      shrink(s);
      i = lowest(s);
    }
    const rowI = i < 0 ? undefined : (rows.at(i) ?? (await rows.load(i, worst(s, i))));
    const j = rowI ? partner(s, i, rowI, settings.tol) : -1;
    if (j < 0) {
      if (s.active.length === all.length) break;
      await restore(s, signs);
      i = lowest(s);
      untilShrink = 1;
      continue;
    }
    const rowJ = rows.at(j) ?? (await rows.load(j, worst(s, j), i));
    i = move(s, i, j, rowI!, rowJ, signs);
    iterations++;
  }
  if (s.active.length < all.length) await restore(s, signs);
  return { coefficients: s.beta, rho: threshold(s), iterations };
}

function begin(rows: KernelRows, signs: Int8Array, bounds: Float64Array, all: Int32Array): State {
  const low = Float64Array.from(bounds, (c, k) => (signs[k]! > 0 ? 0 : -c));
  const high = Float64Array.from(bounds, (c, k) => (signs[k]! > 0 ? c : 0));
  return {
    rows,
    low,
    high,
    beta: new Float64Array(rows.count),
    slope: Float64Array.from(signs, (y) => -y),
    bounded: new Float64Array(rows.count),
    moves: Uint8Array.from(signs, (y) => (y > 0 ? RISES : FALLS)),
    all,
    active: all,
  };
}

/** The row with the lowest slope of those that may rise, or -1. */
function lowest({ active, slope, moves }: State): number {
  let [least, at] = [Infinity, -1];
  for (let a = 0; a < active.length; a++) {
    const k = active[a]!;
    if (moves[k]! & RISES && slope[k]! <= least) {
      least = slope[k]!;
      at = k;
    }
  }
  return at;
}

/** The row that may fall whose step with i gains the most, ½ difference² / curvature; or -1 where no pair violates by tol. */
function partner({ active, slope, moves, rows: { diagonal } }: State, i: number, rowI: Float32Array, tol: number): number {
  const [bottom, own] = [slope[i]!, diagonal[i]!];
  let [top, gain, at] = [-Infinity, 0, -1];
  for (let a = 0; a < active.length; a++) {
    const k = active[a]!;
    if (!(moves[k]! & FALLS)) continue;
    const value = slope[k]!;
    if (value > top) top = value;
    const difference = value - bottom;
    if (difference <= 0) continue;
    const curvature = own + diagonal[k]! - 2 * rowI[k]!;
    const gains = (difference * difference) / (curvature > 0 ? curvature : TAU);
    if (gains >= gain) {
      gain = gains;
      at = k;
    }
  }
  return top - bottom < tol ? -1 : at;
}

/** The step along (i up, j down), as far as the bounds let it. @returns the next i */
function move(s: State, i: number, j: number, rowI: Float32Array, rowJ: Float32Array, signs: Int8Array): number {
  const { beta, low, high, slope, rows } = s;
  const curvature = rows.diagonal[i]! + rows.diagonal[j]! - 2 * rowI[j]!;
  const [roomI, roomJ] = [high[i]! - beta[i]!, beta[j]! - low[j]!];
  const step = Math.min((slope[j]! - slope[i]!) / (curvature > 0 ? curvature : TAU), roomI, roomJ);
  const [boundI, boundJ] = [atBound(s, i, signs), atBound(s, j, signs)];
  beta[i] = step === roomI ? high[i]! : beta[i]! + step;
  beta[j] = step === roomJ ? low[j]! : beta[j]! - step;
  settle(s, i);
  settle(s, j);
  if (boundI !== atBound(s, i, signs)) account(s, rowI, boundOf(s, i, signs) * (boundI ? -1 : 1));
  if (boundJ !== atBound(s, j, signs)) account(s, rowJ, boundOf(s, j, signs) * (boundJ ? -1 : 1));
  return descend(s, rowI, rowJ, step);
}

const settle = ({ moves, beta, low, high }: State, k: number) => {
  moves[k] = (beta[k]! < high[k]! ? RISES : 0) | (beta[k]! > low[k]! ? FALLS : 0);
};
/** y C */
const boundOf = ({ low, high }: State, k: number, signs: Int8Array): number => (signs[k]! > 0 ? high : low)[k]!;
const atBound = (s: State, k: number, signs: Int8Array): boolean => s.beta[k] === boundOf(s, k, signs);

function account({ all, bounded }: State, row: Float32Array, beta: number): void {
  for (let a = 0; a < all.length; a++) {
    const k = all[a]!;
    bounded[k] = bounded[k]! + beta * row[k]!;
  }
}

/** Moves the slopes along a step, and finds the lowest of those that may rise on the way. */
function descend({ active, slope, moves }: State, rowI: Float32Array, rowJ: Float32Array, step: number): number {
  let [least, at] = [Infinity, -1];
  for (let a = 0; a < active.length; a++) {
    const k = active[a]!;
    const value = slope[k]! + step * (rowI[k]! - rowJ[k]!);
    slope[k] = value;
    if (value <= least && moves[k]! & RISES) {
      least = value;
      at = k;
    }
  }
  return at;
}

/** The lowest slope of what may rise, and the highest of what may fall: optimal where they do not cross. */
function extremes({ active, slope, moves }: State): { bottom: number; top: number } {
  let [bottom, top] = [Infinity, -Infinity];
  for (let a = 0; a < active.length; a++) {
    const k = active[a]!;
    if (moves[k]! & RISES && slope[k]! < bottom) bottom = slope[k]!;
    if (moves[k]! & FALLS && slope[k]! > top) top = slope[k]!;
  }
  return { bottom, top };
}
const gap = (s: State): number => {
  const { bottom, top } = extremes(s);
  return top - bottom;
};

/** Leaves aside the rows at a bound that no pair would move. */
function shrink(s: State): void {
  const { bottom, top } = extremes(s);
  const { slope, moves } = s;
  s.active = s.active.filter((k) => !((moves[k] === RISES && slope[k]! > top) || (moves[k] === FALLS && slope[k]! < bottom)));
}

/** Brings back the rows left aside, their slopes worked out anew. */
async function restore(s: State, signs: Int8Array): Promise<void> {
  const { rows, all, active, slope, bounded, moves, beta } = s;
  if (active.length === all.length) return;
  const resting = difference(all, active);
  for (const k of resting) slope[k] = bounded[k]! - signs[k]!;
  const free = active.filter((k) => moves[k] === (RISES | FALLS));
  for (const [n, i] of free.entries()) {
    const row = rows.at(i) ?? (await rows.load(i, missing(rows, free.subarray(n + 1))));
    for (let a = 0; a < resting.length; a++) {
      const k = resting[a]!;
      slope[k] = slope[k]! + beta[i]! * row[k]!;
    }
  }
  s.active = all;
}

/** What of `all` is not in `some`; both ascending. */
function difference(all: Int32Array, some: Int32Array): Int32Array {
  let at = 0;
  return all.filter((k) => k !== some[at] || !++at);
}

/** The first rows that are not held, as many as a load takes along. */
function missing(rows: KernelRows, wanted: Int32Array): Int32Array {
  const found = new Int32Array(KernelRows.company);
  let n = 0;
  for (let w = 0; w < wanted.length && n < found.length; w++) if (!rows.has(wanted[w]!)) found[n++] = wanted[w]!;
  return found.subarray(0, n);
}

/** The rows that violate the most among those not held: the solver will soon ask for them. */
function worst(s: State, besides: number): Int32Array {
  const { active, rows, slope, moves } = s;
  const { bottom, top } = extremes(s);
  const candidates = active.filter((k) => k !== besides && !rows.has(k));
  const violations = Float64Array.from(candidates, (k) =>
    Math.max(moves[k]! & RISES ? top - slope[k]! : 0, moves[k]! & FALLS ? slope[k]! - bottom : 0),
  );
  if (candidates.length <= KernelRows.company) return candidates.filter((_, c) => violations[c]! > 0);
  const least = violations.toSorted()[candidates.length - KernelRows.company]!;
  return candidates.filter((_, c) => violations[c]! >= least && violations[c]! > 0).subarray(0, KernelRows.company);
}

/** Σβ K - y of free rows is rho; without any, the middle of where it may lie. */
function threshold(s: State): number {
  const { all, moves, slope } = s;
  let [sum, free] = [0, 0];
  for (const k of all)
    if (moves[k] === (RISES | FALLS)) {
      sum += slope[k]!;
      free++;
    }
  if (free) return sum / free;
  const { bottom, top } = extremes(s);
  return (bottom + top) / 2;
}
