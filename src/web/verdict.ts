/** What test, training and baseline say together, in a word: whether a model has learnt anything, and whether it has learnt by heart. */
import type { EvaluationReport } from "../shared/evaluation.ts";

export type Verdict = "noBetter" | "overfit" | "even";

/** What is judged by, in this order: of classes the share that is right, of values how much of their variation is told. */
const judges = ["accuracy", "r2"] as const;
/** Shares that differ by less say nothing. */
const GAP = 0.05;

export interface Judged {
  readonly verdict: Verdict;
  readonly metric: string;
  readonly test: number;
  readonly train: number;
  readonly baseline?: number;
}

/** Undefined where there is nothing to compare. */
export function judge({
  metrics,
  train,
  baseline,
  intervals,
}: Pick<EvaluationReport, "metrics" | "train" | "baseline" | "intervals">): Judged | undefined {
  const metric = judges.find((one) => metrics[one] !== undefined && train?.metrics[one] !== undefined);
  if (!metric) return undefined;
  const [test, learnt, without] = [metrics[metric]!, train!.metrics[metric]!, baseline?.metrics[metric]];
  const [low, high] = intervals?.[metric] ?? [test, test];
  const verdict = without !== undefined && low <= without ? "noBetter" : learnt > high && learnt - test > GAP ? "overfit" : "even";
  return { verdict, metric, test, train: learnt, ...(without !== undefined && { baseline: without }) };
}
