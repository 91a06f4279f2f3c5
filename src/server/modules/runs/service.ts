/** What people do with runs, and how a run is shown. */
import { sql } from "kysely";
import type { Comparison, Run, RunSummary } from "../../../shared/api/schemas.ts";
import { canonical } from "../../../shared/canonical.ts";
import { fail } from "../../../shared/errors.ts";
import type { Context, Tx } from "../../entity.ts";
import type { Kernel } from "../../kernel.ts";
import { metricColumns, seriesSummaries } from "./metrics.ts";
import { paramsOf, saveParams } from "./params.ts";
import { edit, type RunEvent, type RunState, restore, runEntity, trash } from "./run.ts";
import { type HeadRow, type ListQuery, listRuns, settingColumns } from "./store.ts";

const iso = (time: Date | null): string | undefined => time?.toISOString();

const presentHead = (row: Omit<HeadRow, "key">): Omit<RunSummary, "metrics"> => ({
  id: row.id,
  project: row.project,
  number: row.number,
  name: row.name,
  state: row.status,
  tags: row.tags,
  dataset: row.dataset,
  task: row.task,
  model: row.model,
  createdBy: row.created_by,
  createdAt: iso(row.created_at)!,
  startedAt: iso(row.started_at),
  endedAt: iso(row.ended_at),
  trashedAt: iso(row.trashed_at),
  experiment: row.experiment ?? undefined,
});

/** A run, whole: each field that goes out is named here. */
export async function presentRun({ db }: Pick<Kernel, "db">, uuid: string): Promise<Run> {
  const row = await db.query.selectFrom("runs").select(["state", "version", "progress"]).where("id", "=", uuid).executeTakeFirst();
  const { state: s, version } = row ? { state: row.state as unknown as RunState, version: row.version } : await runEntity.get(db.query, uuid);
  const metrics = (await seriesSummaries(db.query, [uuid])).get(uuid)!;
  return {
    id: s.id,
    project: s.project,
    number: s.number,
    name: s.name,
    state: s.status,
    reason: s.reason,
    tags: s.tags,
    dataset: s.source?.name ?? s.settings.dataset.id,
    task: s.task,
    model: s.settings.model.id,
    createdAt: s.createdAt,
    startedAt: s.startedAt,
    endedAt: s.endedAt,
    trashedAt: s.trashedAt,
    experiment: s.experiment,
    version,
    note: s.note,
    createdBy: s.createdBy,
    settings: s.settings,
    source: s.source,
    facts: s.facts,
    progress: (row?.progress as Run["progress"] | null) ?? undefined,
    checkpoint: s.checkpoint,
    result: s.result,
    evaluation: s.evaluation,
    artifacts: Object.entries(s.artifacts).map(([name, { sha256, size, at }]) => ({ name, sha256, size, createdAt: at })),
    metrics,
    duplicates: s.duplicates,
    reproduces: s.reproduces?.experiment,
    reproduction: s.reproduction,
  };
}

export async function getRun(kernel: Kernel, id: string): Promise<Run> {
  return presentRun(kernel, id);
}

/** Columns of metrics that a list shows unless told otherwise. */
const usualMetrics = ["train_loss", "validation_loss", "validation_accuracy", "validation_mean_absolute_error", "test_accuracy", "test_mae"];

export async function listPage(
  { db }: Kernel,
  query: ListQuery,
  metrics: readonly string[] = usualMetrics,
  settings: readonly string[] = [],
): Promise<{ items: RunSummary[]; next: string | null }> {
  const { rows, next } = await listRuns(db.query, query);
  const ids = rows.map(({ id }) => id);
  const columns = await metricColumns(db.query, ids, metrics);
  const chosen = await settingColumns(db.query, ids, settings);
  return {
    items: rows.map((row) => ({ ...presentHead(row), metrics: columns.get(row.id)!, ...(settings.length && { settings: chosen.get(row.id)! }) })),
    next,
  };
}

type Created = Omit<Extract<RunEvent, { type: "created" }>, "type" | "number" | "name"> & { readonly name?: string };

/** Records a new run; one that nobody named is called after its dataset, its model and its number. */
export async function recordRun(tx: Tx, { name, ...created }: Created, then: readonly RunEvent[], context: Context): Promise<void> {
  const { rows } = await sql<{ n: number }>`select nextval('run_numbers') as n`.execute(tx);
  const number = Number(rows[0]!.n);
  const { settings, tags, source, id } = created;
  const usual = `${source?.name ?? settings.dataset.id}-${settings.model.id}-${number}`;
  await runEntity.create(tx, id, context, [{ type: "created", ...created, number, name: name ?? usual }, ...then]);
  await saveParams(tx, id, { settings, tags, number });
}

/** Applies what a command decides, and shows the run as it then is. */
async function changeRun(kernel: Kernel, id: string, context: Context, decide: (state: RunState) => readonly RunEvent[]): Promise<Run> {
  await kernel.db.transaction((tx) => runEntity.change(tx, id, context, decide));
  return presentRun(kernel, id);
}

/** @param version what it was when it was read: whoever is late hears what was edited since, instead of writing over it. What a training adds is no edit. */
export async function editRun(
  kernel: Kernel,
  id: string,
  { version, ...changes }: Parameters<typeof edit>[1] & { version?: number },
  context: Context,
): Promise<Run> {
  await kernel.db.transaction(async (tx) => {
    if (version !== undefined) await refuseLate(tx, id, version);
    const { state } = await runEntity.change(tx, id, context, (s) => edit(s, changes));
    if (changes.tags) await saveParams(tx, id, state);
  });
  return presentRun(kernel, id);
}

/** @throws CONFLICT */
async function refuseLate(tx: Tx, id: string, version: number): Promise<void> {
  const { state, version: current } = await runEntity.lock(tx, id);
  const since = await tx
    .selectFrom("events")
    .select(["data", "actor"])
    .where("kind", "=", "run")
    .where("entity", "=", id)
    .where("version", ">", version)
    .where("type", "=", "edited")
    .orderBy("version")
    .execute();
  if (!since.length) return;
  const changed: Record<string, unknown> = Object.assign({}, ...since.map(({ data }) => data));
  const by = [...new Set(since.map(({ actor }) => actor))].join(", ");
  throw fail("CONFLICT", { what: `run "${state.name}"`, version, current, by, fields: Object.keys(changed).join(", "), changed });
}

export const deleteRun = (kernel: Kernel, id: string, context: Context) => changeRun(kernel, id, context, trash);
export const restoreRun = (kernel: Kernel, id: string, context: Context) => changeRun(kernel, id, context, restore);

/** Settings in which runs differ, or all of them, and every metric that any of them has. */
export async function compareRuns({ db }: Kernel, ids: readonly string[], all: boolean): Promise<Comparison> {
  const uuids = [...new Set(ids)];
  const states = await Promise.all(uuids.map(async (uuid) => (await runEntity.get(db.query, uuid)).state));
  const rows = await db.query
    .selectFrom("runs")
    .select([
      "id",
      "project",
      "number",
      "name",
      "status",
      "task",
      "dataset",
      "model",
      "created_by",
      "tags",
      "created_at",
      "started_at",
      "ended_at",
      "trashed_at",
      "experiment",
    ])
    .where("id", "in", uuids)
    .execute();
  const columns = await metricColumns(db.query, uuids, usualMetrics);
  const series = await seriesSummaries(db.query, uuids);
  const params = states.map((state) => new Map([["dataset.version", state.source?.version ?? null], ...flat(state)]));
  const paths = [...new Set(params.flatMap((one) => [...one.keys()]))];
  return {
    runs: uuids.map((uuid) => ({ ...presentHead(rows.find(({ id }) => id === uuid)!), metrics: columns.get(uuid)! })),
    settings: paths
      .map((path) => ({ path, values: params.map((one) => (one.get(path) ?? null) as never) }))
      .filter(({ values }) => all || new Set(values.map(canonical)).size > 1),
    metrics: [...new Set(uuids.flatMap((uuid) => Object.keys(series.get(uuid)!)))].map((name) => ({
      series: name,
      values: uuids.map((uuid) => series.get(uuid)![name] ?? null),
    })),
  };
}

const flat = (state: RunState): [string, unknown][] => [
  ...paramsOf(state).map(({ path, number, text }): [string, unknown] => [path, number ?? text]),
  ["network", state.settings.network ?? null],
];

/** What moves too fast to be an event. */
export async function setProgress(tx: Tx, run: string, progress: object | null): Promise<void> {
  await sql`update runs set progress = ${progress === null ? null : JSON.stringify(progress)}::jsonb where id = ${run}`.execute(tx);
}
