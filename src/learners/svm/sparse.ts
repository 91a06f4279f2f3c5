/** Rows without their zeros: of one-hot columns most are. */
import { setImmediate } from "node:timers/promises";

/** The entries of row r are from starts[r] to starts[r + 1]. In memory that threads share. */
export interface SparseRows {
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/** Where less than this is not zero, going through columns pays. */
const SPARSE = 0.25;
/** Values between two breaths of the thread, a few hundredths of a second. */
const SLICE = 1 << 23;

/** @returns undefined where most values are not zero */
export async function sparse(dense: Float32Array, count: number, features: number): Promise<SparseRows | undefined> {
  const starts = new Int32Array(new SharedArrayBuffer(4 * (count + 1)));
  const rows = Math.max(1, Math.floor(SLICE / features));
  let total = 0;
  for (let r = 0; r < count; r++) {
    if (r % rows === 0) await setImmediate();
    for (let at = r * features, end = at + features; at < end; at++) total += Number(dense[at] !== 0);
    if (total > SPARSE * count * features) return undefined;
    starts[r + 1] = total;
  }
  const columns = new Int32Array(new SharedArrayBuffer(4 * total));
  const values = new Float32Array(new SharedArrayBuffer(4 * total));
  for (let r = 0, to = 0; r < count; r++) {
    if (r % rows === 0) await setImmediate();
    for (let f = 0; f < features; f++) {
      const value = dense[r * features + f]!;
      if (value === 0) continue;
      columns[to] = f;
      values[to++] = value;
    }
  }
  return { starts, columns, values };
}
