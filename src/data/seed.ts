/**
 * What a bucket is seeded with: the published files of a dataset, by which it is imported elsewhere, and the few test
 * pictures of each class by which the layers of networks are compared (centred kernel alignment, CKA).
 */
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { layOut, type TensorInfo } from "../engine/safetensors.ts";
import type { RawSplit, Snapshot } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import { random } from "../shared/random.ts";
import { readSnapshot, readSplit } from "./snapshot.ts";

/** Test pictures of each class. */
export const perClass = 10;
/** Draws them: the same for everybody. */
const subsetSeed = 1;

export interface SeedFile {
  /** In the bucket: mnist/train-images-idx3-ubyte.gz, cka/mnist.safetensors. */
  readonly key: string;
  readonly path: string;
}

/**
 * @param id of the dataset
 * @param located its published files
 * @param directory the folder of its snapshot; the subset is written there
 * @throws FILE_NOT_FOUND, BAD_FILE
 */
export async function seedFiles(id: string, located: ReadonlyMap<string, string>, directory: string): Promise<SeedFile[]> {
  const snapshot = await readSnapshot(directory);
  const subset = join(directory, "cka.safetensors");
  await writeFile(subset, ckaSubset(id, snapshot, await readSplit(directory, snapshot, "test")));
  return [...[...located.values()].map((path) => ({ key: `${id}/${basename(path)}`, path })), { key: `cka/${id}.safetensors`, path: subset }];
}

/**
 * A safetensors file of test pictures, class by class, each class in the order of the test split: `pictures` U8
 * [n, channels, height, width], `targets` I32 [n] and `rows` I32 [n], their places in the test split. All of a class that
 * has fewer than ten. Its metadata names the snapshot, so that nobody compares by pictures of another.
 */
export function ckaSubset(id: string, { kind, labels, pictureShape, digest }: Snapshot, test: RawSplit): Uint8Array {
  if (kind !== "pictures" || !pictureShape || !labels.length || !test.pictures)
    throw fail("BAD_USAGE", { problem: `dataset "${id}" has no pictures in classes`, fix: "Choose one that has." });
  const rows = Int32Array.from(labels.flatMap((_, label) => drawn(test.targets, label)));
  const pictureBytes = pictureShape.reduce((a, b) => a * b, 1);
  const pictures = new Uint8Array(rows.length * pictureBytes);
  for (const [i, row] of rows.entries()) pictures.set(test.pictures.subarray(row * pictureBytes, (row + 1) * pictureBytes), i * pictureBytes);
  const targets = Int32Array.from(rows, (row) => test.targets[row]!);
  const tensors = new Map<string, TensorInfo>([
    ["pictures", { dtype: "U8", shape: [rows.length, ...pictureShape] }],
    ["targets", { dtype: "I32", shape: [rows.length] }],
    ["rows", { dtype: "I32", shape: [rows.length] }],
  ]);
  const metadata = { dataset: id, snapshot: digest, split: "test", perClass: `${perClass}`, seed: `${subsetSeed}`, labels: JSON.stringify(labels) };
  const { header } = layOut(tensors, metadata);
  return Buffer.concat([header, pictures, new Uint8Array(targets.buffer), new Uint8Array(rows.buffer)]);
}

/** Rows of some pictures of a class, in ascending order. */
function drawn(targets: RawSplit["targets"], label: number): number[] {
  const members: number[] = [];
  for (let row = 0; row < targets.length; row++) if (targets[row] === label) members.push(row);
  const order = random(subsetSeed, "cka", label).permutation(members.length);
  return Array.from(order.subarray(0, perClass), (place) => members[place]!).sort((a, b) => a - b);
}
