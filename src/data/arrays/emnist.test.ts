import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { drawn, fileWith, pixelsOf, refusal, temporary, testWith } from "../../../test/arrays.ts";
import { zipOf } from "../../../test/zip.ts";
import { archiveName, type EmnistVariant, emnistFiles, mappingFile, openEmnist, variants } from "./emnist.ts";

const excerpt = "test/data/emnist";
const pictures = readFileSync(join(excerpt, "emnist-letters-sample51-images-idx3-ubyte.gz"));
const marks = readFileSync(join(excerpt, "emnist-letters-sample51-labels-idx1-ubyte.gz"));
const contents: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(emnistFiles("letters").map((name, i) => [name, i % 2 ? marks : pictures])),
  [mappingFile("letters")]: readFileSync(join(excerpt, mappingFile("letters"))),
};

/** The 51 pictures to train on and to test, as loose files, some altered. */
async function open(altered: Readonly<Record<string, Buffer>> = {}, variant: EmnistVariant = "letters") {
  const folder = temporary();
  const located = new Map<string, string>();
  for (const [name, content] of Object.entries({ ...contents, ...altered })) {
    writeFileSync(join(folder, name), content);
    located.set(name, join(folder, name));
  }
  return openEmnist(located, variant);
}
const archive = (files: Readonly<Record<string, Buffer>> = contents) =>
  fileWith(zipOf(Object.fromEntries(Object.entries(files).map(([name, content]) => [`gzip/${name}`, content]))), archiveName);

describe("EMNIST", () => {
  test("has its letters upright, and classes that begin with A", async () => {
    const { source } = await open();
    const { labels, pictureShape, splits } = source;
    expect(pictureShape).toEqual([1, 28, 28]);
    expect(labels.join("")).toBe("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    expect(Array.from(splits.test!.targets, (label) => labels[label]).join("")).toBe(`${"A".repeat(26)}BCDEFGHIJKLMNOPQRSTUVWXYZ`);
    const pixels = await pixelsOf(splits.test!);
    const letter = (name: string) => 25 + labels.indexOf(name);
    const t = drawn(pixels.subarray(letter("T") * 784, (letter("T") + 1) * 784), 28).map((line) => line.trimEnd());
    expect(t).toMatchInlineSnapshot(`
      [
        "",
        "",
        "                 ..",
        "               .=%#*.",
        "               .+@@%:",
        "               *%@@@-",
        "              -@@@@#:",
        "      .       =@@@@#=.",
        "     =#*+====-%@@@@@@*-",
        "     =%@@@@@@%@@@@@@@@%-",
        "     =#@@@@@@@@@@@@@@@@=",
        "     -+%%%@@@@@@@@%%%@%=",
        "       ...=@@@@*+=...--.",
        "          -@@@+",
        "          +@@%-",
        "         -%@@+",
        "        .=@@%.",
        "        .+@@#.",
        "        =%@%=",
        "       .#@@=.",
        "       -@@%.",
        "       =@@%.",
        "       *@@#.",
        "     ..*@@+          ..",
        "     . :-=:          ::.",
        "         .",
        "",
        "",
      ]
    `);
  });

  test("is the same from the archive, which is open as long as it is read", async () => {
    const loose = (await open()).source;
    const { source, close } = await openEmnist(new Map([[archiveName, archive()]]), "letters");
    expect(source.splits.train.targets).toEqual(loose.splits.train.targets);
    expect(await pixelsOf(source.splits.train)).toEqual(await pixelsOf(loose.splits.train));
    close();
  });

  test.each(Object.keys(variants) as EmnistVariant[])("has the classes that the published mapping of %s has", async (variant) => {
    const lines = readFileSync(join(excerpt, mappingFile(variant)), "utf8")
      .trim()
      .split("\n");
    const { labels, firstLabel } = variants[variant];
    expect(lines.map((line) => Number(line.split(" ")[0]))).toEqual(labels.map((_, i) => firstLabel + i));
    expect(lines.map((line) => String.fromCharCode(Number(line.split(" ")[1])))).toEqual(labels);
  });

  test("needs no mapping, and refuses one of another variant", async () => {
    const folder = temporary();
    const located = new Map(emnistFiles("letters").map((name) => [name, join(folder, name)]));
    for (const [name, path] of located) writeFileSync(path, contents[name]!);
    expect((await openEmnist(located, "letters")).source.labels).toHaveLength(26);
    const path = join(folder, mappingFile("letters"));
    copyFileSync(join(excerpt, mappingFile("balanced")), path);
    expect(await refusal(openEmnist(new Map([...located, [mappingFile("letters"), path]]), "letters"))).toEqual([
      "BAD_FILE",
      `${path} must be the mapping of EMNIST's 26 classes of "letters", but line 1 is "0 48"`,
      "Use the published file, or leave it out.",
    ]);
  });

  test("is refused with a label of no class: 0, as letters begin at 1, and 27", async () => {
    for (const label of [0, 27]) {
      const stray = gunzipSync(marks);
      stray[8 + 3] = label;
      const [code, message] = (await refusal(open({ "emnist-letters-test-labels-idx1-ubyte.gz": gzipSync(stray) }))) as string[];
      expect([code, message]).toEqual(["BAD_FILE", expect.stringMatching(new RegExp(`must be labels from 1 to 26, but label 4 of 51 is ${label}$`))]);
    }
  });

  test("is refused from an archive that lacks the variant, is damaged, or is none", async () => {
    const zip = (path: string, variant: EmnistVariant = "letters") =>
      refusal(openEmnist(new Map([[archiveName, path]]), variant).then(async ({ source, close }) => pixelsOf(source.splits.train).finally(close)));
    const whole = archive();
    expect(((await zip(whole, "digits")) as string[])[1]).toBe(
      `${whole} must be EMNIST's archive with emnist-digits-train-images-idx3-ubyte.gz, but does not have it`,
    );
    const none = fileWith(Buffer.from("no archive at all, but a text"), archiveName);
    expect(((await zip(none)) as string[])[1]).toMatch(/gzip\.zip must be a complete ZIP archive, but reading it failed/);
    const cut = fileWith(readFileSync(whole).subarray(0, 20_000), archiveName);
    expect(((await zip(cut)) as string[])[1]).toMatch(/gzip\.zip must be a complete ZIP archive, but reading it failed/);
    const damaged = archive({ ...contents, "emnist-letters-train-images-idx3-ubyte.gz": pictures.subarray(0, 5000) });
    expect(((await zip(damaged)) as string[])[1]).toMatch(/train-images-idx3-ubyte\.gz must be a complete gzip file, but unpacking it failed/);
  });
});

const full = "../shared/data/letters-az-in-emnist-layout";
testWith(full)("a collection in EMNIST's layout is read as EMNIST is", async () => {
  const folder = temporary();
  mkdirSync(folder, { recursive: true });
  const { source } = await openEmnist(new Map(emnistFiles("letters").map((name) => [name, join(full, name)])), "letters");
  expect([source.splits.train.targets.length, source.splits.test!.targets.length]).toEqual([2340, 650]);
  expect((await pixelsOf(source.splits.train)).length).toBe(2340 * 784);
});

const published = "../shared/data/emnist";
testWith(published)("the published labels of letters are 124,800 and 20,800, of 26 classes", async () => {
  const counts = (name: string) => {
    const bytes = gunzipSync(readFileSync(join(published, name))).subarray(8);
    return [bytes.length, new Set(bytes).size, Math.min(...new Set(bytes))];
  };
  expect(counts("emnist-letters-train-labels-idx1-ubyte.gz")).toEqual([variants.letters.train, 26, variants.letters.firstLabel]);
  expect(counts("emnist-letters-test-labels-idx1-ubyte.gz")).toEqual([variants.letters.test, 26, variants.letters.firstLabel]);
});
