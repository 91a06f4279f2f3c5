/** Logs: structured by pino, one object a line, or as plain lines for people and older tools. No body, header or secret is ever logged. */
import { Writable } from "node:stream";
import { type Logger, pino } from "pino";
import type { Config } from "./config.ts";

export function createLog({ level, format }: Config["log"]): Logger {
  const options = { level, base: { pid: process.pid }, redact: ["req.headers", "*.token", "*.password"] };
  const stderr = pino.destination({ fd: 2, sync: true });
  if (format === "json") return pino(options, stderr);
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
  return pino(options, lines);
}

interface Entry {
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
export function plain({ time, level, msg = "", flow = "server", function: where = "main", requestId, correlation, err }: Entry): string {
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
