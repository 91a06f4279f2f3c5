/** The behavioural log: who spoke to whom, and what it was called. Kept in batches, off the path of requests; none is dropped while the process lives. */
import type { Exchange } from "../shared/api/endpoints.ts";
import type { Query } from "./entity.ts";

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

const EVERY_MS = 250;
/** Rows of one statement: nine parameters each, of the 65,535 that the protocol allows. */
const BATCH = 1000;

export class MessageLog {
  readonly #db: Query;
  readonly #failed: (error: unknown) => void;
  #waiting: (MessageRecord & { readonly at: Date })[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(db: Query, failed: (error: unknown) => void) {
    this.#db = db;
    this.#failed = failed;
  }

  record(message: MessageRecord): void {
    this.#waiting.push({ ...message, at: new Date() });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write();
    }, EVERY_MS);
  }

  /** Writes what waits. After a failure it all still waits, and is tried again. */
  async #write(): Promise<void> {
    while (this.#waiting.length) {
      const batch = this.#waiting.slice(0, BATCH);
      try {
        await this.#db.insertInto("messages").values(batch).execute();
        this.#waiting = this.#waiting.slice(batch.length);
      } catch (error) {
        this.#failed(error);
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#writing = this.#write();
        }, 4 * EVERY_MS);
        return;
      }
    }
  }

  /** Everything recorded so far is in the database when this resolves, unless the database is away. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    this.#writing = this.#write();
    await this.#writing;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
