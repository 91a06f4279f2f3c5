/** Safetensors: length of a JSON header (u64), the header, raw tensors. Format: https://huggingface.co/docs/safetensors */
import { fail, showShape } from "../shared/errors.ts";

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

/** The parts of a file, in order, to be written one after the other. The header is padded so that tensors start at a multiple of 8. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array[] {
  let offset = 0;
  const header: Record<string, Entry | Record<string, string>> = { __metadata__: { ...metadata } };
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  const length = new Uint8Array(BigUint64Array.of(BigInt(padded.length)).buffer);
  return [length, padded, ...[...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/**
 * Reads a file of float32 tensors.
 * @param path where the bytes came from, for errors
 * @throws BAD_FILE
 */
export function decodeSafetensors(bytes: Uint8Array, path: string): SafetensorsFile {
  const bad = (got: string) =>
    fail("BAD_FILE", { path, want: "a safetensors file of float32 tensors", got, fix: "Use a checkpoint that Trainyard wrote, complete." });
  if (bytes.length < 8) throw bad(`it has ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw bad(`its header of ${length} bytes is cut off after ${bytes.length - 8}`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw bad("its header is not JSON");
  }
  if (typeof header !== "object" || header === null) throw bad(`its header is ${header}`);
  const { __metadata__: metadata = {}, ...entries } = header as Readonly<Record<string, unknown>>;
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset + 8 + length, bytes.length - 8 - length); // plain: a Buffer's slice would not copy
  const tensors = Object.entries(entries).map(([name, entry]) => {
    if (!isEntry(entry)) throw bad(`its header does not describe tensor "${name}"`);
    const { dtype, shape } = entry;
    const [start, end] = entry.data_offsets;
    if (dtype !== "F32") throw bad(`tensor "${name}" is ${dtype}`);
    if (end - start !== 4 * shape.reduce((a, b) => a * b, 1)) throw bad(`tensor "${name}" has ${end - start} bytes for ${showShape(shape)}`);
    if (end > body.length) throw bad(`tensor "${name}" is cut off: the file has ${bytes.length} of ${8 + length + end} bytes`);
    return [name, { shape, data: new Float32Array(body.slice(start, end).buffer) }] as const;
  });
  return { tensors: new Map(tensors), metadata: metadata as Record<string, string> };
}

const naturals = (value: unknown): value is number[] => Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets } = (value ?? {}) as Partial<Entry>;
  return typeof dtype === "string" && naturals(shape) && naturals(data_offsets) && data_offsets.length === 2;
}
