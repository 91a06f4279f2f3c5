/** Pictures to a snapshot: each goes to its split as it passes by, and what is to be known of them is gathered on the way. */
import { join } from "node:path";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { fail } from "../../shared/errors.ts";
import type { DataWarning, Profile } from "../../shared/profile.ts";
import type { ImportContext, PictureBatch, PictureSource, SplitParams } from "../importing.ts";
import { type Imported, SplitWriter, sealSnapshot } from "../snapshot.ts";
import { classWarnings, duplicateWarnings, rowWarnings } from "../warnings.ts";
import { Alike } from "./alike.ts";
import { settle } from "./settle.ts";

/** A source of which more cannot be read is not what it was taken for. */
const MOST_BROKEN = 0.2;
const PROGRESS_MS = 200;
const EXAMPLES = 20;

/**
 * Writes the snapshot: `pictures` U8 [n, channels, height, width] and `targets` for each split.
 * @throws BAD_FILE when too many pictures cannot be read or a split is left without any, BAD_PARAMETER, BAD_USAGE, what the source throws, and the reason of the signal
 */
export async function writePictures(source: PictureSource, params: SplitParams, context: ImportContext): Promise<Imported> {
  const { directory } = context;
  const settled = settle(source, params);
  const counts = splitNames.map((_, s) => settled.splitOf.reduce((sum, split) => sum + Number(split === s), 0));
  const tensors = {
    pictures: { dtype: "U8", shape: source.pictureShape },
    targets: { dtype: settled.targets instanceof Float32Array ? "F32" : "I32", shape: [] },
  } as const;
  const names = splitNames.filter((name, s) => counts[s]! > 0 || name !== "validation");
  const writers = new Map<SplitName, SplitWriter>();
  try {
    for (const name of names)
      writers.set(name, await SplitWriter.create(join(directory, `${name}.safetensors`), tensors, counts[splitNames.indexOf(name)]!));
    const passed = new Passed(source, settled.splitOf);
    let before = 0;
    for (const name of splitNames) {
      const stream = source.splits[name];
      if (!stream) continue;
      for await (const batch of watched(stream.pictures(), before, settled.targets.length, context))
        for (const part of bySplit(batch, before, settled.splitOf, source.pictureShape)) {
          passed.add(part);
          await writers.get(splitNames[part.split]!)!.append({ pictures: part.pixels, targets: picked(settled.targets, part.at) });
        }
      before += stream.targets.length;
    }
    const found = source.found?.();
    checkBroken(found?.broken ?? [], settled.targets.length, context.path);
    checkCounts(writers);
    const stored = new Map<SplitName, { count: number; tensors: Awaited<ReturnType<SplitWriter["finish"]>> }>();
    for (const [name, writer] of writers) {
      const { count } = writer;
      stored.set(name, { count, tensors: await writer.finish() });
      writers.delete(name);
    }
    const { labels, task, pictureShape } = source;
    const splits = Object.fromEntries(stored) as never;
    const profile = passed.profile(settled.targets, found);
    return await sealSnapshot(
      directory,
      { kind: "pictures", task, pictureShape, columns: [], target: "class", labels, splits, splitting: { ...params, split: settled.split } },
      profile,
    );
  } finally {
    for (const writer of writers.values()) await writer.abandon();
  }
}

function picked(targets: Int32Array | Float32Array, at: Int32Array): Int32Array | Float32Array {
  const some = targets instanceof Float32Array ? new Float32Array(at.length) : new Int32Array(at.length);
  for (let i = 0; i < at.length; i++) some[i] = targets[at[i]!]!;
  return some;
}

/** Batches as they come, with progress told and the signal heard. */
async function* watched(
  batches: AsyncIterable<PictureBatch>,
  before: number,
  total: number,
  { signal, progress }: ImportContext,
): AsyncGenerator<PictureBatch> {
  let told = 0;
  for await (const batch of batches) {
    signal?.throwIfAborted();
    yield batch;
    if (!progress || !batch.at.length || performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    progress(before + batch.at[batch.at.length - 1]! + 1, total);
  }
  progress?.(total, total);
}

/** Pictures of one split, by their places among all. */
interface Part {
  readonly split: number;
  readonly at: Int32Array;
  readonly pixels: Uint8Array;
}

/** A batch by the splits that its pictures go to. */
function* bySplit({ at, pixels }: PictureBatch, before: number, splitOf: Uint8Array, shape: readonly number[]): Generator<Part> {
  const bytes = shape.reduce((product, size) => product * size, 1);
  const places = Int32Array.from(at, (i) => before + i);
  for (let split = 0; split < splitNames.length; split++) {
    const count = places.reduce((sum, i) => sum + Number(splitOf[i] === split), 0);
    if (count === places.length) yield { split, at: places, pixels };
    if (count === 0 || count === places.length) continue;
    const part = { split, at: new Int32Array(count), pixels: new Uint8Array(count * bytes) };
    let n = 0;
    for (const [i, place] of places.entries()) {
      if (splitOf[place] !== split) continue;
      part.at[n] = place;
      part.pixels.set(pixels.subarray(i * bytes, (i + 1) * bytes), n++ * bytes);
    }
    yield part;
  }
}

/** @throws BAD_FILE when of all pictures of a source too many cannot be read */
export function checkBroken(broken: readonly { file: string; why: string }[], total: number, path = "the pictures"): void {
  if (broken.length <= MOST_BROKEN * total) return;
  const some = broken.slice(0, 3).map(({ file, why }) => `${file} (${why})`);
  const got = `${broken.length} of ${total} cannot be read: ${some.join(", ")}${broken.length > some.length ? ", and others" : ""}`;
  const fix = "Open some of them to see whether they are whole, remove or replace the broken ones, and import again.";
  throw fail("BAD_FILE", { path, want: "of pictures that can be read", got, fix });
}

/** @throws BAD_FILE */
function checkCounts(writers: ReadonlyMap<SplitName, SplitWriter>): void {
  for (const [name, writer] of writers)
    if (!writer.count)
      throw fail("BAD_FILE", {
        path: `the ${name} split`,
        want: "of at least one picture",
        got: "has none",
        fix: name === "test" ? "Bring more pictures, or some of a class that has more than one." : "Bring pictures to train on.",
      });
}

/** What is known of the pictures that passed. */
class Passed {
  readonly #source: PictureSource;
  readonly #splitOf: Uint8Array;
  readonly #plane: number;
  /** Of the training split: how often each byte is in each channel. */
  readonly #histogram: Float64Array;
  readonly #alike: Alike;
  /** Place among all, of each picture in the order in which they passed. */
  readonly #places: Int32Array;
  #count = 0;

  constructor(source: PictureSource, splitOf: Uint8Array) {
    const [channels, height, width] = source.pictureShape;
    this.#source = source;
    this.#splitOf = splitOf;
    this.#plane = height * width;
    this.#histogram = new Float64Array(256 * channels);
    this.#alike = new Alike(source.pictureShape, splitOf.length);
    this.#places = new Int32Array(splitOf.length);
  }

  add({ split, at, pixels }: Part): void {
    this.#alike.add(pixels);
    this.#places.set(at, this.#count);
    this.#count += at.length;
    if (splitNames[split] !== "train") return;
    const [channels] = this.#source.pictureShape;
    const plane = this.#plane;
    for (let start = 0, c = 0; start < pixels.length; start += plane, c = (c + 1) % channels) {
      const offset = 256 * c;
      for (let i = start; i < start + plane; i++) this.#histogram[offset + pixels[i]!]!++;
    }
  }

  profile(targets: ArrayLike<number>, found: ReturnType<NonNullable<PictureSource["found"]>> | undefined): Profile {
    const { labels, pictureShape, task } = this.#source;
    const [channels, height, width] = pictureShape;
    const split = (n: number) => this.#splitOf[this.#places[n]!]!;
    const records = { train: 0, validation: 0, test: 0 };
    const classes = labels.map((label) => ({ label, train: 0, validation: 0, test: 0 }));
    for (let n = 0; n < this.#count; n++) {
      const name = splitNames[split(n)]!;
      records[name]++;
      if (task === "classification") classes[targets[this.#places[n]!]!]![name]++;
    }
    const duplicates = this.#duplicates();
    const broken = found?.broken ?? [];
    const warnings: DataWarning[] = [
      ...rowWarnings(this.#count),
      ...(task === "classification" ? classWarnings(classes) : []),
      ...duplicateWarnings(duplicates, this.#count),
      ...(this.#source.warnings ?? []),
      ...(broken.length
        ? [
            {
              code: "broken" as const,
              message: `${broken.length === 1 ? "one picture" : `${broken.length} pictures`} could not be read and ${broken.length === 1 ? "was" : "were"} left out: ${broken[0]!.file}${broken.length > 1 ? " and others" : ""}`,
              fix: "Replace them, or leave them out for good.",
            },
          ]
        : []),
    ];
    const whole = [{ count: this.#count }];
    return {
      kind: "pictures",
      records,
      ...(task === "classification" && { classes }),
      pictures: {
        sizes: found ? [...found.sizes] : whole.map((one) => ({ width, height, ...one })),
        channels: found ? [...found.channels] : whole.map((one) => ({ channels, ...one })),
        formats: found ? [...found.formats] : [],
        ...moments(this.#histogram, channels),
        broken: [...broken],
      },
      duplicates,
      warnings,
    };
  }

  /** Training goes first, so that what it sees, too, is found among the others. */
  #duplicates(): NonNullable<Profile["duplicates"]> {
    const order = new Uint32Array(this.#count);
    const row = new Uint32Array(this.#count);
    let filled = 0;
    for (let s = 0; s < splitNames.length; s++) {
      let rows = 0;
      for (let n = 0; n < this.#count; n++)
        if (this.#splitOf[this.#places[n]!] === s) {
          order[filled++] = n;
          row[n] = rows++;
        }
    }
    const nameOf = (n: number) => splitNames[this.#splitOf[this.#places[n]!]!]!;
    const found = { exact: 0, near: 0, acrossSplits: 0 };
    const examples: NonNullable<Profile["duplicates"]>["examples"] = [];
    for (const { at, like, exact } of this.#alike.likenesses(order)) {
      found[exact ? "exact" : "near"]++;
      const leaks = exact && nameOf(like) === "train" && nameOf(at) !== "train";
      if (leaks) found.acrossSplits++;
      if (examples.length < EXAMPLES || (leaks && found.acrossSplits <= EXAMPLES))
        examples.push({ split: nameOf(at), row: row[at]!, like: { split: nameOf(like), row: row[like]! }, exact });
    }
    return { ...found, examples };
  }
}

/** Mean and deviation of each channel from how often each byte was there: exact, whatever the number of pictures. */
function moments(histogram: Float64Array, channels: number): { mean: number[]; deviation: number[] } {
  const each = Array.from({ length: channels }, (_, c) => {
    let [count, sum, squares] = [0, 0, 0];
    for (let value = 0; value < 256; value++) {
      const n = histogram[256 * c + value]!;
      count += n;
      sum += n * value;
      squares += n * value * value;
    }
    const mean = count ? sum / count : 0;
    return { mean, deviation: count ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : 0 };
  });
  return { mean: each.map(({ mean }) => mean), deviation: each.map(({ deviation }) => deviation) };
}
