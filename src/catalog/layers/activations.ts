/** Layers that bend each value by itself. */
import type { Value } from "../../engine/graph.ts";
import { type LayerKind, layer } from "../../engine/kinds.ts";
import * as o from "../../engine/ops.ts";
import { number } from "../../shared/define.ts";

const activation = (id: string, title: string, summary: string, f: (x: Value) => Value, reference?: string): LayerKind =>
  layer({
    id,
    title,
    summary,
    reference: reference ?? `https://onnx.ai/onnx/operators/onnx__${id}.html`,
    arity: "one",
    params: {},
    build: ({ inputs: [x] }) => f(x!),
  });

export const activations: readonly LayerKind[] = [
  activation("Relu", "ReLU", "max(0, x)", o.relu),
  layer({
    id: "LeakyRelu",
    title: "Leaky ReLU",
    summary: "x where positive, alpha · x elsewhere",
    reference: "https://onnx.ai/onnx/operators/onnx__LeakyRelu.html",
    arity: "one",
    params: { alpha: number({ default: 0.01, min: 0, help: "Slope for negative values." }) },
    build: ({ inputs: [x] }, { alpha }) => o.leakyRelu(x!, alpha),
  }),
  layer({
    id: "Elu",
    title: "ELU",
    summary: "x where positive, alpha · (exp(x) - 1) elsewhere",
    reference: "https://arxiv.org/abs/1511.07289",
    arity: "one",
    params: { alpha: number({ default: 1, min: 0, help: "The limit for very negative values is -alpha." }) },
    build: ({ inputs: [x] }, { alpha }) => o.elu(x!, alpha),
  }),
  activation("Sigmoid", "Sigmoid", "1 / (1 + exp(-x))", o.sigmoid),
  activation("Tanh", "Tanh", "Hyperbolic tangent", o.tanh),
  activation("Softplus", "Softplus", "log(1 + exp(x))", o.softplus),
  activation("Erf", "Error function", "2 / √π · ∫ exp(-t²) from 0 to x", o.erf),
  activation("Gelu", "GELU", "x · Φ(x), with the normal distribution function Φ", o.gelu, "https://arxiv.org/abs/1606.08415"),
  activation("HardSwish", "Hard swish", "x · clip(x / 6 + 1 / 2, 0, 1)", o.hardSwish, "https://arxiv.org/abs/1905.02244"),
  activation("Softmax", "Softmax", "Makes the last axis positive with sum 1.", o.softmax),
  activation("LogSoftmax", "Log-softmax", "The logarithm of softmax.", o.logSoftmax),
  activation("Exp", "Exponential", "exp(x)", o.exp),
  activation("Abs", "Absolute value", "|x|", o.abs),
  layer({
    id: "Clip",
    title: "Clip",
    summary: "Limits every value to a range.",
    reference: "https://onnx.ai/onnx/operators/onnx__Clip.html",
    arity: "one",
    params: { min: number({ default: 0, help: "Lowest value." }), max: number({ default: 6, help: "Highest value." }) },
    build: ({ inputs: [x] }, { min, max }) => o.clip(x!, min, max),
  }),
];
