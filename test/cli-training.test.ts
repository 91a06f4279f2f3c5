/** Training from the command line: without a server and with one, Ctrl-C, kill -9, closed pipes, and the same bits after all of them. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../src/shared/api/schemas.ts";
import { type Ended, environment, jsonLines, program, type Server, serve, temporaryFolder, trainyard } from "./process.ts";
import { available, processes } from "./processes.ts";

const root = temporaryFolder();
/** A small network with dropout, long enough to be interrupted: 18 steps an epoch. */
const EPOCHS = 150;
const small = ["train", "mnist", "--path", "test/data/mnist", "--filters", "4,8", "--units", "16", "--batch-size", "10", "--epochs", `${EPOCHS}`];

/** With --json the last line is the run as it ended. */
const last = ({ stdout }: Ended): Run => jsonLines(stdout).at(-1);
/** All that a run leaves behind, but for times and speeds. */
const left = ({ state, artifacts, metrics }: Run) => ({
  state,
  files: Object.fromEntries(artifacts.map(({ name, sha256 }) => [name, sha256])),
  epochs: Object.entries(metrics).filter(([name]) => /^(train|validation|test)_/.test(name)),
});
/** The run of `small` as it ends when nothing happens to it. */
let whole: Run;
/** Sends a signal when the output first has a word. */
const when = (word: string, signal: NodeJS.Signals, times = 1) => {
  let sent = false;
  return (child: ChildProcess, text: string) => {
    if (sent || !text.includes(word)) return;
    sent = true;
    for (let i = 0; i < times; i++) child.kill(signal);
  };
};

describe("without a server", () => {
  const home = join(root, "home");
  const cli = (args: readonly string[], watch?: Parameters<typeof trainyard>[2]) => trainyard(home, args, watch);
  let first: Ended;
  beforeAll(async () => {
    first = await cli([...small, "--name", "whole", "--json"]);
    whole = last(first);
  });

  test("a command trains by itself; --json prints what the server says, one event a line", () => {
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const lines = jsonLines(first.stdout);
    expect([...new Set(lines.map(({ type }) => type))].sort()).toEqual(["metrics", "progress", "run"]);
    expect(lines[0]).toMatchObject({ type: "run", name: "whole", state: expect.stringMatching(/queued|running/) });
    expect(lines.findLast(({ type }) => type === "progress")).toMatchObject({ epochs: EPOCHS, stepsPerEpoch: 18, loss: expect.any(Number) });
    const points = lines.filter(({ type }) => type === "metrics").flatMap((line) => line.points as { series: string; steps: number[] }[]);
    const epochs = points.filter(({ series }) => series === "validation_loss").flatMap(({ steps }) => steps);
    expect(epochs).toEqual(Array.from({ length: EPOCHS }, (_, i) => 18 * (i + 1)));
    expect(whole).toMatchObject({ type: "run", state: "succeeded", evaluation: { samples: 200 } });
  });

  test("the same seed gives the same bits, whether left alone or stopped by Ctrl-C twice in quick succession and resumed", async () => {
    // Twice: npm passes on what the terminal has sent already.
    const stopped = await cli([...small, "--name", "stopped", "--json"], when('"progress"', "SIGINT", 2));
    expect([stopped.code, stopped.stderr]).toEqual([130, ""]);
    expect(last(stopped)).toMatchObject({ type: "run", state: "stopped", checkpoint: { update: expect.any(Number) } });
    expect(last(stopped).checkpoint!.update).toBeLessThan(18 * EPOCHS);
    const resumed = await cli(["runs", "resume", "stopped", "--json"]);
    expect([resumed.code, left(last(resumed))]).toEqual([0, left(whole)]);
  });

  test("and so does a run whose command was killed by force, platform and all: the next command goes on with it", async () => {
    const killed = await cli([...small, "--name", "killed", "--json"], when('"checkpoint"', "SIGKILL"));
    expect(killed.signal).toBe("SIGKILL");
    const resumed = await cli(["runs", "resume", "killed", "--json"]);
    expect(jsonLines(resumed.stdout)[0].checkpoint.update).toBeGreaterThan(0);
    expect([resumed.code, left(last(resumed))]).toEqual([0, left(whole)]);
  });

  test("a command that finds another one at work takes over when that one ends, and loses nothing", async () => {
    let second: Promise<Ended> | undefined;
    const ended = await cli(["train", "iris", "--epochs", "400", "--name", "one", "--json"], (_, text) => {
      if (text.includes('"progress"')) second ??= cli([...small, "--name", "two", "--json"]);
    });
    expect(last(ended)).toMatchObject({ name: "one", state: "succeeded" });
    const { code, signal, stderr } = (await second)!;
    expect([code, signal, stderr]).toEqual([0, null, ""]);
    expect(left(last((await second)!))).toEqual(left(whole));
  });

  test("the results are there when a server starts, which trains what was left to it", async () => {
    const detached = await cli(["train", "iris", "--detach", "--name", "what is left"]);
    expect([detached.code, detached.stdout]).toEqual([0, "run what is left is queued; see how it goes: npx trainyard runs follow 'what is left'\n"]);
    expect(detached.stderr).toBe("No server runs, so it waits until one does: npx trainyard serve.\n");
    const server = await serve(home);
    const followed = await cli(["runs", "follow", "what is left", "--json"]);
    expect([followed.code, last(followed)]).toMatchObject([0, { state: "succeeded" }]);
    const { stdout } = await cli(["runs", "show", "whole", "--json"]);
    expect(left(JSON.parse(stdout))).toEqual(left(whole));
    expect(await server.stop()).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("with a server", () => {
  const home = join(root, "served");
  const cli = (args: readonly string[], watch?: Parameters<typeof trainyard>[2]) => trainyard(home, args, watch);
  let server: Server;
  beforeAll(async () => {
    const first = await cli(["serve", "--port", "0"], when("\nmnist: cnn", "SIGINT"));
    expect([first.code, first.stdout, first.stderr]).toEqual([
      0,
      expect.stringMatching(
        /^Trainyard is open at http:\/\/127\.0\.0\.1:\d+ \(Ctrl-C closes it\)\nThere is no administrator yet\. .*\n {2}http:\/\/\S+\/join#tyl_\S+\nmnist: cnn with [\d,]+ parameters, run mnist-cnn-1\n/,
      ),
      expect.stringMatching(/^(?:run mnist-cnn-1 waits for a worker\n)?54,000 samples, 844 steps an epoch\n(?:.*\n)*closing\n$/),
    ]);
    server = await serve(home, []);
    await cli(["runs", "stop", "latest"]);
  });
  afterAll(() => server?.stop());

  test("its first start has trained a first run, which was not lost when it closed; the second start made no other", async () => {
    const runs = jsonLines((await cli(["runs", "--json"])).stdout);
    expect(runs).toMatchObject([{ name: "mnist-cnn-1", number: 1, state: expect.stringMatching(/stopp/) }]);
  });

  test("Ctrl-C stops a run there; in words it says how to go on", async () => {
    const ended = await cli([...small, "--name", "here"], when("parameters", "SIGINT"));
    expect(ended.code).toBe(130);
    expect(ended.stdout).toMatch(
      /^mnist-files: cnn with [\d,]+ parameters, run here\nstopped after step \d+; go on with:\n {2}npx trainyard runs resume here\n$/,
    );
  });

  test("--detach leaves it; other commands follow, stop and resume it", async () => {
    const detached = await cli([...small, "--epochs", "5000", "--detach", "--name", "there"]);
    expect([detached.code, detached.stdout, detached.stderr]).toEqual([0, expect.stringMatching(/^run there is (queued|running); /), ""]);
    let stopping: Promise<Ended> | undefined;
    const followed = await cli(["runs", "follow", "there", "--json"], (_, text) => {
      if (text.includes('"progress"')) stopping ??= cli(["runs", "stop", "there"]);
    });
    expect([followed.code, last(followed)]).toMatchObject([130, { name: "there", state: "stopped" }]);
    expect((await stopping)!.stdout).toMatch(/^there is stopp(ing|ed)\n$/);
    const { update } = last(followed).checkpoint!;
    const resumed = await cli(["runs", "resume", "there"], when("parameters", "SIGINT"));
    expect([resumed.code, resumed.stderr]).toEqual([130, expect.stringContaining(`going on after step ${update.toLocaleString("en-US")}\n`)]);
  });

  test("a reader that has seen enough stops the training with a checkpoint", async () => {
    const ended = await cli([...small, "--json"], (child, text) => void (text.includes('"progress"') && child.stdout!.destroy()));
    expect([ended.code, ended.stderr]).toEqual([130, ""]);
    const { stdout } = await cli(["runs", "show", "latest", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ state: "stopped", checkpoint: { update: expect.any(Number) } });
  });

  test("a finished run goes on when it is given more epochs, and only then", async () => {
    await cli(["train", "iris", "--epochs", "2", "--name", "longer", "--json"]);
    const more = await cli(["runs", "resume", "longer", "--epochs", "4"]);
    expect([more.code, more.stderr]).toEqual([
      0,
      expect.stringMatching(/^108 samples, 2 steps an epoch, going on after step 4\nepoch 3: .+\nepoch 4: .+\n$/),
    ]);
    const again = await cli(["runs", "resume", "longer"]);
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: run "longer" is succeeded, so it cannot be resumed\n {2}Only what is .*more than 4 epochs/),
    ]);
  });

  test("a loss that is no number fails the run, with a sentence and in JSON", async () => {
    const args = ["train", "iris", "--optimizer", "sgd", "--lr", "1e30", "--batch-size", "20", "--schedule", "constant"];
    const [text, lines] = [await cli(args), await cli([...args, "--json"])];
    const message = "the loss became NaN at step 2 (epoch 1) with learning rate 1e+30";
    const fix = "Train again with a smaller learning rate, for example 1e+29, or clip the gradient. No checkpoint had been written yet.";
    // Whether it had to wait depends on what else the machine does.
    expect([text.code, text.stderr.replace(/^run .+ waits for a worker\n/, "")]).toEqual([
      1,
      `108 samples, 6 steps an epoch\nerror: ${message}\n  ${fix}\n`,
    ]);
    expect([lines.code, jsonLines(lines.stderr)]).toMatchObject([1, [{ type: "error", code: "LOSS_NOT_FINITE", message, fix }]]);
    expect(last(lines)).toMatchObject({ state: "failed", reason: { code: "LOSS_NOT_FINITE", message, fix } });
  });

  test("Ctrl-C stops a large network on all of MNIST within two seconds, with a checkpoint", async () => {
    let sent = 0;
    const stopped = await cli(["train", "mnist", "--epochs", "3", "--json"], (child, text) => {
      if (sent || text.split('"progress"').length < 4) return;
      sent = performance.now();
      child.kill("SIGINT");
    });
    const seconds = (performance.now() - sent) / 1000;
    expect([stopped.code, last(stopped)]).toMatchObject([130, { state: "stopped", checkpoint: { epoch: 0 } }]);
    expect(seconds).toBeLessThan(8); // less than two when other tests do not run beside this one
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
      expect([code, screen]).toEqual([0, expect.stringContaining("…")]);
      for (const line of screen.split("\r\n")) expect(line.length).toBeLessThanOrEqual(70);
    });
  });

  test("one that is killed and started again under a command that follows loses nothing, whoever then does the work", async () => {
    const { port } = new URL(server.url);
    const token = readFileSync(join(home, "worker-token"), "utf8");
    const machine = readFileSync(join(home, "machine-token"), "utf8");
    let worker: ChildProcess | undefined;
    let working: Promise<Ended> | undefined;
    const restart = async () => {
      server = await serve(home, ["--port", port, "--workers", "0"]);
      working = cli(["work", "--server", server.url, "--token", token, "--name", "helper"], (child) => {
        worker = child;
      });
    };
    let restarted: Promise<void> | undefined;
    const kill = (_: ChildProcess, text: string) => {
      if (restarted || !text.includes('"checkpoint"')) return;
      server.child.kill("SIGKILL");
      restarted = restart();
    };
    const followed = await trainyard(home, [...small, "--name", "survivor", "--json"], kill, { TRAINYARD_URL: server.url, TRAINYARD_TOKEN: machine });
    expect([followed.code, left(last(followed))]).toEqual([0, left(whole)]);
    await restarted;
    expect((await cli(["admin", "workers"])).stdout).toMatch(/\nhelper +alive +0 of 1 /);
    if (available) expect(processes().filter(({ command }) => command.includes(token))).toEqual([]);

    worker!.kill("SIGTERM");
    const { code, stdout } = await working!;
    expect([code, stdout]).toEqual([0, `helper works for ${server.url} (Ctrl-C gives back what is under way)\n`]);
    const refused = await cli(["work", "--server", server.url, "--token", "wrong-token-of-more-than-20-letters"]);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("error: the server does not know who asks: the token is not valid\n"),
    ]);
  });
});
