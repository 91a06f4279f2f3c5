/** A model from a table: what `trainyard train data/iris.csv` does, as functions. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunFolder } from "../src/storage/run-folder.ts";
import { evaluateRun } from "../src/worker/evaluation.ts";
import { predict } from "../src/worker/prediction.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

const table = fileURLToPath(new URL("../data/iris.csv", import.meta.url));
const folder = new RunFolder(await mkdtemp(join(tmpdir(), "trainyard-")));

// The last column is what to predict; every fifth row is kept out of training, for the evaluation.
const prepared = await prepareTraining({ dataset: { id: "csv" }, path: table, training: { epochs: 50, batchSize: 8 } }, folder.id);
await folder.create();
for await (const event of performTraining(prepared, folder)) {
  if (event.type === "epoch" && event.epoch % 10 === 0) console.log(`epoch ${event.epoch}: loss ${event.loss.toFixed(3)}`);
}

const evaluation = await evaluateRun(folder, prepared);
assert.ok(evaluation.task === "classification");
console.log(`accuracy on ${evaluation.samples} flowers never seen: ${evaluation.accuracy.toFixed(3)}`);
assert.ok(evaluation.accuracy >= 0.9);

// The model takes centimetres as they are in the table: normalisation is part of it.
const [first] = await predict(folder, [table]);
console.log(`the first flower of the table is ${first!.label}`);
assert.equal(first!.label, "Iris-setosa");

await rm(folder.path, { recursive: true });
