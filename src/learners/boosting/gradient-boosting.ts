/** Gradient boosting on histograms: each tree steps down the loss's gradient. Friedman 2001; Ke et al. 2017 (LightGBM), as scikit-learn's HistGradientBoosting. */
import type { Value } from "../../engine/graph.ts";
import { concat, sigmoid, softmax, sub, treeEnsemble } from "../../engine/ops.ts";
import { choice, classWeights, integer, number } from "../../shared/define.ts";
import type { LearntTensors } from "../../shared/events.ts";
import { random } from "../../shared/random.ts";
import { type FitData, learner, tensorIn } from "../kinds.ts";
import { shared, Threads } from "../threads.ts";
import { binning } from "./bins.ts";
import type { Tree } from "./grow.ts";
import { losses } from "./losses.ts";
import type { SharedFit, TreeTask } from "./tree-thread.ts";
import { fromTensors, toTensors } from "./trees.ts";

/** Between two words of progress while columns are put into bins. */
const PATIENCE_MS = 400;
/** Above so many rows early stopping pays. */
const MANY = 10_000;

export const gradientBoosting = learner({
  id: "gradient-boosting",
  title: "Gradient boosting",
  summary: "Many small trees, each correcting those before it. Often the best there is for tables; takes missing values.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.ensemble.HistGradientBoostingClassifier.html",
  tasks: ["classification", "regression"],
  unit: "iterations",
  reads: "raw",
  missing: true,
  partial: true,
  params: {
    learningRate: number({ default: 0.1, min: 1e-6, max: 10, scale: "log", help: "What share of its step each tree takes." }),
    maxIter: integer({
      default: 100,
      min: 1,
      max: 100_000,
      help: "Iterations at most: of two classes or values a tree each, else a tree for each class.",
    }),
    maxLeafNodes: integer({ default: 31, min: 0, help: "Leaves of a tree at most; 0: no limit." }),
    maxDepth: integer({ default: 0, min: 0, help: "Splits from the root to a leaf at most; 0: no limit." }),
    minSamplesLeaf: integer({ default: 20, min: 1, help: "Rows that a leaf must have." }),
    l2Regularization: number({ default: 0, min: 0, help: "Pulls what leaves say towards 0." }),
    maxFeatures: number({ default: 1, min: 1e-6, max: 1, help: "Share of the features that each split looks at." }),
    maxBins: integer({ default: 255, min: 2, max: 255, help: "Bins that the values of a feature are put into." }),
    earlyStopping: choice({
      default: "auto",
      options: ["auto", "on", "off"],
      help: `Whether to stop once rows that are set aside get no better; auto: with more than ${MANY} rows.`,
    }),
    validationFraction: number({ default: 0.1, min: 0.01, max: 0.9, help: "Share of the rows that early stopping sets aside." }),
    nIterNoChange: integer({ default: 10, min: 1, help: "Iterations without improvement after which early stopping ends." }),
    tol: number({ default: 1e-7, min: 0, help: "Improvement of the loss that counts for early stopping." }),
    classWeight: classWeights({ default: "none", help: "How much each class counts." }),
  },
  gives: () => "probabilities",
  check: ({ maxLeafNodes }) => (maxLeafNodes === 1 ? { name: "maxLeafNodes", want: "0, or at least 2", got: "1" } : undefined),

  async *fit(data, params, { seed, threads, signal, resume }) {
    yield { done: 0, total: params.maxIter };
    const { count, labels, targets } = data;
    const loss = losses[labels.length > 2 ? "multinomial" : labels.length ? "binary" : "squared"];
    const width = labels.length > 2 ? labels.length : 1;
    const columns = binning(data, params.maxBins, seed);
    let column = columns.next();
    for (let told = performance.now(); !column.done; column = columns.next()) {
      if (performance.now() - told < PATIENCE_MS) continue;
      signal?.throwIfAborted();
      yield { done: 0, total: params.maxIter };
      told = performance.now();
    }
    const bins = column.value;
    const stopsEarly = params.earlyStopping === "on" || (params.earlyStopping === "auto" && count > MANY);
    const { learnt, held } = stopsEarly ? setAside(data, params.validationFraction, seed) : { learnt: range(count), held: new Int32Array() };
    const baseline = loss.baseline(targets, data.weights, learnt, width);
    const fit: SharedFit = {
      bins,
      count,
      rows: learnt,
      held,
      gradients: shared(new Float64Array(width * count)),
      hessians: shared(new Float64Array(width * count)),
      raw: shared(new Float64Array(width * count)),
      options: params,
      seed,
    };
    for (let c = 0; c < width; c++) fit.raw.fill(baseline[c]!, c * count, (c + 1) * count);
    await using pool = new Threads<TreeTask, Tree>("learners/boosting/tree-thread", fit, Math.min(threads, width));
    const trees: Tree[] = [];
    const kept = resume ? fromTensors(resume, bins.thresholds) : [];
    const tensors = () => toTensors(trees, baseline, width, data.features);
    const heldLosses: number[] = held.length ? [loss.mean(fit.raw, targets, data.weights, held, count, width)] : [];
    let [iteration, improving] = [0, true];
    for (; iteration < params.maxIter && improving; iteration++) {
      if (signal?.aborted) yield { done: iteration, total: params.maxIter, checkpoint: tensors };
      signal?.throwIfAborted();
      const known = kept.slice(iteration * width, (iteration + 1) * width);
      if (!known.length) loss.gradients(fit, targets, data.weights, width);
      const tasks = Array.from({ length: width }, (_, target): TreeTask => ({ iteration, target, known: known[target] }));
      try {
        trees.push(...(await Promise.all(tasks.map((task) => pool.run(task, signal)))));
      } catch (error) {
        if (signal?.aborted) yield { done: iteration, total: params.maxIter, checkpoint: tensors };
        throw error;
      }
      if (held.length) {
        heldLosses.push(loss.mean(fit.raw, targets, data.weights, held, count, width));
        improving = improves(heldLosses, params.nIterNoChange, params.tol);
      }
      const measured = loss.mean(fit.raw, targets, data.weights, learnt, count, width);
      yield { done: iteration + 1, total: params.maxIter, loss: measured, checkpoint: tensors };
    }
    return { tensors: tensors(), metrics: { iterations: iteration } };
  },

  graph(x, tensors, { task, classes }) {
    const raw = ensemble(x, tensors);
    if (task === "regression") return { output: raw };
    if (classes > 2) return { output: softmax(raw) };
    const p = sigmoid(raw);
    return { output: concat([sub(1, p), p], 1) };
  },

  importance(tensors) {
    const { data } = tensorIn(tensors, "importance");
    const total = data.reduce((a, b) => a + b, 0);
    return total ? data.map((gain) => gain / total) : data;
  },
});

const range = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

/** Whether any of the last losses is lower than what was reached before them. */
function improves(losses: readonly number[], patience: number, tol: number): boolean {
  if (losses.length <= patience) return true;
  const before = losses[losses.length - patience - 1]!;
  return losses.slice(-patience).some((loss) => loss < before - tol);
}

/** A share of each class. */
function setAside({ count, targets, labels }: FitData, share: number, seed: number): { learnt: Int32Array; held: Int32Array } {
  const isHeld = new Uint8Array(count);
  const order = random(seed, "early stopping").permutation(count);
  const sorted = labels.length ? order.sort((a, b) => targets[a]! - targets[b]!) : order; // stable: shuffled within a class
  // Every 1/share-th row, so that each class gives its share.
  for (const [place, row] of sorted.entries()) isHeld[row] = Number(Math.floor((place + 1) * share) > Math.floor(place * share));
  const rows = range(count);
  return { learnt: rows.filter((row) => !isHeld[row]), held: rows.filter((row) => isHeld[row]) };
}

/** Baseline and trees: float32 [batch, targets]. */
function ensemble(x: Value, tensors: LearntTensors): Value {
  const whole = (name: string) => Int32Array.from(tensorIn(tensors, name).data);
  const [starts, left] = [whole("tree_starts"), whole("left")];
  const baseline = tensorIn(tensors, "baseline").data;
  const [nodes, targets] = [left.length, baseline.length];
  if (!nodes) throw new Error("internal: no tree");
  const treeIds = new Int32Array(nodes);
  const nodeIds = new Int32Array(nodes);
  for (let tree = 0; tree < starts.length; tree++)
    for (let node = starts[tree]!; node < (starts[tree + 1] ?? nodes); node++) {
      treeIds[node] = tree;
      nodeIds[node] = node - starts[tree]!;
    }
  const isLeaf = Uint8Array.from(left, (child) => Number(child === 0));
  const leaves = range(nodes).filter((node) => isLeaf[node]);
  const values = tensorIn(tensors, "values").data;
  const missingYes = Uint8Array.from(whole("missing_left"));
  return treeEnsemble(x, {
    treeIds,
    nodeIds,
    features: whole("features"),
    thresholds: tensorIn(tensors, "thresholds").data,
    yes: left,
    no: whole("right"),
    isLeaf,
    ...(missingYes.includes(1) && { missingYes }),
    values: Float32Array.from(leaves, (node) => values[node]!),
    sparse: { counts: leaves.map(() => 1), targets: leaves.map((node) => treeIds[node]! % targets) },
    targets,
    base: baseline,
  });
}
