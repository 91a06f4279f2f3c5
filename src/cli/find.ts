/** Runs and experiments by the names people use for them. */
import type { Client } from "../shared/api/client.ts";
import type { Experiment, RunSummary } from "../shared/api/schemas.ts";
import { fail, TrainyardError } from "../shared/errors.ts";
import { collect } from "./command.ts";

export const runArgument = 'the run: its number (3 or #3), its name, its id, or "latest"';
export const experimentArgument = 'the experiment: its name, the beginning of its hash, its id, or "latest"';

type Found = Pick<RunSummary, "id" | "name">;

/** @throws NOT_FOUND */
export async function findRun(client: Client, name: string): Promise<Found> {
  const number = /^#?(\d{1,9})$/.exec(name)?.[1];
  const filter = name === "latest" ? [] : [number ? `number=${number}` : `name=${name}`];
  // An archived run keeps its name, and one in the trash can be restored by it.
  for (const scope of name === "latest" ? [{}] : [{}, { archived: "true" as const }, { trash: "true" as const }]) {
    const { items } = await client.call("listRuns", { query: { filter, limit: 1, ...scope } });
    if (items[0]) return items[0];
  }
  if (name !== "latest" && !number) {
    const run = await client.call("getRun", { params: { id: name } }).catch(orMissing);
    if (run) return run;
  }
  const { items } = await client.call("listRuns", { query: { limit: 5 } });
  throw missing(
    "run",
    name,
    items.map((run) => run.name),
    "Train one first: npx trainyard train mnist.",
  );
}

/** @throws NOT_FOUND */
export async function findExperiment(client: Client, name: string): Promise<Experiment> {
  const found = await client.call("getExperiment", { params: { id: name } }).catch(orMissing);
  if (found) return found;
  const { items } = await collect((query) => client.call("listExperiments", { query }), 10_000);
  const named = items.find((e) => name === "latest" || e.name === name || (name.length >= 6 && e.hash.startsWith(name)));
  if (named) return named;
  throw missing(
    "experiment",
    name,
    items.slice(0, 5).map((e) => e.name),
    "Archive a run first: npx trainyard archive latest.",
  );
}

const orMissing = (error: unknown): undefined => {
  if (!(error instanceof TrainyardError && error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 403)) throw error;
  return undefined;
};

function missing(what: string, id: string, newest: readonly string[], otherwise: string): TrainyardError {
  const { code, status, message, details } = fail("NOT_FOUND", { what, id });
  return new TrainyardError(code, status, message, newest.length ? `The newest are ${newest.join(", ")}.` : otherwise, details);
}
