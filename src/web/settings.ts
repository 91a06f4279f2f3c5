/** What was set of an entry's parameters, and what the server says of it. */
import type { CatalogEntry } from "../shared/api/schemas.ts";
import { type Problem, TrainyardError } from "../shared/errors.ts";

/** Those of some values that are not the defaults. */
export const differing = (params: CatalogEntry["params"], values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(values).filter(([name, value]) => params[name] && JSON.stringify(value) !== JSON.stringify(params[name].default)),
  );

/** Every problem of a refused request that is about a place in it. */
export const problemsOf = (error: unknown): readonly Pick<Problem, "path" | "message" | "fix">[] =>
  error instanceof TrainyardError ? ((error.details.problems ?? []) as readonly Problem[]) : [];

/** Every problem of a refused request: one that is refused as a whole has itself alone. */
export function refusalsOf(error: unknown): readonly Pick<Problem, "path" | "message" | "fix">[] {
  const several = problemsOf(error);
  if (several.length || !(error instanceof TrainyardError)) return several;
  return error.status === 422 || error.status === 400 ? [{ path: String(error.details.path ?? ""), message: error.message, fix: error.fix }] : [];
}
