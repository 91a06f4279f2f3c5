/** From a request to what is trained: defaults, every problem at once, and what must fit together. */
import { describe, expect, test } from "vitest";
import { loaded, ofNetwork } from "../../test/datasets.ts";
import type { Dataset } from "../shared/dataset.ts";
import { assemble, networkOf } from "./assemble.ts";
import { catalog } from "./index.ts";
import { defaults, type RunRequest, resolveSettings } from "./run-settings.ts";

const iris = { dataset: { id: "iris" } };
const problems = (request: RunRequest): string[] => {
  try {
    resolveSettings(request);
    return [];
  } catch (error) {
    return (error instanceof AggregateError ? error.errors : [error]).map(({ code, message }) => `${code}: ${message}`);
  }
};

describe("settings", () => {
  test("have every parameter of every part, defaults included", () => {
    const settings = ofNetwork(resolveSettings({ ...iris, model: { id: "mlp", params: { hidden: [3, 2] } }, training: { epochs: 7 } }));
    expect(settings.model).toEqual({ id: "mlp", params: { hidden: [3, 2], activation: "Relu", dropout: 0 } });
    expect(settings.optimizer.id).toBe(defaults.optimizer);
    expect(Object.keys(settings.optimizer.params)).toEqual(["learningRate", "beta1", "beta2", "epsilon", "weightDecay"]);
    expect(settings.training).toEqual({
      epochs: 7,
      batchSize: 64,
      seed: 1,
      validation: 0.1,
      patience: 0,
      clipNorm: 0,
      clipValue: 0,
      device: "cpu",
      threads: 0,
      sampleWeights: "",
    });
  });

  test("are the same when they are given back as a request", () => {
    const settings = resolveSettings({ ...iris, schedule: { id: "one-cycle" }, path: "/x", training: { seed: 3 } });
    expect(resolveSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  });

  test.each([
    ["iris", "mlp"],
    ["mnist", "cnn"],
    ["table", "mlp"],
  ])("for %s suggest model %s", (id, model) => {
    expect(resolveSettings({ dataset: { id } }).model.id).toBe(model);
  });

  test("take the loss from the task where none is named", () => {
    expect(ofNetwork(resolveSettings(iris, { id: "some", task: "classification" })).loss.id).toBe("cross-entropy");
    expect(ofNetwork(resolveSettings(iris, { id: "some", task: "regression" })).loss.id).toBe("mean-squared-error");
    expect(ofNetwork(resolveSettings({ ...iris, loss: { id: "huber" } }, { id: "some", task: "regression" })).loss.id).toBe("huber");
  });

  test("count the epochs that a word asks for by the samples: enough updates of few, and never fewer than it says", () => {
    const epochs = (training: Record<string, unknown>, train?: number) =>
      resolveSettings({ ...iris, training }, { id: "some", task: "classification", ...(train && { records: { train } }) }).training;
    expect(epochs({}, 120)).toMatchObject({ epochs: 200 }); // two steps an epoch
    expect(epochs({ batchSize: 16 }, 120)).toMatchObject({ epochs: 50 });
    expect(epochs({ epochs: "usual" }, 60_000)).toMatchObject({ epochs: 5 });
    expect(epochs({ epochs: "thorough" }, 1500)).toMatchObject({ epochs: 167 });
    expect(epochs({ epochs: "thorough" })).toMatchObject({ epochs: 20 });
    expect(epochs({ epochs: 3 }, 120)).toMatchObject({ epochs: 3 });
  });

  test("need every optimizer to have a learning rate, which schedules change", () => {
    expect(catalog.optimizers.filter(({ params }) => params.learningRate?.type !== "number").map(({ id }) => id)).toEqual([]);
  });
});

describe("a request is refused", () => {
  test("with all its problems at once", () => {
    const request: RunRequest = {
      dataset: { id: "mnits" },
      model: { id: "mlp", params: { hidden: [0], layers: 3 } },
      optimizer: { id: "adam", params: { learningRate: -1, beta1: "0.9" } },
      schedule: { id: "cosine", params: { final: 2 } },
      training: { epochs: 1.5, batchSize: 0, validation: 1, device: "abacus" },
    };
    expect(problems(request)).toEqual([
      'UNKNOWN_ENTRY: there is no dataset "mnits"',
      'UNKNOWN_PARAMETER: model "mlp" has no parameter "layers"',
      'BAD_PARAMETER: model "mlp": hidden must be a list of integers of at least 1, but is [0]',
      'BAD_PARAMETER: optimizer "adam": learningRate must be a number of at least 0, but is -1',
      'BAD_PARAMETER: optimizer "adam": beta1 must be a number from 0 to 0.99999, but is "0.9"',
      'BAD_PARAMETER: schedule "cosine": final must be a number from 0 to 1, but is 2',
      "BAD_PARAMETER: training: epochs must be an integer of at least 1, or quick or usual or thorough, but is 1.5",
      "BAD_PARAMETER: training: batchSize must be an integer of at least 1, but is 0",
      "BAD_PARAMETER: training: validation must be a number from 0 to 0.9, but is 1",
      'BAD_PARAMETER: training: device must be one of cpu, cuda, webgpu, coreml, dml, but is "abacus"',
    ]);
  });

  test("with a network for a model that has its own, or without one for the model that has none", () => {
    const network = { layers: [{ id: "output", layer: "Dense", params: { units: 3 } }] };
    expect(problems({ ...iris, network })).toEqual([]);
    expect(problems({ ...iris, network, model: { id: "mlp" } })).toEqual(['BAD_USAGE: model "mlp" takes no network']);
    expect(problems({ ...iris, model: { id: "custom" } })).toEqual(['BAD_USAGE: model "custom" needs a network']);
    expect(problems({ ...iris, network: { layers: [] } })).toEqual(["BAD_NETWORK: network.layers must be a list of at least one layer, but is []"]);
  });
});

describe("a dataset", async () => {
  const flowers = await loaded("iris");
  const weights = await loaded("table", { path: "test/data/height-weight.csv" });
  const refusal = (request: RunRequest, dataset: Dataset): string => {
    try {
      assemble(ofNetwork(resolveSettings({ ...iris, ...request }, dataset)), dataset);
      return "accepted";
    } catch (error) {
      const { code, message } = error as Error & { code: string };
      return `${code}: ${message}`;
    }
  };

  test("is refused by parts that are made for another task", () => {
    expect(refusal({ loss: { id: "huber" } }, flowers)).toBe(
      'TASK_MISMATCH: loss "huber" is for regression, but dataset "iris" is a classification task',
    );
    expect(refusal({ model: { id: "softmax-regression" } }, weights)).toBe(
      'TASK_MISMATCH: model "softmax-regression" is for classification, but dataset "table" is a regression task',
    );
  });

  test("is refused by what is made for other samples", () => {
    expect(refusal({ model: { id: "cnn" } }, flowers)).toBe('SAMPLES_MISMATCH: model "cnn" is for pictures, but dataset "iris" has rows of a table');
    expect(refusal({ augmentation: [{ layer: "RandomFlip" }] }, flowers)).toBe(
      'SAMPLES_MISMATCH: layer "RandomFlip" is for pictures, but dataset "iris" has rows of a table',
    );
  });

  test("is refused by a network whose shapes do not fit it", () => {
    const convolution = { layers: [{ id: "conv1", layer: "Conv2D" }] };
    expect(refusal({ network: convolution }, flowers)).toMatch(
      /^LAYER_SHAPE_MISMATCH: layer "conv1" \(Conv2D\) expects .+, but "input" gives \[batch, 4\]$/,
    );
    const network = { layers: [{ id: "out", layer: "Dense", params: { units: 5 } }] };
    expect(refusal({ network }, flowers)).toBe(
      'OUTPUT_SHAPE_MISMATCH: the last layer "out" must give [batch, 3] (one output per class, 3 in this dataset), but gives [batch, 5]',
    );
  });

  test.each(catalog.optimizers.filter(({ params }) => "weightDecay" in params).map(({ id }) => id))(
    "is taken by optimizer %s, whose graph holds no term that is zero for good",
    (id) => {
      const { plan, hyperparameters } = assemble(ofNetwork(resolveSettings({ ...iris, optimizer: { id, params: { weightDecay: 0 } } })), flowers);
      expect(plan.spec.hyperparameters).not.toContain("optimizer.weightDecay");
      for (const name of plan.spec.hyperparameters) expect(hyperparameters[name]).toBeTypeOf("number");
      const decaying = assemble(ofNetwork(resolveSettings({ ...iris, optimizer: { id, params: { weightDecay: 0.1 } } })), flowers);
      expect(decaying.plan.spec.hyperparameters).toContain("optimizer.weightDecay");
      expect(decaying.hyperparameters["optimizer.weightDecay"]).toBe(0.1);
    },
  );
});

describe("augmentation", () => {
  const augmentation = [
    { layer: "RandomShift", params: { right: 3 } },
    { layer: "RandomCrop", params: { size: [24, 20], padding: 0 } },
  ];
  const settings = ofNetwork(resolveSettings({ dataset: { id: "mnist" }, augmentation }));

  test("stands before the network, with every parameter, and the network reads what it leaves", () => {
    expect(settings.augmentation).toEqual([
      { layer: "RandomShift", params: { down: 2, right: 3 } },
      { layer: "RandomCrop", params: { size: [24, 20], padding: 0 } },
    ]);
    const { layers } = networkOf(settings, [1, 28, 28], 10);
    expect(layers.slice(0, 3).map(({ id, inputs, outputShape }) => [id, inputs, outputShape])).toEqual([
      ["augmentation-1", ["input"], [1, 28, 28]],
      ["augmentation-2", ["augmentation-1"], [1, 24, 20]],
      ["conv1", ["augmentation-2"], [32, 22, 18]],
    ]);
  });

  test("stands before a network of one's own too, wherever that reads the sample", () => {
    const network = {
      layers: [
        { id: "flat", layer: "Flatten" },
        { id: "again", layer: "Flatten", inputs: ["input"] },
        { id: "both", layer: "Concat", inputs: ["flat", "again"] },
        { id: "out", layer: "Dense", params: { units: 10 } },
      ],
    };
    const { layers } = networkOf({ ...settings, network }, [1, 28, 28], 10);
    expect(layers.map(({ inputs }) => inputs)).toEqual([
      ["input"],
      ["augmentation-1"],
      ["augmentation-2"],
      ["augmentation-2"],
      ["flat", "again"],
      ["both"],
    ]);
  });

  test("left out leaves no trace in the settings", () => {
    expect(resolveSettings({ ...iris, augmentation: [] })).toEqual(resolveSettings(iris));
  });
});
