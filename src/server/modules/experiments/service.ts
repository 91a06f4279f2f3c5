/** Archiving: a run becomes an experiment, immutable from then on, under a manifest whose hash is its name. And training it again. */
import { createHash } from "node:crypto";
import { type RawBuilder, type SqlBool, sql } from "kysely";
import { type Experiment, type Lineage, type Manifest, manifest as manifestSchema, type Run } from "../../../shared/api/schemas.ts";
import { canonical } from "../../../shared/canonical.ts";
import { fail, TrainyardError } from "../../../shared/errors.ts";
import type { Context } from "../../entity.ts";
import { digestOf } from "../../idempotency.ts";
import { idFor } from "../../ids.ts";
import { type Kernel, tell } from "../../kernel.ts";
import { keep, refer } from "../artifacts/service.ts";
import { readSeries } from "../runs/metrics.ts";
import { archive, type RunState, runEntity, type StoredFile } from "../runs/run.ts";
import { createFrom } from "../training/service.ts";
import { type ExperimentState, experimentEntity } from "./experiment.ts";

export const manifestKey = (hash: string): string => `experiments/${hash}/manifest.json`;

const present = (s: ExperimentState): Experiment => ({
  id: s.id,
  project: s.project,
  hash: s.hash,
  name: s.name,
  run: s.run,
  dataset: s.dataset,
  task: s.task,
  model: s.model,
  metrics: s.metrics,
  intervals: s.intervals,
  baseline: s.baseline,
  tags: s.tags ?? {},
  data: s.data,
  createdAt: s.createdAt,
  createdBy: s.createdBy,
  size: s.size,
});

/** What an experiment does not need: where a training would go on, as it never will. */
const leftBehind = new Set(["last.safetensors"]);

/** Everything that the experiment is. No time of archiving and no id: archived twice, the same run would have the same hash. */
function manifestOf(s: RunState, metrics: StoredFile): Manifest {
  const { number, name, note, tags, createdAt, createdBy, settings, source, facts, result, evaluation } = s;
  const artifacts = Object.entries(s.artifacts).map(([name, { sha256, size }]) => ({ name, sha256, size }));
  const files = [...artifacts.filter(({ name }) => !leftBehind.has(name)), metrics].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    manifest: 1,
    run: { number, name, note, tags, createdAt, createdBy },
    settings,
    source,
    facts: facts!,
    result: result!,
    evaluation: evaluation!,
    files,
  };
}

/** Every metric point of the run as one file: a line a series. */
async function storeMetrics(kernel: Kernel, project: string, run: string): Promise<StoredFile> {
  const all = await readSeries(kernel.db.query, run, { limit: Number.POSITIVE_INFINITY });
  const bytes = new TextEncoder().encode(all.map(({ series, steps, values }) => `${JSON.stringify({ series, steps, values })}\n`).join(""));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { size } = await keep(kernel, bytes, project, { sha256, size: bytes.length });
  return { name: "metrics.jsonl", sha256, size };
}

/**
 * The manifest goes to the store first and the database last: whatever dies in between, there is either no
 * experiment or a whole one, and trying again finds the same hash.
 */
export async function archiveRun(kernel: Kernel, id: string, context: Context, key?: string): Promise<Experiment> {
  const digest = key === undefined ? undefined : digestOf({ actor: context.actor, key });
  try {
    return await archiveOnce(kernel, id, context, digest);
  } catch (error) {
    if (digest === undefined || !(error instanceof TrainyardError && error.code === "ALREADY_ARCHIVED")) throw error;
    const made = await experimentEntity.find(kernel.db.query, idFor("experiment", id));
    if (made?.state.digest !== digest) throw error;
    return present(made.state);
  }
}

async function archiveOnce(kernel: Kernel, uuid: string, context: Context, digest?: string): Promise<Experiment> {
  const { state } = await runEntity.get(kernel.db.query, uuid);
  const experiment = idFor("experiment", uuid);
  archive(state, experiment);
  const manifest = manifestOf(state, await storeMetrics(kernel, state.project, uuid));
  const hash = digestOf(manifest);
  const bytes = new TextEncoder().encode(canonical(manifest));
  await kernel.store.put(manifestKey(hash), bytes, { ifAbsent: true, contentType: "application/json" }).catch((error: unknown) => {
    if (!(error instanceof TrainyardError && error.code === "OBJECT_EXISTS")) throw error;
  });
  const { project, name, tags, settings, source, task, evaluation } = state;
  await kernel.db.transaction(async (tx) => {
    await runEntity.change(tx, uuid, context, (now, version) => {
      const events = archive(now, experiment);
      // Renamed, tagged or evaluated since: the manifest would not say so.
      if (digestOf(manifestOf(now, manifest.files.find(({ name }) => name === "metrics.jsonl")!)) !== hash) {
        throw fail("WRONG_STATE", {
          what: `run "${now.name}"`,
          state: `changed (version ${version}) while it was archived`,
          verb: "archived",
          want: "left alone",
        });
      }
      return events;
    });
    const size = manifest.files.reduce((sum, file) => sum + file.size, bytes.length);
    const { metrics, intervals, baseline } = evaluation!;
    await experimentEntity.create(tx, experiment, { ...context, causation: uuid }, [
      {
        type: "archived",
        id: experiment,
        project,
        hash,
        name,
        run: uuid,
        dataset: source?.name ?? settings.dataset.id,
        task,
        model: settings.model.id,
        metrics,
        intervals,
        baseline: baseline?.metrics,
        tags,
        data: manifest.facts.dataset.digest,
        createdBy: context.actor,
        size,
        digest,
      },
    ]);
    await refer(tx, { kind: "experiment", id: experiment }, [
      ...manifest.files,
      ...(source?.files ?? []).map((file) => ({ name: `data/${file.name}`, sha256: file.sha256 })),
    ]);
  });
  tell(kernel, "experiment-record", "runs", "experiments", "archive_data", context);
  return getExperiment(kernel, experiment);
}

export async function getExperiment({ db }: Kernel, id: string): Promise<Experiment> {
  return present((await experimentEntity.get(db.query, id)).state);
}

export interface Sought {
  /** Nothing means all projects. */
  readonly visible?: readonly string[];
  readonly limit: number;
  /** Words that name, dataset, model, a tag or the person have in them, all of them. */
  readonly search?: string;
  readonly dataset?: string;
  readonly model?: string;
  /** A tag, or a tag and its value: team=vision. */
  readonly tag?: string;
}

const field = (name: string): RawBuilder<string> => sql<string>`state ->> ${sql.lit(name)}`;
const searched: RawBuilder<string> = sql`concat_ws(' ', ${field("name")}, ${field("dataset")}, ${field("model")}, ${field("createdBy")}, ${field("tags")})`;

function conditions({ visible, search = "", dataset, model, tag }: Sought): RawBuilder<SqlBool>[] {
  const [name, value] = tag === undefined ? [] : /^([^=]*)=?(.*)$/s.exec(tag)!.slice(1);
  return [
    ...(visible ? [sql<SqlBool>`project = any(${[...visible]}::uuid[])`] : []),
    // % and _ stand for themselves.
    ...(search.match(/\S+/g) ?? []).map((word) => sql<SqlBool>`${searched} ilike ${`%${word.replace(/[\\%_]/g, "\\$&")}%`}`),
    ...(dataset === undefined ? [] : [sql<SqlBool>`${field("dataset")} = ${dataset}`]),
    ...(model === undefined ? [] : [sql<SqlBool>`${field("model")} = ${model}`]),
    ...(name === undefined ? [] : [sql<SqlBool>`state -> 'tags' ->> ${name} ${tag!.includes("=") ? sql`= ${value}` : sql`is not null`}`]),
  ];
}

export async function listExperiments(
  { db }: Kernel,
  { limit, ...sought }: Sought,
  after?: readonly [string, string],
): Promise<{ items: Experiment[]; last?: readonly [string, string] }> {
  let q = db.query.selectFrom("experiments").select(["id", "state", "created_at"]);
  for (const condition of conditions({ limit, ...sought })) q = q.where(condition);
  if (after) q = q.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const rows = await q
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const last = rows.length > limit ? rows[limit - 1]! : undefined;
  return {
    items: rows.slice(0, limit).map(({ state }) => present(state as unknown as ExperimentState)),
    last: last && [last.created_at.toISOString(), last.id],
  };
}

/** Others on the same data that are shown, the newest first. */
const MOST_BESIDE = 20;

/**
 * Where an experiment comes from, and what came of it.
 * @param visible projects whose things may be told of besides its own; nothing means all
 */
export async function lineage({ db }: Kernel, id: string, visible: readonly string[] | undefined): Promise<Lineage> {
  const { state } = await experimentEntity.get(db.query, id);
  const { state: run } = await runEntity.get(db.query, state.run);
  const mayTell = (project: string) => visible === undefined || visible.includes(project);
  const named = async (experiment: string) => {
    const { id, name, project } = (await experimentEntity.get(db.query, experiment)).state;
    return mayTell(project) ? { id, name } : undefined;
  };
  const runOf = async (run: string) => (await runEntity.find(db.query, run))?.state; // nothing of what was purged
  const original = run.duplicates === undefined ? undefined : await runOf(run.duplicates);
  const reproduces = run.reproduces && (await named(run.reproduces.experiment));
  const { source } = run;
  const dataset =
    source &&
    (await db.query
      .selectFrom("datasets")
      .select("id")
      .where("project", "=", run.project)
      .where("name", "=", source.name)
      .where("number", "=", source.version)
      .where("deleted_at", "is", null)
      .executeTakeFirst());
  const { rows: again } = await sql<{ entity: string }>`select entity from events
    where kind = 'run' and type = 'created' and data -> 'reproduces' is not null and data -> 'reproduces' ->> 'experiment' = ${id}
    order by seq desc limit ${MOST_BESIDE}`.execute(db.query);
  const reproductions = (await Promise.all(again.map(({ entity }) => runOf(entity)))).filter((one) => one !== undefined);
  const { starts } = await db.query
    .selectFrom("events")
    .select(({ fn }) => fn.countAll().as("starts"))
    .where("kind", "=", "run")
    .where("entity", "=", run.id)
    .where("type", "=", "queued")
    .executeTakeFirstOrThrow();
  const beside =
    state.data === undefined
      ? []
      : (
          await db.query
            .selectFrom("experiments")
            .select("state")
            .where(sql<SqlBool>`${field("data")} = ${state.data}`)
            .where("id", "<>", id)
            .$if(visible !== undefined, (q) => q.where(sql<SqlBool>`project = any(${[...(visible ?? [])]}::uuid[])`))
            .orderBy("created_at", "desc")
            .limit(MOST_BESIDE)
            .execute()
        ).map(({ state }) => state as unknown as ExperimentState);
  return {
    run: { id: run.id, name: run.name },
    ...(dataset && { dataset: dataset.id }),
    resumed: Math.max(Number(starts) - 1, 0),
    ...(original && mayTell(original.project) && { duplicates: { id: original.id, name: original.name } }),
    ...(reproduces && { reproduces, ...(run.reproduction && { reproduction: run.reproduction }) }),
    reproductions: reproductions
      .filter(({ project }) => mayTell(project))
      .map(({ id, name, status, reproduction }) => ({ id, name, state: status, ...(reproduction && { reproduction }) })),
    beside: beside.map(({ id, name, model, task, metrics, createdAt }) => ({ id, name, model, task, metrics, createdAt })),
  };
}

/** The manifest as it lies in the permanent store, checked against its name. @throws OBJECT_NOT_FOUND, INTERNAL when it is another */
export async function readManifest(kernel: Kernel, id: string): Promise<{ bytes: Uint8Array; manifest: Manifest; hash: string }> {
  const { hash } = await getExperiment(kernel, id);
  const bytes = await manifestBytes(kernel, hash);
  if (sha256(bytes) !== hash) throw fail("INTERNAL", { detail: `the manifest of experiment ${id} is not what its hash says` });
  return { bytes, manifest: manifestSchema.parse(JSON.parse(bytes.toString())), hash };
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function manifestBytes({ store }: Kernel, hash: string): Promise<Buffer> {
  const { body } = await store.get(manifestKey(hash));
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

/** Experiments whose manifest is not in the store, or is not what its hash says. */
export async function damagedManifests(kernel: Kernel): Promise<{ sha256: string; owner: string; name: string }[]> {
  const damaged = [];
  const all = await kernel.db.query.selectFrom("experiments").select(["id", "hash"]).orderBy("created_at").execute();
  for (const { id, hash } of all) {
    const whole = await manifestBytes(kernel, hash).then(
      (bytes) => sha256(bytes) === hash,
      (error: unknown) => {
        if (error instanceof TrainyardError && error.code === "OBJECT_NOT_FOUND") return false;
        throw error;
      },
    );
    if (!whole) damaged.push({ sha256: hash, owner: `experiment ${kernel.ids.seal(id)}`, name: "manifest.json" });
  }
  return damaged;
}

/** Trains again from the manifest: same settings, seed, data and threads. The run then says whether the bits are the same. */
export async function reproduce(kernel: Kernel, project: string, id: string, context: Context, key?: string): Promise<Run> {
  const { manifest } = await readManifest(kernel, id);
  const { settings, source, facts, files, run } = manifest;
  const compared = files.filter(({ name }) => name === "model.onnx" || name === "best.safetensors");
  return createFrom(
    kernel,
    `reproduce ${id}`,
    { project },
    { settings: { ...settings, training: { ...settings.training, threads: facts.threads } }, source, task: facts.dataset.task },
    { name: `${run.name} again`.slice(0, 200), tags: run.tags, reproduces: { experiment: id, files: compared, versions: facts.versions } },
    context,
    key,
  );
}
