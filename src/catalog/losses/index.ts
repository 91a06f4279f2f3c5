/** What training minimises. Losses give one number per sample; the plan takes the mean over the batch. */

import { known } from "../../engine/graph.ts";
import { type LossKind, loss } from "../../engine/kinds.ts";
import { add, logSoftmax, mul, neg, oneHot, reduceSum, softmax } from "../../engine/ops.ts";
import { number } from "../../shared/define.ts";

export const crossEntropy = loss({
  id: "cross-entropy",
  title: "Cross-entropy",
  summary: "How surprised the predicted probabilities are by the true class. The usual choice for classification.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
  tasks: ["classification"],
  params: {
    labelSmoothing: number({ default: 0, min: 0, max: 1, help: "Share of the target spread evenly over all classes." }),
  },
  each(output, target, { labelSmoothing }) {
    const classes = known(output.shape)[1]!;
    const truth = oneHot(target, classes); // [batch, classes]
    const smooth = labelSmoothing ? add(mul(truth, 1 - labelSmoothing), labelSmoothing / classes) : truth;
    return neg(reduceSum(mul(smooth, logSoftmax(output)), [1]));
  },
  link: softmax,
});

export const losses: readonly LossKind[] = [crossEntropy];
