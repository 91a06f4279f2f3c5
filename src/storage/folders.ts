/** Folders beside buckets: which file is which object, and what differs. */
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { fail, show } from "../shared/errors.ts";
import { type BucketObject, isSame, type S3Bucket } from "./bucket.ts";

/** The files below a folder by their paths in it, with slashes; links are passed over, as they may lead anywhere. */
export async function* filesBelow(folder: string): AsyncGenerator<{ readonly path: string; readonly name: string }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw fail("FILE_NOT_FOUND", { path: folder, what: "folder", fix: "Check the path." }, cause);
  });
  yield* walk(folder, folder, entries);
}

async function* walk(top: string, folder: string, entries: readonly Dirent[]): AsyncGenerator<{ readonly path: string; readonly name: string }> {
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(top, path, await readdir(path, { withFileTypes: true }));
    else if (entry.isFile()) yield { path, name: relative(top, path).split(sep).join("/") };
  }
}

/** Where an object goes in a folder. @throws BAD_FILE for a name that would lead out of it, or that no file can have */
export function pathIn(folder: string, name: string): string {
  const refuse = (got: string) =>
    fail("BAD_FILE", {
      path: `object ${show(name)}`,
      want: "named like a file in a folder",
      got,
      fix: "Download it alone, with a file name of your own.",
    });
  if (name.includes("\0") || name.includes("\\")) throw refuse("has a character that no path has");
  const parts = name.split("/");
  if (name === "" || parts.some((part) => part === "" || part === "." || part === "..")) throw refuse("its name leads elsewhere");
  const path = resolve(folder, ...parts);
  if (!path.startsWith(resolve(folder) + sep)) throw refuse("its name leads elsewhere");
  return path;
}

/** Refuses a way that leads through a link. @throws BAD_FILE */
export async function checkNoLinks(folder: string, path: string): Promise<void> {
  const parts = relative(folder, path).split(sep);
  for (let i = 1; i <= parts.length; i++) {
    const at = join(folder, ...parts.slice(0, i));
    const found = await lstat(at).catch(() => undefined);
    if (found?.isSymbolicLink())
      throw fail("BAD_FILE", { path: at, want: "a folder or file of its own", got: "is a link", fix: "Remove the link, or choose another folder." });
  }
}

export interface Difference {
  /** What to send on: names below folder and prefix. */
  readonly changed: readonly string[];
  /** What the target has and the source has not. */
  readonly extra: readonly string[];
}

/** Names below a prefix, with the object of each. A prefix is a folder: it ends with a slash, or is empty. */
export async function objectsBelow(bucket: S3Bucket, prefix: string): Promise<ReadonlyMap<string, BucketObject>> {
  const found = new Map<string, BucketObject>();
  // An object whose name ends with a slash is what some programs make of a folder.
  for await (const object of bucket.list(prefix)) if (!object.name.endsWith("/")) found.set(object.name.slice(prefix.length), object);
  return found;
}

/** What differs by size or checksum between a folder and what lies below a prefix. */
export async function compareFolder(folder: string, objects: ReadonlyMap<string, BucketObject>, to: "bucket" | "folder"): Promise<Difference> {
  const files = new Map<string, string>();
  for await (const { path, name } of filesBelow(folder)) files.set(name, path);
  const [source, target] = to === "bucket" ? [files, objects] : [objects, files];
  const changed: string[] = [];
  for (const name of source.keys()) {
    const [path, object] = [files.get(name), objects.get(name)];
    if (!path || !object || !(await isSame(path, object))) changed.push(name);
  }
  return { changed, extra: [...target.keys()].filter((name) => !source.has(name)) };
}
