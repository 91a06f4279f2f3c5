/** Trainyard's side of one case, compiled, in a process of its own: `node ours.js <name of the case> <folder of tables>` prints a line of JSON. */
import { readFileSync, writeFileSync } from "node:fs";
import { Session } from "../../src/engine/session.ts";
import { learners } from "../../src/learners/index.ts";
import { shared } from "../../src/learners/threads.ts";
import { graphOf, learn } from "../../test/learners.ts";
import { cases } from "./cases.ts";
import { load, type Part } from "./data.ts";

const THREADS = 2;
const [name, tables] = process.argv.slice(2) as [string, string];
const { learner, params, data, rows } = cases.find((one) => one.name === name)!;
const kind = learners.find(({ id }) => id === learner)!;
const { train, test, labels, scale } = load(data, tables, rows);
const scaled = (part: Part): Part =>
  scale && kind.reads === "scaled" ? { ...part, inputs: Float32Array.from(part.inputs, (v) => Math.fround(v / scale)) } : part;
const [fitting, held] = [scaled(train), scaled(test)];

/** MB of this process: of now, and at most since `clear_refs` was told to forget. */
const memory = (field: "VmRSS" | "VmHWM") => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;

const names = Array.from({ length: train.features }, (_, i) => `x${i}`);
const given = { ...fitting, inputs: shared(fitting.inputs), labels, names };
writeFileSync("/proc/self/clear_refs", "5");
const before = memory("VmRSS");
const start = performance.now();
const fitted = await learn(kind, given, params, { threads: THREADS });
const fit = (performance.now() - start) / 1000;
const peak = memory("VmHWM") - before;

const bytes = held.inputs instanceof Uint8Array;
const session = await Session.open(graphOf(fitted, bytes), { threads: THREADS });
const feed = { dtype: bytes ? ("uint8" as const) : ("float32" as const), shape: [held.count, held.features], data: held.inputs };
const times: number[] = [];
let right = 0;
for (let round = 0; round < 3; round++) {
  const since = performance.now();
  const { output, label } = await session.run({ input: feed });
  times.push((performance.now() - since) / 1000);
  const scores = output!.data as Float32Array;
  right = 0;
  for (let r = 0; r < held.count; r++) {
    let best = 0;
    for (let c = 1; c < labels.length; c++) if (scores[r * labels.length + c]! > scores[r * labels.length + best]!) best = c;
    right += Number((label ? Number(label.data[r]) : best) === held.targets[r]);
  }
}
await session.close();
console.log(JSON.stringify({ fit, peak, data: given.inputs.byteLength / 2 ** 20, predict: Math.min(...times), accuracy: right / held.count }));
