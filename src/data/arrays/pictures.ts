/** Pictures that lie in an array one after the other, as a stream of batches. */
import type { PictureBatch, PictureStream } from "../importing.ts";
import { bytesPerRow, type FileArray, rowBlocks } from "./array.ts";

export interface Arrangement {
  /** Bytes of a picture, where a row has more than that. */
  readonly pictureBytes?: number;
  /** Makes a picture [channels, height, width] of a row. Rows that are such pictures need none. */
  readonly arrange?: (row: Uint8Array, picture: Uint8Array) => void;
}

/** @param array of bytes, a picture in each row */
export function consecutive(
  array: FileArray,
  targets: PictureStream["targets"],
  { pictureBytes = bytesPerRow(array), arrange }: Arrangement = {},
): PictureStream {
  return {
    targets,
    async *pictures(): AsyncGenerator<PictureBatch> {
      const rowBytes = bytesPerRow(array);
      let arranged = new Uint8Array();
      for await (const { start, count, bytes } of rowBlocks(array)) {
        const at = Int32Array.from({ length: count }, (_, i) => start + i);
        if (!arrange) {
          yield { at, pixels: bytes };
          continue;
        }
        if (arranged.length < count * pictureBytes) arranged = new Uint8Array(count * pictureBytes);
        for (let i = 0; i < count; i++)
          arrange(bytes.subarray(i * rowBytes, (i + 1) * rowBytes), arranged.subarray(i * pictureBytes, (i + 1) * pictureBytes));
        yield { at, pixels: arranged.subarray(0, count * pictureBytes) };
      }
    },
  };
}

/** Streams one after the other, as one. */
export function joined(streams: readonly PictureStream[]): PictureStream {
  const count = streams.reduce((sum, { targets }) => sum + targets.length, 0);
  const targets = new Int32Array(count);
  let filled = 0;
  for (const stream of streams) {
    targets.set(stream.targets, filled);
    filled += stream.targets.length;
  }
  return {
    targets,
    async *pictures() {
      let before = 0;
      for (const stream of streams) {
        for await (const { at, pixels } of stream.pictures()) yield { at: Int32Array.from(at, (i) => before + i), pixels };
        before += stream.targets.length;
      }
    },
  };
}
