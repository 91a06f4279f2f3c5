/** Curves of a classifier, thinned to what a chart can show, and what two classes come to at each threshold. */
import type { ClassificationDetails, Threshold } from "../shared/evaluation.ts";
import type { ClassOutcome } from "./classes.ts";

export const MOST_POINTS = 200;
const THRESHOLDS = 201;

type Point = [x: number, y: number];
/** Not an array: a curve has as many points as the split has rows. */
interface Curve {
  readonly length: number;
  at(i: number): Point;
}

/** The first, the last, and those between that are about equally far from each other. */
function thinned({ length, at }: Curve): Point[] {
  const steps = new Float64Array(length); // how far along the curve
  for (let i = 1; i < length; i++) {
    const [[x, y], [before, below]] = [at(i), at(i - 1)];
    steps[i] = steps[i - 1]! + Math.abs(x - before) + Math.abs(y - below);
  }
  const step = length <= MOST_POINTS ? 0 : steps[length - 1]! / (MOST_POINTS - 1);
  const kept: Point[] = [];
  for (let i = 0; i < length; i++) if (i === length - 1 || steps[i]! >= kept.length * step) kept.push(at(i));
  return kept;
}

function areaUnder({ length, at }: Curve): number {
  let area = 0;
  for (let i = 1; i < length; i++) {
    const [[x, y], [before, below]] = [at(i), at(i - 1)];
    area += ((x - before) * (y + below)) / 2;
  }
  return area;
}

/** ROC, precision-recall and lift of each class that occurs beside others, one against the rest. */
export function curvesOf(outcome: ClassOutcome, labels: readonly string[]): ClassificationDetails["curves"] {
  const curves: ClassificationDetails["curves"] = { roc: [], pr: [], lift: [] };
  for (const [c, label] of labels.entries()) {
    // Of two classes one curve says it all.
    if (labels.length === 2 && c === 0) continue;
    const { roc: area, pr: precision } = outcome.areasOf(c);
    if (area === undefined || precision === undefined) continue;
    const { roc, pr, lift } = curvesOfClass(outcome, c);
    curves.roc.push({ label, area, points: thinned(roc) });
    curves.pr.push({ label, area: precision, points: thinned(pr) });
    curves.lift.push({ label, area: areaUnder(lift), points: thinned(lift) });
  }
  const ece = outcome.calibrationError;
  return ece === undefined ? curves : { ...curves, calibration: { ece, bins: [...outcome.calibration] } };
}

function curvesOfClass(outcome: ClassOutcome, c: number): Record<"roc" | "pr" | "lift", Curve> {
  const [tp, fp] = [new Float64Array(outcome.count + 1), new Float64Array(outcome.count + 1)];
  let length = 1;
  outcome.sweep(c, (positives, negatives) => {
    tp[length] = positives;
    fp[length++] = negatives;
  });
  const [positives, negatives] = [tp[length - 1]!, fp[length - 1]!];
  return {
    roc: { length, at: (i) => [fp[i]! / negatives, tp[i]! / positives] },
    pr: { length, at: (i) => [tp[i]! / positives, i ? tp[i]! / (tp[i]! + fp[i]!) : 1] },
    lift: { length, at: (i) => [(tp[i]! + fp[i]!) / (positives + negatives), tp[i]! / positives] },
  };
}

/** What predicting the second of two classes from a score on comes to: at equal steps of a probability, or at quantiles of other scores. */
export function thresholdsOf(outcome: ClassOutcome): Threshold[] {
  const { count, targets, gives } = outcome;
  const scores = Float64Array.from({ length: count }, (_, row) => outcome.output(row, 1));
  if (!count || !scores.every(Number.isFinite)) return [];
  const sorted = gives === "scores" ? scores.toSorted() : scores;
  const at = (place: number) => (gives === "scores" ? sorted[Math.round(place * (count - 1))]! : place);
  const cuts = Float64Array.from(new Set(Array.from({ length: THRESHOLDS }, (_, i) => at(i / (THRESHOLDS - 1)))));

  // Of each class the rows that reach so many cuts and no more.
  const reached = [new Int32Array(cuts.length + 1), new Int32Array(cuts.length + 1)];
  for (let row = 0; row < count; row++) reached[targets[row]!]![cutsUpTo(cuts, scores[row]!)]!++;
  const [negatives, positives] = reached.map((rows) => rows.reduce((a, b) => a + b)) as [number, number];
  let [fp, tp] = [negatives, positives];
  return Array.from(cuts, (threshold, i) => {
    fp -= reached[0]![i]!;
    tp -= reached[1]![i]!;
    return thresholdRow(threshold, { tp, fp, tn: negatives - fp, fn: positives - tp });
  });
}

/** How many of the rising cuts are at most the score. */
function cutsUpTo(cuts: Float64Array, score: number): number {
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cuts[middle]! <= score) low = middle + 1;
    else high = middle;
  }
  return low;
}

const share = (part: number, whole: number): number => (whole ? part / whole : 0);
const thresholdRow = (threshold: number, { tp, fp, tn, fn }: Pick<Threshold, "tp" | "fp" | "tn" | "fn">): Threshold => ({
  threshold,
  tp,
  fp,
  tn,
  fn,
  precision: share(tp, tp + fp),
  recall: share(tp, tp + fn),
  f1: share(2 * tp, 2 * tp + fp + fn),
  accuracy: share(tp + tn, tp + fp + tn + fn),
});

/** The threshold of the highest F1, the lowest of equals. */
export const bestThreshold = (thresholds: readonly Threshold[]): Threshold | undefined =>
  thresholds.reduce<Threshold | undefined>((best, one) => (!best || one.f1 > best.f1 ? one : best), undefined);
