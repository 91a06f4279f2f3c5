/** A report before it has a format: sections of blocks, all of plain text, which each format escapes and lays out its way. */
import type { Chart } from "./chart.ts";

export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "findings"; readonly findings: readonly Finding[] }
  | { readonly kind: "tiles"; readonly tiles: readonly Tile[] }
  | { readonly kind: "pairs"; readonly pairs: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: "steps"; readonly steps: readonly string[] }
  | Table
  | { readonly kind: "charts"; readonly charts: readonly Chart[] }
  | { readonly kind: "pictures"; readonly pictures: readonly Picture[] };

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** A sentence that the numbers say. */
export interface Finding {
  readonly tone: "good" | "warning" | "note";
  readonly title: string;
  readonly text: string;
}
/** A number to be seen from afar. */
export interface Tile {
  readonly title: string;
  readonly value: string;
  readonly below: string;
}
export interface Picture {
  readonly uri: string;
  readonly alt: string;
  readonly caption: string;
}

export interface Table {
  readonly kind: "table";
  readonly caption: string;
  /** A line over the columns but the first. */
  readonly over?: string;
  readonly columns: readonly { readonly title: string; readonly numeric?: boolean }[];
  /** The first cell of each row names it. */
  readonly rows: readonly (readonly Cell[])[];
}
export type Cell = string | { readonly text: string; readonly shade?: Shade; readonly bar?: number; readonly strong?: boolean };
/** How much of a colour a cell has, from 0 to 1: the one for what is right, or the one for what is wrong. */
export interface Shade {
  readonly right: boolean;
  readonly amount: number;
}

export const textOf = (cell: Cell): string => (typeof cell === "string" ? cell : cell.text);
const column = (title: string) => ({ title });
const numeric = (title: string) => ({ title, numeric: true });

/** A table whose first `named` columns are words and the others numbers. */
export const table = (
  caption: string,
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  { named = 1, over }: { named?: number; over?: string } = {},
): Table => ({
  kind: "table",
  caption,
  columns: titles.map((title, i) => (i < named ? column(title) : numeric(title))),
  rows,
  ...(over && { over }),
});
