/** The database that needs no server: PGlite in a thread, behind a pool with its one connection, in a folder that one process owns. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import type { Worker } from "node:worker_threads";
import pg from "pg";
import { fail, TrainyardError } from "../../shared/errors.ts";
import { type Backend, type Log, listenTo, outliveErrors, Subscriptions, swallowed, unavailable, unlistenTo } from "./backend.ts";
import { type DirectoryLock, lockDirectory, type Owner } from "./directory-lock.ts";
import { compiledPglite, startPglite, template, unpack } from "./template.ts";
import { types } from "./types.ts";
import { type SyncRequest, WalSync } from "./wal-sync.ts";

/** What the thread is started for. */
export type Task =
  | { readonly kind: "template"; readonly cluster: string }
  | {
      readonly kind: "serve";
      readonly cluster: string;
      readonly durable: boolean;
      /** See compiledPglite. */
      readonly module: object;
      /** See WalSync.ask. */
      readonly synced: Int32Array;
    };

/** What the thread says. */
export type Answer = { readonly ready: true } | { readonly died: string } | { readonly bytes: Uint8Array<ArrayBuffer>; readonly wal?: SyncRequest };

interface Options {
  readonly directory: string;
  readonly owner: Owner;
  readonly log: Log;
  /** False for tests: what was committed may be lost with the power, though not with the process. */
  readonly durable: boolean;
}

export async function openEmbedded({ directory, owner, log, durable }: Options): Promise<Backend> {
  const name = resolve(directory);
  const cluster = join(name, "postgres");
  let lock: DirectoryLock | undefined;
  try {
    await mkdir(name, { recursive: true, mode: 0o700 });
    lock = await lockDirectory(name, owner);
    compiledPglite().catch(() => {}); // takes its time, beside what follows
    const { safe } = await prepare(cluster, durable);
    safe.catch(() => {}); // told by settled()
    return serve({ name, cluster, durable, log, safe, release: lock.release });
  } catch (error) {
    await lock?.release();
    if (error instanceof TrainyardError) throw error;
    throw fail("WRITE_FAILED", { path: name, detail: (error as Error).message, kept: "No database was opened." }, error);
  }
}

interface Opened extends Pick<Options, "durable" | "log"> {
  readonly name: string;
  readonly cluster: string;
  readonly safe: Promise<void>;
  readonly release: () => Promise<void>;
}

function serve({ name, cluster, durable, log, safe, release }: Opened): Backend {
  const subscriptions = new Subscriptions(log);
  const wal = new WalSync();
  let thread: PgliteStream | undefined;
  let started = false;
  const pool = new pg.Pool({
    max: 1,
    idleTimeoutMillis: 0,
    types,
    // All given, as pg would take what is missing from the environment, where it may be meant for another database.
    ...{ host: "embedded", port: 0, user: "postgres", database: "postgres", password: "", ssl: false, options: "" },
    stream: () => {
      thread = new PgliteStream(cluster, durable, wal);
      return thread;
    },
    onConnect: async (client) => {
      await subscriptions.attach(client);
      if (started) log(`the database in ${name} had stopped, and was started again`);
      if (started) subscriptions.missed();
      started = true;
    },
  });
  pool.on("connect", outliveErrors);
  pool.on("error", () => {}); // it is started again when somebody needs it
  const connect = async () => {
    if (wal.failure) throw unavailable(name, wal.failure);
    return pool.connect().catch((error) => {
      throw unavailable(name, error);
    });
  };
  const run = async (sql: string) => {
    const client = await connect();
    await client.query(sql).finally(() => client.release());
  };

  return {
    kind: "embedded",
    name,
    connect,
    async commit(client) {
      const { command } = await client.query("commit");
      if (command === "ROLLBACK") throw fail("INTERNAL", { detail: swallowed });
    },
    committed: async () => undefined,
    async settled() {
      await safe;
      await wal.settled().catch((error) => {
        throw unavailable(name, error);
      });
    },
    async listen(channel, handler) {
      subscriptions.add(channel, handler);
      const stop = async () => {
        if (subscriptions.remove(channel, handler)) await run(unlistenTo(channel));
      };
      await run(listenTo(channel)).catch((error) => {
        subscriptions.remove(channel, handler);
        throw error;
      });
      return stop;
    },
    async close() {
      await pool.end();
      if (thread && !thread.closed) await finished(thread).catch(() => {});
      await wal.close();
      await safe.catch(() => {});
      await release();
    },
  };
}

/**
 * Makes the cluster if there is none. A mark in it says that it is not yet safely on disk: what a crash leaves of it is thrown away then, as nothing
 * that was written to it had been acknowledged.
 */
async function prepare(cluster: string, durable: boolean): Promise<{ safe: Promise<void> }> {
  const mark = join(cluster, "UNFINISHED");
  if (existsSync(mark)) rmSync(cluster, { recursive: true });
  if (existsSync(join(cluster, "PG_VERSION"))) return { safe: Promise.resolve() };
  mkdirSync(cluster, { recursive: true, mode: 0o700 });
  if (readdirSync(cluster).length)
    throw fail("DATABASE_UNSUITABLE", { name: cluster, want: "an empty folder or a database of Trainyard", got: "a folder with other files" });
  const archive = await template();
  writeFileSync(mark, "");
  if (durable) for (const path of [mark, cluster, dirname(cluster)]) await sync(path);
  const paths = unpack(archive, cluster);
  const finish = async () => {
    if (durable) await inParallel(8, paths, sync);
    await unlink(mark);
    if (durable) await sync(cluster);
  };
  return { safe: finish() };
}

/** A file or a folder to disk; what PostgreSQL has removed meanwhile need not be, and Windows syncs no folders. */
async function sync(path: string): Promise<void> {
  const file = await open(path, "r+").catch(() => open(path, "r").catch(() => undefined));
  await file?.sync().catch((error) => {
    if (process.platform !== "win32") throw error;
  });
  await file?.close();
}

async function inParallel<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

/** The connection to a thread of its own, as a socket to a server would be. */
class PgliteStream extends Duplex {
  readonly #cluster: string;
  readonly #durable: boolean;
  readonly #wal: WalSync;
  readonly #synced = new Int32Array(new SharedArrayBuffer(4));
  #thread: Worker | undefined;

  constructor(cluster: string, durable: boolean, wal: WalSync) {
    super();
    this.#cluster = cluster;
    this.#durable = durable;
    this.#wal = wal;
  }

  /** pg calls this and the next four as it would a socket's. */
  connect(): void {
    this.#start().catch((error) => this.destroy(error));
  }
  setNoDelay(): void {}
  setKeepAlive(): void {}
  ref(): void {}
  unref(): void {}

  async #start(): Promise<void> {
    const module = await compiledPglite();
    const task: Task = { kind: "serve", cluster: this.#cluster, durable: this.#durable, module, synced: this.#synced };
    if (this.destroyed) return;
    this.#thread = startPglite(task);
    this.#thread.on("message", (answer: Answer) => this.#receive(answer));
    this.#thread.on("error", (error) => this.destroy(error));
    this.#thread.on("exit", (code) => (code ? this.destroy(gone(`its thread ended with code ${code}`)) : this.push(null)));
  }

  #receive(answer: Answer): void {
    if ("ready" in answer) this.emit("connect");
    else if ("died" in answer) this.destroy(gone(answer.died));
    else {
      if (answer.wal) this.#wal.ask(answer.wal, this.#synced);
      this.push(Buffer.from(answer.bytes.buffer));
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    const bytes = new Uint8Array(Buffer.concat(chunks.map(({ chunk }) => chunk))); // a copy, as the original is part of a bigger buffer
    this.#thread!.postMessage(bytes, [bytes.buffer]);
    done();
  }

  /** The thread finishes what it does, then ends by itself. */
  override _final(done: () => void): void {
    this.#thread?.once("exit", () => done());
    this.#thread?.postMessage("close");
    if (!this.#thread) done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const ended = this.#thread?.terminate() ?? Promise.resolve();
    void ended.then(() => done(error));
  }
}

const gone = (detail: string): Error => Object.assign(new Error(detail), { code: "08006" }); // connection_failure
