/** Classical models through the API, with a real worker: trained, evaluated, reported, cross-validated, compared; and what is refused. */
import { beforeAll, describe, expect, test } from "vitest";
import { startTestPlatform } from "../../../../test/platform.ts";
import type { Run } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform({ workers: 1 });
const { client, raw } = platform;
const create = (model: string, params: object = {}, more: object = {}) =>
  client.call("createRun", { body: { dataset: { id: "wine" }, model: { id: model, params: { ...params } }, ...more } });
const train = async (...asked: Parameters<typeof create>): Promise<Run> => platform.waitFor((await create(...asked)).id, "succeeded");
const at = (run: Run) => ({ params: { id: run.id } });

let [forest, bayes] = [undefined, undefined] as unknown as [Run, Run];
beforeAll(async () => {
  forest = await train("random-forest", { nEstimators: 30, oobScore: true }, { name: "forest" });
  bayes = await train("naive-bayes", {}, { name: "bayes" });
});

test("a run of a classical model has settings without loss and optimizer, one file to go on from, and its own metrics", () => {
  expect(forest.settings).not.toHaveProperty("loss");
  expect(forest.settings).toMatchObject({ model: { id: "random-forest", params: { nEstimators: 30 } }, training: { seed: 1, sampleWeights: "" } });
  expect(forest.artifacts.map(({ name }) => name).sort()).toEqual([
    "best.safetensors",
    "evaluation.json",
    "last.safetensors",
    "model.onnx",
    "predictions.safetensors",
    "test-records.safetensors",
  ]);
  expect(forest).toMatchObject({
    result: { reason: "completed", bestEpoch: 0 },
    checkpoint: { update: 30 },
    metrics: { oob_accuracy: { count: 1 } },
  });
  expect(forest.evaluation).toMatchObject({
    samples: 36,
    train: { samples: 142 },
    baseline: { model: "dummy" },
    intervals: { accuracy: expect.any(Array) },
  });
});

test("its evaluation is whole: intervals, curves, slices, worst errors, importance", async () => {
  const evaluation = await client.call("getEvaluation", at(forest));
  expect(evaluation.metrics).toEqual(forest.evaluation!.metrics);
  expect(evaluation.curves!.roc.map(({ label }) => label)).toEqual(evaluation.labels);
  expect(evaluation.slices.length).toBeGreaterThan(20);
  expect(evaluation.importance).toHaveLength(13);
  expect(evaluation.importance.reduce((sum, { impurity }) => sum + impurity!, 0)).toBeCloseTo(1, 4);
  for (const { sample, truth, predicted } of evaluation.worst) {
    expect(Object.keys(sample!)).toHaveLength(13);
    expect(truth).not.toBe(predicted);
  }
});

test.each([
  ["html", /^<!doctype html>/i],
  ["markdown", /^# /],
  ["card", /^---\n/],
] as const)("its report as %s is an attachment that holds its name and its accuracy", async (format, opening) => {
  const response = await client.download("getReport", { ...at(forest), query: { format } });
  expect(response.headers.get("content-disposition")).toContain("attachment");
  const text = await response.text();
  expect(text).toMatch(opening);
  expect(text).toContain("forest");
});

test("cross-validation and learning curve are jobs whose results stay with the run, and are in its report", async () => {
  for (const path of ["cross-validation", "learning-curve"]) {
    const { status, json } = await raw(`/api/runs/${bayes.id}/${path}`);
    expect([status, json.error.code]).toEqual([404, "ARTIFACT_MISSING"]);
  }
  const jobs = [
    await client.call("crossValidateRun", { ...at(bayes), body: { folds: 3, metrics: ["accuracy", "log-loss"] } }),
    await client.call("drawLearningCurve", { ...at(bayes), body: { points: 2 } }),
  ];
  for (const { id } of jobs) expect(await platform.jobEnd(id)).toMatchObject({ state: "done" });
  const { results, mean } = await client.call("getCrossValidation", at(bayes));
  expect(results.map(({ samples }) => samples)).toEqual([48, 47, 47]);
  expect(Object.keys(mean)).toEqual(["accuracy", "log-loss"]);
  expect((await client.call("getLearningCurve", at(bayes))).points).toHaveLength(2);
  expect(await (await client.download("getReport", { ...at(bayes), query: { format: "markdown" } })).text()).toMatch(/cross-validation/i);
});

test("two runs are compared on the rows they share", async () => {
  const told = await client.call("getSignificance", { query: { id: [bayes.id, forest.id] } });
  expect(told).toMatchObject({ metric: "accuracy", test: "mcnemar", samples: 36 });
  expect(told.difference).toBeCloseTo(forest.evaluation!.metrics.accuracy! - bayes.evaluation!.metrics.accuracy!, 12);
  expect(await client.call("getSignificance", { query: { id: [bayes.id, forest.id], metric: "log-loss" } })).toMatchObject({
    test: "paired-bootstrap",
  });
  const other = await train("naive-bayes", {}, { dataset: { id: "iris" } });
  const answer = await raw(`/api/runs/significance?id=${bayes.id}&id=${other.id}`);
  expect([answer.status, answer.json.error.message]).toEqual([400, expect.stringContaining("were tested on other rows")]);
  const none = await raw(`/api/runs/significance?id=${bayes.id}&id=${forest.id}&metric=beauty`);
  expect([none.status, none.json.error.problems[0].path]).toEqual([422, "metric"]);
});

test("an experiment of one, trained again, has the same bits", async () => {
  const experiment = await client.call("archiveRun", at(forest));
  const { id } = await client.call("reproduceExperiment", { params: { id: experiment.id } });
  expect((await platform.waitFor(id, "succeeded")).reproduction).toEqual({ experiment: experiment.id, same: true, differences: [] });
  const refused = await raw(`/api/runs/${forest.id}/cross-validation`, { method: "POST", body: {} });
  expect([refused.status, refused.json.error.code]).toEqual([409, "ALREADY_ARCHIVED"]);
});

describe("what does not go together is refused with every problem:", () => {
  const refused = async (body: object) => {
    const { status, json } = await raw("/api/runs", { method: "POST", body: { dataset: { id: "wine" }, ...body } });
    return [status, json.error.problems.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`)];
  };
  test.each<[string, object, string[]]>([
    ["a loss for a model that has its own", { model: { id: "svm" }, loss: { id: "hinge" } }, ["loss BAD_USAGE"]],
    [
      "epochs and a parameter of another",
      { model: { id: "svm", params: { nEstimators: 3 } }, training: { epochs: 2 } },
      ["model.params.nEstimators UNKNOWN_PARAMETER", "training.epochs UNKNOWN_PARAMETER"],
    ],
    ["parameters that contradict", { model: { id: "svm", params: { kernel: "rbf", loss: "squared_hinge" } } }, ["model.params.loss BAD_PARAMETER"]],
    ["weights of an unknown class", { model: { id: "svm", params: { classWeight: { "9": 2 } } } }, ["model.params.classWeight BAD_PARAMETER"]],
    [
      "a column of weights that there is not",
      { model: { id: "svm" }, training: { sampleWeights: "ash2" } },
      ["training.sampleWeights BAD_PARAMETER"],
    ],
  ])("%s", async (_, body, problems) => {
    expect(await refused(body)).toEqual([422, problems]);
  });

  test("a finished fit is not resumed, and has no epochs", async () => {
    const more = await raw(`/api/runs/${bayes.id}/resume`, { method: "POST", body: { epochs: 3 } });
    expect([more.status, more.json.error.message]).toEqual([400, expect.stringContaining("has no epochs")]);
    const again = await raw(`/api/runs/${bayes.id}/resume`, { method: "POST", body: {} });
    expect([again.status, again.json.error.code]).toEqual([409, "WRONG_STATE"]);
  });

  test("a fit that fails says why", async () => {
    const { id } = await create("k-nearest-neighbours", { nNeighbors: 5000 });
    const failed = await platform.waitFor(id, "failed");
    expect(failed.reason).toMatchObject({ code: "UNFIT_DATA", message: expect.stringContaining("nNeighbors is 5000, but there are 142 rows") });
  });
});

test("a fit that is stopped has what to go on from, and ends as if it had not been", async () => {
  const { id } = await create("gradient-boosting", { maxIter: 1500, minSamplesLeaf: 5 }, { name: "long" });
  await platform.until("run", id, async () => ((await client.call("getRun", { params: { id } })).progress?.step ?? 0) > 0);
  await client.call("stopRun", { params: { id } });
  const stopped = await platform.waitFor(id, "stopped", "succeeded");
  expect(stopped.state).toBe("stopped");
  expect(stopped.artifacts.map(({ name }) => name)).toEqual(expect.arrayContaining(["last.safetensors", "model.onnx"]));
  await client.call("resumeRun", { params: { id }, body: {} });
  expect(await platform.waitFor(id, "succeeded")).toMatchObject({ checkpoint: { update: 1500 } });
});

test("whatever was done, the tables are what the events say and no file is missing", async () => {
  expect(await client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
});
