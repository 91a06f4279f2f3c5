/** The step that fills in missing values. */

import {
  appendNumbers,
  beside,
  type CategoryColumn,
  mapNumbers,
  type NamedColumn,
  type NumberColumn,
  perColumn,
  pickNumbers,
  recode,
  type TableFlow,
} from "../../data/flow.ts";
import { tableStep } from "../../data/kinds.ts";
import { mode, moments, quantile } from "../../data/statistics.ts";
import { constant, type Value } from "../../engine/graph.ts";
import { cast, equal, isNan, where } from "../../engine/ops.ts";
import { boolean, choice, number, text } from "../../shared/define.ts";
import { columns, nothingIn, valuesOf } from "./columns.ts";

const flagName = (name: string) => `${name} is missing`;

export const impute = tableStep({
  id: "impute",
  title: "Impute",
  summary: "Fills in missing values, and says where they were if asked to.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.impute.SimpleImputer.html",
  computation: "x, or where it is missing what was learnt from the training rows",
  suits: ["number", "category"],
  chooses: "all",
  params: {
    columns: columns("number and category"),
    strategy: choice({
      default: "median",
      options: ["mean", "median", "most-frequent", "constant"],
      help: "What stands for a missing value; of a category the most frequent value, unless it is a constant. Of equally frequent ones the first counts.",
    }),
    value: number({ default: 0, help: "The constant, of numbers." }),
    text: text({ default: "missing", help: "The constant, of categories." }),
    flag: boolean({ default: false, help: "Add a column that is 1 where the value was missing and else 0." }),
  },
  becomes: (column, { flag }) => (flag ? [column, { name: flagName(column.name), type: "number" }] : [column]),
  fit(column, { strategy, value, text }) {
    if (column.type === "category") {
      if (strategy === "constant") return { value: text };
      const most = column.counts.reduce((best, count, code) => (count > column.counts[best]! ? code : best), 0);
      if (!column.counts[most]) throw nothingIn(column.name, 'impute it with strategy "constant"');
      return { value: column.values[most]! };
    }
    if (strategy === "constant") return { value };
    const values = valuesOf(column);
    return { value: strategy === "mean" ? moments(values).mean : strategy === "median" ? quantile(values, 0.5) : mode(values) };
  },
  build(flow, on, { flag }) {
    const chosen = new Map(on.map(({ name, fitted }) => [name, fitted.value]));
    const numbers = on.filter(({ type }) => type === "number");
    const names = numbers.map(({ name }) => name);
    let next = flow;
    if (numbers.length) {
      const fill = perColumn(
        numbers.map(({ fitted }) => fitted.value as number),
        "float32",
      );
      next = mapNumbers(next, names, (x) => where(isNan(x), fill, x), { gaps: false });
    }
    next = {
      ...next,
      categories: next.categories.map((column) => (chosen.has(column.name) ? filled(column, chosen.get(column.name) as string) : column)),
    };
    return flag ? withFlags(next, flow, on) : next;
  },
});

/** The codes of a category whose missing values count as another value, which may be new to it. */
function filled(column: CategoryColumn, value: string): CategoryColumn {
  const values = column.values.includes(value) ? column.values : [...column.values, value];
  const codes = recode(column, (v) => values.indexOf(v), { other: values.length, missing: values.indexOf(value) });
  return { ...column, values, codes };
}

function withFlags(next: TableFlow, before: TableFlow, on: readonly NamedColumn[]): TableFlow {
  const chosen = new Set(on.map(({ name }) => name));
  const flagged = ({ name, from }: { name: string; from: string }): NumberColumn => ({ name: flagName(name), from, gaps: false });
  const numbers = before.numbers.columns.filter(({ name }) => chosen.has(name));
  const categories = before.categories.filter(({ name }) => chosen.has(name));
  let flow = next;
  if (numbers.length) flow = appendNumbers(flow, numbers.map(flagged), cast(isNan(pickNumbers(before, chosen)), "float32"));
  if (categories.length) flow = appendNumbers(flow, categories.map(flagged), beside(categories.map(isMissing)));
  return flow;
}
const isMissing = ({ codes }: CategoryColumn): Value =>
  cast(equal(codes, constant({ dtype: "int64", shape: [], data: BigInt64Array.of(-1n) })), "float32");
