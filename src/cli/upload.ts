/** Brings files to the platform as a dataset, and waits until a worker has looked at them or imported them. */
import { openAsBlob } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packFolder } from "../data/index.ts";
import type { Client } from "../shared/api/client.ts";
import type { DatasetView } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import { bar } from "./bar.ts";
import { fetched, isInBucket } from "./bucket.ts";
import { failure } from "./failure.ts";
import { isFolder, type LocalFile, localFile, localFiles } from "./files.ts";
import { interrupted } from "./interrupt.ts";
import { bytes, say } from "./output.ts";

/** Files from here on are sent in pieces, so that what is cut off goes on where it was. */
const IN_PIECES = 64 * 2 ** 20;
/** Uploads from here on are announced: they take a while. */
const ANNOUNCED = 10e6;

export interface Source {
  /** The catalog's dataset that reads the files. */
  readonly id: string;
  readonly params?: Readonly<Record<string, never>>;
}

export interface Registering {
  readonly name: string;
  readonly source: Source;
  readonly note?: string;
  /** Only look at the files. */
  readonly preview?: boolean;
}

/**
 * Uploads, registers, waits. The same files and parameters give the same dataset again.
 * @param paths files, or a folder; none for a dataset of the catalog that finds its own
 * @throws FILE_NOT_FOUND, BAD_FILE, and why the dataset cannot be read
 */
export async function registerFiles(client: Client, { name, source, note, preview }: Registering, paths: readonly string[]): Promise<DatasetView> {
  return withFiles(paths, source, async (files) => {
    await send(client, name, files);
    const registered = await client.call("registerDataset", {
      body: { name, source, note, preview, files: files.map(({ name, sha256, size }) => ({ name, sha256, size })) },
    });
    return whenRead(client, registered);
  });
}

/** The files at the paths, fetched from buckets and each folder of pictures packed into one, for as long as `use` takes. */
async function withFiles<T>(paths: readonly string[], source: Source, use: (files: readonly LocalFile[]) => Promise<T>): Promise<T> {
  const isPlain = (path: string) => !isInBucket(path) && !(source.id === "pictures" && isFolder(path));
  if (paths.every(isPlain)) return use(paths.length ? await localFiles(paths) : []);
  const temporary = await mkdtemp(join(tmpdir(), "trainyard-upload-"));
  try {
    const files: LocalFile[] = [];
    for (const [i, path] of paths.entries()) {
      const local = isInBucket(path) ? await fetched(path, join(temporary, `${i}`)) : path;
      if (source.id !== "pictures" || !isFolder(local)) files.push(...(await localFiles([local])));
      else {
        const archive = join(temporary, `${i}.tar`);
        await packFolder(local, archive, interrupted);
        files.push(await localFile(archive, `${basename(resolve(path))}.tar`));
      }
    }
    return await use(files);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Sends what the platform does not have. */
async function send(client: Client, name: string, files: readonly LocalFile[]): Promise<void> {
  const there = await existing(client, name);
  const missing = files.filter(({ sha256 }) => !there.has(sha256));
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  if (!missing.length) return;
  if (total >= ANNOUNCED) say(`uploading ${missing.length === 1 ? basename(missing[0]!.path) : `${missing.length} files`}, ${bytes(total)}`);
  const shown = bar("uploading", total, bytes);
  try {
    let before = 0;
    for (const file of missing) {
      const sent = (count: number) => shown.update(before + count);
      if (file.size < IN_PIECES) await client.upload("uploadBlob", { params: { sha256: file.sha256 } }, await openAsBlob(file.path));
      else await sendInPieces(client, file, sent);
      before += file.size;
      sent(0);
    }
  } finally {
    shown.stop();
  }
}

/** Goes on with what the platform has of it already. */
async function sendInPieces(client: Client, { path, sha256, size }: LocalFile, sent: (count: number) => void): Promise<void> {
  const content = await openAsBlob(path);
  let { id, received, pieceBytes } = await client.call("beginTransfer", { body: { size, fingerprint: sha256 } });
  if (received) say(`${basename(path)}: going on after ${bytes(received)}`);
  while (received < size) {
    sent(received);
    const piece = content.slice(received, received + pieceBytes);
    ({ received } = await client.upload("addPiece", { params: { id, offset: received } }, piece, { signal: interrupted }));
  }
  await client.call("finishTransfer", { params: { id }, body: { sha256 } });
}

/** Digests of what the newest version of the dataset has, which need not be sent again. */
async function existing(client: Client, name: string): Promise<ReadonlySet<string>> {
  const dataset = await client.call("getDataset", { params: { id: name } }).catch((error) => {
    if (error instanceof TrainyardError && error.status === 404) return undefined;
    throw error;
  });
  return new Set(dataset?.state === "ready" ? dataset.files.map(({ sha256 }) => sha256) : []);
}

/** Waits until nothing more happens to it by itself. @throws why it could not be read */
export async function whenRead(client: Client, registered: DatasetView): Promise<DatasetView> {
  let dataset = registered;
  let shown: ReturnType<typeof bar> | undefined;
  try {
    for (let waited = 0; dataset.state === "reading" || dataset.state === "previewing"; waited++) {
      const { progress } = dataset;
      if (progress?.total) {
        shown ??= bar("importing", progress.total);
        shown.update(progress.done);
      } else if (waited === 20) say(`dataset ${dataset.name} waits for a worker to read it`);
      await sleep(Math.min(1000, 50 * (waited + 1)), undefined, { signal: interrupted });
      dataset = await client.call("getDataset", { params: { id: dataset.id } });
    }
  } finally {
    shown?.stop();
  }
  if (dataset.state !== "failed") return dataset;
  throw failure(dataset.reason, `reading dataset ${dataset.name}`);
}
