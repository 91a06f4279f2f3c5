import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fileWith, folderWith, pixelsOf, refusal, sha256, temporary, testWith } from "../../../test/arrays.ts";
import { binaryBatches, cifarLabels, cifarSource, pythonBatches } from "./cifar.ts";
import { readPythonBatch } from "./python-batch.ts";

const excerpt = "test/data/cifar-10";
const bytes = (name: string) => readFileSync(join(excerpt, name));
const located = (folder: string, names: readonly string[]) => new Map(names.map((name) => [name, join(folder, name)]));

/** A tar archive, as `tar` writes one. */
function tar(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const head = Buffer.alloc(512);
    head.write(name);
    head.write("0000644\x000000000\x000000000\0", 100);
    head.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    head.write("00000000000\0        0", 136);
    head.write("ustar\x0000", 257);
    head.write(
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    return [head, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
/** In an order as in the published archive: batches come as they come. */
const shuffled = ["data_batch_1.bin", "data_batch_3.bin", "data_batch_4.bin", "test_batch.bin", "data_batch_5.bin", "data_batch_2.bin"];

describe("CIFAR-10 in binary batches", () => {
  test("is five batches to train on and one to test", async () => {
    const { splits, labels, pictureShape } = await cifarSource(located(excerpt, binaryBatches), temporary());
    expect(pictureShape).toEqual([3, 32, 32]);
    expect(Array.from(splits.train.targets, (label) => labels[label])).toEqual([
      ...["frog", "truck", "truck", "deer", "automobile", "automobile", "bird", "horse", "ship", "cat", "deer", "horse", "horse", "bird", "truck"],
    ]);
    expect(Array.from(splits.test!.targets, (label) => labels[label])).toEqual(["cat", "ship", "ship", "airplane"]);
    const rows = binaryBatches
      .slice(0, 5)
      .map(bytes)
      .flatMap((batch) => [0, 1, 2].map((row) => batch.subarray(row * 3073 + 1, (row + 1) * 3073)));
    expect(await pixelsOf(splits.train)).toEqual(Buffer.concat(rows));
  });

  test("is the same from the archive, of which nothing else is unpacked", async () => {
    const plain = await cifarSource(located(excerpt, binaryBatches), temporary());
    const path = fileWith(
      gzipSync(tar({ ...Object.fromEntries(shuffled.map((name) => [`a/${name}`, bytes(name)])), "../../evil.sh": Buffer.from("no") })),
    );
    const directory = temporary();
    const { splits } = await cifarSource(new Map([["cifar-10-binary.tar.gz", path]]), directory);
    expect(splits.train.targets).toEqual(plain.splits.train.targets);
    expect(sha256(await pixelsOf(splits.train))).toBe(sha256(await pixelsOf(plain.splits.train)));
    expect(sha256(await pixelsOf(splits.test!))).toBe(sha256(await pixelsOf(plain.splits.test!)));
    expect(readdirSync(directory).sort()).toEqual([...binaryBatches].sort());
    expect(existsSync(join(directory, "../../evil.sh"))).toBe(false);
  });

  const altered = (name: string, content: Uint8Array) => {
    const folder = folderWith({ ...Object.fromEntries(binaryBatches.map((batch) => [batch, bytes(batch)])), [name]: content });
    return refusal(cifarSource(located(folder, binaryBatches), temporary()).then(({ splits }) => pixelsOf(splits.train)));
  };
  test("is refused when a batch is cut off, empty, or has a label of no class", async () => {
    expect(((await altered("data_batch_2.bin", bytes("data_batch_2.bin").subarray(0, 5000))) as string[])[1]).toMatch(
      /data_batch_2\.bin must be a binary batch of CIFAR-10, a multiple of 3073 bytes long, but has 5000 bytes$/,
    );
    expect(((await altered("data_batch_2.bin", new Uint8Array())) as string[])[1]).toMatch(/but has 0 bytes$/);
    const stray = Buffer.from(bytes("data_batch_2.bin"));
    stray[3073] = 10;
    expect(((await altered("data_batch_2.bin", stray)) as string[])[1]).toMatch(
      /data_batch_2\.bin must be of labels from 0 to 9, but picture 2 of 3 has 10$/,
    );
  });

  test.each([
    [
      "that lacks a batch",
      gzipSync(tar({ "test_batch.bin": bytes("test_batch.bin") })),
      "CIFAR-10 as its publisher packs it, but has test_batch.bin",
    ],
    ["of something else", gzipSync(tar({ "readme.txt": Buffer.from("hello") })), "CIFAR-10 as its publisher packs it, but has no batch"],
    [
      "whose gzip is damaged",
      gzipSync(tar({ "test_batch.bin": bytes("test_batch.bin") })).subarray(0, 5000),
      "a complete tar archive, but unpacking it failed (unexpected end of file)",
    ],
    [
      "that is cut off",
      gzipSync(tar({ "test_batch.bin": bytes("test_batch.bin") }).subarray(0, 5000)),
      "a complete tar archive, but unpacking it failed (Unexpected end of data)",
    ],
    [
      "that is no tar",
      gzipSync(bytes("test_batch.bin")),
      "a complete tar archive, but unpacking it failed (Invalid tar header. Maybe the tar is corrupted or it needs to be gunzipped?)",
    ],
  ])("is refused from an archive %s", async (_, content, sentence) => {
    const path = fileWith(content, "cifar-10-binary.tar.gz");
    const refused = await refusal(cifarSource(new Map([["cifar-10-binary.tar.gz", path]]), temporary()));
    expect((refused as string[]).slice(0, 2)).toEqual(["BAD_FILE", `${path} must be ${sentence}`]);
  });
});

describe("CIFAR-10 in Python batches", () => {
  const batch = bytes("data_batch_1");
  /** All six: the excerpt, again and again. */
  const sixTimes = (content: Uint8Array = batch) => Object.fromEntries(pythonBatches.map((name) => [name, content]));

  test("has the pictures and labels of the binary ones", async () => {
    const folder = folderWith(sixTimes());
    const { splits } = await cifarSource(located(folder, pythonBatches), temporary());
    const binary = Buffer.concat([bytes("data_batch_1.bin"), bytes("data_batch_2.bin")]);
    expect([...splits.test!.targets]).toEqual([0, 1, 2, 3].map((row) => binary[row * 3073]));
    expect(await pixelsOf(splits.test!)).toEqual(Buffer.concat([0, 1, 2, 3].map((row) => binary.subarray(row * 3073 + 1, (row + 1) * 3073))));
    expect(splits.train.targets).toHaveLength(20);
  });

  test("is the same from the archive", async () => {
    const path = fileWith(gzipSync(tar({ ...sixTimes(), "batches.meta": Buffer.from("x") })), "cifar-10-python.tar.gz");
    const { splits } = await cifarSource(new Map([["cifar-10-python.tar.gz", path]]), temporary());
    expect([splits.train.targets.length, splits.test!.targets.length]).toEqual([20, 4]);
    expect((await pixelsOf(splits.train)).length).toBe(20 * 3072);
  });

  const spoilt = (change: (batch: Buffer) => Buffer) => {
    const read = async () => readPythonBatch(change(Buffer.from(batch)), "batch");
    return refusal(read());
  };
  const replaced = (from: string, to: string) => (batch: Buffer) => Buffer.from(batch.toString("latin1").replace(from, to), "latin1");
  const fixed = "Use the published file; other pickles are not read.";
  test.each([
    ["that calls something else", replaced("cnumpy.core.multiarray\n_reconstruct\n", "cos\nsystem\n"), "differs from it at byte 77"],
    ["of another protocol", replaced("\x80\x02", "\x80\x04"), "differs from it at byte 0"],
    ["of something else", () => Buffer.from("\x80\x02]q\x00(K\x01K\x02e.", "latin1"), "differs from it at byte 2"],
    ["with another key", replaced("U\x06labels", "U\x06secret"), 'has "secret"'],
    ["with a label too few", replaced("]q\x05(K\x06", "]q\x05("), "has 3 labels for 4 pictures"],
    ["of pictures of another size", replaced("M\x00\x0c", "M\x00\x04"), "has rows of 1024 bytes"],
    ["with a step more", replaced("eu.", "eu0."), "differs from it at byte"],
  ] as const)("is refused from a pickle %s", async (_, change, got) => {
    const [code, message, fix] = (await spoilt(change)) as string[];
    expect([code, fix]).toEqual(["BAD_FILE", fixed]);
    expect(message).toContain(`batch must be a Python batch of CIFAR-10 as it was published, but ${got}`);
  });

  test.each([0, 1, 10, 60, 80, 200, 1000, 12_500])("is refused when cut off after %i bytes", async (length) => {
    const [code, message] = (await spoilt((whole) => whole.subarray(0, length))) as string[];
    expect(code).toBe("BAD_FILE");
    expect(message).toMatch(
      /^batch must be (a complete Python batch of CIFAR-10, but ends after \d+ bytes|a Python batch of .* differs from it at byte \d+)$/,
    );
  });
});

const full = "../shared/data/cifar-10";
testWith(full)("the published first batch has a thousand pictures, more or less, of each class", async () => {
  const folder = `${full}/`;
  const paths = new Map(
    binaryBatches.map((name) => [name, `${folder}${name === "test_batch.bin" ? "test_batch_first1000_exact.bin" : "data_batch_1.bin"}`]),
  );
  const { splits } = await cifarSource(paths, temporary());
  expect([splits.train.targets.length, splits.test!.targets.length]).toEqual([50_000, 1000]);
  const counts = cifarLabels.map((_, label) => splits.train.targets.filter((target: number) => target === label).length / 5);
  expect(counts).toEqual([1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]);
  const cut = readFileSync(join(full, "data_batch_1.TRUNCATED"));
  expect(() => readPythonBatch(cut, "batch")).toThrow("batch must be a complete Python batch of CIFAR-10, but ends after 2883584 bytes");
});
