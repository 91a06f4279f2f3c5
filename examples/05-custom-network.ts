/** A network of one's own, described as JSON: pictures moved about at random, two views of them joined, a shortcut past a convolution. */
import assert from "node:assert/strict";
import type { NetworkDescription } from "trainyard/engine";
import { evaluate } from "../src/worker/evaluation.ts";
import { MemoryOutput } from "../src/worker/output.ts";
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

const optimizer = { id: "adam", params: { learningRate: 5e-3 } };
const prepared = await prepareTraining({ dataset: { id: "mnist" }, network, optimizer, schedule: { id: "cosine" } });
const { parameters, layers } = prepared.facts;
for (const layer of layers) console.log(`${layer.id} (${layer.layer}): [${layer.outputShape}], ${layer.parameters} parameters`);

for await (const event of performTraining(prepared, new MemoryOutput())) {
  if (event.type === "progress") console.log(`step ${event.update}: loss ${event.loss.toFixed(3)}, ${Math.round(event.samplesPerSecond)} samples/s`);
  if (event.type !== "done") continue;
  const { samples, metrics } = (await evaluate(prepared, { weights: event.best }, event)).report;
  console.log(`${parameters} parameters, accuracy on ${samples} test pictures: ${metrics.accuracy}`);
  assert.ok(metrics.accuracy! > 0.96);
}
