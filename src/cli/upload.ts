/** Brings files to the platform as a dataset, and waits until a worker has read it. */
import { createHash } from "node:crypto";
import { createReadStream, openAsBlob } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { catalog } from "../catalog/index.ts";
import type { Client } from "../shared/api/client.ts";
import type { DatasetView } from "../shared/api/schemas.ts";
import { fail, TrainyardError } from "../shared/errors.ts";
import { failure } from "./failure.ts";
import { interrupted } from "./interrupt.ts";
import { bytes, say } from "./output.ts";

interface LocalFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** The server takes no more for one dataset. */
const MOST_FILES = 1000;
/** Uploads from here on are announced: they take a while. */
const ANNOUNCED = 10e6;

export interface Source {
  /** The catalog's dataset that reads the files. */
  readonly id: string;
  readonly params?: Readonly<Record<string, never>>;
}

/** A name for the dataset in a file or folder: houses.csv -> houses. Those of the catalog are taken. */
export function nameFor(path: string): string {
  const plain = basename(resolve(path))
    .replace(/(\.\w+)?\.\w+$/, "")
    .replace(/[^A-Za-z0-9._ -]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  const name = plain.slice(0, 90).trim() || "dataset";
  return catalog.datasets.some(({ id }) => id === name) ? `${name}-files` : name;
}

/**
 * Uploads, registers, waits. The same files and parameters give the same dataset again.
 * @throws FILE_NOT_FOUND, BAD_FILE, and why the dataset cannot be read
 */
export async function registerFiles(client: Client, name: string, paths: readonly string[], source: Source): Promise<DatasetView> {
  const files = await localFiles(paths, source.id);
  const there = await existing(client, name);
  const missing = files.filter(({ sha256 }) => !there.has(sha256));
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  if (total >= ANNOUNCED) say(`uploading ${missing.length === 1 ? basename(missing[0]!.path) : `${missing.length} files`}, ${bytes(total)}`);
  for (const { path, sha256 } of missing) await client.upload("uploadBlob", { params: { sha256 } }, await openAsBlob(path));
  const registered = await client.call("registerDataset", {
    body: { name, source, files: files.map(({ name, sha256, size }) => ({ name, sha256, size })) },
  });
  return whenRead(client, registered);
}

/** Digests of what the newest version of the dataset has, which need not be sent again. */
async function existing(client: Client, name: string): Promise<ReadonlySet<string>> {
  const dataset = await client.call("getDataset", { params: { id: name } }).catch((error) => {
    if (error instanceof TrainyardError && error.status === 404) return undefined;
    throw error;
  });
  return new Set(dataset?.state === "ready" ? dataset.files.map(({ sha256 }) => sha256) : []);
}

async function whenRead(client: Client, registered: DatasetView): Promise<DatasetView> {
  let dataset = registered;
  for (let waited = 0; dataset.state === "reading"; waited++) {
    if (waited === 20) say(`dataset ${dataset.name} waits for a worker to read it`);
    await sleep(Math.min(1000, 50 * (waited + 1)), undefined, { signal: interrupted });
    dataset = await client.call("getDataset", { params: { id: dataset.id } });
  }
  if (dataset.state === "ready") return dataset;
  throw failure(dataset.reason, `reading dataset ${dataset.name}`);
}

/** The plain files at the paths. Of a folder those in it, but for hidden ones and folders. */
async function localFiles(paths: readonly string[], source: string): Promise<LocalFile[]> {
  const found: string[] = [];
  for (const path of paths) {
    const what = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      const got = `opening it gave ${cause.code}`;
      if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR")
        throw fail("BAD_FILE", { path, want: "a readable file", got, fix: "Give the path of a file that you may read." }, cause);
      throw fail("FILE_NOT_FOUND", { path, what: source === "csv" ? "CSV file" : "file or folder", fix: "Check the path." }, cause);
    });
    if (!what.isDirectory()) found.push(path);
    else {
      const entries = await readdir(path, { withFileTypes: true });
      found.push(
        ...entries
          .filter((e) => e.isFile() && !e.name.startsWith("."))
          .map((e) => join(path, e.name))
          .sort(),
      );
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

async function localFile(path: string): Promise<LocalFile> {
  const hash = createHash("sha256");
  let size = 0;
  await pipeline(
    createReadStream(path),
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
  return { path, name: plainName(basename(path)), size, sha256: hash.digest("hex") };
}

/** The server takes names of letters, digits, dot, dash and underscore. */
const plainName = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(-120) || "file";
