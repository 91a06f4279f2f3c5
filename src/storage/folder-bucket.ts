/** A folder of this machine as a bucket. Links are never followed, and what is no plain file is passed over. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, open, opendir, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fail, show } from "../shared/errors.ts";
import { type BrowsedBucket, existingName, type ListedPage, namePrefix, newName, type Writing } from "./browse.ts";
import { type ByteRange, chunks, resolveRange } from "./bytes.ts";
import { makeFolders, removeFile, unlessGone, writeSynced, writing } from "./files.ts";

/** Bytes of UTF-8 that file systems take for a part of a path. */
const LONGEST_PART = 255;

export class FolderBucket implements BrowsedBucket {
  readonly place: string;
  readonly #root: string;

  private constructor(place: string, root: string) {
    this.place = place;
    this.#root = root;
  }

  /** @throws STORE_UNAVAILABLE unless the folder is there */
  static async open(directory: string): Promise<FolderBucket> {
    const root = await realpath(directory).catch((cause: Error) => {
      throw fail("STORE_UNAVAILABLE", { store: directory, detail: cause.message }, cause);
    });
    return new FolderBucket(directory, root);
  }

  /** In memory are a few times as many names as a page has, however many the folder holds. */
  async page(prefix: string, limit: number, after = ""): Promise<ListedPage> {
    const [, folder = "", begins = ""] = /^(.*\/)?([^/]*)$/s.exec(namePrefix(prefix))!;
    const path = folder === "" ? this.#root : await this.#folder(folder);
    const entries = path && (await opendir(path).catch(unlessGone));
    if (!entries) return { folders: [], objects: [] };
    let names: string[] = [];
    const keepFirst = () => {
      names = names.sort().slice(0, limit + 1);
    };
    for await (const entry of entries) {
      if (!entry.isFile() && !entry.isDirectory()) continue;
      const name = `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}`;
      if (!entry.name.startsWith(begins) || name <= after) continue;
      if (names.push(name) > 4 * limit + 100) keepFirst();
    }
    keepFirst();
    const shown = names.slice(0, limit);
    const objects = await Promise.all(
      shown
        .filter((name) => !name.endsWith("/"))
        .map(async (name) => {
          const file = await lstat(join(this.#root, name)).catch(unlessGone);
          return file?.isFile() ? [{ name, size: file.size, modifiedAt: file.mtime }] : [];
        }),
    );
    return {
      folders: shown.filter((name) => name.endsWith("/")),
      objects: objects.flat(),
      ...(names.length > limit && { next: shown.at(-1) }),
    };
  }

  async open(name: string, range?: ByteRange): Promise<{ size: number; body: Readable }> {
    const path = await this.#find(existingName(name));
    const file = path && (await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(unlessGone));
    if (!file) throw fail("OBJECT_NOT_FOUND", { key: name });
    try {
      const { size } = await file.stat();
      const { start, end } = resolveRange(name, range, size);
      return { size, body: file.createReadStream(end ? { start, end: end - 1 } : {}) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async put(name: string, body: AsyncIterable<Uint8Array>, { replace = false, signal }: Writing): Promise<void> {
    const path = this.#path(newName(name));
    const there = await lstat(path).catch(unlessGone);
    if (there && !there.isFile()) throw fail("BAD_OBJECT_NAME", { name: show(name), problem: "a folder or a link is called that" });
    if (there && !replace) throw fail("OBJECT_EXISTS", { key: name });
    await writing(path, () =>
      makeFolders(this.#root, name.split("/").slice(0, -1), (folders, taken) =>
        fail("BAD_OBJECT_NAME", { name: show(folders), problem: `"${taken}" is there, and is no folder` }),
      ),
    );
    const partial = join(dirname(path), `.trainyard-${randomUUID()}`);
    try {
      await writeSynced(partial, chunks(body, signal), path);
      signal?.throwIfAborted();
      await writing(path, () => (replace ? rename : link)(partial, path)).catch((error: Error) => {
        throw (error.cause as NodeJS.ErrnoException | undefined)?.code === "EEXIST" ? fail("OBJECT_EXISTS", { key: name }, error) : error;
      });
    } finally {
      await rm(partial, { force: true });
    }
  }

  async remove(name: string): Promise<void> {
    const path = await this.#find(existingName(name));
    if (!path) return;
    await removeFile(path, this.#root); // as in any bucket, a folder is there as long as something is in it
  }

  close(): void {}

  /** @throws BAD_OBJECT_NAME for what no file can be called */
  #path(name: string): string {
    const parts = name.split("/");
    const refuse = (problem: string) => fail("BAD_OBJECT_NAME", { name: show(name), problem });
    if (name.includes("\\")) throw refuse("it has a backslash");
    if (parts.includes("")) throw refuse("a part between slashes is empty");
    if (parts.some((part) => Buffer.byteLength(part) > LONGEST_PART)) throw refuse(`a part has more than ${LONGEST_PART} bytes`);
    return join(this.#root, ...parts);
  }

  /** The path of a plain file that lies behind no link. */
  async #find(name: string): Promise<string | undefined> {
    const path = this.#path(name);
    const file = await lstat(path).catch(unlessGone);
    return file?.isFile() && (await this.#isStraight(dirname(path))) ? path : undefined;
  }

  /** @param name with its slash at the end */
  async #folder(name: string): Promise<string | undefined> {
    const path = this.#path(name.slice(0, -1));
    return (await this.#isStraight(path)) ? path : undefined;
  }

  async #isStraight(folder: string): Promise<boolean> {
    return (await realpath(folder).catch(unlessGone)) === folder;
  }
}
