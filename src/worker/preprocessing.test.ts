/** A training of a mixed table from its snapshot: it resumes and evaluates to the bit, and its model takes rows as people have them. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { tableSnapshot } from "../../test/snapshots.ts";
import type { RunRequest } from "../catalog/run-settings.ts";
import { type RunFacts, runFacts } from "../shared/api/schemas.ts";
import type { Cell } from "../shared/predictor.ts";
import { evaluate } from "./evaluation.ts";
import { MemoryOutput } from "./output.ts";
import { Model } from "./prediction.ts";
import { type PreparedTraining, performTraining, prepareTraining, reassemble } from "./training.ts";

const n = 90;
const rows = {
  age: Array.from({ length: n }, (_, i) => (i % 8 ? (i * 17) % 60 : null)),
  income: Array.from({ length: n }, (_, i) => (i * 29) % 50),
  city: Array.from({ length: n }, (_, i) => ["Oslo", "Rome", "Köln", null][(i * 3) % 4]!),
  since: Array.from({ length: n }, (_, i) => i * 30_000_000),
  note: Array.from({ length: n }, (_, i) => ["very good", "very bad", "so so"][i % 3]!),
};
const part = (from: number, to: number) => ({
  ...(Object.fromEntries(Object.entries(rows).map(([name, values]) => [name, values.slice(from, to)])) as typeof rows),
  target: Array.from({ length: to - from }, (_, i) => Number((from + i) % 3 === 0)),
});
const types = { age: "number", income: "number", city: "category", since: "date", note: "text" } as const;
const path = await tableSnapshot(types, { train: part(0, 70), test: part(70, n) });
afterAll(() => rmSync(path, { recursive: true }));

const request: RunRequest = {
  dataset: { id: "table" },
  path,
  model: { id: "mlp", params: { hidden: [8] } },
  training: { epochs: 6, batchSize: 10, validation: 0.2 },
};

async function finish(prepared: PreparedTraining, output: MemoryOutput, { until, resume = false }: { until?: number; resume?: boolean } = {}) {
  const stop = new AbortController();
  const going = resume ? { last: output.files.get("last.safetensors")!, best: output.files.get("best.safetensors") } : undefined;
  let evaluation: unknown;
  for await (const event of performTraining(prepared, output, { signal: stop.signal, resume: going })) {
    if (event.type === "epoch" && event.epoch === until) stop.abort();
    if (event.type === "done") evaluation = (await evaluate(prepared, { weights: event.best }, event)).report;
  }
  return evaluation;
}
/** As they come back from the server. */
const kept = (facts: RunFacts): RunFacts => runFacts.parse(JSON.parse(JSON.stringify(facts)));

describe("a training of a mixed table", async () => {
  const whole = new MemoryOutput();
  const prepared = await prepareTraining(request);
  const evaluation = await finish(prepared, whole);

  test("takes the dataset's steps, and its facts say what they learnt", () => {
    const { dataset } = kept(prepared.facts);
    expect(prepared.settings.preprocessing.map(({ step }) => step)).toEqual(["date-parts", "impute", "standardise", "one-hot", "bag-of-words"]);
    expect(dataset.preprocessing![1]!.fitted).toMatchObject({ city: { value: expect.any(String) }, age: { value: expect.any(Number) } });
    expect(dataset.sampleShape).toEqual([dataset.features!.length]);
    expect(dataset.samples).toEqual({ train: 56, validation: 14, test: 20 });
  });

  test("gives the same bits again, and when it resumes from a checkpoint, its facts and the data", async () => {
    const again = new MemoryOutput();
    expect(await finish(await prepareTraining(request), again)).toEqual(evaluation);
    const half = new MemoryOutput();
    const first = await prepareTraining(request);
    await finish(first, half, { until: 3 });
    expect(half.files.has("model.onnx")).toBe(false);
    const resumed = await reassemble(JSON.parse(JSON.stringify(first.settings)), kept(first.facts));
    expect(await finish(resumed, half, { resume: true })).toEqual(evaluation);
    for (const output of [again, half]) expect(Buffer.compare(output.files.get("model.onnx")!, whole.files.get("model.onnx")!)).toBe(0);
  });

  test("is refused with the steps' faults, each at its place", async () => {
    const steps = (...preprocessing: NonNullable<RunRequest["preprocessing"]>) =>
      prepareTraining({ ...request, preprocessing }).then(
        () => "accepted",
        ({ code, message }) => `${code}: ${message}`,
      );
    expect(await steps({ step: "one-hot" }, { step: "drop", params: { columns: ["note", "since"] } })).toBe(
      'BAD_PREPROCESSING: column "age": the value is missing in row 1 of the training split, and a network cannot read that',
    );
    expect(await steps({ step: "resize" })).toBe(
      "BAD_PREPROCESSING: preprocessing step 1 (resize): it is for pictures, but the samples are rows of a table",
    );
  });

  const predict = async (...given: Readonly<Record<string, Cell>>[]) => {
    const model = await Model.open(whole.files.get("model.onnx")!);
    try {
      return await model.predict(kept(prepared.facts).dataset, { rows: given });
    } catch (error) {
      return [(error as { code: string }).code, (error as Error).message];
    } finally {
      await model.close();
    }
  };
  const row = { age: 30, income: 20, city: "Rome", since: "1990-05-17", note: "very good" };

  test("predicts as good as its evaluation says, from rows as they were in the file", async () => {
    const given = Array.from({ length: 20 }, (_, i) =>
      Object.fromEntries(
        Object.entries(rows).map(([name, values]) => [
          name,
          name === "since" ? new Date(Number(values[70 + i]) * 1000).toISOString() : values[70 + i]!,
        ]),
      ),
    );
    const predictions = (await predict(...given)) as { label: string }[];
    const right = predictions.filter(({ label }, i) => label === ((70 + i) % 3 ? "no" : "yes")).length;
    expect(evaluation).toMatchObject({ accuracy: right / 20 });
  });

  test("takes null and an empty text as missing, but not a column that is left out, which may have another name", async () => {
    const { age: _, ...less } = row;
    const [nulls, empty] = await predict({ ...row, age: null, note: null }, { ...row, age: "", note: "" } as never);
    expect(empty).toEqual(nulls);
    expect(await predict({ ...less, Age: 30 })).toEqual(["BAD_PARAMETER", "row 1: age must be a finite number, but is missing"]);
  });

  test("takes dates with and without a time, in any zone, or in seconds", async () => {
    const dates = ["1990-05-17", "1990-05-17T00:00", "1990-05-17 02:00:00+02:00", "1990-05-16T22:30:00-01:30", Date.UTC(1990, 4, 17) / 1000];
    const predictions = await predict(...dates.map((since) => ({ ...row, since })));
    expect(new Set(predictions.map((p) => JSON.stringify(p))).size).toBe(1);
    expect(predictions[0]).not.toEqual((await predict({ ...row, since: "2011-05-17" }))[0]);
  });

  test.each<[string, Record<string, Cell>, string]>([
    ["text for a number", { age: "30" }, 'row 2: age must be a finite number, but is "30"'],
    ["a number beyond float32", { income: 1e39 }, "row 2: income must be a finite number, but is 1e+39"],
    ["no date", { since: "17.5.1990" }, 'row 2: since must be a date such as 2024-05-31 or 2024-05-31T12:00:00Z, but is "17.5.1990"'],
    [
      "a date that there is not",
      { since: "1990-13-17" },
      'row 2: since must be a date such as 2024-05-31 or 2024-05-31T12:00:00Z, but is "1990-13-17"',
    ],
    ["a number for a text", { note: 3 }, "row 2: note must be text, but is 3"],
  ])("refuses %s, with row and column", async (_, change, message) => {
    expect(await predict(row, { ...row, ...change })).toEqual(["BAD_PARAMETER", message]);
  });

  test("refuses a missing value where nothing fills it in", async () => {
    const preprocessing = [{ step: "select", params: { columns: ["income"] } }];
    const strict = await prepareTraining({ ...request, preprocessing });
    const output = new MemoryOutput();
    await finish(strict, output);
    const model = await Model.open(output.files.get("model.onnx")!);
    const { dataset } = kept(strict.facts);
    expect(dataset.columns).toEqual(["income"]);
    expect(await model.predict(dataset, { rows: [{ income: 3 }] })).toHaveLength(1);
    await expect(model.predict(dataset, { rows: [{ income: null }] })).rejects.toThrow("row 1: income must be a finite number, but is null");
    await expect(model.predict(dataset, { rows: [{ age: 3 }] })).rejects.toThrow("row 1: income must be a finite number, but is missing");
    await model.close();
  });
});
