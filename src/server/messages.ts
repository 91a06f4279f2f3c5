/** The behavioural log: who spoke to whom, and what it was called. Kept in batches, off the path of requests; none is dropped while the process lives. */
import { sql } from "kysely";
import type { Exchange } from "../shared/api/endpoints.ts";
import type { Database } from "./database/index.ts";

/** A module's mailbox, or one of the queues between modules. */
export type Aggregator = Exchange["aggregator"] | "run-record" | "run-update" | "experiment-record";

export interface MessageRecord {
  readonly aggregator: Aggregator;
  readonly source: string;
  readonly destination: string;
  readonly direction: "send" | "receive";
  readonly mode: "sync" | "async";
  readonly payload: string;
  readonly correlation: string;
}

type Waiting = MessageRecord & { readonly at: Date };

const columns: Readonly<Record<keyof Waiting, "text" | "timestamptz">> = {
  aggregator: "text",
  source: "text",
  destination: "text",
  direction: "text",
  mode: "text",
  payload: "text",
  correlation: "text",
  at: "timestamptz",
};
const names = Object.keys(columns) as (keyof Waiting)[];

const EVERY_MS = 250;
/** Rows of one statement. */
const BATCH = 1000;

/** A list a column instead of a parameter a value: thousands of those cost the server and the database more than the requests they tell of. */
const insert = (batch: readonly Waiting[]) => sql`
  insert into messages (${sql.join(names.map((name) => sql.ref(name)))})
  select * from unnest(${sql.join(names.map((name) => sql`${batch.map((message) => message[name])}::${sql.raw(columns[name])}[]`))})`;

export class MessageLog {
  readonly #db: Pick<Database, "transaction">;
  readonly #failed: (error: unknown) => void;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(db: Pick<Database, "transaction">, failed: (error: unknown) => void) {
    this.#db = db;
    this.#failed = failed;
  }

  record(message: MessageRecord): void {
    this.#waiting.push({ ...message, at: new Date() });
    this.#soon(EVERY_MS);
  }

  /** Everything recorded so far is in the database when this resolves, unless the database is away. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Never two at once: both would take the same records.
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Flushes for the last time. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  #soon(ms: number): void {
    if (!this.#closed) this.#timer ??= setTimeout(() => this.flush(), ms);
  }

  /** Writes what waits. After a failure it all still waits, and is tried again. */
  async #write(): Promise<void> {
    while (this.#waiting.length) {
      const batch = this.#waiting.slice(0, BATCH);
      try {
        // A transaction finds out whether it was committed when the answer got lost: no record comes twice.
        await this.#db.transaction((tx) => insert(batch).execute(tx));
      } catch (error) {
        this.#failed(error);
        return this.#soon(4 * EVERY_MS);
      }
      this.#waiting = this.#waiting.slice(batch.length);
    }
  }
}
