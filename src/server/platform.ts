/** The whole program in one process: database, store, HTTP, local workers. Started by `serve`, and by any command that finds no server. */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { sql } from "kysely";
import { canonical } from "../shared/canonical.ts";
import { fail } from "../shared/errors.ts";
import { version } from "../shared/version.ts";
import { writeAtomically } from "../storage/atomic.ts";
import { Blobs } from "../storage/blobs.ts";
import { openStore } from "../storage/object-store.ts";
import { buildApp, patience } from "./app.ts";
import { cookieName } from "./browser.ts";
import { Buckets } from "./buckets.ts";
import { type Config, isLoopback, shown } from "./config.ts";
import { openDatabase } from "./database/index.ts";
import type { Context } from "./entity.ts";
import { Identity } from "./identity.ts";
import { DEFAULT_PROJECT, Ids, SERVER } from "./ids.ts";
import type { Kernel } from "./kernel.ts";
import { Keys } from "./keys.ts";
import { Live } from "./live.ts";
import { LocalWorkers } from "./local-workers.ts";
import { LogBook } from "./log-book.ts";
import { createLog } from "./logging.ts";
import { MessageLog } from "./messages.ts";
import { migrations } from "./migrations.ts";
import { forgetAttempts } from "./modules/accounts/passwords.ts";
import { setupFile, setupLink } from "./modules/accounts/service.ts";
import { collect, sweep } from "./modules/admin/service.ts";
import { serverEntity } from "./modules/events/audit.ts";
import { loseWorkers, reap } from "./modules/jobs/service.ts";
import { projectEntity } from "./modules/projects/project.ts";
import { Predictor } from "./predictor.ts";
import { MAX_HEADER, refuseUnreadable } from "./refusals.ts";
import type { Schema } from "./schema.ts";
import { createTelemetry } from "./telemetry.ts";
import { Things } from "./things.ts";
import { Tickets } from "./tickets.ts";

export interface PlatformOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Worker processes on this machine. */
  readonly workers: number;
  /** Serves for its own sake, not for the length of a command: its history tells how it is configured. */
  readonly lasting?: boolean;
  /** For messages: "trainyard serve". */
  readonly what?: string;
}

export interface Platform {
  readonly url: string;
  /** For who is on the same machine: without TLS, on the loopback. The same as `url` where that is so. */
  readonly localUrl: string;
  /** What workers have to show. */
  readonly workerToken: string;
  /** What the owner of the data directory has to show: it opens everything. */
  readonly machineToken: string;
  /** The one-time link that makes the first administrator, also left in the data directory; nothing where there is one. */
  setupLink(): Promise<{ url: string; expiresAt: string } | undefined>;
  /** Whether nothing was ever trained here. */
  readonly isNew: boolean;
  readonly workerPids: readonly number[];
  /** What it stands on: for tests, which look behind its back. */
  readonly kernel: Kernel;
  close(): Promise<void>;
}

/** How often leases are looked at. */
const REAP_MS = 1000;
/** How often blobs that nobody needs are deleted. */
const COLLECT_MS = 60_000;
/** How often what broken uploads have left is removed. */
const SWEEP_MS = 3_600_000;

/** @throws DIRECTORY_IN_USE, DATABASE_UNAVAILABLE, STORE_UNAVAILABLE, BAD_USAGE when the port is taken */
export async function startPlatform(config: Config, { listen, workers, lasting = true, what = "trainyard" }: PlatformOptions): Promise<Platform> {
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  const logBook = new LogBook();
  const log = createLog(config.log, logBook);
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const db = await openDatabase<Schema>({
      url: config.databaseUrl,
      directory: join(config.home, "database"),
      migrations,
      owner: { pid: process.pid, what },
      log: (line) => log.info({ flow: "database" }, line),
      poolSize: config.pool,
    });
    closers.push(() => db.close());
    const store = await openStore({ url: config.store, directory: join(config.home, "objects"), s3: config.s3 });
    closers.push(() => store.close());
    const live = await Live.start(db);
    const predictor = new Predictor({
      memory: config.limits.memory,
      seconds: config.predictSeconds,
      log: (line) => log.warn({ flow: "predictor" }, line),
    });
    closers.push(() => predictor.close());
    const messages = new MessageLog(db, (error) => log.warn({ err: error, flow: "messages" }, "message records wait for the database"));
    closers.push(() => messages.close());
    const keys = await Keys.open(db);
    closers.push(() => keys.close());
    const ids = new Ids(() => keys.bytes("ids"));
    const workerToken = config.workerToken ?? (await secret(join(config.home, "worker-token")));
    const machineToken = await secret(join(config.home, "machine-token"));
    const identity = new Identity({ db, keys, live }, { workerToken, machineToken }, cookieName(config));
    closers.push(() => identity.close());
    let url = "";
    const buckets = new Buckets(config);
    closers.push(() => buckets.close());
    const kernel: Kernel = {
      config,
      keys,
      ids,
      things: new Things(db, ids),
      identity,
      tickets: new Tickets(keys, config.downloadKey),
      address: () => config.publicUrl ?? url,
      db,
      store,
      blobs: new Blobs(store),
      buckets,
      live,
      messages,
      predictor,
      telemetry: createTelemetry(version, db.query),
      log,
      logBook,
    };

    await ensureBasics(kernel, lasting);
    const app = await buildApp(kernel, version);
    closers.push(() => app.close());
    // Whoever waits is sent home before the server waits for its answers to end.
    closers.push(() => live.close());
    // The database of a directory has no other server: who worked for the one before works no more. Whoever comes from now on does.
    if (db.kind === "embedded") await loseWorkers(kernel, await lastWorkers(kernel));
    await app.listen({ host: listen.host, port: listen.port }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") throw error;
      throw fail("BAD_USAGE", {
        problem: `port ${listen.port} of ${listen.host} is in use by another program`,
        fix: "End that one, or choose another port with --port or TRAINYARD_PORT; 0 takes any that is free.",
      });
    });
    const { port } = app.server.address() as AddressInfo;
    if (config.insecureNetwork && !config.tls && !isLoopback(listen.host)) {
      log.warn(`listening on ${listen.host} WITHOUT TLS: whoever is on the way reads passwords, tokens and data`);
    }
    // Who listens everywhere is reached on this machine by the loopback address.
    const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[listen.host] ?? listen.host;
    // Whoever is on this machine, local workers among them, needs no certificate to know whom they talk to.
    const here =
      config.tls &&
      createServer({ ...patience, maxHeaderSize: MAX_HEADER }, (request, response) => app.routing(request, response))
        .on("clientError", refuseUnreadable)
        .listen(0, "127.0.0.1");
    if (here) {
      await once(here, "listening");
      closers.push(() => new Promise((done) => here.close(done) && here.closeAllConnections()));
    }
    url = `${config.tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;

    const localUrl = here ? `http://127.0.0.1:${(here.address() as AddressInfo).port}` : url;

    const chores: readonly [every: number, chore: () => Promise<unknown>, failed: string][] = [
      [REAP_MS, () => reap(kernel), "leases could not be looked at"],
      [COLLECT_MS, () => collect(kernel), "blobs that nobody needs could not be deleted yet"],
      [SWEEP_MS, () => forgetAttempts(db.query), "failed attempts to sign in could not be forgotten yet"],
      [SWEEP_MS, () => sweep(kernel), "what broken uploads have left could not be removed yet"],
    ];
    for (const [every, chore, failed] of chores) closers.push(repeat(every, chore, (error) => log.warn({ err: error }, failed)));
    const local = new LocalWorkers({
      count: workers,
      url: localUrl,
      token: workerToken,
      cacheDirectory: join(config.home, "cache"),
      limits: config.limits,
      lost: async (id) => void (await loseWorkers(kernel, [id])),
      log: (line) => log.info({ flow: "worker" }, line),
    });
    closers.push(() => local.close());

    const address = join(config.home, "server.json");
    await writeAtomically(address, [JSON.stringify({ url: localUrl, what, pid: process.pid, startedAt: new Date().toISOString() })]);
    // Another server on the same directory, where the database is elsewhere, may have put its own there since.
    closers.push(async () => {
      const { pid } = JSON.parse(await readFile(address, "utf8").catch(() => "{}")) as { pid?: number };
      if (pid === process.pid) await rm(address, { force: true });
    });
    const first = await db.query.selectFrom("events").select("seq").where("kind", "=", "run").limit(1).executeTakeFirst();
    return {
      url,
      localUrl,
      workerToken,
      machineToken,
      async setupLink() {
        const link = await setupLink(kernel, system());
        const path = setupFile(config);
        await (link ? writeAtomically(path, [link.url], 0o600) : rm(path, { force: true }));
        return link;
      },
      isNew: !first,
      get workerPids() {
        return local.pids;
      },
      kernel,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const system = (): Context => ({ actor: "system", correlation: randomUUID() });

/** What has to be there before anything else: the platform itself and the first project; and that its configuration changed, where it has. */
async function ensureBasics({ db, config }: Kernel, lasting: boolean): Promise<void> {
  const configuration = shown(config);
  await db.transaction(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('basics'))`.execute(tx);
    const context = system();
    const before = await serverEntity.find(tx, SERVER);
    if (!before) await serverEntity.create(tx, SERVER, context, [{ type: "created", id: SERVER }]);
    if (lasting && canonical(before?.state.configuration ?? null) !== canonical(configuration))
      await serverEntity.change(tx, SERVER, context, () => [{ type: "configured", configuration }]);
    if (!(await projectEntity.find(tx, DEFAULT_PROJECT)))
      await projectEntity.create(tx, DEFAULT_PROJECT, context, [
        { type: "created", id: DEFAULT_PROJECT, name: "default", members: [], createdBy: context.actor },
      ]);
  });
}

/** A random secret in a file that only its owner reads; made when first needed. */
async function secret(path: string): Promise<string> {
  const before = await readFile(path, "utf8").catch(() => "");
  if (before.length >= 20) return before;
  const made = randomBytes(32).toString("base64url");
  await writeAtomically(path, [made], 0o600);
  return made;
}

async function lastWorkers({ db }: Kernel): Promise<string[]> {
  const rows = await db.query.selectFrom("jobs").select("worker").where("status", "=", "running").where("worker", "is not", null).execute();
  return [...new Set(rows.map(({ worker }) => worker!))];
}

/** Does something again and again, never twice at once. @returns how to stop it */
function repeat(ms: number, work: () => Promise<unknown>, failed: (error: unknown) => void): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout;
  let running: Promise<void> = Promise.resolve();
  const again = () => {
    timer = setTimeout(() => {
      running = work().then(
        () => {},
        (error) => failed(error),
      );
      void running.then(() => !stopped && again());
    }, ms);
  };
  again();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}
