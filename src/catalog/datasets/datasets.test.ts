/** What the catalog tells of a table is what its files are. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Imported } from "../../data/snapshot.ts";
import { resolveParams } from "../../shared/define.ts";
import { tables } from "./tables.ts";

const folder = mkdtempSync(join(tmpdir(), "trainyard-tables-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Files that do not ship, under the names that their publishers gave them; they lie beside the checkout where the project is developed. */
const beside = "../shared/data/tabular";
const copies: Readonly<Record<string, readonly (readonly [here: string, name: string])[]>> = {
  adult: [
    ["adult-train.csv", "adult.data"],
    ["adult-test.csv", "adult.test"],
  ],
  titanic: [["titanic-kaggle-train.csv", "titanic.csv"]],
};

describe.each(tables.filter(({ facts }) => facts))("$id", ({ id, params, facts, importFiles }) => {
  const files = copies[id];
  const title = "has the task, columns, classes and records that it tells of";
  if (files && !existsSync(beside)) return test.skip(`${title} (its files are not in ${beside})`, () => {});
  test(title, async () => {
    const path = files && mkdtempSync(join(folder, "files-"));
    for (const [here, name] of files ?? []) cpSync(join(beside, here), join(path!, name));
    const imported: Imported = await importFiles(resolveParams(id, params) as never, { path, directory: mkdtempSync(join(folder, "snapshot-")) });
    const { snapshot, profile } = imported;
    expect(snapshot.columns.map(({ name, type }) => ({ name, type }))).toEqual(facts!.features);
    expect({ task: snapshot.task, labels: snapshot.labels }).toEqual({ task: facts!.task, labels: facts!.labels });
    expect({ train: profile.records.train, test: profile.records.test }).toEqual(facts!.records);
    expect(facts!.sampleShape).toEqual([snapshot.columns.length]);
  });
});
