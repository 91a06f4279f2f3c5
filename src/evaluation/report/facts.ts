/** What a report of a run is made from. No machine's name or path is among it: a report is for others to read. */
import type { ParamValues } from "../../shared/define.ts";
import type { CrossValidation, EvaluationReport, LearningCurve } from "../../shared/evaluation.ts";

export interface ReportFacts {
  readonly run: {
    readonly name: string;
    readonly number: number;
    /** ISO 8601. */
    readonly createdAt: string;
    readonly createdBy: string;
    readonly note?: string;
    readonly tags: readonly string[];
  };
  readonly dataset: {
    /** name@version */
    readonly name: string;
    readonly digest: string;
    readonly samples: { readonly train: number; readonly validation: number; readonly test: number };
    /** Features of a table; empty for pictures. */
    readonly columns: readonly string[];
    readonly target?: string;
    readonly licence?: string;
  };
  readonly model: { readonly id: string; readonly title: string; readonly params: ParamValues };
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Steps in their order, in words. */
  readonly preprocessing: readonly string[];
  /** By id of the catalog. */
  readonly metricTitles: Readonly<Record<string, MetricTitle>>;
  readonly evaluation: EvaluationReport;
  readonly crossValidation?: CrossValidation;
  readonly learningCurve?: LearningCurve;
  /** Of the programs that the run was made with, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface MetricTitle {
  readonly title: string;
  readonly better: "higher" | "lower";
}

/** What is looked at first, the most telling one first. */
const HEADLINE = {
  classification: ["accuracy", "balanced-accuracy", "f1", "roc-auc", "log-loss"],
  regression: ["rmse", "mae", "r2"],
} as const;

export const titleOf = ({ metricTitles }: ReportFacts, id: string): string => metricTitles[id]?.title ?? id;

/** How much better the first value is than the second; below 0 where it is worse. */
export const advantage = ({ metricTitles }: ReportFacts, id: string, one: number, other: number): number =>
  metricTitles[id]?.better === "lower" ? other - one : one - other;

/** The metrics that were measured, those that are looked at first in front. */
export function metricIds({ evaluation: { task, metrics } }: ReportFacts): string[] {
  const first: readonly string[] = HEADLINE[task].filter((id) => id in metrics);
  return [...first, ...Object.keys(metrics).filter((id) => !first.includes(id))];
}

/** The few that a reader in a hurry gets. */
export function headlineIds(facts: ReportFacts): string[] {
  const { task, metrics } = facts.evaluation;
  const known = HEADLINE[task].filter((id) => id in metrics);
  return known.length ? known : metricIds(facts).slice(0, 3);
}
