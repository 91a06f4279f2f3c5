/** A network for [3, 12, 12] pictures that uses every layer of the catalog, with shortcuts and joins: what whole-graph tests run on. */
import type { LayerDescription, NetworkDescription } from "../../src/engine/kinds.ts";

const bends = ["Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus", "Erf", "Gelu", "HardSwish", "Softmax", "LogSoftmax", "Exp", "Abs", "Clip"];
const side = (layer: string): LayerDescription => ({ id: `side-${layer}`, layer, inputs: ["bottleneck"] });

export const everyLayer = (outputs: number): NetworkDescription => ({
  name: "every layer",
  layers: [
    { id: "crop", layer: "RandomCrop", params: { size: [12, 12], padding: 2 } },
    { id: "flip", layer: "RandomFlip", params: { vertical: true } },
    { id: "shift", layer: "RandomShift" },
    { id: "scale", layer: "Rescale", params: { scale: 2, offset: -0.5 } },
    { id: "conv", layer: "Conv2D", params: { filters: 4, kernel: [3, 3], strides: [2, 1], padding: "same", dilation: [1, 2] } },
    { id: "norm", layer: "BatchNorm" },
    { id: "bend", layer: "Elu", params: { alpha: 0.7 } },
    { id: "pad", layer: "ZeroPad", params: { pads: [1, 0, 1, 0] } },
    { id: "depthwise", layer: "DepthwiseConv2D", params: { multiplier: 2, padding: "valid" } }, // [8, 6, 10]
    { id: "max", layer: "MaxPool", params: { size: [3, 3], strides: [2, 2], padding: "same" } }, // [8, 3, 5]
    { id: "mean", layer: "AveragePool", params: { size: [2, 2], padding: "same" }, inputs: ["depthwise"] }, // [8, 3, 5]
    { id: "join", layer: "Concat", inputs: ["max", "mean"] },
    { id: "grouped", layer: "Conv2D", params: { filters: 6, kernel: [1, 1], groups: 2, bias: false } },
    { id: "global", layer: "GlobalAveragePool" },
    { id: "shape", layer: "Reshape", params: { shape: [2, 3] } },
    { id: "flat", layer: "Flatten" },
    { id: "bottleneck", layer: "Dense", params: { units: 5 } },
    ...bends.map(side),
    { id: "sum", layer: "Add", inputs: bends.map((layer) => `side-${layer}`) },
    { id: "layernorm", layer: "LayerNorm" },
    { id: "drop", layer: "Dropout", params: { rate: 0.25 } },
    { id: "shortcut", layer: "Add", inputs: ["drop", "bottleneck"] },
    { id: "output", layer: "Dense", params: { units: outputs } },
  ],
});
