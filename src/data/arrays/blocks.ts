/** Bytes in order, in blocks of the length that is asked for: of files, gzip-compressed or not, and of any stream. What every reader of arrays stands on. */
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { fail, type TrainyardError } from "../../shared/errors.ts";
import { openError } from "../files.ts";

export interface Blocks {
  /** Fills the array with what comes next. @returns how many bytes came: fewer than asked for only at the end */
  fill(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

const again = "Copy or download the file again.";
/** An error of a file that was damaged on the way here. */
export const broken = (path: string, want: string, got: string, cause?: unknown, fix = again): TrainyardError =>
  fail("BAD_FILE", { path, want, got, fix }, cause);

/** @param damaged the error for a stream that fails */
export function blocksOf(stream: Readable, damaged: (cause: Error) => Error): Blocks {
  const chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array();
  return {
    async fill(into) {
      let done = 0;
      while (done < into.length) {
        if (held.length === 0) {
          const step = await chunks.next().catch((cause) => {
            throw damaged(cause);
          });
          if (step.done) break;
          held = step.value;
        }
        const part = held.subarray(0, into.length - done);
        into.set(part, done);
        held = held.subarray(part.length);
        done += part.length;
      }
      return done;
    },
    async close() {
      stream.destroy();
    },
  };
}

/** A file from a place on, as it is. */
class RawBlocks implements Blocks {
  readonly #file: FileHandle;
  #at: number;
  constructor(file: FileHandle, start: number) {
    this.#file = file;
    this.#at = start;
  }
  async fill(into: Uint8Array): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, this.#at);
      if (bytesRead === 0) break;
      done += bytesRead;
      this.#at += bytesRead;
    }
    return done;
  }
  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Opens a file; `what` speaks in FILE_NOT_FOUND. @throws FILE_NOT_FOUND, BAD_FILE */
export async function openFile(path: string, what: string): Promise<FileHandle> {
  const file = await open(path).catch((cause) => {
    throw openError(path, what, "Check the path.", cause);
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw broken(path, "a file", "is a folder or a device", undefined, "Give the path of a file.");
}

/** The bytes of a file as it is, from a place on. */
export const openRaw = async (path: string, what: string, start = 0): Promise<Blocks> => new RawBlocks(await openFile(path, what), start);

/** Unpacks a stream. */
export function gunzipped(source: Readable, path: string): Blocks {
  const gunzip = createGunzip({ chunkSize: 2 ** 20 });
  pipeline(source, gunzip, () => {}); // its errors come out of gunzip
  return blocksOf(gunzip, (cause) => broken(path, "a complete gzip file", `unpacking it failed (${cause.message})`, cause));
}

/**
 * The bytes of a file, unpacked where it is gzip-compressed, whatever its name.
 * @returns also the size, where it is known before all is read
 */
export async function openUnpacked(path: string, what: string): Promise<{ blocks: Blocks; size?: number }> {
  const file = await openFile(path, what);
  const start = Buffer.alloc(2);
  await file.read(start, 0, 2, 0);
  if (start[0] !== 0x1f || start[1] !== 0x8b) return { blocks: new RawBlocks(file, 0), size: (await file.stat()).size };
  await file.close();
  return { blocks: gunzipped(createReadStream(path, { highWaterMark: 2 ** 20 }), path) };
}
