/** Command-line flags made from parameter specs: one per parameter of everything that is chosen. */
import { type Command, Option } from "commander";
import { type Choice, choices, fittingParams, learnerOf, type RunRequest, trainingParams } from "../catalog/run-settings.ts";
import { type Head, type Param, type Params, parseParam, wanted } from "../shared/define.ts";
import { capital } from "./command.ts";

/** "learningRate" -> "--learning-rate", "C" -> "--c" */
const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (c, at: number) => `${at ? "-" : ""}${c.toLowerCase()}`)}`;
const attributeOf = (flag: string): string => new Option(`${flag} <value>`).attributeName();

/** Flags of `train` that belong to no catalog entry. */
export const ownFlags = [
  ...[
    "--path",
    "--network",
    "--preprocessing",
    "--augmentation",
    "--name",
    "--note",
    "--tag",
    "--priority",
    "--needs",
    "--draft",
    "--detach",
    "--project",
    "--json",
    "--lr",
  ],
  ...Object.keys(choices).map(flagOf),
];

interface Flag {
  readonly flag: string;
  readonly owner: Choice | "training";
  readonly name: string;
  readonly param: Param;
}

/**
 * The flags of the training parameters and of the chosen entries. A name that an earlier owner has
 * is prefixed: the schedule's `epochs` becomes `--schedule-epochs`.
 */
export function flagsFor(chosen: Readonly<Partial<Record<Choice, string>>>): readonly Flag[] {
  const taken = new Set(ownFlags);
  const add = (owner: Flag["owner"], params: Params): Flag[] =>
    Object.entries(params).map(([name, param]) => {
      const flag = taken.has(flagOf(name)) ? `--${owner}${flagOf(name).slice(1)}` : flagOf(name);
      taken.add(flag);
      return { flag, owner, name, param };
    });
  const entries = (Object.keys(choices) as Choice[]).flatMap((choice) => {
    const entry = choices[choice].entries.find((e: Head) => e.id === chosen[choice]);
    return entry ? [[choice, entry.params] as const] : [];
  });
  const training = chosen.model && learnerOf({ model: { id: chosen.model } }) ? fittingParams : trainingParams;
  return [...add("training", training), ...entries.flatMap(([choice, params]) => add(choice, params))];
}

const placeholders: Readonly<Partial<Record<Param["type"], string>>> = {
  list: "a,b,…",
  texts: "a,b,…",
  mapping: "name=value,…",
  numberOr: "number or word",
  weights: "class=weight,…",
};

export function addFlags(command: Command, flags: readonly Flag[]): void {
  for (const { flag, owner, param } of flags) {
    const shown = param.type === "mapping" ? "" : Array.isArray(param.default) ? param.default.join(",") : param.default;
    const option = new Option(
      `${flag} <${placeholders[param.type] ?? param.type}>`,
      `${param.help} ${capital(wanted(param))}. (default: ${shown === "" ? "empty" : shown})`,
    );
    command.addOption(option.helpGroup(owner === "training" ? "Training:" : `Of the ${owner}:`));
  }
  if (flags.some((f) => f.name === "learningRate"))
    command.addOption(new Option("--lr <number>", "Short for --learning-rate.").helpGroup("Of the optimizer:"));
}

/** What was given on the command line, as a request. Text becomes numbers and lists here; whether they fit is checked with the request. */
export function requestFrom(
  flags: readonly Flag[],
  values: Readonly<Record<string, string>>,
  chosen: Readonly<Partial<Record<Choice, string>>>,
): RunRequest {
  const given: Partial<Record<Flag["owner"], Record<string, unknown>>> = {};
  for (const { flag, owner, name, param } of flags) {
    const value = values[attributeOf(flag)] ?? (name === "learningRate" ? values.lr : undefined);
    if (value !== undefined) given[owner] = { ...given[owner], [name]: parseParam(param, value) };
  }
  const parts = Object.entries(chosen).map(([choice, id]) => [choice, { id, params: given[choice as Choice] }]);
  return { ...Object.fromEntries(parts), training: given.training };
}

/** Every flag of every entry, each with the entry it goes with. */
export const everyFlag = (): readonly (Flag & { readonly entry: string })[] =>
  (Object.keys(choices) as Choice[]).flatMap((choice) =>
    choices[choice].entries.flatMap(({ id }: Head) =>
      flagsFor({ [choice]: id })
        .filter(({ owner }) => owner === choice)
        .map((flag) => ({ ...flag, entry: `--${choice} ${id}` })),
    ),
  );

/** The entries that know a flag which the chosen ones do not: "--rho belongs to optimizer adadelta". */
export const ownersOf = (flag: string): readonly string[] =>
  everyFlag()
    .filter((f) => f.flag === flag)
    .map(({ entry }) => entry);
