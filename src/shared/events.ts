/** What a training says while it runs. The trainer yields these; the run folder stores them, the CLI prints them. */

/** Tensors by name, all float32. */
export type Tensors = ReadonlyMap<string, Float32Array>;

/** What a classical model has learnt: float32 tensors of any shapes, by name. */
export type LearntTensors = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** Where a training is: with the seed this also settles shuffling, dropout and augmentation. */
export interface Position {
  /** Epochs completed. */
  readonly epoch: number;
  /** Steps completed in the epoch under way. */
  readonly step: number;
  /** Updates of the weights so far. */
  readonly update: number;
  /** Sums over the samples of the epoch under way. */
  readonly sums: { readonly loss: number; readonly score: number; readonly samples: number };
  /** Selection loss (validation loss, or training loss without validation) of each finished epoch. */
  readonly losses: readonly number[];
}

export interface Checkpoint {
  readonly position: Position;
  /** Weights, running statistics and optimizer state. */
  readonly tensors: Tensors;
}

/** Mean loss, and accuracy (classification) or mean absolute error (regression). */
export interface Measure {
  readonly loss: number;
  readonly score: number;
}

export type TrainEvent =
  | { readonly type: "started"; readonly epochs: number; readonly stepsPerEpoch: number; readonly samples: number; readonly resumedAt: number }
  | (Measure & {
      readonly type: "progress";
      readonly epoch: number;
      readonly step: number;
      readonly update: number;
      readonly stepsPerEpoch: number;
      readonly epochs: number;
      readonly learningRate: number;
      readonly samplesPerSecond: number;
      readonly secondsLeft: number;
    })
  | (Measure & {
      readonly type: "epoch";
      readonly epoch: number;
      readonly update: number;
      readonly learningRate: number;
      readonly validation?: Measure;
      /** Whether no epoch before had a lower selection loss. */
      readonly best: boolean;
    })
  | {
      readonly type: "checkpoint";
      readonly checkpoint: Checkpoint /** The weights of the best epoch, when they changed since the checkpoint before. */;
      readonly best?: Tensors;
    }
  | {
      readonly type: "done";
      readonly reason: "completed" | "early stopping" | "converged" | "stalled";
      readonly bestEpoch: number;
      readonly best: Tensors;
    }
  | { readonly type: "stopped"; readonly position: Position };

/** What the fit of a classical model says. */
export type FitEvent =
  | {
      readonly type: "fitting";
      /** In the model's unit: trees, iterations. */
      readonly unit: string;
      readonly done: number;
      readonly total: number;
      readonly loss?: number;
      readonly secondsLeft: number;
    }
  /** The end, with what was measured in passing, such as `oob_accuracy`. */
  | { readonly type: "fitted"; readonly done: number; readonly tensors: LearntTensors; readonly metrics: Readonly<Record<string, number>> };
