/** A training that is stopped and resumed ends with the same bits as one that was left alone, dropout included. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { MemoryOutput } from "../src/worker/output.ts";
import { performTraining, prepareTraining, reassemble } from "../src/worker/training.ts";

const path = fileURLToPath(new URL("../test/data/mnist", import.meta.url)); // the first 200 digits
const model = { id: "cnn", params: { filters: [8, 16], units: 32 } };
const request = { dataset: { id: "mnist" }, path, model, training: { epochs: 4, batchSize: 10 } };
const { settings, facts } = await prepareTraining(request);

const undisturbed = new MemoryOutput();
for await (const _ of performTraining(await prepareTraining(request), undisturbed));

const stopped = new MemoryOutput();
const stop = new AbortController();
for await (const event of performTraining(await prepareTraining(request), stopped, { signal: stop.signal })) {
  if (event.type === "progress") stop.abort(); // the first progress is told after a few steps
  if (event.type !== "stopped") continue;
  console.log(`stopped in epoch ${event.position.epoch + 1} of 4, after step ${event.position.step}`);
  assert.ok(event.position.step > 0);
}
assert.ok(!stopped.files.has("model.onnx"));

// It needs no more than this: the settings, the facts, the last checkpoint. Facts name the data, and it is refused if it has changed.
const last = stopped.files.get("last.safetensors")!;
for await (const _ of performTraining(await reassemble(settings, facts), stopped, { resume: { last } }));

for (const name of ["last.safetensors", "best.safetensors", "model.onnx"]) {
  const [a, b] = [undisturbed.files.get(name)!, stopped.files.get(name)!];
  const equal = Buffer.compare(a, b) === 0;
  console.log(`${name}: ${a.length} bytes, ${equal ? "equal" : "different"}`);
  assert.ok(equal);
}
