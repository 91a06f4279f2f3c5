/** Brings a database to the program's tables: each migration once, whole or not at all, however many servers start at the same time. */
import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import { fail } from "../../shared/errors.ts";
import { statement } from "./backend.ts";

/** Name -> single SQL statements. They are applied in the order of their names. */
export type Migrations = Readonly<Record<string, readonly string[]>>;

const groundwork = [
  "create table if not exists migrations (name text primary key, digest text not null, at timestamptz not null default now())",
  // See postgres.ts. Rows of processes that ended long ago are forgotten; one that is missed is made anew.
  `create table if not exists commit_marks (
    session uuid primary key, commits bigint not null, closed boolean not null default false, at timestamptz not null default now())`,
  "delete from commit_marks where at < now() - interval '30 days'",
];
const lock = 7212_4931; // any number that all servers agree on

/** @throws MIGRATION_MISMATCH when the database was made by other migrations than these */
export async function migrate(client: ClientBase, database: string, migrations: Migrations): Promise<string[]> {
  const applied: string[] = [];
  for (;;) {
    await client.query("begin");
    try {
      await client.query(`select pg_advisory_xact_lock(${lock})`);
      for (const sql of groundwork) await client.query(sql);
      const { rows } = await client.query<{ name: string; digest: string }>("select name, digest from migrations");
      const next = nextOf(database, migrations, new Map(rows.map(({ name, digest }) => [name, digest])));
      if (next === undefined) {
        await client.query("commit");
        return applied;
      }
      for (const sql of migrations[next]!) await client.query(statement(sql));
      await client.query("insert into migrations (name, digest) values ($1, $2)", [next, digestOf(migrations[next]!)]);
      await client.query("commit");
      applied.push(next);
    } catch (error) {
      await client.query("rollback").catch(() => {});
      throw error;
    }
  }
}

/** The first that has not been applied, after a check of all that have. */
function nextOf(name: string, migrations: Migrations, applied: ReadonlyMap<string, string>): string | undefined {
  const mismatch = (migration: string, problem: string) => fail("MIGRATION_MISMATCH", { name, migration, problem });
  const known = Object.keys(migrations).sort();
  for (const migration of [...applied.keys()].sort())
    if (!known.includes(migration)) throw mismatch(migration, "was applied to it, but is not known here: a newer version has used it");
  for (const migration of known)
    if (applied.has(migration) && applied.get(migration) !== digestOf(migrations[migration]!))
      throw mismatch(migration, "has been changed since it was applied");
  const next = known.find((migration) => !applied.has(migration));
  const later = next && known.find((migration) => migration > next && applied.has(migration));
  if (later) throw mismatch(next, `is missing from it, although the later "${later}" was applied`);
  return next;
}

const digestOf = (statements: readonly string[]): string => createHash("sha256").update(JSON.stringify(statements)).digest("hex");
