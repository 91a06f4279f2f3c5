/** What a schema finds wrong is told in sentences that say where, what was wanted, what came and what to do. */
import { expect, test } from "vitest";
import { z } from "zod";
import { runEdit, runRequest } from "../shared/api/schemas.ts";
import { MAX_PROBLEMS, problemsOf } from "./validation.ts";

test.each<[message: string, schema: z.ZodType, value: unknown, fix: string]>([
  ['epochs must be a number, but is "3"', z.object({ epochs: z.int() }), { epochs: "3" }, "Give epochs as a number."],
  ["epochs must be a number, but is missing", z.object({ epochs: z.int() }), {}, "Give epochs as a number."],
  ["epochs must be at most 9, but is 10", z.object({ epochs: z.int().max(9) }), { epochs: 10 }, "Give epochs as at most 9."],
  ["on must be a boolean, but is null", z.object({ on: z.boolean() }), { on: null }, "Give on as a boolean."],
  ["list must be a list of at least 1, but is []", z.object({ list: z.array(z.int()).min(1) }), { list: [] }, "Give list as a list of at least 1."],
  ["list.1 must be a number, but is true", z.object({ list: z.array(z.int()) }), { list: [1, true] }, "Give list.1 as a number."],
  ['task must be one of a, b, but is "c"', z.object({ task: z.enum(["a", "b"]) }), { task: "c" }, "Give task as one of a, b."],
  [
    'at must be text of the form datetime, but is "noon"',
    z.object({ at: z.iso.datetime() }),
    { at: "noon" },
    "Give at as text of the form datetime.",
  ],
  ["colour must be absent: there is no such field, but is given", z.strictObject({}), { colour: 1 }, "Leave colour out."],
  ["the body must be an object, but is []", z.object({}), [], "Give the body as an object."],
  ['name must be text of at least 1, but is ""', runEdit, { name: "" }, "Give name as text of at least 1."],
  ['name must have no control characters, but is "a\\tb"', runEdit, { name: "a\tb" }, "Give name with no control characters."],
  [
    'tags. must be under a name that is text of at least 1, but is ""',
    runEdit,
    { tags: { "": "x" } },
    "Give tags. as under a name that is text of at least 1.",
  ],
  [
    'tags.a\\u0001 must be under a name with no control characters, but is "a\\u0001"',
    runEdit,
    { tags: { "a\u0001": "x" } },
    "Give tags.a\\u0001 as under a name with no control characters.",
  ],
])("%s", (message, schema, value, fix) => {
  expect(problemsOf(schema, value)).toEqual([expect.objectContaining({ message, fix })]);
});

test("too many tags are one problem", () => {
  const tags = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`t${i}`, ""]));
  const [problem, ...others] = problemsOf(runEdit, { tags });
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ path: "tags", message: expect.stringMatching(/^tags must have at most 100 tags, but is /) });
});

test("every problem of a request is told, up to what anyone reads", () => {
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`field${i}`, i]));
  expect(problemsOf(runRequest, fields)).toHaveLength(MAX_PROBLEMS);
});

test("a place below another is named whole", () => {
  expect(problemsOf(runEdit, { name: 1 }, "query").map(({ path }) => path)).toEqual(["query.name"]);
});
