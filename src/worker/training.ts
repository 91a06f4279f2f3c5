/** Performs one training into a run folder: the only code that joins catalog, engine and storage. */
import { z } from "zod";
import { catalog } from "../catalog/index.ts";
import { type Assembled, assemble, loadDataset, type RunRequest, type RunSettings, resolveSettings } from "../catalog/run-settings.ts";
import { splitValidation } from "../data/index.ts";
import type { NetworkDescription } from "../engine/kinds.ts";
import type { LayerSummary } from "../engine/network.ts";
import { toOnnx } from "../engine/onnx.ts";
import { checkDevice } from "../engine/session.ts";
import { train } from "../engine/trainer.ts";
import { compileModel, graphNames } from "../engine/training-plan.ts";
import type { Dataset, Normalisation, Task } from "../shared/dataset.ts";
import { fail, TrainyardError } from "../shared/errors.ts";
import type { Checkpoint, Tensors, TrainEvent } from "../shared/events.ts";
import { type RunFolder, type RunRecord, runSchema, type Shapes } from "../storage/run-folder.ts";
import { versions } from "./versions.ts";

/** `run.json`: enough to rebuild the run bit for bit, given the data. */
export interface TrainingRecord extends RunRecord {
  readonly settings: RunSettings;
  readonly dataset: {
    readonly id: string;
    readonly digest: string;
    readonly source: string;
    readonly task: Task;
    readonly sampleShape: readonly number[];
    readonly columns: readonly string[];
    readonly labels: readonly string[];
    readonly normalisation: Normalisation;
    readonly samples: { readonly train: number; readonly validation: number; readonly test: number };
  };
  readonly network: NetworkDescription;
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  /** Threads that were used: other numbers may round differently. */
  readonly threads: number;
  readonly versions: ReturnType<typeof versions>;
  readonly result?: { readonly reason: string; readonly bestEpoch: number };
  readonly error?: object;
}

/** The parts of `run.json` that are read again; a person may have edited the file. */
const chosen = z.object({ id: z.string(), params: z.record(z.string(), z.unknown()) });
export const trainingSchema = runSchema.extend({
  settings: z.looseObject({
    dataset: chosen,
    model: chosen,
    loss: chosen,
    optimizer: chosen,
    schedule: chosen,
    training: z.looseObject({ epochs: z.int(), device: z.string() }),
  }),
  dataset: z.looseObject({
    digest: z.string(),
    task: z.enum(["classification", "regression"]),
    sampleShape: z.array(z.int()),
    columns: z.array(z.string()),
    labels: z.array(z.string()),
  }),
  parameters: z.number(),
  threads: z.int().min(1),
});

export const readRecord = (folder: RunFolder): Promise<TrainingRecord> => folder.record<TrainingRecord>(trainingSchema);

export interface PreparedTraining {
  readonly record: TrainingRecord;
  readonly dataset: Dataset;
  readonly assembled: Assembled;
}

/** Loads the data, fills in the settings, builds the network: everything that can fail before the first step. Writes nothing. */
export async function prepareTraining(request: RunRequest, id: string): Promise<PreparedTraining> {
  const unfinished = resolveSettings(request);
  await checkDevice(unfinished.training.device);
  const dataset = await loadDataset(unfinished);
  const settings = resolveSettings(request, dataset.task);
  const assembled = assemble(settings, dataset);
  const { train, validation } = splitValidation(dataset.train, settings.training.validation, settings.training.seed, dataset.task);
  const { network, threads } = assembled;
  const record: TrainingRecord = {
    id,
    status: "running",
    createdAt: new Date().toISOString(),
    settings,
    dataset: {
      id: dataset.id,
      digest: dataset.digest,
      source: dataset.source,
      task: dataset.task,
      sampleShape: dataset.sampleShape,
      columns: dataset.columns,
      labels: dataset.labels,
      normalisation: dataset.normalisation,
      samples: { train: train.length, validation: validation.length, test: dataset.test.count },
    },
    network: network.description,
    layers: network.layers,
    parameters: network.layers.reduce((sum, l) => sum + l.parameters, 0),
    threads,
    versions: versions(),
  };
  return { record, dataset, assembled };
}

/** The parts of a run again, from its record. @throws BAD_FILE when the data has changed since, and as `resolveSettings` */
export async function reassemble(record: TrainingRecord): Promise<PreparedTraining> {
  const settings = resolveSettings(record.settings, record.dataset.task);
  const dataset = await loadDataset(settings);
  if (dataset.digest !== record.dataset.digest) {
    throw fail("BAD_FILE", {
      path: dataset.source,
      want: `the data that run "${record.id}" was trained on (digest ${record.dataset.digest.slice(0, 12)})`,
      got: `its digest is ${dataset.digest.slice(0, 12)}`,
      fix: "Restore the data, or train anew.",
    });
  }
  const assembled = assemble({ ...settings, training: { ...settings.training, threads: record.threads } }, dataset);
  return { record: { ...record, settings }, dataset, assembled };
}

/** What a run must hold to go on. */
export const shapesOf = ({ assembled }: PreparedTraining): Shapes => new Map(assembled.plan.spec.state.map(({ name, shape }) => [name, shape]));

/**
 * Trains into a folder: `run.json`, `metrics.jsonl`, `checkpoints/`, `plan/` and at the end `model.onnx`.
 * Goes on from the last checkpoint when `resume` is set.
 */
export async function* performTraining(
  prepared: PreparedTraining,
  folder: RunFolder,
  { signal, resume = false }: { signal?: AbortSignal; resume?: boolean } = {},
): AsyncGenerator<TrainEvent> {
  const { dataset, assembled } = prepared;
  // What a resumed run said of its end holds no longer.
  const { result: _, error: __, ...kept } = prepared.record;
  const record: TrainingRecord = { ...kept, status: "running", versions: versions() };
  const { training } = record.settings;
  const { plan, options } = assembled;
  const shapes = shapesOf(prepared);
  const { train: trainRows, validation: validationRows } = splitValidation(dataset.train, training.validation, training.seed, dataset.task);
  const going = resume ? await lastAndBest(folder, shapes) : undefined;
  const write = (changes: Partial<TrainingRecord>) => folder.writeJson("run.json", { ...record, ...changes });

  if (going) await folder.truncateMetrics(going.checkpoint.position);
  else
    await folder.writePlan(
      plan.spec,
      graphNames.map((name) => [plan.spec.files[name], toOnnx(plan[name])] as const),
    );
  await write({});
  try {
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
      checkpointPath: folder.file("checkpoints", "last.safetensors"),
    });
    for await (const event of events) {
      if (event.type === "checkpoint") await folder.saveCheckpoint(event.checkpoint, shapes, event.best);
      if (event.type === "progress") await folder.appendMetric(point(event));
      if (event.type === "epoch") await folder.appendMetric(event);
      if (event.type === "done") {
        await folder.write("model.onnx", toOnnx(compileModel(options, event.best)));
        await write({ status: "done", result: { reason: event.reason, bestEpoch: event.bestEpoch } });
      }
      if (event.type === "stopped") await write({ status: "stopped" });
      yield event;
    }
  } catch (error) {
    const shown = error instanceof TrainyardError ? error.toJSON() : { message: String(error) };
    await write({ status: "failed", error: shown }).catch(() => {}); // the disk may be full: the first error counts
    throw error;
  }
}

async function lastAndBest(folder: RunFolder, shapes: Shapes): Promise<{ checkpoint: Checkpoint; best?: Tensors }> {
  const checkpoint = await folder.loadCheckpoint("last", shapes);
  return { checkpoint, best: checkpoint.position.losses.length ? (await folder.loadCheckpoint("best", shapes)).tensors : undefined };
}

const point = ({ type, update, epoch, loss, score, learningRate, samplesPerSecond }: Extract<TrainEvent, { type: "progress" }>) => ({
  type,
  update,
  epoch,
  loss,
  score,
  learningRate,
  samplesPerSecond: Math.round(samplesPerSecond),
});
