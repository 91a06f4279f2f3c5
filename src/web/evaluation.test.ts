/** What pages make of an evaluation. */
import { describe, expect, test } from "vitest";
import { cellOf, commonMistakes } from "./confusion.ts";
import { nearest } from "./thresholds.ts";
import { judge } from "./verdict.ts";

describe("the commonest mistakes", () => {
  test("come first, with their share of the true class, and nothing that was right", () => {
    const confusion = [
      [8, 2, 0],
      [5, 5, 0],
      [0, 1, 99],
    ];
    expect(commonMistakes(confusion, 2)).toEqual([
      { truth: 1, predicted: 0, count: 5, share: 0.5 },
      { truth: 0, predicted: 1, count: 2, share: 0.2 },
    ]);
  });

  test("are found among a million cells", () => {
    const confusion = Array.from({ length: 1000 }, (_, t) => Array.from({ length: 1000 }, (_, p) => (t === p ? 50 : (t * 31 + p * 17) % 7)));
    confusion[123]![456] = 1000;
    const found = commonMistakes(confusion, 50);
    expect(found).toHaveLength(50);
    expect(found[0]).toMatchObject({ truth: 123, predicted: 456, count: 1000 });
    expect(found[49]!.count).toBe(6);
  });
});

test("a cell in the address is two numbers, and anything else is none", () => {
  expect(cellOf("3,5")).toEqual({ truth: 3, predicted: 5 });
  for (const text of [undefined, "", "3", "3,", "-1,2", "3,5,7", "a,b", "3, 5"]) expect(cellOf(text)).toBeUndefined();
});

test("the threshold that is nearest to a wanted one is found", () => {
  const thresholds = [0, 0.25, 0.5, 0.75, 1].map((threshold) => ({ threshold }));
  expect([-3, 0.3, 0.62, 0.63, 9].map((wanted) => nearest(thresholds, wanted))).toEqual([0, 1, 2, 3, 4]);
});

describe("test, training and baseline together", () => {
  const of = (test: number, train: number, baseline: number, interval: [number, number]) =>
    judge({
      metrics: { accuracy: test },
      train: { samples: 100, metrics: { accuracy: train } },
      baseline: { model: "dummy", metrics: { accuracy: baseline } },
      intervals: { accuracy: interval },
    })?.verdict;
  test("say overfitting where training is out of the interval and well above", () => expect(of(0.8, 0.99, 0.3, [0.75, 0.85])).toBe("overfit"));
  test("say that nothing was learnt where the baseline is within the interval", () => expect(of(0.35, 0.99, 0.33, [0.3, 0.4])).toBe("noBetter"));
  test("say that all is well where neither is so", () => {
    expect(of(0.9, 0.93, 0.3, [0.85, 0.95])).toBe("even");
    expect(of(0.9, 0.94, 0.3, [0.89, 0.91])).toBe("even");
  });
  test("say nothing where there is no metric to judge by", () => expect(judge({ metrics: { mae: 3 } })).toBeUndefined());
});
