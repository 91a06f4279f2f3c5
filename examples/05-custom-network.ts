/** A network of one's own, described as JSON: pictures moved about at random, two views of them joined, a shortcut past a convolution. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetworkDescription } from "trainyard/engine";
import { RunFolder } from "../src/storage/run-folder.ts";
import { evaluateRun } from "../src/worker/evaluation.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

// A layer reads the one before it, unless `inputs` names others. docs/catalog.md lists the layers and their parameters.
const network: NetworkDescription = {
  layers: [
    { id: "shift", layer: "RandomShift", params: { down: 1, right: 1 } }, // in training only
    { id: "small", layer: "Conv2D", params: { filters: 4, kernel: [3, 3], strides: [2, 2], padding: "same" } },
    { id: "large", layer: "Conv2D", params: { filters: 4, kernel: [5, 5], strides: [2, 2], padding: "same" }, inputs: ["shift"] },
    { id: "both", layer: "Concat", inputs: ["small", "large"] }, // [batch, 8, 14, 14]
    { id: "bend", layer: "Relu" },
    { id: "deeper", layer: "Conv2D", params: { filters: 8, padding: "same", bias: false } },
    { id: "norm", layer: "BatchNorm" },
    { id: "shortcut", layer: "Add", inputs: ["norm", "bend"] },
    { id: "pool", layer: "MaxPool" }, // [batch, 8, 7, 7]
    { id: "relu", layer: "Relu" },
    { id: "flatten", layer: "Flatten" },
    { id: "output", layer: "Dense", params: { units: 10 } },
  ],
};

const folder = new RunFolder(await mkdtemp(join(tmpdir(), "trainyard-")));
const optimizer = { id: "adam", params: { learningRate: 5e-3 } };
const prepared = await prepareTraining({ dataset: { id: "mnist" }, network, optimizer, schedule: { id: "cosine" } }, folder.id);
for (const { id, layer, outputShape, parameters } of prepared.record.layers)
  console.log(`${id} (${layer}): [${outputShape}], ${parameters} parameters`);

await folder.create();
for await (const event of performTraining(prepared, folder)) {
  if (event.type === "progress") console.log(`step ${event.update}: loss ${event.loss.toFixed(3)}, ${Math.round(event.samplesPerSecond)} samples/s`);
}
const evaluation = await evaluateRun(folder, prepared);
assert.ok(evaluation.task === "classification");
console.log(`${prepared.record.parameters} parameters, accuracy on ${evaluation.samples} test pictures: ${evaluation.accuracy}`);
assert.ok(evaluation.accuracy > 0.96);

await rm(folder.path, { recursive: true });
