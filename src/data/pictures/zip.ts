/** Files of a ZIP archive, by its directory: nothing is unpacked yet. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader } from "yauzl";
import { Gathering } from "./gathering.ts";
import type { Listing } from "./places.ts";

const [STORED, DEFLATED] = [0, 8];
const LOCAL_HEADER = 30;
/** Of Unix file modes, in the upper half of the external attributes. */
const [FILE_TYPE, LINK] = [0o170000, 0o120000];
const UTF8_NAME = 0x800;
const packAgain = "Pack the folder anew as a plain ZIP archive.";

/** @throws BAD_FILE */
export async function listZip(path: string): Promise<Listing> {
  const gathering = await Gathering.at(path, "zip");
  const taken: { readonly start: number; readonly end: number; readonly name: string }[] = [];
  const reader = new BlockReader(path);
  try {
    // Names are decoded here: many programs write UTF-8 and do not say so.
    const zip = await fromRandomAccessReaderPromise(reader, statSync(path).size, { lazyEntries: true, autoClose: false, decodeStrings: false });
    for await (const entry of zip.eachEntry()) {
      const name = nameOf(entry);
      const { compressedSize: stored, uncompressedSize: size, relativeOffsetOfLocalHeader: offset, compressionMethod, crc32: crc } = entry;
      gathering.unpacked(size);
      const clean = gathering.pathOf(name);
      if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === LINK) throw gathering.link(name);
      taken.push({ start: offset, end: offset + LOCAL_HEADER + stored, name });
      if (clean === undefined) continue;
      if (/[/\\]$/.test(name)) {
        gathering.folder(clean);
        continue;
      }
      if (entry.isEncrypted()) throw gathering.refuse(`holds "${clean}" encrypted`, "Pack the folder anew without a password.");
      if (compressionMethod !== STORED && compressionMethod !== DEFLATED)
        throw gathering.refuse(
          `holds "${clean}" compressed by method ${compressionMethod}`,
          "Pack the folder anew with the usual compression, deflate.",
        );
      const zipped = { deflated: compressionMethod === DEFLATED, crc, nameBytes: entry.fileNameLength };
      gathering.file({ name: clean, path, offset, stored, size, zip: zipped });
    }
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "BAD_FILE") throw cause;
    throw gathering.refuse(`cannot be read as one (${(cause as Error).message})`, "Copy or download the archive again, or pack it anew.", cause);
  } finally {
    reader.close();
  }
  // One stretch of bytes under many names: how a small archive unpacks to a huge one.
  taken.sort((a, b) => a.start - b.start);
  for (let i = 1; i < taken.length; i++)
    if (taken[i]!.start < taken[i - 1]!.end)
      throw gathering.refuse(`holds "${taken[i - 1]!.name}" and "${taken[i]!.name}" in the same bytes`, packAgain);
  return gathering.listing();
}

/** UTF-8 where it can be, else as the archive says: code page 437. */
function nameOf({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(fileNameRaw);
  } catch {
    return getFileNameLowLevel(generalPurposeBitFlag & ~UTF8_NAME, fileNameRaw, extraFields, false);
  }
}

const BLOCK = 2 ** 20;
/** Reads a file in large blocks: the directory of an archive is asked for in pieces of some bytes. */
class BlockReader extends RandomAccessReader {
  readonly #file: number;
  readonly #block = Buffer.alloc(BLOCK);
  #start = 0;
  #length = 0;

  constructor(path: string) {
    super();
    this.#file = openSync(path, "r");
  }

  override read(into: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void): void {
    try {
      for (let read = 0; read < length; ) {
        const at = position + read - this.#start;
        if (at < 0 || at >= this.#length) {
          this.#start = position + read;
          this.#length = readSync(this.#file, this.#block, 0, BLOCK, this.#start);
          if (this.#length === 0) throw new Error("it is cut off");
        } else read += this.#block.copy(into, offset + read, at, Math.min(this.#length, at + length - read));
      }
      done(null);
    } catch (error) {
      done(error as Error);
    }
  }

  override _readStreamForRange(): never {
    throw new Error("files are read by their places");
  }

  override close(): void {
    closeSync(this.#file);
  }
}
