/**
 * Small cases of every op, on which the op tests run: against ONNX Runtime's shapes, finite differences and PyTorch.
 * `satisfies Record<Op, ...>` makes an op without a sample a compile error. Ops that read strings have text-ops.test.ts.
 */
import { arrayOf, type DType, input, type Node, sizeOf, type Tensor, type Value } from "../../src/engine/graph.ts";
import * as o from "../../src/engine/ops.ts";
import { random } from "../../src/shared/random.ts";

interface Sample {
  /** What is special about it. */
  readonly title: string;
  readonly inputs: readonly Data[];
  /** Makes the node and returns those of its outputs that are read. */
  readonly build: (...inputs: readonly Value[]) => Value | readonly Value[];
  /** Why finite differences cannot tell the gradient: the sample sits on a kink. */
  readonly kink?: string;
}

/** Data of an input: made from random numbers that are its own. Floats are float64 until a test wants float32. */
type Data = (key: readonly string[]) => Tensor;

/**
 * Different numbers in random order, an equal `step` apart and half a step away from every multiple of it: kinks at such
 * multiples (0, ties, the bounds of Clip) are out of reach of a finite difference. Exact in float32, and short in JSON.
 */
const grid =
  (shape: readonly number[], { step = 1 / 16, centre = 0 } = {}): Data =>
  (key) => {
    const order = random(...key).permutation(sizeOf(shape));
    return float(
      shape,
      Array.from(order, (k) => centre + (k - Math.floor(order.length / 2) + 0.5) * step),
    );
  };
const numbers = (...shape: number[]) => grid(shape);
/** From 0.25 upwards. */
const positive = (...shape: number[]) => grid(shape, { centre: 0.25 + Math.floor(sizeOf(shape) / 2) / 16 });
/** Of either sign, at least 0.5 away from zero. */
const nonzero =
  (...shape: number[]): Data =>
  (key) => {
    const data = grid(shape)(key).data as Float64Array;
    return float(
      shape,
      Array.from(data, (v) => v + Math.sign(v) / 2),
    );
  };
const float = (shape: readonly number[], values: readonly number[]): Tensor => ({ dtype: "float64", shape, data: Float64Array.from(values) });
const exactly =
  (shape: readonly number[], ...values: number[]): Data =>
  () =>
    float(shape, values);
const indices =
  (shape: readonly number[], ...values: number[]): Data =>
  () => ({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });
const truths =
  (shape: readonly number[], ...values: number[]): Data =>
  () => ({ dtype: "bool", shape, data: Uint8Array.from(values) });

const sample = (title: string, inputs: readonly Data[], build: Sample["build"], kink?: string): Sample => ({ title, inputs, build, kink });
const elementwise = (f: (x: Value) => Value, data = numbers(2, 3, 4)) => sample("of three axes", [data], (x) => f(x!));
/** Equal shapes, and both sides broadcast. */
const binary = (f: (a: Value, b: Value) => Value, left = numbers, right = numbers) => {
  const build: Sample["build"] = (a, b) => f(a!, b!);
  return [
    sample("equal shapes", [left(2, 3), right(2, 3)], build),
    sample("a row for every row", [left(4, 3), right(3)], build),
    sample("a column for every column", [left(4, 3), right(4, 1)], build),
    sample("outer product of shapes", [left(4, 1), right(1, 3)], build),
    sample("a number with a block", [left(), right(2, 3, 2)], build),
    sample("both sides broadcast, of different rank", [left(3, 1, 2), right(2, 3, 4, 1)], build),
  ];
};
const comparison = (f: (a: Value, b: Value) => Value) => [
  ...binary(f),
  sample("ties", [exactly([4], -1, 0, 2, 3), exactly([4], -1, 1, 2, -3)], (a, b) => f(a!, b!)),
];
const conv = (title: string, x: readonly number[], w: readonly number[], options: o.ConvOptions, bias = false) =>
  sample(title, [numbers(...x), numbers(...w), ...(bias ? [numbers(w[0]!)] : [])], (x, w, b) => o.conv(x!, w!, b, options));
const convTranspose = (title: string, x: readonly number[], w: readonly number[], options: Parameters<typeof o.convTranspose>[2]) =>
  sample(title, [numbers(...x), numbers(...w)], (x, w) => o.convTranspose(x!, w!, options));
const maxPool = (title: string, x: readonly number[], options: o.PoolOptions) => sample(title, [numbers(...x)], (x) => o.maxPool(x!, options));
const averagePool = (title: string, x: readonly number[], options: o.PoolOptions) =>
  sample(title, [numbers(...x)], (x) => o.averagePool(x!, options));
const reductions = (f: typeof o.reduceSum) => [
  sample("the last axis", [numbers(2, 3, 4)], (x) => f(x!, [-1])),
  sample("the first axis, kept", [numbers(2, 3, 4)], (x) => f(x!, [0], { keep: true })),
  sample("two axes apart", [numbers(2, 3, 4)], (x) => f(x!, [0, 2])),
  sample("two axes, kept", [numbers(2, 3, 4)], (x) => f(x!, [1, 2], { keep: true })),
  sample("to a single number", [numbers(3, 4)], (x) => f(x!, o.allAxes(x!))),
];
const slice = (title: string, shape: readonly number[], options: Parameters<typeof o.slice>[1]) =>
  sample(title, [numbers(...shape)], (x) => o.slice(x!, options));

export const samples = {
  // elementwise, one input
  Neg: [elementwise(o.neg)],
  Abs: [elementwise(o.abs)],
  Sign: [sample("with zero", [exactly([5], -2, -0.5, 0, 0.5, 2)], (x) => o.sign(x!))],
  Sqrt: [elementwise(o.sqrt, positive(2, 3, 4))],
  Exp: [elementwise(o.exp)],
  Log: [elementwise(o.log, positive(2, 3, 4))],
  Erf: [elementwise(o.erf)],
  Floor: [elementwise(o.floor)],
  Relu: [elementwise(o.relu), sample("at zero", [exactly([3], -1, 0, 1)], (x) => o.relu(x!), "x = 0")],
  LeakyRelu: [elementwise((x) => o.leakyRelu(x, 0.125)), sample("at zero", [exactly([3], -1, 0, 1)], (x) => o.leakyRelu(x!, 0.125), "x = 0")],
  Elu: [elementwise((x) => o.elu(x, 1)), sample("alpha 0.5", [numbers(2, 6)], (x) => o.elu(x!, 0.5))],
  Sigmoid: [elementwise(o.sigmoid), sample("far out", [exactly([4], -30, -10, 10, 30)], (x) => o.sigmoid(x!))],
  Tanh: [elementwise(o.tanh), sample("far out", [exactly([4], -30, -5, 5, 30)], (x) => o.tanh(x!))],
  Softplus: [elementwise(o.softplus), sample("far out", [exactly([4], -30, -10, 10, 30)], (x) => o.softplus(x!))],
  Gelu: [elementwise(o.gelu), sample("far out", [exactly([4], -6, -3, 3, 6)], (x) => o.gelu(x!))],
  HardSwish: [elementwise(o.hardSwish, grid([4, 8], { step: 1 / 4 }))],
  Softmax: [
    elementwise(o.softmax),
    sample("a matrix", [grid([3, 5], { step: 1 / 4 })], (x) => o.softmax(x!)),
    sample("far out", [exactly([2, 3], 1000, 1001, 1002, -50, 0, 50)], (x) => o.softmax(x!)),
  ],
  LogSoftmax: [
    elementwise(o.logSoftmax),
    sample("a matrix", [grid([3, 5], { step: 1 / 4 })], (x) => o.logSoftmax(x!)),
    sample("far out", [exactly([2, 3], 1000, 1001, 1002, -50, 0, 50)], (x) => o.logSoftmax(x!)),
  ],
  Clip: [
    elementwise((x) => o.clip(x, -0.5, 0.25)),
    sample("at its bounds", [exactly([4], -0.75, -0.5, 0.25, 0.5)], (x) => o.clip(x!, -0.5, 0.25), "x at the bounds"),
  ],
  Cast: [elementwise((x) => o.cast(x, x.dtype === "float64" ? "float32" : "float64"))],
  Not: [sample("both", [truths([2], 0, 1)], (x) => o.not(x!))],
  IsNaN: [sample("with 0 / 0", [exactly([3], -1, 0, 2)], (x) => o.isNan(o.div(o.mul(x!, 0), x!)))],

  // elementwise, two inputs
  Add: [...binary(o.add), sample("with itself", [numbers(2, 3)], (x) => o.add(x!, x!))],
  Sub: binary(o.sub),
  Mul: [...binary(o.mul), sample("with itself", [numbers(2, 3)], (x) => o.square(x!))],
  Div: [...binary(o.div, numbers, nonzero), sample("by itself", [nonzero(2, 3)], (x) => o.div(x!, x!))],
  Pow: [
    ...binary(o.pow, positive, numbers),
    sample("cubes of numbers of either sign", [nonzero(3, 4)], (x) => o.pow(x!, 3)),
    sample("square root", [positive(3, 4)], (x) => o.pow(x!, 0.5)),
    sample("reciprocal", [nonzero(3, 4)], (x) => o.pow(x!, -1)),
    sample("squares at zero", [exactly([3], -1, 0, 1)], (x) => o.pow(x!, 2)),
    sample("exponent zero, at zero too", [exactly([3], -1, 0, 1)], (x) => o.pow(x!, 0)),
    sample("zero to variable powers", [exactly([4], 0, 0, 0, 0), exactly([4], 0, 1, 2, 3)], (a, b) => o.pow(a!, b!), "0 to the power of almost 0"),
    sample("a constant to a variable power", [numbers(2, 3)], (x) => o.pow(2.5, x!)),
  ],
  Max: [...binary(o.max), sample("ties", [exactly([4], -1, 0, 2, 3), exactly([4], -1, 1, 2, -3)], (a, b) => o.max(a!, b!))],
  Min: [...binary(o.min), sample("ties", [exactly([4], -1, 0, 2, 3), exactly([4], -1, 1, 2, -3)], (a, b) => o.min(a!, b!))],
  Equal: comparison(o.equal),
  Less: comparison(o.less),
  LessOrEqual: comparison(o.lessOrEqual),
  Greater: comparison(o.greater),
  GreaterOrEqual: comparison(o.greaterOrEqual),
  Where: [
    sample("equal shapes", [truths([2, 2], 1, 0, 0, 1), numbers(2, 2), numbers(2, 2)], (c, a, b) => o.where(c!, a!, b!)),
    sample("all three broadcast", [truths([2, 1], 1, 0), numbers(3), numbers(4, 1, 1)], (c, a, b) => o.where(c!, a!, b!)),
    sample("a condition wider than both", [truths([2, 3], 1, 0, 1, 0, 0, 1), numbers(), numbers(1, 3)], (c, a, b) => o.where(c!, a!, b!)),
    sample("a number on one side", [truths([3], 1, 0, 1), numbers(2, 3)], (c, a) => o.where(c!, a!, 0)),
  ],

  // linear algebra
  MatMul: [
    sample("matrices", [numbers(2, 3), numbers(3, 4)], (a, b) => o.matmul(a!, b!)),
    sample("batches", [numbers(2, 2, 3), numbers(2, 3, 2)], (a, b) => o.matmul(a!, b!)),
    sample("one matrix for a batch", [numbers(3, 2, 3), numbers(3, 2)], (a, b) => o.matmul(a!, b!)),
    sample("a batch for one matrix", [numbers(2, 3), numbers(3, 3, 2)], (a, b) => o.matmul(a!, b!)),
    sample("batches broadcast both ways", [numbers(2, 1, 2, 3), numbers(1, 3, 3, 2)], (a, b) => o.matmul(a!, b!)),
    sample("transposed factors", [numbers(2, 3, 2), numbers(2, 4, 3)], (a, b) => o.matmul(a!, b!, { tA: true, tB: true })),
  ],
  Gemm: [
    sample("a · b", [numbers(2, 3), numbers(3, 4)], (a, b) => o.gemm(a!, b!)),
    sample("a · b + row", [numbers(2, 3), numbers(3, 4), numbers(4)], (a, b, c) => o.gemm(a!, b!, c)),
    sample("aᵀ · b + matrix", [numbers(3, 2), numbers(3, 4), numbers(2, 4)], (a, b, c) => o.gemm(a!, b!, c, { tA: true })),
    sample("a · bᵀ + column", [numbers(2, 3), numbers(4, 3), numbers(2, 1)], (a, b, c) => o.gemm(a!, b!, c, { tB: true })),
    sample("aᵀ · bᵀ + number", [numbers(3, 2), numbers(4, 3), numbers()], (a, b, c) => o.gemm(a!, b!, c, { tA: true, tB: true })),
  ],
  Conv: [
    conv("3 x 3", [2, 2, 5, 4], [3, 2, 3, 3], {}, true),
    conv("1 x 1", [2, 3, 3, 2], [2, 3, 1, 1], {}),
    conv("strides that divide", [1, 2, 6, 6], [2, 2, 2, 2], { strides: [2, 2] }),
    conv("strides that leave rows over", [1, 2, 6, 8], [2, 2, 3, 3], { strides: [2, 3] }),
    conv("a stride longer than the kernel", [1, 1, 8, 7], [2, 1, 1, 2], { strides: [3, 3] }),
    conv("padded", [1, 2, 4, 4], [2, 2, 3, 3], { pads: [1, 1, 1, 1] }),
    conv("padded unequally", [1, 2, 4, 5], [2, 2, 2, 3], { pads: [0, 1, 1, 2], strides: [2, 2] }, true),
    conv("dilated", [1, 2, 6, 7], [2, 2, 2, 3], { dilations: [3, 2] }),
    conv("dilated, strided, padded", [2, 1, 6, 7], [2, 1, 2, 2], { dilations: [2, 3], strides: [2, 2], pads: [1, 0, 2, 1] }),
    conv("two groups", [2, 4, 4, 4], [6, 2, 2, 2], { group: 2 }, true),
    conv("depthwise", [2, 3, 5, 5], [3, 1, 3, 3], { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] }, true),
    conv("depthwise, two filters a channel", [2, 2, 4, 4], [4, 1, 2, 2], { group: 2 }),
    conv("one filter for one channel", [2, 1, 4, 4], [1, 1, 2, 2], {}),
  ],
  ConvTranspose: [
    convTranspose("3 x 3", [2, 2, 3, 2], [2, 3, 3, 3], {}),
    convTranspose("strided", [1, 2, 3, 3], [2, 2, 2, 2], { strides: [2, 2] }),
    convTranspose("output padding", [1, 2, 3, 3], [2, 2, 3, 3], { strides: [2, 3], outputPadding: [1, 2] }),
    convTranspose("padded unequally", [1, 2, 4, 3], [2, 2, 3, 3], { pads: [1, 0, 2, 1], strides: [2, 2] }),
    convTranspose("dilated", [1, 2, 3, 3], [2, 1, 2, 2], { dilations: [2, 3] }),
    convTranspose("two groups", [2, 4, 3, 3], [4, 2, 2, 2], { group: 2 }),
    convTranspose("depthwise", [2, 3, 3, 3], [3, 1, 2, 2], { group: 3, strides: [2, 2] }),
  ],

  // windows
  MaxPool: [
    maxPool("apart", [2, 2, 4, 6], { kernel: [2, 2] }),
    maxPool("apart, with rows left over", [1, 2, 5, 7], { kernel: [2, 3] }),
    maxPool("a stride longer than the window", [1, 2, 7, 6], { kernel: [2, 2], strides: [3, 3] }),
    maxPool("overlapping", [1, 2, 5, 5], { kernel: [3, 3], strides: [2, 2] }),
    maxPool("padded", [1, 2, 4, 4], { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    maxPool("padded unequally, apart", [2, 1, 5, 5], { kernel: [2, 2], pads: [0, 0, 1, 1] }),
    sample(
      "ties: the first one counts",
      [exactly([1, 1, 2, 4], 1, 1, 0, 2, 1, 1, 2, 0)],
      (x) => o.maxPool(x!, { kernel: [2, 2] }),
      "equal largest values",
    ),
    sample(
      "ties in overlapping windows",
      [exactly([1, 1, 3, 3], 1, 3, 1, 3, 0, 3, 1, 3, 1)],
      (x) => o.maxPool(x!, { kernel: [2, 2], strides: [1, 1] }),
      "equal largest values",
    ),
  ],
  MaxUnpool: [
    sample("apart", [numbers(2, 1, 2, 2), indices([2, 1, 2, 2], 0, 3, 12, 10, 17, 22, 28, 30)], (x, i) =>
      o.maxUnpool(x!, i!, { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] }, [2, 1, 4, 4]),
    ),
  ],
  AveragePool: [
    averagePool("apart", [2, 2, 4, 4], { kernel: [2, 2] }),
    averagePool("with rows left over", [1, 2, 5, 7], { kernel: [2, 3] }),
    averagePool("overlapping", [1, 2, 5, 5], { kernel: [3, 3], strides: [1, 2] }),
    averagePool("padded", [1, 2, 4, 4], { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    averagePool("padded unequally", [1, 2, 4, 5], { kernel: [2, 2], strides: [2, 2], pads: [0, 1, 1, 0] }),
  ],
  GlobalAveragePool: [sample("a picture", [numbers(2, 3, 3, 2)], (x) => o.globalAveragePool(x!))],

  // reductions
  ReduceSum: reductions(o.reduceSum),
  ReduceMean: reductions(o.reduceMean),
  ReduceSumSquare: reductions(o.reduceSumSquare),
  ReduceMax: [...reductions(o.reduceMax), sample("ties share", [exactly([2, 3], 1, 2, 2, 3, 0, 3)], (x) => o.reduceMax(x!, [1]))],
  ArgMax: [
    sample("the last axis", [numbers(2, 3, 4)], (x) => o.argMax(x!)),
    sample("the first axis", [numbers(3, 4)], (x) => o.argMax(x!, 0)),
    sample("ties: the first one counts", [exactly([2, 3], 1, 2, 2, 3, 0, 3)], (x) => o.argMax(x!)),
  ],

  // shape and selection
  Reshape: [
    sample("other axes", [numbers(2, 6)], (x) => o.reshape(x!, [3, 2, 2])),
    sample("a single number", [numbers(1, 1)], (x) => o.reshape(x!, [])),
  ],
  Transpose: [
    sample("a matrix", [numbers(2, 3)], (x) => o.transpose(x!, [1, 0])),
    sample("axes in a circle", [numbers(2, 3, 4)], (x) => o.transpose(x!, [1, 2, 0])),
  ],
  Flatten: [sample("a picture", [numbers(2, 3, 2, 2)], (x) => o.flatten(x!))],
  Expand: [
    sample("along an axis", [numbers(2, 1, 3)], (x) => o.expand(x!, [2, 4, 3])),
    sample("with new axes", [numbers(3)], (x) => o.expand(x!, [2, 2, 3])),
    sample("a single number", [numbers()], (x) => o.expand(x!, [2, 3])),
  ],
  Concat: [
    sample("rows", [numbers(1, 3), numbers(2, 3)], (...v) => o.concat(v, 0)),
    sample("three, along the middle axis", [numbers(2, 1, 2), numbers(2, 3, 2), numbers(2, 2, 2)], (...v) => o.concat(v, 1)),
    sample("with itself", [numbers(2, 2)], (x) => o.concat([x!, x!], 1)),
  ],
  Slice: [
    slice("a block", [4, 5], { starts: [1, 2], ends: [3, 5], axes: [0, 1] }),
    slice("from the end", [2, 6], { starts: [-4], ends: [-1], axes: [1] }),
    slice("ends beyond the end, starts before the start", [5, 3], { starts: [2, -9], ends: [99, 2], axes: [0, 1] }),
    slice("every second", [7, 2], { starts: [1], ends: [7], axes: [0], steps: [2] }),
    slice("backwards", [2, 5], { starts: [4], ends: [-6], axes: [1], steps: [-1] }),
    slice("every second, backwards, from beyond the end", [6, 2], { starts: [99], ends: [0], axes: [0], steps: [-2] }),
    slice("both axes with steps", [5, 7], { starts: [0, -1], ends: [5, 0], axes: [0, 1], steps: [3, -3] }),
  ],
  SliceAt: [sample("from the middle", [numbers(8), indices([1], 3)], (x, start) => o.sliceAt(x!, start!, 4))],
  Split: [
    sample("two parts", [numbers(2, 5)], (x) => o.split(x!, [2, 3], 1)),
    sample("with a part that nothing reads", [numbers(6, 2)], (x) => [0, 2].map((i) => o.split(x!, [1, 2, 3], 0)[i]!)),
  ],
  Pad: [
    sample("around a picture", [numbers(1, 2, 2, 3)], (x) => o.pad(x!, [0, 0, 1, 2, 0, 0, 0, 1])),
    sample("every axis", [numbers(2, 2)], (x) => o.pad(x!, [1, 0, 2, 3])),
    sample("with another number", [numbers(2, 2)], (x) => o.pad(x!, [0, 1, 0, 1], -3)),
  ],
  Gather: [
    sample("rows, one twice", [numbers(4, 3), indices([5], 0, 3, 3, 1, 0)], (x, i) => o.gather(x!, i!)),
    sample("columns", [numbers(2, 4), indices([3], 2, 0, 2)], (x, i) => o.gather(x!, i!, 1)),
    sample("the middle axis, by a matrix", [numbers(2, 3, 2), indices([2, 2], 2, 0, 1, 2)], (x, i) => o.gather(x!, i!, 1)),
    sample("one row", [numbers(4, 3), indices([], 2)], (x, i) => o.gather(x!, i!)),
    sample("from the end", [numbers(4, 2), indices([3], -1, 0, -1)], (x, i) => o.gather(x!, i!)),
  ],
  ScatterElements: [
    sample("rows, one twice", [numbers(3, 2), indices([4, 2], 0, 1, 2, 1, 0, 0, 2, 1), numbers(4, 2)], (x, i, u) => o.scatterAdd(x!, i!, u!, 0)),
    sample("columns", [numbers(2, 3), indices([2, 2], 2, 0, 1, 1), numbers(2, 2)], (x, i, u) => o.scatterAdd(x!, i!, u!, 1)),
  ],
  OneHot: [sample("classes", [indices([4], 2, 0, 1, 2)], (i) => o.oneHot(i!, 3))],
} satisfies Record<Exclude<o.Op, (typeof o.fixedOps)[number]>, readonly Sample[]>;

/** A sample with its numbers. */
export interface Case extends Omit<Sample, "inputs"> {
  readonly op: o.Op;
  readonly name: string;
  readonly inputs: readonly Tensor[];
}

export const cases: readonly Case[] = Object.entries<readonly Sample[]>(samples).flatMap(([op, list]) =>
  list.map((s) => ({
    ...s,
    op: op as o.Op,
    name: `${op}, ${s.title}`,
    inputs: s.inputs.map((data, i) => data(["samples", op, s.title, `input ${i}`])),
  })),
);

/** The same numbers in another dtype, if they are floats. */
export const inDType = (t: Tensor, dtype: "float32" | "float64"): Tensor =>
  t.dtype === "float64" ? { dtype, shape: t.shape, data: arrayOf[dtype].from(t.data as Float64Array) } : t;

/** Graph inputs for a case, and the outputs that are read. */
export function buildCase({ op, inputs, build }: Case, dtype: "float32" | "float64"): { inputs: Value[]; outputs: readonly Value[] } {
  const values = inputs.map((t, i) => input(`x${i}`, inDType(t, dtype).dtype, t.shape));
  const outputs = [build(...values)].flat();
  if (outputs[0]!.node.kind !== op) throw new Error(`the sample of ${op} makes a ${outputs[0]!.node.kind}`);
  return { inputs: values, outputs };
}

/** The random weights with which an output enters the loss. */
export const lossWeights = ({ op, title }: Case, output: Value, i: number): Tensor =>
  grid(output.shape as readonly number[])(["samples", op, title, `weights ${i}`]);

export const isFloat = (dtype: DType) => dtype === "float32" || dtype === "float64";

/** All cases as JSON, for `test/python/reference_ops.py`: each a list of nodes that read values of nodes before them. */
export function dump(): string {
  const plain = (t: Tensor) => ({ dtype: t.dtype, shape: t.shape, data: Array.from(t.data as Float64Array, Number) });
  return JSON.stringify(
    cases.map((c) => {
      const { inputs, outputs } = buildCase(c, "float64");
      const nodes: Node[] = [];
      const visit = (node: Node) => {
        for (const v of node.inputs) visit(v.node);
        if (!nodes.includes(node)) nodes.push(node);
      };
      for (const v of outputs) visit(v.node);
      const place = (v: Value) => [nodes.indexOf(v.node), v.index];
      return {
        name: c.name,
        inputs: c.inputs.map(plain),
        nodes: nodes.map((node) => ({
          op: node.kind,
          inputs: node.kind === "Input" ? [inputs.findIndex((v) => v.node === node)] : node.inputs.map(place),
          attributes: Object.fromEntries(Object.entries(node.attributes).map(([k, v]) => [k, typeof v === "object" && "data" in v ? plain(v) : v])),
        })),
        outputs: outputs.map((v, i) => ({ place: place(v), weights: isFloat(v.dtype) ? plain(lossWeights(c, v, i)).data : undefined })),
      };
    }),
  );
}
