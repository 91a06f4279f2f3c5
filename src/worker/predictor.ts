/** The predictor process: the server forks it, so that native code and other people's pictures stay out of the server. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { stepsOf } from "../catalog/run-settings.ts";
import { previewSteps } from "../data/index.ts";
import { toTrainyardError } from "../shared/errors.ts";
import type { PredictionRequest, PredictorAnswer, PredictorRequest, StepsRequest } from "../shared/predictor.ts";
import type { StepPreview } from "../shared/step-preview.ts";
import { Model } from "./prediction.ts";
import { endWithParent } from "./with-parent.ts";

/** Models that stay open; the one unused for longest makes way. */
const MOST_OPEN = 4;

/** By key, the last used at the end. */
const open = new Map<string, Model>();

async function find(model: PredictionRequest["model"]): Promise<Model | undefined> {
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

async function show({ files, steps, rows }: StepsRequest): Promise<StepPreview> {
  const folder = await mkdtemp(join(tmpdir(), "trainyard-steps-"));
  try {
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, basename(name)), bytes);
    return await previewSteps(folder, stepsOf(steps), rows);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function answer({ id, ...request }: PredictorRequest): Promise<PredictorAnswer> {
  try {
    if ("steps" in request) return { id, stages: await show(request.steps) };
    const { model, facts, sample } = request;
    const found = await find(model);
    return found ? { id, predictions: await found.predict(facts, sample) } : { id, unknownModel: true };
  } catch (cause) {
    return { id, error: toTrainyardError(cause).toJSON() };
  }
}

// One after the other: a model that is in use is never closed, and a prediction takes milliseconds.
let queue = Promise.resolve();
process.on("message", (request: PredictorRequest) => {
  queue = queue.then(async () => void process.send?.(await answer(request)));
});
endWithParent();
