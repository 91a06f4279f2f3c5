/** Loss and predictions of some rows, without training: what chooses the best epoch, and what a test split is told. */
import type { Split } from "../shared/dataset.ts";
import type { Measure, Tensors } from "../shared/events.ts";
import { asFeeds, batchFeeds, CHUNK_SECONDS, dataFeeds, Pace, weightOf } from "./feeds.ts";
import type { Session } from "./session.ts";
import type { PlanSpec } from "./training-plan.ts";

export interface Evaluation {
  readonly measure: Measure;
  /** Class index or value for each row, in order. */
  readonly predictions: Float64Array;
  /** [truth][prediction], for classification. */
  readonly confusion?: readonly (readonly number[])[];
}

export interface EvaluationOptions {
  readonly signal?: AbortSignal;
  /** How long one native call lasts: 0 for one step. */
  readonly chunkSeconds?: number;
}

/**
 * Loss and predictions of some rows, each counted once, or as much as its weight says.
 * @param session opened on the plan's `evaluate` graph
 * @throws the reason of the signal
 */
export async function evaluateRows(
  session: Session,
  spec: PlanSpec,
  data: Split,
  rows: Int32Array,
  tensors: Tensors,
  { signal, chunkSeconds = CHUNK_SECONDS }: EvaluationOptions = {},
): Promise<Evaluation> {
  const { batchSize, outputs, task } = spec;
  const predictions = new Float64Array(rows.length);
  const fixed = { ...dataFeeds(spec, data), ...asFeeds(tensors, spec) };
  const pace = new Pace(chunkSeconds);
  let loss = 0;
  for (let done = 0; done < rows.length; ) {
    signal?.throwIfAborted();
    const steps = Math.min(pace.steps, Math.ceil((rows.length - done) / batchSize));
    const began = performance.now();
    const results = await session.run({ ...fixed, ...batchFeeds(data, rows, done, steps, batchSize) });
    pace.took(steps, performance.now() - began);
    for (const sum of results.loss!.data as Float32Array) loss += sum; // one by one: bits must not depend on the length of a chunk
    const taken = Math.min(steps * batchSize, rows.length - done);
    for (let i = 0; i < taken; i++) predictions[done + i] = Number(results.predictions!.data[i]);
    done += taken;
  }
  const total = weightOf(data, rows);
  const weight = (i: number) => data.weights?.[rows[i]!] ?? 1;
  if (task === "regression") {
    const error = predictions.reduce((sum, p, i) => sum + weight(i) * Math.abs(p - data.targets[rows[i]!]!), 0);
    return { measure: { loss: loss / total, score: error / total }, predictions };
  }
  const confusion = Array.from({ length: outputs }, () => Array<number>(outputs).fill(0));
  for (let i = 0; i < rows.length; i++) confusion[data.targets[rows[i]!]!]![predictions[i]!]! += weight(i);
  const correct = confusion.reduce((sum, row, c) => sum + row[c]!, 0);
  return { measure: { loss: loss / total, score: correct / total }, predictions, confusion };
}
