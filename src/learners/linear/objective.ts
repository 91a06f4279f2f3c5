/**
 * What logistic regression minimises, in double precision, through ONNX Runtime in chunks of rows:
 *   sum w loss(x W' + b, y) / sum w + l2 / 2 |W|^2 + l1 |W|
 * A point is a vector: W [columns, features], then b [columns] if there are intercepts.
 */
import { constant, input, type Value } from "../../engine/graph.ts";
import {
  abs,
  add,
  allAxes,
  cast,
  exp,
  gather,
  log,
  logSoftmax,
  matmul,
  max,
  mul,
  neg,
  oneHot,
  pad,
  reduceSum,
  reshape,
  sigmoid,
  square,
  sub,
} from "../../engine/ops.ts";
import { Session } from "../../engine/session.ts";
import { float64, type Rows, rowInputs, rowSums } from "./row-sums.ts";

/** softmax: the columns are classes that share one probability. sigmoid: each column is a yes or no of its own. */
export type Link = "softmax" | "sigmoid";

/** `targets` are the column that is a yes; of a single column 1 for yes and 0 for no. */
export interface Problem extends Rows {
  readonly columns: number;
  readonly link: Link;
  readonly intercepts: boolean;
  readonly l1: number;
  readonly l2: number;
}
export interface Evaluation {
  /** Without the penalty. */
  readonly loss: number;
  /** With the smooth part of the penalty, l2. */
  readonly value: number;
  /** Of the value. */
  readonly gradient: Float64Array;
}
/** Of the values of each feature, weighted: [features]. */
export interface Moments {
  readonly mean: Float64Array;
  readonly meanSquare: Float64Array;
}
/** Work that breathes: it yields between chunks, when nothing is to be told, so that it can be stopped. */
export type Work<T> = AsyncGenerator<undefined, T>;

/** Numbers of a chunk in double precision, 2 MB, which stay in a cache; the rows follow from them. */
const CHUNK = 1 << 18;

/** Hold it with `await using`: it has native memory. */
export class Objective {
  readonly problem: Problem;
  /** Length of a point. */
  readonly size: number;
  /** How many numbers of a point the penalty is on: the first ones. */
  readonly penalised: number;
  readonly #total: number;
  readonly #sessions = new Map<keyof typeof graphs, Promise<Session>>();

  constructor(problem: Problem) {
    this.problem = problem;
    this.penalised = problem.columns * problem.features;
    this.size = this.penalised + (problem.intercepts ? problem.columns : 0);
    this.#total = problem.weights.reduce((a, b) => a + b);
  }

  /** @param precise or else in float32 within a chunk, which is twice as fast and right to about 6 digits */
  async *evaluate(point: Float64Array, precise = true): Work<Evaluation> {
    const { loss, slopes, ends } = yield* this.#sums(precise ? "evaluate" : "estimate", point);
    const { l2 } = this.problem;
    const gradient = new Float64Array(this.size);
    gradient.set(slopes!);
    if (this.problem.intercepts) gradient.set(ends!, this.penalised);
    let squares = 0;
    for (let i = 0; i < this.size; i++) {
      gradient[i]! /= this.#total;
      if (i >= this.penalised) continue;
      gradient[i]! += l2 * point[i]!;
      squares += point[i]! ** 2;
    }
    const mean = loss![0]! / this.#total;
    return { loss: mean, value: mean + (l2 / 2) * squares, gradient };
  }

  /** Second derivatives of the value, [size, size]. */
  async *curvature(point: Float64Array): Work<Float64Array> {
    const { blocks } = yield* this.#sums("curve", point); // [features + 1, pairs, features + 1]
    const { columns, features, intercepts, l2 } = this.problem;
    const all = pairsOf(this.problem);
    const curvature = new Float64Array(this.size * this.size);
    const place = (column: number, j: number) => (j < features ? column * features + j : this.penalised + column);
    const width = features + Number(intercepts);
    for (const [p, [a, b]] of all.entries())
      for (let i = 0; i < width; i++)
        for (let j = 0; j < width; j++) {
          const value = blocks![(i * all.length + p) * (features + 1) + j]! / this.#total;
          curvature[place(a, i) * this.size + place(b, j)] = value;
          curvature[place(b, j) * this.size + place(a, i)] = value;
        }
    for (let i = 0; i < columns * features; i++) curvature[i * this.size + i]! += l2;
    return curvature;
  }

  async *moments(): Work<Moments> {
    const { values, squares } = yield* this.#sums("measure");
    return { mean: values!.map((v) => v / this.#total), meanSquare: squares!.map((v) => v / this.#total) };
  }

  async *#sums(name: keyof typeof graphs, point?: Float64Array): Work<Readonly<Record<string, Float64Array>>> {
    const { features, columns, intercepts } = this.problem;
    const rows = Math.max(1, Math.floor(CHUNK / (name === "curve" ? (features + 1) * pairsOf(this.problem).length : features + columns)));
    const fixed = point && {
      w: float64([columns, features], point.subarray(0, this.penalised)),
      b: float64([columns], intercepts ? point.subarray(this.penalised) : new Float64Array(columns)),
    };
    const work = rowSums(await this.#session(name), this.problem, rows, fixed);
    for (;;) {
      const { done, value } = await work.next();
      if (done) return value;
      yield;
    }
  }

  /** Of one thread: ONNX Runtime's products in several differ in their last bits. */
  #session(name: keyof typeof graphs): Promise<Session> {
    const open = this.#sessions.get(name) ?? Session.open(chunkGraph(name, this.problem), { threads: 1 });
    this.#sessions.set(name, open);
    return open;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).close();
  }
}

/** Columns whose second derivatives are not all 0: of softmax any two, of sigmoids each with itself. */
function pairsOf({ columns, link }: Problem): readonly (readonly [number, number])[] {
  const all = Array.from({ length: columns }, (_, a) => a);
  return all.flatMap((a) => (link === "sigmoid" ? [[a, a] as const] : all.slice(a).map((b) => [a, b] as const)));
}

/** What graphs are built of: x [batch, features], y [batch], weights [batch, 1], w [columns, features], b [columns]. */
type Parts = Readonly<Record<"x" | "y" | "weights" | "w" | "b", Value>>;

interface ChunkGraph {
  readonly reads: readonly (keyof Parts)[];
  readonly build: (parts: Parts, problem: Problem) => Readonly<Record<string, Value>>;
}

function chunkGraph(name: keyof typeof graphs, problem: Problem) {
  const { features, columns } = problem;
  const all = {
    ...rowInputs(problem),
    w: input("w", "float64", [columns, features]),
    b: input("b", "float64", [columns]),
  };
  const { build, reads } = graphs[name];
  const dtype = name === "estimate" ? "float32" : "float64";
  const parts = Object.fromEntries(Object.entries(all).map(([part, value]) => [part, part === "y" ? value : cast(value, dtype)])) as unknown as Parts;
  const outputs = Object.entries(build(parts, problem)).map(([output, value]) => [output, cast(value, "float64")] as const);
  return { name, inputs: reads.map((read) => all[read]), outputs: Object.fromEntries(outputs) };
}

const logits = ({ x, w, b }: Parts) => add(matmul(x, w, { tB: true }), b); // [batch, columns]
const yes = ({ x, y }: Parts, columns: number) => cast(columns === 1 ? reshape(y, ["batch", 1]) : oneHot(y, columns), x.dtype);

/** Losses of each row and column, [batch, columns], and their slope by the logits. */
const links: Readonly<Record<Link, (z: Value, y: Value) => { readonly loss: Value; readonly slope: Value }>> = {
  softmax(z, y) {
    const logs = logSoftmax(z);
    return { loss: neg(mul(y, logs)), slope: sub(exp(logs), y) };
  },
  // log(1 + e^z) - y z, without an overflow
  sigmoid: (z, y) => ({ loss: sub(add(max(z, 0), log(add(exp(neg(abs(z))), 1))), mul(y, z)), slope: sub(sigmoid(z), y) }),
};

const evaluate: ChunkGraph = {
  reads: ["x", "y", "weights", "w", "b"],
  build(parts, { columns, link }) {
    const { loss, slope } = links[link](logits(parts), yes(parts, columns));
    const weighted = mul(slope, parts.weights);
    return {
      loss: reduceSum(cast(mul(loss, parts.weights), "float64"), allAxes(loss)),
      slopes: matmul(weighted, parts.x, { tA: true }), // [columns, features]
      ends: reduceSum(weighted, [0]), // [columns]
    };
  },
};

const graphs = {
  evaluate,
  estimate: evaluate,
  curve: {
    reads: ["x", "weights", "w", "b"],
    build(parts, problem) {
      const { features, link } = problem;
      const all = pairsOf(problem);
      const wide = pad(parts.x, [0, 0, 0, 1], 1); // [batch, features + 1]
      const p = link === "softmax" ? exp(logSoftmax(logits(parts))) : sigmoid(logits(parts));
      const at = (side: 0 | 1) => gather(p, int32s(all.map((pair) => pair[side])), 1); // [batch, pairs]
      const same = float64(
        [all.length],
        Float64Array.from(all, ([a, b]) => Number(a === b)),
      );
      const second = mul(mul(at(0), sub(constant(same), at(1))), parts.weights); // p_a ((a = b) - p_b)
      const each = mul(reshape(second, ["batch", all.length, 1]), reshape(wide, ["batch", 1, features + 1]));
      return { blocks: matmul(wide, reshape(each, ["batch", all.length * (features + 1)]), { tA: true }) };
    },
  },
  measure: {
    reads: ["x", "weights"],
    build: ({ x, weights }) => ({ values: matmul(weights, x, { tA: true }), squares: matmul(weights, square(x), { tA: true }) }),
  },
} satisfies Record<string, ChunkGraph>;

const int32s = (values: readonly number[]): Value => constant({ dtype: "int32", shape: [values.length], data: Int32Array.from(values) });
