import { describe, expect, test } from "vitest";
import { refusal } from "../../../test/arrays.ts";
import { type Fitted, fitData, learn, predict } from "../../../test/learners.ts";
import { type Case, casesOf, checkPrediction, dataOf } from "../../../test/linear-reference.ts";
import { fromWords } from "../doubles.ts";
import type { FitContext, FitProgress, LearntTensors } from "../kinds.ts";
import { shared } from "../threads.ts";
import { logisticRegression } from "./logistic-regression.ts";

const cornered = ["coordinate", "proximal"] as const;
const solvers = ["newton", "lbfgs", ...cornered] as const;
const hasCorners = ({ params }: Case) => params.penalty === "l1" || params.penalty === "elasticnet";
const tiny = fitData(
  [
    [1, 0],
    [2, 1],
    [4, 1],
    [5, 0],
  ],
  [0, 0, 1, 1],
  ["low", "high"],
);
const numbersOf = ({ tensors }: { readonly tensors: LearntTensors }) => [...tensors].map(([name, { data }]) => [name, ...data]);
const zeros = (values: Float32Array) => values.filter((value) => value === 0).length;

describe("logistic-regression gives scikit-learn's probabilities", () => {
  for (const one of casesOf("logistic-regression"))
    for (const params of [{}, { solver: hasCorners(one) ? "proximal" : "lbfgs", maxIter: 10_000 }])
      test(`${one.data} ${one.scaling}, ${one.weighted ? "weighted, " : ""}${JSON.stringify({ ...one.params, ...params })}`, async () => {
        const { tensors, metrics, classes } = await checkPrediction(logisticRegression, one, params, 1e-4);
        if (!params.solver) expect(metrics!.converged).toBe(1);
        if (one.zeros === undefined) return;
        const { data } = tensors.get("coefficients")!;
        expect(zeros(data)).toBe(one.zeros + (classes === 2 ? data.length / 2 : 0)); // of two classes the first has none
      });
});

describe("logistic-regression", () => {
  test("a solver that is stopped goes on to the same bits, from each of its iterations", async () => {
    for (const solver of solvers) {
      const [data, params] = [
        dataOf("wine", "standardised"),
        { solver, maxIter: 12, penalty: solver === "coordinate" || solver === "proximal" ? "elasticnet" : "l2" },
      ];
      const whole = await learn(logisticRegression, data, params);
      for (const at of [0, 1, 5]) {
        const { checkpoint, reason } = await stopped(data, params, at);
        expect(reason).toBe("enough");
        expect(fromWords(checkpoint.get("solver.iteration")!)[0]).toBe(at);
        const on = await learn(logisticRegression, data, params, { resume: throughFile(checkpoint) });
        expect(numbersOf(on)).toEqual(numbersOf(whole));
        expect(on.metrics).toEqual(whole.metrics);
      }
    }
  });

  test("a checkpoint predicts", async () => {
    const data = dataOf("iris");
    const { checkpoint } = await stopped(data, { solver: "newton" }, 4);
    const fitted = await learn(logisticRegression, data, { solver: "newton" });
    const [early, late] = [await predict({ ...fitted, tensors: checkpoint }, data), await predict(fitted, data)];
    for (const [i, p] of early.output.entries()) expect(Math.abs(p - late.output[i]!)).toBeLessThan(0.2);
  });

  test("the bits are the same with one thread and with two, and of shared memory", async () => {
    const data = dataOf("digits", "sixteenths");
    for (const solver of ["newton", "lbfgs", "proximal"]) {
      const params = { solver, maxIter: 2 };
      const one = await learn(logisticRegression, data, params, { threads: 1 });
      const two = await learn(logisticRegression, { ...data, inputs: shared(data.inputs) }, params, { threads: 2 });
      expect(numbersOf(one)).toEqual(numbersOf(two));
    }
  });

  test("integer weights are repeated rows, and a weight of 0 leaves a row out", async () => {
    const weights = await learn(logisticRegression, { ...tiny, weights: Float64Array.of(1, 3, 2, 0) });
    const repeated = await learn(
      logisticRegression,
      fitData(
        [
          [1, 0],
          [2, 1],
          [2, 1],
          [2, 1],
          [4, 1],
          [4, 1],
        ],
        [0, 0, 0, 0, 1, 1],
        tiny.labels,
      ),
    );
    await expectAlike(weights, repeated);
  });

  test("the loss goes down, and is that of the training rows", async () => {
    const data = dataOf("iris");
    for (const solver of solvers) {
      const fitted = await learn(logisticRegression, data, { solver, penalty: "none", maxIter: 8 });
      const losses = fitted.progress.flatMap(({ loss }) => loss ?? []);
      expect(losses[0]).toBeCloseTo(Math.log(3), 6);
      expect(losses.at(-1)!).toBeLessThan(losses[0]!);
      const { output } = await predict(fitted, data);
      const direct = (data.targets as Int32Array).reduce((sum, c, r) => sum - Math.log(output[3 * r + c]!), 0) / data.count;
      expect(losses.at(-1)!).toBeCloseTo(direct, 4);
      expect(fitted.progress.at(-1)).toMatchObject({ done: fitted.metrics!.iterations, total: 8 });
    }
  });

  test("classes that can be told apart without a doubt, without a penalty, end with finite coefficients", async () => {
    for (const solver of solvers) {
      const fitted = await learn(logisticRegression, tiny, { solver, penalty: "none" });
      expect([...fitted.tensors.get("coefficients")!.data].every(Number.isFinite)).toBe(true);
      const { output } = await predict(fitted, tiny);
      expect([output[0]!, output[7]!].every((p) => p > 0.95)).toBe(true);
    }
  });

  test("a class without samples has the probability 0, and changes no other", async () => {
    const data = dataOf("iris");
    const labels = ["before", "setosa", "versicolor", "between", "virginica"];
    for (const multiClass of ["multinomial", "ovr"]) {
      const gaps = await learn(
        logisticRegression,
        { ...data, targets: (data.targets as Int32Array).map((c) => [1, 2, 4][c]!), labels },
        { multiClass },
      );
      const [{ output: wide }, { output: narrow }] = [
        await predict(gaps, data),
        await predict(await learn(logisticRegression, data, { multiClass }), data),
      ];
      for (let r = 0; r < data.count; r++) {
        expect([wide[5 * r], wide[5 * r + 3]]).toEqual([0, 0]);
        for (const [c, at] of [1, 2, 4].entries()) expect(wide[5 * r + at]).toBeCloseTo(narrow[3 * r + c]!, 5);
      }
      const two = await learn(logisticRegression, { ...tiny, labels: ["low", "high", "none"] }, { multiClass });
      const { output: three } = await predict(two, tiny);
      const { output: pair } = await predict(await learn(logisticRegression, tiny), tiny);
      for (let r = 0; r < 4; r++)
        expect([three[3 * r]!, three[3 * r + 1]!]).toEqual([expect.closeTo(pair[2 * r]!, 5), expect.closeTo(pair[2 * r + 1]!, 5)]);
    }
  });

  test("a single row is predicted as its class", async () => {
    const fitted = await learn(logisticRegression, fitData([[3, 4]], [1], ["a", "b"]));
    expect([...(await predict(fitted, tiny)).output]).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(logisticRegression.importance!(fitted.tensors)).toBeUndefined();
  });

  test("features that are constant or there twice, and more features than rows, are no trouble", async () => {
    const rows = [
      [1, 7, 1, 0, 3],
      [2, 7, 2, 0, 1],
      [4, 7, 4, 0, 2],
    ];
    for (const penalty of ["l2", "l1", "none"])
      for (const solver of penalty === "l1" ? cornered : solvers) {
        const fitted = await learn(logisticRegression, fitData(rows, [0, 1, 1], ["a", "b"]), { penalty, solver });
        const { output } = await predict(fitted, { inputs: Float32Array.from(rows.flat()), features: 5 });
        expect(output.every((p) => p >= 0 && p <= 1)).toBe(true);
        expect(fitted.tensors.get("coefficients")!.data[7]).toBeCloseTo(0, 6); // of the feature that is always 0
      }
  });

  test("of a feature that counts for much, importance tells", async () => {
    const rows = Array.from({ length: 40 }, (_, r) => [r % 7, r, 5]);
    const fitted = await learn(
      logisticRegression,
      fitData(
        rows,
        rows.map((_, r) => Number(r > 20)),
        ["a", "b"],
      ),
    );
    const shares = logisticRegression.importance!(fitted.tensors)!;
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(shares[1]).toBeGreaterThan(0.7);
    expect(shares[2]).toBe(0);
  });

  test("a solver for smooth penalties is refused for l1", () => {
    const check = (penalty: string, solver: string) => logisticRegression.check!({ penalty, solver } as never);
    expect(check("l1", "lbfgs")).toEqual({ name: "solver", want: "coordinate, proximal or auto, as the penalty l1 has corners", got: "lbfgs" });
    expect(check("elasticnet", "newton")).toMatchObject({ name: "solver", got: "newton" });
    for (const solver of [...cornered, "auto"]) expect(check("l1", solver)).toBeUndefined();
    for (const solver of [...solvers, "auto"]) expect(check("none", solver)).toBeUndefined();
  });

  test("a matrix that is too large, and samples that all weigh nothing, are refused", async () => {
    const wide = { ...tiny, inputs: new Float32Array(4 * 2000), features: 2000 };
    expect(await refusal(learn(logisticRegression, wide, { solver: "newton" }))).toEqual([
      "UNFIT_DATA",
      'model "logistic-regression": the solver newton keeps a matrix of up to 1000 x 1000 coefficients, and here are 2001',
      "Choose the solver lbfgs, or auto.",
    ]);
    expect((await refusal(learn(logisticRegression, { ...tiny, weights: new Float64Array(4) })))[1]).toContain("every sample has a weight of 0");
  });
});

async function expectAlike(a: Fitted, b: Fitted): Promise<void> {
  const [one, other] = [await predict(a, tiny), await predict(b, tiny)];
  for (const [i, p] of one.output.entries()) expect(p).toBeCloseTo(other.output[i]!, 5);
}

/** What a fit keeps when it is stopped after an iteration, and why it ended. */
async function stopped(data: Parameters<typeof learn>[1], params: Readonly<Record<string, unknown>>, iteration: number) {
  const stop = new AbortController();
  const context: FitContext = { seed: 1, threads: 2, signal: stop.signal };
  const defaults = Object.fromEntries(Object.entries(logisticRegression.params).map(([name, param]) => [name, param.default]));
  const events = logisticRegression.fit(data, { ...defaults, ...params } as never, context);
  let last: FitProgress | undefined;
  try {
    for await (const progress of events) {
      last = progress;
      if (progress.checkpoint && progress.done === iteration) stop.abort("enough");
    }
  } catch (reason) {
    return { checkpoint: last!.checkpoint!(), reason };
  }
  throw new Error(`it ended before iteration ${iteration}`);
}

/** As they come back from a file: the same numbers in other memory. */
const throughFile = (tensors: LearntTensors): LearntTensors =>
  new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]));
