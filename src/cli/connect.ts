/** How a command reaches the platform: the server that is named, the one that runs on the data directory, or one within the command itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "../shared/api/client.ts";
import { TrainyardError } from "../shared/errors.ts";
import { config } from "./config.ts";
import { interrupted } from "./interrupt.ts";
import { say } from "./output.ts";

export interface Connection {
  readonly client: Client;
  /** Whether the platform is within this command, and ends with it. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

/** A platform that was found or opened. */
interface Found {
  readonly client: Client;
  /** Opened by this command. */
  readonly close?: () => Promise<void>;
  /** It serves for its own sake: when it goes, it comes back. */
  readonly lasting?: boolean;
}

/** @param workers that an embedded platform gets: as many as the command needs */
export async function connect({ workers = 0 }: { workers?: number } = {}): Promise<Connection> {
  const named = namedServer();
  if (named) return { client: named, embedded: false, close: async () => {} };
  return steady(await locate(workers), (before) => locate(workers, before));
}

/** A server that runs already, if there is one. */
export const running = async (): Promise<Client | undefined> => namedServer() ?? (await runningHere())?.client;

/** How long to try a server that was named, in seconds: more often than not its address is wrong. */
const PATIENCE_NAMED = 5;

const namedServer = (): Client | undefined =>
  config.url ? createClient({ url: config.url, token: config.token, patience: PATIENCE_NAMED, signal: interrupted }) : undefined;

/** How long another process may take to open or close the data directory: workers write checkpoints before they end. Milliseconds. */
const PATIENCE = 30_000;
/** How long a server may take to start again. */
const ABSENCE = 20_000;

/** @param before that was lost: a server that lasts is given time to come back */
async function locate(workers: number, before?: Found): Promise<Found> {
  const began = Date.now();
  for (let told = false; ; await sleep(200, undefined, { signal: interrupted })) {
    const found = await runningHere();
    if (found) return found;
    const waited = Date.now() - began;
    if (before?.lasting && waited < ABSENCE) continue;
    try {
      return await embed(workers);
    } catch (error) {
      // Another process was faster: it will soon say where it serves. Or it is about to leave.
      if (!(error instanceof TrainyardError && error.code === "DIRECTORY_IN_USE") || waited > PATIENCE) throw error;
      if (!told && waited > 3000) say(`waiting: ${error.message}`);
      told ||= waited > 3000;
    }
  }
}

/** The server that runs on the data directory. What one that was killed has left there is passed over. */
async function runningHere(): Promise<Found | undefined> {
  try {
    const text = await readFile(join(config.home, "server.json"), "utf8");
    const { url, token, what } = JSON.parse(text) as { url: string; token?: string; what?: string };
    const answer = await fetch(new URL("/health/live", url), { signal: AbortSignal.timeout(2000) });
    const { live } = (await answer.json()) as { live?: boolean };
    if (!live) return undefined;
    return { client: createClient({ url, token, patience: 0, signal: interrupted }), lasting: what === "trainyard serve" };
  } catch {
    return undefined;
  }
}

async function embed(workers: number): Promise<Found> {
  const [{ readConfig }, { startPlatform }] = await Promise.all([import("../server/config.ts"), import("../server/platform.ts")]);
  const platform = await startPlatform(readConfig(config.environment), {
    listen: { host: "127.0.0.1", port: 0 },
    workers,
    what: `trainyard ${config.verb}`,
  });
  return { client: createClient({ url: platform.url, signal: interrupted }), close: () => platform.close() };
}

/** Answers that another try may change. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * The server on the data directory may be another command's and end with it: after any trouble the connection looks
 * which one there is now.
 */
function steady(first: Found, find: (before: Found) => Promise<Found>): Connection {
  let current = first;
  let doubtful = false;
  let looking: Promise<Found> | undefined;

  async function now(): Promise<Client> {
    if (doubtful && !current.close) {
      looking ??= find(current);
      current = await looking.finally(() => {
        looking = undefined;
      });
    }
    doubtful = false;
    return current.client;
  }

  async function insist<T>(send: (client: Client) => Promise<T>): Promise<T> {
    for (const giveUp = Date.now() + PATIENCE; ; ) {
      try {
        return await send(await now());
      } catch (error) {
        if (!(error instanceof TrainyardError && passing.has(error.status)) || Date.now() > giveUp) throw error;
        doubtful = true;
        await sleep(100, undefined, { signal: interrupted });
      }
    }
  }

  const client: Client = {
    get url() {
      return current.client.url;
    },
    call(operation, call, sending) {
      // The same key whichever server gets the request in the end, so that it creates once.
      const keyed = { idempotencyKey: crypto.randomUUID(), ...sending };
      return insist((client) => client.call(operation, call, keyed));
    },
    upload: (operation, call, content, sending) => insist((client) => client.upload(operation, call, content, sending)),
    download: (operation, call, sending) => insist((client) => client.download(operation, call, sending)),
    async *follow(operation, call, lastEventId, sending) {
      try {
        yield* (await now()).follow(operation, call, lastEventId, sending);
      } finally {
        doubtful = true; // whoever ended it, the server may be gone
      }
    },
  };
  return {
    client,
    get embedded() {
      return current.close !== undefined;
    },
    close: async () => current.close?.(),
  };
}
