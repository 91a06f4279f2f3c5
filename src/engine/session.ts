/** Runs ONNX graphs: the only file that knows `onnxruntime-node`. It is loaded when the first graph is opened: a server never opens one. */
import { createRequire } from "node:module";
import type * as ort from "onnxruntime-node";
import { fail, showShape, type TrainyardError } from "../shared/errors.ts";
import {
  arrayOf,
  type Dim,
  type DType,
  type Graph,
  input,
  type NumericDType,
  sizeOf,
  type Tensor,
  type TensorData,
  type TextTensor,
} from "./graph.ts";
import { toOnnx } from "./onnx.ts";
import { neg } from "./ops.ts";

/** Execution providers that can be asked for, in ONNX Runtime's names. */
export const devices = ["cpu", "cuda", "webgpu", "coreml", "dml"] as const;
export type Device = (typeof devices)[number];

export interface SessionOptions {
  readonly device?: Device;
  /** Threads inside one op. */
  readonly threads?: number;
  /** Write a trace of every op to a file that starts with this name. */
  readonly profile?: string;
}

let loaded: Promise<typeof ort> | undefined;

function runtime(): Promise<typeof ort> {
  loaded ??= import("onnxruntime-node").then((module) => {
    module.env.logLevel = "fatal"; // what goes wrong arrives as an exception; ONNX Runtime need not print it as well
    return module;
  });
  return loaded;
}

/** What a graph input wants: one length may be named, and then be anything. */
interface Wanted {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/**
 * A compiled graph. Close it when done: it holds native memory.
 * @example
 * const session = await Session.open({ name: "double", inputs: [x], outputs: { y: add(x, x) } });
 * const { y } = await session.run({ x: tensor([2], [1, 2]) });
 */
export class Session {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Wanted>;
  readonly #native: ort.InferenceSession;
  readonly #Tensor: typeof ort.Tensor;

  private constructor(name: string, native: ort.InferenceSession, Tensor: typeof ort.Tensor) {
    this.name = name;
    this.#native = native;
    this.#Tensor = Tensor;
    this.inputs = new Map(native.inputMetadata.flatMap((m) => (m.isTensor ? [[m.name, { dtype: m.type as DType, shape: m.shape }] as const] : [])));
  }

  /**
   * Compiles a graph, or the bytes of a `.onnx` file.
   * @throws DEVICE_UNAVAILABLE, RUNTIME
   */
  static async open(graph: Graph | Uint8Array, { device = "cpu", threads = 1, profile }: SessionOptions = {}): Promise<Session> {
    await checkDevice(device);
    const [name, bytes] = graph instanceof Uint8Array ? ["model", graph] : [graph.name, toOnnx(graph)];
    try {
      return new Session(name, await openNative(bytes, device, threads, profile), (await runtime()).Tensor);
    } catch (cause) {
      throw translate(cause, name);
    }
  }

  /**
   * Runs the graph once. Inputs are read in place; outputs are copied out, or written to where `into` says.
   * @param into tensors of the outputs' dtypes and shapes, by name; these outputs alone are computed then
   * @throws GRAPH_INPUT when an input is missing or does not fit, RUNTIME when an op fails
   */
  async run(feeds: Readonly<Record<string, Tensor | TextTensor>>, into?: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const native: Record<string, ort.Tensor> = {};
    for (const [name, want] of this.inputs) native[name] = this.#toNative(name, want, feeds[name]);
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await (into ? this.#native.run(native, this.#toFetches(into)) : this.#native.run(native));
    } catch (cause) {
      throw translate(cause, this.name);
    }
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => [name, { dtype: t.type as NumericDType, shape: t.dims, data: t.data as TensorData }]),
    );
  }

  #toNative(name: string, want: Wanted, got: Tensor | TextTensor | undefined): ort.Tensor {
    const refuse = (came: string) => fail("GRAPH_INPUT", { graph: this.name, name, want: `${want.dtype}${showShape(want.shape)}`, got: came });
    if (!got) throw refuse("missing");
    const { dtype, shape, data } = got;
    const fits =
      dtype === want.dtype && shape.length === want.shape.length && shape.every((d, i) => typeof want.shape[i] === "string" || d === want.shape[i]);
    if (!fits) throw refuse(`${dtype}${showShape(shape)}`);
    if (!(data instanceof (dtype === "string" ? Array : arrayOf[dtype])) || data.length !== sizeOf(shape)) {
      throw refuse(`${dtype}${showShape(shape)} ${data ? `in ${data.constructor.name}(${data.length})` : "without data"}`);
    }
    return new this.#Tensor(dtype, data as never, shape);
  }

  #toFetches(into: Readonly<Record<string, Tensor>>): Record<string, ort.Tensor> {
    return Object.fromEntries(Object.entries(into).map(([name, { dtype, shape, data }]) => [name, new this.#Tensor(dtype, data as never, shape)]));
  }

  async close(): Promise<void> {
    this.#native.endProfiling();
    await this.#native.release();
  }
}

/** Version of the installed ONNX Runtime. */
export const runtimeVersion: string = createRequire(import.meta.url)("onnxruntime-node/package.json").version;

/** @throws DEVICE_UNAVAILABLE unless graphs can be opened on the device */
export async function checkDevice(device: Device): Promise<void> {
  const why = await obstacle(device);
  if (!why) return;
  const others = await Promise.all(devices.map(obstacle));
  throw fail("DEVICE_UNAVAILABLE", { device, why, available: devices.filter((_, i) => !others[i]) });
}

const FATAL = 4;

async function openNative(bytes: Uint8Array, device: Device, threads: number, profile?: string): Promise<ort.InferenceSession> {
  return (await runtime()).InferenceSession.create(bytes, {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: FATAL,
    // Denormal numbers (below 1e-38) cost tens of cycles each, and squared gradients are full of them.
    extra: { session: { set_denormal_as_zero: "1" } },
    ...(profile && { enableProfiling: true, profileFilePrefix: profile }),
  });
}

const obstacles = new Map<Device, Promise<string>>([["cpu", Promise.resolve("")]]);

/**
 * Why a device cannot be used, or "". ONNX Runtime lists every provider that it was built for, whether or not its
 * libraries and hardware are there, so a small graph is opened on the device, once.
 */
function obstacle(device: Device): Promise<string> {
  const known = obstacles.get(device) ?? probe(device);
  obstacles.set(device, known);
  return known;
}

async function probe(device: Device): Promise<string> {
  if (!(await runtime()).listSupportedBackends().some(({ name }) => name === device)) return "the installed ONNX Runtime was built without it";
  const x = input("x", "float32", [1]);
  try {
    await (await openNative(toOnnx({ name: "probe", inputs: [x], outputs: { y: neg(x) } }), device, 1)).release();
    return "";
  } catch (cause) {
    return `ONNX Runtime says: ${messageOf(cause).replace(/^.*was false\. /s, "")}`;
  }
}

/** A float32 tensor from numbers. */
export const tensor = (shape: readonly number[], data: ArrayLike<number>): Tensor => ({ dtype: "float32", shape, data: Float32Array.from(data) });

/**
 * ONNX Runtime names the node it failed at, after the loops around it; our nodes are named `layer/Op_number` or
 * `layer.gradient/Op_number`.
 */
function translate(cause: unknown, graph: string): TrainyardError {
  const text = messageOf(cause);
  const node = [...text.matchAll(/Name:\s*'([^']+)'/g)].at(-1)?.[1] ?? /Node \(([^()]+)\)/.exec(text)?.[1] ?? graph;
  const layer = node.includes("/") ? node.slice(0, node.indexOf("/")).replace(/\.gradient$/, "") : "";
  return fail("RUNTIME", { node, layer: layer === graph ? "" : layer, detail: text.replace(/^.*Status Message:\s*/s, "") }, cause);
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).trim();
