/** Tables of all forms become snapshots; what is wrong with one is told by file, row and column, and nothing of it stays. */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { zipSync } from "fflate";
import { afterAll, describe, expect, test } from "vitest";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { resolveParams } from "../../shared/define.ts";
import { readSplit } from "../snapshot.ts";
import { importTable } from "./import.ts";
import { tableFiles } from "./load.ts";
import { tableParams } from "./options.ts";
import { previewTable } from "./preview.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-tables-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
function file(content: string | Uint8Array, name = "table.csv"): string {
  const folder = join(root, `${count++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
type Given = Readonly<Record<string, unknown>>;
const options = (given: Given = {}) => ({ ...resolveParams("table", tableParams, given), columns: [] });
async function imported(path: string, given: Given = {}, more: { signal?: AbortSignal } = {}) {
  const directory = mkdtempSync(join(root, "snapshot-"));
  const { snapshot, profile } = await importTable(await tableFiles(path), options(given), { directory, ...more });
  const read = (split: SplitName) => readSplit(directory, snapshot, split);
  return { snapshot, profile, read, directory };
}
const preview = async (path: string, given: Given = {}) => previewTable(path, options(given), { directory: mkdtempSync(join(root, "preview-")) });
/** What was refused, without the folder; and that nothing but an empty folder is left. */
async function refusal(path: string, given: Given = {}) {
  const directory = mkdtempSync(join(root, "refused-"));
  try {
    await importTable(await tableFiles(path), options(given), { directory });
    return "accepted";
  } catch (error) {
    const { code, message, fix } = error as { code: string; message: string; fix: string };
    expect(fix).toBeTruthy();
    expect(readdirSync(directory).filter((name) => name.endsWith(".json"))).toEqual([]);
    return [code, message.replaceAll(`${join(path, "..")}/`, "")];
  }
}

const rows = (n: number, row: (i: number) => string) => Array.from({ length: n }, (_, i) => row(i)).join("\n");
const flowers = `length,colour,seen,species\n${rows(60, (i) => `${i % 7}.5,${["red", "blue", "white"][i % 3]},2024-0${(i % 9) + 1}-1${i % 9},${i % 2 ? "iris" : "rose"}`)}\n`;
/** All rows of a snapshot as they were in the file, whatever split they went to. */
async function cells({ snapshot, read }: Awaited<ReturnType<typeof imported>>) {
  const all: (string | number | null)[][] = [];
  const of = (type: string) => snapshot.columns.filter((c) => c.type === type);
  for (const name of splitNames) {
    if (!snapshot.splits[name]) continue;
    const split = await read(name);
    for (let i = 0; i < split.count; i++)
      all.push([
        ...of("number").map((_, c) => split.numbers![i * of("number").length + c]!),
        ...of("category").map(({ values }, c) => values![split.categories![i * of("category").length + c]!] ?? null),
        ...of("date").map((_, c) => new Date(1000 * Number(split.dates![i * of("date").length + c]!)).toISOString().slice(0, 10)),
        snapshot.labels[split.targets[i]!] ?? split.targets[i]!,
      ]);
  }
  return all.map((row) => row.join("|")).sort();
}
const written = flowers
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",").join("|"))
  .sort();

describe("a table", () => {
  test("becomes typed columns, in three splits, with the same bytes each time", async () => {
    const path = file(flowers);
    const one = await imported(path);
    expect(one.snapshot).toMatchObject({
      kind: "table",
      task: "classification",
      target: "species",
      labels: ["iris", "rose"],
      columns: [
        { name: "length", type: "number" },
        { name: "colour", type: "category", values: ["blue", "red", "white"] },
        { name: "seen", type: "date" },
      ],
      splitting: { split: "stratified" },
    });
    expect(one.profile.records).toEqual({ train: 42, validation: 6, test: 12 });
    expect(await cells(one)).toEqual(written);
    const two = await imported(path);
    expect(two.snapshot).toEqual(one.snapshot);
    expect((await imported(path, { splitSeed: 2 })).snapshot.digest).not.toBe(one.snapshot.digest);
    expect(readdirSync(one.directory).sort()).toEqual(
      ["profile.json", "snapshot.json", ...["test", "train", "validation"].flatMap((name) => [`${name}.parquet`, `${name}.safetensors`])].sort(),
    );
  });

  const utf16 = Buffer.from(`\ufeff${flowers}`, "utf16le");
  test.each<[string, string | Uint8Array, string?]>([
    ["with semicolons", flowers.replaceAll(",", ";")],
    ["with tabs", flowers.replaceAll(",", "\t"), "table.tsv"],
    ["with bars", flowers.replaceAll(",", "|")],
    ["with blanks between cells", flowers.replaceAll(",", " ")],
    ["with the delimiter on a line of its own, as Excel reads it", `sep=;\n${flowers.replaceAll(",", ";")}`],
    ["with a blank after each comma", flowers.replaceAll(",", ", ")],
    ["with all cells quoted", flowers.replace(/[^,\n]+/g, '"$&"')],
    ["with a byte order mark", `\ufeff${flowers}`],
    ["with Windows' line ends", flowers.replaceAll("\n", "\r\n")],
    ["with mixed line ends", flowers.replace(/\n/g, () => ["\n", "\r\n", "\r"][count++ % 3]!)],
    ["in UTF-16", utf16],
    ["in UTF-16, big-endian", Buffer.from(utf16).swap16()],
    ["compressed", gzipSync(flowers), "table.csv.gz"],
    ["under a wrong ending", flowers, "table.png"],
    [
      "as JSON lines",
      rows(60, (i) =>
        JSON.stringify(
          Object.fromEntries(
            flowers
              .split("\n")
              [i + 1]!.split(",")
              .map((v, c) => [["length", "colour", "seen", "species"][c], c ? v : Number(v)]),
          ),
        ),
      ),
      "table.jsonl",
    ],
    [
      "as a JSON array",
      `[${flowers
        .trim()
        .split("\n")
        .slice(1)
        .map((line) =>
          JSON.stringify(Object.fromEntries(line.split(",").map((v, c) => [["length", "colour", "seen", "species"][c], c ? v : Number(v)]))),
        )}]`,
      "table.json",
    ],
  ])("%s is the same table", async (_, content, name) => {
    expect(await cells(await imported(file(content, name)))).toEqual(written);
  });

  test("as Parquet is the same table", async () => {
    const parquet = join(root, "flowers.parquet");
    const db = await (await DuckDBInstance.create(":memory:")).connect();
    await db.run(`COPY (SELECT * FROM read_csv('${file(flowers)}')) TO '${parquet}' (FORMAT parquet)`);
    expect(await cells(await imported(parquet))).toEqual(written);
  });

  test("as an Excel workbook is the same table", async () => {
    const lines = flowers
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const cell = (value: string, r: number, c: number) =>
      r && !c ? `<c r="A${r + 1}"><v>${value}</v></c>` : `<c r="${"ABCD"[c]}${r + 1}" t="inlineStr"><is><t>${value}</t></is></c>`;
    const sheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${lines.map((line, r) => `<row r="${r + 1}">${line.map((v, c) => cell(v, r, c)).join("")}</row>`).join("")}</sheetData></worksheet>`;
    const text = (xml: string) => new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>${xml}`);
    const rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const workbook = zipSync({
      "[Content_Types].xml": text(
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
      ),
      "_rels/.rels": text(
        `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${rels}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
      ),
      "xl/workbook.xml": text(
        `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="${rels}"><sheets><sheet name="Flowers" sheetId="1" r:id="rId1"/></sheets></workbook>`,
      ),
      "xl/_rels/workbook.xml.rels": text(
        `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${rels}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
      ),
      "xl/worksheets/sheet1.xml": text(sheet),
    });
    const path = file(workbook, "flowers.xlsx");
    expect(await cells(await imported(path))).toEqual(written);
    expect(await cells(await imported(path, { sheet: "Flowers" }))).toEqual(written);
    expect(await refusal(path, { sheet: "Trees" })).toEqual(["BAD_FILE", 'flowers.xlsx must be a workbook with the sheet "Trees", but has Flowers']);
  });

  test("with commas for decimal points and dots between the parts of dates has numbers and days", async () => {
    const { snapshot, read } = await imported(file(`wert;tag;art\n${rows(40, (i) => `${i},25;${10 + (i % 9)}.02.2024;${"ab"[i % 2]}`)}`));
    expect(snapshot.columns.map(({ type }) => type)).toEqual(["number", "date"]);
    const { numbers, dates } = await read("train");
    expect(numbers!.every((n) => n % 1 === 0.25)).toBe(true);
    expect(new Date(1000 * Number(dates![0])).getUTCMonth()).toBe(1);
  });

  test("in Latin-1 keeps its letters", async () => {
    const { snapshot } = await imported(file(Buffer.from(`größe,art\n${rows(30, (i) => `${i},${i % 2 ? "süß" : "saç"}`)}`, "latin1")));
    expect([snapshot.columns[0]!.name, snapshot.labels]).toEqual(["größe", ["saç", "süß"]]);
  });

  test("without a header has numbered columns", async () => {
    const { snapshot } = await imported(file(rows(30, (i) => `${i},${i * 2},${i % 3}`)), { header: "no" });
    expect([...snapshot.columns.map(({ name }) => name), snapshot.target]).toEqual(["column 1", "column 2", "column 3"]);
  });

  test("whose column is often no number further down than was looked has text there", async () => {
    const path = file(`a,b\n${rows(60_000, (i) => `${i > 50_000 ? `x${i}` : i},${i % 2}`)}`);
    const { snapshot } = await imported(path);
    expect(snapshot.columns).toMatchObject([{ name: "a", type: "text" }]);
    expect(await refusal(path, { types: { a: "number" } })).toEqual([
      "BAD_FILE",
      'table.csv, row 50003, column "a" must be a number, as its column is said to be, but is "x50001"',
    ]);
  });

  test("takes columns for what it is told to", async () => {
    const { snapshot } = await imported(file(flowers), { types: { length: "category", colour: "text", seen: "drop" }, target: "species" });
    expect(snapshot.columns.map(({ name, type }) => [name, type])).toEqual([
      ["length", "category"],
      ["colour", "text"],
    ]);
  });

  test("has missing values where cells are empty, or say so", async () => {
    const { read, profile, snapshot } = await imported(
      file(`a,b,y\n${rows(40, (i) => `${["", "NA", "?", "nan", i][i % 5]},${["", "null", "x", "z"][i % 4]},${i % 2}`)}`),
      { validationFraction: 0 },
    );
    expect(snapshot.columns.map(({ type }) => type)).toEqual(["number", "category"]);
    const [train, held] = [await read("train"), await read("test")];
    const missing = (values: ArrayLike<number>, is: (v: number) => boolean) => Array.from(values).filter(is).length;
    expect(missing(train.numbers!, Number.isNaN) + missing(held.numbers!, Number.isNaN)).toBe(32);
    expect(missing(train.categories!, (v) => v === -1) + missing(held.categories!, (v) => v === -1)).toBe(20);
    expect(profile.columns!.map((c) => c.missing)).toEqual([32, 20, 0]);
  });
});

test("a table of hundreds of columns is one as others are", async () => {
  const names = Array.from({ length: 400 }, (_, c) => `gene ${c}`);
  const path = file(`${names.join(",")},y\n${rows(60, (i) => `${names.map((_, c) => (i * c) % 101).join(",")},${i % 2}`)}`);
  expect((await preview(path)).columns).toHaveLength(401);
  const { snapshot, profile, read } = await imported(path);
  expect([snapshot.columns.length, profile.columns!.length]).toEqual([400, 401]);
  expect(profile.columns![399]).toMatchObject({ name: "gene 399", type: "number", missing: 0, quantiles: expect.any(Array) });
  const { numbers, count } = await read("train");
  for (let i = 0; i < count; i++) expect(numbers![400 * i + 2]).toBe((2 * numbers![400 * i + 1]!) % 101);
});

describe("splits", () => {
  const table = file(
    `id,when,who,part,y\n${rows(200, (i) => `${i},2024-01-${String(1 + (i % 28)).padStart(2, "0")},p${i % 20},${["train", "val", "test"][i % 3]},${i % 10 === 0 ? "rare" : "usual"}`)}`,
  );
  const idsOf = async ({ read, snapshot }: Awaited<ReturnType<typeof imported>>, split: SplitName) =>
    snapshot.splits[split] ? Array.from((await read(split)).numbers!) : [];

  test("by class have as many of each in proportion", async () => {
    const { profile } = await imported(table, { target: "y" });
    expect(profile.classes).toEqual([
      { label: "rare", train: 14, validation: 2, test: 4 },
      { label: "usual", train: 126, validation: 18, test: 36 },
    ]);
  });

  test("by group keep rows of a group together", async () => {
    const run = await imported(table, { target: "y", split: "group", splitColumn: "who" });
    const groups = await Promise.all(splitNames.map(async (name) => new Set((await idsOf(run, name)).map((id) => id % 20))));
    expect(groups.map(({ size }) => size)).toEqual([14, 2, 4]);
    expect(new Set(groups.flatMap((group) => [...group])).size).toBe(20);
  });

  test("by time test on the latest rows, and choose by those before them", async () => {
    const run = await imported(table, { target: "y", split: "time", splitColumn: "when" });
    const days = async (name: SplitName) => (await idsOf(run, name)).map((id) => id % 28);
    const [train, validation, held] = [await days("train"), await days("validation"), await days("test")];
    expect(Math.max(...train)).toBeLessThanOrEqual(Math.min(...validation));
    expect(Math.max(...validation)).toBeLessThanOrEqual(Math.min(...held));
  });

  test("that a column says are kept", async () => {
    const run = await imported(table, { target: "y", split: "given", splitColumn: "part" });
    for (const [i, name] of splitNames.entries()) expect((await idsOf(run, name)).every((id) => id % 3 === i)).toBe(true);
  });

  test("that files say are kept, and what they do not say is drawn from training", async () => {
    const folder = join(root, "given");
    mkdirSync(folder);
    writeFileSync(join(folder, "train.csv"), flowers);
    writeFileSync(join(folder, "test.csv"), flowers.split("\n").slice(0, 11).join("\n"));
    const { profile, snapshot } = await imported(folder);
    expect([profile.records, snapshot.splitting.split]).toEqual([{ train: 54, validation: 6, test: 10 }, "given"]);
    expect(profile.warnings.map(({ code }) => code)).toContain("leakage");
  });

  test("of a class with one row leave it in training, with a warning", async () => {
    const { profile } = await imported(file(`a,y\n${rows(40, (i) => `${i},${i === 3 ? "single" : "usual"}`)}`));
    expect(profile.classes![0]).toEqual({ label: "single", train: 1, validation: 0, test: 0 });
    expect(profile.warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(["imbalance", "small_class"]));
  });

  test("that leave nothing to train on are refused", async () => {
    expect(await refusal(table, { testFraction: 0.5, validationFraction: 0.5 })).toMatchObject(["BAD_USAGE", expect.any(String)]);
    expect(await refusal(table, { split: "group", splitColumn: "whom" })).toMatchObject(["BAD_FILE", expect.stringContaining('"whom"')]);
    expect(await refusal(table, { split: "given", splitColumn: "who" })).toMatchObject(["BAD_FILE", expect.stringMatching(/has "p\d+"/)]);
  });
});

describe("a table is refused, by row and column:", () => {
  const long = `a,y\n${"9".repeat(9 * 2 ** 20)},1\n2,0\n`;
  test.each<[string, string | Uint8Array, Given, string]>([
    ["nothing", "", {}, "table.csv must be a table, but is empty"],
    ["blanks", " \n\n", {}, "table.csv must be a table, but holds nothing but blanks"],
    ["a header alone", "a,b\n", {}, "table.csv must be a table with rows, but has only a header"],
    ["one column", "a\n1\n2\n", {}, "table.csv must be a table of two or more columns, but has one: a"],
    ["a name that is there twice", "a,a,y\n1,2,0\n3,4,1\n", {}, 'table.csv must be a table with distinct column names, but "a" occurs twice'],
    [
      "a column without a name",
      "a,,y\n1,2,0\n3,4,1\n",
      { header: "yes" },
      "table.csv must be a table whose header names every column, but column 2 has no name",
    ],
    ["JSON that ends too early", '{"a":1,"y":2}\n{"a":1,"y":', {}, "table.csv, row 2 must be JSON, but has an error: unexpected end of data."],
    [
      "an array of JSON with an error",
      '[{"a":1,"y":2},\n{"a":x,"y":3}]',
      {},
      "table.csv, row 2 must be JSON, but has an error: unexpected character.",
    ],
    ["a NUL", "a,y\n1,x\n2,\0\n", {}, "table.csv, row 3 must be text, but has a NUL character"],
    [
      "a row that is too short",
      `a,b,y\n${rows(30, (i) => (i === 20 ? "1,2" : `${i},2,${i % 2}`))}\n`,
      {},
      'table.csv, row 22 must be 3 cells long, like the header, but has 2: "1,2"',
    ],
    ["a target that is empty", "a,y\n1,x\n2,\n3,z\n", {}, 'table.csv, row 3, column "y" must be a value to predict, but is empty'],
    ["one class", "a,y\n1,x\n2,x\n", {}, 'table.csv, column "y" must be labels of two or more classes, but has only x'],
    ["an infinite number", "a,y\n1,x\ninf,z\n3,z\n", {}, 'table.csv, row 3, column "a" must be a finite number that float32 holds, but is inf'],
    [
      "a target that there is not",
      flowers,
      { target: "tree" },
      'table.csv must be a table with the column "tree" to predict, but its columns are length, colour, seen, species',
    ],
    [
      "a type for a column that there is not",
      flowers,
      { types: { tree: "text" } },
      'table.csv must be a table with the column "tree", but its columns are length, colour, seen, species',
    ],
    [
      "regression of words",
      flowers,
      { task: "regression" },
      'table.csv, row 2, column "species" must be a number, as the task is regression, but is "rose"',
    ],
    ["a line without end", long, {}, "table.csv, row 2 must be of at most 2 MiB, but is longer"],
  ])("%s", async (_, content, given, message) => {
    expect(await refusal(file(content), given)).toEqual(["BAD_FILE", expect.stringContaining(message)]);
  });

  test("a file that is written to while it is read", async () => {
    const path = file(`a,b,y\n${rows(300_000, (i) => `${i},${i},${i % 2}`)}`);
    const reading = refusal(path);
    const writer = setInterval(() => appendFileSync(path, "1,2,1\n"), 5);
    expect(await reading).toEqual(["BAD_FILE", "table.csv must be a file that stays as it is while it is read, but changed"]);
    clearInterval(writer);
  });

  test("what unpacks to far more than it is", async () => {
    expect(await refusal(file(gzipSync(Buffer.alloc(300 * 2 ** 20, "a,b\n")), "bomb.csv.gz"))).toEqual([
      "BAD_FILE",
      expect.stringContaining("unpacks to more than 200 times its size"),
    ]);
  });

  test("files of several forms, or with other columns", async () => {
    const folder = join(root, "several");
    mkdirSync(folder);
    writeFileSync(join(folder, "a.csv"), "a,y\n1,0\n2,1\n");
    writeFileSync(join(folder, "b.csv"), "b,y\n1,0\n2,1\n");
    expect(await refusal(folder)).toEqual([
      "BAD_FILE",
      expect.stringContaining("b.csv must be with the columns of a.csv: a, y, but lacks a and has b besides"),
    ]);
    writeFileSync(join(folder, "b.csv"), '{"a":1,"y":0}\n');
    expect(await refusal(folder)).toEqual(["BAD_FILE", expect.stringContaining("b.csv must be of the form of a.csv, csv, but is json")]);
  });
});

test("an import that is stopped ends with its reason", async () => {
  const stop = new AbortController();
  const importing = imported(file(`a,b,y\n${rows(200_000, (i) => `${i},${i},${i % 2}`)}`), {}, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 60);
  await expect(importing).rejects.toThrow("enough");
});

describe("a profile", () => {
  test("tells columns, warnings and the first rows", async () => {
    const table = `id,same,empty,twin,score,y\n${rows(100, (i) => `${1000 + i},7,,${i % 2},${(i * 37) % 101},${i % 2}`)}`;
    const { profile, snapshot } = await imported(file(table), { target: "y" });
    expect(snapshot.columns.map(({ name }) => name)).toEqual(["id", "same", "twin", "score"]);
    const by = Object.fromEntries(profile.columns!.map((c) => [c.name, c]));
    expect(by.id).toMatchObject({ distinct: 100, missing: 0, mean: 1049.5, quantiles: expect.arrayContaining([1000, 1049.5, 1099]) });
    expect(by.id!.histogram!.counts.reduce((a, b) => a + b)).toBe(100);
    expect(by.twin!.association).toEqual({ measure: "correlation_ratio", value: 1 });
    expect(by.y).toMatchObject({
      role: "target",
      type: "category",
      top: [
        { value: "0", count: 50 },
        { value: "1", count: 50 },
      ],
    });
    const warned = Object.fromEntries(profile.warnings.map(({ code, columns }) => [code, columns]));
    expect(warned).toMatchObject({ constant: ["same"], identifier: ["id"], target_leakage: ["twin"], missing: ["empty"] });
    expect(profile.sample![0]).toMatchObject({ same: 7, id: expect.any(Number) });
  });

  test("counts rows that are there twice, and those that training sees, too", async () => {
    const { profile } = await imported(file(`a,b,y\n${rows(60, (i) => `${i % 30},${i % 30},${i % 2}`)}`));
    expect(profile.duplicates!.exact).toBe(30);
    expect(profile.duplicates!.acrossSplits).toBeGreaterThan(0);
    expect(profile.duplicates!.examples[0]).toMatchObject({ exact: true });
  });
});

describe("a preview", () => {
  test("tells what was found, and what would be predicted and why", async () => {
    const found = await preview(file(flowers.replaceAll(",", ";")));
    expect(found).toMatchObject({
      kind: "table",
      format: { name: "csv", delimiter: ";", header: true, encoding: "utf-8" },
      records: 60,
      estimated: false,
      target: { name: "species", task: "classification" },
      classes: [
        { label: "iris", count: 30 },
        { label: "rose", count: 30 },
      ],
      problems: [],
    });
    expect(found.columns.map(({ name, type }) => [name, type])).toEqual([
      ["length", "number"],
      ["colour", "category"],
      ["seen", "date"],
      ["species", "category"],
    ]);
    expect(found.rows[0]).toEqual(["0.5", "red", "2024-01-10 00:00:00", "rose"]);
  });

  test("tells of a large file from its beginning", async () => {
    const found = await preview(file(`a,b,y\n${rows(1_500_000, (i) => `${i},${i % 77},${i % 2}`)}`));
    expect(found.estimated).toBe(true);
    expect(Math.abs(found.records - 1_500_000)).toBeLessThan(100_000);
  });

  test("tells problems rather than to fail", async () => {
    expect((await preview(file("a,a,y\n1,2,0\n1,2,1\n"))).problems).toMatchObject([{ message: expect.stringContaining('"a" occurs twice') }]);
    expect((await preview(file("a,y\n1,x\n2,x\n"))).problems).toMatchObject([{ message: expect.stringContaining("has only x") }]);
    expect((await preview(file(`a,empty,y\n${rows(30, (i) => `${i},,${i % 2}`)}`))).problems).toMatchObject([{ where: "empty" }]);
  });
});
