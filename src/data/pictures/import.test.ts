/** Pictures in files become snapshots: the same pixels that a served picture becomes, whatever they are packed in. */
import { appendFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { refusal, testWith } from "../../../test/arrays.ts";
import { blocks, type Files, fileOf, pngs, tarOf, temporary, tree } from "../../../test/pictures.ts";
import { zipOf } from "../../../test/zip.ts";
import type { SplitName } from "../../shared/dataset.ts";
import type { ImportContext } from "../importing.ts";
import { readSplit } from "../snapshot.ts";
import { importPictures, type PictureParams, previewPictures } from "./import.ts";
import { readPicture } from "./picture.ts";

const defaults: PictureParams = {
  ...{ width: 0, height: 0, channels: "auto", labels: "auto", labelColumn: "" },
  ...{ split: "auto", splitColumn: "", validationFraction: 0.1, testFraction: 0.2, splitSeed: 1 },
};
const preview = (path: string, params: Partial<PictureParams> = {}) => previewPictures({ ...defaults, ...params }, { path, directory: temporary() });
async function imported(path: string, params: Partial<PictureParams> = {}, context: Partial<ImportContext> = {}) {
  const directory = temporary();
  const { snapshot, profile } = await importPictures({ ...defaults, ...params }, { path, directory, ...context });
  expect(readdirSync(directory)).not.toContain("unpacked");
  const rows = async (name: SplitName) => {
    const { pictures, targets } = await readSplit(directory, snapshot, name);
    return { pictures: pictures as Uint8Array, targets: [...(targets as Int32Array)] };
  };
  return { snapshot, profile, rows };
}
const zipped = (files: Readonly<Record<string, Uint8Array>>) => fileOf(zipOf(files), "pets.zip");
/** Two classes with so many pictures each. */
const names = (each: number) =>
  ["cat", "dog"].flatMap((label) => Array.from({ length: each }, (_, i) => `${label}/${String(i).padStart(4, "0")}.png`));
const pets = await pngs(...names(10));

test("the same pictures are the same snapshot, in a ZIP, a tar.gz, a folder or packed in it", async () => {
  const tar = await tarOf(
    Object.entries(pets)
      .reverse()
      .map(([name, content]) => [{ name: `my/${name}` }, content]),
    { gzip: true },
  );
  const paths = [zipped(pets), fileOf(tar, "pets.tgz"), tree(pets), tree({ "pets.zip": zipOf(pets, { deflate: true }) })];
  const digests = new Set<string>();
  for (const path of paths) digests.add((await imported(path)).snapshot.digest);
  expect(digests.size).toBe(1);
});

test("each picture is stored as it is read when a model is served", async () => {
  const files: Record<string, Buffer> = {
    "train/a/1.jpg": await blocks(1, 90, 60).jpeg().toBuffer(),
    "train/a/2.webp": await blocks(2, 31, 47).webp().toBuffer(),
    "train/b/3.png": await blocks(3, 20, 20).ensureAlpha(0.5).png().toBuffer(),
    "train/b/4.tif": await blocks(4, 50, 40, 1).toColourspace("grey16").tiff().toBuffer(),
    "train/b/5.gif": await blocks(5).gif().toBuffer(),
    "train/b/6.jpeg": await blocks(6, 90, 60).toColourspace("cmyk").jpeg().toBuffer(),
    "train/a/7.jpg": await blocks(7, 90, 60).withMetadata({ orientation: 8 }).jpeg().toBuffer(),
    "train/b/8.jpg": await blocks(8).png().toBuffer(), // its content decides
    "test/a/1.avif": await blocks(9).avif().toBuffer(),
  };
  const { snapshot, profile, rows } = await imported(zipped(files), { width: 24, height: 18, validationFraction: 0 });
  expect(snapshot).toMatchObject({ pictureShape: [3, 18, 24], labels: ["a", "b"], splitting: { split: "given" } });
  for (const split of ["train", "test"] as const) {
    const of = Object.keys(files)
      .filter((name) => name.startsWith(split))
      .sort();
    const { pictures, targets } = await rows(split);
    const expected = await Promise.all(of.map((name) => readPicture(files[name]!, [3, 18, 24])));
    expect(Buffer.concat(expected).equals(pictures)).toBe(true);
    expect(targets).toEqual(of.map((name) => Number(name.includes("/b/"))));
  }
  const formats = Object.fromEntries(profile.pictures!.formats.map(({ format, count }) => [format, count]));
  expect(formats).toEqual({ jpeg: 3, png: 2, webp: 1, tiff: 1, gif: 1, heif: 1 });
  expect(profile.pictures!.channels.reduce((sum, { count }) => sum + count, 0)).toBe(9);
  expect(profile.pictures!.sizes).toContainEqual({ width: 60, height: 90, count: 1 });
});

test("many are decoded by threads: the same pixels, in the same order", async () => {
  const bytes = await Promise.all(Array.from({ length: 30 }, (_, i) => blocks(i).png().toBuffer()));
  const files = Object.fromEntries(names(600).map((name, i) => [name, bytes[i % 30]!]));
  files["cat/0007.png"] = Buffer.from("no picture");
  const { rows, profile } = await imported(zipped(files), { validationFraction: 0 });
  expect(profile.pictures!.broken).toEqual([{ file: "cat/0007.png", why: "Input buffer contains unsupported image format" }]);
  expect(profile.records.train + profile.records.test).toBe(1199);
  const expected = await Promise.all(bytes.map(async (one) => Buffer.from(await readPicture(one, [3, 12, 16])).toString("hex")));
  const seen = new Map<string, number>();
  for (const split of ["train", "test"] as const) {
    const { pictures, targets } = await rows(split);
    for (let i = 0; i < targets.length; i++) {
      const key = `${targets[i]} ${Buffer.from(pictures.subarray(i * 576, (i + 1) * 576)).toString("hex")}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
  }
  const counts = expected.flatMap((hex, i) => [0, 1].map((label) => [`${label} ${hex}`, label === 0 && i === 7 ? 19 : 20] as const));
  expect(seen).toEqual(new Map(counts.map(([key, count]) => [key, count])));
});

describe("the size", () => {
  const shapeOf = async (files: Files, params: Partial<PictureParams> = {}) => {
    const path = tree(files);
    const { pictureShape } = await preview(path, params);
    expect((await imported(path, params)).snapshot.pictureShape).toEqual(pictureShape);
    return pictureShape;
  };
  const sized = async (...sizes: readonly (readonly [width: number, height: number])[]) =>
    Object.fromEntries(
      await Promise.all(
        sizes.map(async ([width, height], i) => [`${"ab"[i % 2]}/${i}.png`, await blocks(i, width, height).png().toBuffer()] as const),
      ),
    );
  const all = (width: number, height: number) => sized(...Array.from({ length: 10 }, () => [width, height] as const));

  test("is that of the pictures, if it is one and not large", async () => {
    expect(await shapeOf(await all(16, 12))).toEqual([3, 12, 16]);
    expect(await shapeOf(await all(128, 96))).toEqual([3, 96, 128]);
  });
  test("is smaller in the same proportion, if they are large; and 64 x 64, if they differ", async () => {
    expect(await shapeOf(await all(320, 160))).toEqual([3, 32, 64]);
    expect(await shapeOf(await sized([10, 10], [20, 20], [30, 30], [40, 40], [50, 50], [60, 60], [70, 70], [80, 80]))).toEqual([3, 64, 64]);
  });
  test("is what is asked for; of one side alone, the other follows", async () => {
    const files = await all(40, 20);
    expect(await shapeOf(files, { width: 9, height: 7, channels: "3" })).toEqual([3, 7, 9]);
    expect(await shapeOf(files, { width: 20 })).toEqual([3, 10, 20]);
    expect(await shapeOf(files, { height: 40 })).toEqual([3, 40, 80]);
  });
  test("has one channel if all are grey, even those saved in colour; or what is asked for", async () => {
    const grey = Object.fromEntries(
      await Promise.all(
        names(5).map(
          async (name, i) =>
            [
              name,
              await (i % 2 ? blocks(i, 16, 12, 1) : sharp(await blocks(i, 16, 12, 1).png().toBuffer()).toColourspace("srgb")).png().toBuffer(),
            ] as const,
        ),
      ),
    );
    expect(await shapeOf(grey)).toEqual([1, 12, 16]);
    expect(await shapeOf(grey, { channels: "3" })).toEqual([3, 12, 16]);
    expect(await shapeOf({ ...grey, "cat/colour.png": await blocks(1).png().toBuffer() })).toEqual([3, 12, 16]);
    expect(await shapeOf(pets as Files, { channels: "1" })).toEqual([1, 12, 16]);
  });
});

test("a preview tells what an import would do, and what is wrong", async () => {
  const path = tree({ ...pets, "rat/1.png": pets["cat/0000.png"]!, "cat/9.jpg": pets["dog/0000.png"]!.subarray(0, 60), "dog/more.zip": "" });
  expect(await preview(path)).toEqual({
    kind: "pictures",
    format: { name: "folder" },
    records: 22,
    estimated: false,
    columns: [],
    target: { name: "class", task: "classification", why: "the folders say the class of each" },
    rows: [],
    classes: [
      { label: "cat", count: 11 },
      { label: "dog", count: 10 },
      { label: "rat", count: 1 },
    ],
    pictureShape: [3, 12, 16],
    pictures: { sizes: [{ width: 16, height: 12, count: 21 }], channels: [{ channels: 3, count: 21 }], formats: [{ format: "png", count: 21 }] },
    problems: [
      {
        where: "dog/more.zip",
        message: "1 archive within the archive is left out",
        fix: "Unpack what is in it, and pack the pictures themselves.",
      },
      { where: "rat", message: "this class has one picture alone, so that there is none to test by", fix: "Add pictures of it, or leave it out." },
      { where: "cat/9.jpg", message: expect.stringMatching(/^it cannot be read: /), fix: "Replace it; an import leaves it out." },
    ],
  });
  expect(
    (
      await preview(
        tree(
          Object.fromEntries(
            Object.entries(pets).flatMap(([name, bytes]) => [
              [`train/${name}`, bytes],
              [`test/${name}`, bytes],
            ]),
          ),
        ),
      )
    ).target!.why,
  ).toBe("the folders say the class of each, and which are for train, test");
});

test("what is left out is in the profile, with its place", async () => {
  const path = tree({ ...pets, "cat/9.jpg": pets["dog/0000.png"]!.subarray(0, 60), "stray.png": pets["cat/0001.png"]! });
  const { profile } = await imported(path);
  expect(profile.pictures!.broken).toEqual([{ file: "cat/9.jpg", why: expect.any(String) }]);
  expect(profile.warnings.filter(({ code }) => code === "missing" || code === "broken").map(({ message }) => message)).toEqual([
    "stray.png: 1 picture without a class is left out",
    "one picture could not be read and was left out: cat/9.jpg",
  ]);
});

describe("broken pictures", () => {
  /** The header of one of 60,000 x 60,000 pixels. */
  const hugeBmp = Buffer.alloc(54);
  hugeBmp.write("BM");
  for (const [value, at] of [
    [54, 10],
    [40, 14],
    [60_000, 18],
    [60_000, 22],
  ] as const)
    hugeBmp.writeInt32LE(value, at);
  hugeBmp.writeUInt16LE(24, 28);

  test("of every kind are named, and the others imported", async () => {
    const jpeg = await blocks(1, 300, 200).jpeg().toBuffer();
    const files = {
      ...(await pngs(...names(20))),
      "cat/a.png": Buffer.from("<html>"),
      "cat/b.png": Buffer.alloc(0),
      "cat/c.jpg": jpeg.subarray(0, jpeg.length / 2),
      "dog/d.bmp": hugeBmp,
      "dog/e.png": Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`),
    };
    const { profile } = await imported(zipped(files));
    expect(Object.fromEntries(profile.pictures!.broken.map(({ file, why }) => [file, why]))).toEqual({
      "cat/a.png": "Input buffer contains unsupported image format",
      "cat/b.png": "Input Buffer is empty",
      "cat/c.jpg": expect.stringContaining("VipsJpeg"),
      "dog/d.bmp": "Input image exceeds pixel limit",
      "dog/e.png": "its format is svg",
    });
    expect(profile.records.train + profile.records.validation + profile.records.test).toBe(40);
  });

  test("in too great a number are refused by name, and make no snapshot", async () => {
    const files = { ...pets, ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`dog/x${i}.jpg`, Buffer.from("text")])) };
    const path = zipped(files);
    const directory = temporary();
    const why = "Input buffer contains unsupported image format";
    expect(await refusal(importPictures(defaults, { path, directory }))).toEqual([
      "BAD_FILE",
      `${path} must be of pictures that can be read, but 6 of 26 cannot be read: dog/x0.jpg (${why}), dog/x1.jpg (${why}), dog/x2.jpg (${why}), and others`,
      "Open some of them to see whether they are whole, remove or replace the broken ones, and import again.",
    ]);
    expect(existsSync(join(directory, "snapshot.json"))).toBe(false);
  });
});

test("an archive that changes while it is read is refused for that", async () => {
  const path = zipped(pets);
  const directory = temporary();
  const progress = () => appendFileSync(path, "x");
  const [code, message] = await refusal(importPictures(defaults, { path, directory, progress }));
  expect([code, message]).toEqual(["BAD_FILE", `${path} must be a ZIP archive of pictures, but changed while it was read`]);
});

test("an import that is stopped ends with the reason, and leaves nothing unpacked", async () => {
  const tar = await tarOf(Object.entries(pets).map(([name, content]) => [{ name }, content]));
  const directory = temporary();
  const stop = new AbortController();
  stop.abort(new Error("stopped"));
  await expect(importPictures(defaults, { path: fileOf(tar, "pets.tar"), directory, signal: stop.signal })).rejects.toThrow("stopped");
  expect(readdirSync(directory)).toEqual([]);
});

test("splits that do not suit are refused before a picture is read", async () => {
  const unreadable = Object.fromEntries(names(3).map((name) => [name, Buffer.from("text")]));
  expect(await refusal(imported(zipped(unreadable), { split: "given" }))).toEqual([
    "BAD_PARAMETER",
    "pictures: split must be auto, stratified or random, or the pictures in folders train and test, but is given, though the files have no test split",
    expect.any(String),
  ]);
});

test("without files nothing is imported", async () => {
  expect(await refusal(importPictures(defaults, { directory: temporary() }))).toEqual([
    "BAD_USAGE",
    'dataset "pictures" needs files',
    "Give the path of a ZIP or tar archive, or of a folder, with a folder of pictures for each class.",
  ]);
});

const letters = "../shared/data/pictures/handwritten_letters_3clients.zip";
testWith(letters)("letters by three writers are told by the inner folders, and in grey", async () => {
  const { snapshot, profile } = await imported(letters);
  expect(snapshot).toMatchObject({ pictureShape: [1, 100, 100], labels: [..."abcdefghij"] });
  expect(profile.records).toEqual({ train: 513, validation: 73, test: 147 });
  expect(profile.pictures).toMatchObject({ formats: [{ format: "png", count: 733 }], channels: [{ channels: 4, count: 733 }], broken: [] });
});
const cifar = "../shared/data/pictures/cifar10_jpg_500.zip";
testWith(cifar)("fifty JPEGs of each class of CIFAR-10 are split by class", async () => {
  const { snapshot, profile } = await imported(cifar);
  expect(snapshot.pictureShape).toEqual([3, 32, 32]);
  for (const { train, validation, test } of profile.classes!) expect([train, validation, test]).toEqual([35, 5, 10]);
});
