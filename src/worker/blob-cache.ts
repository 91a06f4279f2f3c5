/** Dataset files on the worker's disk, named by their content: fetched once, checked at every use, the least used dropped. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, link, mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { datasetFile } from "../shared/api/schemas.ts";
import { fail, show, TrainyardError } from "../shared/errors.ts";

export interface CachedFile {
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}
/** Asks for the content of a file and hands it on; asks again when reading breaks off. */
export type Fetch = (sha256: string, read: (response: Response) => Promise<void>) => Promise<void>;

/** What a process that was killed left behind is this old at least. */
const STALE_MS = 24 * 3600 * 1000;
const GIB = 2 ** 30;

export class BlobCache {
  readonly #blobs: string;
  readonly #work: string;
  readonly #capacity: number;

  constructor(directory: string, capacity = 20 * GIB) {
    this.#blobs = join(directory, "blobs");
    this.#work = join(directory, "work");
    this.#capacity = capacity;
  }

  /**
   * Lays files out under their names while `use` runs: it gets the path of the one file, or of the folder with several.
   * @throws BAD_FILE for a name that is no plain file name, or a digest that is none, BLOB_MISMATCH, WRITE_FAILED, and what `use` throws, its paths shortened
   */
  async withFiles<T>(files: readonly CachedFile[], fetch: Fetch, use: (path: string) => Promise<T>): Promise<T> {
    for (const file of files) checkFile(file);
    const folder = join(this.#work, randomUUID());
    try {
      await attempt(folder, async () => {
        await mkdir(folder, { recursive: true });
        await mkdir(this.#blobs, { recursive: true });
      });
      for (const file of files) await this.#place(file, join(folder, file.name), fetch);
      await this.#evict();
      return await use(files.length === 1 ? join(folder, files[0]!.name) : folder);
    } catch (error) {
      throw error instanceof TrainyardError ? withoutFolder(error, folder) : error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** An empty folder while `use` runs. */
  async withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
    const folder = join(this.#work, randomUUID());
    await attempt(folder, async () => void (await mkdir(folder, { recursive: true })));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #place({ sha256, size }: CachedFile, target: string, fetch: Fetch): Promise<void> {
    const blob = join(this.#blobs, sha256);
    // Linked first and checked then: another process may drop the blob at any time, but not what is linked.
    if (await linked(blob, target)) {
      if ((await digest(target)) === sha256) return utimes(blob, new Date(), new Date()).catch(() => {});
      await rm(target);
      await rm(blob, { force: true });
    }
    const partial = `${blob}.${randomUUID()}.partial`;
    try {
      await fetch(sha256, (response) => attempt(partial, () => receive(response, partial, sha256, size)));
      await attempt(target, async () => {
        if (!(await linked(partial, target))) throw new Error("the fetched file is gone");
        await rename(partial, blob);
      });
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Drops the blobs that were not used for longest until the others fit, and what was left behind. */
  async #evict(): Promise<void> {
    for (const folder of await ages(this.#work)) if (folder.age > STALE_MS) await rm(folder.path, { recursive: true, force: true });
    let total = 0;
    for (const { path, size, age } of (await ages(this.#blobs)).sort((a, b) => a.age - b.age)) {
      total += size;
      if (path.endsWith(".partial") ? age > STALE_MS : total > this.#capacity) await rm(path, { force: true });
    }
  }
}

/** What the operating system refuses, as an error that names the path. */
async function attempt(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!code?.startsWith("E") || cause instanceof TrainyardError) throw cause;
    throw fail("WRITE_FAILED", { path, detail: message, kept: "Nothing else was changed." }, cause);
  }
}

/** Names and digests become paths here. */
function checkFile(file: CachedFile): void {
  if (datasetFile.safeParse(file).success) return;
  const fix = "Register the dataset again with plain names.";
  throw fail("BAD_FILE", { path: "the dataset", want: "made of files with plain names", got: `one is ${show(file)}`, fix });
}

/** A hard link, or a copy where the file system has none; false when there is nothing to link. */
async function linked(from: string, to: string): Promise<boolean> {
  const there = (work: Promise<void>) =>
    work.then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return false;
        throw cause;
      },
    );
  return there(link(from, to)).catch(() => there(copyFile(from, to)));
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest("hex");
}

async function receive(response: Response, path: string, sha256: string, size: number): Promise<void> {
  const hash = createHash("sha256");
  let received = 0;
  await pipeline(
    Readable.fromWeb(response.body as never),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        received += chunk.length;
        if (received > size) break;
        yield chunk;
      }
    },
    createWriteStream(path),
  );
  const got = hash.digest("hex");
  if (got !== sha256) throw fail("BLOB_MISMATCH", { want: sha256, got });
}

async function ages(folder: string): Promise<{ path: string; size: number; age: number }[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 })); // another process dropped it
      return { path, size, age: Date.now() - mtimeMs };
    }),
  );
  return found;
}

/** Where the file lay means nothing to whoever registered it: its name does. */
function withoutFolder(error: TrainyardError, folder: string): TrainyardError {
  const shorten = (text: string) => text.replaceAll(`${folder}/`, "").replaceAll(`${folder}\\`, "").replaceAll(folder, "the dataset");
  const { code, status, message, fix, details } = error;
  return new TrainyardError(code, status, shorten(message), shorten(fix), JSON.parse(shorten(JSON.stringify(details))), error);
}
