/**
 * Jobs and the workers that do them: claim, heartbeat, report, finish. A claim is a lease with a fencing token; whoever
 * comes with an older token is told so and changes nothing. What a job means for its run or dataset happens in the same transaction.
 */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { z } from "zod";
import {
  type ClaimedJob,
  type claimRequest,
  type EntityKind,
  type Finish,
  type Job,
  type JobKind,
  jobKinds,
  type QueueView,
  type Reason,
  type Refit,
  type Report,
  type WorkerInfo,
} from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import type { EvaluationSummary } from "../../../shared/evaluation.ts";
import { type Context, notify, now, type Tx } from "../../entity.ts";
import { type Kernel, tell } from "../../kernel.ts";
import { JOBS } from "../../live.ts";
import { jobToken } from "../../secrets.ts";
import { forget, refer } from "../artifacts/service.ts";
import { datasetEntity, setImported, snapshotName } from "../datasets/dataset.ts";
import { addPoints, dropPointsAfter } from "../runs/metrics.ts";
import { compareBits, interrupt, type RunEvent, type RunState, runEntity, stop } from "../runs/run.ts";
import { setProgress } from "../runs/service.ts";
import { type JobState, jobEntity, requeue, tryAgain } from "./job.ts";

export interface NewJob {
  readonly id?: string;
  readonly kind: JobKind;
  /** Of the subject. */
  readonly project: string;
  readonly subject: { readonly kind: EntityKind; readonly id: string };
  readonly priority?: number;
  readonly labels?: readonly string[];
  readonly metrics?: readonly string[];
  readonly refit?: Refit;
  readonly digest?: string;
}

/** Queues a job. @returns its id */
export async function enqueue(
  tx: Tx,
  { id = randomUUID(), kind, project, subject, priority = 0, labels = [], metrics, refit, digest }: NewJob,
  context: Context,
): Promise<string> {
  await jobEntity.create(tx, id, context, [{ type: "queued", id, kind, project, subject, priority, labels, metrics, refit, digest }]);
  await notify(tx, JOBS, "");
  return id;
}

/** Takes a queued job back; one that a worker has is told to stop instead. */
export async function cancelOrStop(tx: Tx, id: string, context: Context): Promise<void> {
  const { state } = await jobEntity.lock(tx, id);
  if (state.status === "queued") await jobEntity.change(tx, id, context, () => [{ type: "cancelled" }]);
  if (state.status === "running") await tx.updateTable("jobs").set({ stop: true }).where("id", "=", id).execute();
}

// --- claiming ---

type Claim = z.infer<typeof claimRequest>;

/** A job for a worker, as soon as there is one; null after the time it waits. */
export async function claim(kernel: Kernel, { worker, wait = 0 }: Claim, context: Context, signal: AbortSignal): Promise<ClaimedJob | null> {
  const until = Date.now() + 1000 * wait;
  await seen(kernel, worker);
  // A worker that is gone meanwhile gets nothing: the job would be nobody's until its lease ends.
  while (!signal.aborted) {
    const job = await claimNow(kernel, worker, context);
    const left = until - Date.now();
    if (job || left <= 0 || kernel.live.closing.aborted) return job;
    // At least every second, as a delayed retry comes due without a word.
    await kernel.live.job(Math.min(left, 1000), signal);
  }
  return null;
}

async function seen({ db }: Kernel, { id, name, labels, slots, version, platform }: Claim["worker"]): Promise<void> {
  const row = { name, labels, slots, version, platform, last_seen_at: sql<Date>`now()` };
  await db.query
    .insertInto("workers")
    .values({ id, ...row })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
    .execute();
}

async function claimNow(kernel: Kernel, worker: Claim["worker"], context: Context): Promise<ClaimedJob | null> {
  const { db, config } = kernel;
  const job = await db.transaction(async (tx) => {
    const { rows } = await sql<{ id: string; token: number }>`
      update jobs set token = token + 1, worker = ${worker.id}, lease_until = now() + make_interval(secs => ${config.leaseSeconds}),
        stop = false, progressed = false, report_sequence = 0
      where id = (select id from jobs where status = 'queued' and run_at <= now() and labels <@ ${worker.labels}::text[]
        order by priority desc, created_at for update skip locked limit 1)
      returning id, token`.execute(tx);
    const [claimed] = rows;
    if (!claimed) return null;
    const { id, token } = claimed;
    const { state } = await jobEntity.change(tx, id, context, () => [{ type: "claimed", worker: worker.id, token }]);
    const payload = await payloads[state.kind](tx, state, { ...context, causation: id });
    return {
      id,
      kind: state.kind,
      token,
      key: jobToken(kernel.keys.bytes("jobs")[0]!, id, token),
      leaseSeconds: config.leaseSeconds,
      subject: state.subject,
      payload,
    };
  });
  if (job) tell(kernel, "run-record", "jobs", "worker", job.kind === "train" ? "train_data_record" : "query_record", context);
  return job;
}

/** What the worker has to know, and what being claimed means for the subject. */
const payloads: { readonly [K in JobKind]: (tx: Tx, job: JobState, context: Context) => Promise<ClaimedJob["payload"]> } = {
  async train(tx, job, context) {
    const { state } = await runEntity.change(tx, job.subject.id, context, () => [{ type: "started", worker: job.worker! }]);
    const { checkpoint, artifacts, settings, source, facts } = state;
    await dropPointsAfter(tx, state.id, checkpoint?.update ?? -1);
    await setProgress(tx, state.id, null);
    const last = artifacts["last.safetensors"];
    const resume = checkpoint && last ? { last: last.sha256, best: artifacts["best.safetensors"]?.sha256 } : undefined;
    return { settings, source, facts, resume };
  },
  async evaluate(tx, job) {
    const { state } = await runEntity.get(tx, job.subject.id);
    const { settings, source, facts, artifacts, result } = state;
    const best = artifacts["best.safetensors"]?.sha256;
    return {
      settings,
      source,
      facts,
      resume: best ? { last: artifacts["last.safetensors"]?.sha256 ?? best, best } : undefined,
      metrics: job.metrics && [...job.metrics],
      bestEpoch: result?.bestEpoch,
    };
  },
  "cross-validate": refitPayload,
  "learning-curve": refitPayload,
  async ingest(tx, job) {
    const { source, files, status } = (await datasetEntity.get(tx, job.subject.id)).state;
    return { dataset: { id: source.id, params: source.params, files: [...files], preview: status === "previewing" } };
  },
};

/** Settings to fit again: nothing of the run's own training is needed. */
async function refitPayload(tx: Tx, job: JobState): Promise<ClaimedJob["payload"]> {
  const { settings, source } = (await runEntity.get(tx, job.subject.id)).state;
  return { settings, source, refit: job.refit, metrics: job.metrics && [...job.metrics] };
}

// --- while it works ---

interface Held {
  readonly state: JobState;
  readonly stop: boolean;
  readonly progressed: boolean;
}

/** The job, held, if it is still this worker's. @throws NOT_FOUND, STALE_TOKEN */
async function hold(tx: Tx, uuid: string, token: number): Promise<Held> {
  const row = await tx.selectFrom("jobs").select(["state", "token", "stop", "progressed"]).where("id", "=", uuid).forUpdate().executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "job", id: uuid });
  const state = row.state as unknown as JobState;
  if (row.token !== token || state.status !== "running") throw fail("STALE_TOKEN", { job: uuid, given: token, current: row.token });
  return { state, stop: row.stop, progressed: row.progressed };
}

const renewed = (leaseSeconds: number) => ({ lease_until: sql<Date>`now() + make_interval(secs => ${leaseSeconds})` });

export async function heartbeat({ db, config }: Kernel, id: string, token: number): Promise<{ stop: boolean; leaseSeconds: number }> {
  const { stop, state } = await db.transaction(async (tx) => {
    const held = await hold(tx, id, token);
    await tx.updateTable("jobs").set(renewed(config.leaseSeconds)).where("id", "=", id).execute();
    return held;
  });
  await db.query.updateTable("workers").set({ last_seen_at: sql`now()` }).where("id", "=", state.worker!).execute();
  return { stop, leaseSeconds: config.leaseSeconds };
}

/** Holds the job and renews its lease in one statement, as reports come often. Undefined when this report was taken before, or may not be. */
async function advance(
  tx: Tx,
  uuid: string,
  { token, sequence, checkpoint }: Report,
  leaseSeconds: number,
): Promise<Pick<Held, "state" | "stop"> | undefined> {
  const row = await tx
    .updateTable("jobs")
    .set({ ...renewed(leaseSeconds), report_sequence: sequence, ...(checkpoint && { progressed: true }) })
    .where("id", "=", uuid)
    .where("token", "=", token)
    .where("status", "=", "running")
    .where("report_sequence", "<", sequence)
    .returning(["state", "stop"])
    .executeTakeFirst();
  return row && { state: row.state as unknown as JobState, stop: row.stop };
}

/** Takes what a worker tells, once: a report that comes again is answered as the first time. */
export async function report(kernel: Kernel, id: string, told: Report, context: Context): Promise<{ stop: boolean; leaseSeconds: number }> {
  const { db, config, live, telemetry } = kernel;
  const points = told.points?.filter(({ steps }) => steps.length) ?? [];
  const { stop, run } = await db.transaction(async (tx) => {
    const next = await advance(tx, id, told, config.leaseSeconds);
    const { stop, state } = next ?? (await hold(tx, id, told.token));
    const { kind, id: run } = state.subject;
    if (!next) return { stop, run };
    if (kind === "dataset" && told.imported) {
      await setImported(tx, run, told.imported);
      return { stop, run };
    }
    if (kind !== "run") throw fail("WRONG_STATE", { what: `job ${id}`, state: `about a ${kind}`, verb: "reported on", want: "about a run" });
    const events: RunEvent[] = [];
    if (told.facts) events.push({ type: "prepared", facts: told.facts });
    if (told.artifacts?.length) {
      await refer(tx, { kind, id: run }, told.artifacts, id);
      events.push({ type: "stored", files: told.artifacts, ...(told.checkpoint && { checkpoint: told.checkpoint }) });
    }
    if (events.length) await runEntity.change(tx, run, { ...context, causation: id }, () => events);
    if (points.length) await addPoints(tx, run, points, told.progress);
    else if (told.progress) await setProgress(tx, run, told.progress);
    return { stop, run };
  });
  if (points.length || told.progress) live.moved(run);
  telemetry.metricPoints.inc(points.reduce((sum, { steps }) => sum + steps.length, 0));
  tell(kernel, "run-update", "worker", "runs", "update_run", context);
  return { stop, leaseSeconds: config.leaseSeconds };
}

/** Ends a claim. @throws STALE_TOKEN unless it is the claim that ended the job already */
export async function finish(kernel: Kernel, id: string, told: Finish, context: Context): Promise<void> {
  const ended = await kernel.db.transaction(async (tx) => {
    const row = await tx.selectFrom("jobs").select(["token", "status", "state"]).where("id", "=", id).forUpdate().executeTakeFirst();
    if (row && row.token === told.token && row.status !== "running") return undefined;
    const { state, progressed } = await hold(tx, id, told.token);
    await end(tx, kernel, state, progressed, told, { ...context, causation: id });
    return state;
  });
  if (!ended) return;
  kernel.telemetry.jobSeconds.observe({ kind: ended.kind, outcome: told.outcome }, (Date.now() - Date.parse(ended.createdAt)) / 1000);
  tell(kernel, "run-record", "worker", "runs", "save_run", context);
}

async function end(tx: Tx, kernel: Kernel, job: JobState, progressed: boolean, told: Finish, context: Context): Promise<void> {
  const { outcome, error } = told;
  if (outcome === "released") return putBack(tx, job, context);
  const reason = error && { code: error.code, message: error.message, fix: error.fix };
  if (outcome === "failed" && (error?.status ?? 500) >= 500) {
    return lose(tx, job, reason ?? unexplained, progressed, context);
  }
  await jobEntity.change(tx, job.id, context, () => [{ type: "done", outcome, reason }]);
  await endings[job.kind](tx, kernel, job, told, reason, context);
}

type Ending = (tx: Tx, kernel: Kernel, job: JobState, told: Finish, reason: Reason | undefined, context: Context) => Promise<void>;
const stopped: Reason = { code: "STOPPED", message: "the import was stopped", fix: "Register the files again to import them." };
const unexplained: Reason = { code: "INTERNAL", message: "the worker gave no reason", fix: "See the worker's log." };

/** What the end of a job means for its subject. */
const endings: { readonly [K in JobKind]: Ending } = {
  async train(tx, _, job, { outcome, result, evaluation, artifacts = [] }, reason, context) {
    const owner = { kind: "run", id: job.subject.id } as const;
    await refer(tx, owner, artifacts, job.id);
    const stored: RunEvent[] = artifacts.length ? [{ type: "stored", files: artifacts }] : [];
    const { state } = await runEntity.change(tx, owner.id, context, () => [
      ...stored,
      ...(outcome === "succeeded" && result
        ? [...(evaluation ? [{ type: "evaluated", evaluation } as const] : []), { type: "succeeded", result } as const]
        : outcome === "stopped"
          ? [{ type: "stopped" } as const]
          : [{ type: "failed", reason: reason ?? unexplained } as const]),
    ]);
    if (state.status === "succeeded" && state.reproduces) await runEntity.change(tx, owner.id, context, (s) => [compareBits(s)]);
    await setProgress(tx, owner.id, null);
  },
  async evaluate(tx, _, job, { outcome, evaluation, artifacts = [] }, __, context) {
    const { state } = await runEntity.lock(tx, job.subject.id);
    // Archived or deleted since: then it says what it said.
    if (outcome !== "succeeded" || !evaluation || state.experiment || state.trashedAt) return;
    await refer(tx, job.subject, artifacts, job.id);
    await runEntity.change(tx, job.subject.id, context, () => [
      ...(artifacts.length ? [{ type: "stored", files: artifacts } as const] : []),
      { type: "evaluated", evaluation: joined(state.evaluation, evaluation) },
    ]);
  },
  "cross-validate": storeResult,
  "learning-curve": storeResult,
  async ingest(tx, _, job, { outcome, dataset, artifacts = [] }, reason, context) {
    const owner = { kind: "dataset", id: job.subject.id } as const;
    await setImported(tx, owner.id, null);
    const { snapshot: before = [] } = (await datasetEntity.find(tx, owner.id))?.state ?? {};
    await refer(
      tx,
      owner,
      artifacts.map((file) => ({ ...file, name: snapshotName(file.name) })),
      job.id,
    );
    await datasetEntity.change(tx, owner.id, context, (s) => {
      if (outcome === "stopped") return [{ type: "refused", reason: stopped }];
      if (outcome !== "succeeded") return [{ type: "refused", reason: reason ?? unexplained }];
      if (s.status === "previewing") return [{ type: "previewed", files: artifacts }];
      return dataset ? [{ type: "read", facts: dataset, files: artifacts }] : [{ type: "refused", reason: unexplained }];
    });
    // An import takes the place of the preview.
    const kept = new Set((await datasetEntity.find(tx, owner.id))?.state.snapshot.map(({ name }) => name));
    await forget(
      tx,
      owner,
      before.flatMap(({ name }) => (kept.has(name) ? [] : [snapshotName(name)])),
    );
  },
};

/** Metrics that were not asked for this time keep the values they had, on the test, the training rows and of the baseline: the weights are the same. */
const joined = (before: EvaluationSummary | undefined, now: EvaluationSummary): EvaluationSummary => ({
  ...now,
  metrics: { ...before?.metrics, ...now.metrics },
  ...(now.intervals && { intervals: { ...before?.intervals, ...now.intervals } }),
  ...(now.train && { train: { ...now.train, metrics: { ...before?.train?.metrics, ...now.train.metrics } } }),
  ...(now.baseline && { baseline: { ...now.baseline, metrics: { ...before?.baseline?.metrics, ...now.baseline.metrics } } }),
});

/** The run has one more file, unless it was archived or deleted since. */
async function storeResult(...[tx, , job, { outcome, artifacts = [] }, , context]: Parameters<Ending>): Promise<void> {
  const { state } = await runEntity.lock(tx, job.subject.id);
  await setProgress(tx, state.id, null);
  if (outcome !== "succeeded" || !artifacts.length || state.experiment || state.trashedAt) return;
  await refer(tx, job.subject, artifacts, job.id);
  await runEntity.change(tx, job.subject.id, context, () => [{ type: "stored", files: artifacts }]);
}

/** A worker shuts down in order: the job waits for the next one, and it was no attempt. */
async function putBack(tx: Tx, job: JobState, context: Context): Promise<void> {
  await jobEntity.change(tx, job.id, context, () => [{ type: "released" }]);
  await tx.updateTable("jobs").set({ worker: null, lease_until: null, run_at: sql`now()` }).where("id", "=", job.id).execute();
  await interruptSubject(
    tx,
    job,
    { code: "WORKER_SHUT_DOWN", message: "its worker was shut down", fix: "Nothing: another worker goes on from the last checkpoint." },
    context,
  );
  await notify(tx, JOBS, "");
}

/** A worker is gone, or failed in a way that may not happen again: the job is tried again, or dead. */
async function lose(tx: Tx, job: JobState, reason: Reason, progressed: boolean, context: Context): Promise<void> {
  const event = tryAgain(job, reason, progressed);
  await jobEntity.change(tx, job.id, context, () => [event]);
  if (event.type === "retried") {
    await tx
      .updateTable("jobs")
      .set({ worker: null, lease_until: null, run_at: sql`now() + make_interval(secs => ${event.delaySeconds})` })
      .where("id", "=", job.id)
      .execute();
    await interruptSubject(tx, job, reason, context);
    await notify(tx, JOBS, "");
    return;
  }
  if (job.subject.kind === "dataset") await datasetEntity.change(tx, job.subject.id, context, () => [{ type: "refused", reason }]);
  if (job.kind === "train") await runEntity.change(tx, job.subject.id, context, () => [{ type: "failed", reason }]);
}

/** A run that was to stop is stopped now, and its job has nothing more to do. */
async function interruptSubject(tx: Tx, job: JobState, reason: Reason, context: Context): Promise<void> {
  if (job.kind !== "train") return;
  const { state } = await runEntity.change(tx, job.subject.id, context, (s: RunState) => interrupt(s, reason));
  if (state.status === "stopped") await jobEntity.change(tx, job.id, context, () => [{ type: "cancelled" }]);
}

const system = (): Context => ({ actor: "system", correlation: randomUUID() });

/** Takes back the jobs whose lease ran out. @returns how many */
export async function reap({ db }: Kernel): Promise<number> {
  return takeBack(db, sql`lease_until < now()`);
}

/** Takes back the jobs of workers that are known to be gone, without waiting for the lease. */
export async function loseWorkers({ db }: Kernel, workers: readonly string[]): Promise<number> {
  return workers.length ? takeBack(db, sql`worker = any(${[...workers]}::uuid[])`) : 0;
}

async function takeBack(db: Kernel["db"], which: ReturnType<typeof sql>): Promise<number> {
  for (let count = 0; ; count++) {
    const took = await db.transaction(async (tx) => {
      const { rows } = await sql<{ id: string; progressed: boolean; state: JobState }>`
        select id, progressed, state from jobs where status = 'running' and (${which}) for update skip locked limit 1`.execute(tx);
      const [row] = rows;
      if (!row) return false;
      const { message, fix } = fail("WORKER_LOST", { attempts: row.state.attempts });
      await lose(tx, row.state, { code: "WORKER_LOST", message, fix }, row.progressed, { ...system(), causation: row.id });
      return true;
    });
    if (!took) return count;
  }
}

/** A dead job is tried again, by a person's word; a training only while its run still waits for this job. */
export async function requeueJob(kernel: Kernel, id: string, context: Context): Promise<Job> {
  await kernel.db.transaction(async (tx) => {
    const { state } = await jobEntity.change(tx, id, context, requeue);
    await tx.updateTable("jobs").set({ run_at: sql`now()`, worker: null, lease_until: null }).where("id", "=", id).execute();
    if (state.kind === "train") {
      await runEntity.change(tx, state.subject.id, { ...context, causation: id }, (s) => {
        if (s.status !== "failed" || s.job !== id || s.trashedAt || s.experiment) {
          throw fail("WRONG_STATE", {
            what: `job ${id}`,
            state: "no longer the one its run waits for",
            verb: "requeued",
            want: "the last job of a failed run",
          });
        }
        return [{ type: "queued", job: id }];
      });
    }
    if (state.subject.kind === "dataset")
      await datasetEntity.change(tx, state.subject.id, { ...context, causation: id }, () => [{ type: "rereading" }]);
    await notify(tx, JOBS, "");
  });
  return getJob(kernel, id);
}

/** Ends a job by a person's word: what it was for is told, as when it is stopped there. */
export async function stopJob(kernel: Kernel, id: string, context: Context): Promise<Job> {
  await kernel.db.transaction(async (tx) => {
    const { state } = await jobEntity.lock(tx, id);
    if (state.status !== "queued" && state.status !== "running")
      throw fail("WRONG_STATE", { what: `job ${id}`, state: state.status, verb: "stopped", want: "queued or running" });
    await cancelOrStop(tx, id, context);
    const because = { ...context, causation: id };
    if (state.kind === "train") await runEntity.change(tx, state.subject.id, because, stop);
    if (state.kind === "ingest" && state.status === "queued")
      await datasetEntity.change(tx, state.subject.id, because, () => [{ type: "refused", reason: stopped }]);
  });
  return getJob(kernel, id);
}

// --- showing ---

interface JobRow {
  readonly state: JobState;
  readonly subject_name: string | null;
  readonly run_at: Date;
  readonly lease_until: Date | null;
}

/** What is shown of a job: a run or dataset that was purged has no name any more. */
const shownJobs = ({ db }: Pick<Kernel, "db">) =>
  db.query
    .selectFrom("jobs")
    .select(["id", "state", "run_at", "lease_until", "created_at"])
    .select(
      sql<string | null>`coalesce((select name from runs where runs.id = subject), (select name from datasets where datasets.id = subject))`.as(
        "subject_name",
      ),
    );

const presentJob = ({ state: s, subject_name, run_at, lease_until }: JobRow): Job => ({
  id: s.id,
  kind: s.kind,
  state: s.status,
  subject: { ...s.subject, name: subject_name ?? undefined },
  priority: s.priority,
  labels: [...s.labels],
  attempts: s.attempts,
  worker: s.worker,
  reason: s.reason,
  createdAt: s.createdAt,
  runAt: s.status === "queued" ? run_at.toISOString() : undefined,
  leaseUntil: s.status === "running" ? lease_until?.toISOString() : undefined,
  endedAt: s.endedAt,
});

export async function getJob(kernel: Kernel, id: string): Promise<Job> {
  const row = await shownJobs(kernel).where("id", "=", id).executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "job", id });
  return presentJob(row as unknown as JobRow);
}

export async function listJobs(
  kernel: Kernel,
  { state, kind, limit, after }: { state?: Job["state"]; kind?: JobKind; limit: number; after?: readonly [string, string] },
): Promise<{ items: Job[]; last?: readonly [string, string] }> {
  let q = shownJobs(kernel);
  if (state) q = q.where("status", "=", state);
  if (kind) q = q.where("kind", "=", kind);
  if (after) q = q.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const rows = await q
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1)! : undefined;
  return { items: shown.map((row) => presentJob(row as unknown as JobRow)), last: last && [last.created_at.toISOString(), last.id] };
}

export async function listWorkers({ db, config }: Kernel): Promise<WorkerInfo[]> {
  const rows = await db.query
    .selectFrom("workers")
    .selectAll()
    .where("last_seen_at", ">", sql<Date>`now() - interval '1 day'`)
    .orderBy("last_seen_at", "desc")
    .execute();
  const jobs = await db.query.selectFrom("jobs").select(["id", "worker"]).where("status", "=", "running").execute();
  const time = (await now(db.query)).getTime();
  // A worker that waits for a job asks anew every 25 seconds.
  const silent = 1000 * Math.max(40, 2 * config.leaseSeconds);
  return rows.map(({ id, name, labels, slots, version, platform, last_seen_at }) => ({
    id,
    name,
    labels,
    slots,
    version,
    platform,
    jobs: jobs.filter(({ worker }) => worker === id).map((job) => job.id),
    lastSeenAt: last_seen_at.toISOString(),
    alive: time - last_seen_at.getTime() < silent,
  }));
}

export async function queues({ db }: Kernel): Promise<QueueView[]> {
  const [waiting, running, ended] = await Promise.all([
    db.query
      .selectFrom("jobs")
      .select(["kind", sql<number>`count(*)`.as("queued"), sql<Date>`min(created_at)`.as("oldest")])
      .select(sql<number>`count(*) filter (where run_at > now())`.as("delayed"))
      .where("status", "=", "queued")
      .groupBy("kind")
      .execute(),
    db.query
      .selectFrom("jobs")
      .select(["kind", sql<number>`count(*)`.as("running")])
      .where("status", "=", "running")
      .groupBy("kind")
      .execute(),
    db.query
      .selectFrom("jobs")
      .select(["kind", sql<number>`count(*) filter (where status = 'cancelled')`.as("cancelled")])
      .select(sql<number>`count(*) filter (where status = 'dead' or status = 'done' and state -> 'reason' is not null)`.as("failed"))
      .select(sql<number>`count(*) filter (where status = 'done' and state -> 'reason' is null)`.as("done"))
      .where("ended_at", ">", sql<Date>`now() - interval '1 day'`)
      .groupBy("kind")
      .execute(),
  ]);
  return jobKinds.map((kind) => {
    const of = <R extends { readonly kind: JobKind }>(rows: readonly R[]) => rows.find((row) => row.kind === kind);
    const [queue, end] = [of(waiting), of(ended)];
    return {
      kind,
      queued: queue?.queued ?? 0,
      oldestAt: queue?.oldest.toISOString(),
      delayed: queue?.delayed ?? 0,
      running: of(running)?.running ?? 0,
      done: end?.done ?? 0,
      failed: end?.failed ?? 0,
      cancelled: end?.cancelled ?? 0,
    };
  });
}
