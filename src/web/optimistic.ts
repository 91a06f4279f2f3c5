/** Changes that are shown before the server has agreed, and taken back should it not. */
import type { QueryKey } from "@tanstack/react-query";
import { queries } from "./api.ts";

/** Shows a change of what was asked before. @returns how to take it back */
export async function assume<T>(queryKey: QueryKey, change: (before: T) => T): Promise<() => void> {
  // An answer that is on its way knows nothing of the change.
  await queries.cancelQueries({ queryKey });
  const before = queries.getQueryData<T>(queryKey);
  if (before !== undefined) queries.setQueryData<T>(queryKey, change(before));
  return () => queries.setQueryData<T>(queryKey, before);
}
