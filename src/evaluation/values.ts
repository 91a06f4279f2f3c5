/** Predicted values beside true ones, and every metric of them: each scikit-learn's of the same name. What is not defined on the rows is undefined. */
import { mean, variance } from "./sums.ts";

export interface ValuePredictions {
  readonly targets: ArrayLike<number>;
  readonly predictions: ArrayLike<number>;
}

const EPSILON = 2 ** -52;

/** What each row is worth to the metrics: computed once, shared by all resamples and slices. */
class ValueRows {
  readonly targets: Float64Array;
  readonly predictions: Float64Array;
  /** Predicted minus true. */
  readonly errors: Float64Array;
  readonly sizes: Float64Array;
  readonly squares: Float64Array;
  /** |error| / |target|, the target at least 2^-52. */
  readonly shares: Float64Array;
  /** Rows by the size of their error. */
  readonly order: Int32Array;

  constructor({ targets, predictions }: ValuePredictions) {
    this.targets = Float64Array.from(targets);
    this.predictions = Float64Array.from(predictions);
    this.errors = this.predictions.map((p, i) => p - this.targets[i]!);
    this.sizes = this.errors.map(Math.abs);
    this.squares = this.errors.map((e) => e * e);
    this.shares = this.sizes.map((size, i) => size / Math.max(Math.abs(this.targets[i]!), EPSILON));
    this.order = Int32Array.from(targets, (_, i) => i).sort((a, b) => this.sizes[a]! - this.sizes[b]!);
  }
}

/** Predictions and truth, ready to be measured. */
export class ValueOutcome {
  readonly task = "regression";
  readonly #rows: ValueRows;
  /** How often each row counts, [count]. */
  readonly #counts: Int32Array;
  readonly #total: number;
  #mse?: number;
  #spread?: number;

  constructor(given: ValuePredictions | ValueRows, counts?: Int32Array) {
    this.#rows = given instanceof ValueRows ? given : new ValueRows(given);
    this.#counts = counts ?? new Int32Array(this.count).fill(1);
    this.#total = this.#counts.reduce((a, b) => a + b, 0);
  }

  /** The same rows, each as often as a resample drew it. */
  resampled(counts: Int32Array): ValueOutcome {
    return new ValueOutcome(this.#rows, counts);
  }
  /** Some of the rows, each once. */
  subset(rows: ArrayLike<number>): ValueOutcome {
    const of = (values: Float64Array) => Float64Array.from(rows, (row) => values[row]!);
    return new ValueOutcome({ targets: of(this.targets), predictions: of(this.predictions) });
  }

  get count(): number {
    return this.#rows.targets.length;
  }
  get targets(): Float64Array {
    return this.#rows.targets;
  }
  get predictions(): Float64Array {
    return this.#rows.predictions;
  }
  /** Predicted minus true, [count]. */
  get errors(): Float64Array {
    return this.#rows.errors;
  }

  get mae(): number | undefined {
    return mean(this.#rows.sizes, this.#counts);
  }
  get mse(): number | undefined {
    this.#mse ??= mean(this.#rows.squares, this.#counts);
    return this.#mse;
  }
  get rmse(): number | undefined {
    const { mse } = this;
    return mse === undefined ? undefined : Math.sqrt(mse);
  }
  /** Share of the targets' variance that is explained. Of equal targets there is none: 1 for exact predictions, else 0. Undefined below two rows. */
  get r2(): number | undefined {
    const { mse } = this;
    return mse === undefined || this.#total < 2 ? undefined : explained(mse, this.#variance);
  }
  /** As r2, but a constant error is none. */
  get explainedVariance(): number | undefined {
    return this.#total ? explained(variance(this.errors, this.#counts), this.#variance) : undefined;
  }
  /** Of the targets. */
  get #variance(): number {
    this.#spread ??= variance(this.targets, this.#counts);
    return this.#spread;
  }
  /** Mean of the two in the middle. */
  get medianAbsoluteError(): number | undefined {
    if (!this.#total) return undefined;
    return (this.#sizeAt(Math.floor((this.#total - 1) / 2)) + this.#sizeAt(Math.floor(this.#total / 2))) / 2;
  }
  get maxError(): number | undefined {
    return this.#total ? this.#sizeAt(this.#total - 1) : undefined;
  }
  /** Size of the error that so many are before. */
  #sizeAt(place: number): number {
    const { order, sizes } = this.#rows;
    let [i, before] = [0, 0];
    for (; i < order.length; i++) {
      before += this.#counts[order[i]!]!;
      if (before > place) break;
    }
    return sizes[order[i]!]!;
  }
  /** Mean of |error| / |target|, the target at least 2^-52: 1 is 100 %. */
  get mape(): number | undefined {
    return mean(this.#rows.shares, this.#counts);
  }
}

const explained = (left: number, whole: number): number => (whole !== 0 ? 1 - left / whole : Number(left === 0));
