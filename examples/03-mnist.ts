/** Handwritten digits: LeNet-5 sees 54,000 pictures once, then reads more than 97 of 100 that are new to it. */
import assert from "node:assert/strict";
import { evaluate } from "../src/worker/evaluation.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

const prepared = await prepareTraining({
  dataset: { id: "mnist" },
  model: { id: "lenet-5" },
  optimizer: { id: "adam", params: { learningRate: 2e-3 } },
  schedule: { id: "cosine" },
});
for await (const event of performTraining(prepared, new MemoryOutput())) {
  if (event.type === "progress") console.log(`step ${event.update}: loss ${event.loss.toFixed(3)}, ${Math.round(event.samplesPerSecond)} samples/s`);
  if (event.type !== "done") continue;
  const { samples, metrics } = (await evaluate(prepared, { weights: event.best }, event)).report;
  console.log(`accuracy on ${samples} test pictures: ${metrics.accuracy}`);
  assert.ok(metrics.accuracy! > 0.97);
}
