/** Executes a training plan: epochs -> events. Knows nothing of files, screens or servers. */
import { availableParallelism } from "node:os";
import type { Split } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { Checkpoint, Measure, Tensors, TrainEvent } from "../shared/events.ts";
import { random } from "../shared/random.ts";
import { Course } from "./course.ts";
import { evaluateRows } from "./evaluation.ts";
import { counting } from "./feeds.ts";
import { sizeOf } from "./graph.ts";
import type { InitializerKind, Progress } from "./kinds.ts";
import type { LayerSummary } from "./network.ts";
import { type Device, Session } from "./session.ts";
import { Steps } from "./steps.ts";
import type { Plan, PlanSpec } from "./training-plan.ts";
import { WholeBatch } from "./whole-batch.ts";

export { evaluateRows } from "./evaluation.ts";

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

/** After an epoch, a checkpoint younger than this is fresh. */
const FRESH_SECONDS = 1;

/** How the epochs of a plan are gone through: step by step (`steps.ts`), or with a look at all samples before each step (`whole-batch.ts`). */
export interface Way {
  /** Weights, running statistics and the optimizer's memory as they are now. */
  readonly tensors: Tensors;
  /** One epoch, or what is left of it. */
  epoch(): AsyncGenerator<TrainEvent, Passed>;
}
export interface Passed {
  /** Over the training samples, and what was minimised; nothing when there was no way on. */
  readonly measure?: Measure & { readonly objective: number };
  /** Why there is no next epoch. */
  readonly end?: "converged" | "stalled";
}
/** What a way is made of. */
export interface WayOptions extends TrainOptions {
  /** Opened on the plan's `train` graph. */
  readonly session: Session;
  readonly course: Course;
}

/**
 * Trains. The same options give the same bits; stopping and resuming gives the bits of never having stopped.
 * @throws LOSS_NOT_FINITE, UNFIT_DATA, and what `Session` throws
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent> {
  const { plan, data, epochs, seed, resume, signal } = options;
  const { spec } = plan;
  const trainRows = rowsToLearn(options);
  const validationRows = counting(data, options.validationRows);
  const first = resume?.checkpoint.tensors ?? initialTensors(spec, options.initializers, seed);
  const course = new Course(options, Math.ceil(trainRows.length / spec.batchSize), first);

  const sessionOptions = { device: options.device, threads: options.threads };
  const session = await Session.open(plan.train, sessionOptions);
  const way = wayOf({ ...options, trainRows, session, course }, first);
  let evaluation: Session | undefined;
  try {
    if (validationRows.length) evaluation = await Session.open(plan.evaluate, sessionOptions);
    const { stepsPerEpoch } = course;
    yield { type: "started", epochs, stepsPerEpoch, samples: trainRows.length, resumedAt: course.position.update };
    let end: Passed["end"];
    while (!course.isOver && !end) {
      const passed = yield* way.epoch();
      end = passed.end;
      if (!passed.measure) break;
      const { objective, ...measure } = passed.measure;
      const { update } = course.position;
      const validation = evaluation && (await evaluateRows(evaluation, spec, data, validationRows, way.tensors, options)).measure;
      const selection = validation?.loss ?? objective;
      if (!Number.isFinite(selection)) throw course.notFinite("validation loss", selection, update);
      const learningRate = course.rateOf(update - 1);
      const best = course.endEpoch(selection, way.tensors);
      yield { type: "epoch", epoch: course.position.epoch, update, learningRate, ...measure, validation, best };
      if (course.secondsSinceSaved > FRESH_SECONDS) yield course.checkpoint(way.tensors);
    }
    if (!course.isSaved) yield course.checkpoint(way.tensors);
    const reason = end ?? (course.position.epoch < epochs ? "early stopping" : "completed");
    yield { type: "done", reason, bestEpoch: course.bestEpoch, best: course.best };
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
    if (!course.isSaved) yield course.checkpoint(way.tensors);
    yield { type: "stopped", position: course.position };
  } finally {
    await session.close();
    await evaluation?.close();
  }
}

const wayOf = (options: WayOptions, tensors: Tensors): Way => {
  const { optimizer } = options.plan;
  return "whole" in optimizer ? new WholeBatch(options, optimizer, tensors) : new Steps(options, tensors);
};

/** @throws UNFIT_DATA when no row counts */
function rowsToLearn({ data, trainRows }: TrainOptions): Int32Array {
  const rows = counting(data, trainRows);
  if (rows.length) return rows;
  const problem = `none of ${trainRows.length} training rows has a weight above 0`;
  throw fail("UNFIT_DATA", { what: "the sample weights", problem, fix: "Choose another column of weights, or train without." });
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
