/** Some pictures at a time, from their files to bytes: what each thread of an import does. */
import { decode, type Found } from "./decode.ts";
import { reasonOf } from "./picture.ts";
import { Changed, type Place, type PlaceReader } from "./places.ts";
import { putChannels } from "./planes.ts";

export interface Piece {
  readonly places: readonly Place[];
  /** [channels, height, width] */
  readonly shape: readonly [1 | 3, number, number];
}
export interface DecodedPiece {
  /** Pictures that the piece had. */
  readonly count: number;
  /** Places in the piece of the pictures that could be read, and their bytes [at.length, channels, height, width]. */
  readonly at: Int32Array;
  readonly pixels: Uint8Array;
  readonly found: readonly Found[];
  readonly broken: readonly { readonly file: string; readonly why: string }[];
  /** A file that is another one by now. */
  readonly changed?: string;
}

/** Pictures that a thread has in the making: sharp works beside it. */
const AT_ONCE = 2;

export async function decodePiece({ places, shape }: Piece, reader: PlaceReader): Promise<DecodedPiece> {
  const [channels, height, width] = shape;
  const bytes = channels * height * width;
  const pixels = new Uint8Array(places.length * bytes);
  const found = new Array<Found | undefined>(places.length);
  const broken = new Array<{ file: string; why: string } | undefined>(places.length);
  let changed: string | undefined;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < places.length && changed === undefined) {
      const i = next++;
      const place = places[i]!;
      try {
        const { planes, ...rest } = await decode(reader.read(place), width, height);
        putChannels(planes, channels, pixels, i * bytes);
        found[i] = rest;
      } catch (cause) {
        if (cause instanceof Changed) changed = place.name;
        else broken[i] = { file: place.name, why: reasonOf(cause as Error) };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const at = Int32Array.from(found.flatMap((one, i) => (one ? [i] : [])));
  for (const [row, i] of at.entries()) if (row < i) pixels.copyWithin(row * bytes, i * bytes, (i + 1) * bytes);
  return {
    count: places.length,
    at,
    pixels: pixels.subarray(0, at.length * bytes),
    found: found.filter((one) => one !== undefined),
    broken: broken.filter((one) => one !== undefined),
    changed,
  };
}
