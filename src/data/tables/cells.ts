/** What the cells of a text column are: numbers, dates in one form, or text; found out from the first rows. */
import { type Dialect, missingMarks, numberIn } from "./dialect.ts";
import { type Duck, literals } from "./duck.ts";

export type Kind = "number" | "date" | "text";

/** One way to write dates. */
export interface DateForm {
  /** A date written so, for messages. */
  readonly example: string;
  readonly like: string;
  /** SQL that makes a timestamp of text in this form, or NULL. */
  readonly read: (text: string) => string;
  /** The form that the same text could be as well. */
  readonly twin?: string;
}

/** What was found. */
export interface Found {
  readonly kind: Kind;
  readonly form?: DateForm;
  /** Whether the dates could be read in another form as well. */
  readonly ambiguous?: string;
  /** Cells that are no numbers or dates, as nearly all others are. */
  readonly strays: number;
  readonly stray?: string;
  /** Cells that are not missing. */
  readonly there: number;
}

/** A column is numbers or dates when so many of its cells are. */
export const NEARLY_ALL = 0.95;
/** Fewer cells than this must all be. */
const FEW = 20;
/** Dates by which the forms are found that come into question. */
const FIRST_DATES = 500;
/** Digits beyond these are lost in a number: it is the number of an account or the like. */
const MOST_DIGITS = 15;

const times = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"];
const written = (example: string, like: string, day: string, twin?: string): DateForm => ({
  example,
  like: `^${like}( \\d|$)`,
  read: (text) => `try_strptime(${text}, ${literals(times.map((time) => day + time))})`,
  twin,
});

/** In the order in which they are believed. */
const dateForms: readonly DateForm[] = [
  {
    example: "2024-12-31T23:59:00Z",
    like: "^\\d{4}-\\d{1,2}-\\d{1,2}[T ]\\d{1,2}:.*(Z|[+-]\\d{2}(:?\\d{2})?)$",
    read: (text) => `(TRY_CAST(${text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')`,
  },
  { example: "2024-12-31", like: "^\\d{4}[-/]\\d{1,2}[-/]\\d{1,2}([T ]\\d{1,2}:[0-9:.]*)?$", read: (text) => `TRY_CAST(${text} AS TIMESTAMP)` },
  written("31.12.2024", "\\d{1,2}\\.\\d{1,2}\\.\\d{4}", "%d.%m.%Y"),
  written("12/31/2024", "\\d{1,2}/\\d{1,2}/\\d{4}", "%m/%d/%Y", "31/12/2024"),
  written("31/12/2024", "\\d{1,2}/\\d{1,2}/\\d{4}", "%d/%m/%Y", "12/31/2024"),
  written("31-12-2024", "\\d{1,2}-\\d{1,2}-\\d{4}", "%d-%m-%Y", "12-31-2024"),
  written("12-31-2024", "\\d{1,2}-\\d{1,2}-\\d{4}", "%m-%d-%Y", "31-12-2024"),
  written("31.12.24", "\\d{1,2}\\.\\d{1,2}\\.\\d{2}", "%d.%m.%y"),
  written("12/31/24", "\\d{1,2}/\\d{1,2}/\\d{2}", "%m/%d/%y", "31/12/24"),
  written("31/12/24", "\\d{1,2}/\\d{1,2}/\\d{2}", "%d/%m/%y", "12/31/24"),
  written("2024.12.31", "\\d{4}\\.\\d{1,2}\\.\\d{1,2}", "%Y.%m.%d"),
  written("31 Dec 2024", "\\d{1,2} [A-Za-z]{3} \\d{4}", "%d %b %Y"),
  written("31-Dec-2024", "\\d{1,2}-[A-Za-z]{3}-\\d{4}", "%d-%b-%Y"),
  written("31 December 2024", "\\d{1,2} [A-Za-z]{3,9} \\d{4}", "%d %B %Y"),
  written("Dec 31, 2024", "[A-Za-z]{3} \\d{1,2}, \\d{4}", "%b %d, %Y"),
  written("December 31, 2024", "[A-Za-z]{3,9} \\d{1,2}, \\d{4}", "%B %d, %Y"),
];
const dateLike = "^(\\d{1,4}[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/. ]\\d|[A-Za-z]{3,9} \\d{1,2}, \\d{4})";

/** Text as it counts: trimmed, NULL where it means missing. */
export const cleaned = (column: string, missing: readonly string[]): string =>
  `CASE WHEN list_contains(${literals([...new Set(missingMarks(missing).map((mark) => mark.trim()))])}, trim(${column})) THEN NULL ELSE trim(${column}) END`;

/**
 * Looks at rows.
 * @param rows what stands behind FROM, with the columns as text
 * @param asDates columns that are said to be dates
 */
export async function findKinds(
  duck: Duck,
  rows: string,
  columns: readonly string[],
  dialect: Pick<Dialect, "decimals" | "thousands">,
  missing: readonly string[],
  asDates: ReadonlySet<string> = new Set(),
): Promise<readonly Found[]> {
  if (!columns.length) return [];
  await duck.run(`CREATE OR REPLACE TEMP TABLE looked AS SELECT ${columns.join(", ")} FROM ${rows}`);
  const cells = (some: readonly string[]) => `(SELECT rowid AS place, ${some.map((c) => `${cleaned(c, missing)} AS ${c}`).join(", ")} FROM looked)`;
  const facts = columns.map((c) => {
    const isNumber = `${numberIn(dialect, c)} IS NOT NULL`;
    return [
      `count(${c})`,
      `count(*) FILTER (${isNumber})`,
      `count(*) FILTER (regexp_matches(${c}, '^[+-]?(0[0-9]|[0-9]{${MOST_DIGITS + 1},}$)'))`,
      `count(*) FILTER (regexp_matches(${c}, '${dateLike}'))`,
      `arg_min(${c}, place) FILTER (${c} IS NOT NULL AND NOT (${isNumber}))`,
    ].join(", ");
  });
  const row = await duck.facts(facts, (first, end) => cells(columns.slice(first, end)));
  const found: Found[] = [];
  for (const [i, column] of columns.entries()) {
    const [there = 0, numbers = 0, codes = 0, dates = 0] = row.slice(5 * i, 5 * i + 4).map(Number);
    const stray = row[5 * i + 4];
    if (enough(numbers, there) && codes === 0 && !asDates.has(column))
      found.push({ kind: "number", strays: there - numbers, there, ...(numbers < there && { stray: String(stray) }) });
    else
      found.push(
        enough(dates, there) || asDates.has(column) ? await findDates(duck, cells([column]), column, there) : { kind: "text", strays: 0, there },
      );
  }
  await duck.run("DROP TABLE looked");
  return found;
}

const enough = (some: number, all: number): boolean => some >= (all < FEW ? all : NEARLY_ALL * all);

async function findDates(duck: Duck, cells: string, column: string, there: number): Promise<Found> {
  const reads = ({ like, read }: DateForm) => `regexp_matches(${column}, '${like}') AND ${read(column)} IS NOT NULL`;
  const [some = []] = await duck.rows(
    `SELECT ${dateForms.map(({ like }) => `bool_or(regexp_matches(${column}, '${like}'))`).join(", ")} FROM (SELECT ${column} FROM ${cells} WHERE ${column} IS NOT NULL LIMIT ${FIRST_DATES})`,
  );
  const forms = dateForms.filter((_, i) => some[i] === true);
  const [row = []] = forms.length
    ? await duck.rows(`SELECT ${forms.map((form) => `count(*) FILTER (${reads(form)})`).join(", ")} FROM ${cells}`)
    : [];
  const counts = row.map(Number);
  const most = Math.max(0, ...counts);
  if (most === 0 || !enough(most, there)) return { kind: "text", strays: 0, there };
  const form = forms[counts.indexOf(most)]!;
  const twin = forms.findIndex(({ example }) => example === form.twin);
  const [stray] =
    most < there ? await duck.rows(`SELECT ${column} FROM ${cells} WHERE ${column} IS NOT NULL AND NOT (${reads(form)}) ORDER BY place LIMIT 1`) : [];
  return {
    kind: "date",
    form,
    strays: there - most,
    there,
    ...(twin >= 0 && counts[twin] === most && { ambiguous: form.twin }),
    ...(stray && { stray: String(stray[0]) }),
  };
}
