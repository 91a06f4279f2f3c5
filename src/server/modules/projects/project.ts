/** A project as an entity: what things belong to, and who may do what with them. Pure. */
import type { Role } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import { applying, Entity } from "../../entity.ts";

export interface Member {
  readonly user: string;
  readonly role: Role;
}

export interface ProjectState {
  readonly id: string;
  readonly name: string;
  readonly members: readonly Member[];
  readonly createdAt: string;
  readonly createdBy: string;
}

export type ProjectEvent =
  | ({ readonly type: "created" } & Omit<ProjectState, "createdAt">)
  | { readonly type: "renamed"; readonly name: string }
  | { readonly type: "member-set"; readonly user: string; readonly role: Role }
  | { readonly type: "member-removed"; readonly user: string };

export const projectEntity = new Entity<ProjectState, ProjectEvent>({
  kind: "project",
  module: "projects",
  table: "projects",
  project: (s) => s.id,
  apply: applying<ProjectState, ProjectEvent, "created">("created", (created, at) => ({ ...created, createdAt: at }), {
    renamed: (_, { name }) => ({ name }),
    "member-set": ({ members }, { user, role }) => ({ members: [...members.filter((one) => one.user !== user), { user, role }] }),
    "member-removed": ({ members }, { user }) => ({ members: members.filter((one) => one.user !== user) }),
  }),
  columns: (s) => ({ name: s.name, created_at: new Date(s.createdAt) }),
});

export const rename = (s: ProjectState, name: string): readonly ProjectEvent[] => (name === s.name ? [] : [{ type: "renamed", name }]);

export const setMember = ({ members }: ProjectState, user: string, role: Role): readonly ProjectEvent[] =>
  members.some((one) => one.user === user && one.role === role) ? [] : [{ type: "member-set", user, role }];

export function removeMember(s: ProjectState, user: string, name: string): readonly ProjectEvent[] {
  if (!s.members.some((one) => one.user === user)) throw fail("NOT_FOUND", { what: `member of project "${s.name}"`, id: name });
  return [{ type: "member-removed", user }];
}
