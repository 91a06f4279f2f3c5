/** What people do with accounts: sign in and out, use links, make tokens; and what administrators do with people. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import type { z } from "zod";
import type { LinkKind, linkView, Me, newToken, Role, Scope, secretLink, signedIn, Token, User } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import type { Config } from "../../config.ts";
import { type Context, isDuplicate, type Query, type Tx } from "../../entity.ts";
import type { Person } from "../../identity.ts";
import { DEFAULT_PROJECT, SERVER } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";
import { hashOf, newSecret } from "../../secrets.ts";
import { audit, serverEntity } from "../events/audit.ts";
import { addMember, projectNames } from "../projects/service.ts";
import { userOf } from "./find.ts";
import { countAttempt, forgiveAttempt, hashPassword, isPassword } from "./passwords.ts";
import { type TokenState, tokenEntity } from "./token.ts";
import { edit, type Subject, type UserEvent, type UserState, userEntity } from "./user.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Seconds that a session lasts. */
const SESSION = 14 * DAY;
/** Seconds that a link can be used. */
const lifetimes: Readonly<Record<LinkKind, number>> = { setup: HOUR, invitation: 7 * DAY, reset: DAY };

const inSeconds = (seconds: number): Date => new Date(Date.now() + 1000 * seconds);

/** Where the set-up link lies for who owns the data directory. */
export const setupFile = ({ home }: Pick<Config, "home">): string => join(home, "setup-link");

const present = ({ id, name, role, status, createdAt, lastLoginAt }: UserState): User => ({ id, name, role, state: status, createdAt, lastLoginAt });

// --- signing in ---

export interface SignedIn extends z.infer<typeof signedIn> {
  /** For the cookie, or the answer. */
  readonly secret: string;
}

async function openSession(tx: Tx, user: string, address: string): Promise<{ secret: string; expiresAt: string }> {
  const secret = newSecret("session");
  const expires_at = inSeconds(SESSION);
  await tx
    .insertInto("sessions")
    .values({ hash: hashOf(secret), user, expires_at, address })
    .execute();
  await sql`delete from sessions where expires_at < now()`.execute(tx);
  return { secret, expiresAt: expires_at.toISOString() };
}

/** @throws BAD_CREDENTIALS in the same words and time whatever was wrong, TOO_MANY_ATTEMPTS */
export async function signIn(
  kernel: Kernel,
  { name, password }: { name: string; password: string },
  address: string,
  context: Context,
): Promise<SignedIn> {
  const { db } = kernel;
  const asked = name.toLowerCase();
  await countAttempt(db.query, asked, address);
  const row = await db.query.selectFrom("users").select(["id", "status", "password"]).where("name", "=", asked).executeTakeFirst();
  const right = await isPassword(row?.password, password);
  if (!row || !right || row.status !== "active") {
    const nobody = { ...context, actor: "anonymous" };
    if (row) await db.transaction((tx) => userEntity.change(tx, row.id, nobody, () => [{ type: "sign-in-failed", address }]));
    else await audit(kernel, { type: "sign-in-failed", name: asked.slice(0, 100), address }, nobody);
    throw fail("BAD_CREDENTIALS", {});
  }
  await forgiveAttempt(db.query, asked, address);
  return enter(kernel, row.id, "password", address, context);
}

/** Opens a session of a user who has shown who they are. */
async function enter(
  { db }: Kernel,
  id: string,
  how: Extract<UserEvent, { type: "signed-in" }>["how"],
  address: string,
  context: Context,
): Promise<SignedIn> {
  return db.transaction(async (tx) => {
    const { state: before } = await userEntity.lock(tx, id);
    if (before.status !== "active") throw fail("BAD_CREDENTIALS", {}); // closed since it was looked at
    const { state } = await userEntity.change(tx, id, { ...context, actor: before.name }, () => [{ type: "signed-in", how, address }]);
    return { user: present(state), ...(await openSession(tx, id, address)) };
  });
}

interface Newcomer {
  /** What the account is called. */
  readonly name: string;
  /** Under which name they may have been invited. */
  readonly invited: string;
  /** What they become; `none`: what their invitation says, and nothing without one. */
  readonly role: Role | "none";
}

/**
 * An account that signs in elsewhere: found by who it is there, never by a name; made when it is new.
 * @throws SIGN_IN_REFUSED
 */
export async function enterBySubject(kernel: Kernel, subject: Subject, wanted: Newcomer, address: string, context: Context): Promise<SignedIn> {
  const { db } = kernel;
  const found = async () =>
    (
      await sql<{ id: string; status: string }>`select id, status from users
        where state -> 'subject' ->> 'issuer' = ${subject.issuer} and state -> 'subject' ->> 'id' = ${subject.id}`.execute(db.query)
    ).rows[0];
  let row = await found();
  if (!row) {
    const failed: unknown = await db
      .transaction((tx) => admitSubject(tx, subject, wanted, context))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    row = await found(); // of two that come at once, the other may have made it
    if (!row && !isDuplicate(failed)) throw failed;
    if (!row)
      throw fail("SIGN_IN_REFUSED", {
        why: `the name "${wanted.role === "none" ? wanted.invited : wanted.name}" is another account's here`,
        fix: "Sign in with name and password if the account is yours; else ask an administrator.",
      });
  }
  if (row.status !== "active") throw fail("SIGN_IN_REFUSED", { why: "the account is disabled", fix: "Ask an administrator to enable it." });
  return enter(kernel, row.id, "provider", address, context);
}

async function admitSubject(tx: Tx, subject: Subject, { name, invited, role }: Newcomer, context: Context): Promise<void> {
  if (role !== "none") {
    await createUser(tx, { name, role, subject }, "provider", { ...context, actor: name });
    return;
  }
  // Who uses the same invitation by its link waits, or went before.
  await serverEntity.lock(tx, SERVER);
  const open = await tx
    .deleteFrom("links")
    .where("kind", "=", "invitation")
    .where(sql`data ->> 'name'`, "=", invited)
    .where("expires_at", ">", sql<Date>`now()`)
    .returning(["data", "created_at"])
    .execute();
  const [last] = open.sort((a, b) => b.created_at.getTime() - a.created_at.getTime());
  if (!last)
    throw fail("SIGN_IN_REFUSED", {
      why: `nobody has invited "${invited}"`,
      fix: `Ask an administrator for an invitation under exactly the name "${invited}", then sign in again.`,
    });
  const given = last.data as LinkData;
  await createUser(tx, { name: invited, role: given.role!, project: given.project, subject }, "invitation", { ...context, actor: invited });
}

export async function signOut(kernel: Kernel, { id, hash, by }: Person, everywhere: boolean, context: Context): Promise<void> {
  if (!id || by !== "session") throw noAccount("signed out");
  await kernel.db.transaction(async (tx) => {
    const ended = tx.deleteFrom("sessions").where("user", "=", id);
    await (everywhere ? ended : ended.where("hash", "=", hash!)).execute();
    await userEntity.change(tx, id, context, () => [{ type: "signed-out", everywhere }]);
  });
  kernel.identity.forget();
}

export async function changePassword(
  kernel: Kernel,
  { id, hash, name }: Person,
  { current, password }: { current: string; password: string },
  address: string,
  context: Context,
): Promise<void> {
  const { db } = kernel;
  if (!id) throw noAccount("given a password");
  await countAttempt(db.query, name, address);
  const row = await db.query.selectFrom("users").select("password").where("id", "=", id).executeTakeFirst();
  if (!(await isPassword(row?.password, current))) throw fail("BAD_CREDENTIALS", {});
  await forgiveAttempt(db.query, name, address);
  const hashed = await hashPassword(password);
  await db.transaction(async (tx) => {
    await setPassword(tx, id, hashed, "change", context);
    await tx
      .deleteFrom("sessions")
      .where("user", "=", id)
      .where("hash", "!=", hash ?? "")
      .execute();
  });
  kernel.identity.forget();
}

const noAccount = (verb: string) =>
  fail("WRONG_STATE", { what: "the owner of the machine", state: "no account", verb, want: "an account, signed in with a password," });

async function setPassword(
  tx: Tx,
  id: string,
  hashed: string,
  how: Extract<UserEvent, { type: "password-set" }>["how"],
  context: Context,
): Promise<void> {
  await userEntity.change(tx, id, context, () => [{ type: "password-set", how }]);
  await tx.updateTable("users").set({ password: hashed }).where("id", "=", id).execute();
  await sql`delete from links where kind = 'reset' and data ->> 'user' = ${id}`.execute(tx);
}

// --- links ---

interface LinkData {
  /** Of an invitation. */
  readonly role?: Role;
  readonly project?: string;
  readonly name?: string;
  /** Of a reset. */
  readonly user?: string;
}

/** A link that works once. Its secret is in the fragment, which browsers send to nobody. */
async function makeLink(
  tx: Tx,
  kernel: Pick<Kernel, "address">,
  kind: LinkKind,
  data: LinkData,
  context: Context,
): Promise<z.infer<typeof secretLink>> {
  const secret = newSecret("link");
  const expires_at = inSeconds(lifetimes[kind]);
  await sql`delete from links where expires_at < now()`.execute(tx);
  await tx
    .insertInto("links")
    .values({ hash: hashOf(secret), kind, data: JSON.stringify(data), expires_at })
    .execute();
  await serverEntity.change(tx, SERVER, context, () => [{ type: "link-made", link: kind, about: data.name ?? data.role ?? "" }]);
  return { url: `${kernel.address()}/join#${secret}`, expiresAt: expires_at.toISOString() };
}

/** The link that makes the first administrator, where there is none yet; those before it no longer do. */
export async function setupLink(kernel: Kernel, context: Context): Promise<z.infer<typeof secretLink> | undefined> {
  return kernel.db.transaction(async (tx) => {
    await serverEntity.lock(tx, SERVER);
    if (await countAdministrators(tx)) return undefined;
    await tx.deleteFrom("links").where("kind", "=", "setup").execute();
    return makeLink(tx, kernel, "setup", { role: "admin", project: DEFAULT_PROJECT }, context);
  });
}

const countAdministrators = async (db: Query, but = SERVER): Promise<number> => {
  const { n } = await db
    .selectFrom("users")
    .select(({ fn }) => fn.countAll<number>().as("n"))
    .where("role", "=", "admin")
    .where("status", "=", "active")
    .where("id", "!=", but)
    .executeTakeFirstOrThrow();
  return Number(n);
};

const findLink = (db: Query, secret: string) =>
  db.selectFrom("links").selectAll().where("hash", "=", hashOf(secret)).where("expires_at", ">", sql<Date>`now()`);

const usedUp = () => fail("LINK_USED_UP", {});

export async function lookAtLink({ db }: Kernel, secret: string): Promise<z.infer<typeof linkView>> {
  const link = await findLink(db.query, secret).executeTakeFirst();
  if (!link) throw usedUp();
  const { role, name, user } = link.data as LinkData;
  const of = user ? (await userEntity.get(db.query, user)).state.name : name;
  return { kind: link.kind, name: of, role, expiresAt: link.expires_at.toISOString() };
}

/** Of many who use a link at once, one does. */
export async function useLink(
  kernel: Kernel,
  { link: secret, name, password }: { link: string; name?: string; password: string },
  address: string,
  context: Context,
): Promise<SignedIn> {
  const { db } = kernel;
  if (!(await findLink(db.query, secret).executeTakeFirst())) throw usedUp(); // before the work of a hash
  const hashed = await hashPassword(password);
  const id = await db.transaction(async (tx) => {
    await serverEntity.lock(tx, SERVER);
    const link = await findLink(tx, secret).forUpdate().executeTakeFirst();
    if (!link) throw usedUp();
    await tx
      .deleteFrom("links")
      .where(link.kind === "setup" ? "kind" : "hash", "=", link.kind === "setup" ? "setup" : link.hash)
      .execute();
    const data = link.data as LinkData;
    if (link.kind === "reset") {
      const { name: actor, status } = (await userEntity.get(tx, data.user!)).state;
      if (status !== "active") throw usedUp();
      await setPassword(tx, data.user!, hashed, "reset", { ...context, actor });
      await tx.deleteFrom("sessions").where("user", "=", data.user!).execute();
      return data.user!;
    }
    const chosen = data.name ?? name;
    if (chosen === undefined) throw fail("BAD_PARAMETER", { where: "the account", name: "name", want: "the name to sign in with", got: "missing" });
    const own = { ...context, actor: chosen };
    const id = await createUser(tx, { name: chosen, role: data.role!, project: data.project }, link.kind, own);
    await setPassword(tx, id, hashed, link.kind, own);
    if (link.kind === "setup") {
      await serverEntity.change(tx, SERVER, own, () => [{ type: "set-up", by: chosen }]);
      await rm(setupFile(kernel.config), { force: true });
    }
    return id;
  });
  kernel.identity.forget();
  return enter(kernel, id, "link", address, context);
}

interface NewUser {
  readonly name: string;
  readonly role: Role;
  readonly subject?: Subject;
  /** Where they become a member, in their role. */
  readonly project?: string;
}

async function createUser(
  tx: Tx,
  { name, role, subject, project = DEFAULT_PROJECT }: NewUser,
  how: Extract<UserEvent, { type: "created" }>["how"],
  context: Context,
): Promise<string> {
  const there = await tx.selectFrom("users").select("id").where("name", "=", name).executeTakeFirst();
  if (there && !subject) throw fail("NAME_TAKEN", { what: "user", name });
  const id = randomUUID();
  await userEntity.create(tx, id, context, [{ type: "created", id, name, role, subject, how }]);
  // Who administers the platform is above all projects; should they no longer, they are one who trains there.
  await addMember(tx, project, id, role === "admin" ? "trainer" : role, context);
  return id;
}

// --- people ---

export async function listUsers({ db }: Kernel): Promise<User[]> {
  const rows = await db.query.selectFrom("users").select("state").orderBy("name").execute();
  return rows.map(({ state }) => present(state as unknown as UserState));
}

export async function inviteUser(
  kernel: Kernel,
  { role, project, name }: { role: Role; project?: string; name?: string },
  context: Context,
): Promise<z.infer<typeof secretLink>> {
  const into = project === undefined ? DEFAULT_PROJECT : await kernel.things.project(project);
  if (!into) throw fail("NOT_FOUND", { what: "project", id: project! });
  if (name && (await kernel.db.query.selectFrom("users").select("id").where("name", "=", name).executeTakeFirst()))
    throw fail("NAME_TAKEN", { what: "user", name });
  return kernel.db.transaction((tx) => makeLink(tx, kernel, "invitation", { role, project: into, name }, context));
}

export async function editUser(kernel: Kernel, ref: string, changes: { role?: Role; disabled?: boolean }, context: Context): Promise<User> {
  const { id } = await userOf(kernel.db.query, ref);
  const user = await kernel.db.transaction(async (tx) => {
    // One at a time: of two administrators who demote each other, one stays.
    await serverEntity.lock(tx, SERVER);
    const others = await countAdministrators(tx, id);
    const { state } = await userEntity.change(tx, id, context, (s) => edit(s, changes, others));
    if (state.status === "disabled") await tx.deleteFrom("sessions").where("user", "=", id).execute();
    return state;
  });
  kernel.identity.forget();
  return present(user);
}

export async function resetPassword(kernel: Kernel, ref: string, context: Context): Promise<z.infer<typeof secretLink>> {
  const { id, name } = await userOf(kernel.db.query, ref);
  return kernel.db.transaction((tx) => makeLink(tx, kernel, "reset", { user: id, name }, context));
}

export async function whoAmI({ db }: Kernel, actor: Person): Promise<Me> {
  const { name, role, scope, by, only, projects } = actor;
  const names = await projectNames(db.query, actor.role === "admin" ? undefined : [...projects.keys()]);
  const shown = names.filter(({ id }) => only === undefined || id === only);
  return {
    name,
    role,
    scope,
    by,
    projects: shown.map(({ id, name }) => ({ project: id, name, role: role === "admin" ? "admin" : projects.get(id)! })),
  };
}

// --- tokens ---

const presentToken = (s: TokenState, lastUsedAt: Date | null): Token => ({
  id: s.id,
  name: s.name,
  owner: s.ownerName,
  scope: s.scope,
  project: s.project,
  createdAt: s.createdAt,
  expiresAt: s.expiresAt,
  lastUsedAt: lastUsedAt?.toISOString(),
});

/** Whether someone administers the platform, with what they show: a token of one project does not. */
const administers = ({ role, only }: Person): boolean => role === "admin" && only === undefined;
/** Whether a token is someone's to see and to end: their own, and with a token of one project those of that project. */
const isTheirs = (who: Person, { user, project }: TokenState): boolean =>
  administers(who) || (user === who.id && (who.only === undefined || project === who.only));

export async function listTokens({ db }: Kernel, who: Person): Promise<Token[]> {
  let q = db.query.selectFrom("tokens").select(["state", "last_used_at"]).where("status", "=", "active").where("expires_at", ">", sql<Date>`now()`);
  if (!administers(who)) q = q.where("user", "is not distinct from", who.id ?? null);
  const rows = (await q.orderBy("created_at", "desc").execute()).map((row) => ({ ...row, state: row.state as unknown as TokenState }));
  return rows.filter(({ state }) => isTheirs(who, state)).map(({ state, last_used_at }) => presentToken(state, last_used_at));
}

/** A token has at most the rights of who makes it, now and later. */
export async function createToken(
  kernel: Kernel,
  maker: Person,
  { name, scope, project, days }: { name: string; scope: Scope; project?: string; days: number },
  context: Context,
): Promise<z.infer<typeof newToken>> {
  // The queue is of all projects.
  if (scope === "work" && (!administers(maker) || project !== undefined))
    throw fail("FORBIDDEN", { actor: maker.name, action: "make tokens for workers" });
  const only = project === undefined ? maker.only : await kernel.things.project(project);
  const unseen = only !== undefined && maker.role !== "admin" && !maker.projects.has(only);
  if ((project !== undefined && !only) || unseen || (maker.only !== undefined && only !== maker.only))
    throw fail("NOT_FOUND", { what: "project", id: project! });
  const secret = newSecret("token");
  const id = randomUUID();
  const expiresAt = inSeconds(days * DAY).toISOString();
  const { state } = await kernel.db.transaction(async (tx) => {
    const made = await tokenEntity.create(tx, id, context, [
      { type: "created", id, name, user: maker.id, ownerName: maker.name, scope, project: only, expiresAt },
    ]);
    await tx
      .updateTable("tokens")
      .set({ hash: hashOf(secret) })
      .where("id", "=", id)
      .execute();
    return made;
  });
  return { token: presentToken(state, null), secret };
}

export async function revokeToken(kernel: Kernel, who: Person, id: string, context: Context): Promise<void> {
  await kernel.db.transaction(async (tx) => {
    const { state } = await tokenEntity.get(tx, id);
    if (!isTheirs(who, state)) throw fail("NOT_FOUND", { what: "token", id });
    await tokenEntity.change(tx, id, context, (s) => (s.status === "active" ? [{ type: "revoked" }] : []));
  });
  kernel.identity.forget();
}
