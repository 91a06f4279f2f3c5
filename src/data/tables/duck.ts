/** DuckDB for one import: bounded memory, a folder to spill to, stopped by a signal, results as typed arrays. */
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";

/** Megabytes that DuckDB may hold of a table at once. Its readers and writers, and what is on its way through us, take some 350 MB besides. */
const MEMORY = 200;
/** Files that are larger are kept on disk while they are worked on. */
const IN_MEMORY_BYTES = 256 * 2 ** 20;
const SMALL_MEMORY = 500;
const MOST_THREADS = 8;
const TOLD_EVERY = 250; // ms
/** Of wide tables each column beyond the usual ones may take so many megabytes more. */
const [USUAL_COLUMNS, COLUMN_MEMORY] = [200, 0.4];
/** Columns of which facts are asked for in one query. */
const ASKED_AT_ONCE = 24;

export class Duck {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #megabytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #stop: () => void;
  readonly #besides: Duck[] = [];

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, megabytes: number, signal: AbortSignal | undefined) {
    this.#instance = instance;
    this.#connection = connection;
    this.#megabytes = megabytes;
    this.#signal = signal;
    this.#stop = () => connection.interrupt();
    signal?.addEventListener("abort", this.#stop);
  }

  /** @param bytes of the files that are to be read: what is small stays in memory */
  static async open(directory: string, bytes: number, signal?: AbortSignal): Promise<Duck> {
    const { DuckDBInstance } = await import("@duckdb/node-api"); // 60 ms: only when a table is read
    await mkdir(`${directory}/spill`, { recursive: true });
    const small = bytes < IN_MEMORY_BYTES;
    const megabytes = small ? SMALL_MEMORY : MEMORY;
    const instance = await DuckDBInstance.create(small ? ":memory:" : `${directory}/work.duckdb`, {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      memory_limit: `${megabytes}MB`,
      threads: String(Math.min(MOST_THREADS, availableParallelism())),
      temp_directory: `${directory}/spill`,
      preserve_insertion_order: "true",
    });
    return new Duck(instance, await instance.connect(), megabytes, signal);
  }

  /** Another connection to the same database, for work at the same time. Closes with this one. */
  async beside(): Promise<Duck> {
    const duck = new Duck(this.#instance, await this.#instance.connect(), this.#megabytes, this.#signal);
    this.#besides.push(duck);
    return duck;
  }

  /** Removes what databases in a folder left there. */
  static async clear(directory: string): Promise<void> {
    for (const name of ["spill", "work.duckdb", "work.duckdb.wal"]) await rm(`${directory}/${name}`, { recursive: true, force: true });
  }

  /** The rows of a small result. */
  async rows(sql: string): Promise<unknown[][]> {
    return this.#watched(async () => (await this.#connection.run(sql)).getRowsJS());
  }

  /**
   * Facts of a table, one row in all: an expression, or some with commas between them, for each of its columns. Asked for some columns
   * at a time: planning takes the square of what is asked at once, and counting distinct values some megabytes for each.
   * @param from what stands behind FROM; for the columns from the first up to the end
   */
  async facts(expressions: readonly string[], from: string | ((first: number, end: number) => string)): Promise<unknown[]> {
    const facts: unknown[] = [];
    for (let i = 0; i < expressions.length; i += ASKED_AT_ONCE) {
      const end = i + ASKED_AT_ONCE;
      const source = typeof from === "string" ? from : from(i, end);
      const [row = []] = await this.rows(`SELECT ${expressions.slice(i, end).join(", ")} FROM ${source}`);
      facts.push(...row);
    }
    return facts;
  }

  /** The rows of a small result, by the names of its columns. */
  async objects(sql: string): Promise<Record<string, unknown>[]> {
    return this.#watched(async () => (await this.#connection.run(sql)).getRowObjectsJS());
  }

  /** @param told hears a few times a second which share is done */
  async run(sql: string, told?: (share: number) => void): Promise<void> {
    const timer = told && setInterval(() => told(Math.max(0, this.#connection.progress.percentage / 100)), TOLD_EVERY);
    await this.#watched(() => this.#connection.run(sql)).finally(() => clearInterval(timer));
  }

  /** Chunks of some thousand rows, in memory one at a time. */
  async *chunks(sql: string): AsyncGenerator<DuckDBDataChunk> {
    const result = await this.#watched(() => this.#connection.stream(sql));
    for (;;) {
      const chunk = await this.#watched(() => result.fetchChunk());
      if (!chunk || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  /** Allows for the chunks of a wide table: some thousand rows of every column, several times over. */
  async allowFor(columns: number): Promise<void> {
    const more = Math.ceil(Math.max(0, columns - USUAL_COLUMNS) * COLUMN_MEMORY);
    if (more) await this.run(`SET memory_limit = '${this.#megabytes + more}MB'`);
  }

  close(): void {
    for (const duck of [...this.#besides, this]) duck.#leave();
    this.#instance.closeSync();
  }

  #leave(): void {
    this.#signal?.removeEventListener("abort", this.#stop);
    this.#connection.closeSync();
  }

  async #watched<T>(work: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (this.#signal?.aborted) throw this.#signal.reason;
      throw error;
    }
  }
}

/** A column of numbers without NULLs as it lies in memory: the package shows it cell by cell only, which takes a hundred times as long. */
export const itemsOf = <A extends Int8Array | Float32Array | Int32Array | BigInt64Array>(chunk: DuckDBDataChunk, column: number): A =>
  (chunk.getColumnVector(column) as unknown as { readonly items: A }).items;

/** Text as a literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const literals = (texts: readonly string[]): string => `[${texts.map(literal).join(", ")}]`;
/** A name as an identifier. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** A path as a literal: absolute, never taken for an address, a wildcard in brackets stands for itself. */
export const pathLiteral = (path: string): string => literal(resolve(path).replace(/[*?[]/g, "[$&]"));
