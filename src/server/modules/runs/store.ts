/** The SQL of lists of runs. */
import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { Query } from "../../entity.ts";
import { type Condition, condition, decodeCursor, encodeCursor, type Order, order, type Position } from "./query.ts";

const head = [
  "runs.id",
  "runs.project",
  "runs.number",
  "runs.name",
  "runs.status",
  "runs.task",
  "runs.dataset",
  "runs.model",
  "runs.tags",
  "runs.created_at",
  "runs.started_at",
  "runs.ended_at",
  "runs.trashed_at",
  "runs.experiment",
] as const;

export interface ListQuery {
  readonly filter?: readonly string[];
  readonly sort?: string;
  readonly limit: number;
  readonly cursor?: string;
  /** Projects to look in; nothing means all. */
  readonly visible?: readonly string[];
  readonly trash: boolean;
  readonly archived: boolean;
}

export type HeadRow = Awaited<ReturnType<typeof page>>["rows"][number];

/** So many runs are looked up by their numbers in no time. */
const FEW = 2500;

/** Runs with what they are sorted by first, then those that have no such quantity, newest first: no row is counted or skipped, however deep the page. */
export async function listRuns(db: Query, query: ListQuery, few = FEW): Promise<{ rows: HeadRow[]; next: string | null }> {
  const by = order(query.sort);
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, by);
  const which = await narrowed(db, (query.filter ?? []).map(condition), few);
  const rows: HeadRow[] = [];
  if (which.some((one) => "few" in one && one.few === "{}")) return { rows, next: null };
  if (after?.[0] !== null) rows.push(...(await page(db, query, which, by, true, after, query.limit + 1)).rows);
  if (rows.length <= query.limit && nullable(by)) {
    rows.push(...(await page(db, query, which, by, false, after?.[0] === null ? after : undefined, query.limit + 1 - rows.length)).rows);
  }
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const keyOf = (key: unknown) => (key instanceof Date ? key.toISOString() : (key as string | number | null));
  return { rows: shown, next: rows.length > query.limit && last ? encodeCursor([keyOf(last.key), last.number]) : null };
}

const nullable = ({ field }: Order): boolean => field.join !== undefined || field.type !== "number";

/** One condition: the numbers of the few runs that meet it, as PostgreSQL writes a list, or what each run has to be asked. */
type Narrowed = { readonly few: string } | { readonly test: RawBuilder<SqlBool> };

/**
 * Conditions that few runs meet become those runs' numbers, which an index alone tells. The database cannot know which do: its
 * statistics are of all parameters, or all metrics, together; so it would try run after run in the order of the list, and find none that fits.
 */
async function narrowed(db: Query, conditions: readonly Condition[], few: number): Promise<Narrowed[]> {
  const ifFew = (numbers: RawBuilder<number>) => sql<string | null>`(
    with found as materialized (select array(${numbers} limit ${few + 1}) as numbers)
    select case when cardinality(numbers) <= ${few} then numbers::text end from found)`;
  const counted = conditions.flatMap(({ numbers }, i) => (numbers ? [ifFew(numbers).as(`${i}`)] : []));
  const found: Readonly<Record<string, string | null>> = counted.length ? await db.selectNoFrom(counted).executeTakeFirstOrThrow() : {};
  return conditions.map(({ test }, i) => (found[i] ? { few: found[i] } : { test }));
}

async function page(
  db: Query,
  { trash, archived, visible }: ListQuery,
  which: readonly Narrowed[],
  by: Order,
  withKey: boolean,
  after: Position | undefined,
  limit: number,
) {
  const { join, value, type } = by.field;
  let q = db.selectFrom("runs").select(head);
  if (join && withKey) {
    const joined = sql<{ run_number: number }>`${sql.table(join.table)}`.as("j");
    q = q.innerJoin(joined, (on) => on.on(sql<SqlBool>`j.run_number = runs.number and ${join.on}`)) as unknown as typeof q;
  }
  q = q.where("runs.trashed_at", trash ? "is not" : "is", null).where("runs.experiment", archived ? "is not" : "is", null);
  if (visible)
    q = q.where(visible.length === 1 ? sql<SqlBool>`runs.project = ${visible[0]!}` : sql<SqlBool>`runs.project = any(${[...visible]}::uuid[])`);
  // The run's number and what is sorted by, both of one table, so that an index has them in this order.
  const number = sql.ref(join && withKey ? "j.run_number" : "runs.number");
  for (const one of which) q = q.where("few" in one ? sql<SqlBool>`${number} = any(${one.few}::bigint[])` : one.test);
  if (withKey) {
    const direction = by.descending ? "desc" : "asc";
    q = q.where(sql<SqlBool>`${value} is not null`);
    if (after) {
      const beyond = sql.raw(by.descending ? "<" : ">");
      const cast = sql.raw(type === "number" ? "float8" : type === "time" ? "timestamptz" : "text");
      q = q.where(
        nullable(by)
          ? sql<SqlBool>`(${value}, ${number}) ${beyond} (${after[0]}::${cast}, ${after[1]}::bigint)`
          : sql<SqlBool>`${number} ${beyond} ${after[1]}::bigint`,
      );
    }
    const sorted = q.select(sql<unknown>`${value}`.as("key")).orderBy(sql`${value}`, direction).orderBy(number, direction);
    return { rows: await sorted.limit(limit).execute() };
  }
  if (join)
    q = q.where(sql<SqlBool>`not exists (select 1 from ${sql.table(join.table)} j where j.run = runs.id and ${join.on} and ${value} is not null)`);
  else q = q.where(sql<SqlBool>`${value} is null`);
  if (after) q = q.where("runs.number", "<", after[1]);
  return { rows: await q.select(sql<unknown>`null`.as("key")).orderBy("runs.number", "desc").limit(limit).execute() };
}
