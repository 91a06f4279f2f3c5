/** Grows one tree (CART): L. Breiman, J. Friedman, C. Stone, R. Olshen, "Classification and Regression Trees", 1984. Runs in threads. */
import { random } from "../../shared/random.ts";
import type { Column } from "./columns.ts";
import { type Criterion, classCriterion, type Limits, numberCriterion, type Sample } from "./criteria.ts";
import { heap } from "./heap.ts";
import { type Near, nearness } from "./near.ts";
import { flatten, type Nodes, noNodes, type Tree } from "./nodes.ts";
import { type Search, searcher } from "./search.ts";
import { sorter } from "./sort.ts";

/** All that settles the trees: shared with every thread. */
export interface Plan {
  readonly columns: readonly Column[];
  readonly count: number;
  /** Class indices, or values. */
  readonly targets: Int32Array | Float32Array;
  /** [count]; absent where all count 1. */
  readonly weights?: Float64Array;
  /** How many; 0 where targets are values. */
  readonly classes: number;
  readonly seed: number;
  readonly entropy: boolean;
  /** Whether one random cut of a column is tried, rather than all. */
  readonly randomCuts: boolean;
  readonly maxDepth: number;
  readonly minSplit: number;
  readonly minLeaf: number;
  /** Of the weights of all rows. */
  readonly minWeight: number;
  readonly maxFeatures: number;
  /** Then the leaf that gains the most is split first. Infinity: in depth first. */
  readonly maxLeaves: number;
  readonly minDecrease: number;
  readonly pruning: number;
  /** How many rows a tree draws, with replacement; 0 where it learns from all. */
  readonly draws: number;
}

/** What rounding leaves of nothing. */
const EPSILON = 2 ** -52;

/** How often each row was drawn for a tree, [count]. */
export function drawn({ seed, count, draws }: Pick<Plan, "seed" | "count" | "draws">, tree: number): Int32Array {
  const { below } = random(seed, "rows", tree);
  const times = new Int32Array(count);
  for (let i = 0; i < draws; i++) times[below(count)]!++;
  return times;
}

/** What grows the tree of a number, from that number and the plan alone. */
export function grower(plan: Plan): (tree: number) => Tree {
  const { columns, count, classes } = plan;
  const sample: Sample = {
    size: 0,
    rows: new Int32Array(count),
    weights: new Float64Array(count),
    targets: classes ? new Int32Array(count) : new Float64Array(count),
  };
  const limits: Limits = { rows: plan.minLeaf, weight: 0 };
  const criterion = classes ? classCriterion(sample, classes, plan.entropy, limits) : numberCriterion(sample, limits);
  const [sorting, part] = [sorter(count), parter(sample)];
  const near = nearness(columns, sample.rows, plan.maxLeaves === Number.POSITIVE_INFINITY && 4 * plan.maxFeatures >= columns.length);
  return (tree) => {
    limits.weight = plan.minWeight * fill(sample, plan, tree);
    const search = searcher(columns, sample.rows, criterion, sorting, random(plan.seed, "tree", tree), plan);
    near.reset();
    return flatten(grown(plan, sample.size, criterion, limits, search, part, near), columns.length, plan.pruning, criterion.leaf);
  };
}

/** The rows that a tree learns from: drawn ones, of a weight above 0. @returns the sum of their weights */
function fill(sample: Sample, plan: Plan, tree: number): number {
  const times = plan.draws ? drawn(plan, tree) : undefined;
  let size = 0;
  let total = 0;
  for (let row = 0; row < plan.count; row++) {
    const weight = (times ? times[row]! : 1) * (plan.weights ? plan.weights[row]! : 1);
    if (!(weight > 0)) continue;
    sample.rows[size] = row;
    sample.weights[size] = weight;
    sample.targets[size++] = plan.targets[row]!;
    total += weight;
  }
  sample.size = size;
  return total;
}

/** Moves the rows of a node whose code is at most `last` to its front, all in their order. @returns where the others start */
type Part = (start: number, end: number, codes: Column["codes"], last: number) => number;

function parter({ rows, weights, targets }: Sample): Part {
  const spare = { rows: rows.slice(), weights: weights.slice(), targets: targets.slice() };
  return (start, end, codes, last) => {
    let left = start;
    let right = 0;
    for (let i = start; i < end; i++) {
      const row = rows[i]!;
      if (codes[row]! <= last) {
        rows[left] = row;
        weights[left] = weights[i]!;
        targets[left++] = targets[i]!;
      } else {
        spare.rows[right] = row;
        spare.weights[right] = weights[i]!;
        spare.targets[right++] = targets[i]!;
      }
    }
    for (let i = 0; i < right; i++) {
      rows[left + i] = spare.rows[i]!;
      weights[left + i] = spare.weights[i]!;
      targets[left + i] = spare.targets[i]!;
    }
    return left;
  };
}

function grown(plan: Plan, size: number, criterion: Criterion, limits: Limits, search: Search, part: Part, near: Near): Nodes {
  const nodes = noNodes();
  const { start, end, depth, weight, impurity, constants, left } = nodes;
  const bestFirst = plan.maxLeaves < Number.POSITIVE_INFINITY;

  function add(from: number, to: number, level: number, known: number): void {
    criterion.enter(from, to);
    start.push(from);
    end.push(to);
    depth.push(level);
    weight.push(criterion.weight);
    impurity.push(criterion.impurity);
    constants.push(bestFirst ? 0 : known); // what was known is only kept while the tree grows in depth
    left.push(0);
    nodes.feature.push(0);
    nodes.threshold.push(0);
  }

  /** What the split of a node into two takes away of the impurity of the tree; -1 where it stays whole. */
  function split(node: number): number {
    const [from, to] = [start[node]!, end[node]!];
    if (depth[node]! >= plan.maxDepth || to - from < Math.max(plan.minSplit, 2 * limits.rows)) return -1;
    if (weight[node]! < 2 * limits.weight || impurity[node]! <= EPSILON) return -1;
    criterion.enter(from, to);
    const columns = near.columnsFor(from, to);
    const known = search.run(columns, from, to, constants[node]!);
    const { feature, score, last, threshold } = search.best;
    if (score === Number.NEGATIVE_INFINITY) return -1;
    const middle = part(from, to, columns[feature]!.codes, last);
    const child = left.length;
    add(from, middle, depth[node]! + 1, known);
    add(middle, to, depth[node]! + 1, known);
    const remains = weight[child]! * impurity[child]! + weight[child + 1]! * impurity[child + 1]!;
    const decrease = (weight[node]! * impurity[node]! - remains) / weight[0]!;
    if (decrease + EPSILON < plan.minDecrease) {
      for (const list of Object.values(nodes)) list.length = child;
      return -1;
    }
    left[node] = child;
    nodes.feature[node] = feature;
    nodes.threshold[node] = threshold;
    return Math.max(decrease, 0);
  }

  function inDepth(): void {
    for (const open = [0]; open.length; ) {
      const node = open.pop()!;
      if (split(node) >= 0) open.push(left[node]! + 1, left[node]!);
    }
  }

  /** Every open node is split already; those that are left in the end become leaves again. */
  function byDecrease(): void {
    const open = heap();
    const offer = (node: number) => {
      const decrease = split(node);
      if (decrease >= 0) open.push(node, decrease);
    };
    offer(0);
    for (let leaves = 1; leaves < plan.maxLeaves && open.items.length; leaves++) {
      const child = left[open.pop()]!;
      offer(child);
      offer(child + 1);
    }
    for (const node of open.items) left[node] = 0;
  }

  add(0, size, 0, 0);
  if (bestFirst) byDecrease();
  else inDepth();
  return nodes;
}
