/** The step that makes steps of a number: which of a few ranges it lies in. */

import { appendNumbers, mapNumbers, type NumberColumn, pickNumbers, without } from "../../data/flow.ts";
import { tableStep } from "../../data/kinds.ts";
import { quantile, range } from "../../data/statistics.ts";
import { constant, int64s, type Value } from "../../engine/graph.ts";
import { cast, concat, gather, greaterOrEqual, isNan, oneHot, reduceSum, reshape, where } from "../../engine/ops.ts";
import { choice, integer } from "../../shared/define.ts";
import { columns, onNumbers, valuesOf } from "./columns.ts";

export const bin = tableStep({
  id: "bin",
  title: "Bin",
  summary: "Which of a few ranges a number lies in. Ranges of no width fall away, so that a column of few values has fewer.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.KBinsDiscretizer.html",
  computation: "the number of inner edges that x reaches, as a number or one-hot",
  ...onNumbers,
  params: {
    columns: columns("number"),
    bins: integer({ default: 5, min: 2, max: 1000, help: "Ranges." }),
    strategy: choice({ default: "quantile", options: ["quantile", "uniform"], help: "Ranges of equally many training rows, or of equal width." }),
    encode: choice({
      default: "one-hot",
      options: ["one-hot", "ordinal"],
      help: "A column for each range, all 0 for a missing value; or its place from 0.",
    }),
  },
  becomes: (column, { encode }) => (encode === "ordinal" ? [column] : undefined),
  fit(column, { bins, strategy }) {
    const values = valuesOf(column);
    const { least, greatest } = range(values);
    const at = (i: number) => (strategy === "quantile" ? quantile(values, i / bins) : least + ((greatest - least) * i) / bins);
    const edges = Array.from({ length: bins + 1 }, (_, i) => at(i));
    // as scikit-learn does it: an edge stays that is above the one before it; the first and the last are none of the inner ones
    const apart = edges.filter((edge, i) => i === 0 || edge - edges[i - 1]! > 1e-8);
    return { edges: apart.slice(1, -1) };
  },
  build(flow, on, { encode }) {
    const names = on.map(({ name }) => name);
    const edges = on.map(({ fitted }) => fitted.edges);
    if (encode === "ordinal") return mapNumbers(flow, names, (x) => where(isNan(x), x, placeOf(x, edges)));
    const chosen = flow.numbers.columns.filter(({ name }) => names.includes(name));
    const x = pickNumbers(flow, new Set(names));
    const places = placeOf(x, edges);
    const hot = edges.map((inner, c) => {
      const [value, place] = [x, places].map((v) => reshape(gather(v, int64s([c]), 1), [v.shape[0]!]));
      const bins = inner.length + 1;
      return oneHot(where(isNan(value!), bins, place!), bins); // beyond the last: 0 everywhere
    });
    const made = chosen.flatMap(({ name, from }, c) =>
      rangesOf(edges[c]!).map((range): NumberColumn => ({ name: `${name} ${range}`, from, gaps: false })),
    );
    return appendNumbers(without(flow, new Set(names)), made, hot.length === 1 ? hot[0]! : concat(hot, 1));
  },
});

/** How many inner edges each number reaches: [batch, columns] -> float32 [batch, columns]. */
function placeOf(x: Value, edges: readonly (readonly number[])[]): Value {
  const most = Math.max(1, ...edges.map(({ length }) => length));
  const table = Float64Array.from(edges.flatMap((inner) => Array.from({ length: most }, (_, i) => inner[i] ?? Number.POSITIVE_INFINITY)));
  const wide = reshape(cast(x, "float64"), [...x.shape, 1]);
  return reduceSum(cast(greaterOrEqual(wide, constant({ dtype: "float64", shape: [1, edges.length, most], data: table })), "float32"), [2]);
}

/** "< 3", "3 to 5", ">= 5" */
const rangesOf = (edges: readonly number[]): readonly string[] =>
  edges.length ? [`< ${edges[0]}`, ...edges.slice(1).map((edge, i) => `${edges[i]} to ${edge}`), `>= ${edges.at(-1)}`] : ["any"];
