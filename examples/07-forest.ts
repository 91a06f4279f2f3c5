/** A random forest on a table, evaluated on rows it never saw: intervals, what one gets without learning, and what it goes by. */
import assert from "node:assert/strict";
import { evaluate } from "../src/worker/evaluation.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

const forest = { id: "random-forest", params: { nEstimators: 100, oobScore: true } };
const prepared = await prepareTraining({ dataset: { id: "wine" }, model: forest });
const output = new MemoryOutput();
for await (const event of performTraining(prepared, output)) {
  if (event.type === "fitting") console.log(`${event.done} of ${event.total} ${event.unit}`);
  if (event.type !== "fitted") continue;
  const { report } = await evaluate(prepared, { learnt: event.tensors }, { bestEpoch: 0 });
  const [low, high] = report.intervals!.accuracy!;
  console.log(
    `accuracy ${report.metrics.accuracy!.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}), out of bag ${event.metrics.oob_accuracy}`,
  );
  console.log(`without learning ${report.baseline!.metrics.accuracy!.toFixed(3)}`);
  for (const { feature, mean, impurity } of report.importance.slice(0, 3))
    console.log(`${feature}: ${mean.toFixed(3)} less accurate when shuffled, ${(100 * impurity!).toFixed(0)} % of the impurity`);
  assert.ok(low > report.baseline!.metrics.accuracy!);
}
console.log(`model.onnx: ${output.files.get("model.onnx")!.length} bytes`);
