import { expect, test } from "vitest";
import { changesOf, listed } from "./drift.ts";

const missing = { base: 0, other: 0 };

test("what did not change is not spoken of", () => {
  expect(changesOf({ name: "a", type: "number", psi: 0, ks: 0, missing, mean: { base: 1, other: 1 }, verdict: "stable" })).toEqual([]);
});

test("numbers tell how mean and median moved and how many rows lie elsewhere; categories tell which values came and went", () => {
  expect(
    changesOf({
      ...{ name: "a", type: "number", psi: 0.3, ks: 0.25, missing: { base: 0, other: 0.05 } },
      ...{ mean: { base: 1, other: 2 }, median: { base: 1, other: 1.5 }, verdict: "strongly shifted" },
    }),
  ).toEqual(["mean 1 → 2", "median 1 → 1.5", "at most 25 % of the rows lie on the other side of any value", "missing 0 % → 5 %"]);
  expect(
    changesOf({ name: "b", type: "category", psi: 0.1, variation: 0.1, missing, appeared: ["x"], vanished: ["y", "z"], verdict: "shifted" }),
  ).toEqual(["10 % of the values are others", "new: \u2068x\u2069", "gone: \u2068y\u2069, \u2068z\u2069"]);
});

test("of many names some are said and the others counted", () => {
  expect(listed(["a", "b", "c", "d", "e", "f", "g"]).replaceAll(/[\u2068\u2069]/g, "")).toBe("a, b, c, d, e and 2 more");
});
