import { expect, test } from "vitest";
import { layersOf } from "./layers.ts";
import { BOX, drawn, INPUT } from "./network.ts";

test("a network with a branch lies from top to bottom without two boxes at one place, and every input is a line", () => {
  const layers = [
    { id: "stem", inputs: [INPUT] },
    { id: "conv", inputs: ["stem"] },
    { id: "shortcut", inputs: ["stem"] },
    { id: "add", inputs: ["conv", "shortcut"] },
  ];
  const { boxes, edges, width, height } = drawn(layers);
  for (const { id, inputs } of layers) for (const from of inputs) expect(boxes.get(from)!.y).toBeLessThan(boxes.get(id)!.y);
  expect(boxes.get("conv")!.y).toBe(boxes.get("shortcut")!.y);
  expect(Math.abs(boxes.get("conv")!.x - boxes.get("shortcut")!.x)).toBeGreaterThanOrEqual(BOX.width);
  expect(edges.map(({ from, to }) => `${from} ${to}`).sort()).toEqual(["conv add", "input stem", "shortcut add", "stem conv", "stem shortcut"]);
  expect(width).toBeGreaterThan(2 * BOX.width);
  expect(height).toBeGreaterThan(4 * BOX.height);
});

test("layers come with the parameters that the network's description gives them; a classical model has none", () => {
  const layer = { id: "out", layer: "Dense", inputs: ["input"], outputShape: [3], parameters: 15, flops: 24 };
  const facts = { layers: [layer], network: { layers: [{ id: "out", layer: "Dense", params: { units: 3 } }] } } as never;
  expect(layersOf({ facts })).toEqual([{ ...layer, params: { units: 3 } }]);
  expect(layersOf({ facts: { layers: [], network: null } as never })).toEqual([]);
  expect(layersOf({ facts: undefined })).toEqual([]);
});
