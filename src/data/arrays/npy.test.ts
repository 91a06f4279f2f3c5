import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fileWith, refusal } from "../../../test/arrays.ts";
import { zipOf } from "../../../test/zip.ts";
import { allNumbers, type FileArray, rowBlocks, valuesOf } from "./array.ts";
import { allTexts, openNpz, readNpy, type TextArray } from "./npy.ts";

const at = (name: string) => `test/data/numpy/${name}`;
const numbers = async (path: string) => allNumbers((await readNpy(path)) as FileArray);
/** A .npy file with this header. */
function npy(header: string, content: Uint8Array = new Uint8Array(), version = 1): Buffer {
  const text = Buffer.from(header);
  const head = Buffer.alloc(version === 1 ? 10 : 12);
  head.write("\x93NUMPY", "latin1");
  head[6] = version;
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, text, content]);
}

describe("a .npy file", () => {
  test("gives shape and values", async () => {
    const array = (await readNpy(at("u1.npy"))) as FileArray;
    expect([array.name, array.dtype, array.shape]).toEqual(["u1", "u1", [6, 3, 4]]);
    expect([...(await allNumbers(array)).subarray(0, 12)]).toEqual([15, 2, 0, 11, 12, 0, 0, 8, 8, 0, 0, 9]);
  });

  const same = ["u1", "i1", "little-u2", "big-u2", "little-i2", "big-i2", "little-i4", "big-i4", "little-u4", "little-i8", "big-i8", "little-u8"];
  const more = ["little-f4", "big-f4", "little-f8", "big-f8", "fortran-u1", "fortran-f8", "fortran-big-i2", "version-2", "version-3"];
  test.each([...same, ...more])("of %s holds the same numbers", async (name) => {
    expect(await numbers(at(`${name}.npy`))).toEqual(await numbers(at("u1.npy")));
  });

  test("of booleans holds zeros and ones", async () => {
    expect([...(await numbers(at("b1.npy")))]).toEqual([...(await numbers(at("u1.npy")))].map((value) => Number(value > 7)));
  });

  test("of texts gives them", async () => {
    expect(await allTexts((await readNpy(at("texts.npy"))) as TextArray)).toEqual(["zero", "one", "zwei", "trois", "Größe", ""]);
    expect(await allTexts((await readNpy(at("bytes.npy"))) as TextArray)).toEqual(["zero", "one", "two"]);
  });

  test("may be larger than a block, in either order", async () => {
    const [rows, columns] = [700, 5000];
    const values = Int32Array.from({ length: rows * columns }, (_, i) => i);
    const turned = Int32Array.from(values, (_, i) => (i % rows) * columns + Math.floor(i / rows));
    for (const [order, stored] of [
      ["False", values],
      ["True", turned],
    ] as const) {
      const path = fileWith(npy(`{'descr': '<i4', 'fortran_order': ${order}, 'shape': (${rows}, ${columns}), }\n`, new Uint8Array(stored.buffer)));
      const array = (await readNpy(path)) as FileArray;
      let next = 0;
      let blocks = 0;
      for await (const block of rowBlocks(array)) {
        blocks++;
        const found = valuesOf(block, "i4");
        for (const value of found) if (value !== next++) throw new Error(`${value} comes at place ${next - 1}`);
      }
      expect([next, blocks]).toEqual([rows * columns, 4]);
    }
  });

  const one = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  test.each([
    ["is empty", Buffer.alloc(0), "a NumPy file, but is empty"],
    ["is something else", Buffer.from("col_a,col_b\n1,2\n"), "a NumPy file, but does not begin as one"],
    ["ends within its header", npy(one).subarray(0, 40), "a NumPy file, but ends within its header"],
    ["is cut off", npy(one, new Uint8Array(7)), `${10 + one.length + 8} bytes long (its header says 2), but has ${10 + one.length + 7} bytes`],
    ["goes on", npy(one, new Uint8Array(9)), '8 bytes of "file", but goes on after them'],
    ["is of a later version", npy(one, new Uint8Array(8), 4), "a NumPy file of version 1, 2 or 3, but is of version 4.0"],
    ["has another header", npy("__import__('os').system('x')"), "a NumPy file, but its header is no dictionary"],
    [
      "has code in its header",
      npy("{'descr': exit(), 'fortran_order': False, 'shape': (2,)}"),
      "a NumPy file, but its header is none that NumPy writes",
    ],
    ["lacks its shape", npy("{'descr': '<f4', 'fortran_order': False}"), "a NumPy file, but its header lacks descr, fortran_order or shape"],
    ["is immense", npy(one.replace("(2,)", "(99999999, 99999999, 99999999)")), "a NumPy file, but its shape is beyond all measure"],
    [
      "says it is larger than it is",
      npy(one.replace("(2,)", "(999999999,)"), new Uint8Array(8)),
      "4000000071 bytes long (its header says 999999999), but has 83 bytes",
    ],
  ])("that %s is refused", async (_, content, sentence) => {
    const path = fileWith(content, "file.npy");
    const [code, message] = (await refusal(numbers(path))) as string[];
    expect(code).toBe("BAD_FILE");
    expect(message).toContain(`${path} must be ${sentence}`);
  });

  const cast = "Save it as numbers: x.astype('float32').";
  test.each([
    ["objects.npy", "an array of numbers, but holds Python objects, which are not read", cast],
    ["structured.npy", "an array of numbers, but is a structured array", "Save each of its fields as an array."],
    ["f2.npy", 'an array of one of u1, b1, i1, u2, i2, u4, i4, u8, i8, f4, f8, but is of "<f2"', "Save it as another type: x.astype('float32')."],
    [
      "complex.npy",
      'an array of one of u1, b1, i1, u2, i2, u4, i4, u8, i8, f4, f8, but is of "<c8"',
      "Save it as another type: x.astype('float32').",
    ],
  ])("%s is refused, saying how to save it", async (name, sentence, fix) => {
    expect(await refusal(numbers(at(name)))).toEqual(["BAD_FILE", `${at(name)} must be ${sentence}`, fix]);
  });
});

describe("a .npz archive", () => {
  test("gives its arrays, compressed or not", async () => {
    const npz = await openNpz(at("digits.npz"));
    expect(npz.arrays.map(({ name, shape }) => [name, shape])).toEqual([
      ["x_train", [16, 8, 8]],
      ["y_train", [16]],
      ["x_test", [8, 8, 8]],
      ["y_test", [8]],
    ]);
    expect([...(await allNumbers(npz.arrays[1] as FileArray))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5]);
    npz.close();
    const stored = await openNpz(at("stored.npz"));
    expect(stored.arrays.map(({ name, fortran }) => [name, fortran])).toEqual([
      ["x", true],
      ["y", false],
    ]);
    stored.close();
  });

  test("that holds objects, no arrays, or is damaged is refused", async () => {
    const refused = async (content: Uint8Array) => ((await refusal(openNpz(fileWith(content, "a.npz")))) as string[])[1];
    expect(await refused(zipOf({ "x.npy": readFileSync(at("objects.npy")) }, { deflate: true }))).toMatch(
      /a\.npz: x\.npy must be an array of numbers, but holds Python objects, which are not read$/,
    );
    expect(await refused(zipOf({ "x.txt": Buffer.from("x") }))).toMatch(/a\.npz must be an archive of \.npy arrays, but holds 1 other files$/);
    expect(await refused(readFileSync(at("digits.npz")).subarray(0, 1200))).toMatch(/a\.npz must be a complete ZIP archive, but reading it failed/);
    expect(await refused(zipOf({ "x.npy": readFileSync(at("u1.npy")).subarray(0, 150) }))).toMatch(
      /x\.npy must be 200 bytes long .*, but has 150 bytes$/,
    );
  });
});
