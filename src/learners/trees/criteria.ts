/**
 * What makes a split good: impurities of nodes, and the best cut of one column.
 * Where a node of weight W is cut into left (l) and right (r), what is left of its impurity is lowest where the score is highest:
 *   gini            1 - Σ p²                 score  Σ l²/L + Σ r²/R          l, r: weight of each class; L, R: of all
 *   entropy         -Σ p log2 p              score  Σ l log2(l/L) + Σ r log2(r/R)
 *   squared error   Σ w (y - mean)² / W      score  (Σ w y)²/L + (Σ w y)²/R
 */

/** The rows that a tree learns from, those of a node side by side. */
export interface Sample {
  /** How many there are. */
  size: number;
  readonly rows: Int32Array;
  readonly weights: Float64Array;
  /** Class indices, or values. */
  readonly targets: Float64Array | Int32Array;
}

/** What both sides of a cut must hold. */
export interface Limits {
  rows: number;
  weight: number;
}

/** The best cut so far of a node. */
export interface Cut {
  feature: number;
  score: number;
  /** Rows with a code up to this go left. */
  last: number;
  /** The smallest code that goes right. */
  next: number;
}

/** Targets of one kind. The node that was entered last is the one that is cut. */
export interface Criterion {
  /** Of the node: the sum of its weights, and its impurity. */
  weight: number;
  impurity: number;
  enter(start: number, end: number): void;
  /** Tries every cut between n sorted codes of a feature. @param order which row of the node has each */
  cutSorted(feature: number, codes: Uint32Array, order: Int32Array, n: number, best: Cut): void;
  /** Tries every cut of a feature with few values, and says whether it has more than one in the node. @param codes of all rows */
  cutBinned(feature: number, codes: Uint8Array, values: number, best: Cut): boolean;
  /** Tries one cut: the rows of the node whose code is at most `last` go left. */
  cutAt(feature: number, codes: Uint32Array, n: number, last: number, best: Cut): void;
  /** What a leaf says: each class that it has and its share, or the mean. */
  leaf(start: number, end: number, say: (output: number, value: number) => void): void;
}

function keep(best: Cut, feature: number, score: number, last: number, next: number): void {
  best.feature = feature;
  best.score = score;
  best.last = last;
  best.next = next;
}

const logs = (sum: number): number => (sum > 0 ? sum * Math.log2(sum) : 0);

export function classCriterion({ rows, weights, targets }: Sample, classes: number, entropy: boolean, limits: Limits): Criterion {
  const [total, left] = [new Float64Array(classes), new Float64Array(classes)];
  const [sums, counts] = [new Float64Array(256 * classes), new Int32Array(256)]; // of each code
  const sides = new Float64Array(2 * classes);
  const present = new Int32Array(classes); // classes that the node has
  let [first, size, there, squares] = [0, 0, 0, 0]; // of the node: its place, how many are present, Σ total²

  /** @param l Σ left² @param r Σ right² @param L the weight on the left */
  function score(l: number, r: number, L: number): number {
    const R = criterion.weight - L;
    if (!entropy) return l / L + r / R;
    let inLeft = 0;
    let inRight = 0;
    for (let p = 0; p < there; p++) {
      const c = present[p]!;
      inLeft += logs(left[c]!);
      inRight += logs(total[c]! - left[c]!);
    }
    return inLeft - logs(L) + (inRight - logs(R));
  }

  function fill(codes: Uint8Array): void {
    for (let i = first; i < first + size; i++) {
      const code = codes[rows[i]!]!;
      counts[code]!++;
      sums[code * classes + targets[i]!]! += weights[i]!;
    }
  }

  const criterion: Criterion = {
    weight: 0,
    impurity: 0,

    enter(start, end) {
      total.fill(0);
      for (let i = start; i < end; i++) total[targets[i]!]! += weights[i]!;
      let W = 0;
      let inLogs = 0;
      squares = 0;
      there = 0;
      for (let c = 0; c < classes; c++) {
        if (total[c]! > 0) present[there++] = c;
        W += total[c]!;
        squares += total[c]! * total[c]!;
        if (entropy) inLogs += logs(total[c]!);
      }
      [first, size] = [start, end - start];
      criterion.weight = W;
      criterion.impurity = Math.max(entropy ? (logs(W) - inLogs) / W : 1 - squares / (W * W), 0);
    },

    cutSorted(feature, codes, order, n, best) {
      const W = criterion.weight;
      let l = 0;
      let r = squares;
      let L = 0;
      left.fill(0);
      for (let j = 0; ; ) {
        const code = codes[j]!;
        for (; j < n && codes[j] === code; j++) {
          const i = first + order[j]!;
          const w = weights[i]!;
          const c = targets[i]!;
          const before = left[c]!;
          l += w * (2 * before + w);
          r += w * (w - 2 * (total[c]! - before));
          left[c] = before + w;
          L += w;
        }
        if (j >= n) return;
        if (j < limits.rows || n - j < limits.rows || L < limits.weight || W - L < limits.weight) continue;
        const found = score(l, r, L);
        if (found > best.score) keep(best, feature, found, code, codes[j]!);
      }
    },

    cutBinned(feature, codes, values, best) {
      fill(codes);
      const W = criterion.weight;
      let l = 0;
      let r = squares;
      let L = 0;
      let n = 0;
      let last = 0;
      let bins = 0;
      left.fill(0);
      for (let code = 0; code < values; code++) {
        if (!counts[code]) continue;
        if (bins++ && n >= limits.rows && size - n >= limits.rows && L >= limits.weight && W - L >= limits.weight) {
          const found = score(l, r, L);
          if (found > best.score) keep(best, feature, found, last, code);
        }
        for (let p = 0; p < there; p++) {
          const c = present[p]!;
          const at = code * classes + c;
          const w = sums[at]!;
          if (w === 0) continue;
          const before = left[c]!;
          l += w * (2 * before + w);
          r += w * (w - 2 * (total[c]! - before));
          left[c] = before + w;
          L += w;
          sums[at] = 0;
        }
        n += counts[code]!;
        counts[code] = 0;
        last = code;
      }
      return bins > 1;
    },

    cutAt(feature, codes, n, last, best) {
      sides.fill(0);
      let onRight = 0;
      for (let j = 0; j < n; j++) {
        const side = Number(codes[j]! > last); // counted rather than branched on: it is as good as random
        sides[side * classes + targets[first + j]!]! += weights[first + j]!;
        onRight += side;
      }
      if (onRight < limits.rows || n - onRight < limits.rows) return;
      let L = 0;
      let l = 0;
      let r = 0;
      for (let p = 0; p < there; p++) {
        const c = present[p]!;
        const w = sides[c]!;
        left[c] = w;
        L += w;
        l += w * w;
        r += (total[c]! - w) ** 2;
      }
      if (L < limits.weight || criterion.weight - L < limits.weight) return;
      const found = score(l, r, L);
      if (found > best.score) keep(best, feature, found, last, last);
    },

    leaf(start, end, say) {
      criterion.enter(start, end);
      for (let c = 0; c < classes; c++) if (total[c]! > 0) say(c, total[c]! / criterion.weight);
    },
  };
  return criterion;
}

export function numberCriterion({ rows, weights, targets }: Sample, limits: Limits): Criterion {
  const [bins, sums, counts] = [new Float64Array(256), new Float64Array(256), new Int32Array(256)]; // Σ w, Σ w y, rows of each code
  let [first, size, sum] = [0, 0, 0]; // of the node; sum: Σ w y

  function fill(codes: Uint8Array): void {
    for (let i = first; i < first + size; i++) {
      const code = codes[rows[i]!]!;
      counts[code]!++;
      bins[code]! += weights[i]!;
      sums[code]! += weights[i]! * targets[i]!;
    }
  }

  const criterion: Criterion = {
    weight: 0,
    impurity: 0,

    enter(start, end) {
      let W = 0;
      let squares = 0;
      sum = 0;
      for (let i = start; i < end; i++) {
        W += weights[i]!;
        sum += weights[i]! * targets[i]!;
      }
      const mean = sum / W;
      for (let i = start; i < end; i++) squares += weights[i]! * (targets[i]! - mean) ** 2;
      [first, size] = [start, end - start];
      criterion.weight = W;
      criterion.impurity = squares / W;
    },

    cutSorted(feature, codes, order, n, best) {
      const W = criterion.weight;
      let l = 0;
      let L = 0; // Σ w y and Σ w on the left
      for (let j = 0; ; ) {
        const code = codes[j]!;
        for (; j < n && codes[j] === code; j++) {
          const i = first + order[j]!;
          l += weights[i]! * targets[i]!;
          L += weights[i]!;
        }
        if (j >= n) return;
        if (j < limits.rows || n - j < limits.rows || L < limits.weight || W - L < limits.weight) continue;
        const found = (l * l) / L + (sum - l) ** 2 / (W - L);
        if (found > best.score) keep(best, feature, found, code, codes[j]!);
      }
    },

    cutBinned(feature, codes, values, best) {
      fill(codes);
      const W = criterion.weight;
      let l = 0;
      let L = 0;
      let n = 0;
      let last = 0;
      let seen = 0;
      for (let code = 0; code < values; code++) {
        if (!counts[code]) continue;
        if (seen++ && n >= limits.rows && size - n >= limits.rows && L >= limits.weight && W - L >= limits.weight) {
          const found = (l * l) / L + (sum - l) ** 2 / (W - L);
          if (found > best.score) keep(best, feature, found, last, code);
        }
        l += sums[code]!;
        L += bins[code]!;
        n += counts[code]!;
        last = code;
        bins[code] = 0;
        sums[code] = 0;
        counts[code] = 0;
      }
      return seen > 1;
    },

    cutAt(feature, codes, n, last, best) {
      const W = criterion.weight;
      let l = 0;
      let L = 0;
      let inLeft = 0;
      for (let j = 0; j < n; j++)
        if (codes[j]! <= last) {
          l += weights[first + j]! * targets[first + j]!;
          L += weights[first + j]!;
          inLeft++;
        }
      if (inLeft < limits.rows || n - inLeft < limits.rows || L < limits.weight || W - L < limits.weight) return;
      const found = (l * l) / L + (sum - l) ** 2 / (W - L);
      if (found > best.score) keep(best, feature, found, last, last);
    },

    leaf(start, end, say) {
      criterion.enter(start, end);
      say(0, sum / criterion.weight);
    },
  };
  return criterion;
}
