/** Support vector machines: the widest margin between classes, through kernels (as LIBSVM) or in the features themselves (as LIBLINEAR). */
import { setImmediate, setTimeout } from "node:timers/promises";
import { constant, type Value } from "../../engine/graph.ts";
import { concat, matmul, neg } from "../../engine/ops.ts";
import { boolean, choice, classWeights, integer, number, numberOr, type ValuesOf } from "../../shared/define.ts";
import { fail, show } from "../../shared/errors.ts";
import { type FitContext, type FitData, type FitProgress, type GraphShape, type Learnt, type LearntTensors, learner, tensorIn } from "../kinds.ts";
import { shared, Threads } from "../threads.ts";
import { type Kernel, kernels } from "./kernel.ts";
import { columnOf, coupled, decisionsOf, linearScores, pairProbabilities, pairsOf, votesOf } from "./predict.ts";
import type { Problem, Shared, Solved } from "./problem-thread.ts";
import { sparse } from "./sparse.ts";

const params = {
  kernel: choice({
    default: "rbf",
    options: kernels,
    help: "How alike two rows are: rbf exp(-gamma‖a - b‖²), linear a·b, poly (gamma a·b + coef0)^degree, sigmoid tanh(gamma a·b + coef0).",
  }),
  C: number({
    default: 1,
    min: 1e-9,
    scale: "log",
    help: "Weight of rows on the wrong side of the margin: larger fits them harder, smaller keeps the margin wide.",
  }),
  gamma: numberOr({
    default: "scale",
    options: ["scale", "auto"],
    of: "number",
    min: 0,
    help: "How fast likeness falls with distance (rbf, poly, sigmoid): scale is 1 / (features * variance of all values), auto is 1 / features.",
  }),
  degree: integer({ default: 3, min: 0, max: 100, help: "Degree of the poly kernel." }),
  coef0: number({ default: 0, help: "Constant inside the poly and sigmoid kernels." }),
  multiClass: choice({
    default: "auto",
    options: ["auto", "ovo", "ovr"],
    help: "ovo: a machine for each pair of classes, intercept free, by SMO, as scikit-learn's SVC. ovr: a linear machine for each class against the rest, intercept penalised like a weight, by dual coordinate descent, as LinearSVC. auto: ovr for squared_hinge, else ovo.",
  }),
  loss: choice({
    default: "hinge",
    options: ["hinge", "squared_hinge"],
    help: "What a row inside the margin costs: how far it is in, or the square of that (linear kernel only).",
  }),
  shrinking: boolean({ default: true, help: "Whether rows that seem settled are left aside for a while (ovo)." }),
  probability: boolean({
    default: false,
    help: "Gives probabilities instead of scores: five more machines for each pair show how sure it is (Platt scaling by cross-validation). The predicted class is that of the votes.",
  }),
  tol: number({ default: 1e-3, min: 1e-12, max: 1, scale: "log", help: "Stops when no condition of the optimum is violated by more." }),
  cacheSize: number({ default: 200, min: 1, help: "Megabytes for rows of kernel matrices (ovo)." }),
  maxIter: integer({
    default: 0,
    min: 0,
    help: "Steps (ovo) or passes over the rows (ovr) of a machine at most; 0: no limit for ovo, 1000 for ovr.",
  }),
  classWeight: classWeights({ default: "none", help: "How much each class counts: none, balanced, or weights by class. Multiplies C." }),
};
type SvmParams = ValuesOf<typeof params>;

const MODEL = 'model "svm"';

export const svm = learner({
  id: "svm",
  title: "Support vector machine",
  summary:
    "Separates classes with the widest margin; only the rows at the margin matter. With a kernel the border may be curved. Scores are votes of pairs of classes, as decision_function_shape ovr.",
  reference: "https://www.csie.ntu.edu.tw/~cjlin/papers/libsvm.pdf",
  tasks: ["classification"],
  unit: "problems",
  reads: "scaled",
  missing: false,
  params,
  gives: ({ probability }) => (probability ? "probabilities" : "scores"),
  check(params) {
    const { kernel, loss, multiClass, probability } = params;
    if (loss === "squared_hinge" && kernel !== "linear") return { name: "loss", want: "hinge with any kernel but linear", got: show(loss) };
    if (loss === "squared_hinge" && multiClass === "ovo")
      return { name: "multiClass", want: "ovr or auto with squared_hinge", got: show(multiClass) };
    if (multiClass === "ovr" && kernel !== "linear")
      return { name: "multiClass", want: "ovo or auto with any kernel but linear", got: show(multiClass) };
    if (probability && schemeOf(params) === "ovr") return { name: "probability", want: "false with one machine for each class (ovr)", got: "true" };
    return undefined;
  },
  fit,
  graph,
});

const schemeOf = ({ multiClass, loss }: Pick<SvmParams, "multiClass" | "loss">): "ovo" | "ovr" =>
  multiClass === "auto" ? (loss === "squared_hinge" ? "ovr" : "ovo") : multiClass;

/** Rows with a weight above 0 of each class that has any, in the order of classes. */
interface Groups {
  readonly classes: readonly number[];
  readonly rows: readonly Int32Array[];
}
/** What the problems gave so far; `solved` is 1 where one is done. */
interface State {
  readonly solved: Float32Array;
  /** ovo: [count, classes - 1], of each row its β against each other class; ovr: [problems, features]. */
  readonly coefficients: Float32Array;
  readonly intercept: Float32Array;
  /** [problems, 2] */
  readonly platt: Float32Array;
}
/** How a machine of many classes is put together from problems of two. */
interface Scheme {
  /** How many problems, and of each the rows against each other. */
  count(groups: Groups): number;
  sides(groups: Groups, problem: number): readonly [positive: readonly Int32Array[], negative: readonly Int32Array[]];
  readonly by: Problem["by"];
  /** Length of `coefficients`. */
  size(groups: Groups, data: FitData): number;
  store(state: State, groups: Groups, problem: Problem, coefficients: Float32Array): void;
  tensors(state: State, groups: Groups, data: FitData, params: SvmParams): readonly (readonly [string, ReturnType<typeof tensorIn>])[];
}

const schemes = {
  ovo: {
    count: ({ classes }) => pairsOf(classes.length).length,
    sides({ rows }, problem) {
      const [i, j] = pairsOf(rows.length)[problem]!;
      return [[rows[i]!], [rows[j]!]];
    },
    by: "smo",
    size: ({ classes }, { count }) => count * (classes.length - 1),
    store({ coefficients }, { classes }, { key, rows, positive }, given) {
      const [i, j] = pairsOf(classes.length)[key]!;
      for (let n = 0; n < rows.length; n++)
        coefficients[rows[n]! * (classes.length - 1) + (n < positive ? columnOf(i, j) : columnOf(j, i))] = given[n]!;
    },
    tensors: supportVectors,
  },
  ovr: {
    count: ({ classes }) => (classes.length === 2 ? 1 : classes.length),
    sides({ rows }, problem) {
      const own = rows.length === 2 ? 1 : problem;
      return [[rows[own]!], rows.filter((_, c) => c !== own)];
    },
    by: "dual-coordinate",
    size: (groups, { features }) => schemes.ovr.count(groups) * features,
    store({ coefficients }, _, { key }, given) {
      coefficients.set(given, key * given.length);
    },
    tensors: ({ coefficients, solved }, _, { features }) => [["weights", { shape: [solved.length, features], data: coefficients }]],
  },
} satisfies Record<string, Scheme> as Record<"ovo" | "ovr", Scheme>;

async function* fit(data: FitData, params: SvmParams, context: FitContext): AsyncGenerator<FitProgress, Learnt> {
  const groups = groupsOf(data);
  const scheme = schemes[schemeOf(params)];
  const state = begin(scheme.count(groups), scheme.size(groups, data), context.resume);
  const total = state.solved.length;
  const progress = (): FitProgress => ({ done: state.solved.reduce((a, b) => a + b, 0), total, checkpoint: () => checkpoint(state) });
  yield progress();
  const kernel = await kernelWith(params, data);
  const todo = Array.from({ length: total }, (_, p) => p).filter((p) => !state.solved[p]);
  const lanes = Math.max(1, Math.min(context.threads, todo.length));
  const given = await sharedWith(data, params, kernel, scheme, lanes, context);
  await using threads = new Threads<Problem, Solved>("learners/svm/problem-thread", given, todo.length ? lanes : 0);

  const stop = () => Atomics.store(given.stop, 0, 1);
  context.signal?.addEventListener("abort", stop);
  let tell = () => {};
  const lane = async () => {
    for (let key = todo.shift(); key !== undefined; key = todo.shift()) {
      const problem = problemOf(scheme, groups, key);
      const { coefficients, intercept, platt } = await threads.run(problem);
      scheme.store(state, groups, problem, coefficients);
      state.intercept[key] = intercept;
      if (platt) state.platt.set(platt, 2 * key);
      state.solved[key] = 1;
      tell();
    }
  };
  if (context.signal?.aborted) stop();
  let working = true;
  const all = Array.from({ length: lanes }, lane);
  const work = Promise.all(all).finally(() => {
    working = false;
  });
  try {
    while (working) {
      const one = new Promise<void>((resolve) => {
        tell = resolve;
      });
      await Promise.race([work, one, setTimeout(PROGRESS_MS, undefined, { ref: false })]);
      yield progress();
    }
  } catch (error) {
    if (!context.signal?.aborted) throw error;
    yield progress();
    throw context.signal.reason;
  } finally {
    context.signal?.removeEventListener("abort", stop);
    stop();
    await Promise.allSettled(all); // no thread ends within a product
  }
  return { tensors: learnt(scheme, state, groups, data, params, kernel) };
}

const PROGRESS_MS = 400;

/** @throws UNFIT_DATA unless two classes have rows */
function groupsOf({ targets, weights, labels }: FitData): Groups {
  const sizes = new Int32Array(labels.length);
  const counts = (r: number) => !weights || weights[r]! > 0;
  for (let r = 0; r < targets.length; r++) sizes[targets[r]!]! += Number(counts(r));
  const all = Array.from(sizes, (size) => new Int32Array(size));
  sizes.fill(0);
  for (let r = 0; r < targets.length; r++) if (counts(r)) all[targets[r]!]![sizes[targets[r]!]!++] = r;
  const classes = all.flatMap((rows, c) => (rows.length ? [c] : []));
  if (classes.length < 2)
    throw fail("UNFIT_DATA", {
      what: MODEL,
      problem: classes.length ? `every row with a weight is of class "${labels[classes[0]!]}"` : "no row has a weight above 0",
      fix: "Give it rows of at least two classes.",
    });
  return { classes, rows: classes.map((c) => all[c]!) };
}

function begin(problems: number, size: number, resume?: LearntTensors): State {
  const kept = (name: string, length: number) => (resume ? tensorIn(resume, name).data.slice() : new Float32Array(length));
  return {
    solved: kept("solved", problems),
    coefficients: kept("coefficients", size),
    intercept: kept("intercept", problems),
    platt: kept("platt", 2 * problems),
  };
}

const checkpoint = (state: State): LearntTensors =>
  new Map(Object.entries(state).map(([name, data]: [string, Float32Array]) => [name, { shape: [data.length], data: data.slice() }]));

/** Float32, as it is kept. */
async function kernelWith({ kernel, gamma, coef0, degree }: SvmParams, data: FitData): Promise<Kernel> {
  if (kernel === "linear") return { kernel, gamma: 1, coef0, degree };
  const scale = async () => 1 / (data.features * ((await variance(data.inputs)) || 1 / data.features));
  return { kernel, gamma: Math.fround(gamma === "scale" ? await scale() : gamma === "auto" ? 1 / data.features : gamma), coef0, degree };
}

/** Values between two breaths of this thread, a few hundredths of a second. */
const SLICE = 1 << 23;

/** Of all values, around the first one, so that digits are not lost to a far origin. */
async function variance(values: FitData["inputs"]): Promise<number> {
  const origin = values[0]!;
  let [sum, squares] = [0, 0];
  for (let from = 0; from < values.length; from += SLICE) {
    const to = Math.min(values.length, from + SLICE);
    for (let i = from; i < to; i++) {
      const off = values[i]! - origin;
      sum += off;
      squares += off * off;
    }
    await setImmediate();
  }
  return Math.max(0, squares / values.length - (sum / values.length) ** 2);
}

async function sharedWith(
  data: FitData,
  { C, tol, maxIter, shrinking, probability, loss, cacheSize }: SvmParams,
  kernel: Kernel,
  { by }: Scheme,
  lanes: number,
  { threads, seed }: FitContext,
): Promise<Shared> {
  const { count, features, weights } = data;
  const isShared = data.inputs instanceof Float32Array && data.inputs.buffer instanceof SharedArrayBuffer;
  const inputs = isShared ? (data.inputs as Float32Array) : shared(Float32Array.from(data.inputs));
  const limit = by === "smo" ? maxIter : maxIter || 1000;
  return {
    inputs,
    features,
    ...(by === "dual-coordinate" && { sparse: await sparse(inputs, count, features) }),
    bounds: shared(Float64Array.from({ length: count }, (_, r) => C * (weights ? weights[r]! : 1))),
    kernel,
    settings: { tol, maxIter: limit, shrinking, probability, loss },
    megabytes: cacheSize / lanes,
    threads: Math.max(1, Math.floor(threads / lanes)),
    seed,
    stop: new Int32Array(new SharedArrayBuffer(4)),
  };
}

function problemOf({ sides, by }: Scheme, groups: Groups, key: number): Problem {
  const [positive, negative] = sides(groups, key);
  const length = (parts: readonly Int32Array[]) => parts.reduce((n, part) => n + part.length, 0);
  const rows = new Int32Array(length(positive) + length(negative));
  let to = 0;
  for (const part of [...positive, ...negative]) {
    rows.set(part, to);
    to += part.length;
  }
  return { by, key, rows, positive: length(positive) };
}

const learnt = (scheme: Scheme, state: State, groups: Groups, data: FitData, params: SvmParams, kernel: Kernel): LearntTensors =>
  new Map([
    ...scheme.tensors(state, groups, data, params),
    ["intercept", { shape: [state.solved.length], data: state.intercept }],
    ["classes", { shape: [groups.classes.length], data: Float32Array.from(groups.classes) }],
    ["gamma", { shape: [], data: Float32Array.of(kernel.gamma) }],
  ]);

/** The rows with a coefficient, class by class, as LIBSVM keeps them. */
function supportVectors({ coefficients, platt }: State, { classes, rows }: Groups, { inputs, features }: FitData, { probability }: SvmParams) {
  const width = classes.length - 1;
  const own = (row: number) => coefficients.subarray(row * width, (row + 1) * width);
  const support = rows.map((all) => {
    const some = all.filter((row) => own(row).some((beta) => beta !== 0));
    return some.length ? some : all.slice(0, 1); // coefficients may be too small for float32
  });
  const count = support.reduce((n, { length }) => n + length, 0);
  const [vectors, dual] = [new Float32Array(count * features), new Float32Array(count * width)];
  let to = 0;
  for (const some of support)
    for (const row of some) {
      vectors.set(inputs.subarray(row * features, (row + 1) * features), to * features);
      dual.set(own(row), to++ * width);
    }
  return [
    ["support_vectors", { shape: [count, features], data: vectors }],
    ["dual_coef", { shape: [count, width], data: dual }],
    ["n_support", { shape: [classes.length], data: Float32Array.from(support, ({ length }) => length) }],
    ...(probability ? [["platt", { shape: [platt.length / 2, 2], data: platt }] as const] : []),
  ] as const;
}

function graph(x: Value, tensors: LearntTensors, { classes }: GraphShape, params: SvmParams): { output: Value; label?: Value } {
  if (schemeOf(params) === "ovr") return { output: linearScores(x, tensors, classes) };
  const { kernel, coef0, degree, probability } = params;
  const decisions = decisionsOf(x, tensors, { kernel, gamma: tensorIn(tensors, "gamma").data[0]!, coef0, degree });
  const present = [...tensorIn(tensors, "classes").data];
  const { scores, label } = votesOf(decisions, present, classes);
  if (probability)
    return { output: inColumns(coupled(pairProbabilities(decisions, tensorIn(tensors, "platt").data), present.length), present, classes), label };
  return classes === 2 ? { output: concat([decisions, neg(decisions)], 1) } : { output: scores, label };
}

/** Columns of the classes that have rows among those of all classes, 0 for the others. */
function inColumns(values: Value, present: readonly number[], classes: number): Value {
  if (present.length === classes) return values;
  const data = new Float32Array(present.length * classes);
  for (const [p, c] of present.entries()) data[p * classes + c] = 1;
  return matmul(values, constant({ dtype: "float32", shape: [present.length, classes], data }));
}
