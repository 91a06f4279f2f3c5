/** Files of a tar archive, compressed by gzip or not: read from one end to the other, so that what may be needed is laid into one file. */
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { fail, TrainyardError } from "../../shared/errors.ts";
import type { ImportContext } from "../importing.ts";
import { Gathering } from "./gathering.ts";
import { isArchive } from "./names.ts";
import type { Listing } from "./places.ts";

const BLOCK = 2 ** 20;
const links: readonly Header["type"][] = ["link", "symlink"];

/** @throws BAD_FILE, WRITE_FAILED, and the reason of the signal */
export async function listTar(path: string, { directory, signal }: Pick<ImportContext, "directory" | "signal">, zipped: boolean): Promise<Listing> {
  const gathering = await Gathering.at(path, "tar");
  const target = join(directory, "files");
  await mkdir(directory, { recursive: true });
  await using file = await open(target, "w");
  const laid = new Laid(file);
  const entries = extract();
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      gathering.unpacked(chunk.length);
      yield chunk;
    }
  };
  const unpacking = pipeline(
    createReadStream(path, { highWaterMark: BLOCK }),
    zipped ? createGunzip({ chunkSize: BLOCK }) : new PassThrough(),
    counted,
    entries,
    { signal },
  );
  const reading = (async () => {
    for await (const entry of entries) {
      const { name, type, size = 0 } = entry.header;
      const clean = gathering.pathOf(name);
      if (links.includes(type)) throw gathering.link(name);
      if (clean !== undefined && type === "directory") gathering.folder(clean);
      const keep = clean !== undefined && type === "file";
      if (keep) gathering.file({ name: clean, path: target, offset: laid.length, stored: size, size: isArchive(clean) ? 0 : size });
      if (!keep || isArchive(clean)) entry.resume();
      else for await (const chunk of entry) await laid.add(chunk as Buffer);
    }
    await laid.end();
  })();
  try {
    await Promise.all([unpacking, reading]);
  } catch (cause) {
    entries.destroy();
    await Promise.allSettled([unpacking, reading]);
    signal?.throwIfAborted();
    if (cause instanceof TrainyardError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC") throw fail("WRITE_FAILED", { path: directory, detail: message, kept: "Nothing of the import is kept." }, cause);
    throw gathering.refuse(`cannot be unpacked (${message})`, "Copy or download the archive again, or pack it anew.", cause);
  }
  const listing = gathering.listing();
  await listing.unchanged();
  return listing;
}

/** Bytes on their way into a file, in large blocks. */
class Laid {
  readonly #file: FileHandle;
  #held: Buffer[] = [];
  #heldBytes = 0;
  length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async add(chunk: Buffer): Promise<void> {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    this.length += chunk.length;
    if (this.#heldBytes >= BLOCK) await this.end();
  }

  async end(): Promise<void> {
    await this.#file.writev(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
  }
}
