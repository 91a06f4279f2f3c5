/** A training that is stopped and resumed ends with the same bits as one that was left alone, dropout included. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunFolder } from "../src/storage/run-folder.ts";
import { performTraining, prepareTraining, reassemble, type TrainingRecord } from "../src/worker/training.ts";

const path = fileURLToPath(new URL("../test/data/mnist", import.meta.url)); // the first 200 digits
const root = await mkdtemp(join(tmpdir(), "trainyard-"));

async function start(name: string, stop: AbortController) {
  const folder = new RunFolder(join(root, name));
  const model = { id: "cnn", params: { filters: [8, 16], units: 32 } };
  const prepared = await prepareTraining({ dataset: { id: "mnist" }, path, model, training: { epochs: 4, batchSize: 10 } }, name);
  await folder.create();
  for await (const event of performTraining(prepared, folder, { signal: stop.signal })) {
    if (name === "stopped" && event.type === "progress") stop.abort(); // the first progress is told after a few steps
    if (event.type === "stopped" || event.type === "done") console.log(`${name}: ${event.type}`);
  }
  return folder;
}

const undisturbed = await start("undisturbed", new AbortController());
const stopped = await start("stopped", new AbortController());

const record = await stopped.record<TrainingRecord>();
const { position } = await stopped.loadCheckpoint("last");
console.log(`${record.status} in epoch ${position.epoch + 1} of 4, after step ${position.step}`);
assert.ok(record.status === "stopped" && position.step > 0);

// Everything comes back from the folder: the settings, the data they name, the last checkpoint.
for await (const _ of performTraining(await reassemble(record), stopped, { resume: true }));

const checkpoint = (folder: RunFolder) => readFile(folder.file("checkpoints", "last.safetensors"));
const [a, b] = [await checkpoint(undisturbed), await checkpoint(stopped)];
console.log(`weights, optimizer state and position: ${a.length} bytes, ${a.equals(b) ? "equal" : "different"}`);
assert.ok(a.equals(b));

await rm(root, { recursive: true });
