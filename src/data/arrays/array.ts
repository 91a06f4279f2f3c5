/** Arrays of numbers in files, whatever the format: what they hold, and how their rows are read in constant memory. */
import { closeSync, openSync, readSync } from "node:fs";
import { type Blocks, broken } from "./blocks.ts";

/** Types of values by their names in NumPy, without the byte order. Booleans are bytes. */
export const dtypes = {
  u1: Uint8Array,
  b1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  u8: BigUint64Array,
  i8: BigInt64Array,
  f4: Float32Array,
  f8: Float64Array,
} as const;
export type Dtype = keyof typeof dtypes;
export type Values = InstanceType<(typeof dtypes)[Dtype]>;

/** An array in a file. Its first axis is that of the rows. */
export interface FileArray {
  /** For messages: the file, and the array in it. */
  readonly path: string;
  readonly name: string;
  readonly dtype: Dtype;
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  /** Stored column by column: the first axis runs fastest. */
  readonly fortran: boolean;
  /** Where its bytes lie as they are; absent where they are compressed. */
  readonly place?: { readonly path: string; readonly start: number };
  /** Its bytes, from the first on. */
  open(): Promise<Blocks>;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
export const bytesPerRow = ({ dtype, shape }: FileArray): number => dtypes[dtype].BYTES_PER_ELEMENT * sizeOf(shape.slice(1));

const blockBytes = 4 * 2 ** 20;

/** Some rows of an array: row-major, in this machine's byte order. The bytes are used again for the next. */
export interface RowBlock {
  readonly start: number;
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads the rows in order. @throws BAD_FILE where the file ends too early, or goes on after the last */
export async function* rowBlocks(array: FileArray): AsyncGenerator<RowBlock> {
  const { shape, fortran } = array;
  const columns = sizeOf(shape.slice(1));
  const most = Math.max(1, Math.floor(blockBytes / Math.max(1, bytesPerRow(array))));
  const blocks = fortran && columns > 1 && shape[0]! > 1 ? byColumns(array, most) : byRows(array, most);
  for await (const block of blocks) {
    if (array.bigEndian) swapBytes(block.bytes, dtypes[array.dtype].BYTES_PER_ELEMENT);
    yield block;
  }
}

async function* byRows(array: FileArray, most: number): AsyncGenerator<RowBlock> {
  const [rows = 0] = array.shape;
  const rowBytes = bytesPerRow(array);
  const buffer = new Uint8Array(Math.min(most, rows) * rowBytes);
  const blocks = await array.open();
  try {
    for (let start = 0; start < rows; ) {
      const bytes = buffer.subarray(0, Math.min(most, rows - start) * rowBytes);
      const got = await blocks.fill(bytes);
      if (got < bytes.length) throw broken(array.path, `${rows * rowBytes} bytes of "${array.name}"`, `ends after ${start * rowBytes + got}`);
      const count = bytes.length / rowBytes;
      yield { start, count, bytes };
      start += count;
    }
    if ((await blocks.fill(new Uint8Array(1))) > 0) throw broken(array.path, `${rows * rowBytes} bytes of "${array.name}"`, "goes on after them");
  } finally {
    await blocks.close();
  }
}

/** Gathers rows from columns: a piece of each column for each block, so it needs the bytes as they are in a file. */
async function* byColumns(array: FileArray, most: number): AsyncGenerator<RowBlock> {
  const [rows = 0, ...rest] = array.shape;
  const { path, start: begin } = array.place!;
  const size = dtypes[array.dtype].BYTES_PER_ELEMENT;
  const columns = sizeOf(rest);
  const buffer = new Uint8Array(Math.min(most, rows) * columns * size);
  const piece = new Uint8Array(Math.min(most, rows) * size);
  const file = openSync(path, "r");
  try {
    for (let start = 0; start < rows; start += most) {
      const count = Math.min(most, rows - start);
      for (let column = 0; column < columns; column++) {
        const at = begin + (fortranPlace(column, rest) * rows + start) * size;
        const got = readSync(file, piece, 0, count * size, at);
        if (got < count * size) throw broken(array.path, `${rows * columns * size} bytes of "${array.name}"`, `ends after ${at - begin + got}`);
        for (let row = 0; row < count; row++)
          for (let byte = 0; byte < size; byte++) buffer[(row * columns + column) * size + byte] = piece[row * size + byte]!;
      }
      yield { start, count, bytes: buffer.subarray(0, count * columns * size) };
    }
  } finally {
    closeSync(file);
  }
}

/** Place of an element in column-major order, by its place in row-major order. */
function fortranPlace(place: number, shape: readonly number[]): number {
  let [rest, stride, at] = [place, sizeOf(shape), 0];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    stride /= shape[axis]!;
    at += (rest % shape[axis]!) * stride;
    rest = Math.floor(rest / shape[axis]!);
  }
  return at;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 2) buffer.swap16();
  if (size === 4) buffer.swap32();
  if (size === 8) buffer.swap64();
}

/** The values of a block. */
export const valuesOf = ({ bytes }: RowBlock, dtype: Dtype): Values =>
  new dtypes[dtype](bytes.buffer, bytes.byteOffset, bytes.length / dtypes[dtype].BYTES_PER_ELEMENT);

/** Puts values into an array of numbers; 64-bit integers beyond 2^53 are rounded. */
export function putNumbers(values: Values, into: Float32Array | Float64Array, at = 0): void {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) for (let i = 0; i < values.length; i++) into[at + i] = Number(values[i]);
  else into.set(values, at);
}

/** All values of a small array. */
export async function allNumbers(array: FileArray): Promise<Float64Array> {
  const numbers = new Float64Array(sizeOf(array.shape));
  const columns = sizeOf(array.shape.slice(1));
  for await (const block of rowBlocks(array)) putNumbers(valuesOf(block, array.dtype), numbers, block.start * columns);
  return numbers;
}
