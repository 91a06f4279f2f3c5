/** Layers that shrink a picture. Pictures are [batch, channels, height, width]. */
import type { Value } from "../../engine/graph.ts";
import { layer } from "../../engine/kinds.ts";
import { averagePool, flatten, globalAveragePool, maxPool } from "../../engine/ops.ts";
import { choice, integers } from "../../shared/define.ts";
import { padsOf } from "./convolution.ts";

const params = {
  size: integers({ default: [2, 2], length: 2, min: 1, help: "Height and width of the window." }),
  strides: integers({ default: [0, 0], length: 2, min: 0, help: "Step of the window down and across; 0: the window's size." }),
  padding: choice({
    default: "valid",
    options: ["valid", "same"],
    help: "valid: windows stay inside the picture. same: padding keeps size / stride.",
  }),
};
type Pool = { size: readonly number[]; strides: readonly number[]; padding: "valid" | "same" };

const window = (x: Value, { size, strides, padding }: Pool) => {
  const steps = strides.map((s, i) => s || size[i]!) as [number, number];
  return { kernel: size as [number, number], strides: steps, pads: padsOf(x, { kernel: size, strides: steps, padding }) };
};

export const maxPoolLayer = layer({
  id: "MaxPool",
  title: "Max pooling",
  summary: "Keeps the largest value of each window.",
  reference: "https://onnx.ai/onnx/operators/onnx__MaxPool.html",
  arity: "one",
  params,
  build({ inputs: [x], expect }, options) {
    expect(x!.shape.length === 4, "[batch, channels, height, width]");
    return maxPool(x!, window(x!, options));
  },
});

export const averagePoolLayer = layer({
  id: "AveragePool",
  title: "Average pooling",
  summary: "Takes the mean of each window; padding counts as zeros.",
  reference: "https://onnx.ai/onnx/operators/onnx__AveragePool.html",
  arity: "one",
  params,
  build({ inputs: [x], expect }, options) {
    expect(x!.shape.length === 4, "[batch, channels, height, width]");
    return averagePool(x!, window(x!, options));
  },
});

export const globalAveragePoolLayer = layer({
  id: "GlobalAveragePool",
  title: "Global average pooling",
  summary: "The mean of each channel: [batch, channels, height, width] becomes [batch, channels].",
  reference: "https://arxiv.org/abs/1312.4400",
  arity: "one",
  params: {},
  build({ inputs: [x], expect }) {
    expect(x!.shape.length === 4, "[batch, channels, height, width]");
    return flatten(globalAveragePool(x!));
  },
});
