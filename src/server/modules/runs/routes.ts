/** Routes of runs. */

import type { Handlers } from "../../handler.ts";
import { follow } from "./follow.ts";
import { readSeries } from "./metrics.ts";
import { runEntity } from "./run.ts";
import { compareRuns, deleteRun, editRun, getRun, listPage, restoreRun } from "./service.ts";

export const runRoutes: Handlers<"listRuns" | "compareRuns" | "getRun" | "editRun" | "deleteRun" | "restoreRun" | "getMetrics" | "followRun"> = {
  listRuns: (kernel, { query: { metrics, trash, archived, project: _, ...query }, grant }) =>
    listPage(kernel, { ...query, visible: grant.visible, trash: trash === "true", archived: archived === "true" }, metrics),
  compareRuns: (kernel, { query }) => compareRuns(kernel, query.id),
  getRun: (kernel, { params }) => getRun(kernel, params.id),
  editRun: (kernel, { params, body, context }) => editRun(kernel, params.id, body, context),
  deleteRun: (kernel, { params, context }) => deleteRun(kernel, params.id, context),
  restoreRun: (kernel, { params, context }) => restoreRun(kernel, params.id, context),
  async getMetrics({ db }, { params, query: { series, points, from, to } }) {
    const run = params.id;
    await runEntity.get(db.query, run);
    return { series: await readSeries(db.query, run, { series, limit: points, from, to }) };
  },
  followRun: (kernel, { params, lastEventId, signal }) => follow(kernel, params.id, lastEventId, signal),
};
