/** Safetensors: length of a JSON header (u64), the header, raw tensors. Format: https://huggingface.co/docs/safetensors */
import { fail, showShape } from "../shared/errors.ts";

/** The dtypes used here, by their names in the format. */
export const arrays = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array, U8: Uint8Array } as const;
export type StoredType = keyof typeof arrays;
export type StoredArray = Float32Array | Int32Array | BigInt64Array | Uint8Array;

export interface TensorInfo {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
}
/** Where a tensor lies: start and end in bytes, counted from the beginning of the file. */
export interface PlacedTensor extends TensorInfo {
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Start and end in the bytes after the header. */
  readonly data_offsets: readonly [number, number];
}

export const bytesOf = ({ dtype, shape }: TensorInfo): number => arrays[dtype].BYTES_PER_ELEMENT * shape.reduce((a, b) => a * b, 1);

/**
 * The header of a file with these tensors one after the other, and where each of them lies.
 * @param reserve bytes that length and header take at least, filled with spaces: a header of fewer or shorter tensors then fits its place
 */
export function layOut(
  tensors: ReadonlyMap<string, TensorInfo>,
  metadata: Readonly<Record<string, string>> = {},
  reserve = 0,
): { header: Uint8Array; placed: ReadonlyMap<string, PlacedTensor> } {
  let offset = 0;
  const entries: Record<string, Entry | Record<string, string>> = { __metadata__: { ...metadata } };
  for (const [name, info] of tensors) {
    entries[name] = { ...info, data_offsets: [offset, offset + bytesOf(info)] };
    offset += bytesOf(info);
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  // Padded so that tensors start at a multiple of 8.
  const length = Math.max(Math.ceil(text.length / 8) * 8, reserve - 8);
  const header = new Uint8Array(8 + length).fill(0x20);
  header.set(new Uint8Array(BigUint64Array.of(BigInt(length)).buffer));
  header.set(text, 8);
  const placed = [...tensors].map(([name, info]) => {
    const [start, end] = (entries[name] as Entry).data_offsets;
    return [name, { ...info, start: header.length + start, end: header.length + end }] as const;
  });
  return { header, placed: new Map(placed) };
}

/** The parts of a file of float32 tensors, in order, to be written one after the other. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array[] {
  const { header } = layOut(new Map([...tensors].map(([name, { shape }]) => [name, { dtype: "F32", shape }])), metadata);
  return [header, ...[...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/** Bytes that the length and the header of a file take, by its first 8 bytes. @throws BAD_FILE */
export function headerLength(start: Uint8Array, size: number, path: string): number {
  if (start.length < 8) throw broken(path, `it has ${start.length} bytes`);
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (length > size - 8) throw broken(path, `its header of ${length} bytes is cut off after ${size - 8}`);
  return 8 + length;
}

/**
 * Reads the header of a file.
 * @param head the first `headerLength` bytes
 * @param size of the file
 * @throws BAD_FILE
 */
export function readHeader(
  head: Uint8Array,
  size: number,
  path: string,
): { placed: ReadonlyMap<string, PlacedTensor>; metadata: Readonly<Record<string, string>> } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(head.subarray(8)));
  } catch {
    throw broken(path, "its header is not JSON");
  }
  if (typeof header !== "object" || header === null) throw broken(path, `its header is ${header}`);
  const { __metadata__: metadata = {}, ...entries } = header as Readonly<Record<string, unknown>>;
  const placed = Object.entries(entries).map(([name, entry]) => {
    if (!isEntry(entry)) throw broken(path, `its header does not describe tensor "${name}"`);
    const { dtype, shape } = entry;
    const [start, end] = entry.data_offsets.map((at) => head.length + at) as [number, number];
    if (!Object.hasOwn(arrays, dtype)) throw broken(path, `tensor "${name}" is ${dtype}`);
    const info = { dtype: dtype as StoredType, shape };
    if (end - start !== bytesOf(info)) throw broken(path, `tensor "${name}" has ${end - start} bytes for ${showShape(shape)}`);
    if (end > size) throw broken(path, `tensor "${name}" is cut off: the file has ${size} of ${end} bytes`);
    return [name, { ...info, start, end }] as const;
  });
  return { placed: new Map(placed), metadata: metadata as Record<string, string> };
}

/**
 * Reads a file of float32 tensors.
 * @param path where the bytes came from, for errors
 * @throws BAD_FILE
 */
export function decodeSafetensors(bytes: Uint8Array, path: string): SafetensorsFile {
  const head = bytes.subarray(0, headerLength(bytes, bytes.length, path));
  const { placed, metadata } = readHeader(head, bytes.length, path);
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length); // a Buffer's slice would not copy
  const tensors = [...placed].map(([name, { dtype, shape, start, end }]) => {
    if (dtype !== "F32") throw broken(path, `tensor "${name}" is ${dtype}`);
    return [name, { shape, data: new Float32Array(plain.slice(start, end).buffer) }] as const;
  });
  return { tensors: new Map(tensors), metadata };
}

const broken = (path: string, got: string) =>
  fail("BAD_FILE", { path, want: "a safetensors file that Trainyard wrote", got, fix: "Use a file that Trainyard wrote, complete." });

const naturals = (value: unknown): value is number[] => Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets } = (value ?? {}) as Partial<Entry>;
  return typeof dtype === "string" && naturals(shape) && naturals(data_offsets) && data_offsets.length === 2;
}
