/** With a real worker: data is read, a model trained, evaluated, asked for predictions, archived and trained again to the same bits. */
import { beforeAll, describe, expect, test } from "vitest";
import { register, startTestPlatform, tiny } from "../../../../test/platform.ts";
import type { Run } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform({ workers: 1 });
const { client, raw, eventCount } = platform;
/** An id as the server gives them, of what never was. */
const nobody = platform.kernel.ids.seal("00000000-0000-4000-8000-000000000000");
const flower = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
const species = ["Iris-setosa", "Iris-versicolor", "Iris-virginica"];
let run: Run;

beforeAll(async () => {
  const { id } = await register(platform, "flowers");
  await platform.until("dataset", id, async () => (await client.call("getDataset", { params: { id } })).state === "ready");
  const optimizer = { id: "adam", params: { learningRate: 0.05 } };
  run = await platform.train({ optimizer, training: { ...tiny.training, epochs: 10 } });
});

const evaluate = (id: string, body: object = {}, headers: Record<string, string> = {}) =>
  raw(`/api/runs/${id}/evaluation`, { method: "POST", body, headers });

test("a worker reads a registered table and says what is in it", async () => {
  expect((await client.call("getDataset", { params: { id: "flowers" } })).facts).toEqual({
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    kind: "table",
    task: "classification",
    sampleShape: [4],
    columns: Object.keys(flower).map((name) => ({ name, type: "number" })),
    target: "species",
    labels: species,
    records: { train: 105, validation: 15, test: 30 },
  });
});

test("a training leaves its model, its checkpoints, its metrics and how good it is on data it never saw", () => {
  expect(run).toMatchObject({ state: "succeeded", result: { reason: "completed" }, checkpoint: { epoch: 10 } });
  expect(run.artifacts.map(({ name }) => name).sort()).toEqual(
    expect.arrayContaining(["best.safetensors", "evaluation.json", "last.safetensors", "model.onnx", "plan.json"]),
  );
  expect(run.facts).toMatchObject({ parameters: 67, threads: 1, dataset: { id: "flowers", source: "flowers@1", samples: { test: 30 } } });
  expect(run.evaluation).toMatchObject({ split: "test", samples: 30 });
  expect(run.evaluation!.metrics.accuracy).toBeGreaterThan(0.8);
  expect(run.metrics).toMatchObject({ train_loss: { count: 10 }, validation_loss: { count: 10 }, test_accuracy: { count: 1 } });
  expect(run.metrics.train_loss!.last).toBeLessThan(run.metrics.train_loss!.max!);
});

describe("an evaluation", () => {
  test("is a job that writes the chosen metrics into the run", async () => {
    const answer = await evaluate(run.id, { metrics: ["f1", "accuracy"] });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({ kind: "evaluate", subject: { kind: "run", id: run.id } });
    expect(await platform.jobEnd(answer.json.id)).toMatchObject({ state: "done" });
    const evaluation = await client.call("getEvaluation", { params: { id: run.id } });
    expect(evaluation).toMatchObject({ split: "test", samples: 30, metrics: { accuracy: run.evaluation!.metrics.accuracy } });
    expect(evaluation.metrics.f1).toBeGreaterThan(0.5);
    // What was not asked for this time stays, whole.
    const all = Object.keys(run.evaluation!.metrics);
    expect(Object.keys(evaluation.metrics)).toEqual(expect.arrayContaining(all));
    expect(Object.keys(evaluation.intervals!)).toEqual(expect.arrayContaining(Object.keys(run.evaluation!.intervals!)));
    expect(Object.keys(evaluation.train!.metrics)).toEqual(expect.arrayContaining(Object.keys(run.evaluation!.train!.metrics)));
    expect(evaluation).toMatchObject((await client.call("getRun", { params: { id: run.id } })).evaluation!);
  });

  test("is made once under one Idempotency-Key", async () => {
    const headers = { "idempotency-key": "evaluate-once" };
    const answers = await Promise.all([1, 2, 3].map(() => evaluate(run.id, { metrics: ["recall"] }, headers)));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect((await evaluate(run.id, { metrics: ["f1"] }, headers)).json.error.code).toBe("IDEMPOTENCY_KEY_REUSED");
    await platform.jobEnd(answers[0]!.json.id);
  });

  test("is refused for metrics that there are not, or not for this task, each told", async () => {
    const before = await eventCount();
    const answer = await evaluate(run.id, { metrics: ["f1", "beauty", "rmse"] });
    expect(answer.status).toBe(422);
    expect(answer.json.error.problems).toEqual([
      expect.objectContaining({ path: "metrics.1", got: "beauty", wanted: expect.stringContaining("one of accuracy") }),
      expect.objectContaining({ path: "metrics.2", got: "rmse" }),
    ]);
    expect(await eventCount()).toBe(before);
  });

  test("of an unknown run is a clear 404", async () => {
    const answer = await evaluate(nobody);
    expect([answer.status, answer.json.error.message]).toEqual([404, `there is no run "${nobody}"`]);
    expect((await raw(`/api/runs/${nobody}/evaluation`)).status).toBe(404);
  });

  test("of a run that has none yet is a 404 that says what to do", async () => {
    const { id } = await client.call("createRun", { body: { ...tiny, draft: true } });
    const answer = await raw(`/api/runs/${id}/evaluation`);
    expect([answer.status, answer.json.error.code, answer.json.error.fix]).toEqual([404, "ARTIFACT_MISSING", expect.stringContaining("evaluation")]);
  });
});

describe("a prediction", () => {
  const predict = (body: object, path = `/api/runs/${run.id}/predict`) => raw(path, { method: "POST", body });

  test("names the class of each row, and how sure the model is of each", async () => {
    const virginica = { sepal_length: 7.7, sepal_width: 2.6, petal_length: 6.9, petal_width: 2.3 };
    const { status, json } = await predict({ rows: [flower, virginica] });
    expect(status).toBe(200);
    expect(json.predictions.map(({ label }: { label: string }) => label)).toEqual([species[0], species[2]]);
    for (const { outputs } of json.predictions) {
      expect(Object.keys(outputs)).toEqual(species);
      expect(Object.values<number>(outputs).reduce((a, b) => a + b)).toBeCloseTo(1, 4);
    }
  });

  test.each<[what: string, body: () => object]>([
    ["a column that is missing", () => ({ rows: [{ ...flower, petal_width: undefined }] })],
    ["a value that is no number", () => ({ rows: [{ ...flower, petal_width: "wide" }] })],
    ["no rows", () => ({ rows: [] })],
    ["more rows than a thousand", () => ({ rows: Array(1001).fill(flower) })],
    ["nothing", () => ({})],
    ["rows and a picture", () => ({ rows: [flower], picture: "AAAA" })],
    ["a picture, as the model takes rows", () => ({ picture: "AAAA" })],
    ["a picture that is no base64", () => ({ picture: "!!!" })],
  ])("of %s is refused", async (_, body) => {
    const { status, json } = await predict(body());
    expect([400, 422]).toContain(status);
    expect([json.error.message, json.error.fix]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
  });

  test("is refused of a run that is not finished, or not there", async () => {
    const { id } = await client.call("createRun", { body: { ...tiny, draft: true } });
    expect((await predict({ rows: [flower] }, `/api/runs/${id}/predict`)).status).toBe(409);
    expect((await predict({ rows: [flower] }, `/api/runs/${nobody}/predict`)).status).toBe(404);
    expect((await predict({ rows: [flower] }, `/api/experiments/${nobody}/predict`)).status).toBe(404);
  });
});

describe("an experiment", () => {
  test("predicts as its run did, and trained again has the same bits", async () => {
    const rows = [flower];
    const before = await client.call("predictWithRun", { params: { id: run.id }, body: { rows } });
    const experiment = await client.call("archiveRun", { params: { id: run.id } });
    expect(await client.call("predictWithExperiment", { params: { id: experiment.id }, body: { rows } })).toEqual(before);
    const { id } = await client.call("reproduceExperiment", { params: { id: experiment.id } });
    const again = await platform.waitFor(id, "succeeded");
    expect(again.reproduction).toEqual({ experiment: experiment.id, same: true, differences: [] });
    const bits = (one: Run) => one.artifacts.find(({ name }) => name === "model.onnx")!.sha256;
    expect(bits(again)).toBe(bits(run));
  });

  test("of another seed has other bits", async () => {
    const other = await platform.train({ training: { ...tiny.training, epochs: 10, seed: 2 } });
    const bits = (one: Run) => one.artifacts.find(({ name }) => name === "best.safetensors")!.sha256;
    expect(bits(other)).not.toBe(bits(run));
  });
});

test("a table that cannot be read says why, and no run is trained on it", async () => {
  const { id } = await register(platform, "torn", "a,b\n1,2\n3\n");
  await platform.until("dataset", id, async () => (await client.call("getDataset", { params: { id } })).state === "failed");
  const { reason } = await client.call("getDataset", { params: { id } });
  expect(reason!.message).toContain("table.csv");
  expect(reason!.message).not.toContain(platform.place.home);
  const answer = await raw("/api/runs", { method: "POST", body: { dataset: { id: "torn" } } });
  expect([answer.status, answer.json.error.problems[0].path]).toEqual([422, "dataset.id"]);
});

test("whatever was done, the tables are what the events say and no file is missing", async () => {
  expect(await client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
});
