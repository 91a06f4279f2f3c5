/** Finds where to cut a node: draws columns, and tries the cuts of each. */
import type { Random } from "../../shared/random.ts";
import { type Column, codeAtMost, valueAt } from "./columns.ts";
import type { Criterion, Cut } from "./criteria.ts";
import type { Sorter } from "./sort.ts";

/** From this many rows on bytes are sorted by counting them. */
const SOME = 24;
/** From so many rows for each value of a column on it is quicker to fill a bin for each value than to sort. */
const ROWS_PER_VALUE = 2;

export interface Search {
  /** The best cut of the node that was searched last; its score is -Infinity where there is none. */
  readonly best: Cut & { threshold: number };
  /**
   * Draws columns without replacement until `maxFeatures` were drawn and one of them has more than one value.
   * @param columns in which `rows` says where those of the node are
   * @param known how many columns are known to have one value, from the node above, whose left side is searched with all below it before its right
   * @returns how many columns are known to have one value now
   */
  run(columns: readonly Column[], start: number, end: number, known: number): number;
}

export function searcher(
  all: readonly Column[],
  rows: Int32Array,
  criterion: Criterion,
  sorter: Sorter,
  { below, next }: Random,
  { maxFeatures, randomCuts }: { readonly maxFeatures: number; readonly randomCuts: boolean },
): Search {
  const best = { feature: 0, score: 0, last: 0, next: 0, threshold: 0 };
  const range = { low: 0, high: 0 }; // of the codes that were gathered
  const narrow = Uint8Array.from(all, ({ codes }) => Number(codes instanceof Uint8Array));
  // In order: known constants that were drawn, those that were not, newly found constants, columns not drawn, columns drawn.
  const features = Int32Array.from(all, (_, f) => f);
  const constants = new Int32Array(all.length);
  const swap = (i: number, j: number) => {
    const held = features[i]!;
    features[i] = features[j]!;
    features[j] = held;
  };

  /** Whether the column has more than one value in the node. */
  function tried(feature: number, column: Column, start: number, n: number): boolean {
    if (narrow[feature] && n >= SOME && !randomCuts) {
      const codes = column.codes as Uint8Array;
      if (n >= ROWS_PER_VALUE * column.values!.length) return criterion.cutBinned(feature, codes, column.values!.length, best);
      if (!sorter.sortBytes(codes, rows, start, n)) return false;
    } else {
      if (!gather(column.codes, rows, start, n, sorter.keys, range)) return false;
      if (randomCuts) {
        tryRandom(feature, column, n);
        return true;
      }
      sorter.sort(n);
    }
    criterion.cutSorted(feature, sorter.keys, sorter.order, n, best);
    return true;
  }

  function tryRandom(feature: number, column: Column, n: number): void {
    const { keys } = sorter;
    const [from, to] = [valueAt(column, range.low), valueAt(column, range.high)];
    const drawn = Math.fround(from + next() * (to - from));
    const threshold = drawn < to ? drawn : from;
    const before = best.score;
    criterion.cutAt(feature, keys, n, codeAtMost(column, threshold), best);
    if (best.score > before) best.threshold = threshold;
  }

  return {
    best,
    run(columns, start, end, known) {
      best.score = Number.NEGATIVE_INFINITY;
      let open = features.length; // columns from here on were drawn
      let visited = 0;
      let drawnConstants = 0;
      let found = 0; // new constants
      while (open > known + found && (visited < maxFeatures || visited <= found + drawnConstants)) {
        visited++;
        const at = drawnConstants + below(open - found - drawnConstants);
        if (at < known) swap(at, drawnConstants++);
        else {
          const feature = features[at + found]!;
          if (tried(feature, columns[feature]!, start, end - start)) swap(at + found, --open);
          else swap(at + found, known + found++);
        }
      }
      for (let i = 0; i < known; i++) features[i] = constants[i]!;
      for (let i = known; i < known + found; i++) constants[i] = features[i]!;
      if (!randomCuts && best.score > Number.NEGATIVE_INFINITY) best.threshold = between(columns[best.feature]!, best.last, best.next);
      return known + found;
    },
  };
}

/** Reads the codes of the rows of a node, and says whether they differ. */
function gather(codes: Column["codes"], rows: Int32Array, start: number, n: number, to: Uint32Array, range: { low: number; high: number }): boolean {
  let low = codes[rows[start]!]!;
  let high = low;
  for (let i = 0; i < n; i++) {
    const code = codes[rows[start + i]!]!;
    to[i] = code;
    if (code < low) low = code;
    if (code > high) high = code;
  }
  range.low = low;
  range.high = high;
  return low < high;
}

/** Halfway, as a float32 that the value on the left is at most, and that on the right is above. */
function between(column: Column, last: number, next: number): number {
  const [left, right] = [valueAt(column, last), valueAt(column, next)];
  const middle = Math.fround(left / 2 + right / 2);
  return middle < right ? middle : left;
}
