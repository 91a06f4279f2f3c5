/** Training on all samples at once: scikit-learn's solutions, the same bits however it is stopped, and a graceful end where there is no way on. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { catalog } from "../../src/catalog/index.ts";
import { toOnnx } from "../../src/engine/onnx.ts";
import { Session } from "../../src/engine/session.ts";
import { type TrainOptions, train } from "../../src/engine/trainer.ts";
import { compileModel, compilePlan, type PlanOptions } from "../../src/engine/training-plan.ts";
import type { Split } from "../../src/shared/dataset.ts";
import { type ParamValues, resolveParams } from "../../src/shared/define.ts";
import type { Checkpoint, Tensors, TrainEvent } from "../../src/shared/events.ts";
import { feeds, initialState, modelNetwork, planOptions } from "./plans.ts";
import reference from "./whole-batch.reference.json" with { type: "json" };

interface Table {
  readonly data: Split;
  readonly features: number;
  readonly classes: number;
}

/** A table of `data/` whose last column is the class, each feature with mean 0 and deviation 1. */
function standardised(name: string, weights?: (row: number) => number): Table {
  const rows = readFileSync(`data/${name}.csv`, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
  const labels = [...new Set(rows.map((row) => row.at(-1)!))];
  const columns = rows[0]!.slice(0, -1).map((_, c) => {
    const values = rows.map((row) => Number(row[c]));
    const mean = average(values);
    const deviation = Math.sqrt(average(values.map((v) => (v - mean) ** 2)));
    return values.map((v) => (v - mean) / deviation);
  });
  const data = {
    inputs: Float32Array.from(rows.flatMap((_, r) => columns.map((column) => column[r]!))),
    targets: Int32Array.from(rows, (row) => labels.indexOf(row.at(-1)!)),
    count: rows.length,
    ...(weights && { weights: Float32Array.from(rows, (_, r) => weights(r)) }),
  };
  return { data, features: columns.length, classes: labels.length };
}
const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

interface Choices extends Partial<Omit<TrainOptions, "plan">> {
  readonly model?: readonly [id: string, params?: ParamValues];
  readonly optimizer?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly plan?: Partial<Omit<PlanOptions, "optimizer">>;
}
const everyRow = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

function planFor({ features, classes }: Table, { model = ["softmax-regression"], optimizer = "l-bfgs", params, plan }: Choices) {
  const [id, modelParams] = model;
  return planOptions(modelNetwork(id, [features], classes, modelParams), [features], classes, {
    optimizer,
    optimizerParams: resolveParams("test", catalog.optimizers.find(({ id }) => id === optimizer)!.params, params),
    batchSize: 64,
    inputDType: "float32",
    normalisation: { mean: [0], deviation: [1] },
    ...plan,
  });
}

function optionsFor(table: Table, { model, optimizer = "l-bfgs", params = {}, plan, ...more }: Choices = {}): TrainOptions {
  const options = planFor(table, { model, optimizer, params, plan });
  const { learningRate, ...others } = options.optimizerParams as Record<string, number>;
  return {
    plan: compilePlan(options),
    data: table.data,
    trainRows: everyRow(table.data.count),
    validationRows: new Int32Array(),
    epochs: 200,
    seed: 1,
    learningRate: learningRate!,
    schedule: () => 1,
    hyperparameters: Object.fromEntries(Object.entries(others).map(([name, value]) => [`optimizer.${name}`, value])),
    initializers: catalog.initializers,
    patience: 0,
    device: "cpu",
    threads: 1,
    ...more,
  };
}

async function collect(options: TrainOptions, visit: (event: TrainEvent) => void = () => {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(options)) {
    events.push(event);
    visit(event);
  }
  return events;
}
const only = <T extends TrainEvent["type"]>(events: readonly TrainEvent[], type: T) =>
  events.filter((e): e is Extract<TrainEvent, { type: T }> => e.type === type);
const end = (events: readonly TrainEvent[]) => only(events, "done")[0]!;
const hash = (tensors: Tensors) => {
  const sum = createHash("sha256");
  for (const [name, data] of tensors) sum.update(name).update(data);
  return sum.digest("hex");
};

let iris: Table;
beforeAll(() => {
  iris = standardised("iris");
});

describe("softmax regression by l-bfgs is scikit-learn's LogisticRegression", () => {
  test.each(reference.solutions)("on $table with penalty $penalty, weighted: $weighted", async ({ table: name, weighted, l2, probabilities }) => {
    const table = standardised(name, weighted ? (row) => row % 3 : undefined);
    const choices = { params: { l2, tolerance: 1e-7 }, epochs: 2000 };
    const events = await collect(optionsFor(table, choices));
    expect(["converged", "stalled"]).toContain(end(events).reason);
    const session = await Session.open(toOnnx(compileModel(planFor(table, choices), end(events).best)));
    const { output } = await session.run({ input: { dtype: "float32", shape: [table.data.count, table.features], data: table.data.inputs } });
    await session.close();
    const apart = probabilities.flat().map((p, i) => Math.abs(p - (output!.data[i] as number)));
    expect(Math.max(...apart)).toBeLessThan(1e-4);
  });
});

describe("the loss", () => {
  test("falls in every epoch until the gradient is nothing", async () => {
    const events = await collect(optionsFor(iris, { params: { l2: 0.01 } }));
    const losses = only(events, "checkpoint").at(-1)!.checkpoint.position.losses;
    expect(losses.length).toBeGreaterThan(5);
    expect(losses.length).toBeLessThan(60);
    for (const [i, loss] of losses.slice(1).entries()) expect(loss).toBeLessThan(losses[i]! + 1e-6);
    expect(end(events)).toMatchObject({ reason: "converged", bestEpoch: losses.indexOf(Math.min(...losses)) + 1 });
    const epochs = only(events, "epoch");
    expect(epochs).toHaveLength(losses.length);
    expect(epochs.at(-1)!.loss).toBeLessThan(losses.at(-1)!); // the penalty chooses, and is not shown
  });

  test("of a curved network falls further than with ten times as many epochs of Adam", async () => {
    const model = ["mlp", { hidden: [8], activation: "Tanh" }] as const;
    const lbfgs = await collect(optionsFor(iris, { model, epochs: 100 }));
    const adam = await collect(optionsFor(iris, { model, optimizer: "adam", params: { learningRate: 0.01 }, epochs: 1000 }));
    const lowest = (events: TrainEvent[]) => Math.min(...only(events, "epoch").map(({ loss }) => loss));
    expect(lowest(lbfgs)).toBeLessThan(lowest(adam));
  });

  test("is the same in batches of any size, but for rounding", async () => {
    const losses = await Promise.all(
      [7, 64, 150, 500].map(async (batchSize) => only(await collect(optionsFor(iris, { plan: { batchSize }, epochs: 8 })), "epoch").at(-1)!.loss),
    );
    for (const loss of losses) expect(loss / losses[0]!).toBeCloseTo(1, 4);
  });

  test("of a regression falls to that of the normal equations", async () => {
    const x = [1, 2, 3, 4, 5, 6, 7];
    const y = [1, 3, 2, 5, 4, 7, 8];
    const table = { data: { inputs: Float32Array.from(x), targets: Float32Array.from(y), count: 7 }, features: 1, classes: 1 };
    const events = await collect(optionsFor(table, { model: ["mlp", { hidden: [] }] }));
    const slope = average(x.map((v, i) => (v - 4) * (y[i]! - average(y)))) / average(x.map((v) => (v - 4) ** 2));
    expect(end(events).best.get("output.weight")![0]).toBeCloseTo(slope, 4);
    expect(end(events).best.get("output.bias")![0]).toBeCloseTo(average(y) - 4 * slope, 4);
  });
});

describe("stopping and resuming gives the bits of never having stopped", () => {
  const choices: Choices = {
    model: ["mlp", { hidden: [6], activation: "Tanh" }],
    params: { history: 3, l2: 1e-3 },
    plan: { batchSize: 20 },
    epochs: 30,
  };
  const validated = (): TrainOptions => {
    const rows = everyRow(150);
    return { ...optionsFor(iris, choices), trainRows: rows.filter((i) => i % 5), validationRows: rows.filter((i) => i % 5 === 0) };
  };
  const result = (events: readonly TrainEvent[]) => {
    const { position, tensors } = only(events, "checkpoint").at(-1)!.checkpoint;
    return { position, last: hash(tensors), best: hash(end(events).best), bestEpoch: end(events).bestEpoch };
  };

  test("after every look at the samples", async () => {
    const whole = await collect(validated());
    expect(only(whole, "epoch")).toHaveLength(30);
    let kept: { checkpoint: Checkpoint; best?: Tensors } | undefined;
    const epochs: TrainEvent[] = [];
    for (let stops = 0; ; stops++) {
      const stop = new AbortController();
      const [from] = [kept?.checkpoint.position.epoch ?? 0];
      // Every second time in the middle of an epoch, which is then begun again; else after it, or nothing would get done.
      const events = await collect({ ...validated(), chunkSeconds: 0, resume: kept, signal: stop.signal }, (event) => {
        if (event.type === (stops % 2 ? "epoch" : "progress")) stop.abort();
      });
      epochs.push(...only(events, "epoch"));
      const checkpoints = only(events, "checkpoint");
      const checkpoint = checkpoints.at(-1)?.checkpoint ?? kept!.checkpoint;
      kept = {
        checkpoint: { tensors: checkpoint.tensors, position: JSON.parse(JSON.stringify(checkpoint.position)) },
        best: checkpoints.findLast((c) => c.best)?.best ?? kept?.best,
      };
      if (events.at(-1)!.type === "done") {
        expect(result([{ type: "checkpoint", checkpoint: kept.checkpoint }, end(events)])).toEqual(result(whole));
        expect(epochs).toEqual(only(whole, "epoch"));
        return;
      }
      expect(events.at(-1)).toMatchObject({ type: "stopped", position: { epoch: from + (stops % 2), step: 0 } });
    }
  });

  test.each([0, 0.0005, 10])("and whatever a native call holds: %d seconds", async (chunkSeconds) => {
    expect(result(await collect({ ...validated(), chunkSeconds }))).toEqual(result(await collect(validated())));
  });

  test("a training that has converged has nothing left to do", async () => {
    const first = await collect(optionsFor(iris, { params: { l2: 0.1 } }));
    const { checkpoint, best } = only(first, "checkpoint").at(-1)!;
    const again = await collect(optionsFor(iris, { params: { l2: 0.1 }, resume: { checkpoint, best } }));
    expect([...new Set(again.map((e) => e.type))]).toEqual(["started", "progress", "done"]);
    expect([end(again).reason, hash(end(again).best)]).toEqual(["converged", hash(end(first).best)]);
  });
});

test("a checkpoint holds the weights and as many steps as the history says, zero where there are none yet", async () => {
  const events = await collect(optionsFor(iris, { params: { history: 3 }, epochs: 2 }));
  const { tensors } = only(events, "checkpoint").at(-1)!.checkpoint;
  const slots = ["s1", "y1", "s2", "y2", "s3", "y3"];
  const weights = ["output.weight", "output.bias"];
  expect([...tensors.keys()].sort()).toEqual([...weights, ...weights.flatMap((w) => slots.map((slot) => `${w}@${slot}`))].sort());
  const isUsed = (slot: string) => tensors.get(`output.weight@${slot}`)!.some((v) => v !== 0);
  expect(slots.map(isUsed)).toEqual([true, true, true, true, false, false]);
  expect(tensors.get("output.weight@s1")).toHaveLength(12);
});

describe("sample weights", () => {
  /** Every row as often as its weight says, in the same order. */
  const repeated = ({ data, ...table }: Table): Table => {
    const rows = [...data.weights!].flatMap((weight, row) => Array<number>(weight).fill(row));
    const inputs = Float32Array.from(rows.flatMap((row) => [...data.inputs.subarray(row * table.features, (row + 1) * table.features)]));
    return { ...table, data: { inputs, targets: Int32Array.from(rows, (row) => data.targets[row]!), count: rows.length } };
  };
  const weighted = standardised("iris", (row) => row % 4);

  test.each(["l-bfgs", "sgd", "adam"])("that are integers equal repeated rows, in batches of all samples: %s", async (optimizer) => {
    const choices = { optimizer, plan: { batchSize: 256 }, epochs: 6 };
    const [once, often] = [await collect(optionsFor(weighted, choices)), await collect(optionsFor(repeated(weighted), choices))];
    for (const [i, { loss, score }] of only(once, "epoch").entries()) {
      expect(loss / only(often, "epoch")[i]!.loss).toBeCloseTo(1, 5);
      expect(score).toBeCloseTo(only(often, "epoch")[i]!.score, 5);
    }
    for (const [name, tensor] of end(once).best)
      if (!name.includes("@")) expect([...tensor]).toEqual([...end(often).best.get(name)!].map((v) => expect.closeTo(v, 3)));
  });

  test.each(["l-bfgs", "adam"])("of zero leave rows out, bit for bit: %s", async (optimizer) => {
    const parity = standardised("iris", (row) => row % 2);
    const choices = { optimizer, plan: { batchSize: 16 }, epochs: 4 };
    const odd = everyRow(150).filter((row) => row % 2);
    const [zeros, without] = [await collect(optionsFor(parity, choices)), await collect({ ...optionsFor(iris, choices), trainRows: odd })];
    expect(only(zeros, "started")).toEqual(only(without, "started"));
    expect(only(zeros, "epoch")).toEqual(only(without, "epoch"));
    expect(hash(end(zeros).best)).toBe(hash(end(without).best));
  });

  test("that are all 1 change no bit", async () => {
    const ones = standardised("iris", () => 1);
    for (const optimizer of ["l-bfgs", "adam"]) {
      const choices = { optimizer, epochs: 3 };
      expect(hash(end(await collect(optionsFor(ones, choices))).best)).toBe(hash(end(await collect(optionsFor(iris, choices))).best));
    }
  });

  test("count in the epoch's loss and score as they do over all rows, however they are cut into batches", async () => {
    const still = { optimizer: "sgd", params: { learningRate: 0 }, epochs: 1, model: ["mlp", { hidden: [4] }] as const };
    const heavy = standardised("iris", (row) => (row < 50 ? 0.25 : 1.5));
    const rows = everyRow(150);
    const measures = await Promise.all(
      [4, 64, 150].map(async (batchSize) => {
        const [epoch] = only(await collect({ ...optionsFor(heavy, { ...still, plan: { batchSize } }), validationRows: rows }), "epoch");
        expect(epoch!.validation!.loss).toBeCloseTo(epoch!.loss, 5);
        expect(epoch!.validation!.score).toBeCloseTo(epoch!.score, 5);
        return epoch!.loss;
      }),
    );
    for (const loss of measures) expect(loss).toBeCloseTo(measures[0]!, 5);
    const [plain] = only(await collect(optionsFor(iris, still)), "epoch");
    expect(plain!.loss).not.toBeCloseTo(measures[0]!, 2);
  });

  test("that are all 0 are refused", async () => {
    const nothing = optionsFor(standardised("iris", () => 0));
    await expect(collect(nothing)).rejects.toMatchObject({
      code: "UNFIT_DATA",
      message: "the sample weights: none of 150 training rows has a weight above 0",
    });
  });
});

describe("a loss with kinks", () => {
  const hinge = catalog.losses.find(({ id }) => id === "hinge")!;
  const plan = { loss: hinge, lossParams: resolveParams("test", hinge.params) };

  test("by l-bfgs ends where no step leads down, with the best weights", async () => {
    const events = await collect(optionsFor(iris, { plan, epochs: 300 }));
    const losses = only(events, "epoch").map(({ loss }) => loss);
    expect(["stalled", "converged", "completed"]).toContain(end(events).reason);
    expect(losses[end(events).bestEpoch - 1]).toBe(Math.min(...losses));
    expect(only(events, "epoch").at(-1)!.score).toBeGreaterThan(0.95);
  });

  test.each(["sgd", "adam"])("trains by %s as well", async (optimizer) => {
    const events = await collect(optionsFor(iris, { optimizer, params: { learningRate: 0.1 }, plan: { ...plan, batchSize: 16 }, epochs: 60 }));
    expect(only(events, "epoch").at(-1)!.score).toBeGreaterThan(0.95);
  });
});

describe("where it starts is where it ends", () => {
  test("when the gradient is nothing already: one epoch, converged", async () => {
    const events = await collect(optionsFor(iris, { params: { tolerance: 10 } }));
    expect(only(events, "epoch")).toHaveLength(1);
    expect(end(events)).toMatchObject({ reason: "converged", bestEpoch: 1 });
    expect(only(events, "epoch")[0]!.loss).toBeCloseTo(Math.log(3), 5);
  });

  test("when no step leads down: one epoch, stalled", async () => {
    const events = await collect(optionsFor(iris, { params: { learningRate: 1e6, lineSearchSteps: 1 } }));
    expect(only(events, "epoch")).toHaveLength(1);
    expect(end(events)).toMatchObject({ reason: "stalled", bestEpoch: 1 });
  });
});

test("a schedule scales the first trial, and the line search finds the same minimum", async () => {
  const cosine = optionsFor(iris, {
    params: { l2: 0.05 },
    schedule: ({ step, totalSteps }) => (1 + Math.cos((Math.PI * step) / totalSteps)) / 2,
    epochs: 40,
  });
  const [a, b] = [await collect(cosine), await collect(optionsFor(iris, { params: { l2: 0.05 } }))];
  for (const [i, w] of [...end(a).best.get("output.weight")!].entries()) expect(w).toBeCloseTo(end(b).best.get("output.weight")![i]!, 3);
});

test("training stops when the validation loss has not fallen for `patience` epochs", async () => {
  const rows = everyRow(150);
  const few = { trainRows: rows.filter((i) => i % 10 === 0), validationRows: rows.filter((i) => i % 10) };
  const events = await collect(optionsFor(iris, { ...few, patience: 3, params: { tolerance: 0 } }));
  const { reason, bestEpoch } = end(events);
  expect([reason, only(events, "epoch").length - bestEpoch]).toEqual(["early stopping", 3]);
});

describe("the plan", () => {
  const options = (layers: readonly { id: string; layer: string }[], more: Partial<Omit<PlanOptions, "optimizer">> = {}) =>
    planOptions({ layers: [...layers, { id: "output", layer: "Dense", params: { units: 3 } }] }, [4], 3, { optimizer: "l-bfgs", ...more });

  test("says that its train graph sums over batches, and holds the gradient's sums in float64", () => {
    const { spec, train: graph } = compilePlan(options([]));
    expect([spec.optimizer, spec.hyperparameters]).toEqual(["whole-batch", []]);
    expect(Object.keys(graph.outputs)).toEqual(["next:sum:output.weight", "next:sum:output.bias", "loss", "weight", "score"]);
    expect(graph.outputs["next:sum:output.weight"]!.dtype).toBe("float64");
    expect(compilePlan({ ...options([]), optimizerParams: { history: 2 } }).spec.state).toHaveLength(2 + 2 * 2 * 2);
  });

  test("gives the gradient of one batch, and a step in a direction", async () => {
    const { plan } = optionsFor(iris, { plan: { batchSize: 150 } });
    const state = initialState(plan, (_, shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1));
    const run = async (graph: (typeof plan)["train"], values: Parameters<typeof feeds>[1]) => {
      const session = await Session.open(graph);
      const results = await session.run(feeds(graph, { ...state, ...values }));
      await session.close();
      return results;
    };
    const sampleWeights = Array<number>(150).fill(1);
    const half = await run(plan.gradient, { x: iris.data.inputs, target: iris.data.targets, sampleWeights });
    const sums = await run(plan.train, {
      steps: [1],
      samples: iris.data.inputs,
      targets: iris.data.targets,
      order: everyRow(150),
      sampleWeights,
      "sum:output.weight": new Float64Array(12),
      "sum:output.bias": new Float64Array(3),
    });
    const gradient = half["gradient:output.weight"]!.data as Float32Array;
    const summed = sums["next:sum:output.weight"]!.data as Float64Array;
    for (const [i, g] of gradient.entries()) expect(summed[i]! / 150).toBeCloseTo(g, 6);
    const directions = { "direction:output.weight": gradient.map((g) => -g), "direction:output.bias": [0, 0, 0] };
    const moved = await run(plan.apply, { ...directions, learningRate: [0.5] });
    for (const [i, g] of gradient.entries()) expect(moved["next:output.weight"]!.data[i] as number).toBeCloseTo(0.1 - 0.5 * g, 6);
  });

  test.each([
    [
      "running statistics",
      options([{ id: "norm", layer: "BatchNorm" }]),
      'optimizer "l-bfgs" needs a loss that is the same at every look, but layer "norm" (BatchNorm) takes its statistics from the batch',
      "Take such layers out, or choose an optimizer that steps batch by batch, such as adam.",
    ],
    [
      "random numbers",
      options([{ id: "drop", layer: "Dropout" }]),
      'optimizer "l-bfgs" needs a loss that is the same at every look, but the network draws random numbers, as dropout and augmentation do',
      "Take such layers out, or choose an optimizer that steps batch by batch, such as adam.",
    ],
    [
      "clipping",
      options([], { clipNorm: true }),
      'optimizer "l-bfgs" clips no gradients: the line search keeps steps short',
      "Set clipNorm and clipValue to 0.",
    ],
  ])("is refused for %s", (_, refused, message, fix) => {
    expect(() => compilePlan(refused)).toThrow(expect.objectContaining({ code: "BAD_USAGE", message, fix }));
  });
});
