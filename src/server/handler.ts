/** What a module gives the server for each operation: a function from a validated request to an answer. */
import type { Readable } from "node:stream";
import type { FastifyReply as Reply } from "fastify";
import type { endpoints, Incoming, OperationId, Outgoing } from "../shared/api/endpoints.ts";
import type { Context } from "./entity.ts";
import type { Grant } from "./gate.ts";
import type { Kernel } from "./kernel.ts";
import type { LiveMessage } from "./modules/runs/follow.ts";

export interface Asked<O extends OperationId> extends Incoming<O> {
  readonly context: Context;
  /** Who asks, and where they may. */
  readonly grant: Grant;
  /** Where from: an IP address. */
  readonly address: string;
  /** The header, with whatever cookies came. */
  readonly cookie?: string;
  /** Idempotency-Key. */
  readonly key?: string;
  readonly lastEventId?: string | null;
  /** Range of bytes that was asked for; `end` is inclusive. */
  readonly range?: { readonly start: number; readonly end?: number };
  /** The body where the endpoint takes raw bytes, and its announced length. */
  readonly upload?: AsyncIterable<Uint8Array>;
  readonly length?: number;
  /** Aborted when whoever asked is gone. */
  readonly signal: AbortSignal;
}

/** A file as an answer: always an attachment of fixed type. */
export interface Download {
  readonly body: Readable;
  /** Of the whole. */
  readonly size: number;
  readonly filename: string;
}

type Answer<O extends OperationId> = (typeof endpoints)[O] extends { readonly content: infer C }
  ? C extends "stream"
    ? Download | { readonly location: string }
    : C extends "events"
      ? AsyncGenerator<LiveMessage>
      : C extends "jsonl"
        ? AsyncGenerator<string>
        : C extends "redirect"
          ? { readonly location: string }
          : C extends "picture"
            ? Uint8Array
            : string
  : Outgoing<O>;

export type Handler<O extends OperationId> = (kernel: Kernel, asked: Asked<O>, reply: Reply) => Promise<Answer<O>> | Answer<O>;
export type { Reply };
export type Handlers<O extends OperationId> = { readonly [K in O]: Handler<K> };
