import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { classesOf, fitData, learn, predict } from "../../../test/learners.ts";
import { resolveParams } from "../../shared/define.ts";
import type { FitProgress, LearnerKind, LearntTensors } from "../kinds.ts";
import { decisionTree, extraTrees, randomForest } from "./index.ts";
import { fromTensors } from "./tensors.ts";
import reference from "./trees.reference.json" with { type: "json" };

const LABELS = ["a", "b", "c"];
const entries = (tensors: LearntTensors) =>
  [...tensors].map(([name, { shape, data }]) => [name, shape, createHash("sha256").update(data).digest("hex")]);

/** A file of data/: the last column says the class. Every third row is held out, as in test/python/reference_trees.py. */
function table(name: string) {
  const bytes = readFileSync(`data/${name}`);
  const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trim();
  const lines = text.split(/\r?\n/).slice(Number(["iris.csv", "breast-cancer.csv"].includes(name)));
  const rows = lines.map((line) => line.split(","));
  const labels = [...new Set(rows.map((row) => row.at(-1)!))].sort();
  const part = (held: boolean) => rows.filter((_, i) => (i % 3 === 0) === held);
  const numbers = (of: string[][]) => of.map((row) => row.slice(0, -1).map(Number));
  const targets = (of: string[][]) => of.map((row) => labels.indexOf(row.at(-1)!));
  const [train, test] = [part(false), part(true)];
  return { train: fitData(numbers(train), targets(train), labels), test: fitData(numbers(test), targets(test), labels) };
}

/** Rows of noise with a rule in them. */
function noise(count: number, features: number) {
  const rows = Array.from({ length: count }, (_, i) =>
    Array.from({ length: features }, (_, f) => Math.fround(Math.sin(i * 7.3 + f * 2.1 * (i % 11)))),
  );
  return { rows, targets: rows.map((row, i) => (row[0]! + row[1]! ** 2 + (i % 5) / 5 > 0.6 ? 1 : 0)) };
}

describe.each(reference.trees)("a tree of scikit-learn: $name", ({ first, regression, weighted, params, nodes, importance }) => {
  const slice = <T>(list: readonly T[]) => list.slice(first, first + 150);
  const data = fitData(
    slice(reference.rows),
    slice(regression ? reference.values : reference.classes),
    regression ? [] : LABELS,
    weighted ? slice(reference.weights) : undefined,
  );
  test("is the same node by node, and in what counts", async () => {
    const { tensors } = await learn(decisionTree, data, params);
    const [tree] = fromTensors(tensors);
    expect([...tree!.features]).toEqual(nodes.map(([column]) => column));
    nodes.forEach(([column, threshold], i) => {
      if (column! >= 0) expect(tree!.thresholds[i]).toBeCloseTo(threshold!, 5);
    });
    for (const [i, share] of decisionTree.importance!(tensors)!.entries()) expect(share).toBeCloseTo(importance[i]!, 5);
  });
  test("says the same of its rows", async () => {
    const { output } = await predict(await learn(decisionTree, data, params), data);
    slice(reference.rows).forEach((row, r) => {
      const said = output.slice(r * (regression ? 1 : 3), (r + 1) * (regression ? 1 : 3));
      for (const [c, value] of leafOf(nodes, row).entries()) expect(said[c]).toBeCloseTo(value, 5);
    });
  });
});

/** What a tree in preorder says of a row. */
function leafOf(nodes: readonly (readonly number[])[], row: readonly number[]): readonly number[] {
  const end = (at: number): number => (nodes[at]![0]! < 0 ? at + 1 : end(end(at + 1)));
  let at = 0;
  while (nodes[at]![0]! >= 0) at = Math.fround(row[nodes[at]![0]!]!) <= nodes[at]![1]! ? at + 1 : end(at + 1);
  return nodes[at]!.slice(1);
}

const kinds: Readonly<Record<string, LearnerKind>> = { "random-forest": randomForest, "extra-trees": extraTrees };

describe.each(reference.forests)("$kind on $data", ({ data, kind, mean, oob, importance }) => {
  test("is right as often as scikit-learn's, over 10 seeds", async () => {
    const { train, test } = table(data);
    let [right, bag] = [0, 0];
    const shares = new Float64Array(train.features);
    for (let seed = 0; seed < 10; seed++) {
      const fitted = await learn(kinds[kind]!, train, { nEstimators: 30, oobScore: oob !== undefined }, { seed });
      const found = await classesOf(fitted, test);
      right += found.reduce((sum, c, i) => sum + Number(c === test.targets[i]), 0) / test.count / 10;
      bag += (fitted.metrics?.oob_accuracy ?? 0) / 10;
      kinds[kind]!.importance!(fitted.tensors)!.forEach((share, f) => {
        shares[f]! += share / 10;
      });
    }
    // Standard error of a share of so many rows; one more is right and one more wrong, so that it is not 0 (Agresti, Coull 1998).
    const error = (share: number, count: number) =>
      Math.sqrt((((share * count + 1) / (count + 2)) * (1 - (share * count + 1) / (count + 2))) / count);
    expect(Math.abs(right - mean)).toBeLessThan(error(mean, test.count));
    if (oob) expect(Math.abs(bag - oob)).toBeLessThan(error(oob, train.count));
    for (const [f, share] of shares.entries()) expect(Math.abs(share - importance[f]!)).toBeLessThan(0.06);
  });
});

test.each(reference.regressions)("$kind explains as much of wine's last column as scikit-learn's", async ({ kind, r2 }) => {
  const { train, test } = table("wine.csv");
  const split = ({ inputs, count }: typeof train) => {
    const rows = Array.from({ length: count }, (_, r) => [...inputs.subarray(r * 13, r * 13 + 12)]);
    return fitData(
      rows,
      rows.map((_, r) => inputs[r * 13 + 12]!),
    );
  };
  const [fitting, held] = [split(train), split(test)];
  const truth = Array.from(held.targets);
  const mean = truth.reduce((a, b) => a + b, 0) / held.count;
  let found = 0;
  for (let seed = 0; seed < 10; seed++) {
    const { output } = await predict(await learn(kinds[kind]!, fitting, { nEstimators: 30 }, { seed }), held);
    const errors = output.reduce((sum, v, i) => sum + (v - truth[i]!) ** 2, 0);
    const spread = truth.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    found += (1 - errors / spread) / 10;
  }
  expect(Math.abs(found - r2)).toBeLessThan(0.015);
});

describe("what is learnt", () => {
  const { rows, targets } = noise(6000, 30);
  const large = fitData(rows, targets, ["no", "yes"]);

  test("is the same to the bit with one thread and with two, and another with another seed", async () => {
    const [one, two, other] = await Promise.all(
      [{ threads: 1 }, { threads: 2 }, { seed: 2 }].map((context) => learn(randomForest, large, { nEstimators: 60, maxDepth: 6 }, context)),
    );
    expect(entries(two!.tensors)).toEqual(entries(one!.tensors));
    expect(entries(other!.tensors)).not.toEqual(entries(one!.tensors));
  });

  test.each([
    ["in threads", large, 150],
    ["in this thread", fitData(rows.slice(0, 300), targets.slice(0, 300), ["no", "yes"]), 1500],
  ])("is the same to the bit after a stop %s, before which it is of use", async (_, data, nEstimators) => {
    const params = resolveParams("extra-trees", extraTrees.params, { nEstimators });
    const stop = new AbortController();
    const seen: FitProgress[] = [];
    const untilSome = async () => {
      for await (const progress of extraTrees.fit(data, params, { seed: 1, threads: 2, signal: stop.signal })) {
        seen.push(progress);
        if (progress.done) stop.abort(new Error("enough"));
      }
    };
    await expect(untilSome()).rejects.toThrow("enough");
    const { done, total, checkpoint } = seen.at(-1)!;
    expect([done > 0, done < total, total]).toEqual([true, true, nEstimators]);
    const tensors = checkpoint!();
    const partial = { kind: extraTrees, params, classes: 2, features: data.features, progress: [], tensors };
    const { output } = await predict(partial, { inputs: data.inputs.subarray(0, data.features), features: data.features });
    expect(output[0]! + output[1]!).toBeCloseTo(1, 5);
    const [resumed, whole] = [await learn(extraTrees, data, { nEstimators }, { resume: tensors }), await learn(extraTrees, data, { nEstimators })];
    expect(entries(resumed.tensors)).toEqual(entries(whole.tensors));
  });

  test("of rows with whole weights is that of rows repeated so often", async () => {
    const times = rows.slice(0, 400).map((_, i) => i % 4);
    const repeat = <T>(list: readonly T[]) => list.slice(0, 400).flatMap((item, i) => Array.from({ length: times[i]! }, () => item));
    const weighted = await learn(decisionTree, fitData(rows.slice(0, 400), targets.slice(0, 400), ["no", "yes"], times));
    const repeated = await learn(decisionTree, fitData(repeat(rows), repeat(targets), ["no", "yes"]));
    expect(entries(weighted.tensors)).toEqual(entries(repeated.tensors));
  });

  test("of bytes is that of the same numbers as floats", async () => {
    const bytes = Uint8Array.from({ length: 500 * 8 }, (_, i) => (i * i * 31 + i) % 251);
    const floats = fitData(
      Array.from({ length: 500 }, (_, r) => [...bytes.subarray(r * 8, r * 8 + 8)]),
      targets.slice(0, 500),
      ["no", "yes"],
    );
    const [a, b] = await Promise.all([floats, { ...floats, inputs: bytes }].map((data) => learn(randomForest, data, { nEstimators: 5 })));
    expect(entries(a!.tensors)).toEqual(entries(b!.tensors));
  });

  test("fits every training row that no other row contradicts, whatever cuts there are", async () => {
    for (const params of [{}, { splitter: "random" }, { criterion: "entropy" }, { maxFeatures: 3 }, { maxLeafNodes: 6000 }]) {
      const found = await classesOf(await learn(decisionTree, large, params), large);
      expect(found.filter((c, i) => c !== targets[i]).length).toBe(0);
    }
  });
});

describe("columns", () => {
  test("of more than 65,536 values, some of them negative, are cut where they should be", async () => {
    const count = 70_000;
    const inputs = Float32Array.from({ length: count }, (_, i) => ((i * 7919) % count) - 35_000);
    const targets = Int32Array.from(inputs, (v) => Number(v > -12_000 && v <= 20_000));
    const data = { ...fitData([[0]], [0], ["out", "in"]), inputs, targets, count };
    const { tensors } = await learn(decisionTree, data);
    const [tree] = fromTensors(tensors);
    expect([...tree!.thresholds].filter(Boolean).sort((a, b) => a - b)).toEqual([-11_999.5, 20_000.5]);
    expect(await classesOf(await learn(extraTrees, data, { nEstimators: 3, maxDepth: 20 }), data)).toHaveLength(count);
  });
  test("whose neighbours have no float between them send each to its side", async () => {
    const [low, high] = [1, 1 + 2 ** -23];
    const data = fitData([[low], [high], [0]], [0, 1, 0], ["a", "b"]);
    expect([...(await classesOf(await learn(decisionTree, data), data))]).toEqual([0, 1, 0]);
  });
  test("that are constant or twice there, or more than rows, are no trouble", async () => {
    const data = fitData(
      Array.from({ length: 6 }, (_, i) => [1, i, i, 0, ...Array.from({ length: 40 }, (_, f) => (i * f) % 3)]),
      [0, 0, 0, 1, 1, 1],
      ["a", "b"],
    );
    for (const kind of [decisionTree, randomForest, extraTrees]) {
      const fitted = await learn(kind, data, kind === decisionTree ? {} : { bootstrap: false });
      expect([...(await classesOf(fitted, data))]).toEqual([0, 0, 0, 1, 1, 1]);
    }
  });
});

describe("a single row, or rows that are all alike", () => {
  test.each([decisionTree, randomForest, extraTrees])("$id: is one leaf, with a column for a class without rows", async (kind) => {
    const data = fitData([[1, 2]], [1], ["a", "b", "c"]);
    const fitted = await learn(kind, data);
    expect([...(await predict(fitted, data)).output]).toEqual([0, expect.closeTo(1, 5), 0]);
    expect([...kind.importance!(fitted.tensors)!]).toEqual([0, 0]);
  });
  test("a mean, for numbers", async () => {
    const data = fitData([[1], [1]], [2, 5], [], [1, 2]);
    expect([...(await predict(await learn(decisionTree, data), data)).output]).toEqual([4, 4]);
  });
});

describe("what is refused", () => {
  test("rows without weight", async () => {
    await expect(learn(decisionTree, fitData([[1], [2]], [0, 1], ["a", "b"], [0, 0]))).rejects.toMatchObject({
      code: "UNFIT_DATA",
      message: 'model "decision-tree": no row of the training split has a weight above 0',
      fix: "Give some rows, and their classes, a weight.",
    });
  });
  test.each<[LearnerKind, object, "classification" | "regression", object]>([
    [decisionTree, { criterion: "gini" }, "regression", { name: "criterion", want: "squared_error or auto for numbers", got: "gini" }],
    [
      randomForest,
      { criterion: "squared_error" },
      "classification",
      { name: "criterion", want: "gini, entropy, log_loss or auto for classes", got: "squared_error" },
    ],
    [
      decisionTree,
      { minSamplesLeaf: 1.5 },
      "classification",
      { name: "minSamplesLeaf", want: "an integer of at least 1, or a share between 0 and 1", got: "1.5" },
    ],
    [
      decisionTree,
      { minSamplesSplit: 1 },
      "classification",
      { name: "minSamplesSplit", want: "an integer of at least 2, or a share between 0 and 1", got: "1" },
    ],
    [decisionTree, { maxLeafNodes: 1 }, "classification", { name: "maxLeafNodes", want: "0 or an integer of at least 2", got: "1" }],
    [
      decisionTree,
      { maxFeatures: 2.5 },
      "classification",
      { name: "maxFeatures", want: "an integer of at least 1, or a share between 0 and 1", got: "2.5" },
    ],
    [extraTrees, { maxSamples: 0.5 }, "classification", { name: "maxSamples", want: "1 without bootstrap", got: "0.5" }],
    [
      extraTrees,
      { oobScore: true },
      "classification",
      { name: "oobScore", want: "false without bootstrap, as no tree leaves a row out", got: "true" },
    ],
  ])("%o: %o", (kind, params, task, problem) => {
    expect(kind.check!(resolveParams(kind.id, kind.params, params as never) as never, task)).toEqual(problem);
  });
});
