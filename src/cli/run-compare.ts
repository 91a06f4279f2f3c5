/** `trainyard runs compare`: where runs differ, and their metrics beside each other. */
import type { Command } from "commander";
import type { Comparison } from "../shared/api/schemas.ts";
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
        const comparison = await client.call("compareRuns", { query: { id: found.map(({ id }) => id) } });
        return answer(comparison, () => comparisonText(comparison));
      }),
    );
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
