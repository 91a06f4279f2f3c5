/** Training step by step: each step a batch of its own, many of them in one call of the plan's `train` graph. */
import type { Position, Tensors, TrainEvent } from "../shared/events.ts";
import { hash, random } from "../shared/random.ts";
import { asFeeds, batchFeeds, CHECKPOINT_SECONDS, CHUNK_SECONDS, dataFeeds, float32, number32, Pace, weightOf } from "./feeds.ts";
import type { Tensor } from "./graph.ts";
import type { Passed, TrainOptions, Way, WayOptions } from "./trainer.ts";

export class Steps implements Way {
  tensors: Tensors;
  readonly #options: WayOptions;
  readonly #fixed: Record<string, Tensor>;
  readonly #pace: Pace;

  constructor(options: WayOptions, tensors: Tensors) {
    this.tensors = tensors;
    this.#options = options;
    this.#fixed = fixedFeeds(options);
    this.#pace = new Pace(options.chunkSeconds ?? CHUNK_SECONDS);
  }

  async *epoch(): AsyncGenerator<TrainEvent, Passed> {
    const { plan, data, trainRows, epochs, seed, signal, session, course } = this.#options;
    const { spec } = plan;
    const { stepsPerEpoch } = course;
    const order = shuffled(trainRows, seed, course.position.epoch);
    while (course.position.step < stepsPerEpoch) {
      signal?.throwIfAborted();
      const { position } = course;
      const steps = Math.min(this.#pace.steps, stepsPerEpoch - position.step);
      const began = performance.now();
      const rates = Float32Array.from({ length: steps }, (_, i) => course.rateOf(position.update + i));
      const results = await session.run({
        ...this.#fixed,
        ...chunkFeeds(this.#options, order, position, rates),
        ...asFeeds(this.tensors, spec),
      });
      this.#pace.took(steps, performance.now() - began);

      const rows = order.subarray(position.step * spec.batchSize, (position.step + steps) * spec.batchSize);
      const sums = { ...position.sums };
      for (let i = 0; i < steps; i++) {
        const loss = results.loss!.data[i] as number;
        if (!Number.isFinite(loss)) throw course.notFinite("loss", loss, position.update + i + 1);
        const batch = rows.subarray(i * spec.batchSize, (i + 1) * spec.batchSize);
        const weight = weightOf(data, batch);
        sums.loss += loss * weight;
        sums.score += (results.score!.data[i] as number) * weight;
        sums.samples += batch.length;
      }
      const weight = weightOf(data, rows);
      const chunk = { loss: (sums.loss - position.sums.loss) / weight, score: (sums.score - position.sums.score) / weight };
      this.tensors = new Map(spec.state.map(({ name }) => [name, results[`next:${name}`]!.data as Float32Array]));
      const [step, update] = [position.step + steps, position.update + steps];
      course.position = { ...position, step, update, sums };
      const { stepsPerSecond } = this.#pace;
      yield {
        type: "progress",
        epoch: position.epoch + 1,
        step,
        update,
        epochs,
        stepsPerEpoch,
        ...chunk,
        learningRate: course.rateOf(update - 1),
        samplesPerSecond: stepsPerSecond * spec.batchSize,
        secondsLeft: (epochs * stepsPerEpoch - update) / stepsPerSecond,
      };
      if (course.secondsSinceSaved > (this.#options.checkpointSeconds ?? CHECKPOINT_SECONDS)) yield course.checkpoint(this.tensors);
    }
    const { sums } = course.position;
    const weight = weightOf(data, trainRows);
    const loss = sums.loss / weight;
    return { measure: { loss, score: sums.score / weight, objective: loss } };
  }
}

/** What stays the same in every call. The tape of random numbers is a function of the seed. */
function fixedFeeds({ plan: { spec }, data, hyperparameters, seed }: TrainOptions): Record<string, Tensor> {
  const scalars = Object.fromEntries(spec.hyperparameters.map((name) => [name, number32(hyperparameters[name]!)]));
  const { length } = spec.tape;
  return {
    ...dataFeeds(spec, data),
    ...scalars,
    ...(length && { tape: float32([length], random(seed, "tape").fillUniform(new Float32Array(length))) }),
  };
}

/** What belongs to some steps: batches, learning rates, and where each draw reads the tape, a function of seed, update and draw. */
function chunkFeeds(
  { plan: { spec }, data, seed }: TrainOptions,
  order: Int32Array,
  position: Position,
  rates: Float32Array,
): Record<string, Tensor> {
  const steps = rates.length;
  const { length, draws } = spec.tape;
  const offsets = Int32Array.from({ length: steps * draws.length }, (_, n) => {
    const draw = n % draws.length;
    return hash(seed, position.update + Math.floor(n / draws.length), draw) % (length - draws[draw]! + 1);
  });
  return {
    ...batchFeeds(data, order, position.step * spec.batchSize, steps, spec.batchSize),
    learningRate: float32([steps], rates),
    update: number32(position.update + 1),
    ...(draws.length && { offsets: { dtype: "int32", shape: [steps, draws.length], data: offsets } }),
  };
}

const shuffled = (rows: Int32Array, seed: number, epoch: number): Int32Array =>
  random(seed, "shuffle", epoch)
    .permutation(rows.length)
    .map((i) => rows[i]!);
