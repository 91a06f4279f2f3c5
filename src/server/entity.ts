/**
 * Entities: state is what their events fold to. A change appends events and rewrites the entity's row in the same
 * transaction, so the row is never ahead of the events or behind them.
 */
import { type Kysely, sql, type Transaction } from "kysely";
import type { EntityKind, modules } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import type { Schema } from "./schema.ts";

export type Tx = Transaction<Schema>;
export type Query = Kysely<Schema>;

/** Who does something, and as part of what. */
export interface Context {
  readonly actor: string;
  /** Shared by everything that follows from one request. */
  readonly correlation: string;
  readonly causation?: string;
}

export interface Entity<S extends object, E extends { readonly type: string }> {
  readonly kind: EntityKind;
  readonly module: (typeof modules)[number];
  readonly table: "runs" | "jobs" | "datasets" | "experiments";
  /** What a person calls it. */
  readonly what: string;
  /** Pure. @param at when it happened, ISO 8601 */
  apply(state: S | undefined, event: E, at: string): S;
  /** Columns of its row besides id, version and state, by which it is found; nothing once it is gone for good. */
  columns(state: S): Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes `apply` from a table.
 * @param first the type of the event that begins an entity, and what it then is
 * @param steps what each other event changes; a field that becomes undefined is gone
 */
export function applying<S extends object, E extends { readonly type: string }, First extends E["type"]>(
  first: First,
  begin: (event: Omit<Extract<E, { type: First }>, "type">, at: string) => S,
  steps: { readonly [T in Exclude<E["type"], First>]: (state: S, event: Extract<E, { type: T }>, at: string) => Partial<S> },
): Entity<S, E>["apply"] {
  const table = steps as unknown as Readonly<Record<string, (state: S, event: E, at: string) => Partial<S>>>;
  return (state, event, at) => {
    if (event.type !== first) return { ...state!, ...table[event.type]!(state!, event, at) };
    const { type: _, ...data } = event;
    return begin(data as never, at);
  };
}

export interface Current<S> {
  readonly state: S;
  readonly version: number;
}

/** The channel on which every change is told: "run:<id>:<version>". */
export const CHANGES = "changes";

const dataOf = ({ type: _, ...data }: { readonly type: string }): object => data;

/**
 * Changes one entity: what `decide` returns is appended. Nothing changes if that is nothing.
 * The row is locked; two that create the same entity at once meet at the unique (entity, version), and one is run again.
 * @throws NOT_FOUND unless it exists, and what `decide` throws
 */
export async function change<S extends object, E extends { readonly type: string }>(
  tx: Tx,
  entity: Entity<S, E>,
  id: string,
  context: Context,
  decide: (state: S, version: number) => readonly E[],
): Promise<Current<S>> {
  const current = await lock(tx, entity, id);
  return append(tx, entity, id, current, decide(current.state, current.version), context);
}

/** Creates an entity. @throws what the database does when it exists: see `isDuplicate` */
export function create<S extends object, E extends { readonly type: string }>(
  tx: Tx,
  entity: Entity<S, E>,
  id: string,
  context: Context,
  events: readonly E[],
): Promise<Current<S>> {
  return append(tx, entity, id, undefined, events, context);
}

/** An entity as it is now. */
export async function find<S extends object, E extends { readonly type: string }>(
  db: Query,
  entity: Entity<S, E>,
  id: string,
): Promise<Current<S> | undefined> {
  const row = await db.selectFrom(entity.table).select(["state", "version"]).where("id", "=", id).executeTakeFirst();
  return row && { state: row.state as S, version: row.version };
}

/** @throws NOT_FOUND */
export async function get<S extends object, E extends { readonly type: string }>(db: Query, entity: Entity<S, E>, id: string): Promise<Current<S>> {
  const found = await find(db, entity, id);
  if (!found) throw fail("NOT_FOUND", { what: entity.what, id });
  return found;
}

/** An entity, held until the transaction ends. @throws NOT_FOUND */
export async function lock<S extends object, E extends { readonly type: string }>(tx: Tx, entity: Entity<S, E>, id: string): Promise<Current<S>> {
  const row = await tx.selectFrom(entity.table).select(["state", "version"]).where("id", "=", id).forUpdate().executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: entity.what, id });
  return { state: row.state as S, version: row.version };
}

async function append<S extends object, E extends { readonly type: string }>(
  tx: Tx,
  entity: Entity<S, E>,
  id: string,
  current: Current<S> | undefined,
  events: readonly E[],
  { actor, correlation, causation }: Context,
): Promise<Current<S>> {
  if (!events.length) return current!;
  const at = await now(tx);
  const first = (current?.version ?? 0) + 1;
  await tx
    .insertInto("events")
    .values(
      events.map((event, i) => ({
        kind: entity.kind,
        entity: id,
        version: first + i,
        type: event.type,
        module: entity.module,
        data: JSON.stringify(dataOf(event)),
        actor,
        correlation,
        causation: causation ?? null,
        at,
      })),
    )
    .execute();
  const state = events.reduce<S | undefined>((s, event) => entity.apply(s, event, at.toISOString()), current?.state)!;
  const version = first + events.length - 1;
  const columns = entity.columns(state);
  const row = { version, state: JSON.stringify(state), ...columns };
  if (!columns) await tx.deleteFrom(entity.table).where("id", "=", id).execute();
  else if (current) {
    await tx
      .updateTable(entity.table)
      .set(row as never)
      .where("id", "=", id)
      .execute();
  } else {
    await tx
      .insertInto(entity.table)
      .values({ id, ...row } as never)
      .execute();
  }
  await notify(tx, CHANGES, `${entity.kind}:${id}:${version}`);
  return { state, version };
}

/** Tells every server, once the transaction is committed. */
export async function notify(tx: Tx, channel: string, payload: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${payload})`.execute(tx);
}

/** The database's clock, to the millisecond: servers may disagree about the time. */
export async function now(db: Query): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db);
  return rows[0]!.now;
}

/** Whether the database refused a second one of what must be unique. */
export const isDuplicate = (error: unknown): boolean => (error as { code?: string }).code === "23505";

interface StoredEvent {
  readonly version: number;
  readonly type: string;
  readonly data: object;
  readonly at: Date;
}

/** Folds events, in order of version, to a state. */
export const fold = <S extends object, E extends { readonly type: string }>(entity: Entity<S, E>, events: readonly StoredEvent[]): S | undefined =>
  events.reduce<S | undefined>((state, { type, data, at }) => entity.apply(state, { type, ...data } as unknown as E, at.toISOString()), undefined);
