/** What steps learn from the numbers of a column, computed in float64; missing values (NaN) do not count. */

/** The values that are there, ascending. Sorts in place. */
export function present(data: Float32Array): Float32Array {
  data.sort(); // NaN last
  let end = data.length;
  while (end > 0 && Number.isNaN(data[end - 1])) end--;
  return data.subarray(0, end);
}

/** @param sorted without NaN, not empty */
export function moments(sorted: Float32Array): { mean: number; deviation: number } {
  const n = sorted.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += sorted[i]!;
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (sorted[i]! - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / n) };
}

/** The value at a share, between neighbours in a straight line, as numpy.quantile has it. @param sorted without NaN, not empty */
export function quantile(sorted: Float32Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  const t = at - Math.floor(at);
  return t < 0.5 ? below + (above - below) * t : above - (above - below) * (1 - t);
}

/** The most frequent value, the least of equals. @param sorted without NaN, not empty */
export function mode(sorted: Float32Array): number {
  let [best, most] = [sorted[0]!, 0];
  for (let start = 0, i = 1; i <= sorted.length; i++) {
    if (i < sorted.length && sorted[i] === sorted[start]) continue;
    if (i - start > most) [best, most] = [sorted[start]!, i - start];
    start = i;
  }
  return best;
}
