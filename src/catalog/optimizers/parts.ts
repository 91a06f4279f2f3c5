/**
 * What the optimizers share. An op on tensors is one pass over all weights at every step, an op on scalars costs next to nothing.
 * So the scalars of a formula are gathered first, and where papers keep means, sums are kept: what divides them is a scalar as well.
 */
import type { Tensor, Value } from "../../engine/graph.ts";
import { add, div, mul, pow, sqrt, sub } from "../../engine/ops.ts";
import { number } from "../../shared/define.ts";

export const learningRate = (value: number) => number({ default: value, min: 0, scale: "log", help: "Size of each step." });
export const weightDecay = (value: number) => number({ default: value, min: 0, scale: "log", help: "Pull of every weight towards zero." });
export const epsilon = (value: number) => number({ default: value, min: 0, scale: "log", help: "Keeps the division from blowing up." });
/** How much of an average is kept at each step; below 1, as it has to take in something. */
export const memory = (value: number, of: string) => number({ default: value, min: 0, max: 0.99999, help: `Memory of the ${of}.` });

const isZero = ({ node }: Value) => node.kind === "Constant" && (node.attributes.value as Tensor).data[0] === 0;

/** g + λ·w: the gradient with that of λ/2·|w|² added. No pass at all when λ is known to be zero. */
export const withDecay = (g: Value, w: Value, decay: Value) => (isZero(decay) ? g : add(g, mul(w, decay)));
/** (1 - rate·λ)·w: decay apart from the gradient, https://arxiv.org/abs/1711.05101. */
export const decayed = (w: Value, rate: Value, decay: Value) => (isZero(decay) ? w : mul(w, sub(1, mul(rate, decay))));

/** Σ memory^k · (the value k steps ago), from the sum one step ago. */
export const discounted = (sum: Value, fresh: Value, memory: Value) => add(mul(sum, memory), fresh);
/** Σ memory^k over t steps, or over endlessly many: the mean is the discounted sum divided by this. Over t steps it needs no bias correction. */
export const terms = (memory: Value, t?: Value) => div(t ? sub(1, pow(memory, t)) : 1, sub(1, memory));

/** rate · x / (√(sum / n) + ε), as x / (√sum + ε·√n) · rate·√n. */
export const scaled = (rate: Value, x: Value, sum: Value, n: Value, epsilon: Value) =>
  mul(div(x, add(sqrt(sum), mul(epsilon, sqrt(n)))), mul(rate, sqrt(n)));
