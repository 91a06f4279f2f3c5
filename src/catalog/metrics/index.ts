/** Every metric: how good predictions are, in one number. */
import { classificationReport, type Scores } from "../../evaluation/classification.ts";
import { type MetricKind, metric } from "../../evaluation/kinds.ts";
import { type RegressionReport, regressionReport } from "../../evaluation/regression.ts";

const scikit = "https://scikit-learn.org/stable/modules/model_evaluation.html";

const classification = (id: string, title: string, summary: string, average: "macro" | "weighted", score: keyof Scores): MetricKind =>
  metric({
    id,
    title,
    summary,
    reference: `${scikit}#precision-recall-f-measure-metrics`,
    tasks: ["classification"],
    compute: (confusion) => classificationReport(confusion)[average][score],
  });

const regression = (id: keyof RegressionReport, title: string, summary: string, section: string): MetricKind =>
  metric({
    id,
    title,
    summary,
    reference: `${scikit}#${section}`,
    tasks: ["regression"],
    compute: ({ predictions, targets }) => regressionReport(predictions, targets)[id],
  });

export const metrics: readonly MetricKind[] = [
  metric({
    id: "accuracy",
    title: "Accuracy",
    summary: "Share of samples whose class was predicted.",
    reference: `${scikit}#accuracy-score`,
    tasks: ["classification"],
    compute: (confusion) => classificationReport(confusion).accuracy,
  }),
  classification("precision", "Precision", "Of what was predicted as a class, the share that is of it; mean over the classes.", "macro", "precision"),
  classification("recall", "Recall", "Of what is of a class, the share that was predicted as it; mean over the classes.", "macro", "recall"),
  classification("f1", "F1", "Harmonic mean of precision and recall; mean over the classes.", "macro", "f1"),
  classification("weighted-precision", "Weighted precision", "Precision, where classes count as often as they occur.", "weighted", "precision"),
  classification(
    "weighted-recall",
    "Weighted recall",
    "Recall, where classes count as often as they occur: the same as accuracy.",
    "weighted",
    "recall",
  ),
  classification("weighted-f1", "Weighted F1", "F1, where classes count as often as they occur.", "weighted", "f1"),
  regression("mae", "Mean absolute error", "How far off predictions are, in the target's unit.", "mean-absolute-error"),
  regression("mse", "Mean squared error", "Mean of the squared errors: large ones count most.", "mean-squared-error"),
  regression("rmse", "Root mean squared error", "Root of the mean squared error, in the target's unit.", "mean-squared-error"),
  regression(
    "r2",
    "R²",
    "Share of the target's variance that is explained: 1 is perfect, 0 no better than its mean.",
    "r2-score-the-coefficient-of-determination",
  ),
];
