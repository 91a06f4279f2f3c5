/** Fits the settings of a run again on parts of its training split: cross-validation and learning curves. The test split is never looked at. */
import type { LoadOptions } from "../catalog/assemble.ts";
import type { RunRequest } from "../catalog/run-settings.ts";
import { foldsOf } from "../data/folds.ts";
import type { MetricKind } from "../evaluation/kinds.ts";
import type { RunFacts } from "../shared/api/schemas.ts";
import type { CrossValidation, LearningCurve } from "../shared/evaluation.ts";
import { metricsFor, metricsOn } from "./evaluation.ts";
import { MemoryOutput } from "./output.ts";
import { type PreparedTraining, performTraining, prepareTraining, type Trained } from "./training.ts";

export interface Refitting {
  readonly request: RunRequest;
  readonly facts?: RunFacts;
  readonly mostThreads?: number;
  readonly load: Omit<LoadOptions, "fitted" | "rows" | "column">;
  readonly metrics?: readonly string[];
  readonly signal?: AbortSignal;
  /** Told after each fit. */
  readonly progress?: (done: number, total: number) => void;
}
export interface CrossValidationOptions {
  readonly folds: number;
  readonly repeats: number;
  readonly stratified: boolean;
  readonly group?: string;
}
export interface LearningCurveOptions {
  readonly points: number;
  readonly repeats: number;
}

/** Of the training split, set aside to measure a learning curve on. */
const HELD_SHARE = 5;

/** Preprocessing is fitted anew on each fold's training rows, too. @throws what preparing and training throw, BAD_PARAMETER */
export async function crossValidate(refitting: Refitting, options: CrossValidationOptions): Promise<CrossValidation> {
  const { folds, repeats, group } = options;
  const whole = await prepare(refitting, undefined, group);
  const { task, train } = whole.dataset;
  const { seed } = whole.settings.training;
  const stratified = options.stratified && task === "classification";
  const parts = foldsOf(train.count, {
    folds,
    repeats,
    seed,
    ...(stratified && { strata: train.targets }),
    ...(group !== undefined && { groups: whole.dataset.column! }),
  });
  const metrics = metricsFor(task, refitting.metrics);
  const results: CrossValidation["results"] = [];
  for (const { repeat, fold, train: rows, held } of parts) {
    const fitted = await refit(refitting, rows);
    const measured = await metricsOn(fitted.prepared, fitted.trained, metrics, held, refitting.signal);
    results.push({ repeat, fold, samples: held.length, metrics: measured });
    refitting.progress?.(results.length, parts.length);
  }
  return {
    folds,
    repeats,
    stratified,
    ...(group !== undefined && { group }),
    results,
    ...moments(
      metrics,
      results.map((one) => one.metrics),
    ),
  };
}

/** Sizes grow by equal factors up to all rows that are not held out. */
export async function learningCurve(refitting: Refitting, { points, repeats }: LearningCurveOptions): Promise<LearningCurve> {
  const { dataset, settings } = await prepare(refitting);
  const { train, task } = dataset;
  const [split] = foldsOf(train.count, {
    folds: HELD_SHARE,
    repeats: 1,
    seed: settings.training.seed,
    ...(task === "classification" && { strata: train.targets }),
  });
  const { train: available, held } = split!;
  const metrics = metricsFor(task, refitting.metrics);
  const least = Math.min(available.length, Math.max(20, 2 * dataset.labels.length));
  const sizes = [
    ...new Set(Array.from({ length: points }, (_, i) => Math.round(least * (available.length / least) ** (points > 1 ? i / (points - 1) : 1)))),
  ];
  const curve: LearningCurve["points"] = [];
  let done = 0;
  for (const samples of sizes) {
    const [onTrain, onHeld]: [Record<string, number>[], Record<string, number>[]] = [[], []];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const rows =
        samples === available.length
          ? available
          : drawn(available, train.targets, samples, settings.training.seed, repeat, task === "classification");
      const { prepared, trained } = await refit(refitting, rows);
      onTrain.push(await metricsOn(prepared, trained, metrics, rows, refitting.signal));
      onHeld.push(await metricsOn(prepared, trained, metrics, held, refitting.signal));
      refitting.progress?.(++done, sizes.length * repeats);
    }
    const { mean, deviation } = moments(metrics, onHeld);
    curve.push({ samples, train: moments(metrics, onTrain).mean, held: mean, deviation });
  }
  return { points: curve, held: held.length };
}

/** The first rows of a shuffle in which every class comes early, so that small parts have them all. */
function drawn(available: Int32Array, targets: ArrayLike<number>, samples: number, seed: number, repeat: number, byClass: boolean): Int32Array {
  const folds = Math.max(2, Math.min(available.length, Math.round(available.length / samples)));
  const parts = foldsOf(available.length, {
    folds,
    repeats: 1,
    seed: seed + repeat,
    ...(byClass && { strata: available.map((row) => targets[row]!) }),
  });
  const rows = parts.flatMap(({ held }) => [...held]).slice(0, samples);
  return Int32Array.from(
    rows.sort((a, b) => a - b),
    (place) => available[place]!,
  );
}

const prepare = ({ request, mostThreads, load }: Refitting, rows?: Int32Array, column?: string): Promise<PreparedTraining> =>
  prepareTraining(request, mostThreads, { ...load, ...(rows && { rows }), ...(column !== undefined && { column }) });

async function refit(refitting: Refitting, rows: Int32Array): Promise<{ prepared: PreparedTraining; trained: Trained }> {
  const prepared = await prepare(refitting, rows);
  for await (const event of performTraining(prepared, new MemoryOutput(), { signal: refitting.signal })) {
    if (event.type === "done") return { prepared, trained: { weights: event.best } };
    if (event.type === "fitted") return { prepared, trained: { learnt: event.tensors } };
  }
  refitting.signal?.throwIfAborted();
  throw new Error("internal: a training ended without a result");
}

/** Mean and standard deviation (over n - 1) of each metric that all have. */
function moments(metrics: readonly MetricKind[], results: readonly Readonly<Record<string, number>>[]) {
  const [mean, deviation]: [Record<string, number>, Record<string, number>] = [{}, {}];
  for (const { id } of metrics) {
    const values = results.flatMap((one) => (id in one ? [one[id]!] : []));
    if (values.length < results.length || !values.length) continue;
    mean[id] = values.reduce((a, b) => a + b, 0) / values.length;
    deviation[id] = values.length > 1 ? Math.sqrt(values.reduce((a, v) => a + (v - mean[id]!) ** 2, 0) / (values.length - 1)) : 0;
  }
  return { mean, deviation };
}
