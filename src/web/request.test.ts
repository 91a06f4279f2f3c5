import { expect, test } from "vitest";
import type { CatalogEntry } from "../shared/api/schemas.ts";
import { classWeights, integers, number, numberOr, texts } from "../shared/define.ts";
import { parsed, shown, stepOf } from "./param-text.ts";
import { arrived, type Draft, draftOf, emptyDraft, requestOf, withChosen, withLayer } from "./request.ts";

const dataset = { id: "iris", params: {} };
const draft = (change: Partial<Draft>): Draft => ({ ...emptyDraft, chosen: { dataset }, ...change });

test("a network is asked for with its epochs, which a setting overrules; what was not chosen is left to the server", () => {
  expect(requestOf(draft({}))).toEqual({ dataset, training: { epochs: "usual" } });
  const chosen = { dataset, optimizer: { id: "sgd", params: {} } };
  expect(requestOf(draft({ chosen, training: { epochs: 7 }, name: " one ", augmentation: [{ layer: "RandomFlip" }] }))).toEqual({
    name: "one",
    dataset,
    optimizer: { id: "sgd", params: {} },
    augmentation: [{ layer: "RandomFlip" }],
    training: { epochs: 7 },
  });
});

test("a classical model is asked for with what it takes alone, whatever was chosen before", () => {
  const chosen = { dataset, model: { id: "svm", params: { C: 2 } }, optimizer: { id: "sgd", params: {} } };
  const asked = draft({ chosen, training: { seed: 3, batchSize: 7 }, augmentation: [{ layer: "RandomFlip" }], network: "{}" });
  expect(requestOf(asked, ["seed", "threads"])).toEqual({ dataset, model: { id: "svm", params: { C: 2 } }, training: { seed: 3 } });
});

test("a network of one's own goes along with its model alone, and as it was typed where it is no JSON", () => {
  const custom = (network: string) => requestOf(draft({ chosen: { dataset, model: { id: "custom", params: {} } }, network }));
  expect(custom('{"layers":[]}')).toMatchObject({ network: { layers: [] } });
  expect(custom('{"layers":')).toMatchObject({ network: '{"layers":' });
  expect(requestOf(draft({ network: "{}" }))).not.toHaveProperty("network");
});

test("without a dataset there is no request", () => {
  expect(requestOf(emptyDraft)).toBeUndefined();
});

test("an address with other data begins anew, one with the same goes on, and one without says nothing", () => {
  const begun = draft({ training: { seed: 3 }, expert: true });
  expect(arrived(begun, { dataset: "mnist", model: "cnn" })).toEqual({
    ...emptyDraft,
    expert: true,
    chosen: { dataset: { id: "mnist", params: {} }, model: { id: "cnn", params: {} } },
  });
  expect(arrived(begun, { dataset: "iris" })).toBe(begun);
  expect(arrived(begun, {})).toBe(begun);
});

test("an address brings steps of preprocessing, unless they are none", () => {
  const steps = [{ step: "standardise", params: {} }];
  expect(arrived(draft({}), { dataset: "iris", steps: JSON.stringify(steps) })).toMatchObject({ steps, expert: true });
  for (const wrong of ["[", "7", "{}"]) expect(arrived(draft({}), { steps: wrong }).steps).toBeUndefined();
});

test("other data leave nothing that was about the columns of those before", () => {
  const before = draft({ steps: [], training: { seed: 3, sampleWeights: "w" } });
  expect(withChosen(before, "dataset", "wine")).toMatchObject({
    chosen: { dataset: { id: "wine", params: {} } },
    steps: undefined,
    training: { seed: 3 },
  });
  expect(withChosen(before, "dataset", "wine").training).toEqual({ seed: 3 });
});

test("layers of augmentation are in the order of the catalog, whenever they were switched on", () => {
  const order = ["flip", "shift", "crop"];
  const both = withLayer(withLayer([], "crop", {}, order), "flip", { vertical: true }, order);
  expect(both).toEqual([
    { layer: "flip", params: { vertical: true } },
    { layer: "crop", params: {} },
  ]);
  expect(withLayer(both, "flip", undefined, order)).toEqual([{ layer: "crop", params: {} }]);
});

test("a run's settings come back as a draft that asks for the same, without what is as usual", () => {
  const rate = number({ default: 0.001, help: "" });
  const entry = (id: string, params = {}) => ({ id, title: id, summary: "", params }) as CatalogEntry;
  const catalog = {
    models: [entry("mlp")],
    optimizers: [entry("adam", { learningRate: rate, beta1: rate })],
    training: [entry("training", { seed: rate })],
  };
  const settings = {
    dataset: { id: "table", params: { splitSeed: 1 } },
    model: { id: "mlp", params: {} },
    loss: { id: "hinge", params: {} },
    optimizer: { id: "adam", params: { learningRate: 0.1, beta1: 0.001 } },
    schedule: { id: "cosine", params: {} },
    preprocessing: [{ step: "standardise", computation: "z", params: {} }],
    training: { epochs: 5, seed: 0.001 },
  };
  const { chosen, training, steps } = draftOf({ settings, source: { name: "irises", version: 2, snapshot: "", files: [] } }, catalog);
  expect(chosen.dataset).toEqual({ id: "irises@2", params: {} });
  expect(chosen.optimizer).toEqual({ id: "adam", params: { learningRate: 0.1 } });
  expect([training, steps]).toEqual([{ epochs: 5 }, [{ step: "standardise", params: {} }]]);
});

test.each([
  [integers({ default: [], help: "" }), "64, 32", [64, 32]],
  [integers({ default: [], help: "" }), "64, many", [64, "many"]], // the server says what it wants
  [texts({ default: [], help: "" }), "age,  hours per week", ["age", "hours per week"]],
  [numberOr({ default: "scale", options: ["scale"], of: "number", help: "" }), "0.5", 0.5],
  [numberOr({ default: "scale", options: ["scale"], of: "number", help: "" }), "scale", "scale"],
  [classWeights({ default: "none", help: "" }), "balanced", "balanced"],
  [classWeights({ default: "none", help: "" }), "cat: 2, dog=0.5", { cat: 2, dog: 0.5 }],
  [classWeights({ default: "none", help: "" }), "cat:", "cat:"],
] as const)("%o is read from %s", (param, text, value) => {
  expect(parsed(param, text)).toEqual(value);
});

test.each([
  [[64, 32], "64, 32"],
  [{ cat: 2, dog: 0.5 }, "cat: 2, dog: 0.5"],
  [0.001, "0.001"],
])("%o is shown as %s", (value, text) => {
  expect(shown(value)).toBe(text);
});

test("an arrow moves a number by what is little of it", () => {
  expect(stepOf(number({ default: 0.001, scale: "log", help: "" }), undefined)).toBeCloseTo(0.001);
  expect(stepOf(number({ default: 0.001, scale: "log", help: "" }), 0.3)).toBeCloseTo(0.1);
  expect(stepOf(number({ default: 0.5, min: 0, max: 1, help: "" }), 0.3)).toBe(0.05);
  expect(stepOf(integers({ default: [], help: "" }), undefined)).toBe(1);
});
