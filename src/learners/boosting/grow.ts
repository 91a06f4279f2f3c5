/** One tree on gradients: grown best leaf first, each split sought among bins. Formulas: Chen and Guestrin 2016 (XGBoost), as scikit-learn's TreeGrower. */
import type { Random } from "../../shared/random.ts";
import { type Bins, MISSING } from "./bins.ts";

export interface GrowOptions {
  readonly maxLeafNodes: number;
  readonly maxDepth: number;
  readonly minSamplesLeaf: number;
  readonly l2Regularization: number;
  /** Share of the features that each split looks at. */
  readonly maxFeatures: number;
  readonly learningRate: number;
}

/** Nodes in the order of their making, the root first; of a leaf `left` and `right` are 0. */
export interface Tree {
  readonly features: Int32Array;
  /** The last bin that goes left. */
  readonly bins: Uint8Array;
  readonly thresholds: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly missingLeft: Uint8Array;
  /** What a leaf adds, shrunk. */
  readonly values: Float32Array;
  readonly gains: Float32Array;
}

interface Split {
  readonly gain: number;
  readonly feature: number;
  readonly bin: number;
  readonly missingLeft: boolean;
  /** Sums of what goes left. */
  readonly gradient: number;
  readonly hessian: number;
}
interface Leaf {
  readonly node: number;
  readonly depth: number;
  /** Its rows lie from here to there in the partition. */
  readonly from: number;
  readonly to: number;
  readonly gradient: number;
  readonly hessian: number;
  readonly histogram?: Float64Array;
  readonly split?: Split;
}

const BINS = 256;
const MIN_HESSIAN = 1e-3;
/** Of a bin: gradient, hessian, rows. */
const CELL = 3;
/** Rows whose gradients stay in the nearest cache while all features are gone through. */
const BLOCK = 2048;

/** Grows trees of one forest of bins, reusing its memory. */
export class Grower {
  readonly #bins: Bins;
  readonly #count: number;
  readonly #features: number;
  /** Where the cells of each feature begin in a histogram, and where those of the last one end. */
  readonly #cells: Int32Array;
  readonly #free: Float64Array[] = [];
  readonly #partition: Int32Array;
  readonly #aside: Int32Array;
  /** Of the rows of a block, in turn gradient and hessian. */
  readonly #block = new Float64Array(2 * BLOCK);
  /** Of each code whether its rows go left, for the split at hand. */
  readonly #goesLeft = new Uint8Array(BINS);
  /** Of the tree that was grown last. */
  #leaves: readonly Leaf[] = [];

  /** @param rows that trees learn from, at most */
  constructor(bins: Bins, count: number, rows: number) {
    this.#bins = bins;
    this.#count = count;
    this.#features = bins.thresholds.length;
    this.#cells = new Int32Array(this.#features + 1);
    for (const [f, cuts] of bins.thresholds.entries()) this.#cells[f + 1] = this.#cells[f]! + CELL * (bins.gaps[f] ? BINS : cuts.length + 1);
    this.#partition = new Int32Array(rows);
    this.#aside = new Int32Array(rows);
  }

  /** @param g gradients and @param h hessians of all rows, of which `rows` are learnt from */
  grow(rows: Int32Array, g: Float64Array, h: Float64Array, options: GrowOptions, draw: Random): Tree {
    this.#partition.set(rows);
    const tree = new Nodes();
    const root = { node: tree.add(), depth: 0, from: 0, to: rows.length, gradient: sumOf(g, rows), hessian: sumOf(h, rows) };
    let leaves = [this.#sought(root, this.#histogram(root, g, h), options, draw)];
    for (let count = 1; leaves.length && (!options.maxLeafNodes || count < options.maxLeafNodes); count++) {
      const best = leaves.reduce((a, b) => ((b.split?.gain ?? 0) > (a.split?.gain ?? 0) ? b : a));
      if (!best.split) break;
      leaves = leaves.filter((leaf) => leaf !== best);
      leaves.push(...this.#divide(best, best.split, tree, g, h, options, draw));
    }
    for (const leaf of leaves) {
      if (leaf.histogram) this.#free.push(leaf.histogram);
      tree.values[leaf.node] = Math.fround((-leaf.gradient / (leaf.hessian + options.l2Regularization + 1e-15)) * options.learningRate);
    }
    this.#leaves = leaves;
    return tree.finished();
  }

  /** Adds what the tree that was grown last says to each of the rows that it learnt from. @param out [count] */
  add({ values }: Tree, out: Float64Array): void {
    for (const { node, from, to } of this.#leaves) addTo(out, this.#partition, from, to, values[node]!);
  }

  /** A leaf with the best way to split it, if there is one worth it. */
  #sought(leaf: Leaf, histogram: Float64Array, options: GrowOptions, draw: Random): Leaf {
    const rows = leaf.to - leaf.from;
    const final = (options.maxDepth > 0 && leaf.depth >= options.maxDepth) || rows < 2 * options.minSamplesLeaf || leaf.hessian < MIN_HESSIAN;
    const split = final ? undefined : this.#best(leaf, histogram, options, draw);
    if (split) return { ...leaf, histogram, split };
    this.#free.push(histogram);
    return leaf;
  }

  #divide(parent: Leaf, split: Split, tree: Nodes, g: Float64Array, h: Float64Array, options: GrowOptions, draw: Random): Leaf[] {
    const { feature, bin, missingLeft } = split;
    const goesLeft = this.#goesLeft.fill(0).fill(1, 0, bin + 1);
    goesLeft[MISSING] = Number(missingLeft);
    const middle = divided(this.#partition, this.#aside, parent.from, parent.to, this.#bins.codes, feature * this.#count, goesLeft);
    const [left, right] = [tree.add(), tree.add()];
    const threshold = this.#bins.thresholds[feature]![bin] ?? Number.POSITIVE_INFINITY;
    tree.split(parent.node, { ...split, threshold, left, right });
    const depth = parent.depth + 1;
    const one: Leaf = { node: left, depth, from: parent.from, to: middle, gradient: split.gradient, hessian: split.hessian };
    const other: Leaf = {
      node: right,
      depth,
      from: middle,
      to: parent.to,
      gradient: parent.gradient - split.gradient,
      hessian: parent.hessian - split.hessian,
    };
    // The histogram of the larger child is what the smaller one leaves of the parent's.
    const small = one.to - one.from < other.to - other.from ? one : other;
    const ofSmall = this.#histogram(small, g, h);
    const ofLarge = parent.histogram!;
    subtract(ofLarge, ofSmall);
    const [a, b] = small === one ? [ofSmall, ofLarge] : [ofLarge, ofSmall];
    return [this.#sought(one, a, options, draw), this.#sought(other, b, options, draw)];
  }

  #histogram({ from, to }: Leaf, g: Float64Array, h: Float64Array): Float64Array {
    const histogram = this.#free.pop()?.fill(0) ?? new Float64Array(this.#cells[this.#features]!);
    const [rows, cells, { codes }, count, block] = [this.#partition, this.#cells, this.#bins, this.#count, this.#block];
    for (let start = from; start < to; start += BLOCK) {
      const end = Math.min(start + BLOCK, to);
      inTurn(g, h, rows, start, end, block);
      let f = 0;
      for (; f + 4 <= this.#features; f += 4) countFour(histogram, cells, codes, count, f, rows, start, end, block);
      for (; f < this.#features; f++) countOne(histogram, cells, codes, count, f, rows, start, end, block);
    }
    return histogram;
  }

  #best(leaf: Leaf, histogram: Float64Array, { minSamplesLeaf, l2Regularization: l2, maxFeatures }: GrowOptions, draw: Random): Split | undefined {
    const { gradient, hessian } = leaf;
    const rows = leaf.to - leaf.from;
    const whole = gradient ** 2 / (hessian + l2 + 1e-15);
    let best: Split | undefined;
    let gain = 0;
    const features =
      maxFeatures < 1
        ? draw
            .permutation(this.#features)
            .subarray(0, Math.max(1, Math.round(maxFeatures * this.#features)))
            .sort()
        : undefined;
    for (let j = 0; j < (features?.length ?? this.#features); j++) {
      const feature = features ? features[j]! : j;
      const at = this.#cells[feature]!;
      const cuts = this.#bins.thresholds[feature]!.length;
      const gaps = this.#bins.gaps[feature] ? [false, true] : [false];
      for (const missingLeft of gaps) {
        // From the left, missing values on the right; then from the right, missing values on the left: of equal splits the first that is met counts.
        let [sg, sh, sn] = [0, 0, 0];
        const last = gaps.length > 1 && !missingLeft ? cuts : cuts - 1;
        for (let i = 0; i <= last; i++) {
          const bin = missingLeft ? cuts - 1 - i : i;
          const cell = at + (missingLeft ? bin + 1 : bin) * CELL;
          sg += histogram[cell]!;
          sh += histogram[cell + 1]!;
          sn += histogram[cell + 2]!;
          if (sn < minSamplesLeaf || sh < MIN_HESSIAN) continue;
          const [og, oh] = [gradient - sg, hessian - sh];
          if (rows - sn < minSamplesLeaf || oh < MIN_HESSIAN) break;
          const found = sg ** 2 / (sh + l2 + 1e-15) + og ** 2 / (oh + l2 + 1e-15) - whole;
          if (found > gain) {
            gain = found;
            const [lg, lh] = missingLeft ? [og, oh] : [sg, sh];
            best = { gain, feature, bin, missingLeft, gradient: lg, hessian: lh };
          }
        }
      }
    }
    return best;
  }
}

// Each hot loop is a function of its own, which V8 compiles once and for all.

function sumOf(values: Float64Array, rows: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) sum += values[rows[i]!]!;
  return sum;
}

function addTo(out: Float64Array, rows: Int32Array, from: number, to: number, value: number): void {
  for (let i = from; i < to; i++) out[rows[i]!]! += value;
}

function subtract(from: Float64Array, what: Float64Array): void {
  for (let i = 0; i < from.length; i++) from[i]! -= what[i]!;
}

/** Moves the rows that go left to the front, all in their order. @param base the first code of the feature @returns where the others begin */
function divided(rows: Int32Array, aside: Int32Array, from: number, to: number, codes: Uint8Array, base: number, goesLeft: Uint8Array): number {
  let middle = from;
  let others = 0;
  for (let i = from; i < to; i++) {
    const row = rows[i]!;
    const left = goesLeft[codes[base + row]!]!;
    rows[middle] = row; // counted rather than branched on: which side is as good as random
    aside[others] = row;
    middle += left;
    others += 1 - left;
  }
  rows.set(aside.subarray(0, others), middle);
  return middle;
}

function inTurn(g: Float64Array, h: Float64Array, rows: Int32Array, start: number, end: number, to: Float64Array): void {
  for (let i = start, j = 0; i < end; i++) {
    const row = rows[i]!;
    to[j++] = g[row]!;
    to[j++] = h[row]!;
  }
}

/**
 * Adds rows to the bins of four features, whose sums do not wait for each other.
 * @param cells where the cells of each feature begin @param codes [features, count] @param first of the features
 * @param gh gradients and hessians of these rows
 */
function countFour(
  histogram: Float64Array,
  cells: Int32Array,
  codes: Uint8Array,
  count: number,
  first: number,
  rows: Int32Array,
  start: number,
  end: number,
  gh: Float64Array,
): void {
  const [cellA, cellB, cellC, cellD] = [cells[first]!, cells[first + 1]!, cells[first + 2]!, cells[first + 3]!];
  const codeA = first * count;
  const codeB = codeA + count;
  const codeC = codeB + count;
  const codeD = codeC + count;
  for (let i = start, j = 0; i < end; i++, j += 2) {
    const row = rows[i]!;
    const [g, h] = [gh[j]!, gh[j + 1]!];
    const a = cellA + CELL * codes[codeA + row]!;
    const b = cellB + CELL * codes[codeB + row]!;
    const c = cellC + CELL * codes[codeC + row]!;
    const d = cellD + CELL * codes[codeD + row]!;
    histogram[a]! += g;
    histogram[a + 1]! += h;
    histogram[a + 2]! += 1;
    histogram[b]! += g;
    histogram[b + 1]! += h;
    histogram[b + 2]! += 1;
    histogram[c]! += g;
    histogram[c + 1]! += h;
    histogram[c + 2]! += 1;
    histogram[d]! += g;
    histogram[d + 1]! += h;
    histogram[d + 2]! += 1;
  }
}

function countOne(
  histogram: Float64Array,
  cells: Int32Array,
  codes: Uint8Array,
  count: number,
  feature: number,
  rows: Int32Array,
  start: number,
  end: number,
  gh: Float64Array,
): void {
  for (let i = start, j = 0; i < end; i++, j += 2) {
    const cell = cells[feature]! + CELL * codes[feature * count + rows[i]!]!;
    histogram[cell]! += gh[j]!;
    histogram[cell + 1]! += gh[j + 1]!;
    histogram[cell + 2]! += 1;
  }
}

class Nodes {
  readonly #features: number[] = [];
  readonly #bins: number[] = [];
  readonly #thresholds: number[] = [];
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #missingLeft: number[] = [];
  readonly #gains: number[] = [];
  readonly values: number[] = [];

  add(): number {
    for (const list of [this.#features, this.#bins, this.#thresholds, this.#left, this.#right, this.#missingLeft, this.#gains, this.values])
      list.push(0);
    return this.values.length - 1;
  }

  split(node: number, found: Split & { readonly threshold: number; readonly left: number; readonly right: number }): void {
    this.#features[node] = found.feature;
    this.#bins[node] = found.bin;
    this.#thresholds[node] = found.threshold;
    this.#left[node] = found.left;
    this.#right[node] = found.right;
    this.#missingLeft[node] = Number(found.missingLeft);
    this.#gains[node] = found.gain;
  }

  finished(): Tree {
    return {
      features: Int32Array.from(this.#features),
      bins: Uint8Array.from(this.#bins),
      thresholds: Float32Array.from(this.#thresholds),
      left: Int32Array.from(this.#left),
      right: Int32Array.from(this.#right),
      missingLeft: Uint8Array.from(this.#missingLeft),
      values: Float32Array.from(this.values),
      gains: Float32Array.from(this.#gains),
    };
  }
}

/** Adds what a tree says to each of some rows. @param out [count] */
export function addTree(tree: Tree, { codes }: Bins, count: number, rows: Int32Array, out: Float64Array): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    out[row]! += tree.values[leafOf(tree, codes, count, row)]!;
  }
}

function leafOf({ features, bins, left, right, missingLeft }: Tree, codes: Uint8Array, count: number, row: number): number {
  let node = 0;
  while (left[node]) {
    const code = codes[features[node]! * count + row]!;
    node = (code === MISSING ? missingLeft[node] : code <= bins[node]!) ? left[node]! : right[node]!;
  }
  return node;
}
