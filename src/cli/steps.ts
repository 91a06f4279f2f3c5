/** What stands in JSON on the command line, or in a file that it names: lists of steps, networks. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { augmentation, preprocessingStep } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";

/** Lists that `train` takes: the flag, what they are called, how they look. */
const lists = {
  preprocessing: { what: "list of steps", form: '[{ "step": "impute", "params": { "strategy": "mean" } }, …]', schema: z.array(preprocessingStep) },
  augmentation: { what: "list of layers", form: '[{ "layer": "RandomShift", "params": { "down": 2 } }, …]', schema: z.array(augmentation) },
} as const;
type Lists = { readonly [K in keyof typeof lists]: z.infer<(typeof lists)[K]["schema"]> };

/** The list itself, or the name of a file with it. @throws FILE_NOT_FOUND, BAD_FILE */
export async function readList<K extends keyof Lists>(kind: K, given: string): Promise<Lists[K]> {
  const { what, form, schema } = lists[kind];
  const inline = given.trimStart().startsWith("[");
  const steps = inline ? parseJson(given, `--${kind}`) : await readJson(given, what, form);
  const { success, data, error } = schema.safeParse(steps);
  if (success) return data as Lists[K];
  const { path, message } = error.issues[0]!;
  const got = `${path.length ? `${path.join(".")}: ` : ""}${message}`;
  throw fail("BAD_FILE", { path: inline ? `--${kind}` : given, want: `a ${what}: ${form}`, got, fix: "Correct the list." });
}

export async function readJson(path: string, what: string, form: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => {
    throw fail("FILE_NOT_FOUND", { path, what, fix: `Name a JSON file: ${form}.` });
  });
  return parseJson(text, path);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail("BAD_FILE", { path, want: "JSON", got: `it does not parse (${(cause as Error).message})`, fix: "Correct the file." }, cause);
  }
}
