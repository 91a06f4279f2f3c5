/** What people do with projects: make them, choose who is in them, share what lies in them by links. */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { z } from "zod";
import type { newShare, Project, Role, Share, sharedThing } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import { type Context, isDuplicate, type Query, type Tx } from "../../entity.ts";
import { roleIn } from "../../gate.ts";
import type { Person } from "../../identity.ts";
import type { Kernel } from "../../kernel.ts";
import { hashOf, newSecret } from "../../secrets.ts";
import { userOf } from "../accounts/find.ts";
import { type ProjectState, projectEntity, removeMember, rename, setMember } from "./project.ts";
import { type ShareState, shareEntity } from "./share.ts";

/** @param ids nothing means all */
export async function projectNames(db: Query, ids?: readonly string[]): Promise<{ id: string; name: string }[]> {
  return db
    .selectFrom("projects")
    .select(["id", "name"])
    .$if(ids !== undefined, (q) => q.where(sql<boolean>`id = any(${[...(ids ?? [])]}::uuid[])`))
    .orderBy("name")
    .execute();
}

async function present({ db }: Pick<Kernel, "db">, actor: Person, states: readonly ProjectState[]): Promise<Project[]> {
  const users = [...new Set(states.flatMap(({ members }) => members.map(({ user }) => user)))];
  const rows = await db.query.selectFrom("users").select(["id", "name"]).where(sql<boolean>`id = any(${users}::uuid[])`).execute();
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return states.map(({ id, name, createdAt, createdBy, members }) => ({
    id,
    name,
    createdAt,
    createdBy,
    role: roleIn(actor, id) ?? "viewer",
    members: members.map(({ user, role }) => ({ user, name: names.get(user) ?? "", role })),
  }));
}

export async function listProjects(kernel: Kernel, actor: Person): Promise<Project[]> {
  const rows = await kernel.db.query.selectFrom("projects").select("state").orderBy("name").execute();
  const states = rows.map(({ state }) => state as unknown as ProjectState);
  return present(
    kernel,
    actor,
    states.filter(({ id }) => roleIn(actor, id) !== undefined),
  );
}

export async function getProject(kernel: Kernel, actor: Person, id: string): Promise<Project> {
  return (await present(kernel, actor, [(await projectEntity.get(kernel.db.query, id)).state]))[0]!;
}

const taken = (name: string) => (error: unknown) => {
  throw isDuplicate(error) ? fail("NAME_TAKEN", { what: "project", name }) : error;
};

export async function createProject(kernel: Kernel, actor: Person, name: string, context: Context): Promise<Project> {
  const id = randomUUID();
  const members = actor.id ? [{ user: actor.id, role: "admin" as const }] : [];
  await kernel.db
    .transaction((tx) => projectEntity.create(tx, id, context, [{ type: "created", id, name, members, createdBy: context.actor }]))
    .catch(taken(name));
  kernel.identity.forget();
  // Who made it is its administrator from now on, whatever was known of them when they asked.
  return getProject(kernel, { ...actor, projects: new Map([...actor.projects, [id, "admin" as const]]) }, id);
}

async function change(
  kernel: Kernel,
  actor: Person,
  id: string,
  context: Context,
  decide: Parameters<typeof projectEntity.change>[3],
): Promise<Project> {
  await kernel.db.transaction((tx) => projectEntity.change(tx, id, context, decide));
  kernel.identity.forget();
  return getProject(kernel, actor, id);
}

export const editProject = (kernel: Kernel, actor: Person, id: string, name: string, context: Context): Promise<Project> =>
  change(kernel, actor, id, context, (s) => rename(s, name)).catch(taken(name));

export async function putMember(kernel: Kernel, actor: Person, id: string, user: string, role: Role, context: Context): Promise<Project> {
  const member = await userOf(kernel.db.query, user);
  return change(kernel, actor, id, context, (s) => setMember(s, member.id, role));
}

export async function dropMember(kernel: Kernel, actor: Person, id: string, user: string, context: Context): Promise<Project> {
  const member = await userOf(kernel.db.query, user);
  return change(kernel, actor, id, context, (s) => removeMember(s, member.id, member.name));
}

export async function addMember(tx: Tx, project: string, user: string, role: Role, context: Context): Promise<void> {
  await projectEntity.change(tx, project, context, (s) => setMember(s, user, role));
}

// --- sharing ---

const presentShare = ({ id, kind, thing, createdAt, createdBy, expiresAt }: ShareState): Share => ({
  id,
  kind,
  thing,
  createdAt,
  createdBy,
  expiresAt,
});

export async function share(
  kernel: Kernel,
  { kind, thing, project, days }: Pick<ShareState, "kind" | "thing" | "project"> & { days: number },
  context: Context,
): Promise<z.infer<typeof newShare>> {
  const id = randomUUID();
  const secret = newSecret("share");
  const expiresAt = new Date(Date.now() + days * 86_400_000).toISOString();
  const { state } = await kernel.db.transaction(async (tx) => {
    const made = await shareEntity.create(tx, id, context, [{ type: "created", id, project, kind, thing, createdBy: context.actor, expiresAt }]);
    await tx
      .updateTable("shares")
      .set({ hash: hashOf(secret) })
      .where("id", "=", id)
      .execute();
    return made;
  });
  return { share: presentShare(state), secret, url: `${kernel.address()}/shared#${secret}` };
}

/** @throws LINK_USED_UP */
export async function lookAtShare({ db }: Kernel, secret: string): Promise<z.infer<typeof sharedThing>> {
  const row = await db.query
    .selectFrom("shares")
    .select("state")
    .where("hash", "=", hashOf(secret))
    .where("status", "=", "active")
    .where("expires_at", ">", sql<Date>`now()`)
    .executeTakeFirst();
  if (!row) throw fail("LINK_USED_UP", {});
  const { kind, thing, expiresAt } = row.state as unknown as ShareState;
  return { kind, thing, expiresAt };
}

export async function listShares({ db }: Kernel, visible: readonly string[] | undefined): Promise<Share[]> {
  const rows = await db.query
    .selectFrom("shares")
    .select("state")
    .where("status", "=", "active")
    .where("expires_at", ">", sql<Date>`now()`)
    .$if(visible !== undefined, (q) => q.where(sql<boolean>`project = any(${[...(visible ?? [])]}::uuid[])`))
    .orderBy("created_at", "desc")
    .execute();
  return rows.map(({ state }) => presentShare(state as unknown as ShareState));
}

export async function revokeShare(kernel: Kernel, id: string, context: Context): Promise<void> {
  await kernel.db.transaction((tx) => shareEntity.change(tx, id, context, (s) => (s.status === "active" ? [{ type: "revoked" }] : [])));
  kernel.identity.forget();
}
