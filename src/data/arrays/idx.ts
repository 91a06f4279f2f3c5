/**
 * IDX, the file format of MNIST and its kin: a magic number (two zero bytes, type of the values, count of dimensions),
 * one size per dimension (32-bit), then the values, all big-endian. Layout: http://yann.lecun.com/exdb/mnist/
 */
import { showShape } from "../../shared/errors.ts";
import type { PictureStream } from "../importing.ts";
import { allNumbers, type Dtype, dtypes, type FileArray, sizeOf } from "./array.ts";
import { type Blocks, broken, openUnpacked } from "./blocks.ts";
import { consecutive } from "./pictures.ts";

/** By the third byte. */
const types: Readonly<Record<number, Dtype>> = { 8: "u1", 9: "i1", 11: "i2", 12: "i4", 13: "f4", 14: "f8" };

/** Where the bytes of an IDX file come from. */
export interface IdxFile {
  /** For messages. */
  readonly path: string;
  /** The bytes unpacked, and how many there are where that is known. */
  open(): Promise<{ blocks: Blocks; size?: number }>;
}
export const idxFile = (path: string): IdxFile => ({ path, open: () => openUnpacked(path, "IDX file") });

/** What a file of MNIST's layout holds, by its magic number. */
const kinds = { pictures: { magic: 2051, rank: 3 }, labels: { magic: 2049, rank: 1 } } as const;

/**
 * Reads the header.
 * @param kind what the file must hold; any array if left out
 * @throws BAD_FILE
 */
export async function readIdx({ path, open }: IdxFile, kind?: keyof typeof kinds): Promise<FileArray> {
  const { magic, rank } = kind ? kinds[kind] : { magic: undefined, rank: 1 };
  const what = kind ? `IDX file of ${kind}` : "IDX file";
  const { blocks, size } = await open();
  try {
    const head = Buffer.alloc(4 + 4 * 255);
    const start = (dimensions: number) => 4 + 4 * dimensions;
    const got = await blocks.fill(head.subarray(0, start(rank)));
    if (got === 0) throw broken(path, `an ${what}`, "is empty");
    if (got < start(rank)) throw broken(path, `an ${what} with a header of ${start(rank)} bytes`, `has ${got} bytes`);
    const found = head.readUInt32BE(0);
    const dtype = types[head[2]!];
    if (magic === undefined ? found >>> 16 !== 0 || !dtype || head[3] === 0 : found !== magic)
      throw broken(path, `an ${what}, which begins with ${magic ? `the magic number ${magic}` : "two zero bytes"}`, `begins with ${found}`);
    const dimensions = head[3]!;
    const more = await blocks.fill(head.subarray(start(rank), start(dimensions)));
    if (more < start(dimensions) - start(rank)) throw broken(path, `an ${what} with a header of ${start(dimensions)} bytes`, "ends within it");
    const shape = Array.from({ length: dimensions }, (_, d) => head.readUInt32BE(start(d)));
    if (sizeOf(shape) === 0) throw broken(path, `an ${what} with at least one record`, `its header says ${showShape(shape)}`);
    const want = start(dimensions) + sizeOf(shape) * dtypes[dtype!].BYTES_PER_ELEMENT;
    if (size !== undefined && size !== want) throw broken(path, `${want} bytes long (its header says ${showShape(shape)})`, `has ${size} bytes`);
    return {
      path,
      name: (path.split("/").at(-1) ?? path).replace(/\.gz$/, ""),
      dtype: dtype!,
      bigEndian: dtypes[dtype!].BYTES_PER_ELEMENT > 1,
      shape,
      fortran: false,
      ...(size !== undefined && { place: { path, start: start(dimensions) } }),
      async open() {
        const { blocks } = await open();
        await blocks.fill(new Uint8Array(start(dimensions)));
        return blocks;
      },
    };
  } finally {
    await blocks.close();
  }
}

/**
 * Pictures [n, height, width] in grey with a label each.
 * @param classes how many there are
 * @param options firstLabel: what the first class is called; turned: stored column by column, as EMNIST's are
 * @throws BAD_FILE
 */
export async function idxPictures(
  pictures: IdxFile,
  labels: IdxFile,
  classes: number,
  { firstLabel = 0, turned = false } = {},
): Promise<{ stream: PictureStream; pictureShape: readonly [number, number, number] }> {
  const [array, marks] = await Promise.all([readIdx(pictures, "pictures"), readIdx(labels, "labels")]);
  const [count = 0, first = 0, second = 0] = array.shape;
  if (marks.shape[0] !== count) throw broken(labels.path, `${count} labels, one for each picture in ${pictures.path}`, `has ${marks.shape[0]}`);
  const targets = Int32Array.from(await allNumbers(marks));
  const stray = targets.findIndex((label) => label < firstLabel || label >= firstLabel + classes);
  if (stray >= 0)
    throw broken(labels.path, `labels from ${firstLabel} to ${firstLabel + classes - 1}`, `label ${stray + 1} of ${count} is ${targets[stray]}`);
  if (firstLabel) for (let i = 0; i < count; i++) targets[i]! -= firstLabel;
  const [height, width] = turned ? [second, first] : [first, second];
  const stream = consecutive(array, targets, turned ? { arrange: transposed(1, height, width) } : {});
  return { stream, pictureShape: [1, height, width] };
}

/** Puts planes that are stored column by column into rows: [channels, width, height] becomes [channels, height, width]. */
export const transposed = (channels: number, height: number, width: number) => (from: Uint8Array, to: Uint8Array) => {
  for (let c = 0, out = 0; c < channels; c++)
    for (let y = 0; y < height; y++) for (let x = 0, i = c * height * width + y; x < width; x++, i += height) to[out++] = from[i]!;
};
