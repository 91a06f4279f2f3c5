/** `trainyard export`: a run's model as one ONNX file, or the whole run as a folder that a person can open. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import type { Run } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { writeRunFolder } from "../storage/run-folder.ts";
import { add, answer, handOver, type Options, verb } from "./command.ts";
import { findRun, runArgument } from "./find.ts";
import { interrupted } from "./interrupt.ts";
import { bytes, when } from "./output.ts";

interface ExportOptions extends Options {
  readonly output?: string;
  readonly link?: string;
}

export function registerExport(program: Command): void {
  add(
    program,
    "export",
    "write a run's model as one ONNX file, or all of the run as a folder",
    "Write a run's model as one ONNX file: raw values in, predictions out, labels in its metadata; any ONNX Runtime from 1.17 runs it. Or write all of the run as a folder.",
  )
    .argument("<run>", runArgument)
    .option("-o, --output <path>", "where to write it: a name that ends in .onnx is the model, any other a folder for the whole run")
    .option("--link <file>", "write nothing: print a link that downloads this file of the run, for some minutes, without signing in")
    .hook("preAction", (command) => oneOf(command.opts<ExportOptions>()))
    .action(
      verb(async ({ client }, { output, link }: ExportOptions, name: string) => {
        const { id } = await findRun(client, name);
        if (link !== undefined) {
          const made = await client.call("linkToArtifact", { params: { id, name: link } });
          return handOver(made, made.url, `Whoever has the link downloads ${link}, until ${when(made.expiresAt)}.`);
        }
        const run = await client.call("getRun", { params: { id } });
        const path = resolve(output!);
        const size = path.endsWith(".onnx") ? await exportModel(client, run, path) : await exportFolder(client, run, path);
        return answer({ run: run.id, path, size }, () => `${path}  ${bytes(size)}`);
      }),
    );
}

/** @throws BAD_USAGE */
function oneOf({ output, link }: ExportOptions): void {
  if ((output === undefined) === (link === undefined))
    throw fail("BAD_USAGE", {
      problem: "export needs a place to write to, or the file to link to",
      fix: "Give one of the two: -o model.onnx, or --link model.onnx.",
    });
}

/** @returns its size */
async function exportModel(client: Client, { id }: Run, path: string): Promise<number> {
  const partial = `${path}.partial`;
  const response = await client.download("getArtifact", { params: { id, name: "model.onnx" } });
  try {
    const file = createWriteStream(partial, { flush: true });
    await pipeline(response.body as AsyncIterable<Uint8Array>, file, { signal: interrupted });
    await rename(partial, path);
    return file.bytesWritten;
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => {});
    if (interrupted.aborted) throw interrupted.reason;
    throw fail("WRITE_FAILED", { path, detail: (cause as Error).message, kept: "What was in its place before is unharmed." }, cause);
  }
}

/** @returns the size of its files */
async function exportFolder(client: Client, run: Run, path: string): Promise<number> {
  const { id, artifacts } = run;
  async function* files() {
    for (const { name } of artifacts) {
      const { body } = await client.download("getArtifact", { params: { id, name } });
      yield { name, content: body as AsyncIterable<Uint8Array> };
    }
  }
  await writeRunFolder(path, { record: run, metrics: await metricLines(client, run), files: files() });
  return artifacts.reduce((sum, { size }) => sum + size, 0);
}

/** One line for each step that something was measured at, with all that was. */
async function metricLines(client: Client, { id, metrics }: Run): Promise<object[]> {
  const steps = new Map<number, Record<string, number | null>>();
  for (const series of Object.keys(metrics)) {
    for await (const [step, value] of pointsOf(client, id, series, 0, undefined)) {
      const line = steps.get(step) ?? { step };
      steps.set(step, Object.assign(line, { [series]: value }));
    }
  }
  return [...steps].sort(([a], [b]) => a - b).map(([, line]) => line);
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
