/** Every metric: how good predictions are, in one number. The formulas stand in `evaluation/`. */
import type { ClassOutcome } from "../../evaluation/classes.ts";
import { type MetricKind, metric } from "../../evaluation/kinds.ts";
import type { ValueOutcome } from "../../evaluation/values.ts";

const scikit = "https://scikit-learn.org/stable/modules/model_evaluation.html";

type Row<O> = readonly [
  id: string,
  title: string,
  better: "higher" | "lower",
  section: string,
  summary: string,
  compute: (outcome: O) => number | undefined,
];

const prf = "precision-recall-f-measure-metrics";
const classification: readonly Row<ClassOutcome>[] = [
  ["accuracy", "Accuracy", "higher", "accuracy-score", "Share of samples whose class was predicted.", (o) => o.accuracy],
  [
    "balanced-accuracy",
    "Balanced accuracy",
    "higher",
    "balanced-accuracy-score",
    "Mean recall of the classes: rare ones count as much as frequent ones.",
    (o) => o.balancedAccuracy,
  ],
  [
    "precision",
    "Precision",
    "higher",
    prf,
    "Of what was predicted as a class, the share that is of it; mean over the classes.",
    (o) => o.average("macro").precision,
  ],
  [
    "recall",
    "Recall",
    "higher",
    prf,
    "Of what is of a class, the share that was predicted as it; mean over the classes.",
    (o) => o.average("macro").recall,
  ],
  ["f1", "F1", "higher", prf, "Harmonic mean of precision and recall; mean over the classes.", (o) => o.average("macro").f1],
  [
    "micro-precision",
    "Micro precision",
    "higher",
    prf,
    "Precision of all classes together: the same as accuracy.",
    (o) => o.average("micro").precision,
  ],
  ["micro-recall", "Micro recall", "higher", prf, "Recall of all classes together: the same as accuracy.", (o) => o.average("micro").recall],
  ["micro-f1", "Micro F1", "higher", prf, "F1 of all classes together: the same as accuracy.", (o) => o.average("micro").f1],
  [
    "weighted-precision",
    "Weighted precision",
    "higher",
    prf,
    "Precision, where classes count as often as they occur.",
    (o) => o.average("weighted").precision,
  ],
  [
    "weighted-recall",
    "Weighted recall",
    "higher",
    prf,
    "Recall, where classes count as often as they occur: the same as accuracy.",
    (o) => o.average("weighted").recall,
  ],
  ["weighted-f1", "Weighted F1", "higher", prf, "F1, where classes count as often as they occur.", (o) => o.average("weighted").f1],
  ["log-loss", "Log loss", "lower", "log-loss", "Mean of -log of the probability that the true class was given.", (o) => o.logLoss],
  [
    "brier",
    "Brier score",
    "lower",
    "brier-score-loss",
    "Mean squared distance of the probabilities from the truth; of two classes that of the second.",
    (o) => o.brier,
  ],
  [
    "roc-auc",
    "ROC-AUC",
    "higher",
    "receiver-operating-characteristic-roc",
    "Chance that a sample of a class has a higher score than one of another; one against the rest, mean over the classes.",
    (o) => o.areas("rocAuc"),
  ],
  [
    "weighted-roc-auc",
    "Weighted ROC-AUC",
    "higher",
    "receiver-operating-characteristic-roc",
    "ROC-AUC, where classes count as often as they occur.",
    (o) => o.areas("rocAuc", "weighted"),
  ],
  [
    "pr-auc",
    "PR-AUC",
    "higher",
    prf,
    "Average precision over all thresholds; one class against the rest, mean over the classes.",
    (o) => o.areas("prAuc"),
  ],
  [
    "weighted-pr-auc",
    "Weighted PR-AUC",
    "higher",
    prf,
    "Average precision, where classes count as often as they occur.",
    (o) => o.areas("prAuc", "weighted"),
  ],
  [
    "matthews",
    "Matthews correlation",
    "higher",
    "matthews-correlation-coefficient",
    "Correlation of truth and prediction: 1 is perfect, 0 no better than chance.",
    (o) => o.matthews,
  ],
  ["cohen-kappa", "Cohen's kappa", "higher", "cohen-kappa", "Agreement of truth and prediction beyond that of chance.", (o) => o.kappa],
  [
    "top-3-accuracy",
    "Top-3 accuracy",
    "higher",
    "top-k-accuracy-score",
    "Share of samples whose class is among the three most likely.",
    (o) => o.topK(3),
  ],
  [
    "top-5-accuracy",
    "Top-5 accuracy",
    "higher",
    "top-k-accuracy-score",
    "Share of samples whose class is among the five most likely.",
    (o) => o.topK(5),
  ],
  [
    "calibration-error",
    "Calibration error",
    "lower",
    "https://arxiv.org/abs/1706.04599",
    "How far confidence is from how often it is right: mean over 15 bins of confidence (ECE).",
    (o) => o.calibrationError,
  ],
];

const regression: readonly Row<ValueOutcome>[] = [
  ["mae", "Mean absolute error", "lower", "mean-absolute-error", "How far off predictions are, in the target's unit.", (o) => o.mae],
  ["mse", "Mean squared error", "lower", "mean-squared-error", "Mean of the squared errors: large ones count most.", (o) => o.mse],
  ["rmse", "Root mean squared error", "lower", "mean-squared-error", "Root of the mean squared error, in the target's unit.", (o) => o.rmse],
  [
    "r2",
    "R²",
    "higher",
    "r2-score-the-coefficient-of-determination",
    "Share of the target's variance that is explained: 1 is perfect, 0 no better than its mean.",
    (o) => o.r2,
  ],
  [
    "explained-variance",
    "Explained variance",
    "higher",
    "explained-variance-score",
    "As R², but an error that is the same for all samples does not count.",
    (o) => o.explainedVariance,
  ],
  [
    "median-absolute-error",
    "Median absolute error",
    "lower",
    "median-absolute-error",
    "Half of the predictions are less far off than this.",
    (o) => o.medianAbsoluteError,
  ],
  ["max-error", "Largest error", "lower", "max-error", "How far off the worst prediction is.", (o) => o.maxError],
  [
    "mape",
    "Mean absolute percentage error",
    "lower",
    "mean-absolute-percentage-error",
    "How far off predictions are beside the true value: 1 is 100 %.",
    (o) => o.mape,
  ],
];

const entries = <O>(task: "classification" | "regression", rows: readonly Row<O>[]): readonly MetricKind[] =>
  rows.map(([id, title, better, section, summary, compute]) => {
    const reference = section.startsWith("https:") ? section : `${scikit}#${section}`;
    return metric({ id, title, better, summary, reference, tasks: [task], compute: compute as never });
  });

export const metrics: readonly MetricKind[] = [...entries("classification", classification), ...entries("regression", regression)];
