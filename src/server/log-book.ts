/** The last lines of this server's log, in memory, for administrators to read: so many, and so many characters, at most. */
import { type LogLevel, type LogLine, logLevels } from "../shared/api/schemas.ts";
import type { LogEntry } from "./logging.ts";

const MOST_LINES = 5000;
const MOST_CHARACTERS = 2 * 2 ** 20;
/** Characters of one text: a longer one would push all others out. */
const LONGEST = 16_384;

export interface LogQuery {
  /** The least grave. */
  readonly level: LogLevel;
  readonly text?: string;
  /** Only lines after this one, oldest first; else the newest. */
  readonly after?: number;
  readonly limit: number;
}

interface Kept {
  readonly line: LogLine;
  readonly gravity: number;
  /** Of all its texts, in small letters. */
  readonly found: string;
}

const clipped = (text: string | undefined): string | undefined => text && (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

export class LogBook {
  /** Number of the newest line. */
  last = 0;
  #kept: Kept[] = [];
  #characters = 0;

  /** @param json one line */
  write(json: string): void {
    const { time, level, msg = "", flow = "server", function: where, requestId, correlation, err } = JSON.parse(json) as LogEntry;
    // Levels of pino are 10, 20, 30, …
    const gravity = Math.min(Math.max(Math.floor(level / 10) - 1, 0), logLevels.length - 1);
    const line: LogLine = {
      seq: ++this.last,
      at: new Date(time).toISOString(),
      level: logLevels[gravity]!,
      flow,
      function: where,
      message: clipped(msg)!,
      error: clipped(err?.stack ?? err?.message),
      requestId,
      correlation,
    };
    const found = [flow, where, line.message, line.error, requestId, correlation].filter(Boolean).join("\n").toLowerCase();
    this.#kept.push({ line, gravity, found });
    this.#characters += found.length;
    while (this.#kept.length > MOST_LINES || this.#characters > MOST_CHARACTERS) this.#characters -= this.#kept.shift()!.found.length;
  }

  read({ level, text, after, limit }: LogQuery): LogLine[] {
    const least = logLevels.indexOf(level);
    const wanted = text?.toLowerCase();
    const lines = this.#kept
      .filter(({ line, gravity, found }) => gravity >= least && line.seq > (after ?? 0) && (wanted === undefined || found.includes(wanted)))
      .map(({ line }) => line);
    return after === undefined ? lines.slice(-limit) : lines.slice(0, limit);
  }
}
