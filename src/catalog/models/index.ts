/** Ready-made networks. Each is a network description, so it can be exported, changed and given back as `custom`. */
import { type LayerDescription, type ModelKind, model } from "../../engine/kinds.ts";
import { choice, integer, integers, number, numbers } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";

const both = ["classification", "regression"] as const;
const single = (...layers: LayerDescription[]) => ({ layers });

export const softmaxRegression = model({
  id: "softmax-regression",
  title: "Softmax regression",
  summary: "One weighted sum per class: the simplest classifier, and a good baseline.",
  reference: "https://en.wikipedia.org/wiki/Multinomial_logistic_regression",
  tasks: ["classification"],
  params: {},
  network: (_, outputs) =>
    single({ id: "flatten", layer: "Flatten" }, { id: "output", layer: "Dense", params: { units: outputs, initializer: "zeros" } }),
});

export const mlp = model({
  id: "mlp",
  title: "Multilayer perceptron",
  summary: "Dense layers with an activation between them: the usual network for tables.",
  reference: "https://en.wikipedia.org/wiki/Multilayer_perceptron",
  tasks: both,
  params: {
    hidden: integers({ default: [128], min: 1, help: "Units of each hidden layer." }),
    activation: choice({
      default: "Relu",
      options: ["Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus", "Gelu", "HardSwish"],
      help: "What bends the hidden units.",
    }),
    dropout: number({ default: 0, min: 0, max: 0.99, help: "Share of hidden units dropped in training." }),
  },
  network: (_, outputs, { hidden, activation, dropout }) =>
    single(
      { id: "flatten", layer: "Flatten" },
      ...hidden.flatMap((units, i) => [
        { id: `dense${i + 1}`, layer: "Dense", params: { units } },
        { id: `activation${i + 1}`, layer: activation },
        ...(dropout ? [{ id: `dropout${i + 1}`, layer: "Dropout", params: { rate: dropout } }] : []),
      ]),
      { id: "output", layer: "Dense", params: { units: outputs, initializer: "glorot-uniform" } },
    ),
});

export const lenet5 = model({
  id: "lenet-5",
  title: "LeNet-5",
  summary: "The classic small convolutional network for digits, with ReLU and max pooling.",
  reference: "https://doi.org/10.1109/5.726791",
  tasks: both,
  of: "pictures",
  params: {},
  network: (_, outputs) =>
    single(
      { id: "conv1", layer: "Conv2D", params: { filters: 6, kernel: [5, 5], padding: "same" } },
      { id: "pool1", layer: "MaxPool" },
      { id: "relu1", layer: "Relu" },
      { id: "conv2", layer: "Conv2D", params: { filters: 16, kernel: [5, 5] } },
      { id: "pool2", layer: "MaxPool" },
      { id: "relu2", layer: "Relu" },
      { id: "flatten", layer: "Flatten" },
      { id: "dense1", layer: "Dense", params: { units: 120 } },
      { id: "relu3", layer: "Relu" },
      { id: "dense2", layer: "Dense", params: { units: 84 } },
      { id: "relu4", layer: "Relu" },
      { id: "output", layer: "Dense", params: { units: outputs, initializer: "glorot-uniform" } },
    ),
});

export const cnn = model({
  id: "cnn",
  title: "Convolutional network",
  summary: "Two convolutions, max pooling and two dense layers with dropout: the common MNIST example.",
  reference: "https://github.com/pytorch/examples/blob/main/mnist/main.py",
  tasks: both,
  of: "pictures",
  params: {
    filters: integers({ default: [32, 64], length: 2, min: 1, help: "Filters of the two convolutions." }),
    units: integer({ default: 128, min: 1, help: "Units of the hidden dense layer." }),
    dropout: numbers({
      default: [0.25, 0.5],
      length: 2,
      min: 0,
      max: 0.99,
      help: "Share of values dropped after pooling and after the dense layer.",
    }),
  },
  // ReLU after max pooling is the same function as before it, on a quarter of the values.
  network: (_, outputs, { filters, units, dropout }) =>
    single(
      { id: "conv1", layer: "Conv2D", params: { filters: filters[0] } },
      { id: "relu1", layer: "Relu" },
      { id: "conv2", layer: "Conv2D", params: { filters: filters[1] } },
      { id: "pool", layer: "MaxPool" },
      { id: "relu2", layer: "Relu" },
      { id: "dropout1", layer: "Dropout", params: { rate: dropout[0] } },
      { id: "flatten", layer: "Flatten" },
      { id: "dense", layer: "Dense", params: { units } },
      { id: "relu3", layer: "Relu" },
      { id: "dropout2", layer: "Dropout", params: { rate: dropout[1] } },
      { id: "output", layer: "Dense", params: { units: outputs, initializer: "glorot-uniform" } },
    ),
});

/** One residual block: two 3x3 convolutions with batch norm beside a shortcut, which is a 1x1 convolution where the shape changes. */
const block = (name: string, from: string, filters: number, stride: number): LayerDescription[] => {
  const conv = (id: string, input: string, size: number, step: number): LayerDescription[] => [
    {
      id: `${id}-conv`,
      layer: "Conv2D",
      inputs: [input],
      params: { filters, kernel: [size, size], strides: [step, step], padding: "same", bias: false },
    },
    { id: `${id}-norm`, layer: "BatchNorm" },
  ];
  return [
    ...conv(`${name}-1`, from, 3, stride),
    { id: `${name}-relu1`, layer: "Relu" },
    ...conv(`${name}-2`, `${name}-relu1`, 3, 1),
    ...(stride > 1 ? conv(`${name}-short`, from, 1, stride) : []),
    { id: `${name}-add`, layer: "Add", inputs: [`${name}-2-norm`, stride > 1 ? `${name}-short-norm` : from] },
    { id: `${name}-relu2`, layer: "Relu" },
  ];
};

export const resnet8 = model({
  id: "resnet-8",
  title: "ResNet-8",
  summary: "Three stages of residual blocks with batch norm, for small colour pictures.",
  reference: "https://arxiv.org/abs/2106.07597",
  tasks: both,
  of: "pictures",
  params: { filters: integer({ default: 16, min: 1, help: "Filters of the first stage; each further stage doubles them." }) },
  network: (_, outputs, { filters }) =>
    single(
      { id: "stem-conv", layer: "Conv2D", params: { filters, padding: "same", bias: false } },
      { id: "stem-norm", layer: "BatchNorm" },
      { id: "stem-relu", layer: "Relu" },
      ...block("stage1", "stem-relu", filters, 1),
      ...block("stage2", "stage1-relu2", 2 * filters, 2),
      ...block("stage3", "stage2-relu2", 4 * filters, 2),
      { id: "pool", layer: "GlobalAveragePool" },
      { id: "output", layer: "Dense", params: { units: outputs, initializer: "glorot-uniform" } },
    ),
});

export const custom = model({
  id: "custom",
  title: "Custom network",
  summary: "Any network, described as JSON: { layers: [{ id, layer, params, inputs }] }.",
  reference: "catalog.md#layers",
  tasks: both,
  params: {},
  network() {
    throw fail("BAD_USAGE", { problem: 'model "custom" needs a network', fix: "Give a network description: --network file.json." });
  },
});

export const models: readonly ModelKind[] = [softmaxRegression, mlp, lenet5, cnn, resnet8, custom];
