/** Tables for a terminal: declared as columns, cut to fit. */
import { config } from "./config.ts";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string | number | undefined;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

const GAP = 2;
/** No column is cut below this, title and all. */
const NARROWEST = 6;

/** Rows under their titles. Where the terminal is too narrow the widest columns are cut. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], space = config.columns): string {
  const grid = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ cell }) => oneLine(cell(row))))];
  const widths = squeezed(
    columns.map((_, c) => Math.max(...grid.map((line) => width(line[c]!)))),
    space,
  );
  return grid
    .map((line) =>
      line
        .map((text, c) => pad(cut(text, widths[c]!), widths[c]!, columns[c]!.right))
        .join(" ".repeat(GAP))
        .trimEnd(),
    )
    .join("\n");
}

/** Names of things with what they are: a table without titles. */
export function pairs(rows: readonly (readonly [string, string | number | undefined])[]): string {
  const given = rows.filter(([, value]) => value !== undefined && value !== "");
  const widest = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${name.padEnd(widest + GAP)}${value}`).join("\n");
}

/** Takes from the widest column until all fit, or none can give any more. */
function squeezed(natural: readonly number[], space: number): number[] {
  const widths = [...natural];
  for (let excess = sum(widths) + GAP * (widths.length - 1) - space; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= NARROWEST) break;
    widths[widest]!--;
  }
  return widths;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What others wrote must neither break a row nor steer the terminal. */
const oneLine = (cell: string | number | undefined): string => String(cell ?? "").replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, " ");

const letters = new Intl.Segmenter();
/** What is drawn two cells wide: East Asian characters and pictures. */
const wide =
  /^[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const cells = (text: string): { readonly letter: string; readonly width: number }[] =>
  Array.from(letters.segment(text), ({ segment }) => ({ letter: segment, width: wide.test(segment) ? 2 : 1 }));
const width = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : sum(cells(text).map((c) => c.width)));

function cut(text: string, space: number): string {
  if (width(text) <= space) return text;
  let kept = "";
  let used = 0;
  for (const { letter, width } of cells(text)) {
    if (used + width > space - 1) break;
    kept += letter;
    used += width;
  }
  return `${kept}…`;
}

function pad(text: string, space: number, right = false): string {
  const blank = " ".repeat(Math.max(0, space - width(text)));
  return right ? blank + text : text + blank;
}
