/** Steps that bring numbers to another scale. What is learnt ignores missing values, which stay missing. */

import { mapNumbers, perColumn, type TableFlow } from "../../data/flow.ts";
import { type FittedColumn, tableStep } from "../../data/kinds.ts";
import { moments, quantile, range } from "../../data/statistics.ts";
import type { Value } from "../../engine/graph.ts";
import { add, cast, div, log as ln, max, min, mul, sub } from "../../engine/ops.ts";
import type { Fitted } from "../../shared/dataset.ts";
import { choice, number } from "../../shared/define.ts";
import { columns, onNumbers, valuesOf } from "./columns.ts";

/** Computes in float64, so that a column of large numbers close together loses nothing. */
const exactly = (flow: TableFlow, on: readonly FittedColumn<Fitted>[], compute: (x: Value) => Value): TableFlow =>
  mapNumbers(
    flow,
    on.map(({ name }) => name),
    (x) => cast(compute(cast(x, "float64")), "float32"),
  );
/** One number that was learnt, for each column. */
const each = <K extends string>(on: readonly FittedColumn<Readonly<Record<K, number>>>[], name: K): Value =>
  perColumn(on.map(({ fitted }) => fitted[name]));
/** What a width is divided by: a constant column has none, and becomes 0. */
const widthOr1 = (low: number, high: number): number => high - low || 1;

export const standardise = tableStep({
  id: "standardise",
  title: "Standardise",
  summary: "Brings each column to mean 0 and deviation 1. A constant column becomes 0.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.StandardScaler.html",
  computation: "(x - mean) / deviation",
  ...onNumbers,
  params: { columns: columns("number") },
  fit(column) {
    const values = valuesOf(column);
    const { least, greatest } = range(values);
    return least === greatest ? { mean: least, deviation: 1 } : moments(values); // of equal values the sums would leave a rest
  },
  build: (flow, on) => exactly(flow, on, (x) => div(sub(x, each(on, "mean")), each(on, "deviation"))),
});

export const minMax = tableStep({
  id: "min-max",
  title: "Min-max",
  summary: "Brings the least training value of each column to one number and the greatest to another. A constant column becomes the lower one.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.MinMaxScaler.html",
  computation: "(x - min) / (max - min) * (high - low) + low",
  ...onNumbers,
  params: {
    columns: columns("number"),
    low: number({ default: 0, help: "What the least training value becomes." }),
    high: number({ default: 1, help: "What the greatest training value becomes." }),
  },
  check: ({ low, high }) => (low < high ? undefined : { name: "low", want: `less than high, which is ${high}`, got: `${low}` }),
  fit(column) {
    const { least, greatest } = range(valuesOf(column));
    return { min: least, max: greatest };
  },
  build: (flow, on, { low, high }) =>
    exactly(flow, on, (x) => {
      const width = perColumn(on.map(({ fitted: { min, max } }) => widthOr1(min, max)));
      return add(mul(div(sub(x, each(on, "min")), width), high - low), low);
    }),
});

export const robust = tableStep({
  id: "robust",
  title: "Robust scale",
  summary: "Centres each column on its median and divides it by the distance between two quantiles, which outliers do not move.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.RobustScaler.html",
  computation: "(x - median) / (quantile(high) - quantile(low))",
  ...onNumbers,
  params: {
    columns: columns("number"),
    low: number({ default: 0.25, min: 0, max: 1, help: "Share of the values below the lower quantile." }),
    high: number({ default: 0.75, min: 0, max: 1, help: "Share of the values below the upper quantile." }),
  },
  check: ({ low, high }) => (low < high ? undefined : { name: "low", want: `less than high, which is ${high}`, got: `${low}` }),
  fit(column, { low, high }) {
    const values = valuesOf(column);
    return { median: quantile(values, 0.5), width: widthOr1(quantile(values, low), quantile(values, high)) };
  },
  build: (flow, on) => exactly(flow, on, (x) => div(sub(x, each(on, "median")), each(on, "width"))),
});

export const log = tableStep({
  id: "log",
  title: "Logarithm",
  summary: "Draws long tails in. What is not above 0 after adding the offset is taken as the floor.",
  computation: "ln(max(x + offset, floor))",
  ...onNumbers,
  params: {
    columns: columns("number"),
    offset: number({ default: 1, help: "Added first, so that 0 becomes 0." }),
    floor: number({ default: 1e-6, min: 1e-30, help: "What is smaller counts as this." }),
  },
  build: (flow, on, { offset, floor }) => exactly(flow, on, (x) => ln(max(add(x, offset), floor))),
});

export const clip = tableStep({
  id: "clip",
  title: "Clip",
  summary: "Takes what is too small as the least allowed value, and what is too large as the greatest.",
  computation: "min(max(x, least), greatest)",
  ...onNumbers,
  params: {
    columns: columns("number"),
    by: choice({ default: "value", options: ["value", "quantile"], help: "Whether min and max are values, or shares of the training values." }),
    min: number({ default: 0, help: "The least value, or the share of values that are too small." }),
    max: number({ default: 1, help: "The greatest value, or the share of values that are not too large." }),
  },
  check({ by, min, max }) {
    if (min > max) return { name: "min", want: `at most max, which is ${max}`, got: `${min}` };
    const stray = by === "quantile" ? (["min", "max"] as const).find((name) => ({ min, max })[name] < 0 || { min, max }[name] > 1) : undefined;
    return stray && { name: stray, want: "a share from 0 to 1", got: `${{ min, max }[stray]}` };
  },
  fit(column, { by, min, max }) {
    if (by === "value") return { least: min, greatest: max };
    const values = valuesOf(column);
    return { least: quantile(values, min), greatest: quantile(values, max) };
  },
  build: (flow, on) => exactly(flow, on, (x) => min(max(x, each(on, "least")), each(on, "greatest"))),
});
