/** The streaming pipeline of preprocessing: stages that pull rows from one another, a batch at a time, so that memory holds one batch whatever the data. */
import type { NumericDType, Tensor, TensorData, TextTensor } from "../engine/graph.ts";
import type { Session } from "../engine/session.ts";
import type { RawSplit, Snapshot, SplitName } from "../shared/dataset.ts";
import { textsOf } from "./parquet-texts.ts";
import { readBatches } from "./snapshot.ts";

/** Some rows, as a graph takes them. */
export interface Batch {
  readonly count: number;
  readonly feeds: Readonly<Record<string, Tensor | TextTensor>>;
}

/** The entrances of a graph that reads stored rows, by the tensors of a snapshot. */
const entrances = {
  numbers: ["input", "float32"],
  categories: ["codes", "int32"],
  dates: ["dates", "int64"],
  pictures: ["input", "uint8"],
} as const satisfies Partial<Record<keyof RawSplit, readonly [string, NumericDType]>>;

/** Rows from the first on, each time it is called; only the named inputs of a graph are read. */
export type Rows = (perBatch: number, inputs: ReadonlySet<string>) => AsyncIterable<Batch>;

/** A split's rows in order, as they are stored, with the texts of a table. */
export async function* storedRows(
  directory: string,
  snapshot: Snapshot,
  split: SplitName,
  rows: number,
  inputs: ReadonlySet<string>,
): AsyncGenerator<Batch> {
  const wanted = Object.entries(entrances).filter(([, [name]]) => inputs.has(name));
  const texts = inputs.has("texts") ? textsOf(directory, snapshot, split, rows) : undefined;
  const tensors = wanted.map(([tensor]) => tensor);
  if (!snapshot.splits[split]?.count) return;
  for await (const stored of readBatches(directory, snapshot, split, rows, tensors)) {
    const feeds: Record<string, Tensor | TextTensor> = {};
    for (const [tensor, [name, dtype]] of wanted) {
      const data = stored[tensor as keyof typeof entrances];
      if (!data) continue;
      const shape = tensor === "pictures" ? snapshot.pictureShape! : [data.length / stored.count];
      feeds[name] = { dtype, shape: [stored.count, ...shape], data };
    }
    const text = (await texts?.next())?.value;
    if (text) feeds.texts = { dtype: "string", shape: [stored.count, text.length / stored.count], data: text };
    yield { count: stored.count, feeds };
  }
}

/** Only the rows that `keep` says, counted from the first batch on. */
export async function* onlyRows(batches: AsyncIterable<Batch>, keep: (row: number) => boolean): AsyncGenerator<Batch> {
  let first = 0;
  for await (const { count, feeds } of batches) {
    const rows = Array.from({ length: count }, (_, i) => i).filter((i) => keep(first + i));
    first += count;
    if (rows.length === count) yield { count, feeds };
    else if (rows.length)
      yield { count: rows.length, feeds: Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, gathered(t, rows)])) };
  }
}

function gathered(tensor: Tensor | TextTensor, rows: readonly number[]): Tensor | TextTensor {
  const [count, ...rest] = tensor.shape;
  const width = tensor.data.length / count!;
  const shape = [rows.length, ...rest];
  if (tensor.dtype === "string") return { ...tensor, shape, data: rows.flatMap((row) => tensor.data.slice(row * width, (row + 1) * width)) };
  const data = new (tensor.data.constructor as new (n: number) => TensorData)(rows.length * width);
  for (const [i, row] of rows.entries()) data.set(tensor.data.subarray(row * width, (row + 1) * width) as never, i * width);
  return { ...tensor, shape, data };
}

/**
 * What a graph makes of each batch: its outputs by name, each [batch, ...].
 * @param into where the outputs for some rows are to be written
 */
export async function* through(
  batches: AsyncIterable<Batch>,
  session: Session,
  into?: (rows: number) => Readonly<Record<string, Tensor>>,
): AsyncGenerator<Readonly<Record<string, Tensor>>> {
  for await (const { count, feeds } of batches) yield session.run(feeds, into?.(count));
}
