/** The kind of catalog entry that says in one number how good predictions are. */
import type { Task } from "../shared/dataset.ts";
import type { Head } from "../shared/define.ts";
import type { ClassOutcome } from "./classes.ts";
import type { ValueOutcome } from "./values.ts";

/** What there is to judge by, for each task. */
export interface Outcomes {
  readonly classification: ClassOutcome;
  readonly regression: ValueOutcome;
}
export type Outcome = Outcomes[Task];

export interface MetricKind<T extends Task = Task> extends Head<Record<string, never>> {
  readonly tasks: readonly T[];
  readonly better: "higher" | "lower";
  /** Undefined where the rows do not tell, such as the area of a class that does not occur. */
  compute(outcome: Outcomes[T]): number | undefined;
}

/** Declares a metric. */
export const metric = <const T extends Task>(kind: Omit<MetricKind<T>, "params">): MetricKind => ({ ...kind, params: {} }) as MetricKind;

/** The metrics of an outcome that are defined on it and finite, by id. */
export const measured = (metrics: readonly MetricKind[], outcome: Outcome): Record<string, number> =>
  Object.fromEntries(
    metrics.flatMap(({ id, tasks, compute }) => {
      const value = tasks.includes(outcome.task) ? compute(outcome) : undefined;
      return value !== undefined && Number.isFinite(value) ? [[id, value]] : [];
    }),
  );
