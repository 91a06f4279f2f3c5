/** An account as an entity. Its password is no part of it: events are read by many and kept for good. Pure. */
import type { Role } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import { applying, Entity } from "../../entity.ts";

/** Who someone is at an OpenID Connect provider. */
export interface Subject {
  readonly issuer: string;
  readonly id: string;
}

export interface UserState {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly status: "active" | "disabled";
  readonly subject?: Subject;
  readonly createdAt: string;
  readonly lastLoginAt?: string;
}

export type UserEvent =
  | ({ readonly type: "created"; readonly how: "setup" | "invitation" | "provider" } & Pick<UserState, "id" | "name" | "role" | "subject">)
  | { readonly type: "role-set"; readonly role: Role }
  | { readonly type: "disabled" }
  | { readonly type: "enabled" }
  | { readonly type: "password-set"; readonly how: "setup" | "invitation" | "reset" | "change" }
  | { readonly type: "signed-in"; readonly how: "password" | "link" | "provider"; readonly address: string }
  | { readonly type: "sign-in-failed"; readonly address: string }
  | { readonly type: "signed-out"; readonly everywhere: boolean };

const nothing = () => ({});
export const userEntity = new Entity<UserState, UserEvent>({
  kind: "user",
  module: "accounts",
  table: "users",
  project: () => undefined,
  apply: applying<UserState, UserEvent, "created">("created", ({ how: _, ...created }, at) => ({ ...created, status: "active", createdAt: at }), {
    "role-set": (_, { role }) => ({ role }),
    disabled: () => ({ status: "disabled" }),
    enabled: () => ({ status: "active" }),
    "password-set": nothing,
    "signed-in": (_, __, at) => ({ lastLoginAt: at }),
    "sign-in-failed": nothing,
    "signed-out": nothing,
  }),
  columns: (s) => ({ name: s.name, role: s.role, status: s.status, created_at: new Date(s.createdAt) }),
});

/** @param others how many other active administrators there are: the last one stays */
export function edit(s: UserState, { role, disabled }: { role?: Role; disabled?: boolean }, others: number): readonly UserEvent[] {
  const events: UserEvent[] = [];
  if (role && role !== s.role) events.push({ type: "role-set", role });
  if (disabled === true && s.status === "active") events.push({ type: "disabled" });
  if (disabled === false && s.status === "disabled") events.push({ type: "enabled" });
  const loses = s.role === "admin" && s.status === "active" && ((role && role !== "admin") || disabled);
  if (loses && others === 0)
    throw fail("WRONG_STATE", {
      what: `user "${s.name}"`,
      state: "the last administrator",
      verb: "demoted or disabled",
      want: "not the last administrator",
    });
  return events;
}
