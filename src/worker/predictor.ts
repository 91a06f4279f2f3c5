/** The predictor process: the server forks it, so that native code and other people's pictures stay out of the server. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { loadExtensions } from "../catalog/extensions.ts";
import { stepsOf } from "../catalog/run-settings.ts";
import { findRows, previewSteps } from "../data/index.ts";
import { toTrainyardError } from "../shared/errors.ts";
import type { PredictionRequest, PredictorAnswer, PredictorRequest, RowsRequest, StepsRequest } from "../shared/predictor.ts";
import type { FoundRows } from "../shared/records.ts";
import type { StepPreview } from "../shared/step-preview.ts";
import { extensions } from "./config.ts";
import { Model } from "./prediction.ts";
import { significanceOf } from "./significance.ts";
import { endWithParent } from "./with-parent.ts";

/** Models that stay open; the one unused for longest makes way. */
const MOST_OPEN = 4;

/** By key, the last used at the end. */
const open = new Map<string, Model>();

async function opened(model: PredictionRequest["model"]): Promise<Model | undefined> {
  const { key, bytes } = typeof model === "string" ? { key: model } : model;
  const found = open.get(key) ?? (bytes && (await Model.open(bytes)));
  if (!found) return undefined;
  open.delete(key);
  open.set(key, found);
  if (open.size > MOST_OPEN) {
    const [oldest, idle] = open.entries().next().value!;
    open.delete(oldest);
    await idle.close();
  }
  return found;
}

/** Files in a folder of their own for as long as `use` takes. */
async function inFolder<T>(files: Readonly<Record<string, Uint8Array>>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "trainyard-predictor-"));
  try {
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, basename(name)), bytes);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const show = ({ files, steps, rows }: StepsRequest): Promise<StepPreview> => inFolder(files, (folder) => previewSteps(folder, stepsOf(steps), rows));

/** Its folder is where DuckDB may put what is too much for memory. */
const find = ({ table, query }: RowsRequest): Promise<FoundRows> =>
  typeof table === "string"
    ? inFolder({}, (folder) => findRows(table, folder, query))
    : inFolder({ "rows.parquet": table }, (folder) => findRows(join(folder, "rows.parquet"), folder, query));

async function answer({ id, ...request }: PredictorRequest): Promise<PredictorAnswer> {
  try {
    if ("compare" in request) return { id, significance: significanceOf(request.compare) };
    if ("records" in request) return { id, rows: await find(request.records) };
    if ("steps" in request) return { id, stages: await show(request.steps) };
    const { model, facts, sample } = request;
    const found = await opened(model);
    return found ? { id, predictions: await found.predict(facts, sample) } : { id, unknownModel: true };
  } catch (cause) {
    return { id, error: toTrainyardError(cause).toJSON() };
  }
}

// One after the other: a model that is in use is never closed, and a prediction takes milliseconds.
let queue = loadExtensions(extensions);
process.on("message", (request: PredictorRequest) => {
  queue = queue.then(async () => void process.send?.(await answer(request)));
});
endWithParent();
