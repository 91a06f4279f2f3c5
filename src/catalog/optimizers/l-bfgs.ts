/** L-BFGS: Newton's method, with curvature told from the last steps. */
import { wholeBatchOptimizer } from "../../engine/kinds.ts";
import { integer, number } from "../../shared/define.ts";

export const lbfgs = wholeBatchOptimizer({
  id: "l-bfgs",
  title: "L-BFGS",
  summary: "Newton-like steps over all training samples at once, each epoch one: exact and fast for linear models and small networks.",
  reference: "https://doi.org/10.1007/978-0-387-40065-5",
  params: {
    learningRate: number({
      default: 1,
      min: 1e-6,
      scale: "log",
      help: "First length of each step that the line search tries, times the schedule's factor: 1 is Newton's.",
    }),
    history: integer({ default: 10, min: 1, max: 100, help: "Steps that the curvature is told from." }),
    tolerance: number({ default: 1e-5, min: 0, scale: "log", help: "Converged when no element of the gradient is larger." }),
    lineSearchSteps: integer({ default: 20, min: 1, help: "Most looks at all samples to find the length of one step." }),
    l2: number({
      default: 0,
      min: 0,
      scale: "log",
      help: "Adds l2/2 times the squares of the weights, biases left out, to the loss: 1/(C·samples) is scikit-learn's C.",
    }),
  },
  // Nocedal & Wright 2006, algorithm 7.4: -H·g by two loops, from H₀ = (s·y / y·y)·I of the newest step (7.20).
  direction(g, memory) {
    const q = g.map((v) => -v);
    const rho = memory.map(({ s, y }) => 1 / dot(s, y));
    const alpha = memory.map(({ s, y }, i) => {
      const a = rho[i]! * dot(s, q);
      addTo(q, -a, y);
      return a;
    });
    const [newest] = memory;
    if (newest) scale(q, dot(newest.s, newest.y) / dot(newest.y, newest.y));
    for (let i = memory.length - 1; i >= 0; i--) {
      const { s, y } = memory[i]!;
      addTo(q, alpha[i]! - rho[i]! * dot(y, q), s);
    }
    return q;
  },
});

type Vector = Float32Array | Float64Array;

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addTo(a: Float64Array, factor: number, b: Vector): void {
  for (let i = 0; i < a.length; i++) a[i]! += factor * b[i]!;
}

function scale(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i]! *= factor;
}
