import { expect, test } from "vitest";
import { fitData, learn, predict } from "../../test/learners.ts";
import { dummy } from "./dummy.ts";

const labels = ["a", "b", "c"];
const rows = [[1], [2], [3], [4]];

test("says how frequent each class is, one without samples included", async () => {
  const fitted = await learn(dummy, fitData(rows, [1, 1, 0, 1], labels));
  expect(Array.from((await predict(fitted, { inputs: Float32Array.of(7, 8), features: 1 })).output)).toEqual([0.25, 0.75, 0, 0.25, 0.75, 0]);
});

test("says the most frequent class, by weight", async () => {
  const fitted = await learn(dummy, fitData(rows, [1, 1, 0, 1], labels, [1, 1, 4, 1]), { strategy: "most_frequent" });
  expect(Array.from((await predict(fitted, { inputs: Float32Array.of(7), features: 1 })).output)).toEqual([1, 0, 0]);
});

test.each([
  // numpy.average, numpy.median and sklearn.utils.stats._weighted_percentile of 1, 2, 4, 9
  ["auto", undefined, 4],
  ["mean", [1, 1, 1, 5], 6.5],
  ["median", undefined, 3],
  ["median", [1, 1, 1, 5], 9],
  ["median", [1, 1, 1, 1], 2],
] as const)("%s of values weighing %j is %d", async (strategy, weights, value) => {
  const fitted = await learn(dummy, fitData(rows, [4, 1, 2, 9].toSorted(), [], weights), { strategy });
  expect((await predict(fitted, { inputs: Float32Array.of(7), features: 1 })).output[0]).toBe(value);
});

test("says the same of missing and infinite values", async () => {
  const fitted = await learn(dummy, fitData(rows, [1, 2, 3, 6]));
  const inputs = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  expect(Array.from((await predict(fitted, { inputs, features: 1 })).output)).toEqual([3, 3, 3]);
});

test("refuses a strategy of the other task, and samples that all weigh 0", async () => {
  expect(dummy.check!({ strategy: "mean" } as never, "classification")).toEqual({
    name: "strategy",
    want: "auto, prior or most_frequent for classification",
    got: "mean",
  });
  expect(dummy.check!({ strategy: "auto" } as never, "regression")).toBeUndefined();
  await expect(learn(dummy, fitData(rows, [0, 1, 1, 1], labels, [0, 0, 0, 0]))).rejects.toThrow('model "dummy": every sample has a weight of 0');
});
