/** Files of an archive or a folder by where their bytes lie on disk, so that any thread reads any of them, in any order. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crc32, inflateRawSync } from "node:zlib";
import type { TrainyardError } from "../../shared/errors.ts";

export interface Place {
  /** Path in the archive or folder. */
  readonly name: string;
  /** The file on disk. */
  readonly path: string;
  /** Where its bytes begin; of a member of a ZIP: its header. */
  readonly offset: number;
  /** Bytes on disk, and unpacked. */
  readonly stored: number;
  readonly size: number;
  /** Of a member of a ZIP archive. */
  readonly zip?: { readonly deflated: boolean; readonly crc: number; readonly nameBytes: number };
  /** Of a file of its own: when it was changed last, milliseconds since 1970. */
  readonly modified?: number;
}

/** What an archive or a folder holds. */
export interface Listing {
  readonly path: string;
  readonly format: "zip" | "tar" | "folder";
  /** Sorted by name; what systems hide is left out. */
  readonly files: readonly Place[];
  readonly folders: readonly string[];
  /** @throws BAD_FILE when the archive is another one by now */
  unchanged(): Promise<void>;
  /** The error of a file that is another one by now. */
  changed(name: string): TrainyardError;
}

/** A larger file is no picture that could be shown. */
export const mostPictureBytes = 2 ** 28;
/** Bytes that a header of a ZIP member may have beside the name, without a second read. */
const EXTRA = 64;
const LOCAL_HEADER = 30;

/** A file that is another one than when it was listed: nothing that was read of it can be trusted. */
export class Changed extends Error {}

/** Reads files of one listing, of which archives stay open. Close it when done. */
export class PlaceReader {
  #open: { readonly path: string; readonly file: number } | undefined;

  /** @throws Error that says what is wrong with it; Changed */
  read(place: Place): Buffer {
    if (place.size > mostPictureBytes) throw new Error(`has ${place.size} bytes, more than ${mostPictureBytes}`);
    if (!place.zip) return this.#plain(place);
    const { deflated, crc, nameBytes } = place.zip;
    const bytes = this.#range(place, place.offset, LOCAL_HEADER + nameBytes + EXTRA + place.stored);
    if (bytes.length < LOCAL_HEADER || bytes.readUInt32LE(0) !== 0x04034b50) throw new Error("is not where the archive says");
    const start = LOCAL_HEADER + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
    const whole = start + place.stored > bytes.length ? this.#range(place, place.offset, start + place.stored) : bytes;
    const stored = whole.subarray(start, start + place.stored);
    if (stored.length < place.stored) throw new Error("is cut off");
    const content = deflated ? inflated(stored, place.size) : stored;
    if (content.length !== place.size || crc32(content) !== crc) throw new Error("is damaged: its checksum is another");
    return content;
  }

  #plain(place: Place): Buffer {
    const bytes = this.#range(place, place.offset, place.size);
    if (place.modified !== undefined) {
      const { size, mtimeMs } = fstatSync(this.#open!.file);
      if (size !== place.size || mtimeMs !== place.modified) throw new Changed();
    }
    if (bytes.length < place.size) throw new Error("is cut off");
    return bytes;
  }

  #range({ path, modified }: Place, start: number, length: number): Buffer {
    if (this.#open?.path !== path) {
      this.close();
      try {
        this.#open = { path, file: openSync(path, "r") };
      } catch (cause) {
        throw modified !== undefined && (cause as NodeJS.ErrnoException).code === "ENOENT" ? new Changed() : cause;
      }
    }
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#open!.file, bytes, done, length - done, start + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  close(): void {
    if (this.#open) closeSync(this.#open.file);
    this.#open = undefined;
  }
}

function inflated(stored: Buffer, size: number): Buffer {
  try {
    return inflateRawSync(stored, { maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new Error(`is damaged: ${(cause as Error).message}`, { cause });
  }
}
