/** The trainer's promises: the same bits for the same seed, wherever it is stopped; every sample once; the best epoch kept; NaN refused. */
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { assemble } from "../../src/catalog/assemble.ts";
import { catalog } from "../../src/catalog/index.ts";
import { type RunRequest, resolveSettings } from "../../src/catalog/run-settings.ts";
import { splitValidation } from "../../src/data/index.ts";
import { Session } from "../../src/engine/session.ts";
import { evaluateRows, initialTensors, type TrainOptions, train } from "../../src/engine/trainer.ts";
import type { Dataset } from "../../src/shared/dataset.ts";
import type { Checkpoint, Tensors, TrainEvent } from "../../src/shared/events.ts";
import { loaded, ofNetwork } from "../datasets.ts";
import { mnistExcerpt } from "../mnist.ts";

let digits: Dataset;
let flowers: Dataset;
beforeAll(async () => {
  digits = await mnistExcerpt();
  flowers = await loaded("iris");
});

function optionsFor(dataset: Dataset, request: RunRequest): TrainOptions {
  const settings = ofNetwork(resolveSettings({ dataset: { id: "iris" }, ...request }));
  const { training } = settings;
  const { train: trainRows, validation: validationRows } = splitValidation(dataset.train, training.validation, training.seed, dataset.task);
  return { ...assemble(settings, dataset), ...training, data: dataset.train, trainRows, validationRows, initializers: catalog.initializers };
}

const layers = [
  { id: "shift", layer: "RandomShift" },
  { id: "conv", layer: "Conv2D", params: { filters: 4, kernel: [5, 5], strides: [4, 4] } },
  { id: "norm", layer: "BatchNorm" },
  { id: "relu", layer: "Relu" },
  { id: "flatten", layer: "Flatten" },
  { id: "drop", layer: "Dropout", params: { rate: 0.3 } },
  { id: "output", layer: "Dense", params: { units: 10 } },
];
/** Everything that could remember: augmentation, running statistics, dropout, momentum, a schedule, early stopping. 11 steps an epoch. */
const hard = (more: RunRequest = {}) =>
  optionsFor(digits, {
    network: { layers },
    optimizer: { id: "momentum", params: { learningRate: 0.05 } },
    schedule: { id: "cosine" },
    ...more,
    training: { epochs: 4, batchSize: 15, validation: 0.2, patience: 2, clipNorm: 1, ...more.training },
  });

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

const hash = (tensors: Tensors) => {
  const sum = createHash("sha256");
  for (const [name, data] of tensors) sum.update(name).update(data);
  return sum.digest("hex");
};
/** What a run folder keeps of a training. */
interface Kept {
  checkpoint: Checkpoint;
  best?: Tensors;
  epochs: TrainEvent[];
}
const left = ({ checkpoint: { tensors, position }, best, epochs }: Kept) => ({ last: hash(tensors), position, best: best && hash(best), epochs });
/** All that a training leaves behind, but for the speed. */
const result = (events: readonly TrainEvent[]) => {
  const { checkpoint } = only(events, "checkpoint").at(-1)!;
  return left({ checkpoint, best: only(events, "done")[0]!.best, epochs: only(events, "epoch") });
};

/** Trains until `until` says stop, from what was kept before. Positions go through JSON, as in a file. */
async function part(
  options: TrainOptions,
  kept: Kept | undefined,
  until: (event: TrainEvent) => boolean,
): Promise<{ kept: Kept; events: TrainEvent[] }> {
  const stop = new AbortController();
  const events = await collect({ ...options, resume: kept, signal: stop.signal }, (event) => until(event) && stop.abort());
  const checkpoints = only(events, "checkpoint");
  const checkpoint = checkpoints.at(-1)?.checkpoint ?? kept!.checkpoint;
  return {
    events,
    kept: {
      checkpoint: { ...checkpoint, position: JSON.parse(JSON.stringify(checkpoint.position)) },
      best: checkpoints.findLast((c) => c.best)?.best ?? kept?.best,
      epochs: [...(kept?.epochs ?? []), ...only(events, "epoch")],
    },
  };
}

describe("the same seed gives the same bits", () => {
  test("in two trainings, and another seed gives others", async () => {
    const [a, b, other] = [await collect(hard()), await collect(hard()), await collect(hard({ training: { seed: 2 } }))].map(result);
    expect(b).toEqual(a);
    expect(other!.last).not.toBe(a!.last);
    expect(other!.epochs).not.toEqual(a!.epochs);
  });

  test.each([0, 0.002, 10])("whatever a native call holds: %d seconds", async (chunkSeconds) => {
    const options = hard({ training: { batchSize: 3, epochs: 2 } }); // 14 steps to validate
    const events = await collect({ ...options, chunkSeconds });
    if (chunkSeconds === 0) expect(only(events, "progress")).toHaveLength(2 * 54);
    expect(result(events)).toEqual(result(await collect(options)));
  });
});

describe("stopping and resuming gives the bits of never having stopped", () => {
  const stepwise = { chunkSeconds: 0 };
  const plateau = { id: "reduce-on-plateau", params: { patience: 0, factor: 0.5 } };
  const choices: [RunRequest, string][] = [
    [{}, "completed"],
    [{ optimizer: { id: "adam", params: { learningRate: 0.3 } }, schedule: plateau, training: { epochs: 20 } }, "early stopping"],
    [{ optimizer: { id: "adadelta" }, schedule: { id: "one-cycle" }, training: { validation: 0 } }, "completed"],
  ];
  describe.each(choices)("%j, %s", (choice, reason) => {
    let options: TrainOptions;
    let whole: ReturnType<typeof result>;
    beforeAll(async () => {
      options = hard(choice);
      const events = await collect(options);
      expect(only(events, "done")[0]!.reason).toBe(reason);
      whole = result(events);
    });

    test.each([0, 1, 5, 11, 12, 30])("after step %d", async (update) => {
      const first = await part({ ...options, ...stepwise }, undefined, (e) =>
        update ? e.type === "progress" && e.update === update : e.type === "started",
      );
      expect(first.events.at(-1)).toMatchObject({ type: "stopped", position: { update } });
      const rest = await part(options, first.kept, () => false);
      expect(rest.events[0]).toMatchObject({ type: "started", resumedAt: update });
      expect(left(rest.kept)).toEqual(whole);
      expect(hash(only(rest.events, "done")[0]!.best)).toBe(whole.best);
    });
  });

  test("after every single step", async () => {
    const options = hard({ training: { epochs: 2, batchSize: 30 } });
    let kept: Kept | undefined;
    for (let stops = 0; ; stops++) {
      const { events, kept: now } = await part({ ...options, ...stepwise }, kept, (e) => e.type === "progress");
      kept = now;
      if (events.at(-1)!.type === "stopped") continue;
      expect(stops).toBe(12);
      expect(left(kept)).toEqual(result(await collect(options)));
      return;
    }
  });

  test("and so does going on from any checkpoint, as after a crash", async () => {
    const events = await collect({ ...hard(), ...stepwise, checkpointSeconds: 0 });
    const whole = result(events);
    const checkpoints = only(events, "checkpoint");
    expect(checkpoints.length).toBeGreaterThan(20);
    for (const n of [0, 3, 10, 11, 12, 17]) {
      const best = checkpoints.slice(0, n + 1).findLast((c) => c.best)?.best;
      const { epochs, ...after } = result(await collect({ ...hard(), resume: { checkpoint: checkpoints[n]!.checkpoint, best } }));
      expect({ ...after, epochs: [...whole.epochs.slice(0, -epochs.length), ...epochs] }).toEqual(whole);
    }
  });

  test("a training that was over is over at once, with the same best weights", async () => {
    const first = await part(hard(), undefined, () => false);
    const again = await part(hard(), first.kept, () => false);
    expect(again.events.map((e) => e.type)).toEqual(["started", "done"]);
    expect(hash(only(again.events, "done")[0]!.best)).toBe(result(first.events).best);
  });
});

test("a stop before the first step leaves a checkpoint of the initial weights", async () => {
  const events = await collect({ ...hard(), signal: AbortSignal.abort() });
  expect(events.map((e) => e.type)).toEqual(["started", "checkpoint", "stopped"]);
  const { checkpoint } = only(events, "checkpoint")[0]!;
  expect(hash(checkpoint.tensors)).toBe(hash(initialTensors(hard().plan.spec, catalog.initializers, 1)));
  expect(checkpoint.position).toEqual({ epoch: 0, step: 0, update: 0, sums: { loss: 0, score: 0, samples: 0 }, losses: [] });
});

test("a checkpoint holds the weights, the running statistics and the optimizer's memory", async () => {
  const { checkpoint } = only(await collect(hard({ training: { epochs: 1 } })), "checkpoint").at(-1)!;
  const weights = ["conv.weight", "conv.bias", "norm.weight", "norm.bias", "output.weight", "output.bias"];
  expect([...checkpoint.tensors.keys()].sort()).toEqual([...weights, ...weights.map((w) => `${w}@v`), "norm.mean", "norm.variance"].sort());
});

describe("an epoch", () => {
  const still = (batchSize: number, more: RunRequest = {}) =>
    optionsFor(flowers, { ...more, optimizer: { id: "sgd", params: { learningRate: 0 } }, training: { batchSize, epochs: 1, ...more.training } });

  /** With a rate of zero the weights stay, so that the epoch's mean over batches must be the mean over samples. */
  test.each([1, 7, 64, 108, 500])("counts each sample exactly once with batches of %d", async (batchSize) => {
    const options = still(batchSize);
    const events = await collect(options);
    const { loss, score } = only(events, "epoch")[0]!;
    expect(only(events, "started")[0]).toMatchObject({ samples: 108, stepsPerEpoch: Math.ceil(108 / batchSize) });
    expect(only(events, "progress").at(-1)).toMatchObject({ step: Math.ceil(108 / batchSize), epoch: 1 });

    const session = await Session.open(options.plan.evaluate);
    const tensors = initialTensors(options.plan.spec, catalog.initializers, options.seed);
    const { measure, predictions, confusion } = await evaluateRows(session, options.plan.spec, options.data, options.trainRows, tensors);
    await session.close();
    expect(measure.loss).toBeCloseTo(loss, 5);
    expect(measure.score).toBeCloseTo(score, 5);
    expect(confusion!.flat().reduce((a, b) => a + b)).toBe(108);
    const correct = options.trainRows.filter((row, i) => options.data.targets[row] === predictions[i]).length;
    expect(correct / 108).toBe(measure.score);
  });

  test("has an order of its own", async () => {
    const events = await collect({ ...still(18, { training: { epochs: 2 } }), chunkSeconds: 0 });
    const losses = only(events, "progress").map(({ loss }) => loss);
    expect(losses).toHaveLength(12);
    expect(losses.slice(6)).not.toEqual(losses.slice(0, 6));
    const [first, second] = only(events, "epoch");
    expect(second!.loss).toBeCloseTo(first!.loss, 6);
  });

  test("is chosen by its training loss where there is no validation", async () => {
    const events = await collect(optionsFor(flowers, { training: { epochs: 3, validation: 0 } }));
    const epochs = only(events, "epoch");
    expect(epochs.map((e) => e.validation)).toEqual([undefined, undefined, undefined]);
    expect(only(events, "started")[0]!.samples).toBe(120);
    expect(only(events, "checkpoint").at(-1)!.checkpoint.position.losses).toEqual(epochs.map((e) => e.loss));
  });
});

describe("the best weights", () => {
  test("are those of the epoch with the lowest validation loss", async () => {
    const options = hard({ training: { epochs: 6, patience: 0 }, optimizer: { id: "adam", params: { learningRate: 0.3 } } });
    const events = await collect(options);
    const losses = only(events, "epoch").map((e) => e.validation!.loss);
    const { best, bestEpoch } = only(events, "done")[0]!;
    expect(bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
    expect(bestEpoch).toBeLessThan(6); // or the test would say nothing
    const session = await Session.open(options.plan.evaluate);
    const { measure } = await evaluateRows(session, options.plan.spec, options.data, options.validationRows, best);
    await session.close();
    expect(measure.loss).toBe(losses[bestEpoch - 1]);
  });

  test("come with a checkpoint whenever they changed, and only then", async () => {
    const events = await collect({ ...hard({ training: { epochs: 6, patience: 0 } }), chunkSeconds: 0, checkpointSeconds: 0 });
    let changed = false;
    for (const event of events) {
      if (event.type === "epoch") changed ||= event.best;
      if (event.type !== "checkpoint") continue;
      expect(event.best !== undefined).toBe(changed);
      changed = false;
    }
    expect(changed).toBe(false);
  });
});

test("training stops when the loss has not fallen for `patience` epochs", async () => {
  const options = optionsFor(flowers, { optimizer: { id: "sgd", params: { learningRate: 0 } }, training: { epochs: 50, patience: 3 } });
  const events = await collect(options);
  expect(only(events, "epoch").map((e) => e.best)).toEqual([true, false, false, false]);
  expect(only(events, "done")[0]).toMatchObject({ reason: "early stopping", bestEpoch: 1 });
});

test("an evaluation stops where it is when told so", async () => {
  const { plan, data, trainRows, initializers, seed } = hard();
  const session = await Session.open(plan.evaluate);
  const signal = AbortSignal.abort(new Error("enough"));
  const tensors = initialTensors(plan.spec, initializers, seed);
  await expect(evaluateRows(session, plan.spec, data, trainRows, tensors, { signal })).rejects.toThrow("enough");
  await session.close();
});

describe("numbers that are no numbers fail the training, with what to do:", () => {
  const failure = async (options: TrainOptions) => {
    const events: TrainEvent[] = [];
    const error = await (async () => {
      for await (const event of train(options)) events.push(event);
    })().catch((e) => e);
    return { error: [error.code, error.message, error.fix], events };
  };
  const fix = "Train again with a smaller learning rate, for example 1e+29, or clip the gradient.";
  const steep = (learningRate: number, weightDecay = 0) => ({
    optimizer: { id: "sgd", params: { learningRate, weightDecay } },
    schedule: { id: "constant" },
  });
  const wild = steep(1e30);

  test("a loss, at the step where it came", async () => {
    const { error } = await failure(optionsFor(flowers, { ...wild, training: { batchSize: 20 } }));
    expect(error).toEqual([
      "LOSS_NOT_FINITE",
      "the loss became NaN at step 2 (epoch 1) with learning rate 1e+30",
      `${fix} No checkpoint had been written yet.`,
    ]);
  });

  test("with the rate that the schedule made, and a suggestion for the one that was given", async () => {
    const schedule = { id: "step", params: { epochs: 1, factor: 0.5 } };
    const { error } = await failure(optionsFor(flowers, { ...steep(1e7), schedule, training: { batchSize: 500, epochs: 9 } }));
    expect(error[1]).toMatch(/^the (validation )?loss became NaN at step \d \(epoch \d\) with learning rate (5000000|2500000|1250000|625000)$/);
    expect(error[2]).toMatch(/^Train again with a smaller learning rate, for example 1000000, or clip the gradient\. /);
  });

  test("a validation loss, when an epoch's last step went wrong", async () => {
    const { error, events } = await failure(optionsFor(flowers, { ...wild, training: { batchSize: 500, epochs: 3 } }));
    expect(error).toEqual([
      "LOSS_NOT_FINITE",
      "the validation loss became NaN at step 1 (epoch 1) with learning rate 1e+30",
      `${fix} No checkpoint had been written yet.`,
    ]);
    expect(events.map((e) => e.type)).toEqual(["started", "progress"]);
  });

  test("a weight, before it reaches a checkpoint", async () => {
    const { error, events } = await failure(optionsFor(flowers, { ...steep(1e38, 1000), training: { batchSize: 500, validation: 0 } }));
    expect(error[1]).toMatch(/^the tensor "dense1.weight" became -?Infinity at step 1 \(epoch 1\) with learning rate 1e\+38$/);
    expect(only(events, "checkpoint")).toEqual([]);
  });

  test("and the last good checkpoint is named", async () => {
    const calm = optionsFor(flowers, { training: { batchSize: 20, validation: 0 } });
    const { kept } = await part(calm, undefined, (e) => e.type === "started");
    const options = { ...optionsFor(flowers, { ...wild, training: { batchSize: 20 } }), plan: calm.plan, hyperparameters: calm.hyperparameters };
    const { error } = await failure({ ...options, resume: kept, checkpointPath: "runs/a/checkpoints/last.safetensors" });
    expect(error[2]).toBe(`${fix} The last good checkpoint is runs/a/checkpoints/last.safetensors.`);
  });
});
