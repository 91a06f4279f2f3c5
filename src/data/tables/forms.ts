/** What a file of a table is, by its content: the form, and for text its encoding. What DuckDB cannot read as it is, is written anew beside it. */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { fail } from "../../shared/errors.ts";
import { openError } from "../files.ts";
import { sheetToCsv } from "./excel.ts";

export type Form = "csv" | "json" | "parquet";
export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** A file that DuckDB can read. */
export interface TableFile {
  /** As it was given, for messages. */
  readonly path: string;
  /** Where it is to be read: `path`, or what was made of it. */
  readonly readable: string;
  readonly form: Form;
  /** What it was: "csv", "xlsx" and so on. */
  readonly kind: Form | "xlsx";
  readonly encoding?: Encoding;
  readonly size: number;
}

const SAMPLE = 2 ** 20;
/** More than so many times its size is no table, but made to fill a disk. */
const MOST_RATIO = 200;

/**
 * Finds out what a file is, and unpacks, decodes and evens out its line ends where need be.
 * @param directory for what is written
 * @param name unique in it
 * @throws FILE_NOT_FOUND, BAD_FILE
 */
export async function prepareFile(path: string, directory: string, name: string, sheet: string, signal?: AbortSignal): Promise<TableFile> {
  const { size } = await stat(path).catch((cause) => {
    throw openError(path, "file", "Check the path.", cause);
  });
  const empty = () => fail("BAD_FILE", { path, want: "a table", got: "is empty", fix: "Give a file with a header and rows." });
  if (size === 0) throw empty();
  let readable = path;
  let head = await headOf(path);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    readable = join(directory, `${name}.unpacked`);
    await unpack(path, readable, size, signal);
    head = await headOf(readable);
    if (!head.length) throw empty();
  }
  if (head.subarray(0, 4).toString("latin1") === "PAR1") return { path, readable, form: "parquet", kind: "parquet", size };
  if (head.subarray(0, 4).toString("latin1") === "PK\x03\x04") {
    const csv = join(directory, `${name}.csv`);
    await writeFile(csv, await sheetToCsv(path, readable, sheet));
    return { path, readable: csv, form: "csv", kind: "xlsx", size };
  }
  const encoding = encodingOf(path, head);
  const text = new TextDecoder(encoding).decode(head).trimStart();
  const whole = head.length < SAMPLE;
  if (text === "" && whole)
    throw fail("BAD_FILE", { path, want: "a table", got: "holds nothing but blanks", fix: "Give a file with a header and rows." });
  const form = text.startsWith("{") || /^\[\s*(\{|$)/.test(text) ? "json" : "csv";
  const marked = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
  if (encoding !== "utf-8" || marked || mixedLines(text)) {
    const decoded = join(directory, `${name}.text`);
    await decode(readable, decoded, encoding, signal);
    readable = decoded;
  }
  return { path, readable, form, kind: form, encoding, size };
}

/** The same file with its line ends evened out, which are looked for in its beginning only at first. */
export async function evenLines(file: TableFile, directory: string, name: string, signal?: AbortSignal): Promise<TableFile> {
  const even = join(directory, `${name}.even`);
  await decode(file.readable, even, "utf-8", signal);
  return { ...file, readable: even };
}

async function headOf(path: string): Promise<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw openError(path, "file", "Check the path.", cause as NodeJS.ErrnoException);
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE), 0, SAMPLE, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw openError(path, "file", "Check the path.", cause as NodeJS.ErrnoException);
  } finally {
    await file.close();
  }
}

/** @throws BAD_FILE for bytes that are no text */
function encodingOf(path: string, head: Buffer): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  // Without a mark: text of the Latin script has every other byte zero.
  const zeros = [0, 0];
  const sample = head.subarray(0, 4096);
  for (const [i, byte] of sample.entries()) if (byte === 0) zeros[i % 2]!++;
  if (zeros[1]! > sample.length / 4 && zeros[0] === 0) return "utf-16le";
  if (zeros[0]! > sample.length / 4 && zeros[1] === 0) return "utf-16be";
  const zero = head.indexOf(0);
  if (zero >= 0) {
    const line = head.subarray(0, zero).reduce((count, byte) => count + Number(byte === 0x0a), 1);
    const fix = "Remove it, or export the table again as CSV in UTF-8.";
    throw fail("BAD_FILE", { path: `${path}, row ${line}`, want: "text", got: `has a NUL character at byte ${zero}`, fix });
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

/** Lines that end with a carriage return alone stop DuckDB, where others end otherwise. */
const mixedLines = (text: string): boolean => /\r(?!\n)/.test(text.slice(0, -1));

/** Text as UTF-8, without a byte order mark, each line ending with a line feed. */
async function decode(from: string, to: string, encoding: Encoding, signal?: AbortSignal): Promise<void> {
  const decoder = new TextDecoder(encoding);
  await pipeline(
    createReadStream(from, { highWaterMark: SAMPLE }),
    async function* (chunks: AsyncIterable<Buffer>) {
      let held = ""; // a carriage return whose line feed is in the next chunk
      for await (const chunk of chunks) {
        const text = held + decoder.decode(chunk, { stream: true });
        held = text.endsWith("\r") ? "\r" : "";
        yield text.slice(0, text.length - held.length).replace(/\r\n?/g, "\n");
      }
      yield (held + decoder.decode()).replace(/\r\n?/g, "\n");
    },
    createWriteStream(to),
    { signal },
  );
}

async function unpack(from: string, to: string, size: number, signal?: AbortSignal): Promise<void> {
  const bad = (got: string, fix: string, cause?: unknown) => fail("BAD_FILE", { path: from, want: "a gzip file of a table", got, fix }, cause);
  let bytes = 0;
  await pipeline(
    createReadStream(from),
    createGunzip(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > MOST_RATIO * size + SAMPLE)
          throw bad(`it unpacks to more than ${MOST_RATIO} times its size`, "Unpack it and give the file itself.");
        yield chunk;
      }
    },
    createWriteStream(to),
    { signal },
  ).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code?.startsWith("Z_") ? bad(`unpacking it failed (${cause.message})`, "Copy or download the file again.", cause) : cause;
  });
}
