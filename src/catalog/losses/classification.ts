/** Losses over classes: x [batch, classes] is the network's output, target int32 [batch] the true class y. */
import { constant, known, type Value } from "../../engine/graph.ts";
import { loss } from "../../engine/kinds.ts";
import * as o from "../../engine/ops.ts";
import { add, div, logSoftmax, mul, neg, reduceMean, reduceSum, sigmoid, softmax, softplus, sub } from "../../engine/ops.ts";
import { number, numbers } from "../../shared/define.ts";
import { fail, show } from "../../shared/errors.ts";

const classesOf = (x: Value) => known(x.shape.slice(1))[0]!;
/** 1 for the true class, 0 for the others: [batch, classes]. */
const truth = (x: Value, target: Value) => o.oneHot(target, classesOf(x));

/** The weight of every class, [classes]; nothing when all are alike. */
function weightsOf(x: Value, classWeights: readonly number[]): Value | undefined {
  if (!classWeights.length) return undefined;
  const classes = classesOf(x);
  if (classWeights.length !== classes) {
    const want = `one weight for each of the ${classes} classes`;
    throw fail("BAD_PARAMETER", { where: 'loss "cross-entropy"', name: "classWeights", want, got: show(classWeights) });
  }
  return constant({ dtype: "float32", shape: [classes], data: Float32Array.from(classWeights) });
}

export const crossEntropy = loss({
  id: "cross-entropy",
  title: "Cross-entropy",
  summary: "How surprised the predicted probabilities are by the true class. The usual choice for classification.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
  tasks: ["classification"],
  params: {
    labelSmoothing: number({ default: 0, min: 0, max: 1, help: "Share of the target spread evenly over all classes." }),
    classWeights: numbers({ default: [], min: 1e-6, help: "How much the samples of each class count, in class order; empty: all alike." }),
  },
  // (1 - s) · -log p[y] + s · mean over c of w[c] / w[y] · -log p[c], with p = softmax(x): `weigh` multiplies the sample by w[y].
  each(x, target, { labelSmoothing, classWeights }) {
    const surprise = neg(logSoftmax(x)); // -log p, [batch, classes]
    const ofTruth = reduceSum(mul(truth(x, target), surprise), [1]);
    if (!labelSmoothing) return ofTruth;
    const w = weightsOf(x, classWeights);
    const ofAll = w ? div(reduceMean(mul(surprise, w), [1]), o.gather(w, target)) : reduceMean(surprise, [1]);
    return add(mul(ofTruth, 1 - labelSmoothing), mul(ofAll, labelSmoothing));
  },
  weigh(x, target, { classWeights }) {
    const w = weightsOf(x, classWeights);
    return w && o.gather(w, target);
  },
  link: softmax,
});

export const binaryCrossEntropy = loss({
  id: "binary-cross-entropy",
  title: "Binary cross-entropy",
  summary: "One yes-or-no question per class, each answered by itself; the mean over the classes. Gives probabilities that need not sum to 1.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
  tasks: ["classification"],
  params: {},
  // -y·log σ(x) - (1 - y)·log(1 - σ(x)) = softplus(x) - x·y, and softplus(x) = max(x, 0) + log(1 + exp(-|x|)) never overflows.
  each: (x, target) => reduceMean(sub(softplus(x), mul(x, truth(x, target))), [1]),
  link: sigmoid,
  scores: true,
});

export const hinge = loss({
  id: "hinge",
  title: "Multi-class hinge",
  summary: "Wants the true class to score higher than every other by a margin, and asks no more. The loss of support vector machines.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html",
  tasks: ["classification"],
  params: { margin: number({ default: 1, min: 0, help: "How much higher the true class has to score." }) },
  // Σ over c ≠ y of max(0, margin - x[y] + x[c]), over the number of classes. The term of c = y is the margin itself and is taken off again.
  each(x, target, { margin }) {
    const own = reduceSum(mul(x, truth(x, target)), [1], { keep: true }); // x[y], [batch, 1]
    return sub(reduceMean(o.relu(add(sub(x, own), margin)), [1]), margin / classesOf(x));
  },
  link: (x) => x,
  scores: true,
});
