/** Snapshots on disk: a folder with snapshot.json, a safetensors file per split, profile.json, and for tables Parquet. Written row by row, read without parsing. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { arrays, bytesOf, headerLength, layOut, type PlacedTensor, readHeader, type StoredArray, type TensorInfo } from "../engine/safetensors.ts";
import { canonical } from "../shared/canonical.ts";
import { type RawSplit, type Snapshot, type SplitName, type StoredFile, splitNames } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { Profile } from "../shared/profile.ts";
import { sha256 } from "./digest.ts";

/** Tensors of a split without the first axis, which is that of the rows: `{ pictures: { dtype: "U8", shape: [1, 28, 28] } }`. */
export type RowTensors = Readonly<Record<string, TensorInfo>>;
/** Equally many rows of each tensor. */
export type Rows = Readonly<Record<string, StoredArray>>;

const moveBytes = 8 * 2 ** 20;

/** Writes the tensors of one split, some rows at a time, each tensor to its place in the file. */
export class SplitWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #tensors: RowTensors;
  readonly #header: Uint8Array;
  readonly #placed: ReadonlyMap<string, PlacedTensor>;
  #count = 0;

  private constructor(path: string, file: FileHandle, tensors: RowTensors, most: number) {
    this.#path = path;
    this.#file = file;
    this.#tensors = tensors;
    ({ header: this.#header, placed: this.#placed } = layOut(withRows(tensors, most)));
  }

  /** @param most rows that may come; fewer are fine */
  static async create(path: string, tensors: RowTensors, most: number): Promise<SplitWriter> {
    return new SplitWriter(path, await open(path, "w+"), tensors, most);
  }

  /** Rows so far. */
  get count(): number {
    return this.#count;
  }

  /** Adds rows. The arrays may be used again once this resolves. */
  async append(rows: Rows): Promise<void> {
    let added: number | undefined;
    for (const [name, info] of Object.entries(this.#tensors)) {
      const data = rows[name]!;
      const rowBytes = bytesOf(info);
      added ??= data.byteLength / rowBytes;
      if (added * rowBytes !== data.byteLength)
        throw fail("INTERNAL", { detail: `${this.#path}: ${data.byteLength} bytes of "${name}" for ${added} rows` });
      const { start, end } = this.#placed.get(name)!;
      const at = start + this.#count * rowBytes;
      if (at + data.byteLength > end) throw fail("INTERNAL", { detail: `${this.#path}: more rows than were announced` });
      await writeFully(this.#file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    }
    this.#count += added ?? 0;
  }

  /** Completes the file: where fewer rows came than might have, tensors move up. */
  async finish(): Promise<StoredFile> {
    try {
      const { header, placed } = layOut(withRows(this.#tensors, this.#count), {}, this.#header.length);
      for (const [name, { start, end }] of placed) await this.#move(this.#placed.get(name)!.start, start, end - start);
      await writeFully(this.#file, header, 0);
      await this.#file.truncate(Math.max(header.length, ...[...placed.values()].map(({ end }) => end)));
    } finally {
      await this.#file.close();
    }
    return storedFile(this.#path);
  }

  /** Gives up: what is written stays for whoever removes the folder. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
  }

  async #move(from: number, to: number, bytes: number): Promise<void> {
    if (from === to) return;
    const buffer = Buffer.alloc(Math.min(moveBytes, bytes));
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, bytes - done), from + done);
      await writeFully(this.#file, buffer.subarray(0, bytesRead), to + done);
      done += bytesRead;
    }
  }
}

const withRows = (tensors: RowTensors, rows: number) =>
  new Map(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, { dtype, shape: [rows, ...shape] }]));

async function writeFully(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** A file as a snapshot names it. */
export async function storedFile(path: string): Promise<StoredFile> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return { name: path.slice(path.lastIndexOf("/") + 1), sha256: hash.digest("hex"), size: (await stat(path)).size };
}

/** What an import leaves in its folder. */
export interface Imported {
  readonly snapshot: Snapshot;
  readonly profile: Profile;
}

/** Names a snapshot by its content, and writes `snapshot.json` and `profile.json` beside the files of its splits. */
export async function sealSnapshot(directory: string, parts: Omit<Snapshot, "format" | "digest">, profile: Profile): Promise<Imported> {
  const { splitting: _, splits, ...content } = parts;
  const hasText = parts.columns.some(({ type }) => type === "text");
  const stored = splitNames.flatMap((name) => {
    const split = splits[name];
    return split ? [[name, { count: split.count, tensors: split.tensors.sha256, ...(hasText && { parquet: split.parquet?.sha256 }) }]] : [];
  });
  const digest = sha256(canonical({ format: 1, ...content, splits: Object.fromEntries(stored) }));
  const snapshot: Snapshot = { format: 1, ...parts, digest };
  await writeFile(join(directory, "snapshot.json"), `${JSON.stringify(snapshot, null, 2)}\n`);
  await writeFile(join(directory, "profile.json"), `${JSON.stringify(profile, null, 2)}\n`);
  return { snapshot, profile };
}

/** Files of a snapshot besides `snapshot.json` and `profile.json`. */
export const filesOf = ({ splits }: Snapshot): readonly StoredFile[] =>
  splitNames.flatMap((name) => [splits[name]?.tensors, splits[name]?.parquet].filter((file) => file !== undefined));

/** @throws FILE_NOT_FOUND, BAD_FILE */
export async function readSnapshot(directory: string): Promise<Snapshot> {
  const path = join(directory, "snapshot.json");
  const text = await readFile(path, "utf8").catch((cause) => {
    throw fail("FILE_NOT_FOUND", { path, what: "snapshot", fix: "Import the dataset again." }, cause);
  });
  const snapshot = JSON.parse(text) as Snapshot;
  if (snapshot.format !== 1)
    throw fail("BAD_FILE", { path, want: "a snapshot of format 1", got: `is of format ${snapshot.format}`, fix: "Import the dataset again." });
  return snapshot;
}

/** The tensors of a split, each read into an array of its own. @throws BAD_FILE */
export async function readSplit(directory: string, snapshot: Snapshot, name: SplitName): Promise<RawSplit> {
  for await (const split of readBatches(directory, snapshot, name, Number.POSITIVE_INFINITY)) return split;
  throw fail("INTERNAL", { detail: `the split "${name}" is empty` });
}

/**
 * A split some rows at a time, in memory for those rows alone. One without rows is a single batch without rows.
 * @param only tensors to read; all when left out
 * @throws BAD_FILE
 */
export async function* readBatches(
  directory: string,
  snapshot: Snapshot,
  name: SplitName,
  rows: number,
  only?: readonly string[],
): AsyncGenerator<RawSplit> {
  const split = snapshot.splits[name];
  if (!split) throw fail("INTERNAL", { detail: `the snapshot has no split "${name}"` });
  const path = join(directory, split.tensors.name);
  await using file = await open(path);
  const { size } = await file.stat();
  const head = headerLength(await readAt(file, 0, 8, path), size, path);
  const { placed } = readHeader(await readAt(file, 0, head, path), size, path);
  const wanted = [...placed].filter(([tensor]) => !only || only.includes(tensor));
  let first = 0;
  do {
    const last = Math.min(split.count, first + rows);
    const tensors: Record<string, StoredArray> = {};
    for (const [tensor, { dtype, start, end }] of wanted) {
      const rowBytes = (end - start) / Math.max(1, split.count);
      const bytes = await readAt(file, start + first * rowBytes, start + last * rowBytes, path);
      tensors[tensor] = new arrays[dtype](bytes.buffer as ArrayBuffer);
    }
    yield { count: last - first, ...tensors } as RawSplit;
    first = last;
  } while (first < split.count);
}

async function readAt(file: FileHandle, start: number, end: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(2 ** 30, bytes.length - done), start + done);
    if (bytesRead === 0)
      throw fail("BAD_FILE", { path, want: `${end} bytes long`, got: `ends after ${start + done}`, fix: "Import the dataset again." });
    done += bytesRead;
  }
  return bytes;
}
