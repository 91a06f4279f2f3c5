/** Rows in the order of a class's scores, and the areas under the curves that this order draws. Sorted once, walked for each resample. */

export interface Ranking {
  /** Rows from the highest score down, [count]. */
  readonly order: Int32Array;
  /** By place in the order: 1 where the row is of the class. */
  readonly hits: Uint8Array;
  /** By place in the order: 1 where the next score is lower, or there is none. */
  readonly ends: Uint8Array;
}

/** @param outputs finite numbers, [count, classes] */
export function rankingOf(outputs: Float32Array, classes: number, c: number, targets: Int32Array): Ranking {
  const scores = new Float32Array(targets.length);
  for (let row = 0; row < scores.length; row++) scores[row] = outputs[row * classes + c]!;
  const order = descending(scores);
  const [hits, ends] = [new Uint8Array(order.length), new Uint8Array(order.length)];
  for (let i = 0; i < order.length; i++) {
    hits[i] = Number(targets[order[i]!] === c);
    ends[i] = Number(i === order.length - 1 || scores[order[i]!] !== scores[order[i + 1]!]);
  }
  return { order, hits, ends };
}

/** Sorts words that have the row below and the bits of its score above: V8 sorts them natively, without a call for each comparison. */
function descending(scores: Float32Array): Int32Array {
  const words = new BigUint64Array(scores.length);
  const halves = new Uint32Array(words.buffer);
  const bits = new Int32Array(scores.buffer);
  for (let row = 0; row < scores.length; row++) {
    halves[2 * row] = row;
    // A positive float32 falls as its bits do if they are flipped, but for the sign; a negative one as they are.
    halves[2 * row + 1] = bits[row]! < 0 ? bits[row]! : bits[row]! ^ 0x7fffffff;
  }
  words.sort();
  return Int32Array.from({ length: scores.length }, (_, i) => halves[2 * i]!);
}

/** Walks the rows from the highest score down, told after each group of equal scores of which a row was drawn. */
export function sweep({ order, hits, ends }: Ranking, counts: Int32Array, visit: (positives: number, negatives: number) => void): void {
  let [positives, seen, told] = [0, 0, 0];
  for (let i = 0; i < order.length; i++) {
    const count = counts[order[i]!]!;
    positives += count * hits[i]!;
    seen += count;
    if (ends[i] === 0 || seen === told) continue;
    visit(positives, seen - positives);
    told = seen;
  }
}

export interface Areas {
  /** Chance that a row of the class has the higher score, of equal ones half; undefined unless there are rows of the class and others. */
  readonly roc?: number;
  /** Average precision: precision at each score times the recall that it adds; undefined without rows of the class. */
  readonly pr?: number;
}

/** As `sweep` would tell them; a resample of many costs no more than this loop. */
export function areasOf({ order, hits, ends }: Ranking, counts: Int32Array): Areas {
  let [positives, seen, tp, fp, roc, pr] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < order.length; i++) {
    const count = counts[order[i]!]!;
    positives += count * hits[i]!;
    seen += count;
    if (ends[i] === 0) continue;
    const negatives = seen - positives;
    roc += (negatives - fp) * (positives + tp);
    if (positives !== tp) pr += ((positives - tp) * positives) / seen;
    tp = positives;
    fp = negatives;
  }
  return { ...(tp && fp && { roc: roc / (2 * tp * fp) }), ...(tp && { pr: pr / tp }) };
}
