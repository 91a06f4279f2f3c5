/** Losses of one value: e is the error, the network's output [batch, 1] less the target float32 [batch]. */
import type { Value } from "../../engine/graph.ts";
import { loss } from "../../engine/kinds.ts";
import { abs, add, min, mul, reshape, square, sub } from "../../engine/ops.ts";
import { number } from "../../shared/define.ts";

const error = (output: Value, target: Value) => sub(reshape(output, target.shape), target); // [batch]
const regression = { tasks: ["regression"], link: (output: Value) => output } as const;

export const meanSquaredError = loss({
  ...regression,
  id: "mean-squared-error",
  title: "Mean squared error",
  summary: "e². The usual choice for regression; a few large errors weigh most.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html",
  params: {},
  each: (output, target) => square(error(output, target)),
});

export const meanAbsoluteError = loss({
  ...regression,
  id: "mean-absolute-error",
  title: "Mean absolute error",
  summary: "|e|. Aims at the median, so outliers hardly matter.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.L1Loss.html",
  params: {},
  each: (output, target) => abs(error(output, target)),
});

export const huber = loss({
  ...regression,
  id: "huber",
  title: "Huber",
  summary: "e² / 2 for errors up to delta, and a straight line beyond: smooth at zero, calm about outliers.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html",
  params: { delta: number({ default: 1, min: 1e-6, scale: "log", help: "The error up to which the loss is a square." }) },
  // near² / 2 + delta · (|e| - near), near = min(|e|, delta)
  each(output, target, { delta }) {
    const size = abs(error(output, target));
    const near = min(size, delta);
    return add(mul(square(near), 0.5), mul(sub(size, near), delta));
  },
});
