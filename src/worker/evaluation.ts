/** Evaluates weights on the test split, which training never saw. */
import { catalog } from "../catalog/index.ts";
import { Session } from "../engine/session.ts";
import { evaluateRows } from "../engine/trainer.ts";
import { classificationReport } from "../evaluation/classification.ts";
import { regressionReport } from "../evaluation/regression.ts";
import type { EvaluationView } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import type { Tensors } from "../shared/events.ts";
import type { PreparedTraining } from "./training.ts";

/** What `evaluation.json` says: the metrics by their names in the catalog, and the full report beside them. */
export type EvaluationRecord = EvaluationView & {
  /** Digest of the data. */
  readonly dataset: string;
  readonly bestEpoch: number;
} & (
    | ({ readonly task: "classification"; readonly labels: readonly string[]; readonly confusion: readonly (readonly number[])[] } & ReturnType<
        typeof classificationReport
      >)
    | ({ readonly task: "regression" } & ReturnType<typeof regressionReport>)
  );

export interface EvaluationOptions {
  /** Ids from the catalog; all for the task when left out. The loss is always told. */
  readonly metrics?: readonly string[];
  /** The epoch that the weights are from. */
  readonly bestEpoch: number;
  readonly signal?: AbortSignal;
}

/** @throws UNKNOWN_ENTRY for a metric that is not for the task, LOSS_NOT_FINITE, and the reason of the signal */
export async function evaluate(
  { settings, facts, dataset, assembled }: PreparedTraining,
  weights: Tensors,
  { metrics, bestEpoch, signal }: EvaluationOptions,
): Promise<EvaluationRecord> {
  const { test, task, labels, digest } = dataset;
  const suited = catalog.metrics.filter(({ tasks }) => tasks.includes(task));
  const unknown = metrics?.find((id) => id !== "loss" && !suited.some((m) => m.id === id));
  if (unknown !== undefined) throw fail("UNKNOWN_ENTRY", { kind: `metric of ${task}`, id: unknown, known: suited.map(({ id }) => id) });

  const { plan, threads } = assembled;
  const rows = Int32Array.from({ length: test.count }, (_, i) => i);
  const session = await Session.open(plan.evaluate, { device: settings.training.device, threads });
  try {
    const { measure, predictions, confusion } = await evaluateRows(session, plan.spec, test, rows, weights, { signal });
    const { loss } = measure;
    if (!Number.isFinite(loss)) {
      const { training } = settings;
      const step = bestEpoch * Math.ceil(facts.dataset.samples.train / training.batchSize);
      const rate = assembled.learningRate;
      const details = { what: "loss on the test split", value: String(loss), step, epoch: bestEpoch, rate, base: rate };
      throw fail("LOSS_NOT_FINITE", { ...details, checkpoint: "last.safetensors" });
    }
    const outcome = confusion ?? { predictions, targets: test.targets };
    const chosen = suited.filter(({ id }) => !metrics || metrics.includes(id)).map(({ id, compute }) => [id, compute(outcome as never)] as const);
    const finite = [["loss", loss] as const, ...chosen].filter(([, value]) => Number.isFinite(value)); // JSON has no other numbers
    const head = { split: "test", samples: test.count, loss, metrics: Object.fromEntries(finite), dataset: digest, bestEpoch } as const;
    return confusion
      ? { task: "classification", ...head, ...classificationReport(confusion), labels, confusion }
      : { task: "regression", ...head, ...regressionReport(predictions, test.targets) };
  } finally {
    await session.close();
  }
}
