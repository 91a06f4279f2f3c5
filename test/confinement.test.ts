/** Who opens files and models of other people: without credentials, with a limit to memory and time, and never longer there than the one that started it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { Predictor, type PredictorOptions } from "../src/server/predictor.ts";
import { Confined } from "../src/shared/child.ts";
import { MemoryOutput } from "../src/worker/output.ts";
import { performTraining, prepareTraining } from "../src/worker/training.ts";
import { register, startTestPlatform, tiny } from "./platform.ts";
import { available, descendantsOf, gone, isAlive, memoryOf, processes } from "./processes.ts";

describe("a confined process", () => {
  async function hog(deed: string, memory: number) {
    const confined = new Confined("../test/hog", { env: { PATH: process.env.PATH! }, memory });
    await once(confined.process, "message");
    confined.process.send(deed);
    return confined.ended;
  }

  test("that fills its heap ends, and memory is told as the cause", async () => {
    expect(await hog("heap", 100)).toMatchObject({ used: expect.toSatisfy((used: number) => used >= 100) });
  });

  test("that takes native memory is killed, and how much it took is told", async () => {
    expect(await hog("memory", 400)).toMatchObject({ how: "SIGKILL", used: expect.toSatisfy((used: number) => used > 400) });
  });

  test("that crashes tells the signal, and what it wrote before", async () => {
    expect(await hog("crash", 400)).toEqual({ how: "SIGSEGV", used: undefined, said: "something is very wrong\n" });
  });

  test.skipIf(!available)("that is busy for ever ends all the same when the one that forked it is killed", async () => {
    const script = `
      const { Confined } = await import("./src/shared/child.ts");
      const { process: hog } = new Confined("../test/hog", { env: { PATH: process.env.PATH }, memory: 400 });
      hog.once("message", () => {
        hog.send("spin");
        setTimeout(() => console.log(hog.pid), 200);
      });`;
    const parent = spawn(process.execPath, ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [pid] = (await once(parent.stdout, "data")).map(Number) as [number];
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await gone(pid);
  });
});

describe("a server's workers and their jobs", () => {
  test.skipIf(!available)("have no credentials and no addresses in their environment and arguments", async () => {
    const secrets = {
      TRAINYARD_TOKEN: "secret-of-a-person",
      DATABASE_URL: "postgresql://secret-of-the-database@nowhere/none",
      AWS_SECRET_ACCESS_KEY: "secret-of-the-store",
    };
    const before = { ...process.env };
    Object.assign(process.env, secrets);
    onTestFinished(() => {
      for (const name of Object.keys(secrets)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    });
    const platform = await startTestPlatform({ workers: 1, env: { TRAINYARD_WORKER_TOKEN: "secret-of-all-the-workers" } });
    const { id: dataset } = await register(platform, "flowers");
    await platform.until("dataset", dataset, async () => (await platform.client.call("getDataset", { params: { id: dataset } })).state === "ready");
    const { id } = await platform.client.call("createRun", { body: { ...tiny, training: { epochs: 100_000 } } });
    await platform.waitFor(id, "running");
    const [worker] = platform.workerPids;
    const all = [...processes().filter(({ pid }) => pid === worker), ...descendantsOf(worker!)];
    expect(all.map(({ command }) => /worker\/[\w-]+/.exec(command)?.[0])).toEqual(["worker/main", "worker/job-main"]);
    for (const { command, environment } of all) {
      expect(command).not.toMatch(/secret|http:/);
      expect(environment.join("\n")).not.toMatch(/secret|http:|TRAINYARD_|AWS_|DATABASE_/);
    }
    await platform.client.call("stopRun", { params: { id } });
    await platform.waitFor(id, "stopped");
    await gone(all[1]!.pid);
  });
});

describe.skipIf(!available)("the server's predictor", async () => {
  const prepared = await prepareTraining({ dataset: { id: "iris" }, training: { epochs: 1 } });
  const output = new MemoryOutput();
  for await (const _ of performTraining(prepared, output));
  const setosa = { petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 };
  const never = new AbortController().signal;
  const asked = { facts: prepared.facts.dataset, sample: { rows: [setosa] } };

  function start(options: Partial<PredictorOptions> = {}) {
    const predictor = new Predictor({ memory: 2048, seconds: 60, log: () => {}, ...options });
    onTestFinished(() => predictor.close());
    const predict = (signal = never) => predictor.predict("flowers", async () => output.files.get("model.onnx")!, asked, signal);
    const pid = () => descendantsOf(process.pid).find(({ command }) => command.includes("worker/predictor"))!.pid;
    return { predictor, predict, pid };
  }

  test("ends a prediction that takes too long, and makes those that waited behind it anew", async () => {
    const { predictor, predict, pid } = start({ seconds: 5 });
    const [expected] = await predict();
    const first = pid();
    process.kill(first, "SIGSTOP");
    const went = new AbortController();
    const late = predict(went.signal);
    const behind = predict();
    went.abort(new Error("nobody waits any more"));
    await expect(late).rejects.toThrow("nobody waits any more");
    expect(await behind).toEqual([expected]);
    await gone(first);

    process.kill(pid(), "SIGSTOP");
    await expect(predict()).rejects.toMatchObject({
      code: "TIMED_OUT",
      status: 422,
      message: "the prediction took longer than the 5 s that it may take",
    });
    expect(await predict()).toEqual([expected]);
    predictor.close();
  });

  test("ends one that takes too much memory", async () => {
    const { predict, pid } = start({ memory: 40 });
    const prediction = predict();
    while (!(memoryOf(pid()) > 41)) await sleep(2); // as an empty Node has 45 MiB
    process.kill(pid(), "SIGSTOP"); // before it can answer
    await expect(prediction).rejects.toMatchObject({ code: "OUT_OF_MEMORY", status: 422 });
  });

  test("tells that its process crashed, and goes on with another", async () => {
    const { predictor, predict, pid } = start();
    await predict();
    process.kill(pid(), "SIGSTOP");
    const prediction = predict();
    process.kill(pid(), "SIGKILL");
    await expect(prediction).rejects.toMatchObject({ code: "PROCESS_CRASHED", status: 500, message: expect.stringContaining("(SIGKILL)") });
    expect(await predict()).toHaveLength(1);
    predictor.close();
  });
});
