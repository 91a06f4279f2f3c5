/** Networks of catalog layers: their sizes, the sentences with which a wrong one is refused, and shortcuts. */
import { describe, expect, test } from "vitest";
import { catalog } from "../../src/catalog/index.ts";
import { input } from "../../src/engine/graph.ts";
import type { LayerDescription } from "../../src/engine/kinds.ts";
import { checkNetwork } from "../../src/engine/network.ts";
import { Session, tensor } from "../../src/engine/session.ts";
import { modelNetwork, planOf } from "./plans.ts";

const check = (layers: readonly LayerDescription[], sampleShape: readonly number[] = [1, 28, 28]) =>
  checkNetwork({ layers }, catalog.layers, sampleShape);
const parameters = (model: string, sampleShape: readonly number[]) =>
  check(modelNetwork(model, sampleShape, 10).layers, sampleShape).layers.reduce((n, l) => n + l.parameters, 0);

describe("the number of parameters", () => {
  test.each([
    ["softmax-regression", [1, 28, 28], 7_850],
    ["mlp", [1, 28, 28], 101_770],
    ["lenet-5", [1, 28, 28], 61_706],
    ["cnn", [1, 28, 28], 1_199_882],
    ["resnet-8", [3, 32, 32], 78_042],
  ])("%s on %j has %i", (model, shape, want) => {
    expect(parameters(model, shape)).toBe(want);
  });
});

test("each layer knows its output's shape, its parameters and its floating-point operations", () => {
  const { layers, outputShape } = check(modelNetwork("lenet-5", [1, 28, 28], 10).layers);
  expect(outputShape).toEqual([10]);
  expect(layers.map((l) => [l.id, l.outputShape, l.parameters, l.flops])).toEqual([
    ["conv1", [6, 28, 28], 6 * 25 + 6, 2 * 25 * 6 * 28 * 28],
    ["pool1", [6, 14, 14], 0, 4 * 6 * 14 * 14],
    ["relu1", [6, 14, 14], 0, 6 * 14 * 14],
    ["conv2", [16, 10, 10], 16 * 6 * 25 + 16, 2 * 6 * 25 * 16 * 10 * 10],
    ["pool2", [16, 5, 5], 0, 4 * 16 * 5 * 5],
    ["relu2", [16, 5, 5], 0, 16 * 5 * 5],
    ["flatten", [400], 0, 0],
    ["dense1", [120], 400 * 120 + 120, 2 * 400 * 120],
    ["relu3", [120], 0, 120],
    ["dense2", [84], 120 * 84 + 84, 2 * 120 * 84],
    ["relu4", [84], 0, 84],
    ["output", [10], 84 * 10 + 10, 2 * 84 * 10],
  ]);
});

test.each([
  ["a depthwise convolution", { layer: "DepthwiseConv2D", params: { multiplier: 2 } }, [6, 6, 6], 6 * 9 + 6, 2 * 9 * 6 * 36],
  ["a convolution in groups, without bias", { layer: "Conv2D", params: { filters: 6, groups: 3, bias: false } }, [6, 6, 6], 6 * 9, 2 * 9 * 6 * 36],
  [
    "a strided convolution that keeps size / stride",
    { layer: "Conv2D", params: { filters: 2, strides: [3, 3], padding: "same" } },
    [2, 3, 3],
    56,
    2 * 27 * 18,
  ],
  ["pooling with overlap", { layer: "MaxPool", params: { size: [3, 3], strides: [2, 2], padding: "same" } }, [3, 4, 4], 0, 9 * 3 * 16],
  ["pooling with a stride in one direction alone", { layer: "AveragePool", params: { size: [2, 2], strides: [1, 0] } }, [3, 7, 4], 0, 4 * 3 * 28],
  ["global pooling", { layer: "GlobalAveragePool" }, [3], 0, 3 * 64],
  ["dropout when it predicts", { layer: "Dropout" }, [3, 8, 8], 0, 0],
])("the size of %s on [3, 8, 8]", (_, layer, shape, size, flops) => {
  const [summary] = check([{ id: "one", ...layer }], [3, 8, 8]).layers;
  expect([summary!.outputShape, summary!.parameters, summary!.flops]).toEqual([shape, size, flops]);
});

describe("a description of the wrong form", () => {
  const layer = { id: "a", layer: "Relu" };
  test.each([
    ["network must be an object, but is 3", 3],
    ["network must be an object, but is null", null],
    ["network.layers must be a list of layers, but is missing", {}],
    ["network.layers must be a list of at least one layer, but is []", { layers: [] }],
    ["network.lyers must be left out, but is 1", { layers: [layer], lyers: 1 }],
    ['network.layers[1] must be an object, but is "Relu"', { layers: [layer, "Relu"] }],
    ["network.layers[0].layer must be the name of a layer kind, but is missing", { layers: [{ id: "a" }] }],
    ['network.layers[0].id must be letters, digits, _ and -, starting with a letter, but is "1 a"', { layers: [{ ...layer, id: "1 a" }] }],
    ["network.layers[0].params must be an object of parameters, but is [1]", { layers: [{ ...layer, params: [1] }] }],
    ['network.layers[0].inputs must be a list of names, but is "a"', { layers: [{ ...layer, inputs: "a" }] }],
    ["network.layers[0].inputs must be a list of at least one name, but is []", { layers: [{ ...layer, inputs: [] }] }],
    ["network.layers[0].inputs[1] must be the name of a layer, but is 3", { layers: [{ ...layer, inputs: ["input", 3] }] }],
    ['network.layers[0].activation must be left out, but is "Relu"', { layers: [{ ...layer, activation: "Relu" }] }],
    ['network.layers[1].id must be a name that no other layer has, but is "a"', { layers: [layer, layer] }],
    ['network.layers[0].id must be a name that no other layer has, but is "input"', { layers: [{ ...layer, id: "input" }] }],
    [
      'network.layers[1].inputs must be names of layers before it (input, a), but is "c"',
      { layers: [layer, { id: "b", layer: "Relu", inputs: ["c"] }] },
    ],
    ['network.layers[0].inputs must be names of layers before it (input), but is "a"', { layers: [{ ...layer, inputs: ["a"] }] }],
    [
      'network.layers[0].inputs must be one name, as Relu reads one layer, but is ["input","input"]',
      { layers: [{ ...layer, inputs: ["input", "input"] }] },
    ],
  ])("%s", (message, json) => {
    const fix = "Correct the network description: { name, layers: [{ id, layer, params, inputs }] }.";
    expect(() => checkNetwork(json, catalog.layers, [1, 28, 28])).toThrow(expect.objectContaining({ code: "BAD_NETWORK", message, fix }));
  });
});

describe("a layer that does not fit", () => {
  const mismatch = (message: string, got: string, from = "input") => ({
    code: "LAYER_SHAPE_MISMATCH",
    message,
    fix: `Change ${/"(\w+)"/.exec(message)![1]} to accept ${got}, or reshape the output of ${from}.`,
  });
  test.each<[object, LayerDescription[]]>([
    [
      mismatch('layer "dense" (Dense) expects [batch, features], but "input" gives [batch, 1, 28, 28]', "[batch, 1, 28, 28]"),
      [{ id: "dense", layer: "Dense" }],
    ],
    [
      mismatch('layer "conv" (Conv2D) expects [batch, channels, height, width], but "flat" gives [batch, 784]', "[batch, 784]", "flat"),
      [
        { id: "flat", layer: "Flatten" },
        { id: "conv", layer: "Conv2D" },
      ],
    ],
    [
      mismatch(
        'layer "conv" (Conv2D) expects channels and filters that divide into 2 groups, but "input" gives [batch, 1, 28, 28]',
        "[batch, 1, 28, 28]",
      ),
      [{ id: "conv", layer: "Conv2D", params: { groups: 2 } }],
    ],
    [
      mismatch('layer "conv" (Conv2D) expects an input large enough for its window, but "input" gives [batch, 1, 28, 28]', "[batch, 1, 28, 28]"),
      [{ id: "conv", layer: "Conv2D", params: { kernel: [3, 29] } }],
    ],
    [
      mismatch('layer "pool" (MaxPool) expects an input large enough for its window, but "input" gives [batch, 1, 28, 28]', "[batch, 1, 28, 28]"),
      [{ id: "pool", layer: "MaxPool", params: { size: [29, 1] } }],
    ],
    [
      mismatch(
        'layer "crop" (RandomCrop) expects a picture of at least 40 by 30 with its padding, but "input" gives [batch, 1, 28, 28]',
        "[batch, 1, 28, 28]",
      ),
      [{ id: "crop", layer: "RandomCrop", params: { size: [40, 30], padding: 2 } }],
    ],
    [
      mismatch('layer "shape" (Reshape) expects [batch, ...] of 783 values a sample, but "input" gives [batch, 1, 28, 28]', "[batch, 1, 28, 28]"),
      [{ id: "shape", layer: "Reshape", params: { shape: [783] } }],
    ],
    [
      mismatch(
        'layer "sum" (Add) expects layers of equal shape, but "flat and input" gives [batch, 784] and [batch, 1, 28, 28]',
        "[batch, 784] and [batch, 1, 28, 28]",
        "flat and input",
      ),
      [
        { id: "flat", layer: "Flatten" },
        { id: "sum", layer: "Add", inputs: ["flat", "input"] },
      ],
    ],
    [
      mismatch(
        'layer "join" (Concat) expects layers that differ only along axis 1, but "pool and input" gives [batch, 1, 14, 14] and [batch, 1, 28, 28]',
        "[batch, 1, 14, 14] and [batch, 1, 28, 28]",
        "pool and input",
      ),
      [
        { id: "pool", layer: "MaxPool" },
        { id: "join", layer: "Concat", inputs: ["pool", "input"] },
      ],
    ],
    [
      {
        code: "UNKNOWN_ENTRY",
        message: 'there is no layer kind for "fc": "Linear"',
        fix: `Choose one of: ${catalog.layers.map((l) => l.id).join(", ")}.`,
      },
      [{ id: "fc", layer: "Linear" }],
    ],
    [
      { code: "UNKNOWN_PARAMETER", message: 'layer "fc" (Dense) has no parameter "size"', fix: "Choose from: units, bias, initializer, constant." },
      [{ id: "fc", layer: "Dense", params: { size: 3 } }],
    ],
    [
      {
        code: "UNKNOWN_PARAMETER",
        message: 'layer "flat" (Flatten) has no parameter "axis"',
        fix: 'Leave it out: layer "flat" (Flatten) takes no parameters.',
      },
      [{ id: "flat", layer: "Flatten", params: { axis: 1 } }],
    ],
    [
      {
        code: "BAD_PARAMETER",
        message: 'layer "fc" (Dense): units must be an integer of at least 1, but is 0',
        fix: "Give units as an integer of at least 1.",
      },
      [{ id: "fc", layer: "Dense", params: { units: 0 } }],
    ],
    [
      {
        code: "BAD_PARAMETER",
        message: 'layer "pool" (MaxPool): strides must be a list of 2 integers of at least 0, but is [2]',
        fix: "Give strides as a list of 2 integers of at least 0.",
      },
      [{ id: "pool", layer: "MaxPool", params: { strides: [2] } }],
    ],
  ])("%o", (want, layers) => {
    expect(() => check(layers)).toThrow(expect.objectContaining(want));
  });

  test.each([
    [10, "[batch, 10]", "one output per class, 10 in this dataset"],
    [1, "[batch, 1]", "one value, as the task is regression"],
  ])("the last layer must give %i outputs", (outputs, want, why) => {
    const wide = { layers: [{ id: "flat", layer: "Flatten" }] };
    expect(() => planOf(wide, [1, 28, 28], outputs)).toThrow(
      expect.objectContaining({
        code: "OUTPUT_SHAPE_MISMATCH",
        message: `the last layer "flat" must give ${want} (${why}), but gives [batch, 784]`,
        fix: `End the network with a layer whose output is ${want}.`,
      }),
    );
  });
});

test("a layer may read any layers before it: shortcuts, joins and branches", async () => {
  const twice = { layer: "Dense", params: { units: 2, bias: false, initializer: "constant" } };
  const network = check(
    [
      { id: "a", ...twice },
      { id: "b", layer: "Rescale", params: { scale: 10 }, inputs: ["input"] },
      { id: "sum", layer: "Add", inputs: ["a", "b", "input"] },
      { id: "join", layer: "Concat", inputs: ["sum", "input", "a"] },
      { id: "output", layer: "Abs" },
    ],
    [2],
  );
  expect(network.outputShape).toEqual([6]);
  const [x, w] = [input("x", "float32", ["batch", 2]), input("a.weight", "float32", [2, 2])];
  const { output } = network.build({ x, tensors: new Map([["a.weight", w]]) });
  const session = await Session.open({ name: "test", inputs: [x, w], outputs: { output } });
  const result = await session.run({ x: tensor([2, 2], [1, 2, 0, -1]), "a.weight": tensor([2, 2], [1, 2, 3, 4]) });
  await session.close();
  // a = x · w = [7, 10], [-3, -4]
  expect([...result.output!.data]).toEqual([7 + 11, 10 + 22, 1, 2, 7, 10, 3, 4 + 11, 0, 1, 3, 4]);
});
