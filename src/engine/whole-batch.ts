/**
 * Training that looks at all samples before each step: the optimizer says a direction, a line search how far to go. An epoch is one step.
 * The point, and the steps that are remembered, are float32 like every checkpoint, so that going on from one gives the same bits.
 */
import type { Measure, Tensors, TrainEvent } from "../shared/events.ts";
import { batchFeeds, CHUNK_SECONDS, dataFeeds, float32, Pace, weightOf } from "./feeds.ts";
import { sizeOf, type Tensor } from "./graph.ts";
import type { Curvature, WholeBatchOptimizer } from "./kinds.ts";
import { strongWolfe, type Trial } from "./line-search.ts";
import type { Passed, Way, WayOptions } from "./trainer.ts";
import { type StateTensor, slotName, sumName } from "./training-plan.ts";

/** What is seen at a point. */
interface Look {
  readonly measure: Measure;
  /** Mean loss and penalty. */
  readonly objective: number;
  readonly gradient: Float64Array;
}
/** A look from a line. */
interface Found extends Trial {
  readonly point: Float32Array;
  readonly look: Look;
}

/** A schedule may end at zero, a line search cannot begin there. */
const SHORTEST_TRIAL = 1e-3;

export class WholeBatch implements Way {
  readonly #options: WayOptions;
  readonly #optimizer: WholeBatchOptimizer;
  readonly #layout: Layout;
  readonly #fixed: Record<string, Tensor>;
  readonly #weight: number;
  readonly #pace: Pace;
  #point: Float32Array;
  /** The newest first. */
  #memory: readonly Curvature[];
  #look: Look | undefined;

  constructor(options: WayOptions, optimizer: WholeBatchOptimizer, tensors: Tensors) {
    const { plan, data, trainRows } = options;
    this.#options = options;
    this.#optimizer = optimizer;
    this.#layout = new Layout(plan.spec.state);
    this.#fixed = dataFeeds(plan.spec, data);
    this.#weight = weightOf(data, trainRows);
    this.#pace = new Pace(options.chunkSeconds ?? CHUNK_SECONDS);
    this.#point = this.#layout.joined((weight) => tensors.get(weight)!);
    this.#memory = this.#layout.memoryIn(tensors);
  }

  get tensors(): Tensors {
    return this.#layout.tensorsOf(this.#point, this.#memory);
  }

  async *epoch(): AsyncGenerator<TrainEvent, Passed> {
    const { course } = this.#options;
    const { update, epoch } = course.position;
    this.#look ??= yield* this.#lookAt(this.#point);
    const here = this.#look;
    if (!Number.isFinite(here.objective)) throw course.notFinite("loss", here.objective, update + 1);
    const over = this.#hasConverged(here);
    if (over && epoch) return { end: "converged" };
    const found = over ? undefined : yield* this.#step(here);
    if (!found && epoch) return { end: "stalled" };
    if (found) this.#move(here, found);
    course.position = { ...course.position, update: update + 1 };
    const { measure, objective } = this.#look;
    const end = this.#hasConverged(this.#look) ? "converged" : found ? undefined : "stalled";
    return { measure: { ...measure, objective }, ...(end && { end }) };
  }

  /** A step in the optimizer's direction; straight down, as if nothing were remembered, where that leads nowhere. */
  async *#step(here: Look): AsyncGenerator<TrainEvent, Found | undefined> {
    const found = yield* this.#search(here);
    if (found || !this.#memory.length) return found;
    this.#memory = [];
    return yield* this.#search(here);
  }

  async *#search({ objective, gradient }: Look): AsyncGenerator<TrainEvent, Found | undefined> {
    const { course } = this.#options;
    const direction = this.#optimizer.direction(gradient, this.#memory);
    const slope = dot(gradient, direction);
    if (!(slope < 0)) return undefined;
    const rate = Math.max(course.rateOf(course.position.update), SHORTEST_TRIAL);
    // Nothing remembered, nothing known of the scale: at first no further than the rate (Nocedal & Wright 2006, section 3.5).
    const first = this.#memory.length ? rate : rate * Math.min(1, 1 / Math.sqrt(dot(direction, direction)));
    const search = strongWolfe<Found>({ at: 0, value: objective, slope }, first, this.#param("lineSearchSteps"));
    for (let next = search.next(); ; ) {
      if (next.done) return next.value;
      const at = next.value;
      const point = this.#point.map((x, i) => x + at * direction[i]!);
      const look = yield* this.#lookAt(point);
      next = search.next({ at, value: look.objective, slope: dot(look.gradient, direction), point, look });
    }
  }

  /** Remembers the step if the loss curves upwards along it, else the next direction might lead uphill. */
  #move({ gradient }: Look, { point, look }: Found): void {
    const s = point.map((x, i) => x - this.#point[i]!);
    const y = Float32Array.from(look.gradient, (g, i) => g - gradient[i]!);
    if (dot(s, y) > Number.EPSILON * dot(y, y)) this.#memory = [{ s, y }, ...this.#memory].slice(0, this.#layout.history);
    this.#point = point;
    this.#look = look;
  }

  /** One pass over all training samples. */
  async *#lookAt(point: Float32Array): AsyncGenerator<TrainEvent, Look> {
    const { plan, data, trainRows, epochs, session, signal, course } = this.#options;
    const { batchSize } = plan.spec;
    const { stepsPerEpoch, position } = course;
    const weights = this.#layout.feeds(point);
    let sums = this.#layout.zeroSums();
    const total = { loss: 0, weight: 0, score: 0 };
    for (let step = 0; step < stepsPerEpoch; ) {
      signal?.throwIfAborted();
      const steps = Math.min(this.#pace.steps, stepsPerEpoch - step);
      const began = performance.now();
      const batches = batchFeeds(data, trainRows, step * batchSize, steps, batchSize);
      const results = await session.run({ ...this.#fixed, ...batches, ...weights, ...sums });
      this.#pace.took(steps, performance.now() - began);
      for (const name of ["loss", "weight", "score"] as const) for (const sum of results[name]!.data as Float32Array) total[name] += sum;
      sums = Object.fromEntries(Object.keys(sums).map((name) => [name, results[`next:${name}`]!]));
      step += steps;
      const { stepsPerSecond } = this.#pace;
      const rows = Math.min(step * batchSize, trainRows.length);
      yield {
        type: "progress",
        epoch: position.epoch + 1,
        step,
        update: position.update,
        epochs,
        stepsPerEpoch,
        loss: total.loss / total.weight,
        score: total.score / weightOf(data, trainRows.subarray(0, rows)),
        learningRate: course.rateOf(position.update),
        samplesPerSecond: stepsPerSecond * batchSize,
        secondsLeft: ((epochs - position.epoch) * stepsPerEpoch - step) / stepsPerSecond,
      };
    }
    const loss = total.loss / total.weight;
    const gradient = this.#layout.gradient(sums, total.weight);
    const penalty = this.#layout.penalise(point, gradient, this.#param("l2"));
    return { measure: { loss, score: total.score / this.#weight }, objective: loss + penalty, gradient };
  }

  #hasConverged({ gradient }: Look): boolean {
    const tolerance = this.#param("tolerance");
    return gradient.every((g) => Math.abs(g) <= tolerance);
  }

  #param(name: "tolerance" | "lineSearchSteps" | "l2"): number {
    return this.#options.hyperparameters[`optimizer.${name}`]!;
  }
}

/** Where each weight lies in one vector of all. */
class Layout {
  readonly history: number;
  readonly #weights: readonly (StateTensor & { readonly from: number; readonly to: number })[];
  readonly #size: number;

  constructor(state: readonly StateTensor[]) {
    let size = 0;
    this.#weights = state
      .filter(({ role }) => role === "weight")
      .map((tensor) => {
        const from = size;
        size += sizeOf(tensor.shape);
        return { ...tensor, from, to: size };
      });
    this.#size = size;
    this.history = (state.length - this.#weights.length) / (2 * this.#weights.length);
  }

  joined(part: (weight: string) => Float32Array): Float32Array {
    const vector = new Float32Array(this.#size);
    for (const { name, from } of this.#weights) vector.set(part(name), from);
    return vector;
  }

  /** The steps in a checkpoint; what is not used yet is zero. */
  memoryIn(tensors: Tensors): Curvature[] {
    const slot = (kind: "s" | "y", i: number) => this.joined((weight) => tensors.get(slotName(weight, `${kind}${i + 1}`))!);
    return Array.from({ length: this.history }, (_, i) => ({ s: slot("s", i), y: slot("y", i) })).filter(({ s }) => s.some((v) => v !== 0));
  }

  /** Views, in the plan's order: vectors are never changed. */
  tensorsOf(point: Float32Array, memory: readonly Curvature[]): Tensors {
    const unused = new Float32Array(this.#size);
    const slots = Array.from({ length: this.history }, (_, i) => {
      const { s, y } = memory[i] ?? { s: unused, y: unused };
      return [
        [`s${i + 1}`, s],
        [`y${i + 1}`, y],
      ] as const;
    }).flat();
    return new Map([
      ...this.#weights.map(({ name, from, to }) => [name, point.subarray(from, to)] as const),
      ...this.#weights.flatMap(({ name, from, to }) => slots.map(([slot, vector]) => [slotName(name, slot), vector.subarray(from, to)] as const)),
    ]);
  }

  feeds(point: Float32Array): Record<string, Tensor> {
    return Object.fromEntries(this.#weights.map(({ name, shape, from, to }) => [name, float32(shape, point.subarray(from, to))]));
  }

  zeroSums(): Record<string, Tensor> {
    return Object.fromEntries(
      this.#weights.map(({ name, shape, from, to }) => [sumName(name), { dtype: "float64", shape, data: new Float64Array(to - from) }]),
    );
  }

  /** Of the mean: sums over samples by what they count together. */
  gradient(sums: Readonly<Record<string, Tensor>>, weight: number): Float64Array {
    const vector = new Float64Array(this.#size);
    for (const { name, from } of this.#weights) vector.set(sums[sumName(name)]!.data as Float64Array, from);
    return vector.map((sum) => sum / weight);
  }

  /** l2/2 · Σ w² over weights with more than one axis; adds its gradient l2·w. */
  penalise(point: Float32Array, gradient: Float64Array, l2: number): number {
    let squares = 0;
    for (const { shape, from, to } of this.#weights)
      for (let i = from; shape.length > 1 && i < to; i++) {
        gradient[i]! += l2 * point[i]!;
        squares += point[i]! ** 2;
      }
    return (l2 / 2) * squares;
  }
}

function dot(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
