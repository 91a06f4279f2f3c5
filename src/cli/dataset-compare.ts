/** `trainyard datasets compare`: how far two versions of a dataset are from each other. */
import type { Command } from "commander";
import type { Comparison } from "../shared/profile.ts";
import { add, answer, verb } from "./command.ts";
import { digits, percent, thousands } from "./output.ts";
import { type Column, pairs, table } from "./table.ts";

export function registerCompare(datasets: Command, datasetArgument: string): void {
  add(datasets, "compare", "tell how far another version of a dataset is from this one")
    .argument("<dataset>", datasetArgument)
    .argument("<other>", "likewise")
    .action(
      verb(async ({ client }, _, id: string, other: string) => {
        const comparison = await client.call("compareDatasets", { params: { id, other } });
        return answer(comparison, () => comparisonText(comparison));
      }),
    );
}

type Drift = Comparison["columns"]["drift"][number];

export function comparisonText({ records, columns, classes, pictures }: Comparison): string {
  const listed = (all: readonly string[]) => all.join(", ") || undefined;
  const facts = pairs([
    ["records", `${thousands(sum(records.base))} before, ${thousands(sum(records.other))} after`],
    ["columns added", listed(columns.added)],
    ["columns removed", listed(columns.removed)],
    ["columns of another type", listed(columns.retyped.map(({ name, base, other }) => `${name} (${base}, now ${other})`))],
    ["classes added", classes && listed(classes.added)],
    ["classes removed", classes && listed(classes.removed)],
    ["class balance", classes && `${classes.verdict} (PSI ${digits(classes.psi)})`],
    [
      "pictures",
      pictures &&
        `${pictures.verdict}, mean ${pictures.mean.base.map(digits).join(", ")} before, ${pictures.mean.other.map(digits).join(", ")} after`,
    ],
  ]);
  const drift = [...columns.drift].sort((a, b) => b.psi - a.psi);
  return [facts, drift.length ? table(driftColumns, drift) : ""].filter(Boolean).join("\n\n");
}

const sum = ({ train, validation, test }: Comparison["records"]["base"]): number => train + validation + test;

const driftColumns: readonly Column<Drift>[] = [
  { title: "column", cell: (d) => d.name },
  { title: "verdict", cell: (d) => d.verdict },
  { title: "PSI", cell: (d) => digits(d.psi), right: true },
  { title: "distance", cell: (d) => digits(d.ks ?? d.variation), right: true },
  { title: "missing", cell: (d) => (d.missing.base || d.missing.other ? `${percent(d.missing.base)} -> ${percent(d.missing.other)}` : "") },
  { title: "mean", cell: (d) => (d.mean && d.type === "number" ? `${digits(d.mean.base)} -> ${digits(d.mean.other)}` : "") },
  { title: "new values", cell: (d) => d.appeared?.join(", ") },
  { title: "gone", cell: (d) => d.vanished?.join(", ") },
];
