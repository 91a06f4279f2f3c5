/** Who asks: by a token, by the cookie of a session, or nobody. What the database says of them is kept for seconds, and forgotten when it changes. */
import type { IncomingHttpHeaders } from "node:http";
import { sql } from "kysely";
import type { Role, Scope } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import type { Database } from "./database/index.ts";
import type { Keys } from "./keys.ts";
import type { Live } from "./live.ts";
import { equal, hashOf, prefixes, readJobToken } from "./secrets.ts";

export interface Person {
  readonly kind: "person";
  /** As events tell it. */
  readonly name: string;
  /** Of the account; none where the machine's owner has none. */
  readonly id?: string;
  readonly role: Role;
  /** `machine`: by the token that lies in the data directory for who owns it. */
  readonly by: "session" | "token" | "machine";
  readonly scope?: Scope;
  /** The one project that its token opens. */
  readonly only?: string;
  /** What the person is in which project. */
  readonly projects: ReadonlyMap<string, Role>;
  /** The session or token. */
  readonly hash?: string;
}

export type Actor =
  | { readonly kind: "nobody"; readonly name: "nobody" }
  | Person
  | { readonly kind: "worker"; readonly name: "worker" }
  | { readonly kind: "job"; readonly name: "worker"; readonly job: string; readonly fence: number }
  | { readonly kind: "share"; readonly name: "share"; readonly thing: string; readonly project: string };

export interface Secrets {
  /** Opens the worker protocol. */
  readonly workerToken: string;
  /** Opens everything to who owns the server's data directory. */
  readonly machineToken: string;
}

const nobody: Actor = { kind: "nobody", name: "nobody" };
const worker: Actor = { kind: "worker", name: "worker" };
/** Who owns the machine, or the data directory, is above all accounts. */
export const owner: Person = { kind: "person", name: "owner", role: "admin", by: "machine", projects: new Map() };

/** What was found is believed for so long, should the word of a change be lost. */
const BELIEVED_MS = 5000;
const MOST = 10_000;
/** A token's last use is written down at most this often. */
const USED_MS = 60_000;

export class Identity {
  readonly #db: Database;
  readonly #keys: Keys;
  readonly #secrets: Secrets;
  readonly #cookie: RegExp;
  readonly #known = new Map<string, { readonly actor: Actor; readonly until: number }>();
  readonly #used = new Map<string, number>();
  /** How often everything was forgotten: what was looked up before is not remembered after. */
  #forgotten = 0;
  readonly #watchers = new Set<(user?: string) => void>();
  readonly #off: () => void;

  constructor({ db, keys, live }: { db: Database; keys: Keys; live: Live }, secrets: Secrets, cookie: string) {
    this.#db = db;
    this.#keys = keys;
    this.#secrets = secrets;
    // No other secret counts where a browser would send it by itself.
    this.#cookie = new RegExp(`(?:^|; ?)${cookie}=(${prefixes.session}[\\w-]{1,200})(?:;|$)`);
    const offs = [live.onKinds(["user"], (id) => this.forget(id)), live.onKinds(["token", "project", "share"], () => this.forget())];
    this.#off = () => {
      for (const off of offs) off();
    };
  }

  /** @throws UNAUTHENTICATED for a token that is not, or no longer, valid */
  async who({ authorization, cookie }: IncomingHttpHeaders): Promise<Actor> {
    if (authorization !== undefined) {
      const [, token] = /^Bearer (\S{1,500})$/.exec(authorization) ?? [];
      const actor = token === undefined ? undefined : await this.#bearer(token);
      if (!actor) throw fail("UNAUTHENTICATED", { detail: "the token is not valid" });
      return actor;
    }
    const [, session] = this.#cookie.exec(cookie ?? "") ?? [];
    // A session that has ended is none: whoever has its cookie may sign in again.
    return (session && (await this.#bearer(session))) || nobody;
  }

  /** Rights may have changed: those of a user, or anyone's. */
  forget(user?: string): void {
    this.#forgotten++;
    if (user === undefined) this.#known.clear();
    else for (const [hash, { actor }] of this.#known) if (actor.kind === "person" && actor.id === user) this.#known.delete(hash);
    for (const tell of this.#watchers) tell(user);
  }

  /** Calls back when rights may have changed, until the returned function is called. */
  onForget(changed: (user?: string) => void): () => void {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  }

  close(): void {
    this.#off();
  }

  async #bearer(secret: string): Promise<Actor | undefined> {
    const { workerToken, machineToken } = this.#secrets;
    if (secret.startsWith(prefixes.job)) {
      const claim = readJobToken(this.#keys.bytes("jobs"), secret);
      return claim && { kind: "job", name: "worker", ...claim };
    }
    const find = finders.find(([prefix]) => secret.startsWith(prefix));
    if (!find) return equal(secret, machineToken) ? owner : equal(secret, workerToken) ? worker : undefined;
    const hash = hashOf(secret);
    const now = Date.now();
    const known = this.#known.get(hash);
    if (known && known.until > now) return this.#seen(known.actor, hash, now);
    const forgotten = this.#forgotten;
    const actor = await find[1](this.#db, hash);
    if (!actor) return undefined;
    if (this.#known.size >= MOST) this.#known.clear();
    if (forgotten === this.#forgotten) this.#known.set(hash, { actor, until: now + BELIEVED_MS });
    return this.#seen(actor, hash, now);
  }

  #seen(actor: Actor, hash: string, now: number): Actor {
    if (actor.kind !== "person" || actor.by !== "token" || now - (this.#used.get(hash) ?? 0) < USED_MS) return actor;
    if (this.#used.size >= MOST) this.#used.clear();
    this.#used.set(hash, now);
    void this.#db.query
      .updateTable("tokens")
      .set({ last_used_at: sql`now()` })
      .where("hash", "=", hash)
      .execute()
      .catch(() => {}); // the next use is written down again
    return actor;
  }
}

type Find = (db: Database, hash: string) => Promise<Actor | undefined>;

/** By how a secret begins. */
const finders: readonly (readonly [prefix: string, find: Find])[] = [
  [prefixes.session, findSession],
  [prefixes.token, findToken],
  [prefixes.share, findShare],
];

interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly projects: Readonly<Record<string, Role>> | null;
}

/** A user's columns, with their role in each project. */
const userColumns = sql`u.id, u.name, u.role, (select json_object_agg(p.id, m ->> 'role')
  from projects p, jsonb_array_elements(p.state -> 'members') m where m ->> 'user' = u.id::text) as projects`;

const personOf = ({ id, name, role, projects }: UserRow, rest: Pick<Person, "by" | "hash" | "scope" | "only">): Person => ({
  kind: "person",
  id,
  name,
  role,
  projects: new Map(Object.entries(projects ?? {})),
  ...rest,
});

async function findSession({ query }: Database, hash: string): Promise<Actor | undefined> {
  const { rows } = await sql<UserRow>`select ${userColumns} from sessions s join users u on u.id = s."user"
    where s.hash = ${hash} and s.expires_at > now() and u.status = 'active'`.execute(query);
  return rows[0] && personOf(rows[0], { by: "session", hash });
}

async function findToken({ query }: Database, hash: string): Promise<Actor | undefined> {
  const { rows } = await sql<{ state: { scope: Scope; project?: string }; user: string | null } & UserRow>`
    select t.state, t."user", ${userColumns} from tokens t left join users u on u.id = t."user"
    where t.hash = ${hash} and t.status = 'active' and t.expires_at > now() and (u.id is null or u.status = 'active')`.execute(query);
  const [row] = rows;
  if (!row) return undefined;
  const { scope, project: only } = row.state;
  // Who made it has to be an administrator still.
  if (scope === "work") return !row.user || row.role === "admin" ? worker : undefined;
  const rest = { by: "token", hash, scope, only } as const;
  return row.user ? personOf(row, rest) : { ...owner, ...rest };
}

async function findShare({ query }: Database, hash: string): Promise<Actor | undefined> {
  const { rows } = await sql<{ thing: string; project: string }>`
    select thing, project from shares where hash = ${hash} and status = 'active' and expires_at > now()`.execute(query);
  return rows[0] && { kind: "share", name: "share", ...rows[0] };
}
