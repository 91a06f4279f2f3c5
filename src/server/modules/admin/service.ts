/** What an administrator does: see what is stored, free what nobody needs, check that the tables are what the events say. */
import { sql } from "kysely";
import type { z } from "zod";
import { type EntityKind, type purged, recorded, type storageUse, type verification } from "../../../shared/api/schemas.ts";
import { canonical } from "../../../shared/canonical.ts";
import type { Context, Tx } from "../../entity.ts";
import type { Kernel } from "../../kernel.ts";
import { sealed } from "../../public-ids.ts";
import { forget, markUnneeded, reclaimable, removeMarked, renewMark, use } from "../artifacts/service.ts";
import { sweepTransfers } from "../artifacts/transfers.ts";
import { type DatasetState, datasetEntity, snapshotName } from "../datasets/dataset.ts";
import { entities } from "../events/service.ts";
import { damagedManifests } from "../experiments/service.ts";
import { jobEntity } from "../jobs/job.ts";
import { deleteLog } from "../runs/log.ts";
import { deleteMetrics } from "../runs/metrics.ts";
import { deleteParams, rowsOf } from "../runs/params.ts";
import { type RunState, runEntity } from "../runs/run.ts";

export async function storage({ db, store, config }: Kernel): Promise<z.infer<typeof storageUse>> {
  return { store: store.name, ...(await use(db.query)), reclaimable: await reclaimable(db.query, config.uploadGrace) };
}

const BATCH = 100;

/**
 * Deletes what is in the trash, then the blobs that nobody needs any more. Each entity is one transaction, so a purge
 * that dies half way is finished by the next one.
 */
export async function purge(kernel: Kernel, context: Context): Promise<z.infer<typeof purged>> {
  const { db } = kernel;
  const trashed = await db.query.selectFrom("runs").select("id").where("trashed_at", "is not", null).execute();
  const deleted = await db.query.selectFrom("datasets").select("id").where("deleted_at", "is not", null).execute();
  let [runs, datasets] = [0, 0];
  for (const { id } of trashed) if (await purgeRun(kernel, id, context)) runs++;
  for (const { id } of deleted) if (await purgeDataset(kernel, id, context)) datasets++;
  return { runs, datasets, ...(await collect(kernel)) };
}

/**
 * Deletes the blobs that nobody needs: checkpoints that newer ones replaced, what a purge let go, uploads that came to
 * nothing. Each is marked before it goes, so what dies half way is finished by the next collection.
 */
export async function collect({ db, blobs, config }: Kernel): Promise<{ blobs: number; bytes: number }> {
  let [freed, bytes] = [0, 0];
  for (;;) {
    const marked = await markUnneeded(db.query, config.uploadGrace, BATCH);
    for (const { sha256, size } of marked) {
      if (!(await renewMark(db.query, sha256))) continue;
      await blobs.delete(sha256);
      await removeMarked(db.query, sha256);
      freed++;
      bytes += size;
    }
    if (marked.length < BATCH) return { blobs: freed, bytes };
  }
}

/** Removes what uploads that were cut off have left in the store: never visible, but paid for. */
export async function sweep(kernel: Kernel): Promise<void> {
  const { store, blobs, config } = kernel;
  const age = 1000 * Math.max(3600, config.uploadGrace);
  await store.sweep(age);
  await blobs.sweepUploads(age);
  await sweepTransfers(kernel, age);
}

/** What waits to be done about it is cancelled; what is being done goes first. */
async function quiet(tx: Tx, subject: string, context: Context): Promise<boolean> {
  const jobs = await tx
    .selectFrom("jobs")
    .select(["id", "status"])
    .where("subject", "=", subject)
    .where("status", "in", ["queued", "running"])
    .forUpdate()
    .execute();
  if (jobs.some(({ status }) => status === "running")) return false;
  for (const { id } of jobs) await jobEntity.change(tx, id, context, () => [{ type: "cancelled" }]);
  return true;
}

const purgeRun = ({ db }: Kernel, id: string, context: Context): Promise<boolean> =>
  db.transaction(async (tx) => {
    if (!(await quiet(tx, id, context))) return false;
    const row = await tx.selectFrom("runs").select("trashed_at").where("id", "=", id).forUpdate().executeTakeFirst();
    if (!row?.trashed_at) return false; // restored, or purged by another
    await forget(tx, { kind: "run", id });
    await deleteMetrics(tx, id);
    await deleteLog(tx, id);
    await deleteParams(tx, id);
    await runEntity.change(tx, id, context, () => [{ type: "purged" }]);
    return true;
  });

const purgeDataset = ({ db }: Kernel, id: string, context: Context): Promise<boolean> =>
  db.transaction(async (tx) => {
    if (!(await quiet(tx, id, context))) return false;
    const row = await tx.selectFrom("datasets").select("deleted_at").where("id", "=", id).forUpdate().executeTakeFirst();
    if (!row?.deleted_at) return false;
    await forget(tx, { kind: "dataset", id });
    await datasetEntity.change(tx, id, context, () => [{ type: "purged" }]);
    return true;
  });

type Difference = z.infer<typeof verification>["differences"][number];

/** Entities are read so many at a time, each with all its events. */
const ENTITIES = 200;
/** More differences than anyone reads. */
const ENOUGH = 1000;

/** Rebuilds every table from the events and compares; then asks the store for every blob that something refers to, and for every manifest. */
export async function verify(kernel: Kernel): Promise<z.infer<typeof verification>> {
  const differences: Difference[] = [];
  let [events, count] = [0, 0];
  for (const kind of Object.keys(entities) as EntityKind[]) {
    for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
      // One statement each, in one snapshot: what changes meanwhile is seen before or after, not in between.
      const page = await kernel.db.transaction(async (tx) => {
        await sql`set transaction isolation level repeatable read`.execute(tx);
        const { rows: ids } = await sql<{ id: string }>`select id from (
            select distinct entity as id from events where kind = ${kind} union select id from ${sql.table(entities[kind].definition.table)}) one
          where id > ${after}::uuid order by id limit ${ENTITIES}`.execute(tx);
        if (!ids.length) return undefined;
        const chosen = ids.map(({ id }) => id);
        const rows = await tx.selectFrom(entities[kind].definition.table).selectAll().where("id", "in", chosen).execute();
        const told = await tx
          .selectFrom("events")
          .select(["entity", "version", "type", "project", "data", "at"])
          .where("kind", "=", kind)
          .where("entity", "in", chosen)
          .orderBy("entity")
          .orderBy("version")
          .execute();
        const params = kind === "run" ? await tx.selectFrom("run_params").selectAll().where("run", "in", chosen).execute() : [];
        const refs = await tx
          .selectFrom("blob_refs")
          .select(["owner as entity", "name", "sha256"])
          .where("owner_kind", "=", kind)
          .where("owner", "in", chosen)
          .execute();
        return { chosen, rows: rows as unknown as Readonly<Record<string, unknown>>[], told, params, refs };
      });
      if (!page) break;
      const byEntity = groups(page.told);
      const rowOf = new Map(page.rows.map((row) => [row.id as string, row]));
      const paramsOfRun = groups(page.params.map((p) => ({ entity: p.run, path: p.path, number: p.number, text: p.text })));
      const refsOf = groups(page.refs);
      for (const id of page.chosen) {
        const history = byEntity.get(id) ?? [];
        differences.push(...compare(kind, id, history, { row: rowOf.get(id), params: paramsOfRun.get(id) ?? [], refs: refsOf.get(id) ?? [] }));
        events += history.length;
        count++;
      }
      after = page.chosen.at(-1)!;
    }
  }
  const missing = [...(await missingBlobs(kernel)), ...(await damagedManifests(kernel))];
  return { events, entities: count, differences: differences.slice(0, ENOUGH).map((one) => shown(kernel, one)), missingBlobs: missing };
}

/** With the ids that the world knows, also within what a column or a state is. */
function shown({ ids }: Kernel, { field, fromEvents, inTable, ...rest }: Difference): Difference {
  const [told, kept] = [fromEvents, inTable].map((value) => sealed(ids, recorded, { [field]: value })[field]);
  return { ...rest, field, fromEvents: told, inTable: kept };
}

function groups<T extends { readonly entity: string }>(items: readonly T[]): Map<string, T[]> {
  const all = new Map<string, T[]>();
  for (const item of items) {
    const group = all.get(item.entity);
    if (group) group.push(item);
    else all.set(item.entity, [item]);
  }
  return all;
}

type Told = { readonly version: number; readonly type: string; readonly project: string | null; readonly data: object; readonly at: Date };

/** What the tables have of an entity. */
interface Kept {
  readonly row: Readonly<Record<string, unknown>> | undefined;
  readonly params: readonly { path: string; number: number | null; text: string | null }[];
  readonly refs: readonly { name: string; sha256: string }[];
}

/** The files that an entity needs, as its events have it; undefined where they do not say. */
const files: { readonly [K in EntityKind]?: (state: never) => readonly { name: string; sha256: string }[] } = {
  run: ({ artifacts, source }: RunState) => [
    ...Object.entries(artifacts).map(([name, { sha256 }]) => ({ name, sha256 })),
    ...(source?.files ?? []).map(({ name, sha256 }) => ({ name: `data/${name}`, sha256 })),
  ],
  dataset: ({ files, snapshot }: DatasetState) => [...files, ...snapshot.map(({ name, sha256 }) => ({ name: snapshotName(name), sha256 }))],
};

function compare(kind: EntityKind, id: string, history: readonly Told[], { row, params, refs }: Kept): Difference[] {
  const found: Difference[] = [];
  const note = (field: string, fromEvents: unknown, inTable: unknown) => {
    if (canonical(plain(fromEvents)) !== canonical(plain(inTable)))
      found.push({ kind, entity: id, field, fromEvents: plain(fromEvents), inTable: plain(inTable) });
  };
  note(
    "versions",
    history.map((_, i) => i + 1),
    history.map(({ version }) => version),
  );
  const { definition } = entities[kind];
  const state = entities[kind].fold(history);
  const columns = state && definition.columns(state);
  note("row", columns ? "present" : "absent", row ? "present" : "absent");
  if (!state) return found;
  // Who may see a thing is decided by the project that its events have.
  const project = definition.project(state) ?? null;
  for (const other of new Set(history.map((one) => one.project))) note("events", { project }, { project: other });
  if (!columns || !row) return found;
  note("version", history.length, row.version);
  note("state", state, row.state);
  for (const [name, value] of Object.entries(columns))
    note(name, typeof row[name] === "object" && typeof value === "string" ? JSON.parse(value) : value, row[name]);
  if (kind === "run") {
    const sorted = (all: typeof params) => all.map(({ path, number, text }) => ({ path, number, text })).sort((a, b) => (a.path < b.path ? -1 : 1));
    note("parameters", sorted(rowsOf(state as unknown as RunState)), sorted(params));
  }
  const needed = files[kind]?.(state as never);
  if (needed) note("files", byName(needed), byName(refs));
  return found;
}

const byName = (all: readonly { name: string; sha256: string }[]) =>
  Object.fromEntries([...all].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, sha256 }) => [name, sha256]));

/** As JSON has it: no undefined, times as text. */
const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

async function missingBlobs({ db, blobs, ids }: Kernel): Promise<z.infer<typeof verification>["missingBlobs"]> {
  const missing: z.infer<typeof verification>["missingBlobs"] = [];
  for (let after = ""; ; ) {
    const rows = await db.query
      .selectFrom("blobs")
      .select(["sha256", "size"])
      .where("sha256", ">", after)
      .where(sql<boolean>`exists (select 1 from blob_refs r where r.sha256 = blobs.sha256)`)
      .orderBy("sha256")
      .limit(BATCH)
      .execute();
    const there = await Promise.all(rows.map(({ sha256 }) => blobs.head(sha256)));
    const gone = rows.filter(({ size }, i) => there[i]?.size !== size).map(({ sha256 }) => sha256);
    if (gone.length) {
      const refs = await db.query.selectFrom("blob_refs").selectAll().where("sha256", "in", gone).execute();
      missing.push(...refs.map(({ sha256, owner_kind, owner, name }) => ({ sha256, owner: `${owner_kind} ${ids.seal(owner)}`, name })));
    }
    if (rows.length < BATCH) return missing;
    after = rows.at(-1)!.sha256;
  }
}
