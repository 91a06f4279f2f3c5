/** An API token as an entity. Its secret is no part of it; the table keeps its hash. Pure. */
import type { Scope } from "../../../shared/api/schemas.ts";
import { applying, Entity } from "../../entity.ts";

export interface TokenState {
  readonly id: string;
  readonly name: string;
  /** Whose rights it has at most; nobody where it was made on the server's own machine. A worker's is good while its maker administers. */
  readonly user?: string;
  /** Their name. */
  readonly ownerName: string;
  readonly scope: Scope;
  readonly project?: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly status: "active" | "revoked";
}

export type TokenEvent = ({ readonly type: "created" } & Omit<TokenState, "createdAt" | "status">) | { readonly type: "revoked" };

export const tokenEntity = new Entity<TokenState, TokenEvent>({
  kind: "token",
  module: "accounts",
  table: "tokens",
  project: () => undefined,
  apply: applying<TokenState, TokenEvent, "created">("created", (created, at) => ({ ...created, status: "active", createdAt: at }), {
    revoked: () => ({ status: "revoked" }),
  }),
  columns: (s) => ({ user: s.user ?? null, status: s.status, expires_at: new Date(s.expiresAt), created_at: new Date(s.createdAt) }),
});
