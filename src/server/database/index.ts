/** The database: PostgreSQL where there is one, else PGlite in a folder. The same SQL, the same values, the same promises from both. */
import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, type Transaction } from "kysely";
import type { Schema } from "../schema.ts";
import { type Backend, type Handler, patiently, unavailable } from "./backend.ts";
import type { Owner } from "./directory-lock.ts";
import { misuse, PooledDriver, type Scope } from "./driver.ts";
import { openEmbedded } from "./embedded.ts";
import { type Migrations, migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";

export type { Owner } from "./directory-lock.ts";
export type { Migrations } from "./migrate.ts";

export interface Database<S = Schema> {
  readonly kind: "embedded" | "postgresql";
  /** For messages: where it is, without a password. */
  readonly name: string;
  /** For queries outside transactions. */
  readonly query: Kysely<S>;
  /**
   * Runs work in one transaction (READ COMMITTED), and all of it again when it lost against another transaction or the connection was lost. So work
   * must be repeatable, and use only tx.
   */
  transaction<T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T>;
  /**
   * Calls the handler with what others send by `select pg_notify(channel, payload)`, once they have committed. Without a payload it says that
   * notifications may have been missed.
   * @returns stops it
   */
  listen(channel: string, handler: Handler): Promise<() => Promise<void>>;
  /** @throws DATABASE_UNAVAILABLE unless it answers now */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Of a PostgreSQL server. Without it the database is PGlite in `directory`. */
  readonly url?: string;
  readonly directory: string;
  readonly migrations: Migrations;
  /** Whom others meet that want the same directory. */
  readonly owner: Owner;
  readonly log?: (line: string) => void;
  /** Connections at most. */
  readonly poolSize?: number;
  /** How long a server may be away before anybody hears of it. */
  readonly patienceSeconds?: number;
  /** False for tests: what was committed may be lost with the power, though not with the process. PGlite only. */
  readonly durable?: boolean;
}

/** @throws DIRECTORY_IN_USE, DATABASE_UNAVAILABLE, DATABASE_UNSUITABLE, MIGRATION_MISMATCH */
export async function openDatabase<S = Schema>(options: DatabaseOptions): Promise<Database<S>> {
  const { url, directory, owner, migrations, log = () => {}, poolSize = 10, patienceSeconds = 10, durable = true } = options;
  const backend = url ? await openPostgres({ url, log, poolSize, patienceSeconds }) : await openEmbedded({ directory, owner, log, durable });
  try {
    const applied = await patiently(patienceSeconds, async () => {
      const client = await backend.connect();
      try {
        const names = await migrate(client, backend.name, migrations);
        client.release();
        return names;
      } catch (error) {
        client.release(true);
        throw error;
      }
    });
    if (applied.length) log(`migrated ${backend.name}: ${applied.join(", ")}`);
  } catch (error) {
    await backend.close();
    throw error;
  }
  return databaseOn<S>(backend, patienceSeconds);
}

/** How often a transaction may lose against others. */
const conflicts = 20;
const answerWithin = 5000; // ms
const inTheDark = "the connection was lost while committing, and it is not known whether that was done";

function databaseOn<S>(backend: Backend, patienceSeconds: number): Database<S> {
  const driver = new PooledDriver(backend);
  const query = new Kysely<S>({
    dialect: {
      createDriver: () => driver,
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
  });

  let closing: Promise<void> | undefined;

  async function transaction<T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T> {
    if (driver.scopes.getStore()?.open) throw misuse("a transaction was begun inside another, which would wait for it");
    let end: number | undefined; // of patience
    for (let attempt = 1; ; attempt++) {
      const scope: Scope = { open: true };
      let result: { value: T } | undefined;
      try {
        await driver.scopes.run(scope, () =>
          query.transaction().execute(async (tx) => {
            result = { value: await work(tx) };
          }),
        );
        return result!.value;
      } catch (error) {
        const { uncertain, lost } = scope.connection ?? {};
        if (uncertain) {
          const committed = await backend.committed(uncertain);
          if (committed) return result!.value;
          if (committed === undefined) throw unavailable(backend.name, new Error(inTheDark, { cause: error }));
        }
        if (lost) end ??= Date.now() + patienceSeconds * 1000;
        const again = lost ? Date.now() < end! : isConflict(error) && attempt < conflicts;
        if (!again) throw error;
      } finally {
        scope.open = false;
      }
      await sleep(Math.random() * Math.min(5 * 2 ** attempt, 500));
    }
  }

  async function answers(): Promise<void> {
    const client = await backend.connect(0);
    await client.query("select 1").then(
      () => client.release(),
      (error) => {
        client.release(true);
        throw unavailable(backend.name, error);
      },
    );
  }

  return {
    kind: backend.kind,
    name: backend.name,
    query,
    transaction,
    listen: (channel, handler) => driver.scopes.exit(() => backend.listen(channel, handler)),
    async check() {
      const silence = new AbortController();
      const tooLong = sleep(answerWithin, undefined, { signal: silence.signal }).then(() => {
        throw unavailable(backend.name, new Error(`it has not answered for ${answerWithin / 1000} seconds`));
      });
      try {
        await Promise.race([driver.scopes.exit(answers), tooLong]);
      } finally {
        silence.abort();
        tooLong.catch(() => {});
      }
    },
    close() {
      closing ??= backend.close();
      return closing;
    },
  };
}

/** serialization_failure or deadlock_detected, also within an error of the work's own. */
function isConflict(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (/^40(001|P01)$/.test((cause as { code?: string }).code ?? "")) return true;
  return false;
}
