/** What the catalog tells of a dataset is what its loader loads. */
import { describe, expect, test } from "vitest";
import { resolveParams } from "../../shared/define.ts";
import { datasets } from "./index.ts";

describe.each(datasets.filter(({ facts, load }) => facts && load))("$id", ({ id, params, facts, load }) => {
  test("has the task, shape, labels and columns that it tells of", async () => {
    const loaded = await load!(resolveParams(id, params) as never);
    const { task, sampleShape, labels, columns } = loaded;
    expect({ task, sampleShape, labels }).toEqual({ task: facts!.task, sampleShape: facts!.sampleShape, labels: facts!.labels });
    expect(facts!.features.map(({ name }) => name)).toEqual(columns.length ? columns : ["picture"]);
  });

  test("has as many records as it tells of", async () => {
    const { train, test: held } = await load!(resolveParams(id, params) as never);
    expect({ train: train.count, test: held.count }).toEqual(facts!.records);
  });
});
