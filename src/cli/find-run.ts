/** Runs by the names people use for them. */
import { basename, join } from "node:path";
import { fail } from "../shared/errors.ts";
import { listRuns, RunFolder } from "../storage/run-folder.ts";
import { config } from "./config.ts";

export const runArgument = 'folder of the run, its name in the runs folder, or "latest"';

/** @throws FILE_NOT_FOUND */
export async function findRun(name: string): Promise<RunFolder> {
  if (name === basename(name)) {
    const named = new RunFolder(join(config.runs, name));
    if (await named.exists()) return named;
  }
  const given = new RunFolder(name);
  if (await given.exists()) return given;
  const { runs } = await listRuns(config.runs);
  if (name === "latest" && runs[0]) return runs[0].folder;
  const newest = runs.slice(0, 5).map(({ folder }) => folder.id);
  throw fail("FILE_NOT_FOUND", {
    path: given.path,
    what: "run",
    fix: newest.length ? `Name a run's folder; the newest are ${newest.join(", ")}.` : "Train one first: npx trainyard train mnist.",
  });
}
