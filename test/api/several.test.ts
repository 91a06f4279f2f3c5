/** Servers that share a database and a store share the work; a directory belongs to one server alone. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import type { Run } from "../../src/shared/api/schemas.ts";
import { HandWorker } from "../hand-worker.ts";
import { freshPlace, type Place, startTestPlatform, tiny } from "../platform.ts";

/** Another machine: a data directory of its own, the same database and store. */
const besides = async (place: Place): Promise<Place> => ({ home: (await freshPlace()).home, env: place.env });
const shared = { TRAINYARD_WORKER_TOKEN: "a-token-that-all-workers-of-the-test-show" };

// What another back end is for is not skipped there: it is no test of it.
if (inject("backend") === "cluster")
  describe("two servers on one PostgreSQL and one S3", async () => {
    const a = await startTestPlatform({ env: shared });
    const b = await startTestPlatform({ place: await besides(a.place), env: shared });
    const [workerOfA, workerOfB] = [new HandWorker(a), new HandWorker(b)];
    await workerOfA.flowers();

    test("see each other's runs at once, and change them one after the other", async () => {
      const run = await a.client.call("createRun", { body: { ...tiny, draft: true } });
      expect(await b.client.call("getRun", { params: { id: run.id } })).toEqual(run);
      const edits = Array.from({ length: 20 }, (_, i) =>
        [a, b][i % 2]!.client.call("editRun", { params: { id: run.id }, body: { note: `note ${i}` } }),
      );
      await Promise.all(edits);
      const { items } = await b.client.call("listEvents", { query: { entity: run.id, limit: 500 } });
      expect(items.map(({ version }) => version).reverse()).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
      expect(await a.client.call("getRun", { params: { id: run.id } })).toMatchObject({ note: items[0]!.data.note, version: 21 });
    });

    test("share the work: a run of one is trained through the other, and followed at the first", async () => {
      const { id } = await a.client.call("createRun", { body: tiny });
      const seen: string[] = [];
      const points: number[] = [];
      const following = (async () => {
        for await (const { event, data } of a.client.follow("followRun", { params: { id } })) {
          if (event === "run") seen.push((data as Run).state);
          if (event === "metrics") for (const { steps } of data.points) points.push(...steps);
        }
      })();
      const job = (await workerOfB.claim(10))!;
      expect(job.subject.id).toBe(id);
      for (const step of [1, 2, 3]) await workerOfB.report(job, { points: [{ series: "loss", steps: [step], values: [1 / step] }] });
      await workerOfB.succeed(job);
      await following;
      expect(points).toEqual([1, 2, 3]);
      expect(seen.at(-1)).toBe("succeeded");
      const model = await a.raw(`/api/runs/${id}/artifacts/model.onnx`);
      expect([model.status, model.text]).toEqual([200, `model of ${job.id}`]);
    });

    test("give a claim that waits at one the job that comes at the other, at once", async () => {
      const waits: number[] = [];
      for (let i = 0; i < 3; i++) {
        const waiting = workerOfB.claim(20);
        await b.client.call("listWorkers", {}); // by now it waits
        const { id } = await a.client.call("createRun", { body: tiny });
        const start = performance.now();
        const job = (await waiting)!;
        waits.push(performance.now() - start);
        expect(job.subject.id).toBe(id);
        await workerOfB.succeed(job);
      }
      expect(Math.min(...waits)).toBeLessThan(700);
    });

    test("give each job to one worker alone", async () => {
      const runs = await Promise.all(Array.from({ length: 10 }, (_, i) => [a, b][i % 2]!.client.call("createRun", { body: tiny })));
      const workers = Array.from({ length: 14 }, (_, i) => new HandWorker([a, b][i % 2]!));
      const claims = await Promise.all(workers.map(async (worker) => ({ worker, job: await worker.claim() })));
      expect(claims.flatMap(({ job }) => (job ? [job.subject.id] : [])).sort()).toEqual(runs.map(({ id }) => id).sort());
      for (const { worker, job } of claims) if (job) await worker.succeed(job);
    });

    test("create once under one Idempotency-Key, whichever is asked", async () => {
      const before = await a.eventCount();
      const create = ({ client }: typeof a) => client.call("createRun", { body: { ...tiny, draft: true } }, { idempotencyKey: "both" });
      const made = await Promise.all([create(a), create(b), create(a), create(b)]);
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      expect(await a.eventCount()).toBe(before + 1);
    });

    test("go on when one of them closes: its workers' jobs are taken on through the other", async () => {
      const c = await startTestPlatform({ place: await besides(a.place), env: shared });
      const { id } = await c.client.call("createRun", { body: tiny });
      const workerOfC = new HandWorker(c);
      const job = await workerOfC.take();
      await c.close();
      // The worker knows the other server, too.
      const { token } = job;
      const holder = b.as(job.key);
      await holder.call("heartbeat", { params: { id: job.id }, body: { token } });
      await holder.call("finishJob", { params: { id: job.id }, body: { token, outcome: "released" } });
      expect((await workerOfB.train(id)).state).toBe("succeeded");
    });

    test("agree that the tables are what the events say", async () => {
      const found = await b.client.call("verify", {});
      expect(found).toMatchObject({ differences: [], missingBlobs: [] });
      expect(found.events).toBe((await a.eventCount()) - 1); // that it was verified is an event, too
    });
  });

if (inject("backend") === "embedded")
  describe("a data directory", async () => {
    const first = await startTestPlatform();

    test("has one server: a second one says so and names the first", async () => {
      const second = startTestPlatform({ place: first.place });
      await expect(second).rejects.toMatchObject({
        code: "DIRECTORY_IN_USE",
        message: expect.stringContaining(`is in use by the tests (process ${process.pid})`),
        fix: expect.stringContaining(`Stop process ${process.pid} first`),
      });
      expect((await first.raw("/health/ready")).status).toBe(200);
    });

    test("says where its server is while there is one, and keeps its secrets to its owner", async () => {
      const place = await freshPlace();
      const server = await startTestPlatform({ place });
      const address = join(place.home, "server.json");
      expect(JSON.parse(readFileSync(address, "utf8"))).toMatchObject({ url: server.url, pid: process.pid });
      expect(statSync(join(place.home, "worker-token")).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(place.home, "worker-token"), "utf8")).toBe(server.workerToken);
      await server.close();
      expect(existsSync(address)).toBe(false);
    });

    test("is found by the next server as the one before left it", async () => {
      const place = await freshPlace();
      const before = await startTestPlatform({ place });
      const worker = new HandWorker(before);
      await worker.flowers();
      const { id } = await before.client.call("createRun", { body: tiny });
      const run = await worker.train(id);
      const waiting = await before.client.call("createRun", { body: tiny });
      expect(before.isNew).toBe(true);
      await before.close();

      const after = await startTestPlatform({ place });
      expect(after.isNew).toBe(false);
      expect(after.workerToken).toBe(before.workerToken);
      expect(await after.client.call("getRun", { params: { id } })).toEqual(run);
      expect((await new HandWorker(after).train(waiting.id)).state).toBe("succeeded");
      expect(await after.client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
    });

    test("whose server died has its jobs taken back by the next at once", async () => {
      const place = await freshPlace();
      const before = await startTestPlatform({ place });
      const worker = new HandWorker(before);
      await worker.flowers();
      const { id } = await before.client.call("createRun", { body: tiny });
      const job = await worker.take();
      await before.close();
      const after = await startTestPlatform({ place });
      expect(await after.client.call("getRun", { params: { id } })).toMatchObject({ state: "queued", reason: { code: "WORKER_LOST" } });
      const stale = after.as(job.key).call("heartbeat", { params: { id: job.id }, body: { token: job.token } });
      await expect(stale).rejects.toMatchObject({ code: "STALE_TOKEN" });
    });
  });

test("a server that closes sends home who waits and who follows", async () => {
  const server = await startTestPlatform();
  const worker = new HandWorker(server);
  await worker.flowers();
  const { id } = await server.client.call("createRun", { body: { ...tiny, draft: true } });
  const waiting = worker.claim(25);
  const following = (async () => {
    for await (const _ of server.client.follow("followRun", { params: { id } }));
  })();
  await server.client.call("listRuns", { query: {} });
  const start = performance.now();
  const ended = Promise.allSettled([waiting, following]);
  await server.close();
  await ended;
  expect(performance.now() - start).toBeLessThan(15_000);
});
