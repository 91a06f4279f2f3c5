import { describe, expect, test } from "vitest";
import { strongWolfe, type Trial } from "./line-search.ts";

/** Searches from 0 along a function given with its slope. */
function search(f: (x: number) => number, slope: (x: number) => number, first: number, most = 20) {
  const looks: number[] = [];
  const at = (x: number): Trial => ({ at: x, value: f(x), slope: slope(x) });
  const start = at(0);
  const steps = strongWolfe(start, first, most);
  let next = steps.next();
  while (!next.done) {
    looks.push(next.value);
    next = steps.next(at(next.value));
  }
  return { start, looks, found: next.value };
}

// Moré & Thuente 1994, the functions of tables I, II and V.
const functions = {
  "a ratio, concave from 1.4": [(x: number) => -x / (x * x + 2), (x: number) => (x * x - 2) / (x * x + 2) ** 2],
  "a steep fall at its minimum": [(x: number) => (x + 0.004) ** 5 - 2 * (x + 0.004) ** 4, (x: number) => 5 * (x + 0.004) ** 4 - 8 * (x + 0.004) ** 3],
  "roots, Yanai with 0.001 and 0.001": [
    (x: number) => gamma * (Math.hypot(1 - x, 0.001) + Math.hypot(x, 0.001)),
    (x: number) => gamma * ((x - 1) / Math.hypot(1 - x, 0.001) + x / Math.hypot(x, 0.001)),
  ],
  "a quadratic": [(x: number) => (x - 3) ** 2, (x: number) => 2 * (x - 3)],
} as const;
const gamma = Math.hypot(1, 0.001) - 0.001;

describe.each(Object.entries(functions))("along %s", (_, [f, slope]) => {
  test.each([1e-3, 1e-1, 10, 1000])("meets the strong Wolfe conditions from a first trial at %d", (first) => {
    const { start, found, looks } = search(f, slope, first, 40);
    expect(found!.value).toBeLessThan(start.value);
    expect(Math.abs(found!.slope)).toBeLessThanOrEqual(0.9 * Math.abs(start.slope));
    expect(looks[0]).toBe(first);
    expect(looks.length).toBeLessThan(20);
  });
});

test("takes the first trial when it is good", () => {
  const { looks, found } = search(
    (x) => (x - 1) ** 2,
    (x) => 2 * (x - 1),
    1,
  );
  expect([looks, found!.at]).toEqual([[1], 1]);
});

test("comes back from where the function is no number", () => {
  const { found } = search(
    (x) => x - 1.5 * Math.log(1 + x) + (x > 2 ? Number.NaN : 0),
    (x) => 1 - 1.5 / (1 + x),
    100,
  );
  expect(found!.at).toBeCloseTo(0.5, 0);
});

test("ends at a kink with what has fallen enough, as the slope there never flattens", () => {
  const { looks, found } = search(
    (x) => Math.abs(x - 1 / 3),
    (x) => Math.sign(x - 1 / 3),
    1,
  );
  expect(looks).toHaveLength(20);
  expect(found!.at).toBeLessThanOrEqual(1 / 3);
  expect(found!.value).toBeLessThan(1 / 3);
});

test("finds nothing where the function only rises, whatever its slope says", () => {
  const { looks, found } = search(
    (x) => x,
    (x) => (x ? 1 : -1),
    1,
    8,
  );
  expect([looks.length, found]).toEqual([8, undefined]);
});

test("near a minimum lets the slopes decide, as the values are rounding alone", () => {
  const { looks, found } = search(
    (x) => 1 + (x ? 1e-8 : 0),
    (x) => 1e-9 * (x - 1),
    1,
  );
  expect([looks, found!.at]).toEqual([[1], 1]);
});
