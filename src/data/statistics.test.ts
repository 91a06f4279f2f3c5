/** Order statistics by selection are those of sorted values. */
import { describe, expect, test } from "vitest";
import { random } from "../shared/random.ts";
import { mode, moments, present, quantile, range } from "./statistics.ts";

const sorted = (values: Float32Array) => values.slice().sort();
const samples = {
  "one value": Float32Array.of(3),
  "two values": Float32Array.of(5, -1),
  "many equal values": Float32Array.from({ length: 999 }, (_, i) => i % 3),
  ascending: Float32Array.from({ length: 1000 }, (_, i) => i),
  descending: Float32Array.from({ length: 1001 }, (_, i) => -i),
  random: random("statistics").fillNormal(new Float32Array(5000)),
};

describe.each(Object.entries(samples))("of %s", (_, values) => {
  test.each([0, 0.1, 0.25, 0.5, 0.75, 1])("the quantile at %d lies between the neighbours in sorted order", (share) => {
    const inOrder = sorted(values);
    const at = share * (values.length - 1);
    const [below, above] = [inOrder[Math.floor(at)]!, inOrder[Math.ceil(at)]!];
    expect(quantile(values.slice(), share)).toBeCloseTo(below + (above - below) * (at - Math.floor(at)), 9);
  });

  test("range and mode are those of sorted values", () => {
    const inOrder = sorted(values);
    expect(range(values)).toEqual({ least: inOrder[0], greatest: inOrder.at(-1) });
    const counts = new Map<number, number>();
    for (const value of inOrder) counts.set(value, (counts.get(value) ?? 0) + 1);
    const most = Math.max(...counts.values());
    expect(mode(values.slice())).toBe([...counts].find(([, count]) => count === most)![0]);
  });
});

test("missing values do not count", () => {
  const values = present(Float32Array.of(Number.NaN, 2, Number.NaN, 4, 0));
  expect([...values]).toEqual([2, 4, 0]);
  expect(moments(values)).toEqual({ mean: 2, deviation: Math.sqrt(8 / 3) });
  expect(present(Float32Array.of(Number.NaN))).toHaveLength(0);
});
