/** A small snapshot of some training rows, cut out of the stored files: enough to show what preprocessing does, whatever the dataset's size. */
import { layOut } from "../../../engine/safetensors.ts";
import type { Snapshot } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";
import { openTensors, readRange } from "../artifacts/tensors.ts";
import type { DatasetState } from "./dataset.ts";

/** Rows that steps learn from here. */
const ROWS = 2000;
/** From so many places in the file: rows may be in an order. */
const PLACES = 8;
const MOST_BYTES = 64 * 2 ** 20;

export interface Sample {
  /** Of a snapshot's folder, by name. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly rows: number;
}

/** @throws WRONG_STATE unless the dataset was imported; BAD_USAGE where its texts are too many to be taken along */
export async function sampleOf({ blobs }: Kernel, { name, status, snapshot, facts }: DatasetState): Promise<Sample> {
  const stored = (file: string) => snapshot.find((one) => one.name === file);
  const [index, train] = [stored("snapshot.json"), stored("train.safetensors")];
  if (status !== "ready" || !index || !train)
    throw fail("WRONG_STATE", { what: `dataset "${name}"`, state: status, verb: "asked what steps do to it", want: "ready" });
  if (index.size > MOST_BYTES) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_BYTES });
  const manifest = JSON.parse(Buffer.from(await readRange(blobs, index.sha256, 0, index.size)).toString()) as Snapshot;
  const hasText = facts?.columns.some(({ type }) => type === "text");
  const parquet = hasText ? stored("train.parquet") : undefined;
  if (parquet && parquet.size > MOST_BYTES)
    throw fail("BAD_USAGE", {
      problem: `the texts of dataset "${name}" are too many to show steps on`,
      fix: "Import a part of it, and try the steps on that.",
    });

  const count = manifest.splits.train.count;
  const split = await openTensors(blobs, train, count);
  const { placed } = split;
  const each = [...placed.keys()].reduce((sum, tensor) => sum + split.rowBytes(tensor), 0);
  const rows = Math.min(count, ROWS, Math.max(1, Math.floor(MOST_BYTES / Math.max(1, each))));
  // Texts lie in a file of their own, by place: there the rows are the first ones.
  const places = parquet || rows === count ? 1 : Math.min(PLACES, rows);
  const starts = Array.from({ length: places }, (_, i) => Math.floor((i * count) / places));
  const length = (i: number) => Math.floor(((i + 1) * rows) / places) - Math.floor((i * rows) / places);

  const tensors = new Map([...placed].map(([tensor, { dtype, shape }]) => [tensor, { dtype, shape: [rows, ...shape.slice(1)] }]));
  const parts = [layOut(tensors).header];
  for (const tensor of placed.keys()) for (const [i, first] of starts.entries()) parts.push(await split.range(tensor, first, first + length(i)));
  const cut = { ...manifest, splits: { ...manifest.splits, train: { ...manifest.splits.train, count: rows } } };
  return {
    rows,
    files: {
      "snapshot.json": Buffer.from(JSON.stringify(cut)),
      "train.safetensors": Buffer.concat(parts),
      ...(parquet && { "train.parquet": await readRange(blobs, parquet.sha256, 0, parquet.size) }),
    },
  };
}
