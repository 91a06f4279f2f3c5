/** What the catalog tells of built-in pictures is what is imported. */
import { copyFileSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { refusal, sha256, temporary, testWith } from "../../../test/arrays.ts";
import { variants } from "../../data/arrays/emnist.ts";
import { readSnapshot, readSplit } from "../../data/snapshot.ts";
import { resolveParams } from "../../shared/define.ts";
import { builtInPictures } from "./built-in.ts";
import { type EmnistVariant, emnistSources, emnistVariants } from "./picture-sources.ts";

const emnist = (variant: EmnistVariant = "letters") => {
  const folder = temporary();
  for (const part of ["train", "test"])
    for (const kind of ["images-idx3", "labels-idx1"])
      copyFileSync(`test/data/emnist/emnist-letters-sample51-${kind}-ubyte.gz`, join(folder, `emnist-${variant}-${part}-${kind}-ubyte.gz`));
  return folder;
};
const excerpts: Readonly<Record<string, { path: string; train: number; test: number }>> = {
  mnist: { path: "test/data/mnist", train: 200, test: 200 },
  "fashion-mnist": { path: "test/data/fashion-mnist", train: 50, test: 50 },
  "cifar-10": { path: "test/data/cifar-10", train: 15, test: 4 },
  svhn: { path: "test/data/svhn", train: 10, test: 6 },
  emnist: { path: emnist(), train: 51, test: 51 },
  digits: { path: "data/digits.csv.gz", train: 1438, test: 359 },
};

const entryOf = (id: string) => builtInPictures.find((entry) => entry.id === id)!;
async function imported(id: string, given: Readonly<Record<string, unknown>> = {}, path?: string) {
  const directory = mkdtempSync(join(tmpdir(), "trainyard-import-"));
  const { params, importFiles } = entryOf(id);
  await importFiles!(resolveParams(id, params, given) as never, { path, directory });
  return { directory, snapshot: await readSnapshot(directory) };
}

describe.each(builtInPictures)("$id", ({ id, facts, params, preview, sources, licence, citation }) => {
  const { path, train, test: held } = excerpts[id]!;

  test("has the task, shape, labels and features that it tells of", async () => {
    const { snapshot } = await imported(id, {}, path);
    const { task, pictureShape, labels, kind } = snapshot;
    expect({ kind, task, pictureShape, labels }).toEqual({
      kind: "pictures",
      task: facts!.task,
      pictureShape: facts!.sampleShape,
      labels: facts!.labels,
    });
    expect([snapshot.splits.train.count, snapshot.splits.test.count, snapshot.splits.validation]).toEqual([train, held, undefined]);
  });

  test("leaves the snapshot in its folder, and nothing else", async () => {
    const { directory } = await imported(id, {}, path);
    expect(readdirSync(directory).sort()).toEqual(["profile.json", "snapshot.json", "test.safetensors", "train.safetensors"]);
  });

  test("is previewed with its classes", async () => {
    const found = await preview!(resolveParams(id, params) as never, { path, directory: temporary() });
    expect([found.records, found.pictureShape, found.classes!.map(({ label }) => label)]).toEqual([train + held, facts!.sampleShape, facts!.labels]);
    expect(found.classes!.reduce((sum, { count }) => sum + count, 0)).toBe(train + held);
  });

  test("says whose it is, and has a digest for each file", () => {
    expect(licence && citation).toBeTruthy();
    for (const { sha256, md5, size, urls } of sources!.files) {
      expect(sha256 ?? md5).toMatch(/^[0-9a-f]{32,64}$/);
      expect(size).toBeGreaterThan(0);
      expect(urls.every((url) => /^https?:\/\//.test(url))).toBe(true);
    }
  });

  test("keeps pictures aside to choose by, where that is asked for", async () => {
    const { snapshot } = await imported(id, { validationFraction: 0.3 }, path);
    const { train: left, validation, test: after } = snapshot.splits;
    expect(validation!.count).toBeGreaterThan(0);
    expect([left.count + validation!.count, after.count]).toEqual([train, held]);
  });
});

test("EMNIST's divisions have the numbers and classes that the catalog tells of", () => {
  const told = Object.entries(emnistVariants).map(([name, text]) => [
    name,
    text
      .match(/[\d,]*\d/g)!
      .slice(0, 2)
      .map((n) => Number(n.replace(/,/g, ""))),
  ]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(Object.entries(variants).map(([name, { train, test }]) => [name, [train, test]])));
  expect(entryOf("emnist").facts!.labels).toEqual(variants.letters.labels);
});

test("EMNIST's division is chosen by a parameter, and its files by that", async () => {
  const [code, message, fix] = (await refusal(imported("emnist", { variant: "digits" }, emnist()))) as string[];
  expect([code, message]).toEqual(["FILE_NOT_FOUND", expect.stringMatching(/^files of EMNIST not found: /)]);
  expect(fix).toContain("emnist-digits-train-images-idx3-ubyte.gz");
  expect(emnistSources("digits").alternatives![0]!.length).toBe(5);
});

test("MNIST comes from its npm package: 60,000 and 10,000 digits, as often as published", async () => {
  const { directory, snapshot } = await imported("mnist");
  const { targets, pictures } = await readSplit(directory, snapshot, "train");
  expect(snapshot.splits.test.count).toBe(10_000);
  expect([...targets.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
  const counts = Array.from({ length: 10 }, (_, digit) => Int32Array.from(targets).filter((target) => target === digit).length);
  expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  expect(sha256(Buffer.concat([Buffer.from("0000080300" + "00ea600000001c0000001c", "hex"), pictures!]))).toBe(
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  );
});

test("digits are those of scikit-learn, from black to white", async () => {
  const { directory, snapshot } = await imported("digits");
  const { pictures } = await readSplit(directory, snapshot, "train");
  expect([snapshot.splits.train.count, snapshot.splits.test.count]).toEqual([1438, 359]);
  expect([Math.min(...pictures!), Math.max(...pictures!), new Set(pictures).size]).toEqual([0, 255, 17]);
});

testWith("/usr/share/datasets/fashion-mnist")("Fashion-MNIST comes from Debian's package", async () => {
  const { directory, snapshot } = await imported("fashion-mnist");
  expect([snapshot.splits.train.count, snapshot.splits.test.count]).toEqual([60_000, 10_000]);
  const { pictures } = await readSplit(directory, snapshot, "test");
  expect(sha256(pictures!)).toBe("c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a");
});

test("Fashion-MNIST that is not where it is said to be tells which files to put where", async () => {
  const [code, , fix] = (await refusal(imported("fashion-mnist", {}, join(tmpdir(), "no-such-folder")))) as string[];
  expect([code, fix]).toEqual(["FILE_NOT_FOUND", expect.stringContaining("Put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz")]);
});
