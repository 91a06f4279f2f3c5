/** How good a classifier is, from its confusion matrix. */

/** How many samples of each class (row) were predicted as each class (column). */
export type Confusion = readonly (readonly number[])[];

export interface Scores {
  /** Of what was predicted as the class, the share that is of it. */
  readonly precision: number;
  /** Of what is of the class, the share that was predicted as it. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
}

export interface ClassificationReport {
  readonly accuracy: number;
  /** In class order; support is the number of samples of the class. */
  readonly classes: readonly (Scores & { readonly support: number })[];
  /** Mean over the classes, each counted once, or as often as it has samples. */
  readonly macro: Scores;
  readonly weighted: Scores;
}

/** A share of nothing is 0, as in scikit-learn. */
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export function classificationReport(confusion: Confusion): ClassificationReport {
  const classes = confusion.map((row, c) => {
    const [hits, support, predicted] = [row[c]!, sum(row), sum(confusion.map((other) => other[c]!))];
    return { precision: share(hits, predicted), recall: share(hits, support), f1: share(2 * hits, predicted + support), support };
  });
  const total = sum(classes.map(({ support }) => support));
  const mean = (weights: readonly number[]): Scores => {
    const of = (score: keyof Scores) => share(sum(classes.map((c, i) => c[score] * weights[i]!)), sum(weights));
    return { precision: of("precision"), recall: of("recall"), f1: of("f1") };
  };
  return {
    accuracy: share(sum(confusion.map((row, c) => row[c]!)), total),
    classes,
    macro: mean(classes.map(() => 1)),
    weighted: mean(classes.map(({ support }) => support)),
  };
}
