/** Optimizers that go down the gradient, or a memory of it. */
import { optimizer } from "../../engine/kinds.ts";
import { clip, div, mul, sub } from "../../engine/ops.ts";
import { decayed, discounted, learningRate, memory, terms, weightDecay, withDecay } from "./parts.ts";

/** 0.01, as PyTorch's 0.001 is too timid for the plain gradient. */
const rate = learningRate(0.01);
const inertia = memory(0.9, "direction");

export const sgd = optimizer({
  id: "sgd",
  title: "SGD",
  summary: "Stochastic gradient descent: straight down the gradient of the batch.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html",
  params: { learningRate: rate, weightDecay: weightDecay(0) },
  state: [],
  step({ w, g }, { learningRate, weightDecay }) {
    return { w: sub(w, mul(withDecay(g, w, weightDecay), learningRate)) };
  },
});

export const momentum = optimizer({
  id: "momentum",
  title: "SGD with momentum",
  summary: "Keeps rolling in the direction of the gradients so far, like a heavy ball.",
  reference: "https://doi.org/10.1016/0041-5553(64)90137-5",
  params: { learningRate: rate, momentum: inertia, weightDecay: weightDecay(0) },
  state: ["v"],
  step({ w, g, v }, { learningRate, momentum, weightDecay }) {
    const velocity = discounted(v, withDecay(g, w, weightDecay), momentum);
    return { w: sub(w, mul(velocity, learningRate)), v: velocity };
  },
});

export const nesterov = optimizer({
  id: "nesterov",
  title: "SGD with Nesterov momentum",
  summary: "Momentum that looks ahead: it steps as if the direction had already been followed once more.",
  reference: "https://proceedings.mlr.press/v28/sutskever13.html",
  params: { learningRate: rate, momentum: inertia, weightDecay: weightDecay(0) },
  state: ["v"],
  step({ w, g, v }, { learningRate, momentum, weightDecay }) {
    const slope = withDecay(g, w, weightDecay);
    const velocity = discounted(v, slope, momentum);
    return { w: sub(w, mul(discounted(velocity, slope, momentum), learningRate)), v: velocity };
  },
});

/** clip(x, ±tiny) / tiny is sign(x) for all but the tiniest x; ONNX Runtime's Sign takes eight times as long as its Clip. */
const tiny = 2 ** -100;

export const lion = optimizer({
  id: "lion",
  title: "Lion",
  summary: "Steps of equal size in every weight, by the sign of a mean gradient. Wants a 3 to 10 times smaller rate than Adam.",
  reference: "https://arxiv.org/abs/2302.06675",
  params: {
    learningRate: learningRate(1e-4),
    beta1: memory(0.9, "mean gradient that is stepped along"),
    beta2: memory(0.99, "mean gradient that is kept"),
    weightDecay: weightDecay(0),
  },
  state: ["m"],
  // sign(β1·mean + (1 - β1)·g), where mean = m / terms: only the sign counts, so all is divided by (1 - β1).
  step({ w, g, m }, { learningRate, beta1, beta2, weightDecay }) {
    const share = div(beta1, mul(sub(1, beta1), terms(beta2)));
    const step = mul(clip(discounted(m, g, share), -tiny, tiny), div(learningRate, tiny));
    return { w: sub(decayed(w, learningRate, weightDecay), step), m: discounted(m, g, beta2) };
  },
});
