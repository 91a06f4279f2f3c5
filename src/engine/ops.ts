/**
 * The ONNX vocabulary spoken here: for each op its shape rule, then the functions that build graphs.
 * Names, attributes and meaning are those of https://onnx.ai/onnx/operators at opset 20.
 * Attributes are settled when the graph is built, so every shape is known; only leading lengths may be symbolic.
 */
import { fail, showShape } from "../shared/errors.ts";
import {
  type Attributes,
  arrayOf,
  type Dim,
  type DType,
  known,
  makeNode,
  only,
  type Shape,
  sameShape,
  scalar,
  sizeOf,
  type Tensor,
  type TensorType,
  type Value,
} from "./graph.ts";

/** ONNX-ML, and the operators that every build of ONNX Runtime adds: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
export type Domain = "ai.onnx.ml" | "com.microsoft";

type Attrs = Record<string, never> | Attributes;
interface OpRule {
  /** dtypes and shapes of the outputs. */
  readonly infer: (inputs: readonly [Value, Value, Value, ...Value[]], attributes: never, op: string) => readonly TensorType[];
  /** Attributes that ONNX takes as trailing constant inputs, in order. */
  readonly operands?: readonly string[];
  /** The operator set it belongs to, where that is not ONNX's own. */
  readonly domain?: Domain;
  /** The ONNX op it is written as, where our name differs; `hidden` attributes are ours alone. */
  readonly onnx?: string;
  readonly hidden?: readonly string[];
}

interface Window {
  readonly kernel_shape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}
interface ConvAttributes {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}
interface Axes {
  readonly axes: readonly number[];
  readonly keepdims: number;
}

const same: OpRule = { infer: ([x]) => [x] };
const broadcast: OpRule = { infer: ([a, b], _, op) => [{ dtype: sameDType(op, a, b), shape: broadcastShapes(op, a.shape, b.shape) }] };
const compare: OpRule = { infer: (inputs, _, op) => [{ ...broadcast.infer(inputs, _, op)[0]!, dtype: "bool" }] };
const reduce: OpRule = {
  operands: ["axes"],
  infer: ([x], { axes, keepdims }: Axes) => {
    const shape: Dim[] = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    return [{ dtype: x.dtype, shape: keepdims ? shape : shape.filter((_, i) => !axes.includes(i)) }];
  },
};
const pooled = (x: Value, w: Window): Shape => [...x.shape.slice(0, 2), ...spatial(x).map((size, i) => windows(size, w.kernel_shape[i]!, w, i, 1))];

export const ops = {
  // elementwise, one input
  Neg: same,
  Abs: same,
  Sign: same,
  Sqrt: same,
  Exp: same,
  Log: same,
  Erf: same,
  Floor: same,
  Relu: same,
  LeakyRelu: same,
  Elu: same,
  Sigmoid: same,
  Tanh: same,
  Softplus: same,
  Gelu: same,
  HardSwish: same,
  Softmax: same,
  LogSoftmax: same,
  Clip: { operands: ["min", "max"], infer: ([x]) => [x] },
  Cast: { infer: ([x], { to }: { to: DType }) => [{ dtype: to, shape: x.shape }] },
  Not: same,
  IsNaN: { infer: ([x]) => [{ dtype: "bool", shape: x.shape }] },

  // elementwise, two inputs with broadcasting
  Add: broadcast,
  Sub: broadcast,
  Mul: broadcast,
  Div: broadcast,
  Pow: broadcast,
  Max: broadcast,
  Min: broadcast,
  Equal: compare,
  Less: compare,
  LessOrEqual: compare,
  Greater: compare,
  GreaterOrEqual: compare,
  Where: {
    infer: ([c, a, b], _, op) => [{ dtype: sameDType(op, a, b), shape: broadcastShapes(op, c.shape, broadcastShapes(op, a.shape, b.shape)) }],
  },

  // linear algebra
  MatMul: {
    infer: ([a, b], _, op) => {
      const [k, k2] = [a.shape.at(-1), b.shape.at(-2)];
      if (a.shape.length < 2 || b.shape.length < 2 || k !== k2) throw mismatch(op, "the last length of a must equal the last but one of b", a, b);
      const batch = broadcastShapes(op, a.shape.slice(0, -2), b.shape.slice(0, -2));
      return [{ dtype: sameDType(op, a, b), shape: [...batch, a.shape.at(-2)!, b.shape.at(-1)!] }];
    },
  },
  Gemm: {
    infer: ([a, b, c], { transA, transB }: { transA: number; transB: number }, op) => {
      const [m, k] = transA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
      const [k2, n] = transB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
      if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2) throw mismatch(op, "wants two matrices whose inner lengths agree", a, b);
      if (c && !sameShape(broadcastShapes(op, [m, n], c.shape), [m, n])) throw mismatch(op, `c must broadcast to ${showShape([m, n])}`, c);
      return [{ dtype: sameDType(op, a, b), shape: [m, n] }];
    },
  },
  Conv: {
    infer: ([x, w], a: ConvAttributes, op) => {
      const [filters, channels, ...kernel] = known(w.shape);
      if (x.shape.length !== 4 || w.shape.length !== 4)
        throw mismatch(op, "wants [batch, channels, height, width] and [filters, channels / group, kh, kw]", x, w);
      if (x.shape[1] !== channels! * a.group || filters! % a.group) throw mismatch(op, `channels do not fit ${a.group} group(s)`, x, w);
      return [
        {
          dtype: sameDType(op, x, w),
          shape: [x.shape[0]!, filters!, ...spatial(x).map((size, i) => windows(size, kernel[i]!, a, i, a.dilations[i]!))],
        },
      ];
    },
  },
  ConvTranspose: {
    infer: ([x, w], a: ConvAttributes & { output_padding: readonly number[] }, op) => {
      const [channels, perGroup, ...kernel] = known(w.shape);
      if (x.shape.length !== 4 || w.shape.length !== 4 || x.shape[1] !== channels)
        throw mismatch(op, "wants [batch, channels, height, width] and [channels, filters / group, kh, kw]", x, w);
      const size = (n: number, i: number) =>
        (n - 1) * a.strides[i]! + a.output_padding[i]! + (kernel[i]! - 1) * a.dilations[i]! + 1 - a.pads[i]! - a.pads[i + 2]!;
      return [{ dtype: sameDType(op, x, w), shape: [x.shape[0]!, perGroup! * a.group, ...spatial(x).map(size)] }];
    },
  },

  // windows
  MaxPool: { infer: ([x], w: Window) => [{ dtype: x.dtype, shape: pooled(x, w) }] },
  MaxUnpool: {
    operands: ["output_shape"],
    infer: ([x], { output_shape }: { output_shape: readonly number[] }) => [{ dtype: x.dtype, shape: output_shape }],
  },
  AveragePool: { infer: ([x], w: Window) => [{ dtype: x.dtype, shape: pooled(x, w) }] },
  GlobalAveragePool: { infer: ([x]) => [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), 1, 1] }] },

  // reductions
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceSumSquare: reduce,
  ReduceMax: reduce,
  ArgMax: {
    infer: ([x], { axis, keepdims }: { axis: number; keepdims: number }) => [
      { dtype: "int64", shape: keepdims ? x.shape.map((d, i) => (i === axis ? 1 : d)) : x.shape.filter((_, i) => i !== axis) },
    ],
  },

  // shape and selection
  Reshape: {
    operands: ["shape"],
    hidden: ["to"],
    infer: ([x], { to }: { to: Shape }) => {
      const product = (shape: Shape) => shape.reduce<number>((n, d) => (typeof d === "string" ? n : n * d), 1);
      const free = (shape: Shape) => shape.filter((d) => typeof d === "string").join();
      if (product(x.shape) !== product(to) || free(x.shape) !== free(to)) throw mismatch("Reshape", `cannot become ${showShape(to)}`, x);
      return [{ dtype: x.dtype, shape: to }];
    },
  },
  Transpose: { infer: ([x], { perm }: { perm: readonly number[] }) => [{ dtype: x.dtype, shape: perm.map((i) => x.shape[i]!) }] },
  Flatten: { infer: ([x]) => [{ dtype: x.dtype, shape: [x.shape[0]!, sizeOf(x.shape.slice(1))] }] },
  Expand: {
    operands: ["shape"],
    infer: ([x], { shape }: { shape: readonly number[] }, op) => [{ dtype: x.dtype, shape: broadcastShapes(op, x.shape, shape) }],
  },
  Concat: {
    infer: (inputs, { axis }: { axis: number }) => {
      const [first] = inputs;
      const rest = (v: Value) => v.shape.map((d, i) => (i === axis ? 0 : d)).join();
      if (inputs.some((v) => rest(v) !== rest(first))) throw mismatch("Concat", `only axis ${axis} may differ`, ...inputs);
      const total = inputs.reduce((n, v) => n + known([v.shape[axis]!])[0]!, 0);
      return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) }];
    },
  },
  Slice: {
    operands: ["starts", "ends", "axes", "steps"],
    infer: ([x], { starts, ends, axes, steps }: Record<"starts" | "ends" | "axes" | "steps", readonly number[]>) => {
      const shape = [...x.shape];
      for (const [i, axis] of axes.entries()) {
        const length = known([x.shape[axis]!])[0]!;
        const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v < 0 ? v + length : v, low), high);
        const step = steps[i]!;
        const [from, to] =
          step > 0 ? [clamp(starts[i]!, 0, length), clamp(ends[i]!, 0, length)] : [clamp(starts[i]!, 0, length - 1), clamp(ends[i]!, -1, length - 1)];
        shape[axis] = Math.max(0, Math.ceil((to - from) / step));
      }
      return [{ dtype: x.dtype, shape }];
    },
  },
  /** `length` elements of a vector from a position that only the run knows: x [n], start int32 [1], end int32 [1]. */
  SliceAt: { onnx: "Slice", hidden: ["length"], infer: ([x], { length }: { length: number }) => [{ dtype: x.dtype, shape: [length] }] },
  Split: {
    operands: ["split"],
    infer: ([x], { split, axis }: { split: readonly number[]; axis: number }) => {
      if (split.reduce((a, b) => a + b, 0) !== x.shape[axis]) throw mismatch("Split", `parts ${showShape(split)} do not add up to axis ${axis}`, x);
      return split.map((part) => ({ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? part : d)) }));
    },
  },
  Pad: {
    operands: ["pads", "value"],
    infer: ([x], { pads }: { pads: readonly number[] }) => [
      {
        dtype: x.dtype,
        shape: x.shape.map((d, i) => (pads[i] || pads[i + x.shape.length] ? known([d])[0]! + pads[i]! + pads[i + x.shape.length]! : d)),
      },
    ],
  },
  Gather: {
    infer: ([x, indices], { axis }: { axis: number }) => [
      { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
    ],
  },
  ScatterElements: { infer: ([x]) => [x] },
  OneHot: {
    operands: ["depth", "values"],
    infer: ([indices], { depth, values }: { depth: { data: { [i: number]: number | bigint } }; values: TensorType }) => [
      { dtype: values.dtype, shape: [...indices.shape, Number(depth.data[0])] },
    ],
  },

  // neighbours and trees
  TopK: {
    operands: ["k"],
    infer: ([x], { k, axis }: { k: readonly number[]; axis: number }) => {
      const shape = x.shape.map((d, i) => (i === axis ? k[0]! : d));
      return [
        { dtype: x.dtype, shape },
        { dtype: "int64", shape },
      ];
    },
  },
  TreeEnsembleRegressor: {
    domain: "ai.onnx.ml",
    infer: ([x], { n_targets }: { n_targets: number }) => [{ dtype: "float32", shape: [x.shape[0]!, n_targets] }],
  },

  // strings
  LabelEncoder: {
    domain: "ai.onnx.ml",
    infer: ([x], { values_strings }: { values_strings?: readonly string[] }) => [{ dtype: values_strings ? "string" : "int64", shape: x.shape }],
  },
  MurmurHash3: { domain: "com.microsoft", infer: ([x]) => [{ dtype: "int32", shape: x.shape }] },
  StringNormalizer: same,
  Tokenizer: { domain: "com.microsoft", infer: ([x]) => [{ dtype: "string", shape: [...x.shape, "words"] }] },
  TfIdfVectorizer: {
    infer: ([x], { pool_strings }: { pool_strings: readonly string[] }) => [
      { dtype: "float32", shape: [...x.shape.slice(0, -1), pool_strings.length] },
    ],
  },
} satisfies Record<string, OpRule>;

/** Ops of preprocessing and of fitted models: they stand on no path from a loss to a weight. */
export const fixedOps = [
  "TopK",
  "TreeEnsembleRegressor",
  "LabelEncoder",
  "MurmurHash3",
  "StringNormalizer",
  "Tokenizer",
  "TfIdfVectorizer",
] as const satisfies readonly Op[];

export type Op = keyof typeof ops;
/** The table with its rules widened to their common shape. */
export const opRule = (op: Op): OpRule => ops[op];

// --- building blocks of the rules ---

/** NumPy broadcasting: lengths are equal, or one of them is 1 or absent. */
function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1)
      throw fail("OP_SHAPE", { op, problem: `lengths ${x} and ${y} do not fit`, shapes: `${showShape(a)}, ${showShape(b)}` });
    return x === 1 ? y : x;
  });
}

const spatial = (x: Value): readonly number[] => known(x.shape.slice(2));

/** How many positions a window takes along one spatial axis. */
const windows = (size: number, kernel: number, w: { strides: readonly number[]; pads: readonly number[] }, i: number, dilation: number): number =>
  Math.floor((size + w.pads[i]! + w.pads[i + 2]! - (kernel - 1) * dilation - 1) / w.strides[i]!) + 1;

const mismatch = (op: string, problem: string, ...inputs: readonly Value[]) =>
  fail("OP_SHAPE", {
    op,
    problem,
    shapes: inputs
      .filter(Boolean)
      .map((v) => `${v.dtype}${showShape(v.shape)}`)
      .join(", "),
  });

function sameDType(op: string, a: Value, b: Value): DType {
  if (a.dtype !== b.dtype) throw mismatch(op, `dtypes ${a.dtype} and ${b.dtype} differ`, a, b);
  return a.dtype;
}

// --- functions that build graphs ---

/** Where a value is wanted a number serves: it becomes a constant of the other operand's dtype. */
export type Operand = Value | number;

function apply(op: Op, inputs: readonly Value[], attributes: Attributes = {}): readonly Value[] {
  const infer = ops[op].infer as (inputs: readonly Value[], attributes: Attrs, op: Op) => readonly TensorType[];
  return makeNode(op, inputs, attributes, infer(inputs, attributes, op));
}
const unary = (op: Op, attributes?: Attributes) => (x: Value) => only(apply(op, [x], attributes));
const binary = (op: Op) => (a: Operand, b: Operand) => {
  const dtype = typeof a === "object" ? a.dtype : typeof b === "object" ? b.dtype : "float32";
  const lift = (v: Operand) => (typeof v === "number" ? scalar(v, dtype) : v);
  return only(apply(op, [lift(a), lift(b)]));
};

export const neg = unary("Neg");
export const abs = unary("Abs");
export const sign = unary("Sign");
export const sqrt = unary("Sqrt");
export const exp = unary("Exp");
export const log = unary("Log");
export const erf = unary("Erf");
export const floor = unary("Floor");
export const relu = unary("Relu");
export const leakyRelu = (x: Value, alpha: number) => only(apply("LeakyRelu", [x], { alpha }));
export const elu = (x: Value, alpha: number) => only(apply("Elu", [x], { alpha }));
export const sigmoid = unary("Sigmoid");
export const tanh = unary("Tanh");
export const softplus = unary("Softplus");
export const gelu = unary("Gelu");
export const hardSwish = unary("HardSwish");
export const not = unary("Not");
export const isNan = unary("IsNaN");
/** Over the last axis. */
export const softmax = unary("Softmax", { axis: -1 });
/** Over the last axis. */
export const logSoftmax = unary("LogSoftmax", { axis: -1 });
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : only(apply("Cast", [x], { to })));
export function clip(x: Value, min: number, max: number): Value {
  return only(apply("Clip", [x], { min: tensorOf(scalar(min, x.dtype)), max: tensorOf(scalar(max, x.dtype)) }));
}

export const add = binary("Add");
export const sub = binary("Sub");
export const mul = binary("Mul");
export const div = binary("Div");
export const pow = binary("Pow");
export const max = binary("Max");
export const min = binary("Min");
export const equal = binary("Equal");
export const less = binary("Less");
export const lessOrEqual = binary("LessOrEqual");
export const greater = binary("Greater");
export const greaterOrEqual = binary("GreaterOrEqual");
export const square = (x: Value) => mul(x, x);

/** condition ? a : b, elementwise with broadcasting. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const dtype = typeof a === "object" ? a.dtype : typeof b === "object" ? b.dtype : "float32";
  const lift = (v: Operand) => (typeof v === "number" ? scalar(v, dtype) : v);
  return only(apply("Where", [condition, lift(a), lift(b)]));
}

/** Batched matrix product over the last two axes; tA, tB transpose them first (ONNX Runtime fuses that in). */
export function matmul(a: Value, b: Value, { tA = false, tB = false } = {}): Value {
  return only(apply("MatMul", [tA ? swapLast(a) : a, tB ? swapLast(b) : b]));
}
const swapLast = (x: Value): Value => {
  const axes = x.shape.map((_, i) => i);
  return transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** a · b + c of matrices; c is optional and broadcast. */
export const gemm = (a: Value, b: Value, c?: Value, { tA = false, tB = false } = {}): Value =>
  only(apply("Gemm", c ? [a, b, c] : [a, b], { transA: Number(tA), transB: Number(tB) }));

export interface ConvOptions {
  readonly strides?: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly [number, number];
  readonly group?: number;
}
const convDefaults = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 } as const;

/** x [batch, channels, height, width], w [filters, channels / group, kh, kw], bias [filters]. */
export const conv = (x: Value, w: Value, bias?: Value, options: ConvOptions = {}): Value =>
  only(apply("Conv", bias ? [x, w, bias] : [x, w], { ...convDefaults, ...options }));

/** The transpose of `conv` as a linear map. x [batch, channels, h, w], w [channels, filters / group, kh, kw]. */
export const convTranspose = (x: Value, w: Value, options: ConvOptions & { readonly outputPadding?: readonly [number, number] } = {}): Value => {
  const { outputPadding = [0, 0], ...rest } = options;
  return only(apply("ConvTranspose", [x, w], { ...convDefaults, ...rest, output_padding: outputPadding }));
};

export interface PoolOptions {
  readonly kernel: readonly [number, number];
  readonly strides?: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads?: readonly number[];
}
const pool = ({ kernel, strides = kernel, pads = [0, 0, 0, 0] }: PoolOptions) => ({ kernel_shape: kernel, strides, pads });

/** Largest value in each window. */
export const maxPool = (x: Value, options: PoolOptions): Value => only(apply("MaxPool", [x], pool(options)));
/** Puts each value at its flat position in an output of a shape, zeros elsewhere. Windows must not overlap. */
export const maxUnpool = (x: Value, indices: Value, window: Attributes, shape: readonly number[]): Value =>
  only(apply("MaxUnpool", [x, indices], { ...window, output_shape: shape }));
/** Mean of each window; padding counts as zeros. */
export const averagePool = (x: Value, options: PoolOptions): Value => only(apply("AveragePool", [x], { ...pool(options), count_include_pad: 1 }));
export const globalAveragePool = unary("GlobalAveragePool");

interface ReduceOptions {
  readonly keep?: boolean;
}
const reducer =
  (op: Op) =>
  (x: Value, axes: readonly number[], { keep = false }: ReduceOptions = {}) =>
    axes.length ? only(apply(op, [x], { axes: axes.map((a) => (a < 0 ? a + x.shape.length : a)), keepdims: Number(keep) })) : x;
export const reduceSum = reducer("ReduceSum");
export const reduceMean = reducer("ReduceMean");
const sumSquares = reducer("ReduceSumSquare");
/** Sum of squares, in one pass. */
export const reduceSumSquare = (x: Value, axes: readonly number[], options?: ReduceOptions): Value =>
  axes.length ? sumSquares(x, axes, options) : square(x);
export const reduceMax = reducer("ReduceMax");
/** Every axis of a value. */
export const allAxes = (x: Value): readonly number[] => x.shape.map((_, i) => i);
/** Index of the largest value along an axis, the first of equals: int64, without the axis. */
export const argMax = (x: Value, axis = x.shape.length - 1): Value => only(apply("ArgMax", [x], { axis, keepdims: 0 }));

/** A symbolic length may stay, as -1 for ONNX to infer. */
export const reshape = (x: Value, to: Shape): Value =>
  only(apply("Reshape", [x], { to: to as never, shape: to.map((d) => (typeof d === "string" ? -1 : d)) }));
export const transpose = (x: Value, perm: readonly number[]): Value => only(apply("Transpose", [x], { perm }));
/** [batch, everything else]. */
export const flatten = unary("Flatten", { axis: 1 });
export const expand = (x: Value, shape: readonly number[]): Value => only(apply("Expand", [x], { shape }));
export const concat = (values: readonly Value[], axis: number): Value => only(apply("Concat", values, { axis }));
export const slice = (
  x: Value,
  {
    starts,
    ends,
    axes,
    steps = axes.map(() => 1),
  }: { starts: readonly number[]; ends: readonly number[]; axes: readonly number[]; steps?: readonly number[] },
): Value => only(apply("Slice", [x], { starts, ends, axes, steps }));
/** x[start .. start + length) of a vector; start is int32 [1]. */
export const sliceAt = (x: Value, start: Value, length: number): Value => only(apply("SliceAt", [x, start, add(start, length)], { length }));
export const split = (x: Value, parts: readonly number[], axis: number): readonly Value[] => apply("Split", [x], { split: parts, axis });
/** A border of one value around x: pads are all starts, then all ends. */
export const pad = (x: Value, pads: readonly number[], value = 0): Value =>
  pads.every((p) => p === 0) ? x : only(apply("Pad", [x], { pads, value: tensorOf(scalar(value, x.dtype)) }));
export const gather = (x: Value, indices: Value, axis = 0): Value => only(apply("Gather", [x, indices], { axis }));
/** A copy of x with `updates` added at `indices` along an axis. */
export const scatterAdd = (x: Value, indices: Value, updates: Value, axis: number): Value =>
  only(apply("ScatterElements", [x, indices, updates], { axis, reduction: "add" }));
/** A last axis of length `depth`, 1 at the index and 0 elsewhere. */
export const oneHot = (indices: Value, depth: number, dtype: "float32" | "float64" = "float32"): Value => {
  const values: Tensor = { dtype, shape: [2], data: arrayOf[dtype].of(0, 1) };
  return only(apply("OneHot", [cast(indices, "int64")], { axis: -1, depth: tensorOf(scalar(depth, "int64")), values }));
};

// --- fitted models ---

/** The k largest (or smallest) along the last axis, sorted, and their places there: [..., n] -> two of [..., k]. */
export const topK = (x: Value, k: number, { largest = true } = {}): readonly [values: Value, places: Value] =>
  apply("TopK", [x], { k: [k], axis: x.shape.length - 1, largest: Number(largest), sorted: 1 }) as unknown as readonly [Value, Value];

/**
 * Trees as flat lists, one entry per node, trees one after the other. Node ids count from 0 in each tree; the root is 0.
 * https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html
 */
export interface TreeEnsemble {
  readonly treeIds: Int32Array;
  readonly nodeIds: Int32Array;
  /** Of a split the column it reads; of a leaf 0. */
  readonly features: Int32Array;
  /** A row goes to `yes` where its value is at most this, else to `no`; of a leaf 0. */
  readonly thresholds: Float32Array;
  readonly yes: Int32Array;
  readonly no: Int32Array;
  readonly isLeaf: Uint8Array;
  /** Whether a missing value goes to `yes`. Without it, to `no`. */
  readonly missingYes?: Uint8Array;
  /** [leaves in node order, targets]: what each leaf gives; where it is `sparse`, for as many targets of each leaf as `counts` says, which `targets` names. */
  readonly values: Float32Array;
  readonly sparse?: { readonly counts: ArrayLike<number>; readonly targets: ArrayLike<number> };
  readonly targets: number;
  /** Added once, [targets]. */
  readonly base?: Float32Array;
}
/** The sum over trees of what the leaves give that a row comes to: x float32 [batch, features] -> float32 [batch, targets]. */
export function treeEnsemble(x: Value, trees: TreeEnsemble): Value {
  const { treeIds, nodeIds, isLeaf, targets, values, sparse, missingYes, base } = trees;
  const [leafTrees, leafNodes, leafTargets] = [new Int32Array(values.length), new Int32Array(values.length), new Int32Array(values.length)];
  let [at, leaf] = [0, 0];
  for (let node = 0; node < isLeaf.length; node++)
    if (isLeaf[node])
      for (let target = 0, count = sparse ? sparse.counts[leaf++]! : targets; target < count; target++, at++) {
        leafTrees[at] = treeIds[node]!;
        leafNodes[at] = nodeIds[node]!;
        leafTargets[at] = sparse ? sparse.targets[at]! : target;
      }
  return only(
    apply("TreeEnsembleRegressor", [x], {
      aggregate_function: "SUM",
      n_targets: targets,
      nodes_treeids: treeIds,
      nodes_nodeids: nodeIds,
      nodes_featureids: trees.features,
      nodes_values: trees.thresholds,
      nodes_modes: Array.from(isLeaf, (leaf) => (leaf ? "LEAF" : "BRANCH_LEQ")),
      nodes_truenodeids: trees.yes,
      nodes_falsenodeids: trees.no,
      ...(missingYes && { nodes_missing_value_tracks_true: Int32Array.from(missingYes) }),
      target_treeids: leafTrees,
      target_nodeids: leafNodes,
      target_ids: leafTargets,
      target_weights: values,
      ...(base && { base_values: base }),
    }),
  );
}

// --- strings ---

/** The number of each string in `keys`, int64; `otherwise` for any other. */
export const codesOf = (x: Value, keys: readonly string[], codes: readonly number[], otherwise: number): Value =>
  only(apply("LabelEncoder", [x], { keys_strings: keys, values_int64s: codes, default_int64: otherwise }));
/** The replacement of each string in `keys`; "" for any other. */
export const replaceStrings = (x: Value, keys: readonly string[], replacements: readonly string[]): Value =>
  only(apply("LabelEncoder", [x], { keys_strings: keys, values_strings: replacements, default_string: "" }));
/** MurmurHash3 of the UTF-8 bytes, 32 bits, seed 0: int32. */
export const murmurHash3 = unary("MurmurHash3", { positive: 0, seed: 0 });
/** A to Z in lower case, other letters as they are: locales, which the rest would need, differ from machine to machine. [n] */
export const lowerAscii = unary("StringNormalizer", { case_change_action: "LOWER", locale: "C" });
/** The matches of a pattern (RE2) in each string, in order, filled up with "": [n] -> [n, words]. */
export const matches = (x: Value, pattern: string): Value =>
  only(apply("Tokenizer", [x], { mark: 0, mincharnum: 1, pad_value: "", tokenexp: pattern }));
/** How often each of `words` stands in a row: [n, ...] -> float32 [n, words]. */
export const countWords = (x: Value, words: readonly string[]): Value =>
  only(
    apply("TfIdfVectorizer", [x], {
      mode: "TF",
      min_gram_length: 1,
      max_gram_length: 1,
      max_skip_count: 0,
      ngram_counts: [0],
      ngram_indexes: words.map((_, i) => i),
      pool_strings: words,
    }),
  );

/** The tensor of a constant. */
const tensorOf = (x: Value): Tensor => x.node.attributes.value as Tensor;
