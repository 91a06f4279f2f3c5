/** Performs one training: joins catalog and engine, and hands out what is worth keeping. Knows neither folders nor servers. */
import { catalog } from "../catalog/index.ts";
import {
  type Assembled,
  assemble,
  type LoadOptions,
  loadDataset,
  type RunRequest,
  type RunSettings,
  resolveSettings,
} from "../catalog/run-settings.ts";
import { splitValidation } from "../data/index.ts";
import { toOnnx } from "../engine/onnx.ts";
import { checkDevice } from "../engine/session.ts";
import { train } from "../engine/trainer.ts";
import { compileModel, graphNames } from "../engine/training-plan.ts";
import type { RunFacts } from "../shared/api/schemas.ts";
import type { Dataset, FittedStep, Preparation } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { TrainEvent } from "../shared/events.ts";
import { decodeCheckpoint, decodeWeights, encodeCheckpoint, encodeWeights, type Shapes } from "./checkpoint.ts";
import { jsonFile, type RunOutput } from "./output.ts";
import { versions } from "./versions.ts";

/** The parts of a run, ready to train or to evaluate. */
export interface PreparedTraining {
  readonly settings: RunSettings;
  readonly facts: RunFacts;
  readonly dataset: Dataset;
  readonly assembled: Assembled;
}

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
  await checkDevice(unfinished.training.device);
  const dataset = await loadDataset(unfinished, options);
  const settings = resolveSettings(request, dataset);
  const { train, validation } = split(settings, dataset);
  const suited = assemble(settings, dataset);
  const threads = settings.training.threads || Math.min(suited.threads, mostThreads);
  const { description, layers } = suited.network;
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
    threads,
    versions: versions(),
  };
  return { settings, facts, dataset, assembled: { ...suited, threads } };
}

/** The parts of a run again, from what is known of it. @throws BAD_FILE when the data has changed since, and as `resolveSettings` */
export async function reassemble(request: RunRequest, facts: RunFacts, options: Omit<LoadOptions, "fitted"> = {}): Promise<PreparedTraining> {
  const settings = resolveSettings(request, facts.dataset);
  await checkDevice(settings.training.device);
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
  return { settings, facts, dataset, assembled: { ...assemble(settings, dataset), threads: facts.threads } };
}

/** What the files of a run must hold. */
export const shapesOf = ({ assembled }: PreparedTraining): Shapes => new Map(assembled.plan.spec.state.map(({ name, shape }) => [name, shape]));

const split = ({ training }: RunSettings, { train, task, rows }: Dataset) => rows ?? splitValidation(train, training.validation, training.seed, task);

/** What a run keeps of its preprocessing; the values of categories stay in the dataset. */
const preparationFacts = ({ steps, inputs, pictureShape, features }: Preparation) => ({
  preprocessing: steps,
  inputs: inputs.map(({ name, type, required }) => ({ name, type, required })),
  ...(pictureShape && { pictureShape: [...pictureShape] }),
  features: [...features],
});

/**
 * Trains, and saves the plan, checkpoints (last.safetensors, best.safetensors) and at the end model.onnx.
 * The same settings and data give the same bits, also when it goes on from a checkpoint.
 * @throws LOSS_NOT_FINITE, CHECKPOINT_MISMATCH, BAD_FILE
 */
export async function* performTraining(
  prepared: PreparedTraining,
  output: RunOutput,
  { signal, resume }: { signal?: AbortSignal; resume?: ResumeFiles } = {},
): AsyncGenerator<TrainEvent> {
  const { settings, dataset, assembled } = prepared;
  const { training } = settings;
  const { plan, options } = assembled;
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
    threads: assembled.threads,
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
    if (event.type === "done") await output.save({ "model.onnx": [toOnnx(compileModel(options, event.best))] });
    yield event;
  }
}
