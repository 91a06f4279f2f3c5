/** What steps learn from the numbers of a column, computed in float64; missing values (NaN) do not count. */

/** The values that are there, moved to the front of their array. */
export function present(data: Float32Array): Float32Array {
  let end = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isNaN(value)) data[end++] = value;
  }
  return data.subarray(0, end);
}

/** Of values without NaN, of which there are some. */
export function range(values: Float32Array): { least: number; greatest: number } {
  let [least, greatest] = [values[0]!, values[0]!];
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    if (value < least) least = value;
    else if (value > greatest) greatest = value;
  }
  return { least, greatest };
}

/** Of values without NaN, of which there are some. */
export function moments(values: Float32Array): { mean: number; deviation: number } {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]!;
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / n) };
}

/**
 * The value at a share, between neighbours in a straight line, as numpy.quantile has it.
 * @param values without NaN, not empty; they are put in another order
 */
export function quantile(values: Float32Array, share: number): number {
  const at = share * (values.length - 1);
  const [k, t] = [Math.floor(at), at - Math.floor(at)];
  const below = select(values, k);
  if (t === 0) return below;
  const above = range(values.subarray(k + 1)).least;
  return t < 0.5 ? below + (above - below) * t : above - (above - below) * (1 - t);
}

/** The value that would be at place k if they were sorted: then none before it is greater and none after it less. C. A. R. Hoare, Algorithm 65: Find. */
function select(values: Float32Array, k: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const [a, b, c] = [values[low]!, values[(low + high) >>> 1]!, values[high]!];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c)); // the middle one of three
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k]!;
}

/** The most frequent value, the least of equals. @param values without NaN, not empty; they are sorted */
export function mode(values: Float32Array): number {
  values.sort();
  let [best, most] = [values[0]!, 0];
  for (let start = 0, i = 1; i <= values.length; i++) {
    if (i < values.length && values[i] === values[start]) continue;
    if (i - start > most) [best, most] = [values[start]!, i - start];
    start = i;
  }
  return best;
}
