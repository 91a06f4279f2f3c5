import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fileWith, pixelsOf, refusal, sha256, testWith } from "../../../test/arrays.ts";
import { allNumbers } from "./array.ts";
import { readMat } from "./mat.ts";
import { svhnSource } from "./svhn.ts";

const [train, held] = ["test/data/svhn/train_32x32.mat", "test/data/svhn/test_32x32.mat"];

/** Data elements of a MATLAB file of level 5, little- or big-endian. */
function matFile(elements: readonly Buffer[], { bigEndian = false, version = 0x0100, text = "MATLAB 5.0 MAT-file" } = {}): Buffer {
  const head = Buffer.alloc(128, " ");
  head.write(text);
  head.fill(0, 116, 124);
  if (bigEndian) head.writeUInt16BE(version, 124);
  else head.writeUInt16LE(version, 124);
  head.write(bigEndian ? "MI" : "IM", 126);
  return Buffer.concat([head, ...elements]);
}
function element(type: number, content: Buffer, bigEndian = false): Buffer {
  return Buffer.concat([words([type, content.length], bigEndian), content, Buffer.alloc(type === 15 ? 0 : -content.length & 7)]);
}
function words(values: readonly number[], bigEndian = false): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bigEndian ? buffer.writeUInt32BE(value, 4 * i) : buffer.writeUInt32LE(value, 4 * i);
  return buffer;
}
/** Values stored as bytes. */
function matrix(name: string, shape: readonly number[], bytes: Uint8Array, { flags = 9, bigEndian = false } = {}): Buffer {
  const parts = [
    element(6, words([flags, 0], bigEndian), bigEndian),
    element(5, words(shape, bigEndian), bigEndian),
    element(1, Buffer.from(name), bigEndian),
    element(2, Buffer.from(bytes), bigEndian),
  ];
  return element(14, Buffer.concat(parts), bigEndian);
}
const compressed = (inner: Buffer) => element(15, deflateSync(inner));
const picture = new Uint8Array(3072);

describe("SVHN", () => {
  test("has colour pictures upright, and the digit 0 where the label is 10", async () => {
    const { splits, labels, pictureShape } = await svhnSource(train, held);
    expect(pictureShape).toEqual([3, 32, 32]);
    expect(Array.from(splits.train.targets, (label) => labels[label])).toEqual(["1", "9", "2", "3", "2", "5", "9", "3", "3", "1"]);
    expect(Array.from(splits.test!.targets, (label) => labels[label])).toEqual(["3", "3", "2", "8", "0", "0"]);
    const pixels = await pixelsOf(splits.train);
    // of what scipy.io.loadmat(...)["X"].transpose(3, 2, 0, 1) holds
    expect(sha256(pixels)).toBe("63968d4afd70bd6dad66f84d321313665da373d94842dfc5589ad95984831007");
    expect([...pixels.subarray(0, 4)]).toEqual([33, 15, 15, 42]);
  });

  const spoilt = async (content: Buffer) => {
    const path = fileWith(content, "train_32x32.mat");
    const read = svhnSource(path, held).then(({ splits }) => pixelsOf(splits.train));
    const [code, message, fix] = (await refusal(read)) as string[];
    return [code, message!.replace(`${path} must be `, ""), fix];
  };
  const again = "Copy or download the file again.";
  const save = "Save it in MATLAB with the option '-v7', or with scipy.io.savemat.";
  const whole = readFileSync(train);
  const x = (n = 1) => matrix("X", [32, 32, 3, n], new Uint8Array(n * 3072));
  const y = (...values: number[]) => matrix("y", [values.length, 1], Uint8Array.from(values));
  test.each([
    ["that is empty", Buffer.alloc(0), "a MATLAB file of version 5 to 7, but has 0 bytes", again],
    ["that is cut off", whole.subarray(0, 10_000), "25339 bytes long, or longer, but it ends after 10000, within an array", again],
    [
      "that is damaged",
      Buffer.concat([whole.subarray(0, 5000), Buffer.alloc(40, 255), whole.subarray(5040)]),
      "a complete MATLAB file, but unpacking",
      again,
    ],
    ["of version 4", words([50, 2, 2, 0, 2, 0x41]), "a MATLAB file of version 5 to 7, but has 24 bytes", again],
    [
      "of version 4, longer",
      Buffer.concat([words([50, 10, 10, 0, 2, 0x41]), Buffer.alloc(200)]),
      "a MATLAB file of version 5 to 7, but is of version 4, or no MATLAB file",
      save,
    ],
    [
      "of version 7.3",
      matFile([], { text: "MATLAB 7.3 MAT-file", version: 0x0200 }),
      "a MATLAB file of version 5 to 7, but is of version 7.3 (HDF5)",
      save,
    ],
    ["of a later version", matFile([], { version: 0x0900 }), "a MATLAB file of version 5 to 7, but its header says version 9", save],
    ["of text", Buffer.alloc(500, "text"), "a MATLAB file of version 5 to 7, but does not begin as one", save],
    ["with other arrays", matFile([matrix("Z", [1, 1], Uint8Array.of(1))]), 'a file of SVHN with arrays "X" and "y", but has "Z"', again],
    [
      "with pictures of another size",
      matFile([matrix("X", [64, 48, 1, 1], picture), y(1)]),
      "of pictures of 32 x 32 x 3 bytes, but X is of u1 [64, 48, 1, 1]",
      again,
    ],
    ["with a label too many", matFile([x(), y(1, 2)]), "1 labels, one for each picture, but has 2", again],
    ["with the label 0", matFile([x(2), y(1, 0)]), "of labels from 1 to 10, but label 2 of 2 is 0", again],
    ["with the label 11", matFile([x(2), y(11, 1)]), "of labels from 1 to 10, but label 1 of 2 is 11", again],
    ["with fewer pictures than it says", matFile([matrix("X", [32, 32, 3, 2], picture), y(1, 2)]), '6144 bytes of "X", but ends after 3072', again],
    [
      "with more pictures than it says",
      matFile([matrix("X", [32, 32, 3, 1], new Uint8Array(6144)), y(1)]),
      '3072 bytes of "X", but goes on after them',
      again,
    ],
    [
      "of complex numbers",
      matFile([matrix("X", [32, 32, 3, 1], picture, { flags: 0x0809 }), y(1)]),
      'of real numbers, but "X" is complex',
      "Save its real part alone.",
    ],
  ])("is refused from a file %s", async (_, content, sentence, fix) => {
    const [code, message, remedy] = await spoilt(content);
    expect([code, remedy]).toEqual(["BAD_FILE", fix]);
    expect(message).toContain(sentence);
  });

  test("is read from files that are not compressed, too", async () => {
    const { splits } = await svhnSource(fileWith(matFile([x(3), y(10, 1, 2)])), held);
    expect([...splits.train.targets]).toEqual([0, 1, 2]);
    expect(await pixelsOf(splits.train)).toEqual(Buffer.alloc(3 * 3072));
  });
});

describe("a MATLAB file", () => {
  test.each([false, true])("gives its arrays of numbers, and passes texts over (big-endian: %s)", async (bigEndian) => {
    const texts = matrix("text", [1, 2], Uint8Array.of(65, 66), { flags: 4, bigEndian });
    const file = matFile([texts, matrix("small", [1, 3], Uint8Array.of(1, 2, 3), { flags: 6, bigEndian })], { bigEndian });
    const arrays = await readMat(fileWith(file));
    expect([...arrays.keys()]).toEqual(["small"]);
    expect([...(await allNumbers(arrays.get("small")!))]).toEqual([1, 2, 3]);
  });

  test("may hold values within the tag of their element", async () => {
    const within = Buffer.from([2, 0, 3, 0, 7, 8, 9, 0]);
    const inner = Buffer.concat([element(6, words([6, 0])), element(5, words([1, 3])), Buffer.from([1, 0, 1, 0, 97, 0, 0, 0]), within]);
    for (const file of [matFile([element(14, inner)]), matFile([compressed(element(14, inner))])])
      expect([...(await allNumbers((await readMat(fileWith(file))).get("a")!))]).toEqual([7, 8, 9]);
  });
});

const full = "../shared/data/svhn";
testWith(full)("the first 1,083 published pictures have the published labels; a file that is really cut off is refused", async () => {
  const path = `${full}/train_32x32_first1083.mat`;
  const { splits } = await svhnSource(path, held);
  const published = readFileSync(`${full}/svhn_train_labels_73257.txt`, "utf8").match(/\d+/g)!.slice(0, 1083);
  expect([...splits.train.targets]).toEqual(published.map((label) => Number(label) % 10));
  expect(sha256(await pixelsOf(splits.train))).toBe("0262ac544c6e4be84856419914e2f4b5fcd1d2e414be72bedaf86c24f8eae40c");
  const [code, message] = (await refusal(readMat(`${full}/train_32x32.TRUNCATED.mat`))) as string[];
  expect([code, message]).toEqual([
    "BAD_FILE",
    expect.stringMatching(/must be \d+ bytes long, or longer, but it ends after 2686976, within an array$/),
  ]);
});
