/** The predictor process: the server forks it, so that native code and other people's pictures stay out of the server. */
import { toTrainyardError } from "../shared/errors.ts";
import type { PredictorAnswer, PredictorRequest } from "../shared/predictor.ts";
import { Model } from "./prediction.ts";
import { endWithParent } from "./with-parent.ts";

/** Models that stay open; the one unused for longest makes way. */
const MOST_OPEN = 4;

/** By key, the last used at the end. */
const open = new Map<string, Model>();

async function find(model: PredictorRequest["model"]): Promise<Model | undefined> {
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

async function answer({ id, model, facts, sample }: PredictorRequest): Promise<PredictorAnswer> {
  try {
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
