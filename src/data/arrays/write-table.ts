/** Writes rows of numbers as a snapshot of a table, in one pass over them. */
import { join } from "node:path";
import type { StoredArray } from "../../engine/safetensors.ts";
import { type SplitName, type StoredSplit, splitNames } from "../../shared/dataset.ts";
import type { ParamValues } from "../../shared/define.ts";
import type { ImportContext, SplitParams } from "../importing.ts";
import { settle } from "../pictures/settle.ts";
import { type Imported, type RowTensors, SplitWriter, sealSnapshot } from "../snapshot.ts";
import { type FileArray, putNumbers, rowBlocks, sizeOf, valuesOf } from "./array.ts";
import type { Pairs } from "./collection.ts";
import { NumberProfile } from "./number-profile.ts";
import type { Targets } from "./targets.ts";

const progressEvery = 250; // ms

/** @returns the snapshot; its columns are called x0, x1, … @throws BAD_FILE, BAD_PARAMETER, BAD_USAGE; and the reason of the signal */
export async function writeTable(pairs: Pairs, { task, labels, of }: Targets, params: SplitParams, context: ImportContext): Promise<Imported> {
  const given = splitNames.flatMap((name) => (pairs[name] ? [[name, pairs[name].samples as FileArray] as const] : []));
  const width = sizeOf(given[0]![1].shape.slice(1));
  const names = Array.from({ length: width }, (_, i) => `x${i}`);
  const streams = Object.fromEntries(given.map(([name]) => [name, { targets: of[name]! }])) as Record<
    "train",
    { targets: Int32Array | Float32Array }
  >;
  const { splitOf, targets, split } = settle({ task, splits: streams }, params);

  const counts = splitNames.map((_, place) => splitOf.reduce((sum, one) => sum + Number(one === place), 0));
  const tensors: RowTensors = {
    numbers: { dtype: "F32", shape: [width] },
    targets: { dtype: task === "classification" ? "I32" : "F32", shape: [] },
  };
  const writers: (SplitWriter | undefined)[] = [];
  const profile = new NumberProfile({ columns: names, task, target: "y", labels, targets, splitOf });
  try {
    for (const [place, name] of splitNames.entries())
      writers.push(counts[place] ? await SplitWriter.create(join(context.directory, `${name}.safetensors`), tensors, counts[place]!) : undefined);
    let row = 0;
    let told = 0;
    for (const [, samples] of given)
      for await (const block of rowBlocks(samples)) {
        context.signal?.throwIfAborted();
        const numbers = new Float32Array(block.count * width);
        putNumbers(valuesOf(block, samples.dtype), numbers);
        profile.add(numbers);
        for (const [place, writer] of writers.entries())
          if (writer)
            await writer.append(rowsOf(place, splitOf.subarray(row, row + block.count), numbers, targets.subarray(row, row + block.count), width));
        row += block.count;
        if (Date.now() - told > progressEvery) {
          told = Date.now();
          context.progress?.(row, targets.length);
        }
      }
    context.progress?.(row, targets.length);
    const splits: Partial<Record<SplitName, StoredSplit>> = {};
    for (const [place, writer] of writers.entries()) if (writer) splits[splitNames[place]!] = { count: writer.count, tensors: await writer.finish() };
    const splitting: ParamValues = { ...params, split };
    return await sealSnapshot(
      context.directory,
      {
        kind: "table",
        task,
        columns: names.map((name) => ({ name, type: "number" })),
        target: "y",
        labels,
        splits: splits as Record<"train" | "test", StoredSplit>,
        splitting,
      },
      profile.finish(),
    );
  } catch (error) {
    for (const writer of writers) await writer?.abandon();
    throw error;
  }
}

/** The rows of one split. */
function rowsOf(place: number, splitOf: Uint8Array, numbers: Float32Array<ArrayBuffer>, targets: Int32Array | Float32Array, width: number) {
  const count = splitOf.reduce((sum, one) => sum + Number(one === place), 0);
  if (count === splitOf.length) return { numbers, targets: targets as StoredArray };
  const some = { numbers: new Float32Array(count * width), targets: new (targets instanceof Float32Array ? Float32Array : Int32Array)(count) };
  for (let row = 0, to = 0; row < splitOf.length; row++) {
    if (splitOf[row] !== place) continue;
    some.numbers.set(numbers.subarray(row * width, (row + 1) * width), to * width);
    some.targets[to++] = targets[row]!;
  }
  return some;
}
