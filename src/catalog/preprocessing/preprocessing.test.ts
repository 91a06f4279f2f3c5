/** Every step beside scikit-learn, fitted on the same training rows; and pictures beside PyTorch. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { pictureSnapshot, type TableRows, tableSnapshot } from "../../../test/snapshots.ts";
import type { PreprocessingStep } from "../../data/kinds.ts";
import { prepare } from "../../data/prepare.ts";
import { checkSteps } from "../../data/steps.ts";
import type { ColumnType, Dataset } from "../../shared/dataset.ts";
import { preprocessing } from "./index.ts";

interface Reference {
  readonly train: TableRows;
  readonly test: TableRows;
  readonly cases: readonly {
    readonly name: string;
    readonly tolerance: number;
    readonly steps: readonly PreprocessingStep[];
    readonly train: readonly (readonly number[])[];
    readonly test: readonly (readonly number[])[];
  }[];
  readonly pictures: readonly number[];
  readonly resized: readonly { readonly size: readonly [number, number]; readonly linear: readonly number[]; readonly nearest: readonly number[] }[];
}
/** What `test/python/reference_preprocessing.py` writes. */
const reference: Reference = JSON.parse(readFileSync(new URL("preprocessing.reference.json", import.meta.url), "utf8"));

const types: Readonly<Record<string, ColumnType>> = { colour: "category", city: "category", when: "date", note: "text" };
const columns = Object.fromEntries(Object.keys(reference.train).map((name) => [name, types[name] ?? "number"] as const));
const target = (rows: TableRows) => rows.plain!.map((_, i) => i % 2);
const folder = tableSnapshot(columns, {
  train: { ...reference.train, target: target(reference.train) },
  test: { ...reference.test, target: target(reference.test) },
});

async function prepared(directory: string, steps: readonly PreprocessingStep[]): Promise<Dataset> {
  return prepare(directory, checkSteps(preprocessing, steps).steps, { id: "t", source: "t", validation: { fraction: 0, seed: 1 } });
}

describe("a step gives what scikit-learn gives", () => {
  test.each(reference.cases)("$name", async ({ steps, tolerance, train, test: held }) => {
    const dataset = await prepared(await folder, steps);
    for (const [split, rows] of [
      [dataset.train, train],
      [dataset.test, held],
    ] as const) {
      expect([split.count, dataset.sampleShape]).toEqual([rows.length, [rows[0]!.length]]);
      const far = rows.flat().flatMap((want, i) => {
        const got = split.inputs[i]!;
        return Math.abs(got - want) <= tolerance * (1 + Math.abs(want))
          ? []
          : [{ row: Math.floor(i / rows[0]!.length), column: dataset.preparation!.features[i % rows[0]!.length], got, want }];
      });
      expect(far).toEqual([]);
    }
  });

  test("for every step of tables", () => {
    const used = new Set(reference.cases.flatMap(({ steps }) => steps.map(({ step }) => step)));
    expect(preprocessing.filter(({ of, id }) => of === "table" && !used.has(id)).map(({ id }) => id)).toEqual(["drop"]);
  });
});

describe("pictures", () => {
  const shape = [3, 7, 10] as const;
  const pictures = Uint8Array.from(reference.pictures);
  const snapshot = pictureSnapshot(shape, { train: { pictures, target: [0, 1, 0, 1] }, test: { pictures: pictures.subarray(0, 210), target: [0] } });
  const pixels = async (...steps: readonly PreprocessingStep[]) => {
    const { train, sampleShape, normalisation } = await prepared(await snapshot, steps);
    return { pixels: train.inputs, shape: sampleShape, normalisation };
  };

  test.each(reference.resized)("are resized to $size as PyTorch resizes them", async ({ size: [height, width], linear, nearest }) => {
    const smooth = await pixels({ step: "resize", params: { height, width } });
    expect(smooth.shape).toEqual([3, height, width]);
    // rounded to bytes, of numbers that were rounded before
    expect(linear.filter((want, i) => Math.abs(want - smooth.pixels[i]!) > 0.501)).toEqual([]);
    expect(Array.from((await pixels({ step: "resize", params: { height, width, method: "nearest" } })).pixels)).toEqual(nearest);
  });

  const at = (data: ArrayLike<number>, [c, h, w]: readonly number[], i: number, channel: number, y: number, x: number) =>
    data[((i * c! + channel) * h! + y) * w! + x]!;

  test("are cropped around their middle", async () => {
    const cropped = await pixels({ step: "centre-crop", params: { height: 4, width: 5 } });
    expect(cropped.shape).toEqual([3, 4, 5]);
    expect(at(cropped.pixels, cropped.shape, 2, 1, 3, 4)).toBe(at(pictures, shape, 2, 1, 1 + 3, 2 + 4));
  });

  test("are made grey by the weights of BT.601, and inverted", async () => {
    const grey = await pixels({ step: "grayscale" }, { step: "invert" });
    expect(grey.shape).toEqual([1, 7, 10]);
    const [red, green, blue] = [0, 1, 2].map((channel) => at(pictures, shape, 3, channel, 5, 6)) as [number, number, number];
    expect(at(grey.pixels, grey.shape, 3, 0, 5, 6)).toBe(255 - Math.round(0.299 * red + 0.587 * green + 0.114 * blue));
  });

  test("are normalised by the moments of each channel, over what the steps before leave of the training pictures", async () => {
    const { normalisation, pixels: bytes } = await pixels({ step: "invert" }, { step: "normalise" });
    const channel = Float64Array.from(bytes.filter((_, i) => Math.floor(i / 70) % 3 === 1));
    const mean = channel.reduce((a, b) => a + b, 0) / channel.length;
    expect(normalisation.mean[1]).toBeCloseTo(mean, 10);
    expect(normalisation.deviation[1]).toBeCloseTo(Math.sqrt(channel.reduce((sum, x) => sum + (x - mean) ** 2, 0) / channel.length), 10);
  });

  test("may be normalised several times: the scales become one", async () => {
    const unit: PreprocessingStep = { step: "normalise", params: { mean: [0], deviation: [255] } };
    const twice = await pixels(unit, { step: "normalise" });
    const once = await pixels({ step: "normalise" });
    expect((await pixels(unit)).normalisation).toEqual({ mean: [0], deviation: [255] });
    for (const name of ["mean", "deviation"] as const)
      for (const [i, value] of twice.normalisation[name].entries()) expect(value).toBeCloseTo(once.normalisation[name][i]!, 9);
  });
});
