/**
 * Probabilities from decision values, P(first class | d) = 1 / (1 + exp(A d + B)): J. Platt, 1999, by the Newton method of H.-T. Lin, C.-J. Lin,
 * R. C. Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68, 2007.
 */
import { random } from "../../shared/random.ts";
import type { KernelRows } from "./rows.ts";
import { type Settings, type Solution, solve } from "./smo.ts";

export interface Platt {
  readonly a: number;
  readonly b: number;
}

const FOLDS = 5;

/** Fits the sigmoid to decisions of rows that the machine behind them had not seen: of five machines, each without a fifth of the rows. */
export async function calibrate(
  rows: KernelRows,
  signs: Int8Array,
  bounds: Float64Array,
  settings: Settings,
  key: readonly number[],
): Promise<Platt> {
  const order = random("svm", ...key).permutation(rows.count);
  const decisions = new Float64Array(rows.count);
  for (let fold = 0; fold < FOLDS; fold++) {
    const [begin, end] = [Math.floor((fold * rows.count) / FOLDS), Math.floor(((fold + 1) * rows.count) / FOLDS)];
    const held = order.slice(begin, end);
    const seen = Int32Array.of(...order.subarray(0, begin), ...order.subarray(end)).sort();
    const classes = new Set(Array.from(seen, (k) => signs[k]!));
    if (classes.size < 2) for (const k of held) decisions[k] = [...classes][0] ?? 0;
    else await decide(rows, await solve(rows, signs, bounds, seen, settings), held, decisions);
  }
  return sigmoidOf(decisions, signs);
}

/** Writes the decisions of some rows. */
async function decide(rows: KernelRows, { coefficients, rho }: Solution, held: Int32Array, decisions: Float64Array): Promise<void> {
  for (const k of held) decisions[k] = -rho;
  for (let j = 0; j < rows.count; j++) {
    if (!coefficients[j]) continue;
    const row = rows.at(j) ?? (await rows.load(j, new Int32Array(0)));
    for (let h = 0; h < held.length; h++) decisions[held[h]!]! += coefficients[j]! * row[held[h]!]!;
  }
}

const RIDGE = 1e-12;
const LEAST_STEP = 1e-10;
const FLAT = 1e-5;

/** The A and B of the largest likelihood. */
export function sigmoidOf(decisions: Float64Array, signs: Int8Array): Platt {
  const first = signs.reduce((n, y) => n + Number(y > 0), 0);
  const second = signs.length - first;
  const targets = Float64Array.from(signs, (y) => (y > 0 ? (first + 1) / (first + 2) : 1 / (second + 2)));
  let [a, b] = [0, Math.log((second + 1) / (first + 1))];
  let loss = crossEntropy(decisions, targets, a, b);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { ga, gb, haa, hab, hbb } = derivatives(decisions, targets, a, b);
    if (Math.abs(ga) < FLAT && Math.abs(gb) < FLAT) break;
    const determinant = haa * hbb - hab * hab;
    const [da, db] = [-(hbb * ga - hab * gb) / determinant, -(haa * gb - hab * ga) / determinant];
    let [step, next] = [1, Infinity];
    for (; step >= LEAST_STEP; step /= 2) {
      next = crossEntropy(decisions, targets, a + step * da, b + step * db);
      if (next < loss + 1e-4 * step * (ga * da + gb * db)) break;
    }
    if (step < LEAST_STEP) break;
    [a, b, loss] = [a + step * da, b + step * db, next];
  }
  return { a, b };
}

function crossEntropy(decisions: Float64Array, targets: Float64Array, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < decisions.length; i++) {
    const z = decisions[i]! * a + b;
    sum += (z >= 0 ? targets[i]! : targets[i]! - 1) * z + Math.log1p(Math.exp(-Math.abs(z)));
  }
  return sum;
}

function derivatives(decisions: Float64Array, targets: Float64Array, a: number, b: number) {
  let [ga, gb, haa, hab, hbb] = [0, 0, RIDGE, 0, RIDGE];
  for (let i = 0; i < decisions.length; i++) {
    const d = decisions[i]!;
    const small = Math.exp(-Math.abs(d * a + b));
    const p = (d * a + b >= 0 ? small : 1) / (1 + small);
    const spread = small / (1 + small) ** 2; // p (1 - p)
    haa += d * d * spread;
    hab += d * spread;
    hbb += spread;
    ga += d * (targets[i]! - p);
    gb += targets[i]! - p;
  }
  return { ga, gb, haa, hab, hbb };
}
