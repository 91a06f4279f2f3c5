import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { classesOf, fitData, learn as learnWith, predict, type Rows } from "../../../test/learners.ts";
import { input } from "../../engine/graph.ts";
import { Session, tensor } from "../../engine/session.ts";
import { resolveParams } from "../../shared/define.ts";
import type { FitData, LearntTensors } from "../kinds.ts";
import { coupled, decisionsOf } from "./predict.ts";
import { svm } from "./svm.ts";

interface Table {
  readonly features: number;
  readonly dtype: "uint8" | "float32";
  readonly inputs: string;
  readonly targets: string;
  /** Twice the weights. */
  readonly weights: string;
}
interface Case {
  readonly data: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly weighted: boolean;
  readonly scores: readonly number[][];
  readonly pairs?: readonly number[][];
  readonly predicted: readonly number[];
}
const reference: {
  readonly held: number;
  readonly tables: Readonly<Record<string, Table>>;
  readonly cases: readonly Case[];
  readonly probabilities: readonly { readonly data: string; readonly expected: readonly number[][] }[];
  readonly coupling: readonly { readonly classes: number; readonly pairs: readonly number[][]; readonly expected: readonly number[][] }[];
} = JSON.parse(readFileSync(new URL("svm.reference.json", import.meta.url), "utf8"));

/** With one thread unless said: each takes a while to start from the sources. */
const learn: typeof learnWith = (kind, data, params, context) => learnWith(kind, data, params, { threads: 1, ...context });

const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

/** The held rows are the first of a table; the others are fitted. */
function tableOf(name: string, { weighted = false, labels = 0 } = {}): { data: FitData; held: Rows; truth: Uint8Array } {
  const { features, dtype, ...packed } = reference.tables[name]!;
  const raw = bytes(packed.inputs);
  const inputs = dtype === "uint8" ? Float32Array.from(raw) : new Float32Array(raw.buffer);
  const [targets, weights] = [bytes(packed.targets), Float64Array.from(bytes(packed.weights), (w) => w / 2)];
  const { held } = reference;
  const classes = Math.max(labels, ...targets.map((c) => c + 1));
  const data: FitData = {
    inputs: inputs.subarray(held * features),
    count: targets.length - held,
    features,
    targets: Int32Array.from(targets.subarray(held)),
    ...(weighted && { weights: weights.subarray(held) }),
    labels: Array.from({ length: classes }, (_, c) => `class ${c}`),
    names: Array.from({ length: features }, (_, f) => `x${f}`),
  };
  return { data, held: { inputs: inputs.subarray(0, held * features), features }, truth: targets.subarray(0, held) };
}

const farthest = (got: ArrayLike<number>, want: readonly (readonly number[])[]) =>
  want.flat().reduce((most, value, i) => Math.max(most, Math.abs(got[i]! - value)), 0);
const same = (a: LearntTensors, b: LearntTensors) => expect([...a]).toEqual([...b]);
const rowsOf = ({ inputs, features }: Rows) => inputs.length / features;

/** What each pair decides, [rows, pairs]. */
async function pairsOf(tensors: LearntTensors, params: Readonly<Record<string, unknown>>, held: Rows): Promise<Float32Array> {
  const { kernel, coef0, degree } = resolveParams('model "svm"', svm.params, params) as { kernel: "rbf"; coef0: number; degree: number };
  const x = input("x", "float32", ["batch", held.features]);
  const decisions = decisionsOf(x, tensors, { kernel, coef0, degree, gamma: tensors.get("gamma")!.data[0]! });
  const session = await Session.open({ name: "pairs", inputs: [x], outputs: { decisions } });
  const results = await session.run({ x: tensor([rowsOf(held), held.features], held.inputs) });
  await session.close();
  return results.decisions!.data as Float32Array;
}

describe("beside scikit-learn", () => {
  test.each(reference.cases.map((one) => [`${one.data} ${one.weighted ? "weighted " : ""}${JSON.stringify(one.params)}`, one] as const))(
    "%s decides alike",
    async (_, { data, params, weighted, scores, pairs, predicted }) => {
      const table = tableOf(data, { weighted });
      const fitted = await learn(svm, table.data, params);
      const { output } = await predict(fitted, table.held);
      expect(farthest(output, scores)).toBeLessThan(1e-3);
      if (pairs) expect(farthest(await pairsOf(fitted.tensors, params, table.held), pairs)).toBeLessThan(1e-3);
      expect([...(await classesOf(fitted, table.held))]).toEqual(predicted);
    },
  );

  test.each(reference.probabilities.map((one) => [one.data, one] as const))(
    "probabilities of %s are near, by other folds",
    async (data, { expected }) => {
      const table = tableOf(data);
      const { output } = await predict(await learn(svm, table.data, { probability: true }), table.held);
      const errors = expected.flat().map((value, i) => Math.abs(value - output[i]!));
      expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeLessThan(0.02);
      for (let r = 0; r < expected.length; r++) {
        const row = output.subarray(r * expected[0]!.length, (r + 1) * expected[0]!.length);
        expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      }
    },
  );

  test.each(reference.coupling.map((one) => [one.classes, one] as const))(
    "pairs of %i classes are coupled as LIBSVM couples them",
    async (classes, one) => {
      const pairs = input("pairs", "float32", ["batch", one.pairs[0]!.length]);
      const session = await Session.open({ name: "coupling", inputs: [pairs], outputs: { p: coupled(pairs, classes) } });
      const { p } = await session.run({ pairs: tensor([one.pairs.length, one.pairs[0]!.length], one.pairs.flat()) });
      await session.close();
      expect(farthest(p!.data as Float32Array, one.expected)).toBeLessThan(1e-4);
    },
  );
});

describe("the same bits", () => {
  test.each([{}, { probability: true }, { kernel: "linear", multiClass: "ovr" }, { kernel: "linear", loss: "squared_hinge" }])(
    "with one thread and with four: %j",
    async (params) => {
      const { data } = tableOf("digits");
      same((await learn(svm, data, params, { threads: 1 })).tensors, (await learn(svm, data, params, { threads: 4 })).tensors);
    },
  );

  test("of two classes, whatever the threads of a product and the rows in the cache", async () => {
    const { data } = tableOf("breast-cancer");
    const one = await learn(svm, data, {}, { threads: 1 });
    same(one.tensors, (await learn(svm, data, { cacheSize: 1 }, { threads: 4 })).tensors);
  });

  test("when rows of the kernel have to leave the cache and come back", async () => {
    // 4000 rows: 1 MB holds 65 rows, so the 128 that are always kept turn over
    const rows = Array.from({ length: 4000 }, (_, r) => [Math.sin(r), Math.cos(1.7 * r), Math.sin(0.3 * r * r)]);
    const data = fitData(
      rows,
      rows.map(([a, b, c]) => Number(a! + b! * c! > 0.1 * Math.sin(9 * a!))),
      ["no", "yes"],
    );
    const roomy = await learn(svm, data, { gamma: 2 });
    same(roomy.tensors, (await learn(svm, data, { gamma: 2, cacheSize: 1 })).tensors);
  });

  test.each([{ probability: true }, { kernel: "linear", loss: "squared_hinge" }])("after a stop and a resume: %j", async (params) => {
    const { data } = tableOf("digits");
    const whole = await learn(svm, data, params);
    const stop = new AbortController();
    const events = svm.fit(data, resolveParams("svm", svm.params, params) as never, { seed: 1, threads: 2, signal: stop.signal });
    let last: LearntTensors | undefined;
    const stopped = (async () => {
      for await (const { checkpoint, done } of events) {
        last = checkpoint!();
        if (done) stop.abort(new Error("stopped"));
      }
    })();
    await expect(stopped).rejects.toThrow("stopped");
    const done = last!.get("solved")!.data.reduce((a, b) => a + b, 0);
    expect(done).toBeGreaterThan(0);
    const resumed = await learn(svm, data, params, { resume: last! });
    expect(resumed.progress[0]!.done).toBe(done);
    same(resumed.tensors, whole.tensors);
  });
});

test("is stopped while several threads are within a product, and the process lives on", async () => {
  const { data } = tableOf("digits");
  const params = resolveParams("svm", svm.params, { probability: true }) as never;
  for (let round = 0; round < 12; round++) {
    const stop = new AbortController();
    const stopped = (async () => {
      for await (const { done } of svm.fit(data, params, { seed: 1, threads: 4, signal: stop.signal }))
        if (done > round) stop.abort(new Error("enough"));
    })();
    await expect(stopped).rejects.toThrow("enough");
  }
});

describe("weights", () => {
  test.each([{ tol: 1e-6 }, { kernel: "linear", multiClass: "ovr", tol: 1e-6 }])("of whole numbers are repeated rows: %j", async (params) => {
    const { data, held } = tableOf("wine");
    const times = Array.from({ length: data.count }, (_, r) => r % 3);
    const places = times.flatMap((n, r) => Array<number>(n).fill(r));
    const row = (r: number) => Array.from(data.inputs.subarray(r * data.features, (r + 1) * data.features));
    const repeated = fitData(
      places.map(row),
      places.map((r) => data.targets[r]!),
      data.labels,
    );
    const gamma = { gamma: 0.1 }; // scale depends on which rows there are
    const weighted = await predict(await learn(svm, { ...data, weights: Float64Array.from(times) }, { ...params, ...gamma }), held);
    const { output } = await predict(await learn(svm, repeated, { ...params, ...gamma }), held);
    expect(farthest(weighted.output, [[...output]])).toBeLessThan(1e-3);
  });

  test("of a class multiply C for its rows", async () => {
    const { data, held } = tableOf("iris");
    const { output } = await predict(await learn(svm, data, { classWeight: { "class 1": 4 }, tol: 1e-6 }), held);
    const weights = Float64Array.from(data.targets, (c) => (c === 1 ? 4 : 1));
    expect(farthest(output, [[...(await predict(await learn(svm, { ...data, weights }, { tol: 1e-6 }), held)).output]])).toBe(0);
  });
});

describe("data at the edge", () => {
  test.each([{}, { probability: true }, { kernel: "linear", loss: "squared_hinge" }])(
    "a class without rows is never predicted: %j",
    async (params) => {
      const { data, held } = tableOf("wine", { labels: 5 });
      const targets = data.targets.map((c) => c + Number(c > 0)); // classes 0, 2, 3 of 5
      const fitted = await learn(svm, { ...data, targets }, params);
      const { output } = await predict(fitted, held);
      expect(output.length).toBe(5 * rowsOf(held));
      expect([...new Set(await classesOf(fitted, held))].sort()).toEqual([0, 2, 3]);
      for (let r = 0; r < rowsOf(held); r++) {
        const row = [...output.subarray(5 * r, 5 * r + 5)];
        for (const absent of [1, 4]) for (const present of [0, 2, 3]) expect(row[absent]!).toBeLessThanOrEqual(row[present]!);
      }
    },
  );

  test("two rows, one of each class, have the border in the middle", async () => {
    const fitted = await learn(svm, fitData([[0], [2]], [0, 1], ["low", "high"]), { kernel: "linear" });
    const { output } = await predict(fitted, { inputs: Float32Array.of(0, 1, 2), features: 1 });
    expect(farthest(output, [[1, -1, 0, 0, -1, 1]])).toBeLessThan(1e-5);
  });

  test("constant and doubled features, fewer rows than features, and rows that contradict each other are fitted", async () => {
    const rows = [
      [1, 5, 5, 0, 3],
      [2, 5, 5, 0, 3],
      [2, 5, 5, 0, 3],
      [7, 1, 1, 0, 3],
    ];
    for (const params of [{}, { kernel: "poly" }, { kernel: "sigmoid" }, { kernel: "linear", loss: "squared_hinge" }, { probability: true }]) {
      const fitted = await learn(svm, fitData(rows, [0, 0, 1, 1], ["a", "b"]), params);
      const { output } = await predict(fitted, { inputs: Float32Array.from(rows.flat()), features: 5 });
      expect(output.every(Number.isFinite)).toBe(true);
    }
  });

  test("rows far from the origin keep their digits", async () => {
    const { data, held } = tableOf("iris");
    const far = (inputs: Rows["inputs"]) => Float32Array.from(inputs, (v) => Math.round(v * 8) / 8 + 4096);
    const near = (inputs: Rows["inputs"]) => Float32Array.from(inputs, (v) => Math.round(v * 8) / 8);
    const params = { gamma: 0.25, tol: 1e-6 };
    const moved = await predict(await learn(svm, { ...data, inputs: far(data.inputs) }, params), { ...held, inputs: far(held.inputs) });
    const { output } = await predict(await learn(svm, { ...data, inputs: near(data.inputs) }, params), { ...held, inputs: near(held.inputs) });
    expect(farthest(moved.output, [[...output]])).toBeLessThan(1e-3);
  });

  test("steps are limited by maxIter", async () => {
    const { data } = tableOf("breast-cancer");
    const { tensors } = await learn(svm, data, { maxIter: 3 });
    expect(tensors.get("support_vectors")!.shape[0]).toBeLessThanOrEqual(6);
  });

  test("says what is missing where all rows are of one class, or none has a weight", async () => {
    const data = fitData([[1], [2]], [1, 1], ["a", "b"]);
    await expect(learn(svm, data)).rejects.toThrow('model "svm": every row with a weight is of class "b"');
    await expect(learn(svm, { ...data, weights: new Float64Array(2) })).rejects.toThrow('model "svm": no row has a weight above 0');
  });
});

describe("parameters", () => {
  const check = (params: Readonly<Record<string, unknown>>) => svm.check!(resolveParams("svm", svm.params, params) as never);
  test.each([
    [{ loss: "squared_hinge" }, "loss"],
    [{ loss: "squared_hinge", kernel: "linear", multiClass: "ovo" }, "multiClass"],
    [{ multiClass: "ovr" }, "multiClass"],
    [{ probability: true, kernel: "linear", multiClass: "ovr" }, "probability"],
  ])("%j do not go together", (params, name) => expect(check(params)?.name).toBe(name));
  test.each([{}, { kernel: "linear", loss: "squared_hinge" }, { kernel: "linear", gamma: 3 }, { probability: true }])("%j go together", (params) =>
    expect(check(params)).toBeUndefined(),
  );
});
