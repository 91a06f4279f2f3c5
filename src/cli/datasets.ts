/** `trainyard datasets`: the datasets that were registered; `datasets add` registers files. */
import type { Command } from "commander";
import { choices } from "../catalog/run-settings.ts";
import type { DatasetView } from "../shared/api/schemas.ts";
import { add, answer, collect, family, listing, type Options, verb } from "./command.ts";
import { reasonText } from "./failure.ts";
import { addFlags, flagsFor, requestFrom } from "./flags.ts";
import { bytes, quoted, thousands, when } from "./output.ts";
import { type Column, pairs } from "./table.ts";
import { registerFiles } from "./upload.ts";

/** Registers the commands, `add` with the flags of the source that `argv` names. */
export function registerDatasets(program: Command, argv: readonly string[]): void {
  const datasets = family(program, "datasets", "list registered datasets, add or delete one", list)
    .alias("dataset")
    .description("List the datasets that were registered, newest first.");

  const source = argv[argv.indexOf("--source") + 1 || argv.length] ?? "csv";
  const flags = flagsFor({ dataset: source }).filter(({ owner }) => owner === "dataset");
  const adding = add(datasets, "add", "upload files and register them as a dataset")
    .argument("<name>", "what to call it")
    .argument("<paths...>", "a CSV file, or the files or the folder of what --source reads")
    .option("--source <id>", `what reads the files: ${choices.dataset.entries.map(({ id }) => id).join(", ")}`, "csv")
    .action(
      verb(async ({ client }, options: Options & Record<string, string>, name: string, paths: string[]) => {
        const { dataset } = requestFrom(flags, options, { dataset: source });
        const added = await registerFiles(client, name, paths, dataset as { id: string });
        return answer(added, () => `${datasetText(added)}\n\ntrain on it: npx trainyard train ${quoted(added.name)}`);
      }, 1),
    );
  addFlags(adding, flags);

  add(datasets, "show", "show a registered dataset")
    .argument("<dataset>", datasetArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const dataset = await client.call("getDataset", { params: { id: name } });
        return answer(dataset, () => datasetText(dataset));
      }),
    );
  add(datasets, "delete", "forget a dataset; `admin purge` then frees its files unless something needs them")
    .argument("<dataset>", datasetArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const dataset = await client.call("getDataset", { params: { id: name } });
        await client.call("deleteDataset", { params: { id: dataset.id } });
        return answer({ id: dataset.id, deleted: true }, () => `${dataset.name}@${dataset.version} is deleted`);
      }),
    );
}

const datasetArgument = "its name (the newest version), name@version, or id";
const sizeOf = ({ files }: DatasetView): number => files.reduce((sum, { size }) => sum + size, 0);
const records = ({ facts }: DatasetView): string => (facts ? `${thousands(facts.records.train)} + ${thousands(facts.records.test)}` : "");

const columns: readonly Column<DatasetView>[] = [
  { title: "dataset", cell: (d) => `${d.name}@${d.version}` },
  { title: "state", cell: (d) => d.state },
  { title: "task", cell: (d) => d.facts?.task },
  { title: "train + test", cell: records, right: true },
  { title: "source", cell: (d) => d.source.id },
  { title: "files", cell: (d) => d.files.length, right: true },
  { title: "size", cell: (d) => bytes(sizeOf(d)), right: true },
  { title: "created", cell: (d) => when(d.createdAt) },
];

const list = verb(async ({ client }) => {
  const { items } = await collect((query) => client.call("listDatasets", { query }), Number.POSITIVE_INFINITY);
  return listing(items, columns, "no datasets yet; add one: npx trainyard datasets add houses houses.csv");
});

const datasetText = (d: DatasetView): string =>
  pairs([
    ["dataset", `${d.name}@${d.version}`],
    ["id", d.id],
    ["state", d.state],
    ["why", reasonText(d.reason)],
    ["read by", [d.source.id, ...Object.entries(d.source.params).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(" ")],
    ["task", d.facts?.task],
    ["records", d.facts && `${thousands(d.facts.records.train)} to train on, ${thousands(d.facts.records.test)} to test`],
    ["columns", d.facts?.columns.join(", ")],
    ["labels", d.facts?.labels.join(", ")],
    ["files", d.files.map(({ name, size }) => `${name} (${bytes(size)})`).join(", ")],
    ["digest", d.facts?.digest],
    ["created", when(d.createdAt)],
  ]);
