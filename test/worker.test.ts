/** Workers against a server that loses answers, goes away, takes jobs back: whatever happens, a run ends once and with the same bits. */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunRequest, resolveSettings } from "../src/catalog/run-settings.ts";
import { sha256 } from "../src/data/digest.ts";
import { createClient } from "../src/shared/api/client.ts";
import type { ClaimedJob } from "../src/shared/api/schemas.ts";
import { inProgram } from "../src/shared/code.ts";
import type { JobLimits, WorkerConfig } from "../src/worker/config.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { runWorker, type WorkerOptions } from "../src/worker/run-worker.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";
import { loaded } from "./datasets.ts";
import { mnistExcerpt } from "./mnist.ts";
import { available, descendantsOf, gone } from "./processes.ts";
import { type HostedJob, WorkerHost } from "./worker-host.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let host: WorkerHost;
let cacheDirectory: string;
const endings: (() => unknown)[] = [];
beforeEach(async () => {
  host = new WorkerHost();
  await host.listen();
  cacheDirectory = mkdtempSync(join(root, "cache-"));
});
afterEach(async () => {
  await Promise.all(endings.splice(0).map((end) => end()));
  await host.close();
});

const limits: JobLimits = { memory: 4096, seconds: {} };
/** A worker in this process. */
function work(options: Partial<WorkerOptions> = {}, token = "secret") {
  const stop = new AbortController();
  const log: string[] = [];
  const ended = runWorker({
    client: createClient({ url: host.url, token, patience: 60 }),
    id: randomUUID(),
    name: "tester",
    labels: ["cpu"],
    slots: 1,
    cacheDirectory,
    limits,
    signal: stop.signal,
    log: (line) => log.push(line),
    ...options,
  });
  const end = async () => {
    stop.abort();
    await ended.catch(() => {});
  };
  endings.push(end);
  return { log, end, ended };
}
const configOf = (): WorkerConfig => ({
  url: host.url,
  token: "secret",
  id: randomUUID(),
  name: "forked",
  labels: [],
  slots: 1,
  cacheDirectory,
  limits,
});
/** A worker process, as the server starts it. */
function processOf(config: object = configOf()) {
  const child: ChildProcess = fork(inProgram("worker/main.js"), { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  child.send(config);
  let stderr = "";
  child.stderr!.on("data", (text) => {
    stderr += text;
  });
  const drained = new Promise((done) => child.stderr!.on("close", done));
  const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((done) =>
    child.on("exit", (code, signal) => void drained.then(() => done({ code, signal, stderr }))),
  );
  endings.push(() => {
    child.kill("SIGKILL");
    return ended;
  });
  return { child, ended };
}

type Payload = ClaimedJob["payload"];
const settingsOf = (request: RunRequest) => resolveSettings(request) as unknown as NonNullable<Payload["settings"]>;
const iris: RunRequest = {
  dataset: { id: "iris" },
  model: { id: "mlp", params: { hidden: [16], dropout: 0.2 } },
  training: { epochs: 12, batchSize: 25 },
};
/** Long enough to be disturbed. */
const long: RunRequest = { ...iris, training: { epochs: 500, batchSize: 8 } };
/** Longer than the second after which there is a checkpoint. */
const longer: RunRequest = { ...iris, training: { epochs: 1500, batchSize: 8 } };

const over = (job: HostedJob) => host.until(() => job.finish);
/** What a training ends with, in this process and undisturbed. */
const known = new Map<RunRequest, Promise<Record<string, string>>>();
const undisturbed = (request: RunRequest): Promise<Record<string, string>> => {
  const files = known.get(request) ?? train(request);
  known.set(request, files);
  return files;
};
async function train(request: RunRequest): Promise<Record<string, string>> {
  const output = new MemoryOutput();
  for await (const _ of performTraining(await prepareTraining(request), output));
  return Object.fromEntries([...output.files].map(([name, bytes]) => [name, sha256(bytes)]));
}
/** The files of a job, but for the evaluation, by content. */
const filesOf = (job: HostedJob) =>
  Object.fromEntries(
    [...job.artifacts].filter(([name]) => !["evaluation.json", "predictions.safetensors", "test-records.safetensors"].includes(name)),
  );
const lengths = (job: HostedJob) => Object.fromEntries([...job.points].map(([series, points]) => [series, points.length]));
/** Series with a point an epoch, the same after whatever happened: none twice, none missing. */
function expectEveryEpoch(job: HostedJob, epochs: number, updatesPerEpoch: number): void {
  const steps = Array.from({ length: epochs }, (_, i) => (i + 1) * updatesPerEpoch);
  for (const series of ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy"])
    expect(job.points.get(series)!.map(([step]) => step)).toEqual(steps);
  const updates = job.points.get("loss")!.map(([step]) => step);
  expect(updates).toEqual([...new Set(updates)].sort((a, b) => a - b));
  expect(updates.at(-1)).toBe(epochs * updatesPerEpoch);
}

describe("a training", () => {
  test("tells facts first, then progress and points, checkpoints with their files, and ends with model and evaluation", async () => {
    const job = host.add("train", { settings: settingsOf(iris) });
    const { log } = work();
    await over(job);
    expect(Object.keys(job.reports[0]!)).toEqual(["token", "sequence", "facts"]);
    expect(job.facts).toMatchObject({ dataset: { id: "iris", source: "iris", digest: (await loaded("iris")).digest }, parameters: 131 });
    expect(job.progress).toMatchObject({ epoch: 12, epochs: 12, update: 60, stepsPerEpoch: 5 });
    const { result, evaluation, outcome } = job.finish!;
    expect([outcome, result!.reason]).toEqual(["succeeded", "completed"]);
    const report = JSON.parse(host.file(job, "evaluation.json").toString());
    expect(report).toMatchObject(evaluation!);
    expect(report).toMatchObject({ split: "test", samples: 30, bestEpoch: result!.bestEpoch, confusion: { length: 3 } });
    expectEveryEpoch(job, 12, 5);
    for (const [metric, value] of Object.entries(evaluation!.metrics)) expect(job.points.get(`test_${metric}`)).toEqual([[60, value]]);
    const own = ["loss", "accuracy", "learning_rate", "samples_per_second", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"];
    expect([...job.points.keys()].filter((name) => !name.startsWith("test_"))).toEqual(own);
    await host.until(() => log.length === 2);
    expect(log).toEqual([
      `begins train of run r1 (job ${job.id})`,
      expect.stringMatching(new RegExp(`^succeeded train of run r1 \\(job ${job.id}\\) after \\d+\\.\\d s$`)),
    ]);
  });

  test("gives the bits that it gives without a server", async () => {
    const job = host.add("train", { settings: settingsOf(iris) });
    work();
    await over(job);
    expect(filesOf(job)).toEqual(await undisturbed(iris));
  });

  test("that logs faster than reports may go sends every point, in reports of bounded size", async () => {
    const job = host.add("train", { settings: settingsOf({ ...long, training: { epochs: 3000, batchSize: 100, validation: 0 } }) });
    work();
    await over(job);
    expect(job.points.get("train_loss")!.map(([step]) => step)).toEqual(Array.from({ length: 3000 }, (_, i) => 2 * (i + 1)));
    expect(Math.max(...job.reports.flatMap(({ points = [] }) => points.map(({ steps }) => steps.length)))).toBeLessThanOrEqual(2000);
    expect(job.reports.length).toBeLessThan(300);
    const checkpoints = job.reports.filter(({ checkpoint }) => checkpoint);
    for (const { artifacts } of checkpoints) expect(artifacts!.map(({ name }) => name)).toContain("last.safetensors");
  });

  test("of a registered table reads its files, names it, and logs the errors of a regression", async () => {
    const file = host.addFile("table.csv", readFileSync("test/data/height-weight.csv"));
    const settings = settingsOf({ dataset: { id: "table" }, loss: { id: "huber" }, training: { epochs: 3 } });
    const job = host.add("train", { settings, source: { name: "heights", version: 2, snapshot: file.sha256, files: [file] } });
    work();
    await over(job);
    expect(job.finish).toMatchObject({ outcome: "succeeded", evaluation: { task: "regression" } });
    expect(job.facts!.dataset).toMatchObject({ id: "heights", source: "heights@2", task: "regression" });
    expect(lengths(job)).toMatchObject({ train_mean_absolute_error: 3, validation_mean_absolute_error: 3, test_rmse: 1, test_r2: 1, test_loss: 1 });
    expect(JSON.stringify([job.facts, job.finish])).not.toContain(root);
  });

  test("whose loss is no number any more fails for good, with its own words", async () => {
    const job = host.add("train", { settings: settingsOf({ ...iris, optimizer: { id: "adam", params: { learningRate: 1e38 } } }) });
    const { log } = work();
    await over(job);
    expect(job.finish).toMatchObject({
      outcome: "failed",
      error: {
        code: "LOSS_NOT_FINITE",
        status: 422,
        message: expect.stringMatching(/became NaN at step \d/),
        fix: expect.stringContaining("smaller learning rate"),
      },
    });
    await host.until(() => log.length === 2);
    expect(log[1]).toMatch(/^failed train .+: the .+ became NaN/);
  });

  test("with settings that make no training lists every problem", async () => {
    const settings = { ...settingsOf(iris), loss: { id: "hinge-of-fate", params: {} }, optimizer: { id: "magic", params: {} } };
    const job = host.add("train", { settings });
    work();
    await over(job);
    expect(job.finish!.error).toMatchObject({ code: "INVALID_REQUEST", status: 422, message: expect.stringMatching(/hinge-of-fate.+magic/) });
  });

  test("runs beside another where there are slots", async () => {
    const jobs = [1, 2].map((seed) => host.add("train", { settings: settingsOf({ ...long, training: { epochs: 400, batchSize: 8, seed } }) }));
    work({ slots: 2 });
    await host.until(() => jobs.every(({ state, progress }) => state === "running" && progress));
    await Promise.all(jobs.map(over));
    expect(jobs.map(({ finish }) => finish!.outcome)).toEqual(["succeeded", "succeeded"]);
  });
});

describe("an order to stop", () => {
  test.each(["heartbeat", "report"] as const)(
    "that comes with the answer to a %s leads to a checkpoint from which the run ends with the same bits",
    async (way) => {
      if (way === "heartbeat") host.leaseSeconds = 0.3;
      const job = host.add("train", { settings: settingsOf(long) });
      work();
      await host.until(() => job.progress);
      const told = host.served.length;
      job.stop = true;
      if (way === "heartbeat")
        host.before = (operation, _, response) => {
          if (operation !== "report" || job.finish || host.served.slice(told).includes("heartbeat")) return false;
          response.writeHead(503, { "retry-after": "0" }).end();
          return true;
        };
      await over(job);
      expect([job.finish!.outcome, job.checkpoint!.update > 0]).toEqual(["stopped", true]);
      host.leaseSeconds = 30;
      host.requeue(job);
      await over(job);
      expect(job.finish!.outcome).toBe("succeeded");
      expect(filesOf(job)).toEqual(await undisturbed(long));
      expectEveryEpoch(job, 500, 14);
    },
  );
});

describe("a server", () => {
  test("whose answers to reports are lost is told again under the same number, and nothing counts twice", async () => {
    const sequences: number[] = [];
    let lost = 0;
    host.after = (operation, job, response) => {
      if (operation !== "report" || lost === 4) return false;
      sequences.push(job!.sequence);
      lost++;
      if (lost % 2)
        response.destroy(); // before the answer, or half-way through it
      else {
        response.writeHead(200, { "content-length": 100 }).write("{");
        setTimeout(() => response.destroy(), 10);
      }
      return true;
    };
    const job = host.add("train", { settings: settingsOf(long) });
    work();
    await over(job);
    expect(sequences).toEqual([1, 1, 1, 1]);
    expect(job.reports.map(({ sequence }) => sequence)).toEqual(job.reports.map((_, i) => i + 1));
    expectEveryEpoch(job, 500, 14);
    expect(filesOf(job)).toEqual(await undisturbed(long));
  });

  test("that goes away and comes back gets everything that happened meanwhile, once", async () => {
    const job = host.add("train", { settings: settingsOf(long) });
    work();
    await host.until(() => job.progress);
    const { port } = new URL(host.url);
    await host.close();
    await new Promise((done) => setTimeout(done, 1500));
    await host.listen(Number(port));
    await over(job);
    expect(job.finish!.outcome).toBe("succeeded");
    expectEveryEpoch(job, 500, 14);
    expect(filesOf(job)).toEqual(await undisturbed(long));
  });

  test("that gave the job to somebody else hears no more of it", async () => {
    const job = host.add("train", { settings: settingsOf(longer) });
    const { log } = work();
    await host.until(() => job.checkpoint);
    const before = job.token;
    host.requeue(job); // the same worker claims it again
    await over(job);
    expect(log.slice(0, 3)).toEqual([
      expect.stringMatching(/^begins/),
      `dropped train of run r1 (job ${job.id}): job ${job.id} is no longer yours: your token is ${before}, the current one ${before + 1}`,
      expect.stringMatching(/^begins/),
    ]);
    expect([job.token, job.finish!.outcome, host.served.filter((o) => o === "finishJob").length]).toEqual([before + 2, "succeeded", 1]);
    expectEveryEpoch(job, 1500, 14);
    expect(filesOf(job)).toEqual(await undisturbed(longer));
  });

  test("that knows the job no more hears no more of it", async () => {
    const job = host.add("train", { settings: settingsOf(long) });
    const { log } = work();
    await host.until(() => job.progress);
    host.jobs.delete(job.id);
    const next = host.add("train", { settings: settingsOf(iris) });
    await over(next);
    expect(log[1]).toBe(`dropped train of run r1 (job ${job.id}): there is no job "${job.id}"`);
    expect([job.finish, next.finish!.outcome]).toEqual([undefined, "succeeded"]);
  });

  test("that does not take a file ends the training with its reason", async () => {
    host.before = (operation, _, response) => {
      if (operation !== "putJobBlob") return false;
      const error = { code: "PAYLOAD_TOO_LARGE", status: 413, message: "too much", fix: "Send less.", details: {}, problems: [], requestId: "1" };
      response.writeHead(413, { "content-type": "application/json" }).end(JSON.stringify({ error }));
      return true;
    };
    const job = host.add("train", { settings: settingsOf(long) });
    work();
    await over(job);
    expect(job.finish).toMatchObject({
      outcome: "failed",
      error: { code: "PAYLOAD_TOO_LARGE", status: 413, message: "too much", fix: "Send less." },
    });
  });

  test("that does not take an ending is told that the job failed, and why", async () => {
    let refused = 0;
    host.before = (operation, _, response) => {
      if (operation !== "finishJob" || refused++) return false;
      const error = { code: "INVALID_REQUEST", status: 422, message: "no such ending", fix: "", details: {}, problems: [], requestId: "1" };
      response.writeHead(422, { "content-type": "application/json" }).end(JSON.stringify({ error }));
      return true;
    };
    const job = host.add("train", { settings: settingsOf(iris) });
    work();
    await over(job);
    expect(job.finish).toMatchObject({ outcome: "failed", error: { code: "INVALID_REQUEST", status: 422, message: "no such ending" } });
  });

  test("that does not know the worker ends it", async () => {
    host.before = (operation, _, response) => {
      if (operation !== "claimJob") return false;
      const error = { code: "UNAUTHENTICATED", status: 401, message: "who?", fix: "Say.", details: {}, problems: [], requestId: "1" };
      response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify({ error }));
      return true;
    };
    await expect(work({ slots: 2 }).ended).rejects.toMatchObject({ code: "UNAUTHENTICATED", message: "who?" });
  });
});

describe("a worker process", () => {
  test("gives its job back on SIGTERM with a checkpoint, ends with 0, and the next one ends with the same bits", async () => {
    const job = host.add("train", { settings: settingsOf(long) });
    const first = processOf();
    await host.until(() => job.progress);
    first.child.kill("SIGTERM");
    const { code, signal, stderr } = await first.ended;
    expect([code, signal]).toEqual([0, null]);
    expect(stderr).toMatch(/^begins train .+\nreleased train /);
    expect([job.state, job.checkpoint!.update > 0]).toEqual(["released", true]);
    host.requeue(job);
    processOf();
    await over(job);
    expect(filesOf(job)).toEqual(await undisturbed(long));
    expectEveryEpoch(job, 500, 14);
  });

  test("that is killed leaves a checkpoint from which the next one ends with the same bits", async () => {
    const job = host.add("train", { settings: settingsOf(longer) });
    const first = processOf();
    await host.until(() => job.checkpoint && job.progress!.update > job.checkpoint.update);
    first.child.kill("SIGKILL");
    await first.ended;
    expect(job.state).toBe("running");
    host.requeue(job);
    work();
    await over(job);
    expect(filesOf(job)).toEqual(await undisturbed(longer));
    expectEveryEpoch(job, 1500, 14);
  });

  test("that waits for a job ends at once on SIGTERM", async () => {
    const { child, ended } = processOf();
    await host.until(() => host.claiming);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null, stderr: "" });
  });

  test("ends with the server that started it", async () => {
    const job = host.add("train", { settings: settingsOf(long) });
    const { child, ended } = processOf();
    await host.until(() => job.progress);
    child.disconnect();
    expect(await ended).toMatchObject({ signal: null });
    expect(job.finish).toBeUndefined();
  });

  test("that is told nonsense says what is wrong with it", async () => {
    const { code, stderr } = await processOf({ ...configOf(), url: "here", slots: 0, limits: { memory: 4096 } }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/worker\.url: .+; worker\.slots: .+; worker\.limits\.seconds: /);
  });
});

describe("the process of a job", () => {
  const jobsOf = (pid: number) => descendantsOf(pid).filter(({ command }) => command.includes("worker/job-main"));

  test("that takes more memory than it may is ended, and the job fails for good", async () => {
    const job = host.add("train", { settings: settingsOf(longer) });
    work({ limits: { memory: 100, seconds: {} } });
    await over(job);
    expect(job.finish).toMatchObject({
      outcome: "failed",
      error: {
        code: "OUT_OF_MEMORY",
        status: 422,
        message: expect.stringMatching(/^the training took \d{3} MiB of memory, but may take 100 MiB$/),
        fix: expect.stringContaining("TRAINYARD_JOB_MEMORY"),
      },
    });
  });

  test("that takes longer than it may is ended, and the job fails for good, while the worker goes on", async () => {
    const job = host.add("train", { settings: settingsOf({ ...iris, training: { epochs: 100_000 } }) });
    work({ limits: { memory: 4096, seconds: { train: 2.5, ingest: 60 } } });
    await over(job);
    expect(job.finish).toMatchObject({
      outcome: "failed",
      error: {
        code: "TIMED_OUT",
        status: 422,
        message: "the training took longer than the 2.5 s that it may take",
        fix: expect.stringContaining("TRAINYARD_TRAIN_SECONDS"),
      },
    });
    const dataset = { id: "table", params: {}, preview: false, files: [host.addFile("table.csv", readFileSync("data/iris.csv"))] };
    const next = host.add("ingest", { dataset });
    await over(next);
    expect(next.finish!.outcome).toBe("succeeded");
  });

  test.skipIf(!available)("that crashes is told as a failure to be tried again, and the next one ends with the same bits", async () => {
    const job = host.add("train", { settings: settingsOf(longer) });
    work();
    await host.until(() => job.checkpoint);
    const [first] = jobsOf(process.pid);
    process.kill(first!.pid, "SIGSEGV");
    await over(job);
    expect(job.finish).toMatchObject({
      outcome: "failed",
      error: { code: "PROCESS_CRASHED", status: 500, message: "the process of the training ended by itself (SIGSEGV)" },
    });
    host.requeue(job);
    await host.until(() => job.state === "running" && job.progress);
    const second = jobsOf(process.pid);
    expect(second).toHaveLength(1);
    expect(second[0]!.pid).not.toBe(first!.pid);
    await over(job);
    expect(filesOf(job)).toEqual(await undisturbed(longer));
    expectEveryEpoch(job, 1500, 14);
  });

  test.skipIf(!available)("ends with its worker, however that ends, and with its job", async () => {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const job = host.add("train", { settings: settingsOf(long) });
      const { child, ended } = processOf();
      await host.until(() => job.progress);
      const { pid } = jobsOf(child.pid!)[0]!;
      child.kill(signal);
      await ended;
      await gone(pid);
      host.jobs.delete(job.id);
    }
    const job = host.add("train", { settings: settingsOf(iris) });
    work();
    await over(job);
    while (jobsOf(process.pid).length) await new Promise((done) => setTimeout(done, 20));
  });

  test("says all that it says with the key of its claim", async () => {
    host.leaseSeconds = 0.3;
    const file = host.addFile("table.csv", readFileSync("data/iris.csv"));
    const job = host.add("train", {
      settings: settingsOf({ ...long, dataset: { id: "table" } }),
      source: { name: "flowers", version: 1, snapshot: file.sha256, files: [file] },
    });
    work();
    await over(job);
    expect(job.finish!.outcome).toBe("succeeded");
    expect(new Set(host.served)).toEqual(new Set(["claimJob", "getJobBlob", "report", "putJobBlob", "heartbeat", "finishJob"]));
  });

  test("hands on checkpoints that are larger than one message", async () => {
    // 3 · 4 · 784 · 3600 bytes of weights and of what adam remembers: more than a piece of 32 MiB.
    const request: RunRequest = {
      dataset: { id: "mnist" },
      model: { id: "mlp", params: { hidden: [3600] } },
      optimizer: { id: "adam" },
      training: { epochs: 1, batchSize: 100 },
    };
    const files = readdirSync("test/data/mnist").map((name) => host.addFile(name, readFileSync(join("test/data/mnist", name))));
    const job = host.add("train", { settings: settingsOf(request), source: { name: "digits", version: 1, snapshot: files[0]!.sha256, files } });
    work();
    await over(job);
    expect(host.file(job, "last.safetensors").length).toBeGreaterThan(32 * 2 ** 20);
    const whole = filesOf(job);
    job.checkpoint = { update: 0, epoch: 0 }; // wherever it is: it goes on from the file
    host.requeue(job);
    await over(job);
    expect(job.finish!.outcome).toBe("succeeded");
    expect(filesOf(job)).toEqual(whole);
  });
});

describe("a dataset that is registered", () => {
  const csv = (content: string) => ({ id: "table", params: {}, preview: false, files: [host.addFile("table.csv", Buffer.from(content))] });

  test("is read, and what was learnt of it told", async () => {
    const job = host.add("ingest", { dataset: csv(readFileSync("data/iris.csv", "utf8")) });
    work();
    await over(job);
    const { digest, labels, columns } = await loaded("table", { path: "data/iris.csv" });
    expect(job.finish).toMatchObject({
      outcome: "succeeded",
      dataset: { digest, labels, task: "classification", target: "species", sampleShape: [4], records: { train: 105, validation: 15, test: 30 } },
    });
    expect(job.finish!.dataset!.columns.map(({ name }) => name)).toEqual(columns);
    // What was made of it is there, too, under the digests that it was told by.
    const names = ["snapshot.json", "profile.json", ...["train", "validation", "test"].flatMap((name) => [`${name}.safetensors`, `${name}.parquet`])];
    expect(job.finish!.artifacts!.map(({ name }) => name)).toEqual(names);
    for (const { sha256, size } of job.finish!.artifacts!) expect(host.blobs.get(sha256)?.length).toBe(size);
    expect(readdirSync(join(cacheDirectory, "work"))).toEqual([]);
  });

  test("may be made of several files", async () => {
    const names = readdirSync("test/data/mnist");
    const files = names.map((name) => host.addFile(name, readFileSync(join("test/data/mnist", name))));
    const job = host.add("ingest", { dataset: { id: "mnist", params: {}, preview: false, files } });
    work();
    await over(job);
    const { digest } = await mnistExcerpt();
    expect(job.finish!.dataset).toMatchObject({ digest, sampleShape: [1, 28, 28], labels: { length: 10 }, records: { train: 200, test: 200 } });
  });

  test("but cannot be read is refused in the loader's words, by the name of its file alone", async () => {
    const job = host.add("ingest", { dataset: { ...csv("a,b,c\n1,2,x\n1,two,y\n"), params: { types: { b: "number" } } } });
    work();
    await over(job);
    expect(job.finish).toMatchObject({
      outcome: "failed",
      error: { code: "BAD_FILE", status: 422, message: 'table.csv, row 3, column "b" must be a number, as its column is said to be, but is "two"' },
    });
  });

  test.each([
    { name: "../table.csv" },
    { name: "/etc/passwd" },
    { name: ".bashrc" },
    { name: "a/b.csv" },
    { name: "a\0b" },
    { sha256: "../../passwd" },
  ])("as %j is refused, and nothing of it fetched", async (wrong) => {
    host.honest = false;
    const dataset = csv("a,b\n1,2\n");
    const job = host.add("ingest", { dataset: { ...dataset, files: [{ ...dataset.files[0]!, ...wrong }] } });
    work();
    await over(job);
    expect(job.finish!.error).toMatchObject({
      code: "BAD_FILE",
      status: 422,
      message: expect.stringContaining("must be made of files with plain names"),
    });
    expect(host.served).not.toContain("getJobBlob");
  });

  describe("lies in the cache", () => {
    const fetched = () => host.served.filter((operation) => operation === "getJobBlob").length;
    const blobs = () => readdirSync(join(cacheDirectory, "blobs"));
    async function ingest(content: string): Promise<HostedJob> {
      const job = host.add("ingest", { dataset: csv(content) });
      await over(job);
      return job;
    }
    const table = (rows: number) => ["a,b", ...Array.from({ length: rows }, (_, i) => `${i},${i % 2}`)].join("\n");

    test("and is fetched once", async () => {
      work();
      for (const _ of [1, 2, 3]) expect((await ingest(table(20))).finish!.outcome).toBe("succeeded");
      expect(fetched()).toBe(1);
    });

    test("and is fetched anew when it was damaged there", async () => {
      work();
      const { finish } = await ingest(table(20));
      const path = join(cacheDirectory, "blobs", blobs()[0]!);
      chmodSync(path, 0o644);
      writeFileSync(path, readFileSync(path, "utf8").replace("1,1", "9,1"));
      expect((await ingest(table(20))).finish!.dataset).toEqual(finish!.dataset);
      expect(fetched()).toBe(2);
      expect(readFileSync(path, "utf8")).toBe(table(20));
    });

    test("until others need the space: what was not used for longest makes way", async () => {
      work({ cacheBytes: 3 * table(20).length });
      for (const [i, rows] of [20, 21, 22].entries()) {
        await ingest(table(rows));
        const newest = blobs()
          .map((name) => join(cacheDirectory, "blobs", name))
          .find((path) => statSync(path).size === table(rows).length)!;
        utimesSync(newest, 1000 + i, 1000 + i); // else they are all of the same millisecond
      }
      const sizes = () =>
        blobs()
          .map((name) => statSync(join(cacheDirectory, "blobs", name)).size)
          .sort((a, b) => a - b);
      expect(sizes()).toEqual([21, 22].map((rows) => table(rows).length));
    });

    test("whole: what breaks off on the way is fetched again", async () => {
      let broken = 0;
      host.after = (operation, _, response) => {
        if (operation !== "getJobBlob" || broken++) return false;
        response.writeHead(200, { "content-length": 1000 }).write("a,b");
        setTimeout(() => response.destroy(), 10);
        return true;
      };
      work();
      expect((await ingest(table(20))).finish!.outcome).toBe("succeeded");
      expect(blobs()).toHaveLength(1);
    });

    test("never with other content than its name says", async () => {
      const dataset = csv(table(20));
      host.blobs.set(dataset.files[0]!.sha256, Buffer.from(table(21)));
      const job = host.add("ingest", { dataset });
      work();
      await over(job);
      expect(job.finish!.error).toMatchObject({ code: "BLOB_MISMATCH" });
      expect(blobs()).toEqual([]);
    });
  });
});

describe("an evaluation", () => {
  test("of a finished run tells what its training told, or the metrics that were asked for", async () => {
    const run = host.add("train", { settings: settingsOf(iris) });
    work();
    await over(run);
    const resume = { last: run.artifacts.get("last.safetensors")!, best: run.artifacts.get("best.safetensors")! };
    const payload: Payload = { settings: run.payload.settings, facts: run.facts, resume, bestEpoch: run.finish!.result!.bestEpoch };
    const again = host.add("evaluate", payload);
    await over(again);
    expect(again.finish).toMatchObject({ outcome: "succeeded", evaluation: run.finish!.evaluation });
    expect([...again.artifacts.keys()]).toEqual(["evaluation.json", "predictions.safetensors", "test-records.safetensors"]);
    const chosen = host.add("evaluate", { ...payload, metrics: ["f1"] });
    await over(chosen);
    const { loss, f1 } = run.finish!.evaluation!.metrics;
    expect(chosen.finish!.evaluation!.metrics).toEqual({ loss, f1 });
  });

  test("of data that has changed since is refused", async () => {
    const run = host.add("train", { settings: settingsOf(iris) });
    work();
    await over(run);
    const best = run.artifacts.get("best.safetensors")!;
    const facts = { ...run.facts!, dataset: { ...run.facts!.dataset, digest: "0".repeat(64) } };
    const job = host.add("evaluate", { settings: run.payload.settings, facts, resume: { last: best, best } });
    await over(job);
    expect(job.finish!.error).toMatchObject({ code: "BAD_FILE", status: 422, message: expect.stringContaining("digest 000000000000") });
  });
});
