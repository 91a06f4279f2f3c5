/**
 * Newton's method with a line search: each step solves the quadratic that touches the objective, by Cholesky where it is smooth, by coordinate descent
 * with an l1 penalty (J. Friedman, T. Hastie and R. Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent", 2010;
 * J. Lee, Y. Sun and M. Saunders, "Proximal Newton-Type Methods for Minimizing Composite Functions", 2014).
 */
import { setImmediate } from "node:timers/promises";
import type { Objective, Work } from "./objective.ts";
import { absolutes, along, dot, type Solver, shrunk, steepest } from "./solver.ts";

/** Added to the curvature of numbers of like scale, so that directions without any are not followed. */
const RIDGE = 1e-10;
const DESCENT = 1e-4;
const HALVINGS = 40;
const SWEEPS = 5000;
/** Coordinate descent ends where a sweep changes the quadratic by no more than this part of what the first did. */
const SETTLED = 1e-13;
/** Numbers of sweeps read between two breaths. */
const BREATH = 1 << 25;

/** The step to the lowest point of gradient' d + d' curvature d / 2 + l1 |point + d|. */
type Step = (objective: Objective, curvature: Float64Array, gradient: Float64Array, point: Float64Array) => Work<Float64Array>;

const newtonBy = (step: Step): Solver =>
  async function* (objective, start, { tol, maxIter }) {
    let { point } = start;
    let at = yield* objective.evaluate(point);
    for (let iteration = start.iteration; ; iteration++) {
      const converged = steepest(objective, point, at) <= tol;
      yield { iteration, point, loss: at.loss, converged, memory: {} };
      if (converged || iteration >= maxIter) return;
      const curvature = yield* objective.curvature(point);
      const direction = yield* step(objective, curvature, at.gradient, point);
      const held = absolutes(objective, point);
      const promise = dot(at.gradient, direction) + absolutes(objective, along(point, 1, direction)) - held;
      let size = 1;
      let next = at;
      for (let n = 0; ; n++, size /= 2) {
        if (n === HALVINGS || !(promise < 0)) return;
        const there = along(point, size, direction);
        next = yield* objective.evaluate(there);
        if (!(next.value + absolutes(objective, there) <= at.value + held + DESCENT * size * promise)) continue;
        point = there;
        break;
      }
      at = next;
    }
  };

export const newton: Solver = newtonBy(async function* ({ size }, curvature, gradient) {
  const scale = Float64Array.from({ length: size }, (_, i) => 1 / Math.sqrt(curvature[i * size + i]! || 1));
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) curvature[i * size + j]! *= scale[i]! * scale[j]!;
    curvature[i * size + i]! += RIDGE;
  }
  factorise(curvature, size);
  await setImmediate();
  yield;
  return solve(
    curvature,
    gradient.map((g, i) => -g * scale[i]!),
  ).map((d, i) => d * scale[i]!);
});

/** Cholesky, in place: the lower triangle becomes L with L L' the matrix. A pivot that rounding took away becomes huge, and its number stays. */
function factorise(a: Float64Array, size: number): void {
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      const rest = a[i * size + j]! - rowsDot(a, i * size, j * size, j);
      a[i * size + j] = i > j ? rest / a[j * size + j]! : rest > 0 ? Math.sqrt(rest) : 1e150;
    }
}

/** Of two stretches of `a`. Four sums, as each addition waits for the one before it. */
function rowsDot(a: Float64Array, one: number, other: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 4 <= length; k += 4) {
    s0 += a[one + k]! * a[other + k]!;
    s1 += a[one + k + 1]! * a[other + k + 1]!;
    s2 += a[one + k + 2]! * a[other + k + 2]!;
    s3 += a[one + k + 3]! * a[other + k + 3]!;
  }
  for (; k < length; k++) s0 += a[one + k]! * a[other + k]!;
  return s0 + s1 + s2 + s3;
}

/** x of L L' x = b. */
function solve(lower: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  const x = b.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i * size + k]! * x[k]!;
    x[i]! /= lower[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    x[i]! /= lower[i * size + i]!;
    for (let k = 0; k < i; k++) x[k]! -= lower[i * size + k]! * x[i]!;
  }
  return x;
}

export const coordinate: Solver = newtonBy(async function* ({ problem: { l1 }, penalised, size }, curvature, gradient, point) {
  const step = new Float64Array(size);
  const slope = gradient.slice(); // of the quadratic at the step
  const breath = Math.max(1, Math.floor(BREATH / (size * size)));
  let first = 0;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let most = 0; // by how much, at most, a number of the step changed the quadratic, doubled
    for (let i = 0; i < size; i++) {
      const bend = curvature[i * size + i]!;
      if (!(bend > 0)) continue;
      const old = point[i]! + step[i]!;
      const best = shrunk(old - slope[i]! / bend, i < penalised ? l1 / bend : 0);
      const change = best - old;
      if (change === 0) continue;
      step[i] = best - point[i]!;
      for (let k = 0; k < size; k++) slope[k]! += curvature[i * size + k]! * change;
      most = Math.max(most, bend * change * change);
    }
    first ||= most;
    if (most <= SETTLED * first) break;
    if (sweep % breath < breath - 1) continue;
    await setImmediate();
    yield;
  }
  return step;
});
