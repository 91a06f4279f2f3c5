/** What a classical learner is: how it fits, and the graph that predicts with what it learnt. The catalog lists entries of this kind. */
import type { Value } from "../engine/graph.ts";
import type { Task } from "../shared/dataset.ts";
import type { Head, Params, ValuesOf } from "../shared/define.ts";
import type { LearntTensors } from "../shared/events.ts";

/** The samples that a learner fits, resident in memory. */
export interface FitData {
  /** Values row by row, [count, features]: as bytes where they are bytes (pictures) and the learner reads raw values, else float32, NaN where missing. */
  readonly inputs: Float32Array | Uint8Array;
  readonly count: number;
  readonly features: number;
  /** Class index int32 (classification) or value float32 (regression), [count]. */
  readonly targets: Int32Array | Float32Array;
  /** How much each sample counts, class weights included, [count]; absent where all count 1. */
  readonly weights?: Float64Array;
  /** Class names in index order; empty for regression. A class may have no sample. */
  readonly labels: readonly string[];
  /** What the features are called, for messages. */
  readonly names: readonly string[];
}

export interface FitContext {
  /** With the data and the parameters it settles every bit of what is learnt. */
  readonly seed: number;
  /** Threads that may compute at once. More of them change no bit. */
  readonly threads: number;
  /** What a checkpoint of the same fit kept: it goes on from there, to the same bits. */
  readonly resume?: LearntTensors;
  readonly signal?: AbortSignal;
}

/** What a learner knows, by name; numbers that are whole (indices) must be below 2^24, where float32 is exact. */
export type { LearntTensors };

export interface FitProgress {
  /** In the learner's unit. */
  readonly done: number;
  readonly total: number;
  /** Of the training rows so far, where it is known. */
  readonly loss?: number;
  /** What can be kept to go on from, or be used as it is: asked for now and then, and when the fit is stopped. */
  readonly checkpoint?: () => LearntTensors;
}

export interface Learnt {
  readonly tensors: LearntTensors;
  /** What was measured in passing, such as `oob_accuracy`. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** A classical model: declare one with `learner`. */
export interface LearnerKind<P extends Params = Params> extends Head<P> {
  readonly tasks: readonly Task[];
  /** What progress is counted in, in the plural: trees, iterations. */
  readonly unit: string;
  /**
   * What it reads of pictures: bytes as they are (`raw`), or numbers scaled as the preprocessing says (`scaled`). Tables are float32, prepared, in either case.
   */
  readonly reads: "raw" | "scaled";
  /** Whether it takes missing values (NaN) of tables. */
  readonly missing: boolean;
  /** Whether a checkpoint predicts: of a forest the trees so far. */
  readonly partial?: boolean;
  /** What the outputs of the graph are, with these parameters; values for regression. */
  gives(params: ValuesOf<P>): "probabilities" | "scores";
  /** What of the parameters does not go together. */
  check?(params: ValuesOf<P>, task?: Task): { readonly name: string; readonly want: string; readonly got: string } | undefined;
  /**
   * Learns. Yields progress at least twice a second, and ends with what it learnt. Long work is done in threads or in slices: between two yields at
   * most half a second passes in this thread.
   * @throws UNFIT_DATA for data that it cannot learn from; the reason of the signal, soon after it aborts and after a last yield with a checkpoint
   *   where it can go on
   */
  fit(data: FitData, params: ValuesOf<P>, context: FitContext): AsyncGenerator<FitProgress, Learnt>;
  /**
   * What predicts.
   * @param x float32 [batch, features]
   * @returns `output` [batch, classes] (probabilities or scores) or [batch, 1] (the value); `label` int64 [batch] where it is not the largest output.
   */
  graph(x: Value, tensors: LearntTensors, shape: GraphShape, params: ValuesOf<P>): { readonly output: Value; readonly label?: Value };
  /** How much each feature counts for what was learnt, [features], where the model tells: of trees the impurity they take away, adding up to 1. */
  importance?(tensors: LearntTensors): Float32Array | undefined;
}
export interface GraphShape {
  readonly task: Task;
  readonly classes: number;
  readonly features: number;
}

/**
 * Declares a learner. Infers the types of its parameters, then forgets them, so that entries fit in one list.
 * @example export const dummy = learner({ ...head, params: {}, fit: async function* (data) { … }, graph: (x, tensors) => ({ output }) });
 */
export const learner = <const P extends Params>(kind: LearnerKind<P>): LearnerKind => kind as unknown as LearnerKind;

/** A tensor by its name: one that is missing is our own mistake. */
export function tensorIn(tensors: LearntTensors, name: string): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const found = tensors.get(name);
  if (!found) throw new Error(`internal: no tensor "${name}" among ${[...tensors.keys()].join(", ")}`);
  return found;
}
