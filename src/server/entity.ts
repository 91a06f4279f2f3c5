/**
 * Entities: state is what their events fold to. A change appends events and rewrites the entity's row in the same
 * transaction, so the row is never ahead of the events or behind them.
 */
import { type Kysely, type QueryCreator, sql, type Transaction } from "kysely";
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
  readonly table: "runs" | "jobs" | "datasets" | "experiments" | "shares" | "projects" | "users" | "tokens" | "servers";
  /** Pure. @param at when it happened, ISO 8601 */
  apply(state: S | undefined, event: E, at: string): S;
  /** The project it belongs to, for good; nothing for what is the platform's. */
  project(state: S): string | undefined;
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
    const { at, ...current } = await this.lock(tx, id);
    const events = decide(current.state, current.version);
    return events.length ? this.#append(tx, id, current, events, at, context) : current;
  }

  /** Creates one. Of two that create the same at once, one fails at the unique (entity, version): see `isDuplicate`. */
  async create(tx: Tx, id: string, context: Context, events: readonly E[]): Promise<Current<S>> {
    return this.#append(tx, id, undefined, events, await now(tx), context);
  }

  async find(db: Query, id: string): Promise<Current<S> | undefined> {
    const row = await db.selectFrom(this.definition.table).select(["state", "version"]).where("id", "=", id).executeTakeFirst();
    return row && { state: row.state as S, version: row.version };
  }

  /** @throws NOT_FOUND */
  async get(db: Query, id: string): Promise<Current<S>> {
    return this.#there(await this.find(db, id), id);
  }

  /**
   * One, held until the transaction ends, and the time at which it was got hold of: of changes that wait for each other,
   * the later one is told as later.
   * @throws NOT_FOUND
   */
  async lock(tx: Tx, id: string): Promise<Current<S> & { readonly at: Date }> {
    const row = await tx
      .selectFrom(this.definition.table)
      .select(["state", "version", sql<Date>`clock_timestamp()`.as("at")])
      .where("id", "=", id)
      .forUpdate()
      .executeTakeFirst();
    return this.#there(row && { state: row.state as S, version: row.version, at: row.at }, id);
  }

  /** Folds events, in order of version, to a state. */
  fold(events: readonly StoredEvent[]): S | undefined {
    const { apply } = this.definition;
    return events.reduce<S | undefined>((state, { type, data, at }) => apply(state, { type, ...data } as unknown as E, at.toISOString()), undefined);
  }

  #there<F extends Current<S>>(found: F | undefined, id: string): F {
    if (!found) throw fail("NOT_FOUND", { what: this.definition.kind, id });
    return found;
  }

  /** One statement: every round trip is time during which others wait for the row. */
  async #append(
    tx: Tx,
    id: string,
    current: Current<S> | undefined,
    events: readonly E[],
    at: Date,
    { actor, correlation, causation }: Context,
  ): Promise<Current<S>> {
    const { kind, module, table, apply, columns, project } = this.definition;
    const first = (current?.version ?? 0) + 1;
    const state = events.reduce<S | undefined>((s, event) => apply(s, event, at.toISOString()), current?.state)!;
    const told = events.map((event, i) => ({
      kind,
      entity: id,
      version: first + i,
      type: event.type,
      module,
      project: project(state) ?? null,
      data: JSON.stringify(dataOf(event)),
      actor,
      correlation,
      causation: causation ?? null,
      at,
    }));
    const version = first + events.length - 1;
    const found = columns(state);
    const row = { version, state: JSON.stringify(state), ...found } as never;
    const write = (db: QueryCreator<Schema>) => {
      if (!found) return db.deleteFrom(table).where("id", "=", id);
      if (current) return db.updateTable(table).set(row).where("id", "=", id);
      return db.insertInto(table).values({ id, ...(row as object) } as never);
    };
    await tx
      .with("told", (db) => db.insertInto("events").values(told))
      .with("written", write as never)
      .selectNoFrom(notification(CHANGES, `${kind}:${id}:${version}`))
      .execute();
    return { state, version };
  }
}

const notification = (channel: string, payload: string) => sql<void>`pg_notify(${channel}, ${payload})`.as("notified");

/** Tells every server, once the transaction is committed. */
export async function notify(tx: Tx, channel: string, payload: string): Promise<void> {
  await tx.selectNoFrom(notification(channel, payload)).execute();
}

/** The database's clock, to the millisecond: servers may disagree about the time. */
export async function now(db: Query): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db);
  return rows[0]!.now;
}

/** Whether the database refused a second one of what must be unique. */
export const isDuplicate = (error: unknown): boolean => (error as { code?: string }).code === "23505";
