/** What the jobs of a run said: appended by their workers, kept up to a limit, read by who watches. Not events: nothing follows from them. */
import { sql } from "kysely";
import type { LogPage, LogReport } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import type { Query, Tx } from "../../entity.ts";

/** Of one run. What comes after them is not kept. */
const MOST_LINES = 20_000;
const FULL = `This log is full: it keeps the first ${MOST_LINES} lines.`;

/** @throws NOT_FOUND, STALE_TOKEN unless the job is this worker's; WRONG_STATE for a job that is not about a run */
export async function addLines(db: Query, job: string, { token, first, lines }: LogReport): Promise<void> {
  const row = await db.selectFrom("jobs").select(["token", "status", "subject", "subject_kind"]).where("id", "=", job).executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "job", id: job });
  if (row.token !== token || row.status !== "running") throw fail("STALE_TOKEN", { job, given: token, current: row.token });
  if (row.subject_kind !== "run")
    throw fail("WRONG_STATE", { what: `job ${job}`, state: `about a ${row.subject_kind}`, verb: "logged", want: "about a run" });
  const run = row.subject;
  const room = MOST_LINES - (await countOf(db, run));
  if (room < 0 || !lines.length) return;
  const kept = lines.slice(0, room).map(({ at, text }, i) => ({ run, job, token, number: first + i, at, text }));
  if (kept.length < lines.length) kept.push({ run, job, token, number: first + kept.length, at: lines.at(-1)!.at, text: FULL });
  await db
    .insertInto("run_log")
    .values(kept)
    .onConflict((conflict) => conflict.columns(["job", "token", "number"]).doNothing())
    .execute();
}

async function countOf(db: Query, run: string): Promise<number> {
  const { count } = await db
    .selectFrom("run_log")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("run", "=", run)
    .executeTakeFirstOrThrow();
  return Number(count);
}

interface LogQuery {
  readonly after?: number;
  readonly before?: number;
  readonly find?: string;
  readonly limit: number;
}

/** Lines in order: the first ones after a place, else the last ones, of all or of those before a place. */
export async function readLines(db: Query, run: string, { after, before, find, limit }: LogQuery): Promise<LogPage> {
  let q = db.selectFrom("run_log").where("run", "=", run);
  if (find) q = q.where(sql<boolean>`strpos(lower(text), ${find.toLowerCase()}) > 0`);
  const { count } = await q.select(({ fn }) => fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
  if (after !== undefined) q = q.where("seq", ">", after);
  if (before !== undefined) q = q.where("seq", "<", before);
  const rows = await q
    .select(["seq", "at", "text"])
    .orderBy("seq", after === undefined ? "desc" : "asc")
    .limit(limit)
    .execute();
  if (after === undefined) rows.reverse();
  return { total: Number(count), items: rows.map(({ seq, at, text }) => ({ seq: Number(seq), at: at.toISOString(), text })) };
}

export async function deleteLog(tx: Tx, run: string): Promise<void> {
  await tx.deleteFrom("run_log").where("run", "=", run).execute();
}
