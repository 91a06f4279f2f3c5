/** Unpacks the wanted files of a tar archive, gzip-compressed or not: names that are asked for, into one folder, and nothing else. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { PassThrough, pipeline as pipe } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { fail, TrainyardError } from "../../shared/errors.ts";
import { broken, openFile } from "./blocks.ts";

/**
 * @param wanted names of files, without folders
 * @param mostBytes that one of them may have
 * @returns the path of each that was there
 * @throws FILE_NOT_FOUND, BAD_FILE, WRITE_FAILED
 */
export async function untar(path: string, directory: string, wanted: ReadonlySet<string>, mostBytes: number): Promise<ReadonlyMap<string, string>> {
  await using file = await openFile(path, "tar archive");
  const start = Buffer.alloc(2);
  await file.read(start, 0, 2, 0);
  await mkdir(directory, { recursive: true });
  const paths = new Map<string, string>();
  const entries = extract();
  const unpack = start.readUInt16BE(0) === 0x1f8b ? createGunzip({ chunkSize: 2 ** 20 }) : new PassThrough();
  pipe(createReadStream(path, { highWaterMark: 2 ** 20 }), unpack, entries, () => {}); // its errors come out of the entries
  try {
    for await (const entry of entries) {
      const { name, size = 0, type } = entry.header;
      const place = join(directory, basename(name));
      if (type !== "file" || !wanted.has(basename(name)) || paths.has(basename(name))) {
        entry.resume();
        continue;
      }
      if (size > mostBytes) throw broken(path, `an archive with at most ${mostBytes} bytes of ${basename(name)}`, `has ${size}`);
      await pipeline(entry, createWriteStream(place));
      paths.set(basename(name), place);
    }
  } catch (cause) {
    if (cause instanceof TrainyardError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC") throw fail("WRITE_FAILED", { path: directory, detail: message, kept: "Nothing of the import is kept." }, cause);
    throw broken(path, "a complete tar archive", `unpacking it failed (${message})`, cause);
  }
  return paths;
}
