/** What an evaluation tells besides its metrics: the details of either task, and the worst errors. */
import type { ClassificationDetails, RegressionDetails, WorstError } from "../shared/evaluation.ts";
import type { ClassOutcome } from "./classes.ts";
import { curvesOf, thresholdsOf } from "./curves.ts";
import type { Outcome } from "./kinds.ts";
import type { ValueOutcome } from "./values.ts";

export const WORST = 25;
const BINS = 30;
const SCATTER = 1000;

export function classificationDetails(outcome: ClassOutcome, labels: readonly string[]): ClassificationDetails {
  return {
    labels: [...labels],
    gives: outcome.gives,
    confusion: outcome.confusion.map((row) => [...row]),
    accuracy: outcome.accuracy ?? 0,
    classes: outcome.perClass.map((scores, c) => {
      const [roc, pr] = [outcome.rocAuc(c), outcome.prAuc(c)];
      return { ...scores, ...(roc !== undefined && { roc_auc: roc }), ...(pr !== undefined && { pr_auc: pr }) };
    }),
    macro: outcome.average("macro"),
    micro: outcome.average("micro"),
    weighted: outcome.average("weighted"),
    curves: curvesOf(outcome, labels),
    ...(labels.length === 2 && { thresholds: thresholdsOf(outcome) }),
  };
}

export function regressionDetails(outcome: ValueOutcome): RegressionDetails {
  const { errors, targets, predictions, r2 } = outcome;
  const [low, high] = errors.reduce(([a, b], e) => [Math.min(a, e), Math.max(b, e)], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  const width = (high - low) / BINS || 1;
  const counts = new Float64Array(BINS);
  for (const error of errors) counts[Math.min(BINS - 1, Math.floor((error - low) / width))]!++;
  const step = Math.max(1, Math.ceil(outcome.count / SCATTER));
  return {
    mae: outcome.mae ?? 0,
    mse: outcome.mse ?? 0,
    rmse: outcome.rmse ?? 0,
    ...(r2 !== undefined && { r2 }),
    residuals: outcome.count ? [...counts].map((count, i) => ({ from: low + i * width, to: low + (i + 1) * width, count })) : [],
    scatter: Array.from({ length: Math.ceil(outcome.count / step) }, (_, i) => [targets[i * step]!, predictions[i * step]!]),
  };
}

/** The most confident mistakes, or the values furthest off. */
export function worstOf(outcome: Outcome, labels: readonly string[]): WorstError[] {
  const rows = Array.from({ length: outcome.count }, (_, row) => row);
  if (outcome.task === "regression") {
    const size = (row: number) => Math.abs(outcome.errors[row]!);
    return rows
      .filter((row) => size(row) > 0)
      .sort((a, b) => size(b) - size(a) || a - b)
      .slice(0, WORST)
      .map((row) => ({ row, truth: outcome.targets[row]!, predicted: outcome.predictions[row]!, error: outcome.errors[row]! }));
  }
  const { targets, predicted } = outcome;
  const confidence = (row: number) => outcome.output(row, predicted[row]!);
  return rows
    .filter((row) => predicted[row] !== targets[row])
    .sort((a, b) => confidence(b) - confidence(a) || a - b)
    .slice(0, WORST)
    .map((row) => ({ row, truth: labels[targets[row]!]!, predicted: labels[predicted[row]!]!, confidence: confidence(row) }));
}
