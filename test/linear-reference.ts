/** The cases of src/learners/linear.reference.json, with the data that they are about. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import type { FitData, LearnerKind } from "../src/learners/kinds.ts";
import reference from "../src/learners/linear.reference.json" with { type: "json" };
import { type Fitted, learn, predict, type Rows } from "./learners.ts";

export interface Case {
  readonly learner: string;
  readonly data: string;
  readonly scaling: string;
  readonly weighted: boolean;
  readonly params: Readonly<Record<string, unknown>>;
  /** Of about 60 rows, evenly spaced. */
  readonly probabilities: readonly (readonly number[])[];
  /** How many coefficients scikit-learn has as exactly 0. */
  readonly zeros?: number;
}
export const casesOf = (learner: string): readonly Case[] => (reference.cases as readonly Case[]).filter((one) => one.learner === learner);

/** Where Debian's package puts it. */
export const fashionFolder = "/usr/share/datasets/fashion-mnist";

interface Table {
  readonly rows: readonly (readonly number[])[];
  readonly targets: readonly number[];
}

const lines = (name: string) => readFileSync(join("data", name), "utf8").trim().split("\n");
/** Features, then the index of the class. */
const table = (text: readonly string[]): Table => {
  const cells = text.map((line) => line.split(",").map(Number));
  return { rows: cells.map((row) => row.slice(0, -1)), targets: cells.map((row) => row.at(-1)!) };
};
const tables: Readonly<Record<string, () => Table>> = {
  iris() {
    const all = lines("iris.csv").slice(1);
    const species = [...new Set(all.map((line) => line.split(",")[4]!))].sort();
    return table(all.map((line) => line.replace(/[^,]+$/, (name) => String(species.indexOf(name)))));
  },
  wine: () => table(lines("wine.csv").map((line) => line.replace(/[^,]+$/, (number) => String(Number(number) - 1)))),
  "breast-cancer": () => table(lines("breast-cancer.csv").slice(1)),
  digits: () => table(gunzipSync(readFileSync("data/digits.csv.gz")).toString().trim().split("\n")),
  people: () => reference.people,
};

type Numbers = readonly (readonly number[])[];

/** Each column by its mean and deviation. */
export function standardised(rows: Numbers): Numbers {
  const mean = rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
  const deviation = mean.map((m, j) => Math.sqrt(rows.reduce((sum, row) => sum + (row[j]! - m) ** 2, 0) / rows.length));
  return rows.map((row) => row.map((value, j) => (value - mean[j]!) / deviation[j]!));
}
const scalings: Readonly<Record<string, (rows: Numbers) => Numbers>> = {
  raw: (rows) => rows,
  sixteenths: (rows) => rows.map((row) => row.map((value) => value / 16)),
  standardised,
};

/** A table by its name, as a learner fits it. */
export function dataOf(name: string, scaling = "raw"): FitData {
  const { rows, targets } = tables[name]!();
  const features = rows[0]!.length;
  return {
    inputs: Float32Array.from(scalings[scaling]!(rows).flat()),
    count: rows.length,
    features,
    targets: Int32Array.from(targets),
    labels: Array.from({ length: Math.max(...targets) + 1 }, (_, c) => `class ${c}`),
    names: Array.from({ length: features }, (_, j) => `x${j}`),
  };
}

/** The first 10,000 training pictures, as bytes. */
export function fashion(): FitData {
  const read = (name: string) => gunzipSync(readFileSync(join(fashionFolder, `${name}.gz`)));
  return {
    inputs: new Uint8Array(read("train-images-idx3-ubyte").subarray(16, 16 + 7_840_000)),
    count: 10_000,
    features: 784,
    targets: Int32Array.from(read("train-labels-idx1-ubyte").subarray(8, 10_008)),
    labels: Array.from({ length: 10 }, (_, c) => `class ${c}`),
    names: Array.from({ length: 784 }, (_, j) => `x${j}`),
  };
}

/** The weights that the script gave the samples. */
export const weighted = (data: FitData): FitData => ({ ...data, weights: Float64Array.from({ length: data.count }, (_, r) => 0.5 + (r % 4)) });

/** The rows whose probabilities the script wrote down. */
export function spaced({ inputs, count, features }: FitData): Rows {
  const stride = Math.max(1, Math.floor(count / 60));
  const picked = Array.from({ length: Math.ceil(count / stride) }, (_, i) => inputs.slice(i * stride * features, (i * stride + 1) * features));
  const kind = inputs.constructor as typeof Float32Array;
  return { inputs: kind.from(picked.flatMap((row) => [...row])), features };
}

/** Fits a case, and expects the probabilities within a distance of scikit-learn's. */
export async function checkPrediction(kind: LearnerKind, one: Case, params: Readonly<Record<string, unknown>>, distance: number): Promise<Fitted> {
  const data = one.data === "fashion" ? fashion() : dataOf(one.data, one.scaling);
  const fitted = await learn(kind, one.weighted ? weighted(data) : data, { ...one.params, ...params });
  const { output } = await predict(fitted, spaced(data));
  const wanted = one.probabilities.flat();
  expect(output.length).toBe(wanted.length);
  expect(output.reduce((most, p, i) => Math.max(most, Math.abs(p - wanted[i]!)), 0)).toBeLessThan(distance);
  return fitted;
}
