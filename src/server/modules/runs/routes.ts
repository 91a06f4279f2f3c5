/** Routes of runs. */

import type { Grant } from "../../gate.ts";
import type { Handlers } from "../../handler.ts";
import { follow } from "./follow.ts";
import { readLines } from "./log.ts";
import { readSeries } from "./metrics.ts";
import { runEntity } from "./run.ts";
import { compareRuns, deleteRun, editRun, getRun, listPage, restoreRun } from "./service.ts";
import { groupRuns, runFields, type Selection } from "./store.ts";

interface Wanted {
  readonly filter?: string[];
  readonly id?: string[];
  readonly trash?: "true" | "false";
  readonly archived?: "true" | "false";
}
const selected = ({ filter, id, trash, archived }: Wanted, { visible }: Grant): Selection => ({
  filter,
  id,
  visible,
  trash: trash === "true",
  archived: archived === "true",
});

export const runRoutes: Handlers<
  | "listRuns"
  | "groupRuns"
  | "getRunFields"
  | "compareRuns"
  | "getRun"
  | "editRun"
  | "deleteRun"
  | "restoreRun"
  | "getMetrics"
  | "getRunLog"
  | "followRun"
> = {
  listRuns: (kernel, { query: { metrics, settings, sort, limit, cursor, ...query }, grant }) =>
    listPage(kernel, { ...selected(query, grant), sort, limit, cursor }, metrics, settings),
  groupRuns: ({ db }, { query: { by, metric, ...query }, grant }) => groupRuns(db.query, selected(query, grant), by, metric),
  getRunFields: ({ db }, { grant }) => runFields(db.query, grant.visible),
  compareRuns: (kernel, { query }) => compareRuns(kernel, query.id, query.all === "true"),
  getRun: (kernel, { params }) => getRun(kernel, params.id),
  editRun: (kernel, { params, body, context }) => editRun(kernel, params.id, body, context),
  deleteRun: (kernel, { params, context }) => deleteRun(kernel, params.id, context),
  restoreRun: (kernel, { params, context }) => restoreRun(kernel, params.id, context),
  async getMetrics({ db }, { params, query: { series, points, from, to } }) {
    const run = params.id;
    await runEntity.get(db.query, run);
    return { series: await readSeries(db.query, run, { series, limit: points, from, to }) };
  },
  async getRunLog({ db }, { params, query }) {
    await runEntity.get(db.query, params.id);
    return readLines(db.query, params.id, query);
  },
  followRun: (kernel, { params, lastEventId, signal }) => follow(kernel, params.id, lastEventId, signal),
};
