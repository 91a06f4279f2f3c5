/** Evaluates a run's best weights on the test split, which training never saw, into `evaluation.json`. */
import { Session } from "../engine/session.ts";
import { evaluateRows } from "../engine/trainer.ts";
import { classificationReport } from "../evaluation/classification.ts";
import { regressionReport } from "../evaluation/regression.ts";
import type { RunFolder } from "../storage/run-folder.ts";
import { type PreparedTraining, readRecord, reassemble, shapesOf } from "./training.ts";

/** What `evaluation.json` says. */
export type EvaluationRecord = {
  readonly dataset: string;
  readonly split: "test";
  readonly samples: number;
  readonly loss: number;
  readonly bestEpoch?: number;
} & (
  | ({ readonly task: "classification"; readonly labels: readonly string[]; readonly confusion: readonly (readonly number[])[] } & ReturnType<
      typeof classificationReport
    >)
  | ({ readonly task: "regression" } & ReturnType<typeof regressionReport>)
);

/** @param prepared the parts of the run, if they are at hand */
export async function evaluateRun(folder: RunFolder, prepared?: PreparedTraining): Promise<EvaluationRecord> {
  const record = await readRecord(folder);
  const parts = prepared ?? (await reassemble(record));
  const { dataset, assembled } = parts;
  const { plan, threads } = assembled;
  const { tensors } = await folder.loadCheckpoint("best", shapesOf(parts));
  const rows = Int32Array.from({ length: dataset.test.count }, (_, i) => i);
  const session = await Session.open(plan.evaluate, { device: record.settings.training.device, threads });
  try {
    const { measure, predictions, confusion } = await evaluateRows(session, plan.spec, dataset.test, rows, tensors);
    const head = {
      dataset: record.dataset.digest,
      split: "test",
      samples: rows.length,
      loss: measure.loss,
      bestEpoch: record.result?.bestEpoch,
    } as const;
    const evaluation: EvaluationRecord = confusion
      ? { task: "classification", ...head, ...classificationReport(confusion), labels: dataset.labels, confusion }
      : { task: "regression", ...head, ...regressionReport(predictions, dataset.test.targets) };
    await folder.writeJson("evaluation.json", evaluation);
    return evaluation;
  } finally {
    await session.close();
  }
}
