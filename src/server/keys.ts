/** The keys of the server: made at first start, in the database, so that all servers on it have the same. Rotated by an administrator. */
import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { sql } from "kysely";
import type { Database } from "./database/index.ts";
import type { Query, Tx } from "./entity.ts";

const secret = async (): Promise<string> => randomBytes(32).toString("base64url");

/** What there is a key for, and how one is made. */
const purposes = {
  /** Public ids. */
  ids: secret,
  /** Download links, and what a browser keeps while it is at a provider. */
  links: secret,
  /** Tokens of jobs. */
  jobs: secret,
  /** Signs download links that a gateway verifies: a private JWK (ES256). */
  signing: async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    return JSON.stringify({ ...(await exportJWK(privateKey)), kid: randomBytes(8).toString("hex"), alg: "ES256" });
  },
} as const satisfies Record<string, () => Promise<string>>;
export type Purpose = keyof typeof purposes;

interface Key {
  readonly purpose: Purpose;
  readonly secret: string;
  readonly createdAt: Date;
  readonly retiresAt: Date | null;
}

const KEYS = "keys";
/** Keys that retire are forgotten so soon after, at the latest. */
const RELOAD_MS = 60_000;

export class Keys {
  readonly #db: Database;
  #all: readonly Key[] = [];
  #bytes: Readonly<Partial<Record<Purpose, readonly Buffer[]>>> = {};
  #stop: () => Promise<void> = async () => {};
  #timer: NodeJS.Timeout | undefined;

  private constructor(db: Database) {
    this.#db = db;
  }

  static async open(db: Database): Promise<Keys> {
    const keys = new Keys(db);
    await db.transaction(async (tx) => {
      await locked(tx);
      const there = new Set((await read(tx)).map(({ purpose }) => purpose));
      for (const purpose of Object.keys(purposes) as Purpose[]) if (!there.has(purpose)) await make(tx, purpose);
    });
    keys.#stop = await db.listen(KEYS, () => void keys.#reload().catch(() => {}));
    keys.#timer = setInterval(() => void keys.#reload().catch(() => {}), RELOAD_MS).unref();
    await keys.#reload();
    return keys;
  }

  /** Newest first. The same array until the keys change. */
  bytes(purpose: Exclude<Purpose, "signing">): readonly Buffer[] {
    return this.#bytes[purpose]!;
  }

  /** Private, newest first. */
  get signing(): readonly JWK[] {
    return this.#all.filter(({ purpose }) => purpose === "signing").map(({ secret }) => JSON.parse(secret) as JWK);
  }

  /** What may be told of them. */
  get listed(): { purpose: string; createdAt: string; retiresAt?: string }[] {
    return this.#all.map(({ purpose, createdAt, retiresAt }) => ({
      purpose,
      createdAt: createdAt.toISOString(),
      ...(retiresAt && { retiresAt: retiresAt.toISOString() }),
    }));
  }

  /** Makes new keys; all before go on opening what they closed for so many days at most. */
  async rotate(tx: Tx, graceDays: number): Promise<void> {
    await locked(tx);
    await sql`update keys set retires_at = least(retires_at, now() + make_interval(secs => ${graceDays * 86_400}))`.execute(tx);
    for (const purpose of Object.keys(purposes) as Purpose[]) await make(tx, purpose);
    await sql`select pg_notify(${KEYS}, '')`.execute(tx);
  }

  async #reload(): Promise<void> {
    const all = await read(this.#db.query);
    if (JSON.stringify(all) === JSON.stringify(this.#all)) return;
    this.#all = all;
    const bytesOf = (wanted: Purpose) => all.filter(({ purpose }) => purpose === wanted).map(({ secret }) => Buffer.from(secret, "base64url"));
    this.#bytes = { ids: bytesOf("ids"), links: bytesOf("links"), jobs: bytesOf("jobs") };
  }

  /** To have what was just rotated. */
  refresh(): Promise<void> {
    return this.#reload();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#stop();
  }
}

const locked = (tx: Tx) => sql`select pg_advisory_xact_lock(hashtext('keys'))`.execute(tx);

async function make(tx: Tx, purpose: Purpose): Promise<void> {
  await tx
    .insertInto("keys")
    .values({ purpose, secret: await purposes[purpose]() })
    .execute();
}

async function read(db: Query): Promise<Key[]> {
  const rows = await db.selectFrom("keys").selectAll().where(sql<boolean>`retires_at is null or retires_at > now()`).orderBy("id", "desc").execute();
  return rows.map(({ purpose, secret, created_at, retires_at }) => ({
    purpose: purpose as Purpose,
    secret,
    createdAt: created_at,
    retiresAt: retires_at,
  }));
}
