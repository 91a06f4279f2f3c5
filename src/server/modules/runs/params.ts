/** The parameters and tags of runs, each by its path: what filters, sorts and comparisons read. */
import type { Tx } from "../../entity.ts";
import type { RunState } from "./run.ts";

interface Param {
  readonly path: string;
  readonly number: number | null;
  readonly text: string | null;
}

/** Every parameter by its path. */
export const paramsOf = ({ settings }: Pick<RunState, "settings">): Param[] => {
  const { training, network: _, preprocessing = [], augmentation = [], ...parts } = settings;
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
    ...preprocessing.flatMap(({ step, params }, i) => [
      leaf(`preprocessing.${i}.step`, step),
      ...Object.entries(params).map(([name, value]) => leaf(`preprocessing.${i}.params.${name}`, value)),
    ]),
    ...augmentation.flatMap(({ layer, params }, i) => [
      leaf(`augmentation.${i}.layer`, layer),
      ...Object.entries(params).map(([name, value]) => leaf(`augmentation.${i}.params.${name}`, value)),
    ]),
  ];
};

/** The path of a tag, which no parameter has. */
export const tagPath = (name: string): string => `tags.${name}`;

/** Characters of a text by which runs are found and sorted: as many as a tag may have, few enough for an index. */
const MAX_TEXT = 250;
const cut = (text: string | null): string | null => (text && text.length > MAX_TEXT ? [...text].slice(0, MAX_TEXT).join("") : text);

type Found = Pick<RunState, "settings" | "tags">;

/** The rows of a run: its parameters and its tags. */
export const rowsOf = (state: Found): Param[] => [
  ...paramsOf(state).map((param) => ({ ...param, text: cut(param.text) })),
  ...Object.entries(state.tags).map(([name, value]) => ({ path: tagPath(name), number: null, text: value })),
];

export async function deleteParams(tx: Tx, run: string): Promise<void> {
  await tx.deleteFrom("run_params").where("run", "=", run).execute();
}

/** To be called after what changes the settings or the tags of a run. */
export async function saveParams(tx: Tx, run: string, state: Found & Pick<RunState, "number">): Promise<void> {
  await deleteParams(tx, run);
  await tx
    .insertInto("run_params")
    .values(rowsOf(state).map((row) => ({ run, run_number: state.number, ...row })))
    .execute();
}
