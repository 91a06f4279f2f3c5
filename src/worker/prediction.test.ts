/** Predictions agree with the evaluation, what a model cannot take is refused, and the predictor process answers the same. */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { loaded } from "../../test/datasets.ts";
import { mnistExcerpt } from "../../test/mnist.ts";
import type { RunRequest } from "../catalog/run-settings.ts";
import type { PredictionView } from "../shared/api/schemas.ts";
import { inProgram } from "../shared/code.ts";
import type { Split } from "../shared/dataset.ts";
import type { EvaluationReport } from "../shared/evaluation.ts";
import type { ModelFacts, PredictionRequest, PredictorAnswer, PredictorRequest, Sample } from "../shared/predictor.ts";
import { evaluate } from "./evaluation.ts";
import { MemoryOutput } from "./output.ts";
import { Model } from "./prediction.ts";
import { performTraining, prepareTraining } from "./training.ts";

interface Trained {
  readonly facts: ModelFacts;
  readonly bytes: Uint8Array;
  readonly evaluation: EvaluationReport;
}
async function trained(request: RunRequest): Promise<Trained> {
  const prepared = await prepareTraining(request);
  const output = new MemoryOutput();
  for await (const event of performTraining(prepared, output)) {
    if (event.type !== "done") continue;
    const { report: evaluation } = await evaluate(prepared, { weights: event.best }, event);
    return { facts: prepared.facts.dataset, bytes: output.files.get("model.onnx")!, evaluation };
  }
  throw new Error("not finished");
}
async function predict({ facts, bytes }: Trained, sample: Sample): Promise<PredictionView[]> {
  const model = await Model.open(bytes);
  try {
    return await model.predict(facts, sample);
  } finally {
    await model.close();
  }
}
const rowsOf = ({ inputs, count }: Split, columns: readonly string[]) =>
  Array.from({ length: count }, (_, r) => Object.fromEntries(columns.map((name, c) => [name, inputs[r * columns.length + c]!])));
const pngOf = (pixels: Uint8Array | Float32Array) =>
  sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
    .png()
    .toBuffer();
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
const accuracyOf = (predictions: readonly PredictionView[], truth: readonly string[]) =>
  predictions.filter(({ label }, i) => label === truth[i]).length / truth.length;

const flowers = await trained({ dataset: { id: "iris" }, training: { epochs: 20, batchSize: 8 } });
const setosa = { petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 };
const digits = await trained({
  dataset: { id: "mnist" },
  path: "test/data/mnist",
  model: { id: "softmax-regression" },
  training: { epochs: 5, batchSize: 20 },
});

describe("a model of a table", async () => {
  const { test: held, labels, columns } = await loaded("iris", { preprocessing: [] });

  test("takes rows of raw values, in any order of columns, and is as good as its evaluation says", async () => {
    const rows = rowsOf(held, columns.toReversed()).map((row, i) => ({ ...row, ...rowsOf(held, columns)[i], remark: 1 }));
    const predictions = await predict(flowers, { rows });
    const accuracy = accuracyOf(
      predictions,
      Array.from(held.targets, (t) => labels[t]!),
    );
    expect(flowers.evaluation).toMatchObject({ accuracy, samples: 30 });
    for (const { outputs, label } of predictions) {
      const shares = Object.entries(outputs!);
      expect(shares.map(([name]) => name)).toEqual(labels);
      expect(shares.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(label).toBe(shares.toSorted(([, a], [, b]) => b - a)[0]![0]);
    }
  });

  test.each<[string, Sample, unknown[]]>([
    [
      "a picture",
      { picture: new Uint8Array(3) },
      ["BAD_USAGE", "the model takes rows of a table, but got a picture", `Send rows with ${columns.join(", ")}.`],
    ],
    [
      "a row that lacks a column",
      { rows: [setosa, { ...setosa, petal_width: undefined as never }] },
      ["BAD_PARAMETER", "row 2: petal_width must be a finite number, but is missing", "Give petal_width as a finite number."],
    ],
    [
      "a number that no float32 holds",
      { rows: [{ ...setosa, petal_width: 1e39 }] },
      ["BAD_PARAMETER", "row 1: petal_width must be a finite number, but is 1e+39", "Give petal_width as a finite number."],
    ],
  ])("refuses %s", async (_, sample, refused) => {
    expect(await refusal(predict(flowers, sample))).toEqual(refused);
  });
});

test("a model of values answers in the unit of the target, as its evaluation does", async () => {
  const path = "test/data/height-weight.csv";
  const weights = await trained({ dataset: { id: "table" }, path, training: { epochs: 20 } });
  const { test: held, columns } = await loaded("table", { path, preprocessing: [] });
  const predictions = await predict(weights, { rows: rowsOf(held, columns) });
  const error = predictions.reduce((sum, { value }, i) => sum + Math.abs(value! - held.targets[i]!), 0) / held.count;
  expect(weights.evaluation).toMatchObject({ mae: expect.closeTo(error, 4) });
  expect(predictions.every(({ value, label, outputs }) => value! > 40 && value! < 150 && !label && !outputs)).toBe(true);
});

describe("a model of pictures", async () => {
  const { test: held } = await mnistExcerpt();

  test("takes the content of PNG files, and is as good as its evaluation says", async () => {
    const model = await Model.open(digits.bytes);
    const predictions: PredictionView[] = [];
    for (let i = 0; i < held.count; i++)
      predictions.push(...(await model.predict(digits.facts, { picture: await pngOf(held.inputs.subarray(784 * i, 784 * (i + 1))) })));
    await model.close();
    const accuracy = accuracyOf(predictions, Array.from(held.targets, String));
    expect(accuracy).toBeGreaterThan(0.5);
    expect(digits.evaluation).toMatchObject({ accuracy, samples: 200 });
  });

  test("refuses what is no picture, and rows", async () => {
    expect(await refusal(predict(digits, { picture: readFileSync("data/iris.csv") }))).toMatchObject([
      "BAD_FILE",
      expect.stringMatching(/^the picture must be a picture, but cannot be read as one/),
      expect.stringContaining("Save it as JPEG, PNG"),
    ]);
    expect(await refusal(predict(digits, { rows: [setosa] }))).toEqual(["BAD_USAGE", "the model takes a picture, but got rows", "Send a picture."]);
  });
});

test("what is no model any more is refused", async () => {
  expect(await refusal(Model.open(flowers.bytes.subarray(0, 100)))).toEqual([
    "BAD_FILE",
    expect.stringMatching(/^model\.onnx must be the model of a run, but it cannot be opened \(.+\)$/),
    "Train the model again.",
  ]);
});

describe("the predictor process", () => {
  const child: ChildProcess = fork(inProgram("worker/predictor.js"), { serialization: "advanced" });
  afterAll(() => child.kill("SIGKILL"));
  let asked = 0;
  function ask(model: PredictionRequest["model"], trained: Trained, sample: Sample): Promise<PredictorAnswer> {
    const id = ++asked;
    const answered = new Promise<PredictorAnswer>((done) => {
      child.on("message", function take(answer: PredictorAnswer) {
        if (answer.id !== id) return;
        child.off("message", take);
        done(answer);
      });
    });
    const request: PredictorRequest = { id, model, facts: trained.facts, sample };
    child.send(request);
    return answered;
  }
  const sent = (key: string, { bytes }: Trained) => ({ key, bytes });

  test("answers as the model does, and knows a model again by its key", async () => {
    const expected = await predict(flowers, { rows: [setosa] });
    expect(await ask("flowers", flowers, { rows: [setosa] })).toEqual({ id: asked, unknownModel: true });
    expect(await ask(sent("flowers", flowers), flowers, { rows: [setosa] })).toEqual({ id: asked, predictions: expected });
    expect(await ask("flowers", flowers, { rows: [setosa, setosa] })).toEqual({ id: asked, predictions: [...expected, ...expected] });
  });

  test("takes pictures, and answers many questions at once each with its own", async () => {
    const { test: held } = await mnistExcerpt();
    const pictures = await Promise.all([0, 1, 2, 3].map((i) => pngOf(held.inputs.subarray(784 * i, 784 * (i + 1)))));
    const answers = await Promise.all(pictures.map((picture) => ask(sent("digits", digits), digits, { picture })));
    const expected = await Promise.all(pictures.map((picture) => predict(digits, { picture })));
    expect(answers.map((answer) => "predictions" in answer && answer.predictions)).toEqual(expected);
  });

  test("keeps the four models that were used last", async () => {
    for (const key of ["a", "b", "c", "d"]) await ask(sent(key, flowers), flowers, { rows: [setosa] });
    expect(await ask("a", flowers, { rows: [setosa] })).toHaveProperty("predictions");
    await ask(sent("e", flowers), flowers, { rows: [setosa] });
    expect(await ask("b", flowers, { rows: [setosa] })).toHaveProperty("unknownModel");
    expect(await ask("a", flowers, { rows: [setosa] })).toHaveProperty("predictions");
  });

  test("tells what it refuses as an error, and goes on", async () => {
    expect(await ask(sent("broken", { ...flowers, bytes: new Uint8Array(10) }), flowers, { rows: [setosa] })).toMatchObject({
      error: { code: "BAD_FILE", status: 422, message: expect.stringContaining("model.onnx"), fix: "Train the model again." },
    });
    expect(await ask("a", flowers, { rows: [{}] })).toMatchObject({ error: { code: "BAD_PARAMETER" } });
    expect(await ask("a", flowers, { rows: [setosa] })).toHaveProperty("predictions");
  });

  test("ends when its channel closes", async () => {
    const ended = new Promise((done) => child.on("exit", (code, signal) => done([code, signal])));
    child.disconnect();
    expect(await ended).toEqual([0, null]);
  });
});
