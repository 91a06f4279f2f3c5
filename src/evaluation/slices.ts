/** Results by the values of a column: where a model is worse than its average tells. */
import { cellsOf, decimal } from "../data/raw.ts";
import type { Column, RawSplit } from "../shared/dataset.ts";
import type { Slice } from "../shared/evaluation.ts";
import { type MetricKind, measured, type Outcome } from "./kinds.ts";

/** Values of a category that are shown, the most frequent ones. */
const VALUES = 20;
/** Fewer rows tell nothing. */
const FEWEST = 5;
const MISSING = "(missing)";

/** Rows of the split that share a value. */
interface Group {
  readonly value: string;
  readonly rows: readonly number[];
}

/** For each value of a category and each quarter of the numbers and dates of a column: the metrics of its rows. */
export function slicesOf(metrics: readonly MetricKind[], outcome: Outcome, columns: readonly Column[], raw: RawSplit): Slice[] {
  return columns.flatMap((column) =>
    groupsOf(column, columns, raw)
      .filter(({ rows }) => rows.length >= FEWEST)
      .map(({ value, rows }) => ({ column: column.name, value, samples: rows.length, metrics: measured(metrics, outcome.subset(rows)) })),
  );
}

function groupsOf(column: Column, columns: readonly Column[], raw: RawSplit): Group[] {
  const cell = cellsOf(raw, columns, column);
  switch (column.type) {
    case "category":
      return [...grouped(raw.count, cell)]
        .sort(([a, one], [b, other]) => other.length - one.length || a - b)
        .slice(0, VALUES)
        .map(([code, rows]) => ({ value: Number.isNaN(code) ? MISSING : column.values![code]!, rows }));
    case "number":
      return quarters(raw.count, cell, (value) => String(decimal(value)));
    case "date":
      return quarters(raw.count, cell, (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10));
    case "text":
      return [];
  }
}

/** The rows of each quarter of the values, or of each value where there are few; the missing ones last. */
function quarters(count: number, cellOf: (row: number) => number, show: (value: number) => string): Group[] {
  const sorted = Float64Array.from({ length: count }, (_, row) => cellOf(row))
    .filter((v) => !Number.isNaN(v))
    .sort();
  const distinct = [...new Set(sorted)].slice(0, 5);
  const cuts = distinct.length <= 4 ? distinct.slice(0, -1) : [0.25, 0.5, 0.75].map((q) => sorted[Math.floor(q * (sorted.length - 1))]!);
  const edges = [...new Set(cuts)];
  const groups = grouped(count, (row) => {
    const value = cellOf(row);
    return Number.isNaN(value) ? edges.length + 1 : edges.filter((edge) => value > edge).length;
  });
  const name = (group: number): string => {
    if (group > edges.length) return MISSING;
    if (distinct.length <= 4) return show(distinct[group]!);
    if (group === 0) return `up to ${show(edges[0]!)}`;
    return group === edges.length ? `over ${show(edges.at(-1)!)}` : `${show(edges[group - 1]!)} to ${show(edges[group]!)}`;
  };
  return [...groups].sort(([a], [b]) => a - b).map(([group, rows]) => ({ value: name(group), rows }));
}

function grouped(count: number, keyOf: (row: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < count; row++) {
    const key = keyOf(row);
    const rows = groups.get(key);
    if (rows) rows.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** Seconds since 1970-01-01 in ISO 8601; of midnight the day alone. */
const dateOf = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace(/(T00:00:00)?\.000Z$/, (_, midnight) => (midnight ? "" : "Z"));

/** A row of the raw table, by column, as people read it. */
export function rawRow(row: number, columns: readonly Column[], raw: RawSplit): Record<string, string | number | null> {
  const shown = (column: Column): string | number | null => {
    const cell = cellsOf(raw, columns, column)(row);
    if (Number.isNaN(cell)) return null;
    if (column.type === "category") return column.values![cell]!;
    return column.type === "date" ? dateOf(cell) : decimal(cell);
  };
  return Object.fromEntries(columns.filter(({ type }) => type !== "text").map((column) => [column.name, shown(column)]));
}
