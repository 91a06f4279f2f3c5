/** A whole run in a folder: what lies in it, how it stops, resumes, fails, and what it says of itself. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { RunRequest } from "../catalog/run-settings.ts";
import { loadIris } from "../data/index.ts";
import type { TrainEvent } from "../shared/events.ts";
import { RunFolder } from "../storage/run-folder.ts";
import { evaluateRun } from "./evaluation.ts";
import { performTraining, prepareTraining, readRecord, reassemble, type TrainingRecord } from "./training.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true }));
let runs = 0;

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

type Visit = (event: TrainEvent, stop: AbortController) => void;
async function follow(events: (signal: AbortSignal) => AsyncGenerator<TrainEvent>, visit: Visit = () => {}): Promise<TrainEvent[]> {
  const stop = new AbortController();
  const seen: TrainEvent[] = [];
  for await (const event of events(stop.signal)) {
    seen.push(event);
    visit(event, stop);
  }
  return seen;
}
async function start(request: RunRequest, visit?: Visit): Promise<RunFolder> {
  const folder = new RunFolder(join(root, `run-${++runs}`));
  const prepared = await prepareTraining(request, folder.id);
  await folder.create();
  await follow((signal) => performTraining(prepared, folder, { signal }), visit);
  return folder;
}
const resume = async (folder: RunFolder, visit?: Visit) => {
  const prepared = await reassemble(await readRecord(folder));
  return follow((signal) => performTraining(prepared, folder, { signal, resume: true }), visit);
};
/** Changes run.json as a person with an editor would. */
async function edit(folder: RunFolder, change: (settings: TrainingRecord["settings"]) => object): Promise<void> {
  const record = await readRecord(folder);
  writeFileSync(folder.file("run.json"), JSON.stringify({ ...record, settings: { ...record.settings, ...change(record.settings) } }));
}

const json = (folder: RunFolder, name: string) => JSON.parse(readFileSync(folder.file(name), "utf8"));
const bytes = (folder: RunFolder, ...names: string[]) => readFileSync(folder.file(...names));
const metrics = (folder: RunFolder) =>
  readFileSync(folder.file("metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const last = ["checkpoints", "last.safetensors"] as const;
/** All that a run leaves behind, but for times and speeds. */
const left = async (folder: RunFolder) => ({
  files: [...readdirSync(folder.path), ...readdirSync(folder.file("checkpoints")), ...readdirSync(folder.file("plan"))].sort(),
  last: bytes(folder, ...last),
  best: (await folder.loadCheckpoint("best")).tensors,
  epochs: metrics(folder).filter(({ type }) => type === "epoch"),
  updates: metrics(folder)
    .filter(({ type }) => type === "progress")
    .at(-1).update,
  result: json(folder, "run.json").result,
  status: json(folder, "run.json").status,
});

const iris: RunRequest = {
  dataset: { id: "iris" },
  model: { id: "mlp", params: { hidden: [16], dropout: 0.2 } },
  schedule: { id: "cosine" },
  training: { epochs: 12, batchSize: 25, patience: 5 },
};

describe("a finished run", async () => {
  const folder = await start(iris);
  const first = await left(folder);

  test("is a folder that a person can read", async () => {
    const { files } = first;
    const plan = ["apply.onnx", "evaluate.onnx", "gradient.onnx", "plan.json", "predict.onnx", "train.onnx"];
    expect(files).toEqual(["best.safetensors", "checkpoints", "last.safetensors", "metrics.jsonl", "model.onnx", "plan", ...plan, "run.json"].sort());
    expect(json(folder, "plan/plan.json")).toMatchObject({
      version: 1,
      task: "classification",
      batchSize: 25,
      labels: ["Iris-setosa", "Iris-versicolor", "Iris-virginica"],
    });
  });

  test("says in run.json every setting, the data, the network, and what ran it", async () => {
    const { digest } = await loadIris();
    expect(json(folder, "run.json")).toMatchObject({
      id: folder.id,
      status: "done",
      settings: {
        dataset: { id: "iris", params: { testFraction: 0.2, splitSeed: 1 } },
        model: { id: "mlp", params: { hidden: [16], activation: "Relu", dropout: 0.2 } },
        loss: { id: "cross-entropy" },
        optimizer: { id: "adam", params: { learningRate: 0.001, beta1: 0.9, beta2: 0.999 } },
        schedule: { id: "cosine" },
        training: { epochs: 12, batchSize: 25, seed: 1, validation: 0.1, patience: 5, device: "cpu" },
      },
      dataset: { digest, task: "classification", sampleShape: [4], columns: { length: 4 }, samples: { train: 108, validation: 12, test: 30 } },
      network: { layers: expect.arrayContaining([expect.objectContaining({ id: "dropout1", layer: "Dropout" })]) },
      parameters: 4 * 16 + 16 + 16 * 3 + 3,
      threads: 1,
      versions: { trainyard: expect.any(String), onnxruntime: expect.any(String), node: process.versions.node },
      result: { reason: expect.any(String), bestEpoch: expect.any(Number) },
    });
  });

  test("has a line for every epoch and every chunk of steps", () => {
    const lines = metrics(folder);
    expect(lines.filter((line) => line.type === "epoch").map((line) => [line.epoch, line.update])).toEqual(
      Array.from({ length: 12 }, (_, i) => [i + 1, 5 * (i + 1)]),
    );
    expect(lines[0]).toEqual({
      type: "progress",
      update: 1,
      epoch: 1,
      loss: expect.any(Number),
      score: expect.any(Number),
      learningRate: 0.001,
      samplesPerSecond: expect.any(Number),
    });
  });

  test("is evaluated on the rows that training never saw", async () => {
    const evaluation = await evaluateRun(folder);
    expect(json(folder, "evaluation.json")).toEqual(evaluation);
    expect(evaluation).toMatchObject({
      task: "classification",
      split: "test",
      samples: 30,
      labels: { length: 3 },
      bestEpoch: json(folder, "run.json").result.bestEpoch,
    });
    if (evaluation.task !== "classification") return;
    expect(evaluation.confusion.map((row) => row.reduce((a, b) => a + b))).toEqual([10, 10, 10]);
  });

  test("begun again leaves the same bits, model and plan included, and with another seed others", async () => {
    const again = await start(iris);
    expect(await left(again)).toEqual(first);
    for (const file of ["model.onnx", "plan/train.onnx", "plan/plan.json"]) expect(bytes(again, file).equals(bytes(folder, file))).toBe(true);
    const other = await start({ ...iris, training: { ...iris.training, seed: 7 } });
    expect(bytes(other, ...last).equals(bytes(folder, ...last))).toBe(false);
  });

  test("that is resumed is over at once, unless it is given more epochs", async () => {
    const before = await left(folder);
    expect((await resume(folder)).map((e) => e.type)).toEqual(["started", "done"]);
    expect(await left(folder)).toEqual(before);
    await edit(folder, ({ training }) => ({ training: { ...training, epochs: 14, patience: 0 } }));
    await resume(folder);
    expect((await left(folder)).epochs).toHaveLength(14);
  });
});

describe("a run that was stopped", async () => {
  const whole = await left(await start(iris));

  test.each<[string, Visit]>([
    ["before its first step", (e, stop) => e.type === "started" && stop.abort()],
    ["within its first epoch", (e, stop) => e.type === "progress" && stop.abort()],
    ["at the end of an epoch", (e, stop) => e.type === "epoch" && e.epoch === 3 && stop.abort()],
    ["between an epoch's last step and its validation", (e, stop) => e.type === "progress" && e.epoch === 2 && e.step === 5 && stop.abort()],
    ["in the last epoch", (e, stop) => e.type === "progress" && e.epoch === 12 && stop.abort()],
  ])("%s goes on as if nothing had been", async (_, visit) => {
    const folder = await start(iris, visit);
    const record = json(folder, "run.json");
    expect([record.status, record.result]).toEqual(["stopped", undefined]);
    expect(existsSync(folder.file("model.onnx"))).toBe(false);
    await resume(folder);
    expect(await left(folder)).toEqual(whole);
  });

  test("several times goes on as if nothing had been", async () => {
    const folder = await start(iris, (e, stop) => e.type === "progress" && stop.abort());
    for (const epoch of [1, 2, 4, 5, 8]) await resume(folder, (e, stop) => e.type === "epoch" && e.epoch === epoch && stop.abort());
    await resume(folder);
    expect(await left(folder)).toEqual(whole);
  });

  test("in its first epoch has no best weights to evaluate, and says so", async () => {
    const folder = await start(iris, (e, stop) => e.type === "progress" && stop.abort());
    expect(await refusal(evaluateRun(folder))).toMatchObject([
      "FILE_NOT_FOUND",
      expect.stringContaining("best.safetensors"),
      expect.stringContaining("Train at least one epoch first"),
    ]);
  });

  test("is refused when its data has changed", async () => {
    const table = join(root, "table.csv");
    copyFileSync("data/iris.csv", table);
    const folder = await start({ ...iris, dataset: { id: "csv" }, path: table }, (e, stop) => e.type === "epoch" && stop.abort());
    writeFileSync(table, readFileSync(table, "utf8").replace("5.1", "5.2"));
    const [code, message, fix] = (await refusal(resume(folder))) as string[];
    expect([code, fix]).toEqual(["BAD_FILE", "Restore the data, or train anew."]);
    expect(message).toMatch(
      new RegExp(`table.csv must be the data that run "${folder.id}" was trained on \\(digest [0-9a-f]{12}\\), but its digest is [0-9a-f]{12}$`),
    );
  });

  test("is refused with settings that nobody knows, or that belong to another network", async () => {
    const folder = await start(iris, (e, stop) => e.type === "epoch" && stop.abort());
    const before = bytes(folder, ...last);
    await edit(folder, () => ({ optimizer: { id: "magic", params: {} } }));
    expect(await refusal(resume(folder))).toMatchObject(["UNKNOWN_ENTRY", 'there is no optimizer "magic"', expect.any(String)]);
    await edit(folder, () => ({ optimizer: { id: "adam", params: { learningRate: "fast" } } }));
    expect(await refusal(resume(folder))).toMatchObject([
      "BAD_PARAMETER",
      'optimizer "adam": learningRate must be a number of at least 0, but is "fast"',
      expect.any(String),
    ]);
    await edit(folder, ({ model }) => ({ optimizer: { id: "adam", params: {} }, model: { ...model, params: { hidden: [8] } } }));
    expect(await refusal(resume(folder))).toEqual([
      "CHECKPOINT_MISMATCH",
      `checkpoint ${folder.file(...last)} belongs to another network: "dense1.weight" should be [4, 8], but is [4, 16]`,
      "Resume with the network, optimizer and settings that wrote the checkpoint.",
    ]);
    expect(bytes(folder, ...last)).toEqual(before);
  });

  test("is refused with a run.json that is no record of a training", async () => {
    const folder = await start(iris, (e, stop) => e.type === "epoch" && stop.abort());
    writeFileSync(folder.file("run.json"), JSON.stringify({ id: "x", status: "done", createdAt: "2030-01-01T00:00:00.000Z" }));
    expect(await refusal(resume(folder))).toEqual([
      "BAD_FILE",
      `${folder.file("run.json")} must be the record of a run, but settings is no such thing (Invalid input: expected object, received undefined)`,
      "Restore the file, or train again.",
    ]);
  });
});

describe("a run that fails", () => {
  test("with a NaN loss says so in run.json, keeps its last good checkpoint, and goes on from it once the rate is mended", async () => {
    const whole = await left(await start(iris));
    const folder = await start(iris, (e, stop) => e.type === "epoch" && e.epoch === 4 && stop.abort());
    const before = bytes(folder, ...last);
    await edit(folder, ({ optimizer }) => ({ optimizer: { ...optimizer, params: { ...optimizer.params, learningRate: 1e30 } } }));
    const message = expect.stringMatching(/^the loss became NaN at step 22 \(epoch 5\) with learning rate \d(\.\d+)?e\+29$/);
    const fix = `Train again with a smaller learning rate, for example 1e+29, or clip the gradient. The last good checkpoint is ${folder.file(...last)}.`;
    expect(await refusal(resume(folder))).toEqual(["LOSS_NOT_FINITE", message, fix]);
    expect(json(folder, "run.json")).toMatchObject({ status: "failed", error: { code: "LOSS_NOT_FINITE", message, fix } });
    expect(bytes(folder, ...last)).toEqual(before);

    await edit(folder, ({ optimizer }) => ({ optimizer: { ...optimizer, params: { ...optimizer.params, learningRate: 0.001 } } }));
    await resume(folder);
    expect(json(folder, "run.json").error).toBeUndefined();
    expect(await left(folder)).toEqual(whole);
  });

  test.skipIf(!existsSync("/dev/full"))(
    "on a full disk keeps its last checkpoint byte for byte, and goes on when there is space again (needs /dev/full)",
    async () => {
      const whole = await left(await start(iris));
      const folder = await start(iris, (e, stop) => e.type === "epoch" && e.epoch === 4 && stop.abort());
      const before = bytes(folder, ...last);
      symlinkSync("/dev/full", `${folder.file(...last)}.partial`);
      const message = `could not write ${folder.file(...last)}: ENOSPC: no space left on device, write`;
      expect(await refusal(resume(folder))).toEqual([
        "WRITE_FAILED",
        message,
        "Free some space or choose another folder. What was in its place before is unharmed.",
      ]);
      expect(json(folder, "run.json")).toMatchObject({ status: "failed", error: { code: "WRITE_FAILED", message } });
      expect(bytes(folder, ...last)).toEqual(before);
      await resume(folder);
      expect(await left(folder)).toEqual(whole);
    },
  );

  test("before its first step writes nothing", async () => {
    const wrong: [RunRequest, string][] = [
      [{ ...iris, training: { device: "coreml" } }, "DEVICE_UNAVAILABLE"],
      [{ ...iris, loss: { id: "huber" } }, "TASK_MISMATCH"],
      [{ ...iris, model: { id: "cnn" } }, "LAYER_SHAPE_MISMATCH"],
      [{ dataset: { id: "mnist" }, path: join(root, "nowhere") }, "FILE_NOT_FOUND"],
    ];
    if (process.platform === "darwin") wrong.shift();
    for (const [request, code] of wrong)
      expect(await refusal(prepareTraining(request, "x"))).toMatchObject([code, expect.any(String), expect.any(String)]);
  });
});

describe("a table", () => {
  const regression = (epochs: number, path: string): RunRequest => ({ dataset: { id: "csv" }, path, training: { epochs, batchSize: 16 } });

  test("of heights teaches to guess weights better than their mean does, in kilograms", async () => {
    const folder = await start(regression(40, "test/data/height-weight.csv"));
    const evaluation = await evaluateRun(folder);
    if (evaluation.task !== "regression") throw new Error("should be a regression");
    expect(evaluation.samples).toBe(40);
    expect(evaluation.r2).toBeGreaterThan(0.05); // a straight line explains 0.24 of all the rows
    expect(evaluation.mae).toBeLessThan(15);
    expect(evaluation.mae).toBeGreaterThan(5); // kilograms, not deviations
    expect(metrics(folder).at(-1).score).toBeGreaterThan(5);
  });

  test("of large numbers is learnt with the usual rate, since targets are standardised within the graph", async () => {
    const path = join(root, "prices.csv");
    const rows = Array.from({ length: 200 }, (_, i) => [i % 17, i % 11]).map(([area, age]) => [area, age, 250_000 + 30_000 * area! - 9000 * age!]);
    writeFileSync(path, ["area,age,price", ...rows.map((row) => row.join(","))].join("\n"));
    const evaluation = await evaluateRun(await start({ ...regression(60, path), model: { id: "mlp", params: { hidden: [32] } } }));
    expect(evaluation).toMatchObject({ task: "regression", r2: expect.closeTo(1, 1) });
  });

  test("whose target is constant is learnt exactly", async () => {
    const path = join(root, "constant.csv");
    writeFileSync(path, ["a,y", ...Array.from({ length: 30 }, (_, i) => `${i},7.5`)].join("\n"));
    const request = {
      ...regression(1, path),
      dataset: { id: "csv", params: { task: "regression" } },
      optimizer: { id: "adam", params: { learningRate: 0.01 } },
    };
    const evaluation = await evaluateRun(await start({ ...request, training: { epochs: 60, batchSize: 8 } }));
    expect(evaluation).toMatchObject({ task: "regression", mae: expect.closeTo(0, 0) });
  });

  test("of flowers teaches to tell them apart", async () => {
    const folder = await start({ dataset: { id: "csv" }, path: "data/iris.csv", training: { epochs: 40, batchSize: 8 } });
    const evaluation = await evaluateRun(folder);
    expect(evaluation).toMatchObject({ task: "classification", accuracy: expect.closeTo(1, 0) });
    expect(json(folder, "run.json").dataset).toMatchObject({ task: "classification", columns: { length: 4 } });
  });
});
