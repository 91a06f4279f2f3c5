/** From a snapshot to samples: what is learnt from which rows, what is refused and why, what a preview shows. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { pictureSnapshot, type TableRows, tableSnapshot } from "../../../test/snapshots.ts";
import type { PreprocessingStep } from "../../data/kinds.ts";
import { murmurHash3 } from "../../data/murmur.ts";
import { type PrepareOptions, prepare } from "../../data/prepare.ts";
import { previewSteps } from "../../data/preview-steps.ts";
import { checkSteps, type RawShape, shapeAfter } from "../../data/steps.ts";
import type { ColumnType, Dataset } from "../../shared/dataset.ts";
import { preprocessing } from "./index.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

type Types = Readonly<Record<string, ColumnType>>;
type Rows = TableRows & { readonly target: readonly number[] };
async function table(types: Types, splits: { train: Rows; validation?: Rows; test: Rows }, task: "classification" | "regression" = "classification") {
  const folder = await tableSnapshot(types, splits, { task });
  folders.push(folder);
  return folder;
}
const stepsOf = (steps: readonly PreprocessingStep[]) => checkSteps(preprocessing, steps).steps;
const load = (folder: string, steps: readonly PreprocessingStep[], options: Partial<PrepareOptions> = {}): Promise<Dataset> =>
  prepare(folder, stepsOf(steps), { id: "t", source: "t", validation: { fraction: 0, seed: 1 }, ...options });
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
const columnOf = ({ sampleShape: [width] }: Dataset, inputs: ArrayLike<number>, column = 0) =>
  Array.from({ length: inputs.length / width! }, (_, row) => inputs[row * width! + column]!);

const mixed: Types = { age: "number", income: "number", city: "category", joined: "date", note: "text" };
const rows = (...of: readonly (readonly [number | null, number, string | null, string | null, string])[]): Rows => ({
  age: of.map(([v]) => v),
  income: of.map(([, v]) => v),
  city: of.map(([, , v]) => v),
  joined: of.map(([, , , v]) => (v === null ? null : Date.parse(`${v}T00:00Z`) / 1000)),
  note: of.map(([, , , , v]) => v),
  target: of.map((_, i) => i % 2),
});
const train = rows(
  [30, 10, "Oslo", "2020-01-06", "fast good"],
  [null, 20, "Rome", "2021-06-15", "good good"],
  [50, 30, "Oslo", "2022-12-31", "slow fast"],
  [40, 40, null, null, ""],
);
const held = rows([20, 1000, "Paris", "2024-02-29", "fast unseen"], [null, -5, "Rome", null, "slow"]);
const usual: readonly PreprocessingStep[] = [
  { step: "date-parts", params: { parts: ["year", "weekday"] } },
  { step: "impute", params: { flag: true, columns: ["age", "joined year", "joined weekday"] } },
  { step: "standardise", params: { columns: ["income"] } },
  { step: "one-hot" },
  { step: "bag-of-words" },
];

describe("a table of every type", async () => {
  const folder = await table(mixed, { train, test: held });

  test("becomes numbers that are named", async () => {
    const dataset = await load(folder, usual);
    expect(dataset.preparation!.features).toEqual([
      "age",
      "income",
      "joined year",
      "joined weekday",
      "age is missing",
      "joined year is missing",
      "joined weekday is missing",
      "city=Oslo",
      "city=Rome",
      "note: fast",
      "note: good",
    ]);
    expect(Array.from(dataset.test.inputs.slice(0, 11))).toEqual([20, expect.closeTo(975 / Math.sqrt(125), 4), 2024, 3, 0, 0, 0, 0, 0, 1, 0]);
    expect(Array.from(dataset.test.inputs.slice(11))).toEqual([40, expect.closeTo(-30 / Math.sqrt(125), 4), 2021, 1, 1, 1, 1, 0, 1, 0, 0]);
  });

  test("needs no value where missing ones are filled in or mean something, and does where nothing does that", async () => {
    const { preparation } = await load(folder, usual);
    expect(preparation!.inputs.map(({ name, required }) => [name, required])).toEqual([
      ["age", false],
      ["income", true],
      ["city", false],
      ["joined", false],
      ["note", false],
    ]);
  });

  test("asks for no column of which nothing is left", async () => {
    const { columns, preparation } = await load(folder, [
      { step: "impute" },
      { step: "one-hot" },
      { step: "select", params: { columns: ["age", "city=Rome"] } },
    ]);
    expect([columns, preparation!.features]).toEqual([
      ["age", "city"],
      ["age", "city=Rome"],
    ]);
  });

  test("is the same to the bit with what was learnt before, and the same again when it is learnt again", async () => {
    const first = await load(folder, usual);
    const fitted = JSON.parse(JSON.stringify(first.preparation!.steps));
    expect(await load(folder, usual, { fitted })).toEqual(first);
    expect(await load(folder, usual)).toEqual(first);
  });

  test("is shown before the first step and after each", async () => {
    const { stages, problem } = await previewSteps(folder, stepsOf(usual.slice(0, 3)), 2);
    expect(stages.map(({ step }) => step)).toEqual([undefined, "date-parts", "impute", "standardise"]);
    expect(stages[0]).toEqual({
      columns: Object.entries(mixed).map(([name, type]) => ({ name, type })),
      more: 0,
      rows: [
        [30, 10, "Oslo", "2020-01-06T00:00:00.000Z", "fast good"],
        [null, 20, "Rome", "2021-06-15T00:00:00.000Z", "good good"],
      ],
    });
    expect(stages[2]).toMatchObject({
      rows: [
        [30, 10, 2020, 0, 0, 0, 0, "Oslo", "fast good"],
        [40, 20, 2021, 1, 1, 0, 0, "Rome", "good good"],
      ],
    });
    expect(problem).toEqual({
      message: 'preprocessing: column "city" holds categories at the end, which a network cannot read',
      fix: "Add the step one-hot, ordinal or hashing, or drop the column (step drop).",
    });
  });
});

describe("what is learnt", () => {
  const numbers = (...of: number[]): Rows => ({ x: of, target: of.map((_, i) => i % 2) });
  const standardise = [{ step: "standardise" }];

  test("comes from the training rows, whatever validation and test hold", async () => {
    const learnt = async (validation: Rows, test: Rows) =>
      (await load(await table({ x: "number" }, { train: numbers(1, 2, 3, 6), validation, test }), standardise)).preparation!.steps[0]!.fitted;
    expect(await learnt(numbers(1000, 2000), numbers(-7))).toEqual(await learnt(numbers(0), numbers(5, 5)));
    expect(await learnt(numbers(0), numbers(0))).toEqual({ x: { mean: 3, deviation: Math.sqrt(3.5) } });
  });

  test("comes from none of the rows that a training sets aside, where the snapshot has no validation split", async () => {
    const folder = await table({ x: "number" }, { train: numbers(...Array.from({ length: 40 }, (_, i) => i ** 2)), test: numbers(1, 2) });
    const dataset = await load(folder, [{ step: "min-max" }], { validation: { fraction: 0.25, seed: 3 } });
    expect([dataset.rows!.train.length, dataset.rows!.validation.length]).toEqual([30, 10]);
    const raw = Array.from(dataset.rows!.train, (row) => row ** 2);
    expect(dataset.preparation!.steps[0]!.fitted).toEqual({ x: { min: Math.min(...raw), max: Math.max(...raw) } });
    const { fitted } = (await load(folder, [{ step: "min-max" }], { validation: { fraction: 0.25, seed: 4 } })).preparation!.steps[0]!;
    expect(fitted).not.toEqual(undefined);
  });

  test("of a regression's target too", async () => {
    const rows = (...target: number[]): Rows => ({ x: target, target });
    const folder = await table({ x: "number" }, { train: rows(1, 3), validation: rows(100), test: rows(-50) }, "regression");
    expect((await load(folder, [])).normalisation.target).toEqual({ mean: 2, deviation: 1 });
  });

  test("stands in the validation split's rows after those of training, and in the order of the files", async () => {
    const dataset = await load(await table({ x: "number" }, { train: numbers(0, 10), validation: numbers(5), test: numbers(20) }), [
      { step: "min-max" },
    ]);
    expect([...dataset.train.inputs]).toEqual([0, 1, 0.5]);
    expect([[...dataset.rows!.train], [...dataset.rows!.validation]]).toEqual([[0, 1], [2]]);
    expect([...dataset.test.inputs]).toEqual([2]);
  });

  test("of more rows than a batch is that of all of them", async () => {
    const many = Array.from({ length: 20_001 }, (_, i) => i);
    const {
      preparation,
      train,
      test: tested,
    } = await load(await table({ x: "number" }, { train: numbers(...many), test: numbers(10_000) }), standardise);
    expect(preparation!.steps[0]!.fitted).toMatchObject({ x: { mean: 10_000 } });
    expect([train.count, tested.inputs[0]]).toEqual([20_001, 0]);
    expect(train.inputs[20_000]).toBeCloseTo(Math.sqrt(3), 3);
  });
});

describe("columns that are hard to learn from", () => {
  const split = (x: readonly (number | string | null)[]): Rows => ({ x, y: x.map((_, i) => i), target: x.map((_, i) => i % 2) });
  const of = (type: ColumnType, x: readonly (number | string | null)[], held: readonly (number | string | null)[] = x) =>
    table({ x: type, y: "number" }, { train: split(x), test: split(held) });

  test.each(["standardise", "min-max", "robust", "bin", "impute"])("without a value are refused by %s, with the way out", async (step) => {
    expect(await refusal(load(await of("number", [null, null]), [{ step }]))).toEqual([
      "BAD_PREPROCESSING",
      `preprocessing step 1 (${step}), column "x": every value is missing in the training rows, so nothing can be learnt from it`,
      'Drop the column (step drop), or impute it with strategy "constant".',
    ]);
  });

  test("without a value may be imputed by a constant", async () => {
    const folder = await of("number", [null, null]);
    expect(
      columnOf(
        await load(folder, [{ step: "impute", params: { strategy: "constant", value: 3 } }]),
        (await load(folder, [{ step: "impute", params: { strategy: "constant", value: 3 } }])).train.inputs,
      ),
    ).toEqual([3, 3]);
  });

  test.each([
    ["standardise", 0],
    ["min-max", 0],
    ["robust", 0],
  ])("that never change become %s %d", async (step, want) => {
    const dataset = await load(await of("number", [0.1, 0.1, 0.1]), [{ step }]);
    expect(columnOf(dataset, dataset.train.inputs)).toEqual([want, want, want]);
  });

  test("with missing values that nothing fills in are refused, with their place", async () => {
    const message = (split: string, row: number) => [
      "BAD_PREPROCESSING",
      `column "x": the value is missing in row ${row} of the ${split} split, and a network cannot read that`,
      'Add the step impute for "x", or drop the column (step drop).',
    ];
    expect(await refusal(load(await of("number", [1, null]), [{ step: "standardise" }]))).toEqual(message("training", 2));
    expect(await refusal(load(await of("number", [1, 2], [3, 4, null]), []))).toEqual(message("test", 3));
    expect(await refusal(load(await of("category", ["a", null]), [{ step: "ordinal" }]))).toEqual(message("training", 2));
  });

  test("with values that only come later count as other ones, or as none", async () => {
    const folder = await of("category", ["a", "b", "a"], ["c", "b", null]);
    const hot = await load(folder, [{ step: "one-hot", params: { most: 1 } }]);
    expect(hot.preparation!.features).toEqual(["y", "x=a", "x is other"]);
    expect([columnOf(hot, hot.test.inputs, 1), columnOf(hot, hot.test.inputs, 2)]).toEqual([
      [0, 0, 0],
      [1, 1, 0],
    ]);
    const plain = await load(folder, [{ step: "one-hot" }]);
    expect(plain.preparation!.features).toEqual(["y", "x=a", "x=b"]);
    expect(columnOf(plain, plain.test.inputs, 2)).toEqual([0, 1, 0]);
  });

  test("of thousands of values have as many columns as one says", async () => {
    const values = Array.from({ length: 3000 }, (_, i) => `v${Math.min(i, 2000)}`);
    const { sampleShape, preparation } = await load(await of("category", values), [{ step: "one-hot", params: { most: 50 } }]);
    expect(sampleShape).toEqual([1 + 51]);
    expect(preparation!.features.slice(1, 2)).toEqual(["x=v0"]);
    expect(preparation!.features.at(-1)).toBe("x is other");
  });

  test("of fewer values than bins have fewer bins", async () => {
    const { preparation } = await load(await of("number", [1, 1, 1, 1, 2, 3, 3, 3]), [{ step: "bin", params: { columns: ["x"], bins: 4 } }]);
    expect(preparation!.features).toEqual(["y", "x < 1.5", "x >= 1.5"]);
  });

  test("of texts without frequent words leave nothing, and a model does not ask for them", async () => {
    const { columns, preparation } = await load(await of("text", ["one", "two", ""]), [{ step: "bag-of-words" }]);
    expect([columns, preparation!.features]).toEqual([["y"], ["y"]]);
    expect(preparation!.steps[0]!.fitted).toEqual({ x: { words: [] } });
  });

  test("may have names of any kind", async () => {
    const types: Types = { 'say "hi"': "text", "a=b": "category", "0": "number" };
    const rows: Rows = { 'say "hi"': ["oh no", "oh yes"], "a=b": ["x", "y"], "0": [1, 2], target: [0, 1] };
    const { preparation } = await load(await table(types, { train: rows, test: rows }), [{ step: "one-hot" }, { step: "bag-of-words" }]);
    expect(preparation!.features).toEqual(["0", "a=b=x", "a=b=y", 'say "hi": oh']);
  });
});

describe("a list of steps is refused", () => {
  const columns: RawShape = {
    columns: [
      { name: "age", type: "number" },
      { name: "city", type: "category" },
      { name: "when", type: "date" },
    ],
  };
  const picture: RawShape = { pictureShape: [2, 8, 8] };
  const step = (step: string, params: Record<string, unknown> = {}): PreprocessingStep => ({ step, params });
  const told = (raw: RawShape | undefined, ...steps: readonly PreprocessingStep[]) =>
    checkSteps(preprocessing, steps, raw).problems.map(({ path, error }) => `${path}: ${error.message}`);

  test.each<[string, RawShape | undefined, readonly PreprocessingStep[], string]>([
    ["with a step that there is not", undefined, [step("drop", { columns: ["a"] }), step("scale")], '1.step: there is no preprocessing step "scale"'],
    [
      "with a parameter of another",
      undefined,
      [step("drop", { columns: ["a"], bins: 3 })],
      '0.params.bins: preprocessing step 1 (drop) has no parameter "bins"',
    ],
    [
      "with a value out of range",
      undefined,
      [step("bin", { bins: 1 })],
      "0.params.bins: preprocessing step 1 (bin): bins must be an integer from 2 to 1000, but is 1",
    ],
    [
      "to clip between limits that cross",
      undefined,
      [step("clip", { min: 2, max: 1 })],
      "0.params.min: preprocessing step 1 (clip): min must be at most max, which is 1, but is 2",
    ],
    [
      "to clip by shares beyond 1",
      undefined,
      [step("clip", { by: "quantile", max: 2 })],
      "0.params.max: preprocessing step 1 (clip): max must be a share from 0 to 1, but is 2",
    ],
    [
      "with parts that dates do not have",
      undefined,
      [step("date-parts", { parts: ["era"] })],
      '0.params.parts: preprocessing step 1 (date-parts): parts must be some of year, quarter, month, day, weekday, day-of-year, hour, minute, days-since-1970, but is "era"',
    ],
    [
      "with half a scale",
      undefined,
      [step("normalise", { mean: [1] })],
      "0.params.deviation: preprocessing step 1 (normalise): deviation must be as many numbers as mean, which has 1, but is 0 numbers",
    ],
    [
      "for pictures and tables at once",
      undefined,
      [step("invert"), step("log")],
      "1.step: preprocessing step 2 (log): it is for tables, but the steps before it are for pictures",
    ],
    [
      "for pictures, of a table",
      columns,
      [step("invert")],
      "0.step: preprocessing step 1 (invert): it is for pictures, but the samples are rows of a table",
    ],
    [
      "with a column that there is not",
      columns,
      [step("standardise", { columns: ["Age"] })],
      '0.params.columns: preprocessing step 1 (standardise): columns must be some of "age", "city", "when", but is "Age"',
    ],
    [
      "with a column of another type",
      columns,
      [step("standardise", { columns: ["age", "city"] })],
      '0.params.columns: preprocessing step 1 (standardise): it is for numbers, but column "city" holds categories',
    ],
    [
      "with a column that was dropped before",
      columns,
      [step("drop", { columns: ["city", "when"] }), step("one-hot", { columns: ["city"] })],
      '1.params.columns: preprocessing step 2 (one-hot): columns must be some of "age", but is "city"',
    ],
    [
      "to drop nothing",
      columns,
      [step("drop")],
      "0.params.columns: preprocessing step 1 (drop): columns must be the names of one or more columns, but is empty",
    ],
    ["that leaves nothing", columns, [step("drop", { columns: ["age", "city", "when"] })], ": preprocessing: no column is left"],
    [
      "that leaves what no network can read",
      columns,
      [step("one-hot")],
      ': preprocessing: column "when" holds dates at the end, which a network cannot read',
    ],
    [
      "to crop more than there is",
      picture,
      [step("centre-crop", { height: 9, width: 8 })],
      "0: step centre-crop: it takes pictures of at least 9 x 8, but they are [2, 8, 8] here",
    ],
    [
      "to make two channels grey",
      picture,
      [step("grayscale")],
      "0: step grayscale: it takes pictures of one or three channels, but they are [2, 8, 8] here",
    ],
    [
      "with a scale for each of other channels",
      picture,
      [step("normalise", { mean: [1, 2, 3], deviation: [1, 1, 1] })],
      "0: step normalise: it takes pictures of 3 channels, but they are [2, 8, 8] here",
    ],
    [
      "that changes pixels after they are scaled",
      picture,
      [step("normalise"), step("resize")],
      "1: preprocessing step 2 (resize): it works on pixels, but a step before it has scaled them",
    ],
  ])("%s", (_, raw, steps, message) => {
    expect(told(raw, ...steps)).toEqual([message]);
  });

  test("with every fault at once", () => {
    expect(told(columns, step("clip", { min: 3 }), step("no"), step("bin", { bins: 0 }))).toHaveLength(3);
  });

  test("and a good one says the shape that it leads to, where that is known", () => {
    const shape = (raw: RawShape, ...steps: readonly PreprocessingStep[]) => shapeAfter(checkSteps(preprocessing, steps, raw).steps, raw);
    expect(shape(columns, step("date-parts"), step("hashing", { buckets: 4 }))).toEqual([1 + 4 + 4]);
    expect(shape(columns, step("date-parts"), step("impute", { flag: true }), step("ordinal"))).toEqual([2 + 2 * 4 + 2]);
    expect(shape(columns, step("date-parts"), step("one-hot"))).toBeUndefined();
    expect(shape(picture, step("resize", { height: 4, width: 5 }), step("normalise"))).toEqual([2, 4, 5]);
  });
});

test("a preview of pictures shows their pixels, scaled where a step scales them", async () => {
  const pictures = Uint8Array.from([0, 51, 102, 255, 10, 20, 30, 40]);
  const folder = await pictureSnapshot([1, 2, 2], { train: { pictures, target: [0, 1] }, test: { pictures, target: [0, 1] } });
  folders.push(folder);
  const { stages } = await previewSteps(folder, stepsOf([{ step: "invert" }, { step: "normalise", params: { mean: [0], deviation: [255] } }]), 1);
  expect(stages).toEqual([
    { shape: [1, 2, 2], pictures: [[0, 51, 102, 255]] },
    { step: "invert", shape: [1, 2, 2], pictures: [[255, 204, 153, 0]] },
    { step: "normalise", shape: [1, 2, 2], pictures: [[1, 0.8, 0.6, 0]] },
  ]);
});

test("hashes are those of scikit-learn's murmurhash3_32", () => {
  expect(["", "a", "zz", "b", "Köln"].map(murmurHash3)).toEqual([0, 1009084850, -642971880, -1780580861, 866521595]);
});
