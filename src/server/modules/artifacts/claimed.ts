/** What a worker may reach: the files of the run or dataset whose job it holds, and no others. */
import { fail } from "../../../shared/errors.ts";
import type { Query } from "../../entity.ts";
import type { Grant } from "../../gate.ts";

/** Whoever holds a claim speaks for that claim alone. @returns its number @throws STALE_TOKEN */
export function ownClaim({ actor }: Grant, job: string, token: number): number {
  if (actor.kind === "job" && actor.fence !== token) throw fail("STALE_TOKEN", { job, given: token, current: actor.fence });
  return token;
}

/** @returns the id of the run or dataset @throws NOT_FOUND, STALE_TOKEN */
export async function claimedSubject(db: Query, job: string, token: number): Promise<string> {
  const row = await db.selectFrom("jobs").select(["token", "status", "subject"]).where("id", "=", job).executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "job", id: job });
  if (row.token !== token || row.status !== "running") throw fail("STALE_TOKEN", { job, given: token, current: row.token });
  return row.subject;
}
