/** What is known of a table: statistics of every column over all splits, computed by DuckDB in few passes. */
import { splitNames } from "../../shared/dataset.ts";
import { type ColumnProfile, type DataWarning, type Profile, quantileShares } from "../../shared/profile.ts";
import { classWarnings, duplicateWarnings, rowWarnings } from "../warnings.ts";
import type { Chosen, Feature } from "./columns.ts";
import type { Duck } from "./duck.ts";
import type { Loaded } from "./load.ts";
import { type Shape, shapesOf } from "./quantiles.ts";

/**
 * From so many rows on numbers are described from the tensors, in float32, their distinct values estimated; and quantiles of
 * dates are estimated by t-digest (Dunning, Ertl 2019), within a percent.
 */
const EXACT_ROWS = 200_000;
/** From so many rows on distinct dates and texts are estimated as well, within some tenths. */
const EXACT_DISTINCT_ROWS = 5_000_000;
const BINS = 30;
const TOP = 20;
const SAMPLE_ROWS = 20;
/** A column that tells so much of the target by itself knows it already. */
const LEAKING = 0.98;
const MUCH_MISSING = 0.5;
/** Of the rows, that have a value of their own where it is an id. */
const MOSTLY = 0.95;

/** A column as SQL sees it: numbers as they are, dates as seconds. */
interface Measured {
  readonly name: string;
  readonly type: ColumnProfile["type"];
  readonly role: ColumnProfile["role"];
  readonly at: string;
  readonly value: string;
  /** Of categories how many there are. */
  readonly values?: number;
}

const measured = ({ name, type, at, values }: Pick<Feature, "name" | "type" | "at" | "values">, role: Measured["role"] = "feature"): Measured => ({
  ...(values && { values: values.length }),
  name,
  type,
  role,
  at,
  value: type === "date" ? `epoch(${at})` : at,
});
const isNumber = ({ type }: Measured): boolean => type === "number" || type === "date";

/** What is known before the files are written, and how to know the rest. */
export interface KnownOfTable {
  /** @param passes over a tensor of all splits */
  complete(passes: (tensor: "numbers" | "targets") => AsyncIterable<Float32Array>): Promise<Profile>;
}

/** @param rows what stands behind FROM: the table with the column `part` */
export async function profileTable(duck: Duck, rows: string, loaded: Loaded, chosen: Chosen, counts: readonly number[]): Promise<KnownOfTable> {
  const { target, task, features } = chosen;
  const total = counts.reduce((sum, n) => sum + n, 0);
  const many = total > EXACT_ROWS;
  const goal = measured(
    {
      name: target.name,
      type: task === "regression" ? "number" : "category",
      at: target.at,
      ...(task === "classification" && { values: chosen.labels }),
    },
    "target",
  );
  const columns = [...features.map((feature) => measured(feature)), goal];
  /** Of many numbers the shapes come from the tensors. */
  const fromTensors = ({ type }: Measured) => many && type === "number";
  const basics = await basicsOf(duck, columns, total, fromTensors);
  const histograms = await histogramsOf(
    duck,
    columns.filter((column) => isNumber(column) && !fromTensors(column)),
    basics,
  );
  const associations = await associationsOf(duck, columns, goal, task);
  const tops = new Map<string, ColumnProfile["top"]>();
  for (const column of columns)
    if (!isNumber(column))
      tops.set(
        column.name,
        many && basics.get(column.name)!.distinct > total / 2 ? [] : await topOf(duck, column, column.role === "target" && target.kind === "number"),
      );
  const classes = task === "classification" ? await classesOf(duck, rows, chosen) : undefined;
  const duplicates = await duplicatesOf(duck, rows, loaded);
  const numbered = await counting(duck, columns, basics, total);
  const sample = await sampleOf(duck, rows, columns);

  return {
    async complete(passes) {
      const shapes = new Map<string, Shape>();
      for (const [tensor, role] of [
        ["numbers", "feature"],
        ["targets", "target"],
      ] as const) {
        const those = columns.filter((column) => fromTensors(column) && column.role === role);
        if (!those.length) continue;
        const ends = those.map(({ name }) => basics.get(name)!.ends);
        const found = await shapesOf(() => passes(tensor), those.length, ends, BINS);
        for (const [i, { name }] of those.entries()) shapes.set(name, found[i]!);
      }
      const profiles = columns.map((column): ColumnProfile => {
        const { name, type, role } = column;
        const { missing, mean, deviation, ends, ...exact } = basics.get(name)!;
        const shape = shapes.get(name);
        const association = associations.get(name);
        const head = { name, type, role, missing, distinct: shape?.distinct ?? exact.distinct, ...(association && { association }) };
        if (!isNumber(column)) return { ...head, top: tops.get(name)! };
        const quantiles = shape ? [...shape.quantiles] : exact.quantiles;
        const histogram = shape ? { edges: edgesOf(ends), counts: [...shape.counts] } : histograms.get(name);
        return { ...head, mean, deviation, quantiles, histogram };
      });
      return {
        kind: "table",
        records: { train: counts[0]!, validation: counts[1]!, test: counts[2]! },
        ...(classes && { classes }),
        columns: profiles,
        duplicates,
        warnings: [
          ...rowWarnings(total),
          ...(classes ? classWarnings(classes) : []),
          ...duplicateWarnings(duplicates, total),
          ...chosen.warnings,
          ...columnWarnings(profiles, total, numbered),
        ],
        sample,
      };
    },
  };
}

interface Basics extends Pick<ColumnProfile, "missing" | "distinct" | "mean" | "deviation" | "quantiles"> {
  /** Of numbers: the least and the greatest. */
  readonly ends?: readonly [number, number];
}

/**
 * One pass over all columns.
 * @param without columns whose quantiles and distinct values are not wanted
 */
async function basicsOf(
  duck: Duck,
  columns: readonly Measured[],
  total: number,
  without: (column: Measured) => boolean,
): Promise<ReadonlyMap<string, Basics>> {
  const shares = `[${quantileShares.join(", ")}]`;
  const facts = columns.map((column) => {
    const { at, value, values } = column;
    const counted = total > EXACT_DISTINCT_ROWS ? `approx_count_distinct(${at})` : `count(DISTINCT ${at})`;
    const distinct = without(column) ? 0 : (values ?? counted);
    const quantiles = without(column) ? "NULL" : `${total > EXACT_ROWS ? "approx_quantile" : "quantile_cont"}(${value}, ${shares})`;
    const rest = isNumber(column)
      ? [`avg(${value})`, `stddev_pop(${value})`, `min(${value})`, `max(${value})`, quantiles]
      : ["NULL", "NULL", "NULL", "NULL", "NULL"];
    return [`count(*) - count(${at})`, distinct, ...rest].join(", ");
  });
  const row = await duck.facts(facts, "rows");
  return new Map(
    columns.map(({ name }, i) => {
      const [missing, distinct, mean, deviation, least, most, quantiles] = row.slice(7 * i, 7 * i + 7);
      const list = (quantiles as readonly unknown[] | null)?.map(Number);
      // Estimates may miss the ends, which are known.
      if (list) [list[0], list[list.length - 1]] = [Number(least), Number(most)];
      return [
        name,
        {
          missing: Number(missing),
          distinct: Number(distinct),
          ...(mean !== null && { mean: Number(mean), deviation: Number(deviation), ends: [Number(least), Number(most)] as const }),
          ...(list && { quantiles: list }),
        },
      ];
    }),
  );
}

/** Of equal steps; one step where there is one value. */
function edgesOf([least, most]: readonly [number, number] = [0, 0]): number[] {
  const bins = most > least ? BINS : 1;
  return Array.from({ length: bins + 1 }, (_, e) => (e === bins ? most : least + e * ((most - least) / bins)));
}

/** A second pass, as the ends must be known. */
async function histogramsOf(
  duck: Duck,
  columns: readonly Measured[],
  basics: ReadonlyMap<string, Basics>,
): Promise<ReadonlyMap<string, NonNullable<ColumnProfile["histogram"]>>> {
  if (!columns.length) return new Map();
  const bin = ({ name, value }: Measured) => {
    const [least, most] = basics.get(name)!.ends ?? [0, 0];
    if (most <= least) return `CASE WHEN ${value} IS NULL THEN NULL ELSE 0 END::TINYINT`;
    // What is next to an edge is on the side that the edge, rounded, says.
    const edge = (e: string) => `${least}::DOUBLE + ${e} * ${(most - least) / BINS}::DOUBLE`;
    const near = `floor((${value} - ${least}::DOUBLE) * ${BINS} / ${most - least}::DOUBLE)`;
    return `least(${BINS - 1}, ${near} - (${value} < ${edge(near)})::TINYINT + (${value} >= ${edge(`(${near} + 1)`)})::TINYINT)::TINYINT`;
  };
  const row = await duck.facts(
    columns.map((column) => `histogram(${bin(column)})`),
    "rows",
  );
  return new Map(
    columns.map(({ name }, i) => {
      const edges = edgesOf(basics.get(name)!.ends);
      const counts = new Array<number>(edges.length - 1).fill(0);
      for (const { key, value } of entriesOf(row[i])) counts[Number(key)] = Number(value);
      return [name, { edges, counts }];
    }),
  );
}

/** A MAP as the package gives it. */
const entriesOf = (map: unknown): readonly { key: unknown; value: unknown }[] => (map as readonly { key: unknown; value: unknown }[] | null) ?? [];

/** @param numeric whether the values are numbers, which are then written as the labels are */
async function topOf(duck: Duck, { at }: Measured, numeric: boolean): Promise<NonNullable<ColumnProfile["top"]>> {
  const found = await duck.rows(
    `SELECT ${at}::VARCHAR, count(*) AS n FROM rows WHERE ${at} IS NOT NULL GROUP BY ${at} ORDER BY n DESC, ${at} LIMIT ${TOP}`,
  );
  return found.map(([value, count]) => ({ value: String(numeric ? Number(value) : value), count: Number(count) }));
}

type Association = NonNullable<ColumnProfile["association"]>;

/**
 * How much each column tells of the target by itself:
 * - numbers of a number: |r| of Pearson;
 * - numbers of classes, or categories of a number: the correlation ratio, sqrt(1 - within / total), of sums of squares (Pearson 1905);
 * - categories of classes: Cramér's V, sqrt(chi² / (n min(rows - 1, columns - 1))) (Cramér 1946).
 */
async function associationsOf(
  duck: Duck,
  columns: readonly Measured[],
  goal: Measured,
  task: Chosen["task"],
): Promise<ReadonlyMap<string, Association>> {
  const found = new Map<string, Association>();
  const features = columns.filter(({ role, type }) => role === "feature" && type !== "text");
  const note = (name: string, measure: Association["measure"], value: unknown) => {
    const number = Number(value);
    if (value !== null && Number.isFinite(number)) found.set(name, { measure, value: Math.min(1, Math.max(0, number)) });
  };
  const numbers = features.filter(isNumber);
  const categories = features.filter((column) => !isNumber(column));
  if (task === "regression" && numbers.length) {
    const row = await duck.facts(
      numbers.map(({ value }) => `abs(corr(${value}, ${goal.at}))`),
      "rows",
    );
    for (const [i, { name }] of numbers.entries()) note(name, "pearson", row[i]);
  }
  // Of each class: how many, their mean, and their squares about it.
  if (task === "classification" && numbers.length) {
    const each = numbers.map(({ value }, i) => `count(${value}) AS n${i}, avg(${value}) AS m${i}, var_pop(${value}) AS v${i}`);
    const ratio = (_: unknown, i: number) =>
      `sqrt(1 - least(1, sum(n${i} * v${i}) / nullif(sum(n${i} * v${i}) + sum(n${i} * m${i} * m${i}) - pow(sum(n${i} * m${i}), 2) / sum(n${i}), 0)))`;
    const row = await duck.facts(numbers.map(ratio), (first, end) => `(SELECT ${each.slice(first, end).join(", ")} FROM rows GROUP BY ${goal.at})`);
    for (const [i, { name }] of numbers.entries()) note(name, "correlation_ratio", row[i]);
  }
  for (const { name, at } of categories) {
    const sql =
      task === "regression"
        ? `SELECT sqrt(1 - least(1, sum(n * v) / nullif(any_value(t), 0))) FROM (SELECT count(*) AS n, var_pop(${goal.at}) AS v FROM rows WHERE ${at} IS NOT NULL GROUP BY ${at}),
            (SELECT var_pop(${goal.at}) * count(*) AS t FROM rows WHERE ${at} IS NOT NULL)`
        : `WITH cells AS (SELECT ${at} AS a, ${goal.at} AS b, count(*)::DOUBLE AS n FROM rows WHERE ${at} IS NOT NULL GROUP BY ALL),
            sums AS (SELECT a, b, n, sum(n) OVER (PARTITION BY a) AS na, sum(n) OVER (PARTITION BY b) AS nb FROM cells)
            SELECT sqrt(greatest(0, sum(n * n / (na * nb)) - 1) / nullif(least(count(DISTINCT a), count(DISTINCT b)) - 1, 0)) FROM sums`;
    const [row] = await duck.rows(sql);
    note(name, task === "regression" ? "correlation_ratio" : "cramers_v", row?.[0] ?? null);
  }
  return found;
}

async function classesOf(duck: Duck, rows: string, { target, labels }: Chosen): Promise<NonNullable<Profile["classes"]>> {
  const found = await duck.rows(`SELECT ${target.at}::VARCHAR, part, count(*) FROM ${rows} GROUP BY ALL`);
  const same = (a: string, b: string) => a === b || (target.kind === "number" && Number(a) === Number(b));
  return labels.map((label) => {
    const of = (part: number) => found.reduce((sum, [value, p, n]) => sum + (Number(p) === part && same(String(value), label) ? Number(n) : 0), 0);
    return { label, train: of(0), validation: of(1), test: of(2) };
  });
}

/** Rows that are equal in every column, the target included; equal by a hash of 64 bits. */
async function duplicatesOf(duck: Duck, rows: string, { columns }: Loaded): Promise<NonNullable<Profile["duplicates"]>> {
  const all = columns.map((_, i) => `c${i}`).join(", ");
  const [row = []] = await duck.rows(`SELECT coalesce(sum(n - 1), 0), coalesce(sum(CASE WHEN trained THEN held ELSE 0 END), 0) FROM (
    SELECT count(*) AS n, bool_or(part = 0) AS trained, count(*) FILTER (part > 0) AS held FROM (SELECT hash(${all}) AS h, part FROM ${rows}) GROUP BY h HAVING n > 1)`);
  const [exact, acrossSplits] = row.map(Number);
  if (!exact) return { exact: 0, acrossSplits: 0, examples: [] };
  const pairs = await duck.rows(`WITH keyed AS (
      SELECT hash(${all}) AS h, part, row_number() OVER (PARTITION BY part ORDER BY rows.rowid) - 1 AS place FROM ${rows}),
    twice AS (SELECT h FROM keyed GROUP BY h HAVING count(*) > 1 ORDER BY bool_or(part = 0) AND bool_or(part > 0) DESC, h LIMIT 20)
    SELECT part, place, first_value(part) OVER w, first_value(place) OVER w FROM keyed SEMI JOIN twice USING (h)
    WINDOW w AS (PARTITION BY h ORDER BY part, place) QUALIFY row_number() OVER w > 1 ORDER BY part DESC, place LIMIT 20`);
  const examples = pairs.map(([part, at, firstPart, firstAt]) => ({
    split: splitNames[Number(part)]!,
    row: Number(at),
    like: { split: splitNames[Number(firstPart)]!, row: Number(firstAt) },
    exact: true,
  }));
  return { exact, acrossSplits: acrossSplits!, examples };
}

/** Columns of whole numbers, all different, that go up or down with the rows, or are called an id. */
async function counting(duck: Duck, columns: readonly Measured[], basics: ReadonlyMap<string, Basics>, total: number): Promise<ReadonlySet<string>> {
  const candidates = columns.filter(({ name, type, role }) => {
    const { missing, ends: [least, most] = [0, 0] } = basics.get(name)!;
    return role === "feature" && type === "number" && missing === 0 && Number.isInteger(least) && most - least + 1 >= MOSTLY * total;
  });
  if (!candidates.length) return new Set();
  const facts = candidates.map(({ at }) => `bool_and(${at} = floor(${at})), abs(corr(${at}, rowid)), count(DISTINCT ${at})`);
  const row = await duck.facts(facts, "rows");
  const counts = ({ name }: Measured, i: number) => {
    const [whole, along, distinct] = row.slice(3 * i, 3 * i + 3);
    return whole === true && Number(distinct) > MOSTLY * total && (/(^|[^a-z])(id|key|index|no)$|Id$|ID$/.test(name) || Number(along) > 0.999);
  };
  return new Set(candidates.filter(counts).map(({ name }) => name));
}

function columnWarnings(columns: readonly ColumnProfile[], total: number, numbered: ReadonlySet<string>): DataWarning[] {
  const features = columns.filter(({ role }) => role === "feature");
  const warnings: DataWarning[] = [];
  const named = (those: readonly ColumnProfile[]) => those.map(({ name }) => name);
  const note = (code: DataWarning["code"], those: readonly ColumnProfile[], message: (names: string) => string, fix: string) => {
    if (those.length) warnings.push({ code, message: message(named(those).join(", ")), fix, columns: named(those) });
  };
  note(
    "constant",
    features.filter(({ distinct, missing }) => distinct <= 1 && missing === 0),
    (names) => `every row has the same value in ${names}`,
    "Drop the column: nothing can be learnt from it.",
  );
  // Rows that are numbered through, or text of which every row has its own.
  const isId = ({ name, type, distinct, missing }: ColumnProfile) =>
    total > 20 && missing === 0 && (type === "text" ? distinct > MOSTLY * total : numbered.has(name));
  note(
    "identifier",
    features.filter(isId),
    (names) => `every row has a value of its own in ${names}, as a number or name of the row has`,
    "Drop the column unless it says something of new rows, too.",
  );
  note(
    "target_leakage",
    features.filter(({ association }) => (association?.value ?? 0) > LEAKING),
    (names) => `${names} tells nearly all of the target by itself`,
    "Drop the column if it is known only together with the target, or after it.",
  );
  note(
    "missing",
    features.filter(({ missing }) => missing > MUCH_MISSING * total),
    (names) => `more than half of the values of ${names} are missing`,
    "Drop the column, or have a flag say where it is missing.",
  );
  note(
    "many_categories",
    features.filter(({ type, distinct }) => type === "category" && distinct > 100),
    (names) => `${names} has more than 100 categories`,
    "Join rare ones, or use the steps hashing or ordinal instead of one-hot.",
  );
  return warnings;
}

async function sampleOf(duck: Duck, rows: string, columns: readonly Measured[]): Promise<NonNullable<Profile["sample"]>> {
  const cells = columns.map((column) => (column.type === "number" ? column.at : `${column.at}::VARCHAR`));
  const found = await duck.rows(`SELECT ${cells.join(", ")} FROM ${rows} WHERE part = 0 LIMIT ${SAMPLE_ROWS}`);
  return found.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, (row[i] ?? null) as string | number | null])));
}
