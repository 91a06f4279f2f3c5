import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { loadFashionMnist } from "./fashion-mnist.ts";
import { readIdx } from "./idx.ts";
import { loadMnist } from "./mnist.ts";

const names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] as const;
const excerpt = (name: string, set = "mnist") => join("test/data", set, `${name}.gz`);
const raw = (name: string) => gunzipSync(readFileSync(excerpt(name)));
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

const folder = () => mkdtempSync(join(tmpdir(), "trainyard-idx-"));
/** A folder with the four excerpts of MNIST, one of them altered. */
function folderWith(name: string, content: Uint8Array): string {
  const path = folder();
  for (const other of names) if (other !== name) copyFileSync(excerpt(other), join(path, `${other}.gz`));
  writeFileSync(join(path, name), content);
  return path;
}
const file = (content: Uint8Array) => {
  const path = join(folder(), "file");
  writeFileSync(path, content);
  return path;
};
const again = "Copy or download the file again.";

describe("an IDX file", () => {
  test("gives its sizes, and its values as a view on the bytes", async () => {
    const pictures = await readIdx(excerpt(names[2]), "pictures");
    expect(pictures.shape).toEqual([200, 28, 28]);
    expect(pictures.data).toHaveLength(200 * 28 * 28);
    expect(pictures.data.byteOffset).toBeGreaterThanOrEqual(16);
    expect(pictures.data.constructor).toBe(Uint8Array);
    expect([...(await readIdx(excerpt(names[3]), "labels")).data.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  });

  test("reads the same raw and gzip-compressed, whatever its name", async () => {
    const compressed = await readIdx(excerpt(names[2]), "pictures");
    const plain = await readIdx(file(raw(names[2])), "pictures");
    expect(plain.sha256).toBe(compressed.sha256);
    expect(plain.data).toEqual(compressed.data);
  });

  const labels = () => new Uint8Array(raw(names[3]));
  test.each([
    ["that is empty", new Uint8Array(), "an IDX file of labels, but is empty"],
    ["that ends within the header", labels().subarray(0, 5), "an IDX file of labels with a header of 8 bytes, but has 5 bytes"],
    ["of another kind", raw(names[2]), "an IDX file of labels, which begins with the magic number 2049, but begins with 2051"],
    ["that is truncated", labels().subarray(0, 150), "208 bytes long (its header says [200]), but has 150 bytes"],
    ["that is too long", Buffer.concat([labels(), labels()]), "208 bytes long (its header says [200]), but has 416 bytes"],
    ["without records", Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0), "an IDX file of labels with at least one record, but its header says [0]"],
    ["whose gzip is truncated", gzipSync(labels()).subarray(0, 30), "a complete gzip file, but unpacking it failed (unexpected end of file)"],
  ])("%s is refused", async (_, content, sentence) => {
    const path = file(content);
    expect(await refusal(readIdx(path, "labels"))).toEqual(["BAD_FILE", `${path} must be ${sentence}`, again]);
  });
});

describe("a folder of IDX files", () => {
  test("has the same digest raw and compressed, and another with one changed pixel", async () => {
    const { digest } = await loadMnist({ path: "test/data/mnist" });
    const pictures = new Uint8Array(raw(names[0]));
    expect((await loadMnist({ path: folderWith(names[0], pictures) })).digest).toBe(digest);
    pictures[1000] = 1;
    expect((await loadMnist({ path: folderWith(names[0], pictures) })).digest).not.toBe(digest);
  });

  test("with fewer labels than pictures is refused", async () => {
    const path = folderWith(names[1], Buffer.concat([Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 7), raw(names[1]).subarray(8, 15)]));
    const sentence = `${join(path, names[1])} must be 200 labels, one for each picture in ${join(path, names[0])}.gz, but has 7`;
    expect(await refusal(loadMnist({ path }))).toEqual(["BAD_FILE", sentence, again]);
  });

  test("with a label that no class has is refused", async () => {
    const labels = new Uint8Array(raw(names[3]));
    labels[8 + 16] = 10;
    const path = folderWith(names[3], labels);
    const sentence = `${join(path, names[3])} must be labels from 0 to 9, but label 17 of 200 is 10`;
    expect(await refusal(loadMnist({ path }))).toEqual(["BAD_FILE", sentence, again]);
  });

  test("with test pictures of another size is refused", async () => {
    const pictures = Buffer.concat([Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 200, 0, 0, 0, 14, 0, 0, 0, 56), raw(names[2]).subarray(16)]);
    const path = folderWith(names[2], pictures);
    const sentence = `${join(path, names[2])} must be of pictures of 28 x 28, as those for training are, but has 14 x 56`;
    expect(await refusal(loadMnist({ path }))).toEqual(["BAD_FILE", sentence, again]);
  });

  test("that lacks a file is refused, naming all four and the other way to get them", async () => {
    const path = folder();
    expect(await refusal(loadFashionMnist({ path }))).toEqual([
      "FILE_NOT_FOUND",
      `Fashion-MNIST file not found: ${join(path, names[0])}`,
      `Put ${names.join(", ")}, each as it is or as .gz, into ${path}, or install them with apt install dataset-fashion-mnist and leave the path out.`,
    ]);
  });
});

test("MNIST is the official one: 60,000 and 10,000 digits of 28 x 28", async () => {
  const mnist = await loadMnist();
  expect([mnist.train.count, mnist.test.count, mnist.sampleShape]).toEqual([60_000, 10_000, [1, 28, 28]]);
  expect(mnist.train.inputs).toHaveLength(60_000 * 784);
  expect(mnist.normalisation).toEqual({ mean: [0], deviation: [255] });
  expect([...mnist.train.targets.subarray(0, 5)].map((target) => mnist.labels[target])).toEqual(["5", "0", "4", "1", "9"]);
  // how often each digit occurs in training, as published
  const counts = mnist.labels.map((_, digit) => mnist.train.targets.filter((target: number) => target === digit).length);
  expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  expect(mnist.digest).toBe("4f5de0962c5cc004b0662b4166c6178e92ebb049a8eb6d0b3463a9db92fa474c");
});

test("Fashion-MNIST starts with an ankle boot, two tops and a dress", async () => {
  const fashion = await loadFashionMnist({ path: "test/data/fashion-mnist" });
  expect([fashion.train.count, fashion.test.count]).toEqual([50, 50]);
  expect([...fashion.train.targets.subarray(0, 4)].map((target) => fashion.labels[target])).toEqual([
    "Ankle boot",
    "T-shirt/top",
    "T-shirt/top",
    "Dress",
  ]);
});

test.skipIf(!existsSync("/usr/share/datasets/fashion-mnist"))("Debian's package of Fashion-MNIST is found by itself", async () => {
  const fashion = await loadFashionMnist();
  expect([fashion.train.count, fashion.test.count]).toEqual([60_000, 10_000]);
  expect(createHash("sha256").update(fashion.test.inputs).digest("hex")).toBe("c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a");
});
