/** Imports pictures: an archive or a folder of files, each brought to one size; or looks at some of them. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { splitNames } from "../../shared/dataset.ts";
import { fail } from "../../shared/errors.ts";
import type { Preview } from "../../shared/profile.ts";
import type { ImportContext, PictureSource, PictureStream, SplitParams } from "../importing.ts";
import type { Imported } from "../snapshot.ts";
import type { Found } from "./decode.ts";
import { decoded } from "./decoding.ts";
import { type Layout, type LayoutOptions, layOut, type Part } from "./layout.ts";
import { listFiles } from "./listing.ts";
import type { Listing, Place } from "./places.ts";
import { Seen } from "./seen.ts";
import { settle } from "./settle.ts";
import { checkBroken, writePictures } from "./write.ts";

export interface PictureParams extends LayoutOptions, SplitParams {
  /** 0: as the files say. */
  readonly width: number;
  readonly height: number;
  readonly channels: "auto" | "1" | "3";
}
type Shape = readonly [channels: 1 | 3, height: number, width: number];

/** Pictures that are looked at before all are read; spread over the whole. */
const SAMPLE = 64;
/** Up to so many pixels a side, pictures of one size keep it; others are brought to DEFAULT. */
const LARGEST_KEPT = 128;
const DEFAULT = 64;
/** Shares of the sample that has the most frequent size where all are meant to have it. */
const UNIFORM = 0.9;
/** Colours of a grey picture that was saved in colour differ by no more than that. */
const GREY = 3;

/** Opens what lies at the path for as long as `use` takes. */
async function using<T>(params: PictureParams, context: ImportContext, use: (listing: Listing, layout: Layout) => Promise<T>): Promise<T> {
  const { path } = context;
  if (path === undefined) {
    const fix = "Give the path of a ZIP or tar archive, or of a folder, with a folder of pictures for each class.";
    throw fail("BAD_USAGE", { problem: 'dataset "pictures" needs files', fix });
  }
  const unpacked = join(context.directory, "unpacked");
  try {
    const listing = await listFiles(path, { ...context, directory: unpacked });
    try {
      return await use(listing, await layOut(listing, params, context));
    } finally {
      await listing.unchanged(); // before anything else that is wrong with it
    }
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** @throws FILE_NOT_FOUND, BAD_FILE, BAD_PARAMETER, BAD_USAGE, WRITE_FAILED; and the reason of the signal */
export const importPictures = (params: PictureParams, context: ImportContext): Promise<Imported> =>
  using(params, context, async (listing, layout) => {
    const { path } = listing;
    const { splits, labels, notes } = layout;
    settle({ task: "classification", splits }, params); // refused before a picture is read
    const shape = await shapeOf(params, () => look(listing, layout, context.signal));
    const seen = new Seen();
    const total = placesOf(layout).length;
    const stream = ({ places, targets }: Part): PictureStream => ({
      targets,
      async *pictures() {
        let before = 0;
        for await (const { at, pixels, found, broken, changed, count } of decoded(places, shape, context.signal)) {
          if (changed !== undefined) throw listing.changed(changed);
          seen.add(found, broken);
          checkBroken(seen.broken, total, path);
          yield { at: at.map((i) => before + i), pixels };
          before += count;
        }
      },
    });
    const source: PictureSource = {
      pictureShape: shape,
      labels,
      task: "classification",
      splits: Object.fromEntries(splitNames.flatMap((name) => (splits[name] ? [[name, stream(splits[name])]] : []))) as never,
      warnings: notes.map(({ code, where, message, fix }) => ({ code, message: `${where}: ${message}`, fix })),
      found: () => seen.summary(),
    };
    const { split, splitColumn, validationFraction, testFraction, splitSeed } = params;
    return writePictures(source, { split, splitColumn, validationFraction, testFraction, splitSeed }, context);
  });

/** What an import would find. */
export const previewPictures = (params: PictureParams, context: ImportContext): Promise<Preview> =>
  using(params, context, async (listing, layout) => {
    const { labels, splits, notes } = layout;
    const looked = await look(listing, layout, context.signal);
    const counts = new Int32Array(labels.length);
    for (const name of splitNames) for (const target of splits[name]?.targets ?? []) counts[target]!++;
    const { sizes, channels, formats, broken } = looked.seen.summary();
    const given = splitNames.filter((name) => splits[name]);
    return {
      kind: "pictures",
      format: { name: listing.format },
      records: placesOf(layout).length,
      estimated: false,
      columns: [],
      target: {
        name: "class",
        task: "classification",
        why: `${layout.from} ${given.length > 1 ? `the class of each, and which are for ${given.join(", ")}` : "the class of each"}`,
      },
      rows: [],
      classes: labels.map((label, i) => ({ label, count: counts[i]! })),
      pictureShape: [...(await shapeOf(params, async () => looked))],
      pictures: { sizes: [...sizes], channels: [...channels], formats: [...formats] },
      problems: [
        ...notes.map(({ where, message, fix }) => ({ where, message, fix })),
        ...labels.flatMap((label, i) => (counts[i] === 1 ? [alone(label)] : [])),
        ...broken.map(({ file, why }) => ({ where: file, message: `it cannot be read: ${why}`, fix: "Replace it; an import leaves it out." })),
      ],
    };
  });

const alone = (label: string) => ({
  where: label,
  message: "this class has one picture alone, so that there is none to test by",
  fix: "Add pictures of it, or leave it out.",
});

const placesOf = ({ splits }: Layout): readonly Place[] => splitNames.flatMap((name) => splits[name]?.places ?? []);

/** Some pictures, and what they have in common. */
interface Looked {
  readonly seen: Seen;
  readonly grey: boolean;
}

/** @throws BAD_FILE when none of them can be read */
async function look(listing: Listing, layout: Layout, signal?: AbortSignal): Promise<Looked> {
  const all = placesOf(layout);
  const count = Math.min(SAMPLE, all.length);
  const places = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
  const seen = new Seen();
  let grey = true;
  for await (const { pixels, found, broken, changed } of decoded(places, [3, DEFAULT, DEFAULT], signal)) {
    if (changed !== undefined) throw listing.changed(changed);
    seen.add(found, broken);
    grey &&= isGrey(pixels, DEFAULT * DEFAULT);
  }
  if (seen.broken.length === count) checkBroken(seen.broken, count, listing.path);
  return { seen, grey };
}

function isGrey(pixels: Uint8Array, size: number): boolean {
  for (let start = 0; start < pixels.length; start += 3 * size)
    for (let i = start; i < start + size; i++) {
      const [red, green, blue] = [pixels[i]!, pixels[i + size]!, pixels[i + 2 * size]!];
      if (Math.max(red, green, blue) - Math.min(red, green, blue) > GREY) return false;
    }
  return true;
}

/** The size and channels that are asked for; what is not asked for, as the pictures suggest it. */
async function shapeOf({ width, height, channels }: PictureParams, look: () => Promise<Looked>): Promise<Shape> {
  if (width && height && channels !== "auto") return [Number(channels) as 1 | 3, height, width];
  const { seen, grey } = await look();
  const suggested = suggestedSize(seen);
  const ratio = suggested.height / suggested.width;
  const across = width || (height ? Math.max(1, Math.round(height / ratio)) : suggested.width);
  const down = height || (width ? Math.max(1, Math.round(width * ratio)) : suggested.height);
  return [channels === "auto" ? (grey ? 1 : 3) : (Number(channels) as 1 | 3), down, across];
}

/** The size that nearly all have; scaled down where that is large, as a network's time and memory grow with every pixel. */
function suggestedSize(seen: Seen): Pick<Found, "width" | "height"> {
  const { sizes } = seen.summary();
  const [most] = sizes;
  const total = sizes.reduce((sum, { count }) => sum + count, 0);
  if (!most || most.count < UNIFORM * total) return { width: DEFAULT, height: DEFAULT };
  const { width, height } = most;
  const scale = Math.max(width, height) > LARGEST_KEPT ? DEFAULT / Math.max(width, height) : 1;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
