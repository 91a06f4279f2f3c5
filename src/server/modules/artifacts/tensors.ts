/** A safetensors file of the store, read in parts: its header, whole tensors, or some rows of one, never the whole file. */
import { headerLength, type PlacedTensor, readHeader } from "../../../engine/safetensors.ts";
import type { StoredFile } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";

/** Rows that lie closer are read together. */
const NEAR_BYTES = 2 ** 18;
/** That one answer may read. */
const MOST_BYTES = 64 * 2 ** 20;

/** Of a header: a tensor has a line. */
const MOST_HEAD = 2 ** 20;

export interface StoredTensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly placed: ReadonlyMap<string, PlacedTensor>;
  /** Bytes that a row of a tensor takes. */
  rowBytes(tensor: string): number;
  /** Rows of a tensor from `first` up to `end`, as the bytes they are. */
  range(tensor: string, first: number, end: number): Promise<Uint8Array>;
  /** The bytes of a tensor, or of some of its rows, one after the other. @throws PAYLOAD_TOO_LARGE */
  read(tensor: string, rows?: readonly number[]): Promise<Uint8Array<ArrayBuffer>>;
}

type Blobs = Pick<Kernel["blobs"], "get">;

/** The bytes of a blob from `start` up to `end`. */
export const readRange = async (blobs: Blobs, sha256: string, start: number, end: number): Promise<Uint8Array> =>
  end > start ? Buffer.concat(await (await blobs.get(sha256, { start, end: end - 1 })).body.toArray()) : new Uint8Array();

/**
 * @param rows that every tensor must have; any where it is left out
 * @throws BAD_FILE, PAYLOAD_TOO_LARGE: a worker wrote it, which is not trusted
 */
export async function openTensors(blobs: Blobs, { name, sha256, size }: StoredFile, rows?: number): Promise<StoredTensors> {
  const bytes = (start: number, end: number) => readRange(blobs, sha256, start, end);
  const bad = (want: string, got: string) => fail("BAD_FILE", { path: name, want, got, fix: "Import the dataset, or evaluate the run, again." });
  const head = headerLength(await bytes(0, 8), size, name);
  if (head > MOST_HEAD) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_HEAD });
  const { placed, metadata } = readHeader(await bytes(0, head), size, name);
  for (const [tensor, { shape }] of placed)
    if (rows !== undefined && shape[0] !== rows) throw bad(`tensors of ${rows} rows`, `"${tensor}" has shape [${shape.join(", ")}]`);

  const placeOf = (tensor: string): PlacedTensor => {
    const place = placed.get(tensor);
    if (!place) throw bad(`a tensor "${tensor}"`, "none");
    return place;
  };
  const rowBytes = (tensor: string): number => {
    const { start, end, shape } = placeOf(tensor);
    return (end - start) / Math.max(1, shape[0] ?? 1);
  };
  const range = (tensor: string, first: number, end: number): Promise<Uint8Array> => {
    const { start } = placeOf(tensor);
    const each = rowBytes(tensor);
    return bytes(start + first * each, start + end * each);
  };
  return {
    metadata,
    placed,
    rowBytes,
    range,
    async read(tensor, wanted) {
      const { start, end } = placeOf(tensor);
      const each = rowBytes(tensor);
      const length = wanted ? wanted.length * each : end - start;
      if (length > MOST_BYTES) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_BYTES });
      const out = new Uint8Array(length);
      if (!wanted) {
        out.set(await bytes(start, end));
        return out;
      }
      await Promise.all(
        stretches(wanted, Math.floor(NEAR_BYTES / Math.max(1, each))).map(async ({ first, last, places }) => {
          const part = await range(tensor, first, last + 1);
          for (const place of places) out.set(part.subarray((wanted[place]! - first) * each, (wanted[place]! - first + 1) * each), place * each);
        }),
      );
      return out;
    },
  };
}

interface Stretch {
  readonly first: number;
  last: number;
  /** Of its rows among those that are wanted. */
  readonly places: number[];
}

/** @param near rows that may lie between two that are read together */
function stretches(rows: readonly number[], near: number): Stretch[] {
  const all: Stretch[] = [];
  for (const place of rows.map((_, i) => i).sort((a, b) => rows[a]! - rows[b]!)) {
    const row = rows[place]!;
    const open = all.at(-1);
    if (open && row - open.last <= near + 1) {
      open.last = row;
      open.places.push(place);
    } else all.push({ first: row, last: row, places: [place] });
  }
  return all;
}
