/** What the columns of a loaded table are to a model: the target and its task, features with their types. */
import type { Column, ColumnType, Task } from "../../shared/dataset.ts";
import { fail, show } from "../../shared/errors.ts";
import type { DataWarning } from "../../shared/profile.ts";
import type { Duck } from "./duck.ts";
import type { Loaded } from "./load.ts";
import type { TableOptions } from "./options.ts";

/** More distinct integers than this are quantities rather than classes. */
const MOST_INTEGER_CLASSES = 20;
/** Text of more different values than this, or in more than half of its rows, is free text. */
const MOST_CATEGORIES = 1000;
const FEW_CATEGORIES = 20;

/** Names that people give to what they want to know, the surest first. */
const usualTargets = ["target", "label", "class", "species", "outcome", "y", "diagnosis", "survived", "income", "quality", "price"];

/** A feature, and where it lies in `rows`. */
export interface Feature extends Column {
  readonly at: string;
}

export interface Chosen {
  readonly target: { readonly name: string; readonly at: string; readonly kind: "number" | "date" | "text" };
  readonly task: Task;
  /** Class names in index order; empty for regression. */
  readonly labels: readonly string[];
  readonly features: readonly Feature[];
  /** Columns without a value, which are left out. */
  readonly empty: readonly string[];
  readonly warnings: readonly DataWarning[];
}

/** Which column to predict, and why. @throws BAD_FILE for a name that no column has */
export function targetOf(path: string, names: readonly string[], wanted: string): { at: number; why: string } {
  if (names.length < 2)
    throw fail("BAD_FILE", {
      path,
      want: "a table of two or more columns",
      got: `has one: ${names[0]}`,
      fix: "Separate the cells of a row by comma, semicolon, tab or |, or say what separates them (delimiter).",
    });
  if (wanted) {
    const at = names.indexOf(wanted);
    if (at >= 0) return { at, why: "as was asked for" };
    throw fail("BAD_FILE", {
      path,
      want: `a table with the column ${show(wanted)} to predict`,
      got: `its columns are ${names.join(", ")}`,
      fix: "Choose one of its columns as target.",
    });
  }
  for (const usual of usualTargets) {
    const at = names.findIndex((name) => name.toLowerCase() === usual);
    if (at >= 0) return { at, why: `columns called ${show(names[at])} are mostly what is to be predicted` };
  }
  return { at: names.length - 1, why: "the last column" };
}

/**
 * Settles target, task, labels and types, and drops rows without a target where that is asked for.
 * @param partial whether there are more rows, which may have other classes
 * @throws BAD_FILE
 */
export async function chooseColumns(duck: Duck, path: string, loaded: Loaded, options: TableOptions, partial = false): Promise<Chosen> {
  const { columns } = loaded;
  const { at: targetAt } = targetOf(
    path,
    columns.map(({ name }) => name),
    options.target,
  );
  const target = { name: columns[targetAt]!.name, at: `c${targetAt}`, kind: columns[targetAt]!.kind };
  if (options.mendTarget) await duck.run(`UPDATE rows SET ${target.at} = (${options.mendTarget.replaceAll("x", target.at)})`);
  const { task, labels } = await taskOf(duck, path, loaded, target, options, partial);
  await withoutMissing(duck, path, loaded, target, options);

  const facts = columns.map((_, i) => `count(c${i})`);
  const row = await duck.facts(["count(*)", ...facts], "rows");
  const [count = 0, ...counts] = row.map(Number);
  const there = (i: number) => counts[i]!;

  const features: Feature[] = [];
  const empty: string[] = [];
  for (const [i, { name, kind }] of columns.entries()) {
    if (i === targetAt) continue;
    if (there(i) === 0) {
      empty.push(name);
      continue;
    }
    const at = `c${i}`;
    const wanted = options.types[name];
    const found = kind === "text" && wanted !== "text" ? await valuesOf(duck, at, wanted === "category" ? undefined : MOST_CATEGORIES) : undefined;
    const values = found && (wanted === "category" || found.length <= Math.max(FEW_CATEGORIES, there(i) / 2)) ? found : undefined;
    const type: ColumnType = kind === "text" ? (values ? "category" : "text") : kind;
    features.push({ name, type, at, ...(values && { values }) });
  }
  if (!features.length)
    throw fail("BAD_FILE", {
      path,
      want: "a table with a column to predict from",
      got: "every column but the target is empty",
      fix: "Bring a table with values.",
    });
  const warnings: DataWarning[] = empty.length
    ? [
        {
          code: "missing",
          message: `${empty.length === 1 ? "column" : "columns"} ${empty.join(", ")} ${empty.length === 1 ? "has" : "have"} no value at all and ${empty.length === 1 ? "was" : "were"} left out`,
          fix: "Remove them from the file, or fill them.",
          columns: empty,
        },
      ]
    : [];
  if (count < 2 && !partial) throw fail("BAD_FILE", { path, want: "a table with rows to spare for testing", got: "has one row", fix: "Add rows." });
  return { target, task, labels, features, empty, warnings };
}

/** The values of a column, sorted; undefined where there are more than `most`. */
async function valuesOf(duck: Duck, at: string, most = Number.POSITIVE_INFINITY): Promise<readonly string[] | undefined> {
  // Estimated within some tenths, at a small part of what counting takes.
  const [row] = Number.isFinite(most) ? await duck.rows(`SELECT approx_count_distinct(${at}) FROM rows`) : [[0]];
  if (Number(row![0]) > 3 * most) return undefined;
  const found = await duck.rows(`SELECT DISTINCT ${at} AS v FROM rows WHERE ${at} IS NOT NULL ORDER BY v`);
  return found.length > most ? undefined : found.map(([v]) => String(v));
}

/** @throws BAD_FILE naming the first row without a target, unless such rows are to be dropped */
async function withoutMissing(
  duck: Duck,
  path: string,
  loaded: Loaded,
  { name, at }: Chosen["target"],
  { missingTarget }: TableOptions,
): Promise<void> {
  if (missingTarget === "refuse") {
    const [row] = await duck.rows(`SELECT rowid FROM rows WHERE ${at} IS NULL ORDER BY rowid LIMIT 1`);
    if (!row) return;
    const fix = "Fill in the cell or remove its row; or have all such rows left out (missingTarget=drop).";
    throw fail("BAD_FILE", { path: `${await loaded.place(Number(row[0]))}, column ${show(name)}`, want: "a value to predict", got: "is empty", fix });
  }
  const [[all, there] = []] = await duck.rows(`SELECT count(*), count(${at}) FROM rows`);
  if (Number(there) < Number(all)) await duck.run(`CREATE OR REPLACE TABLE rows AS SELECT * FROM rows WHERE ${at} IS NOT NULL`);
  if (Number(there) === 0)
    throw fail("BAD_FILE", {
      path,
      want: `rows with a value in column ${show(name)}`,
      got: "none has one",
      fix: "Choose another column to predict.",
    });
}

async function taskOf(
  duck: Duck,
  path: string,
  loaded: Loaded,
  target: Chosen["target"],
  { task, types }: TableOptions,
  partial: boolean,
): Promise<Pick<Chosen, "task" | "labels">> {
  const { name, at, kind } = target;
  if (kind === "date")
    throw fail("BAD_FILE", {
      path: `${path}, column ${show(name)}`,
      want: "numbers or classes to predict",
      got: "has dates",
      fix: "Choose another column to predict, or take it for a category (types).",
    });
  const isText = kind === "text" || types[name] === "category";
  const [row = []] = isText ? [] : await duck.rows(`SELECT count(DISTINCT ${at}), bool_and(${at} = floor(${at})) FROM rows`);
  const few = Number(row[0]) <= MOST_INTEGER_CLASSES && row[1] === true;
  const settled = task === "auto" ? (isText || few ? "classification" : "regression") : task;
  if (settled === "regression") {
    if (!isText) return { task: settled, labels: [] };
    const [stray] = await duck.rows(
      `SELECT rowid, ${at} FROM rows WHERE ${at} IS NOT NULL AND TRY_CAST(${at} AS DOUBLE) IS NULL ORDER BY rowid LIMIT 1`,
    );
    if (stray)
      throw fail("BAD_FILE", {
        path: `${await loaded.place(Number(stray[0]))}, column ${show(name)}`,
        want: "a number, as the task is regression",
        got: `is ${show(stray[1])}`,
        fix: "Correct the cell, or choose classification.",
      });
    await duck.run(`ALTER TABLE rows ALTER ${at} TYPE DOUBLE`);
    return { task: settled, labels: [] };
  }
  const found = await duck.rows(`SELECT DISTINCT ${at} AS v FROM rows WHERE ${at} IS NOT NULL ORDER BY v LIMIT 10001`);
  if (found.length > 10_000) {
    const fix = "Choose another column to predict, or regression.";
    throw fail("BAD_FILE", { path: `${path}, column ${show(name)}`, want: "at most 10,000 classes", got: "has more", fix });
  }
  const labels = found.map(([v]) => String(v));
  // Numbers in text go by their value.
  if (labels.every((label) => Number.isFinite(Number(label)))) labels.sort((a, b) => Number(a) - Number(b));
  if (labels.length < 2 && !partial)
    throw fail("BAD_FILE", {
      path: `${path}, column ${show(name)}`,
      want: "labels of two or more classes",
      got: labels.length ? `has only ${labels[0]}` : "has none",
      fix: "Add rows of another class, or choose another column to predict.",
    });
  return { task: settled, labels };
}
