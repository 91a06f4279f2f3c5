/** Imports a user's own arrays, IDX or NumPy's: as pictures, or as a table of numbers. */
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Task } from "../../shared/dataset.ts";
import { fail } from "../../shared/errors.ts";
import type { Preview } from "../../shared/profile.ts";
import type { ImportContext, PictureSource, SplitParams } from "../importing.ts";
import { writePictures } from "../pictures/write.ts";
import type { Imported } from "../snapshot.ts";
import { dtypes, type FileArray, putNumbers, rowBlocks, sizeOf, valuesOf } from "./array.ts";
import { type Blocks, broken, openRaw } from "./blocks.ts";
import { type Collection, type Names, openCollection, type Pairs, pairsOf } from "./collection.ts";
import { previewPictures } from "./preview.ts";
import { checkNumbers, layoutOf, ofSplits, type PictureOptions, pictureStream, toBytes } from "./samples.ts";
import { readTargets, type Targets } from "./targets.ts";
import { writeTable } from "./write-table.ts";

export interface ArrayParams extends Names, PictureOptions, SplitParams {
  readonly task: "auto" | Task;
  /** Names of the classes; empty: their numbers. */
  readonly labels: readonly string[];
}

interface Opened {
  readonly collection: Collection;
  readonly pairs: Pairs;
  readonly targets: Targets;
}

/** Opens the arrays for as long as `use` takes. */
async function using<T>(params: ArrayParams, context: ImportContext, use: (opened: Opened) => Promise<T>): Promise<T> {
  const { path, directory } = context;
  if (path === undefined)
    throw fail("BAD_USAGE", { problem: 'dataset "arrays" needs files', fix: "Give the path of a .npz file, or of a folder with .npy or IDX files." });
  const unpacked = join(directory, "unpacked");
  const collection = await openCollection(path);
  try {
    const found = pairsOf(collection, params);
    checkNumbers(found);
    const pairs: Pairs = { train: found.train };
    for (const [split, { samples, targets }] of Object.entries(found) as [keyof Pairs, Pairs["train"]][])
      Object.assign(pairs, { [split]: { samples: await seekable(samples as FileArray, unpacked, `${split}.raw`), targets } });
    return await use({ collection, pairs, targets: await readTargets(pairs, params.task, params.labels) });
  } finally {
    collection.close();
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** @throws FILE_NOT_FOUND, BAD_FILE, BAD_PARAMETER, BAD_USAGE; and the reason of the signal */
export const importArrays = (params: ArrayParams, context: ImportContext): Promise<Imported> =>
  using(params, context, async (opened) => {
    const source = await pictures(opened, params);
    return source ? writePictures(source, params, context) : writeTable(opened.pairs, opened.targets, params, context);
  });

/** What an import would find. */
export const previewArrays = (params: ArrayParams, context: ImportContext): Promise<Preview> =>
  using(params, context, async (opened) => {
    const source = await pictures(opened, params);
    return source ? previewPictures(source, opened.collection.format) : previewTable(opened);
  });

/** Undefined for rows of numbers. */
async function pictures({ pairs, targets }: Opened, params: ArrayParams): Promise<PictureSource | undefined> {
  const layout = layoutOf(pairs.train.samples, params);
  if (!layout) return undefined;
  const toByte = await toBytes(pairs);
  const splits = ofSplits(pairs, ({ samples }, split) => pictureStream(samples as FileArray, targets.of[split]!, layout, toByte));
  return { pictureShape: layout.pictureShape, labels: targets.labels, task: targets.task, splits: splits as PictureSource["splits"] };
}

/** An array that is stored column by column and compressed, unpacked to a file, so that its columns can be read side by side. */
async function seekable(array: FileArray, directory: string, name: string): Promise<FileArray> {
  if (!array.fortran || array.place || sizeOf(array.shape.slice(1)) <= 1) return array;
  const path = join(directory, name);
  const bytes = sizeOf(array.shape) * dtypes[array.dtype].BYTES_PER_ELEMENT;
  await mkdir(directory, { recursive: true });
  const blocks = await array.open();
  try {
    await pipeline(Readable.from(pieces(blocks, bytes, array), { objectMode: false }), createWriteStream(path));
  } finally {
    await blocks.close();
  }
  return { ...array, place: { path, start: 0 }, open: () => openRaw(path, "array") };
}

async function* pieces(blocks: Blocks, bytes: number, { path, name }: FileArray): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; ) {
    const piece = new Uint8Array(Math.min(2 ** 20, left));
    if ((await blocks.fill(piece)) < piece.length) throw broken(path, `${bytes} bytes of "${name}"`, "ends before");
    left -= piece.length;
    yield piece;
  }
}

const [shownRows, shownColumns] = [20, 50];

async function previewTable({ collection, pairs, targets }: Opened): Promise<Preview> {
  const samples = pairs.train.samples as FileArray;
  const width = sizeOf(samples.shape.slice(1));
  const shown = Math.min(width, shownColumns);
  const { task, labels, of } = targets;
  const rows: string[][] = [];
  const columns = Array.from({ length: shown }, () => ({ missing: 0, values: new Set<number>() }));
  let looked = 0;
  for await (const block of rowBlocks(samples)) {
    const numbers = new Float32Array(block.count * width);
    putNumbers(valuesOf(block, samples.dtype), numbers);
    for (let row = 0; row < block.count; row++) {
      const values = numbers.subarray(row * width, row * width + shown);
      for (const [c, value] of values.entries()) Number.isFinite(value) ? columns[c]!.values.add(value) : columns[c]!.missing++;
      const target = of.train![looked + row]!;
      if (rows.length < shownRows) rows.push([...Array.from(values, String), labels[target] ?? String(target)]);
    }
    looked += block.count;
    break; // the first rows say enough
  }
  const counts = new Array<number>(labels.length).fill(0);
  if (task === "classification") for (const part of Object.values(of)) for (const label of part) counts[label]!++;
  return {
    kind: "table",
    format: { name: collection.format },
    records: Object.values(pairs).reduce((sum, pair) => sum + pair.samples.shape[0]!, 0),
    estimated: false,
    columns: columns.map(({ missing, values }, c) => ({
      name: `x${c}`,
      type: "number",
      missing,
      distinct: values.size,
      examples: [...values].slice(0, 3).map(String),
    })),
    target: {
      name: "y",
      task,
      why: task === "classification" ? `"${pairs.train.targets.name}" has few values, or texts` : `"${pairs.train.targets.name}" has many values`,
    },
    rows,
    ...(task === "classification" && { classes: labels.map((label, i) => ({ label, count: counts[i]! })) }),
    problems: [],
  };
}
