/** Databases for tests: one of each kind, with small tables of the test's own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type Database, type DatabaseOptions, openDatabase } from "../../src/server/database/index.ts";
import { available, type PostgresServer, startPostgres } from "../postgres-server.ts";

// biome-ignore lint/suspicious/noExplicitAny: tables that each test makes for itself
export type AnyTables = any;

export type Open = (options?: Partial<DatabaseOptions>) => Promise<Database<AnyTables>>;

const owner = { pid: process.pid, what: "a test" };

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "trainyard-"));
  folders.push(path);
  return path;
}

export const openEmbedded: Open = (options) =>
  openDatabase<AnyTables>({ directory: temporaryFolder(), migrations: {}, owner, durable: false, ...options });

/** A PostgreSQL server for the tests of the file. */
export function postgresServer(): () => PostgresServer {
  let server: PostgresServer;
  beforeAll(async () => {
    if (available) server = await startPostgres();
  });
  afterAll(() => server?.close());
  return () => server;
}

export const openOn = (url: string, options?: Partial<DatabaseOptions>): Promise<Database<AnyTables>> =>
  openDatabase<AnyTables>({ url, directory: "", migrations: {}, owner, ...options });

if (!available) console.warn("PostgreSQL is not installed here: its tests are skipped");

export { available };
