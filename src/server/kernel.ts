/** What the modules stand on. Made once by `platform.ts`. */
import type { Logger } from "pino";
import type { Blobs } from "../storage/blobs.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { Buckets } from "./buckets.ts";
import type { Config } from "./config.ts";
import type { Database } from "./database/index.ts";
import type { Context } from "./entity.ts";
import type { Identity } from "./identity.ts";
import type { Ids } from "./ids.ts";
import type { Keys } from "./keys.ts";
import type { Live } from "./live.ts";
import type { LogBook } from "./log-book.ts";
import type { Aggregator, MessageLog } from "./messages.ts";
import type { Predictor } from "./predictor.ts";
import type { Telemetry } from "./telemetry.ts";
import type { Things } from "./things.ts";
import type { Tickets } from "./tickets.ts";

export interface Kernel {
  readonly config: Config;
  readonly db: Database;
  readonly store: ObjectStore;
  readonly blobs: Blobs;
  /** Those that people browse: none is the platform's own store. */
  readonly buckets: Buckets;
  readonly live: Live;
  readonly messages: MessageLog;
  readonly predictor: Predictor;
  readonly telemetry: Telemetry;
  readonly log: Logger;
  readonly logBook: LogBook;
  readonly keys: Keys;
  readonly ids: Ids;
  readonly things: Things;
  readonly identity: Identity;
  readonly tickets: Tickets;
  /** Where people reach the server: for links. Known once it listens. */
  address(): string;
}

/** One module tells another through a queue: a sent record and a received one, as both are in this process. */
export function tell(
  { messages }: Pick<Kernel, "messages">,
  queue: Aggregator,
  source: string,
  destination: string,
  payload: string,
  { correlation }: Context,
): void {
  const record = { aggregator: queue, source, destination, mode: "async", payload, correlation } as const;
  messages.record({ ...record, direction: "send" });
  messages.record({ ...record, direction: "receive" });
}
