/** From a request to a queued run: everything wrong with it told at once, and what is right queued exactly once. */
import { beforeAll, describe, expect, test } from "vitest";
import { HandWorker, irisFacts, runFacts } from "../../../../test/hand-worker.ts";
import { register, startTestPlatform, tiny } from "../../../../test/platform.ts";
import { catalog } from "../../../catalog/index.ts";
import type { DatasetFacts } from "../../../shared/api/schemas.ts";
import type { Problem } from "../../../shared/errors.ts";

const platform = await startTestPlatform();
const { client, raw, eventCount } = platform;
const worker = new HandWorker(platform);

beforeAll(async () => {
  await worker.flowers();
  await register(platform, "numbers", "width,height\n1.5,2\n2.5,3\n");
  const job = await worker.take();
  const { id, token, key } = job;
  const regression: DatasetFacts = {
    digest: "0".repeat(64),
    kind: "table",
    task: "regression",
    sampleShape: [1],
    columns: [{ name: "width", type: "number" }],
    target: "weight",
    labels: [],
    records: { train: 1, validation: 0, test: 1 },
  };
  const artifacts = [await worker.upload(job, "snapshot.json", "{}")];
  await platform.as(key).call("finishJob", { params: { id }, body: { token, outcome: "succeeded", dataset: regression, artifacts } });
});

/** What is wrong with a request. */
async function problemsOf(body: unknown): Promise<Problem[]> {
  const before = await eventCount();
  const answer = await raw("/api/runs", { method: "POST", body });
  expect(answer.status).toBe(422);
  expect(answer.json.error).toMatchObject({ code: "INVALID_REQUEST", status: 422, details: {} });
  expect(await eventCount()).toBe(before);
  return answer.json.error.problems;
}

const namesOf = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id).join(", ");

describe("a training request is refused", () => {
  test.each<[what: string, change: object, problem: Partial<Problem>]>([
    [
      "for an unknown dataset",
      { dataset: { id: "roses" } },
      {
        code: "UNKNOWN_ENTRY",
        path: "dataset.id",
        got: "roses",
        message: 'there is no dataset "roses"',
        wanted: expect.stringMatching(/^one of .*registered/),
      },
    ],
    [
      "for a version of a dataset that is not there",
      { dataset: { id: "flowers@2" } },
      { code: "UNKNOWN_ENTRY", path: "dataset.id", got: "flowers@2" },
    ],
    [
      "for a dataset that needs files and has none",
      { dataset: { id: "table" } },
      { code: "BAD_USAGE", path: "dataset.id", message: 'dataset "table" needs files', fix: expect.stringContaining("register") },
    ],
    [
      "for a task that is not the dataset's",
      { task: "regression" },
      { code: "BAD_PARAMETER", path: "task", wanted: 'classification, the task of dataset "flowers"', got: '"regression"' },
    ],
    [
      "for parameters of a dataset that is read and split already",
      { dataset: { id: "flowers", params: { testFraction: 0.3 } } },
      {
        code: "BAD_USAGE",
        path: "dataset.params",
        message: expect.stringContaining("read and split already"),
        fix: expect.stringContaining("register"),
      },
    ],
    [
      "for a test fraction of all rows",
      { dataset: { id: "iris", params: { testFraction: 1 } } },
      { code: "BAD_PARAMETER", path: "dataset.params.testFraction", wanted: "a number from 0.01 to 0.9", got: "1" },
    ],
    [
      "for a negative test fraction",
      { dataset: { id: "iris", params: { testFraction: -0.2 } } },
      { code: "BAD_PARAMETER", path: "dataset.params.testFraction", wanted: "a number from 0.01 to 0.9", got: "-0.2" },
    ],
    [
      "for an unknown model",
      { model: { id: "transformer" } },
      { code: "UNKNOWN_ENTRY", path: "model.id", got: "transformer", wanted: `one of ${namesOf([...catalog.models, ...catalog.learners])}` },
    ],
    [
      "for a model of another task",
      { dataset: { id: "numbers" }, model: { id: "softmax-regression" } },
      {
        code: "TASK_MISMATCH",
        path: "model.id",
        wanted: "one of classification",
        got: "regression",
        message: 'model "softmax-regression" is for classification, but dataset "numbers" is a regression task',
      },
    ],
    [
      "for a parameter that the model has not",
      { model: { id: "mlp", params: { depth: 3 } } },
      { code: "UNKNOWN_PARAMETER", path: "model.params.depth", got: "depth", wanted: "one of hidden, activation, dropout" },
    ],
    [
      "for a parameter of the wrong type",
      { model: { id: "mlp", params: { hidden: "wide" } } },
      { code: "BAD_PARAMETER", path: "model.params.hidden", wanted: "a list of integers of at least 1", got: '"wide"' },
    ],
    [
      "for an option that is none",
      { model: { id: "mlp", params: { activation: "Step" } } },
      { code: "BAD_PARAMETER", path: "model.params.activation", wanted: expect.stringMatching(/^one of Relu, /), got: '"Step"' },
    ],
    [
      "for a loss of another task",
      { loss: { id: "huber" } },
      { code: "TASK_MISMATCH", path: "loss.id", wanted: "one of regression", got: "classification" },
    ],
    [
      "for a loss out of range",
      { loss: { id: "cross-entropy", params: { labelSmoothing: 2 } } },
      { code: "BAD_PARAMETER", path: "loss.params.labelSmoothing", got: "2" },
    ],
    [
      "for an unknown optimizer",
      { optimizer: { id: "newton" } },
      { code: "UNKNOWN_ENTRY", path: "optimizer.id", got: "newton", wanted: `one of ${namesOf(catalog.optimizers)}` },
    ],
    [
      "for a negative learning rate",
      { optimizer: { id: "adam", params: { learningRate: -1 } } },
      { code: "BAD_PARAMETER", path: "optimizer.params.learningRate", wanted: expect.stringContaining("a number"), got: "-1" },
    ],
    [
      "for an unknown step of preprocessing",
      { preprocessing: [{ step: "standardise" }, { step: "whiten" }] },
      { code: "UNKNOWN_ENTRY", path: "preprocessing.1.step", got: "whiten", wanted: `one of ${namesOf(catalog.preprocessing)}` },
    ],
    [
      "for a step whose parameters do not go together",
      { preprocessing: [{ step: "clip", params: { min: 2, max: 1 } }] },
      { code: "BAD_PARAMETER", path: "preprocessing.0.params.min", wanted: "at most max, which is 1", got: "2" },
    ],
    [
      "for a step on a column that there is not",
      { preprocessing: [{ step: "standardise" }, { step: "bin", params: { columns: ["stem_length"] } }] },
      { code: "BAD_PARAMETER", path: "preprocessing.1.params.columns", wanted: expect.stringContaining('"petal_length"'), got: '"stem_length"' },
    ],
    [
      "for a step that is for pictures",
      { preprocessing: [{ step: "invert" }] },
      { code: "BAD_PREPROCESSING", path: "preprocessing.0.step", got: expect.stringContaining("the samples are rows of a table") },
    ],
    [
      "for a network that does not fit what preprocessing leaves",
      {
        preprocessing: [{ step: "drop", params: { columns: ["petal_length"] } }],
        model: { id: "custom" },
        network: {
          layers: [
            { id: "conv", layer: "Conv2D" },
            { id: "out", layer: "Dense", params: { units: 3 } },
          ],
        },
      },
      { code: "LAYER_SHAPE_MISMATCH", path: "network", got: "[batch, 3]" },
    ],
    [
      "for augmentation that is for pictures",
      { augmentation: [{ layer: "RandomFlip" }] },
      {
        code: "SAMPLES_MISMATCH",
        path: "augmentation.0.layer",
        message: 'layer "RandomFlip" is for pictures, but dataset "flowers" has rows of a table',
      },
    ],
    [
      "for augmentation by a layer that augments nothing",
      { augmentation: [{ layer: "Dense" }] },
      { code: "UNKNOWN_ENTRY", path: "augmentation.0.layer", got: "Dense", wanted: "one of RandomFlip, RandomShift, RandomCrop" },
    ],
    [
      "for augmentation that cuts more than there is",
      { dataset: { id: "mnist" }, model: { id: "cnn" }, augmentation: [{ layer: "RandomFlip" }, { layer: "RandomCrop", params: { padding: 0 } }] },
      { code: "LAYER_SHAPE_MISMATCH", path: "augmentation", got: "[batch, 1, 28, 28]" },
    ],
    [
      "for an optimizer that needs the same loss at each look beside dropout",
      { model: { id: "mlp", params: { dropout: 0.5 } }, optimizer: { id: "l-bfgs" } },
      { code: "BAD_USAGE", path: "optimizer", message: expect.stringContaining("the network draws random numbers") },
    ],
    ["for an unknown schedule", { schedule: { id: "moon" } }, { code: "UNKNOWN_ENTRY", path: "schedule.id", got: "moon" }],
    [
      "for no epochs",
      { training: { epochs: 0 } },
      { code: "BAD_PARAMETER", path: "training.epochs", wanted: "an integer of at least 1, or quick or usual or thorough", got: "0" },
    ],
    [
      "for a network that does not fit the samples",
      {
        model: { id: "custom" },
        network: {
          layers: [
            { id: "conv", layer: "Conv2D" },
            { id: "out", layer: "Dense", params: { units: 3 } },
          ],
        },
      },
      { code: "LAYER_SHAPE_MISMATCH", path: "network", wanted: expect.stringContaining("batch"), got: "[batch, 4]" },
    ],
    [
      "for a model that does not fit the samples",
      { model: { id: "lenet-5" } },
      {
        code: "SAMPLES_MISMATCH",
        path: "model.id",
        message: 'model "lenet-5" is for pictures, but dataset "flowers" has rows of a table',
        wanted: "pictures",
        got: "rows of a table",
      },
    ],
    [
      "for a network with as many outputs as there are no classes",
      { model: { id: "custom" }, network: { layers: [{ id: "out", layer: "Dense", params: { units: 7 } }] } },
      { code: "OUTPUT_SHAPE_MISMATCH", path: "network", wanted: "[batch, 3]", got: "[batch, 7]" },
    ],
    [
      "for a network that is no network",
      { model: { id: "custom" }, network: { layers: [] } },
      { code: "BAD_NETWORK", path: "network", wanted: "a list of at least one layer" },
    ],
    [
      "for a network beside a ready-made model",
      { network: { layers: [{ id: "out", layer: "Dense", params: { units: 3 } }] } },
      { code: "BAD_USAGE", path: "network", message: 'model "mlp" takes no network' },
    ],
    ["for a field that there is not", { colour: "red" }, { code: "BAD_PARAMETER", path: "colour", wanted: "absent: there is no such field" }],
    ["for a priority out of range", { priority: 101 }, { code: "BAD_PARAMETER", path: "priority", wanted: "at most 100", got: "101" }],
    ["for an empty name", { name: "  " }, { code: "BAD_PARAMETER", path: "name", wanted: "text of at least 1" }],
    ["for a dataset without an id", { dataset: {} }, { code: "BAD_PARAMETER", path: "dataset.id", got: "missing" }],
    ["for no dataset", { dataset: undefined }, { code: "BAD_PARAMETER", path: "dataset", got: "missing" }],
  ])("%s", async (_, change, problem) => {
    const problems = await problemsOf({ ...tiny, ...change });
    expect(problems).toEqual([expect.objectContaining(problem)]);
    for (const field of ["message", "wanted", "got", "fix"] as const) expect(problems[0]![field], field).toMatch(/./);
  });

  test("for a loss or an optimizer that the model does not allow", async () => {
    const mlp = catalog.models.find(({ id }) => id === "mlp") as { losses?: readonly string[]; optimizers?: readonly string[] };
    Object.assign(mlp, { losses: ["hinge"], optimizers: ["lion", "sgd"] });
    try {
      const problems = await problemsOf({ ...tiny, loss: { id: "cross-entropy" }, optimizer: { id: "adam" } });
      expect(problems).toEqual([
        expect.objectContaining({ code: "NOT_ALLOWED", path: "loss.id", wanted: "one of hinge", got: "cross-entropy" }),
        expect.objectContaining({ code: "NOT_ALLOWED", path: "optimizer.id", wanted: "one of lion, sgd", got: "adam" }),
      ]);
    } finally {
      delete mlp.losses;
      delete mlp.optimizers;
    }
  });

  test("with every problem at once, of its form and of its content alike", async () => {
    const problems = await problemsOf({
      name: "\u0007",
      colour: "red",
      priority: "high",
      task: "regression",
      dataset: { id: "iris", params: { testFraction: 1.5, speed: 1 } },
      model: { id: "mlp", params: { hidden: [0], depth: 3 } },
      loss: { id: "nothing" },
      optimizer: { id: "adam", params: { learningRate: "fast", beta1: 7 } },
      schedule: { id: "moon" },
      network: { layers: [] },
      training: { epochs: 0, seed: 1.5, colour: "red" },
    });
    expect(problems.map(({ path }) => path).sort()).toEqual([
      "colour",
      "dataset.params.speed",
      "dataset.params.testFraction",
      "loss.id",
      "model.params.depth",
      "model.params.hidden",
      "name",
      "network",
      "network",
      "optimizer.params.beta1",
      "optimizer.params.learningRate",
      "priority",
      "schedule.id",
      "task",
      "training.colour",
      "training.epochs",
      "training.seed",
    ]);
    for (const { message, wanted, got, fix } of problems) for (const part of [message, wanted, got, fix]) expect(part).toMatch(/./);
  });

  test("with a network that does not fit beside its other problems", async () => {
    const problems = await problemsOf({ ...tiny, model: { id: "lenet-5" }, optimizer: { id: "adam", params: { learningRate: -1 } } });
    expect(problems.map(({ path, code }) => [path, code])).toEqual([
      ["optimizer.params.learningRate", "BAD_PARAMETER"],
      ["model.id", "SAMPLES_MISMATCH"],
    ]);
  });

  test("with the problems of its parts also where the dataset is unknown", async () => {
    const problems = await problemsOf({ dataset: { id: "roses" }, model: { id: "mlp", params: { depth: 3 } }, training: { epochs: 0 } });
    expect(problems.map(({ path }) => path)).toEqual(["dataset.id", "model.params.depth", "training.epochs"]);
  });

  test("when it is no object at all", async () => {
    for (const body of ["[]", "7", '"train"', "null", "true"]) {
      const answer = await raw("/api/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
      expect([body, answer.status]).toEqual([body, 422]);
      expect(answer.json.error.problems[0].wanted).toBe("an object");
    }
  });

  test.each<[what: string, change: object, problem: Partial<Problem>]>([
    [
      "a hundred thousand layers",
      { model: { id: "mlp", params: { hidden: Array(100_000).fill(1) } } },
      { path: "model.params.hidden", wanted: "a list of at most 1000" },
    ],
    [
      "more layers than can be checked at once",
      { model: { id: "mlp", params: { hidden: Array(1000).fill(1) } } },
      { path: "model", wanted: "a list of at most 1000 layers" },
    ],
    [
      "a network of twenty thousand layers",
      { model: { id: "custom" }, network: { layers: Array.from({ length: 20_000 }, (_, i) => ({ id: `a${i}`, layer: "Relu" })) } },
      { path: "network", wanted: "a list of at most 1000 layers" },
    ],
  ])("for %s, without the server being busy with them", async (_, change, problem) => {
    const start = performance.now();
    expect(await problemsOf({ ...tiny, ...change })).toEqual([expect.objectContaining(problem)]);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test("with no more problems than anyone reads", async () => {
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`p${i}`, 1]));
    expect(await problemsOf({ ...tiny, tags: many, optimizer: { id: "adam", params: many } })).toHaveLength(100);
  });

  test("while its dataset is being read, and when it could not be read", async () => {
    await register(platform, "late", "a,b\n1,2\n3,4\n");
    expect(await problemsOf({ dataset: { id: "late" } })).toEqual([
      expect.objectContaining({ code: "WRONG_STATE", path: "dataset.id", message: expect.stringContaining("still being read") }),
    ]);
    const job = await worker.take();
    const error = { code: "BAD_FILE", status: 422, message: "table.csv must be a table", fix: "Make it one." };
    await worker.finish(job, { outcome: "failed", error });
    expect(await problemsOf({ dataset: { id: "late" } })).toEqual([
      expect.objectContaining({ path: "dataset.id", message: 'dataset "late" could not be read: table.csv must be a table', fix: "Make it one." }),
    ]);
  });
});

describe("a training request is accepted", () => {
  test("with every default filled in", async () => {
    const run = await client.call("createRun", { body: { dataset: { id: "flowers" } } });
    expect(run).toMatchObject({ state: "queued", dataset: "flowers", task: "classification", model: "mlp", tags: {}, note: "", createdBy: "owner" });
    expect(run.name).toBe(`flowers-mlp-${run.number}`);
    expect(run.settings).toMatchObject({
      dataset: { id: "table", params: { testFraction: 0.2, splitSeed: 1 } },
      model: { id: "mlp", params: { hidden: [128], activation: "Relu", dropout: 0 } },
      loss: { id: "cross-entropy" },
      optimizer: { id: "adam", params: { learningRate: 0.001 } },
      schedule: { id: "cosine" },
      preprocessing: catalog.datasets.find(({ id }) => id === "table")!.preprocessing.map(({ step }) => ({ step, computation: expect.any(String) })),
      training: { epochs: 200, batchSize: 64, seed: 1 },
    });
    expect(run.source).toMatchObject({
      name: "flowers",
      version: 1,
      snapshot: irisFacts.digest,
      files: [{ name: "snapshot.json" }, { name: "train.safetensors" }],
    });
  });

  test("with the loss of the dataset's task", async () => {
    const { settings, task } = await client.call("checkTraining", { body: { dataset: { id: "numbers" } } });
    expect([task, settings.loss!.id]).toEqual(["regression", "mean-squared-error"]);
  });

  test("with a network of its own", async () => {
    const network = { layers: [{ id: "out", layer: "Dense", params: { units: 3 } }] };
    const run = await client.call("createRun", { body: { dataset: { id: "flowers" }, network } });
    expect(run.model).toBe("custom");
    expect(run.settings.network).toEqual(network);
  });

  test("by POST /api/training/check without anything being created", async () => {
    const before = await eventCount();
    const checked = await client.call("checkTraining", { body: tiny });
    expect(checked).toMatchObject({ task: "classification", settings: { training: { epochs: 2 } }, source: { name: "flowers" } });
    expect(await eventCount()).toBe(before);
  });
});

describe("what could be chosen", () => {
  const reasons = async (body: object) =>
    Object.fromEntries(
      Object.entries(await client.call("getChoices", { body: body as never })).map(([part, entries]) => [
        part,
        Object.fromEntries(entries.map(({ id, why }) => [id, why])),
      ]),
    );

  test("for a table: no networks of pictures, no losses of values, no augmentation, each with its reason", async () => {
    const { model, loss, optimizer, schedule, augmentation } = await reasons({ dataset: { id: "flowers" } });
    expect(Object.keys(model!)).toEqual([...catalog.models, ...catalog.learners].map(({ id }) => id));
    expect(model).toMatchObject({ cnn: 'model "cnn" is for pictures, but dataset "flowers" has rows of a table' });
    expect([model!.mlp, model!["random-forest"], model!.custom]).toEqual([undefined, undefined, undefined]);
    expect(loss).toMatchObject({ huber: expect.stringContaining("is for regression"), "cross-entropy": undefined });
    expect(Object.values({ ...optimizer, ...schedule }).filter(Boolean)).toEqual([]);
    expect(augmentation!.RandomShift).toContain("is for pictures");
  });

  test("for values: no classifier, whether network or classical", async () => {
    const { model } = await reasons({ dataset: { id: "numbers" } });
    for (const id of ["softmax-regression", "naive-bayes", "logistic-regression"]) expect(model![id], id).toContain("is for classification");
    expect(model!["gradient-boosting"]).toBeUndefined();
  });

  test("for a network with dropout: no optimizer that looks at all samples before each step", async () => {
    const { optimizer } = await reasons({ dataset: { id: "mnist" }, model: { id: "cnn" } });
    expect(optimizer).toMatchObject({ "l-bfgs": expect.stringContaining("as dropout and augmentation do"), adam: undefined });
  });

  test("for a classical model: neither loss nor augmentation, and any other model", async () => {
    const { model, loss, augmentation } = await reasons({ dataset: { id: "mnist" }, model: { id: "svm" } });
    expect([loss!["cross-entropy"], augmentation!.RandomFlip]).toEqual([
      expect.stringContaining("takes no loss"),
      expect.stringContaining("takes no augmentation"),
    ]);
    expect(model!.cnn).toBeUndefined();
  });

  test("is told whatever else is wrong with the request, and without a dataset too", async () => {
    const { loss } = await reasons({ dataset: { id: "flowers" }, model: { id: "lenet-5" }, optimizer: { id: "adam", params: { beta1: 7 } } });
    expect(loss!.huber).toContain("is for regression");
    const { model } = await reasons({});
    expect(Object.values(model!).filter(Boolean)).toEqual([]);
  });
});

describe("an estimate", () => {
  beforeAll(async () => {
    for (let job = await worker.claim(); job; job = await worker.claim()) await worker.finish(job, { outcome: "stopped" });
  });
  const estimate = (body: object) => client.call("estimateRun", { body: body as never });
  /** 784-128-10 with biases. */
  const mlp = { parameters: 784 * 128 + 128 + 128 * 10 + 10, flops: 2 * (784 * 128 + 128 * 10) + 128 };

  test("tells parameters, operations, steps and memory of a network before anything is read", async () => {
    const training = { epochs: 2, batchSize: 100, validation: 0.1 };
    const { samples, steps, parameters, flops, memory, time } = await estimate({ dataset: { id: "mnist" }, model: { id: "mlp" }, training });
    expect({ samples, steps, parameters, flops }).toEqual({
      samples: 54_000,
      steps: 1080,
      parameters: mlp.parameters,
      flops: { sample: mlp.flops, step: 300 * mlp.flops },
    });
    expect(memory).toMatchObject({ data: 70_000 * 784, weights: 4 * mlp.parameters, learning: 12 * mlp.parameters });
    expect(memory!.total).toBe(memory!.data + memory!.weights + memory!.learning + memory!.activations);
    expect(time).toBeUndefined();
  });

  test("is refused where the request would be, with every problem", async () => {
    const refused = estimate({ dataset: { id: "flowers" }, model: { id: "cnn" }, loss: { id: "huber" } });
    await expect(refused).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  test("tells the time by runs like it, by the speed of other networks where there are none, and by no run that one may not see", async () => {
    const settings = { dataset: { id: "flowers" }, model: { id: "mlp", params: { hidden: [8] } }, training: { epochs: 2, batchSize: 16 } };
    await client.call("createRun", { body: settings });
    const job = await worker.take();
    await worker.report(job, {
      facts: { ...runFacts, layers: [{ id: "all", flops: 2 * (4 * 8 + 8 * 3) + 8 }] },
      points: [{ series: "samples_per_second", steps: [7, 14], values: [10, 1080] }],
    });
    await worker.finish(job, { outcome: "succeeded", result: { reason: "completed", bestEpoch: 1 } });
    const same = await estimate({ ...settings, training: { ...settings.training, epochs: 1000 } });
    expect(same).toMatchObject({ parameters: 4 * 8 + 8 + 8 * 3 + 3, time: { by: "same", runs: 1 } });
    expect(same.time!.seconds).toBeGreaterThanOrEqual(100); // a tenth of a second for an epoch
    expect(same.time!.seconds).toBeLessThan(110);
    const other = await estimate({ ...settings, model: { id: "mlp", params: { hidden: [8000] } } });
    expect(other.time).toMatchObject({ by: "speed", runs: 1 });
    expect(other.time!.high).toBeGreaterThan(other.time!.seconds);
    const stranger = platform.as(await platform.account("stranger"));
    const { name: project } = await stranger.call("createProject", { body: { name: "strange" } });
    const body = { dataset: { id: "iris" }, model: { id: "mlp" } };
    expect((await estimate(body)).time).toMatchObject({ by: "speed" });
    expect((await stranger.call("estimateRun", { query: { project }, body })).time).toBeUndefined();
  });

  test("of a classical model is told by its own past alone", async () => {
    const model = { id: "decision-tree" };
    expect(await estimate({ dataset: { id: "flowers" }, model })).toEqual({ samples: 108, unit: expect.any(String) });
    const { id } = await client.call("createRun", { body: { dataset: { id: "flowers" }, model } });
    await worker.train(id);
    expect((await estimate({ dataset: { id: "flowers" }, model })).time).toMatchObject({ by: "same", runs: 1 });
    expect((await estimate({ dataset: { id: "flowers" }, model: { ...model, params: { maxDepth: 2 } } })).time).toBeUndefined();
  });
});

describe("Idempotency-Key", () => {
  const create = (key: string, body: object = { ...tiny, draft: true }) =>
    raw("/api/runs", { method: "POST", headers: { "idempotency-key": key }, body });

  test("the same key with the same request creates one run, however often and at once", async () => {
    const before = await eventCount();
    const answers = await Promise.all(Array.from({ length: 20 }, () => create("twenty")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(await eventCount()).toBe(before + 1);
    const again = await create("twenty");
    expect(again.json.id).toBe(answers[0]!.json.id);
  });

  test("another key creates another run", async () => {
    const [a, b] = [await create("one"), await create("another")];
    expect(a.json.id).not.toBe(b.json.id);
  });

  test("the same key with another request is refused", async () => {
    await create("reused");
    const before = await eventCount();
    const answer = await create("reused", { ...tiny, draft: true, name: "different" });
    expect(answer.status).toBe(422);
    expect(answer.json.error).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", message: expect.stringContaining('"reused"') });
    expect(await eventCount()).toBe(before);
  });

  test("counts for each operation by itself", async () => {
    const { json: run } = await create("both");
    const copy = await raw(`/api/runs/${run.id}/duplicate`, { method: "POST", headers: { "idempotency-key": "both" }, body: { draft: true } });
    const again = await raw(`/api/runs/${run.id}/duplicate`, { method: "POST", headers: { "idempotency-key": "both" }, body: { draft: true } });
    expect(copy.status).toBe(201);
    expect(copy.json.id).not.toBe(run.id);
    expect(again.json.id).toBe(copy.json.id);
  });

  test("is refused when it is empty, too long or not printable", async () => {
    for (const key of ["", "k".repeat(201), "a b", "ä"]) {
      const answer = await create(key);
      expect([key, answer.status, answer.json.error?.problems[0].path]).toEqual([key, 422, "headers.idempotency-key"]);
    }
  });

  test("finds the run also after it has changed", async () => {
    const { json: run } = await create("changed");
    await client.call("editRun", { params: { id: run.id }, body: { name: "renamed" } });
    expect((await create("changed")).json).toMatchObject({ id: run.id, name: "renamed" });
  });
});
