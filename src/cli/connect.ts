/** How a command reaches the platform: the server that is named, the one that runs on the data directory, or one within the command itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "../shared/api/client.ts";
import { TrainyardError } from "../shared/errors.ts";
import { config } from "./config.ts";
import { interrupted } from "./interrupt.ts";

export interface Connection {
  readonly client: Client;
  /** Whether the platform is within this command, and ends with it. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

/** @param workers that an embedded platform gets: as many as the command needs */
export async function connect({ workers = 0 }: { workers?: number } = {}): Promise<Connection> {
  const named = namedServer();
  if (named) return named;
  let current = await locate(workers);
  // The server on the data directory may be another command's and end with it: after any trouble, see which one there is now.
  let doubtful = false;
  let looking: Promise<Connection> | undefined;
  const now = async (): Promise<Client> => {
    if (doubtful && !current.embedded) {
      looking ??= locate(workers).finally(() => {
        looking = undefined;
      });
      current = await looking;
    }
    doubtful = false;
    return current.client;
  };
  const steadily = async <T>(send: (client: Client) => Promise<T>): Promise<T> => {
    for (const giveUp = Date.now() + PATIENCE; ; ) {
      try {
        return await send(await now());
      } catch (error) {
        if (!(error instanceof TrainyardError && passing.has(error.status)) || Date.now() > giveUp) throw error;
        doubtful = true;
        await sleep(100, undefined, { signal: interrupted });
      }
    }
  };
  /** The same key whichever server gets the request in the end, so that it creates once. */
  const keyed = <S extends { idempotencyKey?: string }>(sending = {} as S): S => ({ idempotencyKey: crypto.randomUUID(), ...sending });
  const client: Client = {
    get url() {
      return current.client.url;
    },
    call: (operation, call, sending) => {
      const same = keyed(sending);
      return steadily((client) => client.call(operation, call, same));
    },
    upload: (operation, call, content, sending) => steadily((client) => client.upload(operation, call, content, sending)),
    download: (operation, call, sending) => steadily((client) => client.download(operation, call, sending)),
    async *follow(operation, call, lastEventId, sending) {
      try {
        yield* (await now()).follow(operation, call, lastEventId, sending);
      } finally {
        doubtful = true;
      }
    },
  };
  return {
    client,
    get embedded() {
      return current.embedded;
    },
    close: () => current.close(),
  };
}

/** A server that runs already, if there is one. */
export const running = async (): Promise<Connection | undefined> => namedServer() ?? (await runningHere());

/** How long to look for a server that is about to come or go, in milliseconds. */
const PATIENCE = 10_000;
/** How long to try a server that was named, in seconds: more often than not its address is wrong. */
const PATIENCE_NAMED = 5;
/** Answers that another try may change. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const remote = (url: string, token: string | undefined, patience: number): Connection => ({
  client: createClient({ url, token, patience, signal: interrupted }),
  embedded: false,
  close: async () => {},
});

const namedServer = (): Connection | undefined => (config.url ? remote(config.url, config.token, PATIENCE_NAMED) : undefined);

async function locate(workers: number): Promise<Connection> {
  for (const giveUp = Date.now() + PATIENCE; ; await sleep(200, undefined, { signal: interrupted })) {
    const found = await runningHere();
    if (found) return found;
    try {
      return await embed(workers);
    } catch (error) {
      // Another process was faster: it will soon say where it serves. Or it is about to leave.
      if (!(error instanceof TrainyardError && error.code === "DIRECTORY_IN_USE") || Date.now() > giveUp) throw error;
    }
  }
}

/** The server that runs on the data directory. What one that was killed has left there is passed over. */
async function runningHere(): Promise<Connection | undefined> {
  try {
    const { url, token } = JSON.parse(await readFile(join(config.home, "server.json"), "utf8")) as { url: string; token?: string };
    const answer = await fetch(new URL("/health/live", url), { signal: AbortSignal.timeout(2000) });
    const { live } = (await answer.json()) as { live?: boolean };
    return live ? remote(url, token, 0) : undefined;
  } catch {
    return undefined;
  }
}

async function embed(workers: number): Promise<Connection> {
  const [{ readConfig }, { startPlatform }] = await Promise.all([import("../server/config.ts"), import("../server/platform.ts")]);
  const platform = await startPlatform(readConfig(config.environment), {
    listen: { host: "127.0.0.1", port: 0 },
    workers,
    what: `trainyard ${config.verb}`,
  });
  return { client: createClient({ url: platform.url, signal: interrupted }), embedded: true, close: () => platform.close() };
}
