/** Any CSV file with a header, numeric feature columns and a label column, as a dataset. */
import { basename, extname } from "node:path";
import type { Dataset, Split, Task } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import { random } from "../shared/random.ts";
import { seal } from "./digest.ts";
import { checkFraction, draw, gather, share } from "./splits.ts";
import { cellError, fill, type Header, lineOf, query, readHeader, type Table, withTable } from "./table.ts";

export interface CsvOptions {
  readonly path: string;
  /** The column to predict. Left out: the one named label, class, target or species, else the last. */
  readonly label?: string;
  /** Left out: classification if the labels are text or at most 20 distinct integers, else regression. */
  readonly task?: Task;
  /** The share of rows held out for the final evaluation, above 0 and below 1. */
  readonly testFraction?: number;
  /** Of the draw of the test rows: in proportion to the classes, the same rows for the same seed and file. */
  readonly seed?: number;
}

/** More distinct integers than this are quantities rather than classes. */
const mostIntegerClasses = 20;

/** Mean and deviation are those of the training rows alone, so that nothing of the test rows reaches the training. */
export async function loadCsv({ path, label, task, testFraction = 0.2, seed = 1 }: CsvOptions): Promise<Dataset> {
  checkFraction("testFraction", testFraction, false);
  const header = await readHeader(path, ["width", "height", label ?? "label"]);
  const target = labelColumn(header, label);
  const features = header.columns.map((_, i) => i).filter((i) => i !== target);
  return withTable(header, features, [target], async (table) => {
    const { connection, count } = table;
    const columns = features.map((i) => `c${i}`);
    const inputs = await fill(connection, `SELECT ${columns} FROM rows`, new Float32Array(count * columns.length));
    const { targets, labels } = await readTargets(table, target, task);
    const all: Split = { inputs, targets, count };

    const resolved = labels.length > 0 ? "classification" : "regression";
    const { drawn, kept } = draw(targets, share(count, testFraction), resolved, random(seed, "test"));
    if (drawn.length === 0)
      throw fail("BAD_FILE", {
        path,
        want: "a table with rows to spare for testing",
        got: resolved === "regression" ? "has one row" : "every class has one row",
        fix: "Add rows.",
      });
    const train = gather(all, kept);
    return seal({
      id: basename(path, extname(path)),
      task: resolved,
      sampleShape: [columns.length],
      columns: features.map((i) => header.columns[i] as string),
      labels,
      normalisation: { ...moments(train.inputs, columns.length), ...(resolved === "regression" && { target: momentsOf(train.targets) }) },
      train,
      test: gather(all, drawn),
      source: path,
    });
  });
}

function labelColumn({ path, columns }: Header, label: string | undefined): number {
  if (columns.length < 2)
    throw fail("BAD_FILE", {
      path,
      want: "a table of two or more columns",
      got: `its header has one: ${columns[0]}`,
      fix: "Separate the cells of a row by comma, semicolon, tab or |.",
    });
  const usual = columns.findIndex((name) => ["label", "class", "target", "species"].includes(name.toLowerCase()));
  const found = label === undefined ? (usual < 0 ? columns.length - 1 : usual) : columns.indexOf(label);
  if (found < 0)
    throw fail("BAD_FILE", {
      path,
      want: `a table with the label column "${label}"`,
      got: `its columns are ${columns.join(", ")}`,
      fix: "Choose one of its columns as label.",
    });
  return found;
}

/** Class indices with the class names in order (integers by value, text by character), or values without names. */
async function readTargets(table: Table, column: number, task: Task | undefined): Promise<{ targets: Split["targets"]; labels: string[] }> {
  const { connection, count } = table;
  const text = `c${column}`;
  const value = `TRY_CAST(${text} AS DOUBLE)`;
  const numeric = `coalesce(isfinite(${value}), false)`;
  const stray = async (condition: string, want: string) => {
    const [row] = await query(connection, `SELECT rowid, ${text} FROM rows WHERE ${condition} ORDER BY rowid LIMIT 1`);
    return row && cellError(table, lineOf(row[0]), column, want, String(row[1]));
  };
  const missing = await stray(`${text} = ''`, "a label");
  if (missing) throw missing;

  const facts = `SELECT count(DISTINCT ${text}), count(*) FILTER (${numeric}), count(*) FILTER (${numeric} AND ${value} = floor(${value})) FROM rows`;
  const [distinct = 0, numbers = 0, integers = 0] = ((await query(connection, facts))[0] ?? []).map(Number);
  const few = distinct <= mostIntegerClasses;
  // text among many numbers is a slip of the pen rather than a class
  const resolved = task ?? (numbers === 0 || (few && (numbers < count || integers === count)) ? "classification" : "regression");
  if (resolved === "regression") {
    const slip = numbers < count && (await stray(`NOT ${numeric}`, "a number"));
    if (slip) throw slip;
    return { targets: await fill(connection, `SELECT ${value}::FLOAT FROM rows`, new Float32Array(count)), labels: [] };
  }
  const key = numbers === count ? value : text;
  const labels = (await query(connection, `SELECT DISTINCT ${key} AS key FROM rows ORDER BY key`)).map(([name]) => String(name));
  if (labels.length < 2)
    throw fail("BAD_FILE", {
      path: `${table.path}, column "${table.columns[column]}"`,
      want: "labels of two or more classes",
      got: `has only ${labels[0]}`,
      fix: "Add rows of another class, or choose another label column.",
    });
  const ranks = `SELECT (dense_rank() OVER (ORDER BY ${key}) - 1)::INTEGER FROM rows ORDER BY rowid`;
  return { targets: await fill(connection, ranks, new Int32Array(count)), labels };
}

/** Mean and standard deviation of each column; a constant column gets deviation 1, and so becomes 0. */
function moments(values: ArrayLike<number>, columns: number): { mean: number[]; deviation: number[] } {
  const rows = values.length / columns;
  const mean = new Float64Array(columns);
  const variance = new Float64Array(columns);
  const overRows = (visit: (x: number, column: number) => void) => {
    for (let i = 0; i < values.length; i++) visit(values[i] as number, i % columns);
  };
  overRows((x, c) => {
    mean[c] = (mean[c] as number) + x / rows;
  });
  overRows((x, c) => {
    variance[c] = (variance[c] as number) + (x - (mean[c] as number)) ** 2 / rows;
  });
  return { mean: [...mean], deviation: Array.from(variance, (v) => Math.sqrt(v) || 1) };
}

function momentsOf(values: ArrayLike<number>): { mean: number; deviation: number } {
  const { mean, deviation } = moments(values, 1);
  return { mean: mean[0] as number, deviation: deviation[0] as number };
}
