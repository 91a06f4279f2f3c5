/** Runs by the names people use for them. */
import { join } from "node:path";
import { fail } from "../shared/errors.ts";
import { listRuns, RunFolder } from "../storage/run-folder.ts";
import { config } from "./config.ts";

export const runArgument = 'folder of the run, its name in the runs folder, or "latest"';

/** @throws FILE_NOT_FOUND */
export async function findRun(name: string): Promise<RunFolder> {
  const runs = await listRuns(config.runs);
  if (name === "latest" && runs[0]) return runs[0].folder;
  const folder = runs.find(({ folder }) => folder.id === name)?.folder ?? new RunFolder(name === "latest" ? join(config.runs, "latest") : name);
  if (!(await folder.exists())) {
    const known = runs.slice(0, 5).map(({ folder }) => folder.id);
    throw fail("FILE_NOT_FOUND", {
      path: folder.path,
      what: "run",
      fix: known.length ? `Name a run's folder; the newest are ${known.join(", ")}.` : "Train one first: npx trainyard train mnist.",
    });
  }
  return folder;
}
