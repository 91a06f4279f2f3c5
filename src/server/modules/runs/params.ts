/** The parameters of runs, each by its path: what filters, sorts and comparisons read. */
import type { Tx } from "../../entity.ts";
import type { RunState } from "./run.ts";

/** Every parameter by its path: what filters and sorts by parameters read. */
export const paramsOf = ({ settings }: Pick<RunState, "settings">): { path: string; number: number | null; text: string | null }[] => {
  const { training, network: _, ...parts } = settings;
  const leaf = (path: string, value: unknown) => ({
    path,
    number: typeof value === "number" ? value : null,
    text: typeof value === "number" ? String(value) : typeof value === "string" ? value : JSON.stringify(value),
  });
  return [
    ...Object.entries(training).map(([name, value]) => leaf(`training.${name}`, value)),
    ...Object.entries(parts).flatMap(([part, { id, params }]) => [
      leaf(`${part}.id`, id),
      ...Object.entries(params).map(([name, value]) => leaf(`${part}.params.${name}`, value)),
    ]),
  ];
};

export async function deleteParams(tx: Tx, run: string): Promise<void> {
  await tx.deleteFrom("run_params").where("run", "=", run).execute();
}

export async function saveParams(tx: Tx, run: string, state: Pick<RunState, "settings" | "number">): Promise<void> {
  await deleteParams(tx, run);
  await tx
    .insertInto("run_params")
    .values(paramsOf(state).map((param) => ({ run, run_number: state.number, ...param })))
    .execute();
}
