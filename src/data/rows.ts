/** Rows of a table to predict from: the columns that a model reads, as it takes them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RawColumn } from "../shared/dataset.ts";
import { resolveParams } from "../shared/define.ts";
import { fail, show } from "../shared/errors.ts";
import type { Cell } from "../shared/predictor.ts";
import { Duck } from "./tables/duck.ts";
import { load, tableFiles } from "./tables/load.ts";
import { tableParams } from "./tables/options.ts";

/** A column that a model reads. */
export type RowInput = Pick<RawColumn, "name" | "type" | "required">;

/**
 * Reads the named columns of a table, in any form that can be imported; their order in the file is free, others are passed over.
 * A cell that is empty, or means missing, is a missing value, which only a column that is not required may have.
 * @throws FILE_NOT_FOUND, BAD_FILE naming row and column
 */
export async function readRows(path: string, inputs: readonly RowInput[]): Promise<Record<string, Cell>[]> {
  const directory = await mkdtemp(join(tmpdir(), "trainyard-rows-"));
  const duck = await Duck.open(directory, 0);
  try {
    const { columns } = await load(
      duck,
      await tableFiles(path),
      { ...resolveParams("table", tableParams), columns: [], asText: true },
      { directory },
    );
    const places = inputs.map(({ name }) => columns.findIndex((column) => column.name === name));
    const missing = inputs.filter((_, i) => places[i]! < 0).map(({ name }) => name);
    if (missing.length) {
      const want = `a table with the columns ${inputs.map(({ name }) => name).join(", ")}`;
      throw fail("BAD_FILE", {
        path,
        want,
        got: `lacks ${missing.join(", ")}`,
        fix: "Name the columns on the first line as they were named in training.",
      });
    }
    const rows = await duck.rows(`SELECT ${places.map((i) => `c${i}`).join(", ")} FROM rows`);
    return rows.map((row, r) =>
      Object.fromEntries(row.map((cell, c) => [inputs[c]!.name, cellOf(path, inputs[c]!, cell === null ? "" : String(cell), r + 2)])),
    );
  } finally {
    duck.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** @param line counts from 1, the header being line 1 */
function cellOf(path: string, { name, type, required }: RowInput, text: string, line: number): Cell {
  if (text === "" && !required) return null;
  const value = type === "number" ? Number(text) : text;
  if (text !== "" && (type !== "number" || Number.isFinite(Math.fround(value as number)))) return value;
  throw fail("BAD_FILE", {
    path: `${path}, row ${line}, column ${show(name)}`,
    want: type === "number" ? "a number" : type === "category" ? "a value" : `a ${type}`,
    got: text === "" ? "is empty" : `is ${show(text)}`,
    fix: text === "" ? "Fill in the cell, or remove its row." : "Correct the cell.",
  });
}
