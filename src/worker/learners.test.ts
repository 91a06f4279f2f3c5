/** Every classical model on real data, as a run does it: fitted, saved, stopped, resumed, evaluated, served; and data that it cannot learn from. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { catalog } from "../catalog/index.ts";
import type { RunRequest } from "../catalog/run-settings.ts";
import type { FitEvent, TrainEvent } from "../shared/events.ts";
import { evaluate } from "./evaluation.ts";
import { MemoryOutput } from "./output.ts";
import { Model } from "./prediction.ts";
import { crossValidate, learningCurve } from "./refitting.ts";
import { decodeTrained, performTraining, prepareTraining, reassemble } from "./training.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true }));
const table = (name: string, lines: readonly string[]): string => {
  writeFileSync(join(root, name), `${lines.join("\n")}\n`);
  return join(root, name);
};

async function fitted(request: RunRequest, { resume, stop }: { resume?: MemoryOutput; stop?: (event: FitEvent) => boolean } = {}) {
  const prepared = await prepareTraining(request, 2);
  const output = resume ?? new MemoryOutput();
  const going = resume && { last: resume.files.get("last.safetensors")! };
  const stopping = new AbortController();
  const events: (TrainEvent | FitEvent)[] = [];
  try {
    for await (const event of performTraining(prepared, output, { signal: stopping.signal, resume: going })) {
      events.push(event);
      if (event.type === "fitting" && stop?.(event)) stopping.abort(new Error("stopped"));
    }
  } catch (error) {
    if ((error as Error).message !== "stopped") throw error;
  }
  return { prepared, output, events, files: output.files };
}
type Fitted = Awaited<ReturnType<typeof fitted>>;
const shown = { classification: ["accuracy"], regression: ["r2"] };
async function report({ prepared, files }: Fitted) {
  const trained = decodeTrained(prepared, files.get("best.safetensors")!);
  return (await evaluate(prepared, trained, { bestEpoch: 0, metrics: shown[prepared.dataset.task] })).report;
}
const bits = ({ files }: Fitted, name: string) => Buffer.from(files.get(name)!).toString("base64");
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "not refused",
    ({ code, message, fix }) => `${code}: ${message} | ${fix}`,
  );

/** Few trees, iterations and rows to ask, so that all of them are quick. */
const quick: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "random-forest": { nEstimators: 10 },
  "extra-trees": { nEstimators: 10 },
  "gradient-boosting": { maxIter: 10 },
};
const request = (model: string, dataset = "iris", params: Readonly<Record<string, unknown>> = {}): RunRequest => ({
  dataset: { id: dataset },
  model: { id: model, params: { ...quick[model], ...params } },
});

describe.each(catalog.learners.filter(({ tasks }) => tasks.includes("classification")).map(({ id }) => id))("%s", (id) => {
  test("learns irises, in bits that its seed settles, and its file predicts what was evaluated", async () => {
    const one = await fitted(request(id));
    const { metrics, confusion, baseline, samples } = await report(one);
    expect(samples).toBe(30);
    if (id === "dummy") expect(metrics.accuracy).toBe(baseline!.metrics.accuracy);
    else expect(metrics.accuracy).toBeGreaterThanOrEqual(0.9);
    expect(bits(await fitted(request(id)), "model.onnx")).toBe(bits(one, "model.onnx"));

    const model = await Model.open(one.files.get("model.onnx")!);
    const { dataset } = one.prepared;
    const raw = dataset.raw!;
    const rows = Array.from({ length: 30 }, (_, r) => Object.fromEntries(raw.columns.map(({ name }, c) => [name, raw.test.numbers![4 * r + c]!])));
    const said = await model.predict(one.prepared.facts.dataset, { rows });
    await model.close();
    const right = said.filter(({ label }, r) => label === dataset.labels[dataset.test.targets[r]!]).length;
    expect(right).toBe(confusion!.reduce((sum, row, c) => sum + row[c]!, 0));
  });

  test("goes on from what the facts and files of a run say", async () => {
    const { prepared, files } = await fitted(request(id));
    const again = await reassemble({ ...prepared.settings }, prepared.facts);
    const trained = decodeTrained(again, files.get("best.safetensors")!);
    expect((await evaluate(again, trained, { bestEpoch: 0, metrics: ["accuracy"] })).report.samples).toBe(30);
  });
});

test.each(catalog.learners.filter(({ tasks }) => tasks.includes("regression")).map(({ id }) => id))("%s learns values", async (id) => {
  const lines = ["a,b,value", ...Array.from({ length: 200 }, (_, i) => `${i % 20},${(i * 7) % 13},${(i % 20) * 3 - ((i * 7) % 13)}`)];
  const { metrics, task, baseline } = await report(
    await fitted({ dataset: { id: "table", params: { task: "regression" } }, path: table("values.csv", lines), model: { id } }),
  );
  expect(task).toBe("regression");
  if (id === "dummy") expect(metrics.r2).toBeCloseTo(baseline!.metrics.r2!, 6);
  else expect(metrics.r2).toBeGreaterThan(0.9);
});

test("pictures are learnt from, as bytes or scaled", async () => {
  for (const id of ["decision-tree", "logistic-regression"]) {
    const dataset = { dataset: { id: "digits" }, model: { id, params: id === "decision-tree" ? { maxDepth: 8 } : { maxIter: 15 } } };
    expect((await report(await fitted(dataset))).metrics.accuracy).toBeGreaterThan(0.7);
  }
});

test("a forest that is stopped keeps the trees it has, as a model, and goes on to the bits of one that was not", async () => {
  const forest = request("random-forest", "breast-cancer", { nEstimators: 5000 });
  const whole = await fitted(forest);
  const part = await fitted(forest, { stop: (event) => event.type === "fitting" && event.done > 0 });
  expect([...part.files.keys()].sort()).toEqual(["last.safetensors", "model.onnx"]);
  const model = await Model.open(part.files.get("model.onnx")!);
  const columns = part.prepared.facts.dataset.columns;
  const [said] = await model.predict(part.prepared.facts.dataset, { rows: [Object.fromEntries(columns.map((name) => [name, 0]))] });
  await model.close();
  expect(said!.label).toBe("benign");
  const resumed = await fitted(forest, { resume: part.output });
  const first = resumed.events.find((event) => event.type === "fitting");
  expect(first).toMatchObject({ unit: "trees", total: 5000 });
  expect(bits(resumed, "model.onnx")).toBe(bits(whole, "model.onnx"));
});

test("values of training rows are held against what they are, not against whole numbers", async () => {
  const path = table("halves.csv", ["x,value", ...Array.from({ length: 60 }, (_, i) => `${i},${i + 0.5}`)]);
  const { prepared, files } = await fitted({ dataset: { id: "table", params: { task: "regression" } }, path, model: { id: "decision-tree" } });
  const trained = decodeTrained(prepared, files.get("best.safetensors")!);
  expect((await evaluate(prepared, trained, { bestEpoch: 0, metrics: ["mae"] })).report.train!.metrics).toEqual({ mae: 0 });
});

describe("weights of rows", () => {
  // The rows of weight 3 all say yes where x is high, those of weight 1 all say no.
  const lines = [
    "x,w,label",
    ...Array.from({ length: 120 }, (_, i) => `${(i >> 1) % 10},${i % 2 ? 3 : 1},${(i >> 1) % 10 < 5 || i % 2 === 0 ? "no" : "yes"}`),
  ];
  const path = table("weighted.csv", lines);
  const weighted = (training: Readonly<Record<string, unknown>>): RunRequest => ({
    dataset: { id: "table", params: { target: "label" } },
    path,
    model: { id: "decision-tree" },
    training,
  });

  test("are a column, which is then no feature", async () => {
    const { prepared } = await fitted(weighted({ sampleWeights: "w" }));
    expect(prepared.facts.dataset.columns).toEqual(["x"]);
    expect(prepared.settings.preprocessing[0]).toMatchObject({ step: "drop", params: { columns: ["w"] } });
    expect(prepared.dataset.train.weights).toHaveLength(prepared.dataset.train.count);
  });

  test("decide what a leaf says", async () => {
    const said = async (run: Fitted) => {
      const model = await Model.open(run.files.get("model.onnx")!);
      const [answer] = await model.predict(run.prepared.facts.dataset, { rows: [{ x: 9, w: 1 }] });
      await model.close();
      return answer!.outputs!.yes!;
    };
    expect(await said(await fitted(weighted({ sampleWeights: "w" })))).toBeCloseTo(0.75, 1);
  });

  test("reach networks, too", async () => {
    const { prepared } = await fitted({ ...weighted({ sampleWeights: "w", epochs: 1 }), model: { id: "softmax-regression" } });
    expect(prepared.dataset.train.weights![0]).toBeGreaterThan(0);
  });

  test.each([
    ["label", 'BAD_PARAMETER: training: sampleWeights must be a number column (x, w), but is "label"'],
    ["none", 'BAD_PARAMETER: training: sampleWeights must be a number column (x, w), but is "none"'],
  ])("of %s are refused", async (column, problem) => {
    expect(await refusal(prepareTraining(weighted({ sampleWeights: column })))).toContain(problem.split(":")[0]);
  });

  test("that are negative or missing are refused, naming the row", async () => {
    const bad = table("negative.csv", ["x,w,label", ...Array.from({ length: 40 }, (_, i) => `${i},${i === 20 ? -1 : 1},${i % 2 ? "a" : "b"}`)]);
    const asked = { ...weighted({ sampleWeights: "w" }), path: bad, dataset: { id: "table", params: { target: "label", testFraction: 0.1 } } };
    expect(await refusal(prepareTraining(asked))).toMatch(
      /^UNFIT_DATA: column "w": a weight must be a number of at least 0, but in row \d+ .* is -1 \|/,
    );
  });
});

describe("data that cannot be learnt from is refused, saying why:", () => {
  const of = (id: string, path: string, params: Readonly<Record<string, unknown>> = {}, dataset: object = {}): RunRequest => ({
    dataset: { id: "table", params: { target: "label", ...dataset } },
    path,
    model: { id, params: { ...params } },
  });

  test("one class in training", async () => {
    const lines = ["x,s,label", ...Array.from({ length: 30 }, (_, i) => `${i},${i < 20 ? "train" : "test"},${i < 20 ? "a" : "b"}`)];
    const asked = of("random-forest", table("one.csv", lines), {}, { split: "given", splitColumn: "s" });
    expect(await refusal(fitted(asked))).toBe(
      'UNFIT_DATA: model "random-forest": every row to learn from is of the class "a" | Bring rows of at least two classes, or split the data otherwise.',
    );
  });

  test("missing values where the model takes none: the column and the step that fills it in", async () => {
    const lines = ["x,y,label", ...Array.from({ length: 40 }, (_, i) => `${i % 7 ? i : ""},${i},${i % 2 ? "a" : "b"}`)];
    const path = table("gaps.csv", lines);
    const bare = { preprocessing: [] };
    expect(await refusal(fitted({ ...of("svm", path), ...bare }))).toMatch(
      /^BAD_PREPROCESSING: column "x": the value is missing in row \d+ of the training split.*\| Add the step impute for "x"/,
    );
    const { prepared } = await fitted({ ...of("gradient-boosting", path), ...bare });
    expect(prepared.facts.dataset.inputs).toMatchObject([
      { name: "x", required: false },
      { name: "y", required: false },
    ]);
  });

  test("class weights of a class that there is not", async () => {
    const asked = request("logistic-regression", "iris", { classWeight: { "Iris-tulip": 2 } });
    expect(await refusal(fitted(asked))).toContain(
      'BAD_PARAMETER: model "logistic-regression": classWeight must be weights for classes of the dataset (Iris-setosa',
    );
  });

  test("class weights where there are no classes", async () => {
    const path = table("numbers.csv", ["x,label", ...Array.from({ length: 40 }, (_, i) => `${i},${i / 3}`)]);
    const asked = of("gradient-boosting", path, { classWeight: "balanced" }, { task: "regression" });
    expect(await refusal(fitted(asked))).toContain('classWeight must be none, as values have no classes, but is "balanced"');
  });

  test("more neighbours than rows", async () => {
    expect(await refusal(fitted(request("k-nearest-neighbours", "iris", { nNeighbors: 500 })))).toContain(
      "nNeighbors is 500, but there are 120 rows",
    );
  });

  test("a part or a parameter that belongs to networks or to another model", async () => {
    const loss = { ...request("svm"), loss: { id: "hinge" } };
    expect(await refusal(prepareTraining(loss))).toBe(
      'BAD_USAGE: model "svm" takes no loss: how it learns is part of it | Leave the loss out, or choose a network: softmax-regression, mlp, lenet-5, cnn, resnet-8, custom.',
    );
    expect(await refusal(prepareTraining({ ...request("svm"), training: { epochs: 3 } }))).toContain(
      'training of model "svm" has no parameter "epochs" | Choose from: seed, threads, sampleWeights.',
    );
    expect(await refusal(prepareTraining(request("svm", "iris", { nEstimators: 3 })))).toContain('model "svm" has no parameter "nEstimators"');
    expect(await refusal(prepareTraining(request("logistic-regression", "iris", { penalty: "l1", solver: "lbfgs" })))).toContain("BAD_PARAMETER");
  });

  test("more features than rows, constant and duplicate columns are learnt from", async () => {
    const names = Array.from({ length: 60 }, (_, f) => `f${f}`);
    const lines = [
      [...names, "label"].join(","),
      ...Array.from({ length: 40 }, (_, i) =>
        [...names.map((_, f) => (f % 3 === 0 ? 1 : f % 3 === 1 ? i % 4 : (i * 31 + f * 17) % 11)), i % 4 < 2 ? "a" : "b"].join(","),
      ),
    ];
    const path = table("wide.csv", lines);
    for (const id of ["logistic-regression", "random-forest", "svm", "naive-bayes", "gradient-boosting"])
      expect((await report(await fitted(of(id, path, quick[id])))).samples, id).toBeGreaterThan(0);
  });
});

describe("fitted again on parts of the training split", () => {
  const asked = { request: request("naive-bayes", "wine"), load: {}, metrics: ["accuracy"] };

  test("cross-validation holds out every row once a repeat, and never the test split", async () => {
    const told: number[] = [];
    const { results, mean, deviation, stratified } = await crossValidate(
      { ...asked, progress: (done) => told.push(done) },
      { folds: 4, repeats: 2, stratified: true },
    );
    expect(stratified).toBe(true);
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(results.filter(({ repeat }) => repeat === 0).reduce((sum, { samples }) => sum + samples, 0)).toBe(142);
    expect(mean.accuracy).toBeGreaterThan(0.9);
    expect(deviation.accuracy).toBeLessThan(0.1);
  });

  test("groups stay together, by a column that there is", async () => {
    const path = table("groups.csv", ["x,who,label", ...Array.from({ length: 90 }, (_, i) => `${i % 10},p${i % 9},${i % 10 < 5 ? "a" : "b"}`)]);
    const grouped = { ...asked, request: { dataset: { id: "table", params: { target: "label" } }, path, model: { id: "naive-bayes" } } };
    const { results } = await crossValidate(grouped, { folds: 3, repeats: 1, stratified: false, group: "who" });
    expect(results).toHaveLength(3);
    expect(await refusal(crossValidate(grouped, { folds: 3, repeats: 1, stratified: false, group: "whom" }))).toContain("BAD_PARAMETER");
    expect(await refusal(crossValidate(grouped, { folds: 50, repeats: 1, stratified: false, group: "who" }))).toContain(
      "folds must be at most 9, the number of groups",
    );
  });

  test("a learning curve grows up to all rows that are not set aside", async () => {
    const { points, held } = await learningCurve(asked, { points: 3, repeats: 1 });
    expect(points.map(({ samples }) => samples)).toEqual([20, 48, 142 - held]);
    expect(points.at(-1)!.held.accuracy).toBeGreaterThan(0.85);
  });

  test("networks are trained again, too", async () => {
    const net: RunRequest = { dataset: { id: "iris" }, model: { id: "softmax-regression" }, training: { epochs: 3 } };
    const { mean } = await crossValidate({ ...asked, request: net }, { folds: 2, repeats: 1, stratified: true });
    expect(mean.accuracy).toBeGreaterThan(0.3);
  });
});
