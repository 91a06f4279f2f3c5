/** The SQL of lists of runs. */
import { type SqlBool, sql } from "kysely";
import type { Query } from "../../entity.ts";
import { condition, decodeCursor, encodeCursor, type Order, order, type Position } from "./query.ts";

const head = [
  "runs.id",
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
  readonly trash: boolean;
  readonly archived: boolean;
}

export type HeadRow = Awaited<ReturnType<typeof page>>["rows"][number];

/** Runs with what they are sorted by first, then those that have no such quantity, newest first: no row is counted or skipped, however deep the page. */
export async function listRuns(db: Query, query: ListQuery): Promise<{ rows: HeadRow[]; next: string | null }> {
  const by = order(query.sort);
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, by);
  const conditions = (query.filter ?? []).map(condition);
  const rows: HeadRow[] = [];
  if (after?.[0] !== null) rows.push(...(await page(db, query, conditions, by, true, after, query.limit + 1)).rows);
  if (rows.length <= query.limit && nullable(by)) {
    rows.push(...(await page(db, query, conditions, by, false, after?.[0] === null ? after : undefined, query.limit + 1 - rows.length)).rows);
  }
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const keyOf = (key: unknown) => (key instanceof Date ? key.toISOString() : (key as string | number | null));
  return { rows: shown, next: rows.length > query.limit && last ? encodeCursor([keyOf(last.key), last.number]) : null };
}

const nullable = ({ field }: Order): boolean => field.join !== undefined || field.type !== "number";

async function page(
  db: Query,
  { trash, archived }: ListQuery,
  conditions: ReturnType<typeof condition>[],
  { field, descending }: Order,
  withKey: boolean,
  after: Position | undefined,
  limit: number,
) {
  const { join, value, type } = field;
  const cast = sql.raw(type === "number" ? "float8" : type === "time" ? "timestamptz" : "text");
  const direction = descending ? "desc" : "asc";
  let q = db.selectFrom("runs").select(head);
  if (join && withKey) {
    const joined = sql<{ run: string }>`${sql.table(join.table)}`.as("j");
    q = q.innerJoin(joined, (on) => on.on(sql<SqlBool>`j.run = runs.id and ${join.on}`)) as unknown as typeof q;
  }
  q = q.where("runs.trashed_at", trash ? "is not" : "is", null).where("runs.experiment", archived ? "is not" : "is", null);
  for (const one of conditions) q = q.where(one);
  if (withKey) {
    q = q.where(sql<SqlBool>`${value} is not null`);
    if (after) {
      const beyond = sql.raw(descending ? "<" : ">");
      q = q.where(sql<SqlBool>`(${value}, runs.number) ${beyond} (${after[0]}::${cast}, ${after[1]}::bigint)`);
    }
    const sorted = q.select(sql<unknown>`${value}`.as("key")).orderBy(sql`${value}`, direction).orderBy("runs.number", direction);
    return { rows: await sorted.limit(limit).execute() };
  }
  if (join)
    q = q.where(sql<SqlBool>`not exists (select 1 from ${sql.table(join.table)} j where j.run = runs.id and ${join.on} and ${value} is not null)`);
  else q = q.where(sql<SqlBool>`${value} is null`);
  if (after) q = q.where("runs.number", "<", after[1]);
  return { rows: await q.select(sql<unknown>`null`.as("key")).orderBy("runs.number", "desc").limit(limit).execute() };
}
