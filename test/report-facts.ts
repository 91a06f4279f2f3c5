/** Runs to report on: outcomes by hand, judged by the library as those of real runs are. */
import { intervals } from "../src/evaluation/bootstrap.ts";
import { ClassOutcome } from "../src/evaluation/classes.ts";
import { classificationDetails, regressionDetails, worstOf } from "../src/evaluation/details.ts";
import { type MetricKind, measured, metric, type Outcome } from "../src/evaluation/kinds.ts";
import type { ReportFacts } from "../src/evaluation/report/facts.ts";
import { slicesOf } from "../src/evaluation/slices.ts";
import { ValueOutcome } from "../src/evaluation/values.ts";
import type { Column } from "../src/shared/dataset.ts";
import type { EvaluationReport } from "../src/shared/evaluation.ts";
import { type Random, random } from "../src/shared/random.ts";

const of = (
  id: string,
  title: string,
  better: "higher" | "lower",
  task: "classification" | "regression",
  compute: (outcome: never) => number | undefined,
) => metric({ id, title, better, summary: "", reference: "", tasks: [task], compute: compute as MetricKind["compute"] });
const metrics: readonly MetricKind[] = [
  of("accuracy", "Accuracy", "higher", "classification", (o: ClassOutcome) => o.accuracy),
  of("f1", "F1", "higher", "classification", (o: ClassOutcome) => o.average("macro").f1),
  of("roc-auc", "ROC-AUC", "higher", "classification", (o: ClassOutcome) => o.areas("rocAuc")),
  of("log-loss", "Log loss", "lower", "classification", (o: ClassOutcome) => o.logLoss),
  of("matthews", "Matthews correlation", "higher", "classification", (o: ClassOutcome) => o.matthews),
  of("mae", "Mean absolute error", "lower", "regression", (o: ValueOutcome) => o.mae),
  of("rmse", "Root mean squared error", "lower", "regression", (o: ValueOutcome) => o.rmse),
  of("r2", "R²", "higher", "regression", (o: ValueOutcome) => o.r2),
];
const metricTitles = Object.fromEntries(metrics.map(({ id, title, better }) => [id, { title, better }]));

const normal = (draw: Random): number => Math.sqrt(-2 * Math.log(1 - draw.next())) * Math.cos(2 * Math.PI * draw.next());

/** A classifier that is right about as surely as `skill` says: 0 guesses. */
export function classified(labels: readonly string[], rows: number, skill: number, seed = 1): ClassOutcome {
  const [draw, classes] = [random(seed, "report"), labels.length];
  const targets = Int32Array.from({ length: rows }, () => draw.below(classes));
  const outputs = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const scores = Array.from({ length: classes }, (_, c) => Math.exp(normal(draw) + (c === targets[row] ? skill : 0)));
    const total = scores.reduce((a, b) => a + b);
    outputs.set(
      scores.map((score) => score / total),
      row * classes,
    );
  }
  return new ClassOutcome({ classes, targets, outputs, gives: "probabilities" });
}

const valued = (rows: number, noise: number): ValueOutcome => {
  const draw = random(2, "report");
  const targets = Float64Array.from({ length: rows }, () => 170 + 12 * normal(draw));
  return new ValueOutcome({ targets, predictions: targets.map((v) => 170 + 0.9 * (v - 170) + noise * normal(draw)) });
};

const columnNames = ["age", "county"];
/** What every report has beside the details of its task. */
function common(
  outcome: Outcome,
  labels: readonly string[],
  learnt: Outcome,
  guess: Record<string, number>,
  values: readonly string[],
): EvaluationReport {
  const draw = random(3, "report");
  const [count, columns] = [
    outcome.count,
    [
      { name: "age", type: "number" },
      { name: "county", type: "category", values },
    ] satisfies Column[],
  ];
  const numbers = Float32Array.from({ length: count }, () => Math.round(20 + 50 * draw.next()));
  const categories = Int32Array.from({ length: count }, () => draw.below(values.length));
  // Areas of many classes take long to resample.
  const bounded = metrics.filter(({ id, tasks }) => tasks.includes(outcome.task) && (id !== "roc-auc" || labels.length < 3));
  const worst = worstOf(outcome, labels).map((error) => ({
    ...error,
    sample: { age: numbers[error.row]!, county: values[categories[error.row]!]! },
  }));
  return {
    task: outcome.task,
    split: "test",
    samples: count,
    loss: 0.3,
    metrics: measured(metrics, outcome),
    intervals: intervals(bounded, outcome, 1),
    train: { samples: learnt.count, metrics: measured(metrics, learnt) },
    baseline: { model: outcome.task === "regression" ? "mean" : "most frequent class", metrics: guess },
    dataset: "c0ffee",
    bestEpoch: 7,
    slices: slicesOf(metrics, outcome, columns, { count, numbers, categories } as never),
    worst,
    importance: [
      { feature: "county", mean: -0.002, deviation: 0.004, impurity: 0.1 },
      { feature: "age", mean: 0.21, deviation: 0.02, impurity: 0.9 },
    ],
  };
}

const facts = (evaluation: EvaluationReport, about: Partial<ReportFacts> = {}): ReportFacts => ({
  run: {
    name: "first try",
    number: 12,
    createdAt: "2026-11-26T10:00:00.000Z",
    createdBy: "ada",
    note: "Trees, to have something to compare with.",
    tags: ["baseline", "trees"],
  },
  dataset: {
    name: "patients@3",
    digest: "sha256:5f3c1b0c2a9d4e7f8a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f",
    samples: { train: 1200, validation: 300, test: evaluation.samples },
    columns: columnNames,
    target: "outcome",
    licence: "CC-BY-4.0",
  },
  model: { id: "random-forest", title: "Random forest", params: { trees: 100, maxDepth: 0, bootstrap: true } },
  settings: [
    ["seed", "42"],
    ["threads", "2"],
  ],
  preprocessing: ["Fill missing numbers with the median.", "Standardise numbers."],
  metricTitles,
  evaluation,
  versions: { trainyard: "0.1.0", "onnxruntime-node": "1.30.0", node: "20.19.0" },
  ...about,
});

const counties = ["Kent", "Devon", "Essex"];
export interface Classified {
  readonly labels: readonly string[];
  readonly rows?: number;
  readonly skill?: number;
  /** On the rows that it learnt from. */
  readonly learnt?: number;
  readonly counties?: readonly string[];
}
export function classification(
  { labels, rows = 400, skill = 2, learnt = skill, counties: values = counties }: Classified,
  about?: Partial<ReportFacts>,
): ReportFacts {
  const outcome = classified(labels, rows, skill);
  const share = 1 / labels.length;
  const guess = { accuracy: share, f1: share / 2, "roc-auc": 0.5, "log-loss": Math.log(labels.length), matthews: 0 };
  return facts({ ...common(outcome, labels, classified(labels, 1000, learnt, 5), guess, values), ...classificationDetails(outcome, labels) }, about);
}
export function regression(noise = 4, about?: Partial<ReportFacts>): ReportFacts {
  const outcome = valued(500, noise);
  return facts({ ...common(outcome, [], valued(900, noise), { mae: 9.6, rmse: 12, r2: 0 }, counties), ...regressionDetails(outcome) }, about);
}

export const crossValidated: NonNullable<ReportFacts["crossValidation"]> = {
  folds: 5,
  repeats: 2,
  stratified: true,
  group: "county",
  results: [0.81, 0.85, 0.83].map((accuracy, fold) => ({ repeat: 0, fold, samples: 240, metrics: { accuracy } })),
  mean: { accuracy: 0.83 },
  deviation: { accuracy: 0.02 },
};
export const learnt: NonNullable<ReportFacts["learningCurve"]> = {
  held: 240,
  points: [100, 300, 600, 1000].map((samples, i) => ({
    samples,
    train: { accuracy: 0.99 - 0.01 * i },
    held: { accuracy: 0.7 + 0.05 * i },
    deviation: { accuracy: 0.01 },
  })),
};
