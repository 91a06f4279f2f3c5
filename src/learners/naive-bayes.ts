/** Naive Bayes: features are independent within a class. What a class looks like is counted; nothing is searched for. */
import { setImmediate } from "node:timers/promises";
import { constant, type Value } from "../engine/graph.ts";
import { add, cast, greater, matmul, softmax, square, sub } from "../engine/ops.ts";
import { boolean, choice, classWeights, number, type ValuesOf } from "../shared/define.ts";
import { fail, show } from "../shared/errors.ts";
import { classSizes, weightsOf } from "./classes.ts";
import { fromTwo, inTwo } from "./doubles.ts";
import { type FitContext, type FitData, type FitProgress, type GraphShape, type Learnt, type LearntTensors, learner, tensorIn } from "./kinds.ts";

const params = {
  distribution: choice({
    default: "gaussian",
    options: ["gaussian", "multinomial", "bernoulli", "complement"],
    help: "How a feature spreads within a class: gaussian for measurements, multinomial for counts (of words), complement for counts where classes differ in size, bernoulli for yes or no.",
  }),
  alpha: number({
    default: 1,
    min: 1e-10,
    scale: "log",
    help: "Added to every count, so that what a class never showed is not impossible. Not for gaussian.",
  }),
  fitPrior: boolean({ default: true, help: "Whether frequent classes are expected more often; else all classes alike. Complement ignores it." }),
  binarize: number({ default: 0, help: "Bernoulli: values above this are a yes." }),
  norm: boolean({ default: false, help: "Complement: whether the weights of each class are divided by their sum." }),
  varSmoothing: number({
    default: 1e-9,
    min: 0,
    scale: "log",
    help: "Gaussian: this part of the largest variance of a feature is added to every variance.",
  }),
  classWeight: classWeights({ default: "none", help: "How much each class counts: none, balanced, or weights by class." }),
};
type NaiveBayesParams = ValuesOf<typeof params>;

const MODEL = 'model "naive-bayes"';
/** Of a class that has no sample: softmax makes a probability of 0 of it. */
const NEVER = -1e30;
/** A quarter of the values between two breaths of the main thread, some hundredths of a second. */
const SLICE = 1 << 21;

export const naiveBayes = learner({
  id: "naive-bayes",
  title: "Naive Bayes",
  summary: "Counts how each feature spreads within each class, as if features knew nothing of each other. Learns in a pass or two over the data.",
  reference: "https://scikit-learn.org/stable/modules/naive_bayes.html",
  tasks: ["classification"],
  unit: "rows",
  reads: "raw",
  missing: false,
  params,
  gives: () => "probabilities",
  fit,
  graph,
});

/**
 * Adds to the sums of a class, which begin at `at`, what it makes of four rows: four at once, as the sums are read and written once for all.
 * @param order row numbers, weights what they count: four of each from `first`
 */
type RowSum = (sums: Float64Array, at: number, inputs: FitData["inputs"], order: Int32Array, weights: Float64Array, first: number) => void;

async function* fit(data: FitData, params: NaiveBayesParams, { signal }: FitContext): AsyncGenerator<FitProgress, Learnt> {
  const { features, labels } = data;
  const { distribution, varSmoothing } = params;
  const weights = weightsOf(data);
  const sizes = classSizes(data, weights);
  if (!sizes.some((size) => size > 0))
    throw fail("UNFIT_DATA", { what: MODEL, problem: "every sample has a weight of 0", fix: "Give a class or a sample a weight above 0." });
  const order = byClass(data, weights);
  const total = order.rows.length * (distribution === "gaussian" ? 2 : 1);
  const of = (biases: Float64Array, tables: Readonly<Record<string, Float64Array>>): Learnt => ({
    tensors: new Map([
      ["biases", inTwo(biases, [labels.length])],
      ...Object.entries(tables).map(([name, values]) => [name, inTwo(values, [labels.length, features])] as const),
    ]),
  });
  if (distribution === "gaussian") {
    const means = shares(yield* classSums(data, order, valueSum(features), { done: 0, total }, signal), sizes);
    const variances = shares(yield* classSums(data, order, squareSum(features, means), { done: total / 2, total }, signal), sizes);
    smooth(data, sizes, means, variances, varSmoothing);
    return of(logPriors(sizes, params), { means, variances });
  }
  if (distribution !== "bernoulli") refuseNegatives(data, distribution);
  const sum = distribution === "bernoulli" ? yesSum(features, params.binarize) : valueSum(features);
  const counts = yield* classSums(data, order, sum, { done: 0, total }, signal);
  const { biases, logits } = fromCounts[distribution](counts, sizes, params);
  return of(
    biases.map((bias, c) => (sizes[c] ? bias : NEVER)),
    { logits },
  );
}

interface Order {
  /** Row numbers, class after class, as many of each as is a multiple of four. */
  readonly rows: Int32Array;
  /** What each counts: 0 for those that only fill up. */
  readonly weights: Float64Array;
}

function byClass({ targets, count, labels }: FitData, weights: Float64Array): Order {
  const lengths = new Int32Array(labels.length);
  for (let r = 0; r < count; r++) lengths[targets[r]!]!++;
  const starts = new Int32Array(labels.length + 1);
  for (const [c, length] of lengths.entries()) starts[c + 1] = starts[c]! + 4 * Math.ceil(length / 4);
  const order = { rows: new Int32Array(starts[labels.length]!), weights: new Float64Array(starts[labels.length]!) };
  const next = starts.slice();
  for (let r = 0; r < count; r++) {
    const place = next[targets[r]!]!++;
    order.rows[place] = r;
    order.weights[place] = weights[r]!;
  }
  for (let c = 0; c < labels.length; c++) order.rows.fill(order.rows[starts[c]!]!, next[c]!, starts[c + 1]!);
  return order;
}

/** Sums over the rows of each class, [classes, features]. */
async function* classSums(
  { inputs, features, targets, labels }: FitData,
  { rows, weights }: Order,
  add: RowSum,
  { done, total }: FitProgress,
  signal?: AbortSignal,
): AsyncGenerator<FitProgress, Float64Array> {
  const sums = new Float64Array(labels.length * features);
  const slice = 4 * Math.ceil(SLICE / features);
  for (let from = 0; from < rows.length; from += slice) {
    const to = Math.min(rows.length, from + slice);
    for (let i = from; i < to; i += 4) add(sums, targets[rows[i]!]! * features, inputs, rows, weights, i);
    await setImmediate(); // lets an abort arrive
    yield { done: done + to, total };
    signal?.throwIfAborted();
  }
  return sums;
}

const valueSum =
  (features: number): RowSum =>
  (sums, at, inputs, order, weights, first) => {
    const [r0, r1, r2, r3] = [order[first]! * features, order[first + 1]! * features, order[first + 2]! * features, order[first + 3]! * features];
    const [w0, w1, w2, w3] = [weights[first]!, weights[first + 1]!, weights[first + 2]!, weights[first + 3]!];
    for (let j = 0; j < features; j++) sums[at + j]! += w0 * inputs[r0 + j]! + w1 * inputs[r1 + j]! + w2 * inputs[r2 + j]! + w3 * inputs[r3 + j]!;
  };

const squareSum =
  (features: number, means: Float64Array): RowSum =>
  (sums, at, inputs, order, weights, first) => {
    const [r0, r1, r2, r3] = [order[first]! * features, order[first + 1]! * features, order[first + 2]! * features, order[first + 3]! * features];
    const [w0, w1, w2, w3] = [weights[first]!, weights[first + 1]!, weights[first + 2]!, weights[first + 3]!];
    for (let j = 0; j < features; j++) {
      const mean = means[at + j]!;
      const d0 = inputs[r0 + j]! - mean;
      const d1 = inputs[r1 + j]! - mean;
      const d2 = inputs[r2 + j]! - mean;
      const d3 = inputs[r3 + j]! - mean;
      sums[at + j]! += w0 * d0 * d0 + w1 * d1 * d1 + w2 * d2 * d2 + w3 * d3 * d3;
    }
  };

const yesSum =
  (features: number, threshold: number): RowSum =>
  (sums, at, inputs, order, weights, first) => {
    for (let i = first; i < first + 4; i++) {
      const [row, weight] = [order[i]! * features, weights[i]!];
      for (let j = 0; j < features; j++) if (inputs[row + j]! > threshold) sums[at + j]! += weight;
    }
  };

/** @throws UNFIT_DATA: counts are not below 0 */
function refuseNegatives({ inputs, features, names }: FitData, distribution: string): void {
  if (inputs instanceof Uint8Array) return;
  const at = inputs.findIndex((value) => value < 0);
  if (at < 0) return;
  const name = names[at % features]!;
  throw fail("UNFIT_DATA", {
    what: MODEL,
    problem: `a ${distribution} distribution counts, but "${name}" has the value ${show(inputs[at])}`,
    fix: `Bring "${name}" to 0 and above with the preprocessing step min-max, or choose the distribution gaussian.`,
  });
}

/** Sums by the size of their class, [classes, features]; 0 of a class without samples. */
function shares(sums: Float64Array, sizes: Float64Array): Float64Array {
  const features = sums.length / sizes.length;
  return sums.map((sum, i) => sum / (sizes[Math.floor(i / features)]! || 1));
}

/** log of the expected share of each class, [classes]. */
function logPriors(sizes: Float64Array, { fitPrior }: NaiveBayesParams): Float64Array {
  const present = sizes.filter((size) => size > 0);
  const total = fitPrior ? present.reduce((a, b) => a + b) : present.length;
  return sizes.map((size) => (size > 0 ? Math.log((fitPrior ? size : 1) / total) : NEVER));
}

/** Adds to each variance a part of the largest variance of a feature over all classes. @throws UNFIT_DATA where one stays 0 */
function smooth({ features, labels, names }: FitData, sizes: Float64Array, means: Float64Array, variances: Float64Array, part: number): void {
  const total = sizes.reduce((a, b) => a + b);
  /** sum over classes of size * what of [class, j], by the total */
  const mean = (j: number, of: (i: number) => number) => sizes.reduce((sum, size, c) => sum + size * of(c * features + j), 0) / total;
  let largest = 0;
  for (let j = 0; j < features; j++) {
    const centre = mean(j, (i) => means[i]!);
    largest = Math.max(
      largest,
      mean(j, (i) => variances[i]! + (means[i]! - centre) ** 2),
    ); // within classes and between them
  }
  for (let i = 0; i < variances.length; i++) {
    const c = Math.floor(i / features);
    variances[i] = sizes[c] ? variances[i]! + part * largest : 1;
    if (variances[i]) continue;
    const constant = largest ? `"${names[i % features]}" has one value only in class "${labels[c]}"` : "every feature has one value only";
    const fix = largest ? "Set varSmoothing above 0, or take the feature out." : "Give it features that differ between samples.";
    throw fail("UNFIT_DATA", { what: MODEL, problem: `a gaussian needs features that vary, but ${constant}`, fix });
  }
}

/** Each score is a sum over features of logits * x, and a bias. */
interface Scores {
  /** [classes] */
  readonly biases: Float64Array;
  /** [classes, features] */
  readonly logits: Float64Array;
}
type FromCounts = (counts: Float64Array, sizes: Float64Array, params: NaiveBayesParams) => Scores;

/** log((count + alpha) / sum of that over the features of its class) */
function logShares(counts: Float64Array, classes: number, alpha: number): Float64Array {
  const features = counts.length / classes;
  const sums = new Float64Array(classes);
  for (let i = 0; i < counts.length; i++) sums[Math.floor(i / features)]! += counts[i]! + alpha;
  return counts.map((count, i) => Math.log((count + alpha) / sums[Math.floor(i / features)]!));
}

const fromCounts: Readonly<Record<"multinomial" | "bernoulli" | "complement", FromCounts>> = {
  multinomial: (counts, sizes, params) => ({
    biases: logPriors(sizes, params),
    logits: logShares(counts, sizes.length, params.alpha),
  }),
  // log p x + log(1 - p) (1 - x) = (log p - log(1 - p)) x + log(1 - p), p = (yes + alpha) / (size + 2 alpha)
  bernoulli(counts, sizes, params) {
    const biases = logPriors(sizes, params);
    const features = counts.length / sizes.length;
    const logits = counts.map((yes, i) => {
      const c = Math.floor(i / features);
      const no = Math.max(0, sizes[c]! - yes) + params.alpha;
      biases[c]! += Math.log(no / (sizes[c]! + 2 * params.alpha));
      return Math.log((yes + params.alpha) / no);
    });
    return { biases, logits };
  },
  // J. Rennie et al., "Tackling the Poor Assumptions of Naive Bayes Text Classifiers", ICML 2003: how little it is like the other classes.
  complement(counts, { length: classes }, { alpha, norm }) {
    const features = counts.length / classes;
    const all = new Float64Array(features);
    for (let i = 0; i < counts.length; i++) all[i % features]! += counts[i]!;
    const logs = logShares(
      counts.map((count, i) => Math.max(0, all[i % features]! - count)),
      classes,
      alpha,
    );
    const sums = new Float64Array(classes);
    for (let i = 0; i < logs.length; i++) sums[Math.floor(i / features)]! += logs[i]!;
    return { biases: new Float64Array(classes), logits: logs.map((log, i) => (norm ? log / (sums[Math.floor(i / features)]! || 1) : -log)) };
  },
};

/** In double precision: a feature that hardly varies in a class adds up to 10^9 to scores of which differences of 10^-4 count. */
function graph(x: Value, tensors: LearntTensors, { features, classes }: GraphShape, params: NaiveBayesParams): { readonly output: Value } {
  const read = (name: string) => fromTwo(tensorIn(tensors, name));
  const matrix = (
    of: (i: number) => number, // [features, classes] from [classes, features]
  ) =>
    fixed(
      [features, classes],
      Float64Array.from({ length: features * classes }, (_, at) => of((at % classes) * features + Math.floor(at / classes))),
    );
  const biases = read("biases");
  const wide = cast(x, "float64");
  const scores = () => {
    if (params.distribution !== "gaussian") {
      const logits = read("logits");
      const counted = params.distribution === "bernoulli" ? cast(greater(x, params.binarize), "float64") : wide;
      return add(
        matmul(
          counted,
          matrix((i) => logits[i]!),
        ),
        fixed([classes], biases),
      );
    }
    // -(x - mean)^2 / (2 variance) with x and the means taken from the middle of the classes: a x^2 - 2 a mean x + a mean^2, a = -1 / (2 variance)
    const [means, variances] = [read("means"), read("variances")];
    const middle = new Float64Array(features);
    for (let i = 0; i < means.length; i++) middle[i % features]! += means[i]! / classes;
    const a = variances.map((variance) => -0.5 / variance);
    const off = means.map((mean, i) => mean - middle[i % features]!);
    for (let i = 0; i < means.length; i++) biases[Math.floor(i / features)]! += a[i]! * off[i]! ** 2 - 0.5 * Math.log(2 * Math.PI * variances[i]!);
    const centred = sub(wide, fixed([features], middle));
    const quadratic = matmul(
      square(centred),
      matrix((i) => a[i]!),
    );
    return add(
      add(
        quadratic,
        matmul(
          centred,
          matrix((i) => -2 * a[i]! * off[i]!),
        ),
      ),
      fixed([classes], biases),
    );
  };
  return { output: cast(softmax(scores()), "float32") }; // [batch, classes]
}

const fixed = (shape: readonly number[], data: Float64Array): Value => constant({ dtype: "float64", shape, data });
