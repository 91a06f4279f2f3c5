/** Every op on every sample: its shapes and values, and its gradient against finite differences and against PyTorch. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { gradients } from "../../src/engine/gradients.ts";
import { constant, type Tensor, type Value } from "../../src/engine/graph.ts";
import * as o from "../../src/engine/ops.ts";
import { Session } from "../../src/engine/session.ts";
import { buildCase, type Case, cases, dump, inDType, isFloat, lossWeights } from "./samples.ts";

/** Ops without a float64 kernel in ONNX Runtime's CPU provider, or whose gradient needs such an op: tested in float32. */
const noFloat64: Partial<Record<o.Op, string>> = {
  Erf: "Erf",
  Gelu: "Erf",
  LeakyRelu: "LeakyRelu",
  Elu: "Elu",
  Softplus: "Softplus",
  HardSwish: "HardSigmoid",
  Conv: "Conv",
  ConvTranspose: "ConvTranspose",
  MaxPool: "Conv",
  MaxUnpool: "MaxUnpool",
  AveragePool: "AveragePool",
  GlobalAveragePool: "GlobalAveragePool",
};

/** What PyTorch gives in float64; `test/python/reference_ops.py` writes it. */
const reference: { samples: string; cases: { name: string; outputs: number[][]; gradients?: number[][] }[] } = JSON.parse(
  readFileSync(new URL("ops.reference.json", import.meta.url), "utf8"),
);
const referenceOf = (c: Case) => reference.cases.find(({ name }) => name === c.name);

const stops = (op: o.Op) => "stops" in gradients[op];
const dtypeOf = (op: o.Op) => (noFloat64[op] ? "float32" : "float64");

/** A session that gives the outputs y0, y1... of a case, and the gradients d0, d1... of its random-weighted sum by each float input. */
async function compile(c: Case, dtype: "float32" | "float64") {
  const { inputs, outputs } = buildCase(c, dtype);
  const wrt = inputs.filter((v) => isFloat(v.dtype));
  const named = (letter: string, values: readonly Value[]) => Object.fromEntries(values.map((v, i) => [`${letter}${i}`, v]));
  const ds = stops(c.op) ? [] : backward(weightedSum(c, outputs), wrt);
  const session = await Session.open({ name: "test", inputs, outputs: { ...named("y", outputs), ...named("d", ds) } });
  const run = (tensors: readonly Tensor[]) => session.run(Object.fromEntries(tensors.map((t, i) => [`x${i}`, t])));
  return { inputs, outputs, wrt, ds, run, session };
}

const weightedSum = (c: Case, outputs: readonly Value[]) =>
  outputs
    .map((y, i) => o.reduceSum(o.mul(y, constant(inDType(lossWeights(c, y, i), y.dtype as "float32"))), o.allAxes(y)))
    .reduce((a, b) => o.add(a, b));

/** The same weighted sum, in JavaScript. */
const lossOf = (c: Case, outputs: readonly Value[], result: Record<string, Tensor>) =>
  outputs.reduce((sum, y, i) => {
    const [values, weights] = [result[`y${i}`]!.data as Float64Array, lossWeights(c, y, i).data as Float64Array];
    return values.reduce((s, v, k) => s + v * weights[k]!, sum);
  }, 0);

/** Asserts |got - want| <= tolerance · (1 + |want|) for every element. */
function expectClose(got: Tensor | undefined, want: readonly number[], tolerance: number): void {
  const numbers = Array.from(got!.data as Float64Array, Number);
  expect(numbers.length).toBe(want.length);
  const far = numbers.flatMap((v, i) => (Math.abs(v - want[i]!) <= tolerance * (1 + Math.abs(want[i]!)) ? [] : [{ i, got: v, want: want[i] }]));
  expect(far).toEqual([]);
}

describe("the shapes that the op's rule states, and the values and gradients that PyTorch gives", () => {
  test.each(cases)("$name", async (c) => {
    const want = referenceOf(c);
    expect(want, "PyTorch's numbers: run test/python/reference_ops.py").toBeDefined();
    const { outputs, ds, run, session } = await compile(c, dtypeOf(c.op));
    const got = await run(c.inputs.map((t) => inDType(t, dtypeOf(c.op))));
    for (const [i, y] of outputs.entries()) {
      expect({ dtype: got[`y${i}`]?.dtype, shape: got[`y${i}`]?.shape }).toEqual({ dtype: y.dtype, shape: y.shape });
      expectClose(got[`y${i}`], want!.outputs[i]!, dtypeOf(c.op) === "float64" ? 1e-8 : 2e-6);
    }
    for (const i of ds.keys()) expectClose(got[`d${i}`], want!.gradients![i]!, dtypeOf(c.op) === "float64" ? 1e-8 : 5e-6);
    await session.close();
  });
});

describe("the gradient that central differences give", () => {
  test.each(cases.filter((c) => !stops(c.op) && !c.kink))("$name", async (c) => {
    const dtype = dtypeOf(c.op);
    // Powers of two, so that x ± h is exact.
    const [h, tolerance] = dtype === "float64" ? [2 ** -17, 1e-7] : [2 ** -6, 2e-3];
    const { inputs, outputs, wrt, run, session } = await compile(c, dtype);
    const tensors = c.inputs.map((t) => inDType(t, dtype));
    const analytic = await run(tensors);
    const lossAt = async (n: number, k: number, step: number) => {
      const data = Float64Array.from(tensors[n]!.data as Float64Array);
      data[k]! += step;
      const moved = tensors.map((t, m) => (m === n ? inDType({ ...t, dtype: "float64", data }, dtype) : t));
      return lossOf(c, outputs, await run(moved));
    };
    for (const [i, x] of wrt.entries()) {
      const n = inputs.indexOf(x);
      const differences: number[] = [];
      for (let k = 0; k < tensors[n]!.data.length; k++) differences.push(((await lossAt(n, k, h)) - (await lossAt(n, k, -h))) / (2 * h));
      expectClose(analytic[`d${i}`], differences, tolerance);
    }
    await session.close();
  });
});

test("PyTorch's numbers were made from these samples", () => {
  const digest = createHash("sha256").update(dump()).digest("hex");
  expect(reference.samples, "the samples have changed: run test/python/reference_ops.py").toBe(digest);
  expect(cases.filter((c) => !stops(c.op) && !referenceOf(c)?.gradients).map((c) => c.name)).toEqual([]);
});

test("the ops tested in float32 are exactly those that ONNX Runtime cannot run in float64", async () => {
  const lacking = new Set<string>();
  for (const c of cases) {
    try {
      await (await compile(c, "float64")).session.close();
    } catch (e) {
      expect(String(e)).toMatch(/Could not find an implementation/);
      lacking.add(c.op);
    }
  }
  expect([...lacking].sort()).toEqual(Object.keys(noFloat64).sort());
});

describe("an op without a gradient", () => {
  const first = cases.filter((c, i) => stops(c.op) && cases.findIndex((d) => d.op === c.op) === i);
  test.each(first)("$op says why", (c) => {
    const { inputs, outputs } = buildCase(c, "float32");
    const y = outputs[0]!;
    // As far as the walk knows, a loss of any dtype can be summed.
    const loss = o.reduceSum(isFloat(y.dtype) ? y : o.cast(y, "float32"), o.allAxes(y));
    const why = (gradients[c.op] as { stops: string }).stops;
    expect(() => backward(loss, inputs)).toThrow(expect.objectContaining({ code: "NO_GRADIENT", message: `${c.op} has no gradient: ${why}` }));
  });
});
