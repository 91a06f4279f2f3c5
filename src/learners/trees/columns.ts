/**
 * The samples column by column, each value as a code in the order of the values: splits are found among codes alone. In memory that threads share:
 * a byte for each value where a column has at most 256 of them, two where it has at most 65,536, else four.
 */
import { type Sorter, sorter } from "./sort.ts";

export interface Column {
  /** [count] */
  readonly codes: Uint8Array | Uint16Array | Uint32Array;
  /** The value of each code, ascending; absent where a code is the bits of its value (`bitsOf`). */
  readonly values?: Float32Array;
}

const BYTES = Float32Array.from({ length: 256 }, (_, value) => value);
/** Rows that are turned at a time: what they take stays in the cache. */
const BLOCK = 64;

/** Yields in between, so that the thread is not kept for long. @param inputs [count, features], nothing missing */
export function* columnsOf(inputs: Float32Array | Uint8Array, count: number, features: number): Generator<void, Column[]> {
  if (inputs instanceof Uint8Array) return yield* turned(inputs, count, features);
  const [values, bits] = [new Float32Array(count), sorter(count)];
  const columns: Column[] = [];
  for (let f = 0; f < features; f++) {
    for (let i = 0; i < count; i++) values[i] = inputs[i * features + f]! + 0; // -0 becomes 0
    columns.push(ranked(values, bits));
    yield;
  }
  return columns;
}

/** Bytes are codes already. */
function* turned(inputs: Uint8Array, count: number, features: number): Generator<void, Column[]> {
  const codes = new Uint8Array(new SharedArrayBuffer(inputs.length));
  for (let start = 0; start < count; start += BLOCK) {
    const end = Math.min(start + BLOCK, count);
    for (let f = 0; f < features; f++) for (let i = start; i < end; i++) codes[f * count + i] = inputs[i * features + f]!;
    yield;
  }
  return Array.from({ length: features }, (_, f) => ({ codes: codes.subarray(f * count, (f + 1) * count), values: BYTES }));
}

function ranked(values: Float32Array, { keys, order, sort }: Sorter): Column {
  const count = values.length;
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < count; i++) keys[i] = ordered(bits[i]!);
  sort(count);
  let distinct = 1;
  for (let i = 1; i < count; i++) distinct += Number(keys[i] !== keys[i - 1]);
  if (distinct > 65_536) {
    const codes = new Uint32Array(new SharedArrayBuffer(4 * count));
    for (let i = 0; i < count; i++) codes[order[i]!] = keys[i]!;
    return { codes };
  }
  const codes = distinct > 256 ? new Uint16Array(new SharedArrayBuffer(2 * count)) : new Uint8Array(new SharedArrayBuffer(count));
  const found = new Float32Array(distinct);
  for (let i = 0, code = 0; i < count; i++) {
    if (i && keys[i] !== keys[i - 1]) code++;
    codes[order[i]!] = code;
    found[code] = values[order[i]!]!;
  }
  return { codes, values: found };
}

/** Bits of a float32 as a whole number of the same order: the sign turned, and of negative numbers all bits. */
const ordered = (bits: number): number => (bits >>> 31 ? ~bits : bits | 0x80000000) >>> 0;
const unordered = (code: number): number => (code >>> 31 ? code & 0x7fffffff : ~code) >>> 0;

const [float, word] = ((memory) => [new Float32Array(memory), new Uint32Array(memory)])(new ArrayBuffer(4)) as [Float32Array, Uint32Array];
export function bitsOf(value: number): number {
  float[0] = value + 0;
  return ordered(word[0]!);
}
export function valueAt({ values }: Column, code: number): number {
  if (values) return values[code]!;
  word[0] = unordered(code);
  return float[0]!;
}

/** The largest code whose value is at most this. */
export function codeAtMost({ values }: Column, value: number): number {
  if (!values) return bitsOf(value);
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (values[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
