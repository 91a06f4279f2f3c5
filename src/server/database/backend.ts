/** What the two kinds of database have in common: connections of pg, errors that say a connection is gone, and notifications. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientBase, PoolClient, QueryConfig } from "pg";
import { fail, type TrainyardError } from "../../shared/errors.ts";

export type Handler = (payload: string | undefined) => void;
export type Log = (line: string) => void;

/** What the two kinds do differently. */
export interface Backend {
  readonly kind: "embedded" | "postgresql";
  readonly name: string;
  /**
   * @param patience seconds, if other than usual
   * @throws DATABASE_UNAVAILABLE when there is none for as long
   */
  connect(patience?: number): Promise<PoolClient>;
  /** Sends COMMIT. */
  commit(client: PoolClient): Promise<void>;
  /** After the connection was lost in COMMIT: was it committed? Undefined when nobody can tell. */
  committed(client: PoolClient): Promise<boolean | undefined>;
  /** Resolves when everything that was committed until now survives a power cut. */
  settled(): Promise<void>;
  listen(channel: string, handler: Handler): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** One statement. By the extended protocol also without values, as both kinds then refuse a string of several. */
export const statement = (text: string, values: unknown[] = []): QueryConfig => ({ text, values, queryMode: "extended" }) as QueryConfig;

export const swallowed = "a transaction went on after one of its queries had failed, so nothing of it was kept";

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and what Node says of sockets and names. */
const lostCodes =
  /^(08...|57P0[1235]|53300|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOENT|EADDRNOTAVAIL)$/;
/** pg's own, which have no code. */
const lostMessages = /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout)/;

/** Is the connection gone, or was there none to be had, for a reason that may pass? */
export function isLost(error: unknown): boolean {
  const { code = "", message = "", severity } = error as { code?: string; message?: string; severity?: string };
  return lostCodes.test(code) || lostMessages.test(message) || (severity === "FATAL" && !/^(28|3D)/.test(code));
}

/** Told to end before it began the statement, or while it could still be undone. */
export const wasUndone = (error: unknown): boolean => (error as { code?: string }).code === "57P01";

export const unavailable = (name: string, cause: unknown): TrainyardError =>
  fail("DATABASE_UNAVAILABLE", { name, detail: (cause as Error).message || String((cause as NodeJS.ErrnoException).code ?? cause) }, cause);

/** A connection in use tells its query when it breaks. Without this it would also end the process. */
export const outliveErrors = (client: ClientBase): void => {
  client.on("error", () => {});
};

/** Tries again while the connection is lost and the time lasts. */
export async function patiently<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (let pause = 20; ; pause = Math.min(pause * 1.5, 500)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLost(error) || Date.now() + pause > end) throw error;
    }
    await sleep(pause);
  }
}

/** Who listens to which channel, apart from the connection that brings the notifications. */
export class Subscriptions {
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add(channel: string, handler: Handler): void {
    const handlers = this.#handlers.get(channel) ?? new Set();
    this.#handlers.set(channel, handlers.add(handler));
  }

  /** @returns true when it was the last handler of the channel */
  remove(channel: string, handler: Handler): boolean {
    const handlers = this.#handlers.get(channel);
    return handlers?.delete(handler) === true && handlers.size === 0 && this.#handlers.delete(channel);
  }

  /** From now on this connection brings the notifications. */
  async attach(client: ClientBase): Promise<void> {
    client.on("notification", ({ channel, payload }) => this.#call(channel, payload ?? ""));
    for (const channel of this.#handlers.keys()) await client.query(listenTo(channel));
  }

  /** Tells all handlers that there may have been notifications which nobody brought. */
  missed(): void {
    for (const channel of this.#handlers.keys()) this.#call(channel, undefined);
  }

  #call(channel: string, payload: string | undefined): void {
    for (const handler of this.#handlers.get(channel) ?? []) {
      try {
        handler(payload);
      } catch (error) {
        this.#log(`a listener of ${channel} failed: ${(error as Error).stack}`);
      }
    }
  }
}

const quoted = (channel: string): string => `"${channel.replaceAll('"', '""')}"`;
export const listenTo = (channel: string): string => `listen ${quoted(channel)}`;
export const unlistenTo = (channel: string): string => `unlisten ${quoted(channel)}`;
