/** What an evaluation says, as JSON: made by `evaluation/`, kept by the server, shown by CLI, reports and web. */
import { z } from "zod";

const count = z.int().min(0);
const share = z.number();
const interval = z.tuple([z.number(), z.number()]).meta({ description: "95 % bootstrap interval, low and high." });
const metrics = z.record(z.string(), z.number()).meta({ description: "By id of the catalog; what is not defined on these samples is left out." });
const point = z.tuple([z.number(), z.number()]);

const summaryShape = {
  task: z.enum(["classification", "regression"]),
  split: z.literal("test"),
  samples: count,
  loss: z
    .number()
    .meta({ description: "What training minimised; of a classical model log loss, or the share of errors, or the mean squared error." }),
  metrics,
  intervals: z.record(z.string(), interval).optional().meta({ description: "Of the metrics, over resamples of the test rows." }),
  resamples: count.optional().meta({ description: "How many resamples the intervals are of: 1,000, fewer of many rows." }),
  train: z
    .object({ samples: count, metrics })
    .optional()
    .meta({ description: "The same metrics on the rows that were learnt from (at most 20,000 of them), so that over-fitting shows." }),
  baseline: z
    .object({ model: z.string(), metrics })
    .optional()
    .meta({ description: "What one gets without learning: the most frequent class or the mean of the training rows, on the test split." }),
};
export const evaluationSummary = z
  .object(summaryShape)
  .meta({ id: "EvaluationSummary", description: "How good a run is on the test split, which training never saw." });
export type EvaluationSummary = z.infer<typeof evaluationSummary>;

const scores = { precision: share, recall: share, f1: share };
const curve = z.object({ label: z.string(), area: z.number(), points: z.array(point) });
export const threshold = z
  .object({ threshold: z.number(), tp: count, fp: count, tn: count, fn: count, ...scores, accuracy: share })
  .meta({ id: "Threshold", description: "What two classes come to when the second is predicted from this score on." });
export type Threshold = z.infer<typeof threshold>;
export const slice = z.object({ column: z.string(), value: z.string(), samples: count, metrics }).meta({ id: "Slice" });
export type Slice = z.infer<typeof slice>;
export const worstError = z
  .object({
    row: count.meta({ description: "In the test split, from 0." }),
    truth: z.union([z.string(), z.number()]),
    predicted: z.union([z.string(), z.number()]),
    confidence: z.number().optional().meta({ description: "Output of the predicted class." }),
    error: z.number().optional().meta({ description: "Of a value: predicted minus true." }),
    sample: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional(),
    picture: z.string().optional().meta({ description: "PNG as data URI." }),
  })
  .meta({ id: "WorstError" });
export type WorstError = z.infer<typeof worstError>;
export const importance = z
  .object({ feature: z.string(), mean: z.number(), deviation: z.number(), impurity: z.number().optional() })
  .meta({ id: "Importance", description: "How much worse the score gets when the feature's values are shuffled among the test rows." });
export type Importance = z.infer<typeof importance>;

const classification = z.object({
  labels: z.array(z.string()),
  gives: z.enum(["probabilities", "scores"]),
  confusion: z.array(z.array(count)).meta({ description: "Rows the truth, columns the prediction." }),
  accuracy: share,
  classes: z.array(z.object({ ...scores, support: count, roc_auc: share.optional(), pr_auc: share.optional() })),
  macro: z.object(scores),
  micro: z.object(scores),
  weighted: z.object(scores),
  curves: z.object({
    roc: z.array(curve).meta({ description: "False positive rate, true positive rate; one class against the others." }),
    pr: z.array(curve).meta({ description: "Recall, precision." }),
    lift: z.array(curve).meta({ description: "Share of rows from the highest score down, share of the class among them; the area is of the gain." }),
    calibration: z
      .object({ ece: z.number(), bins: z.array(z.object({ confidence: share, accuracy: share, count })) })
      .optional()
      .meta({ description: "Confidence in the predicted class against how often it is right, in 15 equal bins." }),
  }),
  thresholds: z.array(threshold).optional().meta({ description: "Of two classes." }),
});
const regression = z.object({
  mae: z.number(),
  mse: z.number(),
  rmse: z.number(),
  r2: z.number().optional(),
  residuals: z.array(z.object({ from: z.number(), to: z.number(), count })).meta({ description: "Histogram of predicted minus true." }),
  scatter: z.array(point).meta({ description: "True and predicted value of at most 1,000 rows." }),
});

export const evaluationReport = z
  .object({
    ...summaryShape,
    dataset: z.string().meta({ description: "Digest of the data." }),
    bestEpoch: count,
    ...classification.partial().shape,
    ...regression.partial().shape,
    slices: z.array(slice),
    worst: z.array(worstError),
    importance: z.array(importance),
  })
  .meta({ id: "Evaluation", description: "The whole evaluation: the summary, curves, slices, worst errors, importance." });
export type EvaluationReport = z.infer<typeof evaluationReport>;
export type ClassificationDetails = z.infer<typeof classification>;
export type RegressionDetails = z.infer<typeof regression>;

export const significance = z
  .object({
    metric: z.string(),
    values: z.tuple([z.number(), z.number()]),
    difference: z.number().meta({ description: "The second minus the first." }),
    interval,
    test: z.enum(["mcnemar", "paired-bootstrap"]),
    p: z.number().meta({ description: "How likely so great a difference is where there is none." }),
    samples: count,
    resamples: count.meta({ description: "How many resamples the interval is of." }),
    onlyFirst: count.optional().meta({ description: "Rows that only the first run predicts rightly." }),
    onlySecond: count.optional(),
  })
  .meta({ id: "Significance", description: "Whether two runs differ on the same test rows by more than chance." });
export type Significance = z.infer<typeof significance>;

const foldResult = z.object({ repeat: count, fold: count, samples: count, metrics });
export const crossValidation = z
  .object({
    folds: z.int(),
    repeats: z.int(),
    stratified: z.boolean(),
    group: z.string().optional(),
    results: z.array(foldResult),
    mean: metrics,
    deviation: metrics,
  })
  .meta({
    id: "CrossValidation",
    description: "The run's settings fitted anew on all folds of the training split but one, and measured on that one.",
  });
export type CrossValidation = z.infer<typeof crossValidation>;

export const learningCurve = z
  .object({
    points: z.array(z.object({ samples: count, train: metrics, held: metrics, deviation: metrics })),
    held: count.meta({ description: "Rows of the training split that were set aside to measure on." }),
  })
  .meta({ id: "LearningCurve", description: "How the run's settings do on more and more of the training rows." });
export type LearningCurve = z.infer<typeof learningCurve>;
