/** `trainyard evaluate`: how good a run is on data it never saw. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import type { EvaluationView, Job } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import { add, answer, type Options, verb } from "./command.ts";
import { findRun, runArgument } from "./find.ts";
import { interrupted } from "./interrupt.ts";
import { digits, percent, thousands } from "./output.ts";
import { table } from "./table.ts";

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
        const { id } = await findRun(client, name);
        const job = await client.call("evaluateRun", { params: { id }, body: { metrics: metrics?.split(",") } });
        await done(client, job);
        const evaluation = await client.call("getEvaluation", { params: { id } });
        return answer(evaluation, () => evaluationText(evaluation));
      }, 1),
    );
}

/** Waits for a job. @throws why it failed */
async function done(client: Client, { id }: Job): Promise<void> {
  for (;;) {
    const { state, reason } = await client.call("getJob", { params: { id } });
    if (state === "done") return;
    if (state === "dead" || state === "cancelled") {
      const { code, message, fix } = reason ?? { code: "INTERNAL", message: `job ${id} was ${state}`, fix: "Try again." };
      throw new TrainyardError(code, 500, message, fix, { job: id });
    }
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
  readonly labels: readonly string[];
  readonly classes: readonly (Scores & { readonly support: number })[];
  readonly macro: Scores;
}

export function evaluationText(evaluation: EvaluationView): string {
  const { samples, loss, metrics } = evaluation;
  const lines = [`\ntest split, ${thousands(samples)} samples never seen in training`];
  if (!("classes" in evaluation)) {
    return [...lines, ...Object.entries({ ...metrics, loss }).map(([name, value]) => `${name.padEnd(24)}${digits(value)}`)].join("\n");
  }
  const { labels, classes, macro } = evaluation as unknown as ByClass;
  const rows = [
    ...classes.slice(0, CLASSES_SHOWN).map((scores, i) => ({ name: labels[i]!, ...scores })),
    { name: "mean", ...macro, support: samples },
  ];
  const columns = [
    { title: "class", cell: (r: (typeof rows)[number]) => r.name },
    ...(["precision", "recall", "f1"] as const).map((score) => ({
      title: score === "f1" ? "F1" : score,
      cell: (r: (typeof rows)[number]) => percent(r[score]),
      right: true,
    })),
    { title: "samples", cell: (r: (typeof rows)[number]) => thousands(r.support), right: true },
  ];
  return [...lines, `accuracy ${percent(metrics.accuracy ?? 0)}, loss ${loss.toPrecision(4)}\n`, table(columns, rows)].join("\n");
}
