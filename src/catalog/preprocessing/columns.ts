/** Steps that choose columns, and what steps of tables share. */
import { without } from "../../data/flow.ts";
import { type ColumnRows, tableStep } from "../../data/kinds.ts";
import { present } from "../../data/statistics.ts";
import { type ColumnType, columnTypes } from "../../shared/dataset.ts";
import { texts } from "../../shared/define.ts";
import { fail, show } from "../../shared/errors.ts";

/** The parameter that every step of tables has. */
export const columns = (suits: string) => texts({ default: [], help: `Columns to work on; empty: every ${suits} column.` });

export const onNumbers = { suits: ["number"] as const satisfies readonly ColumnType[], chooses: "all" as const };
export const onCategories = { suits: ["category"] as const satisfies readonly ColumnType[], chooses: "all" as const };

/** The training values of a number column. @throws BAD_PREPROCESSING where there is none */
export function valuesOf(column: ColumnRows): Float32Array {
  const values = column.type === "number" ? present(column.data) : new Float32Array();
  if (!values.length) throw nothingIn(column.name, 'impute it with strategy "constant"');
  return values;
}
export const nothingIn = (column: string, way: string) =>
  fail("BAD_PREPROCESSING", {
    where: `column ${show(column)}`,
    problem: "every value is missing in the training rows, so nothing can be learnt from it",
    fix: `Drop the column (step drop), or ${way}.`,
  });

export const drop = tableStep({
  id: "drop",
  title: "Drop",
  summary: "Leaves columns out, such as numbers that only name a row.",
  computation: "without the columns",
  suits: columnTypes,
  chooses: "named",
  params: { columns: texts({ default: [], help: "Columns to leave out." }) },
  becomes: () => [],
  build: (flow, on) => without(flow, new Set(on.map(({ name }) => name))),
});

export const select = tableStep({
  id: "select",
  title: "Select",
  summary: "Keeps some columns and leaves all others out.",
  computation: "the columns alone",
  suits: columnTypes,
  chooses: "others",
  params: { columns: texts({ default: [], help: "Columns to keep." }) },
  becomes: () => [],
  build: (flow, on) => without(flow, new Set(on.map(({ name }) => name))),
});
