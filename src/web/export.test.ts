import { expect, test } from "vitest";
import { csv, json } from "./export.ts";

test("CSV quotes what has a comma, a quote or a line's end, and ends each line as RFC 4180 says", () => {
  expect(
    csv(
      ["name", "a,b"],
      [
        ["plain", 'say "no"'],
        ["two\nlines", null],
      ],
    ),
  ).toBe('name,"a,b"\r\nplain,"say ""no"""\r\n"two\nlines",\r\n');
});

test("CSV lets no spreadsheet compute a text, and leaves numbers as they are", () => {
  expect(csv([], [["=1+1", "+1", "-1", "@x", "\tx", "a=b", -0.5, 1e-7, false, undefined]])).toBe(
    "\r\n'=1+1,'+1,'-1,'@x,'\tx,a=b,-0.5,1e-7,false,\r\n",
  );
});

test("JSON has an object for each row, with null for what is not there", () => {
  expect(JSON.parse(json(["name", "loss"], [["=x", 0.5], ["y", null], ["z"]]))).toEqual([
    { name: "=x", loss: 0.5 },
    { name: "y", loss: null },
    { name: "z", loss: null },
  ]);
});
