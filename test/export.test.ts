/** The exported model.onnx gives in Python's onnxruntime what it gives here, from raw values and without anything of Trainyard. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import type { RunRequest } from "../src/catalog/run-settings.ts";
import { loadCsv, loadIris } from "../src/data/index.ts";
import type { PredictionView } from "../src/shared/api/schemas.ts";
import type { Split } from "../src/shared/dataset.ts";
import type { Sample } from "../src/shared/predictor.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { Model } from "../src/worker/prediction.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";
import { mnistExcerpt } from "./mnist.ts";

const python = process.env.TRAINYARD_PYTHON;
const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true }));

/** The model of a training, and what predicts with it here. */
async function trained(request: RunRequest) {
  const prepared = await prepareTraining(request);
  const output = new MemoryOutput();
  for await (const _ of performTraining(prepared, output));
  const bytes = output.files.get("model.onnx")!;
  const predict = async (samples: readonly Sample[]): Promise<PredictionView[]> => {
    const model = await Model.open(bytes);
    const predictions: PredictionView[] = [];
    for (const sample of samples) predictions.push(...(await model.predict(prepared.facts.dataset, sample)));
    await model.close();
    return predictions;
  };
  return { bytes, predict };
}

interface Answer {
  readonly metadata: Readonly<Record<string, string>>;
  readonly output: number[][];
  readonly label?: number[];
}
function inPython(model: Uint8Array, { inputs }: Split): Answer {
  const [modelFile, inputsFile] = [join(root, "model.onnx"), join(root, "inputs.bin")];
  writeFileSync(modelFile, model);
  writeFileSync(inputsFile, inputs);
  return JSON.parse(execFileSync(python!, ["test/python/predict_onnx.py", modelFile, inputsFile], { encoding: "utf8", maxBuffer: 1 << 26 }));
}

const rowsOf = (columns: readonly string[], { inputs, count }: Split): Sample => ({
  rows: Array.from({ length: count }, (_, r) => Object.fromEntries(columns.map((name, c) => [name, inputs[r * columns.length + c]!]))),
});

/** Labels equal, and every output within 1e-5. */
function expectSame({ output, label }: Answer, ours: readonly PredictionView[], labels: readonly string[]): void {
  expect(ours.map((p) => p.label)).toEqual(label!.map((c) => labels[c]));
  for (const [i, row] of output.entries())
    for (const [c, value] of row.entries()) expect(Math.abs(ours[i]!.outputs![labels[c]!]! - value)).toBeLessThan(1e-5);
}

describe.skipIf(!python)("Python's onnxruntime (TRAINYARD_PYTHON names a Python that has it)", () => {
  test("gives the same classes and probabilities for a model of pictures, augmentation and dropout left out", async () => {
    const layers = [
      { id: "shift", layer: "RandomShift" },
      { id: "conv", layer: "Conv2D", params: { filters: 6, padding: "same" } },
      { id: "norm", layer: "BatchNorm" },
      { id: "relu", layer: "Relu" },
      { id: "pool", layer: "MaxPool" },
      { id: "flatten", layer: "Flatten" },
      { id: "drop", layer: "Dropout" },
      { id: "output", layer: "Dense", params: { units: 10 } },
    ];
    const path = "test/data/mnist";
    const model = await trained({ dataset: { id: "mnist" }, path, network: { layers }, training: { epochs: 3, batchSize: 20 } });
    const { test: held, labels, digest } = await mnistExcerpt();
    const pictures = await Promise.all(
      Array.from({ length: held.count }, async (_, i) => {
        const pixels = held.inputs.subarray(784 * i, 784 * (i + 1));
        return {
          picture: await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
            .png()
            .toBuffer(),
        };
      }),
    );
    const answer = inPython(model.bytes, held);
    expectSame(answer, await model.predict(pictures), labels);
    expect(new Set(answer.label).size).toBeGreaterThan(5);
    expect(answer.metadata).toMatchObject({
      "trainyard.task": "classification",
      "trainyard.labels": JSON.stringify(labels),
      "trainyard.dataset_digest": digest,
      "trainyard.preprocessing": '[{"step":"standardise","mean":[0],"deviation":[255]}]',
    });
  });

  test("gives the same classes and probabilities for a model of a table", async () => {
    const model = await trained({ dataset: { id: "iris" }, training: { epochs: 15, batchSize: 8 } });
    const { train, labels, columns } = await loadIris();
    expectSame(inPython(model.bytes, train), await model.predict([rowsOf(columns, train)]), labels);
  });

  test("gives the same values for a regression, in the unit of the target", async () => {
    const path = "test/data/height-weight.csv";
    const model = await trained({ dataset: { id: "csv" }, path, training: { epochs: 15, batchSize: 8 } });
    const { train, columns } = await loadCsv({ path });
    const answer = inPython(model.bytes, train);
    const ours = await model.predict([rowsOf(columns, train)]);
    expect(answer.label).toBeUndefined();
    for (const [i, [value]] of answer.output.entries()) expect(Math.abs(ours[i]!.value! - value!)).toBeLessThan(1e-5 * value!);
  });
});
