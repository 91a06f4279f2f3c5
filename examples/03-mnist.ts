/** Handwritten digits: LeNet-5 sees 54,000 pictures once, then reads more than 97 of 100 that are new to it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunFolder } from "../src/storage/run-folder.ts";
import { evaluateRun } from "../src/worker/evaluation.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

const folder = new RunFolder(await mkdtemp(join(tmpdir(), "trainyard-")));
const request = {
  dataset: { id: "mnist" },
  model: { id: "lenet-5" },
  optimizer: { id: "adam", params: { learningRate: 2e-3 } },
  schedule: { id: "cosine" },
};
const prepared = await prepareTraining(request, folder.id);
await folder.create();
for await (const event of performTraining(prepared, folder)) {
  if (event.type === "progress") console.log(`step ${event.update}: loss ${event.loss.toFixed(3)}, ${Math.round(event.samplesPerSecond)} samples/s`);
}

const evaluation = await evaluateRun(folder, prepared);
assert.ok(evaluation.task === "classification");
console.log(`accuracy on ${evaluation.samples} test pictures: ${evaluation.accuracy}`);
assert.ok(evaluation.accuracy > 0.97);

await rm(folder.path, { recursive: true });
