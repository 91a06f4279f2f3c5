/** A whole training: what it saves, how it stops, resumes, fails, and what is known of it. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loaded } from "../../test/datasets.ts";
import type { RunRequest } from "../catalog/run-settings.ts";
import { runFacts } from "../shared/api/schemas.ts";
import type { EvaluationReport } from "../shared/evaluation.ts";
import type { FitEvent, TrainEvent } from "../shared/events.ts";
import { evaluate } from "./evaluation.ts";
import { MemoryOutput } from "./output.ts";
import { type PreparedTraining, performTraining, prepareTraining, reassemble } from "./training.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true }));

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

type Visit = (event: TrainEvent | FitEvent, stop: AbortController) => void;
interface Run {
  readonly prepared: PreparedTraining;
  readonly output: MemoryOutput;
  readonly events: (TrainEvent | FitEvent)[];
}
async function follow(prepared: PreparedTraining, output: MemoryOutput, visit: Visit = () => {}, resume = false): Promise<Run> {
  const stop = new AbortController();
  const events: (TrainEvent | FitEvent)[] = [];
  const { files } = output;
  const going = resume ? { last: files.get("last.safetensors")!, best: files.get("best.safetensors") } : undefined;
  for await (const event of performTraining(prepared, output, { signal: stop.signal, resume: going })) {
    events.push(event);
    visit(event, stop);
  }
  return { prepared, output, events };
}
const start = async (request: RunRequest, visit?: Visit): Promise<Run> => follow(await prepareTraining(request), new MemoryOutput(), visit);
/** Goes on with nothing but settings, facts and files; with other settings if asked to. */
async function resume({ prepared: { settings, facts }, output }: Run, visit?: Visit, changes: Partial<RunRequest> = {}): Promise<Run> {
  return follow(await reassemble({ ...settings, ...changes }, facts), output, visit, true);
}
async function evaluated({ prepared, events }: Run): Promise<EvaluationReport> {
  const done = events.at(-1)!;
  if (done.type !== "done") throw new Error("not finished");
  return (await evaluate(prepared, { weights: done.best }, done)).report;
}

const json = ({ output }: Run, name: string) => JSON.parse(Buffer.from(output.files.get(name)!).toString());
const contents = ({ output }: Run) =>
  Object.fromEntries([...output.files].sort().map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]));
const types = ({ events }: Run) => events.map(({ type }) => type);
const ends = ({ events }: Run) => events.flatMap((e) => (e.type === "done" ? [e.reason, e.bestEpoch] : []));

const iris: RunRequest = {
  dataset: { id: "iris" },
  model: { id: "mlp", params: { hidden: [16], dropout: 0.2 } },
  schedule: { id: "cosine" },
  training: { epochs: 12, batchSize: 25, patience: 5 },
};

describe("a finished training", async () => {
  const run = await start(iris);

  test("has saved its checkpoints, its plan and its model", () => {
    const plan = ["apply.onnx", "evaluate.onnx", "gradient.onnx", "plan.json", "predict.onnx", "train.onnx"];
    expect([...run.output.files.keys()].sort()).toEqual(["best.safetensors", "last.safetensors", "model.onnx", ...plan].sort());
    expect(json(run, "plan.json")).toMatchObject({
      version: 1,
      task: "classification",
      batchSize: 25,
      labels: ["Iris-setosa", "Iris-versicolor", "Iris-virginica"],
    });
  });

  test("has every setting filled in", () => {
    expect(run.prepared.settings).toMatchObject({
      dataset: { id: "iris", params: { testFraction: 0.2, splitSeed: 1 } },
      model: { id: "mlp", params: { hidden: [16], activation: "Relu", dropout: 0.2 } },
      loss: { id: "cross-entropy" },
      optimizer: { id: "adam", params: { learningRate: 0.001, beta1: 0.9, beta2: 0.999 } },
      schedule: { id: "cosine" },
      training: { epochs: 12, batchSize: 25, seed: 1, validation: 0.1, patience: 5, device: "cpu" },
    });
  });

  test("knows the data, the network, and what ran it, in a form that travels as JSON", async () => {
    const { facts } = run.prepared;
    const { digest } = await loaded("iris");
    expect(facts).toMatchObject({
      dataset: { digest, task: "classification", sampleShape: [4], columns: { length: 4 }, samples: { train: 108, validation: 12, test: 30 } },
      network: { layers: expect.arrayContaining([expect.objectContaining({ id: "dropout1", layer: "Dropout" })]) },
      parameters: 4 * 16 + 16 + 16 * 3 + 3,
      threads: 1,
      versions: { trainyard: expect.any(String), onnxruntime: expect.stringMatching(/^\d+\.\d+\.\d+$/), node: process.versions.node },
    });
    expect(runFacts.parse(JSON.parse(JSON.stringify(facts)))).toEqual(JSON.parse(JSON.stringify(facts)));
  });

  test("tells of every epoch, and of the steps between", () => {
    const epochs = run.events.flatMap((e) => (e.type === "epoch" ? [[e.epoch, e.update]] : []));
    expect(epochs).toEqual(Array.from({ length: 12 }, (_, i) => [i + 1, 5 * (i + 1)]));
    expect(run.events.find(({ type }) => type === "progress")).toMatchObject({ update: 1, epoch: 1, learningRate: 0.001 });
  });

  test("is evaluated on the rows that training never saw, with every metric of its task", async () => {
    const evaluation = await evaluated(run);
    expect(evaluation).toMatchObject({
      task: "classification",
      split: "test",
      samples: 30,
      labels: { length: 3 },
      bestEpoch: ends(run)[1],
      dataset: run.prepared.facts.dataset.digest,
    });
    expect(evaluation.confusion!.map((row) => row.reduce((a, b) => a + b))).toEqual([10, 10, 10]);
    const { loss, accuracy, macro, weighted } = evaluation;
    expect(evaluation.metrics).toMatchObject({
      loss,
      accuracy,
      ...macro,
      "weighted-precision": weighted!.precision,
      "weighted-recall": weighted!.recall,
      "weighted-f1": weighted!.f1,
    });
    for (const [metric, [low, high]] of Object.entries(evaluation.intervals!)) {
      expect(low, metric).toBeLessThanOrEqual(evaluation.metrics[metric]!);
      expect(high, metric).toBeGreaterThanOrEqual(evaluation.metrics[metric]!);
    }
    expect(evaluation).toMatchObject({ train: { samples: 108 }, baseline: { model: "dummy", metrics: { accuracy: 10 / 30 } } });
    expect(evaluation.importance.map(({ feature }) => feature).sort()).toEqual(["petal_length", "petal_width", "sepal_length", "sepal_width"]);
    expect(evaluation.slices.filter(({ column }) => column === "petal_length").reduce((sum, { samples }) => sum + samples, 0)).toBe(30);
  });

  test("is evaluated with chosen metrics alone, and those of another task are refused", async () => {
    const done = run.events.at(-1)!;
    if (done.type !== "done") throw new Error("not finished");
    const { metrics } = (await evaluate(run.prepared, { weights: done.best }, { ...done, metrics: ["f1", "accuracy"] })).report;
    expect(Object.keys(metrics).sort()).toEqual(["accuracy", "f1", "loss"]);
    expect(await refusal(evaluate(run.prepared, { weights: done.best }, { ...done, metrics: ["rmse"] }))).toMatchObject([
      "UNKNOWN_ENTRY",
      'there is no metric of classification "rmse"',
      expect.stringContaining("accuracy"),
    ]);
  });

  test("begun again saves the same bits, every file of it, and with another seed others", async () => {
    expect(contents(await start(iris))).toEqual(contents(run));
    const other = await start({ ...iris, training: { ...iris.training, seed: 7 } });
    expect(contents(other)["last.safetensors"]).not.toEqual(contents(run)["last.safetensors"]);
  });

  test("that is resumed is over at once, unless it is given more epochs", async () => {
    const before = contents(run);
    const again = await resume(run);
    expect([types(again), ends(again)]).toEqual([["started", "done"], ends(run)]);
    expect(contents(again)).toEqual(before);
    const longer = await resume(run, undefined, { training: { ...run.prepared.settings.training, epochs: 14, patience: 0 } });
    expect(longer.events.flatMap((e) => (e.type === "epoch" ? [e.epoch] : []))).toEqual([13, 14]);
  });
});

describe("a training that was stopped", async () => {
  const whole = await start(iris);

  test.each<[string, Visit]>([
    ["before its first step", (e, stop) => e.type === "started" && stop.abort()],
    ["within its first epoch", (e, stop) => e.type === "progress" && stop.abort()],
    ["at the end of an epoch", (e, stop) => e.type === "epoch" && e.epoch === 3 && stop.abort()],
    ["between an epoch's last step and its validation", (e, stop) => e.type === "progress" && e.epoch === 2 && e.step === 5 && stop.abort()],
    ["in the last epoch", (e, stop) => e.type === "progress" && e.epoch === 12 && stop.abort()],
  ])("%s goes on as if nothing had been", async (_, visit) => {
    const run = await start(iris, visit);
    expect(types(run).slice(-2)).toEqual(["checkpoint", "stopped"]);
    expect(run.output.files.has("model.onnx")).toBe(false);
    const rest = await resume(run);
    expect(contents(rest)).toEqual(contents(whole));
    expect(ends(rest)).toEqual(ends(whole));
  });

  test("several times goes on as if nothing had been", async () => {
    const run = await start(iris, (e, stop) => e.type === "progress" && stop.abort());
    for (const epoch of [1, 2, 4, 5, 8]) await resume(run, (e, stop) => e.type === "epoch" && e.epoch === epoch && stop.abort());
    expect(contents(await resume(run))).toEqual(contents(whole));
  });

  test("in its first epoch has no best weights yet", async () => {
    const run = await start(iris, (e, stop) => e.type === "progress" && stop.abort());
    expect([run.output.files.has("last.safetensors"), run.output.files.has("best.safetensors")]).toEqual([true, false]);
  });

  test("is refused when its data has changed", async () => {
    const table = join(root, "table.csv");
    copyFileSync("data/iris.csv", table);
    const run = await start({ ...iris, dataset: { id: "table" }, path: table }, (e, stop) => e.type === "epoch" && stop.abort());
    writeFileSync(table, readFileSync(table, "utf8").replace("5.1", "5.2"));
    const [code, message, fix] = (await refusal(resume(run))) as string[];
    expect([code, fix]).toEqual(["BAD_FILE", "Restore the data, or train anew."]);
    expect(message).toMatch(/table.csv must be the data that the run was trained on \(digest [0-9a-f]{12}\), but its digest is [0-9a-f]{12}$/);
  });

  test("is refused with settings that nobody knows, or that belong to another network", async () => {
    const run = await start(iris, (e, stop) => e.type === "epoch" && stop.abort());
    const before = contents(run);
    const refused = (changes: Partial<RunRequest>) => refusal(resume(run, undefined, changes));
    expect(await refused({ optimizer: { id: "magic" } })).toMatchObject(["UNKNOWN_ENTRY", 'there is no optimizer "magic"', expect.any(String)]);
    expect(await refused({ optimizer: { id: "adam", params: { learningRate: "fast" } } })).toMatchObject([
      "BAD_PARAMETER",
      'optimizer "adam": learningRate must be a number of at least 0, but is "fast"',
      expect.any(String),
    ]);
    expect(await refused({ model: { id: "mlp", params: { hidden: [8], dropout: 0.2 } } })).toEqual([
      "CHECKPOINT_MISMATCH",
      'checkpoint last.safetensors belongs to another network: "dense1.weight" should be [4, 8], but is [4, 16]',
      "Resume with the network, optimizer and settings that wrote the checkpoint.",
    ]);
    expect(contents(run)).toEqual(before);
  });

  test("goes on with the threads that it began with, whatever is chosen here", async () => {
    const { settings, facts } = await prepareTraining(iris);
    expect((await reassemble(settings, { ...facts, threads: 2 })).facts.threads).toBe(2);
  });
});

describe("threads that are left open", () => {
  const large: RunRequest = { dataset: { id: "mnist" }, path: "test/data/mnist", model: { id: "cnn" } };

  test("are as many as pay off, and at most as many as a worker allows", async () => {
    expect((await prepareTraining(large, 1)).facts.threads).toBe(1);
    expect((await prepareTraining({ ...large, training: { threads: 3 } }, 1)).facts.threads).toBe(3);
  });
});

describe("a training that fails", () => {
  test("with a NaN loss keeps its last good checkpoint, and goes on from it once the rate is mended", async () => {
    const whole = await start(iris);
    const run = await start(iris, (e, stop) => e.type === "epoch" && e.epoch === 4 && stop.abort());
    const before = contents(run);
    expect(await refusal(resume(run, undefined, { optimizer: { id: "adam", params: { learningRate: 1e30 } } }))).toEqual([
      "LOSS_NOT_FINITE",
      expect.stringMatching(/^the loss became NaN at step 22 \(epoch 5\) with learning rate \d(\.\d+)?e\+29$/),
      "Train again with a smaller learning rate, for example 1e+29, or clip the gradient. The last good checkpoint is last.safetensors.",
    ]);
    expect(contents(run)).toEqual(before);
    expect(contents(await resume(run))).toEqual(contents(whole));
  });

  test("to save a checkpoint ends with the reason, and goes on from the checkpoint before", async () => {
    const whole = await start(iris);
    const run = await start(iris, (e, stop) => e.type === "epoch" && e.epoch === 4 && stop.abort());
    const { settings, facts } = run.prepared;
    const full = new MemoryOutput();
    for (const [name, bytes] of run.output.files) full.files.set(name, bytes);
    full.save = () => Promise.reject(new Error("no space left"));
    await expect(follow(await reassemble(settings, facts), full, undefined, true)).rejects.toThrow("no space left");
    expect(contents(await resume(run))).toEqual(contents(whole));
  });

  test("before its first step fails when it is prepared", async () => {
    const wrong: [RunRequest, string][] = [
      [{ ...iris, training: { device: "coreml" } }, "DEVICE_UNAVAILABLE"],
      [{ ...iris, loss: { id: "huber" } }, "TASK_MISMATCH"],
      [{ ...iris, model: { id: "cnn" } }, "SAMPLES_MISMATCH"],
      [{ dataset: { id: "mnist" }, path: join(root, "nowhere") }, "FILE_NOT_FOUND"],
    ];
    if (process.platform === "darwin") wrong.shift();
    for (const [request, code] of wrong)
      expect(await refusal(prepareTraining(request))).toMatchObject([code, expect.any(String), expect.any(String)]);
  });
});

describe("a table", () => {
  const regression = (epochs: number, path: string): RunRequest => ({ dataset: { id: "table" }, path, training: { epochs, batchSize: 16 } });

  test("of people teaches to guess weights by height and sex better than their mean does, in kilograms", async () => {
    const request = regression(3, "data/height-weight.csv");
    const run = await start({ ...request, dataset: { id: "table", params: { target: "weight", types: { BMI: "drop" } } } });
    const { task, samples, metrics } = await evaluated(run);
    expect([task, samples]).toEqual(["regression", 846]);
    expect(Object.keys(metrics)).toEqual(expect.arrayContaining(["loss", "mae", "mse", "rmse", "r2", "max-error"]));
    expect(metrics.r2).toBeGreaterThan(0.2); // a straight line explains 0.24 of the height alone
    expect(metrics.mae).toBeLessThan(15);
    expect(metrics.mae).toBeGreaterThan(5); // kilograms, not deviations
    const last = run.events.findLast(({ type }) => type === "epoch");
    expect(last).toMatchObject({ type: "epoch" });
    if (last?.type === "epoch") expect(last.score).toBeGreaterThan(5);
  });

  test("of large numbers is learnt with the usual rate, since targets are standardised within the graph", async () => {
    const path = join(root, "prices.csv");
    const rows = Array.from({ length: 200 }, (_, i) => [i % 17, i % 11]).map(([area, age]) => [area, age, 250_000 + 30_000 * area! - 9000 * age!]);
    writeFileSync(path, ["area,age,price", ...rows.map((row) => row.join(","))].join("\n"));
    const evaluation = await evaluated(await start({ ...regression(60, path), model: { id: "mlp", params: { hidden: [32] } } }));
    expect(evaluation).toMatchObject({ task: "regression", r2: expect.closeTo(1, 1) });
  });

  test("whose target is constant is learnt exactly", async () => {
    const path = join(root, "constant.csv");
    writeFileSync(path, ["a,y", ...Array.from({ length: 30 }, (_, i) => `${i},7.5`)].join("\n"));
    const request = {
      ...regression(1, path),
      dataset: { id: "table", params: { task: "regression" } },
      optimizer: { id: "adam", params: { learningRate: 0.01 } },
    };
    const evaluation = await evaluated(await start({ ...request, training: { epochs: 60, batchSize: 8 } }));
    expect(evaluation).toMatchObject({ task: "regression", mae: expect.closeTo(0, 0) });
  });

  test("of flowers teaches to tell them apart", async () => {
    const run = await start({ dataset: { id: "table" }, path: "data/iris.csv", training: { epochs: 40, batchSize: 8 } });
    expect(await evaluated(run)).toMatchObject({ task: "classification", accuracy: expect.closeTo(1, 0) });
    expect(run.prepared.facts.dataset).toMatchObject({ task: "classification", columns: { length: 4 } });
  });
});

test("augmentation changes what is learnt from, by the seed alone, and nothing of what the model says", async () => {
  const request = { dataset: { id: "digits" }, model: { id: "softmax-regression" }, training: { epochs: 5, threads: 1 } };
  const augmentation = [{ layer: "RandomShift", params: { down: 1, right: 1 } }];
  const [plain, one, other] = [await start(request), await start({ ...request, augmentation }), await start({ ...request, augmentation })];
  expect(contents(other)).toEqual(contents(one));
  expect(contents(one)["best.safetensors"]).not.toBe(contents(plain)["best.safetensors"]);
  expect(one.prepared.facts.layers[0]).toMatchObject({ id: "augmentation-1", layer: "RandomShift" });
  expect((await evaluated(one)).metrics.accuracy).toEqual((await evaluated(other)).metrics.accuracy);
  expect((await evaluated(one)).metrics.accuracy).toBeGreaterThan(0.6);
});
