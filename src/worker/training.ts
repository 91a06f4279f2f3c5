/** Performs one training: joins catalog and engine, and hands out what is worth keeping. Knows neither folders nor servers. */
import { availableParallelism } from "node:os";
import { type Assembled, assemble, type LoadOptions, loadDataset } from "../catalog/assemble.ts";
import { catalog } from "../catalog/index.ts";
import { fitDataOf, learnerGraph } from "../catalog/learner-model.ts";
import {
  type LearnerSettings,
  learnerOf,
  type NetworkSettings,
  ofLearner,
  type RunRequest,
  type RunSettings,
  resolveSettings,
} from "../catalog/run-settings.ts";
import { splitValidation } from "../data/index.ts";
import type { Graph } from "../engine/graph.ts";
import { toOnnx } from "../engine/onnx.ts";
import { decodeSafetensors, encodeSafetensors } from "../engine/safetensors.ts";
import { checkDevice } from "../engine/session.ts";
import { train } from "../engine/trainer.ts";
import { compileModel, graphNames } from "../engine/training-plan.ts";
import type { FitProgress, LearnerKind } from "../learners/kinds.ts";
import type { RunFacts } from "../shared/api/schemas.ts";
import type { Dataset, FittedStep, Preparation } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { FitEvent, LearntTensors, Position, Tensors, TrainEvent } from "../shared/events.ts";
import { decodeCheckpoint, decodeWeights, encodeCheckpoint, encodeWeights, type Shapes } from "./checkpoint.ts";
import { jsonFile, type Parts, type RunOutput } from "./output.ts";
import { versions } from "./versions.ts";

interface Prepared {
  readonly facts: RunFacts;
  readonly dataset: Dataset;
}
/** The parts of a run, ready to train or to evaluate. */
export interface PreparedNetwork extends Prepared {
  readonly settings: NetworkSettings;
  readonly assembled: Assembled;
}
export interface PreparedLearner extends Prepared {
  readonly settings: LearnerSettings;
  readonly learner: LearnerKind;
}
export type PreparedTraining = PreparedNetwork | PreparedLearner;

/** What a training ends with: weights and running statistics of a network, or what a classical model has learnt. */
export type Trained = { readonly weights: Tensors } | { readonly learnt: LearntTensors };

/** Where a training goes on: the content of last.safetensors and, once an epoch is over, of best.safetensors. */
export interface ResumeFiles {
  readonly last: Uint8Array;
  readonly best?: Uint8Array;
}

/**
 * Loads the data, fills in the settings, builds the network: everything that can fail before the first step.
 * @param mostThreads of those that are chosen here because the request leaves them open
 */
export async function prepareTraining(
  request: RunRequest,
  mostThreads = Number.POSITIVE_INFINITY,
  options: Omit<LoadOptions, "fitted"> = {},
): Promise<PreparedTraining> {
  const unfinished = resolveSettings(request);
  if (!ofLearner(unfinished)) await checkDevice(unfinished.training.device);
  const dataset = await loadDataset(unfinished, options);
  const settings = resolveSettings(request, dataset);
  const { train, validation } = split(settings, dataset);
  const parts = partsOf(settings, dataset);
  const { network: { description, layers } = none, threads: suited = availableParallelism() } = parts.assembled ?? {};
  const facts: RunFacts = {
    dataset: {
      id: dataset.id,
      digest: dataset.digest,
      source: dataset.source,
      task: dataset.task,
      sampleShape: [...dataset.sampleShape],
      columns: [...dataset.columns],
      labels: [...dataset.labels],
      normalisation: dataset.normalisation,
      ...(dataset.preparation && preparationFacts(dataset.preparation)),
      samples: { train: train.length, validation: validation.length, test: dataset.test.count },
    },
    network: description as unknown as RunFacts["network"],
    layers: layers as unknown as RunFacts["layers"],
    parameters: layers.reduce((sum, l) => sum + l.parameters, 0),
    threads: settings.training.threads || Math.min(suited, mostThreads),
    versions: versions(),
  };
  return { ...parts, facts, dataset };
}

/** The parts of a run again, from what is known of it. @throws BAD_FILE when the data has changed since, and as `resolveSettings` */
export async function reassemble(request: RunRequest, facts: RunFacts, options: Omit<LoadOptions, "fitted"> = {}): Promise<PreparedTraining> {
  const settings = resolveSettings(request, facts.dataset);
  if (!ofLearner(settings)) await checkDevice(settings.training.device);
  const dataset = await loadDataset(settings, { ...options, fitted: facts.dataset.preprocessing as readonly FittedStep[] | undefined });
  const { digest } = facts.dataset;
  if (dataset.digest !== digest) {
    throw fail("BAD_FILE", {
      path: dataset.source,
      want: `the data that the run was trained on (digest ${digest.slice(0, 12)})`,
      got: `its digest is ${dataset.digest.slice(0, 12)}`,
      fix: "Restore the data, or train anew.",
    });
  }
  return { ...partsOf(settings, dataset), facts, dataset };
}

const none = { description: null, layers: [] } as const;

const partsOf = (settings: RunSettings, dataset: Dataset) =>
  ofLearner(settings) ? { settings, learner: learnerOf(settings)! } : { settings, assembled: assemble(settings, dataset) };

/** What the files of a network's run must hold. */
export const shapesOf = ({ assembled }: PreparedNetwork): Shapes => new Map(assembled.plan.spec.state.map(({ name, shape }) => [name, shape]));

/** @param bytes of best.safetensors @throws BAD_FILE, CHECKPOINT_MISMATCH */
export const decodeTrained = (prepared: PreparedTraining, bytes: Uint8Array): Trained =>
  "learner" in prepared
    ? { learnt: decodeSafetensors(bytes, "best.safetensors").tensors }
    : { weights: decodeWeights(bytes, "best.safetensors", shapesOf(prepared)) };

/** What predicts: from raw rows or pictures (`served`, what model.onnx holds), or from samples after preprocessing as `input`. */
export function graphOf(prepared: PreparedTraining, trained: Trained, form: "served" | "prepared"): Graph {
  if ("learner" in prepared && "learnt" in trained) return learnerGraph(prepared.learner, prepared.settings, prepared.dataset, trained.learnt, form);
  if ("learner" in prepared || "learnt" in trained) throw fail("INTERNAL", { detail: "what was learnt is not of this kind of model" });
  const { options } = prepared.assembled;
  return compileModel(form === "served" ? options : { ...options, front: undefined }, trained.weights);
}

/** Which rows of the training split are for what: a classical model learns from all that are not of a validation split. */
export const split = ({ training }: RunSettings, { train, task, rows }: Dataset) =>
  rows ?? splitValidation(train, "validation" in training ? training.validation : 0, training.seed, task);

/** What a run keeps of its preprocessing; the values of categories stay in the dataset. */
const preparationFacts = ({ steps, inputs, pictureShape, features }: Preparation) => ({
  preprocessing: steps,
  inputs: inputs.map(({ name, type, required }) => ({ name, type, required })),
  ...(pictureShape && { pictureShape: [...pictureShape] }),
  features: [...features],
});

/**
 * Trains, and saves checkpoints (last.safetensors, best.safetensors) and at the end model.onnx; of a network the plan as well.
 * The same settings and data give the same bits, also when it goes on from a checkpoint.
 * @throws LOSS_NOT_FINITE, UNFIT_DATA, CHECKPOINT_MISMATCH, BAD_FILE
 */
export const performTraining = (
  prepared: PreparedTraining,
  output: RunOutput,
  options: TrainingOptions = {},
): AsyncGenerator<TrainEvent | FitEvent> => ("learner" in prepared ? fitLearner(prepared, output, options) : trainNetwork(prepared, output, options));

interface TrainingOptions {
  readonly signal?: AbortSignal;
  readonly resume?: ResumeFiles;
}

async function* trainNetwork(prepared: PreparedNetwork, output: RunOutput, { signal, resume }: TrainingOptions = {}): AsyncGenerator<TrainEvent> {
  const { settings, dataset, assembled } = prepared;
  const { training } = settings;
  const { plan } = assembled;
  const shapes = shapesOf(prepared);
  const { train: trainRows, validation: validationRows } = split(settings, dataset);
  const going = resume && {
    checkpoint: decodeCheckpoint(resume.last, "last.safetensors", shapes),
    best: resume.best && decodeWeights(resume.best, "best.safetensors", shapes),
  };
  if (!going) {
    const graphs = graphNames.map((name) => [plan.spec.files[name], [toOnnx(plan[name])]]);
    await output.save({ "plan.json": jsonFile(plan.spec), ...Object.fromEntries(graphs) });
  }
  const events = train({
    plan,
    data: dataset.train,
    trainRows,
    validationRows,
    epochs: training.epochs,
    seed: training.seed,
    patience: training.patience,
    learningRate: assembled.learningRate,
    schedule: assembled.schedule,
    hyperparameters: assembled.hyperparameters,
    initializers: catalog.initializers,
    device: training.device,
    threads: prepared.facts.threads,
    resume: going,
    signal,
    checkpointPath: "last.safetensors",
  });
  for await (const event of events) {
    if (event.type === "checkpoint") {
      const { checkpoint, best } = event;
      const files = {
        ...(best && { "best.safetensors": encodeWeights(best, shapes) }),
        "last.safetensors": encodeCheckpoint(checkpoint, shapes),
      };
      await output.save(files, checkpoint.position);
    }
    if (event.type === "done") await output.save({ "model.onnx": [toOnnx(graphOf(prepared, { weights: event.best }, "served"))] });
    yield event;
  }
}

const CHECKPOINT_SECONDS = 30;

async function* fitLearner(prepared: PreparedLearner, output: RunOutput, { signal, resume }: TrainingOptions = {}): AsyncGenerator<FitEvent> {
  const { settings, dataset, learner, facts } = prepared;
  const data = fitDataOf(learner, settings, dataset, split(settings, dataset).train);
  const events = learner.fit(data, settings.model.params as never, {
    seed: settings.training.seed,
    threads: facts.threads,
    signal,
    resume: resume && decodeSafetensors(resume.last, "last.safetensors").tensors,
  });
  const model = (learnt: LearntTensors): Parts => [toOnnx(graphOf(prepared, { learnt }, "served"))];
  const encoded = (tensors: LearntTensors): Parts => encodeSafetensors({ tensors, metadata: {} });
  const began = performance.now();
  let [first, savedAt] = [-1, began];
  let latest: FitProgress | undefined;
  const keep = async (stopped: boolean) => {
    const tensors = latest?.checkpoint?.();
    if (!latest || !tensors) return;
    savedAt = performance.now();
    const files = { "last.safetensors": encoded(tensors), ...(stopped && learner.partial && { "model.onnx": model(tensors) }) };
    await output.save(files, positionAt(latest.done));
  };
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done) {
        const { tensors, metrics = {} } = value;
        const last = latest?.total ?? 1;
        await output.save(
          { "last.safetensors": encoded(tensors), "best.safetensors": encoded(tensors), "model.onnx": model(tensors) },
          positionAt(last),
        );
        yield { type: "fitted", done: last, tensors, metrics };
        return;
      }
      if (first < 0) first = value.done;
      latest = value;
      const seconds = (performance.now() - began) / 1000;
      const rate = (value.done - first) / seconds;
      yield {
        type: "fitting",
        unit: learner.unit,
        done: value.done,
        total: value.total,
        ...(value.loss !== undefined && { loss: value.loss }),
        secondsLeft: rate > 0 ? (value.total - value.done) / rate : 0,
      };
      if (performance.now() - savedAt > CHECKPOINT_SECONDS * 1000) await keep(false);
    }
  } catch (error) {
    if (signal?.aborted) await keep(true);
    throw error;
  }
}

/** A place in a fit, where there are no epochs. */
const positionAt = (done: number): Position => ({ epoch: 0, step: done, update: done, sums: { loss: 0, score: 0, samples: 0 }, losses: [] });
