/** Rows to predict from: read by name, typed by what the model takes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type RowInput, readRows } from "./rows.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-rows-"));
afterAll(() => rmSync(root, { recursive: true }));
let files = 0;
function file(content: string): string {
  const path = join(root, `${files++}.csv`);
  writeFileSync(path, content);
  return path;
}
const numbers = (...names: string[]): RowInput[] => names.map((name) => ({ name, type: "number", required: true }));
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

describe("rows for prediction", () => {
  test("come by name, whatever the order of the file, and other columns are passed over", async () => {
    expect(await readRows(file("note,b,a\nfirst,2,1\n,4,3\n"), numbers("a", "b"))).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  test("hold texts, categories and dates as they stand, and null where a value may be missing and is", async () => {
    const inputs: RowInput[] = [
      { name: "age", type: "number", required: false },
      { name: "colour", type: "category", required: false },
      { name: "when", type: "date", required: true },
      { name: "note", type: "text", required: false },
    ];
    expect(await readRows(file('when,age,colour,note\n2024-05-31,,red,"a, b"\n1999-01-01,3,,\n'), inputs)).toEqual([
      { age: null, colour: "red", when: "2024-05-31", note: "a, b" },
      { age: 3, colour: null, when: "1999-01-01", note: null },
    ]);
  });

  test("need every column of training", async () => {
    const path = file("b,c\n1,2\n");
    expect(await refusal(readRows(path, numbers("a", "b", "d")))).toEqual([
      "BAD_FILE",
      `${path} must be a table with the columns a, b, d, but lacks a, d`,
      "Name the columns on the first line as they were named in training.",
    ]);
  });

  test("need a header", async () => {
    const path = file("1,2\n3,4\n");
    expect(await refusal(readRows(path, numbers("a", "b")))).toEqual([
      "BAD_FILE",
      `${path} must be a table with the columns a, b, but lacks a, b`,
      "Name the columns on the first line as they were named in training.",
    ]);
  });

  test.each([
    ["a,b\n1,2\n3,\n", 'row 3, column "b" must be a number, but is empty'],
    ["a,b\n1,x\n", 'row 2, column "b" must be a number, but is "x"'],
    ["a,b\n1,1e39\n", 'row 2, column "b" must be a number, but is "1e39"'],
  ])("need a number where the model needs one: %j", async (content, message) => {
    const path = file(content);
    expect((await refusal(readRows(path, numbers("a", "b"))))[1]).toBe(`${path}, ${message}`);
  });
});
