import { expect, test } from "vitest";
import type { Experiment, Lineage, Manifest } from "../shared/api/schemas.ts";
import { boxesOf, boxSize, drawingOf, type Placed } from "./lineage.ts";

const experiment = { id: "e", run: "r" } as Experiment;
const manifest = {
  run: { number: 7, name: "seven" },
  settings: { dataset: { id: "table", params: {} }, model: { id: "mlp", params: {} }, preprocessing: [{ step: "impute" }, { step: "one-hot" }] },
  source: { name: "flowers", version: 2 },
  facts: { parameters: 1027, dataset: { samples: { train: 1000, validation: 100, test: 100 } } },
} as unknown as Manifest;
const lineage: Lineage = {
  run: { id: "r", name: "seven" },
  dataset: "d",
  resumed: 1,
  duplicates: { id: "six", name: "run six" },
  reproduces: { id: "five", name: "experiment five" },
  reproduction: { experiment: "five", same: false, differences: [] },
  reproductions: ["a", "b", "c", "d"].map((id) => ({ id, name: id, state: "queued" })),
  beside: [],
};

const overlap = (a: Placed, b: Placed): boolean => Math.abs(a.x - b.x) < boxSize.width && Math.abs(a.y - b.y) < boxSize.height;

test("a lineage leads from the version of the data over its steps, the run and the model to a deployment, which is not there yet", () => {
  const { main } = boxesOf(experiment, manifest, lineage);
  expect(main.map(({ title, detail, page, file }) => [title, detail, page ?? file])).toEqual([
    ["flowers@2", "1,200 records", "/datasets/d"],
    ["2 steps", "impute, one-hot", "/experiments/e?tab=manifest"],
    ["seven", "#7, resumed once", "/runs/r"],
    ["mlp", "1,027 parameters", "/api/experiments/e/artifacts/model.onnx"],
    ["not deployed", undefined, undefined],
  ]);
});

test("what it was made of and what reproduces it stand beside the run, each with its outcome", () => {
  const { before, after } = boxesOf(experiment, manifest, lineage);
  expect(before.map(({ title, detail, page }) => [title, detail, page])).toEqual([
    ["run six", undefined, "/runs/six"],
    ["experiment five", "other bits", "/experiments/five"],
  ]);
  expect(after.map(({ title, detail }) => [title, detail])).toEqual([
    ["a", "Waiting"],
    ["b", "Waiting"],
    ["c", "Waiting"],
  ]);
});

test.each([
  ["wide", false],
  ["narrow", true],
])("no box of a %s drawing lies on another or outside, and each but the first of the line is joined", (_, narrow) => {
  const boxes = boxesOf(experiment, manifest, lineage);
  const drawing = drawingOf(boxes, narrow);
  for (const [i, box] of drawing.boxes.entries()) {
    expect(drawing.boxes.slice(i + 1).filter((other) => overlap(box, other))).toEqual([]);
    expect([box.x >= 0, box.y >= 0, box.x + boxSize.width <= drawing.width, box.y + boxSize.height <= drawing.height]).toEqual(Array(4).fill(true));
  }
  expect(drawing.arrows.length).toBe(drawing.boxes.length - 1);
  expect(new Set(drawing.arrows).size).toBe(drawing.arrows.length);
  expect(drawing.width <= 356).toBe(narrow);
});

test("without ancestors and reproductions there is one line", () => {
  const { height, width } = drawingOf(boxesOf(experiment, manifest, undefined), false);
  expect([height, width > 5 * boxSize.width]).toEqual([boxSize.height, true]);
});
