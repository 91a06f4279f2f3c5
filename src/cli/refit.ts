/** `trainyard cross-validate` and `trainyard learning-curve`: a run's settings fitted again on parts of its training rows. */
import { type Command, Option } from "commander";
import { catalog } from "../catalog/index.ts";
import type { CrossValidation, LearningCurve } from "../shared/evaluation.ts";
import { add, answer, type Options, verb, wholeNumber } from "./command.ts";
import { done } from "./evaluate.ts";
import { findRun, runArgument } from "./find.ts";
import { digits, thousands } from "./output.ts";
import { type Column, table } from "./table.ts";

interface RefitOptions extends Options {
  readonly metrics?: string;
  readonly repeats?: number;
}
const metricsFlag = ["--metrics <a,b,…>", "what to measure (default: every metric of the task)"] as const;
const split = (metrics?: string) => metrics?.split(",");

export function registerRefits(program: Command): void {
  add(
    program,
    "cross-validate",
    "fit a run's settings on folds of its training split",
    "Fit a run's settings again, preprocessing included, on all folds of its training split but one, and measure them on that one, each in turn. The test split is not looked at.",
  )
    .argument("<run>", runArgument)
    .option("--folds <integer>", "parts of the training split (default: 5)", wholeNumber("--folds", 2))
    .option("--repeats <integer>", "times that the rows are dealt out anew (default: 1)", wholeNumber("--repeats", 1))
    .option("--group <column>", "rows with the same value of this column stay in one fold")
    .addOption(new Option("--no-stratified", "do not give every fold its share of each class"))
    .option(...metricsFlag)
    .action(
      verb(async ({ client }, options: RefitOptions & { folds?: number; group?: string; stratified: boolean }, name: string) => {
        const { metrics, folds, repeats, group, stratified } = options;
        const params = { id: (await findRun(client, name)).id };
        await done(
          client,
          await client.call("crossValidateRun", { params, body: { folds, repeats, group, stratified, metrics: split(metrics) } }),
          params.id,
        );
        const result = await client.call("getCrossValidation", { params });
        return answer(result, () => foldsText(result));
      }, 1),
    );
  add(
    program,
    "learning-curve",
    "fit a run's settings on more and more rows",
    "Fit a run's settings again on more and more of its training rows, and measure them on a fifth of these that is set aside: whether more data would help.",
  )
    .argument("<run>", runArgument)
    .option("--points <integer>", "numbers of rows, growing by equal factors (default: 6)", wholeNumber("--points", 2))
    .option("--repeats <integer>", "fits of each, on other rows (default: 1)", wholeNumber("--repeats", 1))
    .option(...metricsFlag)
    .action(
      verb(async ({ client }, { metrics, points, repeats }: RefitOptions & { points?: number }, name: string) => {
        const params = { id: (await findRun(client, name)).id };
        await done(client, await client.call("drawLearningCurve", { params, body: { points, repeats, metrics: split(metrics) } }), params.id);
        const result = await client.call("getLearningCurve", { params });
        return answer(result, () => curveText(result));
      }, 1),
    );
}

function foldsText({ folds, repeats, results, mean, deviation }: CrossValidation): string {
  const shown = catalog.metrics.filter(({ id }) => id in mean);
  type Row = (typeof shown)[number];
  const values = (id: string) => results.flatMap(({ metrics }) => (id in metrics ? [metrics[id]!] : []));
  const columns: readonly Column<Row>[] = [
    { title: "", cell: ({ title }) => title },
    { title: "mean", cell: ({ id }) => digits(mean[id]), right: true },
    { title: "deviation", cell: ({ id }) => digits(deviation[id]), right: true },
    { title: "lowest", cell: ({ id }) => digits(Math.min(...values(id))), right: true },
    { title: "highest", cell: ({ id }) => digits(Math.max(...values(id))), right: true },
  ];
  return `${folds} folds${repeats > 1 ? `, ${repeats} times` : ""}: ${results.length} fits, each measured on the rows it did not see\n${table(columns, shown)}`;
}

/** The metrics that a person looks at first; --json has all. */
const FIRST = ["accuracy", "f1", "log-loss", "mae", "r2"];

function curveText({ points, held }: LearningCurve): string {
  const known = catalog.metrics.filter(({ id }) => id in (points[0]?.held ?? {}));
  const few = known.filter(({ id }) => FIRST.includes(id));
  const shown = few.length ? few : known.slice(0, 4);
  const columns: readonly Column<(typeof points)[number]>[] = [
    { title: "rows", cell: ({ samples }) => thousands(samples), right: true },
    ...shown.flatMap(({ id, title }): Column<(typeof points)[number]>[] => [
      { title: `${title}, on them`, cell: ({ train }) => digits(train[id]), right: true },
      { title: "held out", cell: ({ held }) => digits(held[id]), right: true },
    ]),
  ];
  return `measured on ${thousands(held)} training rows that were set aside\n${table(columns, points)}`;
}
