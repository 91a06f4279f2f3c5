/** The exported model.onnx gives in Python's onnxruntime what it gives here, from raw values and without anything of Trainyard. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import type { RunRequest } from "../src/catalog/run-settings.ts";
import { loadCsv, loadIris, loadMnist } from "../src/data/index.ts";
import type { Split } from "../src/shared/dataset.ts";
import { RunFolder } from "../src/storage/run-folder.ts";
import { type Prediction, predict } from "../src/worker/prediction.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";

const python = process.env.TRAINYARD_PYTHON;
const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true }));

async function trained(name: string, request: RunRequest): Promise<RunFolder> {
  const folder = new RunFolder(join(root, name));
  const prepared = await prepareTraining(request, name);
  await folder.create();
  for await (const _ of performTraining(prepared, folder));
  return folder;
}

interface Answer {
  readonly metadata: Readonly<Record<string, string>>;
  readonly output: number[][];
  readonly label?: number[];
}
function inPython(folder: RunFolder, { inputs }: Split): Answer {
  const file = folder.file("inputs.bin");
  writeFileSync(file, inputs);
  return JSON.parse(
    execFileSync(python!, ["test/python/predict_onnx.py", folder.file("model.onnx"), file], { encoding: "utf8", maxBuffer: 1 << 26 }),
  );
}

function table(name: string, columns: readonly string[], { inputs, count }: Split): string {
  const rows = Array.from({ length: count }, (_, i) => inputs.subarray(i * columns.length, (i + 1) * columns.length).join(","));
  writeFileSync(join(root, name), [columns.join(","), ...rows].join("\n"));
  return join(root, name);
}

/** Labels equal, and every output within 1e-5. */
function expectSame({ output, label }: Answer, ours: readonly Prediction[], labels: readonly string[]): void {
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
    const folder = await trained("digits", { dataset: { id: "mnist" }, path, network: { layers }, training: { epochs: 3, batchSize: 20 } });
    const { test: held, labels, digest } = await loadMnist({ path });
    const pictures = await Promise.all(
      Array.from({ length: held.count }, async (_, i) => {
        const file = join(root, `${i}.png`);
        await sharp(held.inputs.subarray(784 * i, 784 * (i + 1)), { raw: { width: 28, height: 28, channels: 1 } })
          .png()
          .toFile(file);
        return file;
      }),
    );
    const answer = inPython(folder, held);
    expectSame(answer, await predict(folder, pictures), labels);
    expect(new Set(answer.label).size).toBeGreaterThan(5);
    expect(answer.metadata).toMatchObject({
      "trainyard.task": "classification",
      "trainyard.labels": JSON.stringify(labels),
      "trainyard.dataset_digest": digest,
      "trainyard.preprocessing": '[{"step":"standardise","mean":[0],"deviation":[255]}]',
    });
  });

  test("gives the same classes and probabilities for a model of a table", async () => {
    const folder = await trained("flowers", { dataset: { id: "iris" }, training: { epochs: 15, batchSize: 8 } });
    const { train, labels, columns } = await loadIris();
    expectSame(inPython(folder, train), await predict(folder, [table("iris.csv", columns, train)]), labels);
  });

  test("gives the same values for a regression, in the unit of the target", async () => {
    const path = "test/data/height-weight.csv";
    const folder = await trained("weights", { dataset: { id: "csv" }, path, training: { epochs: 15, batchSize: 8 } });
    const { train, columns } = await loadCsv({ path });
    const answer = inPython(folder, train);
    const ours = await predict(folder, [table("heights.csv", columns, train)]);
    expect(answer.label).toBeUndefined();
    for (const [i, [value]] of answer.output.entries()) expect(Math.abs(ours[i]!.value! - value!)).toBeLessThan(1e-5 * value!);
  });
});
