/** A link by which anyone may read one run or experiment, as an entity. Its secret is no part of it. Pure. */
import { applying, Entity } from "../../entity.ts";

export interface ShareState {
  readonly id: string;
  readonly project: string;
  readonly kind: "run" | "experiment";
  readonly thing: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string;
  readonly status: "active" | "revoked";
}

export type ShareEvent = ({ readonly type: "created" } & Omit<ShareState, "createdAt" | "status">) | { readonly type: "revoked" };

export const shareEntity = new Entity<ShareState, ShareEvent>({
  kind: "share",
  module: "projects",
  table: "shares",
  project: (s) => s.project,
  apply: applying<ShareState, ShareEvent, "created">("created", (created, at) => ({ ...created, status: "active", createdAt: at }), {
    revoked: () => ({ status: "revoked" }),
  }),
  columns: (s) => ({
    project: s.project,
    thing: s.thing,
    status: s.status,
    expires_at: new Date(s.expiresAt),
    created_at: new Date(s.createdAt),
  }),
});
