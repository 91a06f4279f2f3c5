/** A model from a table: what `trainyard train data/iris.csv` does, as functions. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeRunFolder } from "../src/storage/run-folder.ts";
import { evaluate } from "../src/worker/evaluation.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { Model } from "../src/worker/prediction.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

const path = fileURLToPath(new URL("../data/iris.csv", import.meta.url));

// The column called species is what to predict; a fifth of the rows is kept out of training, for the evaluation.
const optimizer = { id: "adam", params: { learningRate: 0.01 } };
const prepared = await prepareTraining({ dataset: { id: "table" }, path, optimizer, training: { epochs: 50, batchSize: 8 } });
const { settings, facts } = prepared;
const output = new MemoryOutput();
const metrics: object[] = [];
for await (const event of performTraining(prepared, output)) {
  if (event.type === "epoch") metrics.push(event);
  if (event.type === "epoch" && event.epoch % 10 === 0) console.log(`epoch ${event.epoch}: loss ${event.loss.toFixed(3)}`);
  if (event.type === "done") {
    const { report: evaluation } = await evaluate(prepared, { weights: event.best }, event);
    console.log(`accuracy on ${evaluation.samples} flowers never seen: ${evaluation.metrics.accuracy!.toFixed(3)}`);
    assert.ok(evaluation.metrics.accuracy! >= 0.9);
  }
}

// The model takes centimetres as they are in the table: normalisation is part of it.
const model = await Model.open(output.files.get("model.onnx")!);
const rows = [{ sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 }];
const [flower] = await model.predict(facts.dataset, { rows });
await model.close();
console.log(`the first flower of the table is ${flower!.label}`);
assert.equal(flower!.label, "Iris-setosa");

// All of it in a folder that a person can open.
const root = await mkdtemp(join(tmpdir(), "trainyard-"));
const files = Array.from(output.files, ([name, bytes]) => ({ name, content: [bytes] }));
await writeRunFolder(join(root, "flowers"), { record: { settings, facts }, metrics, files });
const written = await readdir(join(root, "flowers"));
console.log(written.join("  "));
assert.deepEqual(written.sort(), ["checkpoints", "metrics.jsonl", "model.onnx", "plan", "run.json"]);

await rm(root, { recursive: true });
