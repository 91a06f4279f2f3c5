/** What a schema finds wrong, in the form in which every problem is told. */
import type { z } from "zod";
import { type Problem, show } from "../shared/errors.ts";

type Issue = z.core.$ZodIssue;

/** In words, what would have been right. */
const wanted = (issue: Issue): string => {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "nonoptional" ? "given" : an(issue.expected);
    case "too_small":
      return `${issue.origin === "string" ? "text of " : issue.origin === "array" ? "a list of " : ""}at least ${issue.minimum}`;
    case "too_big":
      return `${issue.origin === "string" ? "text of " : issue.origin === "array" ? "a list of " : ""}at most ${issue.maximum}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "unrecognized_keys":
      return "without unknown fields";
    case "invalid_format":
      return issue.message.startsWith("must ") ? issue.message.slice(5) : `text of the form ${issue.format}`;
    default:
      return issue.message.replace(/^must /, "");
  }
};
const an = (type: string): string => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`);

/** Every problem of a value, by its place; none when it is as it should be. */
export function problemsOf(schema: z.ZodType, value: unknown, root = ""): Problem[] {
  const { error } = schema.safeParse(value, { reportInput: true });
  return (error?.issues ?? []).flatMap((issue) => problems(issue, root));
}

function problems(issue: Issue, root: string): Problem[] {
  const at = [...(root ? [root] : []), ...issue.path.map(String)].join(".");
  const unknown = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
  return unknown.map((key) => {
    const path = key === undefined ? at : [...(at ? [at] : []), key].join(".");
    const want = key === undefined ? wanted(issue) : "absent: there is no such field";
    const got = key === undefined ? show(issue.input) : "given";
    const where = path || "the body";
    return {
      code: "BAD_PARAMETER",
      path,
      message: `${where} must be ${want}, but is ${got}`,
      wanted: want,
      got,
      fix: `${key === undefined ? `Give ${where} as ${want}` : `Leave ${path} out`}.`,
    };
  });
}
