/** `trainyard evaluate`: how good a run is on data it never saw. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { catalog } from "../catalog/index.ts";
import type { Client } from "../shared/api/client.ts";
import type { Job } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import type { EvaluationReport, Threshold } from "../shared/evaluation.ts";
import { add, answer, type Options, verb } from "./command.ts";
import { failure } from "./failure.ts";
import { findRun, runArgument } from "./find.ts";
import { interrupted } from "./interrupt.ts";
import { digits, duration, percent, say, thousands } from "./output.ts";
import { placeText } from "./progress.ts";
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
    .option("--threshold <number>", "of two classes: what predicting the second from this score on comes to", score)
    .action(
      verb(async ({ client }, { metrics, threshold }: Options & { metrics?: string; threshold?: number }, name: string) => {
        const asked = metrics?.split(",");
        const { id } = await findRun(client, name);
        await done(client, await client.call("evaluateRun", { params: { id }, body: { metrics: asked } }));
        const evaluation = await client.call("getEvaluation", { params: { id } });
        if (threshold !== undefined) {
          const at = nearest(evaluation, threshold);
          return answer(at, () => thresholdText(evaluation, at));
        }
        return answer(evaluation, () => (asked ? metricsText(evaluation, ["loss", ...asked]) : evaluationText(evaluation)));
      }, 1),
    );
}

function score(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

/** The row of the threshold table that is closest. @throws BAD_USAGE where there is none */
function nearest({ thresholds, labels = [] }: EvaluationReport, threshold: number): Threshold {
  if (!thresholds?.length)
    throw fail("BAD_USAGE", { problem: `a threshold is for two classes, and there are ${labels.length}`, fix: "Leave --threshold out." });
  return thresholds.reduce((best, one) => (Math.abs(one.threshold - threshold) < Math.abs(best.threshold - threshold) ? one : best));
}

const thresholdText = (evaluation: EvaluationReport, { threshold, tp, fp, tn, fn, precision, recall, f1, accuracy }: Threshold): string =>
  `${headText(evaluation)}${evaluation.labels![1]} is predicted from ${digits(threshold)} on\n\n${pairs([
    ["true positives", thousands(tp)],
    ["false positives", thousands(fp)],
    ["true negatives", thousands(tn)],
    ["false negatives", thousands(fn)],
    ["precision", percent(precision)],
    ["recall", percent(recall)],
    ["F1", percent(f1)],
    ["accuracy", percent(accuracy)],
  ])}`;

/** Waits for a job. @param run whose progress is told meanwhile @throws why it failed */
export async function done(client: Client, { id }: Job, run?: string): Promise<void> {
  let told = "";
  for (;;) {
    const { state, reason } = await client.call("getJob", { params: { id } });
    const { progress } = run && state === "running" ? await client.call("getRun", { params: { id: run } }) : {};
    const place = progress ? placeText(progress) : "";
    if (place && place !== told) say(`${place}, ${duration(progress!.secondsLeft)} left`);
    told = place || told;
    if (state === "done" && reason) throw failure(reason, `job ${id}`);
    if (state === "done") return;
    if (state === "dead" || state === "cancelled") throw failure(reason, `job ${id}`);
    await sleep(200, undefined, { signal: interrupted });
  }
}

/** Classes beyond this many are left out of the table on screen; --json has them all. */
const CLASSES_SHOWN = 30;
/** What a classifier is told by on screen, besides its classes; --json and the report have every metric. */
const HEADLINE = ["accuracy", "balanced-accuracy", "roc-auc", "log-loss"];

export function evaluationText(evaluation: EvaluationReport): string {
  const { labels, classes, macro, samples } = evaluation;
  if (!classes || !labels || !macro) return metricsText(evaluation);
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
  return `${metricsText(evaluation, HEADLINE)}\n\n${table(columns, rows)}`;
}

/** Each metric on a line, in the order of the catalog: on the test split with its 95 % interval, on rows that were learnt from, and without learning. */
function metricsText(evaluation: EvaluationReport, shown?: readonly string[]): string {
  const { metrics, intervals = {}, train, baseline } = evaluation;
  const known = [{ id: "loss", title: "Loss" }, ...catalog.metrics].filter(({ id }) => id in metrics && (shown?.includes(id) ?? true));
  type Row = (typeof known)[number];
  const range = (id: string) => (intervals[id] ? intervals[id].map((v) => digits(v)).join(" to ") : "");
  const columns: readonly Column<Row>[] = [
    { title: "", cell: ({ title }) => title },
    { title: "test", cell: ({ id }) => digits(metrics[id]), right: true },
    { title: "95 % interval", cell: ({ id }) => range(id), right: true },
    { title: "training", cell: ({ id }) => digits(train?.metrics[id]), right: true },
    { title: "baseline", cell: ({ id }) => digits(baseline?.metrics[id]), right: true },
  ];
  return headText(evaluation) + table(columns, known);
}

const headText = ({ samples }: Pick<EvaluationReport, "samples">): string => `test split, ${thousands(samples)} samples never seen in training\n`;
