/** Layers that slide learned filters over a picture. Pictures are [batch, channels, height, width]. */

import type { Value } from "../../engine/graph.ts";
import type { LayerContext } from "../../engine/kinds.ts";
import { layer } from "../../engine/kinds.ts";
import { conv } from "../../engine/ops.ts";
import { boolean, choice, integer, integers } from "../../shared/define.ts";
import { biasOf, kernelParams } from "./parameters.ts";

const windowParams = {
  kernel: integers({ default: [3, 3], length: 2, min: 1, help: "Height and width of the filters." }),
  strides: integers({ default: [1, 1], length: 2, min: 1, help: "Step of the filters down and across." }),
  padding: choice({
    default: "valid",
    options: ["valid", "same"],
    help: "valid: filters stay inside the picture. same: zeros around it keep size / stride.",
  }),
  dilation: integers({ default: [1, 1], length: 2, min: 1, help: "Distance between the points of a filter." }),
  bias: boolean({ default: true, help: "Whether to add a trained constant to each channel." }),
  ...kernelParams,
};
type Window = {
  kernel: readonly number[];
  strides: readonly number[];
  dilation: readonly number[];
  padding: "valid" | "same";
  bias: boolean;
  initializer: string;
  constant: number;
};

export const conv2d = layer({
  id: "Conv2D",
  title: "Convolution",
  summary: "Slides learned filters over a picture; each filter gives one channel of the output.",
  reference: "https://onnx.ai/onnx/operators/onnx__Conv.html",
  arity: "one",
  params: {
    filters: integer({ default: 32, min: 1, help: "Number of filters, the channels of the output." }),
    groups: integer({ default: 1, min: 1, help: "Groups of channels that do not see each other." }),
    ...windowParams,
  },
  build(context, params) {
    const [x] = context.inputs as [Value];
    context.expect(x.shape.length === 4, "[batch, channels, height, width]");
    context.expect(
      Number(x.shape[1]) % params.groups === 0 && params.filters % params.groups === 0,
      `channels and filters that divide into ${params.groups} groups`,
    );
    return convolve(context, x, params.filters, params.groups, params);
  },
});

export const depthwiseConv2d = layer({
  id: "DepthwiseConv2D",
  title: "Depthwise convolution",
  summary: "Each channel is filtered by itself: far fewer weights than a full convolution.",
  reference: "https://arxiv.org/abs/1704.04861",
  arity: "one",
  params: { multiplier: integer({ default: 1, min: 1, help: "Filters per channel." }), ...windowParams },
  build(context, params) {
    const [x] = context.inputs as [Value];
    context.expect(x.shape.length === 4, "[batch, channels, height, width]");
    const channels = Number(x.shape[1]);
    return convolve(context, x, channels * params.multiplier, channels, params);
  },
});

function convolve({ weight }: LayerContext, x: Value, filters: number, group: number, params: Window): Value {
  const [kh, kw] = params.kernel as [number, number];
  const channels = Number(x.shape[1]) / group;
  const w = weight("weight", [filters, channels, kh, kw], { ...params, fanIn: channels * kh * kw, fanOut: (filters / group) * kh * kw });
  return conv(x, w, biasOf(weight, params.bias, filters), {
    strides: params.strides as [number, number],
    dilations: params.dilation as [number, number],
    pads: padsOf(x, params),
    group,
  });
}

/** Top, left, bottom, right. "same" pads so that the output is ceil(size / stride), the odd row at the end. */
export function padsOf(
  x: Value,
  { kernel, strides, dilation = [1, 1], padding }: Pick<Window, "kernel" | "strides" | "padding"> & { dilation?: readonly number[] },
): number[] {
  if (padding === "valid") return [0, 0, 0, 0];
  const total = [0, 1].map((i) => {
    const size = Number(x.shape[i + 2]);
    const span = (kernel[i]! - 1) * dilation[i]! + 1;
    return Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + span - size);
  });
  return [...total.map((t) => Math.floor(t / 2)), ...total.map((t) => Math.ceil(t / 2))];
}
