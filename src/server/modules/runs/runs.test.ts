/** The life of a run from draft to its end, and what people do with it; a worker that is led by hand does what workers do. */
import { beforeAll, describe, expect, test } from "vitest";
import { evaluationOf, HandWorker, runFacts } from "../../../../test/hand-worker.ts";
import { startTestPlatform, tiny } from "../../../../test/platform.ts";
import type { ClaimedJob, Run, RunRequestBody } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform({ env: { TRAINYARD_UPLOAD_GRACE: "0" } });
const { client, raw, eventCount, kernel } = platform;
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

const create = (body: Partial<RunRequestBody> = {}) => client.call("createRun", { body: { ...tiny, ...body } });
const get = (id: string) => client.call("getRun", { params: { id } });
const stop = (id: string) => client.call("stopRun", { params: { id } });
const of = (run: Run) => ({ params: { id: run.id } });

/** A run that a worker has begun. */
async function running(body?: Partial<RunRequestBody>): Promise<{ run: Run; job: ClaimedJob }> {
  const { id } = await create(body);
  const job = await worker.take();
  return { run: await get(id), job };
}

async function trained(body?: Partial<RunRequestBody>, options?: Parameters<HandWorker["succeed"]>[1]): Promise<Run> {
  const { id } = await create(body);
  return worker.train(id, options);
}

/** @returns the code of the refusal, after which nothing has changed */
async function refused(path: string, status: number, request: Parameters<typeof raw>[1] = {}): Promise<string> {
  const before = await eventCount();
  const answer = await raw(path, { method: "POST", ...request });
  expect(answer.status).toBe(status);
  expect(await eventCount()).toBe(before);
  return answer.json.error.code;
}

describe("a run", () => {
  test("goes from draft over queued and running to succeeded, and says since when", async () => {
    const draft = await create({ draft: true });
    expect(draft).toMatchObject({ state: "draft", version: 1 });
    expect([draft.startedAt, draft.endedAt]).toEqual([undefined, undefined]);
    expect(await worker.claim()).toBeNull();

    const queued = await client.call("startRun", of(draft));
    expect(queued.state).toBe("queued");

    const job = await worker.take();
    expect(job).toMatchObject({ kind: "train", subject: { kind: "run", id: draft.id }, payload: { settings: draft.settings, source: draft.source } });
    const begun = await get(draft.id);
    expect(begun.state).toBe("running");
    expect(begun.startedAt! >= begun.createdAt).toBe(true);

    const progress = { epoch: 1, epochs: 2, step: 3, stepsPerEpoch: 7, update: 3, loss: 1.1, score: 0.3 };
    await worker.report(job, { facts: runFacts, progress: { ...progress, learningRate: 0.001, samplesPerSecond: 5000, secondsLeft: 0.4 } });
    expect(await get(draft.id)).toMatchObject({ facts: runFacts, progress });

    await worker.succeed(job, { accuracy: 0.8, points: [{ series: "loss", steps: [1, 2, 3], values: [3, 1, 2] }] });
    const done = await get(draft.id);
    expect(done).toMatchObject({
      state: "succeeded",
      result: { reason: "completed", bestEpoch: 1 },
      evaluation: evaluationOf(0.8),
      metrics: { loss: { last: 2, lastStep: 3, min: 1, minStep: 2, max: 3, maxStep: 1, count: 3 } },
    });
    expect(done.artifacts.map(({ name }) => name).sort()).toEqual(["best.safetensors", "model.onnx"]);
    expect(done.endedAt! >= begun.startedAt!).toBe(true);
    expect(done.progress).toBeUndefined();
  });

  test("that is queued is stopped at once, and no worker gets it", async () => {
    const { id } = await create();
    expect(await stop(id)).toMatchObject({ state: "stopped" });
    expect(await worker.claim()).toBeNull();
  });

  test("that runs is stopped by its worker, which is told with its next word, and then goes on where it was", async () => {
    const { run, job } = await running();
    expect(await worker.heartbeat(job)).toMatchObject({ stop: false });
    expect(await stop(run.id)).toMatchObject({ state: "stopping" });
    expect(await stop(run.id)).toMatchObject({ state: "stopping" });
    expect(await worker.heartbeat(job)).toMatchObject({ stop: true });

    const files = [await worker.upload(job, "last.safetensors", "last"), await worker.upload(job, "best.safetensors", "best")];
    const told = await worker.report(job, { facts: runFacts, artifacts: files, checkpoint: { update: 8, epoch: 1 } });
    expect(told.stop).toBe(true);
    await worker.finish(job, { outcome: "stopped" });
    expect(await get(run.id)).toMatchObject({ state: "stopped", checkpoint: { update: 8, epoch: 1 } });

    const resumed = await client.call("resumeRun", { ...of(run), body: {} });
    expect(resumed.state).toBe("queued");
    expect(resumed.endedAt).toBeUndefined();
    const next = await worker.take();
    expect(next.payload).toMatchObject({ facts: runFacts, resume: { last: files[0]!.sha256, best: files[1]!.sha256 } });
    await worker.succeed(next);
    expect(await get(run.id)).toMatchObject({ state: "succeeded", startedAt: run.startedAt });
  });

  test("that fails says why and what to do, and can be resumed", async () => {
    const { run, job } = await running();
    const error = { code: "LOSS_NOT_FINITE", status: 422, message: "the loss became NaN", fix: "Train again with a smaller learning rate." };
    await worker.finish(job, { outcome: "failed", error });
    const { status: _, ...reason } = error;
    expect(await get(run.id)).toMatchObject({ state: "failed", reason });
    await client.call("resumeRun", { ...of(run), body: {} });
    const again = await worker.train(run.id);
    expect(again.state).toBe("succeeded");
    expect(again.reason).toBeUndefined();
  });

  test("that has finished is trained for more epochs, and by no fewer", async () => {
    const run = await trained();
    const path = `/api/runs/${run.id}/resume`;
    expect(await refused(path, 409, { body: {} })).toBe("WRONG_STATE");
    expect(await refused(path, 409, { body: { epochs: 2 } })).toBe("WRONG_STATE");
    const more = await client.call("resumeRun", { ...of(run), body: { epochs: 5 } });
    expect(more).toMatchObject({ state: "queued", settings: { training: { epochs: 5 } } });
    const { items } = await client.call("listRuns", { query: { filter: ["training.epochs=5"] } });
    expect(items.map(({ id }) => id)).toEqual([run.id]);
    expect((await worker.take()).payload.settings!.training.epochs).toBe(5);
    await stop(run.id);
  });

  test("whose training goes on from a checkpoint has each point once", async () => {
    const { run, job } = await running();
    await worker.report(job, { points: [{ series: "loss", steps: [1, 2, 3, 4], values: [9, 8, 7, 0.5] }] });
    const last = await worker.upload(job, "last.safetensors", "at two");
    await worker.report(job, { artifacts: [last], checkpoint: { update: 2, epoch: 0 } });
    await worker.finish(job, { outcome: "released" });
    const next = await worker.take();
    expect((await get(run.id)).metrics.loss).toEqual({ last: 8, lastStep: 2, min: 8, minStep: 2, max: 9, maxStep: 1, count: 2 });
    await worker.succeed(next, { points: [{ series: "loss", steps: [3, 4], values: [7, 6] }] });
    const { series } = await client.call("getMetrics", { ...of(run), query: {} });
    expect(series).toEqual([{ series: "loss", steps: [1, 2, 3, 4], values: [9, 8, 7, 6], total: 4 }]);
  });

  test("in another state than a command wants is left as it is", async () => {
    const [draft, done, { run: going, job }] = [await create({ draft: true }), await trained(), await running()];
    for (const [run, verb, body] of [
      [draft, "stop"],
      [draft, "resume", {}],
      [draft, "archive"],
      [draft, "evaluation", {}],
      [draft, "predict", { rows: [{ a: 1 }] }],
      [done, "start"],
      [done, "stop"],
      [going, "start"],
      [going, "resume", {}],
      [going, "archive"],
      [going, "evaluation", {}],
    ] as const) {
      expect([verb, run.state, await refused(`/api/runs/${run.id}/${verb}`, 409, { body })]).toEqual([verb, run.state, "WRONG_STATE"]);
    }
    expect(await refused(`/api/runs/${going.id}`, 409, { method: "DELETE" })).toBe("WRONG_STATE");
    await worker.succeed(job);
  });
});

describe("people", () => {
  test("rename, note and tag", async () => {
    const run = await create({ draft: true, tags: { team: "vision" } });
    const changed = await client.call("editRun", { ...of(run), body: { name: " Größe 😀 ", note: "two\nlines", tags: { stage: "one", empty: "" } } });
    expect(changed).toMatchObject({ name: "Größe 😀", note: "two\nlines", version: 2 });
    expect(changed.tags).toEqual({ stage: "one", empty: "" });
    expect(await client.call("editRun", { ...of(run), body: { note: "" } })).toMatchObject({ name: "Größe 😀", note: "", version: 3 });
  });

  test("change nothing by saying what is already so", async () => {
    const run = await create({ draft: true, name: "same", tags: { a: "b" } });
    const before = await eventCount();
    const body = { name: "same", note: "", tags: { a: "b" } };
    expect(await client.call("editRun", { ...of(run), body })).toMatchObject({ version: 1 });
    expect(await eventCount()).toBe(before);
  });

  test("train again with the settings of a run, under another name or as a draft", async () => {
    const run = await trained({ name: "first", tags: { team: "vision" }, training: { ...tiny.training, seed: 7 } });
    const copy = await client.call("duplicateRun", { ...of(run), body: { draft: true, name: "second" } });
    expect(copy).toMatchObject({ state: "draft", name: "second", tags: { team: "vision" }, settings: run.settings, source: run.source });
    expect(copy.id).not.toBe(run.id);
    expect([copy.evaluation, copy.artifacts, copy.metrics]).toEqual([undefined, [], {}]);
    const queued = await client.call("duplicateRun", { ...of(run), body: {} });
    expect(queued).toMatchObject({ state: "queued", name: `flowers-mlp-${queued.number}` });
    await stop(queued.id);
  });

  test("compare runs by what differs, beside all their metrics", async () => {
    const a = await trained({ optimizer: { id: "adam" } }, { points: [{ series: "loss", steps: [1], values: [0.5] }] });
    const b = await trained({ optimizer: { id: "sgd" }, training: { ...tiny.training, epochs: 3 } });
    const { runs, settings, metrics } = await client.call("compareRuns", { query: { id: [a.id, b.id] } });
    expect(runs.map(({ id }) => id)).toEqual([a.id, b.id]);
    const differences = Object.fromEntries(settings.map(({ path, values }) => [path, values]));
    expect(differences).toMatchObject({ "optimizer.id": ["adam", "sgd"], "optimizer.params.beta1": [0.9, null], "training.epochs": [2, 3] });
    expect(Object.keys(differences).every((path) => path === "training.epochs" || path.startsWith("optimizer."))).toBe(true);
    expect(metrics).toEqual([{ series: "loss", values: [a.metrics.loss, null] }]);
  });

  test("compare at least two runs that exist, each once", async () => {
    const run = await create({ draft: true });
    const nobody = kernel.ids.seal("00000000-0000-4000-8000-000000000000");
    const compare = (...ids: string[]) => raw(`/api/runs/compare?${ids.map((id) => `id=${id}`).join("&")}`);
    expect((await compare(run.id)).status).toBe(422);
    expect((await compare()).status).toBe(422);
    expect((await compare(run.id, nobody)).json.error).toMatchObject({ status: 404, code: "NOT_FOUND" });
    expect((await compare(run.id, run.id)).json.runs).toHaveLength(1);
  });
});

describe("metrics for charts", () => {
  test("come thinned with the extremes of each stretch, or whole between two steps", async () => {
    const { run, job } = await running();
    const steps = Array.from({ length: 10_000 }, (_, i) => i);
    const values = steps.map((i) => (i === 5003 ? 1000 : i === 7001 ? -1000 : i === 20 ? null : Math.sin(i)));
    await worker.report(job, { points: [{ series: "wave", steps, values }] });
    const {
      series: [thin],
    } = await client.call("getMetrics", { ...of(run), query: { points: 100 } });
    expect(thin!.total).toBe(10_000);
    expect(thin!.steps.length).toBeLessThanOrEqual(100);
    expect(thin!.values).toEqual(thin!.steps.map((step) => values[step]));
    for (const step of [0, 5003, 7001, 9999]) expect(thin!.steps).toContain(step);

    for (const points of [2, 3, 5]) {
      const { series } = await client.call("getMetrics", { ...of(run), query: { points } });
      expect(series[0]!.steps.length).toBeLessThanOrEqual(points);
    }

    const between = await client.call("getMetrics", { ...of(run), query: { series: "wave", from: 18, to: 21 } });
    expect(between.series).toEqual([{ series: "wave", steps: [18, 19, 20, 21], values: [values[18], values[19], null, values[21]], total: 4 }]);
    const absent = await client.call("getMetrics", { ...of(run), query: { series: ["nothing"] } });
    expect(absent.series).toEqual([]);
    await worker.succeed(job);
  });

  test("come in the order of their steps, whatever the order in which they were told", async () => {
    const { run, job } = await running();
    await worker.report(job, { points: [{ series: "a", steps: [4, 5], values: [40, 50] }] });
    await worker.report(job, { points: [{ series: "a", steps: [2, 1], values: [20, 10] }] });
    const { series } = await client.call("getMetrics", { ...of(run), query: {} });
    expect(series).toEqual([{ series: "a", steps: [1, 2, 4, 5], values: [10, 20, 40, 50], total: 4 }]);
    expect((await get(run.id)).metrics.a).toMatchObject({ last: 50, lastStep: 5, min: 10, max: 50, count: 4 });
    await worker.succeed(job);
  });
});

describe("the trash", () => {
  const listed = async (trash: boolean) => {
    const { items } = await client.call("listRuns", { query: { limit: 500, ...(trash && { trash: "true" }) } });
    return items.map(({ id }) => id);
  };

  test("keeps what is deleted until it is restored", async () => {
    const run = await create({ draft: true });
    const deleted = await client.call("deleteRun", of(run));
    expect(deleted.trashedAt).toBeDefined();
    expect([(await listed(true)).includes(run.id), (await listed(false)).includes(run.id)]).toEqual([true, false]);
    for (const verb of ["start", "archive"]) expect([verb, await refused(`/api/runs/${run.id}/${verb}`, 409)]).toEqual([verb, "WRONG_STATE"]);
    expect(await refused(`/api/runs/${run.id}`, 409, { method: "PATCH", body: { name: "x" } })).toBe("WRONG_STATE");
    expect((await client.call("deleteRun", of(run))).version).toBe(deleted.version);
    const restored = await client.call("restoreRun", of(run));
    expect(restored.trashedAt).toBeUndefined();
    expect((await client.call("restoreRun", of(run))).version).toBe(restored.version);
    expect((await listed(false)).includes(run.id)).toBe(true);
  });

  test("is emptied by a purge, which says how much that freed and keeps what others share", async () => {
    await client.call("purge", {});
    const kept = await trained({}, { model: "shared" });
    const twin = await trained({}, { model: "shared" });
    const single = await trained({}, { model: "of one run alone" });
    for (const run of [twin, single]) await client.call("deleteRun", of(run));
    const own = single.artifacts.reduce((sum, { size }) => sum + size, 0);

    const { reclaimable, bytes, blobs } = await client.call("getStorage", {});
    expect(reclaimable).toEqual({ runs: 2, datasets: 0, blobs: 2, bytes: own });
    expect(await client.call("purge", {})).toEqual(reclaimable);
    expect(await client.call("getStorage", {})).toMatchObject({ blobs: blobs - 2, bytes: bytes - own, reclaimable: { runs: 0, blobs: 0, bytes: 0 } });

    for (const { sha256 } of single.artifacts) expect(await kernel.blobs.head(sha256)).toBeUndefined();
    for (const { sha256, size } of kept.artifacts) expect(await kernel.blobs.head(sha256)).toMatchObject({ size });
    for (const { id } of [twin, single]) expect((await raw(`/api/runs/${id}`)).status).toBe(404);
    expect(await client.call("purge", {})).toEqual({ runs: 0, datasets: 0, blobs: 0, bytes: 0 });
    expect(await client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
  });
});
