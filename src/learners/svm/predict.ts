/** Support vector machines as graphs: decisions of kernels or weights, votes, and probabilities coupled from pairs. */
import { constant, loop, scalar, type Value } from "../../engine/graph.ts";
import {
  abs,
  add,
  argMax,
  cast,
  clip,
  concat,
  div,
  gather,
  gemm,
  greater,
  greaterOrEqual,
  matmul,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reduceSumSquare,
  reshape,
  sigmoid,
  slice,
  split,
  square,
  sub,
  where,
} from "../../engine/ops.ts";
import { type LearntTensors, tensorIn } from "../kinds.ts";
import { centre, type Kernel, kernelOf, squaredNorms } from "./kernel.ts";

/** Pairs of classes (i, j), i < j, in the order of their problems. */
export const pairsOf = (classes: number): readonly (readonly [number, number])[] =>
  Array.from({ length: classes }, (_, i) => Array.from({ length: classes - i - 1 }, (_, n) => [i, i + 1 + n] as const)).flat();
/** In the coefficients of a row of class `own` the column of the problem against `other`. */
export const columnOf = (own: number, other: number): number => (other > own ? other - 1 : other);

const floats = (shape: readonly number[], data: ArrayLike<number>): Value => constant({ dtype: "float32", shape, data: Float32Array.from(data) });
const places = (list: readonly number[]): Value => constant({ dtype: "int64", shape: [list.length], data: BigInt64Array.from(list, BigInt) });
const matrix = (rows: number, columns: number, at: (r: number, c: number) => number): Value =>
  floats(
    [rows, columns],
    Array.from({ length: rows * columns }, (_, n) => at(Math.floor(n / columns), n % columns)),
  );

/**
 * One against the rest: w·x + b.
 * @returns [batch, classes]
 */
export function linearScores(x: Value, tensors: LearntTensors, classes: number): Value {
  const weights = tensorIn(tensors, "weights");
  const scores = gemm(x, floats(weights.shape, weights.data), floats(weights.shape.slice(0, 1), tensorIn(tensors, "intercept").data), { tB: true });
  if (classes === 2) return concat([neg(scores), scores], 1);
  const present = [...tensorIn(tensors, "classes").data];
  if (present.length === classes) return scores;
  const least = neg(reduceMax(neg(scores), [1], { keep: true }));
  const spread = matmul(
    scores,
    matrix(present.length, classes, (p, c) => Number(present[p] === c)),
  );
  const known = floats(
    [1, classes],
    Array.from({ length: classes }, (_, c) => Number(present.includes(c))),
  );
  return where(greater(known, 0), spread, sub(least, 1)); // a class without rows comes last
}

/**
 * What each pair of classes decides: above 0 for the first.
 * @returns [batch, pairs]
 */
export function decisionsOf(x: Value, tensors: LearntTensors, kernel: Kernel): Value {
  const { shape, data } = tensorIn(tensors, "support_vectors");
  const [count, features] = shape as [number, number];
  const vectors = data.slice();
  const isRbf = kernel.kernel === "rbf";
  const a = isRbf ? sub(x, floats([1, features], centre(vectors, count, features))) : x;
  const norms = squaredNorms(vectors, count, features).map((s) => -kernel.gamma * s);
  const aNorms = isRbf ? mul(reduceSumSquare(a, [1], { keep: true }), -kernel.gamma) : a;
  const sizes = [...tensorIn(tensors, "n_support").data];
  const coefficients = tensorIn(tensors, "dual_coef").data;
  const classes = sizes.length;
  let to = 0;
  // A class at a time: a kernel matrix of all support vectors would be large.
  const against = sizes.map((size) => {
    const [from, width] = [to, classes - 1];
    to += size;
    const b = floats([size, features], vectors.subarray(from * features, to * features));
    const likeness = kernelOf({ a, b, aNorms, bNorms: floats([size], norms.subarray(from, to)) }, kernel); // [batch, size]
    return matmul(likeness, floats([size, width], coefficients.subarray(from * width, to * width)));
  });
  const all = concat(against, 1); // [batch, classes * (classes - 1)]
  const pairs = pairsOf(classes);
  const side = (own: 0 | 1) => places(pairs.map((pair) => pair[own] * (classes - 1) + columnOf(pair[own], pair[1 - own]!)));
  return add(add(gather(all, side(0), 1), gather(all, side(1), 1)), floats([pairs.length], tensorIn(tensors, "intercept").data));
}

/**
 * Each pair votes for one class. As scikit-learn's decision_function_shape="ovr": votes, and between them how sure the pairs are.
 * @param present the classes that the pairs are of
 * @returns scores [batch, classes]; label [batch], the first class with the most votes
 */
export function votesOf(decisions: Value, present: readonly number[], classes: number): { readonly scores: Value; readonly label: Value } {
  const pairs = pairsOf(present.length);
  const sides = matrix(pairs.length, classes, (p, c) => Number(present[pairs[p]![0]] === c) - Number(present[pairs[p]![1]] === c));
  // a pair that does not vote for its first class votes for its second; a class without rows comes last
  const against = Array.from({ length: classes }, (_, c) => (present.includes(c) ? pairs.filter(([, j]) => present[j] === c).length : -1));
  const votes = add(matmul(cast(greater(decisions, 0), "float32"), sides), floats([1, classes], against));
  const sure = matmul(decisions, sides);
  return { scores: add(votes, div(sure, mul(add(abs(sure), 1), 3))), label: argMax(votes) };
}

/** LIBSVM's bounds of what a pair says. */
const LEAST = 1e-7;

/** Of each pair the probability of its first class: platt [pairs, 2]. */
export function pairProbabilities(decisions: Value, platt: Float32Array): Value {
  const column = (c: 0 | 1) =>
    floats(
      [1, platt.length / 2],
      Float32Array.from({ length: platt.length / 2 }, (_, p) => platt[2 * p + c]!),
    );
  return clip(sigmoid(neg(add(mul(decisions, column(0)), column(1)))), LEAST, 1 - LEAST);
}

/**
 * Probabilities of classes from those of pairs: T.-F. Wu, C.-J. Lin, R. C. Weng, "Probability estimates for multi-class classification by pairwise
 * coupling", JMLR 5, 2004, algorithm 2: minimises pᵀQp over Σp = 1, a p_t at a time, until LIBSVM would stop.
 * @param pairs [batch, pairs]
 * @returns [batch, classes]
 */
export function coupled(pairs: Value, classes: number): Value {
  if (classes === 2) return concat([pairs, sub(1, pairs)], 1);
  const q = pairMatrix(pairs, classes);
  const rows = split(q, Array(classes).fill(1), 1).map((row) => reshape(row, ["batch", classes]));
  const start = add(mul(slice(pairs, { starts: [0], ends: [1], axes: [1] }), 0), floats([1, classes], Array(classes).fill(1 / classes)));
  const sweeps = scalar(Math.max(100, classes), "int64");
  const { carried } = loop(sweeps, "sweeps", [start], (_, [before]) => {
    let p: Value = before;
    let qp = reduceSum(mul(q, reshape(p, ["batch", 1, classes])), [2]);
    let pqp = reduceSum(mul(p, qp), [1], { keep: true });
    const error = reduceMax(abs(sub(qp, pqp)), [1], { keep: true });
    const goesOn = greaterOrEqual(error, 0.005 / classes);
    for (const [t, row] of rows.entries()) {
      const at = (v: Value) => slice(v, { starts: [t], ends: [t + 1], axes: [1] });
      const step = where(goesOn, div(sub(pqp, at(qp)), at(row)), 0);
      const scale = add(step, 1);
      pqp = div(add(pqp, mul(step, add(mul(step, at(row)), mul(at(qp), 2)))), square(scale));
      qp = div(add(qp, mul(step, row)), scale);
      p = div(add(p, mul(step, oneAt(t, classes))), scale);
    }
    return { carried: [p], stacked: [] };
  });
  return carried[0];
}
const oneAt = (t: number, length: number): Value => matrix(1, length, (_, c) => Number(c === t));

/** Q_tt = Σ_j r_jt², Q_tj = -r_jt r_tj, [batch, classes, classes]. */
function pairMatrix(pairs: Value, classes: number): Value {
  const list = pairsOf(classes);
  const zero = mul(slice(pairs, { starts: [0], ends: [1], axes: [1] }), 0);
  const known = concat([pairs, sub(1, pairs), zero], 1);
  const place = (i: number, j: number): number =>
    i === j ? 2 * list.length : i < j ? list.findIndex(([a, b]) => a === i && b === j) : list.length + place(j, i);
  const table = (at: (t: number, j: number) => number) => {
    const each = Array.from({ length: classes * classes }, (_, n) => at(Math.floor(n / classes), n % classes));
    return reshape(gather(known, places(each), 1), ["batch", classes, classes]);
  };
  const [mine, theirs] = [table(place), table((t, j) => place(j, t))];
  const onDiagonal = reshape(
    matrix(classes, classes, (r, c) => Number(r === c)),
    [1, classes, classes],
  );
  return sub(mul(reduceSum(square(theirs), [2], { keep: true }), onDiagonal), mul(mine, theirs));
}
