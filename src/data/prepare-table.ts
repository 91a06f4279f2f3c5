/** Tables: each step is fitted on the training rows as they come out of the steps before it; then all rows go through the whole. */
import type { Value } from "../engine/graph.ts";
import { concat, reshape } from "../engine/ops.ts";
import { Session } from "../engine/session.ts";
import type { Column, Fitted, FittedStep, Preparation } from "../shared/dataset.ts";
import { fail, show, TrainyardError } from "../shared/errors.ts";
import { type Batch, type Rows, through } from "./batches.ts";
import { columnsOf, type NamedColumn, type NumberColumn, originsOf, pickNumbers, type TableFlow } from "./flow.ts";
import { samplesOf, type TableFits, tableEntrance, throughSteps } from "./front.ts";
import type { ColumnRows, TableStep } from "./kinds.ts";
import { chosenColumns, placeOf, type Step, settled } from "./steps.ts";

const FIT_ROWS = 8192;
/** Numbers that a batch of samples may have. */
const BATCH_NUMBERS = 2 ** 20;

/** @param training the rows that may be learnt from, `count` of them */
export async function fitTable(steps: readonly Step<TableStep>[], columns: readonly Column[], training: Rows, count: number): Promise<TableFits> {
  const { inputs, flow: entering } = tableEntrance(columns, "stored");
  const fits: (Readonly<Record<string, Fitted>> | undefined)[] = [];
  for (const [i, { kind, params }] of steps.entries()) {
    const flow = throughSteps(steps.slice(0, i), fits, entering);
    const on = chosenColumns(i, kind, params, columnsOf(flow));
    const learnt: Record<string, Fitted> = {};
    if (kind.fit)
      for await (const column of rowsOf(on, flow, inputs, columns, training, count))
        learnt[column.name] = await attempt(placeOf(i, kind), () => kind.fit!(column, params as never));
    fits.push(kind.fit && learnt);
  }
  return fits;
}

/** An error of a column says which step met it, too. */
async function attempt<T>(where: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== "BAD_PREPROCESSING") throw error;
    const details = error.details as { where: string; problem: string; fix: string };
    throw fail("BAD_PREPROCESSING", { ...details, where: `${where}, ${details.where}` });
  }
}

/** The training rows of some columns: numbers and categories in one pass over the data, texts in one each, as they are read. */
async function* rowsOf(
  on: readonly NamedColumn[],
  flow: TableFlow,
  inputs: readonly Value[],
  columns: readonly Column[],
  training: Rows,
  count: number,
): AsyncGenerator<ColumnRows> {
  const chosen = new Set(on.map(({ name }) => name));
  const numbers = flow.numbers.columns.filter(({ name }) => chosen.has(name)).map(({ name }) => ({ name, data: new Float32Array(count) }));
  const categories = flow.categories
    .filter(({ name }) => chosen.has(name))
    .map((column) => ({ ...column, counts: new Float64Array(column.values.length) }));
  const outputs = {
    ...(numbers.length && { fitNumbers: pickNumbers(flow, chosen) }),
    ...(categories.length && { fitCodes: sideBySide(categories.map(({ codes }) => codes)) }),
  };
  if (Object.keys(outputs).length) {
    let first = 0;
    for await (const batch of computed(inputs, outputs, training, FIT_ROWS)) {
      const rows = (batch.fitNumbers ?? batch.fitCodes)!.shape[0]!;
      for (const [c, { data }] of numbers.entries()) {
        const block = batch.fitNumbers!.data as Float32Array;
        for (let row = 0, at = c; row < rows; row++, at += numbers.length) data[first + row] = block[at]!;
      }
      for (const [c, { counts }] of categories.entries()) {
        const block = batch.fitCodes!.data as BigInt64Array;
        for (let row = 0, at = c; row < rows; row++, at += categories.length) {
          const code = Number(block[at]);
          if (code >= 0 && code < counts.length) counts[code]!++;
        }
      }
      first += rows;
    }
  }
  for (const column of numbers) yield { type: "number", ...column };
  for (const { name, values, counts } of categories) yield { type: "category", name, values, counts };
  const textColumns = columns.filter(({ type }) => type === "text");
  for (const { name, from } of flow.texts.filter(({ name }) => chosen.has(name)))
    yield {
      type: "text",
      name,
      texts: textColumn(
        training(FIT_ROWS, new Set(["texts"])),
        textColumns.findIndex((column) => column.name === from),
      ),
    };
}

async function* textColumn(rows: AsyncIterable<Batch>, place: number): AsyncGenerator<readonly string[]> {
  for await (const { count, feeds } of rows) {
    const texts = feeds.texts!.data as readonly string[];
    const width = texts.length / count;
    yield Array.from({ length: count }, (_, row) => texts[row * width + place]!);
  }
}

/** Vectors side by side as they are: each [batch] -> [batch, vectors]. */
export const sideBySide = (vectors: readonly Value[]): Value =>
  concat(
    vectors.map((x) => reshape(x, [x.shape[0]!, 1])),
    1,
  );

/** What a graph makes of rows, batch by batch: its outputs by name. */
export async function* computed(
  inputs: readonly Value[],
  outputs: Readonly<Record<string, Value>>,
  rows: Rows,
  perBatch: number,
  into?: Parameters<typeof through>[2],
) {
  const needed = inputsOf(Object.values(outputs));
  const mine = inputs.filter((v) => needed.has(v));
  const session = await Session.open({ name: "preprocessing", inputs: mine, outputs });
  try {
    yield* through(rows(perBatch, new Set(session.inputs.keys())), session, into);
  } finally {
    await session.close();
  }
}

/** The inputs that values depend on. */
function inputsOf(values: readonly Value[]): ReadonlySet<Value> {
  const seen = new Set(values);
  for (const { node } of seen) for (const v of node.inputs) seen.add(v); // a set is walked to its end, however it grows
  return seen;
}

/** Samples of all rows, and how they came about. */
export interface PreparedTable {
  readonly preparation: Preparation;
  readonly width: number;
  /** Puts the samples of a split from a place in `out` on. @param what names the rows in errors @throws BAD_PREPROCESSING for a missing value that nothing fills in */
  fill(out: Float32Array, start: number, rows: Rows, what: string): Promise<void>;
}

/** @param mayMiss whether samples may have missing values (NaN) */
export function prepareTable(steps: readonly Step<TableStep>[], fits: TableFits, columns: readonly Column[], mayMiss = false): PreparedTable {
  const { inputs, flow: entering } = tableEntrance(columns, "stored");
  const flow = throughSteps(steps, fits, entering);
  const samples = samplesOf(flow);
  const made = flow.numbers.columns;
  const used = originsOf(flow);
  const needs = new Set(made.flatMap(({ from, gaps }) => (gaps && !mayMiss ? [from] : [])));
  return {
    width: made.length,
    preparation: {
      steps: steps.map((step, i): FittedStep => ({ ...settled(step), ...(fits[i] && { fitted: fits[i] }) })),
      inputs: columns.filter(({ name }) => used.has(name)).map((column) => ({ ...column, required: needs.has(column.name) })),
      features: made.map(({ name }) => name),
      origins: made.map(({ from }) => from),
    },
    async fill(out, start, rows, what) {
      const open = made.flatMap((column, place) => (column.gaps && !mayMiss ? [{ column, place }] : []));
      const perBatch = Math.max(1, Math.min(FIT_ROWS, Math.floor(BATCH_NUMBERS / made.length)));
      let at = start;
      let block = out;
      const into = (rows: number) => {
        block = out.subarray(at, at + rows * made.length);
        return { samples: { dtype: "float32" as const, shape: [rows, made.length], data: block } };
      };
      for await (const _ of computed(inputs, { samples }, rows, perBatch, into)) {
        for (const { column, place } of open)
          for (let i = place; i < block.length; i += made.length)
            if (Number.isNaN(block[i])) throw missing(column, `row ${(at - start + i - place) / made.length + 1} of ${what}`);
        at += block.length;
      }
    },
  };
}

function missing({ name, from }: NumberColumn, row: string): TrainyardError {
  return fail("BAD_PREPROCESSING", {
    where: `column ${show(from)}`,
    problem: `the value${name === from ? "" : `, of which ${show(name)} is made,`} is missing in ${row}, and a network cannot read that`,
    fix: `Add the step impute for ${show(name)}, or drop the column (step drop).`,
  });
}
