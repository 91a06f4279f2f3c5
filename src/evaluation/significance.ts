/** Whether two models differ on the same rows by more than chance. */
import type { Significance } from "../shared/evaluation.ts";
import { random } from "../shared/random.ts";
import { drawCounts, percentiles, resamplesOf } from "./bootstrap.ts";
import type { MetricKind, Outcome } from "./kinds.ts";

/** From so many disagreements on the chi-squared approximation is good. */
const MANY = 25;

/**
 * McNemar's test (1947) of rows that only one of two models gets right: the exact binomial one below 25 of them, else chi-squared with continuity
 * correction. @returns the two-sided p-value
 */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  if (!n) return 1;
  if (n >= MANY) return chiSquaredTail(Math.max(0, Math.abs(onlyFirst - onlySecond) - 1) ** 2 / n);
  let [tail, term] = [0, 0.5 ** n];
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += term;
    term *= (n - k) / (k + 1);
  }
  return Math.min(1, 2 * tail);
}

/** Chance of a chi-squared number of one degree of freedom above x: erfc(sqrt(x / 2)). */
function chiSquaredTail(x: number): number {
  const z = Math.sqrt(x / 2);
  return z < 2 ? 1 - erfSeries(z) : erfcFraction(z);
}
/** 2 / sqrt(pi) * sum (-1)^n z^(2n+1) / (n! (2n+1)): Abramowitz and Stegun 7.1.5. */
function erfSeries(z: number): number {
  let [term, total] = [z, z];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total) && n < 200; n++) {
    term *= (-z * z) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
/** The continued fraction of erfc, Abramowitz and Stegun 7.1.14. */
function erfcFraction(z: number): number {
  let fraction = z;
  for (let k = 120; k >= 1; k--) fraction = z + k / 2 / fraction;
  return Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI));
}

/**
 * Compares two outcomes on the same rows by a metric: accuracy by McNemar's test, any other by a paired bootstrap, whose p-value is twice the share
 * of resamples on the far side of no difference.
 */
export function compare(metric: MetricKind, first: Outcome, second: Outcome, seed: number): Significance | undefined {
  const values = [metric.compute(first as never), metric.compute(second as never)] as const;
  if (values[0] === undefined || values[1] === undefined) return undefined;
  const draw = random(seed, "paired-bootstrap");
  const counts = new Int32Array(first.count);
  const differences: number[] = [];
  const resamples = resamplesOf(first);
  for (let i = 0; i < resamples; i++) {
    drawCounts(first.count, draw, counts);
    const [a, b] = [metric.compute(first.resampled(counts) as never), metric.compute(second.resampled(counts) as never)];
    if (a !== undefined && b !== undefined) differences.push(b - a);
  }
  if (!differences.length) return undefined;
  const head = {
    metric: metric.id,
    values: [values[0], values[1]] as [number, number],
    difference: values[1] - values[0],
    interval: percentiles(differences),
    samples: first.count,
    resamples,
  };
  if (metric.id !== "accuracy" || first.task === "regression" || second.task === "regression") {
    const [below, above] = [differences.filter((d) => d <= 0).length, differences.filter((d) => d >= 0).length];
    // One more on either side: no p-value is 0 (Davison and Hinkley 1997, 4.11).
    const p = Math.min(1, (2 * (Math.min(below, above) + 1)) / (differences.length + 1));
    return { ...head, test: "paired-bootstrap", p };
  }
  let [onlyFirst, onlySecond] = [0, 0];
  for (let row = 0; row < first.count; row++) {
    const [a, b] = [first.predicted[row] === first.targets[row], second.predicted[row] === second.targets[row]];
    if (a && !b) onlyFirst++;
    if (b && !a) onlySecond++;
  }
  return { ...head, test: "mcnemar", p: mcnemar(onlyFirst, onlySecond), onlyFirst, onlySecond };
}
