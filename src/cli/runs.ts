/** `trainyard runs`: the runs there are, newest first. */
import type { Command } from "commander";
import { listRuns, type RunFolder } from "../storage/run-folder.ts";
import type { EvaluationRecord } from "../worker/evaluation.ts";
import { type TrainingRecord, trainingSchema } from "../worker/training.ts";
import { config } from "./config.ts";
import { percent, print, printJson, table } from "./output.ts";

export function registerRuns(program: Command): void {
  program
    .command("runs")
    .summary("list runs")
    .description(`List the runs in ${config.runs}/, newest first.`)
    .option("--json", "print one JSON line per run")
    .action(async ({ json }: { json?: boolean }) => {
      const found = await listRuns<TrainingRecord>(config.runs, trainingSchema);
      for (const { message } of found.unreadable) process.stderr.write(`left out: ${message}\n`);
      const runs = await Promise.all(
        found.runs.map(async ({ folder, record }) => {
          const evaluation = await evaluationOf(folder);
          const { status, createdAt, settings, parameters } = record;
          const score = evaluation && (evaluation.task === "classification" ? { accuracy: evaluation.accuracy } : { mae: evaluation.mae });
          return {
            id: folder.id,
            status,
            createdAt,
            dataset: settings.dataset.id,
            model: settings.model.id,
            parameters,
            epochs: settings.training.epochs,
            ...score,
          };
        }),
      );
      if (json) for (const run of runs) printJson(run);
      else if (!runs.length) print(`no runs in ${config.runs}/; train one: npx trainyard train mnist`);
      else
        print(
          table(
            ["run", "status", "dataset", "model", "epochs", "test"],
            runs.map((r) => [
              r.id,
              r.status,
              r.dataset,
              r.model,
              r.epochs,
              "accuracy" in r ? percent(r.accuracy!) : "mae" in r ? `error ${r.mae!.toPrecision(4)}` : "",
            ]),
            4,
          ),
        );
    });
}

const evaluationOf = async (folder: RunFolder): Promise<EvaluationRecord | undefined> =>
  folder.read("evaluation.json", "").then(
    (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as EvaluationRecord,
    () => undefined,
  );
