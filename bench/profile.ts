/** `node --conditions=source --import tsx bench/profile.ts [case...]`: where the time of a training step goes, from ONNX Runtime's own trace. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalog } from "../src/catalog/index.ts";
import type { Tensor } from "../src/engine/graph.ts";
import { Session } from "../src/engine/session.ts";
import { initialTensors } from "../src/engine/trainer.ts";
import { random } from "../src/shared/random.ts";
import { type Case, cases, type Prepared, prepare } from "./cases.ts";

interface Line {
  readonly name: string;
  readonly op: string;
  /** Milliseconds and runs per step. */
  milliseconds: number;
  runs: number;
}

const STEPS = 20;

/** Everything the train graph reads, for some steps. */
function feedsOf({ plan: { spec }, dataset, hyperparameters }: Prepared, steps: number): Record<string, Tensor> {
  const r = random(2);
  const float = (shape: readonly number[], data: Float32Array): Tensor => ({ dtype: "float32", shape, data });
  const { length, draws } = spec.tape;
  const { train } = dataset;
  const order = Int32Array.from({ length: steps * spec.batchSize }, () => r.below(train.count));
  const offsets = Int32Array.from({ length: steps * draws.length }, (_, i) => r.below(length - draws[i % draws.length]!));
  return {
    steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
    samples: { dtype: spec.inputDType, shape: [train.count, ...spec.sampleShape], data: train.inputs },
    targets: { dtype: "int32", shape: [train.count], data: train.targets },
    order: { dtype: "int32", shape: [steps, spec.batchSize], data: order },
    sampleWeights: float([steps, spec.batchSize], new Float32Array(steps * spec.batchSize).fill(1)),
    learningRate: float([steps], new Float32Array(steps).fill(1e-3)),
    update: float([], Float32Array.of(1)),
    ...Object.fromEntries(spec.hyperparameters.map((name) => [name, float([], Float32Array.of(hyperparameters[name]!))])),
    tape: float([length], r.fillUniform(new Float32Array(length))),
    offsets: { dtype: "int32", shape: [steps, draws.length], data: offsets },
    ...Object.fromEntries(
      [...initialTensors(spec, catalog.initializers, 1)].map(([name, data]) => [name, float(spec.state.find((s) => s.name === name)!.shape, data)]),
    ),
  };
}

/** Milliseconds per step without the profiler, and every node's share with it. */
async function profile(one: Case): Promise<{ milliseconds: number; lines: Line[] }> {
  const prepared = prepare(one);
  const feeds = feedsOf(prepared, STEPS);
  const timed = await Session.open(prepared.plan.train, { threads: one.threads });
  const times: number[] = [];
  for (let round = 0; round < 6; round++) {
    const began = performance.now();
    await timed.run(feeds);
    times.push((performance.now() - began) / STEPS);
  }
  await timed.close();

  const folder = mkdtempSync(join(tmpdir(), "trainyard-profile-"));
  try {
    const session = await Session.open(prepared.plan.train, { threads: one.threads, profile: join(folder, "trace") });
    await session.run(feeds);
    await session.close();
    const trace = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")) as {
      cat: string;
      name: string;
      dur: number;
      args: { op_name?: string };
    }[];
    const lines = new Map<string, Line>();
    for (const { cat, name, dur, args } of trace) {
      if (cat !== "Node" || !name.endsWith("_kernel_time") || args.op_name === "Loop") continue;
      const node = name.slice(0, -"_kernel_time".length);
      const line = lines.get(node) ?? { name: node, op: args.op_name ?? "", milliseconds: 0, runs: 0 };
      line.milliseconds += dur / 1000 / STEPS;
      line.runs += 1 / STEPS;
      lines.set(node, line);
    }
    return { milliseconds: times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!, lines: [...lines.values()] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function groups(lines: readonly Line[], keyOf: (line: Line) => string): Line[] {
  const sums = new Map<string, Line>();
  for (const line of lines) {
    const key = keyOf(line);
    const sum = sums.get(key) ?? { name: key, op: line.op, milliseconds: 0, runs: 0 };
    sum.milliseconds += line.milliseconds;
    sum.runs += line.runs;
    sums.set(key, sum);
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Node names are `layer/Op_number` or `layer.gradient/Op_number`; those that ONNX Runtime adds to change a layout have none. */
const partOf = ({ name }: Line) =>
  name.startsWith("Reorder")
    ? "layout changes"
    : /^(fused )?optimizer\//.test(name)
      ? "optimizer"
      : name.includes(".gradient/")
        ? "gradient"
        : "forward";

const chosen = process.argv.slice(2);
for (const one of cases.filter(({ name }) => (chosen.length ? chosen.includes(name) : ["cnn", "resnet-8"].includes(name)))) {
  const { milliseconds, lines } = await profile(one);
  const total = lines.reduce((sum, line) => sum + line.milliseconds, 0);
  console.log(
    `\n${one.name}, batch ${one.batch}, ${one.threads} threads: ${milliseconds.toFixed(2)} ms a step; with the profiler ${total.toFixed(2)} ms in nodes`,
  );
  const show = (line: Line, label: string) =>
    console.log(
      `${line.milliseconds.toFixed(3).padStart(9)} ms ${((100 * line.milliseconds) / total).toFixed(1).padStart(5)} %  ${line.runs.toFixed(0).padStart(4)} x  ${label}`,
    );
  console.log("by kind of op");
  for (const line of groups(lines, (l) => l.op)) if (line.milliseconds > total / 500) show(line, line.name);
  console.log("by part");
  for (const line of groups(lines, partOf)) show(line, line.name);
  console.log("heaviest nodes");
  for (const line of [...lines].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, Number(process.env.TOP ?? 30)))
    show(line, `${line.op}  ${line.name}`);
}
