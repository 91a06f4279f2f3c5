/** k nearest neighbours: nothing is learnt but the rows themselves; the graph measures the distance of a row to every one of them. */
import { constant, type Value } from "../../engine/graph.ts";
import { add, cast, div, equal, gather, greater, matmul, max, mul, reduceMax, reduceSum, reshape, sqrt, sub, topK, where } from "../../engine/ops.ts";
import { choice, classWeights, integer } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";
import { learner, tensorIn } from "../kinds.ts";

/** Below this share of the largest squared distance float32 cannot tell a distance from none: the sum of three terms of that size rounds off so much. */
const TINY = 2 ** -20;

export const kNearestNeighbours = learner({
  id: "k-nearest-neighbours",
  title: "k nearest neighbours",
  summary: "Asks the training rows that are closest (Euclidean distance), which the model keeps all of. Scale the features first.",
  reference: "https://scikit-learn.org/stable/modules/neighbors.html",
  tasks: ["classification", "regression"],
  unit: "passes",
  reads: "scaled",
  missing: false,
  params: {
    nNeighbors: integer({ default: 5, min: 1, help: "How many of the closest rows are asked." }),
    weights: choice({
      default: "uniform",
      options: ["uniform", "distance"],
      help: "Whether all that are asked count alike, or the closer ones more: by one over the distance; a row at no distance then counts alone.",
    }),
    classWeight: classWeights({ default: "none", help: "How much a row of each class counts when it is asked." }),
  },
  gives: () => "probabilities",
  async *fit({ inputs, targets, labels, weights, count, features }, { nNeighbors }) {
    yield { done: 0, total: 1 };
    // A row without weight is none.
    const kept = Int32Array.from({ length: count }, (_, row) => row).filter((row) => weights?.[row] !== 0);
    if (nNeighbors > kept.length)
      throw fail("UNFIT_DATA", {
        what: 'model "k-nearest-neighbours"',
        problem: `nNeighbors is ${nNeighbors}, but there are ${kept.length} rows to learn from`,
        fix: `Choose at most ${kept.length}, or bring more rows.`,
      });
    // Centred, so that |a|² - 2ab + |b|² loses as little as it can in float32.
    const centre = new Float64Array(features);
    for (const row of kept) for (let f = 0; f < features; f++) centre[f]! += inputs[row * features + f]! / kept.length;
    const rows = new Float32Array(kept.length * features);
    for (const [at, row] of kept.entries())
      for (let f = 0; f < features; f++) rows[at * features + f] = inputs[row * features + f]! - Math.fround(centre[f]!);
    // [rows, classes] with the weight at the class, or [rows, 2]: weight times value, weight.
    const width = labels.length || 2;
    const votes = new Float32Array(kept.length * width);
    for (const [at, row] of kept.entries()) {
      const weight = weights?.[row] ?? 1;
      if (labels.length) votes[at * width + targets[row]!] = weight;
      else votes.set([weight * targets[row]!, weight], at * width);
    }
    const tensors = new Map([
      ["centre", { shape: [features], data: Float32Array.from(centre) }],
      ["rows", { shape: [kept.length, features], data: rows }],
      ["votes", { shape: [kept.length, width], data: votes }],
    ]);
    return { tensors };
  },

  /** Memory: a batch of b rows takes 8 b n bytes for the distances to n rows. */
  graph(x, tensors, { task }, { nNeighbors, weights }) {
    const fixed = (name: string) => constant({ dtype: "float32", ...tensorIn(tensors, name) });
    const { shape, data } = tensorIn(tensors, "rows");
    const [count, features] = shape as [number, number];
    const norms = new Float32Array(count);
    for (let row = 0; row < count; row++) {
      let sum = 0;
      for (let f = 0; f < features; f++) sum += data[row * features + f]! ** 2;
      norms[row] = sum;
    }
    const centred = sub(x, fixed("centre"));
    const own = reduceSum(mul(centred, centred), [1], { keep: true }); // [batch, 1]
    const others = constant({ dtype: "float32", shape: [1, count], data: norms });
    const squares = add(sub(others, mul(matmul(centred, fixed("rows"), { tB: true }), 2)), own); // [batch, count]
    const [nearest, places] = topK(squares, nNeighbors, { largest: false }); // [batch, k]
    const scale = max(own, Math.max(...norms));
    const weighed = weights === "uniform" ? undefined : inverse(where(greater(nearest, mul(scale, TINY)), nearest, 0));
    const asked = gather(fixed("votes"), places); // [batch, k, width]
    const votes = weighed ? mul(asked, reshape(weighed, ["batch", nNeighbors, 1])) : asked;
    const sums = reduceSum(votes, [1]); // [batch, width]
    if (task === "regression") {
      const [values, total] = [column(sums, 0), column(sums, 1)];
      return { output: div(values, total) };
    }
    return { output: div(sums, reduceSum(sums, [1], { keep: true })) };
  },
});

const column = (x: Value, i: number): Value =>
  reshape(gather(x, constant({ dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(i)) }), 1), ["batch", 1]);

/** One over the distance; where some are 0, those count 1 and the others nothing. */
function inverse(squares: Value): Value {
  const none = cast(equal(squares, 0), "float32");
  const any = reduceMax(none, [1], { keep: true }); // [batch, 1]
  return where(greater(any, 0), none, div(1, sqrt(where(greater(squares, 0), squares, 1))));
}
