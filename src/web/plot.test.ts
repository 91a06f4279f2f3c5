import { describe, expect, test } from "vitest";
import type { RunSummary } from "../shared/api/schemas.ts";
import { axisOf, colorAt, within } from "./plot.ts";
import { columnOf } from "./run-columns.ts";

const runs = (metrics: readonly (number | null)[], settings: readonly (number | string | null)[] = []): RunSummary[] =>
  Array.from(
    { length: Math.max(metrics.length, settings.length) },
    (_, i) => ({ metrics: { m: metrics[i] ?? null }, settings: { s: settings[i] ?? null } }) as never,
  );

describe("an axis", () => {
  test("of a metric is even, however far it reaches, and has no place for what is missing", () => {
    const axis = axisOf(runs([0, 0.001, 1, null]), columnOf("metrics.m"));
    expect([axis.kind, axis.at(0), axis.at(1), axis.at(0.5), axis.at(null)]).toEqual(["even", 0, 1, 0.5, undefined]);
    expect(axis.ticks.map(({ label }) => label)).toEqual(["0", "0.25", "0.5", "0.75", "1"]);
  });
  test("of a setting that is tried out by factors is logarithmic", () => {
    const axis = axisOf(runs([], [0.0001, 0.01, 0.1]), columnOf("s"));
    expect(axis.kind).toBe("logarithmic");
    expect(axis.at(0.01)).toBeCloseTo(2 / 3);
    expect(axis.text(0)).toBe("0.0001");
    expect(axisOf(runs([], [-1, 100]), columnOf("s")).kind).toBe("even");
  });
  test("of words has a place for each, numbers among them in their order", () => {
    const axis = axisOf(runs([], ["sgd", 10, "adam", 9, null]), columnOf("s"));
    expect([axis.kind, axis.ticks.map(({ label }) => label)]).toEqual(["words", ["9", "10", "adam", "sgd"]]);
    expect([axis.at("adam"), axis.at(null), axis.at("other"), axis.text(1)]).toEqual([2 / 3, undefined, undefined, "sgd"]);
  });
  test("of one value puts it in the middle, and of none says nothing", () => {
    expect(axisOf(runs([3, 3]), columnOf("metrics.m")).at(3)).toBe(0.5);
    expect(axisOf(runs([null]), columnOf("metrics.m")).ticks).toEqual([]);
    expect(axisOf(runs([], ["a"]), columnOf("s")).at("a")).toBe(0.5);
  });
});

test("a colour lies between those of the least and the greatest, and what has no value has one of its own", () => {
  const all = [0, 0.5, 1, undefined].map((at) => colorAt(at, "light"));
  expect(all.slice(0, 3)).toEqual(["rgb(28 95 208)", "rgb(138 45 165)", "rgb(194 65 12)"]);
  expect(new Set(all).size).toBe(4);
});

test("what lies at the end of a brush is within it, what has no place never is", () => {
  expect([0.2, 0.3, 0.1999, undefined].map((at) => within(at, [0.2, 0.3]))).toEqual([true, true, false, false]);
});
