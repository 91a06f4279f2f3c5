/** `trainyard runs compare`: where runs differ, and their metrics beside each other. */
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import type { Comparison } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import type { Significance } from "../shared/evaluation.ts";
import { add, answer, verb } from "./command.ts";
import { findRun, runArgument } from "./find.ts";
import { digits } from "./output.ts";
import { type Column, table } from "./table.ts";

export function registerCompare(runs: Command): void {
  add(runs, "compare", "compare runs", "Compare runs: the settings in which they differ, and their metrics (the last value of each).")
    .argument("<run>", runArgument)
    .argument("<runs...>", "the others")
    .action(
      verb(async ({ client }, _, first: string, others: string[]) => {
        const found = await Promise.all([first, ...others].map((name) => findRun(client, name)));
        const id = found.map((run) => run.id);
        const comparison = await client.call("compareRuns", { query: { id } });
        const significance = id.length === 2 ? await significanceOf(client, id) : undefined;
        return answer({ ...comparison, ...(significance && { significance }) }, () =>
          [comparisonText(comparison), ...(significance ? [significanceText(significance, comparison)] : [])].join("\n\n"),
        );
      }),
    );
}

/** Undefined where the two cannot be compared row by row: not finished, or tested on other rows. */
async function significanceOf(client: Client, id: string[]): Promise<Significance | undefined> {
  try {
    return await client.call("getSignificance", { query: { id } });
  } catch (error) {
    if (error instanceof TrainyardError && error.status < 500) return undefined;
    throw error;
  }
}

/** From here on a difference is usually taken for one. */
const SMALL = 0.05;

function significanceText({ metric, difference, interval, p, test }: Significance, { runs }: Comparison): string {
  const range = interval.map((v) => digits(v)).join(" to ");
  const by = test === "mcnemar" ? "McNemar's test" : "paired bootstrap";
  const verdict = p < SMALL ? "more than chance would explain" : "no more than chance may explain";
  return `${metric} of ${runs[1]!.name} less that of ${runs[0]!.name}: ${digits(difference)} (95 % interval ${range}), ${verdict} (p = ${digits(p)}, ${by})`;
}

function comparisonText({ runs, settings, metrics }: Comparison): string {
  const rows = [
    { name: "state", values: runs.map(({ state }) => state) },
    ...settings.map(({ path, values }) => ({ name: path, values: values.map((v) => (typeof v === "string" ? v : JSON.stringify(v))) })),
    ...metrics.map(({ series, values }) => ({ name: series, values: values.map((summary) => digits(summary?.last)) })),
  ];
  type Row = (typeof rows)[number];
  const columns = runs.map((run, i): Column<Row> => ({ title: run.name, cell: ({ values }) => values[i], right: true }));
  return table([{ title: "", cell: ({ name }) => name }, ...columns], rows);
}
