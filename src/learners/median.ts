/** Medians, as scikit-learn's: what a constant that is off by the least amounts to. */

/**
 * The middle value, the mean of the two where there are two. With weights: the first value, in order, up to which at least half of the weight is.
 * @returns NaN of nothing, or where every weight is 0
 */
export function median(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  if (weights) return weightedMedian(values, weights);
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function weightedMedian(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i)
    .filter((i) => weights[i]! > 0)
    .sort((a, b) => values[a]! - values[b]!);
  const total = order.reduce((sum, i) => sum + weights[i]!, 0);
  let below = 0;
  for (const i of order) {
    below += weights[i]!;
    if (below >= total / 2) return values[i]!;
  }
  return Number.NaN;
}
