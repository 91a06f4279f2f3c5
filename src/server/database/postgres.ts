/** A PostgreSQL server of one's own: a pool that outlives the server's restarts, and a connection that listens. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { fail } from "../../shared/errors.ts";
import {
  type Backend,
  type Handler,
  isLost,
  type Log,
  listenTo,
  outliveErrors,
  patiently,
  Subscriptions,
  swallowed,
  unavailable,
  unlistenTo,
} from "./backend.ts";
import { types } from "./types.ts";

interface Options {
  readonly url: string;
  readonly log: Log;
  readonly poolSize: number;
  readonly patienceSeconds: number;
}

const oldest = 14; // major version of the server

export async function openPostgres({ url, log, poolSize, patienceSeconds }: Options): Promise<Backend> {
  const name = nameOf(url);
  const config = { connectionString: url, types, keepAlive: true, keepAliveInitialDelayMillis: 10_000, application_name: "trainyard" };
  const pool = new pg.Pool({
    ...config,
    Client: ImpatientClient as unknown as typeof pg.Client,
    max: poolSize,
    idleTimeoutMillis: 0,
    onConnect: (client) => client.query(session) as unknown as undefined,
  });
  pool.on("connect", outliveErrors);
  pool.on("error", (error) => log(`lost an idle connection to ${name}: ${error.message}`));
  const connect = (patience = patienceSeconds) =>
    patiently(patience, () => pool.connect()).catch((error) => {
      throw unavailable(name, error);
    });
  const marks = new WeakMap<pg.PoolClient, { readonly session: string; commits: number }>();
  const listener = new Listener(config, name, log);

  try {
    await requireVersion(connect, name);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    kind: "postgresql",
    name,
    connect,
    async commit(client) {
      const mark = marks.get(client) ?? { session: randomUUID(), commits: 0 };
      marks.set(client, mark);
      mark.commits++;
      try {
        await client.query(`${markCommit(mark.session, mark.commits)}; commit`);
      } catch (error) {
        if ((error as pg.DatabaseError).code === "25P02") throw fail("INTERNAL", { detail: swallowed }, error); // in_failed_sql_transaction
        throw error;
      }
    },
    async committed(lost) {
      const mark = marks.get(lost)!;
      return patiently(patienceSeconds, async () => {
        const client = await pool.connect();
        try {
          const results = (await client.query(closeMark(mark.session, patienceSeconds))) as unknown as pg.QueryResult<{ commits: number }>[];
          client.release();
          return results.some(({ rows }) => rows[0]?.commits === mark.commits);
        } catch (error) {
          client.release(true);
          throw error;
        }
      }).catch(() => undefined);
    },
    settled: async () => {},
    listen: (channel, handler) =>
      patiently(patienceSeconds, () => listener.listen(channel, handler)).catch((error) => {
        throw unavailable(name, error);
      }),
    async close() {
      await Promise.all([pool.end(), listener.close()]);
    },
  };
}

/**
 * What the embedded database has anyway, and a server may have been told otherwise. Of many short queries at once, none is to
 * wait for helpers that take the processors of the others, or for a compiler.
 */
const session = "set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex'; set max_parallel_workers_per_gather = 0; set jit = off";

/**
 * Each connection counts its commits in a row of its own, in the transaction itself: after a connection was lost in COMMIT, the row tells whether it
 * was done. (pg_xact_status cannot after a crash: transaction ids that never reached the disk are given out again.) A transaction that only read
 * leaves no mark. Sent together with COMMIT, it costs no round trip.
 */
const markCommit = (session: string, commits: number): string =>
  `insert into commit_marks as mark (session, commits)
   select '${session}', ${commits} where pg_current_xact_id_if_assigned() is not null
   on conflict (session) do update set commits = excluded.commits / (not mark.closed)::int, at = now()`;

/** Waits for the transaction if it is still being committed. If it has not begun to, it never will: its mark would be a division by zero. */
const closeMark = (session: string, patienceSeconds: number): string => `
  begin; set local lock_timeout = ${Math.ceil(patienceSeconds * 1000) || 1};
  insert into commit_marks (session, commits, closed) values ('${session}', 0, true)
  on conflict (session) do update set closed = true, at = now() returning commits;
  commit`;

/** A pool's own limit would hold for the wait in its queue too. */
class ImpatientClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: 5000 });
  }
}

function nameOf(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    if (/^postgres(ql)?:$/.test(protocol)) return `postgresql://${host}${pathname}`;
  } catch {}
  // The URL itself may hold a password.
  throw fail("BAD_PARAMETER", { where: "the database", name: "url", want: "postgresql://user:password@host:5432/name", got: "something else" });
}

async function requireVersion(connect: () => Promise<pg.PoolClient>, name: string): Promise<void> {
  const client = await connect();
  const { rows } = await client.query<{ number: string; version: string }>(
    "select current_setting('server_version_num') as number, current_setting('server_version') as version",
  );
  client.release();
  const [{ number, version } = { number: "0", version: "unknown" }] = rows;
  if (Number(number) >= oldest * 10_000) return;
  throw fail("DATABASE_UNSUITABLE", { name, want: `PostgreSQL ${oldest} or newer`, got: `PostgreSQL ${version}` });
}

/** One connection for all notifications, since those that a pool has in reserve come and go. Once made, it is made anew for as long as it takes. */
class Listener {
  readonly #config: pg.ClientConfig;
  readonly #name: string;
  readonly #log: Log;
  readonly #subscriptions: Subscriptions;
  #first: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #client: pg.Client | undefined;
  #closed = false;

  constructor(config: pg.ClientConfig, name: string, log: Log) {
    this.#config = config;
    this.#name = name;
    this.#log = log;
    this.#subscriptions = new Subscriptions(log);
  }

  async listen(channel: string, handler: Handler): Promise<() => Promise<void>> {
    this.#first ??= this.#connect();
    await this.#first.catch((error) => {
      this.#first = undefined;
      throw error;
    });
    this.#subscriptions.add(channel, handler);
    await this.#run(listenTo(channel));
    return async () => {
      if (this.#subscriptions.remove(channel, handler)) await this.#run(unlistenTo(channel));
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#first?.catch(() => {});
    await this.#client?.end().catch(() => {});
  }

  /** One after the other. What gets lost on the way, the next connection makes good. */
  #run(sql: string): Promise<unknown> {
    const turn = this.#turn
      .then(() => this.#client?.query(sql))
      .catch((error) => {
        if (!isLost(error)) throw error;
      });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #connect(): Promise<void> {
    const client = new ImpatientClient(this.#config);
    client.on("error", () => {}); // "end" follows
    try {
      await client.connect();
      await this.#subscriptions.attach(client);
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
    const watch = setInterval(() => this.#probe(client), 15_000).unref();
    client.once("end", () => {
      clearInterval(watch);
      this.#client = undefined;
      if (!this.#closed) void this.#reconnect();
    });
    this.#client = client;
  }

  async #reconnect(): Promise<void> {
    this.#log(`lost the connection that listens to ${this.#name}`);
    for (let pause = 50; !this.#closed; pause = Math.min(pause * 2, 2000)) {
      await sleep(pause, undefined, { ref: false });
      const back = await this.#connect().then(
        () => true,
        () => false,
      );
      if (!back) continue;
      if (this.#closed) return this.#client?.end();
      this.#log(`listens to ${this.#name} again`);
      return this.#subscriptions.missed();
    }
  }

  /** A connection can be dead without a word, when the network lost the server. */
  #probe(client: pg.Client): void {
    const giveUp = setTimeout(() => client.connection.stream.destroy(), 10_000).unref();
    void this.#run("select 1")
      .catch(() => {})
      .finally(() => clearTimeout(giveUp));
  }
}
