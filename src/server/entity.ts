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

export interface Definition<S extends object, E extends { readonly type: string }> {
  readonly kind: EntityKind;
  readonly module: (typeof modules)[number];
  readonly table: "runs" | "jobs" | "datasets" | "experiments";
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
): Definition<S, E>["apply"] {
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

interface StoredEvent {
  readonly version: number;
  readonly type: string;
  readonly data: object;
  readonly at: Date;
}

/** The channel on which every change is told: "run:<id>:<version>". */
export const CHANGES = "changes";

const dataOf = ({ type: _, ...data }: { readonly type: string }): object => data;

/** A kind of entity: its definition, and the ways in which one is created, changed and read. */
export class Entity<S extends object, E extends { readonly type: string }> {
  readonly definition: Definition<S, E>;

  constructor(definition: Definition<S, E>) {
    this.definition = definition;
  }

  /**
   * Changes one: what `decide` returns is appended. Nothing changes if that is nothing. The row is locked.
   * @throws NOT_FOUND unless it exists, and what `decide` throws
   */
  async change(tx: Tx, id: string, context: Context, decide: (state: S, version: number) => readonly E[]): Promise<Current<S>> {
    const current = await this.lock(tx, id);
    return this.#append(tx, id, current, decide(current.state, current.version), context);
  }

  /** Creates one. Of two that create the same at once, one fails at the unique (entity, version): see `isDuplicate`. */
  create(tx: Tx, id: string, context: Context, events: readonly E[]): Promise<Current<S>> {
    return this.#append(tx, id, undefined, events, context);
  }

  async find(db: Query, id: string): Promise<Current<S> | undefined> {
    const row = await db.selectFrom(this.definition.table).select(["state", "version"]).where("id", "=", id).executeTakeFirst();
    return row && { state: row.state as S, version: row.version };
  }

  /** @throws NOT_FOUND */
  async get(db: Query, id: string): Promise<Current<S>> {
    return this.#there(await this.find(db, id), id);
  }

  /** One, held until the transaction ends. @throws NOT_FOUND */
  async lock(tx: Tx, id: string): Promise<Current<S>> {
    const row = await tx.selectFrom(this.definition.table).select(["state", "version"]).where("id", "=", id).forUpdate().executeTakeFirst();
    return this.#there(row && { state: row.state as S, version: row.version }, id);
  }

  /** Folds events, in order of version, to a state. */
  fold(events: readonly StoredEvent[]): S | undefined {
    const { apply } = this.definition;
    return events.reduce<S | undefined>((state, { type, data, at }) => apply(state, { type, ...data } as unknown as E, at.toISOString()), undefined);
  }

  #there(found: Current<S> | undefined, id: string): Current<S> {
    if (!found) throw fail("NOT_FOUND", { what: this.definition.kind, id });
    return found;
  }

  async #append(
    tx: Tx,
    id: string,
    current: Current<S> | undefined,
    events: readonly E[],
    { actor, correlation, causation }: Context,
  ): Promise<Current<S>> {
    if (!events.length) return current!;
    const { kind, module, table, apply, columns } = this.definition;
    const at = await now(tx);
    const first = (current?.version ?? 0) + 1;
    const told = events.map((event, i) => ({
      kind,
      entity: id,
      version: first + i,
      type: event.type,
      module,
      data: JSON.stringify(dataOf(event)),
      actor,
      correlation,
      causation: causation ?? null,
      at,
    }));
    await tx.insertInto("events").values(told).execute();
    const state = events.reduce<S | undefined>((s, event) => apply(s, event, at.toISOString()), current?.state)!;
    const version = first + events.length - 1;
    const found = columns(state);
    const row = { version, state: JSON.stringify(state), ...found } as never;
    if (!found) await tx.deleteFrom(table).where("id", "=", id).execute();
    else if (current) await tx.updateTable(table).set(row).where("id", "=", id).execute();
    else
      await tx
        .insertInto(table)
        .values({ id, ...(row as object) } as never)
        .execute();
    await notify(tx, CHANGES, `${kind}:${id}:${version}`);
    return { state, version };
  }
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
