/** Targets of a user's own arrays: classes, by number, name or one-hot row; or values. */
import type { SplitName, Task } from "../../shared/dataset.ts";
import { fail, show, showShape } from "../../shared/errors.ts";
import { allNumbers, sizeOf } from "./array.ts";
import { broken } from "./blocks.ts";
import type { Pairs } from "./collection.ts";
import { allTexts, type NpyArray } from "./npy.ts";

export interface Targets {
  readonly task: Task;
  readonly labels: readonly string[];
  readonly of: Readonly<Partial<Record<SplitName, Int32Array | Float32Array>>>;
}

/** As many different integers are classes; more are values. */
const mostClasses = 100;
const mostLabels = 100_000;

/**
 * @param asked "auto": texts, booleans and few different integers are classes
 * @param names of the classes 0, 1, …, or the texts in the order wanted; empty: the values themselves, in order
 * @throws BAD_FILE, BAD_PARAMETER
 */
export async function readTargets(pairs: Pairs, asked: "auto" | Task, names: readonly string[]): Promise<Targets> {
  const read = await Promise.all(
    (Object.entries(pairs) as [SplitName, Pairs["train"]][]).map(async ([split, { targets }]) => ({
      split,
      array: targets,
      values: await valuesOf(targets),
    })),
  );
  const texts = read.some(({ values }) => Array.isArray(values));
  if (texts && asked === "regression")
    throw fail("BAD_PARAMETER", { where: "arrays", name: "task", want: "classification, as the targets are texts", got: asked });
  const task = asked !== "auto" ? asked : texts || areClasses(read.map(({ values }) => values as Float64Array)) ? "classification" : "regression";
  if (task === "regression") {
    const of = read.map(({ split, array, values }) => [split, finite(array, values as Float64Array)] as const);
    return { task, labels: [], of: Object.fromEntries(of) };
  }
  const keys: readonly (number | string)[] = names.length ? (texts ? names : names.map((_, i) => i)) : distinct(read.map(({ values }) => values));
  if (keys.length > mostLabels)
    throw broken(pairs.train.targets.path, `at most ${mostLabels} classes`, "has more", undefined, "Set the task to regression.");
  const places = new Map(keys.map((key, i) => [key, i]));
  const of = read.map(({ split, array, values }) => {
    const targets = new Int32Array(values.length);
    for (let row = 0; row < values.length; row++) {
      const place = places.get(values[row]!);
      if (Number.isNaN(values[row])) throw missing(array, row, values[row] as number);
      if (place === undefined)
        throw fail("BAD_PARAMETER", {
          where: "arrays",
          name: "labels",
          want: `the names of all classes, as row ${row + 1} of "${array.name}" is ${show(values[row])}`,
          got: show(names),
        });
      targets[row] = place;
    }
    return [split, targets] as const;
  });
  return { task, labels: names.length ? names : keys.map(String), of: Object.fromEntries(of) };
}

/** One value for each row. */
async function valuesOf(array: NpyArray): Promise<Float64Array | string[]> {
  const { shape, path, name } = array;
  const [count = 0, ...rest] = shape;
  const width = sizeOf(rest);
  if (array.dtype === "text") {
    if (width !== 1) throw broken(path, "one text for each row", `"${name}" is of ${showShape(shape)}`, undefined, "Give one target for each row.");
    return allTexts(array);
  }
  const values = await allNumbers(array);
  if (width === 1) return values;
  const places = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const hot = values.subarray(row * width, (row + 1) * width);
    places[row] = hot.indexOf(1);
    if (places[row]! < 0 || hot.some((value, i) => value !== (i === places[row] ? 1 : 0)))
      throw broken(
        path,
        "one target for each row, or a one and zeros (one-hot)",
        `row ${row + 1} of "${name}" is neither`,
        undefined,
        "Give one target for each row.",
      );
  }
  return places;
}

function areClasses(parts: readonly Float64Array[]): boolean {
  const seen = new Set<number>();
  for (const values of parts)
    for (const value of values) {
      if (!Number.isInteger(value) || value < 0) return false;
      if (seen.add(value).size > mostClasses) return false;
    }
  return true;
}

/** All values there are, in order; when there are too many, some of them. */
function distinct(parts: readonly (Float64Array | string[])[]): (number | string)[] {
  const seen = new Set<number | string>();
  for (const values of parts) for (const value of values) if (seen.add(value).size > mostLabels) return [...seen];
  return [...seen].sort((a, b) => (typeof a === "number" ? a - (b as number) : a < b ? -1 : 1));
}

function finite(array: NpyArray, values: Float64Array): Float32Array {
  const row = values.findIndex((value) => !Number.isFinite(Math.fround(value)));
  if (row >= 0) throw missing(array, row, values[row]!);
  return Float32Array.from(values);
}

const missing = ({ path, name }: NpyArray, row: number, value: number) =>
  broken(path, "a target for each row", `row ${row + 1} of "${name}" is ${value}`, undefined, "Leave such rows out.");
