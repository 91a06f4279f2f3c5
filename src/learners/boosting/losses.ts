/** What boosting minimises: its start, its gradient and its mean. Raw predictions are [targets, count]. */
import type { SharedFit } from "./tree-thread.ts";

type Weights = Float64Array | undefined;
interface Loss {
  /** The constant that is best for some rows, [targets]. */
  baseline(targets: ArrayLike<number>, weights: Weights, rows: Int32Array, width: number): Float32Array;
  /** First and second derivatives by the raw predictions of all rows, times their weights. */
  gradients(fit: Pick<SharedFit, "raw" | "gradients" | "hessians" | "count">, targets: ArrayLike<number>, weights: Weights, width: number): void;
  /** Of some rows. */
  mean(raw: Float64Array, targets: ArrayLike<number>, weights: Weights, rows: Int32Array, count: number, width: number): number;
}

const EPSILON = 2 ** -52;

/** Share of the weight that each of some classes has, kept from 0 and 1. */
function shares(targets: ArrayLike<number>, weights: Weights, rows: Int32Array, classes: number): Float64Array {
  const sums = new Float64Array(classes);
  for (const row of rows) sums[targets[row]!]! += weights?.[row] ?? 1;
  const total = sums.reduce((a, b) => a + b, 0);
  return sums.map((sum) => Math.min(1 - EPSILON, Math.max(EPSILON, sum / total)));
}

function average(rows: Int32Array, weights: Weights, of: (row: number) => number): number {
  let [sum, total] = [0, 0];
  for (const row of rows) {
    const weight = weights ? weights[row]! : 1;
    sum += weight * of(row);
    total += weight;
  }
  return total ? sum / total : 0;
}

export const losses = {
  /** (raw - y)² / 2 */
  squared: {
    baseline: (targets, weights, rows) => Float32Array.of(average(rows, weights, (row) => targets[row]!)),
    gradients({ raw, gradients, hessians, count }, targets, weights) {
      for (let i = 0; i < count; i++) {
        const weight = weights ? weights[i]! : 1;
        gradients[i] = weight * (raw[i]! - targets[i]!);
        hessians[i] = weight;
      }
    },
    mean: (raw, targets, weights, rows) => average(rows, weights, (row) => (raw[row]! - targets[row]!) ** 2 / 2),
  },

  /** log(1 + exp(raw)) - y raw, y whether it is the second class */
  binary: {
    baseline(targets, weights, rows) {
      const p = shares(targets, weights, rows, 2)[1]!;
      return Float32Array.of(Math.log(p / (1 - p)));
    },
    gradients({ raw, gradients, hessians, count }, targets, weights) {
      for (let i = 0; i < count; i++) {
        const weight = weights ? weights[i]! : 1;
        const p = 1 / (1 + Math.exp(-raw[i]!));
        gradients[i] = weight * (p - targets[i]!);
        hessians[i] = weight * p * (1 - p);
      }
    },
    mean: (raw, targets, weights, rows) =>
      average(rows, weights, (row) => Math.max(raw[row]!, 0) + Math.log1p(Math.exp(-Math.abs(raw[row]!))) - targets[row]! * raw[row]!),
  },

  /** log Σ exp(raw) - raw of the class */
  multinomial: {
    baseline(targets, weights, rows, width) {
      const logs = shares(targets, weights, rows, width).map(Math.log);
      const mean = logs.reduce((a, b) => a + b, 0) / width;
      return Float32Array.from(logs, (log) => log - mean);
    },
    gradients({ raw, gradients, hessians, count }, targets, weights, width) {
      const exps = new Float64Array(width);
      for (let i = 0; i < count; i++) {
        const weight = weights ? weights[i]! : 1;
        let most = raw[i]!;
        for (let c = 1; c < width; c++) most = Math.max(most, raw[c * count + i]!);
        let sum = 0;
        for (let c = 0; c < width; c++) {
          exps[c] = Math.exp(raw[c * count + i]! - most);
          sum += exps[c]!;
        }
        for (let c = 0; c < width; c++) {
          const p = exps[c]! / sum;
          gradients[c * count + i] = weight * (p - Number(targets[i] === c));
          hessians[c * count + i] = weight * p * (1 - p);
        }
      }
    },
    mean: (raw, targets, weights, rows, count, width) =>
      average(rows, weights, (row) => {
        let most = raw[row]!;
        for (let c = 1; c < width; c++) most = Math.max(most, raw[c * count + row]!);
        let sum = 0;
        for (let c = 0; c < width; c++) sum += Math.exp(raw[c * count + row]! - most);
        return most + Math.log(sum) - raw[targets[row]! * count + row]!;
      }),
  },
} satisfies Record<string, Loss>;
