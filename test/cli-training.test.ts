/** Training from the command line: the lines it prints, Ctrl-C, kill -9, a closed pipe, and the same bits after all of them. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Ended, jsonLines, program, temporaryFolder, trainyard } from "./process.ts";

const root = temporaryFolder();
const digits = ["train", "mnist", "--path", "test/data/mnist"];
/** A small network with dropout, long enough to be interrupted: 18 steps an epoch. */
const small = [...digits, "--filters", "4,8", "--units", "16", "--batch-size", "10", "--epochs", "50", "--json"];

const json = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
/** All that a run leaves behind, but for times and speeds. */
const left = (folder: string) => ({
  status: json(folder, "run.json").status,
  files: ["checkpoints/last.safetensors", "model.onnx", "evaluation.json"].map((name) => readFileSync(join(folder, name)).toString("base64")),
  epochs: jsonLines(readFileSync(join(folder, "metrics.jsonl"), "utf8")).filter(({ type }) => type === "epoch"),
});

describe("in processes of their own", () => {
  const whole = join(root, "whole");
  let first: Ended;
  beforeAll(async () => {
    first = await trainyard(root, [...small, "--out", whole]);
  });

  test("--json prints one event a line, of the types that are documented", () => {
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const lines = jsonLines(first.stdout);
    const one = (type: string) => lines.findLast((line) => line.type === type);
    expect([...new Set(lines.map(({ type }) => type))].sort()).toEqual(["checkpoint", "done", "epoch", "evaluation", "progress", "started"]);
    expect(lines[0]).toEqual({ type: "started", epochs: 50, stepsPerEpoch: 18, samples: 180, resumedAt: 0, run: whole });
    const measure = { loss: expect.any(Number), score: expect.any(Number) };
    expect(one("progress")).toEqual({
      ...measure,
      ...{ type: "progress", epoch: 50, step: 18, update: 900, stepsPerEpoch: 18, epochs: 50 },
      learningRate: expect.any(Number),
      samplesPerSecond: expect.any(Number),
      secondsLeft: 0,
    });
    expect(one("epoch")).toEqual({
      ...measure,
      ...{ type: "epoch", epoch: 50, update: 900, validation: measure },
      learningRate: expect.any(Number),
      best: expect.any(Boolean),
    });
    expect(one("checkpoint")).toEqual({ type: "checkpoint", path: join(whole, "checkpoints", "last.safetensors"), update: 900 });
    expect(one("done")).toEqual({ type: "done", reason: "completed", bestEpoch: expect.any(Number), model: join(whole, "model.onnx") });
    expect(lines.at(-1)).toMatchObject({ type: "evaluation", path: join(whole, "evaluation.json"), samples: 200, ...json(whole, "evaluation.json") });
  });

  test("the same seed gives the same bits, whether left alone or stopped by Ctrl-C twice in quick succession and resumed", async () => {
    const folder = join(root, "stopped");
    let sent = false;
    const stopped = await trainyard(root, [...small, "--out", folder], (child, text) => {
      if (sent || !text.includes('"progress"')) return;
      sent = true;
      child.kill("SIGINT"); // npm passes on what the terminal has sent already
      child.kill("SIGINT");
    });
    const end = jsonLines(stopped.stdout).at(-1);
    expect([stopped.code, stopped.stderr, end]).toEqual([
      130,
      "",
      { type: "stopped", update: expect.any(Number), resume: `npx trainyard train --resume ${folder}` },
    ]);
    expect(end.update).toBeLessThan(900);
    expect(json(folder, "run.json").status).toBe("stopped");
    const resumed = await trainyard(root, ["train", "--resume", folder, "--json"]);
    expect([resumed.code, jsonLines(resumed.stdout)[0]]).toMatchObject([0, { type: "started", resumedAt: end.update }]);
    expect(left(folder)).toEqual(left(whole));
  });

  test("and so does a run that was killed by force", async () => {
    const folder = join(root, "killed");
    const killed = await trainyard(root, [...small, "--out", folder], (child, text) => text.includes('"checkpoint"') && child.kill("SIGKILL"));
    expect(killed.signal).toBe("SIGKILL");
    expect(json(folder, "run.json").status).toBe("running");
    const resumed = await trainyard(root, ["train", "--resume", folder, "--json"]);
    expect(resumed.code).toBe(0);
    expect(left(folder)).toEqual(left(whole));
  });

  test("a reader that has seen enough stops the training with a checkpoint", async () => {
    const folder = join(root, "unread");
    const ended = await trainyard(root, [...small, "--out", folder], (child, text) => text.includes('"progress"') && child.stdout!.destroy());
    expect([ended.code, ended.stderr]).toEqual([130, ""]);
    expect(json(folder, "run.json").status).toBe("stopped");
    expect(existsSync(join(folder, "checkpoints", "last.safetensors"))).toBe(true);
  });

  test("a finished run goes on when it is given more epochs", async () => {
    const folder = join(root, "longer");
    const iris = await trainyard(root, ["train", "iris", "--epochs", "2", "--out", folder]);
    const more = await trainyard(root, ["train", "--resume", folder, "--epochs", "4"]);
    expect([iris.code, more.code]).toEqual([0, 0]);
    expect(more.stderr).toMatch(/^108 samples, 2 steps an epoch, going on after step 4\nepoch 3: .+\nepoch 4: .+\n$/);
    expect(json(folder, "run.json")).toMatchObject({ status: "done", settings: { training: { epochs: 4 } } });
    const wrong = await trainyard(root, ["train", "--resume", folder, "--epochs", "none"]);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      'error: training: epochs must be an integer of at least 1, but is "none"\n  Give epochs as an integer of at least 1.\n',
    ]);
  });
});

test("Ctrl-C stops a large network on all of MNIST within a second, with a checkpoint and the command to go on", async () => {
  const folder = join(root, "large one");
  let sent = 0;
  const stopped = await trainyard(root, ["train", "mnist", "--epochs", "3", "--out", folder, "--json"], (child, text) => {
    if (sent || text.split('"progress"').length < 4) return;
    sent = performance.now();
    child.kill("SIGINT");
  });
  const seconds = (performance.now() - sent) / 1000;
  expect(stopped.code).toBe(130);
  expect(jsonLines(stopped.stdout).at(-1)).toMatchObject({ type: "stopped", resume: `npx trainyard train --resume ${JSON.stringify(folder)}` });
  expect(existsSync(join(folder, "checkpoints", "last.safetensors"))).toBe(true);
  expect(seconds).toBeLessThan(2); // less than one when other tests do not run beside this one
});

test("without --json a stop is told in words", async () => {
  const folder = join(root, "words");
  const ended = await trainyard(root, [...small.slice(0, -1), "--out", folder], (child, text) => text.includes("parameters") && child.kill("SIGINT"));
  // The signal may come before the first step or a little later.
  expect(ended.code).toBe(130);
  expect(ended.stdout).toMatch(
    /^mnist: cnn with [\d,]+ parameters, run .+words\nstopped after step \d+; go on with:\n {2}npx trainyard train --resume .+words\n$/,
  );
});

test("a loss that is no number fails the run, with a sentence and in JSON", async () => {
  const args = ["train", "iris", "--optimizer", "sgd", "--lr", "1e30", "--batch-size", "20", "--schedule", "constant"];
  const [text, lines] = await Promise.all([
    trainyard(root, [...args, "--out", join(root, "nan-1")]),
    trainyard(root, [...args, "--out", join(root, "nan-2"), "--json"]),
  ]);
  const message = "the loss became NaN at step 2 (epoch 1) with learning rate 1e+30";
  const fix = "Train again with a smaller learning rate, for example 1e+29, or clip the gradient. No checkpoint had been written yet.";
  expect([text.code, text.stderr]).toEqual([1, `108 samples, 6 steps an epoch\nerror: ${message}\n  ${fix}\n`]);
  expect([lines.code, jsonLines(lines.stderr)]).toMatchObject([
    1,
    [{ type: "error", code: "LOSS_NOT_FINITE", message, fix, details: { step: 2, epoch: 1 } }],
  ]);
  expect(json(join(root, "nan-1"), "run.json")).toMatchObject({ status: "failed", error: { code: "LOSS_NOT_FINITE", message, fix } });
});

/** Gives a program a terminal. */
const script = "/usr/bin/script";
describe.skipIf(process.platform !== "linux" || !existsSync(script))(`on a terminal (needs Linux and ${script})`, () => {
  const onTerminal = (args: string[]): Promise<{ code: number | null; screen: string }> =>
    new Promise((done, failed) => {
      const command = [process.execPath, program, ...args].map((arg) => `'${arg}'`).join(" ");
      const child = spawn(script, ["-qec", command, "/dev/null"], {
        env: { ...process.env, TRAINYARD_RUNS: root },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let screen = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        screen += text;
      });
      child.on("error", failed);
      child.on("close", (code) => done({ code, screen }));
    });
  const [hidden, shown] = ["\x1b[?25l", "\x1b[?25h"];

  test("one line is drawn over and over: epoch, steps, speed, loss, accuracy, time left", async () => {
    const { code, screen } = await onTerminal(["train", "iris", "--epochs", "5"]);
    expect(code).toBe(0);
    expect(screen).toMatch(/epoch 2\/5 {2}■+ *\d\/2 {2}[\d,]+ samples\/s {2}loss [\d.]+, accuracy [\d.]+ % {2}0:00 left/);
    // The last epoch's line stays, above the evaluation.
    expect(screen.indexOf("epoch 5: loss ")).toBeGreaterThan(0);
    expect(screen.indexOf("epoch 5: loss ")).toBeLessThan(screen.indexOf("test split, 30 samples"));
    expect(screen.lastIndexOf(shown)).toBeGreaterThan(screen.lastIndexOf(hidden));
  });

  test("the cursor comes back and the program ends when a training fails", async () => {
    const { code, screen } = await onTerminal(["train", "iris", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "5"]);
    expect(code).toBe(1);
    expect(screen).toMatch(/error: the (validation )?loss became NaN at step \d/);
    expect(screen.lastIndexOf(shown)).toBeGreaterThan(screen.lastIndexOf(hidden));
  });
});
