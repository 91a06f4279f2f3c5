/** Classical models on data of every day, beside what scikit-learn says of the same rows: test/python/reference_learners.py. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { learners } from "../src/learners/index.ts";
import type { FitData } from "../src/learners/kinds.ts";
import { adultEncoder, adultRows, isRich } from "./adult.ts";
import { testWith } from "./arrays.ts";
import reference from "./data/learners.reference.json" with { type: "json" };
import { classesOf, fitData, learn, predict, type Rows } from "./learners.ts";
import { fashion, fashionFolder, standardised } from "./linear-reference.ts";

interface Case {
  readonly data: string;
  readonly learner: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Probabilities, or decisions, of the first held rows. */
  readonly says?: readonly (readonly number[])[];
  /** The share of all held rows, a mean over 10 seeds. */
  readonly right?: number;
}

const tables: Readonly<Record<string, () => FitData>> = {
  adult: () => adult(true),
  "adult-codes": () => adult(false),
  "height-weight"() {
    const rows = readFileSync("data/height-weight.csv", "utf8").trim().split("\n").slice(1);
    const cells = rows.map((line) => line.split(","));
    return fitData(
      standardised(cells.map(([, , height, weight]) => [Number(height), Number(weight)])),
      cells.map(([sex]) => Number(sex === "M")),
      ["F", "M"],
    );
  },
  fashion,
  "fashion-scaled"() {
    const data = fashion();
    return { ...data, inputs: Float32Array.from(data.inputs, (value) => value / 255) };
  },
};

function adult(oneHot: boolean): FitData {
  const rows = adultRows(gunzipSync(readFileSync("test/data/adult.csv.gz")).toString());
  return fitData(rows.map(adultEncoder(rows, oneHot)), rows.map(isRich), ["<=50K", ">50K"]);
}

/** Every fifth row is held out. */
function parts(data: FitData): { fitted: FitData; held: Rows; truth: Int32Array } {
  const { inputs, count, features, targets } = data;
  const isHeld = (row: number) => row % 5 === 0;
  const part = (wanted: boolean) => {
    const rows = Array.from({ length: count }, (_, row) => row).filter((row) => isHeld(row) === wanted);
    const cells = new (inputs.constructor as typeof Float32Array)(rows.length * features);
    for (const [i, row] of rows.entries()) cells.set(inputs.subarray(row * features, (row + 1) * features), i * features);
    return { inputs: cells, count: rows.length, features, targets: Int32Array.from(rows, (row) => targets[row]!) };
  };
  const [fitted, held] = [part(false), part(true)];
  return { fitted: { ...data, ...fitted }, held, truth: held.targets };
}

const loaded = new Map<string, ReturnType<typeof parts>>();
function partsOf(name: string): ReturnType<typeof parts> {
  if (!loaded.has(name)) loaded.set(name, parts(tables[name]!()));
  return loaded.get(name)!;
}

const { shown, cases } = reference as { shown: number; cases: readonly Case[] };
for (const { data, learner, params, says, right } of cases) {
  const kind = learners.find(({ id }) => id === learner)!;
  const run = data.startsWith("fashion") ? testWith(fashionFolder) : test;
  run(`${learner} on ${data} is scikit-learn's: ${JSON.stringify(params)}`, async () => {
    const { fitted, held, truth } = partsOf(data);
    if (says) {
      const { output } = await predict(await learn(kind, fitted, params), { ...held, inputs: held.inputs.subarray(0, shown * held.features) });
      const wanted = says.flat();
      expect(output.length).toBe(wanted.length);
      const farthest = output.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
      expect(farthest).toBeLessThan(learner === "svm" ? 1e-3 : 1e-4);
      return;
    }
    let mean = 0;
    for (let seed = 0; seed < 10; seed++) {
      const found = await classesOf(await learn(kind, fitted, params, { seed }), held);
      mean += found.reduce((sum, c, row) => sum + Number(c === truth[row]), 0) / truth.length / 10;
    }
    // Standard error of a share of so many rows.
    expect(Math.abs(mean - right!)).toBeLessThan(Math.sqrt((right! * (1 - right!)) / truth.length));
  });
}
