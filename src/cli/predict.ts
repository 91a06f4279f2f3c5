/** `trainyard predict`: what a run's model says of pictures or rows. */
import type { Command } from "commander";
import { type Prediction, predict } from "../worker/prediction.ts";
import { findRun, runArgument } from "./find-run.ts";
import { percent, print, printJson, table } from "./output.ts";

export function registerPredict(program: Command): void {
  program
    .command("predict")
    .summary("predict with a run's model")
    .description("Predict with a run's model, from pictures (PNG, JPEG, …) or CSV files with the columns it was trained on.")
    .argument("<run>", runArgument)
    .argument("<files...>", "pictures, or CSV files with a header")
    .option("--json", "print one JSON line per prediction")
    .action(async (run: string, files: string[], { json }: { json?: boolean }) => {
      const predictions = await predict(await findRun(run), files);
      if (json) for (const prediction of predictions) printJson(prediction);
      else print(table(["input", "prediction", ""], predictions.map(row)));
    });
}

const row = ({ source, label, value, outputs }: Prediction): string[] => {
  if (label === undefined) return [source, String(Number(value!.toPrecision(6))), ""];
  const best = outputs![label]!;
  return [source, label, best >= 0 && best <= 1 ? percent(best) : best.toPrecision(4)];
};
