/**
 * Linear machines one class against the rest, as LIBLINEAR: C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi, S. Sundararajan, "A dual coordinate
 * descent method for large-scale linear SVM", ICML 2008. The intercept is the weight of one more feature that is always 1.
 */
import { random } from "../../shared/random.ts";
import type { SparseRows } from "./sparse.ts";

export interface LinearProblem {
  /** [count, features] */
  readonly dense: Float32Array;
  /** The same without its zeros, where that is much less. */
  readonly sparse?: SparseRows;
  readonly features: number;
  /** Rows that count, ascending. */
  readonly rows: Int32Array;
  /** +1 or -1, [rows] */
  readonly signs: Int8Array;
  /** C of each row, [rows] */
  readonly bounds: Float64Array;
}
export interface LinearSettings {
  readonly loss: "hinge" | "squared_hinge";
  readonly tol: number;
  /** Passes at most. */
  readonly maxIter: number;
  /** Asked at each pass: throws where the work is no longer wanted. */
  readonly goOn: () => void;
}

/** w·x and w += step x of a row. */
interface RowAlgebra {
  dot(w: Float64Array, row: number): number;
  add(w: Float64Array, row: number, step: number): void;
  square(row: number): number;
}

/** @returns weights, the intercept last, [features + 1] */
export function descend(problem: LinearProblem, { loss, tol, maxIter, goOn }: LinearSettings, key: readonly number[]): Float64Array {
  const { features, rows, signs, bounds } = problem;
  const algebra = problem.sparse ? sparseAlgebra(problem.sparse) : denseAlgebra(problem.dense, features);
  const w = new Float64Array(features + 1);
  const alpha = new Float64Array(rows.length);
  // hinge: 0 ≤ α ≤ C; squared hinge: 0 ≤ α, and α² / 4C in the objective
  const ridge = loss === "hinge" ? new Float64Array(rows.length) : bounds.map((c) => 0.5 / c);
  const most = loss === "hinge" ? bounds : new Float64Array(rows.length).fill(Infinity);
  const curvature = Float64Array.from(rows, (row, i) => algebra.square(row) + 1 + ridge[i]!);
  const order = Int32Array.from(rows, (_, i) => i);
  const { below } = random("svm", ...key);
  let [active, highest, lowest] = [rows.length, Infinity, -Infinity];

  for (let pass = 0; pass < maxIter; pass++) {
    goOn();
    for (let s = 0; s < active; s++) swap(order, s, s + below(active - s));
    let [passHighest, passLowest] = [-Infinity, Infinity];
    for (let s = 0; s < active; s++) {
      const i = order[s]!;
      const [row, y, now] = [rows[i]!, signs[i]!, alpha[i]!];
      const slope = y * (algebra.dot(w, row) + w[features]!) - 1 + now * ridge[i]!;
      if ((now === 0 && slope > highest) || (now === most[i] && slope < lowest)) {
        swap(order, s--, --active);
        continue;
      }
      const projected = now === 0 ? Math.min(slope, 0) : now === most[i] ? Math.max(slope, 0) : slope;
      if (projected > passHighest) passHighest = projected;
      if (projected < passLowest) passLowest = projected;
      if (Math.abs(projected) <= 1e-12) continue;
      const next = Math.min(Math.max(now - slope / curvature[i]!, 0), most[i]!);
      alpha[i] = next;
      algebra.add(w, row, (next - now) * y);
      w[features]! += (next - now) * y;
    }
    const settled = passHighest - passLowest <= tol;
    if (settled && active === rows.length) break;
    if (settled) active = rows.length;
    highest = settled || passHighest <= 0 ? Infinity : passHighest;
    lowest = settled || passLowest >= 0 ? -Infinity : passLowest;
  }
  return w;
}

function swap(items: Int32Array, a: number, b: number): void {
  const held = items[a]!;
  items[a] = items[b]!;
  items[b] = held;
}

const sparseAlgebra = ({ starts, columns, values }: SparseRows): RowAlgebra => ({
  dot(w, row) {
    let sum = 0;
    for (let at = starts[row]!, end = starts[row + 1]!; at < end; at++) sum += w[columns[at]!]! * values[at]!;
    return sum;
  },
  add(w, row, step) {
    for (let at = starts[row]!, end = starts[row + 1]!; at < end; at++) w[columns[at]!]! += step * values[at]!;
  },
  square(row) {
    let sum = 0;
    for (let at = starts[row]!, end = starts[row + 1]!; at < end; at++) sum += values[at]! * values[at]!;
    return sum;
  },
});

const denseAlgebra = (rows: Float32Array, features: number): RowAlgebra => ({
  dot(w, row) {
    const [from, four] = [row * features, features - (features % 4)];
    let [a, b, c, d] = [0, 0, 0, 0]; // four sums at once, as additions wait for each other
    for (let f = 0; f < four; f += 4) {
      a += w[f]! * rows[from + f]!;
      b += w[f + 1]! * rows[from + f + 1]!;
      c += w[f + 2]! * rows[from + f + 2]!;
      d += w[f + 3]! * rows[from + f + 3]!;
    }
    for (let f = four; f < features; f++) a += w[f]! * rows[from + f]!;
    return a + b + (c + d);
  },
  add(w, row, step) {
    const from = row * features;
    for (let f = 0; f < features; f++) w[f]! += step * rows[from + f]!;
  },
  square(row) {
    let sum = 0;
    for (let at = row * features, end = at + features; at < end; at++) sum += rows[at]! * rows[at]!;
    return sum;
  },
});
