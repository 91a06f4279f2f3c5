/** What a schema finds wrong, in the form in which every problem is told. */
import type { z } from "zod";
import { type Problem, printable, show } from "../shared/errors.ts";

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
      return issue.message.startsWith("must ") ? ours(issue.message) : `text of the form ${issue.format}`;
    case "invalid_key": {
      const name = wanted(issue.issues[0]!);
      return `under a name ${name.startsWith("with ") ? name : `that is ${name}`}`;
    }
    default:
      return ours(issue.message);
  }
};
/** Messages of our schemas: "must be …", "must have …". */
const ours = (message: string): string => message.replace(/^must (be )?/, "").replace(/^have /, "with ");
const an = (type: string): string => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`);

/** Fields whose value is repeated to nobody, not even to who sent it: logs and screens are read by others. */
const secrets: ReadonlySet<unknown> = new Set(["password", "current", "link", "share"]);
const isSecret = ({ path, input }: Issue): boolean => input !== undefined && secrets.has(path.at(-1));

/** More than anyone reads, and few enough to be told in one answer. */
export const MAX_PROBLEMS = 100;

/** Every problem of a value, by its place; none when it is as it should be. */
export function problemsOf(schema: z.ZodType, value: unknown, root = ""): Problem[] {
  const { error } = schema.safeParse(value, { reportInput: true });
  return (error?.issues ?? [])
    .slice(0, MAX_PROBLEMS)
    .flatMap((issue) => problems(issue, root))
    .slice(0, MAX_PROBLEMS);
}

function problems(issue: Issue, root: string): Problem[] {
  const at = [...(root ? [root] : []), ...issue.path.map(String)].join(".");
  const unknown = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
  return unknown.map((key) => {
    const path = printable(key === undefined ? at : [...(at ? [at] : []), key].join("."));
    const want = key === undefined ? wanted(issue) : "absent: there is no such field";
    const got = key !== undefined ? "given" : isSecret(issue) ? "something else" : show(issue.input);
    const where = path || "the body";
    return {
      code: "BAD_PARAMETER",
      path,
      message: `${where} must ${want.startsWith("with ") ? `have ${want.slice(5)}` : `be ${want}`}, but is ${got}`,
      wanted: want,
      got,
      fix: `${key === undefined ? `Give ${where} ${want.startsWith("with ") ? want : `as ${want}`}` : `Leave ${path} out`}.`,
    };
  });
}
