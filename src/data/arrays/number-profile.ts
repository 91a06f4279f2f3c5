/** What is known of a table of numbers: gathered while its rows pass by, in memory that grows with the columns alone. */
import { type SplitName, splitNames, type Task } from "../../shared/dataset.ts";
import { type ColumnProfile, type DataWarning, type Profile, quantileShares } from "../../shared/profile.ts";
import { moments, quantile } from "../statistics.ts";
import { classWarnings, duplicateWarnings, rowWarnings } from "../warnings.ts";

/** Numbers that are kept to tell quantiles and histograms by; all of them where there are no more. */
const mostKept = 16e6;
const mostKeptRows = 50_000;
/** Rows of more tables than that are not compared with each other. */
const mostCompared = 2e6;
/** Sums by class and column that are kept at most. */
const mostSums = 16e6;
const bins = 20;
const examples = 10;
const shownRows = 20;

export interface NumberTable {
  readonly columns: readonly string[];
  readonly task: Task;
  readonly target: string;
  readonly labels: readonly string[];
  /** Of all rows, in the order in which they pass. */
  readonly targets: Int32Array | Float32Array;
  /** Place in `splitNames` of each row's split. */
  readonly splitOf: Uint8Array;
}

export class NumberProfile {
  readonly #table: NumberTable;
  readonly #width: number;
  readonly #missing: Float64Array;
  readonly #infinite: Float64Array;
  /** Sums of differences from the first value of each column, and of their squares: exact enough for large means. */
  readonly #origin: Float64Array;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #least: Float64Array;
  readonly #most: Float64Array;
  /** By class and column: sum and count; or by column: sums with the target, counted from its first value. */
  readonly #byClass: { readonly sum: Float64Array; readonly count: Float64Array } | undefined;
  readonly #products: Float64Array;
  readonly #targetSums: Float64Array;
  readonly #targetSquares: Float64Array;
  readonly #step: number;
  readonly #kept: Float32Array;
  #keptRows = 0;
  readonly #hashes: Float64Array | undefined;
  readonly #sample: Record<string, string | number | null>[] = [];
  #rows = 0;

  constructor(table: NumberTable) {
    this.#table = table;
    const rows = table.targets.length;
    const width = table.columns.length;
    const zeros = () => new Float64Array(width);
    this.#width = width;
    this.#missing = zeros();
    this.#infinite = zeros();
    this.#origin = zeros().fill(Number.NaN);
    this.#sum = zeros();
    this.#squares = zeros();
    this.#least = zeros().fill(Number.POSITIVE_INFINITY);
    this.#most = zeros().fill(Number.NEGATIVE_INFINITY);
    this.#products = zeros();
    this.#targetSums = zeros();
    this.#targetSquares = zeros();
    const sums = table.labels.length * width;
    if (table.task === "classification" && sums <= mostSums) this.#byClass = { sum: new Float64Array(sums), count: new Float64Array(sums) };
    this.#step = Math.max(1, Math.ceil(rows / Math.max(1, Math.min(mostKeptRows, Math.floor(mostKept / Math.max(1, width))))));
    this.#kept = new Float32Array(Math.ceil(rows / this.#step) * width);
    if (rows <= mostCompared) this.#hashes = new Float64Array(rows);
  }

  /** Takes rows, in order. Infinite values become missing ones. @param values [rows, columns], row-major */
  add(values: Float32Array): void {
    const { targets, labels } = this.#table;
    const width = this.#width;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let start = 0; start < values.length; start += width, this.#rows++) {
      const target = targets[this.#rows]!;
      const of = this.#byClass && target * width;
      for (let c = 0; c < width; c++) {
        const value = values[start + c]!;
        if (!Number.isFinite(value)) {
          if (!Number.isNaN(value)) this.#infinite[c]!++;
          values[start + c] = Number.NaN;
          this.#missing[c]!++;
          continue;
        }
        if (Number.isNaN(this.#origin[c]!)) this.#origin[c] = value;
        const from = value - this.#origin[c]!;
        this.#sum[c]! += from;
        this.#squares[c]! += from * from;
        if (value < this.#least[c]!) this.#least[c] = value;
        if (value > this.#most[c]!) this.#most[c] = value;
        if (of !== undefined) {
          this.#byClass!.sum[of + c]! += from;
          this.#byClass!.count[of + c]!++;
        } else if (!labels.length) {
          const above = target - targets[0]!;
          this.#products[c]! += from * above;
          this.#targetSums[c]! += above;
          this.#targetSquares[c]! += above * above;
        }
      }
      if (this.#rows % this.#step === 0) this.#kept.set(values.subarray(start, start + width), this.#keptRows++ * width);
      if (this.#hashes) this.#hashes[this.#rows] = hashOf(words, start, width, target);
      if (this.#sample.length < shownRows && this.#table.splitOf[this.#rows] === 0) this.#sample.push(this.#shown(values, start, target));
    }
  }

  #shown(values: Float32Array, start: number, target: number): Record<string, string | number | null> {
    const { columns, labels, target: name } = this.#table;
    const numbers = columns.map((column, c) => [column, Number.isNaN(values[start + c]!) ? null : values[start + c]!]);
    return { ...Object.fromEntries(numbers), [name]: labels[target] ?? target };
  }

  /** Once all rows have passed. */
  finish(): Profile {
    const { task, labels, targets, splitOf } = this.#table;
    const counted = () => ({ train: 0, validation: 0, test: 0 });
    const records = counted();
    const classes = labels.map((label) => ({ label, ...counted() }));
    for (let row = 0; row < targets.length; row++) {
      const split = splitNames[splitOf[row]!]!;
      records[split]++;
      if (task === "classification") classes[targets[row]!]![split]++;
    }
    const columns = this.#table.columns.map((name, c) => this.#column(name, c));
    const duplicates = this.#hashes && compared(this.#hashes, splitOf);
    return {
      kind: "table",
      records,
      ...(task === "classification" && { classes }),
      columns: [...columns, this.#targetColumn(classes)],
      ...(duplicates && { duplicates }),
      warnings: this.#warnings(columns, classes, duplicates),
      sample: this.#sample,
    };
  }

  #column(name: string, c: number): ColumnProfile {
    const count = this.#rows - this.#missing[c]!;
    const kept = new Float32Array(this.#keptRows);
    let n = 0;
    for (let row = 0; row < this.#keptRows; row++) {
      const value = this.#kept[row * this.#width + c]!;
      if (!Number.isNaN(value)) kept[n++] = value;
    }
    const sorted = kept.subarray(0, n).sort();
    const mean = this.#sum[c]! / count;
    const variance = Math.max(0, this.#squares[c]! / count - mean * mean);
    const association = count > 0 && variance > 0 ? this.#association(c, count, mean, variance) : undefined;
    return {
      ...common(name, "feature", this.#missing[c]!, sorted),
      ...(count > 0 && {
        mean: this.#origin[c]! + mean,
        deviation: Math.sqrt(variance),
        quantiles: quantiles(sorted, this.#least[c]!, this.#most[c]!),
        histogram: histogram(sorted, this.#least[c]!, this.#most[c]!, count),
      }),
      ...(association && { association }),
    };
  }

  /** The correlation ratio (between-class share of the variance, as a root), or |Pearson's r|. */
  #association(c: number, count: number, mean: number, variance: number): ColumnProfile["association"] {
    if (this.#byClass) {
      let between = 0;
      for (let at = c; at < this.#byClass.sum.length; at += this.#width) {
        const members = this.#byClass.count[at]!;
        if (members > 0) between += members * (this.#byClass.sum[at]! / members - mean) ** 2;
      }
      return { measure: "correlation_ratio", value: Math.min(1, Math.sqrt(between / (count * variance))) };
    }
    if (this.#table.task === "classification") return undefined;
    const targetMean = this.#targetSums[c]! / count;
    const targetVariance = this.#targetSquares[c]! / count - targetMean ** 2;
    if (targetVariance <= 0) return undefined;
    const covariance = this.#products[c]! / count - mean * targetMean;
    return { measure: "pearson", value: Math.min(1, Math.abs(covariance) / Math.sqrt(variance * targetVariance)) };
  }

  #targetColumn(classes: readonly { label: string; train: number; validation: number; test: number }[]): ColumnProfile {
    const { target, targets, task } = this.#table;
    if (task === "classification") {
      const top = classes
        .map(({ label, train, validation, test }) => ({ value: label, count: train + validation + test }))
        .sort((a, b) => b.count - a.count)
        .slice(0, bins);
      const distinct = classes.filter(({ train, validation, test }) => train + validation + test > 0).length;
      return { name: target, type: "category", role: "target", missing: 0, distinct, top };
    }
    const sorted = Float32Array.from(targets).sort();
    const [least, most] = [sorted[0]!, sorted.at(-1)!];
    return {
      ...common(target, "target", 0, sorted),
      ...moments(sorted),
      quantiles: quantiles(sorted, least, most),
      histogram: histogram(sorted, least, most, sorted.length),
    };
  }

  #warnings(columns: readonly ColumnProfile[], classes: NonNullable<Profile["classes"]>, duplicates: Profile["duplicates"]): DataWarning[] {
    const warnings: DataWarning[] = [];
    const tell = (code: DataWarning["code"], message: string, fix: string, named?: readonly ColumnProfile[]) =>
      warnings.push({ code, message, fix, ...(named && { columns: named.map(({ name }) => name) }) });
    const some = (named: readonly ColumnProfile[]) => `${named.length} column${named.length > 1 ? "s" : ""} (${list(named)})`;
    const rows = this.#rows;
    const holey = columns.filter(({ missing }) => missing > 0);
    if (holey.length) tell("missing", `${some(holey)} lack values`, "Impute them: the preprocessing step fills them in the model, too.", holey);
    const infinite = columns.filter((_, c) => this.#infinite[c]! > 0);
    if (infinite.length) tell("missing", `${some(infinite)} had infinite values, which count as missing`, "See where they come from.", infinite);
    const constant = columns.filter(({ quantiles, missing }) => missing === rows || (quantiles && quantiles[0] === quantiles.at(-1)));
    if (constant.length) tell("constant", `${some(constant)} never change`, "Drop them: they tell nothing.", constant);
    const telling = columns.filter(({ association }) => association && association.value > 0.99);
    if (telling.length)
      tell("target_leakage", `${some(telling)} tell the target nearly by themselves`, "Make sure that they are known before the target is.", telling);
    return [
      ...rowWarnings(rows),
      ...(classes.length ? classWarnings(classes) : []),
      ...(duplicates ? duplicateWarnings(duplicates, rows) : []),
      ...warnings,
    ];
  }
}

const list = (columns: readonly ColumnProfile[]): string =>
  columns
    .slice(0, 5)
    .map(({ name }) => name)
    .join(", ")
    .concat(columns.length > 5 ? ", …" : "");

/** `distinct` is counted among the sorted values, which are a sample where rows are many. */
function common(name: string, role: ColumnProfile["role"], missing: number, sorted: Float32Array) {
  let distinct = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) distinct++;
  return { name, type: "number" as const, role, missing, distinct };
}

/** The ends are those of all values, where the others are of a sample. */
const quantiles = (sorted: Float32Array, least: number, most: number): number[] =>
  quantileShares.map((share) => (share === 0 ? least : share === 1 ? most : quantile(sorted, share)));

/** Counts between equal steps; those of a sample are scaled up to all values. */
function histogram(sorted: Float32Array, least: number, most: number, count: number): { edges: number[]; counts: number[] } {
  if (least === most) return { edges: [least, most], counts: [count] };
  const counts = new Array<number>(bins).fill(0);
  for (const value of sorted) counts[Math.min(bins - 1, Math.floor(((value - least) / (most - least)) * bins))]!++;
  return {
    edges: Array.from({ length: bins + 1 }, (_, i) => least + ((most - least) * i) / bins),
    counts: counts.map((n) => Math.round((n * count) / sorted.length)),
  };
}

/** 53 bits of a row and its target: rows of equal hash are taken for equal. FNV-1a, twice. */
function hashOf(words: Uint32Array, start: number, width: number, target: number): number {
  let [a, b] = [0x811c9dc5, 0x01000193 ^ target];
  for (let i = start; i < start + width; i++) {
    a = Math.imul(a ^ words[i]!, 0x01000193);
    b = Math.imul(b ^ ((words[i]! << 13) | (words[i]! >>> 19)), 0x85ebca6b);
    b ^= b >>> 15;
  }
  a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

/** Rows that are like an earlier one; training comes first, so that copies of its rows elsewhere are told. */
function compared(hashes: Float64Array, splitOf: Uint8Array): NonNullable<Profile["duplicates"]> {
  const first = new Map<number, { split: SplitName; row: number }>();
  const found: NonNullable<Profile["duplicates"]> = { exact: 0, acrossSplits: 0, examples: [] };
  for (const [place, split] of splitNames.entries())
    for (let i = 0, row = 0; i < hashes.length; i++) {
      if (splitOf[i] !== place) continue;
      const like = first.get(hashes[i]!);
      if (!like) first.set(hashes[i]!, { split, row });
      else {
        found.exact++;
        if (split !== "train" && like.split === "train") found.acrossSplits++;
        if (found.examples.length < examples) found.examples.push({ split, row, like, exact: true });
      }
      row++;
    }
  return found;
}
