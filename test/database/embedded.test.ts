/** What only the embedded database has to promise: one owner for a folder, nothing lost by kill -9, and what PGlite leaves out. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../../src/server/database/index.ts";
import { inProgram } from "../../src/shared/code.ts";
import { type AnyTables, openEmbedded, temporaryFolder } from "./kinds.ts";

type Child = ChildProcessByStdio<Writable, Readable, null>;
const children: Child[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

function start(...args: string[]): Child {
  const child = spawn(process.execPath, [fileURLToPath(inProgram("test/database/process.js")), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

const ended = (child: Child) => new Promise((done) => child.once("close", done));

describe("the lock of a folder", () => {
  const folder = temporaryFolder();
  const contenders = Array.from({ length: 4 }, () => {
    const child = start("lock", folder);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      child,
      tell: async (line: string) => {
        child.stdin.write(`${line}\n`);
        return JSON.parse((await lines.next()).value);
      },
    };
  });

  test("is won by exactly one of several processes, and the others are told by whom", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 15; round++) {
      const answers = await Promise.all(contenders.map(({ tell }) => tell("take")));
      const winners = contenders.filter((_, i) => answers[i] === "done");
      expect(winners).toHaveLength(1);
      const pid = winners[0]!.child.pid;
      expect(answers.filter((answer) => answer !== "done")).toEqual(Array(3).fill({ code: "DIRECTORY_IN_USE", pid }));
      expect(await winners[0]!.tell("release")).toBe("done");
    }
  });

  test("is free at once after kill -9 of its owner, and again won by exactly one", async () => {
    const [first, ...others] = contenders;
    expect(await first!.tell("take")).toBe("done");
    const end = ended(first!.child);
    first!.child.kill("SIGKILL");
    await end;
    const answers = await Promise.all(others.map(({ tell }) => tell("take")));
    expect(answers.filter((answer) => answer === "done")).toHaveLength(1);
    await others[answers.indexOf("done")]!.tell("release");
  });

  test("is held by an owner that is paused and does not answer", { timeout: 20_000 }, async () => {
    const [, owner, other] = contenders;
    expect(await owner!.tell("take")).toBe("done");
    owner!.child.kill("SIGSTOP");
    expect(await other!.tell("take")).toEqual({ code: "DIRECTORY_IN_USE", pid: owner!.child.pid });
    owner!.child.kill("SIGCONT");
    await owner!.tell("release");
  });

  test("is the same by another path to the folder, however long", async () => {
    const long = join(temporaryFolder(), "x".repeat(100));
    mkdirSync(long);
    const link = `${long}-link`;
    symlinkSync(long, link);
    const db = await openEmbedded({ directory: long });
    await expect(openEmbedded({ directory: link })).rejects.toMatchObject({
      code: "DIRECTORY_IN_USE",
      status: 409,
      message: expect.stringMatching(new RegExp(`^${long} is in use by a test \\(process ${process.pid}\\) since 20`)),
      fix: expect.stringContaining(`Stop process ${process.pid} first`),
    });
    await db.close();
    expect(readdirSync(join(long, "lock"))).toEqual([]);
  });
});

test("kill -9 while rows are written loses none that was acknowledged, ten times over", { timeout: 120_000 }, async () => {
  const directory = temporaryFolder();
  const acknowledged: number[] = [];
  const prepare = (round: number) => {
    const child = start("write", directory, `${round * 1_000_000}`);
    const lines = createInterface(child.stdout);
    const said = (wanted: string) => new Promise<void>((done) => lines.on("line", (line) => line === JSON.stringify(wanted) && done()));
    lines.on("line", (line) => {
      const id = JSON.parse(line);
      if (typeof id === "number") acknowledged.push(id);
    });
    return { child, ready: said("ready"), open: said("open") };
  };
  let next = prepare(0);
  for (let round = 0; round < 10; round++) {
    const { child, ready, open } = next;
    await ready;
    child.stdin.write("go\n");
    next = prepare(round + 1); // starts up while this one writes
    await open;
    const before = acknowledged.length;
    await expect.poll(() => acknowledged.length, { interval: 5 }).toBeGreaterThan(before + 10 + round * 7);
    const end = ended(child);
    child.kill("SIGKILL");
    await end;
  }
  next.child.kill("SIGKILL");
  const db = await openEmbedded({ directory, migrations: { "1": ["create table written (id integer primary key)"] } });
  const rows = await db.query.selectFrom("written").select("id").execute();
  const kept = new Set(rows.map(({ id }) => id));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(100);
  await db.close();
});

test("a first start that was killed on the way is begun anew", { timeout: 60_000 }, async () => {
  const directory = temporaryFolder();
  const child = start("write", directory);
  child.stdin.write("go\n");
  await expect.poll(() => existsSync(join(directory, "postgres", "UNFINISHED")), { interval: 1 }).toBe(true);
  const end = ended(child);
  child.kill("SIGKILL");
  await end;
  const db = await openEmbedded({ directory });
  await db.check();
  await db.close();
  expect(existsSync(join(directory, "postgres", "UNFINISHED"))).toBe(false);
});

test("a folder with something else in it is left alone", async () => {
  const directory = temporaryFolder();
  mkdirSync(join(directory, "postgres"));
  writeFileSync(join(directory, "postgres", "mine.txt"), "mine");
  await expect(openEmbedded({ directory })).rejects.toMatchObject({ code: "DATABASE_UNSUITABLE" });
  expect(readdirSync(join(directory, "postgres"))).toEqual(["mine.txt"]);
});

describe("the database", () => {
  const directory = temporaryFolder();
  let db: Database<AnyTables>;
  const migrations = { "1": ["create table written (id integer primary key, filler text)"] };
  const write = (id: number) =>
    db.transaction(async (tx) => {
      await tx.insertInto("written").values({ id }).execute();
      await sql`select pg_notify('written', ${`${id}`})`.execute(tx);
    });
  const count = async () => (await db.query.selectFrom("written").select(sql<number>`count(*)`.as("n")).executeTakeFirstOrThrow()).n;

  /** What the main thread does to the disk; a test may hold it up. */
  const syncs: string[] = [];
  let held: Promise<void> | undefined;
  let restore = () => {};
  beforeAll(async () => {
    db = await openEmbedded({ directory, durable: true, migrations });
    const handle = await open(directory);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const { datasync } = prototype;
    prototype.datasync = async function (this: FileHandle) {
      syncs.push("begun");
      await held;
      await datasync.call(this);
      syncs.push("done");
    };
    restore = () => {
      prototype.datasync = datasync;
    };
  });
  afterAll(async () => {
    restore();
    await db.close();
  });

  test("acknowledges a commit when its log is on disk; others go on meanwhile and share the next sync", async () => {
    const heard: unknown[] = [];
    const stop = await db.listen("written", (payload) => heard.push(payload));
    await write(1000);
    await expect.poll(() => heard.length).toBe(1);
    syncs.length = 0;
    let release = () => {};
    held = new Promise((done) => {
      release = done;
    });
    const acknowledged: number[] = [];
    const writes = Array.from({ length: 20 }, (_, id) => write(id).then(() => acknowledged.push(id)));
    await expect.poll(() => heard.length).toBe(21); // all are committed
    expect(acknowledged).toEqual([]);
    expect(syncs).toEqual(["begun"]);
    release();
    held = undefined;
    await Promise.all(writes);
    expect(syncs).toEqual(["begun", "done", "begun", "done"]);
    await stop();
  });

  test("syncs nothing for who only reads", async () => {
    syncs.length = 0;
    await count();
    await db.transaction((tx) => tx.selectFrom("written").selectAll().execute());
    expect(syncs).toEqual([]);
  });

  test("leaves the event loop free during a long query", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const begun = performance.now();
    await sql`select count(*) from generate_series(1, 1500000)`.execute(db.query);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan((performance.now() - begun) / 50);
  });

  test("keeps its log short, as a server would by its checkpoints", { timeout: 60_000 }, async () => {
    await sql`alter table written alter column filler set storage external`.execute(db.query); // uncompressed
    for (let from = 10_000; from < 20_000; from += 1000)
      await sql`insert into written select ${from}::int + n, repeat('x', 6000) from generate_series(1, 1000) n`.execute(db.query);
    const log = join(directory, "postgres", "pg_wal");
    const megabytes = readdirSync(log).reduce((sum, name) => sum + statSync(join(log, name)).size, 0) / 1e6;
    expect(megabytes).toBeLessThan(60);
  });

  test("comes back by itself when its thread dies, and what was under way is done again", async () => {
    const before = await count();
    const heard: unknown[] = [];
    const stop = await db.listen("written", (payload) => heard.push(payload));
    let runs = 0;
    const reading = count();
    await db.transaction(async (tx) => {
      await tx.insertInto("written").values({ id: 3000 }).execute();
      if (++runs > 1) return;
      await sql`set exit_on_error = on`.execute(tx); // makes any error fatal
      await sql`select 1 / 0`.execute(tx);
    });
    expect(runs).toBe(2);
    expect(await reading).toBe(before);
    expect(await count()).toBe(before + 1);
    expect(heard).toEqual([undefined]);
    await write(3001);
    await expect.poll(() => heard).toEqual([undefined, "3001"]);
    await stop();
  });

  test("tells what a cluster that cannot be opened is about", async () => {
    const broken = temporaryFolder();
    mkdirSync(join(broken, "postgres"));
    writeFileSync(join(broken, "postgres", "PG_VERSION"), "18");
    await expect(openEmbedded({ directory: broken })).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      message: expect.stringContaining("postgresql.conf"),
    });
    expect(readdirSync(join(broken, "lock"))).toEqual([]);
  });
});
