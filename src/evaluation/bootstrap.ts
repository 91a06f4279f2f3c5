/** How far a metric might be off for the rows that happened to be in the split: percentile bootstrap (Efron 1979). */
import { type Random, random } from "../shared/random.ts";
import type { MetricKind, Outcome } from "./kinds.ts";

const RESAMPLES = 1000;
const FEWEST = 100;
/** Rows times what one takes times resamples: about three seconds. Beyond, fewer resamples are drawn. */
const MOST_WORK = 2e8;
/** Time that a row takes, in the time that the order of one class takes. */
const workOf = (outcome: Outcome): number => (outcome.task === "classification" ? 6 + outcome.classes : 12);

/** How many resamples an outcome is given: 1,000, or as many of them as the time allows. */
export const resamplesOf = (outcome: Outcome): number =>
  Math.max(FEWEST, Math.min(RESAMPLES, Math.floor(MOST_WORK / (outcome.count * workOf(outcome)))));

/** How often each of n rows comes in a draw of n with replacement. */
export function drawCounts(n: number, draw: Random, counts = new Int32Array(n)): Int32Array {
  counts.fill(0);
  for (let i = 0; i < n; i++) counts[draw.below(n)]!++;
  return counts;
}

/** The 2.5th and 97.5th percentile, as numpy's default interpolates. */
export function percentiles(values: readonly number[]): [number, number] {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number) => {
    const place = q * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low]! + (place - low) * ((sorted[low + 1] ?? sorted[low]!) - sorted[low]!);
  };
  return [at(0.025), at(0.975)];
}

/**
 * 95 % intervals of metrics. The same seed gives the same ones.
 * @param metrics by id; one that fewer than half of the resamples define has none
 */
export function intervals(metrics: readonly MetricKind[], outcome: Outcome, seed: number, signal?: AbortSignal): Record<string, [number, number]> {
  const resamples = resamplesOf(outcome);
  const draw = random(seed, "bootstrap");
  const values = new Map<string, number[]>(metrics.map(({ id }) => [id, []]));
  const counts = new Int32Array(outcome.count);
  for (let i = 0; i < resamples; i++) {
    signal?.throwIfAborted();
    const resampled = outcome.resampled(drawCounts(outcome.count, draw, counts));
    for (const { id, compute } of metrics) {
      const value = compute(resampled as never);
      if (value !== undefined && Number.isFinite(value)) values.get(id)!.push(value);
    }
  }
  return Object.fromEntries([...values].flatMap(([id, all]) => (all.length >= resamples / 2 ? [[id, percentiles(all)]] : [])));
}
