/** `trainyard datasets preprocess`: what steps of preprocessing do to some rows. */
import type { Command } from "commander";
import type { StepPreview } from "../shared/step-preview.ts";
import { add, answer, type Options, verb, wholeNumber } from "./command.ts";
import { digits, thousands } from "./output.ts";
import { readList } from "./steps.ts";
import { type Column, table } from "./table.ts";

interface StepsOptions extends Options {
  readonly preprocessing: string;
  readonly rows: number;
}

export function registerSteps(datasets: Command, datasetArgument: string): void {
  add(datasets, "preprocess", "show what steps of preprocessing do to some rows")
    .argument("<dataset>", datasetArgument)
    .requiredOption("--preprocessing <steps>", "JSON, or a file of it: [{ step, params }]")
    .option("--rows <integer>", "how many to show", wholeNumber("--rows", 1), 5)
    .action(
      verb(async ({ client }, { preprocessing, rows }: StepsOptions, id: string) => {
        const steps = await readList("preprocessing", preprocessing);
        const shown = await client.call("previewSteps", { params: { id }, body: { preprocessing: [...steps], rows } });
        return answer(shown, () => stagesText(shown, shown.fittedOn));
      }),
    );
}

type Stage = StepPreview["stages"][number];

export function stagesText({ stages, problem }: StepPreview, fittedOn: number): string {
  const parts = stages.map((stage, i) => `${i ? `after ${stage.step}` : "as they are"}:\n${stageText(stage)}`);
  const trouble = problem ? [`! ${problem.message}\n  ${problem.fix}`] : [];
  return [...parts, ...trouble, `fitted on ${thousands(fittedOn)} training rows; a training fits on all of them`].join("\n\n");
}

function stageText(stage: Stage): string {
  if ("shape" in stage) {
    const ranges = stage.pictures.map((pixels) => `${digits(Math.min(...pixels))} to ${digits(Math.max(...pixels))}`);
    return `${stage.pictures.length} pictures of ${stage.shape.join(" x ")}, values from ${ranges.join(", ")}`;
  }
  const columns = stage.columns.map(
    ({ name, type }, c): Column<(typeof stage.rows)[number]> => ({ title: name, cell: (row) => cell(row[c] ?? null), right: type === "number" }),
  );
  return `${table(columns, stage.rows)}${stage.more ? `\n… and ${thousands(stage.more)} more columns` : ""}`;
}

const cell = (value: string | number | null): string => (value === null ? "" : typeof value === "number" ? digits(value) : value);
