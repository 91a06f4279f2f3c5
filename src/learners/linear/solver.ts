/** What the solvers of logistic regression share: how they are called, and what they tell. */
import type { Evaluation, Objective } from "./objective.ts";

/** Where a solver is after an iteration. */
export interface Iterate {
  readonly iteration: number;
  readonly point: Float64Array;
  readonly loss: number;
  /** Whether no slope is above the tolerance. */
  readonly converged: boolean;
  /** What the solver goes on from beside the point. */
  readonly memory: Readonly<Record<string, Float64Array>>;
}
/** Where a solver begins. */
export type Start = Pick<Iterate, "iteration" | "point" | "memory">;

/**
 * Yields an iterate after each iteration, the first one where it starts, and undefined where it only breathes. It ends where it converged, after
 * maxIter iterations, or where double precision finds nothing lower.
 * @param scale brings the numbers of a point to a like curvature, [size]: a solver that has none of its own works on point / scale
 */
export type Solver = (
  objective: Objective,
  start: Start,
  limits: { readonly tol: number; readonly maxIter: number },
  scale: Float64Array,
) => AsyncGenerator<Iterate | undefined, void>;

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** point + step * direction */
export const along = (point: Float64Array, step: number, direction: Float64Array): Float64Array => point.map((p, i) => p + step * direction[i]!);

/** The l1 part of the penalty. */
export function absolutes({ problem: { l1 }, penalised }: Objective, point: Float64Array): number {
  if (!l1) return 0;
  let sum = 0;
  for (let i = 0; i < penalised; i++) sum += Math.abs(point[i]!);
  return l1 * sum;
}

/** The steepest slope at a point; at a 0 that the l1 penalty holds, what is beyond it. */
export function steepest({ problem: { l1 }, penalised }: Objective, point: Float64Array, { gradient }: Evaluation): number {
  let most = 0;
  for (let i = 0; i < point.length; i++) {
    const hold = i < penalised ? l1 : 0;
    const slope = point[i] ? Math.abs(gradient[i]! + hold * Math.sign(point[i]!)) : Math.max(0, Math.abs(gradient[i]!) - hold);
    most = Math.max(most, slope);
  }
  return most;
}

/** The number nearest to 0 within `by` of the value. */
export const shrunk = (value: number, by: number): number => (Math.abs(value) <= by ? 0 : value - Math.sign(value) * by);
