/** Pictures go to their splits, and what is known of them is what a direct computation finds. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { refusal } from "../../../test/arrays.ts";
import { temporary } from "../../../test/pictures.ts";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { random } from "../../shared/random.ts";
import type { ImportContext, PictureSource, SplitParams } from "../importing.ts";
import { readSplit } from "../snapshot.ts";
import { writePictures } from "./write.ts";

const params: SplitParams = { split: "auto", splitColumn: "", validationFraction: 0.1, testFraction: 0.2, splitSeed: 1 };
const shape = [3, 8, 10] as const;
const bytes = 3 * 8 * 10;
const noise = (count: number, seed = 0) => Uint8Array.from(random("noise", seed).fillUniform(new Float32Array(count * bytes), 0, 256));

interface Given {
  readonly pixels: Uint8Array;
  readonly targets: Int32Array | Float32Array;
}
/** Batches of seven; the pictures named as broken are missing. */
function stream({ pixels, targets }: Given, broken: readonly number[] = []) {
  return {
    targets,
    async *pictures() {
      for (let start = 0; start < targets.length; start += 7) {
        const at = Array.from({ length: Math.min(7, targets.length - start) }, (_, i) => start + i).filter((i) => !broken.includes(i));
        yield { at, pixels: Buffer.concat(at.map((i) => pixels.subarray(i * bytes, (i + 1) * bytes))) };
      }
    },
  };
}
const given = (count: number, classes = 4, seed = 0): Given => ({
  pixels: noise(count, seed),
  targets: Int32Array.from({ length: count }, (_, i) => i % classes),
});
const source = (all: Given, more: Partial<PictureSource> = {}): PictureSource => ({
  pictureShape: shape,
  labels: ["a", "b", "c", "d"],
  task: "classification",
  splits: { train: stream(all) },
  ...more,
});
async function written(from: PictureSource, some: Partial<SplitParams> = {}, context: Partial<ImportContext> = {}) {
  const directory = temporary();
  const { snapshot, profile } = await writePictures(from, { ...params, ...some }, { directory, ...context });
  const rows = async (name: SplitName) => {
    const { pictures, targets } = await readSplit(directory, snapshot, name);
    return { pictures: pictures as Uint8Array, targets: [...(targets as Int32Array)] };
  };
  return { directory, snapshot, profile, rows };
}
const hex = (pixels: Uint8Array): string[] =>
  Array.from({ length: pixels.length / bytes }, (_, i) => Buffer.from(pixels.subarray(i * bytes, (i + 1) * bytes)).toString("hex"));

test("each picture is in one split, with its class, in its order", async () => {
  const all = given(200);
  const { snapshot, profile, rows } = await written(source(all));
  expect(profile.records).toEqual({ train: 140, validation: 20, test: 40 });
  const before = hex(all.pixels);
  const places: number[] = [];
  for (const name of splitNames) {
    const { pictures, targets } = await rows(name);
    const at = hex(pictures).map((one) => before.indexOf(one));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(targets).toEqual(at.map((i) => all.targets[i]));
    places.push(...at);
  }
  expect(places.sort((a, b) => a - b)).toEqual([...before.keys()]);
  expect(snapshot).toMatchObject({ kind: "pictures", pictureShape: shape, target: "class", splitting: { ...params, split: "stratified" } });
  expect(profile.classes).toEqual(["a", "b", "c", "d"].map((label) => ({ label, train: 35, validation: 5, test: 10 })));
});

test("mean and deviation are those of the training pictures, by channel", async () => {
  const { profile, rows } = await written(source(given(150)));
  const { pictures } = await rows("train");
  for (let c = 0; c < 3; c++) {
    const values = [...pictures].filter((_, i) => Math.floor(i / 80) % 3 === c);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    expect(profile.pictures!.mean[c]).toBeCloseTo(mean, 9);
    expect(profile.pictures!.deviation[c]).toBeCloseTo(deviation, 9);
  }
});

test("the same pictures and seed give the same bytes and digest; another seed others", async () => {
  const digest = async (seed: number) => (await written(source(given(80)), { splitSeed: seed })).snapshot.digest;
  const [one, again, other] = [await digest(1), await digest(1), await digest(2)];
  expect(again).toBe(one);
  expect(other).not.toBe(one);
});

test("values are stored as float32 for regression", async () => {
  const targets = Float32Array.from({ length: 60 }, (_, i) => i / 7);
  const { snapshot, profile, rows } = await written(source({ pixels: noise(60), targets }, { task: "regression", labels: [] }));
  expect([snapshot.splitting.split, profile.classes]).toEqual(["random", undefined]);
  expect((await rows("test")).targets.every((value) => targets.includes(value))).toBe(true);
});

describe("pictures that are alike", () => {
  /** A copy a little brighter here and there, as saving a JPEG again makes it. */
  const nearly = (pixels: Uint8Array) => pixels.map((value, i) => (i % 9 === 0 ? Math.max(0, value - 2) : value));

  test("are counted: the same, and those that look the same; with their rows", async () => {
    const train = given(40);
    const of = (i: number) => train.pixels.subarray(i * bytes, (i + 1) * bytes);
    const test = { pixels: Buffer.concat([of(3), noise(2, 9), nearly(of(5))]), targets: Int32Array.of(3, 0, 1, 1) };
    const { profile } = await written(source(train, { splits: { train: stream(train), test: stream(test) } }), { validationFraction: 0 });
    expect(profile.records).toEqual({ train: 40, validation: 0, test: 4 });
    expect(profile.duplicates).toEqual({
      exact: 1,
      near: 1,
      acrossSplits: 1,
      examples: [
        { split: "test", row: 0, like: { split: "train", row: 3 }, exact: true },
        { split: "test", row: 3, like: { split: "train", row: 5 }, exact: false },
      ],
    });
    expect(profile.warnings.map(({ code }) => code)).toEqual(["few_rows", "leakage", "duplicates", "near_duplicates"]);
    expect(profile.warnings[1]!.message).toContain("1 records to choose or test by are in the training split, too");
  });

  test("within a split leak nothing", async () => {
    const half = given(50);
    const twice = { pixels: Buffer.concat([half.pixels, half.pixels]), targets: Int32Array.from([...half.targets, ...half.targets]) };
    const { profile } = await written(source(given(10, 4, 5), { splits: { train: stream(twice), test: stream(given(10, 4, 5)) } }), {
      validationFraction: 0,
    });
    expect(profile.duplicates).toMatchObject({ exact: 50, near: 0, acrossSplits: 0 });
    expect(profile.duplicates!.examples).toHaveLength(20);
  });

  test("are told wherever the draw puts them", async () => {
    const half = given(100);
    const twice = { pixels: Buffer.concat([half.pixels, half.pixels]), targets: Int32Array.from([...half.targets, ...half.targets]) };
    const { profile, rows } = await written(source(twice));
    const train = new Set(hex((await rows("train")).pictures));
    const leaks = [...hex((await rows("validation")).pictures), ...hex((await rows("test")).pictures)].filter((one) => train.has(one)).length;
    expect(leaks).toBeGreaterThan(10);
    expect(profile.duplicates).toMatchObject({ exact: 100, acrossSplits: leaks });
  });
});

describe("pictures that cannot be read", () => {
  const broken = (...places: number[]) =>
    source(given(100), {
      splits: { train: stream(given(100), places) },
      found: () => ({ sizes: [], channels: [], formats: [], broken: places.map((i) => ({ file: `${i}.png`, why: "is cut off" })) }),
    });

  test("are left out and named", async () => {
    const { profile, snapshot } = await written(broken(0, 8, 50));
    expect(snapshot.splits.train.count + snapshot.splits.validation!.count + snapshot.splits.test.count).toBe(97);
    expect(profile.pictures!.broken.map(({ file }) => file)).toEqual(["0.png", "8.png", "50.png"]);
    expect(profile.warnings.find(({ code }) => code === "broken")).toEqual({
      code: "broken",
      message: "3 pictures could not be read and were left out: 0.png and others",
      fix: "Replace them, or leave them out for good.",
    });
  });

  test("in too great a number are refused, and make no snapshot", async () => {
    const directory = temporary();
    const all = Array.from({ length: 21 }, (_, i) => i);
    expect(await refusal(writePictures(broken(...all), params, { directory, path: "pets.zip" }))).toEqual([
      "BAD_FILE",
      "pets.zip must be of pictures that can be read, but 21 of 100 cannot be read: 0.png (is cut off), 1.png (is cut off), 2.png (is cut off), and others",
      "Open some of them to see whether they are whole, remove or replace the broken ones, and import again.",
    ]);
    expect(readdirSync(directory)).not.toContain("snapshot.json");
  });
});

test("a class that is rare, and one of a single picture, are warned of; that one is trained on", async () => {
  const targets = Int32Array.from({ length: 120 }, (_, i) => (i === 60 ? 2 : i % 12 === 0 ? 1 : 0));
  const { profile } = await written(source({ pixels: noise(120), targets }, { labels: ["often", "seldom", "once"] }));
  expect(profile.classes![2]).toEqual({ label: "once", train: 1, validation: 0, test: 0 });
  expect(profile.warnings.map(({ code, message }) => [code, message])).toEqual([
    ["imbalance", 'class "often" has 110 records, class "once" only 1: a model can be right most of the time without ever telling the rare one'],
    ["small_class", "classes seldom, once have fewer than 10 records to train on"],
  ]);
});

test("a source that fails, and one that is stopped, make no snapshot", async () => {
  const failing = source(given(40), {
    splits: {
      train: {
        targets: new Int32Array(40),
        async *pictures() {
          yield { at: [0, 1], pixels: noise(2) };
          throw new Error("the disk is gone");
        },
      },
    },
  });
  const directory = temporary();
  await expect(writePictures(failing, params, { directory })).rejects.toThrow("the disk is gone");
  const stop = new AbortController();
  const progress = () => stop.abort(new Error("stopped"));
  await expect(writePictures(source(given(40)), params, { directory, signal: stop.signal, progress })).rejects.toThrow("stopped");
  expect(readdirSync(directory)).not.toContain("snapshot.json");
});

test("progress is told in pictures, up to all of them", async () => {
  const told: number[][] = [];
  await written(source(given(40)), {}, { progress: (done, total) => told.push([done, total]) });
  expect(told.at(-1)).toEqual([40, 40]);
  expect(told.every(([done, total], i) => total === 40 && (i === 0 || done! >= told[i - 1]![0]!))).toBe(true);
});
