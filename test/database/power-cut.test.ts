/**
 * Power cuts, played: of what was written to a file and not yet synced, a random part is lost. Then every acknowledged transaction must be there, no
 * transaction by half, and each index must agree with its table. Without the syncing that ClusterFiles does before it writes to anything but the log,
 * every fifth cut leaves a cluster that does not even open.
 */
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, expect, test } from "vitest";
import { ClusterFiles } from "../../src/server/database/cluster-files.ts";
import { random } from "../../src/shared/random.ts";
import { openEmbedded, temporaryFolder } from "./kinds.ts";

const folder = temporaryFolder();
const [cluster, survivor] = [join(folder, "cluster"), join(folder, "survivor")];
const draw = random("power cut", 1);

/** What happened to a file since it was last synced, when it held `synced`. */
interface Unsynced {
  synced: Buffer;
  changes: ({ readonly at: number; readonly data: Buffer } | { readonly size: number })[];
}

/** Files by inode, as the functions of `fs` that PGlite calls change them. */
const files = new Map<number, Unsynced>();
let watching = false;

const fs = createRequire(import.meta.url)("node:fs");
const original = { ...fs };
const contentOf = (fd: number): Buffer => original.readFileSync(`/proc/self/fd/${fd}`);
function changed(fd: number, change: Unsynced["changes"][number]): void {
  const stat = original.fstatSync(fd);
  if (!watching || !stat.isFile() || !original.readlinkSync(`/proc/self/fd/${fd}`).startsWith(cluster)) return;
  if (!files.has(stat.ino)) files.set(stat.ino, { synced: contentOf(fd), changes: [] });
  files.get(stat.ino)!.changes.push(change);
}
const forget = (path: string) => files.delete(original.lstatSync(path, { throwIfNoEntry: false })?.ino);
const playing = {
  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number) {
    if (typeof buffer !== "string") changed(fd, { at: position, data: Buffer.from(buffer.slice(offset, offset + length)) });
    return original.writeSync(fd, buffer, offset, length, position);
  },
  ftruncateSync(fd: number, size = 0) {
    changed(fd, { size });
    original.ftruncateSync(fd, size);
  },
  truncateSync(path: string, size = 0) {
    const fd = original.openSync(path, "r+");
    fs.ftruncateSync(fd, size);
    original.closeSync(fd);
  },
  openSync(path: string, flags: number, mode: number) {
    const truncates = typeof flags === "number" && flags & original.constants.O_TRUNC && original.existsSync(path);
    if (truncates) fs.truncateSync(path);
    return original.openSync(path, flags, mode);
  },
  fsyncSync(fd: number) {
    const { ino } = original.fstatSync(fd);
    if (files.has(ino)) files.set(ino, { synced: contentOf(fd), changes: [] });
  },
  unlinkSync(path: string) {
    forget(path);
    original.unlinkSync(path);
  },
  renameSync(from: string, to: string) {
    forget(to);
    original.renameSync(from, to);
  },
};
Object.assign(fs, playing);
syncBuiltinESMExports();
afterAll(() => {
  for (const name of Object.keys(playing)) fs[name] = original[name];
  syncBuiltinESMExports();
});

/** Copies to `survivor` what a power cut would leave. */
function cut(): void {
  const kept = [0, 0.5, 1][draw.below(3)]!;
  rmSync(survivor, { recursive: true, force: true });
  mkdirSync(survivor);
  for (const name of readdirSync(cluster, { recursive: true, encoding: "utf8" })) {
    const [from, to] = [join(cluster, name), join(survivor, name)];
    const stat = statSync(from);
    const file = files.get(stat.ino);
    if (stat.isDirectory()) mkdirSync(to);
    else if (file) writeFileSync(to, left(file, kept));
    else copyFileSync(from, to);
  }
}

/** Disks write blocks of 4 KiB, in any order. */
function left({ synced, changes }: Unsynced, kept: number): Buffer {
  let content = Buffer.from(synced);
  const resize = (size: number) => {
    content = Buffer.concat([content.subarray(0, size), Buffer.alloc(Math.max(0, size - content.length))]);
  };
  for (const change of changes) {
    if ("size" in change) {
      if (draw.next() < kept) resize(change.size);
      continue;
    }
    for (let from = 0; from < change.data.length; from += 4096) {
      if (draw.next() >= kept) continue;
      const block = change.data.subarray(from, from + 4096);
      resize(Math.max(content.length, change.at + from + block.length));
      block.copy(content, change.at + from);
    }
  }
  return content;
}

/** 400 kB of buffers, so that much is written before its turn. */
const startParams = (fsync: string) => [
  ...PGlite.defaultStartParams.filter((param) => param !== "-F"),
  ...[`fsync=${fsync}`, "wal_sync_method=fsync", "shared_buffers=400kB", "wal_level=minimal", "max_wal_senders=0", "max_connections=5"].flatMap(
    (setting) => ["-c", setting],
  ),
];

/** Two tables that always hold the same rows. */
async function change(pg: PGlite, id: number, value: number): Promise<void> {
  const row = "on conflict (id) do update set value = excluded.value";
  await pg.transaction(async (tx) => {
    await tx.query(`insert into one values ($1, $2::int, repeat(md5($2::int::text), 60)) ${row}`, [id, value]);
    await tx.query(`insert into two values ($1, $2::int) ${row}`, [id, value]);
  });
}
const chores = [
  "checkpoint",
  "vacuum (analyze)",
  "create table extra as select * from generate_series(1, 500) n",
  "drop table if exists extra",
  "begin; truncate two; insert into two select id, value from one; commit",
];

/** Works for a while, as pglite-thread.ts and wal-sync.ts do between them. @returns the rows that may be there or not */
async function work(acknowledged: Map<number, number>): Promise<Map<number, number>> {
  const synced = new Int32Array(1);
  const disk = new ClusterFiles(cluster, synced);
  const pg = await PGlite.create({ fs: disk, startParams: startParams("on") });
  disk.deferring = true;
  let waiting = new Map<number, number>();
  let asked: ReturnType<ClusterFiles["unsynced"]>;
  for (let step = 20 + draw.below(100); step > 0; step--) {
    if (draw.below(8) === 0)
      await pg.exec(chores[draw.below(chores.length)]!).catch(() => {}); // extra is there already
    else {
      const [id, value] = [draw.below(400), draw.below(1e6)];
      await change(pg, id, value);
      waiting.set(id, value);
    }
    asked = disk.unsynced() ?? asked;
    if (draw.below(2) === 0) continue;
    for (const segment of asked?.segments ?? []) {
      if (!original.existsSync(segment)) continue;
      const fd = original.openSync(segment, "r+");
      fs.fsyncSync(fd);
      original.closeSync(fd);
    }
    if (asked) synced[0] = asked.number;
    for (const [id, value] of waiting) acknowledged.set(id, value);
    waiting = new Map();
  }
  return waiting;
}

async function check(acknowledged: Map<number, number>, unsure: Map<number, number>): Promise<Map<number, number>> {
  const pg = await PGlite.create({ dataDir: survivor, startParams: startParams("off") });
  const rows = async (table: string) => (await pg.query<{ id: number; value: number }>(`select id, value from ${table} order by id`)).rows;
  const [one, two] = [await rows("one"), await rows("two")];
  const there = new Map(one.map(({ id, value }) => [id, value]));
  expect([...acknowledged].filter(([id, value]) => there.get(id) !== value && !unsure.has(id))).toEqual([]);
  expect(two).toEqual(one);
  await pg.exec("set enable_seqscan = off; set enable_bitmapscan = off");
  for (const column of ["id", "value"]) expect((await pg.query(`select from one where ${column} >= 0`)).rows).toHaveLength(one.length);
  await pg.exec("set enable_seqscan = on; select * from extra").catch((error) => expect(error.code).toBe("42P01")); // undefined_table
  await pg.close();
  return there;
}

test.skipIf(process.platform !== "linux")("five power cuts lose nothing that was acknowledged and break nothing", { timeout: 120_000 }, async () => {
  const directory = join(folder, "first");
  const tables = ["create table one (id integer primary key, value integer, filler text)", "create index on one (value)"];
  await (await openEmbedded({ directory, migrations: { "1": [...tables, "create table two (id integer primary key, value integer)"] } })).close();
  cpSync(join(directory, "postgres"), cluster, { recursive: true });
  let acknowledged = new Map<number, number>();
  for (let round = 0; round < 5; round++) {
    files.clear();
    watching = true;
    const unsure = await work(acknowledged);
    watching = false;
    cut();
    acknowledged = await check(acknowledged, unsure);
    rmSync(cluster, { recursive: true });
    cpSync(survivor, cluster, { recursive: true });
  }
  expect(acknowledged.size).toBeGreaterThan(100);
});
