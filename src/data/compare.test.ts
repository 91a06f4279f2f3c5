/** Drift between two profiles, beside numpy's and scipy's numbers on the data itself (test/python/reference_compare.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ColumnProfile, Profile } from "../shared/profile.ts";
import { compareProfiles, stabilityIndex } from "./compare.ts";

type Case = { base: number[]; other: number[]; psi: number; ks: number };
const cases: Record<string, Case> = JSON.parse(readFileSync("test/data/compare.reference.json", "utf8"));

const profileOf = (columns: Partial<ColumnProfile>[], total = 100, rest: Partial<Profile> = {}): Profile => ({
  kind: "table",
  records: { train: total, validation: 0, test: 0 },
  columns: columns.map((c) => ({ name: "x", type: "number", role: "feature", missing: 0, distinct: 10, ...c })),
  warnings: [],
  ...rest,
});
const category = (top: Record<string, number>, distinct = Object.keys(top).length): Partial<ColumnProfile> => ({
  name: "c",
  type: "category",
  distinct,
  top: Object.entries(top).map(([value, count]) => ({ value, count })),
});

describe("a column of numbers", () => {
  const verdicts = { same: "stable", moved: "strongly shifted", wider: "strongly shifted", elsewhere: "strongly shifted" };
  test.each(Object.entries(cases))("%s: drift told from quantiles is near that of the data", (name, { base, other, psi, ks }) => {
    const [drift] = compareProfiles(profileOf([{ quantiles: base }]), profileOf([{ quantiles: other }])).columns.drift;
    expect(Math.abs(drift!.psi - psi)).toBeLessThan(0.02 + 0.1 * psi);
    expect(drift!.ks! - ks).toBeLessThan(0.01);
    expect(ks - drift!.ks!).toBeLessThan(0.05);
    expect(drift!.verdict).toBe(verdicts[name as keyof typeof verdicts]);
  });

  test("is as far from itself as nothing, and so is one with a single value", () => {
    const { base } = cases.same!;
    for (const quantiles of [base, base.map(() => 3)]) {
      const [drift] = compareProfiles(profileOf([{ quantiles }]), profileOf([{ quantiles }])).columns.drift;
      expect([drift!.psi, drift!.ks]).toEqual([0, 0]);
    }
  });
});

describe("a column of categories", () => {
  test("has its values as bins: new and vanished ones are named", () => {
    const [drift] = compareProfiles(profileOf([category({ a: 50, b: 50 })]), profileOf([category({ a: 80, c: 20 })])).columns.drift;
    expect(drift).toMatchObject({ appeared: ["c"], vanished: ["b"], variation: 0.5, verdict: "strongly shifted" });
    expect(drift!.psi).toBeCloseTo(stabilityIndex([0.5, 0.5, 0], [0.8, 0, 0.2]), 12);
  });

  test("of which not all values are listed takes those that either list lacks as the rest, and calls none of them new", () => {
    const [drift] = compareProfiles(profileOf([category({ a: 40, b: 20 }, 50)]), profileOf([category({ a: 40, z: 20 }, 50)])).columns.drift;
    expect(drift).toMatchObject({ appeared: [], vanished: [], psi: 0, verdict: "stable" });
  });

  test("tells how many are missing now", () => {
    const [drift] = compareProfiles(profileOf([category({ a: 100 })]), profileOf([{ ...category({ a: 60 }), missing: 40 }])).columns.drift;
    expect(drift!.missing).toEqual({ base: 0, other: 0.4 });
  });
});

test("columns that came, went or changed their type are named, and not compared", () => {
  const { columns } = compareProfiles(
    profileOf([{ name: "a" }, { name: "b" }, { name: "c", type: "date" }]),
    profileOf([{ name: "b" }, { name: "c", type: "text" }, { name: "d" }]),
  );
  expect(columns).toMatchObject({ added: ["d"], removed: ["a"], retyped: [{ name: "c", base: "date", other: "text" }] });
  expect(columns.drift.map(({ name }) => name)).toEqual(["b"]);
});

test("classes are compared by their share of all records", () => {
  const classes = (all: Record<string, number>) => Object.entries(all).map(([label, train]) => ({ label, train, validation: 0, test: 0 }));
  const compared = compareProfiles(
    profileOf([], 100, { classes: classes({ x: 50, y: 50 }) }),
    profileOf([], 30, { classes: classes({ x: 15, y: 15, z: 0 }) }),
  );
  expect(compared.classes).toMatchObject({ added: ["z"], removed: [], psi: 0, verdict: "stable" });
});

test("pictures that are darker than before have shifted", () => {
  const pictures = (mean: number) => ({ sizes: [], channels: [], formats: [], mean: [mean], deviation: [60], broken: [] });
  const compared = compareProfiles(profileOf([], 1, { pictures: pictures(120) }), profileOf([], 1, { pictures: pictures(80) }));
  expect(compared.pictures).toMatchObject({ shift: 40 / 60, verdict: "strongly shifted" });
});
