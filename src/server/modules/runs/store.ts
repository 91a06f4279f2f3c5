/** The SQL of lists of runs. */
import { type RawBuilder, type SqlBool, sql } from "kysely";
import { fail } from "../../../shared/errors.ts";
import type { Query } from "../../entity.ts";
import { tagPath } from "./params.ts";
import {
  alike,
  type Condition,
  condition,
  decodeCursor,
  encodeCursor,
  type Order,
  order,
  type Position,
  quantity,
  settingName,
  settingPath,
} from "./query.ts";

const head = [
  "runs.id",
  "runs.project",
  "runs.number",
  "runs.name",
  "runs.status",
  "runs.task",
  "runs.dataset",
  "runs.model",
  "runs.created_by",
  "runs.tags",
  "runs.created_at",
  "runs.started_at",
  "runs.ended_at",
  "runs.trashed_at",
  "runs.experiment",
] as const;

/** Which runs. */
export interface Selection {
  readonly filter?: readonly string[];
  /** Only these, wherever they are. */
  readonly id?: readonly string[];
  /** Projects to look in; nothing means all. */
  readonly visible?: readonly string[];
  readonly trash: boolean;
  readonly archived: boolean;
}

export interface ListQuery extends Selection {
  readonly sort?: string;
  readonly limit: number;
  readonly cursor?: string;
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

/** What a row of `runs` has to be, besides what a filter says. */
function within({ trash, archived, visible, id }: Selection): RawBuilder<SqlBool>[] {
  const not = (yes: boolean) => sql.raw(yes ? "is not null" : "is null");
  return [
    ...(id
      ? [sql<SqlBool>`runs.id = any(${[...id]}::uuid[])`]
      : [sql<SqlBool>`runs.trashed_at ${not(trash)}`, sql<SqlBool>`runs.experiment ${not(archived)}`]),
    ...(visible
      ? [visible.length === 1 ? sql<SqlBool>`runs.project = ${visible[0]!}` : sql<SqlBool>`runs.project = any(${[...visible]}::uuid[])`]
      : []),
  ];
}

async function page(
  db: Query,
  selection: Selection,
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
  for (const one of within(selection)) q = q.where(one);
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

/** So many groups at most; the others are the smallest. */
const MAX_GROUPS = 500;

export interface RunGroup {
  /** Null of those that have no such quantity. */
  readonly value: string | null;
  readonly count: number;
  readonly least: number | null;
  readonly greatest: number | null;
}

/**
 * How many runs there are, and how many of each value of a field, most first.
 * @param by a field of filters
 * @param metric "accuracy" or "accuracy:max": of it the least and the greatest in each group
 */
export async function groupRuns(
  db: Query,
  selection: Selection,
  by: string | undefined,
  metric: string | undefined,
): Promise<{ total: number; groups: RunGroup[] }> {
  const value = by === undefined ? undefined : quantity(alike(by, "by"));
  const measure = metric === undefined ? sql`null::float8` : quantity(alike(`metrics.${metric}`, "metric"));
  const which = await narrowed(db, (selection.filter ?? []).map(condition), FEW);
  if (which.some((one) => "few" in one && one.few === "{}")) return { total: 0, groups: [] };
  const wanted = [...within(selection), ...which.map((one) => ("few" in one ? sql<SqlBool>`runs.number = any(${one.few}::bigint[])` : one.test))];
  const found = sql`from runs where ${sql.join(wanted, sql` and `)}`;
  if (!value) {
    const { rows } = await sql<{ total: string }>`select count(*) as total ${found}`.execute(db);
    return { total: Number(rows[0]!.total), groups: [] };
  }
  const { rows } = await sql<RunGroup & { total: string }>`
    select value, count(*) as count, min(measure) as least, max(measure) as greatest, sum(count(*)) over () as total
    from (select ${value}::text as value, ${measure} as measure ${found}) as one
    group by value order by count(*) desc, value limit ${MAX_GROUPS}`.execute(db);
  return {
    total: Number(rows[0]?.total ?? 0),
    groups: rows.map(({ value, count, least, greatest }) => ({ value, count: Number(count), least, greatest })),
  };
}

/** What a column, a filter or an axis may be of: as filters name it. */
export interface RunFields {
  readonly metrics: string[];
  readonly settings: { readonly name: string; readonly numeric: boolean }[];
  readonly tags: string[];
}

/** More are not offered. */
const MAX_FIELDS = 2000;

/** Each metric, setting and tag that any of the runs has, from one to the next in an index: as quick with many runs as with few. */
export async function runFields(db: Query, visible: readonly string[] | undefined): Promise<RunFields> {
  const seen = visible ? sql`r.project = any(${[...visible]}::uuid[])` : sql`true`;
  const names = async (table: "run_params" | "metric_series", name: "path" | "series", numeric: RawBuilder<boolean>) => {
    const [of, column] = [sql.table(table), sql.ref(name)];
    const { rows } = await sql<{ name: string; numeric: boolean }>`
      with recursive each (name) as (
        (select ${column} from ${of} order by ${column} limit 1)
        union all
        select (select ${column} from ${of} where ${column} > each.name order by ${column} limit 1) from each where each.name is not null)
      select name, ${numeric} as numeric from each
      where name is not null and exists (select 1 from ${of} j join runs r on r.id = j.run where j.${column} = each.name and ${seen})
      limit ${MAX_FIELDS}`.execute(db);
    return rows;
  };
  const [metrics, paths] = [
    await names("metric_series", "series", sql`true`),
    await names("run_params", "path", sql`exists (select 1 from run_params n where n.path = each.name and n.number is not null)`),
  ];
  const tag = tagPath("");
  return {
    metrics: metrics.map(({ name }) => name),
    settings: paths.flatMap(({ name: path, numeric }) => {
      const name = settingName(path);
      return name === undefined ? [] : [{ name, numeric }];
    }),
    tags: paths.flatMap(({ name }) => (name.startsWith(tag) ? [name.slice(tag.length)] : [])),
  };
}

/** Chosen settings of several runs: run -> field -> value. */
export async function settingColumns(
  db: Query,
  runs: readonly string[],
  fields: readonly string[],
): Promise<ReadonlyMap<string, Record<string, number | string | null>>> {
  const found = new Map<string, Record<string, number | string | null>>(runs.map((run) => [run, {}]));
  const paths = fields.map((name) => {
    const path = settingPath(name);
    if (!path)
      throw fail("UNKNOWN_PARAMETER", { where: "settings", name, known: ["loss", "optimizer", "schedule", "training.NAME", "model.params.NAME"] });
    return path;
  });
  if (!runs.length || !paths.length) return found;
  const rows = await db
    .selectFrom("run_params")
    .select(["run", "path", "number", "text"])
    .where(sql<boolean>`run = any(${runs}::uuid[])`)
    .where(sql<boolean>`path = any(${[...new Set(paths)]}::text[])`)
    .execute();
  for (const { run, path, number, text } of rows) found.get(run)![fields[paths.indexOf(path)]!] = number ?? text;
  return found;
}
