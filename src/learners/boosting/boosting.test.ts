/** Boosting against scikit-learn: the numbers come from test/python/reference_boosting.py. */
import { describe, expect, test } from "vitest";
import { classesOf, type Fitted, fitData, learn, predict } from "../../../test/learners.ts";
import { random } from "../../shared/random.ts";
import type { LearntTensors } from "../kinds.ts";
import { type Bins, binning, MISSING } from "./bins.ts";
import reference from "./boosting.reference.json" with { type: "json" };
import { gradientBoosting } from "./gradient-boosting.ts";

const labels = (classes: number) => Array.from({ length: classes }, (_, c) => `class ${c}`);
const full = (rows: readonly (readonly (number | null)[])[]) => rows.map((row) => row.map((v) => v ?? Number.NaN));
const far = (output: Float32Array, expected: readonly (readonly number[])[]) => Math.max(...expected.flat().map((v, i) => Math.abs(v - output[i]!)));
const bits = (tensors: LearntTensors) => Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));

/** Rows whose class is where in a checkerboard they lie, with noise. */
function board(count: number, classes: number, seed: number) {
  const draw = random(seed);
  const rows = Array.from({ length: count }, () => [draw.next() * 4, draw.next() * 4, draw.next()]);
  const targets = rows.map(([a, b]) => (draw.next() < 0.05 ? draw.below(classes) : (Math.floor(a!) + Math.floor(b!)) % classes));
  return fitData(rows, targets, labels(classes));
}

function binned(...asked: Parameters<typeof binning>): Bins {
  const columns = binning(...asked);
  for (;;) {
    const { done, value } = columns.next();
    if (done) return value;
  }
}

test.each(reference.cases)("predicts as scikit-learn: $what", async ({ rows, targets, classes, weights, params, asked, output }) => {
  const fitted = await learn(gradientBoosting, fitData(full(rows), targets, labels(classes), weights ?? undefined), params);
  const said = await predict(fitted, { inputs: Float32Array.from(full(asked).flat()), features: rows[0]!.length });
  expect(far(said.output, output)).toBeLessThan(1e-3);
});

describe("a fit", () => {
  test("has the same bits with any number of threads, and others with another seed", async () => {
    const data = board(600, 3, 1);
    const params = { maxIter: 6, maxFeatures: 0.5 };
    const [one, two] = [await learn(gradientBoosting, data, params, { threads: 1 }), await learn(gradientBoosting, data, params, { threads: 2 })];
    expect(bits(two.tensors)).toEqual(bits(one.tensors));
    expect(bits((await learn(gradientBoosting, data, params, { seed: 2 })).tensors)).not.toEqual(bits(one.tensors));
  });

  test("that was stopped goes on from its checkpoint to the same bits", async () => {
    const data = board(500, 3, 2);
    const params = { maxIter: 8, earlyStopping: "on" };
    const whole = await learn(gradientBoosting, data, params);
    const stop = new AbortController();
    const events = gradientBoosting.fit(data, whole.params as never, { seed: 1, threads: 2, signal: stop.signal });
    let kept: LearntTensors | undefined;
    const run = (async () => {
      for (;;) {
        const { done, value } = await events.next();
        if (done) return;
        kept = value.checkpoint?.() ?? kept;
        if (value.done === 3) stop.abort(new Error("enough"));
      }
    })();
    await expect(run).rejects.toThrow("enough");
    expect(kept!.get("tree_starts")!.shape).toEqual([9]);
    expect(bits((await learn(gradientBoosting, data, params, { resume: kept })).tensors)).toEqual(bits(whole.tensors));
  });

  test("lowers the loss at every iteration, and tells of each", async () => {
    const { progress } = await learn(gradientBoosting, board(400, 2, 3), { maxIter: 10 });
    expect(progress.map(({ done }) => done)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const told = progress.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
    expect(told.every((loss, i) => !i || loss < told[i - 1]!)).toBe(true);
  });

  test("stops early where rows that are set aside get no better", async () => {
    const data = board(500, 2, 4);
    const noise = random(9);
    const guesses = { ...data, targets: data.targets.map(() => noise.below(2)) as Int32Array };
    const { metrics } = await learn(gradientBoosting, guesses, { maxIter: 200, earlyStopping: "on", nIterNoChange: 5 });
    expect(metrics!.iterations).toBeLessThan(100);
  });
});

const accuracy = async (fitted: Fitted, data: ReturnType<typeof fitData>) => {
  const said = await classesOf(fitted, data);
  return said.filter((c, i) => c === data.targets[i]).length / said.length;
};

test("what it learns of rows that are like others holds for those", async () => {
  const fitted = await learn(gradientBoosting, board(3000, 2, 5), { maxIter: 60 });
  expect(await accuracy(fitted, board(1000, 2, 6))).toBeGreaterThan(0.92);
  const importance = gradientBoosting.importance!(fitted.tensors)!;
  expect(importance.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  expect(importance[2]).toBeLessThan(0.1);
});

describe("odd data", () => {
  test("constant and duplicate columns, more features than rows, and a class without a row are learnt from", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => Array.from({ length: 40 }, (_, f) => (f % 2 ? i % 3 : 7)));
    const fitted = await learn(
      gradientBoosting,
      fitData(
        rows,
        rows.map((_, i) => (i % 3 === 2 ? 2 : 0)),
        labels(4),
      ),
      { maxIter: 30, minSamplesLeaf: 1 },
    );
    expect(
      await accuracy(
        fitted,
        fitData(
          rows,
          rows.map((_, i) => (i % 3 === 2 ? 2 : 0)),
          labels(4),
        ),
      ),
    ).toBe(1);
    const { output } = await predict(fitted, { inputs: Float32Array.from(rows[0]!), features: 40 });
    expect(output).toHaveLength(4);
    expect(output[1]).toBeLessThan(1e-6);
  });

  test("a row of weight 2 counts as two, and of weight 0 as none", async () => {
    const data = board(200, 2, 7);
    const counts = Float64Array.from({ length: 200 }, (_, i) => i % 3);
    const rows = Array.from({ length: 200 }, (_, i) => Array.from(data.inputs.subarray(3 * i, 3 * i + 3)));
    const repeated = rows.flatMap((row, i) => Array<number[]>(counts[i]!).fill(row));
    const targets = Array.from(data.targets).flatMap((t, i) => Array<number>(counts[i]!).fill(t));
    // Bins are of the rows as they are: few values, so that they are the same. A leaf's least number of rows counts rows, not weights.
    const few = (all: number[][]) => all.map((row) => row.map((v) => Math.round(v)));
    const options = { maxIter: 5, minSamplesLeaf: 1, maxDepth: 3 };
    const weighted = await learn(gradientBoosting, { ...fitData(few(rows), [...data.targets], labels(2)), weights: counts }, options);
    const plain = await learn(gradientBoosting, fitData(few(repeated), targets, labels(2)), options);
    const asked = { inputs: Float32Array.from(few(rows).flat()), features: 3 };
    expect(far((await predict(weighted, asked)).output, [[...(await predict(plain, asked)).output]])).toBeLessThan(1e-5);
  });

  test("bytes are put into the bins of the same numbers as floats", () => {
    const draw = random(3);
    const bytes = Uint8Array.from({ length: 2000 }, () => draw.below(256));
    const [a, b] = [bytes, Float32Array.from(bytes)].map((inputs) => binned({ inputs, count: 1000, features: 2 }, 255, 1));
    expect(a).toEqual(b);
    expect(binned({ inputs: Float32Array.of(1, Number.NaN, 2), count: 3, features: 1 }, 255, 1).codes[1]).toBe(MISSING);
  });

  test("a tree of one leaf is refused", () => {
    expect(gradientBoosting.check!({ maxLeafNodes: 1 } as never)).toMatchObject({ name: "maxLeafNodes", got: "1" });
  });
});
