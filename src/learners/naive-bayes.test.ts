import { describe, expect, test } from "vitest";
import { refusal, testWith } from "../../test/arrays.ts";
import { fitData, learn, predict } from "../../test/learners.ts";
import { casesOf, checkPrediction, dataOf, fashionFolder } from "../../test/linear-reference.ts";
import { naiveBayes } from "./naive-bayes.ts";
import { shared } from "./threads.ts";

const distributions = ["gaussian", "multinomial", "bernoulli", "complement"];
const small = fitData(
  [
    [1, 0, 2],
    [2, 1, 0],
    [4, 1, 3],
    [5, 0, 1],
  ],
  [0, 0, 1, 1],
  ["low", "high"],
);

describe("naive-bayes gives scikit-learn's probabilities", () => {
  for (const one of casesOf("naive-bayes")) {
    const title = `${one.data}, ${one.weighted ? "weighted, " : ""}${JSON.stringify(one.params)}`;
    const check = async () => void (await checkPrediction(naiveBayes, one, {}, 1e-5));
    if (one.data === "fashion") testWith(fashionFolder)(title, check);
    else test(title, check);
  }
});

describe("naive-bayes", () => {
  for (const distribution of distributions) {
    test(`${distribution}: integer weights are repeated rows, and a weight of 0 leaves a row out`, async () => {
      const weights = await learn(naiveBayes, { ...small, weights: Float64Array.of(1, 3, 2, 0) }, { distribution });
      const rows = [
        [1, 0, 2],
        [2, 1, 0],
        [2, 1, 0],
        [2, 1, 0],
        [4, 1, 3],
        [4, 1, 3],
      ];
      const repeated = await learn(naiveBayes, fitData(rows, [0, 0, 0, 0, 1, 1], small.labels), { distribution });
      const [a, b] = [await predict(weights, small), await predict(repeated, small)];
      for (const [i, p] of a.output.entries()) expect(p).toBeCloseTo(b.output[i]!, 5);
    });

    test(`${distribution}: a class without samples has the probability 0, and changes no other`, async () => {
      const labels = ["before", "low", "between", "high"];
      const gaps = await learn(naiveBayes, { ...small, targets: small.targets.map((c) => (c ? 3 : 1)) as Int32Array, labels }, { distribution });
      const plain = await learn(naiveBayes, small, { distribution });
      const [{ output: wide }, { output: narrow }] = [await predict(gaps, small), await predict(plain, small)];
      for (let r = 0; r < small.count; r++) {
        expect([wide[4 * r], wide[4 * r + 2]]).toEqual([0, 0]);
        expect(wide[4 * r + 1]).toBeCloseTo(narrow[2 * r]!, 5);
      }
    });

    test(`${distribution}: the bits are the same with one thread and with two, and of shared memory`, async () => {
      const data = dataOf("iris");
      const tensors = (one: Awaited<ReturnType<typeof learn>>) => [...one.tensors].map(([name, { data }]) => [name, ...data]);
      const inputs = shared(data.inputs);
      const [one, two] = [
        await learn(naiveBayes, data, { distribution }, { threads: 1 }),
        await learn(naiveBayes, { ...data, inputs }, { distribution }),
      ];
      expect(tensors(one)).toEqual(tensors(two));
    });
  }

  test("bytes and the same numbers as float32 give the same model", async () => {
    const bytes = Uint8Array.from({ length: 40 * 6 }, (_, i) => (i * 97) % 256);
    const data = {
      ...fitData([[0]], [0]),
      inputs: bytes,
      count: 40,
      features: 6,
      targets: Int32Array.from({ length: 40 }, (_, r) => r % 3),
      labels: ["a", "b", "c"],
    };
    for (const distribution of distributions) {
      const [a, b] = [
        await learn(naiveBayes, data, { distribution }),
        await learn(naiveBayes, { ...data, inputs: Float32Array.from(bytes) }, { distribution }),
      ];
      expect([...a.tensors]).toEqual([...b.tensors]);
    }
  });

  test("a single row is predicted as its class, a constant feature tells nothing", async () => {
    const one = await learn(naiveBayes, fitData([[3, 4]], [1], ["a", "b"]), { distribution: "multinomial" });
    expect([...(await predict(one, { inputs: Float32Array.of(9, 1), features: 2 })).output]).toEqual([0, 1]);
    const rows = [
      [1, 7],
      [2, 7],
      [4, 7],
      [5, 7],
    ];
    const constant = await learn(naiveBayes, fitData(rows, [0, 0, 1, 1], ["a", "b"]));
    const alone = await learn(
      naiveBayes,
      fitData(
        rows.map(([x]) => [x!]),
        [0, 0, 1, 1],
        ["a", "b"],
      ),
    );
    const [{ output: a }, { output: b }] = [
      await predict(constant, { inputs: Float32Array.of(3.1, 7), features: 2 }),
      await predict(alone, { inputs: Float32Array.of(3.1), features: 1 }),
    ];
    expect(a[0]).toBeCloseTo(b[0]!, 5);
  });

  test("counts below 0 are refused by the name of their column", async () => {
    const data = {
      ...fitData(
        [
          [1, -2],
          [3, 4],
        ],
        [0, 1],
        ["a", "b"],
      ),
      names: ["height", "change"],
    };
    for (const distribution of ["multinomial", "complement"]) {
      expect(await refusal(learn(naiveBayes, data, { distribution }))).toEqual([
        "UNFIT_DATA",
        `model "naive-bayes": a ${distribution} distribution counts, but "change" has the value -2`,
        'Bring "change" to 0 and above with the preprocessing step min-max, or choose the distribution gaussian.',
      ]);
    }
  });

  test("samples that all weigh nothing, and a gaussian of what never varies, are refused", async () => {
    expect((await refusal(learn(naiveBayes, { ...small, weights: new Float64Array(4) })))[1]).toContain("every sample has a weight of 0");
    const flat = fitData([[1], [1]], [0, 1], ["a", "b"]);
    expect((await refusal(learn(naiveBayes, flat)))[1]).toContain("every feature has one value only");
    const half = fitData([[1], [1], [2], [3]], [0, 0, 1, 1], ["a", "b"]);
    expect((await refusal(learn(naiveBayes, half, { varSmoothing: 0 })))[1]).toContain('"x0" has one value only in class "a"');
  });

  test("it stops where it is told to", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(learn(naiveBayes, small, {}, { signal: stop.signal })).rejects.toThrow("enough");
  });
});
