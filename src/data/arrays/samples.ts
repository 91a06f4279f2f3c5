/** Samples of a user's own arrays: pictures, in whatever type and layout, or rows of numbers. */
import type { SplitName } from "../../shared/dataset.ts";
import { fail, showShape } from "../../shared/errors.ts";
import type { PictureStream } from "../importing.ts";
import { type Dtype, dtypes, type FileArray, rowBlocks, sizeOf, type Values, valuesOf } from "./array.ts";
import { broken } from "./blocks.ts";
import type { Pairs } from "./collection.ts";
import { consecutive } from "./pictures.ts";

export interface PictureOptions {
  /** [channels, height, width] of rows that come flat; empty: as the array's shape says. */
  readonly pictureShape: readonly number[];
  readonly layout: "auto" | "channels-first" | "channels-last";
}

/** How the pictures of an array lie. */
export interface Layout {
  readonly pictureShape: readonly [channels: number, height: number, width: number];
  readonly channelsLast: boolean;
}

const mostChannels = 4;

/**
 * What the rows are: pictures, or undefined for rows of numbers.
 * @throws BAD_PARAMETER, BAD_FILE
 */
export function layoutOf(
  { path, name, shape }: Pick<FileArray, "path" | "name" | "shape">,
  { pictureShape, layout }: PictureOptions,
): Layout | undefined {
  const [, ...row] = shape;
  const channelsLast = layout === "channels-last";
  if (pictureShape.length) {
    const [channels = 0, height = 0, width = 0] = pictureShape;
    if (pictureShape.length !== 3 || sizeOf(pictureShape) !== sizeOf(row) || channels < 1 || channels > mostChannels)
      throw fail("BAD_PARAMETER", {
        where: path,
        name: "pictureShape",
        want: `channels (1 to ${mostChannels}), height and width of ${sizeOf(row)} values`,
        got: showShape(pictureShape),
      });
    return { pictureShape: [channels, height, width], channelsLast };
  }
  if (row.length <= 1) return undefined;
  if (row.length === 2) return { pictureShape: [1, row[0]!, row[1]!], channelsLast: false };
  const [first = 0, second = 0, third = 0] = row;
  if (row.length === 3) {
    const last = channelsLast || (layout === "auto" && third <= mostChannels && !(first <= mostChannels && first < third));
    const channels = last ? third : first;
    if (channels >= 1 && channels <= mostChannels)
      return { pictureShape: last ? [third, first, second] : [first, second, third], channelsLast: last };
  }
  throw broken(
    path,
    `of rows of numbers [n, columns], or of pictures [n, height, width], [n, height, width, channels] or [n, channels, height, width] with at most ${mostChannels} channels`,
    `"${name}" is of ${showShape(shape)}`,
    undefined,
    "Reshape it, or say with layout where the channels are.",
  );
}

/** Makes bytes from 0 to 255 of values. */
type ToByte = (value: number) => number;
const asItIs: ToByte = (value) => value;
const ofUnit: ToByte = (value) => Math.round(value * 255);

/**
 * How values become bytes, by those that there are: integers from 0 to 255 as they are, shares from 0 to 1 times 255.
 * Every split is looked at, so that all are read alike.
 * @throws BAD_FILE
 */
export async function toBytes(pairs: Pairs): Promise<ToByte> {
  const samples = (Object.values(pairs) as Pairs["train"][]).map((pair) => pair.samples as FileArray);
  if (samples.every(({ dtype }) => dtype === "u1")) return asItIs;
  if (samples.every(({ dtype }) => dtype === "b1")) return ofUnit;
  let [least, most, whole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (const array of samples)
    for await (const block of rowBlocks(array)) {
      const values = valuesOf(block, array.dtype);
      for (let i = 0; i < values.length; i++) {
        const value = Number(values[i]);
        if (!(value >= 0 && value <= 255)) {
          const row = block.start + Math.floor((i * block.count) / values.length);
          throw broken(
            array.path,
            "of pixels from 0 to 255, or from 0 to 1",
            `row ${row + 1} of "${array.name}" has ${value}`,
            undefined,
            "Bring the values into one of these ranges; a model normalises them by itself.",
          );
        }
        if (value < least) least = value;
        if (value > most) most = value;
        whole &&= Number.isInteger(value);
      }
    }
  if (most <= 1) return ofUnit;
  if (whole) return asItIs;
  return Math.round;
}

export function pictureStream(
  array: FileArray,
  targets: PictureStream["targets"],
  { pictureShape, channelsLast }: Layout,
  toByte: ToByte,
): PictureStream {
  const [channels, height, width] = pictureShape;
  const turned = channelsLast && channels > 1;
  if (array.dtype === "u1" && toByte === asItIs && !turned) return consecutive(array, targets);
  const pixels = height * width;
  const arrange = (row: Uint8Array, picture: Uint8Array) => {
    const values = view(row, array.dtype);
    for (let c = 0, out = 0; c < channels; c++)
      for (let i = 0; i < pixels; i++) picture[out++] = toByte(Number(values[turned ? i * channels + c : c * pixels + i]));
  };
  return consecutive(array, targets, { pictureBytes: channels * pixels, arrange });
}

const view = (row: Uint8Array, dtype: Dtype): Values =>
  new dtypes[dtype](row.buffer as ArrayBuffer, row.byteOffset, row.length / dtypes[dtype].BYTES_PER_ELEMENT);

/** The rows of each split must be numbers. @throws BAD_FILE */
export function checkNumbers(pairs: Pairs): void {
  for (const { samples } of Object.values(pairs) as Pairs["train"][])
    if (samples.dtype === "text")
      throw broken(samples.path, "an array of numbers", `"${samples.name}" holds texts`, undefined, "Give numbers; a table with texts comes as CSV.");
}

/** Splits in their order. */
export const ofSplits = <T, U>(splits: Partial<Record<SplitName, T>>, make: (value: T, split: SplitName) => U): Partial<Record<SplitName, U>> =>
  Object.fromEntries((Object.entries(splits) as [SplitName, T][]).map(([name, value]) => [name, make(value, name)]));
