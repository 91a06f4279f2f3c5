/** Layers that mix all features of a sample. */

import { layer } from "../../engine/kinds.ts";
import { gemm } from "../../engine/ops.ts";
import { boolean, integer } from "../../shared/define.ts";
import { biasOf, kernelParams } from "./parameters.ts";

export const dense = layer({
  id: "Dense",
  title: "Dense",
  summary: "Every output is a weighted sum of every input, plus a bias.",
  reference: "https://onnx.ai/onnx/operators/onnx__Gemm.html",
  arity: "one",
  params: {
    units: integer({ default: 128, min: 1, help: "Number of outputs." }),
    bias: boolean({ default: true, help: "Whether to add a trained constant to each output." }),
    ...kernelParams,
  },
  build({ inputs: [x], weight, expect }, params) {
    expect(x!.shape.length === 2, "[batch, features]");
    const features = Number(x!.shape[1]);
    const w = weight("weight", [features, params.units], { ...params, fanIn: features, fanOut: params.units });
    return gemm(x!, w, biasOf(weight, params.bias, params.units)); // [batch, units]
  },
});
