/** Predictions from files agree with the evaluation, and what a model cannot take is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import type { RunRequest } from "../catalog/run-settings.ts";
import { loadCsv, loadIris, loadMnist } from "../data/index.ts";
import { RunFolder } from "../storage/run-folder.ts";
import { evaluateRun } from "./evaluation.ts";
import { type Prediction, predict } from "./prediction.ts";
import { performTraining, prepareTraining } from "./training.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true }));

async function trained(name: string, request: RunRequest): Promise<RunFolder> {
  const folder = new RunFolder(join(root, name));
  const prepared = await prepareTraining(request, name);
  await folder.create();
  for await (const _ of performTraining(prepared, folder));
  return folder;
}
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
const accuracyOf = (predictions: readonly Prediction[], truth: readonly string[]) =>
  predictions.filter(({ label }, i) => label === truth[i]).length / truth.length;

describe("a model of a table", async () => {
  const folder = await trained("flowers", { dataset: { id: "iris" }, training: { epochs: 20, batchSize: 8 } });
  const { test: held, labels, columns } = await loadIris();

  test("takes rows of raw values, in any order of columns, and is as good as its evaluation says", async () => {
    const cells = (row: number) => Array.from(held.inputs.subarray(4 * row, 4 * row + 4)).reverse();
    const rows = Array.from({ length: held.count }, (_, row) => ["note", ...cells(row)].join(";"));
    const path = write("held.csv", [["remark", ...columns.toReversed()].join(";"), ...rows].join("\n"));
    const predictions = await predict(folder, [path]);
    const evaluation = await evaluateRun(folder);
    expect(evaluation).toMatchObject({
      accuracy: accuracyOf(
        predictions,
        Array.from(held.targets, (t) => labels[t]!),
      ),
      samples: 30,
    });
    expect(predictions[29]!.source).toBe(`${path}:30`);
    for (const { outputs, label } of predictions) {
      const shares = Object.entries(outputs!);
      expect(shares.map(([name]) => name)).toEqual(labels);
      expect(shares.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(label).toBe(shares.toSorted(([, a], [, b]) => b - a)[0]![0]);
    }
  });

  test.each<[string, () => string, RegExp]>([
    [
      "a picture",
      () => write("a.png", readFileSync("test/data/mnist/t10k-images-idx3-ubyte.gz")),
      /a\.png must be a CSV file in UTF-8, but holds bytes that are no text$/,
    ],
    [
      "a table that lacks columns",
      () => write("few.csv", "sepal_length,sepal_width\n1,2\n"),
      /few\.csv must be a CSV file with the columns .+, but lacks /,
    ],
    ["text where numbers are due", () => write("text.csv", `${columns}\n1,2,x,4\n`), /text\.csv, row 2, column ".+" must be a number, but is "x"$/],
    ["a file that is not there", () => join(root, "none.csv"), /^CSV file not found: .+none\.csv$/],
  ])("refuses %s", async (_, path, message) => {
    expect(await refusal(predict(folder, [path()]))).toMatchObject([
      expect.stringMatching(/^(BAD_FILE|FILE_NOT_FOUND)$/),
      expect.stringMatching(message),
      expect.any(String),
    ]);
  });

  test("that is no model any more is refused with the way to get it back", async () => {
    const model = readFileSync(folder.file("model.onnx"));
    writeFileSync(folder.file("model.onnx"), model.subarray(0, 100));
    expect(await refusal(predict(folder, ["data/iris.csv"]))).toMatchObject([
      "BAD_FILE",
      expect.stringMatching(/model\.onnx must be the model of the run, but it cannot be opened \(.+\)$/),
      `Write it again: npx trainyard train --resume ${folder.path}`,
    ]);
    rmSync(folder.file("model.onnx"));
    expect(await refusal(predict(folder, ["data/iris.csv"]))).toEqual([
      "FILE_NOT_FOUND",
      `model.onnx not found: ${folder.file("model.onnx")}`,
      `Finish the training first: npx trainyard train --resume ${folder.path}`,
    ]);
    writeFileSync(folder.file("model.onnx"), model);
  });
});

test("a model of values answers in the unit of the target, as its evaluation does", async () => {
  const path = "test/data/height-weight.csv";
  const folder = await trained("weights", { dataset: { id: "csv" }, path, training: { epochs: 20 } });
  const { test: held } = await loadCsv({ path });
  const predictions = await predict(folder, [write("heights.csv", ["height", ...held.inputs].join("\n"))]);
  const error = predictions.reduce((sum, { value }, i) => sum + Math.abs(value! - held.targets[i]!), 0) / held.count;
  expect(await evaluateRun(folder)).toMatchObject({ mae: expect.closeTo(error, 4) });
  expect(predictions.every(({ value, label, outputs }) => value! > 40 && value! < 150 && !label && !outputs)).toBe(true);
});

describe("a model of pictures", async () => {
  const request = { dataset: { id: "mnist" }, path: "test/data/mnist", model: { id: "softmax-regression" }, training: { epochs: 5, batchSize: 20 } };
  const folder = await trained("digits", request);
  const { test: held } = await loadMnist({ path: "test/data/mnist" });

  test("takes PNG files, and is as good as its evaluation says", async () => {
    const paths = await Promise.all(
      Array.from({ length: held.count }, async (_, i) => {
        const path = join(root, `digit-${i}.png`);
        await sharp(held.inputs.subarray(784 * i, 784 * (i + 1)), { raw: { width: 28, height: 28, channels: 1 } })
          .png()
          .toFile(path);
        return path;
      }),
    );
    const predictions = await predict(folder, paths);
    expect(predictions.map(({ source }) => source)).toEqual(paths);
    const accuracy = accuracyOf(predictions, Array.from(held.targets, String));
    expect(accuracy).toBeGreaterThan(0.5);
    expect(await evaluateRun(folder)).toMatchObject({ accuracy, samples: 200 });
  });

  test("refuses a table and a missing picture, naming them", async () => {
    expect(await refusal(predict(folder, ["data/iris.csv"]))).toMatchObject([
      "BAD_FILE",
      expect.stringMatching(/^data\/iris\.csv must be a picture, but cannot be read as one/),
      expect.stringContaining("Save it as JPEG, PNG"),
    ]);
    expect(await refusal(predict(folder, ["nothing.png"]))).toEqual(["FILE_NOT_FOUND", "picture not found: nothing.png", "Check the path."]);
  });
});
