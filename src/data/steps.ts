/** Lists of preprocessing steps as people write them: checked, completed, and followed to the shape they lead to, before anything is loaded. */
import type { Column, ColumnType } from "../shared/dataset.ts";
import { checkParams, type ParamValues } from "../shared/define.ts";
import { fail, show, TrainyardError } from "../shared/errors.ts";
import type { NamedColumn } from "./flow.ts";
import type { PictureShape, PreprocessingKind, PreprocessingStep, TableStep } from "./kinds.ts";

/** A step with its entry of the catalog and every parameter. */
export interface Step<K extends PreprocessingKind = PreprocessingKind> {
  readonly kind: K;
  readonly params: ParamValues;
}
/** A step in the words of settings, complete. */
export interface SettledStep extends PreprocessingStep {
  readonly computation: string;
  readonly params: ParamValues;
}

/** Samples before the first step. */
export type RawShape = { readonly columns: readonly Pick<Column, "name" | "type">[] } | { readonly pictureShape: readonly number[] };

export interface FoundProblem {
  readonly error: TrainyardError;
  /** From the list on: "2.params.columns"; "" for the whole of it. */
  readonly path: string;
}

export const settled = ({ kind, params }: Step): SettledStep => ({ step: kind.id, computation: kind.computation, params });
/** How errors name a step. */
export const placeOf = (i: number, { id }: { readonly id: string }): string => `preprocessing step ${i + 1} (${id})`;

/**
 * Looks up steps, fills in their defaults and checks all that can be checked without the data.
 * @param raw what the samples are, where it is known
 */
export function checkSteps(
  kinds: readonly PreprocessingKind[],
  given: readonly PreprocessingStep[],
  raw?: RawShape,
): { steps: readonly Step[]; problems: readonly FoundProblem[] } {
  const problems: FoundProblem[] = [];
  const steps = given.flatMap(({ step, params }, i): Step[] => {
    const kind = kinds.find(({ id }) => id === step);
    if (!kind) {
      problems.push({ error: fail("UNKNOWN_ENTRY", { kind: "preprocessing step", id: step, known: kinds.map(({ id }) => id) }), path: `${i}.step` });
      return [];
    }
    const where = placeOf(i, kind);
    const checked = checkParams(where, kind.params, params);
    for (const error of checked.problems) problems.push({ error, path: `${i}.params.${error.details.name}` });
    const clash = checked.problems.length ? undefined : kind.check?.(checked.values as never);
    if (clash) problems.push({ error: fail("BAD_PARAMETER", { where, ...clash }), path: `${i}.params.${clash.name}` });
    return [{ kind, params: checked.values }];
  });
  // What follows from the steps before is said once those are in order.
  if (!problems.length) problems.push(...followSteps(steps, raw).problems);
  return { steps, problems };
}

/** Shape of a sample after the steps; undefined where only the training rows can tell. */
export const shapeAfter = (steps: readonly Step[], raw: RawShape): readonly number[] | undefined => followSteps(steps, raw).shape;

function followSteps(steps: readonly Step[], raw: RawShape | undefined): { shape?: readonly number[]; problems: readonly FoundProblem[] } {
  const of = raw ? ("pictureShape" in raw ? "pictures" : "table") : steps[0]?.kind.of;
  const strangers = steps.flatMap(({ kind }, i) => {
    const error = fail("BAD_PREPROCESSING", {
      where: placeOf(i, kind),
      problem: `it is for ${kind.of === "table" ? "tables" : "pictures"}, but ${raw ? "the samples are" : "the steps before it are for"} ${of === "table" ? "rows of a table" : "pictures"}`,
      fix: "Leave it out.",
    });
    return kind.of === of ? [] : [{ error, path: `${i}.step` }];
  });
  if (strangers.length || !raw) return { problems: strangers };
  return "pictureShape" in raw
    ? followPictures(steps, raw.pictureShape as PictureShape)
    : followTable(steps as readonly Step<TableStep>[], raw.columns);
}

function followPictures(steps: readonly Step[], raw: PictureShape) {
  let shape = raw;
  let scaled = false;
  for (const [i, { kind, params }] of steps.entries()) {
    if (kind.of !== "pictures") continue;
    try {
      if (scaled && kind.build)
        throw fail("BAD_PREPROCESSING", {
          where: placeOf(i, kind),
          problem: "it works on pixels, but a step before it has scaled them",
          fix: `Put ${kind.id} before normalise.`,
        });
      shape = kind.shape?.(shape, params as never) ?? shape;
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      return { problems: [{ error, path: `${i}` }] };
    }
    scaled ||= Boolean(kind.scale);
  }
  return { shape, problems: [] };
}

function followTable(steps: readonly Step<TableStep>[], raw: readonly NamedColumn[]) {
  let columns: readonly NamedColumn[] = raw.map(({ name, type }) => ({ name, type }));
  /** Whether there are columns besides, whose names the training rows will tell. */
  let more = false;
  const problems: FoundProblem[] = [];
  for (const [i, { kind, params }] of steps.entries()) {
    try {
      const on = new Set(chosenColumns(i, kind, params, columns, more).map(({ name }) => name));
      columns = columns.flatMap((column) => {
        const becomes = on.has(column.name) && kind.becomes ? kind.becomes(column, params as never) : [column];
        more ||= !becomes;
        return becomes ?? [];
      });
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      problems.push({ error, path: `${i}.params.columns` });
    }
  }
  if (!problems.length) {
    const unfit = unreadable(columns, more);
    if (unfit) problems.push({ error: unfit, path: "" });
  }
  return { ...(!more && !problems.length && { shape: [columns.length] }), problems };
}

/** Names in errors: as many as anyone reads. */
const listed = (names: readonly string[]): string =>
  names.slice(0, 20).map(show).join(", ") + (names.length > 20 ? ` and ${names.length - 20} more` : "");

const sorts: Readonly<Record<ColumnType, string>> = { number: "numbers", category: "categories", date: "dates", text: "texts" };
const encoders: Readonly<Record<Exclude<ColumnType, "number">, string>> = {
  category: "one-hot, ordinal or hashing",
  date: "date-parts",
  text: "bag-of-words",
};

/** Why a network cannot read these columns. */
export function unreadable(columns: readonly NamedColumn[], more = false): TrainyardError | undefined {
  if (!columns.length && !more)
    return fail("BAD_PREPROCESSING", { where: "preprocessing", problem: "no column is left", fix: "Drop fewer columns, or select more." });
  const left = columns.find(({ type }) => type !== "number");
  return (
    left &&
    fail("BAD_PREPROCESSING", {
      where: "preprocessing",
      problem: `column ${show(left.name)} holds ${sorts[left.type]} at the end, which a network cannot read`,
      fix: `Add the step ${encoders[left.type as keyof typeof encoders]}, or drop the column (step drop).`,
    })
  );
}

/**
 * The columns that a step works on, of those that have come to it.
 * @param more whether there may be others besides
 * @throws BAD_PARAMETER, BAD_PREPROCESSING
 */
export function chosenColumns(
  i: number,
  { id, suits, chooses }: TableStep,
  params: ParamValues,
  columns: readonly NamedColumn[],
  more = false,
): readonly NamedColumn[] {
  const named = params.columns as readonly string[];
  const where = placeOf(i, { id });
  const refuse = (want: string, got: string) => fail("BAD_PARAMETER", { where, name: "columns", want, got });
  if (chooses !== "all" && !named.length) throw refuse("the names of one or more columns", "empty");
  const names = columns.map(({ name }) => name);
  const unknown = more ? [] : named.filter((name) => !names.includes(name));
  if (unknown.length) throw refuse(names.length ? `some of ${listed(names)}` : "empty, as no column is left", listed(unknown));
  if (chooses === "others") return columns.filter(({ name }) => !named.includes(name));
  const on = columns.filter(({ name, type }) => (named.length ? named.includes(name) : suits.includes(type)));
  const unsuited = on.find(({ type }) => !suits.includes(type));
  if (unsuited)
    throw fail("BAD_PREPROCESSING", {
      where,
      problem: `it is for ${suits.map((type) => sorts[type]).join(" and ")}, but column ${show(unsuited.name)} holds ${sorts[unsuited.type]}`,
      fix: "Leave the column out of its list.",
    });
  return on;
}
