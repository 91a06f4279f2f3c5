/**
 * CIFAR-10 in its publisher's two forms, https://www.cs.toronto.edu/~kriz/cifar.html: binary batches (a byte of label,
 * then 32 x 32 bytes each of red, green and blue) and Python batches; loose files, or the archives they come in.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { PictureSource, PictureStream } from "../importing.ts";
import { type FileArray, rowBlocks } from "./array.ts";
import { broken, openFile, openRaw } from "./blocks.ts";
import { consecutive, joined } from "./pictures.ts";
import { readPythonBatch } from "./python-batch.ts";
import { untar } from "./tar.ts";

const pictureBytes = 3 * 32 * 32;
const pictureShape = [3, 32, 32] as const;
export const cifarLabels = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

const training = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}`);
const batches = [...training, "test_batch"];
export const binaryBatches: readonly string[] = batches.map((name) => `${name}.bin`);
export const pythonBatches: readonly string[] = batches;
/** The published batches have 31 MB. */
const mostBytes = 256e6;

/**
 * @param located the six batches of either form; or an archive of either form, alone
 * @param directory where an archive is unpacked
 * @throws BAD_FILE
 */
export async function cifarSource(located: ReadonlyMap<string, string>, directory: string): Promise<PictureSource> {
  const [archive, ...more] = located.values();
  const paths =
    archive !== undefined && more.length === 0 ? await untar(archive, directory, new Set([...binaryBatches, ...pythonBatches]), mostBytes) : located;
  const names = [binaryBatches, pythonBatches].find((form) => form.every((name) => paths.has(name)));
  if (!names)
    throw broken(
      archive ?? "",
      "CIFAR-10 as its publisher packs it",
      `has ${[...paths.keys()].map((name) => basename(name)).join(", ") || "no batch"}`,
    );
  const read = names === binaryBatches ? binaryBatch : pythonBatch;
  const streams = await Promise.all(names.map((name) => read(paths.get(name)!)));
  return {
    pictureShape,
    labels: cifarLabels,
    task: "classification",
    splits: { train: joined(streams.slice(0, -1)), test: streams.at(-1)! },
  };
}

/** The labels are read first, for which the whole file is passed through once. */
async function binaryBatch(path: string): Promise<PictureStream> {
  const rowBytes = 1 + pictureBytes;
  await using file = await openFile(path, "batch of CIFAR-10");
  const { size } = await file.stat();
  const count = size / rowBytes;
  if (count === 0 || !Number.isInteger(count))
    throw broken(path, `a binary batch of CIFAR-10, a multiple of ${rowBytes} bytes long`, `has ${size} bytes`);
  const array = bytesAt(path, 0, [count, rowBytes]);
  const targets = new Int32Array(count);
  for await (const { start, count, bytes } of rowBlocks(array)) for (let i = 0; i < count; i++) targets[start + i] = bytes[i * rowBytes]!;
  return consecutive(array, checked(targets, path), { pictureBytes, arrange: (row, picture) => picture.set(row.subarray(1)) });
}

async function pythonBatch(path: string): Promise<PictureStream> {
  await using file = await openFile(path, "batch of CIFAR-10");
  const { size } = await file.stat();
  if (size > mostBytes) throw broken(path, "a Python batch of CIFAR-10, which has about 31 MB", `has ${size} bytes`);
  const { labels, dataStart } = readPythonBatch(await readFile(path), path);
  return consecutive(bytesAt(path, dataStart, [labels.length, pictureBytes]), checked(labels, path));
}

function checked(targets: Int32Array, path: string): Int32Array {
  const stray = targets.findIndex((label) => label < 0 || label >= cifarLabels.length);
  if (stray < 0) return targets;
  throw broken(path, "of labels from 0 to 9", `picture ${stray + 1} of ${targets.length} has ${targets[stray]}`);
}

/** Bytes within a file; what comes after them is not looked at. */
const bytesAt = (path: string, start: number, shape: readonly [number, number]): FileArray => ({
  path,
  name: "data",
  dtype: "u1",
  bigEndian: false,
  shape,
  fortran: false,
  open: async () => {
    const blocks = await openRaw(path, "batch of CIFAR-10", start);
    let left = shape[0] * shape[1];
    return {
      async fill(into) {
        const got = await blocks.fill(into.subarray(0, left));
        left -= got;
        return got;
      },
      close: () => blocks.close(),
    };
  },
});
