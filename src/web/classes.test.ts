import { expect, test } from "vitest";
import { classesBy } from "./classes.ts";

const classes = [
  { label: "Cat", train: 3, validation: 0, test: 1 },
  { label: "dog", train: 8, validation: 1, test: 1 },
  { label: "category", train: 1, validation: 0, test: 0 },
];
const names = (...asked: Parameters<typeof classesBy>) => classesBy(...asked).map(({ label }) => label);

test("classes are found by a part of their name, in upper or lower case, and ordered by their records in all splits", () => {
  expect(names(classes, "given", "")).toEqual(["Cat", "dog", "category"]);
  expect(names(classes, "most", " CAT ")).toEqual(["Cat", "category"]);
  expect(names(classes, "least", "")).toEqual(["category", "Cat", "dog"]);
  expect(names(classes, "least", "bird")).toEqual([]);
});

test("of twenty thousand classes the rarest are found in less than the blink of an eye's work: once over, without changing what was given", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => ({ label: `class ${i}`, train: (i * 7919) % 20_000, validation: 0, test: 0 }));
  expect(classesBy(many, "least", "")[0]!.train).toBe(0);
  expect(many[1]!.label).toBe("class 1");
});
