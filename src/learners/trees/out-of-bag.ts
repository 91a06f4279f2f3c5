/** How well a forest does on rows that it has not seen: each is predicted by the trees that did not draw it. */
import type { FitData } from "../kinds.ts";
import { drawn, type Plan } from "./grow.ts";
import type { Tree } from "./nodes.ts";

/** As scikit-learn's oob_score_: the accuracy, or the R², over the rows that any tree left out. Yields in between. */
export function* outOfBag(data: FitData, plan: Plan, trees: readonly Tree[]): Generator<void, Record<string, number>> {
  const outputs = plan.classes || 1;
  const [sums, voters] = [new Float64Array(data.count * outputs), new Int32Array(data.count)];
  for (const [number, tree] of trees.entries()) {
    vote(data, tree, drawn(plan, number), outputs, sums, voters);
    yield;
  }
  return plan.classes ? { oob_accuracy: accuracy(data, sums, voters, outputs) } : { oob_r2: r2(data, sums, voters) };
}

function vote({ inputs, features, count }: FitData, tree: Tree, times: Int32Array, outputs: number, sums: Float64Array, voters: Int32Array): void {
  const leaves = firstEntries(tree);
  for (let row = 0; row < count; row++) {
    if (times[row]) continue;
    let node = 0;
    while (tree.right[node]) node = inputs[row * features + tree.features[node]!]! <= tree.thresholds[node]! ? node + 1 : tree.right[node]!;
    for (let at = leaves.first[node]!; at < leaves.end[node]!; at++) sums[row * outputs + tree.outputs[at]!]! += tree.values[at]!;
    voters[row]!++;
  }
}

/** Where the entries of each leaf are, by node. */
function firstEntries({ right, counts }: Tree): { first: Int32Array; end: Int32Array } {
  const [first, end] = [new Int32Array(right.length), new Int32Array(right.length)];
  for (let node = 0, leaf = 0, at = 0; node < right.length; node++)
    if (!right[node]) {
      first[node] = at;
      at += counts[leaf++]!;
      end[node] = at;
    }
  return { first, end };
}

function accuracy({ targets }: FitData, sums: Float64Array, voters: Int32Array, outputs: number): number {
  let [right, rows] = [0, 0];
  for (let row = 0; row < voters.length; row++) {
    if (!voters[row]) continue;
    let best = 0;
    for (let c = 1; c < outputs; c++) if (sums[row * outputs + c]! > sums[row * outputs + best]!) best = c;
    rows++;
    right += Number(best === targets[row]);
  }
  return right / rows;
}

function r2({ targets }: FitData, sums: Float64Array, voters: Int32Array): number {
  const rows = Array.from(voters.keys()).filter((row) => voters[row]);
  const mean = rows.reduce((sum, row) => sum + targets[row]!, 0) / rows.length;
  const [error, spread] = [(row: number) => sums[row]! / voters[row]! - targets[row]!, (row: number) => targets[row]! - mean].map((off) =>
    rows.reduce((sum, row) => sum + off(row) ** 2, 0),
  ) as [number, number];
  return 1 - error / spread;
}
