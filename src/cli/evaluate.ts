/** `trainyard evaluate`: how good a run is on data it never saw. */
import type { Command } from "commander";
import { type EvaluationRecord, evaluateRun } from "../worker/evaluation.ts";
import { findRun, runArgument } from "./find-run.ts";
import { percent, print, printJson, table, thousands } from "./output.ts";

export function registerEvaluate(program: Command): void {
  program
    .command("evaluate")
    .summary("evaluate a run on its test split")
    .description("Evaluate a run's best weights on the test split, which training never saw, and write evaluation.json.")
    .argument("<run>", runArgument)
    .option("--json", "print the evaluation as JSON")
    .action(async (run: string, { json }: { json?: boolean }) => {
      const evaluation = await evaluateRun(await findRun(run));
      if (json) printJson(evaluation);
      else printEvaluation(evaluation);
    });
}

/** Classes beyond this many are left out of the table on screen; the file has them all. */
const CLASSES_SHOWN = 30;

export function printEvaluation(evaluation: EvaluationRecord): void {
  const { samples, loss } = evaluation;
  print(`\ntest split, ${thousands(samples)} samples never seen in training`);
  if (evaluation.task === "regression") {
    const { mae, rmse, r2 } = evaluation;
    print(
      table(
        ["", ""],
        [
          ["mean absolute error", mae.toPrecision(5)],
          ["root mean squared error", rmse.toPrecision(5)],
          ["R²", r2.toFixed(4)],
          ["loss", loss.toPrecision(5)],
        ],
        1,
      ).trimStart(),
    );
    return;
  }
  const { accuracy, classes, macro, labels } = evaluation;
  print(`accuracy ${percent(accuracy)}, loss ${loss.toPrecision(4)}\n`);
  const rows = classes.slice(0, CLASSES_SHOWN).map((c, i) => [labels[i]!, ...[c.precision, c.recall, c.f1].map(percent), thousands(c.support)]);
  print(
    table(
      ["class", "precision", "recall", "F1", "samples"],
      [...rows, ["mean", ...[macro.precision, macro.recall, macro.f1].map(percent), thousands(samples)]],
      1,
    ),
  );
}
