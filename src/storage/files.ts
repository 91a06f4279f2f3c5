/** The object store in a folder: an object is a file, its key the path. Links are never followed, and names that are no keys are left alone. */
import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { link, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fail, TrainyardError } from "../shared/errors.ts";
import { syncFolder } from "./atomic.ts";
import { type ByteRange, type Bytes, chunks, resolveRange } from "./bytes.ts";
import { isKey, keyPrefix, objectKey } from "./keys.ts";
import type { ObjectInfo, ObjectStore, PutOptions } from "./object-store.ts";

/** Holds what is being written. No key begins with a dot, so no object can be meant. */
const partials = ".partial";

export class FileStore implements ObjectStore {
  readonly kind = "files";
  readonly name: string;
  readonly #root: string;

  private constructor(name: string, root: string) {
    this.name = name;
    this.#root = root;
  }

  /** Makes the folder where there is none, for this user alone. @throws WRITE_FAILED */
  static async open(directory: string): Promise<FileStore> {
    return writing(directory, async () => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const store = new FileStore(`files in ${directory}`, await realpath(directory));
      await makeFolders(store.#root, [partials], notAFolder);
      return store;
    });
  }

  async put(key: string, body: Bytes, { ifAbsent = false, signal }: PutOptions = {}): Promise<{ size: number }> {
    const path = this.#path(key);
    if (ifAbsent && (await this.head(key))) throw fail("OBJECT_EXISTS", { key });
    return this.#withPartial(async (partial) => {
      const size = await writeSynced(partial, chunks(body, signal), path);
      signal?.throwIfAborted();
      await this.#place(partial, key, ifAbsent);
      return { size };
    });
  }

  async get(key: string, range?: ByteRange): Promise<{ size: number; body: Readable }> {
    const found = await this.#find(key);
    const file = found && (await open(this.#path(key), constants.O_RDONLY | constants.O_NOFOLLOW).catch(unlessGone));
    if (!file) throw fail("OBJECT_NOT_FOUND", { key });
    try {
      const { size } = await file.stat();
      const { start, end } = resolveRange(key, range, size);
      // `end: -1` would be refused, and an empty file ends by itself.
      return { size, body: file.createReadStream(end ? { start, end: end - 1 } : {}) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async head(key: string): Promise<{ size: number; modifiedAt: Date } | undefined> {
    const found = await this.#find(key);
    return found && { size: found.size, modifiedAt: found.mtime };
  }

  async *list(prefix: string, after = ""): AsyncGenerator<ObjectInfo> {
    yield* this.#walk("", keyPrefix(prefix), after && objectKey(after));
  }

  async delete(key: string): Promise<void> {
    if (!(await this.#find(key))) return;
    const path = this.#path(key);
    await removeFile(path, this.#root);
  }

  /** A second name for the same bytes: objects are replaced, never changed, so neither can alter the other. */
  async copy(from: string, to: string): Promise<void> {
    objectKey(to);
    if (!(await this.#find(from))) throw fail("OBJECT_NOT_FOUND", { key: from });
    await this.#withPartial(async (partial) => {
      await link(this.#path(from), partial).catch((cause) => {
        throw cause.code === "ENOENT" ? fail("OBJECT_NOT_FOUND", { key: from }, cause) : writeError(this.#path(to), cause);
      });
      await this.#place(partial, to, false);
    });
  }

  async file(key: string): Promise<string | undefined> {
    return (await this.#find(key)) && this.#path(key);
  }

  async url(key: string): Promise<undefined> {
    objectKey(key);
  }

  async sweep(olderThanMs: number): Promise<number> {
    let removed = 0;
    for (const name of await readdir(join(this.#root, partials))) {
      const path = join(this.#root, partials, name);
      const file = await lstat(path).catch(unlessGone);
      if (!file || file.mtimeMs > Date.now() - olderThanMs) continue;
      await rm(path, { recursive: true, force: true });
      removed++;
    }
    return removed;
  }

  async check(): Promise<void> {
    const wrote = randomUUID();
    const read = await this.#withPartial(async (partial) => {
      await writeSynced(partial, chunks(Buffer.from(wrote)), partial);
      const file = await open(partial);
      return file.readFile("utf8").finally(() => file.close());
    }).catch((cause: Error) => {
      throw fail("STORE_UNAVAILABLE", { store: this.name, detail: cause.message }, cause);
    });
    if (read !== wrote) throw fail("STORE_UNAVAILABLE", { store: this.name, detail: "what is read is not what was written" });
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    return join(this.#root, ...objectKey(key).split("/"));
  }

  /** Undefined for what is no file, or lies behind a link. */
  async #find(key: string): Promise<Stats | undefined> {
    const path = this.#path(key);
    const file = await lstat(path).catch(unlessGone);
    if (!file?.isFile()) return undefined;
    const folder = await realpath(dirname(path)).catch(unlessGone);
    return folder === dirname(path) ? file : undefined;
  }

  /** Runs with the path for a new file in the same file system, which is gone afterwards if it is still there. */
  async #withPartial<T>(work: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.#root, partials, randomUUID());
    try {
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Gives a finished file its name. */
  async #place(partial: string, key: string, ifAbsent: boolean): Promise<void> {
    const path = this.#path(key);
    await writing(path, async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          await makeFolders(this.#root, key.split("/").slice(0, -1), notAFolder);
          await (ifAbsent ? link : rename)(partial, path);
          return await syncFolder(dirname(path));
        } catch (cause) {
          const { code } = cause as NodeJS.ErrnoException;
          if (code === "EEXIST" && ifAbsent) throw fail("OBJECT_EXISTS", { key }, cause);
          if (code === "EISDIR") throw fail("BAD_KEY", { key: `"${key}"`, problem: "other keys go on from it" }, cause);
          if (code !== "ENOENT" || attempt === 10) throw cause; // ENOENT: a delete has just removed the folder that it emptied
        }
      }
    });
  }

  /** A folder at a time: its names are in memory, and no others. A folder counts with its slash, which gives the order of whole keys. */
  async *#walk(folder: string, prefix: string, after: string): AsyncGenerator<ObjectInfo> {
    const entries = (await readdir(join(this.#root, folder), { withFileTypes: true }).catch(unlessGone)) ?? [];
    const names = entries
      .filter((entry) => isKey(entry.name) && (entry.isFile() || entry.isDirectory()))
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}`)
      .sort();
    for (const name of names) {
      if (name.endsWith("/")) {
        const wanted = name.startsWith(prefix) || prefix.startsWith(name);
        if (wanted && (name > after || after.startsWith(name))) yield* this.#walk(name, prefix, after);
      } else if (name.startsWith(prefix) && name > after) {
        const file = isKey(name) ? await lstat(join(this.#root, name)).catch(unlessGone) : undefined;
        if (file?.isFile()) yield { key: name, size: file.size, modifiedAt: file.mtime };
      }
    }
  }
}

/** Writes a new file and waits until it is on the disk. What the source throws comes through as it is. */
export async function writeSynced(partial: string, source: AsyncIterable<Uint8Array>, path: string): Promise<number> {
  let size = 0;
  const file = await writing(path, () => open(partial, "wx", 0o644));
  try {
    for await (const chunk of source) {
      await writing(path, () => file.writeFile(chunk));
      size += chunk.length;
    }
    await writing(path, () => file.sync());
  } finally {
    await file.close();
  }
  return size;
}

const writeError = (path: string, cause: Error) =>
  fail("WRITE_FAILED", { path, detail: cause.message, kept: "What was in its place before is unharmed." }, cause);

/** What the operating system refuses, as an error that names the path. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof TrainyardError ? cause : writeError(path, cause as Error);
  }
}

/** Nothing where there is no file or folder. */
export function unlessGone(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR") throw cause;
}

const notAFolder = (path: string, name: string): Error => fail("BAD_KEY", { key: `"${path}/"`, problem: `"${name}" is there, and is no folder` });

/**
 * Folders within folders, one by one, as making them all at once would follow links.
 * @param refused the error where something else is called that
 */
export async function makeFolders(root: string, names: readonly string[], refused: (path: string, name: string) => Error): Promise<void> {
  let path = root;
  for (const name of names) {
    const parent = path;
    path = join(parent, name);
    const made = await mkdir(path).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "EEXIST") return false;
        throw cause;
      },
    );
    if (made) await syncFolder(parent);
    else if (!(await lstat(path)).isDirectory()) throw refused(names.join("/"), name);
  }
}

/** Deletes a file, and the folders below the root that this leaves empty. */
export async function removeFile(path: string, root: string): Promise<void> {
  await writing(path, () => rm(path, { force: true }));
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    const empty = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!empty) return;
  }
}
