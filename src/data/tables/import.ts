/** A table to a snapshot: read, typed, split, written and described, natively and in bounded memory. */
import { stat } from "node:fs/promises";
import type { Snapshot } from "../../shared/dataset.ts";
import { fail } from "../../shared/errors.ts";
import type { ImportContext } from "../importing.ts";
import { type Imported, sealSnapshot } from "../snapshot.ts";
import { chooseColumns } from "./columns.ts";
import { Duck } from "./duck.ts";
import { clearLoaded, load, type tableFiles } from "./load.ts";
import { splittingOf, type TableOptions } from "./options.ts";
import { profileTable } from "./profile.ts";
import { drawSplits } from "./splits.ts";
import { finishSplits, readTensor, writeParquet, writeTensors } from "./write.ts";

/** How much of an import reading takes, and reading with writing; the rest goes to what is told of the table. */
const [READ, WRITTEN] = [0.4, 0.9];
const TOLD_EVERY = 250; // ms

/** @throws BAD_FILE and its kin, and the reason of the signal */
export async function importTable(files: Awaited<ReturnType<typeof tableFiles>>, options: TableOptions, context: ImportContext): Promise<Imported> {
  const { directory, signal, progress } = context;
  const path = files[0]!.path;
  const before = await Promise.all(files.map(({ path }) => stamp(path)));
  const bytes = before.reduce((sum, { size }) => sum + size, 0);
  const told = (share: number) => progress?.(Math.round(share * bytes), bytes);
  const duck = await Duck.open(directory, bytes, signal);
  try {
    told(0);
    const loaded = await load(duck, files, options, { directory, signal, told: (share) => told(READ * share) }).catch(async (error) => {
      await unchanged(files, before); // then whatever was met is no wonder
      throw error;
    });
    await unchanged(files, before);
    told(READ);
    const chosen = await chooseColumns(duck, path, loaded, options);
    const { counts, split, rows } = await drawSplits(duck, path, loaded, chosen, options);
    const [all, every] = [counts.reduce((sum, n) => sum + n, 0), throttled(told)];
    const [writers, , known] = await together([
      writeTensors(duck, directory, rows, chosen, counts, (done) => every(READ + (WRITTEN - READ) * (done / all))),
      writeParquet(await duck.beside(), directory, rows, loaded, counts),
      profileTable(await duck.beside(), rows, loaded, chosen, counts),
    ]);
    told(WRITTEN);
    const splits = (await finishSplits(directory, writers)) as Snapshot["splits"];
    const profile = await known.complete((tensor) => readTensor(directory, splits, tensor));
    told(1);
    const { target, task, labels, features } = chosen;
    return await sealSnapshot(
      directory,
      {
        kind: "table",
        task,
        columns: features.map(({ name, type, values }) => ({ name, type, ...(values && { values }) })),
        target: target.name,
        labels,
        splits,
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

/** Waits for all, also where one fails: nothing goes on behind whoever clears up. */
async function together<T extends readonly unknown[]>(work: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work) as unknown as Promise<T>;
}

/** Passes on what it hears a few times a second. */
function throttled(told: (share: number) => void): (share: number) => void {
  let last = performance.now();
  return (share) => {
    if (performance.now() - last < TOLD_EVERY) return;
    last = performance.now();
    told(share);
  };
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
