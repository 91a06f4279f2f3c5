import { describe, expect, test } from "vitest";
import type { Split } from "../shared/dataset.ts";
import { random } from "../shared/random.ts";
import { draw, gather, splitValidation } from "./splits.ts";

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
/** Samples whose one input is their index. */
const samples = (targets: number[]): Split => ({
  inputs: Float32Array.from(targets, (_, i) => i),
  targets: Int32Array.from(targets),
  count: targets.length,
});
const skewed = samples(Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 0 : i % 2 === 0 ? 1 : 2)));
const tally = (indices: Int32Array) => [0, 1, 2].map((c) => indices.filter((i) => skewed.targets[i] === c).length);

describe("a validation split", () => {
  test("takes each sample to one side or the other, in ascending order", () => {
    const { train, validation } = splitValidation(skewed, 0.25, 1, "classification");
    expect([train.length, validation.length]).toEqual([750, 250]);
    expect([...train, ...validation].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(validation).toEqual(validation.slice().sort());
  });

  test("holds the classes in their proportion", () => {
    expect(tally(splitValidation(skewed, 0.1, 1, "classification").validation)).toEqual([10, 40, 50]);
  });

  test("depends on the seed alone", () => {
    const by = (seed: number) => splitValidation(skewed, 0.1, seed, "classification").validation;
    expect(by(1)).toEqual(by(1));
    expect(by(2)).not.toEqual(by(1));
  });

  test("draws every sample equally often, the classes aside", () => {
    const drawn = new Int32Array(100);
    for (let seed = 0; seed < 2000; seed++) for (const i of draw(new Float32Array(100), 20, "regression", random(seed)).drawn) drawn[i]!++;
    for (const times of drawn) expect(Math.abs(times - 400)).toBeLessThan(100);
  });

  test("of fraction 0 is empty", () => {
    const { train, validation } = splitValidation(skewed, 0, 1, "classification");
    expect([train.length, validation.length]).toEqual([1000, 0]);
  });

  test("leaves one sample of each class for training, however large the fraction", () => {
    expect(splitValidation(samples([0, 0, 1, 1, 1]), 0.9, 1, "classification").train).toHaveLength(2);
    expect(splitValidation(samples([5, 6]), 0.1, 1, "regression").validation).toHaveLength(1);
  });

  test("that would leave nothing is refused", async () => {
    const split = async (targets: number[], fraction: number) => splitValidation(samples(targets), fraction, 1, "classification");
    expect(await refusal(split([0, 1, 2], 0.5))).toEqual([
      "BAD_USAGE",
      "no sample can be set aside for validation: 3 in all, each the only one of its class",
      "Add samples, or set the validation fraction to 0.",
    ]);
    expect(await refusal(split([0, 0, 1, 1], 1))).toEqual([
      "BAD_PARAMETER",
      "split: validation must be a fraction of at least 0 and below 1, but is 1",
      "Give validation as a fraction of at least 0 and below 1.",
    ]);
  });
});

test("gathering copies whole samples in the order of the indices", () => {
  const split: Split = { inputs: Uint8Array.of(1, 2, 3, 4, 5, 6), targets: Int32Array.of(7, 8, 9), count: 3 };
  expect(gather(split, Int32Array.of(2, 0))).toEqual({ inputs: Uint8Array.of(5, 6, 1, 2), targets: Int32Array.of(9, 7), count: 2 });
});
