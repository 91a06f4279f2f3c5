/** From what a person asks for to what is trained: defaults filled in, everything checked, the parts assembled. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pictureFront, tableFront } from "../data/front.ts";
import type { DatasetFacts, PictureStep, PreprocessingStep, TableStep } from "../data/kinds.ts";
import { prepare } from "../data/prepare.ts";
import { checkSteps, type RawShape, type SettledStep, type Step, settled, shapeAfter } from "../data/steps.ts";
import type { ModelKind, NetworkDescription } from "../engine/kinds.ts";
import { checkNetwork, type Network, parseNetwork } from "../engine/network.ts";
import { devices } from "../engine/session.ts";
import { defaultThreads } from "../engine/trainer.ts";
import { compilePlan, type Plan, type PlanOptions } from "../engine/training-plan.ts";
import type { Column, Dataset, FittedStep, Preparation, Task } from "../shared/dataset.ts";
import { checkParams, choice, type Head, integer, number, type ParamValues, type ValuesOf } from "../shared/define.ts";
import { fail, type Problem, TrainyardError, toProblem } from "../shared/errors.ts";
import { catalog } from "./index.ts";

/** What a training can be told besides its parts. */
export const trainingParams = {
  epochs: integer({ default: 1, min: 1, help: "Passes over the training samples." }),
  batchSize: integer({ default: 64, min: 1, help: "Samples per step." }),
  seed: integer({ default: 1, min: 0, help: "Settles initial weights, shuffling, dropout and augmentation: the same seed, the same bits." }),
  validation: number({
    default: 0.1,
    min: 0,
    max: 0.9,
    help: "Share of the training samples held out to choose the best epoch, where the dataset has no validation split.",
  }),
  patience: integer({ default: 0, min: 0, help: "Stop when the validation loss has not fallen for so many epochs; 0: never." }),
  clipNorm: number({ default: 0, min: 0, help: "Longest gradient of all weights together; 0: no limit." }),
  clipValue: number({ default: 0, min: 0, help: "Largest element of the gradient; 0: no limit." }),
  device: choice({ default: "cpu", options: devices, help: "Where ONNX Runtime computes." }),
  threads: integer({ default: 0, min: 0, help: "Threads inside one op; 0: as many as pay off for the size of the network." }),
};

/** The parts of a run that are chosen from the catalog, in the order in which people name them. */
export const choices = {
  dataset: { kind: "dataset", entries: catalog.datasets },
  model: { kind: "model", entries: catalog.models },
  loss: { kind: "loss", entries: catalog.losses },
  optimizer: { kind: "optimizer", entries: catalog.optimizers },
  schedule: { kind: "schedule", entries: catalog.schedules },
} satisfies Record<string, { kind: string; entries: readonly Head[] }>;
export type Choice = keyof typeof choices;

export interface Chosen {
  readonly id: string;
  readonly params: ParamValues;
}

/** What a person asks for; everything but the dataset may be left out. */
export interface RunRequest extends Partial<Record<Choice, { readonly id: string; readonly params?: Readonly<Record<string, unknown>> }>> {
  /** A file or folder the dataset is read from. */
  readonly path?: string;
  /** Steps in order; left out: those of the dataset. */
  readonly preprocessing?: readonly PreprocessingStep[];
  /** For model "custom". */
  readonly network?: unknown;
  readonly training?: Readonly<Record<string, unknown>>;
}

/** A request with every default filled in: what `run.json` keeps. */
export interface RunSettings extends Record<Choice, Chosen> {
  readonly path?: string;
  readonly preprocessing: readonly SettledStep[];
  readonly network?: NetworkDescription;
  readonly training: ValuesOf<typeof trainingParams>;
}

/** What is taken when nothing is said, whatever the data. */
export const defaults = { optimizer: "adam", schedule: "cosine" } as const;
export const defaultLoss: Record<Task, string> = { classification: "cross-entropy", regression: "mean-squared-error" };

/** What is known of the data when a request is checked: with it, parts that are not made for its task are refused. */
export interface Known {
  readonly task: Task;
  /** For messages: the dataset as people name it. */
  readonly id: string;
  /** Columns of the table, or the shape of its pictures. */
  readonly raw?: RawShape;
}

/** The losses a model can be trained with: its own list, or all that are for its tasks. */
export const lossesFor = (model: ModelKind): readonly string[] =>
  model.losses ?? catalog.losses.filter(({ tasks }) => tasks.some((task) => model.tasks.includes(task))).map(({ id }) => id);
/** The optimizers a model can be trained with: its own list, or all. */
export const optimizersFor = (model: ModelKind): readonly string[] => model.optimizers ?? catalog.optimizers.map(({ id }) => id);

/**
 * Fills in defaults and checks everything that can be checked without the data.
 * @param known of the data; its task settles the default loss
 * @returns the settings, whole where there are no problems, and every problem with its place in the request
 */
export function checkRequest(
  request: RunRequest,
  known?: Known,
): { settings: RunSettings; problems: readonly Problem[]; errors: readonly TrainyardError[] } {
  const found: { error: TrainyardError; path: string }[] = [];
  const attempt = <T>(path: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      found.push({ error, path });
      return undefined;
    }
  };
  const hasNetwork = request.network !== undefined;
  const network = hasNetwork ? attempt("network", () => parseNetwork(request.network)) : undefined;
  const task = known?.task;
  const fallback: Record<Choice, string> = {
    dataset: "",
    model: hasNetwork ? "custom" : (catalog.datasets.find((d) => d.id === request.dataset?.id)?.suggestedModel ?? "mlp"),
    loss: defaultLoss[task ?? "classification"],
    ...defaults,
  };
  const choose = (choice: Choice): Chosen => {
    const { kind, entries } = choices[choice];
    const { id, params } = request[choice] ?? { id: fallback[choice] };
    const entry: Head | undefined = entries.find((e) => e.id === id);
    if (!entry) {
      found.push({ error: fail("UNKNOWN_ENTRY", { kind, id, known: entries.map((e) => e.id) }), path: `${choice}.id` });
      return { id, params: {} };
    }
    const checked = checkParams(`${kind} "${id}"`, entry.params, params);
    for (const error of checked.problems) found.push({ error, path: `${choice}.params.${error.details.name}` });
    return { id, params: checked.values };
  };
  const parts = Object.fromEntries((Object.keys(choices) as Choice[]).map((c) => [c, choose(c)])) as Record<Choice, Chosen>;
  const training = checkParams("training", trainingParams, request.training);
  for (const error of training.problems) found.push({ error, path: `training.${error.details.name}` });

  const entry = catalog.datasets.find(({ id }) => id === parts.dataset.id);
  const ofDataset = (known?.raw && "columns" in known.raw && entry?.tablePreprocessing) || entry?.preprocessing || [];
  const { steps, problems: ofSteps } = checkSteps(catalog.preprocessing, request.preprocessing ?? ofDataset, known?.raw);
  for (const { error, path } of ofSteps) found.push({ error, path: path ? `preprocessing.${path}` : "preprocessing" });

  const model = catalog.models.find((m) => m.id === parts.model.id);
  const loss = catalog.losses.find((l) => l.id === parts.loss.id);
  const suits = (what: string, path: string, tasks: readonly Task[]) => {
    if (task && !tasks.includes(task)) found.push({ error: fail("TASK_MISMATCH", { what, tasks, dataset: known.id, task: known.task }), path });
  };
  if (model) suits(`model "${model.id}"`, "model.id", model.tasks);
  if (loss) suits(`loss "${loss.id}"`, "loss.id", loss.tasks);
  const allowed = (choice: "loss" | "optimizer", ids: readonly string[]) => {
    const { id } = parts[choice];
    const exists = choices[choice].entries.some((e) => e.id === id);
    if (exists && !ids.includes(id)) {
      found.push({ error: fail("NOT_ALLOWED", { kind: choice, id, model: parts.model.id, known: ids }), path: `${choice}.id` });
    }
  };
  if (model) {
    // What is for another task is told as that, once the task is known.
    if (!task || (model.tasks.includes(task) && loss?.tasks.includes(task))) allowed("loss", lossesFor(model));
    allowed("optimizer", optimizersFor(model));
  }
  if (model && (model.id === "custom") !== hasNetwork) {
    const error = fail("BAD_USAGE", {
      problem: `model "${model.id}" ${hasNetwork ? "takes no network" : "needs a network"}`,
      fix: 'Give a network with model "custom", and only with it.',
    });
    found.push({ error, path: "network" });
  }
  return {
    settings: {
      ...parts,
      ...(request.path && { path: request.path }),
      preprocessing: steps.map(settled),
      ...(network && { network }),
      training: training.values as RunSettings["training"],
    },
    problems: found.map(({ error, path }) => toProblem(error, path)),
    errors: found.map(({ error }) => error),
  };
}

/** `checkRequest`, for where a request is to be good. @throws with every problem in it */
export function resolveSettings(request: RunRequest, known?: Known): RunSettings {
  const { settings, errors } = checkRequest(request, known);
  if (errors.length) throw errors.length === 1 ? errors[0] : new AggregateError(errors, "the settings have several problems");
  return settings;
}

/** The parts of a run, ready to train. */
export interface Assembled {
  readonly network: Network;
  readonly options: PlanOptions;
  readonly plan: Plan;
  readonly threads: number;
  readonly learningRate: number;
  readonly hyperparameters: Readonly<Record<string, number>>;
  readonly schedule: (progress: Parameters<(typeof catalog.schedules)[number]["factor"]>[0]) => number;
}

const entryOf = <E extends Head>(entries: readonly E[], { id }: Chosen): E => entries.find((e) => e.id === id)!;

/** A list of steps, settled, and every problem with its place in the request. */
export function checkPreprocessing(
  list: readonly PreprocessingStep[],
  raw: RawShape | undefined,
): { steps: readonly SettledStep[]; problems: readonly Problem[] } {
  const { steps, problems } = checkSteps(catalog.preprocessing, list, raw);
  return {
    steps: steps.map(settled),
    problems: problems.map(({ error, path }) => toProblem(error, path ? `preprocessing.${path}` : "preprocessing")),
  };
}

/** The entries of settings that were checked. */
export const stepsOf = (settings: readonly SettledStep[]): readonly Step[] =>
  settings.map(({ step, params }) => ({ kind: catalog.preprocessing.find(({ id }) => id === step)!, params }));

/** A list of steps with every formula and parameter, as settings have it. */
export const settledSteps = (steps: readonly PreprocessingStep[]): readonly SettledStep[] =>
  checkSteps(catalog.preprocessing, steps).steps.map(settled);

/** Shape of a sample after preprocessing; undefined where only the training rows can tell. */
export const sampleShapeAfter = ({ preprocessing }: RunSettings, raw: RawShape): readonly number[] | undefined =>
  shapeAfter(stepsOf(preprocessing), raw);

/** What is known of samples before they are loaded: of a dataset of the catalog by `features`, of one that was imported by `columns`. */
export function rawShapeOf(facts: {
  readonly sampleShape: readonly number[];
  readonly features?: DatasetFacts["features"];
  readonly columns?: readonly Pick<Column, "name" | "type">[];
}): RawShape {
  const columns = facts.columns ?? facts.features?.flatMap(({ name, type }) => (type === "picture" ? [] : [{ name, type }])) ?? [];
  return columns.length ? { columns } : { pictureShape: facts.sampleShape };
}

export interface LoadOptions {
  /** What the steps of preprocessing learnt before. */
  readonly fitted?: readonly FittedStep[];
  /** Where downloads are kept for the next time; without it nothing is downloaded. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/**
 * Samples ready to train on: of a snapshot, when `path` is the folder of one, else of the dataset's files, imported for this once.
 * @throws what importing and preparing throw
 */
export async function loadDataset(
  { dataset, path, preprocessing, training }: RunSettings,
  { fitted, cache, signal }: LoadOptions = {},
): Promise<Dataset> {
  const { id, importFiles } = entryOf(catalog.datasets, dataset);
  const from = (directory: string) => {
    const validation = { fraction: training.validation, seed: training.seed };
    return prepare(directory, stepsOf(preprocessing), { id, source: path ?? id, validation, fitted });
  };
  if (path && existsSync(join(path, "snapshot.json"))) return from(path);
  const directory = await mkdtemp(join(tmpdir(), "trainyard-import-"));
  try {
    await importFiles(dataset.params as never, { path, directory, cache, signal });
    return await from(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The steps that stand before the network in what is served, and what they take. */
function frontOf({ steps, inputs, pictureShape }: Preparation): PlanOptions["front"] {
  const kinds = stepsOf(steps);
  if (!pictureShape)
    return () =>
      tableFront(
        kinds as readonly Step<TableStep>[],
        steps.map(({ fitted }) => fitted),
        inputs,
      );
  return kinds.some((step) => step.kind.of === "pictures" && step.kind.build)
    ? () => pictureFront(kinds as readonly Step<PictureStep>[], pictureShape)
    : undefined;
}

/** What a model tells of its preprocessing to whoever opens the file. */
const describe = ({ steps, inputs, pictureShape }: Preparation): Record<string, string> => ({
  "trainyard.preprocessing": JSON.stringify(steps),
  "trainyard.inputs": JSON.stringify(pictureShape ? [{ name: "picture", type: "picture", shape: pictureShape }] : inputs),
});

/**
 * Builds the network for a dataset and compiles the plan.
 * @param settings checked for the dataset's task
 * @throws what `checkNetwork` and `compilePlan` throw
 */
export function assemble(settings: RunSettings, dataset: Dataset): Assembled {
  const { training } = settings;
  const [model, loss, optimizer, schedule] = [
    entryOf(catalog.models, settings.model),
    entryOf(catalog.losses, settings.loss),
    entryOf(catalog.optimizers, settings.optimizer),
    entryOf(catalog.schedules, settings.schedule),
  ];
  const outputs = dataset.task === "classification" ? dataset.labels.length : 1;
  const description = settings.network ?? model.network(dataset.sampleShape, outputs, settings.model.params as never);
  const network = checkNetwork(description, catalog.layers, dataset.sampleShape);
  // A term whose factor is zero is left out of the graph; every other number is an input.
  const numbers = Object.entries(settings.optimizer.params as Record<string, number>).filter(([name]) => name !== "learningRate");
  const options: PlanOptions = {
    network,
    task: dataset.task,
    loss,
    lossParams: settings.loss.params,
    optimizer,
    zeros: numbers.flatMap(([name, value]) => (value === 0 ? [name] : [])),
    batchSize: training.batchSize,
    inputDType: dataset.train.inputs instanceof Uint8Array ? "uint8" : "float32",
    normalisation: dataset.normalisation,
    labels: dataset.labels,
    clipNorm: training.clipNorm > 0,
    clipValue: training.clipValue > 0,
    ...(dataset.preparation && { front: frontOf(dataset.preparation) }),
    metadata: { "trainyard.dataset_digest": dataset.digest, ...(dataset.preparation && describe(dataset.preparation)) },
  };
  return {
    network,
    options,
    plan: compilePlan(options),
    threads: training.threads || defaultThreads(network.layers, training.batchSize),
    learningRate: settings.optimizer.params.learningRate as number,
    hyperparameters: {
      ...Object.fromEntries(numbers.map(([name, value]) => [`optimizer.${name}`, value])),
      clipNorm: training.clipNorm,
      clipValue: training.clipValue,
    },
    schedule: (progress) => schedule.factor(progress, settings.schedule.params as never),
  };
}
