/** What stands behind a prediction: test records of tables, texts and pictures, from a dataset's snapshot or from what a run left. */
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { register, startTestPlatform, tiny } from "../../../../test/platform.ts";
import type { PredictionPage, Run } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform({ workers: 1 });
const { client, raw } = platform;
const words = { good: ["sun", "warm", "kind"], bad: ["rain", "cold", "rude"] };
const texts = ["said,mood", ...Array.from({ length: 60 }, (_, i) => textOf(i))].join("\n");
function textOf(i: number): string {
  const mood = i % 2 ? "good" : "bad";
  return `"it was ${words[mood][i % 3]} and ${words[mood][(i + 1) % 3]}, on day ${i}",${mood}`;
}
const numbers = ["x,y", ...Array.from({ length: 80 }, (_, i) => `${i},${(i * i) / 7}`)].join("\n");
const runs: Record<"imported" | "builtIn" | "pictures" | "texts" | "values", Run> = {} as never;
const page = (run: Run, query: object = {}): Promise<PredictionPage> => client.call("listPredictions", { params: { id: run.id }, query });

beforeAll(async () => {
  const { id } = await register(platform, "flowers");
  const { id: said } = await register(platform, "said", texts);
  const { id: measured } = await register(platform, "numbers", numbers);
  for (const one of [id, said, measured])
    await platform.until("dataset", one, async () => (await client.call("getDataset", { params: { id: one } })).state === "ready");
  runs.imported = await platform.train();
  runs.builtIn = await platform.train({ dataset: { id: "iris" } });
  runs.pictures = await platform.train({ dataset: { id: "digits" }, model: { id: "naive-bayes" }, training: {} });
  runs.texts = await platform.train({
    dataset: { id: "said" },
    preprocessing: [{ step: "bag-of-words" }],
    model: { id: "naive-bayes" },
    training: {},
  });
  runs.values = await platform.train({ dataset: { id: "numbers" }, model: { id: "decision-tree" }, training: {} });
});

describe("the records behind a cell of the confusion matrix", () => {
  test.each(["imported", "builtIn"] as const)("are rows of the table, as many as the matrix says (%s)", async (which) => {
    const run = runs[which];
    const { confusion, labels } = await client.call("getEvaluation", { params: { id: run.id } });
    for (const [truth, row] of confusion!.entries()) {
      for (const [predicted, count] of row.entries()) {
        const { total, kind, samples, items } = await page(run, { truth, predicted });
        expect({ total, samples, kind }).toEqual({ total: count, samples: 30, kind: "table" });
        for (const item of items) {
          expect(item).toMatchObject({ truth: labels![truth], predicted: labels![predicted] });
          expect(item.sample).toEqual({
            sepal_length: expect.any(Number),
            sepal_width: expect.any(Number),
            petal_length: expect.any(Number),
            petal_width: expect.any(Number),
          });
        }
      }
    }
  });

  test("are the rows that the evaluation calls its worst errors, with the same confidence", async () => {
    const { worst } = await client.call("getEvaluation", { params: { id: runs.builtIn.id } });
    const [first] = worst;
    const { items } = await page(runs.builtIn, { row: first!.row });
    const { row, truth, predicted, confidence, sample } = first!;
    expect(items).toEqual([{ row, truth, predicted, confidence, sample }]);
  });

  test("are pictures, each at an address of its own, as PNG that nothing takes for anything else", async () => {
    const { kind, items } = await page(runs.pictures, { limit: 2 });
    expect([kind, items.length, items[0]!.sample]).toEqual(["pictures", 2, undefined]);
    const answer = await fetch(`${platform.url}/api/runs/${runs.pictures.id}/predictions/${items[1]!.row}/picture`, {
      headers: { authorization: `Bearer ${platform.machineToken}` },
    });
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(["content-type", "x-content-type-options", "content-security-policy"].map((h) => [h, answer.headers.get(h)]))).toEqual({
      "content-type": "image/png",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
    });
    const png = Buffer.from(await answer.arrayBuffer());
    expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 8, height: 8 });
    expect((await sharp(png).stats()).channels[0]!.max).toBeGreaterThan(0);
  });

  test("have the texts that were read, each beside its own row", async () => {
    const { items } = await page(runs.texts, { limit: 100 });
    expect(items.length).toBe(12);
    for (const { truth, sample } of items) expect(words[truth as "good" | "bad"].some((word) => String(sample!.said).includes(word))).toBe(true);
    expect(new Set(items.map(({ sample }) => sample!.said)).size).toBe(12);
  });

  test("of values have an error instead of a confidence", async () => {
    const { items } = await page(runs.values, { limit: 3 });
    for (const { truth, predicted, error, confidence } of items) {
      expect(error).toBeCloseTo((predicted as number) - (truth as number), 4);
      expect(error).not.toBe(0);
      expect(confidence).toBeUndefined();
    }
  });
});

test("pages go through all records, each once, and only the wrong ones where that is asked for", async () => {
  const [first, second] = [await page(runs.imported, { limit: 20 }), await page(runs.imported, { limit: 20, offset: 20 })];
  expect([...first.items, ...second.items].map(({ row }) => row)).toEqual(Array.from({ length: 30 }, (_, row) => row));
  const wrong = await page(runs.imported, { wrong: "true", limit: 100 });
  expect(wrong.items.every(({ truth, predicted }) => truth !== predicted)).toBe(true);
  expect(wrong.total).toBe(30 - Math.round(30 * runs.imported.evaluation!.metrics.accuracy!));
});

test("what is not there is refused: a record past the end, a picture of a table, the predictions of a draft", async () => {
  expect(await page(runs.imported, { row: 30 })).toMatchObject({ total: 0, items: [] });
  const path = (run: Run, row: number | string) => `/api/runs/${run.id}/predictions/${row}/picture`;
  const draft = await client.call("createRun", { body: { ...tiny, draft: true } });
  const answers = await Promise.all(
    [path(runs.pictures, 100_000), path(runs.pictures, -1), path(runs.imported, 0), `/api/runs/${draft.id}/predictions`].map((one) => raw(one)),
  );
  expect(answers.map(({ status, json }) => [status, json.error.code])).toEqual([
    [404, "NOT_FOUND"],
    [422, "INVALID_REQUEST"],
    [404, "ARTIFACT_MISSING"],
    [404, "ARTIFACT_MISSING"],
  ]);
});
