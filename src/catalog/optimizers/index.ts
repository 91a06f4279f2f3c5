/** How a gradient becomes a step. Every parameter is a scalar of the graph, so schedules and users change it without a rebuild. */

import type { Value } from "../../engine/graph.ts";
import { type OptimizerKind, optimizer } from "../../engine/kinds.ts";
import { add, div, mul, pow, sqrt, square, sub } from "../../engine/ops.ts";
import { number } from "../../shared/define.ts";

const learningRate = (value: number) => number({ default: value, min: 0, scale: "log", help: "Size of each step." });
const weightDecay = (value: number) => number({ default: value, min: 0, scale: "log", help: "Pull of every weight towards zero." });
const epsilon = (value: number) => number({ default: value, min: 0, scale: "log", help: "Keeps the division from blowing up." });

/** memory · old + (1 - memory) · fresh */
const ema = (old: Value, fresh: Value, memory: Value) => add(mul(old, memory), mul(fresh, sub(1, memory)));
/** An average that started at zero, corrected for it after t updates. */
const debias = (average: Value, memory: Value, t: Value) => div(average, sub(1, pow(memory, t)));

export const adam = optimizer({
  id: "adam",
  title: "Adam",
  summary: "Steps scaled by running means of the gradient and its square.",
  reference: "https://arxiv.org/abs/1412.6980",
  params: {
    learningRate: learningRate(1e-3),
    beta1: number({ default: 0.9, min: 0, max: 1, help: "Memory of the mean gradient." }),
    beta2: number({ default: 0.999, min: 0, max: 1, help: "Memory of the mean squared gradient." }),
    epsilon: epsilon(1e-8),
    weightDecay: weightDecay(0),
  },
  state: ["m", "v"],
  step({ w, g, m, v, t }, { learningRate, beta1, beta2, epsilon, weightDecay }) {
    const decayed = add(g, mul(weightDecay, w));
    const m2 = ema(m, decayed, beta1);
    const v2 = ema(v, square(decayed), beta2);
    const step = div(debias(m2, beta1, t), add(sqrt(debias(v2, beta2, t)), epsilon));
    return { w: sub(w, mul(learningRate, step)), m: m2, v: v2 };
  },
});

export const optimizers: readonly OptimizerKind[] = [adam];
