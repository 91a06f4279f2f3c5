/** What the process of a job writes, sent to the server line by line. However much that is, it keeps nobody waiting: what is too much is counted and left out. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobLine } from "../shared/api/schemas.ts";
import { printable } from "../shared/errors.ts";

/** Lines of one call. */
const MOST_SENT = 500;
/** Lines that wait to be sent. */
const MOST_WAITING = 1000;
/** Characters of a line. */
const MOST_LENGTH = 2000;
const INTERVAL_MS = 1000;
/** How long the end of a job waits for its last lines. */
const LAST_MS = 3000;

type Send = (first: number, lines: JobLine[]) => Promise<void>;

export class JobLog {
  readonly #send: Send;
  #waiting: JobLine[] = [];
  /** What came of the line that is not complete yet. */
  #open = "";
  #leftOut = 0;
  #sent = 0;
  #sending?: Promise<void>;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Takes what was written, in whatever pieces it comes. */
  hear(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#take(this.#open + text.slice(from, Math.min(end, from + MOST_LENGTH)));
      this.#open = "";
      from = end + 1;
    }
    this.#open = (this.#open + text.slice(from, from + MOST_LENGTH)).slice(0, MOST_LENGTH);
  }

  /** Resolves when all that was written is sent, or it takes too long. */
  async end(): Promise<void> {
    if (this.#open) this.#take(this.#open);
    this.#open = "";
    const late = new AbortController();
    await Promise.race([this.#all(), sleep(LAST_MS, undefined, { signal: late.signal, ref: false }).catch(() => {})]);
    late.abort();
  }

  #take(line: string): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#leftOut++;
      return;
    }
    const text = printable(line.trimEnd()).slice(0, MOST_LENGTH);
    if (text) this.#waiting.push({ at: new Date().toISOString(), text });
    this.#sending ??= sleep(INTERVAL_MS, undefined, { ref: false })
      .then(() => this.#all())
      .finally(() => {
        this.#sending = undefined;
      });
  }

  async #all(): Promise<void> {
    while (this.#waiting.length || this.#leftOut) {
      const lines = this.#waiting.splice(0, MOST_SENT);
      if (this.#leftOut && lines.length < MOST_SENT) {
        lines.push({ at: new Date().toISOString(), text: `… ${this.#leftOut} lines were left out` });
        this.#leftOut = 0;
      }
      const first = this.#sent;
      this.#sent += lines.length;
      // A log that cannot be told is no reason to fail.
      await this.#send(first, lines).catch(() => {});
      if (this.#waiting.length) await sleep(INTERVAL_MS, undefined, { ref: false });
    }
  }
}
