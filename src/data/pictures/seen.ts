/** What the files of a source were: sizes, channels and formats, counted while they pass by, and those that could not be read. */
import type { PictureSource } from "../importing.ts";
import type { Found } from "./decode.ts";
import type { DecodedPiece } from "./pieces.ts";

/** Of sizes, which may be as many as pictures, the most frequent. */
const MOST_TOLD = 50;

export class Seen {
  readonly #sizes = new Map<string, number>();
  readonly #channels = new Map<number, number>();
  readonly #formats = new Map<string, number>();
  readonly broken: DecodedPiece["broken"][number][] = [];

  add(found: readonly Found[], broken: DecodedPiece["broken"]): void {
    for (const { width, height, channels, format } of found) {
      more(this.#sizes, `${width} ${height}`);
      more(this.#channels, channels);
      more(this.#formats, format);
    }
    this.broken.push(...broken);
  }

  /** The most frequent first. */
  summary(): ReturnType<NonNullable<PictureSource["found"]>> {
    return {
      sizes: ranked(this.#sizes).map(([size, count]) => {
        const [width, height] = size.split(" ").map(Number) as [number, number];
        return { width, height, count };
      }),
      channels: ranked(this.#channels).map(([channels, count]) => ({ channels, count })),
      formats: ranked(this.#formats).map(([format, count]) => ({ format, count })),
      broken: this.broken,
    };
  }
}

const more = <K>(counts: Map<K, number>, key: K): unknown => counts.set(key, (counts.get(key) ?? 0) + 1);
const ranked = <K>(counts: ReadonlyMap<K, number>): (readonly [K, number])[] => [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_TOLD);
