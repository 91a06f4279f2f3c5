/** L-BFGS: J. Nocedal and S. Wright, "Numerical Optimization", 2nd edition 2006, algorithms 7.4 and 7.5, with the line search 3.5 and 3.6. */
import type { Evaluation, Objective, Work } from "./objective.ts";
import { along, dot, type Solver, steepest } from "./solver.ts";

/** Pairs of steps and changes of the gradient that are remembered. */
const HISTORY = 10;
const TRIALS = 20;
/** A step is good that goes down by this part of what the slope promises, */
const DESCENT = 1e-4;
/** and ends where the slope is below this part of the first. */
const FLATTER = 0.9;
/** A relative decrease that is hardly more than rounding, */
const ROUNDING = 64 * Number.EPSILON;
/** and one that estimates in float32 still tell: they do for the first iterations, where most of the way is made. */
const COARSE = 1e-4;

interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
}

export const lbfgs: Solver = async function* (objective, start, { tol, maxIter }, scale) {
  let { point } = start;
  const { size } = objective;
  let pairs = pairsIn(start.memory.pairs, size);
  let fall = start.memory.pace?.[0] ?? Infinity;
  let precise = start.memory.pace?.[1] === 1;
  let at = yield* objective.evaluate(point, precise);
  for (let iteration = start.iteration; ; iteration++) {
    if (!precise && (fall <= COARSE * at.value || steepest(objective, point, at) <= tol)) {
      precise = true;
      at = yield* objective.evaluate(point);
    }
    const converged = steepest(objective, point, at) <= tol;
    yield { iteration, point, loss: at.loss, converged, memory: { pairs: joined(pairs, size), pace: Float64Array.of(fall, Number(precise)) } };
    if (converged || iteration >= maxIter || (precise && fall <= ROUNDING * Math.max(1, Math.abs(at.value)))) return;
    const slope = scaled(at.gradient, scale);
    const direction = scaled(descent(slope, pairs), scale);
    let next = yield* search(objective, point, at, direction, precise);
    if (!next && !precise) {
      precise = true;
      next = yield* search(objective, point, yield* objective.evaluate(point), direction, precise);
    }
    if (!next) return;
    const moved = next.point.map((p, i) => (p - point[i]!) / scale[i]!);
    const bent = scaled(next.gradient, scale).map((g, i) => g - slope[i]!);
    if (dot(moved, bent) > 0) pairs = [...pairs, { s: moved, y: bent }].slice(-HISTORY);
    fall = at.value - next.value;
    point = next.point;
    at = next;
  }
};

const scaled = (values: Float64Array, scale: Float64Array): Float64Array => values.map((v, i) => v * scale[i]!);

/** -H gradient, H the inverse curvature that the pairs tell of (algorithm 7.4). */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  let q = gradient;
  const parts = pairs.toReversed().map(({ s, y }) => {
    const part = dot(s, q) / dot(s, y);
    q = along(q, -part, y);
    return part;
  });
  const last = pairs.at(-1);
  if (last) {
    const size = dot(last.s, last.y) / dot(last.y, last.y);
    q = q.map((v) => v * size);
  }
  for (const [i, { s, y }] of pairs.entries()) q = along(q, parts[pairs.length - 1 - i]! - dot(y, q) / dot(s, y), s);
  return q.map((v) => -v);
}

interface Trial extends Evaluation {
  readonly step: number;
  /** Along the direction. */
  readonly slope: number;
  readonly point: Float64Array;
}

/** A point along the direction that satisfies the strong Wolfe conditions, or after too many trials one that is lower; undefined where none is. */
async function* search(
  objective: Objective,
  point: Float64Array,
  from: Evaluation,
  direction: Float64Array,
  precise: boolean,
): Work<Trial | undefined> {
  const first = dot(from.gradient, direction);
  if (!(first < 0)) return undefined;
  let low: Trial = { ...from, point, step: 0, slope: first };
  let high: Trial | undefined;
  let step = 1;
  for (let n = 0; n < TRIALS; n++) {
    const there = along(point, step, direction);
    const evaluated = yield* objective.evaluate(there, precise);
    const trial = { ...evaluated, point: there, step, slope: dot(evaluated.gradient, direction) };
    const goesDown = trial.value <= from.value + DESCENT * step * first && trial.value < low.value;
    if (goesDown && Math.abs(trial.slope) <= -FLATTER * first) return trial;
    if (!goesDown) high = trial;
    else {
      if (trial.slope * ((high?.step ?? Infinity) - low.step) >= 0) high = low;
      low = trial;
    }
    step = high ? between(low, high) : 2 * step;
  }
  return low.step > 0 ? low : undefined;
}

/** The lowest point of the cubic through both (equation 3.59), kept away from the ends. */
function between(low: Trial, high: Trial): number {
  const width = high.step - low.step;
  const d1 = low.slope + high.slope - (3 * (low.value - high.value)) / (low.step - high.step);
  const d2 = Math.sign(width) * Math.sqrt(d1 * d1 - low.slope * high.slope);
  const step = high.step - (width * (high.slope + d2 - d1)) / (high.slope - low.slope + 2 * d2);
  const part = (step - low.step) / width;
  return low.step + width * (part >= 0.1 && part <= 0.9 ? part : 0.5);
}

/** Pairs one after the other in one vector. */
function joined(pairs: readonly Pair[], size: number): Float64Array {
  const all = new Float64Array(2 * size * pairs.length);
  for (const [i, { s, y }] of pairs.entries()) {
    all.set(s, 2 * i * size);
    all.set(y, (2 * i + 1) * size);
  }
  return all;
}

function pairsIn(all: Float64Array | undefined, size: number): readonly Pair[] {
  const length = (all?.length ?? 0) / (2 * size);
  const part = (i: number) => all!.slice(i * size, (i + 1) * size);
  return Array.from({ length }, (_, i) => ({ s: part(2 * i), y: part(2 * i + 1) }));
}
