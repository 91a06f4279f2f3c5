/** Values and nodes: an immutable graph of typed tensors that grows as op functions are called. `onnx.ts` writes it down. */
import { fail, showShape } from "../shared/errors.ts";
import type { Op } from "./ops.ts";

/** Element types, in ONNX's names but for float32 and float64, which ONNX calls float and double. */
export type NumericDType = "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";
/** Strings only come in: what is computed of them is numbers. */
export type DType = NumericDType | "string";

/** A length, or the name of a length that is only known when the graph runs ("batch"). */
export type Dim = number | string;
/** Lengths of the axes, outermost first; [] is a single number. */
export type Shape = readonly Dim[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A tensor in memory. int64 is held as BigInt64Array, bool as one byte each. */
export interface Tensor extends TensorType {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}
/** Strings in memory, row-major. */
export interface TextTensor extends TensorType {
  readonly dtype: "string";
  readonly shape: readonly number[];
  readonly data: readonly string[];
}
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** The typed array of each dtype. */
export const arrayOf = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} satisfies Record<NumericDType, unknown>;

/** ONNX attributes: integers, numbers, text, lists of integers or texts, long lists as typed arrays (floats or integers), and tensors for constants. */
export type Attribute = number | string | readonly number[] | readonly string[] | Float32Array | Int32Array | Tensor;
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** What computes a value: an op, or one of the three ways in. */
export type NodeKind = Op | "Input" | "Constant" | "Loop";

export interface Node {
  /** Creation order; inputs always have smaller ids. */
  readonly id: number;
  readonly kind: NodeKind;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** The layer it belongs to: the first part of its ONNX name, so that a runtime error names the layer. */
  readonly scope: string;
  readonly loop?: LoopBody;
}

/** A tensor that will be there when the graph runs: made by op functions, `input` and `constant`, never changed. */
export interface Value extends TensorType {
  readonly node: Node;
  /** Which output of the node. */
  readonly index: number;
}

/** The body of a Loop: its own inputs (iteration, then carried values) and results. Everything else it reads is captured from outside. */
export interface LoopBody {
  readonly inputs: readonly Value[];
  readonly results: readonly Value[];
}

/** A graph ready to be written: inputs in order, outputs by name. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
  /** ONNX metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
}

let nextId = 0;
let scope = "";

/** Runs `build`, giving every node made in it the scope of a layer. */
export function inScope<T>(name: string, build: () => T): T {
  const outer = scope;
  scope = name;
  try {
    return build();
  } finally {
    scope = outer;
  }
}

/** Makes a node with the given output types. Op functions call this; other code calls op functions. */
export function makeNode(
  kind: NodeKind,
  inputs: readonly Value[],
  attributes: Attributes,
  types: readonly TensorType[],
  loop?: LoopBody,
): readonly Value[] {
  const outputs: Value[] = [];
  const node: Node = { id: nextId++, kind, inputs, attributes, outputs, scope, ...(loop && { loop }) };
  for (const [index, { dtype, shape }] of types.entries()) outputs.push(Object.freeze({ node, index, dtype, shape }));
  Object.freeze(outputs);
  return Object.freeze(node).outputs;
}

/**
 * A graph input, fed by its name.
 * @example const x = input("x", "float32", ["batch", 4]);
 */
export const input = (name: string, dtype: DType, shape: Shape): Value => only(makeNode("Input", [], { name }, [{ dtype, shape }]));

/** A tensor written into the graph. */
export const constant = (tensor: Tensor): Value => only(makeNode("Constant", [], { value: tensor }, [tensor]));

/** A constant number; its shape is [], or `shape` filled with it. */
export function scalar(value: number, dtype: DType = "float32", shape: readonly number[] = []): Value {
  if (dtype === "string") throw fail("INTERNAL", { detail: `the number ${value} beside strings` });
  const data = new arrayOf[dtype](sizeOf(shape));
  if (data instanceof BigInt64Array) data.fill(BigInt(value));
  else data.fill(value);
  return constant({ dtype, shape, data });
}

/** An int64 constant of shape [n]: what ONNX takes for shapes, axes and offsets. */
export const int64s = (values: readonly number[]): Value =>
  constant({ dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });

/** A value for each entry of a list; where the list's length is known, so is this one's. */
export type ValueOfEach<T extends readonly unknown[]> = { readonly [K in keyof T]: Value };

/**
 * `steps` iterations of `build` in one call of the runtime. The body may read any value made outside it;
 * what does not depend on the iteration is computed once, before the loop.
 * @param steps int64 []; `stepsName` is what the length of the stacks is called
 * @param initial carried values before the first iteration
 * @param build (iteration: int64 [], carried) -> the carried values after it, and values to stack over iterations
 * @returns carried values after the last iteration, and stacks of shape [steps, ...]
 * @example const { carried: [power] } = loop(scalar(10, "int64"), "steps", [x], (_, [y]) => ({ carried: [mul(x, y)], stacked: [] }));
 */
export function loop<const C extends readonly Value[], const S extends readonly Value[]>(
  steps: Value,
  stepsName: string,
  initial: C,
  build: (iteration: Value, carried: ValueOfEach<C>) => { carried: readonly Value[]; stacked: S },
): { carried: ValueOfEach<C>; stacked: ValueOfEach<S> } {
  const iteration = input("iteration", "int64", []);
  const inputs = initial.map((v, i) => input(`carried_${i}`, v.dtype, v.shape));
  const { carried, stacked } = build(iteration, inputs as never);
  const types = [...carried, ...stacked.map((v) => ({ dtype: v.dtype, shape: [stepsName, ...v.shape] }))];
  const outputs = makeNode("Loop", [steps, ...initial], {}, types, { inputs: [iteration, ...inputs], results: [...carried, ...stacked] });
  return { carried: outputs.slice(0, carried.length) as never, stacked: outputs.slice(carried.length) as never };
}

/** The single output of a node. */
export function only(values: readonly Value[]): Value {
  const [value] = values;
  if (!value || values.length > 1) throw fail("INTERNAL", { detail: `expected a node of one output, got ${values.length}` });
  return value;
}

/** Number of elements of a static shape. */
export const sizeOf = (shape: Shape): number => known(shape).reduce((a, b) => a * b, 1);

/** The shape as numbers; a symbolic length here is our own mistake. */
export function known(shape: Shape): readonly number[] {
  if (shape.some((d) => typeof d === "string")) throw fail("INTERNAL", { detail: `shape ${showShape(shape)} must be static here` });
  return shape as readonly number[];
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
