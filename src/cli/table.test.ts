/** Tables fit the terminal, whatever is in them. */
import { describe, expect, test } from "vitest";
import { type Column, table } from "./table.ts";

type Row = readonly [string, string, number];
const columns: readonly Column<Row>[] = [
  { title: "run", cell: ([name]) => name },
  { title: "note", cell: ([, note]) => note },
  { title: "size", cell: ([, , size]) => size, right: true },
];
const rows: readonly Row[] = [
  ["mnist-cnn-1", "a note that is far too long for a narrow terminal", 7],
  ["数字-cnn-2", "kurz", 1234],
];

describe("a table", () => {
  test("is as wide as its cells where there is space", () => {
    expect(table(columns, rows, 200)).toBe(
      `run          note                                               size
mnist-cnn-1  a note that is far too long for a narrow terminal     7
数字-cnn-2   kurz                                               1234`,
    );
  });

  test("is cut where it is widest, to the width of the terminal", () => {
    expect(table(columns, rows, 40)).toBe(
      `run          note                   size
mnist-cnn-1  a note that is far t…     7
数字-cnn-2   kurz                   1234`,
    );
  });

  test("cuts between letters, wide ones counted as two", () => {
    expect(table([columns[0]!], [["数字数字数字", "", 0]], 8)).toBe("run\n数字数…");
    expect(table([columns[0]!], [["e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", "", 0]], 7)).toBe(`run\n${"e\u0301".repeat(6)}…`);
  });

  test("keeps something of every column on the narrowest of terminals", () => {
    expect(table(columns, rows, 1).split("\n")).toEqual(["run     note    size", "mnist…  a not…     7", "数字-…  kurz    1234"]);
  });

  test("has one line for each row, and lets no cell steer the terminal", () => {
    const text = table(columns, [["a\nb\x1b[31m\u202e", "c\td", 0]], 80);
    expect(text).toBe("run        note  size\na b [31m   c d      0");
  });
});
