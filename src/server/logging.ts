/** Logs: structured by pino, one object a line, or as plain lines for people and older tools. No body, header or secret is ever logged. */
import { Writable } from "node:stream";
import { type Level, type Logger, pino } from "pino";
import type { Config } from "./config.ts";

/** What administrators can read is at least this, whatever goes to stderr. */
const KEPT = "info";

/** @param book is given each line too, as JSON */
export function createLog({ level, format }: Config["log"], book: Writer): Logger {
  const values: Readonly<Record<string, number>> = { ...pino.levels.values, silent: Number.POSITIVE_INFINITY };
  const least = values[level]! < values[KEPT]! ? level : KEPT;
  const options = { level: least, base: { pid: process.pid }, redact: ["req.headers", "*.token", "*.password"] };
  const stderr = pino.destination({ fd: 2, sync: true });
  const both = (stream: Writer) =>
    pino.multistream([
      { level: level as Level, stream },
      { level: least as Level, stream: book },
    ]);
  if (format === "json") return pino(options, both(stderr));
  const lines = new Writable({
    write(chunk: Buffer, _, done) {
      stderr.write(
        chunk
          .toString()
          .trimEnd()
          .split("\n")
          .map((line) => `${plain(JSON.parse(line))}\n`)
          .join(""),
      );
      done();
    },
  });
  return pino(options, both(lines));
}

interface Writer {
  write(line: string): unknown;
}

/** A line as pino writes it. */
export interface LogEntry {
  readonly time: number;
  readonly level: number;
  readonly msg?: string;
  readonly flow?: string;
  readonly function?: string;
  readonly requestId?: string;
  readonly correlation?: string;
  readonly err?: { readonly message: string; readonly stack?: string };
}

const two = (n: number): string => String(n).padStart(2, "0");

/** `| DATE: DD/MM/YYYY | TIME: HH:MM:SS | [ FLOW @ FUNCTION ] …`, in local time. */
export function plain({ time, level, msg = "", flow = "server", function: where = "main", requestId, correlation, err }: LogEntry): string {
  const d = new Date(time);
  const date = `${two(d.getDate())}/${two(d.getMonth() + 1)}/${d.getFullYear()}`;
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const name = pino.levels.labels[level]?.toUpperCase() ?? "";
  const ids = [requestId && `request ${requestId}`, correlation && correlation !== requestId && `correlation ${correlation}`]
    .filter(Boolean)
    .join(", ");
  const what = [name, msg, err && (level >= 50 ? (err.stack ?? err.message) : err.message), ids && `(${ids})`].filter(Boolean).join(" ");
  return `| DATE: ${date} | TIME: ${clock} | [ ${flow.toUpperCase()} @ ${where} ] ${what}`;
}
