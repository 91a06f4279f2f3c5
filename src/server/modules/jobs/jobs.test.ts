/** The protocol of workers: claims, fencing tokens, reports, endings, and what happens to a job that fails. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { HandWorker, irisFacts, runFacts } from "../../../../test/hand-worker.ts";
import { register, sha256, startTestPlatform, tiny, verdict } from "../../../../test/platform.ts";
import type { ClaimedJob, RunRequestBody } from "../../../shared/api/schemas.ts";
import { jobToken } from "../../secrets.ts";

const platform = await startTestPlatform();
const { client, as, raw, eventCount, kernel } = platform;
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

const create = (body: Partial<RunRequestBody> = {}) => client.call("createRun", { body: { ...tiny, ...body } });
const getRun = (id: string) => client.call("getRun", { params: { id } });
const getJob = (id: string) => client.call("getJob", { params: { id } });

async function claimed(body?: Partial<RunRequestBody>): Promise<{ run: string; job: ClaimedJob }> {
  const { id } = await create(body);
  const job = await worker.take();
  expect(job.subject.id).toBe(id);
  return { run: id, job };
}
/** A job that waits for its next attempt need not wait. */
const hurry = (job: string) =>
  kernel.db.query
    .updateTable("jobs")
    .set({ run_at: new Date(0) })
    .where("id", "=", kernel.ids.open(job)!)
    .execute();
const broken = { code: "RUNTIME", status: 500, message: "ONNX Runtime failed", fix: "Try again." };

afterEach(async () => {
  // Nothing that one test leaves is claimed by the next.
  expect(await worker.claim()).toBeNull();
});

describe("a claim", () => {
  test("gives the oldest of the jobs with the highest priority that the worker's labels allow", async () => {
    const [low, first, second, gpu, high] = [
      await create({ priority: -5 }),
      await create(),
      await create(),
      await create({ labels: ["gpu"], priority: 50 }),
      await create({ priority: 7 }),
    ];
    const order: string[] = [];
    for (let job = await worker.claim(); job; job = await worker.claim()) {
      order.push(job.subject.id);
      await worker.succeed(job);
    }
    expect(order).toEqual([high.id, first.id, second.id, low.id]);

    const wrong = new HandWorker(platform, ["cpu", "GPU"]);
    expect(await wrong.claim()).toBeNull();
    const strong = new HandWorker(platform, ["cpu", "gpu"]);
    const job = await strong.take();
    expect(job.subject.id).toBe(gpu.id);
    await strong.succeed(job);
  });

  test("gives a job to one worker alone, however many ask at once", async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, () => create()));
    const workers = Array.from({ length: 12 }, () => new HandWorker(platform));
    const jobs = await Promise.all(workers.map(async (one) => ({ one, job: await one.claim() })));
    const given = jobs.flatMap(({ job }) => (job ? [job.subject.id] : []));
    expect(given.sort()).toEqual(runs.map(({ id }) => id).sort());
    for (const { one, job } of jobs) if (job) await one.succeed(job);
  });

  test("that waits is answered as soon as a job comes", async () => {
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      const waiting = worker.claim(20);
      await getRunList(); // by now it waits
      const { id } = await create();
      const start = performance.now();
      const job = await waiting;
      waits.push(performance.now() - start);
      expect(job!.subject.id).toBe(id);
      await worker.succeed(job!);
    }
    // Without being woken it would look again after a second.
    expect(Math.min(...waits)).toBeLessThan(700);
  });
  const getRunList = () => client.call("listRuns", { query: { limit: 1 } });

  test("that waits in vain says after its time that there is none", async () => {
    const start = performance.now();
    expect(await worker.claim(1)).toBeNull();
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
  });

  test("whose worker has gone takes no job", async () => {
    const gone = new AbortController();
    const body = { worker: { id: worker.id, name: "gone", labels: [], slots: 1, version: "0", platform: "test" }, wait: 20 };
    const waiting = platform.worker.call("claimJob", { body }, { signal: gone.signal });
    await getRunList();
    gone.abort();
    await expect(waiting).rejects.toThrow();
    for (let i = 0; i < 5; i++) await getRunList(); // by now the server knows
    const { id } = await create();
    await getRunList();
    await worker.train(id);
  });

  test("registers the worker, with what it does and what it can", async () => {
    const { job } = await claimed();
    const other = new HandWorker(platform, ["gpu", "big"]);
    await other.claim();
    const { items } = await client.call("listWorkers", {});
    expect(items.find(({ id }) => kernel.ids.open(id) === worker.id)).toMatchObject({
      name: "hand",
      labels: [],
      slots: 1,
      jobs: [job.id],
      alive: true,
    });
    expect(items.find(({ id }) => kernel.ids.open(id) === other.id)).toMatchObject({ labels: ["gpu", "big"], jobs: [] });
    await worker.succeed(job);
  });
});

describe("a token", () => {
  test("of an earlier claim changes nothing, whatever it is shown for", async () => {
    const { run, job: old } = await claimed();
    await worker.finish(old, { outcome: "released" });
    const job = await worker.take();
    expect(job.id).toBe(old.id);
    expect(job.token).toBeGreaterThan(old.token);

    const before = await eventCount();
    const file = sha256("late");
    const calls = {
      heartbeat: () => worker.heartbeat(old),
      report: () => worker.report(old, { points: [{ series: "loss", steps: [1], values: [1] }] }),
      finish: () => worker.finish(old, { outcome: "failed", error: broken }),
      upload: () => worker.upload(old, "model.onnx", "late"),
      download: () => as(old.key).download("getJobBlob", { params: { id: old.id, sha256: file }, query: { token: old.token } }),
    };
    for (const [name, call] of Object.entries(calls)) {
      const details = { given: old.token, current: job.token };
      await expect(call(), name).rejects.toMatchObject({ code: "STALE_TOKEN", status: 409, details });
    }
    expect(await eventCount()).toBe(before);
    expect((await getRun(run)).metrics).toEqual({});
    expect(await kernel.blobs.head(file)).toBeUndefined();
    await worker.succeed(job);
  });

  test("that was never given changes nothing", async () => {
    const { job } = await claimed();
    const before = await eventCount();
    for (const token of [job.token + 1, 0, -1]) {
      await expect(worker.finish({ ...job, token }, { outcome: "stopped" })).rejects.toMatchObject({ code: "STALE_TOKEN" });
    }
    // Not even with a key of the server's own make.
    for (const token of [job.token + 1, 0]) {
      const key = jobToken(kernel.keys.bytes("jobs")[0]!, kernel.ids.open(job.id)!, token);
      await expect(worker.finish({ ...job, token, key }, { outcome: "stopped" })).rejects.toMatchObject({ code: "STALE_TOKEN" });
    }
    expect(await eventCount()).toBe(before);
    await worker.succeed(job);
  });

  test("gives access to the files of its job and to no others", async () => {
    const { run, job } = await claimed();
    const { sha256: data } = (await getRun(run)).source!.files[0]!;
    const answer = await as(job.key).download("getJobBlob", { params: { id: job.id, sha256: data }, query: { token: job.token } });
    expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(data);

    const other = await create();
    const otherJob = await worker.take();
    const secret = await worker.upload(otherJob, "best.safetensors", "of another run");
    await worker.report(otherJob, { artifacts: [secret] });
    const query = { token: job.token };
    await expect(as(job.key).download("getJobBlob", { params: { id: job.id, sha256: secret.sha256 }, query })).rejects.toMatchObject({
      code: "NOT_FOUND",
      status: 404,
    });
    await worker.succeed(job);
    await worker.succeed(otherJob);
    expect((await getRun(other.id)).state).toBe("succeeded");
  });
});

describe("a report", () => {
  test("that comes again is counted once", async () => {
    const { run, job } = await claimed();
    const points = [{ series: "loss", steps: [1, 2], values: [3, 2] }];
    for (const sequence of [1, 1, 2, 1, 2])
      await worker.report(job, { sequence, points: points.map((p) => ({ ...p, steps: p.steps.map((s) => s + 10 * sequence) })) });
    const { series } = await client.call("getMetrics", { params: { id: run }, query: {} });
    expect(series).toEqual([{ series: "loss", steps: [11, 12, 21, 22], values: [3, 2, 3, 2], total: 4 }]);
    await worker.succeed(job, {});
  });

  test("that comes again at the same time is counted once", async () => {
    const { run, job } = await claimed();
    const points = [{ series: "loss", steps: [1], values: [1] }];
    await Promise.all(Array.from({ length: 10 }, () => worker.report(job, { sequence: 1, points })));
    expect((await getRun(run)).metrics.loss!.count).toBe(1);
    await worker.finish(job, { outcome: "stopped" });
  });

  test("of files that were never uploaded is refused whole", async () => {
    const { run, job } = await claimed();
    const before = await eventCount();
    const points = [{ series: "loss", steps: [1], values: [1] }];
    const artifacts = [{ name: "model.onnx", sha256: sha256("nowhere"), size: 7 }];
    await expect(worker.report(job, { facts: runFacts, points, artifacts })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await eventCount()).toBe(before);
    expect(await getRun(run)).toMatchObject({ metrics: {}, artifacts: [] });
    await worker.finish(job, { outcome: "stopped" });
  });

  test("keeps null where a value was not finite, and the least and greatest of the rest", async () => {
    const { run, job } = await claimed();
    await worker.report(job, { points: [{ series: "loss", steps: [1, 2, 3], values: [null, 5, null] }] });
    await worker.report(job, { points: [{ series: "loss", steps: [4], values: [null] }] });
    expect((await getRun(run)).metrics.loss).toEqual({ last: null, lastStep: 4, min: 5, minStep: 2, max: 5, maxStep: 2, count: 4 });
    await worker.finish(job, { outcome: "stopped" });
  });

  test("that names a series twice keeps both parts", async () => {
    const { run, job } = await claimed();
    const points = [1, 2].map((step) => ({ series: "loss", steps: [step], values: [step] }));
    await worker.report(job, { points: [...points, { series: "empty", steps: [], values: [] }] });
    expect(Object.entries((await getRun(run)).metrics).map(([name, { count }]) => [name, count])).toEqual([["loss", 2]]);
    await worker.finish(job, { outcome: "stopped" });
  });

  test("with fewer values than steps, or after the end, changes nothing", async () => {
    const { run, job } = await claimed();
    const uneven = { token: job.token, sequence: 1, points: [{ series: "loss", steps: [1, 2], values: [1] }] };
    const answer = await raw(`/api/worker/jobs/${job.id}/report`, { method: "POST", headers: { authorization: `Bearer ${job.key}` }, body: uneven });
    expect([answer.status, answer.json.error.problems[0]]).toEqual([
      422,
      expect.objectContaining({ path: "points.0", wanted: "with as many values as steps" }),
    ]);
    await worker.finish(job, { outcome: "stopped" });
    await expect(worker.report(job, { points: [{ series: "loss", steps: [1], values: [1] }] })).rejects.toMatchObject({ code: "STALE_TOKEN" });
    expect((await getRun(run)).metrics).toEqual({});
  });
});

describe("an end", () => {
  test("that is said again, even otherwise, changes nothing", async () => {
    const { run, job } = await claimed();
    await worker.succeed(job);
    const [before, state] = [await eventCount(), await getRun(run)];
    for (const outcome of ["succeeded", "failed", "stopped", "released"] as const) await worker.finish(job, { outcome });
    expect(await eventCount()).toBe(before);
    expect(await getRun(run)).toEqual(state);
  });

  test("without the result of a success is a failure", async () => {
    const { run, job } = await claimed();
    await worker.finish(job, { outcome: "succeeded" });
    expect(await getRun(run)).toMatchObject({ state: "failed", reason: { code: "INTERNAL" } });
  });

  test("by a failure that another attempt would meet again is not tried again", async () => {
    const { run, job } = await claimed();
    await worker.finish(job, { outcome: "failed", error: { ...broken, code: "BAD_FILE", status: 422 } });
    expect(await getJob(job.id)).toMatchObject({ state: "done", attempts: 1, reason: { code: "BAD_FILE" } });
    expect(await getRun(run)).toMatchObject({ state: "failed", reason: { code: "BAD_FILE", message: broken.message, fix: broken.fix } });
  });

  test("by a worker that shuts down is no attempt, and the next worker gets the job at once", async () => {
    const { run, job } = await claimed();
    await worker.finish(job, { outcome: "released" });
    expect(await getJob(job.id)).toMatchObject({ state: "queued", attempts: 0 });
    expect(await getRun(run)).toMatchObject({ state: "queued", reason: { code: "WORKER_SHUT_DOWN" } });
    const next = await worker.take();
    expect((await getRun(run)).reason).toBeUndefined();
    await worker.succeed(next);
  });
});

describe("a job whose attempts fail", () => {
  test("is tried five times, each after twice the time, and then is dead until a person has it tried again", async () => {
    const { id: run } = await create();
    const delays: number[] = [];
    let job = await worker.take();
    for (let attempt = 1; attempt <= 5; attempt++) {
      if (attempt > 1) job = await worker.take();
      const before = Date.now();
      await worker.finish(job, { outcome: "failed", error: broken });
      if (attempt === 5) break;
      const { state, attempts, runAt, reason } = await getJob(job.id);
      expect({ state, attempts, code: reason!.code }).toEqual({ state: "queued", attempts: attempt, code: "RUNTIME" });
      expect(await getRun(run)).toMatchObject({ state: "queued", reason: { code: "RUNTIME" } });
      delays.push(Math.floor((Date.parse(runAt!) - before + 500) / 1000));
      expect(await worker.claim()).toBeNull();
      await hurry(job.id);
    }
    for (const [i, delay] of delays.entries()) expect(delay).toBeGreaterThanOrEqual(2 ** i);
    for (const [i, delay] of delays.entries()) expect(delay).toBeLessThan(2 ** i + 10);
    expect(await getJob(job.id)).toMatchObject({ state: "dead", attempts: 5, reason: { code: "RUNTIME" } });
    expect(await getRun(run)).toMatchObject({ state: "failed", reason: { message: broken.message, fix: broken.fix } });
    const { items } = await client.call("listJobs", { query: { state: "dead" } });
    expect(items.map(({ id }) => id)).toEqual([job.id]);

    expect(await client.call("requeueJob", { params: { id: job.id } })).toMatchObject({ state: "queued", attempts: 0 });
    expect(await getRun(run)).toMatchObject({ state: "queued" });
    expect((await worker.train(run)).state).toBe("succeeded");
  });

  test("but gets further is not given up", async () => {
    const { job: first, run } = await claimed();
    let job = first;
    for (let attempt = 1; attempt <= 7; attempt++) {
      if (attempt > 1) job = await worker.take();
      const last = await worker.upload(job, "last.safetensors", `at ${attempt}`);
      await worker.report(job, { artifacts: [last], checkpoint: { update: attempt, epoch: 0 } });
      await worker.finish(job, { outcome: "failed", error: broken });
      expect(await getJob(job.id)).toMatchObject({ state: "queued", attempts: 1 });
      await hurry(job.id);
    }
    expect((await worker.train(run)).state).toBe("succeeded");
  });

  test("is tried again by nobody's word while it is not dead", async () => {
    const { job } = await claimed();
    await expect(client.call("requeueJob", { params: { id: job.id } })).rejects.toMatchObject({ code: "WRONG_STATE", status: 409 });
    await worker.succeed(job);
    await expect(client.call("requeueJob", { params: { id: job.id } })).rejects.toMatchObject({ code: "WRONG_STATE" });
  });

  test("and whose run went on by another job is not tried again", async () => {
    const { id: run } = await create();
    let job = await worker.take();
    for (let attempt = 1; attempt <= 5; attempt++) {
      if (attempt > 1) job = await worker.take();
      await worker.finish(job, { outcome: "failed", error: broken });
      await hurry(job.id);
    }
    await client.call("resumeRun", { params: { id: run }, body: {} });
    const before = await eventCount();
    await expect(client.call("requeueJob", { params: { id: job.id } })).rejects.toMatchObject({ code: "WRONG_STATE" });
    expect(await eventCount()).toBe(before);
    await worker.train(run);
  });

  test("reading a dataset fails it, and reads it when tried again", async () => {
    const { id } = await register(platform, "broken", "a,b\n1,2\n");
    let job = await worker.take();
    for (let attempt = 1; attempt <= 5; attempt++) {
      if (attempt > 1) job = await worker.take();
      await worker.finish(job, { outcome: "failed", error: broken });
      await hurry(job.id);
    }
    const dataset = () => client.call("getDataset", { params: { id } });
    expect(await dataset()).toMatchObject({ state: "failed", reason: { code: "RUNTIME" } });
    await client.call("requeueJob", { params: { id: job.id } });
    expect(await dataset()).toMatchObject({ state: "reading" });
    await worker.read(await worker.take());
    expect(await dataset()).toMatchObject({ state: "ready", facts: irisFacts });
  });
});

describe("the list of jobs", () => {
  test("comes newest first, in pages, by state and kind", async () => {
    const runs = [await create(), await create(), await create()];
    const waiting = await client.call("listJobs", { query: { state: "queued", kind: "train", limit: 2 } });
    const rest = await client.call("listJobs", { query: { state: "queued", kind: "train", limit: 2, cursor: waiting.next! } });
    expect([...waiting.items, ...rest.items].map(({ subject }) => subject.id)).toEqual(runs.map(({ id }) => id).reverse());
    expect([waiting.items.length, rest.next]).toEqual([2, null]);
    const ingests = await client.call("listJobs", { query: { kind: "ingest" } });
    expect(new Set(ingests.items.map(({ kind }) => kind))).toEqual(new Set(["ingest"]));
    for (const { id } of runs) await client.call("stopRun", { params: { id } });
    expect((await client.call("listJobs", { query: { state: "queued" } })).items).toEqual([]);
  });
});

describe("a job that an administrator stops", () => {
  const stop = (id: string) => client.call("stopJob", { params: { id } });

  test("is cancelled while it waits, and its run is stopped and can go on", async () => {
    const { id } = await create();
    const { items } = await client.call("listJobs", { query: { limit: 1 } });
    expect(items[0]).toMatchObject({ state: "queued", subject: { kind: "run", id, name: (await getRun(id)).name } });
    expect((await stop(items[0]!.id)).state).toBe("cancelled");
    expect((await getRun(id)).state).toBe("stopped");
    expect((await client.call("resumeRun", { params: { id }, body: {} })).state).toBe("queued");
    await worker.succeed(await worker.take());
  });

  test("is told to stop while a worker has it", async () => {
    const { run, job } = await claimed();
    expect((await stop(job.id)).state).toBe("running");
    expect((await getRun(run)).state).toBe("stopping");
    expect((await worker.report(job)).stop).toBe(true);
    await worker.finish(job, { outcome: "stopped" });
    expect([(await getJob(job.id)).state, (await getRun(run)).state]).toEqual(["done", "stopped"]);
    await expect(stop(job.id)).rejects.toMatchObject({ code: "WRONG_STATE" });
  });

  test("and that was to read a dataset says there that it was stopped", async () => {
    const { id } = await register(platform, "unwanted", "a,b\n1,2\n");
    const { items } = await client.call("listJobs", { query: { kind: "ingest", state: "queued" } });
    expect(items.map(({ subject }) => subject)).toEqual([{ kind: "dataset", id, name: "unwanted" }]);
    await stop(items[0]!.id);
    expect(await client.call("getDataset", { params: { id } })).toMatchObject({ state: "failed", reason: { code: "STOPPED" } });
  });

  test("is stopped by nobody else", async () => {
    const { run, job } = await claimed();
    for (const role of ["viewer", "trainer"] as const) {
      const theirs = as(await platform.account(`stopping-${role}`, role));
      const asked = [theirs.call("stopJob", { params: { id: job.id } }), theirs.call("getQueues", {}), theirs.call("getServerLog", {})];
      expect(await Promise.all(asked.map(verdict))).toEqual(asked.map(() => "FORBIDDEN"));
    }
    expect((await getRun(run)).state).toBe("running");
    await worker.succeed(job);
  });
});

test("queues tell how many jobs of a kind wait, since when, how many are done and how they ended", async () => {
  const of = async () => (await client.call("getQueues", {})).items.find(({ kind }) => kind === "train")!;
  const before = await of();
  expect(before).toMatchObject({ queued: 0, delayed: 0, running: 0 });
  const first = await create();
  const second = await create();
  const oldest = (await client.call("listJobs", { query: { state: "queued", limit: 2 } })).items.at(-1)!;
  expect(await of()).toMatchObject({ queued: 2, oldestAt: oldest.createdAt, running: 0 });
  const job = await worker.take();
  expect(await of()).toMatchObject({ queued: 1, running: 1 });
  await worker.finish(job, { outcome: "failed", error: { ...broken, status: 422 } });
  const again = await worker.take();
  await worker.finish(again, { outcome: "failed", error: broken });
  expect(await of()).toMatchObject({ queued: 1, delayed: 1, failed: before.failed + 1 });
  await hurry(again.id);
  await worker.succeed(await worker.take());
  expect(await of()).toMatchObject({ queued: 0, running: 0, done: before.done + 1, failed: before.failed + 1 });
  expect([first, second].map(({ id }) => id)).toContain(job.subject.id);
});
