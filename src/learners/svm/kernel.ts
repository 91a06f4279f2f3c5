/** Kernels: how alike two rows are. One formula as a graph, for fitting and predicting alike. */
import type { Value } from "../../engine/graph.ts";
import { add, exp, gemm, min, mul, square, tanh } from "../../engine/ops.ts";

export const kernels = ["rbf", "linear", "poly", "sigmoid"] as const;
export interface Kernel {
  readonly kernel: (typeof kernels)[number];
  readonly gamma: number;
  readonly coef0: number;
  readonly degree: number;
}

/** What a kernel is made of: a·bᵀ [n, m], and of rbf -γ‖a‖² [n, 1] and -γ‖b‖² [m]. */
interface Sides {
  readonly a: Value;
  readonly b: Value;
  readonly aNorms: Value;
  readonly bNorms: Value;
}
type Formula = (sides: Sides, kernel: Kernel) => Value;

const formulas = {
  linear: ({ a, b }) => gemm(a, b, undefined, { tB: true }),
  // exp(-γ‖a - b‖²); rounding must not make a row more like another than like itself
  rbf: ({ a, b, aNorms, bNorms }, { gamma }) => exp(min(add(gemm(mul(a, 2 * gamma), b, bNorms, { tB: true }), aNorms), 0)),
  poly: (sides, { gamma, coef0, degree }) => power(affine(sides, gamma, coef0), degree),
  sigmoid: (sides, { gamma, coef0 }) => tanh(affine(sides, gamma, coef0)),
} satisfies Record<Kernel["kernel"], Formula>;

/** @returns [rows of a, rows of b] */
export const kernelOf = (sides: Sides, kernel: Kernel): Value => formulas[kernel.kernel](sides, kernel);

/** γ a·b + coef0 */
const affine = ({ a, b }: Sides, gamma: number, coef0: number): Value => add(gemm(mul(a, gamma), b, undefined, { tB: true }), coef0);

/** By squaring: `Pow` of ONNX Runtime is slow. */
function power(x: Value, n: number): Value {
  if (n === 0) return add(mul(x, 0), 1);
  if (n === 1) return x;
  const half = square(power(x, Math.floor(n / 2)));
  return n % 2 ? mul(half, x) : half;
}

/** K(x, x) of each row, [count]. */
export function diagonalOf(rows: Float32Array, count: number, features: number, { kernel, gamma, coef0, degree }: Kernel): Float64Array {
  if (kernel === "rbf") return new Float64Array(count).fill(1);
  const squares = squaredNorms(rows, count, features);
  const of = {
    linear: (s: number) => s,
    poly: (s: number) => (gamma * s + coef0) ** degree,
    sigmoid: (s: number) => Math.tanh(gamma * s + coef0),
  }[kernel];
  return squares.map(of);
}

/** ‖row‖², [count]. */
export function squaredNorms(rows: Float32Array, count: number, features: number): Float64Array {
  const squares = new Float64Array(count);
  for (let r = 0, at = 0; r < count; r++) {
    let sum = 0;
    for (const end = at + features; at < end; at++) sum += rows[at]! * rows[at]!;
    squares[r] = sum;
  }
  return squares;
}

/** Takes the mean row away, in place: distances stay, and in float32 keep digits that a far origin would cost. */
export function centre(rows: Float32Array, count: number, features: number): Float64Array {
  const mean = new Float64Array(features);
  for (let r = 0, at = 0; r < count; r++) for (let f = 0; f < features; f++, at++) mean[f]! += rows[at]!;
  for (let f = 0; f < features; f++) mean[f] = Math.fround(mean[f]! / count);
  for (let r = 0, at = 0; r < count; r++) for (let f = 0; f < features; f++, at++) rows[at]! -= mean[f]!;
  return mean;
}
