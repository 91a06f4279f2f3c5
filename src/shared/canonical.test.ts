/** Equal values have one spelling. */
import { expect, test } from "vitest";
import { canonical } from "./canonical.ts";

test("neither the order of keys nor undefined changes the spelling", () => {
  expect(canonical({ b: [1, { d: undefined, c: "ä" }], a: null })).toBe('{"a":null,"b":[1,{"c":"ä"}]}');
  expect(canonical({ a: null, b: [1, { c: "ä" }] })).toBe(canonical({ b: [1, { c: "ä" }], a: null }));
});

test("what JSON reads back has the same spelling", () => {
  for (const value of [{ x: [undefined, 1e-7, -0, "\u2028\\"], "": true }, [], "text", 5, null]) {
    expect(canonical(JSON.parse(JSON.stringify(value)))).toBe(canonical(value));
  }
});
