/** Records of a dataset as people look at them: a page of one split, by class, text or place, and one picture. */
import { pngOf } from "../../../data/pictures/picture-uri.ts";
import type { DatasetFacts } from "../../../shared/api/schemas.ts";
import type { SplitName } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import type { FoundRows, Records, RowQuery } from "../../../shared/records.ts";
import type { Kernel } from "../../kernel.ts";
import { openTensors, readRange, type StoredTensors } from "../artifacts/tensors.ts";
import type { DatasetState } from "./dataset.ts";
import { stateOf } from "./service.ts";

/** Bytes of a table that is taken along to where it is read, where the store is no folder of this machine. */
const MOST_TABLE = 64 * 2 ** 20;
/** Bytes of a picture as it is stored. */
const MOST_PICTURE = 16 * 2 ** 20;
/** Targets that are looked through at a time: about a millisecond. */
const LOOKED_AT = 2 ** 18;
const TARGET_BYTES = 4;

interface Wanted extends Omit<RowQuery, "indices" | "target"> {
  readonly split: SplitName;
  readonly label?: string;
  readonly index?: readonly number[];
}

/** @throws WRONG_STATE unless it was imported */
function imported({ name, status, facts }: DatasetState, verb: string): DatasetFacts {
  if (status === "ready" && facts) return facts;
  throw fail("WRONG_STATE", { what: `dataset "${name}"`, state: status, verb, want: "ready" });
}

const fileOf = ({ snapshot }: DatasetState, name: string) => snapshot.find((one) => one.name === name);

/** @throws WRONG_STATE, BAD_FILE; PAYLOAD_TOO_LARGE for a table that cannot be taken to where it is read */
export async function listRecords(kernel: Kernel, project: string, name: string, wanted: Wanted, signal: AbortSignal): Promise<Records> {
  const dataset = await stateOf(kernel.db.query, project, name);
  const facts = imported(dataset, "looked into");
  const { split, offset, label, text, limit } = wanted;
  const total = facts.records[split];
  const tensors = fileOf(dataset, `${split}.safetensors`);
  const nothing: Records = { split, total, matched: 0, offset, columns: [], more: 0, items: [] };
  if (!total || !tensors) return nothing;
  const stored = await openTensors(kernel.blobs, tensors, total);
  const targets = new Targets(stored, facts, total);
  const index = wanted.index?.filter((i) => i < total);
  const parquet = fileOf(dataset, `${split}.parquet`);

  if (parquet) {
    const query = {
      indices: index,
      target: label === undefined ? undefined : { column: facts.target, label },
      text,
      offset: index ? 0 : offset,
      limit,
    };
    const found = await kernel.predictor.find(
      { table: await tableOf(kernel, parquet), query: index ? { ...query, limit: index.length } : query },
      signal,
    );
    const rows = index ? inOrder(found, index) : found.rows;
    const named = await targets.at(rows.map((row) => row.index));
    return { ...nothing, ...found, columns: [...found.columns], items: rows.map((row, i) => ({ ...row, cells: [...row.cells], target: named[i]! })) };
  }

  const { places, matched } = index
    ? { places: index, matched: index.length }
    : await targets.find(accepted(facts, label, text?.toLowerCase()), offset, limit);
  const named = await targets.at(places);
  const isTable = facts.kind === "table" && stored.placed.has("numbers");
  const items = [];
  for (const [i, place] of places.entries())
    items.push({ index: place, target: named[i]!, ...(isTable && { cells: await numbersOf(stored, place) }) });
  return { ...nothing, matched, ...(isTable && { columns: facts.columns.map((column) => column.name) }), items };
}

const inOrder = ({ rows }: FoundRows, index: readonly number[]): FoundRows["rows"] => {
  const at = new Map(rows.map((row) => [row.index, row]));
  return index.flatMap((i) => at.get(i) ?? []);
};

async function tableOf({ blobs }: Kernel, { sha256, size }: { sha256: string; size: number }): Promise<string | Uint8Array> {
  const path = await blobs.file(sha256);
  if (path) return path;
  if (size > MOST_TABLE) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_TABLE });
  return readRange(blobs, sha256, 0, size);
}

/** Cells of a table of numbers alone, which has no other file. */
async function numbersOf(stored: StoredTensors, place: number): Promise<(string | null)[]> {
  const bytes = await stored.range("numbers", place, place + 1);
  return Array.from(new Float32Array(new Uint8Array(bytes).buffer), (x) => (Number.isNaN(x) ? null : String(x)));
}

/** Which records are of a class, and have a text in its name or are at the place that it says. */
function accepted(
  { labels }: DatasetFacts,
  label: string | undefined,
  text: string | undefined,
): ((target: number, place: number) => boolean) | undefined {
  if (label === undefined && !text) return undefined;
  const suits = labels.map((one) => (label === undefined || one === label) && (!text || one.toLowerCase().includes(text)));
  const byPlace = text && /^\d+$/.test(text) ? Number(text) : -1;
  return (target, place) => suits[target] || (place === byPlace && (label === undefined || labels[target] === label));
}

/** What the records of a split are. */
class Targets {
  readonly #stored: StoredTensors;
  readonly #facts: DatasetFacts;
  readonly #count: number;

  constructor(stored: StoredTensors, facts: DatasetFacts, count: number) {
    this.#stored = stored;
    this.#facts = facts;
    this.#count = count;
  }

  /** Classes by name, or values. */
  async at(places: readonly number[]): Promise<(string | number)[]> {
    const { task, labels } = this.#facts;
    const [least, most] = [Math.min(...places), Math.max(...places)];
    const together = most - least < LOOKED_AT ? await this.#read(least, most + 1) : undefined;
    const named = [];
    for (const place of places) {
      const target = together ? together[place - least]! : (await this.#read(place, place + 1))[0]!;
      named.push(task === "classification" ? (labels[target] ?? String(target)) : target);
    }
    return named;
  }

  /** Places that a condition holds for, a page of them, and how many there are. */
  async find(
    accepts: ((target: number, place: number) => boolean) | undefined,
    offset: number,
    limit: number,
  ): Promise<{ places: number[]; matched: number }> {
    if (!accepts) {
      const length = Math.max(0, Math.min(limit, this.#count - offset));
      return { places: Array.from({ length }, (_, i) => offset + i), matched: this.#count };
    }
    const places: number[] = [];
    let matched = 0;
    for (let first = 0; first < this.#count; first += LOOKED_AT) {
      const block = await this.#read(first, Math.min(this.#count, first + LOOKED_AT));
      for (let i = 0; i < block.length; i++) {
        if (!accepts(block[i]!, first + i)) continue;
        if (matched >= offset && places.length < limit) places.push(first + i);
        matched++;
      }
    }
    return { places, matched };
  }

  async #read(first: number, end: number): Promise<Int32Array | Float32Array> {
    if (this.#stored.rowBytes("targets") !== TARGET_BYTES)
      throw fail("BAD_FILE", { path: "targets", want: "four bytes for each record", got: "has others", fix: "Import the dataset again." });
    const { buffer } = new Uint8Array(await this.#stored.range("targets", first, end)); // aligned
    return this.#facts.task === "classification" ? new Int32Array(buffer) : new Float32Array(buffer);
  }
}

/** @throws NOT_FOUND, WRONG_STATE, BAD_USAGE for a table, PAYLOAD_TOO_LARGE */
export async function pictureOf(
  kernel: Kernel,
  project: string,
  name: string,
  { split, index }: { readonly split: SplitName; readonly index: number },
  most: number,
): Promise<Uint8Array> {
  const dataset = await stateOf(kernel.db.query, project, name);
  const { kind, sampleShape, records } = imported(dataset, "asked for a picture");
  if (kind !== "pictures")
    throw fail("BAD_USAGE", { problem: `dataset "${dataset.name}" is a table`, fix: "Ask for its records: they have cells instead of a picture." });
  const tensors = fileOf(dataset, `${split}.safetensors`);
  if (!tensors || index >= records[split]) throw fail("NOT_FOUND", { what: `picture of split ${split}`, id: String(index) });
  const bytes = sampleShape.reduce((product, side) => product * side, 1);
  if (bytes > MOST_PICTURE) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_PICTURE });
  const stored = await openTensors(kernel.blobs, tensors, records[split]);
  if (!stored.placed.has("pictures") || stored.rowBytes("pictures") !== bytes)
    throw fail("BAD_FILE", { path: tensors.name, want: `pictures of ${bytes} bytes`, got: "has others", fix: "Import the dataset again." });
  return pngOf(await stored.range("pictures", index, index + 1), sampleShape, most);
}
