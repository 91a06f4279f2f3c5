/** What the jobs of a run said, as their workers tell it and people read it. */
import { beforeAll, expect, test } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { startTestPlatform, tiny, verdict } from "../../../../test/platform.ts";
import type { ClaimedJob } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform();
const { client, as, kernel } = platform;
const worker = new HandWorker(platform);
let run: string;
let job: ClaimedJob;
const at = "2026-11-26T12:00:00.000Z";
const add = (first: number, texts: readonly string[], { id, token, key }: ClaimedJob = job) =>
  as(key).call("addLog", { params: { id }, body: { token, first, lines: texts.map((text) => ({ at, text })) } });
const read = async (query: object = {}, id = run) => {
  const { total, items } = await client.call("getRunLog", { params: { id }, query });
  return { total, texts: items.map(({ text }) => text), items };
};

beforeAll(async () => {
  await worker.flowers();
  ({ id: run } = await client.call("createRun", { body: tiny }));
  job = await worker.take();
});

test("lines stand in order, those that come again once", async () => {
  expect(await read()).toMatchObject({ total: 0, texts: [] });
  await add(0, ["one", "two"]);
  await add(0, ["one", "two"]);
  await add(2, ["Three <b>"]);
  const { total, texts, items } = await read();
  expect([total, texts, items[0]!.at]).toEqual([3, ["one", "two", "Three <b>"], at]);
});

test("they are read from a place on, up to a place, the last ones, and those that hold a text, whatever it is", async () => {
  const { items } = await read();
  expect((await read({ after: items[0]!.seq, limit: 1 })).texts).toEqual(["two"]);
  expect((await read({ before: items[2]!.seq, limit: 1 })).texts).toEqual(["two"]);
  expect((await read({ limit: 2 })).texts).toEqual(["two", "Three <b>"]);
  expect(await read({ find: "THREE <" })).toMatchObject({ total: 1, texts: ["Three <b>"] });
  expect(await read({ find: "%" })).toMatchObject({ total: 0, texts: [] });
});

test("nobody but the worker that holds the job adds to them, and nothing once it is over", async () => {
  const other = await client.call("createRun", { body: tiny });
  const theirs = await worker.take();
  expect(await verdict(as(theirs.key).call("addLog", { params: { id: job.id }, body: { token: job.token, first: 9, lines: [] } }))).toBe("NOT_FOUND");
  expect(await verdict(client.call("addLog", { params: { id: job.id }, body: { token: job.token, first: 9, lines: [] } }))).toBe("FORBIDDEN");
  await worker.succeed(theirs);
  expect(await verdict(add(0, ["late"], theirs))).not.toBe("allowed");
  expect(await read({}, other.id)).toMatchObject({ total: 0 });
});

test("a log that is full says so once, and takes nothing more", async () => {
  const row = { run: kernel.ids.open(run)!, job: kernel.ids.open(job.id)!, token: job.token, at, text: "again" };
  for (let first = 10; first < 20_000; first += 5000)
    await kernel.db.query
      .insertInto("run_log")
      .values(Array.from({ length: Math.min(5000, 20_005 - first) }, (_, i) => ({ ...row, number: first + i })))
      .execute();
  await add(30_000, ["no", "room"]);
  await add(30_010, ["at all"]);
  const { total, texts } = await read({ limit: 2 });
  expect(total).toBeLessThanOrEqual(20_001);
  expect(texts[1]).toBe("This log is full: it keeps the first 20000 lines.");
  expect(await read({ find: "at all" })).toMatchObject({ total: 0 });
  await worker.succeed(job);
});
