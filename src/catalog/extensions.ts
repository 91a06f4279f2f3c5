/**
 * Entries of the catalog from outside: every `.js` or `.mjs` file of a folder adds some. What it exports by default is given the toolkit, and
 * returns entries by their kind; API, CLI and forms know them from then on. It is code, and runs with the rights of the process: bring only your own.
 */
import { readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ImportContext } from "../data/importing.ts";
import { type DatasetKind, dataset, tableStep } from "../data/kinds.ts";
import { tableParams } from "../data/tables/options.ts";
import { constant, scalar } from "../engine/graph.ts";
import { layer, loss, model, optimizer, schedule } from "../engine/kinds.ts";
import * as ops from "../engine/ops.ts";
import { metric } from "../evaluation/kinds.ts";
import { learner } from "../learners/kinds.ts";
import type { ColumnType, Task } from "../shared/dataset.ts";
import {
  boolean,
  choice,
  classWeights,
  type Head,
  integer,
  integers,
  number,
  numberOr,
  numbers,
  type Param,
  type Params,
  resolveParams,
  text,
  texts,
  type ValuesOf,
} from "../shared/define.ts";
import { fail, show, TrainyardError } from "../shared/errors.ts";
import { random } from "../shared/random.ts";
import { forTables } from "./datasets/usual-steps.ts";
import { catalog } from "./index.ts";

/** A dataset whose rows are made, not read from files of a kind that is known. */
interface RowsDataset<P extends Params> extends Head<P> {
  readonly task: Task;
  readonly target: string;
  /** Class names; none for regression. */
  readonly labels?: readonly string[];
  /** Features with their types, in the order of the cells. */
  readonly features: Readonly<Record<string, ColumnType>>;
  readonly records: { readonly train: number; readonly test: number };
  readonly suggestedModel?: string;
  readonly licence?: string;
  readonly citation?: string;
  /** Each row: the features in order, then the target; undefined is missing. A file or folder that was given is at `path`. */
  rows(params: ValuesOf<P>, context: Pick<ImportContext, "path" | "signal">): Iterable<Row> | AsyncIterable<Row>;
}
type Row = readonly (string | number | undefined)[];

/** Declares a dataset by its rows; a fifth of them is drawn for the test, stratified by class. */
function rowsDataset<const P extends Params>(kind: RowsDataset<P>): DatasetKind {
  const { task, target, labels = [], features, records, suggestedModel = "mlp", rows, ...head } = kind;
  return dataset({
    ...head,
    tasks: [task],
    suggestedModel,
    facts: {
      task,
      sampleShape: [Object.keys(features).length],
      features: Object.entries(features).map(([name, type]) => ({ name, type })),
      labels,
      records,
    },
    preprocessing: forTables,
    async importFiles(params: ValuesOf<P>, context: ImportContext) {
      const path = join(context.directory, "rows.csv");
      const lines = [[...Object.keys(features), target].map(cell).join(",")];
      for await (const row of rows(params, context)) lines.push(row.map(cell).join(","));
      await writeFile(path, `${lines.join("\n")}\n`);
      const { importTable } = await import("../data/index.ts");
      const types = Object.fromEntries(Object.entries(features));
      return importTable(
        [{ path }],
        { ...resolveParams("table", tableParams), validationFraction: 0, columns: [], target, task, types, header: "yes", delimiter: "," },
        context,
      );
    },
  } as never);
}

/** RFC 4180 */
const cell = (value: string | number | undefined): string => (value === undefined ? "" : `"${String(value).replaceAll('"', '""')}"`);

/** What a file of extensions is given: how entries and parameters are declared, the ops graphs are built of, seeded randomness, errors. */
const toolkit = {
  ...{ learner, model, layer, loss, optimizer, schedule, metric, dataset: rowsDataset, preprocessing: tableStep },
  ...{ boolean, choice, classWeights, integer, integers, number, numberOr, numbers, text, texts },
  ...{ ops, constant, scalar, random, fail },
};
type Kind = keyof typeof catalog;
type Extension = (given: typeof toolkit) => { readonly [K in Kind]?: readonly Head[] } | Promise<{ readonly [K in Kind]?: readonly Head[] }>;

/** What an entry must have besides its head, by kind. */
const needs: { readonly [K in Kind]: readonly string[] } = {
  datasets: ["importFiles"],
  preprocessing: ["computation"],
  models: ["network", "tasks"],
  learners: ["fit", "graph", "gives", "tasks"],
  layers: ["build"],
  losses: ["each", "link", "tasks"],
  optimizers: [],
  schedules: ["factor"],
  metrics: ["compute", "tasks"],
  initializers: ["fill"],
};

/** Adds what the files of a folder declare, in the order of their names. @throws BAD_EXTENSION saying which file, what was wanted, what came */
export async function loadExtensions(folder: string | undefined): Promise<void> {
  if (!folder) return;
  const names = await readdir(folder).catch((cause: Error) => {
    throw fail("BAD_EXTENSION", {
      file: folder,
      want: "a folder of .js files",
      got: cause.message,
      fix: "Correct TRAINYARD_EXTENSIONS, or unset it.",
    });
  });
  for (const name of names.filter((one) => /\.m?js$/.test(one)).sort()) await loadFile(resolve(folder, name));
}

async function loadFile(file: string): Promise<void> {
  const refuse = (want: string, got: string, cause?: unknown) =>
    fail("BAD_EXTENSION", { file, want, got, fix: "Correct the file, or take it out of the folder." }, cause);
  let made: unknown;
  try {
    const { default: extension } = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
    if (typeof extension !== "function") throw refuse("a function as its default export", typeof extension);
    made = await (extension as Extension)(toolkit);
  } catch (cause) {
    if (cause instanceof TrainyardError) throw cause;
    throw refuse("code that runs", cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof made !== "object" || made === null) throw refuse("an object with entries by kind", show(made));
  for (const [kind, entries] of Object.entries(made)) {
    if (!Object.hasOwn(catalog, kind)) throw refuse(`kinds among ${Object.keys(catalog).join(", ")}`, show(kind));
    if (!Array.isArray(entries)) throw refuse(`a list of ${kind}`, show(entries));
    for (const entry of entries) add(kind as Kind, entry, refuse);
  }
}

function add(kind: Kind, entry: unknown, refuse: (want: string, got: string) => TrainyardError): void {
  const { id, title, summary, params } = (entry ?? {}) as Partial<Head>;
  if (typeof id !== "string" || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) throw refuse(`an id in kebab-case for each of ${kind}`, show(id));
  const what = `${kind} "${id}"`;
  if (typeof title !== "string" || typeof summary !== "string") throw refuse(`title and summary of ${what}`, show({ title, summary }));
  if (typeof params !== "object" || params === null || Object.values(params).some((param: Param) => typeof param?.help !== "string"))
    throw refuse(`params of ${what}, each declared with the toolkit`, show(params));
  const missing = needs[kind].find((name) => (entry as Record<string, unknown>)[name] === undefined);
  if (missing) throw refuse(`${missing} of ${what}`, "nothing");
  const taken = kind === "models" || kind === "learners" ? [...catalog.models, ...catalog.learners] : catalog[kind];
  if (taken.some((other: Head) => other.id === id)) throw refuse(`an id that no other entry has`, `${what}, which there is already`);
  (catalog[kind] as unknown as Head[]).push(entry as Head);
}
