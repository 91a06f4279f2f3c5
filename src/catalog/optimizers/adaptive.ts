/** Optimizers that give each weight a step size of its own, from the squares of its gradients so far. */
import type { Value } from "../../engine/graph.ts";
import { optimizer } from "../../engine/kinds.ts";
import { add, div, mul, sqrt, square, sub } from "../../engine/ops.ts";
import { decayed, discounted, epsilon, learningRate, memory, scaled, terms, weightDecay, withDecay } from "./parts.ts";

export const adagrad = optimizer({
  id: "adagrad",
  title: "Adagrad",
  summary: "Divides by the root of all squared gradients so far: steps only ever shrink, and rare features keep large ones.",
  reference: "https://jmlr.org/papers/v12/duchi11a.html",
  params: { learningRate: learningRate(0.01), epsilon: epsilon(1e-10), weightDecay: weightDecay(0) },
  state: ["v"],
  step({ w, g, v }, { learningRate, epsilon, weightDecay }) {
    const slope = withDecay(g, w, weightDecay);
    const squares = add(v, square(slope));
    return { w: sub(w, mul(div(slope, add(sqrt(squares), epsilon)), learningRate)), v: squares };
  },
});

export const rmsprop = optimizer({
  id: "rmsprop",
  title: "RMSprop",
  summary: "Divides by the root of a running mean of squared gradients, so old ones are forgotten.",
  reference: "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
  params: {
    learningRate: learningRate(0.01),
    alpha: memory(0.99, "mean squared gradient"),
    epsilon: epsilon(1e-8),
    weightDecay: weightDecay(0),
  },
  state: ["v"],
  step({ w, g, v }, { learningRate, alpha, epsilon, weightDecay }) {
    const slope = withDecay(g, w, weightDecay);
    const squares = discounted(v, square(slope), alpha);
    return { w: sub(w, scaled(learningRate, slope, squares, terms(alpha), epsilon)), v: squares };
  },
});

export const adadelta = optimizer({
  id: "adadelta",
  title: "Adadelta",
  summary: "Scales each step by the size of earlier steps over that of earlier gradients, so there is hardly a rate to choose.",
  reference: "https://arxiv.org/abs/1212.5701",
  params: {
    learningRate: learningRate(1),
    rho: memory(0.9, "mean squared gradient and step"),
    epsilon: epsilon(1e-6),
    weightDecay: weightDecay(0),
  },
  state: ["v", "u"],
  // step = √(mean of squared steps + ε) / √(mean of squared gradients + ε) · g
  step({ w, g, v, u }, { learningRate, rho, epsilon, weightDecay }) {
    const slope = withDecay(g, w, weightDecay);
    const squares = discounted(v, square(slope), rho);
    const floor = mul(epsilon, terms(rho));
    const step = mul(slope, sqrt(div(add(u, floor), add(squares, floor))));
    return { w: sub(w, mul(step, learningRate)), v: squares, u: discounted(u, square(step), rho) };
  },
});

const adamParams = {
  learningRate: learningRate(1e-3),
  beta1: memory(0.9, "mean gradient"),
  beta2: memory(0.999, "mean squared gradient"),
  epsilon: epsilon(1e-8),
};

/** rate · m̂ / (√v̂ + ε), where m̂ and v̂ are the means over the t steps so far that belong to the sums m and v. */
const adamStep = (m: Value, v: Value, t: Value, p: { readonly [K in keyof typeof adamParams]: Value }) =>
  scaled(div(p.learningRate, terms(p.beta1, t)), m, v, terms(p.beta2, t), p.epsilon);

export const adam = optimizer({
  id: "adam",
  title: "Adam",
  summary: "Steps along a running mean of the gradient, scaled for each weight by the size of its gradients. A good first choice.",
  reference: "https://arxiv.org/abs/1412.6980",
  params: { ...adamParams, weightDecay: weightDecay(0) },
  state: ["m", "v"],
  step({ w, g, m, v, t }, params) {
    const slope = withDecay(g, w, params.weightDecay);
    const sums = { m: discounted(m, slope, params.beta1), v: discounted(v, square(slope), params.beta2) };
    return { w: sub(w, adamStep(sums.m, sums.v, t, params)), ...sums };
  },
});

export const adamw = optimizer({
  id: "adamw",
  title: "AdamW",
  summary: "Adam with weight decay applied to the weights instead of the gradient, so that it is not scaled away.",
  reference: "https://arxiv.org/abs/1711.05101",
  params: { ...adamParams, weightDecay: weightDecay(0.01) },
  state: ["m", "v"],
  step({ w, g, m, v, t }, params) {
    const sums = { m: discounted(m, g, params.beta1), v: discounted(v, square(g), params.beta2) };
    return { w: sub(decayed(w, params.learningRate, params.weightDecay), adamStep(sums.m, sums.v, t, params)), ...sums };
  },
});
