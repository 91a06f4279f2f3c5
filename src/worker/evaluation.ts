/** Evaluates a trained model on the test split, which training never saw, with the rows it learnt from beside it. */
import { catalog } from "../catalog/index.ts";
import { pictureUri } from "../data/index.ts";
import { evaluateRows } from "../engine/evaluation.ts";
import { encodeSafetensors } from "../engine/safetensors.ts";
import { Session } from "../engine/session.ts";
import { intervals, resamplesOf } from "../evaluation/bootstrap.ts";
import { ClassOutcome } from "../evaluation/classes.ts";
import { classificationDetails, regressionDetails, worstOf } from "../evaluation/details.ts";
import { permutationImportance } from "../evaluation/importance.ts";
import { type MetricKind, measured, type Outcome } from "../evaluation/kinds.ts";
import { rawRow, slicesOf } from "../evaluation/slices.ts";
import { ValueOutcome } from "../evaluation/values.ts";
import type { Dataset, Split } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { EvaluationReport, EvaluationSummary, Importance, WorstError } from "../shared/evaluation.ts";
import type { Tensors } from "../shared/events.ts";
import { random } from "../shared/random.ts";
import type { Parts } from "./output.ts";
import { gathered, Scorer, type Scores } from "./scores.ts";
import { type PreparedNetwork, type PreparedTraining, split, type Trained } from "./training.ts";

/** Of the rows that were learnt from: enough to show over-fitting. */
const TRAIN_ROWS = 20_000;
/** Columns and rows whose importance is worth the time. */
const IMPORTANCE_COLUMNS = 64;
const IMPORTANCE_ROWS = 2000;

export interface EvaluationOptions {
  /** Ids from the catalog; all for the task when left out. The loss is always told. */
  readonly metrics?: readonly string[];
  /** The epoch that the weights are from. */
  readonly bestEpoch: number;
  readonly signal?: AbortSignal;
}

export interface Evaluated {
  /** What `evaluation.json` says. */
  readonly report: EvaluationReport;
  /** What a run carries of it. */
  readonly summary: EvaluationSummary;
  /** `predictions.safetensors`: targets, outputs and predictions of the test rows, in order. */
  readonly predictions: Parts;
}

/** The metrics of the catalog that are asked for and suit the task. @throws UNKNOWN_ENTRY */
export function metricsFor(task: Dataset["task"], ids?: readonly string[]): readonly MetricKind[] {
  const suited = catalog.metrics.filter(({ tasks }) => tasks.includes(task));
  const unknown = ids?.find((id) => id !== "loss" && !suited.some((m) => m.id === id));
  if (unknown !== undefined) throw fail("UNKNOWN_ENTRY", { kind: `metric of ${task}`, id: unknown, known: suited.map(({ id }) => id) });
  return suited.filter(({ id }) => !ids || ids.includes(id));
}

/** What a model's scores of rows come to. */
export function outcomeOf(prepared: PreparedTraining, targets: Split["targets"], { outputs, width, labels }: Scores): Outcome {
  if (prepared.dataset.task === "regression") return new ValueOutcome({ targets, predictions: outputs });
  return new ClassOutcome({ classes: width, targets, outputs, predicted: labels, gives: gives(prepared) });
}

function gives(prepared: PreparedTraining): "probabilities" | "scores" {
  if ("learner" in prepared) return prepared.learner.gives(prepared.settings.model.params as never);
  return prepared.assembled.options.loss.scores ? "scores" : "probabilities";
}

/** @throws UNKNOWN_ENTRY for a metric that is not for the task, LOSS_NOT_FINITE, and the reason of the signal */
export async function evaluate(
  prepared: PreparedTraining,
  trained: Trained,
  { metrics: ids, bestEpoch, signal }: EvaluationOptions,
): Promise<Evaluated> {
  const { dataset, settings } = prepared;
  const { test, task, labels } = dataset;
  const { seed } = settings.training;
  const metrics = metricsFor(task, ids);
  await using scorer = await Scorer.open(prepared, trained);
  const scores = await scorer.scores(test, undefined, signal);
  const outcome = outcomeOf(prepared, test.targets, scores);
  const learntFrom = split(settings, dataset).train;
  const shown = sampled(learntFrom, seed);
  const onShown = outcomeOf(prepared, targetsOf(dataset.train, shown), await scorer.scores(dataset.train, shown, signal));
  const loss = "weights" in trained ? await lossOf(prepared as PreparedNetwork, trained.weights, bestEpoch, signal) : ownLoss(outcome);

  const summary: EvaluationSummary = {
    task,
    split: "test",
    samples: test.count,
    loss,
    metrics: { ...(Number.isFinite(loss) && { loss }), ...measured(metrics, outcome) },
    intervals: intervals(metrics, outcome, seed, signal),
    resamples: resamplesOf(outcome),
    train: { samples: shown.length, metrics: measured(metrics, onShown) },
    baseline: { model: "dummy", metrics: measured(metrics, baselineOf(dataset, learntFrom)) },
  };
  const report: EvaluationReport = {
    ...summary,
    dataset: dataset.digest,
    bestEpoch,
    ...(outcome.task === "classification" ? classificationDetails(outcome, labels) : regressionDetails(outcome)),
    slices: dataset.raw ? slicesOf(metrics, outcome, dataset.raw.columns, dataset.raw.test) : [],
    worst: await withSamples(worstOf(outcome, labels), dataset),
    importance: await importanceOf(prepared, trained, scorer, signal),
  };
  return { report, summary, predictions: predictionsFile(outcome, scores) };
}

/** The metrics of some rows of the training split, as cross-validation asks for them. */
export async function metricsOn(
  prepared: PreparedTraining,
  trained: Trained,
  metrics: readonly MetricKind[],
  rows: Int32Array,
  signal?: AbortSignal,
): Promise<Record<string, number>> {
  await using scorer = await Scorer.open(prepared, trained);
  const { train } = prepared.dataset;
  return measured(metrics, outcomeOf(prepared, targetsOf(train, rows), await scorer.scores(train, rows, signal)));
}

const targetsOf = ({ targets }: Split, rows: Int32Array): Split["targets"] =>
  targets instanceof Int32Array ? Int32Array.from(rows, (row) => targets[row]!) : Float32Array.from(rows, (row) => targets[row]!);

/** At most 20,000 of the rows, in order. */
function sampled(rows: Int32Array, seed: number): Int32Array {
  if (rows.length <= TRAIN_ROWS) return rows;
  const places = random(seed, "train rows").permutation(rows.length).subarray(0, TRAIN_ROWS).sort();
  return places.map((place) => rows[place]!);
}

/** What the network's loss is on the test split. */
async function lossOf(prepared: PreparedNetwork, weights: Tensors, bestEpoch: number, signal?: AbortSignal): Promise<number> {
  const { assembled, settings, facts, dataset } = prepared;
  const session = await Session.open(assembled.plan.evaluate, { device: settings.training.device, threads: facts.threads });
  try {
    const rows = Int32Array.from({ length: dataset.test.count }, (_, i) => i);
    const { measure } = await evaluateRows(session, assembled.plan.spec, dataset.test, rows, weights, { signal });
    if (Number.isFinite(measure.loss)) return measure.loss;
    const step = bestEpoch * Math.ceil(facts.dataset.samples.train / settings.training.batchSize);
    const rate = assembled.learningRate;
    const details = { what: "loss on the test split", value: String(measure.loss), step, epoch: bestEpoch, rate, base: rate };
    throw fail("LOSS_NOT_FINITE", { ...details, checkpoint: "last.safetensors" });
  } finally {
    await session.close();
  }
}

/** Of a classical model: log loss, without probabilities the share of errors, of values the mean squared error. */
const ownLoss = (outcome: Outcome): number =>
  (outcome.task === "regression" ? outcome.mse : (outcome.logLoss ?? 1 - (outcome.accuracy ?? Number.NaN))) ?? Number.NaN;

/** What is got without learning: the most frequent class and the shares of the classes, or the mean, of the rows to learn from. */
function baselineOf({ task, labels, train, test }: Dataset, rows: Int32Array): Outcome {
  if (task === "regression") {
    const mean = rows.reduce((sum, row) => sum + train.targets[row]!, 0) / rows.length;
    return new ValueOutcome({ targets: test.targets, predictions: new Float64Array(test.count).fill(mean) });
  }
  const shares = new Float32Array(labels.length);
  for (const row of rows) shares[train.targets[row]!]! += 1 / rows.length;
  const outputs = new Float32Array(test.count * labels.length);
  for (let row = 0; row < test.count; row++) outputs.set(shares, row * labels.length);
  return new ClassOutcome({ classes: labels.length, targets: test.targets, outputs, gives: "probabilities" });
}

/** The mistakes with the rows or pictures behind them. */
async function withSamples(worst: readonly WorstError[], { raw, test, sampleShape }: Dataset): Promise<WorstError[]> {
  const size = sampleShape.reduce((a, b) => a * b, 1);
  const isPicture = test.inputs instanceof Uint8Array && sampleShape.length === 3;
  return Promise.all(
    worst.map(async (one) => ({
      ...one,
      ...(raw && { sample: rawRow(one.row, raw.columns, raw.test) }),
      ...(isPicture && {
        picture: await pictureUri(test.inputs.subarray(one.row * size, (one.row + 1) * size) as Uint8Array, sampleShape),
      }),
    })),
  );
}

/** By column of the raw table: the features that are made of one are shuffled together. Accuracy, or the error, is what gets worse. */
async function importanceOf(prepared: PreparedTraining, trained: Trained, scorer: Scorer, signal?: AbortSignal): Promise<Importance[]> {
  const { dataset, settings } = prepared;
  const { test, preparation, sampleShape } = dataset;
  const origins = preparation?.origins;
  if (!origins?.length || !(test.inputs instanceof Float32Array) || !test.count) return [];
  const names = [...new Set(origins)];
  if (names.length > IMPORTANCE_COLUMNS) return [];
  const { seed } = settings.training;
  const rows = random(seed, "importance rows").permutation(test.count).subarray(0, IMPORTANCE_ROWS).sort();
  const targets = targetsOf(test, rows);
  const [metric] = metricsFor(dataset.task, [dataset.task === "classification" ? "accuracy" : "mae"]);
  const score = async (inputs: Float32Array): Promise<number> => {
    const outcome = outcomeOf(prepared, targets, await scorer.scores({ inputs, count: rows.length }, undefined, signal));
    return metric!.compute(outcome)! * (metric!.better === "higher" ? 1 : -1);
  };
  const groups = names.map((name) => origins.flatMap((origin, place) => (origin === name ? [place] : [])));
  const drops = await permutationImportance(gathered(test.inputs, rows, sampleShape[0]!), sampleShape[0]!, groups, seed, score);
  const impurity = "learner" in prepared && "learnt" in trained ? prepared.learner.importance?.(trained.learnt) : undefined;
  return names
    .map((feature, i) => ({
      feature,
      ...drops[i]!,
      ...(impurity && { impurity: groups[i]!.reduce((sum, place) => sum + impurity[place]!, 0) }),
    }))
    .sort((a, b) => b.mean - a.mean);
}

function predictionsFile(outcome: Outcome, { outputs, width }: Scores): Parts {
  const predicted = outcome.task === "classification" ? outcome.predicted : outcome.predictions;
  const vector = (values: ArrayLike<number>) => ({ shape: [values.length], data: Float32Array.from(values) });
  return encodeSafetensors({
    tensors: new Map([
      ["outputs", { shape: [outcome.count, width], data: outputs }],
      ["predicted", vector(predicted)],
      ["targets", vector(outcome.targets)],
    ]),
    metadata: { gives: outcome.task === "classification" ? outcome.gives : "values" },
  });
}
