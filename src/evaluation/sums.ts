/** Neumaier's sums: as exact as numpy's pairwise ones, or more. */

export function sum(values: ArrayLike<number>): number {
  let [total, lost] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    const next = total + v;
    lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
    total = next;
  }
  return total + lost;
}

/** Each value as often as its row was drawn; undefined where none was. */
export function mean(values: Float64Array, counts: Int32Array): number | undefined {
  let [total, lost, rows] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (counts[i] === 0) continue;
    const v = values[i]! * counts[i]!;
    const next = total + v;
    lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
    total = next;
    rows += counts[i]!;
  }
  return rows ? (total + lost) / rows : undefined;
}

/** Mean squared distance from the mean; NaN where no row was drawn. */
export function variance(values: Float64Array, counts: Int32Array): number {
  const centre = mean(values, counts) ?? Number.NaN;
  return (
    mean(
      values.map((v) => (v - centre) ** 2),
      counts,
    ) ?? Number.NaN
  );
}
