/** Folds of cross-validation: which rows are held out each time. */
import { fail } from "../shared/errors.ts";
import { random } from "../shared/random.ts";

export interface FoldOptions {
  readonly folds: number;
  readonly repeats: number;
  readonly seed: number;
  /** Class index of each row: every fold gets its share of each class. */
  readonly strata?: ArrayLike<number>;
  /** Rows of equal numbers stay together. */
  readonly groups?: ArrayLike<number>;
}
export interface Fold {
  readonly repeat: number;
  readonly fold: number;
  /** Places in 0 .. count - 1, rising. */
  readonly train: Int32Array;
  readonly held: Int32Array;
}

/**
 * Every row is held out once in each repeat. Stratified folds differ by at most one row of a class; groups go, the largest first, to the fold with the
 * fewest rows (of their commonest class, where there are strata), as near to equal as they allow.
 * @throws BAD_PARAMETER for more folds than rows or groups
 */
export function foldsOf(count: number, { folds, repeats, seed, strata, groups }: FoldOptions): Fold[] {
  const units = groups ? new Set(Array.from(groups)).size : count;
  if (folds > units) {
    const want = `at most ${units}, the number of ${groups ? "groups" : "rows"} to learn from`;
    throw fail("BAD_PARAMETER", { where: "cross-validation", name: "folds", want, got: String(folds) });
  }
  return Array.from({ length: repeats }, (_, repeat) => {
    const order = random(seed, "folds", repeat).permutation(count);
    const foldOf = groups ? dealtGroups(order, folds, groups, strata) : dealtRows(order, folds, strata);
    return Array.from({ length: folds }, (_, fold): Fold => {
      const rows = (held: boolean) => Int32Array.from({ length: count }, (_, i) => i).filter((row) => (foldOf[row] === fold) === held);
      return { repeat, fold, train: rows(false), held: rows(true) };
    });
  }).flat();
}

/** One after the other, class by class. */
function dealtRows(order: Int32Array, folds: number, strata?: ArrayLike<number>): Int32Array {
  const foldOf = new Int32Array(order.length);
  const sorted = strata ? order.slice().sort((a, b) => strata[a]! - strata[b]!) : order; // stable: shuffled within a class
  for (const [place, row] of sorted.entries()) foldOf[row] = place % folds;
  return foldOf;
}

function dealtGroups(order: Int32Array, folds: number, groups: ArrayLike<number>, strata?: ArrayLike<number>): Int32Array {
  const members = new Map<number, number[]>();
  for (const row of order) {
    const known = members.get(groups[row]!);
    if (known) known.push(row);
    else members.set(groups[row]!, [row]);
  }
  const classes = strata ? Math.max(0, ...new Set(Array.from(strata))) + 1 : 1;
  const sizes = Array.from({ length: folds }, () => new Int32Array(classes));
  const foldOf = new Int32Array(order.length);
  for (const rows of [...members.values()].sort((a, b) => b.length - a.length)) {
    const counts = new Int32Array(classes);
    for (const row of rows) counts[strata ? strata[row]! : 0]!++;
    const commonest = counts.indexOf(Math.max(...counts));
    const total = (fold: Int32Array) => fold.reduce((a, b) => a + b, 0);
    let best = 0;
    for (let f = 1; f < folds; f++) {
      const [one, other] = [sizes[f]!, sizes[best]!];
      if (one[commonest]! < other[commonest]! || (one[commonest] === other[commonest] && total(one) < total(other))) best = f;
    }
    for (let c = 0; c < classes; c++) sizes[best]![c]! += counts[c]!;
    for (const row of rows) foldOf[row] = best;
  }
  return foldOf;
}
