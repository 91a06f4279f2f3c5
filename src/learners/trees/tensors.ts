/** Trees as tensors, as the graph that averages what they say, and what they say of columns. */
import type { Value } from "../../engine/graph.ts";
import { add, treeEnsemble } from "../../engine/ops.ts";
import { type GraphShape, type LearntTensors, tensorIn } from "../kinds.ts";
import type { Tree } from "./nodes.ts";

/** Lists of all trees one after the other, and how long that of each tree is: by `nodes`, or else by `leaves` or `entries`. */
const parts = ["features", "thresholds", "right", "counts", "outputs", "values"] as const;

export function toTensors(trees: readonly Tree[]): LearntTensors {
  const list = (data: Float32Array) => ({ shape: [data.length], data });
  const lengths = (part: "right" | "counts" | "values") => list(Float32Array.from(trees, (tree) => tree[part].length));
  const columns = trees[0]?.importance.length ?? 0;
  return new Map([
    ["nodes", lengths("right")],
    ["leaves", lengths("counts")],
    ["entries", lengths("values")],
    ...parts.map((part) => [part, list(joined(trees.map((tree) => tree[part])))] as const),
    ["importance", { shape: [trees.length, columns], data: joined(trees.map(({ importance }) => importance)) }],
  ]);
}

export function fromTensors(tensors: LearntTensors): Tree[] {
  const data = (name: string) => tensorIn(tensors, name).data;
  const [, columns] = tensorIn(tensors, "importance").shape;
  const lengths = { nodes: data("nodes"), leaves: data("leaves"), entries: data("entries") };
  const at = { nodes: 0, leaves: 0, entries: 0, importance: 0 };
  return Array.from(lengths.nodes, (_, tree) => {
    const take = (name: string, by: keyof typeof at, length: number) => data(name).slice(at[by], at[by] + length);
    const [nodes, leaves, entries] = [lengths.nodes[tree]!, lengths.leaves[tree]!, lengths.entries[tree]!];
    const taken = {
      features: take("features", "nodes", nodes),
      thresholds: take("thresholds", "nodes", nodes),
      right: take("right", "nodes", nodes),
      counts: take("counts", "leaves", leaves),
      outputs: take("outputs", "entries", entries),
      values: take("values", "entries", entries),
      importance: take("importance", "importance", columns!),
    };
    at.nodes += nodes;
    at.leaves += leaves;
    at.entries += entries;
    at.importance += columns!;
    return taken;
  });
}

function joined(lists: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

/** Nodes that stay in the cache of a processor. ONNX Runtime takes row after row through all trees of an op: few of them, and their nodes stay there. */
const NODES = 100_000;

/** The mean over the trees: x [batch, features] -> [batch, classes], or [batch, 1]. */
export function graphOf(x: Value, tensors: LearntTensors, { task, classes }: GraphShape): { output: Value } {
  const trees = fromTensors(tensors);
  const groups: Tree[][] = [[]];
  let nodes = 0;
  for (const tree of trees) {
    nodes += tree.right.length;
    if (nodes > NODES && groups.at(-1)!.length) {
      groups.push([]);
      nodes = tree.right.length;
    }
    groups.at(-1)!.push(tree);
  }
  const sums = groups.map((group) => sumOf(x, group, trees.length, task === "classification" ? classes : 1));
  return { output: sums.reduce((sum, more) => add(sum, more)) };
}

/** What these trees say, divided by `among`. */
function sumOf(x: Value, trees: readonly Tree[], among: number, targets: number): Value {
  const all = (part: (typeof parts)[number]) => joined(trees.map((tree) => tree[part]));
  const right = all("right");
  const ids = () => new Int32Array(right.length);
  const [treeIds, nodeIds, yes, no] = [ids(), ids(), ids(), ids()];
  let at = 0;
  for (const [id, tree] of trees.entries())
    for (let node = 0; node < tree.right.length; node++, at++) {
      treeIds[at] = id;
      nodeIds[at] = node;
      yes[at] = right[at]! && node + 1;
      no[at] = right[at]!;
    }
  return treeEnsemble(x, {
    treeIds,
    nodeIds,
    yes,
    no,
    features: Int32Array.from(all("features"), (f) => Math.max(f, 0)),
    thresholds: all("thresholds"),
    isLeaf: Uint8Array.from(right, (child) => Number(child === 0)),
    targets,
    values: all("values").map((value) => value / among),
    sparse: { counts: all("counts"), targets: all("outputs") },
  });
}

/** The mean of that of the trees, adding up to 1: [features] */
export function importanceOf(tensors: LearntTensors): Float32Array {
  const { shape, data } = tensorIn(tensors, "importance");
  const columns = shape[1]!;
  const sums = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) sums[i % columns]! += data[i]!;
  const total = sums.reduce((a, b) => a + b, 0);
  return Float32Array.from(sums, (sum) => (total > 0 ? sum / total : 0));
}
