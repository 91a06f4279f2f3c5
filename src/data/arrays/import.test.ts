import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fileWith, folderWith, npy, refusal, temporary } from "../../../test/arrays.ts";
import { zipOf } from "../../../test/zip.ts";
import type { Snapshot } from "../../shared/dataset.ts";
import { readSplit } from "../snapshot.ts";
import { type ArrayParams, importArrays, previewArrays } from "./import.ts";

const defaults: ArrayParams = {
  ...{ inputs: "", target: "", testInputs: "", testTarget: "", labels: [], pictureShape: [], layout: "auto", task: "auto" },
  ...{ split: "auto", splitColumn: "", validationFraction: 0, testFraction: 0.25, splitSeed: 1 },
};
async function imported(path: string, params: Partial<ArrayParams> = {}) {
  const directory = temporary();
  const { snapshot, profile } = await importArrays({ ...defaults, ...params }, { path, directory });
  return { directory, snapshot, profile };
}
const rowsOf = ({ directory, snapshot }: { directory: string; snapshot: Snapshot }, split: "train" | "test") => readSplit(directory, snapshot, split);

const npz = (arrays: Readonly<Record<string, Buffer>>) =>
  fileWith(zipOf(Object.fromEntries(Object.entries(arrays).map(([name, content]) => [`${name}.npy`, content]))), "data.npz");
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);
const classes = (length: number) => Int32Array.from({ length }, (_, i) => i % 2);

describe("arrays of pictures", () => {
  test("in the splits that they come in, from an archive as Keras has them", async () => {
    const digits = await imported("test/data/numpy/digits.npz");
    expect(digits.snapshot).toMatchObject({ kind: "pictures", task: "classification", pictureShape: [1, 8, 8], labels: Array.from("0123456789") });
    expect([digits.snapshot.splits.train.count, digits.snapshot.splits.test.count]).toEqual([16, 8]);
    const { pictures, targets } = await rowsOf(digits, "test");
    const csv = gunzipSync(readFileSync("data/digits.csv.gz")).toString().split("\n");
    const rows = csv.slice(16, 24).map((line) => line.split(",").map(Number));
    expect([...pictures!]).toEqual(rows.flatMap((row) => row.slice(0, 64)));
    expect([...targets]).toEqual(rows.map((row) => row[64]));
  });

  test("with their channels last or first, and as flat rows", async () => {
    const [n, h, w, c] = [8, 4, 5, 3];
    const last = ramp(n * h * w * c);
    const first = Uint8Array.from({ length: last.length }, (_, i) => {
      const [picture, channel, place] = [Math.floor(i / (h * w * c)), Math.floor(i / (h * w)) % c, i % (h * w)];
      return last[picture * h * w * c + place * c + channel]!;
    });
    const y = npy([n], classes(n));
    const found = [
      await imported(npz({ x: npy([n, h, w, c], last), y })),
      await imported(npz({ x: npy([n, c, h, w], first), y })),
      await imported(npz({ x: npy([n, h * w * c], first), y }), { pictureShape: [c, h, w] }),
      await imported(npz({ x: npy([n, h * w * c], last), y }), { pictureShape: [c, h, w], layout: "channels-last" }),
    ];
    expect(found[0]!.snapshot.pictureShape).toEqual([c, h, w]);
    expect(new Set(found.map(({ snapshot }) => snapshot.digest)).size).toBe(1);
  });

  test.each([
    ["from 0 to 1", Float32Array.of(0, 0.2, 0.5, 1), [0, 51, 128, 255]],
    ["from 0 to 255", Float64Array.of(0, 7, 128, 255), [0, 7, 128, 255]],
    ["of other types", Int32Array.of(0, 7, 128, 255), [0, 7, 128, 255]],
    ["of 64 bits", BigInt64Array.of(0n, 7n, 128n, 255n), [0, 7, 128, 255]],
  ])("of values %s become bytes", async (_, values, bytes) => {
    const twice = new (values.constructor as new (length: number) => Float32Array)(8);
    twice.set(values as never, 0);
    twice.set(values as never, 4);
    const found = await imported(
      npz({ x_train: npy([2, 2, 2], twice), y_train: npy([2], classes(2)), x_test: npy([2, 2, 2], twice), y_test: npy([2], classes(2)) }),
    );
    expect([...(await rowsOf(found, "train")).pictures!]).toEqual([...bytes, ...bytes]);
  });

  test("of values beyond that are refused, saying which row", async () => {
    const path = npz({ x: npy([2, 1, 2], Float32Array.of(0, 1, 2, -0.5)), y: npy([2], classes(2)) });
    expect(((await refusal(imported(path))) as string[])[1]).toMatch(
      /data\.npz: x\.npy must be of pixels from 0 to 255, or from 0 to 1, but row 2 of "x" has -0\.5$/,
    );
  });

  test("in the four IDX files of MNIST, under their own names", async () => {
    const { snapshot } = await imported("test/data/mnist");
    expect([snapshot.pictureShape, snapshot.splits.train.count, snapshot.splits.test.count]).toEqual([[1, 28, 28], 200, 200]);
  });

  test("with values for targets are a regression", async () => {
    const found = await imported(
      npz({
        x: npy([8, 2, 2], ramp(32)),
        y: npy(
          [8],
          Float32Array.from({ length: 8 }, (_, i) => i / 3),
        ),
      }),
    );
    expect([found.snapshot.task, found.snapshot.labels]).toEqual(["regression", []]);
    expect((await rowsOf(found, "train")).targets).toBeInstanceOf(Float32Array);
  });
});

describe("arrays of numbers", () => {
  test("become a table with columns x0, x1, …, whatever the order in which they are stored", async () => {
    const found = await imported("test/data/numpy/stored.npz", { testFraction: 0.25 });
    const { snapshot, profile } = found;
    expect(snapshot).toMatchObject({ kind: "table", task: "classification", target: "y", labels: Array.from("0123456789") });
    expect(snapshot.columns.map(({ name, type }) => [name, type]).slice(0, 2)).toEqual([
      ["x0", "number"],
      ["x1", "number"],
    ]);
    const [train, held] = [await rowsOf(found, "train"), await rowsOf(found, "test")];
    expect(train.count + held.count).toBe(24);
    const csv = gunzipSync(readFileSync("data/digits.csv.gz")).toString().split("\n").slice(0, 24);
    const stored = csv.map((line) => line.split(",").map(Number));
    const rows = [train, held].flatMap(({ numbers, targets, count }) =>
      Array.from({ length: count }, (_, row) => [...Array.from(numbers!.subarray(row * 64, (row + 1) * 64), (value) => value * 16), targets[row]!]),
    );
    const text = (list: readonly (readonly number[])[]) => list.map(String).sort();
    expect(text(rows)).toEqual(text(stored));
    expect(profile.columns).toHaveLength(65);
    expect(profile.records).toEqual({ train: train.count, validation: 0, test: held.count });
    expect(profile.warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(["constant", "few_rows"]));
    expect(readdirSync(found.directory).sort()).toEqual(["profile.json", "snapshot.json", "test.safetensors", "train.safetensors"]);
  });

  test("have the profile that NumPy computes", async () => {
    const x = Float32Array.from({ length: 400 }, (_, i) => (i % 2 ? Math.fround(1e4 + Math.sin(i)) : i));
    const y = Float32Array.from({ length: 200 }, (_, i) => 3 * x[2 * i]! + (i % 7));
    const { profile } = await imported(npz({ x: npy([200, 2], x), y: npy([200], y) }));
    const [even, odd, target] = profile.columns!;
    expect([even!.distinct, even!.missing, target!.role]).toEqual([200, 0, "target"]);
    expect(even!.mean).toBeCloseTo(199, 6);
    expect(even!.deviation).toBeCloseTo(115.46861045323097, 9);
    expect(even!.association!.measure).toBe("pearson");
    expect(even!.association!.value).toBeCloseTo(0.9999833816815811, 9);
    const own = Float64Array.from({ length: 200 }, (_, i) => x[2 * i + 1]!);
    const mean = own.reduce((a, b) => a + b) / 200;
    expect(odd!.mean).toBeCloseTo(mean, 6);
    expect(odd!.deviation).toBeCloseTo(Math.sqrt(own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 200), 6);
    expect(even!.quantiles![8]).toBeCloseTo(199, 6);
    expect(even!.histogram!.counts.reduce((a, b) => a + b)).toBe(200);
  });

  test("that are infinite or missing are missing, and told of; copies are found across splits", async () => {
    const rows = 120;
    const x = Float64Array.from({ length: rows * 2 }, (_, i) => (i < 12 ? [1, 2][i % 2]! : i));
    x[20] = Number.NaN;
    x[22] = Number.POSITIVE_INFINITY;
    const found = await imported(
      npz({ x_train: npy([rows, 2], x), y_train: npy([rows], classes(rows)), x_test: npy([2, 2], x.slice(0, 4)), y_test: npy([2], classes(2)) }),
    );
    const { missing } = found.profile.columns![0]!;
    expect(missing).toBe(2);
    expect((await rowsOf(found, "train")).numbers!.filter(Number.isNaN)).toHaveLength(2);
    expect(found.profile.duplicates).toMatchObject({ exact: 6, acrossSplits: 2 });
    expect(found.profile.warnings.map(({ code }) => code)).toEqual(["leakage", "duplicates", "missing", "missing"]);
  });
});

describe("targets", () => {
  const x = npy([4, 2], Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const all = async (path: string, params: Partial<ArrayParams> = {}) => {
    const found = await imported(path, { testFraction: 0.5, split: "random", ...params });
    const rows = [await rowsOf(found, "train"), await rowsOf(found, "test")].flatMap(({ numbers, targets, count }) =>
      Array.from({ length: count }, (_, i) => [numbers![2 * i]!, targets[i]!] as const),
    );
    return { ...found.snapshot, targets: rows.sort(([a], [b]) => a - b).map(([, target]) => target) };
  };

  test("of texts are classes in the order of the alphabet", async () => {
    const found = await all(
      npz({
        x: npy(
          [6, 2],
          Float32Array.from({ length: 12 }, (_, i) => i),
        ),
        y: readFileSync("test/data/numpy/texts.npy"),
      }),
    );
    expect(found.labels).toEqual(["", "Größe", "one", "trois", "zero", "zwei"]);
    expect(found.targets).toEqual([4, 2, 5, 3, 1, 0]);
  });

  test("may be one-hot, a column, or have names", async () => {
    expect((await all(npz({ x, y: npy([4, 3], Uint8Array.of(0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0)) }))).targets).toEqual([2, 0, 1, 0]);
    const named = await all(npz({ x, y: npy([4, 1], BigInt64Array.of(1n, 0n, 1n, 0n)) }), { labels: ["no", "yes"] });
    expect([named.labels, named.targets]).toEqual([
      ["no", "yes"],
      [1, 0, 1, 0],
    ]);
  });

  test("of many values are numbers; of few, classes, unless it is said otherwise", async () => {
    expect((await all(npz({ x, y: npy([4], Float32Array.of(0.5, 1, 2, 3)) }))).task).toBe("regression");
    const few = npz({ x, y: npy([4], Int32Array.of(3, 7, 3, 7)) });
    expect((await all(few)).labels).toEqual(["3", "7"]);
    expect((await all(few, { task: "regression" })).targets).toEqual([3, 7, 3, 7]);
  });

  const refused = async (path: string, params: Partial<ArrayParams> = {}) => {
    const [code, message] = (await refusal(imported(path, params))) as string[];
    return [code, message!.replace(path, "data.npz")];
  };
  test("that do not fit are refused", async () => {
    expect(await refused(npz({ x, y: npy([3], classes(3)) }))).toEqual([
      "BAD_FILE",
      'data.npz: y.npy must be 4 targets, one for each row of "x", but "y" is of [3]',
    ]);
    expect(await refused(npz({ x, y: npy([4], Float32Array.of(1, Number.NaN, 2.5, 3)) }))).toEqual([
      "BAD_FILE",
      'data.npz: y.npy must be a target for each row, but row 2 of "y" is NaN',
    ]);
    expect(await refused(npz({ x, y: npy([4, 2], Float32Array.of(1, 0, 0, 1, 1, 1, 0, 1)) }))).toEqual([
      "BAD_FILE",
      'data.npz: y.npy must be one target for each row, or a one and zeros (one-hot), but row 3 of "y" is neither',
    ]);
    expect(await refused(npz({ x, y: npy([4], Int32Array.of(0, 1, 2, 1)) }), { labels: ["a", "b"] })).toEqual([
      "BAD_PARAMETER",
      'arrays: labels must be the names of all classes, as row 3 of "y" is 2, but is ["a","b"]',
    ]);
  });

  test("and samples are found by their names, or named by parameters", async () => {
    const y = npy([4], classes(4));
    expect((await all(npz({ features: x, labels: y }))).targets).toEqual([0, 1, 0, 1]);
    expect((await all(npz({ first: y, second: x }))).targets).toEqual([0, 1, 0, 1]); // one value for each row
    expect((await all(npz({ a: x, b: x, c: y }), { inputs: "b", target: "c" })).targets).toEqual([0, 1, 0, 1]);
    expect(await refused(npz({ a: x, b: x, c: y }))).toEqual([
      "BAD_USAGE",
      'data.npz has "a" [4, 2], "b" [4, 2], "c" [4]: which of them are the samples is not clear',
    ]);
    expect(await refused(npz({ a: x, c: y }), { inputs: "b" })).toEqual([
      "BAD_PARAMETER",
      'data.npz: inputs must be one of "a" [4, 2], "c" [4], but is "b"',
    ]);
    const folder = folderWith({ "x.npy": x, "y.npy": y, "readme.txt": Buffer.from("hello") });
    expect((await imported(folder)).snapshot.kind).toBe("table");
    expect(((await refusal(imported(folderWith({ "readme.txt": Buffer.from("hello"), "a.csv": x })))) as string[])[1]).toMatch(
      /must be a folder with \.npy, \.npz or IDX files, but has 2 other files$/,
    );
  });
});

test("a preview tells what an import would find, and writes nothing", async () => {
  const directory = temporary();
  const look = (path: string) => previewArrays(defaults, { path, directory });
  const table = await look("test/data/numpy/stored.npz");
  expect(table).toMatchObject({ kind: "table", format: { name: "npz" }, records: 24, target: { name: "y", task: "classification" } });
  expect([table.columns.length, table.rows.length, table.rows[0]!.length, table.rows[0]!.at(-1)]).toEqual([50, 20, 51, "0"]);
  expect(await look("test/data/numpy/digits.npz")).toMatchObject({ kind: "pictures", records: 24, pictureShape: [1, 8, 8] });
  expect(readdirSync(directory)).toEqual([]);
});

test("a .npy file alone lacks targets, and objects are refused wherever they are", async () => {
  expect(((await refusal(imported("test/data/numpy/u1.npy"))) as string[])[1]).toBe(
    'test/data/numpy/u1.npy has "u1" [6, 3, 4]: which of them are the samples is not clear',
  );
  const path = npz({ x: readFileSync("test/data/numpy/objects.npy"), y: readFileSync("test/data/numpy/u1.npy") });
  expect(((await refusal(imported(path))) as string[])[1]).toMatch(/holds Python objects, which are not read$/);
  expect(readdirSync(join(path, ".."))).toEqual(["data.npz"]);
});
