import { describe, expect, test } from "vitest";
import { type Fold, foldsOf } from "./folds.ts";

const shares = (folds: readonly Fold[], of: ArrayLike<number>, kind: number) =>
  folds.map(({ held }) => held.filter((row) => of[row] === kind).length);

describe("folds", () => {
  const classes = Int32Array.from({ length: 103 }, (_, i) => (i % 10 === 0 ? 1 : 0));

  test("hold out every row once a repeat, and train on all others", () => {
    const folds = foldsOf(103, { folds: 5, repeats: 3, seed: 1 });
    expect(folds).toHaveLength(15);
    for (const { train, held } of folds) expect([...train, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: 103 }, (_, i) => i));
    for (const repeat of [0, 1, 2]) {
      const rows = folds.filter((fold) => fold.repeat === repeat).flatMap(({ held }) => [...held]);
      expect(new Set(rows).size).toBe(103);
    }
    expect(folds[0]!.held).not.toEqual(folds[5]!.held);
  });

  test("are the same for the same seed", () => {
    const options = { folds: 4, repeats: 2, seed: 7, strata: classes };
    expect(foldsOf(103, options)).toEqual(foldsOf(103, options));
    expect(foldsOf(103, options)).not.toEqual(foldsOf(103, { ...options, seed: 8 }));
  });

  test("that are stratified have each class's share, to a row", () => {
    const folds = foldsOf(103, { folds: 5, repeats: 1, seed: 1, strata: classes });
    for (const kind of [0, 1]) {
      const counts = shares(folds, classes, kind);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
    const sizes = folds.map(({ held }) => held.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test("that are grouped tear no group apart, and are of like sizes", () => {
    const groups = Int32Array.from({ length: 200 }, (_, i) => i % 23);
    const folds = foldsOf(200, { folds: 4, repeats: 2, seed: 3, groups, strata: Int32Array.from({ length: 200 }, (_, i) => (i % 23) % 2) });
    for (const { train, held } of folds) expect([...held].filter((row) => train.some((other) => groups[other] === groups[row]))).toEqual([]);
    for (const { held } of folds) expect(Math.abs(held.length - 50)).toBeLessThanOrEqual(12);
  });

  test("are no more than there are rows or groups", () => {
    expect(() => foldsOf(3, { folds: 4, repeats: 1, seed: 1 })).toThrow(
      "cross-validation: folds must be at most 3, the number of rows to learn from, but is 4",
    );
    expect(() => foldsOf(9, { folds: 4, repeats: 1, seed: 1, groups: [1, 1, 1, 2, 2, 2, 3, 3, 3] })).toThrow("at most 3, the number of groups");
  });
});
