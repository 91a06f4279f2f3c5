/** What initdb makes, kept as an archive: unpacking it takes a tenth of the time. `npm run build` makes it; else the first start does. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import type { Task } from "./embedded.ts";

/** Running from the sources: then each thread needs a loader of its own, and what is made is kept out of src. */
const fromSources = import.meta.url.endsWith(".ts");
const pglite = dirname(fileURLToPath(import.meta.resolve("@electric-sql/pglite")));
const shipped = fileURLToPath(new URL("template.tar.gz", import.meta.url));

/** The thread that runs PGlite. */
export function startThread(workerData: Task): Worker {
  if (!fromSources) return new Worker(new URL("./pglite-worker.js", import.meta.url), { workerData });
  const url = new URL("./pglite-worker.ts", import.meta.url);
  const loader = import.meta.resolve("tsx/esm/api");
  return new Worker(`import("${loader}").then(({ register }) => (register(), import("${url}")))`, { eval: true, execArgv: [], workerData });
}

const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } };
let compiled: Promise<object> | undefined;
/** PGlite's WebAssembly module, compiled once for all threads of this process. */
export function compiledPglite(): Promise<object> {
  compiled ??= readFile(join(pglite, "pglite.wasm")).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/** @returns a gzipped tar of an empty database cluster */
export async function template(): Promise<Uint8Array> {
  const path = fromSources ? await cached() : shipped;
  const found = await readFile(path).catch(() => undefined);
  if (found) return found;
  const made = await make();
  const partial = `${path}.${randomBytes(4).toString("hex")}`; // others may be making it too
  await mkdir(dirname(path), { recursive: true })
    .then(() => writeFile(partial, made))
    .then(() => rename(partial, path))
    .catch(() => rm(partial, { force: true }).catch(() => {})); // an installation that must not be written to: made at each first start
  return made;
}

async function cached(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(pglite, "..", "package.json"), "utf8")) as { version: string };
  return fileURLToPath(new URL(`../../../node_modules/.cache/trainyard/pglite-${version}.tar.gz`, import.meta.url));
}

/** In a thread of its own, as initdb takes 0.8 GB, which go with the thread. */
function make(): Promise<Uint8Array> {
  const thread = startThread({ kind: "template" });
  return new Promise((done, failed) => thread.once("message", done).once("error", failed));
}

/** Unpacks an archive into a folder that is not there yet. */
export function unpack(archive: Uint8Array, into: string): string[] {
  const files: string[] = [];
  for (const { name, folder, content } of entries(gunzipSync(archive))) {
    const path = join(into, name);
    if (folder) mkdirSync(path, { recursive: true, mode: 0o700 });
    else writeFileSync(path, content, { mode: 0o600 });
    files.push(path);
  }
  return files;
}

/** Reads ustar: blocks of 512 bytes, a header with name, size and type, then the content. */
function* entries(tar: Buffer) {
  const text = (at: number, length: number) => tar.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  for (let at = 0; at < tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8) || 0;
    const content = at + 512;
    yield { name: text(at, 100), folder: text(at + 156, 1) === "5", content: tar.subarray(content, content + size) };
    at = content + Math.ceil(size / 512) * 512;
  }
}
