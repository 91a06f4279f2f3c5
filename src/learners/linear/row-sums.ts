/** Sums over rows of what a graph gives of each chunk of them: for what goes over all the data in matrix products. */
import { setImmediate } from "node:timers/promises";
import { input, type Tensor, type Value } from "../../engine/graph.ts";
import type { Session } from "../../engine/session.ts";
import type { FitData } from "../kinds.ts";

export type Rows = Pick<FitData, "inputs" | "count" | "features" | "targets"> & { readonly weights: Float64Array };

/** A tensor in double precision. */
export const float64 = (shape: readonly number[], data: Float64Array): Tensor => ({ dtype: "float64", shape, data });

const dtypeOf = (inputs: FitData["inputs"]) => (inputs instanceof Uint8Array ? ("uint8" as const) : ("float32" as const));

/** What a graph reads of a chunk of rows: x [batch, features], y int32 [batch], weights float64 [batch, 1]. */
export const rowInputs = ({ inputs, features }: Pick<Rows, "inputs" | "features">): Readonly<Record<"x" | "y" | "weights", Value>> => ({
  x: input("x", dtypeOf(inputs), ["batch", features]),
  y: input("y", "int32", ["batch"]),
  weights: input("weights", "float64", ["batch", 1]),
});

/**
 * Yields how many rows are done after each chunk.
 * @param chunk rows at once: sums depend on it in their last bits
 * @param fixed what the graph is given beside the rows
 * @returns the float64 outputs, added up
 */
export async function* rowSums(
  session: Session,
  { inputs, count, features, targets, weights }: Rows,
  chunk: number,
  fixed: Readonly<Record<string, Tensor>> = {},
): AsyncGenerator<number, Readonly<Record<string, Float64Array>>> {
  const buffer =
    inputs.buffer instanceof SharedArrayBuffer ? new (inputs.constructor as typeof Float32Array)(Math.min(chunk, count) * features) : undefined;
  const sums: Record<string, Float64Array> = {};
  for (let from = 0; from < count; from += chunk) {
    const to = Math.min(count, from + chunk);
    const part = inputs.subarray(from * features, to * features);
    buffer?.set(part); // ONNX Runtime takes no shared memory
    const given = await session.run({
      ...fixed,
      x: { dtype: dtypeOf(inputs), shape: [to - from, features], data: buffer?.subarray(0, part.length) ?? part },
      y: { dtype: "int32", shape: [to - from], data: targets.subarray(from, to) as Int32Array },
      weights: float64([to - from, 1], weights.subarray(from, to)),
    });
    for (const [name, { data }] of Object.entries(given)) {
      sums[name] ??= new Float64Array(data.length);
      const sum = sums[name];
      for (let i = 0; i < sum.length; i++) sum[i]! += data[i] as number;
    }
    await setImmediate(); // lets an abort arrive
    yield to;
  }
  return sums;
}
