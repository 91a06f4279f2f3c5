/** Where each picture goes is settled by classes, seed and what the files say. */
import { expect, test } from "vitest";
import { type SplitName, splitNames, type Task } from "../../shared/dataset.ts";
import type { SplitParams } from "../importing.ts";
import { settle } from "./settle.ts";

const params: SplitParams = { split: "auto", splitColumn: "", validationFraction: 0.1, testFraction: 0.2, splitSeed: 1 };
const classes = (count: number, of = 4) => Int32Array.from({ length: count }, (_, i) => i % of);
function settled(counts: Partial<Record<SplitName, number>>, some: Partial<SplitParams> = {}, task: Task = "classification") {
  const splits = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, { targets: classes(count) }])) as never;
  return settle({ task, splits }, { ...params, ...some });
}
const tally = ({ splitOf }: { splitOf: Uint8Array }) => splitNames.map((_, s) => splitOf.filter((split) => split === s).length);

test("all are drawn from, by class, where the files give no splits", () => {
  const { splitOf, targets, split } = settled({ train: 400 });
  expect([tally({ splitOf }), split]).toEqual([[280, 40, 80], "stratified"]);
  for (let c = 0; c < 4; c++) expect(tally({ splitOf: splitOf.filter((_, i) => targets[i] === c) })).toEqual([70, 10, 20]);
});

test("a random draw minds no classes", () => {
  const { splitOf, targets, split } = settled({ train: 400 }, { split: "random" });
  expect([tally({ splitOf }), split]).toEqual([[280, 40, 80], "random"]);
  expect(tally({ splitOf: splitOf.filter((_, i) => targets[i] === 0) })).not.toEqual([70, 10, 20]);
  expect(settled({ train: 400 }, {}, "regression").split).toBe("random");
});

test("the same seed draws the same, another one something else", () => {
  const draw = (splitSeed: number) => settled({ train: 100 }, { splitSeed }).splitOf;
  expect(draw(7)).toEqual(draw(7));
  expect(draw(8)).not.toEqual(draw(7));
});

test("splits that the files give are kept; what they lack is drawn from training", () => {
  expect([tally(settled({ train: 100, validation: 20, test: 30 })), settled({ train: 9, test: 3 }).split]).toEqual([[100, 20, 30], "given"]);
  expect(tally(settled({ train: 100, test: 30 }))).toEqual([90, 10, 30]);
  expect(tally(settled({ train: 100, test: 30 }, { validationFraction: 0 }))).toEqual([100, 0, 30]);
  expect(tally(settled({ train: 100, validation: 20 }))).toEqual([80, 20, 20]);
  const { splitOf } = settled({ train: 100, test: 30 });
  expect(splitOf.subarray(100).every((split) => split === 2)).toBe(true);
});

test("or all are drawn from, where that is said", () => {
  expect(tally(settled({ train: 100, validation: 20, test: 30 }, { split: "stratified" }))).toEqual([105, 15, 30]);
});

test("a class of one picture is trained on", () => {
  const targets = Int32Array.from({ length: 50 }, (_, i) => (i === 20 ? 1 : 0));
  for (let splitSeed = 0; splitSeed < 20; splitSeed++)
    expect(settle({ task: "classification", splits: { train: { targets } } }, { ...params, testFraction: 0.5, splitSeed }).splitOf[20]).toBe(0);
});

test.each([
  [{ split: "group" }, "pictures: split must be auto, stratified, random or given, as pictures have no columns, but is group"],
  [{ split: "time" }, "pictures: split must be auto, stratified, random or given, as pictures have no columns, but is time"],
  [
    { split: "given" },
    "pictures: split must be auto, stratified or random, or the pictures in folders train and test, but is given, though the files have no test split",
  ],
  [{ validationFraction: 0.5, testFraction: 0.5 }, "nothing is left to train on: validationFraction 0.5 and testFraction 0.5 make 1 or more"],
] as const)("%j is refused", (some, message) => {
  expect(() => settled({ train: 100 }, some)).toThrow(message);
});
