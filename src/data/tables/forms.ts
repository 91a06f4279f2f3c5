/** What a file of a table is, by its content: the form, and for text its encoding. What DuckDB cannot read as it is, is written anew beside it. */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { fail, type TrainyardError } from "../../shared/errors.ts";
import { openError } from "../files.ts";
import { sheetToCsv } from "./excel.ts";
import type { Encoding, TableOptions } from "./options.ts";
import { checkText, TextCheck } from "./text-check.ts";

export type Form = "csv" | "json" | "parquet";

/** A file that DuckDB can read. */
export interface TableFile {
  /** As it was given, for messages. */
  readonly path: string;
  /** Where it is to be read: `path`, or what was made of it. */
  readonly readable: string;
  readonly form: Form;
  /** What it was: "csv", "xlsx" and so on. */
  readonly kind: Form | "xlsx";
  readonly encoding?: Exclude<Encoding, "auto">;
  readonly size: number;
  /** The share of the file that was read, where it is not the whole. */
  readonly share?: number;
}

const HEAD = 2 ** 20;
const CHUNK = 2 ** 20;
/** By so many pieces of so many bytes lines are counted. */
const [PIECES, PIECE] = [64, 2 ** 15];
/** More than so many times its size is no table, but made to fill a disk. */
const MOST_RATIO = 200;

export interface Preparing {
  /** For what is written. */
  readonly directory: string;
  /** Unique in it. */
  readonly name: string;
  /** Bytes to look at of a text; all of it when left out. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/**
 * Finds out what a file is, checks it, and unpacks, decodes and evens out its line ends where need be.
 * @throws FILE_NOT_FOUND, BAD_FILE
 */
export async function prepareFile(
  path: string,
  { sheet, encoding: asked }: Pick<TableOptions, "sheet" | "encoding">,
  { directory, name, most, signal }: Preparing,
): Promise<TableFile> {
  const { size } = await stat(path).catch((cause) => {
    throw openError(path, "table", "Check the path.", cause);
  });
  const empty = (got: string) => fail("BAD_FILE", { path, want: "a table", got, fix: "Give a file with a header and rows." });
  let head = await headOf(path, false);
  if (!head.length) throw empty("is empty");
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  if (packed) head = await headOf(path, true);
  if (!head.length) throw empty("is empty, once unpacked");
  const magic = head.toString("latin1", 0, 4);
  if (magic === "PAR1" || magic === "PK\x03\x04") {
    const whole = packed ? join(directory, `${name}.unpacked`) : path;
    if (packed) await pipeline(unpacked(path, size), createWriteStream(whole), { signal });
    if (magic === "PAR1") return { path, readable: whole, form: "parquet", kind: "parquet", size };
    const readable = join(directory, `${name}.csv`);
    await writeFile(readable, await sheetToCsv(path, whole, sheet));
    return { path, readable, form: "csv", kind: "xlsx", size };
  }

  const encoding = asked === "auto" ? encodingOf(head) : asked;
  const text = new TextDecoder(encoding).decode(head).trimStart();
  if (text === "" && head.length < HEAD) throw empty("holds nothing but blanks");
  const form: Form = text.startsWith("{") || /^\[\s*(\{|$)/.test(text) ? "json" : "csv";
  const isArray = form === "json" && text.startsWith("[");
  const limit = most !== undefined && !isArray ? most : Number.POSITIVE_INFINITY; // half of an array is none
  const file = { path, form, kind: form, size };
  if (!packed && encoding === "utf-8" && size <= limit && !marked(head)) {
    const found = await checkText(path, signal);
    if (found === "even") return { ...file, readable: path, encoding };
    if (found === "no UTF-8") return { ...file, encoding: "windows-1252", ...(await decoded("windows-1252", limit)) };
  }
  return { ...file, encoding, ...(await decoded(encoding, limit)) };

  async function decoded(from: Exclude<Encoding, "auto">, most: number): Promise<Pick<TableFile, "readable" | "share">> {
    const readable = join(directory, `${name}.text`);
    let read = 0;
    const source = packed ? unpacked(path, size, (bytes) => (read = bytes)) : raw(path, (bytes) => (read = bytes));
    const cut = await decode(path, source, readable, from, most, signal);
    if (!cut) return { readable };
    return { readable, share: Math.min(1, packed ? read / size : (await linesIn(readable)) / (await linesIn(path))) };
  }
}

/** How many lines a file has, told from pieces of it: lines at its beginning may be shorter than others. */
async function linesIn(path: string): Promise<number> {
  await using file = await open(path);
  const { size } = await file.stat();
  const piece = Buffer.alloc(PIECE);
  const step = Math.max(PIECE, size / PIECES);
  let [lines, bytes] = [0, 0];
  for (let at = 0; at < size; at += step) {
    const { bytesRead } = await file.read(piece, 0, PIECE, Math.floor(at));
    const some = piece.subarray(0, bytesRead);
    for (let end = some.indexOf(0x0a); end >= 0; end = some.indexOf(0x0a, end + 1)) lines++;
    bytes += bytesRead;
  }
  return Math.max(1, (lines * size) / bytes);
}

/** Removes what was written on the way. */
export const removePrepared = (directory: string, name: string): Promise<unknown> =>
  Promise.all(["unpacked", "csv", "text"].map((end) => rm(join(directory, `${name}.${end}`), { force: true })));

/** The first bytes, unpacked where that is asked for. */
async function headOf(path: string, unpack: boolean): Promise<Buffer> {
  if (!unpack) {
    let file: FileHandle;
    try {
      file = await open(path);
    } catch (cause) {
      throw openError(path, "table", "Check the path.", cause as NodeJS.ErrnoException);
    }
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return buffer.subarray(0, bytesRead);
    } catch (cause) {
      throw openError(path, "table", "Check the path.", cause as NodeJS.ErrnoException);
    } finally {
      await file.close();
    }
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of unpacked(path, Number.POSITIVE_INFINITY)) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes >= HEAD) break;
  }
  return Buffer.concat(parts).subarray(0, HEAD);
}

/** Without a byte order mark text of the Latin script tells by its zeros: every other byte is one. */
function encodingOf(head: Buffer): Exclude<Encoding, "auto"> {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const zeros = [0, 0];
  const sample = head.subarray(0, 4096);
  for (const [i, byte] of sample.entries()) if (byte === 0) zeros[i % 2]!++;
  if (zeros[1]! > sample.length / 4 && zeros[0] === 0) return "utf-16le";
  if (zeros[0]! > sample.length / 4 && zeros[1] === 0) return "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

const marked = (head: Buffer): boolean => head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;

/** @param told hears how many bytes of the file are read */
async function* raw(path: string, told: (bytes: number) => void): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    read += (chunk as Buffer).length;
    told(read);
    yield chunk as Buffer;
  }
}

/** @throws BAD_FILE for what is no gzip file, or unpacks to far more than its size */
async function* unpacked(path: string, size: number, told?: (bytes: number) => void): AsyncGenerator<Buffer> {
  const bad = (got: string, fix: string, cause?: unknown) => fail("BAD_FILE", { path, want: "a gzip file of a table", got, fix }, cause);
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const file = createReadStream(path, { highWaterMark: CHUNK / 8 });
  file.on("error", (error) => gunzip.destroy(error)).pipe(gunzip);
  let bytes = 0;
  try {
    for await (const chunk of gunzip) {
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_RATIO * size + CHUNK) throw bad(`unpacks to more than ${MOST_RATIO} times its size`, "Unpack it and give the file itself.");
      told?.(gunzip.bytesWritten);
      yield chunk as Buffer;
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw code?.startsWith("Z_") ? bad(`cannot be unpacked (${message})`, "Copy or download the file again.", cause) : cause;
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

/**
 * Text as UTF-8, without a byte order mark, each line ending with a line feed.
 * @param most bytes of UTF-8 after which the next end of a line is the end
 * @returns whether there may be more
 * @throws BAD_FILE
 */
async function decode(
  path: string,
  source: AsyncGenerator<Buffer>,
  to: string,
  encoding: Exclude<Encoding, "auto">,
  most: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const decoder = new TextDecoder(encoding, { fatal: encoding === "utf-8" });
  const check = new TextCheck(path);
  let cut = false;
  const decodedAs = (chunk?: Buffer): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw notUtf8(check.row, path, cause);
    }
  };
  await pipeline(Readable.from(lines(), { objectMode: true }), createWriteStream(to), { signal });
  return cut;

  async function* lines(): AsyncGenerator<Buffer> {
    let held = ""; // a carriage return whose line feed is in the next chunk
    let written = 0;
    for await (const chunk of source) {
      const text = held + decodedAs(chunk);
      held = text.endsWith("\r") ? "\r" : "";
      const bytes = Buffer.from(text.slice(0, text.length - held.length).replace(/\r\n?/g, "\n"));
      check.add(bytes);
      written += bytes.length;
      const end = bytes.lastIndexOf(0x0a) + 1;
      if (written < most || end === 0) {
        yield bytes;
        continue;
      }
      cut = true;
      yield bytes.subarray(0, end);
      return;
    }
    const rest = Buffer.from((held + decodedAs()).replace(/\r\n?/g, "\n"));
    check.add(rest);
    yield rest;
  }
}

const notUtf8 = (row: number, path: string, cause?: unknown): TrainyardError =>
  fail(
    "BAD_FILE",
    {
      path: `${path}, row ${row} or a little below`,
      want: "text in UTF-8, as it is above",
      got: "has bytes that are none",
      fix: "Save the file as UTF-8 again, or say what it is in (encoding=windows-1252).",
    },
    cause,
  );
