/** Trees of boosting as tensors: nodes one tree after the other, children by their place in the tree, 0 for none. */
import type { LearntTensors } from "../../shared/events.ts";
import { tensorIn } from "../kinds.ts";
import type { Tree } from "./grow.ts";

const columns = ["features", "thresholds", "left", "right", "values"] as const;

export function toTensors(trees: readonly Tree[], baseline: Float32Array, width: number, features: number): LearntTensors {
  const nodes = trees.reduce((sum, { left }) => sum + left.length, 0);
  const vector = (of: (tree: Tree) => ArrayLike<number>) => {
    const data = new Float32Array(nodes);
    let at = 0;
    for (const tree of trees) {
      data.set(of(tree), at);
      at += tree.left.length;
    }
    return { shape: [nodes], data };
  };
  const starts = new Float32Array(trees.length);
  const importance = new Float64Array(features);
  let at = 0;
  for (const [t, { left, gains, features: of }] of trees.entries()) {
    starts[t] = at;
    at += left.length;
    for (let node = 0; node < left.length; node++) if (left[node]) importance[of[node]!]! += gains[node]!;
  }
  return new Map([
    ["baseline", { shape: [width], data: baseline }],
    ["tree_starts", { shape: [trees.length], data: starts }],
    ...columns.map((name) => [name, vector((tree) => tree[name])] as const),
    ["missing_left", vector((tree) => tree.missingLeft)],
    ["gains", vector((tree) => tree.gains)],
    ["importance", { shape: [features], data: Float32Array.from(importance) }],
  ]);
}

/** @param cuts the thresholds of each feature's bins, by which the bin of a node is found again */
export function fromTensors(tensors: LearntTensors, cuts: readonly Float32Array[]): Tree[] {
  const of = (name: string) => tensorIn(tensors, name).data;
  const starts = of("tree_starts");
  const nodes = of("left").length;
  return Array.from(starts, (start, t): Tree => {
    const part = (name: string) => of(name).subarray(start, starts[t + 1] ?? nodes);
    const [features, thresholds, left] = [Int32Array.from(part("features")), part("thresholds").slice(), Int32Array.from(part("left"))];
    const bins = Uint8Array.from(thresholds, (threshold, node) => {
      if (!left[node]) return 0;
      const place = cuts[features[node]!]!.indexOf(threshold);
      return place < 0 ? cuts[features[node]!]!.length : place;
    });
    return {
      features,
      bins,
      thresholds,
      left,
      right: Int32Array.from(part("right")),
      missingLeft: Uint8Array.from(part("missing_left")),
      values: part("values").slice(),
      gains: part("gains").slice(),
    };
  });
}
