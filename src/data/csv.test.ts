import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CsvOptions, loadCsv } from "./csv.ts";
import { loadIris } from "./iris.ts";

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
function file(content: string | Uint8Array, name = "table.csv"): string {
  const path = join(mkdtempSync(join(tmpdir(), "trainyard-csv-")), name);
  writeFileSync(path, content);
  return path;
}
const load = (content: string, options: Partial<CsvOptions> = {}) => loadCsv({ path: file(content), ...options });
const body = "1,2,u\n3,4,v\n5,6,u\n7,8,v\n9,1,u\n";
const numbered = (n: number, label: (i: number) => unknown) => `x,y\n${Array.from({ length: n }, (_, i) => `${i},${label(i)}\n`).join("")}`;
const tally = (targets: Int32Array | Float32Array, classes: number) =>
  Array.from({ length: classes }, (_, c) => targets.filter((target: number) => target === c).length);

describe("iris", () => {
  test("has three species of 50, of which the test split holds 10 each", async () => {
    const iris = await loadIris();
    expect([iris.id, iris.task, iris.sampleShape]).toEqual(["iris", "classification", [4]]);
    expect(iris.columns).toEqual(["sepal_length", "sepal_width", "petal_length", "petal_width"]);
    expect(iris.labels).toEqual(["Iris-setosa", "Iris-versicolor", "Iris-virginica"]);
    expect(tally(iris.train.targets, 3)).toEqual([40, 40, 40]);
    expect(tally(iris.test.targets, 3)).toEqual([10, 10, 10]);
  });

  test("is normalised by the mean and deviation of the training split alone", async () => {
    const { train, normalisation } = await loadIris();
    const petal = Array.from({ length: train.count }, (_, i) => train.inputs[i * 4 + 2] as number);
    const mean = petal.reduce((sum, x) => sum + x, 0) / petal.length;
    expect(normalisation.mean[2]).toBeCloseTo(mean, 6);
    expect(normalisation.deviation[2]).toBeCloseTo(Math.sqrt(petal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / petal.length), 6);
  });

  test("is split the same way by the same seed, and otherwise by another", async () => {
    const [first, again, other] = await Promise.all([loadIris(), loadIris({ seed: 1 }), loadIris({ seed: 2 })]);
    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  });
});

describe("a CSV file", () => {
  test("of heights and weights is a regression", async () => {
    const people = await loadCsv({ path: "test/data/height-weight.csv" });
    expect([people.id, people.task, people.columns, people.labels]).toEqual(["height-weight", "regression", ["height"], []]);
    expect([people.train.count, people.test.count]).toEqual([160, 40]);
    expect(people.train.targets).toBeInstanceOf(Float32Array);
    // every pair of the file is in one split or the other, bound together as it was
    const pairs = [people.train, people.test].flatMap(({ inputs, targets }) => Array.from(inputs, (x, i) => `${x} ${targets[i]}`));
    expect(new Set(pairs).size).toBe(200);
    expect(pairs).toContain(`${Math.fround(187.96)} ${Math.fround(117.93392)}`);
  });

  test("keeps the order of its rows within a split", async () => {
    const { train, test } = await load(numbered(100, (i) => `${i}.5`));
    for (const { inputs, targets } of [train, test]) {
      expect(inputs).toEqual(inputs.slice().sort());
      expect(targets).toEqual(inputs.map((x) => x + 0.5));
    }
  });

  test("has its labels in the column named, else in a column of a usual name, else in the last", async () => {
    const columns = async (header: string, label?: string) => (await load(`${header}\n1,1,1\n2,2,2\n1,1,1\n2,2,2\n`, { label })).columns;
    expect(await columns("a,Class,b", "a")).toEqual(["Class", "b"]);
    expect(await columns("a,Class,b")).toEqual(["a", "b"]);
    expect(await columns("a,b,c")).toEqual(["a", "b"]);
  });

  test("with at most 20 distinct integers as labels is a classification, in numeric order", async () => {
    const classes = await load(numbered(60, (i) => [10, 9, "9.0"][i % 3]));
    expect([classes.task, classes.labels]).toEqual(["classification", ["9", "10"]]);
    expect((await load(numbered(60, (i) => i % 20))).task).toBe("classification");
    expect((await load(numbered(60, (i) => i % 21))).task).toBe("regression");
    expect((await load(numbered(60, (i) => (i % 20) / 2))).task).toBe("regression");
  });

  test("follows the task that is asked for", async () => {
    expect(
      (
        await load(
          numbered(60, (i) => i % 3),
          { task: "regression" },
        )
      ).labels,
    ).toEqual([]);
    expect(
      (
        await load(
          numbered(60, (i) => (i % 3) / 2),
          { task: "classification" },
        )
      ).labels,
    ).toEqual(["0", "0.5", "1"]);
  });

  test("keeps one row of every class for training", async () => {
    const { train, test } = await load(`x,y\n1,rare\n${"2,usual\n".repeat(99)}`);
    expect(tally(train.targets, 2)).toEqual([1, 79]);
    expect(tally(test.targets, 2)).toEqual([0, 20]);
  });

  test("gives a constant column deviation 1", async () => {
    expect((await load("x,k,y\n1,5,u\n2,5,v\n3,5,u\n4,5,v\n")).normalisation.deviation[1]).toBe(1);
  });

  test.each([
    ["semicolons", "a;b;y\n1;2;u\n3;4;v\n5;6;u\n7;8;v\n"],
    ["tabs", "a\tb\ty\n1\t2\tu\n3\t4\tv\n5\t6\tu\n7\t8\tv\n"],
    ["a byte order mark, CRLF and empty lines", "\uFEFFa,b,y\r\n1,2,u\r\n\r\n3,4,v\r\n5,6,u\r\n7,8,v\r\n\r\n"],
    ["quotes and spaces", '"a", b ,"y"\n"1", 2 ,"u"\n3,4, v\n5,6,u\n7,8,v'],
  ])("with %s reads like any other", async (_, content) => {
    const path = file(content);
    expect((await loadCsv({ path })).labels).toEqual(["u", "v"]);
    expect([...(await loadCsv({ path, label: "y" })).columns]).toEqual(["a", "b"]);
  });

  test("may have delimiters and quotes in its names and labels", async () => {
    const { columns, labels } = await load('"a,1",3.5" disk,"say ""y"""\n1,2,"p,q"\n3,4,r\n5,6,"p,q"\n7,8,r\n');
    expect([columns, labels]).toEqual([
      ["a,1", '3.5" disk'],
      ["p,q", "r"],
    ]);
  });

  test("may lie in a folder whose name has wildcards, quotes and partition keys", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "trainyard-csv-")), "we*ird 'n [x]", "key=1");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "what?.csv");
    writeFileSync(path, `a,b,y\n${body}`);
    expect((await loadCsv({ path })).columns).toEqual(["a", "b"]);
  });
});

describe("a CSV file is refused", () => {
  const cell = "Correct the cell; if the whole column is text, encode it in numbers or remove it.";
  const fill = "Fill in the cell, or remove its row or column.";
  const length = "Give every row as many cells as the header; put cells that contain the delimiter in quotes.";
  const header = "Put the names of the columns on the first line, for example width,height,label.";
  const again = "Make all rows end alike and close every quote, for example by exporting the table again.";
  const invalid = "Close every quote and save the file as UTF-8.";
  const table = `a,b,y\n${body}`;
  const gzip = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0);

  test.each<[string, string | Uint8Array, string, string, Partial<CsvOptions>?]>([
    ["with text for a number", `${table}1,x,u\n`, ', row 7, column "b" must be a number, but is "x"', cell],
    ["with an empty cell", `${table}1,,u\n`, ', row 7, column "b" must be a number, but is empty', fill],
    ["with an empty label", `${table}1,2, \n`, ', row 7, column "y" must be a label, but is empty', fill],
    ["with nan", `${table}nan,2,u\n`, ', row 7, column "a" must be a finite number, but is "NaN"', cell],
    ["with a number too large for float32", `${table}1,1e39,u\n`, ', row 7, column "b" must be a finite number, but is "Infinity"', cell],
    ["with the first of several faults", `${table}1,2,\n,2,u\n1\n`, ', row 8, column "a" must be a number, but is empty', fill],
    ["with text among many numeric labels", numbered(30, (i) => (i === 7 ? "x" : i)), ', row 9, column "y" must be a number, but is "x"', cell],
    ["with text labels for a regression", table, ', row 2, column "y" must be a number, but is "u"', cell, { task: "regression" }],
    ["with a short row", `${table}1,2\n`, ", row 7 must be 3 cells long, like the header, but has 2", length],
    ["with a long row", `${table}1,2,u,4,5\n`, ", row 7 must be 3 cells long, like the header, but has 5", length],
    ["when empty", " \n", " must be a CSV file with a header and rows, but is empty", header],
    ["without a header", body, ' must be a CSV file whose first line names every column, but cell 1 of it is "1"', header],
    ["with a nameless column", `,b,y\n${body}`, ' must be a CSV file whose first line names every column, but cell 1 of it is ""', header],
    [
      "with one name twice",
      `a,a,y\n${body}`,
      ' must be a CSV file with distinct column names, but "a" occurs twice',
      "Rename or remove one of the columns.",
    ],
    [
      "with one column",
      "a\n1\n2\n",
      " must be a table of two or more columns, but its header has one: a",
      "Separate the cells of a row by comma, semicolon, tab or |.",
    ],
    ["without rows", "a,b,y\n", " must be a CSV file with rows, but has only a header", "Add rows below the header."],
    [
      "without the label column asked for",
      table,
      ' must be a table with the label column "z", but its columns are a, b, y',
      "Choose one of its columns as label.",
      { label: "z" },
    ],
    [
      "with one class",
      "a,b,y\n1,2,u\n3,4,u\n",
      ', column "y" must be labels of two or more classes, but has only u',
      "Add rows of another class, or choose another label column.",
    ],
    ["with one row in each class", "a,y\n1,u\n2,v\n", " must be a table with rows to spare for testing, but every class has one row", "Add rows."],
    ["with one row", "a,y\n1,2.5\n", " must be a table with rows to spare for testing, but has one row", "Add rows."],
    [
      "with an open quote",
      `${table}1,2,"u\n3,4,v\n`,
      ", row 7 must be well-formed CSV, but DuckDB says: Value with unterminated quote found.",
      invalid,
    ],
    [
      "with rows that end differently",
      `a,b,y\r\n${body}`,
      " must be well-formed CSV, but DuckDB says: Invalid Input Error: The CSV Parser state machine reached an invalid state.",
      again,
    ],
    [
      "when compressed",
      gzip,
      " must be a CSV file in UTF-8, but holds bytes that are no text",
      "Unpack the file, or export the table as CSV in UTF-8.",
    ],
  ])("%s", async (_, content, sentence, fix, options) => {
    const path = file(content);
    expect(await refusal(loadCsv({ path, ...options }))).toEqual(["BAD_FILE", `${path}${sentence}`, fix]);
  });

  test("when it is not there, or a folder", async () => {
    expect(await refusal(loadCsv({ path: "none.csv" }))).toEqual(["FILE_NOT_FOUND", "CSV file not found: none.csv", "Check the path."]);
    expect(await refusal(loadCsv({ path: "src" }))).toEqual([
      "BAD_FILE",
      "src must be a readable file, but is a folder",
      "Give the path of a file that you may read.",
    ]);
  });

  test("when the test fraction would leave a split empty", async () => {
    expect(await refusal(load(table, { testFraction: 0 }))).toEqual([
      "BAD_PARAMETER",
      "split: testFraction must be a fraction above 0 and below 1, but is 0",
      "Give testFraction as a fraction above 0 and below 1.",
    ]);
  });
});
