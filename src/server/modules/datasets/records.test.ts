/** Records of datasets that were really imported: rows as they came, pictures as they are stored. */
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { npy } from "../../../../test/arrays.ts";
import { register, sha256, startTestPlatform } from "../../../../test/platform.ts";
import type { DatasetView } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform({ workers: 1 });
const { client, raw } = platform;

const read = ({ id }: DatasetView): Promise<DatasetView> =>
  platform.until("dataset", id, async () => {
    const dataset = await client.call("getDataset", { params: { id } });
    if (dataset.state === "failed") throw new Error(dataset.reason?.message);
    return dataset.state === "ready" && dataset;
  });
const recordsOf = async (id: string, query: Parameters<typeof client.call<"listRecords">>[1]["query"] = {}) =>
  client.call("listRecords", { params: { id }, query });

const table = `id,name,size,kind\n${Array.from({ length: 40 }, (_, i) => `${i},"person ${i}, the ${i % 2 ? "Second" : "first"}",${i / 4},${i % 2 ? "1" : "0"}`).join("\n")}\n`;

describe("records of a table", async () => {
  const people = await read(await register(platform, "people", table));
  const all = (await recordsOf(people.id, { limit: 200 })).items;

  test("are its rows as they came, a page at a time", async () => {
    const page = await recordsOf(people.id, { limit: 3, offset: 5 });
    expect(page).toMatchObject({ split: "train", total: people.facts!.records.train, matched: people.facts!.records.train, offset: 5 });
    expect(page.columns).toEqual(["id", "name", "size", "kind"]);
    expect(page.items.map(({ index }) => index)).toEqual([5, 6, 7]);
    expect(page.items).toEqual(all.slice(5, 8));
    for (const { target, cells } of page.items) {
      const i = Number(cells![0]);
      expect([cells![1], target, cells![3]]).toEqual([`person ${i}, the ${i % 2 ? "Second" : "first"}`, String(i % 2), String(i % 2)]);
      expect(Number(cells![2])).toBe(i / 4);
    }
  });

  test("are found by class and by text, in upper or lower case, whatever stands in it", async () => {
    const found = await recordsOf(people.id, { label: "1", text: "SECOND", limit: 4, offset: 2 });
    const ofClass = all.filter(({ target }) => target === "1");
    expect([found.matched, found.items]).toEqual([ofClass.length, ofClass.slice(2, 6)]);
    for (const text of ["'; DROP TABLE rows; --", "%", "_", "\\"]) expect((await recordsOf(people.id, { text })).matched).toBe(0);
    expect((await recordsOf(people.id, { label: "no such class" })).matched).toBe(0);
  });

  test("are those at given places, in their order; places that there are not are left out", async () => {
    const { items, matched } = await recordsOf(people.id, { index: [7, 2, 100_000] });
    expect([matched, items]).toEqual([2, [all[7], all[2]]]);
  });

  test("are refused in a number or at a place that none has", async () => {
    for (const query of ["limit=201", "limit=0", "offset=-1", "split=all", "index=x", `index=${Array(201).fill(1).join("&index=")}`])
      expect((await raw(`/api/datasets/${people.id}/records?${query}`)).status).toBe(422);
  });

  test("that have texts show what steps do to them, however many there are", async () => {
    const rows = Array.from({ length: 3500 }, (_, i) => `"often word${i}",${i % 2}`);
    const { id } = await read(await register(platform, "texts", `text,y\n${rows.join("\n")}\n`));
    const { stages, fittedOn } = await client.call("previewSteps", { params: { id }, body: { preprocessing: [{ step: "bag-of-words" }], rows: 2 } });
    expect([fittedOn, stages[1]]).toEqual([2000, expect.objectContaining({ rows: [[1], [1]] })]);
  });

  test("have no picture", async () => {
    const answer = await raw(`/api/datasets/${people.id}/records/train/0/picture`);
    expect([answer.status, answer.json.error.message]).toEqual([400, expect.stringContaining("is a table")]);
  });
});

describe("records of a table of numbers alone", () => {
  test("are its rows, found by class", async () => {
    const numbers = npy(
      [40, 2],
      new Float32Array(80).map((_, i) => i / 2),
    );
    const { size } = await client.upload("uploadBlob", { params: { sha256: sha256(numbers) } }, numbers);
    const labels = npy(
      [40],
      Int32Array.from({ length: 40 }, (_, i) => i % 2),
    );
    await client.upload("uploadBlob", { params: { sha256: sha256(labels) } }, labels);
    const dataset = await read(
      await client.call("registerDataset", {
        body: {
          name: "pair",
          source: { id: "arrays" },
          files: [
            { name: "x.npy", sha256: sha256(numbers), size },
            { name: "y.npy", sha256: sha256(labels), size: labels.length },
          ],
        },
      }),
    );
    const { columns, items } = await recordsOf(dataset.id, { label: "1" });
    expect(columns).toEqual(["x0", "x1"]);
    expect(items.length).toBeGreaterThan(0);
    for (const { cells, target } of items) expect([target, Number(cells![0]) % 2, Number(cells![1]) - Number(cells![0])]).toEqual(["1", 1, 0.5]);
  });
});

describe("records of pictures", async () => {
  const digits = await read(await client.call("registerDataset", { body: { name: "digits", source: { id: "digits" }, files: [] } }));
  const { records } = digits.facts!;

  test("are their classes, a page at a time, found by class and by place", async () => {
    const first = await recordsOf(digits.id, { split: "test", limit: 200 });
    expect([first.matched, first.columns, first.items.length]).toEqual([records.test, [], 200]);
    const fours = await recordsOf(digits.id, { split: "test", label: "4", limit: 10, offset: 3 });
    expect(fours.items).toEqual(first.items.filter(({ target }) => target === "4").slice(3, 13));
    const profile = await client.call("getProfile", { params: { id: digits.id } });
    expect(fours.matched).toBe(profile.classes!.find(({ label }) => label === "4")!.test);
    expect((await recordsOf(digits.id, { split: "test", text: "17" })).items).toEqual([first.items[17]]);
    expect((await recordsOf(digits.id, { split: "test", index: [17, 3] })).items).toEqual([first.items[17], first.items[3]]);
    expect((await recordsOf(digits.id, { split: "test", offset: 100_000 })).items).toEqual([]);
  });

  test("of a split that has none are none", async () => {
    expect(records.validation).toBe(0);
    expect(await recordsOf(digits.id, { split: "validation" })).toMatchObject({ total: 0, matched: 0, items: [] });
  });

  test("are pictures of a fixed type that cannot be anything else, shrunk to what is asked for", async () => {
    const path = `/api/datasets/${digits.id}/records/test/17/picture`;
    const answer = await fetch(platform.url + path, { headers: { authorization: `Bearer ${platform.machineToken}` } });
    expect(answer.headers.get("content-type")).toBe("image/png");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toContain("sandbox");
    const { width, height } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
    expect([height, width]).toEqual(digits.facts!.sampleShape.slice(1));
    const shrunk = await fetch(`${platform.url}${path}?most=5`, { headers: { authorization: `Bearer ${platform.machineToken}` } });
    expect((await sharp(Buffer.from(await shrunk.arrayBuffer())).metadata()).width).toBe(5);
    expect((await raw(`/api/datasets/${digits.id}/records/test/${records.test}/picture`)).status).toBe(404);
    expect((await raw(path, { anonymous: true })).status).toBe(401);
  });
});
