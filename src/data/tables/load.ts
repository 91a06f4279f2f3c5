/** Files of a table into one DuckDB table: `rows` with columns c0, c1, … as numbers, timestamps or trimmed text, and `given`, the split that the files say. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { fail, show, type TrainyardError } from "../../shared/errors.ts";
import type { ImportContext } from "../importing.ts";
import { type Dialect, missingMarks, type ReadColumn, sniff } from "./dialect.ts";
import { type Duck, identifier, literals, pathLiteral } from "./duck.ts";
import { evenLines, prepareFile, type TableFile } from "./forms.ts";
import type { TableOptions } from "./options.ts";

/** A column as it lies in `rows`. */
export interface LoadedColumn {
  readonly name: string;
  readonly kind: "number" | "date" | "text";
}

export interface Loaded {
  readonly files: readonly TableFile[];
  readonly columns: readonly LoadedColumn[];
  readonly count: number;
  /** Whether the files say which row goes to which split. */
  readonly given: boolean;
  readonly dialect?: Dialect;
}

/** The files at a path, with the split that the name of each says. @throws FILE_NOT_FOUND, BAD_FILE */
export async function tableFiles(path: string): Promise<{ readonly path: string; readonly split?: SplitName }[]> {
  const found = await stat(path).catch((cause) => {
    throw fail("FILE_NOT_FOUND", { path, what: "table", fix: "Check the path." }, cause);
  });
  if (!found.isDirectory()) return [{ path }];
  const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
  if (!names.length)
    throw fail("BAD_FILE", { path, want: "a folder with tables", got: "is empty", fix: "Give a file, or a folder with files of one form." });
  const files = names.map((name) => ({ path: join(path, name), split: splitIn(name) }));
  // Only where all files say it: else a name means something else.
  return files.every(({ split }) => split) && new Set(files.map(({ split }) => split)).size > 1 ? files : files.map(({ path }) => ({ path }));
}

const splitIn = (name: string): SplitName | undefined => {
  const [, said] = /(?:^|[-_. ])(train|training|val|valid|validation|dev|test|testing)(?:[-_. ]|$)/i.exec(name) ?? [];
  return said ? splitCalled(said) : undefined;
};
/** "val" and its like. */
export function splitCalled(said: string): SplitName | undefined {
  const word = said.trim().toLowerCase();
  if (/^train/.test(word)) return "train";
  if (/^(val|dev)/.test(word)) return "validation";
  return /^test/.test(word) ? "test" : undefined;
}

/** @throws BAD_FILE with file, row and column */
export async function load(
  duck: Duck,
  files: readonly { readonly path: string; readonly split?: SplitName }[],
  options: TableOptions,
  { directory, signal }: Pick<ImportContext, "directory" | "signal">,
): Promise<Loaded> {
  const prepared: TableFile[] = [];
  for (const [i, { path }] of files.entries()) prepared.push(await prepareFile(path, directory, `file-${i}`, options.sheet, signal));
  const [first] = prepared as [TableFile];
  const other = prepared.find(({ form }) => form !== first.form);
  if (other)
    throw fail("BAD_FILE", {
      path: other.path,
      want: `of the form of ${basename(first.path)}, ${first.form}`,
      got: `is ${other.form}`,
      fix: "Give files of one form; they are read one after the other as one table.",
    });
  const splitOf = (i: number) => (files[i]!.split ? splitNames.indexOf(files[i]!.split) : "NULL");
  const { columns, dialect, read } =
    first.form === "csv" ? await openCsv(duck, prepared, options, directory, signal) : await openTyped(duck, prepared);
  const dropped = new Set(Object.entries(options.types).flatMap(([name, type]) => (type === "drop" ? [name] : [])));
  checkKnown(first.path, Object.keys(options.types), columns);
  let forced = columns.map(({ name, sqlType }) => kindOf(options.asText ? "text" : options.types[name], sqlType));
  for (;;) {
    const kept = columns.flatMap(({ name }, i) => (dropped.has(name) ? [] : [i]));
    const parts = prepared.map(
      (file, i) =>
        `SELECT ${[...kept.map((c) => `${select(c, forced[c]!, options)} AS c${c}`), `${splitOf(i)}::TINYINT AS given`].join(", ")} FROM ${read(file, forced)}`,
    );
    await duck.run(`CREATE OR REPLACE TABLE rows AS ${parts.join(" UNION ALL ")}`).catch((cause: Error) => {
      throw explained(first.path, cause);
    });
    const stray = first.form === "csv" ? await rejected(duck, prepared, columns, forced, options) : undefined;
    if (stray === undefined) {
      const [row] = await duck.rows("SELECT count(*) FROM rows");
      const count = Number(row![0]);
      if (count === 0)
        throw fail("BAD_FILE", { path: first.path, want: "a table with rows", got: "has only a header", fix: "Add rows below the header." });
      await finiteOnly(duck, first.path, columns, forced, kept, options);
      // Columns are known by their place from here on.
      for (const [to, from] of kept.entries()) if (to !== from) await duck.run(`ALTER TABLE rows RENAME c${from} TO c${to}`);
      return {
        files: prepared,
        columns: kept.map((i) => ({ name: columns[i]!.name, kind: forced[i]! })),
        count,
        given: files.some(({ split }) => split),
        dialect,
      };
    }
    // What was a number or a date as far as was looked is none further down.
    forced = forced.map((kind, i) => (i === stray ? "text" : kind));
  }
}

type Kind = LoadedColumn["kind"];
interface Opened {
  readonly columns: readonly ReadColumn[];
  readonly dialect?: Dialect;
  /** What `SELECT … FROM` reads a file by, with columns c0, c1, …. */
  readonly read: (file: TableFile, kinds: readonly Kind[]) => string;
}

const sqlTypes: Readonly<Record<Kind, string>> = { number: "DOUBLE", date: "TIMESTAMP", text: "VARCHAR" };

async function openCsv(duck: Duck, files: TableFile[], options: TableOptions, directory: string, signal?: AbortSignal): Promise<Opened> {
  const dialects: Dialect[] = [];
  for (const [i, file] of files.entries()) {
    dialects.push(
      await sniff(duck, file, options).catch(async (cause: Error & { code?: string }) => {
        if (cause.name === "TrainyardError" || "status" in cause) throw cause;
        // Line ends may be mixed further down than was looked.
        files[i] = await evenLines(file, directory, `file-${i}`, signal);
        return sniff(duck, files[i]!, options).catch((again: Error) => {
          throw "status" in again ? again : explained(file.path, again);
        });
      }),
    );
  }
  const [first] = dialects as [Dialect];
  const names = first.columns.map(({ name }) => name);
  const odd = dialects.findIndex(({ columns }) => columns.map(({ name }) => name).join("\0") !== names.join("\0"));
  if (odd > 0)
    throw fail("BAD_FILE", {
      path: files[odd]!.path,
      want: `with the columns of ${basename(files[0]!.path)}: ${names.join(", ")}`,
      got: `has ${dialects[odd]!.columns.map(({ name }) => name).join(", ")}`,
      fix: "Give files with the same columns in the same order.",
    });
  // A column is what all files take it for.
  const columns = first.columns.map(({ name, sqlType }, i) => ({
    name,
    sqlType: dialects.every((d) => d.columns[i]!.sqlType === sqlType) ? sqlType : wider(dialects.map((d) => d.columns[i]!.sqlType)),
  }));
  return {
    columns,
    dialect: first,
    read: (file, kinds) => {
      const types = kinds.map((kind, i) => `c${i}: '${sqlTypes[kind]}'`);
      return `read_csv(${pathLiteral(file.readable)}, ${dialects[files.indexOf(file)]!.options}, columns = {${types}})`;
    },
  };
}

const wider = (types: readonly string[]): string => (types.every((type) => kindOf(undefined, type) === "number") ? "DOUBLE" : "VARCHAR");

/** Parquet and JSON say themselves what their columns are. */
async function openTyped(duck: Duck, files: readonly TableFile[]): Promise<Opened> {
  const from = (file: TableFile) =>
    file.form === "parquet" ? `read_parquet(${pathLiteral(file.readable)})` : `read_json(${pathLiteral(file.readable)})`;
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${from(files[0]!)}`).catch((cause: Error) => {
    throw explained(files[0]!.path, cause);
  });
  const columns = described.map(([name, type]) => ({ name: String(name), sqlType: String(type) }));
  return {
    columns,
    read: (file, kinds) =>
      `(SELECT ${columns.map(({ name }, i) => `${cast(identifier(name), columns[i]!.sqlType, kinds[i]!)} AS c${i}`).join(", ")} FROM ${from(file)})`,
  };
}

/** A value of a typed file as what it is taken for. */
const cast = (column: string, from: string, to: Kind): string =>
  to === "number" && from === "BOOLEAN" ? `${column}::INTEGER::DOUBLE` : `TRY_CAST(${column} AS ${sqlTypes[to]})`;

const numeric = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL.*)$/;
const temporal = /^(DATE|TIMESTAMP.*)$/;
function kindOf(wanted: string | undefined, sqlType: string): Kind {
  if (wanted === "number" || wanted === "date") return wanted;
  if (wanted === "category" || wanted === "text") return "text";
  return numeric.test(sqlType) ? "number" : temporal.test(sqlType) ? "date" : "text";
}

/** A cell as it is kept: text trimmed, and what means missing NULL. */
function select(i: number, kind: Kind, { missing }: TableOptions): string {
  if (kind === "number") return `CASE WHEN isnan(c${i}) THEN NULL ELSE c${i} END`;
  return kind === "date" ? `c${i}` : `CASE WHEN list_contains(${literals(missingMarks(missing))}, trim(c${i})) THEN NULL ELSE trim(c${i}) END`;
}

function checkKnown(path: string, names: readonly string[], columns: readonly ReadColumn[]): void {
  const stray = names.find((name) => !columns.some((column) => column.name === name));
  if (stray === undefined) return;
  const got = `its columns are ${columns.map(({ name }) => name).join(", ")}`;
  throw fail("BAD_FILE", { path, want: `a table with the column ${show(stray)}`, got, fix: "Name columns as the header does." });
}

/**
 * Cells that did not fit.
 * @returns the column that is text after all
 * @throws BAD_FILE for rows of another length, and for cells of a column whose type was asked for
 */
async function rejected(
  duck: Duck,
  files: readonly TableFile[],
  columns: readonly ReadColumn[],
  kinds: readonly Kind[],
  { types }: TableOptions,
): Promise<number | undefined> {
  const found = await duck.rows(`SELECT e.line, e.column_idx, e.error_type, e.csv_line, e.error_message, s.file_path
    FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) ORDER BY e.error_type = 'CAST', e.scan_id DESC, e.line LIMIT 1`);
  const [reject] = found;
  await duck.run("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans").catch(() => duck.run("DELETE FROM reject_errors"));
  if (!reject) return undefined;
  const [line, column, type, text, message, readable] = reject;
  const path = `${files.find((file) => String(readable).endsWith(basename(file.readable)))?.path ?? files[0]!.path}, row ${line}`;
  if (type === "CAST") {
    const at = Number(column) - 1;
    const { name } = columns[at]!;
    if (!types[name] && kinds[at] !== "text") return at;
    const [, value = ""] = /convert string "(.*?)" to/s.exec(String(message)) ?? [];
    throw fail("BAD_FILE", {
      path: `${path}, column ${show(name)}`,
      want: kinds[at] === "date" ? "a date" : "a number",
      got: `is ${show(value)}`,
      fix: `Correct the cell, list it among those that mean missing, or take the column for something else than ${types[name]}.`,
    });
  }
  if (type === "MISSING COLUMNS" || type === "TOO MANY COLUMNS") {
    const fix = "Give every row as many cells as the header; put cells that contain the delimiter in quotes.";
    throw fail("BAD_FILE", {
      path,
      want: `${columns.length} cells long, like the header`,
      got: `has ${type === "MISSING COLUMNS" ? "fewer" : "more"}: ${show(String(text).trim())}`,
      fix,
    });
  }
  if (type === "LINE SIZE OVER MAXIMUM") throw tooLong(path);
  throw fail("BAD_FILE", {
    path,
    want: "well-formed CSV",
    got: `DuckDB says: ${String(message).split("\n")[0]}`,
    fix: "Close every quote and save the file as UTF-8.",
  });
}

const tooLong = (path: string): TrainyardError =>
  fail("BAD_FILE", {
    path,
    want: "of lines of at most 8 MiB",
    got: "has a longer one",
    fix: "Close every quote: an open one takes the rest of the file into its cell.",
  });

/** "inf" and 1e39 can be read as numbers, but nothing can be learnt from them. @throws BAD_FILE */
async function finiteOnly(
  duck: Duck,
  path: string,
  columns: readonly ReadColumn[],
  kinds: readonly Kind[],
  kept: readonly number[],
  _: TableOptions,
): Promise<void> {
  const numbers = kept.filter((i) => kinds[i] === "number");
  if (!numbers.length) return;
  const bad = (i: number) => `isinf(c${i}::DOUBLE) OR abs(c${i}) > 3.4e38`;
  const [counts = []] = await duck.rows(`SELECT ${numbers.map((i) => `count(*) FILTER (${bad(i)})`).join(", ")} FROM rows`);
  const at = counts.findIndex((count) => Number(count) > 0);
  if (at < 0) return;
  const i = numbers[at]!;
  const [row] = await duck.rows(`SELECT rowid, c${i}::VARCHAR FROM rows WHERE ${bad(i)} ORDER BY rowid LIMIT 1`);
  throw fail("BAD_FILE", {
    path: `${path}, row ${Number(row![0]) + 2}, column ${show(columns[i]!.name)}`,
    want: "a finite number that float32 holds",
    got: `is ${row![1]}`,
    fix: "Correct the cell, or leave it empty: it is missing then.",
  });
}

/** What DuckDB says of a file that it cannot read, in our words. */
function explained(path: string, cause: Error): Error {
  if ("status" in cause) return cause;
  const message = cause.message;
  if (/Maximum line size|max_line_size/i.test(message)) return tooLong(path);
  const [, line] = /Line:? (\d+)/.exec(message) ?? [];
  const got = `DuckDB says: ${message.split("\n").filter(Boolean).slice(0, 2).join(" ")}`;
  return fail(
    "BAD_FILE",
    {
      path: line ? `${path}, row ${line}` : path,
      want: "a well-formed table",
      got,
      fix: "Make all rows end alike and close every quote, for example by exporting the table again.",
    },
    cause,
  );
}
