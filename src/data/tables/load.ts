/** Files of a table into one DuckDB table: `rows` with columns c0, c1, … as numbers, timestamps or trimmed text; `file`, which one; `given`, the split that it says. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { fail, show, TrainyardError } from "../../shared/errors.ts";
import type { Preview } from "../../shared/profile.ts";
import { cleaned, type Found, findKinds, type Kind, NEARLY_ALL } from "./cells.ts";
import { type Dialect, findDialect, readOptions } from "./dialect.ts";
import { type Duck, identifier, pathLiteral } from "./duck.ts";
import { prepareFile, removePrepared, type TableFile } from "./forms.ts";
import type { TableOptions } from "./options.ts";

/** A column as it lies in `rows`. */
export interface LoadedColumn {
  readonly name: string;
  readonly kind: Kind;
}

export interface Loaded {
  readonly files: readonly TableFile[];
  readonly columns: readonly LoadedColumn[];
  readonly count: number;
  /** Whether the files say which row goes to which split. */
  readonly given: boolean;
  readonly dialect?: Dialect;
  /** Columns of dates that may be meant in two ways. */
  readonly ambiguous: readonly { readonly name: string; readonly read: string; readonly or: string }[];
  /** File and row of a row of the table, for messages. */
  place(rowid: number): Promise<string>;
}

type Problem = Preview["problems"][number];
export interface Loading {
  readonly directory: string;
  readonly signal?: AbortSignal;
  /** Hears a few times a second which share is read. */
  readonly told?: (share: number) => void;
  /** To look at the beginning only: bytes of each text, rows of other forms; problems are told rather than thrown as far as can be. */
  readonly look?: { readonly bytes: number; readonly rows: number; readonly problems: Problem[] };
}

/** Rows by which the kind of a column is found out. */
const LOOKED_AT = 8192;
/** Cells that do not fit are counted so far. */
const MOST_REJECTS = 50_000;

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
  { directory, signal, look, told }: Loading,
): Promise<Loaded> {
  const prepared: TableFile[] = [];
  for (const [i, { path }] of files.entries())
    prepared.push(await prepareFile(path, options, { directory, name: `file-${i}`, signal, ...(look && { most: look.bytes }) }));
  const [first] = prepared as [TableFile];
  const other = prepared.find(({ form }) => form !== first.form);
  if (other)
    throw fail("BAD_FILE", {
      path: other.path,
      want: `of the form of ${basename(first.path)}, ${first.form}`,
      got: `is ${other.form}`,
      fix: "Give files of one form; they are read one after the other as one table.",
    });
  const opened = await (first.form === "csv" ? openCsv : openTyped)(duck, prepared, options, look).catch((cause: Error) => {
    signal?.throwIfAborted();
    throw explained(first, cause);
  });
  const { columns, dialects } = opened;
  checkKnown(first.path, options, columns);
  const kept = columns.flatMap(({ name }, i) => (options.types[name] === "drop" ? [] : [i]));
  let found = columns.map(({ found }) => found);
  for (;;) {
    const parts = prepared.map((_, i) => {
      const split = files[i]!.split;
      const cells = kept.map((c, to) => `${opened.cell(c, found[c]!)} AS c${to}`);
      return `SELECT ${[...cells, `${i}::USMALLINT AS file`, `${split ? splitNames.indexOf(split) : "NULL"}::TINYINT AS given`].join(", ")} FROM ${opened.read(i, found)}`;
    });
    await duck.run(`CREATE OR REPLACE TABLE rows AS ${parts.join(" UNION ALL ")}`, told).catch((cause: Error) => {
      signal?.throwIfAborted();
      throw explained(first, cause);
    });
    const [row] = await duck.rows("SELECT count(*) FROM rows");
    const count = Number(row![0]);
    const loaded: Loaded = {
      files: prepared,
      columns: kept.map((i) => ({ name: columns[i]!.name, kind: found[i]!.kind })),
      count,
      given: files.some(({ split }) => split),
      ...(dialects && { dialect: dialects[0] }),
      ambiguous: kept.flatMap((i) => {
        const { form, ambiguous: or } = found[i]!;
        return form && or ? [{ name: columns[i]!.name, read: form.example, or }] : [];
      }),
      place: (rowid) => placeOf(duck, prepared, dialects, rowid),
    };
    const settling = { duck, loaded, opened, found, kept, options, look };
    const texts = [...(dialects ? await rejected(settling, dialects) : []), ...(await strayDates(settling))];
    if (texts.length) {
      // What was a number or a date as far as was looked is none further down.
      found = found.map((one, i) => (texts.includes(i) ? { kind: "text", strays: 0, there: one.there } : one));
      continue;
    }
    if (count === 0)
      throw fail("BAD_FILE", { path: first.path, want: "a table with rows", got: "has only a header", fix: "Add rows below the header." });
    await finiteOnly(settling);
    return loaded;
  }
}

/** Removes what loading wrote beside the files. */
export async function clearLoaded(directory: string, files: number): Promise<void> {
  for (let i = 0; i < files; i++) await removePrepared(directory, `file-${i}`);
}

interface Opened {
  readonly columns: readonly { readonly name: string; readonly found: Found }[];
  /** Of text tables: how each file is written. */
  readonly dialects?: readonly Dialect[];
  /** What stands behind FROM for a file. */
  read(file: number, found: readonly Found[]): string;
  /** Of text tables: the same with all cells as they are written, rows that do not fit left out. */
  readonly texts?: (file: number) => string;
  /** SQL of a column, as it is kept. */
  cell(column: number, found: Found): string;
}

/** What a cell is that is no date. */
const NO_DATE = "'infinity'::TIMESTAMP";

// --- CSV ---

async function openCsv(duck: Duck, files: readonly TableFile[], options: TableOptions, look: Loading["look"]): Promise<Opened> {
  const dialects: Dialect[] = [];
  const names: (readonly string[])[] = [];
  for (const { path, readable } of files) {
    const dialect = await findDialect(readable, options);
    dialects.push(dialect);
    names.push(properNames(path, dialect, look?.problems));
  }
  const [all = []] = names;
  const odd = names.findIndex((some) => some.length !== all.length || some.some((name) => !all.includes(name)));
  if (odd >= 0) throw differentColumns(files, odd, all, names[odd]!);
  await duck.allowFor(all.length);
  /** Where a column is in a file. */
  const placeIn = (file: number, c: number) => names[file]!.indexOf(all[c]!);
  const reader = (file: number, types: (column: number) => string, more = "") => {
    const dialect = dialects[file]!;
    const columns = names[file]!.map((name, i) => `x${i}: '${types(all.indexOf(name))}'`);
    const named = all.map((_, c) => `x${placeIn(file, c)} AS c${c}`);
    const from = `read_csv(${pathLiteral(files[file]!.readable)}, ${readOptions(dialect, options)}${more}, columns = {${columns}})`;
    return `(SELECT ${named.join(", ")} FROM ${from})`;
  };
  const texts = (file: number) => reader(file, () => "VARCHAR", ", ignore_errors = true");
  const rows = files.map((_, i) => `(SELECT * FROM ${texts(i)} LIMIT ${LOOKED_AT})`);
  const said = (type: string) => new Set(all.flatMap((name, c) => (options.types[name] === type ? [`c${c}`] : [])));
  const found = options.asText
    ? all.map((): Found => ({ kind: "text", strays: 0, there: 0 }))
    : await findKinds(
        duck,
        `(${rows.join(" UNION ALL ")})`,
        all.map((_, c) => `c${c}`),
        dialects[0]!,
        options.missing,
        said("date"),
      );
  return {
    columns: all.map((name, c) => ({ name, found: corrected(found[c]!, options.types[name], name, files[0]!.path) })),
    dialects,
    texts,
    read: (file, found) =>
      reader(file, (c) => (found[c]!.kind === "number" ? "DOUBLE" : "VARCHAR"), `, store_rejects = true, rejects_limit = ${MOST_REJECTS}`),
    cell: (c, { kind, form }) => {
      if (kind === "number") return `c${c}`;
      // The reader knows what means missing; and trimming what needs none takes long.
      const text = `CASE WHEN starts_with(c${c}, ' ') OR ends_with(c${c}, ' ') THEN nullif(trim(c${c}), '') ELSE c${c} END`;
      return kind === "text" ? text : `CASE WHEN ${text} IS NOT NULL THEN coalesce(${form!.read(`trim(c${c})`)}, ${NO_DATE}) END`;
    },
  };
}

/** A column as it is said to be. @throws BAD_FILE for dates in no form that is known */
function corrected(found: Found, said: string | undefined, name: string, path: string): Found {
  if (said === "number") return { kind: "number", strays: 0, there: found.there };
  if (said === "category" || said === "text") return { kind: "text", strays: 0, there: found.there };
  if (said !== "date" || found.kind === "date") return found;
  throw fail("BAD_FILE", {
    path: `${path}, column ${show(name)}`,
    want: "dates in one form, such as 2024-12-31, 31.12.2024 or 12/31/2024",
    got: "is not",
    fix: "Write the dates as 2024-12-31, or take the column for a category or text (types).",
  });
}

/** @throws BAD_FILE for a name that is empty or there twice, unless problems are told */
function properNames(path: string, { names, header }: Dialect, problems: Problem[] | undefined): readonly string[] {
  const fix = "Name every column once, on the first line; or say that the file has no header (header=no).";
  const seen = new Map<string, number>();
  return names.map((name, i) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    if (!header || (name !== "" && times === 1)) return name;
    const [want, got] =
      name === ""
        ? ["a table whose header names every column", `column ${i + 1} has no name`]
        : ["a table with distinct column names", `${show(name)} occurs twice`];
    const error = fail("BAD_FILE", { path, want, got, fix });
    if (!problems) throw error;
    problems.push({ where: basename(path), message: error.message, fix });
    return name === "" ? `column ${i + 1}` : `${name} (${times})`;
  });
}

const differentColumns = (files: readonly TableFile[], odd: number, all: readonly string[], some: readonly string[]) => {
  const more = some.filter((name) => !all.includes(name));
  const fewer = all.filter((name) => !some.includes(name));
  const said = [fewer.length && `lacks ${fewer.join(", ")}`, more.length && `has ${more.join(", ")} besides`].filter(Boolean).join(" and ");
  return fail("BAD_FILE", {
    path: files[odd]!.path,
    want: `with the columns of ${basename(files[0]!.path)}: ${all.join(", ")}`,
    got: said || `has ${some.length}`,
    fix: "Give files with the same columns.",
  });
};

// --- forms that say themselves what their columns are ---

async function openTyped(duck: Duck, files: readonly TableFile[], options: TableOptions, look: Loading["look"]): Promise<Opened> {
  const from = ({ form, readable }: TableFile) =>
    form === "parquet" ? `read_parquet(${pathLiteral(readable)})` : `read_json(${pathLiteral(readable)})`;
  const described: (readonly (readonly [string, string])[])[] = [];
  for (const file of files) {
    const rows = await duck.rows(`DESCRIBE SELECT * FROM ${from(file)}`).catch((cause: Error) => {
      throw explained(file, cause);
    });
    described.push(rows.map(([name, type]) => [String(name), String(type)] as const));
  }
  const [first = []] = described;
  const all = first.map(([name]) => name);
  const odd = described.findIndex((some) => some.length !== all.length || some.some(([name]) => !all.includes(name)));
  if (odd >= 0)
    throw differentColumns(
      files,
      odd,
      all,
      described[odd]!.map(([name]) => name),
    );
  await duck.allowFor(all.length);
  const typeIn = (file: number, name: string) => described[file]!.find(([one]) => one === name)![1];
  const kinds = all.map((name): Kind => {
    const said = options.types[name];
    if (options.asText || said === "category" || said === "text") return "text";
    if (said === "number" || said === "date") return said;
    const found = new Set(described.map((_, file) => kindOf(typeIn(file, name))));
    return found.size === 1 ? [...found][0]! : "text";
  });
  const limit = look ? ` LIMIT ${look.rows}` : "";
  return {
    columns: all.map((name, c) => ({ name, found: { kind: kinds[c]!, strays: 0, there: 0 } })),
    read: (file, found) => {
      const cells = all.map((name, c) => `${typedCell(identifier(name), typeIn(file, name), found[c]!.kind)} AS c${c}`);
      return `(SELECT ${cells.join(", ")} FROM ${from(files[file]!)}${limit})`;
    },
    cell: (c, { kind }) => {
      if (kind === "number") return `c${c}`;
      return kind === "date" ? `c${c}` : cleaned(`c${c}`, options.missing);
    },
  };
}

const numeric = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL.*)$/;
const temporal = /^(DATE|TIMESTAMP.*)$/;
const kindOf = (sqlType: string): Kind => (numeric.test(sqlType) ? "number" : temporal.test(sqlType) ? "date" : "text");

/** A value of a typed file as what it is taken for. */
function typedCell(column: string, from: string, to: Kind): string {
  if (to === "number") return from === "BOOLEAN" ? `${column}::INTEGER::DOUBLE` : `${column}::DOUBLE`;
  if (to === "text") return `${column}::VARCHAR`;
  return from.startsWith("TIMESTAMP WITH") ? `(${column} AT TIME ZONE 'UTC')` : `${column}::TIMESTAMP`;
}

// --- what does not fit ---

function checkKnown(path: string, { types }: TableOptions, columns: readonly { readonly name: string }[]): void {
  const stray = Object.keys(types).find((name) => !columns.some((column) => column.name === name));
  if (stray === undefined) return;
  const got = `its columns are ${columns.map(({ name }) => name).join(", ")}`;
  throw fail("BAD_FILE", { path, want: `a table with the column ${show(stray)}`, got, fix: "Name columns as the header does." });
}

interface Settling {
  readonly duck: Duck;
  readonly loaded: Loaded;
  readonly opened: Opened;
  readonly found: readonly Found[];
  /** Which columns of the files those of `rows` are. */
  readonly kept: readonly number[];
  readonly options: TableOptions;
  readonly look: Loading["look"];
}

/** Throws, or tells. */
function tell(look: Loading["look"], error: TrainyardError): void {
  if (!look) throw error;
  const { path } = error.details as { path: string };
  look.problems.push({ where: path.slice(path.indexOf(", ") + 2), message: error.message, fix: error.fix });
}

const article = (kind: Kind): string => (kind === "date" ? "a date" : "a number");

/** A cell that is none of what its column is. */
function strayCell(place: string, name: string, { kind, form }: Found, value: string, said: string | undefined): TrainyardError {
  const want = `${article(kind)}${form ? ` like ${form.example}` : ""}, ${said ? "as its column is said to be" : "as nearly all of its column are"}`;
  return fail("BAD_FILE", {
    path: `${place}, column ${show(name)}`,
    want,
    got: `is ${show(value)}`,
    fix: `Correct the cell; or add ${show(value)} to those that mean missing (missing), or take the column for a category or text (types).`,
  });
}

/**
 * What `read_csv` did not take.
 * @returns columns that are text after all
 * @throws BAD_FILE for rows of another length, and for some cells among many that fit
 */
async function rejected(settling: Settling, dialects: readonly Dialect[]): Promise<number[]> {
  const { duck, loaded, found, options, look } = settling;
  const { files, count } = loaded;
  const names = dialects[0]!.names;
  const rejects = `reject_errors e JOIN reject_scans s USING (scan_id, file_id)`;
  // A row that is too short is told once for each cell that it lacks.
  const wrong =
    await duck.rows(`SELECT s.file_path, e.line, min(e.column_idx), arg_min(e.error_type, e.column_idx), any_value(e.csv_line), any_value(e.error_message)
    FROM ${rejects} WHERE e.error_type <> 'CAST' GROUP BY ALL ORDER BY e.line LIMIT 5`);
  const casts = await duck.rows(
    `SELECT s.file_path, e.column_idx, count(*), min(e.line), arg_min(e.error_message, e.line) FROM ${rejects} WHERE e.error_type = 'CAST' GROUP BY ALL ORDER BY 4`,
  );
  await duck.run("DROP TABLE reject_errors; DROP TABLE reject_scans");
  const fileAt = (readable: unknown) =>
    Math.max(
      0,
      files.findIndex((file) => String(readable).endsWith(basename(file.readable))),
    );
  for (const [readable, line, column, type, text, message] of wrong) {
    const file = files[fileAt(readable)]!;
    if (look && file.share !== undefined && type === "UNQUOTED VALUE") continue; // the sample ends within a cell
    tell(look, structural(`${file.path}, row ${line}`, names.length, String(type), String(text), String(message), Number(column)));
  }
  const texts: number[] = [];
  for (const [readable, column, rejected, line, message] of casts) {
    const file = fileAt(readable);
    const name = dialects[file]!.names[Number(column) - 1]!;
    const at = names.indexOf(name);
    const { kind, there } = found[at]!;
    const said = options.types[name];
    const many = Number(rejected) >= Math.min(MOST_REJECTS, (1 - NEARLY_ALL) * (count + Number(rejected)));
    if (!said && (many || there === 0)) {
      texts.push(at);
      continue;
    }
    const value = quotedIn(String(message), 'Could not convert string "', '" to ');
    tell(look, strayCell(`${files[file]!.path}, row ${line}`, name, { kind, strays: 0, there }, value, said));
  }
  return texts;
}

function quotedIn(message: string, before: string, after: string): string {
  const from = message.indexOf(before) + before.length;
  return message.slice(from, message.indexOf(after, from));
}

function structural(path: string, width: number, type: string, text: string, message: string, column: number): TrainyardError {
  const line = text.trim().length > 60 ? `${text.trim().slice(0, 60)}…` : text.trim();
  if (type === "MISSING COLUMNS" || type === "TOO MANY COLUMNS") {
    const fix = "Give every row as many cells as the header; put cells that contain the delimiter in quotes.";
    const cells = type === "MISSING COLUMNS" ? `has ${column}` : "has more";
    return fail("BAD_FILE", { path, want: `${width} cells long, like the header`, got: `${cells}: ${show(line)}`, fix });
  }
  if (type === "LINE SIZE OVER MAXIMUM") return tooLong(path);
  const got = /unterminated quote/i.test(message) ? `a quote is not closed: ${show(line)}` : `DuckDB says: ${message.split("\n")[0]}`;
  return fail("BAD_FILE", { path, want: "well-formed CSV", got, fix: "Close every quote, and double those within a cell." });
}

const tooLong = (path: string): TrainyardError =>
  fail("BAD_FILE", {
    path,
    want: "of rows of at most 2 MiB",
    got: "has a longer one",
    fix: "Close every quote: an open one takes the rest of the file into its cell.",
  });

/** Dates that are none. @returns columns that are text after all */
async function strayDates({ duck, loaded, opened, found, kept, options, look }: Settling): Promise<number[]> {
  const dates = kept.flatMap((c, at) => (found[c]!.kind === "date" && found[c]!.form ? [at] : []));
  if (!dates.length) return [];
  const row = await duck.facts(
    dates.map((at) => `count(*) FILTER (c${at} = ${NO_DATE}), count(c${at})`),
    "rows",
  );
  const texts: number[] = [];
  for (const [i, at] of dates.entries()) {
    const [strays = 0, there = 0] = row.slice(2 * i, 2 * i + 2).map(Number);
    if (!strays) continue;
    const c = kept[at]!;
    const { name } = loaded.columns[at]!;
    if (!options.types[name] && strays > (1 - NEARLY_ALL) * there) {
      texts.push(c);
      continue;
    }
    const [stray = []] = await duck.rows(`SELECT rowid, file FROM rows WHERE c${at} = ${NO_DATE} ORDER BY rowid LIMIT 1`);
    const [rowid, file] = stray.map(Number) as [number, number];
    const [first] = await duck.rows(`SELECT min(rowid) FROM rows WHERE file = ${file}`);
    const [cell] = await duck.rows(`SELECT c${c} FROM ${opened.texts!(file)} LIMIT 1 OFFSET ${rowid - Number(first![0])}`);
    tell(look, strayCell(await loaded.place(rowid), name, found[c]!, String(cell![0]).trim(), options.types[name]));
    await duck.run(`UPDATE rows SET c${at} = NULL WHERE c${at} = ${NO_DATE}`);
  }
  return texts;
}

/** "nan" is missing. "inf" and 1e39 can be read as numbers, but nothing can be learnt from them. @throws BAD_FILE */
async function finiteOnly({ duck, loaded, look }: Settling): Promise<void> {
  const numbers = loaded.columns.flatMap(({ kind }, at) => (kind === "number" ? [at] : []));
  if (!numbers.length) return;
  const bad = (at: number) => `abs(c${at}) > 3.4028235e38`; // NaN is greater than all numbers
  const counts = await duck.facts(
    numbers.map((at) => `count(*) FILTER (${bad(at)})`),
    "rows",
  );
  for (const [i, at] of numbers.entries()) {
    if (Number(counts[i]) === 0) continue;
    const [row] = await duck.rows(`SELECT rowid, c${at}::VARCHAR FROM rows WHERE ${bad(at)} AND NOT isnan(c${at}) ORDER BY rowid LIMIT 1`);
    if (row)
      tell(
        look,
        fail("BAD_FILE", {
          path: `${await loaded.place(Number(row[0]))}, column ${show(loaded.columns[at]!.name)}`,
          want: "a finite number that float32 holds",
          got: `is ${row[1]}`,
          fix: "Correct the cell, or leave it empty: it is missing then.",
        }),
      );
    await duck.run(`UPDATE rows SET c${at} = NULL WHERE ${bad(at)}`);
  }
}

async function placeOf(duck: Duck, files: readonly TableFile[], dialects: readonly Dialect[] | undefined, rowid: number): Promise<string> {
  const [row] = await duck.rows(
    `SELECT file, (SELECT count(*) FROM rows b WHERE b.file = a.file AND b.rowid <= a.rowid) FROM rows a WHERE a.rowid = ${rowid}`,
  );
  const file = Number(row![0]);
  const dialect = dialects?.[file];
  return `${files[file]!.path}, row ${Number(row![1]) + (dialect ? dialect.skip + Number(dialect.header) : 0)}`;
}

/** What DuckDB says of a file that it cannot read, in our words. */
function explained({ path, form }: Pick<TableFile, "path" | "form">, cause: Error): Error {
  if (cause instanceof TrainyardError) return cause;
  const { message } = cause;
  if (/Maximum line size|max_line_size/i.test(message)) return tooLong(path);
  const [says = ""] = message.split("\n").filter(Boolean); // below it is our query
  const [, after, why] = /in (?:line|record\/value) (\d+): (.*)/.exec(says) ?? []; // JSON, which it counts one too far
  if (after)
    return fail(
      "BAD_FILE",
      { path: `${path}, row ${Number(after) - 1}`, want: "JSON", got: `has an error: ${why!.trim()}`, fix: "Correct the row." },
      cause,
    );
  const [, line] = /line:? (\d+)/i.exec(says) ?? [];
  const got = `DuckDB says: ${says.trim()}`;
  const fix = form === "csv" ? "Close every quote, and end all rows alike." : "Download or export it again: it is damaged or incomplete.";
  return fail("BAD_FILE", { path: line ? `${path}, row ${line}` : path, want: "a well-formed table", got, fix }, cause);
}
