/** `trainyard export`: a run's model as one ONNX file, or the whole run as a folder that a person can open. */
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import type { Run } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { writeAtomically } from "../storage/atomic.ts";
import { add, answer, type Options, verb } from "./command.ts";
import { findRun, runArgument } from "./find.ts";
import { interrupted } from "./interrupt.ts";
import { bytes } from "./output.ts";

export function registerExport(program: Command): void {
  add(
    program,
    "export",
    "write a run's model as one ONNX file, or all of the run as a folder",
    "Write a run's model as one ONNX file: raw values in, predictions out, labels in its metadata; any ONNX Runtime from 1.17 runs it. Or write all of the run as a folder.",
  )
    .argument("<run>", runArgument)
    .requiredOption("-o, --output <path>", "where to write it: a name that ends in .onnx is the model, any other a folder for the whole run")
    .action(
      verb(async ({ client }, { output }: Options & { output: string }, name: string) => {
        const run = await client.call("getRun", { params: { id: (await findRun(client, name)).id } });
        const path = resolve(output);
        const size = path.endsWith(".onnx") ? await exportFile(client, run, "model.onnx", path) : await exportFolder(client, run, path);
        return answer({ run: run.id, path, size }, () => `${path}  ${bytes(size)}`);
      }),
    );
}

/** Where a file of a run belongs in the folder: checkpoints and the graphs of the plan have folders of their own. */
export const placeOf = (name: string): string =>
  name.endsWith(".safetensors")
    ? join("checkpoints", name)
    : name.startsWith("plan.") && name !== "plan.json"
      ? join("plan", name.slice(5))
      : name === "plan.json"
        ? join("plan", name)
        : name;

/** @returns its size */
async function exportFile(client: Client, run: Run, name: string, path: string): Promise<number> {
  const response = await client.download("getArtifact", { params: { id: run.id, name } });
  const partial = `${path}.partial`;
  try {
    const file = createWriteStream(partial);
    await pipeline(Readable.fromWeb(response.body as never), file, { signal: interrupted });
    await rename(partial, path);
    return file.bytesWritten;
  } catch (cause) {
    await response.body?.cancel().catch(() => {});
    await rm(partial, { force: true }).catch(() => {});
    if (interrupted.aborted) throw interrupted.reason;
    throw fail("WRITE_FAILED", { path, detail: (cause as Error).message, kept: "What was in its place before is unharmed." }, cause);
  }
}

async function exportFolder(client: Client, run: Run, folder: string): Promise<number> {
  const there = await readdir(folder).catch(() => []);
  if (there.length)
    throw fail("BAD_USAGE", { problem: `${folder} is not empty`, fix: "Name a new folder, or a file that ends in .onnx for the model alone." });
  const { id, artifacts } = run;
  let size = 0;
  for (const { name } of artifacts) {
    const path = join(folder, placeOf(name));
    await mkdir(dirname(path), { recursive: true });
    size += await exportFile(client, run, name, path);
  }
  const texts = {
    "run.json": JSON.stringify(run, null, 2),
    "metrics.jsonl": await metricLines(client, run),
    ...(run.evaluation && { "evaluation.json": JSON.stringify(run.evaluation, null, 2) }),
  };
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    await writeAtomically(join(folder, name), [`${text}\n`]);
    size += text.length + 1;
  }
  return size;
}

/** One line for each step that something was measured at, with all that was. */
async function metricLines(client: Client, { id, metrics }: Run): Promise<string> {
  const steps = new Map<number, Record<string, number | null>>();
  for (const [series, { count }] of Object.entries(metrics)) {
    if (!count) continue;
    for await (const [step, value] of pointsOf(client, id, series, 0, undefined)) {
      if (!steps.has(step)) steps.set(step, { step });
      steps.get(step)![series] = value;
    }
  }
  return [...steps.values()]
    .sort((a, b) => a.step! - b.step!)
    .map((line) => JSON.stringify(line))
    .join("\n");
}

/** The most points that the server gives at once. */
const MOST_POINTS = 20_000;

/** All points of a stretch; where the server thins them, those of its halves. */
async function* pointsOf(
  client: Client,
  id: string,
  name: string,
  from: number,
  to: number | undefined,
): AsyncGenerator<readonly [number, number | null]> {
  const { series } = await client.call("getMetrics", { params: { id }, query: { series: [name], points: MOST_POINTS, from, to } });
  const found = series[0];
  if (!found?.steps.length) return;
  const [first, last] = [found.steps[0]!, found.steps.at(-1)!];
  if (found.steps.length >= found.total || first === last) {
    for (const [i, step] of found.steps.entries()) yield [step, found.values[i]!];
    return;
  }
  const middle = Math.floor((first + last) / 2);
  yield* pointsOf(client, id, name, first, middle);
  yield* pointsOf(client, id, name, middle + 1, last);
}
