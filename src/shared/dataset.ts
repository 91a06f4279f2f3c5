/**
 * What data is to everything above `data/`. A snapshot is data as it came, typed and split, in files that never change;
 * a dataset is a snapshot made ready for a network: preprocessed, in typed arrays.
 */
import type { ParamValues } from "./define.ts";

export type Task = "classification" | "regression";

// --- snapshots: raw, stored ---

export const splitNames = ["train", "validation", "test"] as const;
export type SplitName = (typeof splitNames)[number];

export const columnTypes = ["number", "category", "date", "text"] as const;
/**
 * - number: float32, NaN where missing
 * - category: one of the values that the column has, or missing
 * - date: whole seconds since 1970-01-01 UTC, or missing
 * - text: free text, "" where missing
 */
export type ColumnType = (typeof columnTypes)[number];

/** A feature of a table. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Of a category: every value in the snapshot, sorted; its code is its place here. */
  readonly values?: readonly string[];
}

/** A file of a snapshot, in its folder. */
export interface StoredFile {
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}
/** Rows of a snapshot: a safetensors file, and for a table the same rows as Parquet, with the texts and the original values. */
export interface StoredSplit {
  readonly count: number;
  readonly tensors: StoredFile;
  readonly parquet?: StoredFile;
}

/**
 * What `snapshot.json` says. The tensors of a split with n rows:
 * - pictures: `pictures` U8 [n, channels, height, width]
 * - tables, in the order of `columns`: `numbers` F32 [n, number columns]; `categories` I32 [n, category columns], codes, -1 where missing;
 *   `dates` I64 [n, date columns], the least int64 where missing. A tensor without columns is left out.
 * - `targets`: I32 [n] class index (classification), or F32 [n] (regression)
 */
export interface Snapshot {
  readonly format: 1;
  readonly kind: "pictures" | "table";
  readonly task: Task;
  /** Of a picture: [channels, height, width]. */
  readonly pictureShape?: readonly number[];
  /** Features of a table, in their order in the file; empty for pictures. */
  readonly columns: readonly Column[];
  /** The column to predict; "class" for pictures. */
  readonly target: string;
  /** Class names in index order; empty for regression. */
  readonly labels: readonly string[];
  readonly splits: Readonly<Record<"train" | "test", StoredSplit>> & { readonly validation?: StoredSplit };
  /** How rows came into their split, in the words of the import's parameters. */
  readonly splitting: ParamValues;
  /** SHA-256 of all the above but `splitting` and the Parquet files of tables without text columns: equal data, equal digest. The snapshot's name. */
  readonly digest: string;
}

/** The tensors of one split, resident in memory. */
export interface RawSplit {
  readonly count: number;
  readonly pictures?: Uint8Array;
  readonly numbers?: Float32Array;
  readonly categories?: Int32Array;
  readonly dates?: BigInt64Array;
  readonly targets: Int32Array | Float32Array;
}

/** How a date that is missing is stored: the least int64. */
export const NO_DATE = -(2n ** 63n);

// --- datasets: ready for a network ---

/** Samples as one row-major block, resident in memory, read by the training graph without a copy. */
export interface Split {
  /** [count, ...sampleShape] */
  readonly inputs: Uint8Array | Float32Array;
  /** Class index (classification) or target value (regression), [count]. */
  readonly targets: Int32Array | Float32Array;
  readonly count: number;
  /** How much each sample counts in training, [count]; absent where all count 1. */
  readonly weights?: Float32Array;
}

/** Normalisation that is compiled into the graphs, so that serving takes raw values: (x - mean) / deviation. */
export interface Normalisation {
  /** One entry for all values, or one per channel (pictures) or per column (tables). */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Of the target, for regression: the network learns it standardised too, and the graphs give it back in its own unit. */
  readonly target?: { readonly mean: number; readonly deviation: number };
}

/** What a step learnt from the training rows, as JSON. */
export type Fitted = null | number | string | readonly Fitted[] | { readonly [name: string]: Fitted };
/** A step of preprocessing as a run has it: everything to do it again, on any row. */
export interface FittedStep {
  readonly step: string;
  readonly computation: string;
  readonly params: ParamValues;
  /** Of a table by column; of pictures the scale. */
  readonly fitted?: { readonly [name: string]: Fitted };
}

/** A column of the raw table that a model reads. */
export interface RawColumn extends Column {
  /** Whether a prediction needs a value: nothing fills it in. */
  readonly required: boolean;
}

/** How raw rows become samples. */
export interface Preparation {
  readonly steps: readonly FittedStep[];
  /** What a model reads of a table: a column of which no step leaves anything is not among them. Empty for pictures. */
  readonly inputs: readonly RawColumn[];
  /** Of a raw picture: [channels, height, width]. */
  readonly pictureShape?: readonly number[];
  /** What the columns of a sample are called; empty for pictures. */
  readonly features: readonly string[];
  /** The raw column that each of them is made of; empty for pictures. */
  readonly origins: readonly string[];
}

export interface Dataset {
  readonly id: string;
  readonly task: Task;
  /** [channels, height, width] or [columns]. */
  readonly sampleShape: readonly number[];
  /** Names of the raw columns that a model reads, in order; empty for pictures. */
  readonly columns: readonly string[];
  /** Class names in index order; empty for regression. */
  readonly labels: readonly string[];
  readonly normalisation: Normalisation;
  readonly preparation?: Preparation;
  /** Samples to train on, and to choose the best epoch by. */
  readonly train: Split;
  /** Which of `train` are for what; else a training draws those to choose by. */
  readonly rows?: { readonly train: Int32Array; readonly validation: Int32Array };
  readonly test: Split;
  /** Of a table: the test rows as they came, but for texts. */
  readonly raw?: { readonly columns: readonly Column[]; readonly test: RawSplit };
  /** The raw column that was asked for, over the rows of `train`: numbers, codes of a category, seconds of a date; NaN where missing. */
  readonly column?: Float64Array;
  /** Where it was read from: a package, a folder, a file. */
  readonly source: string;
  /** SHA-256 over shapes, inputs, targets and labels of both splits: equal data, equal digest. */
  readonly digest: string;
}
