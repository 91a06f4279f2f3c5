/**
 * `npm run bench [name...]`: Trainyard and PyTorch side by side, in one run, taking turns so that both see the same machine.
 * Names are those of `cases.ts`, `start` and `threads`; without any, all are measured. Python comes from TRAINYARD_PYTHON.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { catalog } from "../src/catalog/index.ts";
import { sizeOf } from "../src/engine/graph.ts";
import { runtimeVersion } from "../src/engine/session.ts";
import { train } from "../src/engine/trainer.ts";
import { type Case, cases, type Prepared, prepare } from "./cases.ts";

const ROUNDS = 5;
const SECONDS = 2;

/** What one round came to. `cpu` are seconds of processor time, over all threads. */
interface Round {
  readonly samples: number;
  readonly seconds: number;
  readonly cpu: number;
}
/** Something that trains when told to, and rests otherwise. */
interface Side {
  round(seconds: number): Promise<Round>;
  close(): Promise<void>;
}

// --- the two sides ---

/** The trainer itself, pulled for as many events as fit in a round. Between rounds it does nothing. */
function trainyard({ plan, dataset, learningRate, hyperparameters, schedule }: Prepared, threads: number): Side {
  const { train: data } = dataset;
  const events = train({
    plan,
    data,
    trainRows: Int32Array.from({ length: data.count }, (_, i) => i),
    validationRows: new Int32Array(),
    epochs: Number.MAX_SAFE_INTEGER,
    seed: 1,
    learningRate,
    schedule,
    hyperparameters,
    initializers: catalog.initializers,
    patience: 0,
    device: "cpu",
    threads,
  });
  let updates = 0;
  return {
    async round(seconds) {
      const [began, before, processor] = [performance.now(), updates, process.cpuUsage()];
      while (performance.now() - began < seconds * 1000) {
        const { value } = await events.next();
        if (value?.type === "progress") updates = value.update;
      }
      const { user, system } = process.cpuUsage(processor);
      return { samples: (updates - before) * plan.spec.batchSize, seconds: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 };
    },
    async close() {
      await events.return(undefined);
    },
  };
}

/** One long-lived Python process that answers one JSON line with another. */
class Peer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string) {
    this.#process = spawn(python, [new URL("peer.py", import.meta.url).pathname], { stdio: ["pipe", "pipe", "inherit"] }) as never;
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async ask<T>(command: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("peer.py ended; what it said is above");
    return JSON.parse(value) as T;
  }

  async pytorch(one: Case, variant: string, weights: number): Promise<Side> {
    const { parameters } = await this.ask<{ parameters: number }>({ do: "prepare", variant, ...one });
    if (parameters !== weights) throw new Error(`${one.name}: ${weights} weights here, ${parameters} in peer.py: not the same network`);
    return { round: (seconds) => this.ask<Round>({ do: "round", seconds }), close: async () => {} };
  }

  close(): void {
    this.#process.stdin.end();
  }
}

// --- measuring ---

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[Math.floor(values.length / 2)]!;
const rateOf = ({ samples, seconds }: Round) => samples / seconds;
const number = (value: number) =>
  value.toLocaleString("en", value < 10 ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumFractionDigits: 0 });

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

interface Rate {
  readonly median: number;
  /** Half the distance between the slowest and the fastest round, as a share of the median. */
  readonly spread: number;
}
function summary(rates: readonly number[]): Rate {
  const all = sorted(rates);
  return { median: median(rates), spread: (all.at(-1)! - all[0]!) / 2 / median(rates) };
}
const showRate = ({ median, spread }: Rate) => `${number(median)} ±${percent(spread)}`;

/** Seconds of processor time the whole machine has spent on anything. */
const busySeconds = () => cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;

interface Measured {
  readonly rates: Rate[];
  /** Whether other processes took so much of the machine that the numbers mean little. */
  readonly noisy: boolean;
}

/**
 * Rounds of each side in turn, after one each to warm up. A turn in which others took more than a twentieth of the machine is
 * taken again, for a while.
 */
async function alternate(sides: readonly Side[], seconds = SECONDS): Promise<Measured> {
  for (const side of sides) await side.round(seconds / 2);
  const turns: { rounds: Round[]; noise: number }[] = [];
  const isQuiet = ({ noise }: { noise: number }) => noise < 0.05;
  while (turns.filter(isQuiet).length < ROUNDS && turns.length < 3 * ROUNDS) {
    const [began, busy] = [performance.now(), busySeconds()];
    const rounds: Round[] = [];
    for (const side of sides) {
      rounds.push(await side.round(seconds));
      await sleep(100); // threads that wait for more work give up
    }
    const others = busySeconds() - busy - rounds.reduce((sum, { cpu }) => sum + cpu, 0);
    turns.push({ rounds, noise: others / (((performance.now() - began) / 1000) * cpus().length) });
  }
  const best = turns.sort((a, b) => a.noise - b.noise).slice(0, ROUNDS);
  return { rates: sides.map((_, i) => summary(best.map(({ rounds }) => rateOf(rounds[i]!)))), noisy: !best.every(isQuiet) };
}

// --- the sections ---

type Row = readonly (string | number)[];
const printRow = (cells: Row) => console.log(`| ${cells.join(" | ")} |`);
function printTable(head: Row, rows: readonly Row[] = []): void {
  console.log();
  for (const cells of [head, head.map(() => "---"), ...rows]) printRow(cells);
}
const NOISY = "machine not quiet";
const verdict = (ok: boolean) => (ok ? "yes" : "**no**");
const progress = (text: string) => process.stderr.write(`${text}\n`);

async function compareAll(chosen: readonly Case[], peer: Peer | undefined): Promise<void> {
  if (!chosen.length) return;
  const compiles: Row[] = [];
  printTable(["case", "Trainyard samples/s", "PyTorch samples/s", "ratio", "wanted", "ok"]);
  for (const one of chosen) {
    progress(`${one.name} ...`);
    const prepared = prepare(one);
    const weights = prepared.plan.spec.state.filter((s) => s.role === "weight").reduce((sum, s) => sum + sizeOf(s.shape), 0);
    compiles.push([one.name, `${number(prepared.compileMilliseconds)} ms`, "< 500 ms", verdict(prepared.compileMilliseconds < 500)]);
    const ours = trainyard(prepared, one.threads);
    const title = `${one.name}, batch ${one.batch}, ${one.threads} thread${one.threads > 1 ? "s" : ""}, ${one.optimizer}`;
    if (!peer) printRow([title, showRate((await alternate([ours])).rates[0]!), "", "", "", ""]);
    for (const [i, variant] of (peer ? await variants(peer, one, weights) : []).entries()) {
      const { rates, noisy } = await alternate([ours, await peer!.pytorch(one, variant, weights)]);
      const [us, them] = rates as [Rate, Rate];
      const ratio = us.median / them.median;
      const wanted = i === 0 ? one.wanted : undefined;
      printRow([
        i === 0 ? title : "",
        showRate(us),
        `${showRate(them)} (${variant})`,
        `${ratio.toFixed(2)} x`,
        wanted ? `>= ${wanted.toFixed(1)} x` : "",
        noisy ? NOISY : wanted ? verdict(ratio >= wanted) : "",
      ]);
    }
    await ours.close();
  }
  printTable(["plan of", "compiled in", "wanted", "ok"], compiles);
}

/** PyTorch's better memory layout, which counts; then what is not its default, or not ours, for information. */
async function variants(peer: Peer, one: Case, weights: number): Promise<string[]> {
  if (one.model === "mlp") return ["eager", "eager, fused optimizer", "eager, denormals kept"];
  const tried: [number, string][] = [];
  for (const layout of ["NCHW", "channels_last"]) {
    const side = await peer.pytorch(one, layout, weights);
    await side.round(SECONDS / 2);
    tried.push([rateOf(await side.round(SECONDS)), layout]);
  }
  const [, layout] = tried.sort(([a], [b]) => b - a)[0]!;
  return [layout, `${layout}, fused optimizer`];
}

/** From the command to the first step, and the memory of the whole training, in processes of their own. */
async function measureStart(): Promise<void> {
  const main = "dist/cli/main.js";
  if (!existsSync(main)) {
    progress(`start: skipped, as there is no ${main}; npm run build makes it`);
    return;
  }
  progress("start ...");
  const begin = async (whole: boolean) => {
    const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-"));
    const began = performance.now();
    const child = spawn(process.execPath, [main, "train", "mnist", "--model", "cnn", "--epochs", "1", "--json", "--out", join(folder, "run")]);
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.stderr.pipe(process.stderr);
    let [firstStep, peak, updates] = [Number.NaN, 0, 0];
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as { type: string; update?: number };
      if (event.type !== "progress") continue;
      if (Number.isNaN(firstStep)) firstStep = (performance.now() - began) / 1000;
      updates = event.update!;
      peak = peakMegabytes(child.pid!) ?? Number.NaN;
      if (!whole || updates >= 100) child.kill();
    }
    await ended;
    rmSync(folder, { recursive: true, force: true });
    return { firstStep, peak, updates };
  };
  const starts: number[] = [];
  for (let n = 0; n < 3; n++) starts.push((await begin(false)).firstStep);
  const { peak, updates } = await begin(true);
  const first = median(starts);
  printTable(
    ["`trainyard train mnist`", "measured", "wanted", "ok"],
    [
      ["to the first step", `${first.toFixed(2)} s`, "< 2 s", verdict(first < 2)],
      [`peak memory, ${updates} steps of cnn`, `${number(peak)} MB`, "< 700 MB", verdict(peak < 700)],
    ],
  );
}

/** The most memory a process ever held; only Linux tells of a process that is still running. */
function peakMegabytes(pid: number): number | undefined {
  try {
    return (Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}

/** Networks of growing work a step. */
const ladder: readonly (readonly [model: string, params: { readonly hidden?: readonly number[] }, sampleShape: readonly number[], batch: number])[] =
  [
    ["mlp", { hidden: [16] }, [4], 32],
    ["mlp", { hidden: [64] }, [64], 32],
    ["mlp", { hidden: [32] }, [784], 32],
    ["lenet-5", {}, [1, 28, 28], 2],
    ["mlp", { hidden: [64] }, [64], 256],
    ["mlp", { hidden: [64] }, [784], 32],
    ["mlp", { hidden: [128] }, [256], 64],
    ["mlp", { hidden: [128] }, [784], 32],
    ["lenet-5", {}, [1, 28, 28], 8],
    ["mlp", { hidden: [256] }, [256], 64],
    ["mlp", { hidden: [128] }, [784], 64],
    ["mlp", { hidden: [128] }, [784], 128],
    ["lenet-5", {}, [1, 28, 28], 32],
    ["mlp", { hidden: [512] }, [784], 64],
    ["mlp", { hidden: [512, 512] }, [784], 128],
  ];

/** One thread against two: from how many operations a step do two pay? What `defaultThreads` decides by. */
async function measureThreads(): Promise<void> {
  const rows: [operations: number, row: Row][] = [];
  for (const [model, params, sampleShape, batch] of ladder) {
    const title = `${params.hidden ? [...sampleShape, ...params.hidden, 10].join("-") : model}, batch ${batch}`;
    progress(`threads: ${title} ...`);
    const prepared = prepare({ model, params, optimizer: "adam", sampleShape, outputs: 10, samples: 256 * 40, batch });
    const operations = operationsOf(prepared.network.layers, batch);
    const sides = [1, 2].map((threads) => trainyard(prepared, threads));
    const { rates, noisy } = await alternate(sides, SECONDS / 3);
    for (const side of sides) await side.close();
    const [one, two] = rates.map((rate) => (1e6 * batch) / rate.median) as [number, number];
    const millions = number(operations / 1e6);
    rows.push([operations, [title, `${millions} M`, number(one), number(two), `${(one / two).toFixed(2)} x${noisy ? `, ${NOISY}` : ""}`]]);
  }
  rows.sort(([a], [b]) => a - b);
  printTable(
    ["network", "operations a step", "1 thread, µs a step", "2 threads, µs a step", "two over one"],
    rows.map(([, row]) => row),
  );
}

/** As `defaultThreads` counts them. */
const operationsOf = (layers: Prepared["network"]["layers"], batch: number) => 3 * batch * layers.reduce((sum, l) => sum + l.flops, 0);

// --- the program ---

const sections = [...cases.map((c) => c.name), "start", "threads"];
const names = process.argv.slice(2);
const unknown = names.find((name) => !sections.includes(name));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}". Choose from: ${sections.join(", ")}.`);
  process.exit(2);
}
const wants = (name: string) => names.length === 0 || names.includes(name);
const chosen = cases.filter((c) => wants(c.name));
const python = process.env.TRAINYARD_PYTHON;
if (chosen.length && !python)
  progress(
    "Without PyTorch to compare with: python3 -m venv .venv && .venv/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu, then TRAINYARD_PYTHON=.venv/bin/python npm run bench",
  );
const peer = chosen.length && python ? new Peer(python) : undefined;
console.log(
  `${cpus()[0]!.model}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${platform()} ${release()}; Node ${process.versions.node}, ONNX Runtime ${runtimeVersion}`,
);
if (peer) console.log(`PyTorch: ${JSON.stringify(await peer.ask({ do: "versions" }))}`);
await compareAll(chosen, peer);
peer?.close();
if (wants("start")) await measureStart();
if (wants("threads")) await measureThreads();
