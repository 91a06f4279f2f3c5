/** Routes of jobs: for people who watch them, and for the workers that do them. */
import type { Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { ownClaim } from "../artifacts/claimed.ts";
import { addLines } from "../runs/log.ts";
import { claim, finish, getJob, heartbeat, listJobs, listWorkers, queues, report, requeueJob, stopJob } from "./service.ts";

export const jobRoutes: Handlers<
  "listJobs" | "getJob" | "requeueJob" | "stopJob" | "getQueues" | "listWorkers" | "claimJob" | "heartbeat" | "report" | "addLog" | "finishJob"
> = {
  async listJobs(kernel, { query: { state, kind, limit, cursor } }) {
    const { items, last } = await listJobs(kernel, { state, kind, limit, after: readCursor(cursor, "time") });
    return { items, next: nextCursor(last) };
  },
  getJob: (kernel, { params }) => getJob(kernel, params.id),
  requeueJob: (kernel, { params, context }) => requeueJob(kernel, params.id, context),
  stopJob: (kernel, { params, context }) => stopJob(kernel, params.id, context),
  getQueues: async (kernel) => ({ items: await queues(kernel) }),
  listWorkers: async (kernel) => ({ items: await listWorkers(kernel) }),
  claimJob: async (kernel, { body, context, signal }) => ({ job: await claim(kernel, body, context, signal) }),
  heartbeat: (kernel, { params, body, grant }) => heartbeat(kernel, params.id, ownClaim(grant, params.id, body.token)),
  report(kernel, { params, body, context, grant }) {
    ownClaim(grant, params.id, body.token);
    return report(kernel, params.id, body, context);
  },
  async addLog({ db }, { params, body, grant }) {
    ownClaim(grant, params.id, body.token);
    await addLines(db.query, params.id, body);
    return undefined;
  },
  async finishJob(kernel, { params, body, context, grant }) {
    ownClaim(grant, params.id, body.token);
    await finish(kernel, params.id, body, context);
    return undefined;
  },
};
