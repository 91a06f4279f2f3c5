/** Executes a training plan: epochs -> events. Knows nothing of files, screens or servers. */
import { availableParallelism } from "node:os";
import type { Split } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { Checkpoint, Measure, Position, Tensors, TrainEvent } from "../shared/events.ts";
import { hash, random } from "../shared/random.ts";
import { sizeOf, type Tensor } from "./graph.ts";
import type { InitializerKind, Progress } from "./kinds.ts";
import type { LayerSummary } from "./network.ts";
import { type Device, Session } from "./session.ts";
import type { Plan, PlanSpec } from "./training-plan.ts";

/** A plan, its data, and how to go about it. */
export interface TrainOptions {
  readonly plan: Plan;
  /** All samples; `trainRows` and `validationRows` say which are for what. */
  readonly data: Split;
  readonly trainRows: Int32Array;
  readonly validationRows: Int32Array;
  readonly epochs: number;
  /** Settles initial weights, shuffling, dropout and augmentation. */
  readonly seed: number;
  /** The optimizer's learning rate, and its factor at every step. */
  readonly learningRate: number;
  readonly schedule: (progress: Progress) => number;
  /** Values of the plan's scalar inputs. */
  readonly hyperparameters: Readonly<Record<string, number>>;
  readonly initializers: readonly InitializerKind[];
  /** Stop when the selection loss did not fall for so many epochs; 0: never. */
  readonly patience: number;
  readonly device: Device;
  readonly threads: number;
  /** Go on from here, with the best weights so far, if an epoch is over. */
  readonly resume?: { readonly checkpoint: Checkpoint; readonly best?: Tensors };
  /** Stops after the steps under way, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Where checkpoints go, for messages. */
  readonly checkpointPath?: string;
  /** How long one native call lasts: 0 for one step. */
  readonly chunkSeconds?: number;
  /** Time from one checkpoint to the next within an epoch; after an epoch there is one unless the last is fresh. */
  readonly checkpointSeconds?: number;
}

/** Seldom enough to cost nothing, often enough to stop at once. */
const CHUNK_SECONDS = 0.4;
const CHECKPOINT_SECONDS = 30;
/** After an epoch, a checkpoint younger than this is fresh. */
const FRESH_SECONDS = 1;

/**
 * Trains. The same options give the same bits; stopping and resuming gives the bits of never having stopped.
 * @throws LOSS_NOT_FINITE, and what `Session` throws
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent> {
  const { plan, trainRows, validationRows, epochs, seed, resume, signal } = options;
  const { spec } = plan;
  const stepsPerEpoch = Math.ceil(trainRows.length / spec.batchSize);
  let tensors = resume?.checkpoint.tensors ?? initialTensors(spec, options.initializers, seed);
  let position = resume?.checkpoint.position ?? beginning;
  let best = resume?.best ?? tensors;
  let bestUnsaved = false;
  let saved = resume && position;
  let savedAt = performance.now();

  const rateOf = (update: number) => options.learningRate * options.schedule(progressAt(position, update, stepsPerEpoch, epochs));
  const secondsSinceSaved = () => (performance.now() - savedAt) / 1000;
  const checkpoint = (): TrainEvent => {
    for (const { name, role } of spec.state) {
      const stray = role === "optimizer" ? undefined : tensors.get(name)!.find((v) => !Number.isFinite(v));
      if (stray !== undefined) throw notFinite(`tensor "${name}"`, stray, position.update, rateOf(position.update - 1));
    }
    saved = position;
    savedAt = performance.now();
    const event: TrainEvent = { type: "checkpoint", checkpoint: { position, tensors }, ...(bestUnsaved && { best }) };
    bestUnsaved = false;
    return event;
  };
  const notFinite = (what: string, value: number, step: number, rate: number) =>
    fail("LOSS_NOT_FINITE", {
      what,
      value: String(value),
      step,
      epoch: Math.ceil(step / stepsPerEpoch),
      rate,
      base: options.learningRate,
      checkpoint: saved ? (options.checkpointPath ?? "in memory") : "",
    });
  const impatient = () => options.patience > 0 && position.epoch - bestEpoch(position.losses) >= options.patience;

  const sessionOptions = { device: options.device, threads: options.threads };
  const session = await Session.open(plan.train, sessionOptions);
  let evaluation: Session | undefined;
  try {
    if (validationRows.length) evaluation = await Session.open(plan.evaluate, sessionOptions);
    yield { type: "started", epochs, stepsPerEpoch, samples: trainRows.length, resumedAt: position.update };
    const fixed = fixedFeeds(options);
    const pace = new Pace(options.chunkSeconds ?? CHUNK_SECONDS);

    while (position.epoch < epochs && !impatient()) {
      const order = shuffled(trainRows, seed, position.epoch);
      while (position.step < stepsPerEpoch) {
        signal?.throwIfAborted();
        const steps = Math.min(pace.steps, stepsPerEpoch - position.step);
        const began = performance.now();
        const rates = Float32Array.from({ length: steps }, (_, i) => rateOf(position.update + i));
        const results = await session.run({ ...fixed, ...chunkFeeds(options, order, position, rates), ...asFeeds(tensors, spec) });
        pace.took(steps, performance.now() - began);

        const sums = { ...position.sums };
        for (let i = 0; i < steps; i++) {
          const loss = results.loss!.data[i] as number;
          if (!Number.isFinite(loss)) throw notFinite("loss", loss, position.update + i + 1, rateOf(position.update + i));
          const count = Math.min(spec.batchSize, trainRows.length - (position.step + i) * spec.batchSize);
          sums.loss += loss * count;
          sums.score += (results.score!.data[i] as number) * count;
          sums.samples += count;
        }
        const samples = sums.samples - position.sums.samples;
        const chunk = { loss: (sums.loss - position.sums.loss) / samples, score: (sums.score - position.sums.score) / samples };
        tensors = new Map(spec.state.map(({ name }) => [name, results[`next:${name}`]!.data as Float32Array]));
        position = { ...position, step: position.step + steps, update: position.update + steps, sums };
        yield {
          type: "progress",
          epoch: position.epoch + 1,
          step: position.step,
          update: position.update,
          epochs,
          stepsPerEpoch,
          ...chunk,
          learningRate: rateOf(position.update - 1),
          samplesPerSecond: pace.stepsPerSecond * spec.batchSize,
          secondsLeft: (epochs * stepsPerEpoch - position.update) / pace.stepsPerSecond,
        };
        if (secondsSinceSaved() > (options.checkpointSeconds ?? CHECKPOINT_SECONDS)) yield checkpoint();
      }

      const { sums, update } = position;
      const measure = { loss: sums.loss / sums.samples, score: sums.score / sums.samples };
      const validation = evaluation && (await evaluateRows(evaluation, spec, options.data, validationRows, tensors, options)).measure;
      const selection = (validation ?? measure).loss;
      const learningRate = rateOf(update - 1);
      if (!Number.isFinite(selection)) throw notFinite("validation loss", selection, update, learningRate);
      const losses = [...position.losses, selection];
      const isBest = bestEpoch(losses) === losses.length;
      if (isBest) {
        best = tensors;
        bestUnsaved = true;
      }
      position = { ...beginning, epoch: losses.length, update, losses };
      yield { type: "epoch", epoch: position.epoch, update, learningRate, ...measure, validation, best: isBest };
      if (secondsSinceSaved() > FRESH_SECONDS) yield checkpoint();
    }
    if (saved !== position) yield checkpoint();
    yield { type: "done", reason: position.epoch < epochs ? "early stopping" : "completed", bestEpoch: bestEpoch(position.losses), best };
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
    if (saved !== position) yield checkpoint();
    yield { type: "stopped", position };
  } finally {
    await session.close();
    await evaluation?.close();
  }
}

const beginning: Position = { epoch: 0, step: 0, update: 0, sums: { loss: 0, score: 0, samples: 0 }, losses: [] };

/** Number of the epoch with the lowest loss, the first of equals, from 1; 0 before the first. */
const bestEpoch = (losses: readonly number[]): number => losses.reduce((best, loss, i) => (i === 0 || loss < losses[best - 1]! ? i + 1 : best), 0);

export interface Evaluation {
  readonly measure: Measure;
  /** Class index or value for each row, in order. */
  readonly predictions: Float64Array;
  /** [truth][prediction], for classification. */
  readonly confusion?: readonly (readonly number[])[];
}

/**
 * Loss and predictions of some rows, each counted once.
 * @param session opened on the plan's `evaluate` graph
 * @throws the reason of the signal
 */
export async function evaluateRows(
  session: Session,
  spec: PlanSpec,
  data: Split,
  rows: Int32Array,
  tensors: Tensors,
  { signal, chunkSeconds = CHUNK_SECONDS }: Pick<TrainOptions, "signal" | "chunkSeconds"> = {},
): Promise<Evaluation> {
  const { batchSize, outputs, task } = spec;
  const predictions = new Float64Array(rows.length);
  const counts = new Float64Array(outputs * outputs);
  const fixed = { ...dataFeeds(spec, data), ...asFeeds(tensors, spec) };
  const pace = new Pace(chunkSeconds);
  let loss = 0;
  for (let done = 0; done < rows.length; ) {
    signal?.throwIfAborted();
    const steps = Math.min(pace.steps, Math.ceil((rows.length - done) / batchSize));
    const began = performance.now();
    const results = await session.run({ ...fixed, ...batchFeeds(rows, done, steps, batchSize) });
    pace.took(steps, performance.now() - began);
    for (const sum of results.loss!.data as Float32Array) loss += sum; // one by one: bits must not depend on the length of a chunk
    const taken = Math.min(steps * batchSize, rows.length - done);
    for (let i = 0; i < taken; i++) predictions[done + i] = Number(results.predictions!.data[i]);
    for (let i = 0; results.counts && i < counts.length; i++) counts[i]! += results.counts.data[i] as number;
    done += taken;
  }
  if (task === "regression") {
    const error = predictions.reduce((sum, p, i) => sum + Math.abs(p - data.targets[rows[i]!]!), 0);
    return { measure: { loss: loss / rows.length, score: error / rows.length }, predictions };
  }
  const confusion = Array.from({ length: outputs }, (_, c) => Array.from(counts.subarray(c * outputs, (c + 1) * outputs)));
  const correct = confusion.reduce((sum, row, c) => sum + row[c]!, 0);
  return { measure: { loss: loss / rows.length, score: correct / rows.length }, predictions, confusion };
}

/**
 * Threads for a step of so much work. A small step is over before a second thread has woken up: measured on two cores,
 * one thread wins at 20 million operations a step and loses at 80 million (bench/README.md).
 */
export function defaultThreads(layers: readonly LayerSummary[], batchSize: number): number {
  const flops = 3 * batchSize * layers.reduce((sum, l) => sum + l.flops, 0); // backward costs about twice forward
  return flops < 4e7 ? 1 : Math.min(availableParallelism(), 16);
}

/** Weights from the seed; each tensor has a generator of its own, so that adding a layer changes no other. */
export function initialTensors(spec: PlanSpec, initializers: readonly InitializerKind[], seed: number): Tensors {
  return new Map(
    spec.state.map(({ name, shape, initial }) => {
      const kind = initializers.find((k) => k.id === initial.initializer);
      if (!kind) throw fail("INTERNAL", { detail: `no initializer "${initial.initializer}"` });
      const data = new Float32Array(sizeOf(shape));
      kind.fill(data, { fanIn: initial.fanIn ?? 1, fanOut: initial.fanOut ?? 1, constant: initial.constant ?? 0 }, random(seed, "initial", name));
      return [name, data];
    }),
  );
}

/** How many steps fit in a chunk, from how long the last one took. */
class Pace {
  steps = 1;
  stepsPerSecond = 0;
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  took(steps: number, milliseconds: number): void {
    this.stepsPerSecond = steps / (Math.max(milliseconds, 0.01) / 1000);
    // At most fourfold, as the first chunk also pays for memory.
    this.steps = Math.max(1, Math.min(4 * this.steps, Math.round(this.stepsPerSecond * this.#seconds), 100_000));
  }
}

// --- feeds ---

const float32 = (shape: readonly number[], data: Float32Array): Tensor => ({ dtype: "float32", shape, data });
const number32 = (value: number): Tensor => float32([], Float32Array.of(value));

const asFeeds = (tensors: Tensors, spec: PlanSpec): Record<string, Tensor> =>
  Object.fromEntries(spec.state.map(({ name, shape }) => [name, float32(shape, tensors.get(name)!)]));

const dataFeeds = (spec: PlanSpec, data: Split): Record<string, Tensor> => ({
  samples: { dtype: spec.inputDType, shape: [data.count, ...spec.sampleShape], data: data.inputs },
  targets: { dtype: spec.task === "classification" ? "int32" : "float32", shape: [data.count], data: data.targets },
});

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
function chunkFeeds({ plan: { spec }, seed }: TrainOptions, order: Int32Array, position: Position, rates: Float32Array): Record<string, Tensor> {
  const steps = rates.length;
  const { length, draws } = spec.tape;
  const offsets = Int32Array.from({ length: steps * draws.length }, (_, n) => {
    const draw = n % draws.length;
    return hash(seed, position.update + Math.floor(n / draws.length), draw) % (length - draws[draw]! + 1);
  });
  return {
    ...batchFeeds(order, position.step * spec.batchSize, steps, spec.batchSize),
    learningRate: float32([steps], rates),
    update: number32(position.update + 1),
    ...(draws.length && { offsets: { dtype: "int32", shape: [steps, draws.length], data: offsets } }),
  };
}

/** The next batches of some rows. The last one is filled up with a row of weight zero. */
function batchFeeds(rows: Int32Array, start: number, steps: number, batchSize: number): Record<string, Tensor> {
  const order = new Int32Array(steps * batchSize).fill(rows[start]!);
  const taken = rows.subarray(start, start + order.length);
  order.set(taken);
  return {
    steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
    order: { dtype: "int32", shape: [steps, batchSize], data: order },
    sampleWeights: float32([steps, batchSize], new Float32Array(order.length).fill(1, 0, taken.length)),
  };
}

const progressAt = ({ losses }: Position, step: number, stepsPerEpoch: number, epochs: number): Progress => ({
  step,
  stepsPerEpoch,
  totalSteps: stepsPerEpoch * epochs,
  losses,
});

const shuffled = (rows: Int32Array, seed: number, epoch: number): Int32Array =>
  random(seed, "shuffle", epoch)
    .permutation(rows.length)
    .map((i) => rows[i]!);
