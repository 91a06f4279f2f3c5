/** The kinds of parts a training step is made of. The catalog declares entries of these kinds; the engine assembles them. */
import type { Task } from "../shared/dataset.ts";
import type { Head, IntegerParam, NumberParam, Params, ValuesOf } from "../shared/define.ts";
import type { Random } from "../shared/random.ts";
import type { Value } from "./graph.ts";

// --- layers ---

export interface WeightOptions {
  readonly initializer: string;
  /** Values that flow into and out of one unit: what initialisers scale by. */
  readonly fanIn?: number;
  readonly fanOut?: number;
  /** For initializer "constant". */
  readonly constant?: number;
}

/** What a layer is given to build itself with. */
export interface LayerContext {
  /** Outputs of the layers it reads, each [batch, ...]. */
  readonly inputs: readonly Value[];
  /** Whether this graph trains: dropout, augmentation and batch statistics are active. */
  readonly training: boolean;
  /** How much each sample counts, 0 for padding of a short batch: float32 [batch]. Only when training. */
  readonly sampleWeights: Value;
  /** A trained tensor of this layer. */
  weight(name: string, shape: readonly number[], options: WeightOptions): Value;
  /** A tensor that is carried from step to step but not trained, and how it changes. */
  state(name: string, shape: readonly number[], initial: number): { readonly value: Value; update(next: Value): void };
  /** Fresh random numbers for this step, uniform in [0, 1): a function of seed and step alone. */
  random(shape: readonly number[]): Value;
  /** Throws LAYER_SHAPE_MISMATCH unless the condition holds. @param want what the layer expects, such as "[batch, features]" */
  expect(condition: boolean, want: string): void;
}

/** A layer that networks may use: what it can be told, and the ops it is made of. */
export interface LayerKind<P extends Params = Params> extends Head<P> {
  /** How many layers it reads. */
  readonly arity: "one" | "many";
  /** Of a layer that changes samples at random in training and leaves them alone otherwise, so that it may stand before any network: of which samples. */
  readonly augments?: "pictures";
  build(context: LayerContext, params: ValuesOf<P>): Value;
}

// --- losses ---

/** What training minimises. */
export interface LossKind<P extends Params = Params> extends Head<P> {
  readonly tasks: readonly Task[];
  /**
   * Loss of each sample, [batch].
   * @param output [batch, classes], or [batch, 1] for regression
   * @param target class index int32 [batch], or value float32 [batch]
   */
  each(output: Value, target: Value, params: ValuesOf<P>): Value;
  /** How much each sample counts, [batch]; all alike when absent or undefined. Of the output only the shape may matter. */
  weigh?(output: Value, target: Value, params: ValuesOf<P>): Value | undefined;
  /** From the network's output to what people read: probabilities, scores or values. */
  link(output: Value): Value;
  /** Whether what people read are scores: numbers that are no distribution over the classes. */
  readonly scores?: boolean;
}

// --- optimizers ---

/** The optimizer's parameters as scalar graph values: they may change at every step without a rebuild. */
export type ScalarsOf<P extends Params> = { readonly [K in keyof P]: Value };

/** How weights learn. */
export type OptimizerKind = StepwiseOptimizer | WholeBatchOptimizer;

/** How the gradient of a batch becomes a step. */
export interface StepwiseOptimizer<P extends Params = Params, S extends string = string> extends Head<P> {
  /** Names of the tensors kept per weight, each of the weight's shape and zero at first. */
  readonly state: readonly S[];
  /**
   * One update of one weight.
   * @param tensors w the weight, g its gradient, t the number of this update from 1 (scalar float32), and the state
   * @returns the new weight and state
   */
  step(tensors: { readonly [K in "w" | "g" | "t" | S]: Value }, params: ScalarsOf<P>): { readonly [K in "w" | S]: Value };
}

/** What everything that looks at all samples before each step can be told. */
export interface WholeBatchParams extends Params {
  /** Length of the first trial step, in directions. */
  readonly learningRate: NumberParam;
  /** Steps it remembers. */
  readonly history: IntegerParam;
  /** Converged when no element of the gradient is larger. */
  readonly tolerance: NumberParam;
  readonly lineSearchSteps: IntegerParam;
  /** Added to the loss: l2/2 · the squares of all weights with more than one axis. */
  readonly l2: NumberParam;
}

/** A step of all weights, and the change of the gradient in it; each [weights]. */
export interface Curvature {
  readonly s: Float32Array;
  readonly y: Float32Array;
}

/** Minimises over all samples at once: a direction from the whole gradient, then a line search along it. */
export interface WholeBatchOptimizer<P extends WholeBatchParams = WholeBatchParams> extends Head<P> {
  readonly whole: true;
  /**
   * Where to go from here.
   * @param g gradient of the loss over all samples, [weights]
   * @param memory the latest steps, the newest first
   * @returns a direction in which the loss falls, [weights]
   */
  direction(g: Float64Array, memory: readonly Curvature[]): Float64Array;
}

// --- schedules ---

/** Where a training is when a learning rate is asked for. */
export interface Progress {
  /** Updates done so far, from 0. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Validation loss (training loss without validation) of each finished epoch. */
  readonly losses: readonly number[];
}

/** How the learning rate changes in the course of a training. */
export interface ScheduleKind<P extends Params = Params> extends Head<P> {
  /** The factor on the optimizer's learning rate. */
  factor(progress: Progress, params: ValuesOf<P>): number;
}

// --- initialisers ---

/** How a weight starts. */
export interface InitializerKind extends Head<Record<string, never>> {
  fill(data: Float32Array, options: Required<Omit<WeightOptions, "initializer">>, random: Random): void;
}

// --- models ---

/** A network as JSON. Layers read the layer before them unless `inputs` names others; "input" is the sample. The last one is the output. */
export interface NetworkDescription {
  readonly name?: string;
  readonly layers: readonly LayerDescription[];
}
export interface LayerDescription {
  readonly id: string;
  readonly layer: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly inputs?: readonly string[];
}

/** A ready-made network. */
export interface ModelKind<P extends Params = Params> extends Head<P> {
  readonly tasks: readonly Task[];
  /** The samples that it reads; any when absent. */
  readonly of?: "pictures" | "table";
  /** Ids of the losses and optimizers it can be trained with; when absent, all that are for its tasks. */
  readonly losses?: readonly string[];
  readonly optimizers?: readonly string[];
  /** The network for samples of a shape and a number of outputs. */
  network(sampleShape: readonly number[], outputs: number, params: ValuesOf<P>): NetworkDescription;
}

// Each helper only infers the parameter types of an entry, then forgets them so that entries fit in one list.
/**
 * Declares a layer.
 * @example layer({ id: "Double", title: "Double", summary: "2x.", arity: "one", params: {}, build: ({ inputs: [x] }) => mul(x!, 2) });
 */
export const layer = <const P extends Params>(kind: LayerKind<P>): LayerKind => kind as unknown as LayerKind;
/** Declares a loss: the loss of each sample, and what the network's output means. */
export const loss = <const P extends Params>(kind: LossKind<P>): LossKind => kind as unknown as LossKind;
/**
 * Declares an optimizer: the step of one weight, and what is kept for it from step to step.
 * @example optimizer({ ...head, params: { learningRate }, state: [], step: ({ w, g }, { learningRate }) => ({ w: sub(w, mul(g, learningRate)) }) });
 */
export const optimizer = <const P extends Params, const S extends string>(kind: StepwiseOptimizer<P, S>): StepwiseOptimizer =>
  kind as unknown as StepwiseOptimizer;
/** Declares an optimizer that looks at all samples before each step: the direction of the step. */
export const wholeBatchOptimizer = <const P extends WholeBatchParams>(kind: Omit<WholeBatchOptimizer<P>, "whole">): WholeBatchOptimizer => ({
  ...kind,
  whole: true,
});
/** Declares a schedule: the factor on the learning rate, as a pure function of progress. */
export const schedule = <const P extends Params>(kind: ScheduleKind<P>): ScheduleKind => kind as unknown as ScheduleKind;
/** Declares an initializer: how it fills a weight. */
export const initializer = (kind: Omit<InitializerKind, "params">): InitializerKind => ({ ...kind, params: {} });
/** Declares a model: the network for samples of a shape. */
export const model = <const P extends Params>(kind: ModelKind<P>): ModelKind => kind as unknown as ModelKind;
