/** Kysely over either kind of database: which connection a query runs on, and what is done when one is lost. */
import { AsyncLocalStorage } from "node:async_hooks";
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, SelectQueryNode } from "kysely";
import type { PoolClient } from "pg";
import { fail } from "../../shared/errors.ts";
import { type Backend, isLost, statement, unavailable, wasUndone } from "./backend.ts";

/** A transaction, as all code that runs on behalf of it finds it. */
export interface Scope {
  open: boolean;
  connection?: Connection;
}

export class PooledDriver implements Driver {
  readonly scopes = new AsyncLocalStorage<Scope>();
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<Connection> {
    const scope = this.scopes.getStore();
    if (scope?.open && scope.connection)
      throw misuse("a query of the database itself (db.query) was made inside a transaction, which would wait for it");
    const connection = new Connection(this.#backend, await this.scopes.exit(() => this.#backend.connect()));
    if (scope?.open) scope.connection = connection;
    return connection;
  }

  async beginTransaction(connection: Connection): Promise<void> {
    connection.inTransaction = true;
    await connection.executeQuery(CompiledQuery.raw("begin isolation level read committed"));
  }

  async commitTransaction(connection: Connection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: Connection): Promise<void> {
    await connection.rollback();
  }

  /** The next transaction may have the connection while this one is still being written to disk. */
  async releaseConnection(connection: Connection): Promise<void> {
    connection.release();
    await this.#backend.settled();
  }

  /** Whoever opened the backend closes it. */
  async destroy(): Promise<void> {}
}

export const misuse = (what: string) => fail("INTERNAL", { detail: `${what}: use only tx there` });

/** One of the pool's, for as long as a query or a transaction has it. */
export class Connection implements DatabaseConnection {
  inTransaction = false;
  /** The connection broke during a query of the work. */
  lost = false;
  /** The connection that broke during COMMIT. */
  uncertain: PoolClient | undefined;
  readonly #backend: Backend;
  #client: PoolClient | undefined;
  #broken = false;

  constructor(backend: Backend, client: PoolClient) {
    this.#backend = backend;
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    for (;;) {
      if (!this.#client) throw misuse("tx was used after its transaction had ended (a missing await?)");
      try {
        const { command, rowCount, rows } = await this.#client.query(statement(query.sql, [...query.parameters]));
        const changes = command === "INSERT" || command === "UPDATE" || command === "DELETE" || command === "MERGE";
        return { rows, numAffectedRows: changes ? BigInt(rowCount ?? 0) : undefined };
      } catch (error) {
        if (!isLost(error)) throw error;
        this.#broken = true;
        if (this.inTransaction) this.lost = true;
        if (this.inTransaction || !(repeatable(query) || wasUndone(error))) throw unavailable(this.#backend.name, error);
        this.release();
        this.#client = await this.#backend.connect();
        this.#broken = false;
      }
    }
  }

  // biome-ignore lint/correctness/useYield: there is nothing to yield
  async *streamQuery<R>(): AsyncGenerator<QueryResult<R>> {
    throw fail("INTERNAL", { detail: "results are not streamed: read them in pages" });
  }

  async commit(): Promise<void> {
    try {
      await this.#backend.commit(this.#client!);
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#broken = this.lost = true;
      this.uncertain = wasUndone(error) ? undefined : this.#client;
      throw unavailable(this.#backend.name, error);
    }
  }

  async rollback(): Promise<void> {
    if (this.#broken) return;
    await this.#client!.query("rollback").catch(() => {
      this.#broken = true;
    });
  }

  /** One that somebody left in a transaction of their own is of no use to others. */
  release(): void {
    this.#client?.release(this.#broken || this.#client.getTransactionStatus() !== "I");
    this.#client = undefined;
  }
}

/** Reading once more does no harm. */
const repeatable = ({ query }: CompiledQuery): boolean => SelectQueryNode.is(query) && !query.with;
