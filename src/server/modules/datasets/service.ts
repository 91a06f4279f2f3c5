/** Registered datasets: uploaded files under a name, read by a worker before anyone trains on them. A version never changes. */
import { sql } from "kysely";
import type { z } from "zod";
import { catalog } from "../../../catalog/index.ts";
import type { DatasetView, registerDataset as registerSchema } from "../../../shared/api/schemas.ts";
import { checkParams } from "../../../shared/define.ts";
import { fail, type Problem, toProblem } from "../../../shared/errors.ts";
import type { Context, Query, Tx } from "../../entity.ts";
import { digestOf } from "../../idempotency.ts";
import { DEFAULT_PROJECT, idFor, isUuid } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";
import { refer } from "../artifacts/service.ts";
import { enqueue } from "../jobs/service.ts";
import { type DatasetState, datasetEntity } from "./dataset.ts";

const present = (s: DatasetState): DatasetView => ({
  id: s.id,
  project: s.project,
  name: s.name,
  version: s.number,
  state: s.status,
  reason: s.reason,
  source: s.source,
  files: [...s.files],
  facts: s.facts,
  createdAt: s.createdAt,
});

/** Names of the catalog mean the catalog's datasets. */
const isBuiltIn = (name: string): boolean => catalog.datasets.some(({ id }) => id === name);

function check({ name, source, files }: z.infer<typeof registerSchema>): Record<string, never> {
  const problems: Problem[] = [];
  const note = (error: ReturnType<typeof fail>, path: string) => problems.push(toProblem(error, path));
  if (isBuiltIn(name))
    note(
      fail("BAD_PARAMETER", { where: "dataset", name: "name", want: "a name that no dataset of the catalog has", got: JSON.stringify(name) }),
      "name",
    );
  const entry = catalog.datasets.find(({ id }) => id === source.id);
  if (!entry) note(fail("UNKNOWN_ENTRY", { kind: "dataset", id: source.id, known: catalog.datasets.map(({ id }) => id) }), "source.id");
  const checked = checkParams(`dataset "${source.id}"`, entry?.params ?? {}, entry ? source.params : {});
  for (const error of checked.problems) note(error, `source.params.${error.details.name}`);
  const twice = files.find(({ name }, i) => files.findIndex((other) => other.name === name) < i);
  if (twice)
    note(
      fail("BAD_PARAMETER", { where: "dataset", name: "files", want: "files with different names", got: `two named ${JSON.stringify(twice.name)}` }),
      "files",
    );
  if (problems.length) throw fail("INVALID_REQUEST", { problems });
  return checked.values as Record<string, never>;
}

/** The same files, source and name again are the same version; other ones make a new version. */
export async function registerDataset(kernel: Kernel, project: string, body: z.infer<typeof registerSchema>, context: Context): Promise<DatasetView> {
  const params = check(body);
  const { name, files } = body;
  const source = { id: body.source.id, params };
  const id = await kernel.db.transaction(async (tx) => {
    // One registration of a name at a time, so that versions count without gaps.
    await sql`select pg_advisory_xact_lock(hashtext(${`dataset ${project} ${name}`}))`.execute(tx);
    const id = await idOf(tx, project, name, digestOf({ source, files }));
    const before = await tx.selectFrom("datasets").select(["status", "deleted_at"]).where("id", "=", id).executeTakeFirst();
    if (before) {
      if (before.deleted_at) await datasetEntity.change(tx, id, context, () => [{ type: "restored" }]);
      if (before.status === "failed") {
        await datasetEntity.change(tx, id, context, () => [{ type: "rereading" }]);
        await enqueue(tx, { kind: "ingest", project, subject: { kind: "dataset", id }, priority: 10 }, context);
      }
      return id;
    }
    const { rows } = await sql<{
      n: number;
    }>`select coalesce(max((data ->> 'number')::int), 0) + 1 as n from events where kind = 'dataset' and project = ${project} and type = 'registered' and data ->> 'name' = ${name}`.execute(
      tx,
    );
    await datasetEntity.create(tx, id, context, [{ type: "registered", id, project, name, number: Number(rows[0]!.n), source, files }]);
    await refer(tx, { kind: "dataset", id }, files, project);
    // Before trainings, which wait for it.
    await enqueue(tx, { kind: "ingest", project, subject: { kind: "dataset", id }, priority: 10 }, context);
    return id;
  });
  return getDataset(kernel, project, id);
}

/** The same content under the same name has the same id; what was purged has used its own up. */
async function idOf(tx: Tx, project: string, name: string, digest: string): Promise<string> {
  for (let purged = 0; ; purged++) {
    // Those of the first project have the ids that they had when there was only one.
    const id = idFor("dataset", ...(project === DEFAULT_PROJECT ? [] : [project]), name, digest, ...(purged ? [String(purged)] : []));
    const gone = tx.selectFrom("events").select("seq").where("kind", "=", "dataset").where("entity", "=", id).where("type", "=", "purged");
    if (!(await gone.executeTakeFirst())) return id;
  }
}

/** @param name an id, a name (its newest version), or name@version */
export async function findDataset(db: Query, project: string, name: string): Promise<DatasetState | undefined> {
  const [, base, version] = /^(.*?)(?:@(\d{1,9}))?$/s.exec(name)!;
  const named = db
    .selectFrom("datasets")
    .select("state")
    .where("deleted_at", "is", null)
    .where("project", "=", project)
    .where("name", "=", base!)
    .$if(version !== undefined, (q) => q.where("number", "=", Number(version)))
    .orderBy("number", "desc")
    .limit(1);
  const row = (await named.executeTakeFirst()) ?? (await byId(db, project, name));
  return row?.state as unknown as DatasetState | undefined;
}

const byId = (db: Query, project: string, id: string) =>
  isUuid(id)
    ? db.selectFrom("datasets").select("state").where("deleted_at", "is", null).where("project", "=", project).where("id", "=", id).executeTakeFirst()
    : undefined;

export async function getDataset({ db }: Kernel, project: string, name: string): Promise<DatasetView> {
  const found = await findDataset(db.query, project, name);
  if (!found) throw fail("NOT_FOUND", { what: "dataset", id: name });
  return present(found);
}

export async function listDatasets(
  { db }: Kernel,
  visible: readonly string[] | undefined,
  limit: number,
  after?: readonly [string, string],
): Promise<{ items: DatasetView[]; last?: readonly [string, string] }> {
  let q = db.query.selectFrom("datasets").select(["id", "state", "created_at"]).where("deleted_at", "is", null);
  if (visible) q = q.where(sql<boolean>`project = any(${[...visible]}::uuid[])`);
  if (after) q = q.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const rows = await q
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const last = rows.length > limit ? rows[limit - 1]! : undefined;
  return {
    items: rows.slice(0, limit).map(({ state }) => present(state as unknown as DatasetState)),
    last: last && [last.created_at.toISOString(), last.id],
  };
}

export async function deleteDataset({ db }: Kernel, project: string, name: string, context: Context): Promise<void> {
  const found = await findDataset(db.query, project, name);
  if (!found) throw fail("NOT_FOUND", { what: "dataset", id: name });
  await db.transaction((tx) => datasetEntity.change(tx, found.id, context, (s) => (s.deletedAt ? [] : [{ type: "deleted" }])));
}
