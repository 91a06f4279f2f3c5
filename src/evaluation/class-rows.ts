/** What each row is worth to the metrics of a classifier: computed once, shared by all resamples and slices. */
import { type Ranking, rankingOf } from "./ranking.ts";

export interface ClassPredictions {
  readonly classes: number;
  /** Class indices, [count]. */
  readonly targets: ArrayLike<number>;
  /** [count, classes]. */
  readonly outputs: Float32Array;
  /** Where it is not the first of the largest outputs, [count]. */
  readonly predicted?: Int32Array;
  readonly gives: "probabilities" | "scores";
}

const EPSILON = 2 ** -52;
export const CALIBRATION_BINS = 15;

export class ClassRows {
  readonly classes: number;
  readonly count: number;
  readonly targets: Int32Array;
  readonly outputs: Float32Array;
  readonly predicted: Int32Array;
  readonly gives: ClassPredictions["gives"];
  /** Where an output is not, nothing is said of outputs, as scikit-learn refuses them. */
  readonly finite: boolean;
  /** Of each row its place in the confusion matrix, truth * classes + prediction. */
  readonly cells: Int32Array;
  readonly #rankings: Ranking[] = [];
  readonly #within: Float64Array[] = [];
  #logLosses?: Float64Array;
  #squares?: Float64Array;
  #ranks?: Int32Array;
  #bins?: Uint8Array;
  #confidences?: Float64Array;

  constructor({ classes, targets, outputs, predicted, gives }: ClassPredictions) {
    this.classes = classes;
    this.count = targets.length;
    this.targets = targets instanceof Int32Array ? targets : Int32Array.from(targets);
    this.outputs = outputs;
    this.predicted = predicted ?? largest(outputs, classes, this.count);
    this.gives = gives;
    this.finite = outputs.every(Number.isFinite);
    this.cells = this.targets.map((target, row) => target * classes + this.predicted[row]!);
  }

  subset(rows: ArrayLike<number>): ClassRows {
    const { classes, gives } = this;
    const outputs = new Float32Array(rows.length * classes);
    for (let i = 0; i < rows.length; i++) outputs.set(this.outputs.subarray(rows[i]! * classes, (rows[i]! + 1) * classes), i * classes);
    const targets = Int32Array.from(rows, (row) => this.targets[row]!);
    return new ClassRows({ classes, gives, targets, outputs, predicted: Int32Array.from(rows, (row) => this.predicted[row]!) });
  }

  ranking(c: number): Ranking {
    this.#rankings[c] ??= rankingOf(this.outputs, this.classes, c, this.targets);
    return this.#rankings[c];
  }

  #each(value: (row: number, start: number, target: number) => number): Float64Array {
    const values = new Float64Array(this.count);
    for (let row = 0; row < this.count; row++) values[row] = value(row, row * this.classes, this.targets[row]!);
    return values;
  }

  /** -log of the probability of the truth, clipped to [2^-52, 1 - 2^-52]. */
  get logLosses(): Float64Array {
    this.#logLosses ??= this.#each((_, start, target) => -Math.log(Math.min(Math.max(this.outputs[start + target]!, EPSILON), 1 - EPSILON)));
    return this.#logLosses;
  }

  /** Sum over classes of (probability - truth)^2, halved for two classes. */
  get squares(): Float64Array {
    const { classes, outputs } = this;
    this.#squares ??= this.#each((_, start, target) => {
      let total = 0;
      for (let c = 0; c < classes; c++) total += (outputs[start + c]! - Number(target === c)) ** 2;
      return classes === 2 ? total / 2 : total;
    });
    return this.#squares;
  }

  /** How many classes come before the truth; of equal outputs the later class comes first. */
  get ranks(): Int32Array {
    const { classes, outputs, targets } = this;
    this.#ranks ??= targets.map((target, row) => {
      const [start, own] = [row * classes, outputs[row * classes + target]!];
      let rank = 0;
      for (let c = 0; c < classes; c++) rank += Number(outputs[start + c]! > own || (outputs[start + c]! === own && c > target));
      return rank;
    });
    return this.#ranks;
  }

  /** 1 where the truth is among the k highest outputs. */
  within(k: number): Float64Array {
    this.#within[k] ??= Float64Array.from(this.ranks, (rank) => Number(rank < k));
    return this.#within[k];
  }

  /** Outputs of the predicted class. */
  get confidences(): Float64Array {
    this.#confidences ??= this.#each((row, start) => this.outputs[start + this.predicted[row]!]!);
    return this.#confidences;
  }

  /** Of each row the bin of its confidence: equal ones over (0, 1], each with its upper edge. */
  get bins(): Uint8Array {
    this.#bins ??= Uint8Array.from(this.confidences, (p) => Math.min(CALIBRATION_BINS - 1, Math.max(0, Math.ceil(p * CALIBRATION_BINS) - 1)));
    return this.#bins;
  }
}

function largest(outputs: Float32Array, classes: number, count: number): Int32Array {
  const found = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (outputs[row * classes + c]! > outputs[row * classes + best]!) best = c;
    found[row] = best;
  }
  return found;
}
