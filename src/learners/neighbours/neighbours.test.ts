/** Neighbours and the baseline against scikit-learn: the numbers come from test/python/reference_neighbours.py. */
import { describe, expect, test } from "vitest";
import { fitData, learn, predict } from "../../../test/learners.ts";
import { dummy } from "../dummy.ts";
import { kNearestNeighbours } from "./k-nearest-neighbours.ts";
import reference from "./neighbours.reference.json" with { type: "json" };

const labels = (classes: number) => Array.from({ length: classes }, (_, c) => `class ${c}`);
const far = (output: Float32Array, expected: readonly (readonly number[])[]) => Math.max(...expected.flat().map((v, i) => Math.abs(v - output[i]!)));

describe("k-nearest-neighbours", () => {
  test.each(reference.cases)("predicts as scikit-learn: $what", async ({ params, rows, targets, classes, asked, output }) => {
    const fitted = await learn(kNearestNeighbours, fitData(rows, targets, labels(classes)), params);
    const said = await predict(fitted, { inputs: Float32Array.from(asked.flat()), features: rows[0]!.length });
    expect(far(said.output, output)).toBeLessThan(1e-4);
  });

  test("counts a row of weight 2 as two votes, and one of weight 0 not at all", async () => {
    const rows = [[0], [0.1], [0.2], [5], [0.05]];
    const fitted = await learn(kNearestNeighbours, fitData(rows, [0, 1, 1, 0, 1], labels(2), [3, 1, 1, 1, 0]), { nNeighbors: 3 });
    const { output } = await predict(fitted, { inputs: Float32Array.of(0), features: 1 });
    expect(far(output, [[0.6, 0.4]])).toBeLessThan(1e-6);
  });

  test("refuses more neighbours than rows, saying both", async () => {
    const data = fitData([[1], [2], [3]], [0, 1, 0], labels(2));
    await expect(learn(kNearestNeighbours, data, { nNeighbors: 4 })).rejects.toMatchObject({
      code: "UNFIT_DATA",
      message: 'model "k-nearest-neighbours": nNeighbors is 4, but there are 3 rows to learn from',
      fix: "Choose at most 3, or bring more rows.",
    });
  });
});

describe("dummy", () => {
  test.each(reference.dummies)("says what scikit-learn's says: $strategy of $classes classes, weights $weights", async (one) => {
    const { strategy, targets, classes, weights, output } = one;
    const data = fitData(
      targets.map(() => [0]),
      targets,
      labels(classes),
      weights ?? undefined,
    );
    const said = await predict(await learn(dummy, data, { strategy }), { inputs: Float32Array.of(3, Number.NaN), features: 1 });
    expect(far(said.output, [output, output])).toBeLessThan(1e-6);
  });
});
