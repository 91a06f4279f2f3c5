/** The digest that names a dataset's content, so that a run can say, and check, what it was trained on. */
import { createHash } from "node:crypto";
import type { Dataset } from "../shared/dataset.ts";

export const sha256 = (data: string | NodeJS.ArrayBufferView): string => createHash("sha256").update(data).digest("hex");

/**
 * Completes a dataset with its digest. The four blocks of numbers enter by a hash each; a loader that has hashed the
 * files which hold the blocks hands those hashes over, instead of reading 47 MB a second time.
 */
export function seal(
  dataset: Omit<Dataset, "digest">,
  blocks: readonly string[] = [dataset.train.inputs, dataset.train.targets, dataset.test.inputs, dataset.test.targets].map(sha256),
): Dataset {
  const { task, sampleShape, columns, labels } = dataset;
  return { ...dataset, digest: sha256(JSON.stringify({ task, sampleShape, columns, labels, blocks })) };
}
