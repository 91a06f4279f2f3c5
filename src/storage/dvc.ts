/**
 * DVC (https://dvc.org): files as DVC's own remotes and .dvc files have them, so that `dvc pull` fetches what is exported here,
 * and what `dvc push` sent is read here. Objects are named by MD5: files/md5/ab/cdef… (DVC 3), ab/cdef… (before).
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, copyFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { fail, show } from "../shared/errors.ts";
import { pathIn } from "./folders.ts";
import { inParallel } from "./in-parallel.ts";
import type { S3ClientOptions } from "./s3-client.ts";

/** A file on this machine, and where it belongs below what is exported: "images/1.png". */
export interface DvcSource {
  readonly path: string;
  readonly relpath: string;
}

/** Where DVC keeps objects. */
export interface DvcRemote {
  /** For messages: never a secret. */
  readonly url: string;
  has(key: string): Promise<boolean>;
  put(path: string, key: string): Promise<void>;
  /** @returns whether it was there */
  get(key: string, path: string): Promise<boolean>;
  close(): void;
}

const atOnce = 16;

/** @param url `s3://bucket/prefix`, or a folder */
export async function openRemote(url: string, s3: S3ClientOptions = {}): Promise<DvcRemote> {
  const [, bucketName, prefix = ""] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/s.exec(url) ?? [];
  if (!bucketName) return folderRemote(url);
  const { S3Bucket } = await import("./bucket.ts");
  const bucket = new S3Bucket(bucketName, s3);
  const nameOf = (key: string) => (prefix ? `${prefix}/${key}` : key);
  return {
    url,
    has: async (key) => (await bucket.head(nameOf(key))) !== undefined,
    put: async (path, key) => void (await bucket.upload(path, nameOf(key))),
    async get(key, path) {
      if (!(await bucket.head(nameOf(key)))) return false;
      await bucket.download(nameOf(key), path);
      return true;
    },
    close: () => bucket.close(),
  };
}

function folderRemote(url: string): DvcRemote {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(url))
    throw fail("BAD_USAGE", {
      problem: `a remote of the kind ${url.split(":")[0]} is not spoken here`,
      fix: "Give s3://bucket/prefix, or a folder.",
    });
  const at = (key: string) => join(url, key);
  return {
    url: resolve(url),
    has: (key) => exists(at(key)),
    async put(path, key) {
      await mkdir(dirname(at(key)), { recursive: true });
      const partial = `${at(key)}.${process.pid}.partial`;
      await copyFile(path, partial);
      await rename(partial, at(key));
    },
    async get(key, path) {
      if (!(await exists(at(key)))) return false;
      await mkdir(dirname(path), { recursive: true });
      await copyFile(at(key), path);
      return true;
    },
    close() {},
  };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Of DVC 3; those of DVC 2 lack the folders. */
const keyOf = (md5: string): string => `files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`;
const oldKeyOf = (md5: string): string => `${md5.slice(0, 2)}/${md5.slice(2)}`;

async function md5Of(path: string): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest("hex");
}

// --- export ---

export interface Exported {
  /** The .dvc file. */
  readonly dvcFile: string;
  readonly files: number;
  readonly pushed: number;
  readonly size: number;
}

/**
 * Pushes files as one folder, and writes NAME.dvc beside what DVC needs to find them, so that `dvc pull` in the folder fetches them.
 * Objects that are there are not sent again.
 * @param directory becomes a DVC project unless it is one; the configuration of one that is there stays as it is
 */
export async function exportDvc(
  name: string,
  sources: readonly DvcSource[],
  remote: DvcRemote,
  directory: string,
  { endpoint }: { readonly endpoint?: string } = {},
): Promise<Exported> {
  await mkdir(directory, { recursive: true });
  const entries = await Promise.all(
    sources.map(async ({ path, relpath }) => ({ md5: await md5Of(path), relpath, path, size: (await stat(path)).size })),
  );
  // As DVC sorts and spells it, since the MD5 of this very text names the folder.
  entries.sort((a, b) => (a.relpath < b.relpath ? -1 : 1));
  const listing = `[${entries.map(({ md5, relpath }) => `{"md5": "${md5}", "relpath": ${ascii(relpath)}}`).join(", ")}]`;
  const folderMd5 = `${createHash("md5").update(listing).digest("hex")}.dir`;
  let pushed = 0;
  const push = async (path: string, key: string) => {
    if (await remote.has(key)) return;
    await remote.put(path, key);
    pushed++;
  };
  await inParallel(new Map(entries.map((entry) => [entry.md5, entry])).values(), atOnce, ({ md5, path }) => push(path, keyOf(md5)));
  // The folder comes last: whoever finds it finds all that is in it.
  const list = join(directory, `.${folderMd5}.partial`);
  try {
    await writeFile(list, listing);
    await push(list, keyOf(folderMd5));
  } finally {
    await rm(list, { force: true });
  }
  const size = entries.reduce((sum, entry) => sum + entry.size, 0);
  const dvcFile = join(directory, `${name}.dvc`);
  await writeFile(dvcFile, stringify({ outs: [{ md5: folderMd5, size, nfiles: entries.length, hash: "md5", path: name }] }));
  await makeProject(directory, name, remote.url, endpoint);
  return { dvcFile, files: entries.length, pushed, size };
}

/** JSON as Python writes it: characters beyond ASCII escaped. */
const ascii = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

async function makeProject(directory: string, name: string, url: string, endpoint?: string): Promise<void> {
  await mkdir(join(directory, ".dvc", "tmp"), { recursive: true });
  const config = join(directory, ".dvc", "config");
  const lines = ["[core]", "    remote = trainyard", "    no_scm = True", `['remote "trainyard"']`, `    url = ${url}`];
  if (!(await exists(config))) await writeFile(config, `${[...lines, ...(endpoint ? [`    endpointurl = ${endpoint}`] : [])].join("\n")}\n`);
  const ignored = join(directory, ".dvc", ".gitignore");
  if (!(await exists(ignored))) await writeFile(ignored, "/config.local\n/tmp\n/cache\n");
  // The data is DVC's to keep, not git's.
  const gitignore = join(directory, ".gitignore");
  const before = await readFile(gitignore, "utf8").catch(() => "");
  if (!before.split("\n").includes(`/${name}`)) await writeFile(gitignore, `${before}${before && !before.endsWith("\n") ? "\n" : ""}/${name}\n`);
}

// --- import ---

const md5 = z.string().regex(/^[0-9a-f]{32}(\.dir)?$/);
const dvcFile = z.looseObject({
  outs: z.array(z.looseObject({ md5, path: z.string().min(1), hash: z.string().optional(), remote: z.string().optional() })).min(1),
});
const listing = z.array(z.looseObject({ md5: z.string().regex(/^[0-9a-f]{32}$/), relpath: z.string().min(1) }));

/**
 * Brings what a .dvc file names into a folder: from its workspace or cache where it is there, else from the remote. Every file's MD5 is checked.
 * @param remote of `openRemote`, or undefined for the one that the project's configuration names
 * @returns where the file or folder is now
 * @throws FILE_NOT_FOUND, BAD_FILE, OBJECT_NOT_FOUND, CHECKSUM_MISMATCH
 */
export async function readDvc(path: string, into: string, remote: DvcRemote | undefined, s3: S3ClientOptions = {}): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw fail("FILE_NOT_FOUND", { path, what: ".dvc file", fix: "Check the path." }, cause);
  });
  const bad = (want: string, got: string, fix: string) => fail("BAD_FILE", { path, want, got, fix });
  const parsed = dvcFile.safeParse(parsedYaml(text));
  if (!parsed.success)
    throw bad(
      "a .dvc file with an MD5 and a path",
      `is something else (${parsed.error.issues[0]!.path.join(".") || "no YAML"})`,
      "Make it with dvc add, or trainyard datasets dvc-export.",
    );
  const [out, ...others] = parsed.data.outs;
  if (others.length) throw bad("a .dvc file of one file or folder", `names ${others.length + 1}`, "Track each with a .dvc file of its own.");
  if (out!.hash !== undefined && out!.hash !== "md5") throw bad("named by MD5", `says hash: ${out!.hash}`, "Add it again with DVC 3.");
  const project = await projectOf(path);
  const opened = remote ?? (project ? await configured(project, out!.remote, s3) : undefined);
  const bring = new Bringer(path, project && join(project, ".dvc", "cache"), opened, out!.hash === undefined);
  const name = basename(out!.path);
  try {
    const workspace = join(dirname(path), out!.path);
    if (!out!.md5.endsWith(".dir")) {
      const target = pathIn(into, name);
      await bring.file(out!.md5, target, workspace);
      return target;
    }
    const list = join(into, ".listing");
    await bring.file(out!.md5, list);
    const entries = listing.safeParse(JSON.parse(await readFile(list, "utf8")));
    await rm(list);
    if (!entries.success) throw bad("a folder that DVC wrote", "its list of files is something else", "Push it again.");
    const folder = pathIn(into, name);
    await inParallel(entries.data, atOnce, ({ md5, relpath }) => bring.file(md5, pathIn(folder, relpath), join(workspace, relpath)));
    return folder;
  } finally {
    if (!remote) opened?.close();
  }
}

function parsedYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    return undefined;
  }
}

/** Finds objects wherever they may be. */
class Bringer {
  readonly #dvcFile: string;
  readonly #cache: string | undefined;
  readonly #remote: DvcRemote | undefined;
  readonly #keys: readonly ((md5: string) => string)[];

  /** @param old whether a DVC before 3 wrote it, whose objects lie elsewhere */
  constructor(dvcFile: string, cache: string | undefined, remote: DvcRemote | undefined, old: boolean) {
    this.#dvcFile = dvcFile;
    this.#cache = cache;
    this.#remote = remote;
    this.#keys = old ? [oldKeyOf, keyOf] : [keyOf, oldKeyOf];
  }

  /** @param workspace where DVC checks it out, if it is there at all */
  async file(md5: string, target: string, workspace?: string): Promise<void> {
    const plain = md5.replace(/\.dir$/, "");
    await mkdir(dirname(target), { recursive: true });
    const cached = this.#cache ? this.#keys.map((key) => join(this.#cache!, key(md5))) : [];
    for (const path of [...(workspace ? [workspace] : []), ...cached]) {
      const found = await stat(path).catch(() => undefined);
      if (!found?.isFile() || (await md5Of(path)) !== plain) continue;
      return copyFile(path, target);
    }
    if (!this.#remote)
      throw fail("BAD_FILE", {
        path: this.#dvcFile,
        want: "one whose data is there",
        got: `${md5} is neither in the workspace nor in the cache, and no remote is configured`,
        fix: "Run dvc pull, or name the remote: --remote s3://…",
      });
    for (const key of this.#keys) {
      if (!(await this.#remote.get(key(md5), target))) continue;
      const got = await md5Of(target);
      if (got === plain) return;
      await rm(target, { force: true });
      throw fail("CHECKSUM_MISMATCH", {
        path: `${key(md5)} of ${this.#remote.url}`,
        want: `MD5 ${plain}`,
        got,
        fix: "Push it again from where it is whole.",
      });
    }
    throw fail("OBJECT_NOT_FOUND", { key: `${keyOf(md5)} of ${this.#remote.url}, which ${show(basename(this.#dvcFile))} names` });
  }
}

/** The folder with `.dvc`, at the file or above it. */
async function projectOf(path: string): Promise<string | undefined> {
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    if (await exists(join(at, ".dvc", "config"))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** The remote that a project's configuration names. `config.local` has the last word, as it has for DVC. */
async function configured(project: string, name: string | undefined, s3: S3ClientOptions): Promise<DvcRemote | undefined> {
  const settings = new Map<string, string>();
  for (const file of ["config", "config.local"]) {
    let section = "";
    for (const line of (await readFile(join(project, ".dvc", file), "utf8").catch(() => "")).split("\n")) {
      const text = line.trim();
      const equals = text.indexOf("=");
      if (text.startsWith("[") && text.endsWith("]")) section = text.slice(1, -1).replaceAll(/['"]/g, "").trim();
      else if (equals > 0) settings.set(`${section} ${text.slice(0, equals).trim()}`, text.slice(equals + 1).trim());
    }
  }
  const chosen = name ?? settings.get("core remote");
  const url = chosen && settings.get(`remote ${chosen} url`);
  if (!url) return undefined;
  const of = (key: string) => settings.get(`remote ${chosen} ${key}`);
  if (!url.startsWith("s3://")) return openRemote(/^[a-z][a-z0-9+.-]+:\/\//i.test(url) ? url : resolve(project, ".dvc", url));
  return openRemote(url, {
    ...s3,
    endpoint: of("endpointurl") ?? s3.endpoint,
    region: of("region") ?? s3.region,
    profile: of("profile") ?? s3.profile,
    ...(of("access_key_id") && { accessKeyId: of("access_key_id"), secretAccessKey: of("secret_access_key"), sessionToken: of("session_token") }),
  });
}
