/** The baseline that other models are held against: it never looks at the features. */
import { constant, type Value } from "../engine/graph.ts";
import { add, isNan, slice, where } from "../engine/ops.ts";
import type { Task } from "../shared/dataset.ts";
import { choice, type ValuesOf } from "../shared/define.ts";
import { fail } from "../shared/errors.ts";
import { type FitData, type GraphShape, type Learnt, type LearntTensors, learner, tensorIn } from "./kinds.ts";
import { median } from "./median.ts";

const params = {
  strategy: choice({
    default: "auto",
    options: ["auto", "prior", "most_frequent", "mean", "median"],
    help: "What every sample is told. Of classes: prior, how frequent each is, or most_frequent, the one that is. Of values: mean or median. Auto is prior or mean.",
  }),
};
type DummyParams = ValuesOf<typeof params>;
type Strategy = Exclude<DummyParams["strategy"], "auto">;

const MODEL = 'model "dummy"';
const strategies = {
  classification: ["prior", "most_frequent"],
  regression: ["mean", "median"],
} as const satisfies Record<Task, readonly Strategy[]>;
const settled = (strategy: DummyParams["strategy"], task: Task): Strategy => (strategy === "auto" ? strategies[task][0] : strategy);

export const dummy = learner({
  id: "dummy",
  title: "Baseline",
  summary: "Says the same of every sample: how frequent each class is, or the mean value. What a model must beat to have learnt anything.",
  reference: "https://scikit-learn.org/stable/modules/model_evaluation.html#dummy-estimators",
  tasks: ["classification", "regression"],
  unit: "rows",
  reads: "raw",
  missing: true,
  params,
  gives: () => "probabilities",
  check({ strategy }, task) {
    if (!task || strategies[task].some((one) => one === settled(strategy, task))) return undefined;
    return { name: "strategy", want: `auto, ${strategies[task].join(" or ")} for ${task}`, got: strategy };
  },
  fit,
  graph,
});

// biome-ignore lint/correctness/useYield: it is over before there is progress to tell
async function* fit(data: FitData, { strategy }: DummyParams): AsyncGenerator<never, Learnt> {
  const { targets, weights, labels } = data;
  const values = says[settled(strategy, labels.length ? "classification" : "regression")](targets, weights, labels.length);
  if (!values.every(Number.isFinite))
    throw fail("UNFIT_DATA", { what: MODEL, problem: "every sample has a weight of 0", fix: "Give a class or a sample a weight above 0." });
  return { tensors: new Map([["output", { shape: [values.length], data: Float32Array.from(values) }]]) };
}

type Says = (targets: FitData["targets"], weights: Float64Array | undefined, classes: number) => readonly number[];

const says: Readonly<Record<Strategy, Says>> = {
  prior: shares,
  most_frequent(targets, weights, classes) {
    const sizes = shares(targets, weights, classes);
    const most = sizes.indexOf(Math.max(...sizes));
    return sizes.map((size, c) => (Number.isFinite(size) ? Number(c === most) : size));
  },
  mean(targets, weights) {
    let [sum, size] = [0, 0];
    for (let r = 0; r < targets.length; r++) {
      const weight = weights ? weights[r]! : 1;
      sum += weight * targets[r]!;
      size += weight;
    }
    return [sum / size];
  },
  median: (targets, weights) => [median(targets, weights)],
};

/** The weight of each class by that of all. */
function shares(targets: FitData["targets"], weights: Float64Array | undefined, classes: number): readonly number[] {
  const sizes = new Array<number>(classes).fill(0);
  for (let r = 0; r < targets.length; r++) sizes[targets[r]!]! += weights ? weights[r]! : 1;
  const total = sizes.reduce((a, b) => a + b, 0);
  return sizes.map((size) => size / total);
}

/** The same for every row of x, whatever is in it: missing values and infinities too. */
function graph(x: Value, tensors: LearntTensors, _: GraphShape): { readonly output: Value } {
  const output = constant({ dtype: "float32", ...tensorIn(tensors, "output") });
  const zeros = where(isNan(slice(x, { starts: [0], ends: [1], axes: [1] })), 0, 0); // [batch, 1]
  return { output: add(zeros, output) }; // [batch, classes]
}
