/** Which row goes to which split, in SQL, so that it takes no memory to speak of: table `parts` with one number a row, in the order of `rows`. */
import { splitNames } from "../../shared/dataset.ts";
import { fail, show } from "../../shared/errors.ts";
import type { Chosen } from "./columns.ts";
import { type Duck, literal } from "./duck.ts";
import { type Loaded, splitCalled } from "./load.ts";
import type { TableOptions } from "./options.ts";

const [TRAIN, VALIDATION, TEST] = [0, 1, 2];
const MOST_CHANGED = 4_000_000;

/**
 * Draws the splits: the same rows, options and seed give the same ones.
 * @returns rows of each split, how they were drawn, and what stands behind FROM for the table with the column `part`
 * @throws BAD_FILE, BAD_USAGE
 */
export async function drawSplits(
  duck: Duck,
  path: string,
  loaded: Loaded,
  { target, task }: Chosen,
  options: TableOptions,
): Promise<{ counts: readonly number[]; split: TableOptions["split"]; rows: string }> {
  const { split: asked, splitColumn, validationFraction, testFraction, splitSeed: seed } = options;
  if (validationFraction + testFraction >= 1)
    throw fail("BAD_USAGE", {
      problem: `nothing is left to train on: validationFraction ${validationFraction} and testFraction ${testFraction} make 1 or more`,
      fix: "Choose fractions whose sum is below 1.",
    });
  const split = asked === "auto" ? (loaded.given ? "given" : task === "classification" ? "stratified" : "random") : asked;
  const column = () => {
    const at = loaded.columns.findIndex(({ name }) => name === splitColumn);
    if (at >= 0) return `c${at}`;
    const got = splitColumn ? `its columns are ${loaded.columns.map(({ name }) => name).join(", ")}` : "no splitColumn is named";
    throw fail("BAD_FILE", {
      path,
      want: `a table with the column to split by${splitColumn && `, ${show(splitColumn)}`}`,
      got,
      fix: "Name one of its columns as splitColumn.",
    });
  };
  const all = loaded.columns.map((_, i) => `c${i}`).join(", ");
  const ways: Readonly<Record<Exclude<typeof split, "auto">, () => string | Promise<string>>> = {
    stratified: () => drawn(duck, target.at, seed, testFraction, validationFraction),
    random: () => drawn(duck, "0", seed, testFraction, validationFraction),
    time: () => latest(column(), testFraction, validationFraction),
    group: () => grouped(splitColumn ? column() : `hash(${all})`, seed, testFraction, validationFraction),
    given: async () => given(duck, path, loaded, splitColumn ? column() : undefined, target, task, options),
  };
  await duck.run(`CREATE OR REPLACE TABLE parts AS ${await ways[split as Exclude<typeof split, "auto">]()}`);
  const found = await duck.rows("SELECT part, count(*) FROM parts GROUP BY part");
  const counts = splitNames.map((_, part) => Number(found.find(([p]) => Number(p) === part)?.[1] ?? 0));
  for (const [part, name] of [
    [TRAIN, "training"],
    [TEST, "testing"],
  ] as const)
    if (!counts[part])
      throw fail("BAD_FILE", {
        path,
        want: `a table with rows for ${name}`,
        got: task === "classification" ? "every class has one row" : "there are too few",
        fix: "Add rows, or choose other fractions.",
      });
  return { counts, split, rows: await joined(duck, counts) };
}

/** In a column of the table itself the part is read faster; but changing many rows takes longer than that saves. */
async function joined(duck: Duck, counts: readonly number[]): Promise<string> {
  if (counts.reduce((sum, n) => sum + n, 0) > MOST_CHANGED) return "rows POSITIONAL JOIN parts";
  await duck.run("ALTER TABLE rows ADD COLUMN part TINYINT");
  await duck.run("UPDATE rows SET part = p.part FROM (SELECT rowid AS id, part FROM parts) p WHERE p.id = rows.rowid");
  return "rows";
}

/** How many of n rows to test on, and how many to hold out with those that choose: their shares, at least one of each where there are enough, and one stays in training. */
const sizes = (test: number, validation: number, least: (rows: number) => string): { tests: string; held: string } => {
  const tests = `least(n - 1, greatest(round(n * ${test}), ${least(2)}))`;
  const held = validation > 0 ? `least(n - 1, ${tests} + greatest(round(n * ${validation}), ${least(3)}))` : tests;
  return { tests, held };
};

/** Bits of a hash by which rows are counted. */
const COUNTED_BITS = 12;
/** Up to so many strata are told apart row by row, without a join, after which rows would have to be put in their order again. */
const FEW_STRATA = 64;

/**
 * Within each stratum the rows of the least hashes to test, the next ones to validation. Nothing is sorted but the rows about the two
 * bounds: they are found by counting rows by the first bits of their hashes.
 */
async function drawn(duck: Duck, stratum: string, seed: number, test: number, validation: number): Promise<string> {
  const { tests, held } = sizes(test, validation, (rows) => `CASE WHEN n >= ${rows} THEN 1 ELSE 0 END`);
  const within = (bound: string) => `(before < ${bound} AND before + c >= ${bound})`;
  const keyed = `SELECT rowid AS id, ${stratum} AS s, hash(rowid, ${seed}) AS h, h >> ${64 - COUNTED_BITS} AS b FROM rows`;
  await duck.run(`CREATE OR REPLACE TEMP TABLE ends AS WITH keyed AS (${keyed}),
  counted AS (SELECT s, b, count(*) AS c FROM keyed GROUP BY ALL),
  summed AS (SELECT s, b, c, sum(c) OVER (PARTITION BY s ORDER BY b) - c AS before, sum(c) OVER (PARTITION BY s) AS n FROM counted),
  bounds AS (SELECT s, b, c, before, ${tests} AS tests, ${held} AS held FROM summed),
  near AS (SELECT * FROM bounds WHERE ${within("tests")} OR ${within("held")}),
  ranked AS (SELECT s, h, tests, held, before + row_number() OVER (PARTITION BY s, b ORDER BY h) AS r FROM keyed JOIN near USING (s, b))
  SELECT s, coalesce(max(h) FILTER (r = tests), 0) AS test, coalesce(max(h) FILTER (r = held), 0) AS held FROM ranked GROUP BY s`);
  const part = (test: string, held: string) =>
    `CASE WHEN h <= ${test} THEN ${TEST} WHEN h <= ${held} THEN ${VALIDATION} ELSE ${TRAIN} END::TINYINT AS part`;
  const ends = await duck.rows("SELECT s::VARCHAR, test::VARCHAR, held::VARCHAR FROM ends ORDER BY s");
  if (ends.length > FEW_STRATA) return `SELECT ${part("test", "held")} FROM (${keyed}) LEFT JOIN ends USING (s) ORDER BY id`;
  const bound = (column: 1 | 2) => `CASE s ${ends.map((row) => `WHEN ${literal(String(row[0]))} THEN ${row[column]}::UBIGINT`).join(" ")} ELSE 0 END`;
  return `SELECT ${ends.length ? part(bound(1), bound(2)) : `${TRAIN}::TINYINT AS part`} FROM (${keyed})`;
}

/** Rows of the latest times to test, those before them to validation. */
const latest = (time: string, test: number, validation: number): string => {
  const { tests, held } = sizes(test, validation, () => "1");
  return `SELECT CASE WHEN r <= ${tests} THEN ${TEST} WHEN r <= ${held} THEN ${VALIDATION} ELSE ${TRAIN} END::TINYINT AS part FROM (
    SELECT rowid AS id, row_number() OVER (ORDER BY ${time} DESC NULLS LAST, rowid) AS r, count(*) OVER () AS n FROM rows) ORDER BY id`;
};

/** Whole groups, drawn until the share is reached; the largest draw is one group more than that. Rows without a group are each one of their own. */
const grouped = (group: string, seed: number, test: number, validation: number): string => `
  WITH keyed AS (SELECT rowid AS id, coalesce(hash(${group}), hash(rowid, 1)) AS g FROM rows),
  sizes AS (SELECT g, count(*) AS n FROM keyed GROUP BY g),
  summed AS (SELECT g, n, sum(n) OVER (ORDER BY hash(g, ${seed}), g ROWS UNBOUNDED PRECEDING) - n AS before, sum(n) OVER () AS total,
    row_number() OVER (ORDER BY hash(g, ${seed}), g) AS r, count(*) OVER () AS groups FROM sizes)
  SELECT CASE WHEN r = groups THEN ${TRAIN} WHEN before < round(total * ${test}) THEN ${TEST} WHEN before < round(total * ${test}) + round(total * ${validation}) THEN ${VALIDATION} ELSE ${TRAIN} END::TINYINT AS part
  FROM keyed JOIN summed USING (g) ORDER BY id`;

/** As the files or a column say; what they do not give is drawn from training. */
async function given(
  duck: Duck,
  path: string,
  loaded: Loaded,
  column: string | undefined,
  { at }: Chosen["target"],
  task: Chosen["task"],
  { validationFraction, testFraction, splitSeed: seed }: TableOptions,
): Promise<string> {
  if (!column && !loaded.given)
    throw fail("BAD_FILE", {
      path,
      want: "files called train and test, or a column with the names of the splits",
      got: "is neither",
      fix: "Name the column as splitColumn, or choose another way to split.",
    });
  let said = "given";
  if (column) {
    const words = (await duck.rows(`SELECT DISTINCT ${column}::VARCHAR FROM rows`)).map(([word]) => (word === null ? "" : String(word)));
    const stray = words.find((word) => !splitCalled(word));
    if (stray !== undefined)
      throw fail("BAD_FILE", {
        path,
        want: "train, validation or test in the column to split by",
        got: `a row has ${show(stray)}`,
        fix: "Correct the cells, or choose another way to split.",
      });
    said = `CASE ${words.map((word) => `WHEN ${column}::VARCHAR = ${literal(word)} THEN ${splitNames.indexOf(splitCalled(word)!)}`).join(" ")} END`;
  }
  const [row] = await duck.rows(`SELECT count(*) FILTER (s = ${VALIDATION}), count(*) FILTER (s = ${TEST}) FROM (SELECT ${said} AS s FROM rows)`);
  const [hasValidation, hasTest] = row!.map((n) => Number(n) > 0);
  const [test, validation] = [hasTest ? 0 : testFraction, hasValidation ? 0 : validationFraction];
  if (!test && !validation) return `SELECT (${said})::TINYINT AS part FROM rows ORDER BY rowid`;
  const stratum = task === "classification" ? `s, ${at}` : "s";
  const tests = test ? `least(n - 1, greatest(round(n * ${test}), 1))` : "0";
  const validations = validation ? `least(n - 1 - ${tests}, greatest(round(n * ${validation}), CASE WHEN n >= 3 THEN 1 ELSE 0 END))` : "0";
  return `SELECT CASE WHEN s <> ${TRAIN} THEN s WHEN r <= ${tests} THEN ${TEST} WHEN r <= ${tests} + ${validations} THEN ${VALIDATION} ELSE ${TRAIN} END::TINYINT AS part FROM (
    SELECT id, s, row_number() OVER (PARTITION BY ${stratum} ORDER BY hash(id, ${seed})) AS r, count(*) OVER (PARTITION BY ${stratum}) AS n FROM (
      SELECT rowid AS id, ${said} AS s, * FROM rows)) ORDER BY id`;
}
