/** The kind of catalog entry that says in one number how good predictions are. */
import type { Task } from "../shared/dataset.ts";
import type { Head } from "../shared/define.ts";
import type { Confusion } from "./classification.ts";

/** What there is to judge by, for each task. */
export interface Outcomes {
  readonly classification: Confusion;
  readonly regression: { readonly predictions: ArrayLike<number>; readonly targets: ArrayLike<number> };
}

export interface MetricKind<T extends Task = Task> extends Head<Record<string, never>> {
  readonly tasks: readonly T[];
  compute(outcome: Outcomes[T]): number;
}

export const metric = <const T extends Task>(kind: Omit<MetricKind<T>, "params">): MetricKind => ({ ...kind, params: {} }) as MetricKind;
