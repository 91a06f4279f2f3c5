/** Members of a ZIP archive as streams, by their names. */
import type { Readable } from "node:stream";
import { type Entry, open, type ZipFile } from "yauzl";
import { broken, openFile } from "./blocks.ts";

/** Archives of arrays have a handful. */
const mostEntries = 10_000;

export interface ZipMember {
  readonly name: string;
  /** Unpacked, as the archive says; a stream that has another one fails. */
  readonly size: number;
  open(): Promise<Readable>;
}

export interface Zip {
  readonly members: readonly ZipMember[];
  close(): void;
}

/** @throws FILE_NOT_FOUND, BAD_FILE */
export async function openZip(path: string): Promise<Zip> {
  const file = await openFile(path, "ZIP archive");
  await file.close();
  const refuse = (cause: Error) => broken(path, "a complete ZIP archive", `reading it failed (${cause.message})`, cause);
  const zip = await new Promise<ZipFile>((resolve, reject) =>
    open(path, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(refuse(error)) : resolve(zip))),
  );
  const members = await new Promise<ZipMember[]>((resolve, reject) => {
    const found: ZipMember[] = [];
    zip.on("entry", (entry: Entry) => {
      if (!entry.fileName.endsWith("/")) found.push(memberOf(zip, entry, refuse));
      if (found.length > mostEntries) reject(broken(path, `an archive of at most ${mostEntries} files`, "has more"));
      else zip.readEntry();
    });
    zip.on("end", () => resolve(found)).on("error", (error) => reject(refuse(error)));
    zip.readEntry();
  }).catch((error) => {
    zip.close();
    throw error;
  });
  return { members, close: () => zip.close() };
}

const memberOf = (zip: ZipFile, entry: Entry, refuse: (cause: Error) => Error): ZipMember => ({
  name: entry.fileName,
  size: entry.uncompressedSize,
  open: () => new Promise((resolve, reject) => zip.openReadStream(entry, (error, stream) => (error ? reject(refuse(error)) : resolve(stream)))),
});
