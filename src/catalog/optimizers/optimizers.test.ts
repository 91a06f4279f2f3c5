/** Optimizers against PyTorch (Lion against its paper): the numbers come from test/python/reference_optimizers.py. */
import { describe, expect, test } from "vitest";
import { input, scalar, type Tensor, type Value } from "../../engine/graph.ts";
import type { OptimizerKind } from "../../engine/kinds.ts";
import { Session, tensor } from "../../engine/session.ts";
import { type ParamValues, resolveParams } from "../../shared/define.ts";
import { optimizers } from "./index.ts";
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
async function descend(optimizer: OptimizerKind, params: ParamValues, weight: readonly number[], slopes: readonly (readonly number[])[]) {
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

const close = (numbers: readonly number[]) => numbers.map((n) => expect.closeTo(n, 5));

for (const optimizer of optimizers)
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

test("a weight decay that is known to be zero adds no op to the graph", () => {
  const [w, g, rate] = [input("w", "float32", [2]), input("g", "float32", [2]), input("rate", "float32", [])];
  expect(withDecay(g, w, scalar(0))).toBe(g);
  expect(decayed(w, rate, scalar(0))).toBe(w);
});
