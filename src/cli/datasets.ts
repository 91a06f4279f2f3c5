/** `trainyard datasets`: the datasets that were registered, in versions; `datasets add` brings files in. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { choices } from "../catalog/run-settings.ts";
import type { DatasetView } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { add, answer, collect, family, listing, type Options, verb } from "./command.ts";
import { registerCompare } from "./dataset-compare.ts";
import { previewText, registerProfile } from "./dataset-profile.ts";
import { registerSteps } from "./dataset-steps.ts";
import { downloadFiles } from "./download.ts";
import { registerDatasetDvc, withDvc } from "./dvc.ts";
import { reasonText } from "./failure.ts";
import { isPath, sourceOf } from "./files.ts";
import { addFlags, flagsFor, requestFrom } from "./flags.ts";
import { bytes, quoted, thousands, when } from "./output.ts";
import { registerSeed } from "./seed.ts";
import { type Column, pairs } from "./table.ts";
import { registerFiles, whenRead } from "./upload.ts";

/** Registers the commands, `add` with the flags of the source that `argv` names. */
export function registerDatasets(program: Command, argv: readonly string[]): void {
  const datasets = family(program, "datasets", "list registered datasets, add or delete one", list)
    .alias("dataset")
    .description("List the datasets that were registered, newest first.");

  const source = sourceIn(argv);
  const flags = flagsFor({ dataset: source }).filter(({ owner }) => owner === "dataset");
  const adding = add(datasets, "add", "upload files and import them as a dataset")
    .argument("<name>", "what to call it")
    .argument("[paths...]", "files or a folder; none for a dataset of the catalog under its own name")
    .option("--source <id>", `what reads the files: ${choices.dataset.entries.map(({ id }) => id).join(", ")} (default: by their endings)`)
    .option("--note <text>", "what is worth knowing about this version")
    .option("--preview", "only look at the files, and tell what an import would make of them")
    .option("--dvc <file.dvc>", "bring what DVC keeps: from its workspace or cache, else from its remote")
    .option("--remote <url>", "of --dvc: instead of the remote that its project names")
    .action(
      verb(async ({ client }, options: AddOptions, name: string, paths: string[]) => {
        const { dataset } = requestFrom(flags, options as Record<string, string>, { dataset: source });
        const { note, preview, dvc, remote } = options;
        const register = (from: readonly string[]) => registerFiles(client, { name, source: dataset as { id: string }, note, preview }, from);
        const added = dvc === undefined ? await register(paths) : await withDvc(dvc, remote, (path) => register([path]));
        if (added.state !== "previewed")
          return answer(added, () => `${datasetText(added)}\n\ntrain on it: npx trainyard train ${quoted(added.name)}`);
        const found = await client.call("getPreview", { params: { id: added.id } });
        return answer({ ...added, preview: found }, () => previewText(found) + nextSteps(added));
      }, 1),
    );
  addFlags(adding, flags);

  // Of what was looked at the source is known to the server alone: all parameters of all that can be previewed are taken.
  add(datasets, "import", "import a dataset that was only looked at")
    .argument("<dataset>", "name@version, or its id")
    .option("--params <json>", "parameters of its source, instead of those it was looked at with")
    .action(
      verb(async ({ client }, { params }: Options & { params?: string }, name: string) => {
        const { id } = await client.call("getDataset", { params: { id: name } });
        const importing = await client.call("importDataset", { params: { id }, body: { params: params === undefined ? undefined : jsonOf(params) } });
        const dataset = await whenRead(client, importing);
        return answer(dataset, () => datasetText(dataset));
      }, 1),
    );
  add(datasets, "show", "show a registered dataset")
    .argument("<dataset>", datasetArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const dataset = await client.call("getDataset", { params: { id: name } });
        return answer(dataset, () => datasetText(dataset));
      }),
    );
  registerProfile(datasets, datasetArgument);
  registerCompare(datasets, datasetArgument);
  registerSteps(datasets, datasetArgument);
  registerDatasetDvc(datasets, datasetArgument);
  registerSeed(datasets);
  add(datasets, "versions", "list the versions of a dataset")
    .argument("<name>", "its name")
    .action(
      verb(async ({ client }, _, name: string) => {
        const { items } = await collect((query) => client.call("listDatasets", { query: { ...query, name } }), Number.POSITIVE_INFINITY);
        if (!items.length) throw fail("NOT_FOUND", { what: "dataset", id: name });
        return listing(items, columns, "");
      }),
    );
  add(datasets, "describe", "say what is worth knowing about a version")
    .argument("<dataset>", datasetArgument)
    .argument("<note>", "the text; an empty one removes it")
    .action(
      verb(async ({ client }, _, name: string, note: string) => {
        const dataset = await client.call("editDataset", { params: { id: name }, body: { note } });
        return answer(dataset, () => datasetText(dataset));
      }),
    );
  add(datasets, "download", "download the files of a dataset as they were uploaded")
    .argument("<dataset>", datasetArgument)
    .argument("<folder>", "where to; it is made if it is not there")
    .option("--snapshot", "what was made of them instead: safetensors, profile, of a table also Parquet")
    .action(
      verb(async ({ client }, { snapshot }: Options & { snapshot?: boolean }, name: string, folder: string) => {
        const dataset = await client.call("getDataset", { params: { id: name } });
        const files = snapshot ? dataset.snapshot : dataset.files;
        await downloadFiles(client, dataset.id, files, folder);
        return answer({ id: dataset.id, folder, files }, () => `${files.map((file) => file.name).join("\n")}`);
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

interface AddOptions extends Options {
  readonly note?: string;
  readonly preview?: boolean;
  readonly dvc?: string;
  readonly remote?: string;
}

/** The source that `datasets add` is to use: named, or told by the first word after it that means files, or is a dataset of the catalog. */
function sourceIn(argv: readonly string[]): string {
  const named = argv.findIndex((word) => /^--source(=|$)/.test(word));
  if (named >= 0) return argv[named]!.split("=")[1] ?? argv[named + 1] ?? "table";
  const words = argv.slice(argv.indexOf("add") + 1).filter((word) => !word.startsWith("-"));
  const path = words.slice(1).find((word) => isPath(word) || existsSync(word));
  if (path) return sourceOf(path);
  return choices.dataset.entries.some(({ id }) => id === words[0]) ? words[0]! : "table";
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail(
      "BAD_USAGE",
      { problem: `--params does not parse as JSON (${(cause as Error).message})`, fix: 'Give an object: {"target":"price"}.' },
      cause,
    );
  }
}

const nextSteps = ({ name, version }: DatasetView): string =>
  `\n\nimport it: npx trainyard datasets import ${quoted(`${name}@${version}`)}\nor with other parameters: npx trainyard datasets add ${quoted(name)} … (its --help lists them)`;

const datasetArgument = "its name (the newest version), name@version, or id";
const sizeOf = ({ files }: DatasetView): number => files.reduce((sum, { size }) => sum + size, 0);
const records = ({ facts }: DatasetView): string =>
  facts ? [facts.records.train, facts.records.validation, facts.records.test].map(thousands).join(" + ") : "";

const columns: readonly Column<DatasetView>[] = [
  { title: "dataset", cell: (d) => `${d.name}@${d.version}` },
  { title: "state", cell: (d) => d.state },
  { title: "task", cell: (d) => d.facts?.task },
  { title: "train + validation + test", cell: records, right: true },
  { title: "source", cell: (d) => d.source.id },
  { title: "files", cell: (d) => d.files.length, right: true },
  { title: "size", cell: (d) => bytes(sizeOf(d)), right: true },
  { title: "created", cell: (d) => when(d.createdAt) },
];

const list = verb(async ({ client }) => {
  const { items } = await collect((query) => client.call("listDatasets", { query }), Number.POSITIVE_INFINITY);
  return listing(items, columns, "no datasets yet; add one: npx trainyard datasets add houses houses.csv");
});

const recordsText = ({ records: { train, validation, test } }: NonNullable<DatasetView["facts"]>): string =>
  `${thousands(train)} to train on, ${validation ? `${thousands(validation)} to choose by, ` : ""}${thousands(test)} to test`;

export const datasetText = (d: DatasetView): string =>
  pairs([
    ["dataset", `${d.name}@${d.version}`],
    ["id", d.id],
    ["state", d.state],
    ["why", reasonText(d.reason)],
    ["read by", [d.source.id, ...Object.entries(d.source.params).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(" ")],
    ["task", d.facts?.task],
    ["records", d.facts && recordsText(d.facts)],
    ["target", d.facts?.target],
    ["columns", d.facts?.columns.map(({ name, type, values }) => `${name} (${values === undefined ? type : `${values} categories`})`).join(", ")],
    ["labels", d.facts?.labels.join(", ")],
    ["files", d.files.map(({ name, size }) => `${name} (${bytes(size)})`).join(", ")],
    ["snapshot", d.facts?.digest],
    ["note", d.note],
    ["created", when(d.createdAt)],
  ]);
