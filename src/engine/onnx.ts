/** Writes a graph as ONNX: the only file that knows the protobuf classes. Format: https://onnx.ai/onnx/repo-docs/IR.html */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { type Attribute, type DType, type Graph, int64s, type LoopBody, type Node, type Tensor, type TensorType, type Value } from "./graph.ts";
import { type Domain, type Op, opRule, ops } from "./ops.ts";

/** Opset 20 (November 2023) is read by ONNX Runtime 1.17 and later. */
export const OPSET = 20;
const IR_VERSION = 9;
const domainVersions: Readonly<Record<Domain, number>> = { "ai.onnx.ml": 3, "com.microsoft": 1 };

const onnxType = {
  float32: OnnxType.FLOAT,
  float64: OnnxType.DOUBLE,
  int32: OnnxType.INT32,
  int64: OnnxType.INT64,
  uint8: OnnxType.UINT8,
  bool: OnnxType.BOOL,
  string: OnnxType.STRING,
} satisfies Record<DType, OnnxType>;

/** The bytes of a `.onnx` file. Node names are `layer/Op_number`. */
export function toOnnx(graph: Graph): Uint8Array {
  const names: Names = { values: new Map(), nodes: new Map() };
  for (const v of graph.inputs) names.values.set(v, v.node.attributes.name as string);
  const written = writeGraph(graph.name, graph.inputs, Object.values(graph.outputs), Object.keys(graph.outputs), () => true, names);
  const domains = new Set([...names.nodes.keys()].map(domainOf));
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    opsetImport: [
      { domain: "", version: BigInt(OPSET) },
      ...Object.entries(domainVersions).flatMap(([domain, version]) => (domains.has(domain as Domain) ? [{ domain, version: BigInt(version) }] : [])),
    ],
    producerName: "trainyard",
    graph: written,
    metadataProps: Object.entries(graph.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

/** The metadata_props of a `.onnx` file. */
export const readMetadata = (bytes: Uint8Array): Record<string, string> =>
  Object.fromEntries(fromBinary(ModelProtoSchema, bytes).metadataProps.map(({ key, value }) => [key, value]));

const domainOf = ({ kind }: Node): Domain | undefined => (kind in ops ? opRule(kind as Op).domain : undefined);

interface Names {
  /** Names of the values written so far, in this graph and those around it. */
  readonly values: Map<Value, string>;
  /** Nodes are numbered as they are written, so that equal graphs give equal bytes. */
  readonly nodes: Map<Node, number>;
}
function numberOf(node: Node, { nodes }: Names): number {
  if (!nodes.has(node)) nodes.set(node, nodes.size);
  return nodes.get(node)!;
}

/** Constants of one graph: equal small ones are written once, each in the graph that reads it, where ONNX Runtime may optimise on it. */
interface Constants {
  readonly prefix: string;
  readonly written: Map<string, TensorProto>;
}

/** @param owns whether a node is written in this graph; the others belong to a graph around it */
function writeGraph(
  name: string,
  inputs: readonly Value[],
  results: readonly Value[],
  resultNames: readonly string[],
  owns: (node: Node) => boolean,
  names: Names,
): GraphProto {
  const constants: Constants = { prefix: name, written: new Map() };
  const nameOf = (v: Value): string =>
    v.node.kind === "Constant" ? writeConstant(v.node.attributes.value as Tensor, `${numberOf(v.node, names)}`, constants) : names.values.get(v)!;
  const wanted = new Map<Value, string>();
  for (const [i, v] of results.entries()) {
    if (owns(v.node) && v.node.kind !== "Input" && v.node.kind !== "Constant" && !wanted.has(v)) wanted.set(v, resultNames[i]!);
  }
  const nodes: NodeProto[] = [];
  const foreign: Value[] = [];
  for (const node of reachable(results, owns)) {
    if (node.kind === "Input" || node.kind === "Constant") continue;
    const nodeName = `${node.scope || name}/${node.kind}_${numberOf(node, names)}`;
    for (const v of node.outputs) names.values.set(v, wanted.get(v) ?? (v.index ? `${nodeName}:${v.index}` : nodeName));
    if (domainOf(node) === "com.microsoft") foreign.push(...node.outputs);
    const read = node.inputs.map(nameOf);
    nodes.push(node.kind === "Loop" ? writeLoop(node, nodeName, read, names) : writeNode(node, nodeName, read, names, constants));
  }
  // A result that is an input, a constant, from outside, or named already gets a name of its own.
  for (const [i, v] of results.entries()) {
    const from = nameOf(v);
    if (from === resultNames[i]) continue;
    nodes.push(create(NodeProtoSchema, { opType: "Identity", name: `${name}/${resultNames[i]}`, input: [from], output: [resultNames[i]!] }));
  }
  return create(GraphProtoSchema, {
    name,
    node: nodes,
    initializer: [...constants.written.values()],
    input: inputs.map((v) => valueInfo(names.values.get(v)!, v)),
    // ONNX's shape inference knows no other operators, and crashes where it does not know what LabelEncoder reads.
    valueInfo: foreign.map((v) => valueInfo(names.values.get(v)!, v)),
    output: results.map((v, i) => valueInfo(resultNames[i]!, v)),
  });
}

function writeNode(node: Node, name: string, read: readonly string[], names: Names, constants: Constants): NodeProto {
  const { operands = [], hidden = [], onnx, domain } = opRule(node.kind as Op);
  const operandNames = operands.map((key) => {
    const attribute = node.attributes[key];
    const tensor = Array.isArray(attribute) ? (int64s(attribute).node.attributes.value as Tensor) : (attribute as Tensor);
    return writeConstant(tensor, `${numberOf(node, names)}_${key}`, constants);
  });
  return create(NodeProtoSchema, {
    opType: onnx ?? node.kind,
    ...(domain && { domain }),
    name,
    input: [...read, ...operandNames],
    output: node.outputs.map((v) => names.values.get(v)!),
    attribute: Object.entries(node.attributes).flatMap(([key, value]) =>
      value === undefined || operands.includes(key) || hidden.includes(key) ? [] : [writeAttribute(key, value)],
    ),
  });
}

/** ONNX Loop: inputs (trip count, condition, carried...), body (iteration, condition, carried...) -> (condition, carried..., stacked...). */
function writeLoop(node: Node, name: string, [trips, ...carried]: readonly string[], names: Names): NodeProto {
  const body = node.loop!;
  for (const v of body.inputs) names.values.set(v, `${name}/${v.node.attributes.name}`);
  const resultNames = body.results.map((_, i) => `${name}/result_${i}`);
  const graph = writeGraph(`${name}/body`, body.inputs, body.results, resultNames, dependsOn(body), names);
  const condition = `${name}/condition`;
  graph.input.splice(1, 0, valueInfo(condition, { dtype: "bool", shape: [] }));
  graph.output.unshift(valueInfo(`${condition}_out`, { dtype: "bool", shape: [] }));
  graph.node.push(create(NodeProtoSchema, { opType: "Identity", name: `${condition}_out`, input: [condition], output: [`${condition}_out`] }));
  return create(NodeProtoSchema, {
    opType: "Loop",
    name,
    input: [trips!, "", ...carried],
    output: node.outputs.map((v) => names.values.get(v)!),
    attribute: [create(AttributeProtoSchema, { name: "body", type: AttributeType.GRAPH, g: graph })],
  });
}

/** Whether a node of a loop's body depends on the body's inputs. Only such nodes are written in the body: all else is computed once, before it. */
function dependsOn(body: LoopBody): (node: Node) => boolean {
  const memo = new Map<Node, boolean>(body.inputs.map((v) => [v.node, true]));
  const depends = (node: Node): boolean => {
    const seen = memo.get(node);
    if (seen !== undefined) return seen;
    const answer = [...node.inputs, ...(node.loop?.results ?? [])].map((v) => depends(v.node)).some(Boolean);
    memo.set(node, answer);
    return answer;
  };
  for (const v of body.results) depends(v.node);
  return (node) => memo.get(node) === true;
}

/** The owned nodes that results need, in order of creation, which is a topological order. */
function reachable(results: readonly Value[], owns: (node: Node) => boolean): Node[] {
  const seen = new Set<Node>();
  const stack = results.map((v) => v.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const v of [...node.inputs, ...(node.loop?.results ?? [])]) stack.push(v.node);
  }
  const inBodies = new Set<Node>();
  for (const node of seen) {
    if (!node.loop || !owns(node)) continue;
    const inside = dependsOn(node.loop);
    for (const other of seen) if (inside(other)) inBodies.add(other);
  }
  return [...seen].filter((node) => owns(node) && !inBodies.has(node)).sort((a, b) => a.id - b.id);
}

function writeConstant({ dtype, shape, data }: Tensor, name: string, { prefix, written }: Constants): string {
  const key = `${prefix}:${data.length <= 8 ? `${dtype}[${shape}](${data})` : `constant_${name}`}`;
  if (!written.has(key)) {
    const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    written.set(key, create(TensorProtoSchema, { name: key, dataType: onnxType[dtype], dims: shape.map(BigInt), rawData }));
  }
  return key;
}

function writeAttribute(name: string, value: Attribute): AttributeProto {
  if (name === "to") return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(onnxType[value as DType]) });
  if (typeof value === "string") return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number") {
    // The float attributes of this vocabulary; every other number is an integer.
    return name === "alpha" || name === "beta"
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value })
      : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (value instanceof Float32Array) return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: Array.from(value) });
  if (value instanceof Int32Array) return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: Array.from(value, BigInt) });
  const list = value as readonly number[] | readonly string[];
  return typeof list[0] === "string"
    ? create(AttributeProtoSchema, { name, type: AttributeType.STRINGS, strings: encodeEach(list as readonly string[]) })
    : create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: list.map(BigInt) });
}

/** Equal texts share their bytes: a forest names the mode of each of its nodes. */
function encodeEach(texts: readonly string[]): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder();
  const known = new Map<string, Uint8Array<ArrayBuffer>>();
  return texts.map((text) => {
    const bytes = known.get(text) ?? encoder.encode(text);
    known.set(text, bytes);
    return bytes;
  });
}

const valueInfo = (name: string, { dtype, shape }: TensorType): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: onnxType[dtype],
          shape: {
            dim: shape.map((d) => ({
              value: typeof d === "number" ? { case: "dimValue" as const, value: BigInt(d) } : { case: "dimParam" as const, value: d },
            })),
          },
        },
      },
    },
  });
