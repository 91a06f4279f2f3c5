/** Intervals, curves, tests and slices of evaluations; the metrics themselves are tested in catalog/metrics. Numbers come from test/python/reference_evaluation.py. */
import { describe, expect, test } from "vitest";
import { metrics } from "../src/catalog/metrics/index.ts";
import { intervals, resamplesOf } from "../src/evaluation/bootstrap.ts";
import { ClassOutcome } from "../src/evaluation/classes.ts";
import { curvesOf, MOST_POINTS, thresholdsOf } from "../src/evaluation/curves.ts";
import { classificationDetails, regressionDetails, worstOf } from "../src/evaluation/details.ts";
import reference from "../src/evaluation/evaluation.reference.json" with { type: "json" };
import { permutationImportance } from "../src/evaluation/importance.ts";
import { compare, mcnemar } from "../src/evaluation/significance.ts";
import { rawRow, slicesOf } from "../src/evaluation/slices.ts";
import { ValueOutcome } from "../src/evaluation/values.ts";
import { random } from "../src/shared/random.ts";

const metric = (id: string) => metrics.find((one) => one.id === id)!;
const outcome = (targets: readonly number[], outputs: readonly (readonly number[])[], gives: "probabilities" | "scores" = "probabilities") =>
  new ClassOutcome({ classes: outputs[0]!.length, targets, outputs: Float32Array.from(outputs.flat()), gives });

/** Of two classes, the second with chance p, and a score that tells them apart more or less. */
function drawn(n: number, p: number, sharp: number, seed: number): ClassOutcome {
  const draw = random(seed);
  const targets = Array.from({ length: n }, () => Number(draw.next() < p));
  const noise = draw.fillNormal(new Float32Array(n));
  const outputs = targets.map((t, i) => 1 / (1 + Math.exp(-(sharp * (t - 0.5) + noise[i]!))));
  return outcome(
    targets,
    outputs.map((q) => [1 - q, q]),
  );
}

describe("intervals", () => {
  test("are the same for the same seed, and contain the value", () => {
    const one = drawn(200, 0.4, 2, 1);
    const first = intervals(metrics, one, 7);
    expect(intervals(metrics, one, 7)).toEqual(first);
    expect(intervals(metrics, one, 8)).not.toEqual(first);
    for (const [id, [low, high]] of Object.entries(first)) {
      expect(low, id).toBeLessThan(metric(id).compute(one as never)!);
      expect(high, id).toBeGreaterThan(metric(id).compute(one as never)!);
    }
  });

  test("of accuracy are as wide as the binomial distribution says, and hold the true value about 19 times of 20", () => {
    const accuracy = [metric("accuracy")];
    const [n, truth] = [300, 0.8];
    let hits = 0;
    for (let trial = 0; trial < 100; trial++) {
      const draw = random(trial, "coverage");
      const right = Array.from({ length: n }, () => Number(draw.next() < truth));
      const [low, high] = intervals(
        accuracy,
        outcome(
          right,
          right.map(() => [0, 1]),
        ),
        trial,
      ).accuracy!;
      hits += Number(low <= truth && truth <= high);
      expect(high - low).toBeCloseTo(2 * 1.96 * Math.sqrt((truth * (1 - truth)) / n), 1);
    }
    expect(hits).toBeGreaterThan(88);
    expect(hits).toBeLessThan(100);
  });

  test("are of 1,000 resamples, and of fewer where there are many rows", () => {
    const of = (count: number, classes: number) =>
      new ClassOutcome({ classes, targets: new Int32Array(count), outputs: new Float32Array(count * classes), gives: "scores" });
    expect(resamplesOf(of(10_000, 10))).toBe(1000);
    expect(resamplesOf(of(100_000, 2))).toBe(250);
    expect(resamplesOf(of(500_000, 10))).toBe(100);
  });

  test("of a resample are those of the rows as often as it drew them", () => {
    const whole = outcome(
      [0, 1, 1, 0, 2],
      [
        [0.6, 0.3, 0.1],
        [0.2, 0.5, 0.3],
        [0.4, 0.35, 0.25],
        [0.1, 0.2, 0.7],
        [0.2, 0.2, 0.6],
      ],
    );
    const counts = Int32Array.of(2, 0, 3, 1, 1);
    const rows = [0, 0, 2, 2, 2, 3, 4];
    const repeated = outcome(
      rows.map((row) => whole.targets[row]!),
      rows.map((row) => [0, 1, 2].map((c) => whole.output(row, c))),
    );
    for (const { id, compute, tasks } of metrics.filter((one) => one.tasks.includes("classification")))
      expect([id, tasks, compute(whole.resampled(counts) as never)]).toEqual([id, tasks, optionally(compute(repeated as never))]);
    const values = new ValueOutcome({ targets: [1, 2, 3, 4, 5], predictions: [1.5, 2, 2, 7, 5.25] });
    const drawnValues = new ValueOutcome({ targets: rows.map((r) => values.targets[r]!), predictions: rows.map((r) => values.predictions[r]!) });
    for (const { id, compute } of metrics.filter((one) => one.tasks.includes("regression")))
      expect([id, compute(values.resampled(counts) as never)]).toEqual([id, optionally(compute(drawnValues as never))]);
  });
});
const optionally = (value: number | undefined) => (value === undefined ? undefined : expect.closeTo(value, 12));

test("outputs that are not finite have no areas, and their predictions are still counted", () => {
  const one = outcome(
    [0, 1, 2, 1],
    [
      [0.8, 0.1, 0.1],
      [Number.NaN, 0.9, 0.1],
      [0.1, 0.2, 0.7],
      [0.6, 0.3, 0.1],
    ],
  );
  const defined = metrics.flatMap(({ id, tasks, compute }) => (tasks[0] === "classification" && compute(one as never) !== undefined ? [id] : []));
  expect(defined).toContain("accuracy");
  for (const id of ["log-loss", "brier", "roc-auc", "pr-auc", "calibration-error"]) expect(defined).not.toContain(id);
  expect(curvesOf(one, ["a", "b", "c"])).toEqual({ roc: [], pr: [], lift: [] });
});

test("scores below zero are in order, and 0 and -0 are equal", () => {
  const of = (targets: readonly number[], scores: readonly number[]) =>
    outcome(
      targets,
      scores.map((s) => [0, s]),
      "scores",
    ).rocAuc(1);
  expect(of([1, 0, 1, 0], [-1, -2, 3, -1e-30])).toBe(0.75);
  expect(of([1, 0], [-0, 0])).toBe(0.5);
});

describe("significance", () => {
  test.each(reference.mcnemar)("of $onlyFirst against $onlySecond disagreements is McNemar's", ({ onlyFirst, onlySecond, p }) => {
    expect(mcnemar(onlyFirst, onlySecond)).toBeCloseTo(p, 12);
  });

  test("of a better model is found, of a model and itself is not", () => {
    const [weak, strong] = [drawn(400, 0.5, 1, 3), drawn(400, 0.5, 6, 3)];
    expect(compare(metric("accuracy"), weak, strong, 1)).toMatchObject({ test: "mcnemar", samples: 400, p: expect.closeTo(0, 3) });
    const area = compare(metric("roc-auc"), weak, strong, 1)!;
    expect(area.test).toBe("paired-bootstrap");
    expect(area.p).toBeLessThan(0.01);
    expect(area.interval[0]).toBeGreaterThan(0);
    expect(compare(metric("accuracy"), weak, weak, 1)).toMatchObject({ difference: 0, p: 1, onlyFirst: 0, onlySecond: 0 });
    expect(compare(metric("log-loss"), weak, weak, 1)).toMatchObject({ difference: 0, interval: [0, 0], p: 1 });
  });

  test("is not told where a metric is not defined", () => {
    const one = outcome(
      [0, 0],
      [
        [0.9, 0.1],
        [0.8, 0.2],
      ],
    );
    expect(compare(metric("roc-auc"), one, one, 1)).toBeUndefined();
  });
});

describe("curves", () => {
  test("go from corner to corner, rise, are thinned, and have the areas of the metrics", () => {
    const one = drawn(3000, 0.3, 2, 5);
    const { roc, pr, lift, calibration } = curvesOf(one, ["no", "yes"]);
    expect([roc.length, pr.length, lift.length]).toEqual([1, 1, 1]);
    for (const { points } of [...roc, ...pr, ...lift]) expect(points.length).toBeLessThanOrEqual(MOST_POINTS);
    const points = roc[0]!.points;
    expect([points[0], points.at(-1)]).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(points.every(([x, y], i) => !i || (x >= points[i - 1]![0] && y >= points[i - 1]![1]))).toBe(true);
    const area = points.reduce((sum, [x, y], i) => (i ? sum + ((x - points[i - 1]![0]) * (y + points[i - 1]![1])) / 2 : 0), 0);
    expect(area).toBeCloseTo(roc[0]!.area, 2);
    expect(roc[0]!.area).toBe(metric("roc-auc").compute(one as never));
    expect(pr[0]!.points.at(-1)![0]).toBe(1);
    expect(calibration!.ece).toBe(metric("calibration-error").compute(one as never));
    expect(calibration!.bins.reduce((sum, { count }) => sum + count, 0)).toBe(3000);
  });

  test("leave out a class that does not occur, and calibration of scores", () => {
    const { roc, calibration } = curvesOf(
      outcome(
        [0, 2, 0],
        [
          [1, 0, 0],
          [0, 0, 1],
          [1, 0, 0],
        ],
        "scores",
      ),
      ["a", "b", "c"],
    );
    expect(roc.map(({ label }) => label)).toEqual(["a", "c"]);
    expect(calibration).toBeUndefined();
  });

  test("of thresholds count what is predicted from them on", () => {
    const one = outcome(
      [0, 0, 1, 1],
      [
        [0.9, 0.1],
        [0.4, 0.6],
        [0.7, 0.3],
        [0.2, 0.8],
      ],
    );
    const at = (t: number) => thresholdsOf(one).find(({ threshold }) => Math.abs(threshold - t) < 1e-9);
    expect(at(0.5)).toMatchObject({ tp: 1, fp: 1, tn: 1, fn: 1, precision: 0.5, recall: 0.5, accuracy: 0.5 });
    expect(at(0)).toMatchObject({ tp: 2, fp: 2, tn: 0, fn: 0 });
    expect(at(1)).toMatchObject({ tp: 0, fp: 0, precision: 0 });
    expect(
      thresholdsOf(
        outcome(
          [0, 1],
          [
            [3, -3],
            [-2, 2],
          ],
          "scores",
        ),
      ).map(({ threshold }) => threshold),
    ).toEqual([-3, 2]);
  });
});

describe("worst errors", () => {
  test("are the most confident mistakes", () => {
    const one = outcome(
      [0, 1, 1, 0],
      [
        [0.4, 0.6],
        [0.9, 0.1],
        [0.3, 0.7],
        [0.1, 0.9],
      ],
    );
    expect(worstOf(one, ["a", "b"])).toMatchObject([
      { row: 1, truth: "b", predicted: "a", confidence: expect.closeTo(0.9, 6) },
      { row: 3, truth: "a", predicted: "b" },
      { row: 0 },
    ]);
  });
  test("of values are those furthest off", () => {
    expect(worstOf(new ValueOutcome({ targets: [1, 2, 3], predictions: [1, 5, 2] }), [])).toEqual([
      { row: 1, truth: 2, predicted: 5, error: 3 },
      { row: 2, truth: 3, predicted: 2, error: -1 },
    ]);
  });
});

describe("slices", () => {
  const columns = [
    { name: "colour", type: "category", values: ["blue", "red"] },
    { name: "size", type: "number" },
    { name: "day", type: "date" },
  ] as const;
  const count = 40;
  const raw = {
    count,
    numbers: Float32Array.from({ length: count }, (_, i) => (i % 10 ? i : Number.NaN)),
    categories: Int32Array.from({ length: count }, (_, i) => (i < 6 ? -1 : i % 2)),
    dates: BigInt64Array.from({ length: count }, () => 0n),
    targets: new Int32Array(count),
  };
  const one = outcome(
    Array.from({ length: count }, (_, i) => i % 2),
    Array.from({ length: count }, () => [0.2, 0.8]),
  );

  test("tell each value of a category and each quarter of numbers apart, and the missing ones", () => {
    const slices = slicesOf([metric("accuracy")], one, columns, raw);
    expect(slices.filter(({ column }) => column === "colour")).toEqual([
      { column: "colour", value: "blue", samples: 17, metrics: { accuracy: 0 } },
      { column: "colour", value: "red", samples: 17, metrics: { accuracy: 1 } },
      { column: "colour", value: "(missing)", samples: 6, metrics: { accuracy: 0.5 } },
    ]);
    const sizes = slices.filter(({ column }) => column === "size");
    expect(sizes).toHaveLength(4); // the four that are missing are too few
    expect(sizes.reduce((sum, { samples }) => sum + samples, 0)).toBe(36);
    expect(slices.filter(({ column }) => column === "day")).toMatchObject([{ value: "1970-01-01", samples: 40 }]);
  });

  test("a row is told as people wrote it", () => {
    expect(rawRow(0, columns, raw)).toEqual({ colour: null, size: null, day: "1970-01-01" });
    expect(rawRow(7, columns, raw)).toMatchObject({ colour: "red", size: 7 });
  });
});

test("importance is what a score loses without the order of a column, and nothing for a column that is not read", async () => {
  const inputs = Float32Array.from({ length: 300 }, (_, i) => (i % 3 === 2 ? 1 : Math.sin(i)));
  const score = async (rows: Float32Array) => {
    let right = 0;
    for (let row = 0; row < 100; row++) right += Number(rows[row * 3]! > 0 === inputs[row * 3]! > 0);
    return right / 100;
  };
  const drops = await permutationImportance(inputs, 3, [[0], [1, 2]], 3, score);
  expect(drops[0]!.mean).toBeGreaterThan(0.3);
  expect(drops[1]).toEqual({ mean: 0, deviation: 0 });
});

test("details of either task are whole", () => {
  const of = classificationDetails(drawn(50, 0.5, 2, 9), ["no", "yes"]);
  expect(of.confusion.flat().reduce((a, b) => a + b)).toBe(50);
  expect(of.thresholds).toHaveLength(201);
  const values = regressionDetails(new ValueOutcome({ targets: [1, 2, 3, 4], predictions: [1, 2, 3, 9] }));
  expect(values.residuals.reduce((sum, { count }) => sum + count, 0)).toBe(4);
  expect(values.scatter).toHaveLength(4);
});
