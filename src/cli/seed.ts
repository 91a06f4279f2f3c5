/** `trainyard datasets seed`: puts the built-in pictures into a bucket, for machines that reach it and no other place. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { builtInPictures } from "../catalog/datasets/built-in.ts";
import type { DatasetKind } from "../data/kinds.ts";
import { resolveParams } from "../shared/define.ts";
import { fail } from "../shared/errors.ts";
import type { S3Bucket } from "../storage/index.ts";
import { type Bar, bar } from "./bar.ts";
import { add, listing, show } from "./command.ts";
import { config } from "./config.ts";
import { interrupted } from "./interrupt.ts";
import { bytes, say } from "./output.ts";
import type { Column } from "./table.ts";

interface SeedOptions {
  readonly store: string;
  readonly endpoint?: string;
  readonly profile?: string;
  readonly json?: boolean;
}
interface Seeded {
  readonly dataset: string;
  readonly key: string;
  readonly size: number;
  readonly state: "stored" | "was there";
}

const ids = builtInPictures.map(({ id }) => id);
const columns: readonly Column<Seeded>[] = [
  { title: "dataset", cell: ({ dataset }) => dataset },
  { title: "object", cell: ({ key }) => key },
  { title: "size", cell: ({ size }) => bytes(size), right: true },
  { title: "state", cell: ({ state }) => state },
];

export function registerSeed(datasets: Command): void {
  add(
    datasets,
    "seed",
    "put built-in pictures into a bucket",
    "Put the published files of the built-in pictures into a bucket, and for each dataset ten test pictures of each class: cka/<dataset>.safetensors.",
  )
    .argument("[datasets...]", `which of ${ids.join(", ")} (default: all)`)
    .requiredOption("--store <url>", "s3://bucket or s3://bucket/prefix")
    .option("--endpoint <url>", "of a store other than Amazon's")
    .option("--profile <name>", "of the AWS credentials file")
    .addHelpText("after", "\nCredentials come from the usual AWS variables or files. What is in the bucket already is not sent again.")
    .action(seed);
}

async function seed(named: readonly string[], { store: url, endpoint, profile, json }: SeedOptions): Promise<void> {
  const stranger = named.find((id) => !ids.includes(id));
  if (stranger !== undefined) throw fail("UNKNOWN_ENTRY", { kind: "built-in dataset of pictures", id: stranger, known: ids });
  const [{ S3Bucket }, { parseUrl }] = await Promise.all([import("../storage/index.ts"), import("../storage/object-store.ts")]);
  const { bucket: name, prefix } = parseUrl(url);
  const bucket = new S3Bucket(name, { endpoint, profile });
  const seeded: Seeded[] = [];
  const failed: Error[] = [];
  try {
    for await (const _ of bucket.list(`${prefix}/cka`)) break; // whether it is there, before anything is fetched
    for (const entry of builtInPictures.filter(({ id }) => !named.length || named.includes(id)))
      try {
        for await (const object of seedOne(entry, bucket, prefix && `${prefix}/`)) seeded.push(object);
      } catch (error) {
        interrupted.throwIfAborted();
        failed.push(error as Error); // the others may be at hand
        if (!json) say(`${entry.id} is left out`);
      }
  } finally {
    bucket.close();
  }
  show(listing(seeded, columns, "nothing was put into the bucket"), json);
  if (failed.length) throw failed.length === 1 ? failed[0] : new AggregateError(failed);
}

async function* seedOne({ id, params, sources, importFiles }: DatasetKind, bucket: S3Bucket, prefix: string): AsyncGenerator<Seeded> {
  const [{ locate, seedFiles }, { isSame }] = await Promise.all([import("../data/index.ts"), import("../storage/index.ts")]);
  const directory = await mkdtemp(join(tmpdir(), "trainyard-seed-"));
  const cache = join(config.home, "cache", "downloads"); // where workers of this machine keep theirs
  const signal = interrupted;
  try {
    const located = await withBar(`${id}: fetching`, (progress) => locate(sources!, { cache, signal, progress }));
    await withBar(`${id}: reading`, (progress) => importFiles!(resolveParams(id, params) as never, { directory, cache, signal, progress }));
    for (const { key, path } of await seedFiles(id, located, directory)) {
      const { size } = await stat(path);
      const there = await bucket.head(prefix + key);
      const same = there !== undefined && (await isSame(path, there));
      if (!same)
        await withBar(
          key,
          (progress) => {
            let sent = 0;
            return bucket.upload(path, prefix + key, {
              signal,
              progress: (more) => {
                sent += more;
                progress(sent, size);
              },
            });
          },
          bytes,
        );
      yield { dataset: id, key: prefix + key, size, state: same ? "was there" : "stored" };
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function withBar<T>(
  what: string,
  work: (progress: (done: number, total: number) => void) => Promise<T>,
  text?: (count: number) => string,
): Promise<T> {
  let shown: Bar | undefined;
  try {
    return await work((done, total) => {
      shown ??= bar(what, total, text);
      shown.update(done);
    });
  } finally {
    shown?.stop();
  }
}
