/** What the graphs of a plan are fed with, and how much of it at a time. */
import type { Split } from "../shared/dataset.ts";
import type { Tensors } from "../shared/events.ts";
import type { Tensor } from "./graph.ts";
import type { PlanSpec } from "./training-plan.ts";

/** How long one native call lasts: seldom enough to cost nothing, often enough to stop at once. */
export const CHUNK_SECONDS = 0.4;
/** From one checkpoint to the next within an epoch. */
export const CHECKPOINT_SECONDS = 30;

/** How many steps fit in a chunk, from how long the last one took. */
export class Pace {
  steps = 1;
  stepsPerSecond = 0;
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  took(steps: number, milliseconds: number): void {
    this.stepsPerSecond = steps / (Math.max(milliseconds, 0.01) / 1000);
    // At most fourfold, as the first chunk also pays for memory.
    this.steps = Math.max(1, Math.min(4 * this.steps, Math.round(this.stepsPerSecond * this.#seconds), 100_000));
  }
}

export const float32 = (shape: readonly number[], data: Float32Array): Tensor => ({ dtype: "float32", shape, data });
export const number32 = (value: number): Tensor => float32([], Float32Array.of(value));

export const asFeeds = (tensors: Tensors, spec: PlanSpec): Record<string, Tensor> =>
  Object.fromEntries(spec.state.map(({ name, shape }) => [name, float32(shape, tensors.get(name)!)]));

export const dataFeeds = (spec: PlanSpec, data: Split): Record<string, Tensor> => ({
  samples: { dtype: spec.inputDType, shape: [data.count, ...spec.sampleShape], data: data.inputs },
  targets: { dtype: spec.task === "classification" ? "int32" : "float32", shape: [data.count], data: data.targets },
});

/** The next batches of some rows. The last one is filled up with a row of weight zero. */
export function batchFeeds({ weights }: Split, rows: Int32Array, start: number, steps: number, batchSize: number): Record<string, Tensor> {
  const order = new Int32Array(steps * batchSize).fill(rows[start]!);
  const taken = rows.subarray(start, start + order.length);
  order.set(taken);
  const counts = new Float32Array(order.length).fill(1, 0, taken.length);
  for (let i = 0; weights && i < taken.length; i++) counts[i] = weights[taken[i]!]!;
  return {
    steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
    order: { dtype: "int32", shape: [steps, batchSize], data: order },
    sampleWeights: float32([steps, batchSize], counts),
  };
}

/** How much some rows count together: what sums over them are divided by. */
export const weightOf = ({ weights }: Split, rows: Int32Array): number => (weights ? rows.reduce((sum, row) => sum + weights[row]!, 0) : rows.length);

/** The rows that count at all. */
export const counting = ({ weights }: Split, rows: Int32Array): Int32Array => (weights ? rows.filter((row) => weights[row]! > 0) : rows);
