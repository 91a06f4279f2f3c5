/** `trainyard bucket`: files and folders to and from any S3-compatible server, without Trainyard's own server. */
import { readFile, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { fail } from "../shared/errors.ts";
import type { BucketObject, S3Bucket } from "../storage/bucket.ts";
import { inParallel } from "../storage/in-parallel.ts";
import { ask, atTerminal } from "./ask.ts";
import { bar } from "./bar.ts";
import { type Answer, add, answer, family, listing, show } from "./command.ts";
import { config } from "./config.ts";
import { interrupted } from "./interrupt.ts";
import { bytes, thousands, when } from "./output.ts";
import { readVault } from "./vault.ts";

export interface BucketOptions {
  readonly endpoint?: string;
  readonly bucket?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly vault?: string;
  readonly vaultPasswordFile?: string;
  readonly json?: boolean;
}

/** Small files at once: what takes time is the way there and back. */
const filesAtOnce = 32;

const options = [
  ["--endpoint <url>", "the server, http://host:port (default: $AWS_ENDPOINT_URL_S3, $AWS_ENDPOINT_URL, else Amazon's)"],
  ["--bucket <name>", "the bucket"],
  ["--region <region>", "its region (default: $AWS_REGION, else of the profile)"],
  ["--profile <name>", "credentials of ~/.aws/credentials (default: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, else $AWS_PROFILE)"],
  ["--vault <file>", "credentials from an Ansible vault: access_key_id and secret_access_key, in YAML"],
  ["--vault-password-file <file>", "its password (default: $TRAINYARD_VAULT_PASSWORD, else it is asked for)"],
] as const;

export function registerBucket(program: Command): void {
  const verbs = family(program, "bucket", "move files to and from a bucket of S3, or of anything that speaks its protocol", async () => verbs.help());
  const verb = (usage: string, summary: string) => {
    const command = add(verbs, usage, summary);
    for (const [flag, help] of options) command.option(flag, help);
    return command;
  };
  for (const [flag, help] of options) verbs.option(flag, help);

  verb("upload", "upload a file, or a folder with all that is in it")
    .requiredOption("--file <path>", "the file or folder")
    .option("--object <name>", "what to call it; of a folder, what names begin with (default: its own name)")
    .action(inBucket(async (bucket, { file, object }: { file: string; object?: string }) => upload(bucket, file, object)));
  verb("download", "download an object, or all whose names begin with a prefix")
    .requiredOption("--object <name>", "the object; one that ends with / is a prefix, and / alone the whole bucket")
    .option("--file <path>", "where to; of a prefix, a folder (default: its own name, here)")
    .action(inBucket(async (bucket, { file, object }: { file?: string; object: string }) => download(bucket, object, file)));
  verb("ls", "list objects")
    .argument("[prefix]", "what their names begin with", "")
    .action(inBucket(async (bucket, _, prefix: string) => list(bucket, prefix)));
  verb("rm", "delete objects")
    .argument("<object>", "its name; with --recursive, what names begin with")
    .option("--recursive", "all whose names begin so")
    .option("--dry-run", "only tell what would be deleted")
    .action(inBucket(async (bucket, { recursive, dryRun }: RemoveOptions, name: string) => remove(bucket, name, { recursive, dryRun })));
  verb("sync", "make a folder and a prefix alike: only what differs by size or checksum is sent")
    .argument("<from>", "a folder, or s3://bucket/prefix")
    .argument("<to>", "the other one")
    .option("--delete", "delete at <to> what <from> has not")
    .option("--dry-run", "only tell what would be done")
    .action((from: string, to: string, _: object, command: Command) => {
      const given = command.optsWithGlobals<BucketOptions & SyncOptions>();
      return sync(from, to, given);
    });
}

interface RemoveOptions {
  readonly recursive?: boolean;
  readonly dryRun?: boolean;
}
interface SyncOptions {
  readonly delete?: boolean;
  readonly dryRun?: boolean;
}

/** An action on the bucket that the options name. */
function inBucket<O extends object, A extends unknown[]>(perform: (bucket: S3Bucket, options: O, ...args: A) => Promise<Answer>) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.pop() as Command;
    given.pop();
    const named = command.optsWithGlobals<BucketOptions & O>();
    await using opened = await openBucket(named);
    show(await perform(opened.bucket, named, ...(given as A)), named.json);
  };
}

/** The bucket, with the credentials that the options name. @throws BAD_USAGE, BAD_FILE */
export async function openBucket({ endpoint, bucket, region, profile, vault, vaultPasswordFile }: BucketOptions) {
  if (!bucket) throw fail("BAD_USAGE", { problem: "no bucket is named", fix: "Name it: trainyard bucket --bucket NAME …" });
  const { s3Endpoint, s3Region } = config;
  const secrets = vault ? await readVault(vault, await vaultPassword(vault, vaultPasswordFile)) : {};
  const { S3Bucket } = await import("../storage/bucket.ts"); // the SDK takes its time to load
  const opened = new S3Bucket(bucket, {
    ...secrets,
    endpoint: endpoint ?? secrets.endpoint ?? s3Endpoint,
    region: region ?? secrets.region ?? s3Region,
    profile,
  });
  return {
    bucket: opened,
    async [Symbol.asyncDispose]() {
      opened.close();
    },
  };
}

async function vaultPassword(vault: string, file?: string): Promise<string> {
  if (file !== undefined) {
    const text = await readFile(file, "utf8").catch((cause) => {
      throw fail("FILE_NOT_FOUND", { path: file, what: "password file", fix: "Check the path." }, cause);
    });
    return text.trimEnd();
  }
  if (config.vaultPassword) return config.vaultPassword;
  if (!atTerminal())
    throw fail("BAD_USAGE", { problem: `vault ${vault} needs its password`, fix: "Give --vault-password-file, or set TRAINYARD_VAULT_PASSWORD." });
  return ask(`password of ${vault}: `, { hidden: true });
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    (cause) => {
      throw fail("FILE_NOT_FOUND", { path, what: "file or folder", fix: "Check the path." }, cause);
    },
  );
/** A folder's name, as objects in it begin. */
const asPrefix = (name: string): string => (name === "" || name === "/" ? "" : name.endsWith("/") ? name : `${name}/`);
const sizeOf = (objects: readonly { readonly size: number }[]): number => objects.reduce((sum, { size }) => sum + size, 0);
const summary = (did: string, objects: readonly { readonly size: number }[]): string =>
  `${did} ${objects.length === 1 ? "1 object" : `${thousands(objects.length)} objects`}, ${bytes(sizeOf(objects))}`;

async function upload(bucket: S3Bucket, path: string, object?: string): Promise<Answer> {
  if (!(await isFolder(path))) {
    const done = await sendAll(bucket, [{ path, name: object ?? basename(path) }]);
    return answer(view(done[0]!), () => summary("uploaded", done));
  }
  const { filesBelow } = await import("../storage/folders.ts");
  const prefix = asPrefix(object ?? basename(resolve(path)));
  const files: Item[] = [];
  for await (const { path: file, name } of filesBelow(path)) files.push({ path: file, name: `${prefix}${name}` });
  if (!files.length) throw fail("BAD_FILE", { path, want: "a folder with files", got: "holds none", fix: "Give a file, or a folder with files." });
  const done = await sendAll(bucket, files);
  return { lines: done.map(view), text: () => summary("uploaded", done) };
}

async function download(bucket: S3Bucket, object: string, file?: string): Promise<Answer> {
  if (!object.endsWith("/")) {
    const path = file ?? basename(object);
    const { size = 0 } = (await bucket.head(object)) ?? {};
    const done = await fetchAll(bucket, [{ path: (await isThere(path)) ? resolve(path, basename(object)) : path, name: object }], size);
    return answer(view(done[0]!), () => summary("downloaded", done));
  }
  const { checkNoLinks, objectsBelow, pathIn } = await import("../storage/folders.ts");
  const prefix = asPrefix(object);
  const folder = resolve(file ?? (basename(prefix) || bucket.name));
  const items: Item[] = [];
  const objects = await objectsBelow(bucket, prefix);
  for (const name of objects.keys()) {
    const path = pathIn(folder, name);
    await checkNoLinks(folder, path);
    items.push({ path, name: `${prefix}${name}` });
  }
  if (!items.length) throw fail("OBJECT_NOT_FOUND", { key: `${object}…` });
  const done = await fetchAll(bucket, items, sizeOf([...objects.values()]));
  return { lines: done.map(view), text: () => summary("downloaded", done) };
}

/** Whether there is a folder, into which a file then goes. */
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function list(bucket: S3Bucket, prefix: string): Promise<Answer> {
  const objects: BucketObject[] = [];
  for await (const object of bucket.list(prefix)) objects.push(object);
  const columns = [
    { title: "object", cell: (o: BucketObject) => o.name },
    { title: "size", cell: (o: BucketObject) => bytes(o.size), right: true },
    { title: "changed", cell: (o: BucketObject) => when(o.modifiedAt.toISOString()) },
  ];
  const { text } = listing(objects, columns, prefix ? `nothing begins with ${prefix}` : "the bucket is empty");
  return { lines: objects.map(view), text };
}

async function remove(bucket: S3Bucket, name: string, { recursive, dryRun }: RemoveOptions): Promise<Answer> {
  const objects: BucketObject[] = [];
  if (recursive) for await (const object of bucket.list(name)) objects.push(object);
  else {
    const object = await bucket.head(name);
    if (!object) throw fail("OBJECT_NOT_FOUND", { key: name });
    objects.push(object);
  }
  if (!dryRun) await inParallel(objects, filesAtOnce, (object) => bucket.remove(object.name));
  return {
    lines: objects.map((object) => ({ ...view(object), deleted: !dryRun })),
    text: () => (dryRun ? [...objects.map((o) => o.name), summary("would delete", objects)].join("\n") : summary("deleted", objects)),
  };
}

/** Whether a word is the address of an object, or of all below a prefix. */
export const isInBucket = (word: string): boolean => address.test(word);

/** Brings an object, or all below a prefix that ends with /, into a folder. @returns the path of the file or folder */
export async function fetched(word: string, folder: string): Promise<string> {
  const [, name, object = ""] = address.exec(word)!;
  await using opened = await openBucket({ bucket: name });
  const path = join(folder, basename(object) || name!);
  await download(opened.bucket, object === "" ? "/" : object, path);
  return path;
}

const address = /^s3:\/\/([^/]+)\/?(.*)$/s;

async function sync(from: string, to: string, given: BucketOptions & SyncOptions): Promise<void> {
  const remote = [from, to].filter((side) => address.test(side));
  if (remote.length !== 1)
    throw fail("BAD_USAGE", {
      problem: `sync needs one folder and one bucket, but has ${remote.length ? "two buckets" : "two folders"}`,
      fix: "Name one of them s3://bucket/prefix.",
    });
  const [, name, path = ""] = address.exec(remote[0]!)!;
  const prefix = asPrefix(path);
  const up = remote[0] === to;
  const folder = resolve(up ? from : to);
  const { checkNoLinks, compareFolder, objectsBelow, pathIn } = await import("../storage/folders.ts");
  await using opened = await openBucket({ ...given, bucket: name });
  const { bucket } = opened;
  const objects = await objectsBelow(bucket, prefix);
  const { changed, extra } =
    up || (await isThere(folder)) ? await compareFolder(folder, objects, up ? "bucket" : "folder") : { changed: [...objects.keys()], extra: [] };
  const gone = given.delete ? extra : [];
  const item = (name: string): Item => ({ path: pathIn(folder, name), name: `${prefix}${name}` });
  if (!up) for (const name of changed) await checkNoLinks(folder, item(name).path);
  if (!given.dryRun) {
    if (up) await sendAll(bucket, changed.map(item));
    else await fetchAll(bucket, changed.map(item), sizeOf(changed.map((name) => objects.get(name)!)));
    await inParallel(gone.map(item), filesAtOnce, ({ path, name }) => (up ? bucket.remove(name) : rm(path)));
  }
  const did = given.dryRun ? "would be" : "were";
  const line = { sent: changed, deleted: gone, dryRun: given.dryRun === true };
  const text = () => [
    ...(given.dryRun ? [...changed, ...gone.map((n) => `${n} (deleted)`)] : []),
    `${thousands(changed.length)} ${did} sent, ${thousands(gone.length)} ${did} deleted`,
  ];
  show(
    answer(line, () => text().join("\n")),
    given.json,
  );
}

interface Item {
  readonly path: string;
  readonly name: string;
}

const view = ({ name, size, etag, modifiedAt }: BucketObject) => ({ name, size, etag, modifiedAt: modifiedAt.toISOString() });

/** Several at a time; the bar counts bytes. */
async function each(what: string, items: readonly Item[], total: number, move: (item: Item, progress: (n: number) => void) => Promise<BucketObject>) {
  const shown = bar(what, total, bytes);
  let moved = 0;
  const done: BucketObject[] = new Array(items.length);
  try {
    await inParallel(items.entries(), filesAtOnce, async ([i, item]) => {
      interrupted.throwIfAborted();
      done[i] = await move(item, (n) => {
        moved += n;
        shown.update(moved);
      });
    });
  } finally {
    shown.stop();
  }
  return done;
}

async function sendAll(bucket: S3Bucket, items: readonly Item[]): Promise<BucketObject[]> {
  const sizes = await Promise.all(items.map(({ path }) => stat(path).then(({ size }) => size)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return each("uploading", items, total, ({ path, name }, progress) => bucket.upload(path, name, { signal: interrupted, progress }));
}

const fetchAll = (bucket: S3Bucket, items: readonly Item[], total: number): Promise<BucketObject[]> =>
  each("downloading", items, total, ({ path, name }, progress) => bucket.download(name, path, { signal: interrupted, progress }));
