/** What the server and its predictor process say to each other, over IPC with serialization "advanced". */

import type { PredictionView } from "./api/schemas.ts";
import type { RawColumn, Task } from "./dataset.ts";
import type { ParamValues } from "./define.ts";
import type { ErrorView } from "./errors.ts";
import type { Significance } from "./evaluation.ts";
import type { FoundRows, RowQuery } from "./records.ts";
import type { StepPreview } from "./step-preview.ts";

/** What a model takes and gives, as the facts of its run say. */
export interface ModelFacts {
  readonly task: Task;
  readonly sampleShape: readonly number[];
  readonly columns: readonly string[];
  readonly labels: readonly string[];
  /** Of each column what may stand in it; without it they are numbers, all of them required. */
  readonly inputs?: readonly Pick<RawColumn, "name" | "type" | "required">[];
  /** Of a raw picture, where steps change it. */
  readonly pictureShape?: readonly number[];
}

/** A cell of a row: a number, a value of a category, a text, a date in ISO 8601 or in seconds since 1970 UTC; null where it is missing. */
export type Cell = number | string | boolean | null;

/** Rows of a table, by column, or a picture file. */
export interface Sample {
  readonly rows?: readonly Readonly<Record<string, Cell>>[];
  readonly picture?: Uint8Array;
}

/** What steps of preprocessing do to rows of a snapshot, whose files come along. */
export interface StepsRequest {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly steps: readonly { readonly step: string; readonly computation: string; readonly params: ParamValues }[];
  readonly rows: number;
}

/** Rows of a table as they came. */
export interface RowsRequest {
  /** A Parquet file: where it lies on this machine, or its content. */
  readonly table: string | Uint8Array;
  readonly query: RowQuery;
}

/** Two runs' predictions.safetensors, of the same rows. */
export interface CompareRequest {
  readonly task: Task;
  readonly metric: string;
  readonly predictions: readonly [Uint8Array, Uint8Array];
}

export type PredictorRequest = { readonly id: number } & PredictorQuestion;
export type PredictorQuestion =
  | PredictionRequest
  | { readonly steps: StepsRequest }
  | { readonly records: RowsRequest }
  | { readonly compare: CompareRequest };

export interface PredictionRequest {
  /** A model.onnx, or the key of one that was sent before. */
  readonly model: string | { readonly key: string; readonly bytes: Uint8Array };
  readonly facts: ModelFacts;
  readonly sample: Sample;
}

/** The error is as `TrainyardError` shows itself. `unknownModel`: it was never sent, or is closed by now; send its bytes. */
export type PredictorAnswer = { readonly id: number } & (
  | { readonly predictions: readonly PredictionView[] }
  | { readonly stages: StepPreview }
  | { readonly rows: FoundRows }
  | { readonly significance: Significance }
  | { readonly error: ErrorView }
  | { readonly unknownModel: true }
);
