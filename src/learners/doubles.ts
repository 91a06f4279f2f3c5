/** Double precision in float32 tensors: for what learners keep where float32 alone would not do. */
import type { LearntTensors } from "./kinds.ts";

type LearntTensor = NonNullable<ReturnType<LearntTensors["get"]>>;

/** Each number as two that add up to it, to 48 bits: [2, ...shape], the float32 next to it, then what is left. */
export function inTwo(values: Float64Array, shape: readonly number[]): LearntTensor {
  const data = new Float32Array(2 * values.length);
  data.set(values);
  for (let i = 0; i < values.length; i++) data[values.length + i] = values[i]! - data[i]!;
  return { shape: [2, ...shape], data };
}

/** The numbers that `inTwo` was given, to 48 bits. */
export function fromTwo({ data }: LearntTensor): Float64Array {
  const length = data.length / 2;
  return Float64Array.from({ length }, (_, i) => data[i]! + data[length + i]!);
}

/** Every bit of each number: its four words of 16 bits as whole numbers, which float32 holds exactly. [length, 4] */
export const inWords = (values: Float64Array): LearntTensor => ({
  shape: [values.length, 4],
  data: Float32Array.from(new Uint16Array(values.slice().buffer)),
});

/** The numbers that `inWords` was given. */
export const fromWords = ({ data }: LearntTensor): Float64Array => new Float64Array(Uint16Array.from(data).buffer);
