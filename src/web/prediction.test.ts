import { expect, test } from "vitest";
import { ranked } from "./prediction.ts";

test("probabilities are shown as they are, from the highest", () => {
  const { bars, probabilities } = ranked({ label: "b", outputs: { a: 0.25, b: 0.75 } });
  expect(probabilities).toBe(true);
  expect(bars).toEqual([
    { label: "b", value: 0.75, percent: 75 },
    { label: "a", value: 0.25, percent: 25 },
  ]);
});

test("scores, which are no shares of one, are shown between the lowest and the highest", () => {
  const { bars, probabilities } = ranked({ label: "b", outputs: { a: -2, b: 2, c: 0 } });
  expect(probabilities).toBe(false);
  expect(bars.map(({ label, percent }) => [label, percent])).toEqual([
    ["b", 100],
    ["c", 50],
    ["a", 0],
  ]);
});

test("a value has no bars", () => {
  expect(ranked({ value: 3 }).bars).toEqual([]);
});
