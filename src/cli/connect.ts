/** How a command reaches the platform: the server that is named, the one that runs on the data directory, or one within the command itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "../shared/api/client.ts";
import { type Call, type Endpoint, endpoints, type OperationId } from "../shared/api/endpoints.ts";
import { fail, TrainyardError } from "../shared/errors.ts";
import { config } from "./config.ts";
import { sessionAt } from "./credentials.ts";
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

/**
 * @param workers that an embedded platform gets: as many as the command needs
 * @param project that requests are about, where they can be about one
 */
export async function connect({ workers = 0, project = config.project }: { workers?: number; project?: string } = {}): Promise<Connection> {
  const named = await namedServer();
  if (named) return { client: within(project, named), embedded: false, close: async () => {} };
  return steady(await locate(workers), (before) => locate(workers, before), project);
}

/** A server that runs already, if there is one. */
export const running = async (): Promise<Client | undefined> => (await namedServer()) ?? (await runningHere())?.client;

/** How long to try a server that was named, in seconds: more often than not its address is wrong. */
export const PATIENCE_NAMED = 5;

async function namedServer(): Promise<Client | undefined> {
  const { url } = config;
  if (url === undefined) return undefined;
  return createClient({ url, token: config.token ?? (await sessionAt(url))?.token, patience: PATIENCE_NAMED, signal: interrupted });
}

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

/** The server that runs on the data directory. Who owns the directory owns the server, unless they signed in there as somebody. */
async function runningHere(): Promise<Found | undefined> {
  const { url, lasting } = (await serverHere()) ?? {};
  if (url === undefined) return undefined;
  const token = (await sessionAt(url))?.token ?? (await readFile(join(config.home, "machine-token"), "utf8").catch(() => undefined));
  return { client: createClient({ url, token, patience: 0, signal: interrupted }), lasting };
}

/** Where the server on the data directory is reached. */
export const urlHere = async (): Promise<string | undefined> => (await serverHere())?.url;

/** What one that was killed has left there is passed over: its address may be somebody else's by now. */
async function serverHere(): Promise<{ url: string; lasting: boolean } | undefined> {
  let url = "";
  try {
    const found = JSON.parse(await readFile(join(config.home, "server.json"), "utf8")) as { url: string; pid: number; what?: string };
    url = found.url;
    if (!isAlive(found.pid)) return undefined;
    const answer = await fetch(new URL("/health/live", url), { signal: AbortSignal.timeout(2000) });
    const { live } = (await answer.json()) as { live?: boolean };
    return live ? { url, lasting: found.what === "trainyard serve" } : undefined;
  } catch (error) {
    const { code = "", message = "" } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (!/CERT|SIGNATURE/.test(code)) return undefined;
    const detail = `its certificate is not trusted here (${message}): name who signed it, NODE_EXTRA_CA_CERTS=file.pem, and the server as the certificate does, TRAINYARD_URL=https://…`;
    throw fail("SERVER_UNREACHABLE", { url, detail }, error);
  }
}

/** Also of another user. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function embed(workers: number): Promise<Found> {
  const [{ readConfig }, { startPlatform }] = await Promise.all([import("../server/config.ts"), import("../server/platform.ts")]);
  const platform = await startPlatform(readConfig(config.environment), {
    listen: { host: "127.0.0.1", port: 0 },
    workers,
    lasting: false,
    what: `trainyard ${config.verb}`,
  });
  return { client: createClient({ url: platform.localUrl, token: platform.machineToken, signal: interrupted }), close: () => platform.close() };
}

/** Answers that another try may change. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * The server on the data directory may be another command's and end with it: after any trouble the connection looks
 * which one there is now.
 */
function steady(first: Found, find: (before: Found) => Promise<Found>, project: string | undefined): Connection {
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
    client: within(project, client),
    get embedded() {
      return current.close !== undefined;
    },
    close: async () => current.close?.(),
  };
}

/** The client that names the project in each request that takes one. */
function within(project: string | undefined, client: Client): Client {
  if (project === undefined) return client;
  const named = <O extends OperationId>(operation: O, call: Call<O>): Call<O> => {
    const { query = {} } = call as { query?: object };
    return "project" in ((endpoints[operation] as Endpoint).query?.shape ?? {}) ? { ...call, query: { project, ...query } } : call;
  };
  return {
    get url() {
      return client.url;
    },
    call: (operation, call, sending) => client.call(operation, named(operation, call), sending),
    upload: (operation, call, content, sending) => client.upload(operation, named(operation, call), content, sending),
    download: (operation, call, sending) => client.download(operation, named(operation, call), sending),
    follow: (operation, call, lastEventId, sending) => client.follow(operation, named(operation, call), lastEventId, sending),
  };
}
