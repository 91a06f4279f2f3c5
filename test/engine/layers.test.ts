/** Layers that train otherwise than they predict: what they draw, keep and let through, against plain JavaScript. */
import { describe, expect, test } from "vitest";
import { catalog } from "../../src/catalog/index.ts";
import { backward } from "../../src/engine/backward.ts";
import { constant, input, known, sizeOf, type Tensor } from "../../src/engine/graph.ts";
import type { LayerDescription } from "../../src/engine/kinds.ts";
import { checkNetwork } from "../../src/engine/network.ts";
import * as o from "../../src/engine/ops.ts";
import { Session, tensor } from "../../src/engine/session.ts";
import { random } from "../../src/shared/random.ts";

const uniform = (name: string, shape: readonly number[]) => tensor(shape, random(name).fillUniform(new Float32Array(sizeOf(shape)), -1, 1));

/** One training step of one layer on `x`: its output, next states, what it drew, and the gradient by x of the output weighted with `weights`. */
async function trainLayer(layer: Omit<LayerDescription, "id">, x: Tensor, tensors: Readonly<Record<string, Tensor>> = {}, sampleWeights?: number[]) {
  const batch = x.shape[0]!;
  const network = checkNetwork({ layers: [{ id: "it", ...layer }] }, catalog.layers, x.shape.slice(1));
  const draws = network.draws(batch);
  const tape = random("tape").fillUniform(new Float32Array(1000 + Math.max(0, ...draws)));
  const starts = draws.map((_, d) => 101 * (d + 1));

  const inputs = {
    x: input("x", "float32", x.shape),
    sampleWeights: input("sampleWeights", "float32", [batch]),
    tape: input("tape", "float32", [tape.length]),
    ...Object.fromEntries(draws.map((_, d) => [`start${d}`, input(`start${d}`, "int32", [1])])),
    ...Object.fromEntries([...network.weights, ...network.states].map(({ name, shape }) => [name, input(name, "float32", shape)])),
  };
  const named = new Map(Object.entries(inputs));
  const training = { sampleWeights: inputs.sampleWeights, tape: inputs.tape, offsets: draws.map((_, d) => named.get(`start${d}`)!) };
  const { output, states } = network.build({ x: inputs.x, tensors: named, training });
  const weights = uniform("weights", known(output.shape));
  const [dx] = backward(o.reduceSum(o.mul(output, constant(weights)), o.allAxes(output)), [inputs.x]);
  const next = Object.fromEntries([...states].map(([name, v]) => [`next:${name}`, v]));
  const session = await Session.open({ name: "test", inputs: [...named.values()], outputs: { output, dx: dx!, ...next } });
  const result = await session.run({
    x,
    sampleWeights: tensor([batch], sampleWeights ?? Array<number>(batch).fill(1)),
    tape: tensor([tape.length], tape),
    ...Object.fromEntries(starts.map((at, d) => [`start${d}`, { dtype: "int32", shape: [1], data: Int32Array.of(at) }])),
    ...tensors,
  });
  await session.close();
  const numbers = (name: string) => [...(result[name]!.data as Float32Array)];
  return {
    output: numbers("output"),
    dx: numbers("dx"),
    weights: [...(weights.data as Float32Array)],
    numbers,
    drawn: draws.map((n, d) => [...tape.slice(starts[d]!, starts[d]! + n)]),
  };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** Output pictures of `height` by `width`, of which `at` says where in the input each value comes from; zero from outside. */
function moved(
  x: Tensor,
  [height, width]: readonly [number, number],
  at: (sample: number, row: number, column: number) => readonly [number, number],
) {
  const [batch, channels, h, w] = x.shape as [number, number, number, number];
  const out: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < height; i++)
        for (let j = 0; j < width; j++) {
          const [row, column] = at(n, i, j);
          const inside = row >= 0 && row < h && column >= 0 && column < w;
          out.push(inside ? (x.data as Float32Array)[((n * channels + c) * h + row) * w + column]! : 0);
        }
  return out;
}

describe("in training", () => {
  test("Dropout drops the asked share and scales up the rest", async () => {
    const x = tensor([50, 400], Array<number>(20_000).fill(1));
    const { output, drawn, dx, weights } = await trainLayer({ layer: "Dropout", params: { rate: 0.3 } }, x);
    expect(drawn.map((d) => d.length)).toEqual([20_000]);
    expect(output).toEqual(drawn[0]!.map((u) => (u >= Math.fround(0.3) ? Math.fround(1 / 0.7) : 0)));
    expect(dx).toEqual(output.map((kept, i) => Math.fround(kept * weights[i]!)));
    const dropped = output.filter((v) => v === 0).length / output.length;
    expect(Math.abs(dropped - 0.3)).toBeLessThan(0.013); // 4 deviations of √(0.3 · 0.7 / 20,000)
    expect(Math.abs(output.reduce((a, b) => a + b, 0) / output.length - 1)).toBeLessThan(0.019);
  });

  test("Dropout of rate 0 draws nothing and changes nothing", async () => {
    const x = uniform("x", [2, 3]);
    const { output, drawn } = await trainLayer({ layer: "Dropout", params: { rate: 0 } }, x);
    expect([drawn, output]).toEqual([[], [...x.data]]);
  });

  const x = uniform("x", [40, 2, 5, 4]);
  const values = [...(x.data as Float32Array)];

  test("RandomFlip mirrors each picture by its own two draws", async () => {
    const { output, drawn, dx, weights } = await trainLayer({ layer: "RandomFlip", params: { vertical: true } }, x);
    expect(drawn.map((d) => d.length)).toEqual([40, 40]);
    const [sideways, upside] = drawn.map((d) => d.map((u) => u < 0.5));
    expect(new Set(drawn[0]!.map((_, n) => `${sideways![n]} ${upside![n]}`)).size).toBe(4); // every combination is among them
    expect(output).toEqual(moved(x, [5, 4], (n, i, j) => [upside![n] ? 4 - i : i, sideways![n] ? 3 - j : j]));
    expect(dot(dx, values)).toBeCloseTo(dot(output, weights), 4);
  });

  test("RandomShift moves each picture by its own whole pixels, and zeros come in", async () => {
    const { output, drawn, dx, weights } = await trainLayer({ layer: "RandomShift", params: { down: 2, right: 1 } }, x);
    const [down, right] = [drawn[0]!.map((u) => Math.floor(u * 5) - 2), drawn[1]!.map((u) => Math.floor(u * 3) - 1)];
    expect([new Set(down).size, new Set(right).size]).toEqual([5, 3]); // every distance is among them
    expect(output).toEqual(moved(x, [5, 4], (n, i, j) => [i + down[n]!, j + right[n]!]));
    expect(dot(dx, values)).toBeCloseTo(dot(output, weights), 4);
  });

  test.each([
    ["the picture's own size, from padding", [5, 4] as const, 2],
    ["a smaller window, without padding", [3, 2] as const, 0],
    ["a larger window", [7, 6] as const, 2],
  ])("RandomCrop cuts each picture at its own corner: %s", async (_, size, padding) => {
    const { output, drawn, dx, weights } = await trainLayer({ layer: "RandomCrop", params: { size: [...size], padding } }, x);
    const corner = (d: number, free: number) => drawn[d]!.map((u) => Math.floor(u * (free + 2 * padding + 1)) - padding);
    const [top, left] = [corner(0, 5 - size[0]), corner(1, 4 - size[1])];
    expect(output).toEqual(moved(x, size, (n, i, j) => [i + top[n]!, j + left[n]!]));
    expect(dot(dx, values)).toBeCloseTo(dot(output, weights), 4);
  });

  test("BatchNorm centres each channel and keeps running means of it, the variance unbiased", async () => {
    const tensors = {
      "it.weight": tensor([1], [2]),
      "it.bias": tensor([1], [0.5]),
      "it.mean": tensor([1], [10]),
      "it.variance": tensor([1], [3]),
    };
    // Mean 2, variance 4 (biased) and 16 / 3 (unbiased); the last sample is padding.
    const { output, numbers } = await trainLayer({ layer: "BatchNorm" }, tensor([5, 1], [0, 4, 0, 4, 1000]), tensors, [1, 1, 1, 1, 0]);
    expect(output.slice(0, 4)).toEqual([-1.5, 2.5, -1.5, 2.5].map((v) => expect.closeTo(v, 4)));
    expect(numbers("next:it.mean")[0]).toBeCloseTo(0.9 * 10 + 0.1 * 2, 5);
    expect(numbers("next:it.variance")[0]).toBeCloseTo(0.9 * 3 + (0.1 * 16) / 3, 5);
  });

  test("LayerNorm gives each sample mean 0 and variance 1", async () => {
    const { output } = await trainLayer({ layer: "LayerNorm" }, tensor([2, 2], [1, 5, -7, 7]), {
      "it.weight": tensor([2], [1, 2]),
      "it.bias": tensor([2], [0, 3]),
    });
    expect(output).toEqual([-1, 5, -1, 5].map((v) => expect.closeTo(v, 4)));
  });
});

describe("when it predicts", () => {
  const build = (layer: Omit<LayerDescription, "id">, shape: readonly number[]) => {
    const network = checkNetwork({ layers: [{ id: "it", ...layer }] }, catalog.layers, shape);
    const x = input("x", "float32", ["batch", ...shape]);
    const tensors = new Map([...network.weights, ...network.states].map((t) => [t.name, input(t.name, "float32", t.shape)]));
    return { x, tensors, output: network.build({ x, tensors }).output };
  };

  test.each(["Dropout", "RandomFlip", "RandomShift"])("%s passes its input on, untouched", (layer) => {
    const { x, output } = build({ layer }, [3, 8, 8]);
    expect(output).toBe(x);
  });

  test("RandomCrop of the picture's own size passes it on, untouched", () => {
    const { x, output } = build({ layer: "RandomCrop", params: { size: [8, 8] } }, [3, 8, 8]);
    expect(output).toBe(x);
  });

  test("RandomCrop cuts out the middle", async () => {
    const { x, output } = build({ layer: "RandomCrop", params: { size: [3, 6], padding: 1 } }, [1, 5, 4]);
    const picture = uniform("x", [2, 1, 5, 4]);
    const session = await Session.open({ name: "test", inputs: [x], outputs: { output } });
    const result = await session.run({ x: picture });
    await session.close();
    expect([...result.output!.data]).toEqual(moved(picture, [3, 6], (_, i, j) => [i + 1, j - 1]));
  });

  test("BatchNorm uses the running statistics", async () => {
    const { x, tensors, output } = build({ layer: "BatchNorm", params: { epsilon: 1 } }, [1]);
    const session = await Session.open({ name: "test", inputs: [x, ...tensors.values()], outputs: { output } });
    const feeds = { "it.weight": 2, "it.bias": 0.5, "it.mean": 10, "it.variance": 3 };
    const result = await session.run({
      x: tensor([2, 1], [10, 14]),
      ...Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, tensor([1], [v])])),
    });
    await session.close();
    expect([...result.output!.data]).toEqual([0.5, 4.5]);
  });
});
