/** What is measured: the cases, set up from the catalog as `trainyard train` would, on made-up samples of the right shape. */

import { type Assembled, assemble } from "../src/catalog/assemble.ts";
import { resolveSettings } from "../src/catalog/run-settings.ts";
import { sizeOf } from "../src/engine/graph.ts";
import type { Dataset } from "../src/shared/dataset.ts";
import { random } from "../src/shared/random.ts";
import { ofNetwork } from "../test/datasets.ts";

export interface Case {
  /** What `npm run bench <name>` chooses. */
  readonly name: string;
  /** Ids in the catalog, and parameters that differ from their defaults; `peer.py` knows the same ids. */
  readonly model: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly optimizer: string;
  readonly sampleShape: readonly number[];
  readonly outputs: number;
  /** Whole batches, so that no side pads or cuts the last one. */
  readonly samples: number;
  readonly batch: number;
  readonly threads: number;
  /** Our samples per second over PyTorch's; without it the case is for information. */
  readonly wanted?: number;
}

const digits = { sampleShape: [1, 28, 28], outputs: 10, samples: 57_600, batch: 64, threads: 2 } as const;
const table = { model: "mlp", params: { hidden: [16] }, optimizer: "adam", sampleShape: [4], outputs: 3, batch: 32, threads: 1 } as const;

export const cases: readonly Case[] = [
  { ...digits, name: "cnn", model: "cnn", optimizer: "adam", wanted: 1 },
  { ...digits, name: "resnet-8", model: "resnet-8", optimizer: "adamw", sampleShape: [3, 32, 32], samples: 19_200, wanted: 1 },
  { ...digits, name: "lenet-5", model: "lenet-5", optimizer: "momentum" },
  { ...digits, name: "mlp-784-128-10", model: "mlp", optimizer: "adam", batch: 32, threads: 1, wanted: 5 },
  { ...table, name: "mlp-4-16-3", samples: 57_600, wanted: 5 },
  // As many samples as the table of irises has: an epoch is over after four steps.
  { ...table, name: "iris", samples: 128 },
];

export interface Prepared extends Assembled {
  readonly dataset: Dataset;
  readonly compileMilliseconds: number;
}

/** Random bytes, or random numbers for tables; random labels. How fast a step is does not depend on what the numbers are. */
export function prepare({ model, params, optimizer, sampleShape, outputs, samples, batch }: Omit<Case, "name" | "threads">): Prepared {
  const r = random(1);
  const values = samples * sizeOf(sampleShape);
  const inputs = sampleShape.length > 1 ? Uint8Array.from({ length: values }, () => r.uint32()) : r.fillNormal(new Float32Array(values));
  const train = { inputs, targets: Int32Array.from({ length: samples }, () => r.below(outputs)), count: samples };
  const dataset: Dataset = {
    id: "made-up",
    task: "classification",
    sampleShape,
    columns: [],
    labels: Array.from({ length: outputs }, (_, i) => `${i}`),
    normalisation: { mean: [0], deviation: [255] },
    train,
    test: train,
    source: "bench",
    digest: "",
  };
  // The request has to name a dataset of the catalog; the one above takes its place.
  const settings = resolveSettings({
    dataset: { id: "mnist" },
    model: { id: model, params },
    optimizer: { id: optimizer },
    training: { batchSize: batch },
  });
  const began = performance.now();
  const assembled = assemble(ofNetwork(settings), dataset);
  return { ...assembled, dataset, compileMilliseconds: performance.now() - began };
}
