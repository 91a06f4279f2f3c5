/** What a schema finds wrong is told in sentences that say where, what was wanted, what came and what to do. */
import { expect, test } from "vitest";
import { z } from "zod";
import { runEdit, runRequest } from "../shared/api/schemas.ts";
import { MAX_PROBLEMS, problemsOf } from "./validation.ts";

test.each<[schema: z.ZodType, value: unknown, message: string, fix: string]>([
  [z.object({ epochs: z.int() }), { epochs: "3" }, 'epochs must be a number, but is "3"', "Give epochs as a number."],
  [z.object({ epochs: z.int() }), {}, "epochs must be a number, but is missing", "Give epochs as a number."],
  [z.object({ epochs: z.int().max(9) }), { epochs: 10 }, "epochs must be at most 9, but is 10", "Give epochs as at most 9."],
  [z.object({ on: z.boolean() }), { on: null }, "on must be a boolean, but is null", "Give on as a boolean."],
  [z.object({ list: z.array(z.int()).min(1) }), { list: [] }, "list must be a list of at least 1, but is []", "Give list as a list of at least 1."],
  [z.object({ list: z.array(z.int()) }), { list: [1, true] }, "list.1 must be a number, but is true", "Give list.1 as a number."],
  [z.object({ task: z.enum(["a", "b"]) }), { task: "c" }, 'task must be one of a, b, but is "c"', "Give task as one of a, b."],
  [
    z.object({ at: z.iso.datetime() }),
    { at: "noon" },
    'at must be text of the form datetime, but is "noon"',
    "Give at as text of the form datetime.",
  ],
  [z.strictObject({}), { colour: 1 }, "colour must be absent: there is no such field, but is given", "Leave colour out."],
  [z.object({}), [], "the body must be an object, but is []", "Give the body as an object."],
  [runEdit, { name: "" }, 'name must be text of at least 1, but is ""', "Give name as text of at least 1."],
  [runEdit, { name: "a\tb" }, 'name must have no control characters, but is "a\\tb"', "Give name with no control characters."],
  [
    runEdit,
    { tags: { "": "x" } },
    'tags. must be under a name that is text of at least 1, but is ""',
    "Give tags. as under a name that is text of at least 1.",
  ],
  [
    runEdit,
    { tags: { "a\u0001": "x" } },
    'tags.a\u0001 must be under a name with no control characters, but is "a\\u0001"',
    "Give tags.a\u0001 as under a name with no control characters.",
  ],
])("%#: %j", (schema, value, message, fix) => {
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
