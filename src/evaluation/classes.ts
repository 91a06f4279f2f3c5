/**
 * What a classifier said of rows whose class is known, and every metric of it. Each is scikit-learn's of the same name, over all classes of the
 * dataset (`labels=range(classes)`), with 0 for a share of nothing (`zero_division=0`). What is not defined on the rows is undefined.
 */
import { CALIBRATION_BINS, type ClassPredictions, ClassRows } from "./class-rows.ts";
import { type Areas, areasOf, sweep } from "./ranking.ts";
import { mean, sum } from "./sums.ts";

export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
export interface CalibrationBin {
  readonly confidence: number;
  readonly accuracy: number;
  readonly count: number;
}
/** Sums of the confusion matrix. */
interface Margins {
  readonly truth: Float64Array;
  readonly guess: Float64Array;
  readonly hits: Float64Array;
  readonly total: number;
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((total, v, i) => total + v * b[i]!, 0);

/** Predictions and truth, ready to be measured. */
export class ClassOutcome {
  readonly task = "classification";
  readonly #rows: ClassRows;
  /** How often each row counts, [count]. */
  readonly #counts: Int32Array;
  readonly #areas: Areas[] = [];
  #cells?: Float64Array;
  #margins?: Margins;
  #perClass?: readonly (Scores & { readonly support: number })[];

  constructor(given: ClassPredictions | ClassRows, counts?: Int32Array) {
    this.#rows = given instanceof ClassRows ? given : new ClassRows(given);
    this.#counts = counts ?? new Int32Array(this.#rows.count).fill(1);
  }

  /** The same rows, each as often as a resample drew it. */
  resampled(counts: Int32Array): ClassOutcome {
    return new ClassOutcome(this.#rows, counts);
  }

  /** Some of the rows, each once. */
  subset(rows: ArrayLike<number>): ClassOutcome {
    return new ClassOutcome(this.#rows.subset(rows));
  }

  get count(): number {
    return this.#rows.count;
  }
  get classes(): number {
    return this.#rows.classes;
  }
  get gives(): ClassPredictions["gives"] {
    return this.#rows.gives;
  }
  get targets(): Int32Array {
    return this.#rows.targets;
  }
  get predicted(): Int32Array {
    return this.#rows.predicted;
  }
  output(row: number, c: number): number {
    return this.#rows.outputs[row * this.classes + c]!;
  }
  /** Whether there are probabilities to speak of. */
  get #sure(): boolean {
    return this.gives === "probabilities" && this.#rows.finite;
  }

  /** Rows the truth, columns the prediction. */
  get confusion(): readonly Float64Array[] {
    const [cells, classes] = [this.#confusion, this.classes];
    return Array.from({ length: classes }, (_, t) => cells.subarray(t * classes, (t + 1) * classes));
  }
  get #confusion(): Float64Array {
    if (!this.#cells) {
      this.#cells = new Float64Array(this.classes ** 2);
      const { cells } = this.#rows;
      for (let row = 0; row < cells.length; row++) this.#cells[cells[row]!]! += this.#counts[row]!;
    }
    return this.#cells;
  }

  get #sums(): Margins {
    if (!this.#margins) {
      const [cells, classes] = [this.#confusion, this.classes];
      const [truth, guess, hits] = [new Float64Array(classes), new Float64Array(classes), new Float64Array(classes)];
      for (let t = 0; t < classes; t++) {
        hits[t] = cells[t * classes + t]!;
        for (let p = 0; p < classes; p++) {
          truth[t]! += cells[t * classes + p]!;
          guess[p]! += cells[t * classes + p]!;
        }
      }
      this.#margins = { truth, guess, hits, total: sum(truth) };
    }
    return this.#margins;
  }

  get accuracy(): number | undefined {
    const { hits, total } = this.#sums;
    return total ? sum(hits) / total : undefined;
  }

  /** Mean recall of the classes that occur. */
  get balancedAccuracy(): number | undefined {
    const { truth, hits } = this.#sums;
    const recalls = [...truth].flatMap((n, c) => (n ? [hits[c]! / n] : []));
    return recalls.length ? sum(recalls) / recalls.length : undefined;
  }

  get perClass(): readonly (Scores & { readonly support: number })[] {
    const { truth, guess, hits } = this.#sums;
    this.#perClass ??= Array.from(truth, (support, c) => ({
      precision: share(hits[c]!, guess[c]!),
      recall: share(hits[c]!, support),
      f1: share(2 * hits[c]!, guess[c]! + support),
      support,
    }));
    return this.#perClass;
  }

  /** Mean over the classes: each once, as often as it occurs, or of all hits together. */
  average(how: "macro" | "micro" | "weighted"): Scores {
    if (how === "micro") {
      const accuracy = this.accuracy ?? 0;
      return { precision: accuracy, recall: accuracy, f1: accuracy };
    }
    const classes = this.perClass;
    const weights = classes.map(({ support }) => (how === "macro" ? 1 : support));
    const mean = (of: keyof Scores) => share(sum(classes.map((c, i) => c[of] * weights[i]!)), sum(weights));
    return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
  }

  /** Matthews correlation, of any number of classes (Gorodkin 2004); 0 where truth or prediction is of one class alone. */
  get matthews(): number | undefined {
    const { truth, guess, hits, total } = this.#sums;
    if (!total) return undefined;
    const [both, ofTruth, ofGuess] = [sum(hits) * total - dot(truth, guess), total ** 2 - dot(truth, truth), total ** 2 - dot(guess, guess)];
    return ofTruth * ofGuess === 0 ? 0 : both / Math.sqrt(ofTruth * ofGuess);
  }

  /** Cohen's kappa: 1 - misses / misses expected by chance; undefined where all is of one class, or there is nothing. */
  get kappa(): number | undefined {
    const { truth, guess, hits, total } = this.#sums;
    const expected = total ** 2 - dot(truth, guess); // times total
    return expected ? 1 - ((total - sum(hits)) * total) / expected : undefined;
  }

  get logLoss(): number | undefined {
    return this.#sure ? mean(this.#rows.logLosses, this.#counts) : undefined;
  }
  get brier(): number | undefined {
    return this.#sure ? mean(this.#rows.squares, this.#counts) : undefined;
  }
  /** Share of rows whose class is among the k highest outputs; undefined unless there are more than k classes. */
  topK(k: number): number | undefined {
    return this.classes > k && this.#rows.finite ? mean(this.#rows.within(k), this.#counts) : undefined;
  }

  /** Walks a class's rows from the highest output down, told after each group of equal outputs. */
  sweep(c: number, visit: (positives: number, negatives: number) => void): void {
    sweep(this.#rows.ranking(c), this.#counts, visit);
  }
  /** Areas under the curves of a class against the others; none where an output is not finite. */
  areasOf(c: number): Areas {
    if (!this.#rows.finite) return {};
    this.#areas[c] ??= areasOf(this.#rows.ranking(c), this.#counts);
    return this.#areas[c];
  }
  rocAuc(c: number): number | undefined {
    return this.areasOf(c).roc;
  }
  prAuc(c: number): number | undefined {
    return this.areasOf(c).pr;
  }

  /** Of two classes that of the second; else the mean over the classes where it is defined, each once or as often as it occurs. */
  areas(of: "rocAuc" | "prAuc", how: "macro" | "weighted" = "macro"): number | undefined {
    if (this.classes === 2) return this[of](1);
    const { truth } = this.#sums;
    let [total, weights] = [0, 0];
    for (let c = 0; c < this.classes; c++) {
      const [area, weight] = [this[of](c), how === "macro" ? 1 : truth[c]!];
      if (area === undefined) continue;
      total += area * weight;
      weights += weight;
    }
    return weights ? total / weights : undefined;
  }

  /** Rows by confidence in the predicted class, in 15 equal bins (low, high]; empty ones are left out. */
  get calibration(): readonly CalibrationBin[] {
    const { bins, confidences, targets, predicted } = this.#rows;
    const [sums, hits, counts] = [new Float64Array(CALIBRATION_BINS), new Float64Array(CALIBRATION_BINS), new Float64Array(CALIBRATION_BINS)];
    for (let row = 0; row < bins.length; row++) {
      const [bin, count] = [bins[row]!, this.#counts[row]!];
      sums[bin]! += confidences[row]! * count;
      if (targets[row] === predicted[row]) hits[bin]! += count;
      counts[bin]! += count;
    }
    return Array.from(counts, (count, b) => ({ confidence: sums[b]! / count, accuracy: hits[b]! / count, count })).filter(({ count }) => count);
  }

  /** Expected calibration error (Naeini 2015; Guo 2017): mean of |confidence - accuracy| over the bins, by their rows. */
  get calibrationError(): number | undefined {
    if (!this.#sure) return undefined;
    const bins = this.calibration;
    const total = sum(bins.map(({ count }) => count));
    return total ? sum(bins.map(({ confidence, accuracy, count }) => count * Math.abs(confidence - accuracy))) / total : undefined;
  }
}
