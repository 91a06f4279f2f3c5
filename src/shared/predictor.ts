/** What the server and its predictor process say to each other, over IPC with serialization "advanced". */

import type { PredictionView } from "./api/schemas.ts";
import type { Task } from "./dataset.ts";
import type { ErrorView } from "./errors.ts";

/** What a model takes and gives, as the facts of its run say. */
export interface ModelFacts {
  readonly task: Task;
  readonly sampleShape: readonly number[];
  readonly columns: readonly string[];
  readonly labels: readonly string[];
}

/** Rows of a table, by column, or a picture file. */
export interface Sample {
  readonly rows?: readonly Readonly<Record<string, number>>[];
  readonly picture?: Uint8Array;
}

export interface PredictorRequest {
  readonly id: number;
  /** A model.onnx, or the key of one that was sent before. */
  readonly model: string | { readonly key: string; readonly bytes: Uint8Array };
  readonly facts: ModelFacts;
  readonly sample: Sample;
}

/** The error is as `TrainyardError` shows itself. `unknownModel`: it was never sent, or is closed by now; send its bytes. */
export type PredictorAnswer = { readonly id: number } & (
  | { readonly predictions: readonly PredictionView[] }
  | { readonly error: ErrorView }
  | { readonly unknownModel: true }
);
