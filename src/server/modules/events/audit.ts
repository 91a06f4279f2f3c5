/** The platform itself as an entity: its history is what was done to it as a whole, and what was tried in vain. Pure, but for `audit`. */
import { applying, type Context, Entity } from "../../entity.ts";
import { SERVER } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";

interface ServerState {
  readonly id: string;
  readonly createdAt: string;
  /** What its configuration was at its last start, without secrets. */
  readonly configuration?: Readonly<Record<string, unknown>>;
}

export type ServerEvent =
  | { readonly type: "created"; readonly id: string }
  | { readonly type: "set-up"; readonly by: string }
  | { readonly type: "configured"; readonly configuration: Readonly<Record<string, unknown>> }
  | { readonly type: "link-made"; readonly link: string; readonly about: string }
  | { readonly type: "sign-in-failed"; readonly name: string; readonly address: string }
  | { readonly type: "sign-in-refused"; readonly name: string; readonly why: string; readonly address: string }
  | { readonly type: "exported"; readonly what: string; readonly project?: string }
  | { readonly type: "purged"; readonly runs: number; readonly datasets: number; readonly blobs: number; readonly bytes: number }
  | { readonly type: "verified"; readonly differences: number; readonly missingBlobs: number }
  | { readonly type: "object-stored"; readonly bucket: string; readonly name: string; readonly size: number }
  | { readonly type: "object-deleted"; readonly bucket: string; readonly name: string }
  | { readonly type: "keys-rotated"; readonly graceDays: number };

const nothing = () => ({});
export const serverEntity = new Entity<ServerState, ServerEvent>({
  kind: "server",
  module: "admin",
  table: "servers",
  project: () => undefined,
  apply: applying<ServerState, ServerEvent, "created">("created", (created, at) => ({ ...created, createdAt: at }), {
    "set-up": nothing,
    configured: (_, { configuration }) => ({ configuration }),
    "link-made": nothing,
    "sign-in-failed": nothing,
    "sign-in-refused": nothing,
    exported: nothing,
    purged: nothing,
    verified: nothing,
    "object-stored": nothing,
    "object-deleted": nothing,
    "keys-rotated": nothing,
  }),
  columns: () => ({}),
});

/** Records what was done to the platform as a whole. */
export async function audit({ db }: Pick<Kernel, "db">, event: ServerEvent, context: Context): Promise<void> {
  await db.transaction((tx) => serverEntity.change(tx, SERVER, context, () => [event]));
}
