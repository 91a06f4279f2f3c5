/** A table to a snapshot: read, typed, split, written and described, natively and in bounded memory. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type SplitName, type StoredSplit, splitNames } from "../../shared/dataset.ts";
import { fail } from "../../shared/errors.ts";
import type { ImportContext } from "../importing.ts";
import { type Imported, type RowTensors, SplitWriter, sealSnapshot, storedFile } from "../snapshot.ts";
import { type Chosen, chooseColumns } from "./columns.ts";
import { Duck, flat, identifier, literal, pathLiteral } from "./duck.ts";
import { clearLoaded, type Loaded, load, type tableFiles } from "./load.ts";
import { splittingOf, type TableOptions } from "./options.ts";
import { profileTable } from "./profile.ts";
import { drawSplits } from "./splits.ts";

/** What stands for a missing date. */
const NO_DATE = -(2n ** 63n);
/** Steps of an import that are told as progress: read, typed, split, written and so on, of which each takes about as long. */
const STEPS = 5;

/** @throws BAD_FILE and its kin, and the reason of the signal */
export async function importTable(files: Awaited<ReturnType<typeof tableFiles>>, options: TableOptions, context: ImportContext): Promise<Imported> {
  const { directory, signal, progress } = context;
  const path = files[0]!.path;
  const before = await Promise.all(files.map(({ path }) => stamp(path)));
  const duck = await Duck.open(
    directory,
    before.reduce((sum, { size }) => sum + size, 0),
    signal,
  );
  try {
    progress?.(0, STEPS);
    const loaded = await load(duck, files, options, context).catch(async (error) => {
      await unchanged(files, before); // then whatever was met is no wonder
      throw error;
    });
    await unchanged(files, before);
    progress?.(1, STEPS);
    const chosen = await chooseColumns(duck, path, loaded, options);
    const { counts, split } = await drawSplits(duck, path, loaded, chosen, options);
    progress?.(2, STEPS);
    const splits = await writeSplits(duck, directory, loaded, chosen, counts);
    progress?.(3, STEPS);
    const profile = await profileTable(duck, loaded, chosen, counts);
    progress?.(STEPS, STEPS);
    const { target, task, labels, features } = chosen;
    return await sealSnapshot(
      directory,
      {
        kind: "table",
        task,
        columns: features.map(({ name, type, values }) => ({ name, type, ...(values && { values }) })),
        target: target.name,
        labels,
        splits: splits as never,
        splitting: splittingOf({ ...options, split }),
      },
      profile,
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    duck.close();
    await Promise.all([clearLoaded(directory, files.length), Duck.clear(directory)]);
  }
}

interface Stamp {
  readonly size: number;
  readonly changed: number;
}
const stamp = (path: string): Promise<Stamp> =>
  stat(path).then(
    ({ size, mtimeMs }) => ({ size, changed: mtimeMs }),
    () => ({ size: 0, changed: 0 }),
  );

/** @throws BAD_FILE */
async function unchanged(files: readonly { readonly path: string }[], before: readonly Stamp[]): Promise<void> {
  for (const [i, { path }] of files.entries()) {
    const { size, changed } = await stamp(path);
    if (size === before[i]!.size && changed === before[i]!.changed) continue;
    throw fail("BAD_FILE", {
      path,
      want: "a file that stays as it is while it is read",
      got: "changed",
      fix: "Import it again once nobody writes to it.",
    });
  }
}

async function writeSplits(
  duck: Duck,
  directory: string,
  { columns }: Loaded,
  { features, target, task, labels }: Chosen,
  counts: readonly number[],
): Promise<Readonly<Partial<Record<SplitName, StoredSplit>>>> {
  const of = (type: string) => features.filter((feature) => feature.type === type);
  const [numbers, categories, dates] = [of("number"), of("category"), of("date")];
  for (const [i, { values = [] }] of categories.entries()) await duck.run(enumType(`category_${i}`, values));
  if (task === "classification") await duck.run(enumType("label", target.kind === "number" ? labels.map((label) => String(Number(label))) : labels));
  const list = (cells: readonly string[]) => (cells.length ? [`array_value(${cells.join(", ")})`] : []);
  const label =
    target.kind === "number"
      ? `CASE WHEN ${target.at} = floor(${target.at}) THEN ${target.at}::BIGINT::VARCHAR ELSE ${target.at}::VARCHAR END`
      : target.at;
  const selected = [
    ...list(numbers.map(({ at }) => `coalesce(${at}::FLOAT, 'nan'::FLOAT)`)),
    ...list(categories.map(({ at }, i) => `coalesce(enum_code(${at}::category_${i})::INTEGER, -1)`)),
    ...list(dates.map(({ at }) => `coalesce(epoch(${at})::BIGINT, ${NO_DATE})`)),
    task === "classification" ? `enum_code((${label})::label)::INTEGER` : `${target.at}::FLOAT`,
  ];
  const tensors: RowTensors = {
    ...(numbers.length && { numbers: { dtype: "F32", shape: [numbers.length] } }),
    ...(categories.length && { categories: { dtype: "I32", shape: [categories.length] } }),
    ...(dates.length && { dates: { dtype: "I64", shape: [dates.length] } }),
    targets: { dtype: task === "classification" ? "I32" : "F32", shape: [] },
  };
  const layout = Object.entries(tensors).map(([name, { shape }]) => [name, shape[0] ?? 1] as const);
  const original = columns.map(({ name }, i) => `c${i} AS ${identifier(name)}`).join(", ");
  const stored: Partial<Record<SplitName, StoredSplit>> = {};
  for (const [part, name] of splitNames.entries()) {
    const count = counts[part]!;
    if (!count) continue;
    const rows = `FROM rows POSITIONAL JOIN parts WHERE part = ${part}`;
    const parquet = join(directory, `${name}.parquet`);
    const writer = await SplitWriter.create(join(directory, `${name}.safetensors`), tensors, count);
    try {
      for await (const chunk of duck.chunks(`SELECT ${selected.join(", ")} ${rows}`))
        await writer.append(Object.fromEntries(layout.map(([tensor, width], i) => [tensor, flat(chunk, i, width)])));
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await duck.run(`COPY (SELECT ${original} ${rows}) TO ${pathLiteral(parquet)} (FORMAT parquet, COMPRESSION snappy)`);
    stored[name] = { count, tensors: await writer.finish(), parquet: await storedFile(parquet) };
  }
  return stored;
}

const enumType = (name: string, values: readonly string[]): string => `CREATE TYPE ${name} AS ENUM (${values.map(literal).join(", ")})`;
