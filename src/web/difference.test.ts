/** What changed between two states: each change once, by its path, and marked where the state is shown. */
import { describe, expect, test } from "vitest";
import { differences, lines, passages } from "./difference.ts";

describe("the difference of two states", () => {
  test("names what changed by its path, what is new and what is gone", () => {
    const before = { name: "a", settings: { epochs: 1, seed: 2 }, files: [{ size: 1 }], note: "x" };
    const after = { name: "a", settings: { epochs: 3, seed: 2 }, files: [{ size: 1 }, { size: 5 }], result: { best: 1 } };
    expect(differences(before, after)).toEqual([
      { path: "settings.epochs", before: 1, after: 3 },
      { path: "files[1]", after: { size: 5 } },
      { path: "note", before: "x" },
      { path: "result", after: { best: 1 } },
    ]);
  });

  test("is nothing for equal states, and everything for the first one", () => {
    const state = { a: [1, { b: null }] };
    expect(differences(state, structuredClone(state))).toEqual([]);
    expect(differences({}, state)).toEqual([{ path: "a", after: state.a }]);
  });

  test("tells null, a list and an object apart", () => {
    expect(differences({ a: null, b: [1] }, { a: {}, b: { 0: 1 } })).toEqual([
      { path: "a", before: null, after: {} },
      { path: "b", before: [1], after: { 0: 1 } },
    ]);
  });
});

test("lines are what JSON.stringify writes", () => {
  for (const value of [{ a: 1, "b c": [1, [], {}, "x\ny", { d: null }], e: { f: true } }, [], {}, "text", 4])
    expect(
      lines(value)
        .map(({ text }) => text)
        .join("\n"),
    ).toBe(JSON.stringify(value, null, 2));
});

test("passages mark what changed, with all that is in it", () => {
  const state = { name: "a", result: { best: 1, of: [1, 2] }, names: "b" };
  const found = passages(state, [{ path: "result", after: state.result }]);
  expect(found.map(({ changed }) => changed)).toEqual([false, true, false]);
  expect(found[1]!.text).toBe('  "result": {\n    "best": 1,\n    "of": [\n      1,\n      2\n    ]\n  },');
  expect(found.map(({ text }) => text).join("\n")).toBe(JSON.stringify(state, null, 2));
  expect(passages(state, []).map(({ changed }) => changed)).toEqual([false]);
  expect(passages({ files: [1, 2] }, [{ path: "files[1]", after: 2 }]).filter(({ changed }) => changed)).toEqual([{ changed: true, text: "    2" }]);
});
