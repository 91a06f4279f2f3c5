/** A CSV file as a DuckDB table of numbers, with errors that name the row and column. The only file that imports DuckDB. */
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { fail, show, type TrainyardError } from "../shared/errors.ts";
import { openError } from "./files.ts";

export interface Header {
  readonly path: string;
  readonly columns: readonly string[];
  readonly delimiter: string;
}

const delimiters = [",", ";", "\t", "|"];
/** The first line must fit. */
const headerBytes = 1 << 20;

/** Reads and checks the first line. It also settles the delimiter: the one that stands in it most often. `example` speaks in errors. */
export async function readHeader(path: string, example: readonly string[]): Promise<Header> {
  const headerFix = `Put the names of the columns on the first line, for example ${example}.`;
  const bad = (want: string, got: string, fix: string) => fail("BAD_FILE", { path, want, got, fix });
  const text = await readStart(path);
  if (text.trim() === "") throw bad("a CSV file with a header and rows", "is empty", headerFix);
  if (text.includes("\0")) throw bad("a CSV file in UTF-8", "holds bytes that are no text", "Unpack the file, or export the table as CSV in UTF-8.");

  const { line, bare } = firstLine(text);
  const count = (delimiter: string) => bare.split(delimiter).length;
  const delimiter = delimiters.reduce((best, next) => (count(next) > count(best) ? next : best));
  const columns = cells(line, delimiter);

  const nameless = columns.findIndex((name) => name === "" || !Number.isNaN(Number(name)));
  if (nameless >= 0)
    throw bad("a CSV file whose first line names every column", `cell ${nameless + 1} of it is ${show(columns[nameless])}`, headerFix);
  const twin = columns.find((name, i) => columns.indexOf(name) < i);
  if (twin !== undefined) throw bad("a CSV file with distinct column names", `${show(twin)} occurs twice`, "Rename or remove one of the columns.");
  return { path, columns, delimiter };
}

/** The first line, and what of it lies outside of quoted cells. Such a cell begins with its quote; it may hold delimiters, line breaks and doubled quotes. */
function firstLine(text: string): { line: string; bare: string } {
  let bare = "";
  let atStart = true; // of a cell, but for spaces
  let closed = true; // a quote that is never closed stands for itself, and so do those after it
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"' && atStart && closed) {
      const end = closingQuote(text, i);
      closed = end >= 0;
      if (closed) {
        i = end;
        atStart = false;
        continue;
      }
    }
    if (c === "\n" || c === "\r") return { line: text.slice(0, i), bare };
    bare += c;
    atStart = delimiters.includes(c) || (atStart && c === " ");
  }
  return { line: text, bare };
}

function closingQuote(text: string, open: number): number {
  let at = text.indexOf('"', open + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** One record's cells, unquoted and trimmed. A quote within an unquoted cell stands for itself: 3.5" disk. */
function cells(record: string, delimiter: string): string[] {
  const cell = new RegExp(` *"([^"]*(?:""[^"]*)*)" *[${delimiter}]|([^${delimiter}]*)[${delimiter}]`, "gy");
  const ended = record + delimiter; // now every cell ends with one
  return Array.from(ended.matchAll(cell), ([, quoted, plain = ""]) => (quoted?.replaceAll('""', '"') ?? plain).trim());
}

async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes));
    return buffer.toString("utf8", 0, bytesRead).replace(/^\uFEFF/, "");
  } catch (cause) {
    throw openError(path, "CSV file", "Check the path.", cause as NodeJS.ErrnoException);
  }
}

/** The rows of a CSV file in DuckDB: table `rows` with columns c0, c1, ... by position, each a FLOAT, or a VARCHAR, trimmed. */
export interface Table extends Header {
  readonly count: number;
  readonly connection: DuckDBConnection;
}

/** Reads the file once, natively and in parallel, and hands the table to `use`. Columns that are neither in `numbers` nor in `texts` are left out. */
export async function withTable<T>(
  header: Header,
  numbers: readonly number[],
  texts: readonly number[],
  use: (table: Table) => Promise<T>,
): Promise<T> {
  const { path, columns, delimiter } = header;
  const { DuckDBInstance } = await import("@duckdb/node-api"); // 60 ms: only when a table is read
  const instance = await DuckDBInstance.create(":memory:", { autoinstall_known_extensions: "false", autoload_known_extensions: "false" });
  const connection = await instance.connect();
  try {
    const isNumber = new Set(numbers);
    const types = columns.map((_, i) => `c${i}: '${isNumber.has(i) ? "FLOAT" : "VARCHAR"}'`);
    const kept = [...numbers.map((i) => `c${i}`), ...texts.map((i) => `trim(c${i}) AS c${i}`)];
    // Nothing is guessed: header and delimiter are known. An empty cell is no NULL (nullstr), so that it is reported like any other
    // cell that is no number. Names come from the header and never enter the SQL; the path is bound, absolute and without wildcards.
    const options = `auto_detect = false, header = true, delim = '${delimiter}', quote = '"', escape = '"', nullstr = chr(1),
      compression = 'none', hive_partitioning = false, store_rejects = true, rejects_limit = 1000, columns = {${types}}`;
    await connection.run(`CREATE TEMP TABLE rows AS SELECT ${kept} FROM read_csv($1, ${options})`, [literalPath(path)]).catch((cause: Error) => {
      const got = `DuckDB says: ${cause.message.split("\n")[0]}`;
      const fix = "Make all rows end alike and close every quote, for example by exporting the table again.";
      throw fail("BAD_FILE", { path, want: "well-formed CSV", got, fix }, cause);
    });
    await checkRejects(header, connection);
    const count = Number((await query(connection, "SELECT count(*) FROM rows"))[0]?.[0]);
    if (count === 0) throw fail("BAD_FILE", { path, want: "a CSV file with rows", got: "has only a header", fix: "Add rows below the header." });
    const table = { ...header, count, connection };
    await checkFinite(table, numbers);
    return await use(table);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** An absolute path is never taken for a URL; a wildcard in brackets stands for itself. */
const literalPath = (path: string): string => resolve(path).replace(/[*?[]/g, "[$&]");

/** The rows of a small result. */
export async function query(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.run(sql)).getRowsJS();
}

/** Lays a result whose columns are all numbers into `out`, row-major. */
export async function fill<A extends Float32Array | Int32Array>(connection: DuckDBConnection, sql: string, out: A): Promise<A> {
  let start = 0;
  for await (const chunk of await connection.stream(sql)) {
    const { rowCount, columnCount } = chunk;
    for (let column = 0; column < columnCount; column++) {
      const vector = chunk.getColumnVector(column);
      for (let row = 0, to = start + column; row < rowCount; row++, to += columnCount) out[to] = vector.getItem(row) as number;
    }
    start += rowCount * columnCount;
  }
  return out;
}

/** The error of a cell. `line` counts from 1, the header being line 1. */
export function cellError(header: Header, line: number, column: number, want: string, value: string): TrainyardError {
  const path = `${header.path}, row ${line}, column ${show(header.columns[column])}`;
  const fix =
    value === ""
      ? "Fill in the cell, or remove its row or column."
      : "Correct the cell; if the whole column is text, encode it in numbers or remove it.";
  return fail("BAD_FILE", { path, want, got: value === "" ? "is empty" : `is ${show(value)}`, fix });
}

/** The line of a row of the table, if the file has no empty lines and no line breaks within cells above it. */
export const lineOf = (rowid: unknown): number => Number(rowid) + 2;

async function checkRejects(header: Header, connection: DuckDBConnection): Promise<void> {
  const rejects = "SELECT line, column_idx, error_type, csv_line, error_message FROM reject_errors ORDER BY line, column_idx LIMIT 1";
  const [reject] = await query(connection, rejects);
  if (!reject) return;
  const line = Number(reject[0]);
  const column = Number(reject[1]) - 1;
  const row = cells(String(reject[3]).trim(), header.delimiter);
  const path = `${header.path}, row ${line}`;
  switch (reject[2]) {
    case "CAST":
      throw cellError(header, line, column, "a number", row[column] ?? "");
    case "MISSING COLUMNS":
    case "TOO MANY COLUMNS": {
      const fix = "Give every row as many cells as the header; put cells that contain the delimiter in quotes.";
      throw fail("BAD_FILE", { path, want: `${header.columns.length} cells long, like the header`, got: `has ${row.length}`, fix });
    }
    default:
      throw fail("BAD_FILE", {
        path,
        want: "well-formed CSV",
        got: `DuckDB says: ${reject[4]}`,
        fix: "Close every quote and save the file as UTF-8.",
      });
  }
}

/** "nan", "inf" and 1e39 can be read as a FLOAT, but no network can learn from them. */
async function checkFinite({ connection, ...header }: Table, numbers: readonly number[]): Promise<void> {
  if (!numbers.length) return;
  const finite = (i: number) => `coalesce(isfinite(c${i}), false)`;
  const [sound = []] = await query(connection, `SELECT ${numbers.map((i) => `bool_and(${finite(i)})`)} FROM rows`);
  const stray = numbers.filter((_, at) => !sound[at]).map((i) => `SELECT rowid, ${i}, c${i} FROM rows WHERE NOT ${finite(i)}`);
  if (stray.length === 0) return;
  const [first = []] = await query(connection, `${stray.join(" UNION ALL ")} ORDER BY 1, 2 LIMIT 1`);
  throw cellError(header, lineOf(first[0]), Number(first[1]), "a finite number", String(first[2]));
}
