/** A network description (JSON) becomes Values. First it is checked and measured, then built into as many graphs as wanted. */
import { z } from "zod";
import { resolveParams } from "../shared/define.ts";
import { fail, show, showShape } from "../shared/errors.ts";
import { type Dim, input, inScope, known, type Node, type Shape, scalar, sizeOf, type Value } from "./graph.ts";
import type { LayerContext, LayerKind, NetworkDescription, WeightOptions } from "./kinds.ts";
import { reshape, sliceAt } from "./ops.ts";

/** A tensor that a network keeps: trained weights, and states such as running means. */
export interface NetworkTensor {
  /** "layer.name": what checkpoints call it. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: WeightOptions;
}

export interface LayerSummary {
  readonly id: string;
  readonly layer: string;
  readonly inputs: readonly string[];
  /** Of one sample, without the batch. */
  readonly outputShape: readonly number[];
  readonly parameters: number;
  /** Floating-point operations of one sample's forward pass; a multiply-add counts as two. */
  readonly flops: number;
}

/** A checked network: what it keeps, what it draws, how large it is, and how to build it. */
export interface Network {
  readonly description: NetworkDescription;
  readonly sampleShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly weights: readonly NetworkTensor[];
  readonly states: readonly NetworkTensor[];
  /** Sizes of the random draws of one training step for a batch. */
  draws(batch: number): readonly number[];
  readonly layers: readonly LayerSummary[];
  build(options: BuildOptions): { readonly output: Value; readonly states: ReadonlyMap<string, Value> };
}

export interface BuildOptions {
  /** Normalised samples, float32 [batch, ...]. */
  readonly x: Value;
  /** Current values of weights and states by name. */
  readonly tensors: ReadonlyMap<string, Value>;
  /** Present when the graph trains. */
  readonly training?: {
    readonly sampleWeights: Value;
    /** A tape of uniform random numbers, and for each draw the place to read from: int32 [1]. */
    readonly tape: Value;
    readonly offsets: readonly Value[];
  };
}

/** More than any network here needs, and few enough to be checked while a server answers. */
const MAX_LAYERS = 1000;

/** The messages say what is wanted; `parseNetwork` puts them into a sentence. */
const layerSchema = z.strictObject(
  {
    id: z.string("a name").regex(/^[A-Za-z][\w-]*$/, "letters, digits, _ and -, starting with a letter"),
    layer: z.string("the name of a layer kind"),
    params: z.record(z.string(), z.unknown(), "an object of parameters").optional(),
    inputs: z.array(z.string("the name of a layer"), "a list of names").min(1, "a list of at least one name").optional(),
  },
  "an object",
);
const descriptionSchema = z.strictObject(
  {
    name: z.string("text").optional(),
    layers: z.array(layerSchema, "a list of layers").min(1, "a list of at least one layer").max(MAX_LAYERS, `a list of at most ${MAX_LAYERS} layers`),
  },
  "an object",
);

/** Checks the form of a network description that came from outside. @throws BAD_NETWORK naming the place */
export function parseNetwork(json: unknown): NetworkDescription {
  const result = descriptionSchema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...unknown];
  const where = `network${path.map((p) => (typeof p === "number" ? `[${p}]` : `.${String(p)}`)).join("")}`;
  const got = show(path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], json));
  throw fail("BAD_NETWORK", { where, want: unknown.length ? "left out" : issue.message, got });
}

/**
 * Checks a network against the layers there are and the shape of a sample.
 * @param layerKinds the layers that may be used
 * @throws BAD_NETWORK, UNKNOWN_ENTRY, UNKNOWN_PARAMETER, BAD_PARAMETER, LAYER_SHAPE_MISMATCH, each naming the layer
 */
export function checkNetwork(json: unknown, layerKinds: readonly LayerKind[], sampleShape: readonly number[]): Network {
  const description = parseNetwork(json);
  const steps = resolveSteps(description, layerKinds);

  const assemble = (options: BuildOptions, record: Recorder) => {
    const values = new Map<string, Value>([["input", options.x]]);
    const states = new Map<string, Value>();
    let drawn = 0;
    for (const { id, kind, inputs, params } of steps) {
      const read = inputs.map((name) => values.get(name)!);
      const keep = (list: NetworkTensor[], name: string, shape: readonly number[], initial: WeightOptions): Value => {
        const tensor = { name: `${id}.${name}`, shape, initial };
        list.push(tensor);
        return options.tensors.get(tensor.name) ?? input(tensor.name, "float32", shape);
      };
      const context: LayerContext = {
        inputs: read,
        training: options.training !== undefined,
        sampleWeights: options.training?.sampleWeights ?? scalar(1, "float32", [1]),
        weight: (name, shape, initial) => keep(record.weights, name, shape, initial),
        state: (name, shape, initial) => {
          const value = keep(record.states, name, shape, { initializer: "constant", constant: initial });
          return { value, update: (next) => void states.set(`${id}.${name}`, next) };
        },
        random: (shape) => {
          const size = sizeOf(shape);
          record.draws.push(size);
          const { tape, offsets } = options.training!;
          return reshape(sliceAt(tape, offsets[drawn++] ?? offsets[0]!, size), shape);
        },
        expect: (condition, want) => {
          if (condition) return;
          const got = read.map((v) => showShape(["batch", ...v.shape.slice(1)])).join(" and ");
          throw fail("LAYER_SHAPE_MISMATCH", { layer: id, kind: kind.id, want, got, from: inputs.join(" and ") });
        },
      };
      const output = inScope(id, () => kind.build(context, params));
      if (output.shape.some((d) => typeof d === "number" && d < 1)) context.expect(false, "an input large enough for its window");
      values.set(id, output);
    }
    return { values, states, output: values.get(steps.at(-1)!.id)! };
  };

  /** Builds once for a batch of known size, only to see what is kept and drawn. */
  const measure = (batch: number) => {
    const record: Recorder = { weights: [], states: [], draws: [] };
    const offsets = [input("offset", "int32", [1])];
    const training = { sampleWeights: input("sampleWeights", "float32", [batch]), tape: input("tape", "float32", ["tape"]), offsets };
    assemble({ x: input("x", "float32", [batch, ...sampleShape]), tensors: new Map(), training }, record);
    return record;
  };
  const { weights, states } = measure(1);
  const forward = assemble({ x: input("x", "float32", ["batch", ...sampleShape]), tensors: new Map() }, { weights: [], states: [], draws: [] });

  return {
    description,
    sampleShape,
    outputShape: known(forward.output.shape.slice(1)),
    weights,
    states,
    draws: (batch) => measure(batch).draws,
    layers: steps.map(({ id, kind, inputs }) => ({
      id,
      layer: kind.id,
      inputs,
      outputShape: known(forward.values.get(id)!.shape.slice(1)),
      parameters: weights.filter((w) => w.name.startsWith(`${id}.`)).reduce((n, w) => n + sizeOf(w.shape), 0),
      flops: flopsOf(forward.values.get(id)!.node, id),
    })),
    build: (options) => assemble(options, { weights: [], states: [], draws: [] }),
  };
}

interface Recorder {
  readonly weights: NetworkTensor[];
  readonly states: NetworkTensor[];
  readonly draws: number[];
}

/** Resolves names and parameters; what a layer reads must stand before it, so there are no cycles. */
function resolveSteps(description: NetworkDescription, layerKinds: readonly LayerKind[]) {
  const known = ["input"];
  return description.layers.map(({ id, layer, params, inputs = [known.at(-1)!] }, i) => {
    const where = `network.layers[${i}]`;
    const kind = layerKinds.find((k) => k.id === layer);
    if (!kind) throw fail("UNKNOWN_ENTRY", { kind: `layer kind for "${id}":`, id: layer, known: layerKinds.map((k) => k.id) });
    if (known.includes(id)) throw fail("BAD_NETWORK", { where: `${where}.id`, want: "a name that no other layer has", got: show(id) });
    const unknown = inputs.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw fail("BAD_NETWORK", { where: `${where}.inputs`, want: `names of layers before it (${known.join(", ")})`, got: show(unknown) });
    if (kind.arity === "one" && inputs.length !== 1)
      throw fail("BAD_NETWORK", { where: `${where}.inputs`, want: `one name, as ${layer} reads one layer`, got: show(inputs) });
    known.push(id);
    return { id, kind, inputs, params: resolveParams(`layer "${id}" (${layer})`, kind.params, params) };
  });
}

/** Multiply-adds count two, everything else one per element of the output, for one sample. */
function flopsOf(node: Node, scope: string, seen = new Set<Node>()): number {
  if (seen.has(node) || node.scope !== scope || node.kind === "Input" || node.kind === "Constant") return 0;
  seen.add(node);
  const perSample = (shape: Shape) => shape.reduce<number>((n: number, d: Dim) => (typeof d === "number" ? n * d : n), 1);
  const elements = perSample(node.outputs[0]!.shape);
  const w = node.inputs[1]?.shape as readonly number[];
  const own = {
    Conv: () => 2 * elements * w[1]! * w[2]! * w[3]!,
    Gemm: () => 2 * elements * w[node.attributes.transB ? 1 : 0]!,
    MatMul: () => 2 * elements * w.at(-2)!,
    MaxPool: () => elements * sizeOf(node.attributes.kernel_shape as readonly number[]),
    AveragePool: () => elements * sizeOf(node.attributes.kernel_shape as readonly number[]),
    GlobalAveragePool: () => perSample(node.inputs[0]!.shape),
    Reshape: () => 0,
    Flatten: () => 0,
    Transpose: () => 0,
  }[node.kind as string];
  return node.inputs.reduce((sum, v) => sum + flopsOf(v.node, scope, seen), own ? own() : elements);
}
