/** Snapshots on disk: written row by row, read as they were written, named by their content. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Snapshot } from "../shared/dataset.ts";
import type { Profile } from "../shared/profile.ts";
import { readSnapshot, readSplit, SplitWriter, sealSnapshot } from "./snapshot.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trainyard-snapshot-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const tensors = {
  numbers: { dtype: "F32", shape: [2] },
  dates: { dtype: "I64", shape: [1] },
  targets: { dtype: "I32", shape: [] },
} as const;
const rows = (from: number, to: number) => {
  const of = Array.from({ length: to - from }, (_, i) => from + i);
  return { numbers: Float32Array.from(of.flatMap((i) => [i, -i])), dates: BigInt64Array.from(of, BigInt), targets: Int32Array.from(of) };
};
const profile: Profile = { kind: "table", records: { train: 5, validation: 0, test: 2 }, warnings: [] };

async function written(name: string, most: number, count: number, batch: number) {
  const writer = await SplitWriter.create(join(folder, name), tensors, most);
  for (let at = 0; at < count; at += batch) await writer.append(rows(at, Math.min(count, at + batch)));
  return { count, tensors: await writer.finish() };
}
const parts = (train: Snapshot["splits"]["train"], test: Snapshot["splits"]["test"]): Omit<Snapshot, "format" | "digest"> => ({
  kind: "table",
  task: "classification",
  columns: [
    { name: "a", type: "number" },
    { name: "b", type: "number" },
    { name: "c", type: "date" },
  ],
  target: "t",
  labels: ["x", "y"],
  splits: { train, test },
  splitting: { split: "random" },
});

describe("a split", () => {
  test("is read as it was written, whatever the batches", async () => {
    const snapshot = await sealSnapshot(
      folder,
      parts(await written("train.safetensors", 5, 5, 2), await written("test.safetensors", 2, 2, 9)),
      profile,
    );
    expect(await readSnapshot(folder)).toEqual(snapshot.snapshot);
    expect(await readSplit(folder, snapshot.snapshot, "train")).toEqual({ count: 5, ...rows(0, 5) });
    expect(await readSplit(folder, snapshot.snapshot, "test")).toEqual({ count: 2, ...rows(0, 2) });
  });

  test("of fewer rows than were announced is as long as its rows", async () => {
    const short = await written("short.safetensors", 1000, 5, 3);
    const snapshot = { splits: { train: short, test: short } } as Snapshot;
    expect(await readSplit(folder, snapshot, "train")).toEqual({ count: 5, ...rows(0, 5) });
    expect(readFileSync(join(folder, "short.safetensors")).length).toBe(short.tensors.size);
    expect(short.tensors.size).toBeLessThan(1000);
  });

  test("without rows has tensors without rows", async () => {
    const none = await written("none.safetensors", 3, 0, 1);
    expect(await readSplit(folder, { splits: { train: none, test: none } } as Snapshot, "test")).toEqual({ count: 0, ...rows(0, 0) });
  });
});

describe("the digest of a snapshot", () => {
  test("is that of its content: not of how it was split, nor of the order in which files were written", async () => {
    const [train, test] = [await written("t1.safetensors", 5, 5, 5), await written("t2.safetensors", 2, 2, 2)];
    const digest = async (change: Partial<Snapshot>) => (await sealSnapshot(folder, { ...parts(train, test), ...change }, profile)).snapshot.digest;
    const first = await digest({});
    expect(await digest({ splitting: { split: "time" } })).toBe(first);
    const others = await Promise.all([digest({ labels: ["y", "x"] }), digest({ target: "u" }), digest({ splits: { train: test, test: train } })]);
    expect(new Set([first, ...others]).size).toBe(4);
  });
});
