/** What the profiles of built-in tables say is what pandas says of the same files; numbers of the reference by test/python/reference_tables.py. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { testWith } from "../../../test/arrays.ts";
import { resolveParams } from "../../shared/define.ts";
import { type ColumnProfile, type Profile, quantileShares } from "../../shared/profile.ts";
import { datasets } from "./index.ts";

interface Reference {
  readonly rows: number;
  readonly duplicates: number;
  readonly columns: Readonly<Record<string, Partial<ColumnProfile> & { ratio?: number; cramer?: number; histogram?: readonly number[] }>>;
}
const references: Readonly<Record<string, Reference>> = JSON.parse(readFileSync("test/data/tables.reference.json", "utf8"));

const root = mkdtempSync(join(tmpdir(), "trainyard-profiles-"));
afterAll(() => rmSync(root, { recursive: true }));

async function profileOf(id: string, path?: string): Promise<Profile> {
  const { params, importFiles } = datasets.find((entry) => entry.id === id)!;
  return (await importFiles!(resolveParams(id, params) as never, { path, directory: mkdtempSync(join(root, "import-")) })).profile;
}

function expectSame({ records, columns, duplicates }: Profile, { rows, duplicates: twice, columns: wanted }: Reference): void {
  expect(records.train + records.validation + records.test).toBe(rows);
  expect(duplicates!.exact).toBe(twice);
  expect(columns!.map(({ name }) => name).sort()).toEqual(Object.keys(wanted).sort());
  for (const column of columns!) {
    const { missing, distinct, mean, deviation, quantiles, histogram, top, ratio, cramer } = wanted[column.name]!;
    expect({ name: column.name, missing: column.missing, distinct: column.distinct }).toEqual({ name: column.name, missing, distinct });
    if (top) expect(column.top).toEqual(top);
    if (column.role === "feature") expect(column.association!.value).toBeCloseTo((ratio ?? cramer)!, 9);
    if (!quantiles || column.type !== "number") continue;
    expect(column.mean! / mean!).toBeCloseTo(1, 12);
    expect(column.deviation! / deviation!).toBeCloseTo(1, 10);
    for (const [i, share] of quantileShares.entries()) expect([share, column.quantiles![i]]).toEqual([share, expect.closeTo(quantiles[i]!, 9)]);
    expect(column.histogram!.counts).toEqual(histogram);
  }
}

describe("a profile says what pandas says of", () => {
  test.each(["iris", "wine", "height-weight"])("%s", async (id) => {
    expectSame(await profileOf(id), references[id]!);
  });

  testWith("../shared/data/tabular/adult-train.csv")("adult", async () => {
    const folder = mkdtempSync(join(root, "adult-"));
    copyFileSync("../shared/data/tabular/adult-train.csv", join(folder, "adult.data"));
    copyFileSync("../shared/data/tabular/adult-test.csv", join(folder, "adult.test"));
    expectSame(await profileOf("adult", folder), references.adult!);
  });
});
