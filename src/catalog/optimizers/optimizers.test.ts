/** Optimizers against PyTorch (Lion against its paper): the numbers come from test/python/reference_optimizers.py. */
import { describe, expect, test } from "vitest";
import { input, scalar, type Tensor, type Value } from "../../engine/graph.ts";
import type { OptimizerKind, StepwiseOptimizer } from "../../engine/kinds.ts";
import { Session, tensor } from "../../engine/session.ts";
import { type ParamValues, resolveParams } from "../../shared/define.ts";
import { optimizers } from "./index.ts";
import { lbfgs } from "./l-bfgs.ts";
import reference from "./optimizers.reference.json" with { type: "json" };
import { decayed, withDecay } from "./parts.ts";

interface Case {
  readonly params: Readonly<Record<string, unknown>>;
  /** The weights after each step. */
  readonly after: readonly (readonly (readonly number[])[])[];
}
const { weights, gradients } = reference;
const cases: Readonly<Record<string, readonly Case[]>> = reference.optimizers;

/** A weight after each of as many steps as it has gradients. */
async function descend(optimizer: StepwiseOptimizer, params: ParamValues, weight: readonly number[], slopes: readonly (readonly number[])[]) {
  const shape = [weight.length];
  const names = ["w", ...optimizer.state];
  const tensors = Object.fromEntries([...names, "g"].map((name) => [name, input(name, "float32", shape)]));
  const t = input("t", "float32", []);
  const scalars = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, scalar(value as number)]));
  const next: Readonly<Record<string, Value>> = optimizer.step({ ...tensors, t } as never, scalars);
  const session = await Session.open({
    name: optimizer.id,
    inputs: [...Object.values(tensors), t],
    outputs: Object.fromEntries(names.map((name) => [`next:${name}`, next[name]!])),
  });
  let state: Record<string, Tensor> = Object.fromEntries(names.map((name) => [name, tensor(shape, name === "w" ? weight : weight.map(() => 0))]));
  const after: number[][] = [];
  for (const [i, slope] of slopes.entries()) {
    const results = await session.run({ ...state, g: tensor(shape, slope), t: tensor([], [i + 1]) });
    state = Object.fromEntries(names.map((name) => [name, results[`next:${name}`]!]));
    after.push([...(state.w!.data as Float32Array)]);
  }
  await session.close();
  return after;
}

const isStepwise = (optimizer: OptimizerKind): optimizer is StepwiseOptimizer => !("whole" in optimizer);

const close = (numbers: readonly number[]) => numbers.map((n) => expect.closeTo(n, 5));

for (const optimizer of optimizers.filter(isStepwise))
  describe(optimizer.id, () => {
    test("has reference numbers", () => expect(cases[optimizer.id]).toBeDefined());

    for (const { params: given, after } of cases[optimizer.id] ?? [])
      test(`takes the steps of the reference, with parameters ${JSON.stringify(given)}`, async () => {
        const params = resolveParams(`optimizer "${optimizer.id}"`, optimizer.params, given);
        for (const [i, weight] of weights.entries()) {
          const steps = await descend(
            optimizer,
            params,
            weight,
            gradients.map((step) => step[i]!),
          );
          expect(steps).toEqual(after.map((step) => close(step[i]!)));
        }
      });
  });

test("what does not step batch by batch is l-bfgs, which test/engine/whole-batch.test.ts trains with", () => {
  expect(optimizers.filter((optimizer) => !isStepwise(optimizer))).toEqual([lbfgs]);
});

describe("l-bfgs", () => {
  test("goes straight down the gradient while it remembers nothing", () => {
    expect([...lbfgs.direction(Float64Array.of(1, -2, 3), [])]).toEqual([-1, 2, -3]);
  });

  test("with steps along every axis of a quadratic in memory goes to its minimum at once", () => {
    const curvature = [4, 0.5, 9]; // f = Σ c·x²/2, so that a step s changes the gradient by c·s
    const memory = curvature.map((c, axis) => ({ s: axisVector(axis, 0.25), y: axisVector(axis, 0.25 * c) }));
    const direction = lbfgs.direction(
      Float64Array.from(curvature, (c, i) => c * (i + 1)),
      memory,
    );
    expect([...direction]).toEqual([-1, -2, -3].map((x) => expect.closeTo(x, 12)));
  });
});

const axisVector = (axis: number, length: number) => Float32Array.from({ length: 3 }, (_, i) => (i === axis ? length : 0));

test("a weight decay that is known to be zero adds no op to the graph", () => {
  const [w, g, rate] = [input("w", "float32", [2]), input("g", "float32", [2]), input("rate", "float32", [])];
  expect(withDecay(g, w, scalar(0))).toBe(g);
  expect(decayed(w, rate, scalar(0))).toBe(w);
});
