/** Fitted steps as a graph: from the columns of a raw table, or raw pictures, to the samples of a network. */
import { input, inScope, scalar, type Value } from "../engine/graph.ts";
import { cast, codesOf, gather } from "../engine/ops.ts";
import type { Column, Fitted } from "../shared/dataset.ts";
import { columnsOf, type TableFlow } from "./flow.ts";
import type { PictureStep, TableStep } from "./kinds.ts";
import { chosenColumns, type Step, unreadable } from "./steps.ts";

/** Where raw samples enter a graph, and the samples that they become. */
export interface Front {
  readonly inputs: readonly Value[];
  /** [batch, ...] */
  readonly samples: Value;
}

/** What each step learnt, of each column that it works on; undefined for a step that learns nothing. */
export type TableFits = readonly (Readonly<Record<string, Fitted>> | undefined)[];

/**
 * How raw rows come in: `input` float32 [batch, number columns], NaN where missing; `dates` int64 [batch, date columns], seconds since 1970 UTC,
 * the least int64 where missing; `texts` string [batch, text columns], "" where missing. Categories are `codes` int32 [batch, category columns]
 * as a snapshot stores them, or `categories` as strings, "" where missing. Of a type without columns there is no input.
 */
export function tableEntrance(
  columns: readonly Column[],
  form: "stored" | "served",
): { readonly inputs: readonly Value[]; readonly flow: TableFlow } {
  const inputs: Value[] = [];
  const enter = (type: Column["type"], name: string, dtype: Value["dtype"]) => {
    const mine = columns.filter((column) => column.type === type);
    if (!mine.length) return { mine, each: [] };
    const block = input(name, dtype, ["batch", mine.length]);
    inputs.push(block);
    return { mine, block, each: mine.map((_, i) => gather(block, scalar(i, "int64"), 1)) };
  };
  const numbers = enter("number", "input", "float32");
  const served = form === "served";
  const categories = served ? enter("category", "categories", "string") : enter("category", "codes", "int32");
  const dates = enter("date", "dates", "int64");
  const texts = enter("text", "texts", "string");
  const flow: TableFlow = {
    numbers: {
      columns: numbers.mine.map(({ name }) => ({ name, from: name, gaps: true })),
      ...(numbers.block && { value: numbers.block }),
    },
    categories: categories.mine.map(({ name, values = [] }, i) => {
      const each = categories.each[i]!;
      const column = { name, from: name, values };
      if (!served) return { ...column, codes: cast(each, "int64") };
      return { ...column, strings: each, codes: codesOf(each, [...values, ""], [...values.keys(), -1], values.length) };
    }),
    dates: dates.mine.map(({ name }, i) => ({ name, from: name, seconds: dates.each[i]! })),
    texts: texts.mine.map(({ name }, i) => ({ name, from: name, text: texts.each[i]! })),
  };
  return { inputs, flow };
}

/**
 * The columns after steps whose fits are known.
 * @param served whether `flow` has only the columns that something is left of, so that a step may find fewer
 */
export function throughSteps(steps: readonly Step<TableStep>[], fits: TableFits, flow: TableFlow, served = false): TableFlow {
  return steps.reduce((before, { kind, params }, i) => {
    const on = chosenColumns(i, kind, params, columnsOf(before), served);
    if (!on.length) return before;
    const fitted = on.map((column) => ({ ...column, fitted: fits[i]?.[column.name] ?? null }));
    return inScope(`${i + 1}-${kind.id}`, () => kind.build(before, fitted as never, params as never));
  }, flow);
}

/** The samples at the end. @throws BAD_PREPROCESSING where a column is left that a network cannot read, or none */
export function samplesOf(flow: TableFlow): Value {
  const problem = unreadable(columnsOf(flow));
  if (problem) throw problem;
  return flow.numbers.value!;
}

/** The way of served rows. @param columns those of the raw table that something is left of */
export function tableFront(steps: readonly Step<TableStep>[], fits: TableFits, columns: readonly Column[]): Front {
  const { inputs, flow } = tableEntrance(columns, "served");
  return { inputs, samples: samplesOf(throughSteps(steps, fits, flow, true)) };
}

/** Pixels after the steps: uint8 [batch, channels, height, width]. */
export const throughPixels = (steps: readonly Step<PictureStep>[], pixels: Value): Value =>
  steps.reduce(
    (before, { kind, params }, i) => (kind.build ? inScope(`${i + 1}-${kind.id}`, () => kind.build!(before, params as never)) : before),
    pixels,
  );

export function pictureFront(steps: readonly Step<PictureStep>[], shape: readonly number[]): Front {
  const raw = input("input", "uint8", ["batch", ...shape]);
  return { inputs: [raw], samples: throughPixels(steps, raw) };
}
