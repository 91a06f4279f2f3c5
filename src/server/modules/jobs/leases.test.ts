/** Leases: whoever is heard of in time keeps a job, and whoever is not loses it. */
import { beforeAll, expect, test, vi } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { startTestPlatform, tiny } from "../../../../test/platform.ts";
import type { ClaimedJob } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform({ env: { TRAINYARD_LEASE_SECONDS: "3" } });
const { client } = platform;
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

const getRun = (id: string) => client.call("getRun", { params: { id } });
const getJob = (id: string) => client.call("getJob", { params: { id } });
async function claimed(): Promise<{ run: string; job: ClaimedJob }> {
  const { id } = await client.call("createRun", { body: tiny });
  return { run: id, job: await worker.take() };
}

test("a worker that is not heard of loses its job when the lease runs out, and the next gets it after a pause", async () => {
  const { run, job } = await claimed();
  expect(job.leaseSeconds).toBe(3);
  const lost = await platform.until("job", job.id, async () => {
    const now = await getJob(job.id);
    return now.state === "queued" && now;
  });
  expect(lost).toMatchObject({ attempts: 1, reason: { code: "WORKER_LOST" } });
  expect(lost.worker).toBeUndefined();
  expect(await getRun(run)).toMatchObject({ state: "queued", reason: { code: "WORKER_LOST" } });
  await expect(worker.heartbeat(job)).rejects.toMatchObject({ code: "STALE_TOKEN" });

  const next = await worker.claim(10);
  expect(next).toMatchObject({ id: job.id });
  expect(next!.token).toBeGreaterThan(job.token);
  await worker.succeed(next!);
  expect((await getRun(run)).state).toBe("succeeded");
});

test("a worker keeps its job as long as it is heard of in time", async () => {
  const { run, job } = await claimed();
  const end = Date.now() + 5000;
  while (Date.now() < end) {
    await worker.heartbeat(job);
    await new Promise((done) => setTimeout(done, 250));
  }
  expect(await getJob(job.id)).toMatchObject({ state: "running", attempts: 1 });
  await worker.succeed(job);
  expect((await getRun(run)).state).toBe("succeeded");
});

test("a worker that is not heard of and whose run was to stop leaves it stopped, with nothing to do", async () => {
  const { run, job } = await claimed();
  await client.call("stopRun", { params: { id: run } });
  await platform.waitFor(run, "stopped");
  expect(await getJob(job.id)).toMatchObject({ state: "cancelled" });
});

test("a server whose clock is a day ahead neither takes jobs back nor dates by it what happens: the database's clock counts", async () => {
  const { run, job } = await claimed();
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + 86_400_000 });
  try {
    const { id, createdAt } = await client.call("createRun", { body: { ...tiny, draft: true } });
    expect(Math.abs(Date.parse(createdAt) - now)).toBeLessThan(3_600_000);
    await worker.heartbeat(job);
    await new Promise((done) => setTimeout(done, 1500)); // leases are looked at once a second
    await worker.heartbeat(job);
    expect(await getJob(job.id)).toMatchObject({ state: "running", attempts: 1 });
    await client.call("editRun", { params: { id }, body: { name: "later" } });
  } finally {
    vi.useRealTimers();
  }
  await worker.succeed(job);
  expect((await getRun(run)).state).toBe("succeeded");
});
