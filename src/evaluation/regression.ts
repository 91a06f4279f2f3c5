/** How good predicted values are. */

export interface RegressionReport {
  /** Mean absolute error. */
  readonly mae: number;
  /** Mean squared error, and its root. */
  readonly mse: number;
  readonly rmse: number;
  /** Share of the targets' variance that is explained: 1 is perfect, 0 is no better than their mean. */
  readonly r2: number;
}

/** @param predictions as many as targets, at least one */
export function regressionReport(predictions: ArrayLike<number>, targets: ArrayLike<number>): RegressionReport {
  const mean = (f: (i: number) => number) => Array.from(targets, (_, i) => f(i)).reduce((a, b) => a + b, 0) / targets.length;
  const error = (i: number) => predictions[i]! - targets[i]!;
  const centre = mean((i) => targets[i]!);
  const variance = mean((i) => (targets[i]! - centre) ** 2);
  const mse = mean((i) => error(i) ** 2);
  // Where all targets are equal there is nothing to explain: 1 for exact predictions, otherwise 0, as in scikit-learn.
  const r2 = Array.from(targets).some((t) => t !== targets[0]) ? 1 - mse / variance : Number(mse === 0);
  return { mae: mean((i) => Math.abs(error(i))), mse, rmse: Math.sqrt(mse), r2 };
}
