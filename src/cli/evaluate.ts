/** `trainyard evaluate`: how good a run is on data it never saw. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import type { Client } from "../shared/api/client.ts";
import type { EvaluationView, Job } from "../shared/api/schemas.ts";
import { add, answer, type Options, verb } from "./command.ts";
import { failure } from "./failure.ts";
import { findRun, runArgument } from "./find.ts";
import { interrupted } from "./interrupt.ts";
import { digits, percent, thousands } from "./output.ts";
import { type Column, pairs, table } from "./table.ts";

export function registerEvaluate(program: Command): void {
  add(
    program,
    "evaluate",
    "evaluate a run on its test split",
    "Evaluate a finished run's best weights on the test split, which training never saw. The result is kept with the run.",
  )
    .argument("<run>", runArgument)
    .option("--metrics <a,b,…>", "what to measure (default: every metric of the task)")
    .action(
      verb(async ({ client }, { metrics }: Options & { metrics?: string }, name: string) => {
        const asked = metrics?.split(",");
        const { id } = await findRun(client, name);
        const job = await client.call("evaluateRun", { params: { id }, body: { metrics: asked } });
        await done(client, job);
        const evaluation = await client.call("getEvaluation", { params: { id } });
        return answer(evaluation, () => (asked ? metricsText(evaluation, ["loss", ...asked]) : evaluationText(evaluation)));
      }, 1),
    );
}

/** Waits for a job. @throws why it failed */
async function done(client: Client, { id }: Job): Promise<void> {
  for (;;) {
    const { state, reason } = await client.call("getJob", { params: { id } });
    if (state === "done") return;
    if (state === "dead" || state === "cancelled") throw failure(reason, `job ${id}`);
    await sleep(200, undefined, { signal: interrupted });
  }
}

/** Classes beyond this many are left out of the table on screen; --json has them all. */
const CLASSES_SHOWN = 30;

interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
/** What the evaluation of a classifier has besides. */
interface ByClass {
  readonly accuracy: number;
  readonly labels: readonly string[];
  readonly classes: readonly (Scores & { readonly support: number })[];
  readonly macro: Scores;
}

export function evaluationText(evaluation: EvaluationView): string {
  if (evaluation.task === "regression") return metricsText(evaluation);
  const { samples, loss, accuracy, labels, classes, macro } = evaluation as EvaluationView & ByClass;
  const rows = [
    ...classes.slice(0, CLASSES_SHOWN).map((scores, i) => ({ name: labels[i]!, ...scores })),
    { name: "mean", ...macro, support: samples },
  ];
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { title: "class", cell: ({ name }) => name },
    { title: "precision", cell: ({ precision }) => percent(precision), right: true },
    { title: "recall", cell: ({ recall }) => percent(recall), right: true },
    { title: "F1", cell: ({ f1 }) => percent(f1), right: true },
    { title: "samples", cell: ({ support }) => thousands(support), right: true },
  ];
  return `${headText(evaluation)}accuracy ${percent(accuracy)}, loss ${loss.toPrecision(4)}\n\n${table(columns, rows)}`;
}

/** Each metric on a line, in the order of the catalog. */
/** @param shown ids of the metrics to show; all when left out */
function metricsText(evaluation: EvaluationView, shown?: readonly string[]): string {
  const known = [{ id: "loss", title: "Loss" }, ...catalog.metrics].filter(({ id }) => shown?.includes(id) ?? true);
  return headText(evaluation) + pairs(known.map(({ id, title }) => [title, digits(evaluation.metrics[id])]));
}

const headText = ({ samples }: EvaluationView): string => `test split, ${thousands(samples)} samples never seen in training\n`;
