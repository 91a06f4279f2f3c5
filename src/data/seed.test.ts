import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { refusal } from "../../test/arrays.ts";
import { headerLength, readHeader } from "../engine/safetensors.ts";
import type { RawSplit, Snapshot } from "../shared/dataset.ts";
import { mnistFiles, mnistSource } from "./arrays/mnist.ts";
import { writePictures } from "./pictures/write.ts";
import { ckaSubset, seedFiles } from "./seed.ts";
import { readSplit } from "./snapshot.ts";

const located = new Map(mnistFiles.map((name) => [name, join("test/data/mnist", name)]));
async function mnist() {
  const directory = mkdtempSync(join(tmpdir(), "trainyard-seed-"));
  const source = await mnistSource(located, Array.from("0123456789"));
  const split = { split: "auto", splitColumn: "", validationFraction: 0, testFraction: 0.2, splitSeed: 1 } as const;
  const { snapshot } = await writePictures(source, split, { directory });
  return { directory, snapshot, test: await readSplit(directory, snapshot, "test") };
}

/** The tensors of a file, by name. */
function decoded(bytes: Uint8Array) {
  const { placed, metadata } = readHeader(bytes.subarray(0, headerLength(bytes, bytes.length, "subset")), bytes.length, "subset");
  const part = (name: string) => {
    const { shape, start, end } = placed.get(name)!;
    return { shape, bytes: Uint8Array.from(bytes.subarray(start, end)) };
  };
  const integers = (name: string) => [...new Int32Array(part(name).bytes.buffer)];
  return { metadata, pictures: part("pictures"), targets: integers("targets"), rows: integers("rows") };
}

test("the subset has ten test pictures of each class, class by class, and names its snapshot", async () => {
  const { snapshot, test: held } = await mnist();
  const { pictures, targets, rows, metadata } = decoded(ckaSubset("mnist", snapshot, held));
  expect(pictures.shape).toEqual([100, 1, 28, 28]);
  expect(targets).toEqual(Array.from({ length: 100 }, (_, i) => Math.floor(i / 10)));
  expect(new Set(rows).size).toBe(100);
  for (const [i, row] of rows.entries()) {
    expect(held.targets[row]).toBe(targets[i]);
    expect(pictures.bytes.subarray(i * 784, (i + 1) * 784)).toEqual(Uint8Array.from(held.pictures!.subarray(row * 784, (row + 1) * 784)));
  }
  expect(metadata).toEqual({
    dataset: "mnist",
    snapshot: snapshot.digest,
    split: "test",
    perClass: "10",
    seed: "1",
    labels: JSON.stringify(snapshot.labels),
  });
});

test("the subset is the same every time, for everybody", async () => {
  const { snapshot, test: held } = await mnist();
  const { rows } = decoded(ckaSubset("mnist", snapshot, held));
  expect(Buffer.compare(ckaSubset("mnist", snapshot, held), ckaSubset("mnist", snapshot, held))).toBe(0);
  expect(rows.slice(0, 10)).toMatchInlineSnapshot(`
    [
      3,
      10,
      25,
      55,
      126,
      136,
      148,
      157,
      183,
      188,
    ]
  `);
});

test("a class with fewer than ten test pictures gives all it has", () => {
  const split: RawSplit = { count: 12, targets: Int32Array.of(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), pictures: new Uint8Array(12) };
  const snapshot = { kind: "pictures", labels: ["a", "b"], pictureShape: [1, 1, 1], digest: "d" } as unknown as Snapshot;
  const { targets, rows } = decoded(ckaSubset("own", snapshot, split));
  expect(targets).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  expect(rows.at(-1)).toBe(1);
});

test("a bucket gets the published files and the subset", async () => {
  const { directory } = await mnist();
  const files = await seedFiles("mnist", located, directory);
  expect(files.map(({ key }) => key)).toEqual([...mnistFiles.map((name) => `mnist/${name}`), "cka/mnist.safetensors"]);
  expect(files.slice(0, 4).map(({ path }) => path)).toEqual([...located.values()]);
  expect(decoded(readFileSync(files[4]!.path)).targets).toHaveLength(100);
});

test("a table has no subset", async () => {
  const { directory, snapshot } = await mnist();
  writeFileSync(join(directory, "snapshot.json"), JSON.stringify({ ...snapshot, kind: "table" }));
  expect(((await refusal(seedFiles("own", located, directory))) as string[]).slice(0, 2)).toEqual([
    "BAD_USAGE",
    'dataset "own" has no pictures in classes',
  ]);
});
