/** The nodes of a tree: while it grows, and as it is kept. */

/** While it grows: entry by entry a node, the root first, both children of a node side by side. */
export interface Nodes {
  /** Where its rows are in the sample. */
  readonly start: number[];
  readonly end: number[];
  readonly depth: number[];
  readonly weight: number[];
  readonly impurity: number[];
  /** How many columns are known to hold a single value in it. */
  readonly constants: number[];
  /** The left child, which the right one follows; 0 of a leaf. */
  readonly left: number[];
  readonly feature: number[];
  /** A row whose value is at most this goes left. */
  readonly threshold: number[];
}
export const noNodes = (): Nodes => ({
  start: [],
  end: [],
  depth: [],
  weight: [],
  impurity: [],
  constants: [],
  left: [],
  feature: [],
  threshold: [],
});

/** As it is kept: nodes in preorder, so that the left child of a node is the next one; leaves in that order too. */
export interface Tree {
  /** The column that a node reads; -1 of a leaf. */
  readonly features: Float32Array;
  readonly thresholds: Float32Array;
  /** The right child; 0 of a leaf. */
  readonly right: Float32Array;
  /** How many outputs a leaf has a value for, [leaves]. */
  readonly counts: Float32Array;
  /** These outputs, leaf after leaf. */
  readonly outputs: Float32Array;
  /** Share of the class, or mean of the values. */
  readonly values: Float32Array;
  /** The impurity that the splits by a column take away, adding up to 1: [features] */
  readonly importance: Float32Array;
}

/**
 * Cuts off what does not pay: the subtree that has the least impurity + pruning * leaves (Breiman et al., chapter 3), which is found leaves first
 * because it is that of both children, or neither.
 */
function prune({ left, weight, impurity }: Nodes, pruning: number): void {
  const cost = new Float64Array(left.length);
  for (let node = left.length - 1; node >= 0; node--) {
    const asLeaf = (weight[node]! * impurity[node]!) / weight[0]! + pruning;
    const below = left[node] ? cost[left[node]!]! + cost[left[node]! + 1]! : Number.POSITIVE_INFINITY;
    if (asLeaf <= below) left[node] = 0;
    cost[node] = Math.min(asLeaf, below);
  }
}

/** @param leaf says what rows give: outputs and their values */
export function flatten(
  nodes: Nodes,
  columns: number,
  pruning: number,
  leaf: (start: number, end: number, say: (output: number, value: number) => void) => void,
): Tree {
  if (pruning > 0) prune(nodes, pruning);
  const { left, weight, impurity } = nodes;
  const kept = { features: [] as number[], thresholds: [] as number[], right: [] as number[] };
  const leaves = { counts: [] as number[], outputs: [] as number[], values: [] as number[] };
  const importance = new Float64Array(columns);
  const say = (output: number, value: number) => {
    leaves.outputs.push(output);
    leaves.values.push(value);
  };
  const [open, parents] = [[0], [-1]]; // nodes to visit, and whose right child each is
  while (open.length) {
    const [node, parent, at] = [open.pop()!, parents.pop()!, kept.right.length];
    if (parent >= 0) kept.right[parent] = at;
    const child = left[node]!;
    kept.features.push(child ? nodes.feature[node]! : -1);
    kept.thresholds.push(child ? nodes.threshold[node]! : 0);
    kept.right.push(0);
    if (child) {
      open.push(child + 1, child);
      parents.push(at, -1);
      const decrease = weight[node]! * impurity[node]! - weight[child]! * impurity[child]! - weight[child + 1]! * impurity[child + 1]!;
      importance[nodes.feature[node]!]! += decrease;
    } else {
      const before = leaves.outputs.length;
      leaf(nodes.start[node]!, nodes.end[node]!, say);
      leaves.counts.push(leaves.outputs.length - before);
    }
  }
  const sum = importance.reduce((a, b) => a + b, 0);
  return {
    ...floats(kept),
    ...floats(leaves),
    importance: Float32Array.from(importance, (v) => (sum > 0 ? v / sum : 0)),
  };
}

const floats = <K extends string>(lists: Readonly<Record<K, readonly number[]>>) =>
  Object.fromEntries(Object.entries<readonly number[]>(lists).map(([name, list]) => [name, Float32Array.from(list)])) as Record<K, Float32Array>;
