/** Reverse-mode differentiation: the walk that applies `gradients.ts`. It alone knows order, accumulation, un-broadcasting and pruning. */
import { fail } from "../shared/errors.ts";
import { gradients, type Rule, type Stop } from "./gradients.ts";
import { inScope, known, type Node, sameShape, scalar, type Value, type ValueOfEach } from "./graph.ts";
import { add, expand, type Op, reduceSum, reshape } from "./ops.ts";

/**
 * The gradient of a scalar loss with respect to values of the same graph; zeros where the loss does not depend on one.
 * @param loss shape []
 * @returns one value per entry of `wrt`, of its shape and dtype
 * @example const [dw] = backward(loss, [w]);
 */
export function backward<const W extends readonly Value[]>(loss: Value, wrt: W): ValueOfEach<W> {
  const needed = dependents(loss, wrt);
  const sums = new Map<Value, Value>([[loss, scalar(1, loss.dtype, known(loss.shape))]]);
  // Inputs are always older than the node that reads them, so descending ids are a reverse topological order.
  for (const node of [...needed].sort((a, b) => b.id - a.id)) {
    if (!reads(node).some((v) => needed.has(v.node)) || !node.outputs.some((v) => sums.has(v))) continue;
    for (const [i, g] of inScope(`${node.scope}.gradient`, () => inputGradients(node, sums)).entries()) {
      const x = node.inputs[i];
      if (!x || !g || !needed.has(x.node)) continue;
      const part = inScope(`${node.scope}.gradient`, () => unbroadcast(g, x));
      const sum = sums.get(x);
      sums.set(x, sum ? add(sum, part) : part);
    }
  }
  return wrt.map((v) => whole(sums.get(v), v)) as never;
}

/** The nodes between `wrt` and the loss: only they need a gradient. */
function dependents(loss: Value, wrt: readonly Value[]): Set<Node> {
  const targets = new Set(wrt.map((v) => v.node));
  const memo = new Map<Node, boolean>();
  const depends = (node: Node): boolean => {
    const seen = memo.get(node);
    if (seen !== undefined) return seen;
    const answer =
      reads(node)
        .map((v) => depends(v.node))
        .some(Boolean) || targets.has(node);
    memo.set(node, answer);
    return answer;
  };
  depends(loss.node);
  return new Set([...memo].filter(([, yes]) => yes).map(([node]) => node));
}

/** What a node reads: its inputs, and for a loop also what its body takes from outside. */
const reads = (node: Node): readonly Value[] => [...node.inputs, ...(node.loop?.results ?? [])];

function inputGradients(node: Node, sums: ReadonlyMap<Value, Value>): readonly (Value | undefined)[] {
  if (node.kind === "Loop") throw fail("NO_GRADIENT", { op: "Loop", why: "differentiate inside its body" });
  const rule = gradients[node.kind as Op] as Rule | Stop;
  if ("stops" in rule) throw fail("NO_GRADIENT", { op: node.kind, why: rule.stops });
  const { dtype } = node.outputs[0]!;
  if (dtype !== "float32" && dtype !== "float64") throw fail("NO_GRADIENT", { op: node.kind, why: `its output is ${dtype}, not a quantity` });
  const upstream = node.outputs.map((v) => whole(sums.get(v), v));
  const result = rule(upstream[0]!, node.outputs[0]!, node.inputs as never, {
    attributes: node.attributes,
    outputs: node.outputs,
    gradients: upstream,
  });
  if (result.length < node.inputs.length)
    throw fail("INTERNAL", { detail: `the rule of ${node.kind} gives ${result.length} gradients for ${node.inputs.length} inputs` });
  return result;
}

/** A sum of gradients in the shape of its value: zeros where nothing came, stretched where all that came was alike along some axes. */
function whole(sum: Value | undefined, v: Value): Value {
  if (!sum) return scalar(0, v.dtype, known(v.shape));
  return sameShape(sum.shape, v.shape) ? sum : expand(sum, known(v.shape));
}

/**
 * Broadcasting copied x along some axes; its gradient sums over the copies, inner axes first (contiguous, so fast).
 * Where g itself is of length 1 along an axis of x it may stay so: adding it to others stretches it in passing.
 */
function unbroadcast(g: Value, x: Value): Value {
  const extra = g.shape.length - x.shape.length;
  const copied = g.shape.flatMap((d, i) => (i < extra || (x.shape[i - extra] === 1 && d !== 1) ? [i] : []));
  if (!copied.length) return g;
  const leading = copied.filter((axis, i) => axis === i);
  const trailing = copied.slice(leading.length);
  const sum = reduceSum(reduceSum(g, trailing, { keep: true }), leading, { keep: true });
  return reshape(sum, sum.shape.slice(Math.max(0, extra)));
}
