/** Layers that only rearrange, scale or combine. */

import { sameShape, sizeOf, type Value } from "../../engine/graph.ts";
import { layer } from "../../engine/kinds.ts";
import { add, concat as concatValues, flatten as flattenValue, mul, pad, reshape as reshapeValue } from "../../engine/ops.ts";
import { integer, integers, number } from "../../shared/define.ts";

export const flatten = layer({
  id: "Flatten",
  title: "Flatten",
  summary: "Makes each sample one row of features.",
  arity: "one",
  params: {},
  build: ({ inputs: [x] }) => flattenValue(x!),
});

export const reshape = layer({
  id: "Reshape",
  title: "Reshape",
  summary: "Gives each sample another shape of the same size.",
  arity: "one",
  params: { shape: integers({ default: [], min: 1, help: "The new shape of a sample, without the batch." }) },
  build({ inputs: [x], expect }, { shape }) {
    expect(sizeOf(x!.shape.slice(1)) === sizeOf(shape), `[batch, ...] of ${sizeOf(shape)} values a sample`);
    return reshapeValue(x!, [x!.shape[0]!, ...shape]);
  },
});

export const addLayer = layer({
  id: "Add",
  title: "Add",
  summary: "The sum of layers of equal shape: the shortcut of residual networks.",
  reference: "https://arxiv.org/abs/1512.03385",
  arity: "many",
  params: {},
  build({ inputs, expect }) {
    expect(
      inputs.every((v) => sameShape(v.shape, inputs[0]!.shape)),
      "layers of equal shape",
    );
    return inputs.reduce((a, b) => add(a, b));
  },
});

export const concat = layer({
  id: "Concat",
  title: "Concatenate",
  summary: "Joins layers along one axis.",
  reference: "https://onnx.ai/onnx/operators/onnx__Concat.html",
  arity: "many",
  params: { axis: integer({ default: 1, min: 1, help: "The axis to join; 1 is channels or features." }) },
  build({ inputs, expect }, { axis }) {
    const others = (v: Value) => v.shape.filter((_, i) => i !== axis);
    expect(
      inputs.every((v) => v.shape.length > axis && sameShape(others(v), others(inputs[0]!))),
      `layers that differ only along axis ${axis}`,
    );
    return concatValues(inputs, axis);
  },
});

export const zeroPad = layer({
  id: "ZeroPad",
  title: "Zero padding",
  summary: "Adds rows and columns of zeros around a picture.",
  arity: "one",
  params: { pads: integers({ default: [1, 1, 1, 1], length: 4, min: 0, help: "Rows and columns at the top, left, bottom and right." }) },
  build({ inputs: [x], expect }, { pads: [top, left, bottom, right] }) {
    expect(x!.shape.length === 4, "[batch, channels, height, width]");
    return pad(x!, [0, 0, top!, left!, 0, 0, bottom!, right!]);
  },
});

export const rescale = layer({
  id: "Rescale",
  title: "Rescale",
  summary: "x · scale + offset, with fixed numbers.",
  arity: "one",
  params: {
    scale: number({ default: 1, help: "Factor." }),
    offset: number({ default: 0, help: "Added after scaling." }),
  },
  build: ({ inputs: [x] }, { scale, offset }) => add(mul(x!, scale), offset),
});
