/** Steps that make numbers of categories. A value that training never saw is told from one that is missing. */

import { appendNumbers, asColumn, type CategoryColumn, type NumberColumn, recode, type TableFlow, without } from "../../data/flow.ts";
import { type ColumnRows, type FittedColumn, tableStep } from "../../data/kinds.ts";
import { murmurHash3 as hashOf } from "../../data/murmur.ts";
import { constant, type Value } from "../../engine/graph.ts";
import { abs, cast, concat, div, equal, less, mul, murmurHash3, oneHot as oneHotOf, sub, where } from "../../engine/ops.ts";
import type { Fitted } from "../../shared/dataset.ts";
import { boolean, integer, texts } from "../../shared/define.ts";
import { columns, onCategories } from "./columns.ts";

/** The values that training saw, in order, each with its count. */
const seenIn = (column: ColumnRows): readonly (readonly [value: string, count: number])[] =>
  column.type === "category" ? column.values.flatMap((value, code) => (column.counts[code] ? [[value, column.counts[code]] as const] : [])) : [];

interface Block {
  readonly names: readonly string[];
  readonly gaps?: boolean;
  /** float32 [batch, names] */
  readonly value: Value;
}
/** The categories that a step works on, each replaced by numbers, which come last. */
function replaced<F extends Fitted>(
  flow: TableFlow,
  on: readonly FittedColumn<F>[],
  encode: (column: CategoryColumn, fitted: F) => Block,
): TableFlow {
  const blocks = on.map(({ name, fitted }) => {
    const column = flow.categories.find((one) => one.name === name)!;
    return { from: column.from, ...encode(column, fitted) };
  });
  const made = blocks.flatMap(({ names, from, gaps = false }) => names.map((name): NumberColumn => ({ name, from, gaps })));
  const rest = without(flow, new Set(on.map(({ name }) => name)));
  const values = blocks.filter(({ names }) => names.length).map(({ value }) => value);
  return values.length ? appendNumbers(rest, made, values.length === 1 ? values[0]! : concat(values, 1)) : rest;
}

export const oneHot = tableStep({
  id: "one-hot",
  title: "One-hot",
  summary:
    'A column of 0 and 1 for each value. Rare values share the column "other", and so do values that training never saw; where no value is rare these are 0 everywhere, as missing ones are.',
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.OneHotEncoder.html",
  computation: "1 in the column of the value, 0 in the others",
  ...onCategories,
  params: {
    columns: columns("category"),
    most: integer({ default: 100, min: 1, help: "Values that get a column of their own: the most frequent ones." }),
    least: integer({ default: 1, min: 1, help: "Training rows that a value needs for a column of its own." }),
    other: boolean({ default: true, help: "Whether all other values share a column." }),
  },
  becomes: () => undefined,
  fit(column, { most, least, other }) {
    const seen = seenIn(column);
    const frequent = [...seen].sort(([, a], [, b]) => b - a).slice(0, most); // stable: of equally frequent ones the first
    const kept = new Set(frequent.flatMap(([value, count]) => (count >= least ? [value] : [])));
    return { values: seen.flatMap(([value]) => (kept.has(value) ? [value] : [])), other: Number(other && kept.size < seen.length) };
  },
  build: (flow, on) =>
    replaced(flow, on, (column, { values, other }) => {
      const width = values.length + other;
      const places = new Map(values.map((value, i) => [value, i]));
      const otherwise = other ? values.length : width; // beyond the last column: 0 everywhere
      const place = recode(column, (value) => places.get(value) ?? otherwise, { other: otherwise, missing: width });
      const names = [...values.map((value) => `${column.name}=${value}`), ...(other ? [`${column.name} is other`] : [])];
      return { names, value: oneHotOf(place, width) };
    }),
});

export const ordinal = tableStep({
  id: "ordinal",
  title: "Ordinal",
  summary:
    "The place of a value in an order, from 0. One that training never saw becomes -1; a missing one stays missing, for a step impute to fill in.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.OrdinalEncoder.html",
  computation: "the place of the value, from 0",
  ...onCategories,
  params: {
    columns: columns("category"),
    order: texts({ default: [], help: "Every value, least first; empty: the values of the training rows, by the alphabet." }),
  },
  becomes: ({ name }) => [{ name, type: "number" }],
  fit: (column, { order }) => ({ values: order.length ? order : seenIn(column).map(([value]) => value) }),
  build: (flow, on) =>
    replaced(flow, on, (column, { values }) => {
      const places = new Map(values.map((value, i) => [value, i]));
      const value = recode(column, (v) => places.get(v) ?? -1, { other: -1, missing: Number.NaN, dtype: "float32" });
      return { names: [column.name], gaps: true, value: asColumn(value) };
    }),
});

const bucketNames = (name: string, buckets: number) => Array.from({ length: buckets }, (_, i) => `${name}#${i}`);

export const hashing = tableStep({
  id: "hashing",
  title: "Hashing",
  summary:
    "A column that the value's hash chooses, of few columns for many values; values that training never saw have one too. Missing ones are 0 everywhere.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.feature_extraction.FeatureHasher.html",
  computation: "the sign of h in column |h| mod buckets, 0 in the others, where h is MurmurHash3 of the value",
  ...onCategories,
  params: {
    columns: columns("category"),
    buckets: integer({ default: 16, min: 1, max: 65536, help: "Columns for each column." }),
    signed: boolean({ default: true, help: "Half of the values count as -1, so that values which meet in a column cancel out rather than add up." }),
  },
  becomes: ({ name }, { buckets }) => bucketNames(name, buckets).map((bucket) => ({ name: bucket, type: "number" })),
  build: (flow, on, { buckets, signed }) =>
    replaced(flow, on, (column) => {
      const hash = hashOfColumn(column);
      const size = abs(hash);
      const bucket = sub(size, mul(div(size, buckets), buckets));
      const sign = signed ? where(less(hash, 0), scalarOf(-1), scalarOf(1)) : scalarOf(1);
      const counts = where(equal(column.codes, -1), scalarOf(0), sign);
      return { names: bucketNames(column.name, buckets), value: mul(oneHotOf(bucket, buckets), asColumn(counts)) };
    }),
});

/** int64 [batch]: of the values that are known from a table, of others from the strings themselves. */
function hashOfColumn(column: CategoryColumn): Value {
  const known = recode(column, hashOf, { other: 0, missing: 0 });
  return column.strings ? where(equal(column.codes, column.values.length), cast(murmurHash3(column.strings), "int64"), known) : known;
}
const scalarOf = (value: number): Value => constant({ dtype: "float32", shape: [], data: Float32Array.of(value) });
