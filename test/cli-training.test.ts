/** Training from the command line: without a server and with one, Ctrl-C, kill -9, closed pipes, and the same bits after all of them. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../src/shared/api/schemas.ts";
import { type Ended, environment, jsonLines, program, serve, temporaryFolder, trainyard } from "./process.ts";

const root = temporaryFolder();
const home = join(root, "home");
/** A small network with dropout, long enough to be interrupted: 18 steps an epoch. */
const small = ["train", "mnist", "--path", "test/data/mnist", "--filters", "4,8", "--units", "16", "--batch-size", "10", "--epochs", "50", "--json"];

const show = async (folder: string, name: string): Promise<Run> => JSON.parse((await trainyard(folder, ["runs", "show", name, "--json"])).stdout);
/** All that a run leaves behind, but for times and speeds. */
const left = ({ state, artifacts, metrics }: Run) => ({
  state,
  files: Object.fromEntries(artifacts.map(({ name, sha256 }) => [name, sha256])),
  epochs: Object.entries(metrics).filter(([name]) => /^(train|validation|test)_/.test(name)),
});
const last = ({ stdout }: Ended) => jsonLines(stdout).at(-1);
const count = (text: string, part: string) => text.split(part).length - 1;

describe("without a server", () => {
  let whole: Run;
  let first: Ended;
  beforeAll(async () => {
    first = await trainyard(home, [...small, "--name", "whole"]);
    whole = await show(home, "whole");
  });

  test("a command trains by itself; --json prints what the server says, one event a line", () => {
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const lines = jsonLines(first.stdout);
    expect([...new Set(lines.map(({ type }) => type))].sort()).toEqual(["metrics", "progress", "run"]);
    expect(lines[0]).toMatchObject({ type: "run", name: "whole", state: expect.stringMatching(/queued|running/) });
    expect(lines.findLast(({ type }) => type === "progress")).toMatchObject({ epochs: 50, stepsPerEpoch: 18, loss: expect.any(Number) });
    const points = lines.filter(({ type }) => type === "metrics").flatMap((line) => line.points as { series: string; steps: number[] }[]);
    const epochs = points.filter(({ series }) => series === "validation_loss").flatMap(({ steps }) => steps);
    expect(epochs).toEqual(Array.from({ length: 50 }, (_, i) => 18 * (i + 1)));
    expect(last(first)).toMatchObject({ type: "run", state: "succeeded", evaluation: { samples: 200 } });
  });

  test("the same seed gives the same bits, whether left alone or stopped by Ctrl-C twice in quick succession and resumed", async () => {
    let sent = false;
    const stopped = await trainyard(home, [...small, "--name", "stopped"], (child, text) => {
      if (sent || !text.includes('"progress"')) return;
      sent = true;
      child.kill("SIGINT"); // npm passes on what the terminal has sent already
      child.kill("SIGINT");
    });
    expect([stopped.code, stopped.stderr, last(stopped)]).toEqual([130, "", expect.objectContaining({ type: "run", state: "stopped" })]);
    const { update } = last(stopped).checkpoint;
    expect(update).toBeGreaterThan(0);
    expect(update).toBeLessThan(900);
    const resumed = await trainyard(home, ["runs", "resume", "stopped", "--json"]);
    expect(resumed.code).toBe(0);
    expect(left(await show(home, "stopped"))).toEqual(left(whole));
  });

  test("and so does a run whose command was killed by force, platform and all: the next command goes on with it", async () => {
    const killed = await trainyard(home, [...small, "--name", "killed"], (child, text) => text.includes('"checkpoint"') && child.kill("SIGKILL"));
    expect(killed.signal).toBe("SIGKILL");
    expect(["running", "queued"]).toContain((await show(home, "killed")).state);
    const resumed = await trainyard(home, ["runs", "resume", "killed"]);
    expect([resumed.code, resumed.stderr]).toEqual([
      0,
      expect.stringMatching(/^180 samples, 18 steps an epoch, going on after step \d+\nepoch \d+: /),
    ]);
    expect(left(await show(home, "killed"))).toEqual(left(whole));
  });

  test("a reader that has seen enough stops the training with a checkpoint", async () => {
    const args = [...small, "--name", "unread"];
    const ended = await trainyard(home, args, (child, text) => text.includes('"progress"') && child.stdout!.destroy());
    expect([ended.code, ended.stderr]).toEqual([130, ""]);
    expect(await show(home, "unread")).toMatchObject({ state: "stopped", checkpoint: { update: expect.any(Number) } });
  });

  test("a finished run goes on when it is given more epochs", async () => {
    const iris = await trainyard(home, ["train", "iris", "--epochs", "2", "--name", "longer"]);
    const more = await trainyard(home, ["runs", "resume", "longer", "--epochs", "4"]);
    expect([iris.code, more.code]).toEqual([0, 0]);
    expect(more.stderr).toMatch(/^108 samples, 2 steps an epoch, going on after step 4\nepoch 3: .+\nepoch 4: .+\n$/);
    const again = await trainyard(home, ["runs", "resume", "longer"]);
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: run "longer" is succeeded, so it cannot be resumed\n {2}Only what is .*more than 4 epochs/),
    ]);
  });

  test("a loss that is no number fails the run, with a sentence and in JSON", async () => {
    const args = ["train", "iris", "--optimizer", "sgd", "--lr", "1e30", "--batch-size", "20", "--schedule", "constant"];
    const [text, lines] = [await trainyard(home, args), await trainyard(home, [...args, "--json", "--name", "nan"])];
    const message = "the loss became NaN at step 2 (epoch 1) with learning rate 1e+30";
    const fix = "Train again with a smaller learning rate, for example 1e+29, or clip the gradient. No checkpoint had been written yet.";
    expect([text.code, text.stderr]).toEqual([1, `108 samples, 6 steps an epoch\nerror: ${message}\n  ${fix}\n`]);
    expect([lines.code, jsonLines(lines.stderr)]).toMatchObject([1, [{ type: "error", code: "LOSS_NOT_FINITE", message, fix }]]);
    expect(await show(home, "nan")).toMatchObject({ state: "failed", reason: { code: "LOSS_NOT_FINITE", message, fix } });
  });

  test("without --json a stop is told in words, with the command to go on", async () => {
    const args = [...small.slice(0, -1), "--name", "in words"];
    const ended = await trainyard(home, args, (child, text) => text.includes("parameters") && child.kill("SIGINT"));
    expect(ended.code).toBe(130);
    expect(ended.stdout).toMatch(
      /^mnist-files: cnn with [\d,]+ parameters, run in words\nstopped after step \d+; go on with:\n {2}npx trainyard runs resume 'in words'\n$/,
    );
  });

  test("a command that finds another one at work takes over when that one ends, and loses nothing", async () => {
    const both = join(root, "both");
    let second: Promise<Ended> | undefined;
    const ended = await trainyard(both, ["train", "iris", "--epochs", "200", "--name", "one", "--json"], (_, text) => {
      if (text.includes('"progress"')) second ??= trainyard(both, [...small, "--name", "two"]);
    });
    expect(last(ended)).toMatchObject({ name: "one", state: "succeeded" });
    expect(last(await second!)).toMatchObject({ name: "two", state: "succeeded" });
    expect(left(await show(both, "two"))).toEqual(left(whole));
  });

  test("the results are there when a server starts, which trains what was left to it", async () => {
    const detached = await trainyard(home, ["train", "iris", "--detach", "--name", "left"]);
    expect([detached.code, detached.stdout]).toEqual([0, "run left is queued; see how it goes: npx trainyard runs follow left\n"]);
    expect(detached.stderr).toBe("No server runs, so it waits until one does: npx trainyard serve.\n");
    const server = await serve(home);
    const followed = await trainyard(home, ["runs", "follow", "left", "--json"]);
    expect([followed.code, last(followed)]).toMatchObject([0, { name: "left", state: "succeeded" }]);
    expect(left(await show(home, "whole"))).toEqual(left(whole));
    expect(await server.stop()).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("with a server", () => {
  const served = join(root, "served");

  test("its first start trains a first run and shows how it goes; the second does not", async () => {
    const first = await trainyard(served, ["serve", "--port", "0"], (child, text) => text.includes("\nmnist: cnn") && child.kill("SIGINT"));
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^Trainyard is open at http:\/\/127\.0\.0\.1:\d+ \(Ctrl-C closes it\)\nmnist: cnn with [\d,]+ parameters, run mnist-cnn-1\n/,
      ),
    ]);
    expect(first.stderr).toMatch(/closing\n$/);
    // Not lost: it goes on when a worker is there again.
    expect(await show(served, "1")).toMatchObject({ name: "mnist-cnn-1", state: "queued" });
    await trainyard(served, ["runs", "stop", "latest"]);
    const second = await trainyard(served, ["serve", "--port", "0"], (child) => setTimeout(() => child.kill("SIGINT"), 500));
    expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/^Trainyard is open at \S+ \(Ctrl-C closes it\)\n$/)]);
    expect(jsonLines((await trainyard(served, ["runs", "--json"])).stdout)).toHaveLength(1);
  });

  test("Ctrl-C stops the run there, --detach leaves it, and another command stops, follows and resumes it", async () => {
    const server = await serve(served);
    const stopped = await trainyard(served, [...small, "--name", "here"], (child, text) => text.includes('"progress"') && child.kill("SIGINT"));
    expect([stopped.code, last(stopped)]).toMatchObject([130, { name: "here", state: "stopped" }]);

    const detached = await trainyard(served, [...small.slice(0, -1), "--detach", "--name", "there"]);
    expect([detached.code, detached.stdout, detached.stderr]).toEqual([0, expect.stringMatching(/^run there is (queued|running); /), ""]);
    const following = trainyard(served, ["runs", "follow", "there", "--json"], (_, text) => {
      if (count(text, '"progress"') === 2) void trainyard(served, ["runs", "stop", "there"]);
    });
    expect([(await following).code, last(await following)]).toMatchObject([130, { name: "there", state: "stopped" }]);
    await trainyard(served, ["runs", "resume", "there", "--detach"]);
    const resumed = await trainyard(served, ["runs", "follow", "there", "--json"]);
    expect([resumed.code, last(resumed)]).toMatchObject([0, { name: "there", state: "succeeded" }]);
    await server.stop();
  });

  test("one that is killed and started again under a command that follows loses nothing", async () => {
    const server = await serve(served);
    let again: ReturnType<typeof serve> | undefined;
    const followed = await trainyard(served, [...small, "--name", "survivor"], (_, text) => {
      if (again || !text.includes('"checkpoint"')) return;
      server.child.kill("SIGKILL");
      again = serve(served);
    });
    expect([followed.code, last(followed)]).toMatchObject([0, { name: "survivor", state: "succeeded" }]);
    const [survivor, there] = [await show(served, "survivor"), await show(served, "there")];
    expect(left(survivor)).toEqual(left(there));
    await (await again!).stop();
  });

  test("a worker of its own does the work, and gives it back when it is told to end", async () => {
    const server = await serve(served, ["--workers", "0"]);
    const token = readFileSync(join(served, "worker-token"), "utf8");
    const work = ["work", "--server", server.url, "--token", token, "--name", "helper", "--cache", join(root, "cache")];
    let worker: Promise<Ended> | undefined;
    const followed = trainyard(served, [...small, "--name", "elsewhere"], (child, text) => {
      if (text.includes('"progress"') && worker) child.emit("going");
    });
    worker = trainyard(served, work);
    const trained = await followed;
    expect(last(trained)).toMatchObject({ state: "succeeded" });
    expect((await trainyard(served, ["admin", "workers"])).stdout).toContain("helper");
    const refused = await trainyard(served, [...work.slice(0, 4), "wrong-token-of-more-than-20-letters"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("the server does not know who asks")]);
    await server.stop();
  });
});

test("Ctrl-C stops a large network on all of MNIST within two seconds, with a checkpoint", async () => {
  let sent = 0;
  const stopped = await trainyard(home, ["train", "mnist", "--epochs", "3", "--name", "large", "--json"], (child, text) => {
    if (sent || count(text, '"progress"') < 3) return;
    sent = performance.now();
    child.kill("SIGINT");
  });
  const seconds = (performance.now() - sent) / 1000;
  expect([stopped.code, last(stopped)]).toMatchObject([130, { state: "stopped", checkpoint: { epoch: 0 } }]);
  expect(seconds).toBeLessThan(3); // less than two when other tests do not run beside this one
});

/** Gives a program a terminal. */
const script = "/usr/bin/script";
describe.skipIf(process.platform !== "linux" || !existsSync(script))(`on a terminal (needs Linux and ${script})`, () => {
  const onTerminal = (args: string[]): Promise<{ code: number | null; screen: string }> =>
    new Promise((done, failed) => {
      const command = [process.execPath, program, ...args].map((arg) => `'${arg}'`).join(" ");
      const child = spawn(script, ["-qec", `stty cols 70; ${command}`, "/dev/null"], {
        env: environment(home),
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
    expect(screen).toMatch(/epoch 5\/5 {2}■+ *2\/2 {2}[\d,]+ samples\/s {2}loss [\d.]+, accuracy [\d.]+ % {2}0:00 left/);
    // The last epoch's line stays, above the evaluation.
    expect(screen.indexOf("epoch 5: loss ")).toBeGreaterThan(0);
    expect(screen.indexOf("epoch 5: loss ")).toBeLessThan(screen.indexOf("test split, 30 samples"));
    expect(screen.lastIndexOf(shown)).toBeGreaterThan(screen.lastIndexOf(hidden));
  });

  test("the cursor comes back and the program ends when a training fails", async () => {
    const { code, screen } = await onTerminal(["train", "iris", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "5"]);
    expect(code).toBe(1);
    expect(screen).toMatch(/error: the (validation )?loss became NaN at step \d/);
    expect(screen.lastIndexOf(shown)).toBeGreaterThanOrEqual(screen.lastIndexOf(hidden));
  });

  test("tables are as wide as it, not wider", async () => {
    const { code, screen } = await onTerminal(["events"]);
    expect(code).toBe(0);
    expect(screen).toContain("…");
    for (const line of screen.split("\r\n")) expect(line.length).toBeLessThanOrEqual(70);
  });
});
