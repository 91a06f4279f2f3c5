/** Rows of a CSV file to predict from: the columns that a model reads, as it takes them. */
import type { RawColumn } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { Cell } from "../shared/predictor.ts";
import { cellError, lineOf, query, readHeader, withTable } from "./table.ts";

/** A column that a model reads. */
export type RowInput = Pick<RawColumn, "name" | "type" | "required">;

/**
 * Reads the named columns of a CSV file for prediction; their order in the file is free, others are passed over.
 * An empty cell is a missing value, which only a column that is not required may have.
 */
export async function readRows(path: string, inputs: readonly RowInput[]): Promise<Record<string, Cell>[]> {
  const columns = inputs.map(({ name }) => name);
  const header = await readHeader(path, columns);
  const missing = columns.filter((name) => !header.columns.includes(name));
  if (missing.length > 0)
    throw fail("BAD_FILE", {
      path,
      want: `a CSV file with the columns ${columns.join(", ")}`,
      got: `lacks ${missing.join(", ")}`,
      fix: "Name the columns on the first line as they were named in training.",
    });
  const indices = columns.map((name) => header.columns.indexOf(name));
  const rows = await withTable(header, [], indices, async ({ connection }) => query(connection, `SELECT ${indices.map((i) => `c${i}`)} FROM rows`));
  const cellOf = (text: string, line: number, c: number): Cell => {
    const { type, required } = inputs[c]!;
    const want = type === "number" ? "a number" : type === "category" ? "a value" : `a ${type}`;
    if (text === "" && !required) return null;
    const value = type === "number" ? Number(text) : text;
    if (text === "" || (type === "number" && !Number.isFinite(Math.fround(value as number)))) throw cellError(header, line, indices[c]!, want, text);
    return value;
  };
  return rows.map((row, r) => Object.fromEntries(row.map((cell, c) => [columns[c]!, cellOf(String(cell ?? ""), lineOf(r), c)])));
}
