/** What initdb makes, kept as an archive: unpacking it takes a tenth of the time. `npm run build` makes it; else the first start does. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import type { Worker } from "node:worker_threads";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { inProgram } from "../../shared/code.ts";
import { startThread } from "../../shared/thread.ts";
import type { Task } from "./embedded.ts";

const pglite = dirname(fileURLToPath(import.meta.resolve("@electric-sql/pglite")));
const shipped = inProgram("server/database/template.br");

/** The thread that runs PGlite. */
export const startPglite = (task: Task): Worker => startThread("server/database/pglite-thread", task);

const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } };
let compiled: Promise<object> | undefined;
/**
 * PGlite's WebAssembly module, compiled once for all threads of this process. V8 optimizes a function after it has run through this many bytes;
 * by its default of 1.8 million, half of what a short command computes would be the optimizing.
 */
export function compiledPglite(): Promise<object> {
  if (!compiled) setFlagsFromString("--wasm-tiering-budget=20000000");
  compiled ??= readFile(join(pglite, "pglite.wasm")).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/** @returns an empty database cluster, as unpack takes it */
export async function template(): Promise<Uint8Array> {
  const { version } = JSON.parse(await readFile(join(pglite, "..", "package.json"), "utf8")) as { version: string };
  const cached = join(pglite, "../../../.cache/trainyard", `pglite-${version}.br`); // in node_modules
  for (const path of [shipped, cached]) {
    const found = await readFile(path).catch(() => undefined);
    if (found) return found;
  }
  const made = await make();
  const partial = `${cached}.${randomBytes(4).toString("hex")}`; // others may be making it too
  await mkdir(dirname(cached), { recursive: true })
    .then(() => writeFile(partial, made))
    .then(() => rename(partial, cached))
    .catch(() => rm(partial, { force: true }).catch(() => {})); // an installation that must not be written to: made at each first start
  return made;
}

/** In a thread of its own, as initdb takes 0.8 GB, which go with the thread. */
async function make(): Promise<Uint8Array> {
  const cluster = await mkdtemp(join(tmpdir(), "trainyard-template-"));
  try {
    const thread = startPglite({ kind: "template", cluster });
    await new Promise((done, failed) => thread.once("exit", done).once("error", failed));
    return pack(cluster);
  } finally {
    await rm(cluster, { recursive: true, force: true });
  }
}

/** A line of JSON that lists what is in it, then the files' contents. Brotli sees that much is repeated, or zero. */
function pack(folder: string): Uint8Array {
  const items = readdirSync(folder, { recursive: true, withFileTypes: true });
  const folders = items.filter((item) => item.isDirectory()).map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  const paths = items.filter((item) => item.isFile()).map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  const contents = paths.map((path) => readFileSync(join(folder, path)));
  const list: List = { folders, files: paths.map((path, i) => [path, contents[i]!.length]) };
  return brotliCompressSync(Buffer.concat([Buffer.from(`${JSON.stringify(list)}\n`), ...contents]), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
  });
}

/** @returns the paths of all that is now in the folder */
export function unpack(archive: Uint8Array, into: string): string[] {
  const bytes = brotliDecompressSync(archive);
  let at = bytes.indexOf("\n") + 1;
  const { folders, files } = JSON.parse(bytes.toString("utf8", 0, at)) as List;
  for (const path of folders) mkdirSync(join(into, path), { mode: 0o700 });
  for (const [path, size] of files) {
    writeFileSync(join(into, path), bytes.subarray(at, at + size), { mode: 0o600 });
    at += size;
  }
  return [...folders, ...files.map(([path]) => path)].map((path) => join(into, path));
}

interface List {
  readonly folders: readonly string[];
  readonly files: readonly (readonly [path: string, size: number])[];
}
