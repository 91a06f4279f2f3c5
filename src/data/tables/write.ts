/** Rows to the files of their splits: tensors in one pass over the table, and Parquet beside it. */
import { join } from "node:path";
import { NO_DATE, type Snapshot, type SplitName, type StoredSplit, splitNames } from "../../shared/dataset.ts";
import { type RowTensors, readBatches, SplitWriter, storedFile } from "../snapshot.ts";
import type { Chosen } from "./columns.ts";
import { type Duck, identifier, itemsOf, literal, pathLiteral } from "./duck.ts";
import type { Loaded } from "./load.ts";

/** Rows of a split that are gathered before they are written; a chunk of DuckDB has at most half as many. */
const GATHERED = 4096;
const READ_ROWS = 8192;
/** Of numbers that are nearly all different a dictionary and its filter take time for nothing. */
const parquetOptions = "FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000, WRITE_BLOOM_FILTER false";

/**
 * @param rows what stands behind FROM: the table with the column `part`
 * @param told hears of rows that are written
 */
export async function writeTensors(
  duck: Duck,
  directory: string,
  rows: string,
  chosen: Chosen,
  counts: readonly number[],
  told: (rows: number) => void,
): Promise<Readonly<Partial<Record<SplitName, SplitWriter>>>> {
  const { selected, tensors } = await selection(duck, chosen);
  const blocks = Object.entries(tensors).map(([name, { dtype, shape }]) => new Block(name, dtype as BlockType, shape[0] ?? 1));
  const writers: (SplitWriter | undefined)[] = [];
  try {
    for (const [part, name] of splitNames.entries())
      writers.push(counts[part] ? await SplitWriter.create(join(directory, `${name}.safetensors`), tensors, counts[part]!) : undefined);
    const filled = splitNames.map(() => 0);
    const flush = async (split: number) => {
      await writers[split]?.append(Object.fromEntries(blocks.map((block) => [block.name, block.rows(split, filled[split]!)])));
      filled[split] = 0;
    };
    const place = new Int32Array(GATHERED);
    let done = 0;
    for await (const chunk of duck.chunks(`SELECT part, ${selected.join(", ")} FROM ${rows}`)) {
      const { rowCount } = chunk;
      for (const split of splitNames.keys()) if (filled[split]! + rowCount > GATHERED) await flush(split);
      const parts = itemsOf<Int8Array>(chunk, 0);
      for (let row = 0; row < rowCount; row++) {
        const part = parts[row]!;
        place[row] = part * GATHERED + filled[part]!;
        filled[part]!++;
      }
      let column = 1;
      for (const block of blocks)
        for (let c = 0; c < block.width; c++) scatter(itemsOf(chunk, column++), place, rowCount, block.data, block.width, c);
      done += rowCount;
      told(done);
    }
    for (const split of splitNames.keys()) if (filled[split]) await flush(split);
  } catch (error) {
    for (const writer of writers) await writer?.abandon();
    throw error;
  }
  return Object.fromEntries(splitNames.map((name, part) => [name, writers[part]]).filter(([, writer]) => writer));
}

type BlockType = "F32" | "I32" | "I64";
const arrays = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array };
type Items = Float32Array | Int32Array | BigInt64Array;

/** The rows of one tensor on their way, a region for each split. */
class Block {
  readonly data: Items;

  constructor(
    readonly name: string,
    dtype: BlockType,
    readonly width: number,
  ) {
    this.data = new arrays[dtype](splitNames.length * GATHERED * width);
  }

  rows(split: number, count: number): Items {
    const start = split * GATHERED * this.width;
    return this.data.subarray(start, start + count * this.width);
  }
}

/** Puts a column into rows of `width` cells. */
function scatter(items: Items, place: Int32Array, rows: number, to: Items, width: number, column: number): void {
  for (let row = 0; row < rows; row++) to[place[row]! * width + column] = items[row]!;
}

/** Features and target as the tensors hold them, as SQL; in the order of the tensors. */
async function selection(duck: Duck, { features, target, task, labels }: Chosen): Promise<{ selected: readonly string[]; tensors: RowTensors }> {
  const of = (type: string) => features.filter((feature) => feature.type === type);
  const [numbers, categories, dates] = [of("number"), of("category"), of("date")];
  for (const [i, { values = [] }] of categories.entries()) await duck.run(`CREATE TYPE category_${i} AS ENUM (${values.map(literal).join(", ")})`);
  if (task === "classification") {
    const names =
      target.kind === "number" ? `SELECT v::VARCHAR FROM (SELECT DISTINCT ${target.at} AS v FROM rows ORDER BY v)` : labels.map(literal).join(", ");
    await duck.run(`CREATE TYPE label AS ENUM (${names})`);
  }
  const selected = [
    ...numbers.map(({ at }) => `coalesce(${at}::FLOAT, 'nan'::FLOAT)`),
    ...categories.map(({ at }, i) => `coalesce(enum_code(${at}::category_${i})::INTEGER, -1)`),
    ...dates.map(({ at }) => `coalesce(epoch(${at})::BIGINT, ${NO_DATE})`),
    task === "classification" ? `enum_code(${target.at}::VARCHAR::label)::INTEGER` : `${target.at}::FLOAT`,
  ];
  const tensors: RowTensors = {
    ...(numbers.length && { numbers: { dtype: "F32", shape: [numbers.length] } }),
    ...(categories.length && { categories: { dtype: "I32", shape: [categories.length] } }),
    ...(dates.length && { dates: { dtype: "I64", shape: [dates.length] } }),
    targets: { dtype: task === "classification" ? "I32" : "F32", shape: [] },
  };
  return { selected, tensors };
}

/** All columns as they were loaded, rows in the order of the tensors. */
export async function writeParquet(duck: Duck, directory: string, rows: string, { columns }: Loaded, counts: readonly number[]): Promise<void> {
  const original = columns.map(({ name }, i) => `c${i} AS ${identifier(name)}`).join(", ");
  for (const [part, name] of splitNames.entries())
    if (counts[part])
      await duck.run(
        `COPY (SELECT ${original} FROM ${rows} WHERE part = ${part}) TO ${pathLiteral(join(directory, `${name}.parquet`))} (${parquetOptions})`,
      );
}

/** The files of the splits, once all is written. */
export async function finishSplits(
  directory: string,
  writers: Readonly<Partial<Record<SplitName, SplitWriter>>>,
): Promise<Readonly<Partial<Record<SplitName, StoredSplit>>>> {
  const stored: Partial<Record<SplitName, StoredSplit>> = {};
  for (const [name, writer] of Object.entries(writers) as [SplitName, SplitWriter][])
    stored[name] = { count: writer.count, tensors: await writer.finish(), parquet: await storedFile(join(directory, `${name}.parquet`)) };
  return stored;
}

/** The numbers of all splits again, or their targets, some rows at a time. */
export async function* readTensor(directory: string, splits: Snapshot["splits"], tensor: "numbers" | "targets"): AsyncGenerator<Float32Array> {
  for (const name of splitNames)
    if (splits[name])
      for await (const batch of readBatches(directory, { splits } as Snapshot, name, READ_ROWS, [tensor]))
        if (batch.count) yield batch[tensor] as Float32Array;
}
