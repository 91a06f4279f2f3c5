/** What was predicted of single test records, and the rows or pictures behind it: read from the files of the run and its dataset in parts. */

import { pngOf } from "../../../data/pictures/picture-uri.ts";
import { arrays } from "../../../engine/safetensors.ts";
import { rawRow } from "../../../evaluation/slices.ts";
import type { PredictionPage } from "../../../shared/api/schemas.ts";
import type { Column, RawSplit, Snapshot, StoredFile } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";
import { openTensors, readRange, type StoredTensors } from "../artifacts/tensors.ts";
import { type RunState, runEntity } from "../runs/run.ts";

/** Longest side of a picture that is shown, in pixels. */
const SIDE = 512;
/** More do not fit a page. */
const MOST_COLUMNS = 200;
/** Of snapshot.json and of texts that are looked through. */
const MOST_BYTES = 64 * 2 ** 20;
const EVALUATE = "Evaluate it again: POST /api/runs/{id}/evaluation.";

export interface PredictionQuery {
  /** Class indices. */
  readonly truth?: number;
  readonly predicted?: number;
  readonly row?: number;
  readonly wrong: boolean;
  readonly offset: number;
  readonly limit: number;
}

export async function listPredictions(kernel: Kernel, run: string, query: PredictionQuery, signal: AbortSignal): Promise<PredictionPage> {
  const { state } = await runEntity.get(kernel.db.query, run);
  const file = state.artifacts["predictions.safetensors"];
  if (!file || !state.facts) throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name: "predictions.safetensors", fix: EVALUATE });
  const stored = await openTensors(kernel.blobs, { name: "predictions.safetensors", ...file });
  const [targets, predicted] = (await Promise.all(["targets", "predicted"].map((tensor) => stored.read(tensor)))).map(floats) as [
    Float32Array,
    Float32Array,
  ];
  const { rows, total } = found(targets, predicted, query);
  const isClasses = state.task === "classification";
  const { labels } = state.facts.dataset;
  const [confidences, records] = await Promise.all([
    isClasses ? confidencesOf(stored, rows, predicted) : undefined,
    recordsOf(kernel, state, rows, signal),
  ]);
  const named = (value: number) => (isClasses ? (labels[value] ?? String(value)) : value);
  return {
    total,
    samples: targets.length,
    kind: records?.kind,
    items: rows.map((row, i) => ({
      row,
      truth: named(targets[row]!),
      predicted: named(predicted[row]!),
      confidence: confidences?.[i],
      error: isClasses ? undefined : predicted[row]! - targets[row]!,
      sample: records?.samples?.[i],
    })),
  };
}

/** Rows of the page that was asked for, and how many there are in all: a pass over two arrays, 2 ms for a million records. */
function found(targets: Float32Array, predicted: Float32Array, { truth, predicted: taken, row: only, wrong, offset, limit }: PredictionQuery) {
  const rows: number[] = [];
  let total = 0;
  const [from, to] = only === undefined ? [0, targets.length] : [only, Math.min(only + 1, targets.length)];
  for (let row = from; row < to; row++) {
    if (truth !== undefined && targets[row] !== truth) continue;
    if (taken !== undefined && predicted[row] !== taken) continue;
    if (wrong && targets[row] === predicted[row]) continue;
    if (total >= offset && rows.length < limit) rows.push(row);
    total++;
  }
  return { rows, total };
}

const floats = (bytes: Uint8Array<ArrayBuffer>): Float32Array => new Float32Array(bytes.buffer);

/** The output of the class that was predicted, of each row: read with the row where it is small, else by itself. */
async function confidencesOf(stored: StoredTensors, rows: readonly number[], predicted: Float32Array): Promise<number[]> {
  const width = stored.placed.get("outputs")?.shape[1] ?? 0;
  const outputs = floats(await stored.read("outputs", rows));
  return rows.map((row, i) => outputs[i * width + predicted[row]!]!);
}

interface Records {
  readonly kind: "pictures" | "table";
  /** Of a table, by column. */
  readonly samples?: readonly PredictionPage["items"][number]["sample"][];
}

/** Where the test records of a run lie. */
export interface TestFiles {
  readonly tensors: StoredTensors;
  readonly columns: readonly Column[];
  readonly pictureShape?: readonly number[];
  /** Of a table with texts. */
  readonly parquet?: StoredFile;
}

/** In the snapshot that it was trained on; what has none, as it was built in, left them with its evaluation. Nothing of runs that did neither. */
export async function testFilesOf(kernel: Kernel, { source, artifacts }: RunState): Promise<TestFiles | undefined> {
  const own = artifacts["test-records.safetensors"];
  if (own) {
    const tensors = await openTensors(kernel.blobs, { name: "test-records.safetensors", ...own });
    const { columns = "[]", pictureShape } = tensors.metadata;
    return { tensors, columns: JSON.parse(columns), ...(pictureShape && { pictureShape: JSON.parse(pictureShape) }) };
  }
  const stored = (name: string) => source?.files.find((file) => file.name === name);
  const [index, test] = [stored("snapshot.json"), stored("test.safetensors")];
  if (!index || !test) return undefined;
  if (index.size > MOST_BYTES) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_BYTES });
  const { columns, pictureShape } = JSON.parse(Buffer.from(await whole(kernel, index)).toString()) as Snapshot;
  return { tensors: await openTensors(kernel.blobs, test), columns, pictureShape, parquet: stored("test.parquet") };
}

const whole = ({ blobs }: Kernel, { sha256, size }: StoredFile): Promise<Uint8Array> => readRange(blobs, sha256, 0, size);

async function recordsOf(kernel: Kernel, state: RunState, rows: readonly number[], signal: AbortSignal): Promise<Records | undefined> {
  const files = await testFilesOf(kernel, state);
  if (!files) return undefined;
  if (files.pictureShape) return { kind: "pictures" };
  const [cells, texts] = await Promise.all([cellsIn(files, rows), textsOf(kernel, files, rows, signal)]);
  const samples = cells.map((own, i) => ({ ...own, ...texts?.[i] }));
  return { kind: "table", samples: samples.map((sample) => Object.fromEntries(Object.entries(sample).slice(0, MOST_COLUMNS))) };
}

/** Of a table: what stands in some rows, by column, but for texts. */
export async function cellsIn({ tensors, columns }: TestFiles, rows: readonly number[]): Promise<ReturnType<typeof rawRow>[]> {
  const names = (["numbers", "categories", "dates"] as const).filter((name) => tensors.placed.has(name));
  const read = await Promise.all(names.map(async (name) => [name, typed(tensors, name, await tensors.read(name, rows))] as const));
  const raw = { count: rows.length, targets: new Float32Array(), ...Object.fromEntries(read) } as RawSplit;
  return rows.map((_, i) => rawRow(i, columns, raw));
}

export const typed = ({ placed }: StoredTensors, name: string, bytes: Uint8Array<ArrayBuffer>) => new arrays[placed.get(name)!.dtype](bytes.buffer);

/** Texts lie in Parquet, which is read in the predictor process; where they are too many they are left out. */
async function textsOf(kernel: Kernel, { columns, parquet }: TestFiles, rows: readonly number[], signal: AbortSignal) {
  const names = columns.filter(({ type }) => type === "text").map(({ name }) => name);
  if (!names.length || !parquet || parquet.size > MOST_BYTES) return undefined;
  const table = (await kernel.blobs.file(parquet.sha256)) ?? (await whole(kernel, parquet));
  const found = await kernel.predictor.find({ table, query: { indices: rows, offset: 0, limit: rows.length } }, signal);
  const byRow = new Map(found.rows.map(({ index, cells }) => [index, cells]));
  const places = found.columns.flatMap((column, c) => (names.includes(column) ? [[column, c] as const] : []));
  return rows.map((row) => Object.fromEntries(places.map(([column, c]) => [column, byRow.get(row)?.[c] ?? ""])));
}

/** @throws ARTIFACT_MISSING, NOT_FOUND, PAYLOAD_TOO_LARGE */
export async function getTestPicture(kernel: Kernel, run: string, row: number): Promise<Uint8Array> {
  const { state } = await runEntity.get(kernel.db.query, run);
  const files = await testFilesOf(kernel, state);
  const place = files?.tensors.placed.get("pictures");
  if (!files?.pictureShape || !place) throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name: "pictures", fix: EVALUATE });
  if (row >= place.shape[0]!) throw fail("NOT_FOUND", { what: "test record", id: String(row) });
  return pngOf(await files.tensors.read("pictures", [row]), files.pictureShape, SIDE);
}
