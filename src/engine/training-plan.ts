/** Network + loss + optimizer -> the ONNX graphs of a training: whoever has an ONNX Runtime can execute them. */
import type { Normalisation, Task } from "../shared/dataset.ts";
import type { ParamValues } from "../shared/define.ts";
import { fail, showShape } from "../shared/errors.ts";
import { backward } from "./backward.ts";
import { constant, type DType, type Graph, input, inScope, loop, type Shape, scalar, type Value } from "./graph.ts";
import type { LossKind, OptimizerKind, StepwiseOptimizer } from "./kinds.ts";
import type { Network, NetworkTensor } from "./network.ts";
import {
  abs,
  add,
  argMax,
  cast,
  clip,
  div,
  equal,
  gather,
  matmul,
  max,
  min,
  mul,
  neg,
  oneHot,
  reduceSum,
  reshape,
  sqrt,
  square,
  sub,
} from "./ops.ts";

/** What goes into a plan. */
export interface PlanOptions {
  readonly network: Network;
  readonly task: Task;
  readonly loss: LossKind;
  readonly lossParams: ParamValues;
  readonly optimizer: OptimizerKind;
  /** Settles what has to be known when the plan is compiled, such as the history of l-bfgs; its defaults when left out. */
  readonly optimizerParams?: ParamValues;
  /** Optimizer parameters that are zero for good: their terms are left out. */
  readonly zeros?: readonly string[];
  readonly batchSize: number;
  /** dtype of the resident samples. */
  readonly inputDType: "uint8" | "float32";
  readonly normalisation: Normalisation;
  /** Class names in index order; empty for regression. */
  readonly labels: readonly string[];
  /** Clip the gradient of all weights together to a length, or each element to a size. Their values are graph inputs. */
  readonly clipNorm?: boolean;
  readonly clipValue?: boolean;
  /** Where raw samples enter the predict graph and how they become those of the network; without it they are the same. */
  readonly front?: () => { readonly inputs: readonly Value[]; readonly samples: Value };
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A tensor that goes out of one call of `train` and into the next. */
export interface StateTensor extends NetworkTensor {
  readonly role: "weight" | "state" | "optimizer";
}

/** The graphs of a training, and what is needed to feed them. */
export interface Plan {
  /** What `plan.json` says: enough to feed the graphs without this program. */
  readonly spec: PlanSpec;
  readonly optimizer: OptimizerKind;
  /** Many training steps per call; whole-batch, the sums over many batches. */
  readonly train: Graph;
  /** One step in two halves, for data-parallel training: a batch's gradients, and their application; whole-batch, a step in a direction. */
  readonly gradient: Graph;
  readonly apply: Graph;
  readonly evaluate: Graph;
  /** Forward only, for any batch size. */
  readonly predict: Graph;
}

export interface PlanSpec {
  readonly version: 1;
  readonly task: Task;
  /** What `train` does with a batch: a step of its own, or adding it to the sums over all samples. */
  readonly optimizer: "stepwise" | "whole-batch";
  readonly batchSize: number;
  readonly inputDType: "uint8" | "float32";
  readonly sampleShape: readonly number[];
  readonly outputs: number;
  readonly labels: readonly string[];
  readonly normalisation: Normalisation;
  readonly state: readonly StateTensor[];
  /** Names of the optimizer's scalar inputs besides the learning rate: "optimizer.beta1". */
  readonly hyperparameters: readonly string[];
  /** Random numbers: the tape's length and the size of each draw of a step. Draw d of a step reads `draws[d]` numbers from its offset. */
  readonly tape: { readonly length: number; readonly draws: readonly number[] };
  readonly files: Readonly<Record<"train" | "gradient" | "apply" | "evaluate" | "predict", string>>;
}

export const graphNames = ["train", "gradient", "apply", "evaluate", "predict"] as const;

/**
 * Compiles a plan. Nothing runs yet.
 * @throws OUTPUT_SHAPE_MISMATCH when the network's output does not suit the task, BAD_USAGE when the optimizer does not suit the network
 */
export function compilePlan(options: PlanOptions): Plan {
  const spec = describePlan(options);
  const { optimizer } = options;
  const graphs =
    "whole" in optimizer
      ? { train: sumsGraph(options, spec), apply: moveGraph(options, spec) }
      : { train: trainGraph(options, optimizer, spec), apply: applyGraph(options, optimizer, spec) };
  return {
    spec,
    optimizer,
    ...graphs,
    gradient: gradientGraph(options, spec),
    evaluate: evaluateGraph(options, spec),
    predict: predictGraph(options, spec),
  };
}

/** @throws OUTPUT_SHAPE_MISMATCH unless there is one output for each class, or one value */
export function checkOutput({ outputShape, layers }: Network, task: Task, outputs: number): void {
  if (outputShape.length === 1 && outputShape[0] === outputs) return;
  throw fail("OUTPUT_SHAPE_MISMATCH", {
    layer: layers.at(-1)!.id,
    want: showShape(["batch", outputs]),
    got: showShape(["batch", ...outputShape]),
    why: task === "classification" ? `one output per class, ${outputs} in this dataset` : "one value, as the task is regression",
  });
}

/** A whole-batch optimizer compares values of one function: anything that changes it from look to look is refused. @throws BAD_USAGE */
export function checkWhole({
  network,
  optimizer,
  clipNorm,
  clipValue,
  batchSize,
}: Pick<PlanOptions, "network" | "optimizer" | "clipNorm" | "clipValue" | "batchSize">): void {
  const refuse = (problem: string, fix: string) => fail("BAD_USAGE", { problem: `optimizer "${optimizer.id}" ${problem}`, fix });
  const without = "Take such layers out, or choose an optimizer that steps batch by batch, such as adam.";
  const [state] = network.states;
  if (state) {
    const owner = network.layers.find(({ id }) => state.name.startsWith(`${id}.`))!;
    throw refuse(
      `needs a loss that is the same at every look, but layer "${owner.id}" (${owner.layer}) takes its statistics from the batch`,
      without,
    );
  }
  if (network.draws(batchSize).length)
    throw refuse("needs a loss that is the same at every look, but the network draws random numbers, as dropout and augmentation do", without);
  if (clipNorm || clipValue) throw refuse("clips no gradients: the line search keeps steps short", "Set clipNorm and clipValue to 0.");
}

/** What an optimizer keeps for each weight. The history of a whole-batch one is "s1", "y1", "s2", "y2" …, the newest first. */
function slotsOf({ optimizer, optimizerParams }: PlanOptions): readonly string[] {
  if (!("whole" in optimizer)) return optimizer.state;
  const history = (optimizerParams?.history ?? optimizer.params.history.default) as number;
  return Array.from({ length: history }, (_, i) => [`s${i + 1}`, `y${i + 1}`]).flat();
}

function describePlan(options: PlanOptions): PlanSpec {
  const { network, task, optimizer, batchSize, inputDType, normalisation, labels, clipNorm, clipValue, zeros = [] } = options;
  const outputs = task === "classification" ? labels.length : 1;
  checkOutput(network, task, outputs);
  const whole = "whole" in optimizer;
  if (whole) checkWhole(options);
  const slots = network.weights.flatMap((w) =>
    slotsOf(options).map((slot) => ({
      name: slotName(w.name, slot),
      shape: w.shape,
      initial: { initializer: "zeros" },
      role: "optimizer" as const,
    })),
  );
  const scalars = Object.keys(whole ? {} : optimizer.params).filter((name) => name !== "learningRate" && !zeros.includes(name));
  const draws = network.draws(batchSize);
  return {
    version: 1,
    task,
    optimizer: whole ? "whole-batch" : "stepwise",
    batchSize,
    inputDType,
    sampleShape: network.sampleShape,
    outputs,
    labels,
    normalisation,
    state: [
      ...network.weights.map((w) => ({ ...w, role: "weight" as const })),
      ...network.states.map((s) => ({ ...s, role: "state" as const })),
      ...slots,
    ],
    hyperparameters: [...scalars.map((name) => `optimizer.${name}`), ...(clipNorm ? ["clipNorm"] : []), ...(clipValue ? ["clipValue"] : [])],
    tape: { length: draws.length ? Math.max(2 ** 18, 4 * Math.max(...draws)) : 0, draws },
    files: { train: "train.onnx", gradient: "gradient.onnx", apply: "apply.onnx", evaluate: "evaluate.onnx", predict: "predict.onnx" },
  };
}

const nextName = (name: string) => `next:${name}`;
export const slotName = (weight: string, slot: string) => `${weight}@${slot}`;
export const sumName = (weight: string) => `sum:${weight}`;

// --- the graphs ---

/**
 * Inputs: `steps` int64 [], `samples` [samples, ...], `targets` [samples], `order` int32 [steps, batch], `sampleWeights` [steps, batch],
 * `learningRate` [steps], `update` [] (number of the first update, from 1), hyper-parameters [], `tape` [length] and
 * `offsets` int32 [steps, draws] where the network draws, and every state tensor.
 * Outputs: `next:` of every state tensor, `loss` [steps] (mean over the batch) and `score` [steps]
 * (accuracy, or mean absolute error).
 */
function trainGraph(options: PlanOptions, optimizer: StepwiseOptimizer, spec: PlanSpec): Graph {
  const { count, samples, targets, order, weights } = datasetInputs(spec);
  const learningRate = input("learningRate", "float32", ["steps"]);
  const update = input("update", "float32", []);
  const hyper = hyperInputs(spec);
  const state = stateInputs(spec.state);
  const random = randomInputs(spec, ["steps"]);

  const { carried, stacked } = loop(count, "steps", [...state.values()], (i, values) => {
    const now = new Map([...state.keys()].map((name, n) => [name, values[n]!]));
    const rows = gather(order, i); // [batch]
    const offsets = random && spec.tape.draws.map((_, d) => gather(reshape(gather(random.offsets, i), [spec.tape.draws.length]), constantIndex(d)));
    const half = lossAndGradients(options, spec, {
      x: gather(samples, rows),
      target: gather(targets, rows),
      sampleWeights: gather(weights, i),
      state: now,
      tape: random?.tape,
      offsets,
    });
    const next = applyGradients(optimizer, half.gradients, {
      state: now,
      learningRate: gather(learningRate, i),
      t: add(update, cast(i, "float32")),
      hyper,
    });
    for (const [name, value] of half.states) next.set(name, value);
    return { carried: [...now.keys()].map((name) => next.get(name)!), stacked: [half.loss, half.score] };
  });
  const inputs = [
    count,
    samples,
    targets,
    order,
    weights,
    learningRate,
    update,
    ...hyper.values(),
    ...(random ? [random.tape, random.offsets] : []),
    ...state.values(),
  ];
  const outputs = Object.fromEntries([...state.keys()].map((name, n) => [nextName(name), carried[n]!]));
  return { name: "train", inputs, outputs: { ...outputs, loss: stacked[0]!, score: stacked[1]! } };
}

/**
 * `train` of a whole-batch optimizer. Inputs: `steps`, `samples`, `targets`, `order` and `sampleWeights` as there, weights, and
 * `sum:` of each weight, float64: the gradient's sums over the batches before. Outputs: `next:` of these sums, and of each batch
 * `loss` (sum over its samples), `weight` (what the samples count in the loss) and `score` (sum), each [steps].
 */
function sumsGraph(options: PlanOptions, spec: PlanSpec): Graph {
  const { count, samples, targets, order, weights } = datasetInputs(spec);
  const state = stateInputs(spec.state.filter((s) => s.role === "weight"));
  const sums = options.network.weights.map((w) => input(sumName(w.name), "float64", w.shape));
  const { carried, stacked } = loop(count, "steps", sums, (i, before) => {
    const rows = gather(order, i); // [batch]
    const batch = { x: gather(samples, rows), target: gather(targets, rows), sampleWeights: gather(weights, i), state };
    const { loss, weight, score } = sumsOf(options, spec, batch);
    const gradients = backward(loss, [...state.values()]);
    return { carried: before.map((sum, n) => add(sum, cast(gradients[n]!, "float64"))), stacked: [loss, weight, score] };
  });
  const [loss, weight, score] = stacked;
  const next = Object.fromEntries(options.network.weights.map((w, n) => [nextName(sumName(w.name)), carried[n]!]));
  return {
    name: "train",
    inputs: [count, samples, targets, order, weights, ...state.values(), ...sums],
    outputs: { ...next, loss: loss!, weight: weight!, score: score! },
  };
}

/** `apply` of a whole-batch optimizer. Inputs: `direction:` of each weight, `learningRate` [] (how far), weights; outputs the new ones. */
function moveGraph({ network }: PlanOptions, spec: PlanSpec): Graph {
  const rate = input("learningRate", "float32", []);
  const state = stateInputs(spec.state.filter((s) => s.role === "weight"));
  const directions = network.weights.map((w) => input(`direction:${w.name}`, "float32", w.shape));
  const next = network.weights.map((w, n) => [nextName(w.name), add(state.get(w.name)!, mul(directions[n]!, rate))] as const);
  return { name: "apply", inputs: [...directions, rate, ...state.values()], outputs: Object.fromEntries(next) };
}

/** The first half: inputs `x` [batch, ...], `target`, `sampleWeights` [batch], `tape`, `offsets` [draws], weights and states; outputs `gradient:` of each weight, states, loss, score. */
function gradientGraph(options: PlanOptions, spec: PlanSpec): Graph {
  const x = input("x", spec.inputDType, [spec.batchSize, ...spec.sampleShape]);
  const target = input("target", targetType(spec), [spec.batchSize]);
  const sampleWeights = input("sampleWeights", "float32", [spec.batchSize]);
  const state = stateInputs(spec.state.filter((s) => s.role !== "optimizer"));
  const random = randomInputs(spec, []);
  const offsets = random && spec.tape.draws.map((_, d) => gather(random.offsets, constantIndex(d)));
  const { loss, score, gradients, states } = lossAndGradients(options, spec, { x, target, sampleWeights, state, tape: random?.tape, offsets });
  const outputs = Object.fromEntries([
    ...[...gradients].map(([name, g]) => [`gradient:${name}`, g] as const),
    ...[...states].map(([name, s]) => [nextName(name), s] as const),
  ]);
  return {
    name: "gradient",
    inputs: [x, target, sampleWeights, ...(random ? [random.tape, random.offsets] : []), ...state.values()],
    outputs: { ...outputs, loss, score },
  };
}

/** The second half: inputs `gradient:` of each weight, `learningRate` [], `update` [], hyper-parameters, weights and optimizer state; outputs the new ones. */
function applyGraph(options: PlanOptions, optimizer: StepwiseOptimizer, spec: PlanSpec): Graph {
  const learningRate = input("learningRate", "float32", []);
  const t = input("update", "float32", []);
  const hyper = hyperInputs(spec);
  const state = stateInputs(spec.state.filter((s) => s.role !== "state"));
  const gradients = new Map(options.network.weights.map((w) => [w.name, input(`gradient:${w.name}`, "float32", w.shape)]));
  const next = applyGradients(optimizer, gradients, { state, learningRate, t, hyper });
  const outputs = Object.fromEntries([...next].map(([name, v]) => [nextName(name), v]));
  return { name: "apply", inputs: [...gradients.values(), learningRate, t, ...hyper.values(), ...state.values()], outputs };
}

/**
 * Inputs as `train` without its rates. Outputs: `loss` [steps] (sum over the batch's samples), `predictions` [steps, batch]
 * (class index or value), and for classification `counts` [classes, classes] (rows the truth, columns the prediction).
 */
function evaluateGraph({ network, loss, lossParams }: PlanOptions, spec: PlanSpec): Graph {
  const { count, samples, targets, order, weights } = datasetInputs(spec);
  const state = stateInputs(spec.state.filter((s) => s.role !== "optimizer"));
  const classes = spec.task === "classification" ? spec.outputs : 0;
  const initial = classes ? [scalar(0, "float32", [classes, classes])] : [];
  const { carried, stacked } = loop(count, "steps", initial, (i, counts) => {
    const rows = gather(order, i);
    const target = gather(targets, rows);
    const w = gather(weights, i); // [batch]
    const { output } = network.build({ x: normalise(gather(samples, rows), spec), tensors: state });
    const total = inScope("loss", () => reduceSum(mul(w, loss.each(output, standardTarget(target, spec), lossParams)), [0]));
    if (!classes) return { carried: [], stacked: [total, reshape(inTargetUnits(output, spec), [spec.batchSize])] };
    const prediction = argMax(output);
    const truth = mul(oneHot(target, classes), reshape(w, [spec.batchSize, 1])); // [batch, classes]
    return { carried: [add(counts[0]!, matmul(truth, oneHot(prediction, classes), { tA: true }))], stacked: [total, prediction] };
  });
  return {
    name: "evaluate",
    inputs: [count, samples, targets, order, weights, ...state.values()],
    outputs: { loss: stacked[0]!, predictions: stacked[1]!, ...(classes && { counts: carried[0]! }) },
  };
}

/** Inputs: those of the front, or `input` [batch, ...] of raw values; weights and states. Outputs: `output` (probabilities, scores or a value) and for classification `label` int64 [batch]. */
function predictGraph({ network, loss, front, metadata }: PlanOptions, spec: PlanSpec, bound?: ReadonlyMap<string, Value>): Graph {
  const { mean, deviation } = spec.normalisation;
  const { inputs, samples } = front?.() ?? rawInput(spec);
  const state = bound ?? stateInputs(spec.state.filter((s) => s.role !== "optimizer"));
  const { output } = network.build({ x: normalise(samples, spec), tensors: state });
  return {
    name: "predict",
    inputs: [...inputs, ...(bound ? [] : state.values())],
    outputs: {
      output: inScope("output", () => inTargetUnits(loss.link(output), spec)),
      ...(spec.task === "classification" && { label: argMax(output) }),
    },
    metadata: {
      "trainyard.task": spec.task,
      "trainyard.labels": JSON.stringify(spec.labels),
      "trainyard.preprocessing": JSON.stringify([{ step: "standardise", mean, deviation }]),
      ...metadata,
    },
  };
}

function rawInput({ inputDType, sampleShape }: PlanSpec) {
  const x = input("input", inputDType, ["batch", ...sampleShape]);
  return { inputs: [x], samples: x };
}

/** The predict graph with the trained tensors written into it: what `model.onnx` holds. */
export function compileModel(options: PlanOptions, tensors: ReadonlyMap<string, Float32Array>): Graph {
  const spec = describePlan(options);
  const bound = spec.state
    .filter((s) => s.role !== "optimizer")
    .map(({ name, shape }) => [name, constant({ dtype: "float32", shape, data: tensors.get(name)! })] as const);
  return predictGraph(options, spec, new Map(bound));
}

// --- their parts ---

interface Batch {
  readonly x: Value;
  readonly target: Value;
  readonly sampleWeights: Value;
  readonly state: ReadonlyMap<string, Value>;
  readonly tape?: Value;
  readonly offsets?: readonly Value[];
}

/** The sums of one batch. Padding has weight zero, so each sample counts exactly once. */
function sumsOf({ network, loss, lossParams }: PlanOptions, spec: PlanSpec, { x, target, sampleWeights, state, tape, offsets = [] }: Batch) {
  const training = { sampleWeights, tape: tape ?? scalar(0, "float32", [1]), offsets };
  const { output, states } = network.build({ x: normalise(x, spec), tensors: state, training });
  const sums = inScope("loss", () => {
    const wanted = standardTarget(target, spec);
    const own = loss.weigh?.(output, wanted, lossParams);
    const w = own ? mul(sampleWeights, own) : sampleWeights;
    const total = (each: Value, by: Value) => reduceSum(mul(by, each), [0]);
    const each =
      spec.task === "classification"
        ? cast(equal(argMax(output), cast(target, "int64")), "float32")
        : abs(sub(reshape(inTargetUnits(output, spec), [spec.batchSize]), target));
    return { loss: total(loss.each(output, wanted, lossParams), w), weight: reduceSum(w, [0]), score: total(each, sampleWeights) };
  });
  return { ...sums, states };
}

/** Forward and backward of the mean over one batch. */
function lossAndGradients(options: PlanOptions, spec: PlanSpec, batch: Batch) {
  const { network } = options;
  const sums = sumsOf(options, spec, batch);
  const [loss, score] = inScope("loss", () => [div(sums.loss, sums.weight), div(sums.score, reduceSum(batch.sampleWeights, [0]))] as const);
  const weights = network.weights.map((w) => batch.state.get(w.name)!);
  const gradients = new Map(backward(loss, weights).map((g, i) => [network.weights[i]!.name, g]));
  return { loss, score, gradients, states: sums.states };
}

interface Update {
  readonly state: ReadonlyMap<string, Value>;
  readonly learningRate: Value;
  readonly t: Value;
  readonly hyper: ReadonlyMap<string, Value>;
}

/** One update of every weight, after clipping. */
function applyGradients(
  optimizer: StepwiseOptimizer,
  gradients: ReadonlyMap<string, Value>,
  { state, learningRate, t, hyper }: Update,
): Map<string, Value> {
  return inScope("optimizer", () => {
    const next = new Map<string, Value>();
    const params = Object.fromEntries(
      Object.keys(optimizer.params).map((name) => [name, name === "learningRate" ? learningRate : (hyper.get(`optimizer.${name}`) ?? scalar(0))]),
    );
    for (const [name, g] of clipped(gradients, hyper)) {
      const slots = Object.fromEntries(optimizer.state.map((slot) => [slot, state.get(slotName(name, slot))!]));
      const { w, ...changed } = optimizer.step({ ...slots, w: state.get(name)!, g, t } as never, params as never) as Record<string, Value>;
      next.set(name, w!);
      for (const [slot, value] of Object.entries(changed)) next.set(slotName(name, slot), value);
    }
    return next;
  });
}

/** By norm: g · min(1, limit / ‖all g‖), as in https://arxiv.org/abs/1211.5063. By value: each element to ±limit. */
function clipped(gradients: ReadonlyMap<string, Value>, hyper: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  const [norm, value] = [hyper.get("clipNorm"), hyper.get("clipValue")];
  let result = [...gradients];
  if (value) result = result.map(([name, g]) => [name, max(min(g, value), neg(value))]);
  if (norm) {
    const squares = result.map(([, g]) =>
      reduceSum(
        square(g),
        g.shape.map((_, i) => i),
      ),
    );
    const scale = clip(div(norm, add(sqrt(squares.reduce((a, b) => add(a, b))), 1e-6)), 0, 1);
    result = result.map(([name, g]) => [name, mul(g, scale)]);
  }
  return new Map(result);
}

/** (x - mean) / deviation in float32, per channel where there are several. */
function normalise(x: Value, { normalisation: { mean, deviation } }: PlanSpec): Value {
  return inScope("normalise", () => {
    const rank = x.shape.length;
    const perChannel = (values: readonly number[]) =>
      constant({
        dtype: "float32",
        shape: values.length === 1 ? [] : [values.length, ...Array<number>(rank - 2).fill(1)],
        data: Float32Array.from(values),
      });
    const floats = cast(x, "float32");
    const centred = mean.every((m) => m === 0) ? floats : sub(floats, perChannel(mean));
    return deviation.every((d) => d === 1) ? centred : mul(centred, perChannel(deviation.map((d) => 1 / d)));
  });
}

/** What a regression learns: the target with mean 0 and deviation 1, whatever its unit, so that rates and losses suit any table. */
function standardTarget(target: Value, { normalisation }: PlanSpec): Value {
  const own = normalisation.target;
  return own ? mul(sub(target, own.mean), 1 / own.deviation) : target;
}

/** The way back, from the network's output to the unit of the target. */
function inTargetUnits(output: Value, { normalisation }: PlanSpec): Value {
  const own = normalisation.target;
  return own ? add(mul(output, own.deviation), own.mean) : output;
}

// --- their inputs ---

const targetType = (spec: PlanSpec): DType => (spec.task === "classification" ? "int32" : "float32");

const datasetInputs = (spec: PlanSpec) => ({
  count: input("steps", "int64", []),
  samples: input("samples", spec.inputDType, ["samples", ...spec.sampleShape]),
  targets: input("targets", targetType(spec), ["samples"]),
  order: input("order", "int32", ["steps", spec.batchSize]),
  weights: input("sampleWeights", "float32", ["steps", spec.batchSize]),
});

const stateInputs = (state: readonly StateTensor[]) => new Map(state.map(({ name, shape }) => [name, input(name, "float32", shape)]));
const hyperInputs = (spec: PlanSpec) => new Map(spec.hyperparameters.map((name) => [name, input(name, "float32", [])]));
const randomInputs = ({ tape: { length, draws } }: PlanSpec, leading: Shape) =>
  draws.length ? { tape: input("tape", "float32", [length]), offsets: input("offsets", "int32", [...leading, draws.length]) } : undefined;

const constantIndex = (i: number) => constant({ dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(i)) });
