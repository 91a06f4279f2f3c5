/** Passwords: argon2id with OWASP's parameters (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html), and how often they may be tried. */
import { hash, verify } from "@node-rs/argon2";
import { sql } from "kysely";
import { fail } from "../../../shared/errors.ts";
import type { Query } from "../../entity.ts";

/** 2 is argon2id. */
const parameters = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export const hashPassword = (password: string): Promise<string> => hash(password.normalize("NFKC"), parameters);

let decoy: Promise<string> | undefined;

/** @param stored nothing where there is no such account: it takes as long as where there is one */
export async function isPassword(stored: string | null | undefined, password: string): Promise<boolean> {
  decoy ??= hashPassword("of nobody");
  const matches = await verify(stored ?? (await decoy), password.normalize("NFKC"));
  return matches && typeof stored === "string";
}

interface Limit {
  /** Failures without a wait. */
  readonly free: number;
  /** Seconds that a wait, which doubles with every failure, is at most. */
  readonly longest: number;
}

/**
 * Who guesses from one address soon waits. An account that is guessed at from many waits a minute at most, and not at all
 * for who has a session from the same address, so that nobody can lock a person out for good.
 */
const limits = {
  pair: { free: 5, longest: 900 },
  address: { free: 100, longest: 900 },
  account: { free: 20, longest: 60 },
} as const satisfies Record<string, Limit>;
/** Seconds after which failures are forgotten. */
const MEMORY = 3600;

const keysOf = (name: string | undefined, address: string): Partial<Record<keyof typeof limits, string>> => ({
  ...(name !== undefined && { pair: `pair ${name} ${address}` }),
  address: `address ${address}`,
  ...(name !== undefined && { account: `account ${name}` }),
});

/**
 * Counts an attempt as failed before it is made, so that of many at once none is free.
 * @param name nothing where it is not known before whose account it is
 * @throws TOO_MANY_ATTEMPTS
 */
export async function countAttempt(db: Query, name: string | undefined, address: string): Promise<void> {
  for (const [kind, key] of Object.entries(keysOf(name, address))) {
    if (kind === "account" && (await isKnown(db, name!, address))) continue;
    const { free, longest } = limits[kind as keyof typeof limits];
    const wait = sql`make_interval(secs => case when attempts.failures < ${free} then 0
      else least(${longest}, power(2, least(attempts.failures - ${free}, 20))) end)`;
    const { rows } = await sql`insert into attempts (key, failures, last_at) values (${key}, 1, clock_timestamp())
      on conflict (key) do update set last_at = clock_timestamp(),
        failures = case when attempts.last_at < now() - make_interval(secs => ${MEMORY}) then 1 else attempts.failures + 1 end
      where attempts.failures < ${free} or attempts.last_at + ${wait} <= clock_timestamp() returning key`.execute(db);
    if (rows.length) continue;
    const left = await sql<{ seconds: number }>`select ceil(extract(epoch from attempts.last_at + ${wait} - now()))::int as seconds
      from attempts where key = ${key}`.execute(db);
    throw fail("TOO_MANY_ATTEMPTS", { seconds: Math.max(1, left.rows[0]?.seconds ?? 1) });
  }
}

const isKnown = async (db: Query, name: string, address: string): Promise<boolean> =>
  Boolean(
    await db
      .selectFrom("sessions")
      .innerJoin("users", "users.id", "sessions.user")
      .select("users.id")
      .where("users.name", "=", name)
      .where("sessions.address", "=", address)
      .executeTakeFirst(),
  );

/** It was no failure after all. */
export async function forgiveAttempt(db: Query, name: string | undefined, address: string): Promise<void> {
  const { address: from, ...own } = keysOf(name, address);
  if (name !== undefined) await db.deleteFrom("attempts").where("key", "in", Object.values(own)).execute();
  await sql`update attempts set failures = greatest(0, failures - 1) where key = ${from}`.execute(db);
}

/** Forgets what no longer counts. */
export async function forgetAttempts(db: Query): Promise<void> {
  await sql`delete from attempts where last_at < now() - make_interval(secs => ${MEMORY})`.execute(db);
}
