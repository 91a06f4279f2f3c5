/** Registered datasets: uploaded files under a name, read by a worker before anyone trains on them. A version never changes. */
import { basename } from "node:path";
import { sql } from "kysely";
import type { z } from "zod";
import { catalog } from "../../../catalog/index.ts";
import { checkPreprocessing, rawShapeOf } from "../../../catalog/run-settings.ts";
import type { DatasetView, preprocessRequest, registerDataset as registerSchema } from "../../../shared/api/schemas.ts";
import { checkParams } from "../../../shared/define.ts";
import { fail, toProblem } from "../../../shared/errors.ts";
import { type Preview, type Profile, preview, profile } from "../../../shared/profile.ts";
import type { StepPreview } from "../../../shared/step-preview.ts";
import type { Context, Query, Tx } from "../../entity.ts";
import { digestOf } from "../../idempotency.ts";
import { DEFAULT_PROJECT, idFor, isUuid } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";
import { refer } from "../artifacts/service.ts";
import { cancelOrStop, enqueue } from "../jobs/service.ts";
import { beginImport, type DatasetState, datasetEntity } from "./dataset.ts";
import { sampleOf } from "./sample.ts";

interface Row {
  readonly state: unknown;
  readonly progress: unknown;
}

function present({ state, progress }: Row): DatasetView {
  const s = state as DatasetState;
  return {
    id: s.id,
    project: s.project,
    name: s.name,
    version: s.number,
    state: s.status,
    reason: s.reason,
    note: s.note,
    source: s.source,
    files: [...s.files],
    snapshot: [...s.snapshot],
    facts: s.facts,
    ...(s.status === "reading" && progress !== null && { progress: progress as DatasetView["progress"] }),
    createdAt: s.createdAt,
  };
}

/** Every problem of what is to be read, by the entry of the catalog that reads it. */
function checkSource({ id, params = {} }: { id: string; params?: Readonly<Record<string, unknown>> }, path: string) {
  const entry = catalog.datasets.find((d) => d.id === id);
  if (!entry) {
    const error = fail("UNKNOWN_ENTRY", { kind: "dataset", id, known: catalog.datasets.map((d) => d.id) });
    return { entry, values: {} as Record<string, never>, problems: [toProblem(error, `${path}id`)] };
  }
  const { values, problems } = checkParams(`dataset "${id}"`, entry.params, params);
  return {
    entry,
    values: values as Record<string, never>,
    problems: problems.map((error) => toProblem(error, `${path}params.${error.details.name}`)),
  };
}

function check({ name, source, files, preview }: z.infer<typeof registerSchema>): Record<string, never> {
  const { entry, values, problems } = checkSource(source, "source.");
  const note = (parameter: string, want: string, got: string) =>
    problems.push(toProblem(fail("BAD_PARAMETER", { where: "dataset", name: parameter, want, got }), parameter));
  // A built-in dataset may be registered under its own name alone: whoever says "mnist" gets MNIST.
  const builtIn = catalog.datasets.find(({ id }) => id === name);
  if (builtIn && (builtIn.id !== source.id || !builtIn.facts)) note("name", "a name that no dataset of the catalog has", JSON.stringify(name));
  const twice = files.find(({ name }, i) => files.findIndex((other) => other.name === name) < i);
  if (twice) note("files", "files with different names", `two named ${JSON.stringify(twice.name)}`);
  if (entry && !entry.facts && !files.length) note("files", "the files to read", "none");
  if (entry && preview && !entry.preview) note("preview", `false, as dataset "${entry.id}" is known beforehand`, "true");
  if (problems.length) throw fail("INVALID_REQUEST", { problems });
  return values;
}

/** Before trainings, which wait for it. */
const enqueueIngest = (tx: Tx, project: string, id: string, context: Context) =>
  enqueue(tx, { kind: "ingest", project, subject: { kind: "dataset", id }, priority: 10 }, context);

/** The same files, source and name again are the same version; other ones make a new version. */
export async function registerDataset(kernel: Kernel, project: string, body: z.infer<typeof registerSchema>, context: Context): Promise<DatasetView> {
  const params = check(body);
  const { name, files, note, preview } = body;
  const source = { id: body.source.id, params };
  const id = await kernel.db.transaction(async (tx) => {
    // One registration of a name at a time, so that versions count without gaps.
    await sql`select pg_advisory_xact_lock(hashtext(${`dataset ${project} ${name}`}))`.execute(tx);
    const id = await idOf(tx, project, name, digestOf({ source, files, ...(preview && { preview }) }));
    const before = await datasetEntity.find(tx, id);
    if (before) {
      const { status, deletedAt, snapshot } = before.state;
      if (deletedAt) await datasetEntity.change(tx, id, context, () => [{ type: "restored" }]);
      if (status === "failed" || (status === "ready" && !snapshot.length)) {
        await datasetEntity.change(tx, id, context, () => [{ type: "rereading" }]);
        await enqueueIngest(tx, project, id, context);
      }
      return id;
    }
    const { rows } = await sql<{
      n: number;
    }>`select coalesce(max((data ->> 'number')::int), 0) + 1 as n from events where kind = 'dataset' and project = ${project} and type = 'registered' and data ->> 'name' = ${name}`.execute(
      tx,
    );
    const number = Number(rows[0]!.n);
    await datasetEntity.create(tx, id, context, [{ type: "registered", id, project, name, number, source, files, note, preview }]);
    await refer(tx, { kind: "dataset", id }, files, project);
    await enqueueIngest(tx, project, id, context);
    return id;
  });
  return getDataset(kernel, project, id);
}

/** Imports what was only looked at. @throws WRONG_STATE, INVALID_REQUEST */
export async function importDataset(
  kernel: Kernel,
  project: string,
  name: string,
  given: Readonly<Record<string, unknown>> | undefined,
  context: Context,
): Promise<DatasetView> {
  const { id, source } = await stateOf(kernel.db.query, project, name);
  const { values: params, problems } = checkSource({ id: source.id, params: given ?? source.params }, "");
  if (problems.length) throw fail("INVALID_REQUEST", { problems });
  await kernel.db.transaction(async (tx) => {
    await datasetEntity.change(tx, id, context, (s) => beginImport(s, { id: source.id, params }));
    await enqueueIngest(tx, project, id, context);
  });
  return getDataset(kernel, project, id);
}

export async function describeDataset(kernel: Kernel, project: string, name: string, note: string, context: Context): Promise<DatasetView> {
  const { id } = await stateOf(kernel.db.query, project, name);
  await kernel.db.transaction((tx) => datasetEntity.change(tx, id, context, (s) => (s.note === note ? [] : [{ type: "described", note }])));
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

const rows = (db: Query, project: string) =>
  db.selectFrom("datasets").select(["state", "progress"]).where("deleted_at", "is", null).where("project", "=", project);

/** What is only looked at has no place among the versions yet: it is found by its id, or by name@version. */
async function findRow(db: Query, project: string, name: string): Promise<Row | undefined> {
  const [, base, version] = /^(.*?)(?:@(\d{1,9}))?$/s.exec(name)!;
  const named = rows(db, project)
    .where("name", "=", base!)
    .$if(version !== undefined, (q) => q.where("number", "=", Number(version)))
    .$if(version === undefined, (q) => q.where("status", "not in", ["previewing", "previewed"]))
    .orderBy("number", "desc")
    .limit(1);
  return (await named.executeTakeFirst()) ?? (isUuid(name) ? rows(db, project).where("id", "=", name).executeTakeFirst() : undefined);
}

/** @param name an id, a name (its newest version), or name@version */
export async function findDataset(db: Query, project: string, name: string): Promise<DatasetState | undefined> {
  return (await findRow(db, project, name))?.state as DatasetState | undefined;
}

/** @throws NOT_FOUND */
export async function stateOf(db: Query, project: string, name: string): Promise<DatasetState> {
  const found = await findDataset(db, project, name);
  if (!found) throw fail("NOT_FOUND", { what: "dataset", id: name });
  return found;
}

export async function getDataset({ db }: Kernel, project: string, name: string): Promise<DatasetView> {
  const found = await findRow(db.query, project, name);
  if (!found) throw fail("NOT_FOUND", { what: "dataset", id: name });
  return present(found);
}

export async function listDatasets(
  { db }: Kernel,
  { visible, name, limit }: { visible: readonly string[] | undefined; name?: string; limit: number },
  after?: readonly [string, string],
): Promise<{ items: DatasetView[]; last?: readonly [string, string] }> {
  let q = db.query.selectFrom("datasets").select(["id", "state", "progress", "created_at"]).where("deleted_at", "is", null);
  if (visible) q = q.where(sql<boolean>`project = any(${[...visible]}::uuid[])`);
  if (name !== undefined) q = q.where("name", "=", name);
  if (after) q = q.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const found = await q
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const last = found.length > limit ? found[limit - 1]! : undefined;
  return { items: found.slice(0, limit).map(present), last: last && [last.created_at.toISOString(), last.id] };
}

/** What is being read is told to stop: nothing of it would be found any more. */
export async function deleteDataset({ db }: Kernel, project: string, name: string, context: Context): Promise<void> {
  const { id } = await stateOf(db.query, project, name);
  await db.transaction(async (tx) => {
    const jobs = await tx.selectFrom("jobs").select("id").where("subject", "=", id).where("status", "in", ["queued", "running"]).execute();
    for (const job of jobs) await cancelOrStop(tx, job.id, context);
    await datasetEntity.change(tx, id, context, (s) => (s.deletedAt ? [] : [{ type: "deleted" }]));
  });
}

/** Bytes of JSON that the server reads into memory: what is larger, no person reads. */
const MOST_JSON = 16 * 2 ** 20;

/**
 * A JSON file of the snapshot, as its schema has it: a worker wrote it, which is not trusted.
 * @throws WRONG_STATE while it is not there yet
 */
async function readFile<S extends z.ZodType>({ db, blobs }: Kernel, project: string, name: string, file: string, schema: S): Promise<z.infer<S>> {
  const dataset = await stateOf(db.query, project, name);
  const found = dataset.snapshot.find((one) => one.name === file);
  const want = file === "preview.json" ? "previewed" : "ready";
  if (!found)
    throw fail("WRONG_STATE", { what: `dataset "${dataset.name}"`, state: dataset.status, verb: `asked for its ${basename(file, ".json")}`, want });
  if (found.size > MOST_JSON) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_JSON });
  const { body } = await blobs.get(found.sha256);
  return schema.parse(JSON.parse(Buffer.concat(await body.toArray()).toString()));
}

export const getPreview = (kernel: Kernel, project: string, name: string): Promise<Preview> =>
  readFile(kernel, project, name, "preview.json", preview);
export const getProfile = (kernel: Kernel, project: string, name: string): Promise<Profile> =>
  readFile(kernel, project, name, "profile.json", profile);

/** What steps do to some training rows. @throws INVALID_REQUEST with every problem of the steps, WRONG_STATE */
export async function showSteps(
  kernel: Kernel,
  project: string,
  name: string,
  { preprocessing, rows }: z.infer<typeof preprocessRequest>,
  signal: AbortSignal,
): Promise<StepPreview & { fittedOn: number }> {
  const dataset = await stateOf(kernel.db.query, project, name);
  const { steps, problems: found } = checkPreprocessing(preprocessing, dataset.facts && rawShapeOf(dataset.facts));
  // What a network could not read in the end is shown, too.
  const problems = found.filter(({ path }) => path !== "preprocessing");
  if (problems.length) throw fail("INVALID_REQUEST", { problems });
  const sample = await sampleOf(kernel, dataset);
  return { ...(await kernel.predictor.show({ files: sample.files, steps, rows }, signal)), fittedOn: sample.rows };
}

/** A file of a dataset, by its digest. @throws NOT_FOUND for one that the dataset does not have */
export async function findFile({ db }: Kernel, project: string, name: string, sha256: string): Promise<{ name: string; sha256: string }> {
  const dataset = await stateOf(db.query, project, name);
  const file = [...dataset.files, ...dataset.snapshot].find((one) => one.sha256 === sha256);
  if (!file) throw fail("NOT_FOUND", { what: "file of the dataset", id: sha256 });
  return file;
}

/** The files of a snapshot that a training reads: the original values only where the tensors lack them. */
export function filesToTrain({ snapshot, facts }: DatasetState): DatasetState["snapshot"] {
  const hasText = facts?.columns.some(({ type }) => type === "text");
  return snapshot.filter(({ name }) => name === "snapshot.json" || name.endsWith(".safetensors") || (hasText && name.endsWith(".parquet")));
}
