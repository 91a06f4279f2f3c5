/** Small snapshots for tests, written as imports write them. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type RowTensors, SplitWriter, sealSnapshot, storedFile } from "../src/data/snapshot.ts";
import type { StoredArray } from "../src/engine/safetensors.ts";
import type { Column, ColumnType, Snapshot, SplitName, StoredSplit, Task } from "../src/shared/dataset.ts";

/** By column: numbers, category names, seconds or texts; null where missing. */
export type TableRows = Readonly<Record<string, readonly (number | string | null)[]>>;
type SplitsOf<T> = { readonly train: T; readonly validation?: T; readonly test: T };

const LEAST = -(2n ** 63n);

/** @returns the folder; it lies in the system's temporary one */
export async function tableSnapshot(
  types: Readonly<Record<string, ColumnType>>,
  splits: SplitsOf<TableRows & { readonly target: readonly number[] }>,
  { task = "classification", labels = ["no", "yes"] }: { task?: Task; labels?: readonly string[] } = {},
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "trainyard-snapshot-"));
  const given = Object.entries(splits) as [SplitName, SplitsOf<TableRows & { target: readonly number[] }>["train"]][];
  const columns = Object.entries(types).map(([name, type]): Column => {
    const values = [...new Set(given.flatMap(([, rows]) => rows[name]!.filter((v) => v !== null).map(String)))].sort();
    return type === "category" ? { name, type, values } : { name, type };
  });
  const of = (type: ColumnType) => columns.filter((column) => column.type === type);
  const parts: Partial<Record<SplitName, StoredSplit>> = {};
  for (const [split, rows] of given) {
    const count = rows.target.length;
    const rowMajor = <T>(type: ColumnType, cell: (value: number | string | null, column: Column) => T): T[] =>
      Array.from({ length: count }, (_, i) => of(type).map((column) => cell(rows[column.name]![i]!, column))).flat();
    const tensors: Record<string, readonly [StoredArray, number | undefined]> = {
      ...(of("number").length && {
        numbers: [Float32Array.from(rowMajor("number", (v) => (v === null ? Number.NaN : (v as number)))), of("number").length],
      }),
      ...(of("category").length && {
        categories: [Int32Array.from(rowMajor("category", (v, { values }) => (v === null ? -1 : values!.indexOf(String(v))))), of("category").length],
      }),
      ...(of("date").length && { dates: [BigInt64Array.from(rowMajor("date", (v) => (v === null ? LEAST : BigInt(v)))), of("date").length] }),
      targets: [task === "classification" ? Int32Array.from(rows.target) : Float32Array.from(rows.target), undefined],
    };
    const name = join(directory, split);
    const stored = await write(`${name}.safetensors`, count, tensors);
    const texts = of("text");
    parts[split] = { ...stored, ...(texts.length && { parquet: await writeTexts(`${name}.parquet`, texts, rows) }) };
  }
  await sealSnapshot(directory, snapshotOf({ kind: "table", task, columns, labels: task === "classification" ? labels : [], splits: parts }), {
    kind: "table",
    records: { train: splits.train.target.length, validation: splits.validation?.target.length ?? 0, test: splits.test.target.length },
    warnings: [],
  });
  return directory;
}

/** @returns the folder; pictures are [n, ...shape], a class for each */
export async function pictureSnapshot(
  pictureShape: readonly number[],
  splits: SplitsOf<{ readonly pictures: Uint8Array<ArrayBuffer>; readonly target: readonly number[] }>,
  labels: readonly string[] = ["no", "yes"],
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "trainyard-snapshot-"));
  const parts: Partial<Record<SplitName, StoredSplit>> = {};
  for (const [split, { pictures, target }] of Object.entries(splits)) {
    const path = join(directory, `${split}.safetensors`);
    const tensors: RowTensors = { pictures: { dtype: "U8", shape: pictureShape }, targets: { dtype: "I32", shape: [] } };
    const writer = await SplitWriter.create(path, tensors, target.length);
    await writer.append({ pictures, targets: Int32Array.from(target) });
    parts[split as SplitName] = { count: target.length, tensors: await writer.finish() };
  }
  await sealSnapshot(directory, snapshotOf({ kind: "pictures", task: "classification", pictureShape, columns: [], labels, splits: parts }), {
    kind: "pictures",
    records: { train: splits.train.target.length, validation: splits.validation?.target.length ?? 0, test: splits.test.target.length },
    warnings: [],
  });
  return directory;
}

const snapshotOf = (parts: Omit<Snapshot, "format" | "digest" | "target" | "splitting" | "splits"> & { splits: Partial<Snapshot["splits"]> }) => ({
  target: "target",
  splitting: { split: "given" },
  ...parts,
  splits: parts.splits as Snapshot["splits"],
});

async function write(
  path: string,
  count: number,
  tensors: Readonly<Record<string, readonly [StoredArray, number | undefined]>>,
): Promise<StoredSplit> {
  const dtypes = new Map<unknown, "F32" | "I32" | "I64">([
    [Float32Array, "F32"],
    [Int32Array, "I32"],
    [BigInt64Array, "I64"],
  ]);
  const infos = Object.entries(tensors).map(
    ([name, [data, width]]) => [name, { dtype: dtypes.get(data.constructor)!, shape: width ? [width] : [] }] as const,
  );
  const writer = await SplitWriter.create(path, Object.fromEntries(infos), count);
  await writer.append(Object.fromEntries(Object.entries(tensors).map(([name, [data]]) => [name, data])));
  return { count, tensors: await writer.finish() };
}

async function writeTexts(path: string, columns: readonly Column[], rows: TableRows) {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const name = (column: Column) => `"${column.name.replaceAll('"', '""')}"`;
  const values = rows[columns[0]!.name]!.map(
    (_, i) => `(${columns.map((column) => (rows[column.name]![i] === null ? "NULL" : quoted(String(rows[column.name]![i]))))})`,
  );
  await connection.run(`COPY (SELECT * FROM (VALUES ${values}) AS t(${columns.map(name)})) TO ${quoted(path)} (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return storedFile(path);
}
