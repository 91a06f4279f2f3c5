/** What a worker may reach: the files of the run or dataset whose job it holds, and no others. */
import { fail } from "../../../shared/errors.ts";
import type { Query } from "../../entity.ts";
import { open } from "../../ids.ts";

/** @returns the id of the run or dataset @throws NOT_FOUND, STALE_TOKEN */
export async function claimedSubject(db: Query, job: string, token: number): Promise<string> {
  const row = await db.selectFrom("jobs").select(["token", "status", "subject"]).where("id", "=", open(job, "job")).executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "job", id: job });
  if (row.token !== token || row.status !== "running") throw fail("STALE_TOKEN", { job, given: token, current: row.token });
  return row.subject;
}
