/** From what a person asks for to settings that can be trained: defaults filled in, everything checked. */
import type { DatasetFacts, PreprocessingStep } from "../data/kinds.ts";
import { checkSteps, type RawShape, type SettledStep, type Step, settled, shapeAfter } from "../data/steps.ts";
import type { LayerDescription, ModelKind, NetworkDescription } from "../engine/kinds.ts";
import { parseNetwork } from "../engine/network.ts";
import { devices } from "../engine/session.ts";
import type { LearnerKind } from "../learners/kinds.ts";
import { sampleWeights } from "../learners/weights.ts";
import type { Column, Task } from "../shared/dataset.ts";
import {
  type ClassWeights,
  checkParams,
  choice,
  type Head,
  integer,
  number,
  numberOr,
  type ParamValues,
  text,
  type ValuesOf,
} from "../shared/define.ts";
import { fail, type Problem, show, TrainyardError, toProblem } from "../shared/errors.ts";
import { catalog } from "./index.ts";

/** How long a network learns where no number says it: so many epochs, and more of few samples, until the weights were updated often enough. */
const efforts = {
  quick: { epochs: 1, updates: 400 },
  usual: { epochs: 5, updates: 1000 },
  thorough: { epochs: 20, updates: 4000 },
} as const;
type Effort = keyof typeof efforts;

/** A word for the epochs becomes their number. @param samples that are trained on; without them it is the least */
function settledEpochs(training: ParamValues, samples = Number.POSITIVE_INFINITY): ParamValues {
  const { epochs, batchSize = 1 } = training;
  if (typeof epochs !== "string") return training;
  const least = efforts[epochs as Effort];
  return { ...training, epochs: Math.max(least.epochs, Math.ceil(least.updates / Math.ceil(samples / Number(batchSize)))) };
}

/** What a training of a network can be told besides its parts. */
export const trainingParams = {
  epochs: numberOr({
    default: "quick",
    of: "integer",
    min: 1,
    options: Object.keys(efforts) as Effort[],
    help: `Passes over the training samples. A word takes more of them where samples are few: ${Object.entries(efforts)
      .map(([word, { epochs, updates }]) => `${word} ${epochs}, or what makes ${updates} updates of the weights`)
      .join("; ")}.`,
  }),
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
  threads: integer({ default: 0, min: 0, help: "Threads that compute; 0: as many as pay off." }),
  sampleWeights: text({ default: "", help: "A number column that says how much each training row counts; it is no feature then." }),
};
/** What the fit of a classical model can be told besides its parts. */
export const fittingParams = {
  seed: trainingParams.seed,
  threads: trainingParams.threads,
  sampleWeights: trainingParams.sampleWeights,
};

/** The parts of a run that are chosen from the catalog, in the order in which people name them. */
export const choices = {
  dataset: { kind: "dataset", entries: catalog.datasets },
  model: {
    kind: "model",
    get entries(): readonly Head[] {
      return [...catalog.models, ...catalog.learners];
    },
  },
  loss: { kind: "loss", entries: catalog.losses },
  optimizer: { kind: "optimizer", entries: catalog.optimizers },
  schedule: { kind: "schedule", entries: catalog.schedules },
} satisfies Record<string, { kind: string; entries: readonly Head[] }>;
export type Choice = keyof typeof choices;

export interface Chosen {
  readonly id: string;
  readonly params: ParamValues;
}

/** A layer of the catalog that augments. */
export type Augmentation = Pick<LayerDescription, "layer" | "params">;

/** What a person asks for; everything but the dataset may be left out. */
export interface RunRequest extends Partial<Record<Choice, { readonly id: string; readonly params?: Readonly<Record<string, unknown>> }>> {
  /** A file or folder the dataset is read from. */
  readonly path?: string;
  /** Steps in order; left out: those of the dataset. */
  readonly preprocessing?: readonly PreprocessingStep[];
  /** Layers that stand before the network and change samples at random, in training alone. */
  readonly augmentation?: readonly Augmentation[];
  /** For model "custom". */
  readonly network?: unknown;
  readonly training?: Readonly<Record<string, unknown>>;
}

interface AnySettings {
  readonly dataset: Chosen;
  readonly model: Chosen;
  readonly path?: string;
  readonly preprocessing: readonly SettledStep[];
}
export interface NetworkSettings extends AnySettings, Record<"loss" | "optimizer" | "schedule", Chosen> {
  readonly network?: NetworkDescription;
  readonly augmentation?: readonly Required<Augmentation>[];
  readonly training: ValuesOf<typeof trainingParams> & { readonly epochs: number };
}
/** Of a classical model, which has its own loss and its own way to learn. */
export interface LearnerSettings extends AnySettings {
  readonly loss?: undefined;
  readonly optimizer?: undefined;
  readonly schedule?: undefined;
  readonly network?: undefined;
  readonly augmentation?: undefined;
  readonly training: ValuesOf<typeof fittingParams>;
}
/** A request with every default filled in: what `run.json` keeps. */
export type RunSettings = NetworkSettings | LearnerSettings;

/** Whether it is a classical model that is fitted, not a network that is trained. */
export const ofLearner = (settings: RunSettings): settings is LearnerSettings => settings.loss === undefined;
export const learnerOf = ({ model }: { readonly model: { readonly id: string } }): LearnerKind | undefined =>
  catalog.learners.find(({ id }) => id === model.id);

/** What is taken when nothing is said, whatever the data. */
export const defaults = { optimizer: "adam", schedule: "cosine" } as const;
/** What steps with all samples at once tries whole steps first, throughout. */
export const usualSchedule = (optimizer: string): string =>
  catalog.optimizers.some((kind) => kind.id === optimizer && "whole" in kind) ? "constant" : defaults.schedule;
export const defaultLoss: Record<Task, string> = { classification: "cross-entropy", regression: "mean-squared-error" };

/** What is known of the data when a request is checked: with it, parts that are not made for its task are refused. */
export interface Known {
  readonly task: Task;
  /** For messages: the dataset as people name it. */
  readonly id: string;
  /** Columns of the table, or the shape of its pictures. */
  readonly raw?: RawShape;
  /** Class names; empty for regression. */
  readonly labels?: readonly string[];
  /** Of each split. */
  readonly records?: { readonly train: number };
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
    optimizer: defaults.optimizer,
    schedule: usualSchedule(request.optimizer?.id ?? defaults.optimizer),
  };
  const choose = (choice: Choice): Chosen => {
    const { kind, entries } = choices[choice];
    const { id, params } = request[choice] ?? { id: fallback[choice] };
    const entry: Head | undefined = entries.find((e: Head) => e.id === id);
    if (!entry) {
      found.push({ error: fail("UNKNOWN_ENTRY", { kind, id, known: entries.map((e: Head) => e.id) }), path: `${choice}.id` });
      return { id, params: {} };
    }
    const checked = checkParams(`${kind} "${id}"`, entry.params, params);
    for (const error of checked.problems) found.push({ error, path: `${choice}.params.${error.details.name}` });
    return { id, params: checked.values };
  };
  const [dataset, model] = [choose("dataset"), choose("model")];
  const learner = learnerOf({ model });
  const parts = learner ? undefined : { loss: choose("loss"), optimizer: choose("optimizer"), schedule: choose("schedule") };
  const training = learner
    ? checkParams(`training of model "${model.id}"`, fittingParams, request.training)
    : checkParams("training", trainingParams, request.training);
  for (const error of training.problems) found.push({ error, path: `training.${error.details.name}` });

  const entry = catalog.datasets.find(({ id }) => id === dataset.id);
  const ofDataset = (known?.raw && "columns" in known.raw && entry?.tablePreprocessing) || entry?.preprocessing || [];
  const weighing = String(training.values.sampleWeights ?? "");
  const weighed = !weighing || !known?.raw || attempt("training.sampleWeights", () => checkWeights(weighing, known.raw!));
  const asked = request.preprocessing ?? ofDataset;
  const { steps, problems: ofSteps } = checkSteps(catalog.preprocessing, weighed ? withoutWeights(asked, weighing) : asked, known?.raw);
  for (const { error, path } of ofSteps) found.push({ error, path: path ? `preprocessing.${path}` : "preprocessing" });

  const kind = catalog.models.find((m) => m.id === model.id);
  const loss = catalog.losses.find((l) => l.id === parts?.loss.id);
  const suits = (what: string, path: string, tasks: readonly Task[]) => {
    if (task && !tasks.includes(task)) found.push({ error: fail("TASK_MISMATCH", { what, tasks, dataset: known.id, task: known.task }), path });
  };
  const suitsSamples = (what: string, path: string, of: "pictures" | "table" | undefined) => {
    if (!known?.raw || !of) return;
    const got = "columns" in known.raw ? "table" : "pictures";
    if (of !== got) found.push({ error: fail("SAMPLES_MISMATCH", { what, want: samples[of], dataset: known.id, got: samples[got] }), path });
  };
  const augmentation = learner
    ? []
    : (request.augmentation ?? []).map(({ layer, params }, i) => {
        const augments = catalog.layers.filter((one) => one.augments);
        const entry = augments.find(({ id }) => id === layer);
        const path = `augmentation.${i}`;
        if (!entry) {
          found.push({
            error: fail("UNKNOWN_ENTRY", { kind: "layer that augments", id: layer, known: augments.map(({ id }) => id) }),
            path: `${path}.layer`,
          });
          return { layer, params: {} };
        }
        const checked = checkParams(`layer "${layer}"`, entry.params, params);
        for (const error of checked.problems) found.push({ error, path: `${path}.params.${error.details.name}` });
        suitsSamples(`layer "${layer}"`, `${path}.layer`, entry.augments);
        return { layer, params: checked.values };
      });
  const whole = learner ?? kind;
  if (kind) suitsSamples(`model "${kind.id}"`, "model.id", kind.of);
  if (whole) suits(`model "${whole.id}"`, "model.id", whole.tasks);
  if (loss) suits(`loss "${loss.id}"`, "loss.id", loss.tasks);
  if (kind && parts) {
    const allowed = (choice: "loss" | "optimizer", ids: readonly string[]) => {
      const { id } = parts[choice];
      const exists = choices[choice].entries.some((e) => e.id === id);
      if (exists && !ids.includes(id))
        found.push({ error: fail("NOT_ALLOWED", { kind: choice, id, model: kind.id, known: ids }), path: `${choice}.id` });
    };
    // What is for another task is told as that, once the task is known.
    if (!task || (kind.tasks.includes(task) && loss?.tasks.includes(task))) allowed("loss", lossesFor(kind));
    allowed("optimizer", optimizersFor(kind));
    if ((kind.id === "custom") !== hasNetwork) {
      const error = fail("BAD_USAGE", {
        problem: `model "${kind.id}" ${hasNetwork ? "takes no network" : "needs a network"}`,
        fix: 'Give a network with model "custom", and only with it.',
      });
      found.push({ error, path: "network" });
    }
  }
  if (learner) {
    const refuse = (part: "loss" | "optimizer" | "schedule" | "network" | "augmentation") => {
      if (request[part] === undefined || (part === "augmentation" && !request.augmentation?.length)) return;
      const error = fail("BAD_USAGE", {
        problem: `model "${learner.id}" takes no ${part}: how it learns is part of it`,
        fix: `Leave the ${part} out, or choose a network: ${catalog.models.map(({ id }) => id).join(", ")}.`,
      });
      found.push({ error, path: part });
    };
    for (const part of ["loss", "optimizer", "schedule", "network", "augmentation"] as const) refuse(part);
    const wrong = !found.some(({ path }) => path.startsWith("model.")) && learner.check?.(model.params as never, task);
    if (wrong) {
      found.push({ error: fail("BAD_PARAMETER", { where: `model "${learner.id}"`, ...wrong }), path: `model.params.${wrong.name}` });
    }
    const { classWeight } = model.params as { classWeight?: ClassWeights };
    if (classWeight && classWeight !== "none" && task === "regression") {
      const error = fail("BAD_PARAMETER", {
        where: `model "${learner.id}"`,
        name: "classWeight",
        want: "none, as values have no classes",
        got: show(classWeight),
      });
      found.push({ error, path: "model.params.classWeight" });
    }
    if (classWeight && known?.labels?.length)
      attempt("model.params.classWeight", () => sampleWeights(`model "${learner.id}"`, [], known.labels!, classWeight));
  }
  return {
    settings: {
      dataset,
      model,
      ...parts,
      ...(request.path && { path: request.path }),
      preprocessing: steps.map(settled),
      ...(network && { network }),
      ...(augmentation.length && { augmentation }),
      training: settledEpochs(training.values, known?.records?.train),
    } as unknown as RunSettings,
    problems: found.map(({ error, path }) => toProblem(error, path)),
    errors: found.map(({ error }) => error),
  };
}

/** What samples are, in errors. */
const samples = { pictures: "pictures", table: "rows of a table" } as const;

/** @throws BAD_PARAMETER unless it is a number column */
function checkWeights(column: string, raw: RawShape): true {
  const columns = "columns" in raw ? raw.columns : [];
  if (columns.some(({ name, type }) => name === column && type === "number")) return true;
  const numbers = columns.flatMap(({ name, type }) => (type === "number" ? [name] : []));
  const want = numbers.length ? `a number column (${numbers.slice(0, 20).join(", ")})` : "empty, as the dataset has no number column";
  throw fail("BAD_PARAMETER", { where: "training", name: "sampleWeights", want, got: show(column) });
}

/** The steps, and before them one that takes the column of weights out of the features. */
function withoutWeights(steps: readonly PreprocessingStep[], column: string): readonly PreprocessingStep[] {
  const dropped = steps.some(({ step, params }) => step === "drop" && (params?.columns as readonly string[] | undefined)?.includes(column));
  return column && !dropped ? [{ step: "drop", params: { columns: [column] } }, ...steps] : steps;
}

/** `checkRequest`, for where a request is to be good. @throws with every problem in it */
export function resolveSettings(request: RunRequest, known?: Known): RunSettings {
  const { settings, errors } = checkRequest(request, known);
  if (errors.length) throw errors.length === 1 ? errors[0] : new AggregateError(errors, "the settings have several problems");
  return settings;
}

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
