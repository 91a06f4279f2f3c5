/** What stands in JSON on the command line, or in a file that it names: lists of steps, networks. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { preprocessingStep } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";

const stepsForm = '[{ "step": "impute", "params": { "strategy": "mean" } }, …]';

/** The list itself, or the name of a file with it. @throws FILE_NOT_FOUND, BAD_FILE */
export async function readSteps(given: string): Promise<z.infer<typeof preprocessingStep>[]> {
  const inline = given.trimStart().startsWith("[");
  const steps = inline ? parseJson(given, "--preprocessing") : await readJson(given, "list of steps", stepsForm);
  const { success, data, error } = z.array(preprocessingStep).safeParse(steps);
  if (success) return data;
  const { path, message } = error.issues[0]!;
  const got = `${path.length ? `${path.join(".")}: ` : ""}${message}`;
  throw fail("BAD_FILE", { path: inline ? "--preprocessing" : given, want: `a list of steps: ${stepsForm}`, got, fix: "Correct the list." });
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
