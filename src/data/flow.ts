/** A table on its way through preprocessing: its columns as values of a graph. Each step takes one and gives the next. */
import { constant, int64s, type Value } from "../engine/graph.ts";
import { cast, concat, gather, reshape } from "../engine/ops.ts";
import type { ColumnType } from "../shared/dataset.ts";

/** Where a column comes from. */
interface Origin {
  readonly name: string;
  /** The column of the raw table that it was made of. */
  readonly from: string;
}
export interface NumberColumn extends Origin {
  /** Whether a value that is missing in the raw column shows here, as NaN. */
  readonly gaps: boolean;
}
export interface CategoryColumn extends Origin {
  /** A value's code is its place here; `values.length` stands for every other value, -1 for a missing one. */
  readonly values: readonly string[];
  /** int64 [batch] */
  readonly codes: Value;
  /** As they came, string [batch]: only where raw values are served, and to be asked only about other values. */
  readonly strings?: Value;
}
export interface DateColumn extends Origin {
  /** Since 1970-01-01 UTC, int64 [batch]; the least int64 where missing. */
  readonly seconds: Value;
}
export interface TextColumn extends Origin {
  /** string [batch]; "" where missing. */
  readonly text: Value;
}

export interface TableFlow {
  /** All numbers side by side: float32 [batch, columns]. Without columns there is no value. */
  readonly numbers: { readonly columns: readonly NumberColumn[]; readonly value?: Value };
  readonly categories: readonly CategoryColumn[];
  readonly dates: readonly DateColumn[];
  readonly texts: readonly TextColumn[];
}

export interface NamedColumn {
  readonly name: string;
  readonly type: ColumnType;
}
/** Every column: numbers, categories, dates, texts. */
export const columnsOf = ({ numbers, categories, dates, texts }: TableFlow): readonly NamedColumn[] => [
  ...numbers.columns.map(({ name }) => ({ name, type: "number" as const })),
  ...categories.map(({ name }) => ({ name, type: "category" as const })),
  ...dates.map(({ name }) => ({ name, type: "date" as const })),
  ...texts.map(({ name }) => ({ name, type: "text" as const })),
];
/** The columns of the raw table that something is left of. */
export const originsOf = ({ numbers, categories, dates, texts }: TableFlow): ReadonlySet<string> =>
  new Set([...numbers.columns, ...categories, ...dates, ...texts].map(({ from }) => from));

/** A number for each column, to stand beside [batch, columns]. */
export const perColumn = (values: readonly number[], dtype: "float32" | "float64" = "float64"): Value =>
  constant({ dtype, shape: [1, values.length], data: dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values) });

/** Some of the number columns: [batch, those]. */
export function pickNumbers({ numbers: { columns, value } }: TableFlow, names: ReadonlySet<string>): Value {
  const at = columns.flatMap(({ name }, i) => (names.has(name) ? [i] : []));
  return at.length === columns.length ? value! : gather(value!, int64s(at), 1);
}

/**
 * Number columns that become others of the same name; those beside them stay, and so does the order.
 * @param compute [batch, names] -> float32 [batch, names]
 */
export function mapNumbers(flow: TableFlow, names: readonly string[], compute: (x: Value) => Value, change: Partial<NumberColumn> = {}): TableFlow {
  const chosen = new Set(names);
  const { columns, value } = flow.numbers;
  const computed = compute(pickNumbers(flow, chosen));
  const changed = columns.map((column) => (chosen.has(column.name) ? { ...column, ...change } : column));
  const others = columns.flatMap(({ name }, i) => (chosen.has(name) ? [] : [i]));
  if (!others.length) return { ...flow, numbers: { columns: changed, value: computed } };
  const side = concat([computed, gather(value!, int64s(others), 1)], 1);
  const mine = columns.length - others.length;
  let [nextMine, nextOther] = [0, mine];
  const order = columns.map(({ name }) => (chosen.has(name) ? nextMine++ : nextOther++));
  return { ...flow, numbers: { columns: changed, value: gather(side, int64s(order), 1) } };
}

/** Number columns more. @param value float32 [batch, columns] */
export function appendNumbers(flow: TableFlow, columns: readonly NumberColumn[], value: Value): TableFlow {
  const { numbers } = flow;
  return {
    ...flow,
    numbers: { columns: [...numbers.columns, ...columns], value: numbers.value ? concat([numbers.value, value], 1) : value },
  };
}

/** The columns but these. */
export function without(flow: TableFlow, names: ReadonlySet<string>): TableFlow {
  const stays = ({ name }: Origin) => !names.has(name);
  const columns = flow.numbers.columns.filter(stays);
  const value = columns.length ? pickNumbers(flow, new Set(columns.map(({ name }) => name))) : undefined;
  return {
    numbers: { columns, ...(value && { value }) },
    categories: flow.categories.filter(stays),
    dates: flow.dates.filter(stays),
    texts: flow.texts.filter(stays),
  };
}

/** What each value of a category becomes, and what stands for any other value and for a missing one: int64 or float32 [batch]. */
export function recode(
  { values, codes }: CategoryColumn,
  of: (value: string) => number,
  { other, missing, dtype = "int64" }: { other: number; missing: number; dtype?: "int64" | "float32" },
): Value {
  const table = [...values.map(of), other, missing]; // code -1 is the last place
  const data = dtype === "int64" ? BigInt64Array.from(table, BigInt) : Float32Array.from(table);
  return gather(constant({ dtype, shape: [table.length], data }), codes);
}

/** A vector as a column: [batch] -> float32 [batch, 1]. */
export const asColumn = (x: Value): Value => cast(reshape(x, [x.shape[0]!, 1]), "float32");
/** Vectors side by side: each [batch] -> float32 [batch, vectors]. */
export const beside = (vectors: readonly Value[]): Value => (vectors.length === 1 ? asColumn(vectors[0]!) : concat(vectors.map(asColumn), 1));
