/** What the catalog tells of a dataset is what its loader loads. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { resolveParams } from "../../shared/define.ts";
import { datasets } from "./index.ts";

const fashion = "/usr/share/datasets/fashion-mnist";
const path: Readonly<Record<string, string | undefined>> = { mnist: "test/data/mnist", "fashion-mnist": "test/data/fashion-mnist" };

describe.each(datasets.filter(({ facts }) => facts))("$id", ({ id, params, facts, load }) => {
  test("has the task, shape, labels and columns that it tells of", async () => {
    const loaded = await load!(resolveParams(id, params) as never, path[id]);
    const { task, sampleShape, labels, columns } = loaded;
    expect({ task, sampleShape, labels }).toEqual({ task: facts!.task, sampleShape: facts!.sampleShape, labels: facts!.labels });
    expect(facts!.features.map(({ name }) => name)).toEqual(columns.length ? columns : ["picture"]);
  });

  test.skipIf(id === "fashion-mnist" && !existsSync(fashion))("has as many records as it tells of", async () => {
    const { train, test: held } = await load!(resolveParams(id, params) as never);
    expect({ train: train.count, test: held.count }).toEqual(facts!.records);
  });
});
