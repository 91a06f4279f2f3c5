/**
 * FISTA: gradient steps with momentum, each followed by the shrinking that the l1 penalty asks for.
 * A. Beck and M. Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse Problems", 2009; begun anew where the momentum leads up:
 * B. O'Donoghue and E. Candès, "Adaptive Restart for Accelerated Gradient Schemes", 2015.
 */
import { along, type Solver, shrunk, steepest } from "./solver.ts";

const TRIALS = 60;

export const proximal: Solver = async function* (objective, start, { tol, maxIter }, scale) {
  const { l1 } = objective.problem;
  const { penalised } = objective;
  let { point } = start;
  let momentum = start.memory.pace?.[0] ?? 1;
  let bend = start.memory.pace?.[1] ?? 1; // bounds the curvature, in point / scale
  let ahead = start.memory.ahead ?? point;
  let at = yield* objective.evaluate(point);
  for (let iteration = start.iteration; ; iteration++) {
    const converged = steepest(objective, point, at) <= tol;
    yield { iteration, point, loss: at.loss, converged, memory: { ahead, pace: Float64Array.of(momentum, bend) } };
    if (converged || iteration >= maxIter) return;
    const from = yield* objective.evaluate(ahead);
    const stepped = () =>
      ahead.map((a, i) => {
        const width = scale[i]! ** 2 / bend;
        return shrunk(a - width * from.gradient[i]!, i < penalised ? width * l1 : 0);
      });
    let next = point;
    for (let n = 0; ; n++, bend *= 2) {
      if (n === TRIALS) return;
      next = stepped();
      at = yield* objective.evaluate(next);
      let bound = from.value;
      for (let i = 0; i < next.length; i++) {
        const d = next[i]! - ahead[i]!;
        bound += from.gradient[i]! * d + (bend / 2) * (d / scale[i]!) ** 2;
      }
      if (at.value <= bound + 1e-14 * Math.abs(bound)) break;
    }
    let uphill = 0;
    for (let i = 0; i < next.length; i++) uphill += ((ahead[i]! - next[i]!) * (next[i]! - point[i]!)) / scale[i]! ** 2;
    const later = uphill > 0 ? 1 : (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2;
    const carry = uphill > 0 ? 0 : (momentum - 1) / later;
    ahead = along(next, carry, along(next, -1, point));
    momentum = later;
    point = next;
  }
};
