/** What a dataset is to everything above `data/`: two splits of equal samples in typed arrays, and what is known of them. */

export type Task = "classification" | "regression";

/** Samples as one row-major block, resident in memory, read by the training graph without a copy. */
export interface Split {
  /** [count, ...sampleShape] */
  readonly inputs: Uint8Array | Float32Array;
  /** Class index (classification) or target value (regression), [count]. */
  readonly targets: Int32Array | Float32Array;
  readonly count: number;
}

/** Normalisation that is compiled into the graphs, so that serving takes raw values: (x - mean) / deviation. */
export interface Normalisation {
  /** One entry for all values, or one per channel (pictures) or per column (tables). */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Of the target, for regression: the network learns it standardised too, and the graphs give it back in its own unit. */
  readonly target?: { readonly mean: number; readonly deviation: number };
}

export interface Dataset {
  readonly id: string;
  readonly task: Task;
  /** [channels, height, width] or [columns]. */
  readonly sampleShape: readonly number[];
  /** Names of the columns, in order; empty for pictures. */
  readonly columns: readonly string[];
  /** Class names in index order; empty for regression. */
  readonly labels: readonly string[];
  readonly normalisation: Normalisation;
  readonly train: Split;
  readonly test: Split;
  /** Where it was read from: a package, a folder, a file. */
  readonly source: string;
  /** SHA-256 over shapes, inputs, targets and labels of both splits: equal data, equal digest. */
  readonly digest: string;
}
