/** Logistic regression: probabilities from weighted sums of the features. */
import { constant, type Value } from "../../engine/graph.ts";
import { gemm, neg, softmax, softplus } from "../../engine/ops.ts";
import { boolean, choice, classWeights, integer, number, type ValuesOf } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";
import { classSizes, weightsOf } from "../classes.ts";
import { fromWords, inWords } from "../doubles.ts";
import { type FitContext, type FitData, type FitProgress, type Learnt, type LearntTensors, learner, tensorIn } from "../kinds.ts";
import { lbfgs } from "./lbfgs.ts";
import { coordinate, newton } from "./newton.ts";
import { type Moments, Objective, type Problem } from "./objective.ts";
import { proximal } from "./proximal.ts";
import type { Iterate, Solver, Start } from "./solver.ts";

const params = {
  penalty: choice({
    default: "l2",
    options: ["l2", "l1", "elasticnet", "none"],
    help: "What keeps coefficients small: their squares (l2), their absolute values (l1, which makes many exactly 0), some of both, or nothing. Intercepts are free.",
  }),
  C: number({
    default: 1,
    min: 1e-12,
    scale: "log",
    help: "How much the losses of all samples, added up, count against the penalty: less keeps coefficients smaller.",
  }),
  l1Ratio: number({ default: 0.5, min: 0, max: 1, help: "Elastic net: the part of the penalty that is l1." }),
  fitIntercept: boolean({ default: true, help: "Whether each score has a constant of its own." }),
  multiClass: choice({
    default: "multinomial",
    options: ["multinomial", "ovr"],
    help: "Of three classes and more: one model of all (multinomial), or each class against the rest (ovr), scaled to add up to 1.",
  }),
  solver: choice({
    default: "auto",
    options: ["auto", "newton", "lbfgs", "coordinate", "proximal"],
    help: "newton and, with an l1 penalty, coordinate take few exact steps but keep a square matrix of the coefficients; lbfgs and, with l1, proximal (FISTA) suit many coefficients. auto chooses by the size of the data.",
  }),
  maxIter: integer({ default: 100, min: 1, help: "Iterations at most. With many coefficients proximal wants some thousands to converge." }),
  tol: number({
    default: 1e-7,
    min: 0,
    scale: "log",
    help: "It has converged where no slope of the mean objective is above this. Less than scikit-learn's 1e-4, at which probabilities are still 0.01 off.",
  }),
  classWeight: classWeights({ default: "none", help: "How much each class counts: none, balanced, or weights by class." }),
};
type LogisticParams = ValuesOf<typeof params>;

const MODEL = 'model "logistic-regression"';
/** Of a class that has no sample: softmax makes a probability of 0 of it. */
const NEVER = -1e30;
const solvers = { newton, lbfgs, coordinate, proximal } satisfies Record<string, Solver>;
/** The largest square matrix, by coefficients: its factors take half a second. */
const MATRIX = 1000;
/** Where a matrix is worth it: that many coefficients in any case, or as many products to fill it. */
const SMALL = 100;
const FILL = 4e9;

export const logisticRegression = learner({
  id: "logistic-regression",
  title: "Logistic regression",
  summary: "Weighs the features so that the classes become as likely as they can: the plain, well understood linear classifier.",
  reference: "https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression",
  tasks: ["classification"],
  unit: "iterations",
  reads: "scaled",
  missing: false,
  partial: true,
  params,
  gives: () => "probabilities",
  check({ penalty, solver }) {
    const smooth = penalty === "l2" || penalty === "none";
    if (smooth || !["newton", "lbfgs"].includes(solver)) return undefined;
    return { name: "solver", want: `coordinate, proximal or auto, as the penalty ${penalty} has corners`, got: solver };
  },
  fit,
  graph,
  importance,
});

async function* fit(data: FitData, params: LogisticParams, { resume, signal }: FitContext): AsyncGenerator<FitProgress, Learnt> {
  const present = classesWithSamples(data);
  if (present.length === 1) return { tensors: onlyClass(data, present[0]!) };
  const problem = problemOf(data, present, params);
  await using objective = new Objective(problem);
  const solver = solverFor(objective, params);
  const start = resume ? resumed(resume) : { iteration: 0, point: new Float64Array(objective.size), memory: {} };
  const moments = yield* quietly(objective.moments(), { done: start.iteration, total: params.maxIter }, signal);
  const tensors = (point: Float64Array) => learnt(point, data, present, problem, params, moments);
  let last: Iterate | undefined;
  for await (const iterate of solvers[solver](objective, start, params, scaleOf(objective, moments))) {
    last = iterate ?? last;
    const checkpoint = last && {
      checkpoint: (
        (at) => () =>
          new Map([...tensors(at.point), ...kept(at)])
      )(last),
      loss: last.loss,
    };
    yield { done: last?.iteration ?? start.iteration, total: params.maxIter, ...checkpoint };
    signal?.throwIfAborted();
  }
  return { tensors: tensors(last!.point), metrics: { iterations: last!.iteration, converged: Number(last!.converged) } };
}

/** Work to its end, with the same progress at each breath. */
async function* quietly<T>(work: AsyncGenerator<undefined, T>, progress: FitProgress, signal?: AbortSignal): AsyncGenerator<FitProgress, T> {
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
    yield progress;
    signal?.throwIfAborted();
  }
}

/** Classes whose samples count, in order. */
function classesWithSamples(data: FitData): readonly number[] {
  const sizes = classSizes(data, weightsOf(data));
  const present = [...sizes.keys()].filter((c) => sizes[c]! > 0);
  if (present.length) return present;
  throw fail("UNFIT_DATA", { what: MODEL, problem: "every sample has a weight of 0", fix: "Give a class or a sample a weight above 0." });
}

/** Two classes are a single yes or no, however many the data could have had. */
function problemOf(data: FitData, present: readonly number[], params: LogisticParams): Problem {
  const { penalty, C, l1Ratio, multiClass, fitIntercept } = params;
  const { inputs, count, features, targets, labels } = data;
  const columnOf = Int32Array.from(labels, (_, c) => Math.max(0, present.indexOf(c)));
  const weights = Float64Array.from(weightsOf(data)); // ONNX Runtime takes no shared memory
  const strength = penalty === "none" ? 0 : 1 / (C * weights.reduce((a, b) => a + b));
  const l1Part = { none: 0, l2: 0, l1: 1, elasticnet: l1Ratio }[penalty];
  return {
    inputs,
    count,
    features,
    targets: Int32Array.from(targets, (c) => columnOf[c]!),
    weights,
    columns: present.length === 2 ? 1 : present.length,
    link: present.length === 2 || multiClass === "ovr" ? "sigmoid" : "softmax",
    intercepts: fitIntercept,
    l1: strength * l1Part,
    l2: strength * (1 - l1Part),
  };
}

/** @throws UNFIT_DATA where a matrix was asked for that is too large */
function solverFor({ size, problem: { count, l1 } }: Objective, { solver }: LogisticParams): keyof typeof solvers {
  const [exact, frugal] = l1 ? (["coordinate", "proximal"] as const) : (["newton", "lbfgs"] as const);
  if (solver === "auto") return size <= SMALL || (size <= MATRIX && count * size ** 2 <= FILL) ? exact : frugal;
  if (size <= MATRIX || (solver !== "newton" && solver !== "coordinate")) return solver;
  const problem = `the solver ${solver} keeps a matrix of up to ${MATRIX} x ${MATRIX} coefficients, and here are ${size}`;
  throw fail("UNFIT_DATA", { what: MODEL, problem, fix: `Choose the solver ${frugal}, or auto.` });
}

/** 1 / sqrt(curvature where all is 0), of each number of a point. */
function scaleOf({ size, penalised, problem: { features, columns, link, l2 } }: Objective, { meanSquare }: Moments): Float64Array {
  const bend = link === "sigmoid" ? 1 / 4 : (1 / columns) * (1 - 1 / columns);
  return Float64Array.from({ length: size }, (_, i) => 1 / Math.sqrt(i < penalised ? bend * meanSquare[i % features]! + l2 || 1 : bend));
}

/** The tensors that predict: coefficients [features, classes], intercepts [classes]; and deviations [features] of the features. */
function learnt(
  point: Float64Array,
  { labels, features }: FitData,
  present: readonly number[],
  { columns, link, l1, intercepts: free }: Problem,
  { multiClass }: LogisticParams,
  { mean, meanSquare }: Moments,
): LearntTensors {
  const classes = labels.length;
  const coefficients = new Float32Array(features * classes);
  const intercepts = new Float32Array(classes).fill(NEVER);
  /** The same for all classes changes no softmax: taken away, unless it would make coefficients of 0 something else. */
  const middle = (at: (column: number) => number, applies: boolean) =>
    applies ? Array.from({ length: columns }, (_, c) => at(c)).reduce((a, b) => a + b) / columns : 0;
  const intercept = (c: number) => (free ? point[columns * features + c]! : 0);
  const put = (label: number, column: number, sign: number) => {
    intercepts[label] = sign * (intercept(column) - middle(intercept, link === "softmax"));
    for (let j = 0; j < features; j++) {
      const at = (c: number) => point[c * features + j]!;
      coefficients[j * classes + label] = sign * (at(column) - middle(at, link === "softmax" && !l1));
    }
  };
  if (columns === 1) {
    put(present[0]!, 0, multiClass === "ovr" ? -1 : 0);
    put(present[1]!, 0, 1);
  } else for (const [column, label] of present.entries()) put(label, column, 1);
  return new Map([
    ["coefficients", { shape: [features, classes], data: coefficients }],
    ["intercepts", { shape: [classes], data: intercepts }],
    ["deviations", { shape: [features], data: Float32Array.from(mean, (m, j) => Math.sqrt(Math.max(0, meanSquare[j]! - m * m))) }],
  ]);
}

function onlyClass({ labels, features }: FitData, label: number): LearntTensors {
  return new Map([
    ["coefficients", { shape: [features, labels.length], data: new Float32Array(features * labels.length) }],
    ["intercepts", { shape: [labels.length], data: Float32Array.from(labels, (_, c) => (c === label ? 0 : NEVER)) }],
    ["deviations", { shape: [features], data: new Float32Array(features) }],
  ]);
}

/** What a solver goes on from, every bit of it. */
const kept = ({ iteration, point, memory }: Iterate): LearntTensors =>
  new Map(Object.entries({ iteration: Float64Array.of(iteration), point, ...memory }).map(([name, values]) => [`solver.${name}`, inWords(values)]));

function resumed(tensors: LearntTensors): Start {
  const ours = [...tensors].filter(([name]) => name.startsWith("solver.")).map(([name, words]) => [name.slice("solver.".length), fromWords(words)]);
  const { iteration, point, ...memory } = Object.fromEntries(ours) as Readonly<Record<string, Float64Array>>;
  return { iteration: iteration![0]!, point: point!, memory };
}

function graph(x: Value, tensors: LearntTensors, _: unknown, { multiClass }: LogisticParams): { readonly output: Value } {
  const fixed = (name: string) => constant({ dtype: "float32", ...tensorIn(tensors, name) });
  const scores = gemm(x, fixed("coefficients"), fixed("intercepts")); // [batch, classes]
  // of sigmoids: s / (sum of s) = softmax(log s), log s(z) = -softplus(-z), which is no 0 / 0 where all are tiny
  return { output: softmax(multiClass === "multinomial" ? scores : neg(softplus(neg(scores)))) };
}

/** How far one deviation of a feature moves the scores: |coefficient| deviation, over the classes, adding up to 1. */
function importance(tensors: LearntTensors): Float32Array | undefined {
  const { data: deviations } = tensorIn(tensors, "deviations");
  const { data: coefficients } = tensorIn(tensors, "coefficients");
  const classes = coefficients.length / deviations.length;
  const moved = Float64Array.from(deviations, (d, j) =>
    coefficients.subarray(j * classes, (j + 1) * classes).reduce((sum, w) => sum + Math.abs(w) * d, 0),
  );
  const total = moved.reduce((a, b) => a + b, 0);
  return total ? Float32Array.from(moved, (m) => m / total) : undefined;
}
