/** Runs ONNX graphs: the only file that knows `onnxruntime-node`. */
import * as ort from "onnxruntime-node";
import { fail, showShape, TrainyardError } from "../shared/errors.ts";
import { arrayOf, type Dim, type DType, type Graph, type Tensor, type TensorData } from "./graph.ts";
import { toOnnx } from "./onnx.ts";

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

/** What a graph input wants: one length may be named, and then be anything. */
interface Wanted {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A compiled graph. Close it when done: it holds native memory. */
export class Session {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Wanted>;
  readonly #native: ort.InferenceSession;

  private constructor(name: string, native: ort.InferenceSession) {
    this.name = name;
    this.#native = native;
    this.inputs = new Map(native.inputMetadata.flatMap((m) => (m.isTensor ? [[m.name, { dtype: m.type as DType, shape: m.shape }] as const] : [])));
  }

  /**
   * Compiles a graph, or the bytes of a `.onnx` file.
   * @throws DEVICE_UNAVAILABLE, RUNTIME
   */
  static async open(graph: Graph | Uint8Array, { device = "cpu", threads = 1, profile }: SessionOptions = {}): Promise<Session> {
    const available = availableDevices();
    if (!available.includes(device)) throw fail("DEVICE_UNAVAILABLE", { device, available });
    const [name, bytes] = graph instanceof Uint8Array ? ["model", graph] : [graph.name, toOnnx(graph)];
    try {
      const native = await ort.InferenceSession.create(bytes, {
        executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        // Denormal numbers (below 1e-38) cost tens of cycles each, and squared gradients are full of them.
        extra: { session: { set_denormal_as_zero: "1" } },
        ...(profile && { enableProfiling: true, profileFilePrefix: profile }),
      });
      return new Session(name, native);
    } catch (cause) {
      throw translate(cause, name);
    }
  }

  /**
   * Runs the graph once. Inputs are read in place; outputs are copied out.
   * @throws GRAPH_INPUT when an input is missing or does not fit, RUNTIME when an op fails
   */
  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const native: Record<string, ort.Tensor> = {};
    for (const [name, want] of this.inputs) native[name] = toNative(this.name, name, want, feeds[name]);
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.#native.run(native);
    } catch (cause) {
      throw translate(cause, this.name);
    }
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => [name, { dtype: t.type as DType, shape: t.dims, data: t.data as TensorData }]),
    );
  }

  async close(): Promise<void> {
    this.#native.endProfiling();
    await this.#native.release();
  }
}

/** Version of the installed ONNX Runtime. */
export const runtimeVersion: string = ort.env.versions.node ?? ort.env.versions.common;

/** What the installed runtime offers of `devices`. */
export function availableDevices(): Device[] {
  const offered = new Set<string>(ort.listSupportedBackends().map((b) => b.name));
  return devices.filter((d) => offered.has(d));
}

/** A float32 tensor from numbers. */
export const tensor = (shape: readonly number[], data: ArrayLike<number>): Tensor => ({ dtype: "float32", shape, data: Float32Array.from(data) });

function toNative(graph: string, name: string, want: Wanted, got: Tensor | undefined): ort.Tensor {
  const fits =
    got &&
    got.dtype === want.dtype &&
    got.shape.length === want.shape.length &&
    got.shape.every((d, i) => typeof want.shape[i] === "string" || d === want.shape[i]);
  if (!fits || !(got.data instanceof arrayOf[got.dtype]) || got.data.length !== got.shape.reduce((a, b) => a * b, 1)) {
    const came = got ? `${got.dtype}${showShape(got.shape)} with ${got.data.length} values` : "missing";
    throw fail("GRAPH_INPUT", { graph, name, want: `${want.dtype}${showShape(want.shape)}`, got: came });
  }
  return new ort.Tensor(got.dtype, got.data as never, got.shape);
}

/** ONNX Runtime names the node it failed at; our nodes are named `layer/Op_number` or `layer.gradient/Op_number`. */
function translate(cause: unknown, graph: string): TrainyardError {
  if (cause instanceof TrainyardError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const node = /[Nn]ame:\s*'([^']+)'/.exec(text)?.[1] ?? /Node \(([^)]+)\)/.exec(text)?.[1] ?? graph;
  const layer = node.includes("/") ? node.slice(0, node.indexOf("/")).replace(/\.gradient$/, "") : "";
  return fail("RUNTIME", { node, layer: layer === graph ? "" : layer, detail: text.replace(/^.*Status Message:\s*/s, "").trim() }, cause);
}
