/** The exported model.onnx gives in Python's onnxruntime what it gives here, from raw values and without anything of Trainyard. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { catalog } from "../src/catalog/index.ts";
import type { RunRequest } from "../src/catalog/run-settings.ts";
import type { PredictionView } from "../src/shared/api/schemas.ts";
import type { RawColumn, Split } from "../src/shared/dataset.ts";
import type { Sample } from "../src/shared/predictor.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { Model } from "../src/worker/prediction.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";
import { loaded } from "./datasets.ts";
import { mnistExcerpt } from "./mnist.ts";
import { pictureSnapshot, tableSnapshot } from "./snapshots.ts";

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
/** @param inputs raw values of the one input, or rows by the name of the input */
function inPython(model: Uint8Array, { inputs }: Pick<Split, "inputs"> | { readonly inputs: Readonly<Record<string, unknown>> }): Answer {
  const isBlock = ArrayBuffer.isView(inputs);
  const [modelFile, inputsFile] = [join(root, "model.onnx"), join(root, isBlock ? "inputs.bin" : "inputs.json")];
  writeFileSync(modelFile, model);
  writeFileSync(inputsFile, isBlock ? inputs : JSON.stringify(inputs));
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
    });
    expect(JSON.parse(answer.metadata["trainyard.preprocessing"]!)).toMatchObject([{ step: "normalise", fitted: { mean: [0], deviation: [255] } }]);
  });

  test("gives the same classes and probabilities for a model of a table", async () => {
    const model = await trained({ dataset: { id: "iris" }, training: { epochs: 15, batchSize: 8 } });
    const { train, labels, columns } = await loaded("iris");
    expectSame(inPython(model.bytes, train), await model.predict([rowsOf(columns, train)]), labels);
  });

  test.each(catalog.learners.map(({ id, tasks }) => [id, tasks[0]!] as const))(
    "gives the same for the classical model %s, with its preprocessing in front",
    async (id, task) => {
      const quick: Readonly<Record<string, object>> = {
        "random-forest": { nEstimators: 20 },
        "extra-trees": { nEstimators: 20 },
        svm: { probability: true },
        "gradient-boosting": { maxIter: 15 },
      };
      const params = { ...quick[id] };
      const preprocessing = [{ step: id === "naive-bayes" ? "min-max" : "standardise" }];
      const model = await trained({ dataset: { id: "iris" }, model: { id, params }, preprocessing });
      const { train, labels, columns } = await loaded("iris", { preprocessing: [] });
      expect(task).toBe("classification");
      expectSame(inPython(model.bytes, train), await model.predict([rowsOf(columns, train)]), labels);
    },
  );

  test("gives the same values for a regression, in the unit of the target", async () => {
    const path = "test/data/height-weight.csv";
    const model = await trained({ dataset: { id: "table" }, path, training: { epochs: 15, batchSize: 8 } });
    const { train, columns } = await loaded("table", { path });
    const answer = inPython(model.bytes, train);
    const ours = await model.predict([rowsOf(columns, train)]);
    expect(answer.label).toBeUndefined();
    for (const [i, [value]] of answer.output.entries()) expect(Math.abs(ours[i]!.value! - value!)).toBeLessThan(1e-5 * value!);
  });

  test("gives the same for a table of numbers, categories, dates and texts, missing and unknown ones among them", async () => {
    const n = 80;
    const pick = <T>(values: readonly T[], i: number) => values[(i * 7 + (i % 5)) % values.length]!;
    const rows = {
      age: Array.from({ length: n }, (_, i) => (i % 9 ? (i * 13) % 70 : null)),
      income: Array.from({ length: n }, (_, i) => ((i * 37) % 100) / 3),
      city: Array.from({ length: n }, (_, i) => pick(["Oslo", "Köln", "Rome", null], i)),
      plan: Array.from({ length: n }, (_, i) => pick(["basic", "pro", "max"], i + 2)),
      code: Array.from({ length: n }, (_, i) => `c${i % 23}`),
      since: Array.from({ length: n }, (_, i) => (i % 11 ? i * 40_000_000 - 1_000_000_000 : null)),
      note: Array.from({ length: n }, (_, i) => pick(["very good", "Very bad, very slow", "", "Öl und öl"], i)),
    };
    const target = Array.from({ length: n }, (_, i) => i % 3);
    const part = (from: number, to: number) => ({
      ...(Object.fromEntries(Object.entries(rows).map(([name, values]) => [name, values.slice(from, to)])) as typeof rows),
      target: target.slice(from, to),
    });
    const types = { age: "number", income: "number", city: "category", plan: "category", code: "category", since: "date", note: "text" } as const;
    const path = await tableSnapshot(types, { train: part(0, 60), validation: part(60, 70), test: part(70, n) }, { labels: ["a", "b", "c"] });
    const preprocessing = [
      { step: "date-parts", params: { parts: ["year", "month", "hour"] } },
      { step: "impute", params: { columns: ["age", "since year", "since month", "since hour"], strategy: "mean", flag: true } },
      { step: "clip", params: { columns: ["income"], by: "quantile", min: 0.05, max: 0.95 } },
      { step: "bin", params: { columns: ["since hour"], bins: 3 } },
      { step: "standardise", params: { columns: ["age", "income", "since year"] } },
      { step: "ordinal", params: { columns: ["plan"], order: ["basic", "pro", "max"] } },
      { step: "hashing", params: { columns: ["code"], buckets: 8 } },
      { step: "one-hot" },
      { step: "bag-of-words" },
      { step: "drop", params: { columns: ["income"] } },
    ];
    const model = await trained({ dataset: { id: "table" }, path, preprocessing, training: { epochs: 30, batchSize: 16 } });
    const cities = [...rows.city.slice(70), "Łódź", null];
    const raw = {
      input: [...rows.age.slice(70), 33, null].map((age) => [age]),
      categories: cities.map((city, i) => [city ?? "", i === 3 ? "" : pick(["basic", "pro", "max"], i), `new ${i}`]),
      dates: [...rows.since.slice(70), -62_000_000_000, 4_000_000_000].map((seconds) => [seconds]),
      texts: [...rows.note.slice(70), "ÖL bad", ""].map((text) => [text]),
    };
    raw.categories[3]![1] = "unheard of";
    const answer = inPython(model.bytes, { inputs: raw });
    execFileSync(python!, ["test/python/check_onnx.py", join(root, "model.onnx")], { encoding: "utf8" });
    const sample = raw.input.map(([age], i) => ({
      age: age!,
      city: cities[i]!,
      plan: raw.categories[i]![1]!,
      code: raw.categories[i]![2]!,
      since: raw.dates[i]![0] === null ? null : new Date(raw.dates[i]![0]! * 1000).toISOString(),
      note: raw.texts[i]![0]!,
    }));
    expectSame(answer, await model.predict([{ rows: sample }]), ["a", "b", "c"]);
    expect(new Set(answer.output.map((row) => row[0])).size).toBe(sample.length);
    const steps = JSON.parse(answer.metadata["trainyard.preprocessing"]!);
    expect(steps[4]).toMatchObject({ step: "standardise", computation: "(x - mean) / deviation", fitted: { age: { mean: expect.any(Number) } } });
    expect(JSON.parse(answer.metadata["trainyard.inputs"]!).map(({ name, required }: RawColumn) => [name, required])).toEqual([
      ["age", false],
      ["city", false],
      ["plan", true],
      ["code", false],
      ["since", false],
      ["note", false],
    ]);
    rmSync(path, { recursive: true });
  });

  test("gives the same for pictures that are made smaller, grey and negative", async () => {
    const pictures = Uint8Array.from({ length: 40 * 3 * 12 * 14 }, (_, i) => (i * 31 + (i >> 5) * 7) % 256);
    const some = (from: number, to: number) => ({
      pictures: pictures.slice(from * 504, to * 504),
      target: Array.from({ length: to - from }, (_, i) => i % 2),
    });
    const path = await pictureSnapshot([3, 12, 14], { train: some(0, 30), test: some(30, 40) });
    const preprocessing = [
      { step: "centre-crop", params: { height: 10, width: 12 } },
      { step: "resize", params: { height: 6, width: 5 } },
      { step: "grayscale" },
      { step: "invert" },
      { step: "normalise" },
    ];
    const model = await trained({ dataset: { id: "mnist" }, path, model: { id: "mlp" }, preprocessing, training: { epochs: 5, batchSize: 8 } });
    const held = some(30, 40).pictures;
    const files = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const planar = held.subarray(i * 504, (i + 1) * 504);
        const pixels = Uint8Array.from({ length: 504 }, (_, at) => planar[(at % 3) * 168 + Math.floor(at / 3)]!);
        return {
          picture: await sharp(pixels, { raw: { width: 14, height: 12, channels: 3 } })
            .png()
            .toBuffer(),
        };
      }),
    );
    expectSame(inPython(model.bytes, { inputs: held }), await model.predict(files), ["no", "yes"]);
    rmSync(path, { recursive: true });
  });
});
