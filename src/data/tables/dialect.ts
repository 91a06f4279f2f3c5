/** How a text table is written: delimiter, quotes, header, forms of numbers and dates; found by DuckDB in its beginning, and checked. */
import { open } from "node:fs/promises";
import { fail, show } from "../../shared/errors.ts";
import { type Duck, literal, literals, pathLiteral } from "./duck.ts";
import type { TableFile } from "./forms.ts";
import type { TableOptions } from "./options.ts";

/** A column as it is read: what DuckDB takes its cells for. */
export interface ReadColumn {
  readonly name: string;
  readonly sqlType: string;
}

export interface Dialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly header: boolean;
  readonly columns: readonly ReadColumn[];
  /** All that `read_csv` has to be told but the columns. */
  readonly options: string;
}

const MOST_HEADER = 2 ** 20;
const MOST_LINE = 8 * 2 ** 20;

/** Cells that mean missing, with a blank before them, too, as after ", ". */
export const missingMarks = (missing: readonly string[]): string[] => [...new Set(["", ...missing.flatMap((mark) => [mark, ` ${mark}`])])];

/** @throws BAD_FILE, and what DuckDB says of a file that it cannot make out */
export async function sniff(
  duck: Duck,
  file: TableFile,
  { delimiter, header, missing, columns: names, skip, comment }: TableOptions,
): Promise<Dialect> {
  const given = [
    `nullstr = ${literals(missingMarks(missing))}`,
    `max_line_size = ${MOST_LINE}`,
    "sample_size = 40960",
    ...(delimiter ? [`delim = ${literal(delimiter)}`] : []),
    ...(header === "auto" ? [] : [`header = ${header === "yes"}`]),
    ...(skip ? [`skip = ${skip}`] : []),
    ...(comment ? [`comment = ${literal(comment)}`] : []),
    ...(names.length ? ["header = false"] : []),
    ...(names.length ? [`names = ${literals(names)}`] : []),
  ];
  const look = async (more: readonly string[] = []) =>
    (await duck.objects(`SELECT * FROM sniff_csv(${pathLiteral(file.readable)}, ${[...given, ...more].join(", ")})`))[0]!;
  let found = await look();
  let decimals = ".";
  // Where cells end otherwise, a comma may stand within numbers.
  if (found.Delimiter !== "," && texts(found) > 0) {
    const other = await look(["decimal_separator = ','", `delim = ${literal(String(found.Delimiter))}`]).catch(() => found);
    if (texts(other) < texts(found)) [found, decimals] = [other, ","];
  }
  const sniffed = found.Columns as readonly { name: string; type: string }[];
  const [delim, quote, escaped] = [bare(found.Delimiter), bare(found.Quote), bare(found.Escape)];
  const first = await firstLine(file.readable, delim, quote || '"', Number(found.SkipRows));
  const hasHeader = names.length ? false : header === "auto" ? Boolean(found.HasHeader) || looksLikeNames(first) : header === "yes";
  const columnNames = names.length ? names : hasHeader ? checkNames(file.path, first) : sniffed.map((_, i) => `column ${i + 1}`);
  if (columnNames.length !== sniffed.length) {
    const fix = "Give every row as many cells as the header; put cells that contain the delimiter in quotes.";
    throw fail("BAD_FILE", { path: file.path, want: `of ${columnNames.length} columns, as it has names`, got: `has ${sniffed.length}`, fix });
  }
  return {
    delimiter: delim,
    quote,
    header: hasHeader,
    columns: sniffed.map(({ type }, i) => ({ name: columnNames[i]!, sqlType: type })),
    options: [
      "auto_detect = false",
      `header = ${hasHeader}`,
      `skip = ${Number(found.SkipRows)}`,
      `delim = ${literal(delim)}`,
      `quote = ${literal(quote || '"')}`,
      `escape = ${literal(escaped || '"')}`,
      `nullstr = ${literals(missingMarks(missing))}`,
      `max_line_size = ${MOST_LINE}`,
      "compression = 'none'",
      "hive_partitioning = false",
      "store_rejects = true",
      "rejects_limit = 1000",
      ...(comment ? [`comment = ${literal(comment)}`] : []),
      ...(decimals === "," ? ["decimal_separator = ','"] : []),
      ...(found.DateFormat ? [`dateformat = ${literal(String(found.DateFormat))}`] : []),
      ...(found.TimestampFormat ? [`timestampformat = ${literal(String(found.TimestampFormat))}`] : []),
    ].join(", "),
  };
}

const bare = (said: unknown): string => (said === "(empty)" || said === null ? "" : String(said));
const texts = ({ Columns }: Record<string, unknown>): number => (Columns as { type: string }[]).filter(({ type }) => type === "VARCHAR").length;

/** Names rather than values: each is there, none a number, none twice. */
const looksLikeNames = (cells: readonly string[]): boolean =>
  cells.every((cell) => cell !== "" && Number.isNaN(Number(cell))) && new Set(cells).size === cells.length;

/** @throws BAD_FILE for a name that is empty or there twice */
function checkNames(path: string, names: readonly string[]): readonly string[] {
  const fix = "Name every column once, on the first line; or say that the file has no header (header=no).";
  const nameless = names.indexOf("");
  if (nameless >= 0)
    throw fail("BAD_FILE", { path, want: "a table whose header names every column", got: `column ${nameless + 1} has no name`, fix });
  const twin = names.find((name, i) => names.indexOf(name) < i);
  if (twin !== undefined) throw fail("BAD_FILE", { path, want: "a table with distinct column names", got: `${show(twin)} occurs twice`, fix });
  return names;
}

/** The cells of the first line that counts, unquoted and trimmed. */
async function firstLine(path: string, delimiter: string, quote: string, skip: number): Promise<string[]> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_HEADER), 0, MOST_HEADER, 0);
  let text = buffer.toString("utf8", 0, bytesRead);
  for (let i = 0; i < skip; i++) text = text.slice(text.indexOf("\n") + 1);
  const cells: string[] = [];
  let [cell, quoted, i] = ["", false, 0];
  for (; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== quote) cell += c;
      else if (text[i + 1] === quote) cell += text[++i];
      else quoted = false;
    } else if (c === quote && cell.trim() === "") [quoted, cell] = [true, ""];
    else if (c === "\n" || c === "\r") break;
    else if (text.startsWith(delimiter, i)) {
      cells.push(cell.trim());
      cell = "";
      i += delimiter.length - 1;
    } else cell += c;
  }
  return [...cells, cell.trim()];
}
