import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fileWith, folderWith, pixelsOf, refusal } from "../../../test/arrays.ts";
import { allNumbers } from "./array.ts";
import { idxFile, readIdx } from "./idx.ts";
import { mnistFiles, mnistSource } from "./mnist.ts";

const packed = (name: string) => readFileSync(join("test/data/mnist", name));
const raw = (name: string) => gunzipSync(packed(name));
const [trainPictures, trainLabels, testPictures, testLabels] = mnistFiles;
const labels = Array.from("0123456789");
const again = "Copy or download the file again.";

/** The four excerpts of MNIST, some of them altered. */
function excerpts(altered: Readonly<Record<string, Uint8Array>> = {}) {
  const folder = folderWith({ ...Object.fromEntries(mnistFiles.map((name) => [name, packed(name)])), ...altered });
  return mnistSource(new Map(mnistFiles.map((name) => [name, join(folder, name)])), labels).catch((error) => {
    error.message = error.message.replaceAll(`${folder}/`, "");
    throw error;
  });
}

describe("an IDX file", () => {
  test("gives its sizes and its values", async () => {
    expect((await readIdx(idxFile("test/data/mnist/t10k-images-idx3-ubyte.gz"), "pictures")).shape).toEqual([200, 28, 28]);
    const marks = await allNumbers(await readIdx(idxFile("test/data/mnist/t10k-labels-idx1-ubyte.gz"), "labels"));
    expect([...marks.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  });

  test("reads the same raw and gzip-compressed, whatever its name", async () => {
    const plain = await allNumbers(await readIdx(idxFile(fileWith(raw(testPictures)))));
    expect(plain).toEqual(await allNumbers(await readIdx(idxFile(join("test/data/mnist", testPictures)))));
  });

  test.each([
    ["of integers of 16 bits", Uint8Array.of(0, 0, 11, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xff), [258, -1]],
    ["of integers of 32 bits", Uint8Array.of(0, 0, 12, 1, 0, 0, 0, 1, 0, 1, 0, 0), [65536]],
    ["of floats", Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0), [1.5]],
    ["of two dimensions", Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 8), [7, 8]],
  ])("%s is read, too", async (_, content, values) => {
    expect([...(await allNumbers(await readIdx(idxFile(fileWith(content)))))]).toEqual(values);
  });

  const marks = () => new Uint8Array(raw(testLabels));
  test.each([
    ["that is empty", new Uint8Array(), "an IDX file of labels, but is empty"],
    ["that ends within the header", marks().subarray(0, 5), "an IDX file of labels with a header of 8 bytes, but has 5 bytes"],
    ["of another kind", raw(testPictures), "an IDX file of labels, which begins with the magic number 2049, but begins with 2051"],
    ["that is truncated", marks().subarray(0, 150), "208 bytes long (its header says [200]), but has 150 bytes"],
    ["that is too long", Buffer.concat([marks(), marks()]), "208 bytes long (its header says [200]), but has 416 bytes"],
    ["without records", Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0), "an IDX file of labels with at least one record, but its header says [0]"],
    ["that is truncated and packed", gzipSync(marks().subarray(0, 150)), '200 bytes of "file", but ends after 142'],
    ["that is too long and packed", gzipSync(Buffer.concat([marks(), marks()])), '200 bytes of "file", but goes on after them'],
    ["whose gzip is truncated", gzipSync(marks()).subarray(0, 30), "a complete gzip file, but unpacking it failed (unexpected end of file)"],
  ])("%s is refused", async (_, content, sentence) => {
    const path = fileWith(content);
    const reading = readIdx(idxFile(path), "labels").then(allNumbers);
    expect(await refusal(reading)).toEqual(["BAD_FILE", `${path} must be ${sentence}`, again]);
  });

  test("that is a folder, and one that is not there, are refused", async () => {
    expect(((await refusal(readIdx(idxFile("test/data/mnist")))) as string[]).slice(0, 2)).toEqual([
      "BAD_FILE",
      "test/data/mnist must be a file, but is a folder or a device",
    ]);
    expect(((await refusal(readIdx(idxFile("test/data/none")))) as string[]).slice(0, 2)).toEqual([
      "FILE_NOT_FOUND",
      "IDX file not found: test/data/none",
    ]);
  });
});

describe("four files of MNIST's layout", () => {
  test("are two splits of pictures and digits", async () => {
    const { splits, pictureShape } = await excerpts();
    expect(pictureShape).toEqual([1, 28, 28]);
    expect([splits.train.targets.length, splits.test!.targets.length]).toEqual([200, 200]);
    expect([...splits.train.targets.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect(await pixelsOf(splits.train)).toEqual(raw(trainPictures).subarray(16));
  });

  test("with fewer labels than pictures are refused", async () => {
    const seven = Buffer.concat([Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 7), raw(trainLabels).subarray(8, 15)]);
    const sentence = `${trainLabels} must be 200 labels, one for each picture in ${trainPictures}, but has 7`;
    expect(await refusal(excerpts({ [trainLabels]: seven }))).toEqual(["BAD_FILE", sentence, again]);
  });

  test("with a label that no class has are refused", async () => {
    const marks = new Uint8Array(raw(testLabels));
    marks[8 + 16] = 10;
    const sentence = `${testLabels} must be labels from 0 to 9, but label 17 of 200 is 10`;
    expect(await refusal(excerpts({ [testLabels]: marks }))).toEqual(["BAD_FILE", sentence, again]);
  });

  test("with test pictures of another size are refused", async () => {
    const turned = Buffer.concat([Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 200, 0, 0, 0, 14, 0, 0, 0, 56), raw(testPictures).subarray(16)]);
    const sentence = `${testPictures} must be of pictures of 28 x 28, as those for training are, but has 14 x 56`;
    expect(await refusal(excerpts({ [testPictures]: turned }))).toEqual(["BAD_FILE", sentence, again]);
  });

  test("whose pictures are packed and cut off are refused while they are read", async () => {
    const { splits } = await excerpts({ [trainPictures]: gzipSync(raw(trainPictures).subarray(0, 100_000)) });
    const refused = (await refusal(pixelsOf(splits.train))) as string[];
    expect(refused[1]).toMatch(/must be 156800 bytes of "train-images-idx3-ubyte", but ends after 99984$/);
  });
});
