/** How weights start. `fanIn` and `fanOut` count the values that flow into and out of one unit. */
import { type InitializerKind, initializer } from "../../engine/kinds.ts";
import type { Random } from "../../shared/random.ts";

const he = "https://arxiv.org/abs/1502.01852";
const glorot = "https://proceedings.mlr.press/v9/glorot10a.html";
const lecun = "https://doi.org/10.1007/978-3-642-35289-8_3";

const normal = (data: Float32Array, variance: number, random: Random) => void random.fillNormal(data, 0, Math.sqrt(variance));
/** Variance of a uniform in [-a, a] is a² / 3. */
const uniform = (data: Float32Array, variance: number, random: Random) =>
  void random.fillUniform(data, -Math.sqrt(3 * variance), Math.sqrt(3 * variance));

export const initializers: readonly InitializerKind[] = [
  initializer({
    id: "he-normal",
    title: "He normal",
    reference: he,
    summary: "Normal with variance 2 / fanIn: keeps the variance through ReLU layers.",
    fill: (data, { fanIn }, random) => normal(data, 2 / fanIn, random),
  }),
  initializer({
    id: "he-uniform",
    title: "He uniform",
    reference: he,
    summary: "Uniform with variance 2 / fanIn.",
    fill: (data, { fanIn }, random) => uniform(data, 2 / fanIn, random),
  }),
  initializer({
    id: "glorot-normal",
    title: "Glorot normal",
    reference: glorot,
    summary: "Normal with variance 2 / (fanIn + fanOut): for tanh and sigmoid.",
    fill: (data, { fanIn, fanOut }, random) => normal(data, 2 / (fanIn + fanOut), random),
  }),
  initializer({
    id: "glorot-uniform",
    title: "Glorot uniform",
    reference: glorot,
    summary: "Uniform with variance 2 / (fanIn + fanOut).",
    fill: (data, { fanIn, fanOut }, random) => uniform(data, 2 / (fanIn + fanOut), random),
  }),
  initializer({
    id: "lecun-normal",
    title: "LeCun normal",
    reference: lecun,
    summary: "Normal with variance 1 / fanIn: keeps the variance through linear layers.",
    fill: (data, { fanIn }, random) => normal(data, 1 / fanIn, random),
  }),
  initializer({
    id: "lecun-uniform",
    title: "LeCun uniform",
    reference: lecun,
    summary: "Uniform with variance 1 / fanIn.",
    fill: (data, { fanIn }, random) => uniform(data, 1 / fanIn, random),
  }),
  initializer({ id: "zeros", title: "Zeros", summary: "All zeros.", fill: (data) => void data.fill(0) }),
  initializer({
    id: "constant",
    title: "Constant",
    summary: "All equal to the layer's parameter `constant`.",
    fill: (data, { constant }) => void data.fill(constant),
  }),
];
