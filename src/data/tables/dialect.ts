/** How a text table is written: delimiter, quotes, header, forms of numbers; found out from its beginning. */
import { open } from "node:fs/promises";
import { literal, literals } from "./duck.ts";
import { MOST_LINE, type TableOptions } from "./options.ts";

export interface Dialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escaping: string;
  readonly header: boolean;
  /** Lines before the first that counts. */
  readonly skip: number;
  /** As they are in the header; "" where one is missing. */
  readonly names: readonly string[];
  /** Marks within numbers: "1.234,5" has decimals "," and thousands ".". */
  readonly decimals: "." | ",";
  readonly thousands: "" | "." | ",";
}

const SAMPLE = 2 ** 20;
const RECORDS = 500;
/** In the order in which they are believed: what is rare within cells first. */
const delimiters = ["\t", "|", ";", ","];
const rareDelimiters = ["\u0001", "\u001f", "~", "^", ":", " "];
/** So many of the rows have the number of cells that a delimiter gives most rows. */
const CONSISTENT = 0.9;

/** Cells that mean missing, with a blank before them, too, as after ", ". */
export const missingMarks = (missing: readonly string[]): string[] => [...new Set(["", ...missing.flatMap((mark) => [mark, ` ${mark}`])])];

/** Finds out how a text is written. What is given in the options is believed. */
export async function findDialect(
  path: string,
  { delimiter: asked, header, missing, columns, skip, comment }: Omit<TableOptions, "target">,
): Promise<Dialect> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE), 0, SAMPLE, 0);
  const whole = bytesRead < SAMPLE;
  const begins = withoutLines(buffer.toString("utf8", 0, bytesRead), skip);
  const [saying = "", said = ""] = /^sep=(.)\r?\n/i.exec(begins) ?? []; // a line that Excel obeys and keeps
  const text = begins.slice(saying.length);
  const before = skip + (saying ? 1 : 0);
  const quote = !text.includes('"') && /(^|[,;\t|])'[^'\n]*'(?=[,;\t|\n])/.test(text) ? "'" : '"';
  const escaping = text.includes(`\\${quote}`) ? "\\" : quote;
  const split = (delimiter: string) => {
    const found = records(text, delimiter, quote, escaping);
    const all = whole || found.length === RECORDS ? found : found.slice(0, -1);
    return all.filter(({ cells }) => !(comment && cells[0]!.startsWith(comment)) && (cells.length > 1 || cells[0] !== ""));
  };
  const delimiter = asked || said || chooseDelimiter(split);
  const found = split(delimiter);
  const width = usualWidth(found);
  // A title, or remarks, before the table.
  const first = Math.max(
    0,
    found.findIndex(({ cells }) => width < 2 || cells.length > 1),
  );
  const rows = found.slice(first).map(({ cells }) => cells);
  const [head = []] = rows;
  const marks = new Set(missingMarks(missing));
  const hasHeader = columns.length ? false : header === "auto" ? looksLikeNames(head, rows.slice(1), marks) : header === "yes";
  return {
    delimiter,
    quote,
    escaping,
    header: hasHeader,
    skip: before + (first > 0 ? found[first]!.line : 0),
    names: columns.length ? columns : hasHeader ? head : (rows.find((cells) => cells.length === width) ?? head).map((_, i) => `column ${i + 1}`),
    ...marksIn(rows.slice(hasHeader ? 1 : 0), delimiter),
  };
}

/** What `read_csv` has to be told, but the columns. */
export const readOptions = (
  { delimiter, quote, escaping, header, skip, decimals, thousands }: Dialect,
  { missing, comment }: Pick<TableOptions, "missing" | "comment">,
): string =>
  [
    "auto_detect = false",
    `header = ${header}`,
    `skip = ${skip}`,
    `delim = ${literal(delimiter)}`,
    `quote = ${literal(quote)}`,
    `escape = ${literal(escaping)}`,
    `nullstr = ${literals(missingMarks(missing).filter((mark) => !mark.includes(delimiter)))}`,
    `max_line_size = ${MOST_LINE}`,
    `buffer_size = ${4 * MOST_LINE}`,
    "compression = 'none'",
    "hive_partitioning = false",
    ...(comment ? [`comment = ${literal(comment)}`] : []),
    ...(decimals === "," ? ["decimal_separator = ','"] : []),
    ...(thousands ? [`thousands = ${literal(thousands)}`] : []),
  ].join(", ");

/** A number as text in the dialect, as SQL that makes one of it or NULL. */
export const numberIn = ({ decimals, thousands }: Pick<Dialect, "decimals" | "thousands">, text: string): string => {
  const joined = thousands ? `replace(${text}, '${thousands}', '')` : text;
  return `TRY_CAST(${decimals === "," ? `replace(${joined}, ',', '.')` : joined} AS DOUBLE)`;
};

interface Record {
  readonly cells: readonly string[];
  /** Lines before it. */
  readonly line: number;
}

/** The first records, their cells unquoted and trimmed. A quote within an unquoted cell stands for itself: 3.5" disk. */
function records(text: string, delimiter: string, quote: string, escaping: string): Record[] {
  const found: Record[] = [];
  let cells: string[] = [];
  let [at, line, began] = [0, 0, 0];
  while (at < text.length && found.length < RECORDS) {
    let start = at;
    while (text[start] === " " && delimiter !== " ") start++;
    let cell: string;
    const close = text[start] === quote ? closing(text, start, quote, escaping) : -1;
    const end = cellEnd(text, close < 0 ? at : close + 1, delimiter);
    if (close < 0) cell = text.slice(at, end);
    else {
      cell = text.slice(start + 1, close).replaceAll(escaping + quote, quote);
      line += cell.split("\n").length - 1;
    }
    cells.push(cell.trim());
    at = end;
    if (text.startsWith(delimiter, at)) {
      at += delimiter.length;
      if (at < text.length) continue;
      cells.push("");
    }
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    at++;
    line++;
    found.push({ cells, line: began });
    cells = [];
    began = line;
  }
  return found;
}

function closing(text: string, open: number, quote: string, escaping: string): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === escaping && text[at + 1] === quote) at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

function cellEnd(text: string, from: number, delimiter: string): number {
  let at = from;
  while (at < text.length && text[at] !== "\n" && text[at] !== "\r" && !text.startsWith(delimiter, at)) at++;
  return at;
}

function withoutLines(text: string, lines: number): string {
  let at = 0;
  for (let i = 0; i < lines && at >= 0; i++) at = text.indexOf("\n", at) + 1 || text.length;
  return text.slice(at);
}

/** The first delimiter that gives nearly all rows, the first among them, equally many cells; else the one that does so best. */
function chooseDelimiter(split: (delimiter: string) => readonly Record[]): string {
  let best = { delimiter: ",", score: 0 };
  for (const among of [delimiters, rareDelimiters]) {
    for (const delimiter of among) {
      const found = split(delimiter);
      const width = usualWidth(found);
      if (width < 2) continue;
      const share = found.filter(({ cells }) => cells.length === width).length / found.length;
      const first = found.find(({ cells }) => cells.length > 1)?.cells.length;
      if (share >= CONSISTENT && first === width) return delimiter;
      const score = share * Math.log2(width + 1) * (among === delimiters ? 1 : 0.1);
      if (score > best.score) best = { delimiter, score };
    }
    if (best.score > 0.5) break;
  }
  return best.delimiter;
}

/** How many cells most rows have; the more of equals. */
function usualWidth(found: readonly Record[]): number {
  const counts = new Map<number, number>();
  for (const { cells } of found) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  return [...counts].reduce((best, next) => (next[1] > best[1] || (next[1] === best[1] && next[0] > best[0]) ? next : best), [0, 0])[0];
}

const number = /^[+-]?(\d[\d.,]*|[.,]\d+)(e[+-]?\d+)?%?$/i;
const date = /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}/;
const isValue = (cell: string): boolean => number.test(cell) || date.test(cell);

/**
 * Names rather than values: no number or date among them, and something else below them: values where the name is none, or,
 * where all is text, nothing that is written like the name.
 */
function looksLikeNames(head: readonly string[], rows: readonly (readonly string[])[], marks: ReadonlySet<string>): boolean {
  if (head.every((cell) => cell === "") || head.some((cell) => isValue(cell) || (cell !== "" && marks.has(cell)))) return false;
  if (rows.some((cells) => cells.some(isValue))) return true;
  return !head.some((cell, i) => cell !== "" && rows.some((cells) => cells[i] === cell));
}

/** Whether numbers have decimal commas, and marks between thousands. */
function marksIn(rows: readonly (readonly string[])[], delimiter: string): Pick<Dialect, "decimals" | "thousands"> {
  let [points, commas, thousandsByComma, thousandsByPoint] = [0, 0, 0, 0];
  for (const cells of rows)
    for (const cell of cells) {
      if (/^[+-]?\d*\.\d+$/.test(cell)) points++;
      if (/^[+-]?\d+,\d+$/.test(cell)) commas++;
      if (/^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(cell)) thousandsByComma++;
      if (/^[+-]?[1-9]\d{0,2}(\.\d{3})+,\d+$/.test(cell)) thousandsByPoint++;
    }
  // "1,234" may be either: a thousand where others have points, or where no cell has another number of digits after its comma.
  const byComma = commas > 0 && commas > points && !(commas === thousandsByComma && delimiter === ",");
  if (byComma || thousandsByPoint) return { decimals: ",", thousands: thousandsByPoint ? "." : "" };
  return { decimals: ".", thousands: thousandsByComma ? "," : "" };
}
