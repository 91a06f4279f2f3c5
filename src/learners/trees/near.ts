/** Columns as a small subtree reads them: its rows alone, side by side, so that they stay in the cache of the processor while it grows. */
import type { Column } from "./columns.ts";

/** Of a cache of the second level that is left for codes. */
const BYTES = 786_432;
/** Fewer rows than this are not worth a copy. */
const FEW = 64;

export interface Near {
  /** Forgets what is near: a new tree begins. */
  reset(): void;
  /** The columns in which `rows` says where those of a node are: they are moved near where they fit, from then on with all nodes below it. */
  columnsFor(start: number, end: number): readonly Column[];
}

/** @param worth whether a subtree reads enough of all columns */
export function nearness(columns: readonly Column[], rows: Int32Array, worth: boolean): Near {
  const capacity = Math.floor(BYTES / columns.reduce((sum, { codes }) => sum + codes.BYTES_PER_ELEMENT, 0));
  if (!worth || capacity < FEW || rows.length <= capacity) return { reset() {}, columnsFor: () => columns };
  const near: Column[] = columns.map(({ codes, values }) => ({ codes: new (codes.constructor as Uint8ArrayConstructor)(capacity), values }));
  let from = 0;
  let to = 0;
  return {
    reset() {
      from = 0;
      to = 0;
    },
    columnsFor(start, end) {
      if (start >= from && end <= to) return near;
      if (end - start > capacity) return columns;
      for (const [f, { codes }] of columns.entries()) copy(codes, rows, start, end, near[f]!.codes);
      for (let i = start; i < end; i++) rows[i] = i - start;
      from = start;
      to = end;
      return near;
    },
  };
}

function copy(codes: Column["codes"], rows: Int32Array, start: number, end: number, to: Column["codes"]): void {
  for (let i = start; i < end; i++) to[i - start] = codes[rows[i]!]!;
}
