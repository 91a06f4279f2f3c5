/** Fills a database with finished runs by the server's own store functions, many runs a transaction. What it leaves, `admin verify` finds in order. */

import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { type Database, openDatabase } from "../../src/server/database/index.ts";
import type { Context, Tx } from "../../src/server/entity.ts";
import { DEFAULT_PROJECT } from "../../src/server/ids.ts";
import { migrations } from "../../src/server/migrations.ts";
import { jobEntity } from "../../src/server/modules/jobs/job.ts";
import { enqueue } from "../../src/server/modules/jobs/service.ts";
import { addPoints } from "../../src/server/modules/runs/metrics.ts";
import { type RunEvent, runEntity } from "../../src/server/modules/runs/run.ts";
import { recordRun } from "../../src/server/modules/runs/service.ts";
import { driveWell } from "./measure.ts";
import { progress } from "./report.ts";
import { type MadeRun, madeRun } from "./runs.ts";

const RUNS_A_TRANSACTION = 20;
const LANES = 3;

export const openFor = (url: string, poolSize: number): Promise<Database> =>
  openDatabase({ url, directory: "", migrations, owner: { pid: process.pid, what: "the bench" }, poolSize });

/** @returns seconds it took */
export async function loadRuns(url: string, runs: number, points: number): Promise<number> {
  const db = await openFor(url, LANES);
  const batches = Math.ceil(runs / RUNS_A_TRANSACTION);
  const { seconds } = await driveWell(LANES, { times: batches }, async (batch) => {
    const first = batch * RUNS_A_TRANSACTION;
    const made = Array.from({ length: Math.min(RUNS_A_TRANSACTION, runs - first) }, (_, i) => madeRun(first + i, points));
    await db.transaction(async (tx) => {
      for (const run of made) await record(tx, run);
    });
    if (batch % 50 === 49) progress(`  ${first + made.length} runs`);
  });
  // As autovacuum would do within a minute.
  await sql`vacuum analyze`.execute(db.query);
  await db.close();
  return seconds;
}

async function record(tx: Tx, run: MadeRun): Promise<void> {
  const { id, job, name, note, tags, settings, facts, outcome, evaluation, reports } = run;
  const context: Context = { actor: "owner", correlation: randomUUID() };
  const worker = { ...context, actor: "worker", causation: job };
  await enqueue(tx, { id: job, kind: "train", project: DEFAULT_PROJECT, subject: { kind: "run", id } }, context);
  const created = {
    id,
    project: DEFAULT_PROJECT,
    name,
    note,
    tags,
    task: "classification",
    settings,
    priority: 0,
    labels: [],
    createdBy: "owner",
  } as const;
  await recordRun(tx, created, [{ type: "queued", job }], context);
  const reason = { code: "LOSS_NOT_FINITE", message: "the loss became NaN at step 310", fix: "Lower the learning rate." };
  const ending: Record<MadeRun["outcome"], RunEvent[]> = {
    succeeded: [
      { type: "evaluated", evaluation },
      { type: "succeeded", result: { reason: "completed", bestEpoch: 9 } },
    ],
    stopped: [{ type: "stopped" }],
    failed: [{ type: "failed", reason }],
  };
  const trained = { type: "started", worker: job } as const;
  await runEntity.change(tx, id, worker, () => [trained, { type: "prepared", facts }, ...ending[outcome]]);
  await jobEntity.change(tx, job, worker, () => [
    { type: "claimed", worker: job, token: 1 },
    { type: "done", outcome },
  ]);
  for (const points of reports) await addPoints(tx, id, points);
}
