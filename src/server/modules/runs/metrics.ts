/** The metric points of runs: appended in batches, summed up as they come, thinned for charts. Not events: they are too many. */
import { sql } from "kysely";
import type { Points, Run, Series } from "../../../shared/api/schemas.ts";
import type { Query, Tx } from "../../entity.ts";

/**
 * Appends points of a run and keeps last, least and greatest of each series.
 * @param progress that goes with them: the row of the run is written once for both
 * @returns the number of this batch
 */
export async function addPoints(tx: Tx, run: string, points: readonly Points[], progress?: object): Promise<number> {
  const {
    metric_seq: seq,
    number: run_number,
    ends,
  } = await tx
    .updateTable("runs")
    .set({ metric_seq: sql`metric_seq + 1`, ...(progress && { progress: JSON.stringify(progress) }) })
    .where("id", "=", run)
    .returning([
      "metric_seq",
      "number",
      sql<Ends | null>`(select json_object_agg(series, last_step) from metric_series where metric_series.run = runs.id)`.as("ends"),
    ])
    .executeTakeFirstOrThrow();
  const chunks = await fresh(tx, run, merged(points), ends ?? {});
  if (!chunks.length) return seq;
  await tx
    .with("written", (db) =>
      db
        .insertInto("metric_chunks")
        .values(
          chunks.map(({ series, steps, values }) => ({ run, series, seq, first_step: least(steps), last_step: greatest(steps), steps, values })),
        ),
    )
    .insertInto("metric_series")
    .values(chunks.map((chunk) => ({ run, run_number, ...summarise(chunk) })))
    .onConflict((conflict) =>
      conflict.columns(["run", "series"]).doUpdateSet({
        last: sql`case when excluded.last_step >= metric_series.last_step then excluded.last else metric_series.last end`,
        last_step: sql`greatest(metric_series.last_step, excluded.last_step)`,
        min: sql`least(metric_series.min, excluded.min)`,
        min_step: sql`case when excluded.min < metric_series.min or metric_series.min is null then excluded.min_step else metric_series.min_step end`,
        max: sql`greatest(metric_series.max, excluded.max)`,
        max_step: sql`case when excluded.max > metric_series.max or metric_series.max is null then excluded.max_step else metric_series.max_step end`,
        count: sql`metric_series.count + excluded.count`,
      }),
    )
    .execute();
  return seq;
}

/** The last step of each series of a run. */
type Ends = Readonly<Record<string, number>>;

type Chunk = { readonly series: string; readonly steps: number[]; readonly values: (number | null)[] };

/** A report may name a series more than once. */
function merged(points: readonly Points[]): Chunk[] {
  const all = new Map<string, Chunk>();
  for (const { series, steps, values } of points) {
    if (!steps.length) continue;
    const chunk = all.get(series) ?? { series, steps: [], values: [] };
    for (let i = 0; i < steps.length; i++) {
      chunk.steps.push(steps[i]!);
      chunk.values.push(values[i]!);
    }
    all.set(series, chunk);
  }
  return [...all.values()];
}

/**
 * Without the points that are there already: a training that goes on from a checkpoint may tell again what it told just
 * before it was cut off. Only what is not newer than its series has to be looked for.
 */
async function fresh(tx: Tx, run: string, chunks: readonly Chunk[], ends: Ends): Promise<readonly Chunk[]> {
  const overlapping = chunks.filter(({ series, steps }) => Object.hasOwn(ends, series) && least(steps) <= ends[series]!);
  if (!overlapping.length) return chunks;
  const first = Math.min(...overlapping.map(({ steps }) => least(steps)));
  const rows = await tx
    .selectFrom("metric_chunks")
    .select(["series", "steps", "values"])
    .where("run", "=", run)
    .where(
      "series",
      "in",
      overlapping.map(({ series }) => series),
    )
    .where("last_step", ">=", first)
    .execute();
  const key = (series: string, step: number, value: number | null | undefined) => `${series}\n${step}\n${value ?? null}`;
  const known = new Set(rows.flatMap(({ series, steps, values }) => steps.map((step, i) => key(series, step, values[i]))));
  return chunks.flatMap(({ series, steps, values }) => {
    const kept = steps.flatMap((step, i) => (known.has(key(series, step, values[i])) ? [] : [i]));
    return kept.length ? [{ series, steps: kept.map((i) => steps[i]!), values: kept.map((i) => values[i]!) }] : [];
  });
}

/** By step; of one step as they came. */
function inOrder(chunk: Chunk): Chunk {
  const { series, steps, values } = chunk;
  if (steps.every((step, i) => !i || steps[i - 1]! <= step)) return chunk;
  const order = steps.map((_, i) => i).sort((a, b) => steps[a]! - steps[b]!);
  return { series, steps: order.map((i) => steps[i]!), values: order.map((i) => values[i]!) };
}

const least = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b));
const greatest = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b));

function summarise({ series, steps, values }: Chunk) {
  let [last, min, max] = [0, -1, -1];
  for (let i = 0; i < steps.length; i++) {
    const value = values[i] ?? null;
    if (steps[i]! >= steps[last]!) last = i;
    if (value === null) continue;
    if (min < 0 || value < values[min]!) min = i;
    if (max < 0 || value > values[max]!) max = i;
  }
  const at = (i: number) => ({ value: i < 0 ? null : values[i]!, step: i < 0 ? steps[0]! : steps[i]! });
  return {
    series,
    last: values[last] ?? null,
    last_step: steps[last]!,
    min: at(min).value,
    min_step: at(min).step,
    max: at(max).value,
    max_step: at(max).step,
    count: steps.length,
  };
}

/** Drops the points after a step: a training that goes on from there writes them again. */
export async function dropPointsAfter(tx: Tx, run: string, step: number): Promise<void> {
  const cut = await tx.deleteFrom("metric_chunks").where("run", "=", run).where("last_step", ">", step).returningAll().execute();
  if (!cut.length) return;
  const kept = cut.flatMap(({ steps, values, ...row }) => {
    const within = steps.flatMap((s, i) => (s <= step ? [i] : []));
    const [s, v] = [within.map((i) => steps[i]!), within.map((i) => values[i]!)];
    return s.length ? [{ ...row, steps: s, values: v, first_step: least(s), last_step: greatest(s) }] : [];
  });
  if (kept.length) await tx.insertInto("metric_chunks").values(kept).execute();
  const touched = [...new Set(cut.map(({ series }) => series))];
  await tx.deleteFrom("metric_series").where("run", "=", run).where("series", "in", touched).execute();
  const rest = await tx
    .selectFrom("metric_chunks")
    .select(["series", "steps", "values"])
    .where("run", "=", run)
    .where("series", "in", touched)
    .orderBy("seq")
    .execute();
  const run_number = sql<number>`(select number from runs where id = ${run})`;
  const summaries = merged(rest).map((chunk) => ({ run, run_number, ...summarise(chunk) }));
  if (summaries.length) await tx.insertInto("metric_series").values(summaries).execute();
}

export async function seriesSummaries(db: Query, runs: readonly string[]): Promise<ReadonlyMap<string, Run["metrics"]>> {
  const rows = await db.selectFrom("metric_series").selectAll().where(sql<boolean>`run = any(${runs}::uuid[])`).orderBy("series").execute();
  const all = new Map<string, Run["metrics"]>(runs.map((run) => [run, {}]));
  for (const r of rows) {
    all.get(r.run)![r.series] = {
      last: r.last,
      lastStep: r.last_step,
      min: r.min,
      minStep: r.min_step,
      max: r.max,
      maxStep: r.max_step,
      count: r.count,
    };
  }
  return all;
}

export interface Pulse {
  readonly version: number;
  readonly progress: Run["progress"];
  /** The number of the last batch. */
  readonly batch: number;
  readonly points: readonly (Points & { readonly seq: number })[];
}

/** What moves fast in a run: asked for at each update of each run that is watched, so it is one statement. Undefined if there is no such run. @param after points of newer batches only */
export async function pulse(db: Query, run: string, after: number): Promise<Pulse | undefined> {
  const rows = await db
    .selectFrom("runs")
    .leftJoin("metric_chunks as chunk", (on) => on.onRef("chunk.run", "=", "runs.id").on("chunk.seq", ">", after))
    .select(["version", "progress", "metric_seq as batch", "chunk.seq", "chunk.series", "chunk.steps", "chunk.values"])
    .where("id", "=", run)
    .orderBy("chunk.seq")
    .execute();
  const [first] = rows;
  if (!first) return undefined;
  const points = rows.flatMap(({ seq, series, steps, values }) => (seq === null ? [] : [{ seq, series: series!, steps: steps!, values: values! }]));
  return { version: first.version, progress: (first.progress as Run["progress"] | null) ?? undefined, batch: first.batch, points };
}

/** @param limit points of a series that are enough for a chart; batch: the last one to read */
export async function readSeries(
  db: Query,
  run: string,
  { series, limit, from, to, batch }: { series?: readonly string[]; limit: number; from?: number; to?: number; batch?: number },
): Promise<Series[]> {
  let q = db.selectFrom("metric_chunks").select(["series", "steps", "values"]).where("run", "=", run);
  if (series) q = q.where("series", "in", series.length ? series : [""]);
  if (from !== undefined) q = q.where("last_step", ">=", from);
  if (to !== undefined) q = q.where("first_step", "<=", to);
  if (batch !== undefined) q = q.where("seq", "<=", batch);
  const all = merged(await q.orderBy("series").orderBy("seq").execute()).map(inOrder);
  return all.map(({ series, steps, values }) => {
    const within = from === undefined && to === undefined ? undefined : steps.flatMap((s, i) => (s >= (from ?? 0) && s <= (to ?? s) ? [i] : []));
    const s = within ? within.map((i) => steps[i]!) : steps;
    const v = within ? within.map((i) => values[i]!) : values;
    const kept = thin(v, limit);
    return { series, steps: kept.map((i) => s[i]!), values: kept.map((i) => v[i]!), total: s.length };
  });
}

/** Indices of at most `limit` values: of each stretch its least and its greatest, so that no peak is lost. */
export function thin(values: readonly (number | null)[], limit: number): number[] {
  if (values.length <= limit) return values.map((_, i) => i);
  const stretches = Math.floor(limit / 2) - 1;
  const kept = new Set([0, values.length - 1]);
  for (let k = 0; k < stretches; k++) {
    let [low, high] = [-1, -1];
    for (let i = Math.floor((k * values.length) / stretches); i < Math.floor(((k + 1) * values.length) / stretches); i++) {
      const value = values[i];
      if (value === null || value === undefined) continue;
      if (low < 0 || value < values[low]!) low = i;
      if (high < 0 || value > values[high]!) high = i;
    }
    for (const i of [low, high]) if (i >= 0) kept.add(i);
  }
  return [...kept].sort((a, b) => a - b);
}

export async function deleteMetrics(tx: Tx, run: string): Promise<void> {
  for (const table of ["metric_chunks", "metric_series"] as const) await tx.deleteFrom(table).where("run", "=", run).execute();
}

/** Summaries of chosen metrics of several runs: run -> "series" or "series:min" -> value. */
export async function metricColumns(
  db: Query,
  runs: readonly string[],
  columns: readonly string[],
): Promise<ReadonlyMap<string, Record<string, number | null>>> {
  const found = new Map<string, Record<string, number | null>>(runs.map((run) => [run, {}]));
  if (!runs.length || !columns.length) return found;
  const wanted = columns.map(
    (column) => [column, ...(/^(.*?)(?::(last|min|max))?$/s.exec(column)!.slice(1) as [string, "last" | "min" | "max" | undefined])] as const,
  );
  const rows = await db
    .selectFrom("metric_series")
    .select(["run", "series", "last", "min", "max"])
    .where(sql<boolean>`run = any(${runs}::uuid[])`)
    .where(sql<boolean>`series = any(${[...new Set(wanted.map(([, series]) => series))]}::text[])`)
    .execute();
  for (const row of rows) for (const [column, series, which = "last"] of wanted) if (series === row.series) found.get(row.run)![column] = row[which];
  return found;
}
