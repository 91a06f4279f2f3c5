/** Files that a person names on the command line: what reads them, where they lie, what they are called on the server. */
import { createHash } from "node:crypto";
import { createReadStream, type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { catalog } from "../catalog/index.ts";
import { fail } from "../shared/errors.ts";
import { pictureEnding, sourceByEnding } from "../shared/file-sources.ts";
import { interrupted } from "./interrupt.ts";

export interface LocalFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** The server takes no more for one dataset. */
const MOST_FILES = 1000;

/** What reads the files at a path, as far as names tell: the dataset of the catalog. */
export function sourceOf(path: string): string {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!isFolder) return sourceByEnding(path) ?? "table";
  const entries = readdirSync(path, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  if (holdsPictures(path, entries)) return "pictures";
  return entries.map(({ name }) => sourceByEnding(name)).find((source) => source) ?? "table";
}

/** A folder of pictures, or one whose folders hold them. */
function holdsPictures(path: string, entries: readonly Dirent[]): boolean {
  return entries.some((entry) =>
    entry.isDirectory()
      ? readdirSync(join(path, entry.name), { withFileTypes: true }).some((e) => e.isDirectory() || pictureEnding.test(e.name))
      : pictureEnding.test(entry.name),
  );
}

/** Whether a word means files, rather than a dataset by its name: it has a folder in it, or an ending that something here reads. */
export const isPath = (word: string): boolean =>
  /[/\\]|\.(csv|tsv|txt|jsonl?|ndjson|parquet|xlsx|gz)$/i.test(word) || sourceByEnding(word) !== undefined;

/** Whether the files at a path have to be packed before they are sent: pictures in folders. */
export const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/** A name for the dataset in a file or folder: houses.csv -> houses. Those of the catalog are taken. */
export function nameFor(path: string): string {
  const plain = basename(resolve(path))
    .replace(/(\.\w+)?\.\w+$/, "")
    .replace(/[^A-Za-z0-9._ -]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  const name = plain.slice(0, 90).trim() || "dataset";
  return catalog.datasets.some(({ id }) => id === name) ? `${name}-files` : name;
}

/** The plain files at the paths. Of a folder those in it, but for hidden ones and folders. */
export async function localFiles(paths: readonly string[]): Promise<LocalFile[]> {
  const found: string[] = [];
  for (const path of paths) {
    const what = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      const got = `opening it gave ${cause.code}`;
      if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR")
        throw fail("BAD_FILE", { path, want: "a readable file", got, fix: "Give the path of a file that you may read." }, cause);
      throw fail("FILE_NOT_FOUND", { path, what: "file or folder", fix: "Check the path." }, cause);
    });
    if (!what.isDirectory()) found.push(path);
    else {
      const entries = await readdir(path, { withFileTypes: true });
      const files = entries.filter((e) => e.isFile() && !e.name.startsWith(".")).map((e) => join(path, e.name));
      found.push(...files.sort());
    }
  }
  const fix = "Give a folder that holds the files of the dataset and nothing else.";
  if (!found.length) throw fail("BAD_FILE", { path: paths.join(", "), want: "a folder with files", got: "holds none", fix });
  if (found.length > MOST_FILES)
    throw fail("BAD_FILE", { path: paths.join(", "), want: `at most ${MOST_FILES} files`, got: `holds ${found.length}`, fix });
  const files: LocalFile[] = [];
  for (const path of found) files.push(await localFile(path));
  return files;
}

export async function localFile(path: string, name = basename(path)): Promise<LocalFile> {
  const hash = createHash("sha256");
  let size = 0;
  await pipeline(
    createReadStream(path, { highWaterMark: 2 ** 20 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
      }
    },
    { signal: interrupted },
  ).catch((cause: NodeJS.ErrnoException) => {
    if (interrupted.aborted) throw interrupted.reason;
    throw fail(
      "BAD_FILE",
      { path, want: "a readable file", got: `reading it gave ${cause.code}`, fix: "Give the path of a file that you may read." },
      cause,
    );
  });
  return { path, name: plainName(name), size, sha256: hash.digest("hex") };
}

/** The server takes names of letters, digits, dot, dash and underscore. */
const plainName = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(-120) || "file";
