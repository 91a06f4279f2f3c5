/** Losses against PyTorch: the numbers come from test/python/reference_losses.py. */
import { describe, expect, test } from "vitest";
import { backward } from "../../engine/backward.ts";
import { input, type NumericDType, type Tensor } from "../../engine/graph.ts";
import type { LossKind } from "../../engine/kinds.ts";
import { div, mul, reduceMean, reduceSum } from "../../engine/ops.ts";
import { Session } from "../../engine/session.ts";
import { resolveParams } from "../../shared/define.ts";
import { crossEntropy } from "./classification.ts";
import { losses } from "./index.ts";
import reference from "./losses.reference.json" with { type: "json" };

interface Case {
  readonly params: Readonly<Record<string, unknown>>;
  readonly output: readonly (readonly number[])[];
  readonly target: readonly number[];
  readonly loss: number;
  readonly gradient: readonly (readonly number[])[];
  readonly link: readonly (readonly number[])[];
}
const cases: Readonly<Record<string, readonly Case[]>> = reference;

/** The mean loss of a batch as a plan takes it, its gradient, and what people read. */
async function run(loss: LossKind, { params: given, output, target }: Case) {
  const params = resolveParams(`loss "${loss.id}"`, loss.params, given);
  const classification = loss.tasks.includes("classification");
  const x = input("x", "float32", [output.length, output[0]!.length]);
  const y = input("y", classification ? "int32" : "float32", [target.length]);
  const [each, weights] = [loss.each(x, y, params), loss.weigh?.(x, y, params)];
  const mean = weights ? div(reduceSum(mul(weights, each), [0]), reduceSum(weights, [0])) : reduceMean(each, [0]);
  const session = await Session.open({ name: loss.id, inputs: [x, y], outputs: { mean, gradient: backward(mean, [x])[0]!, link: loss.link(x) } });
  const results = await session.run({
    x: { dtype: "float32", shape: x.shape as number[], data: Float32Array.from(output.flat()) },
    y: { dtype: y.dtype as NumericDType, shape: [target.length], data: (classification ? Int32Array : Float32Array).from(target) },
  });
  await session.close();
  const numbers = (tensor: Tensor | undefined) => [...(tensor!.data as Float32Array)];
  return { mean: numbers(results.mean), gradient: numbers(results.gradient), link: numbers(results.link) };
}

const close = (numbers: readonly number[]) => numbers.map((n) => expect.closeTo(n, 5));

for (const loss of losses)
  describe(loss.id, () => {
    test("has reference numbers", () => expect(cases[loss.id]).toBeDefined());

    for (const given of cases[loss.id] ?? [])
      test(`agrees with PyTorch in value, gradient and link, with parameters ${JSON.stringify(given.params)}`, async () => {
        const { mean, gradient, link } = await run(loss, given);
        expect(mean).toEqual(close([given.loss]));
        expect(gradient).toEqual(close(given.gradient.flat()));
        expect(link).toEqual(close(given.link.flat()));
      });
  });

test("cross-entropy refuses a number of class weights that is not the number of classes", () => {
  const [x, y] = [input("x", "float32", [2, 3]), input("y", "int32", [2])];
  expect(() => crossEntropy.weigh!(x, y, { classWeights: [1, 2] })).toThrow(
    'loss "cross-entropy": classWeights must be one weight for each of the 3 classes, but is [1,2]',
  );
});
