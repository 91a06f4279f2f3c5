/** A run as a folder that a human can open and that lasts without Trainyard: what `trainyard export` writes. */
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fail, TrainyardError } from "../shared/errors.ts";

type Many<T> = Iterable<T> | AsyncIterable<T>;

export interface RunFolderParts {
  /** What `run.json` says. */
  readonly record: object;
  /** Lines of `metrics.jsonl`. */
  readonly metrics: Many<object>;
  /** The run's artifacts. The content of one is read to its end before the next is asked for. */
  readonly files: Many<{ readonly name: string; readonly content: Many<Uint8Array> }>;
}

/** Artifacts that lie in a folder of their own. */
const folders: Readonly<Record<string, readonly string[]>> = {
  checkpoints: ["last.safetensors", "best.safetensors"],
  plan: ["plan.json", "train.onnx", "gradient.onnx", "apply.onnx", "evaluate.onnx", "predict.onnx"],
};

/**
 * Writes `run.json`, `metrics.jsonl`, `checkpoints/`, `plan/`, `model.onnx`, `evaluation.json`: whatever there is of them.
 * The folder appears whole or not at all.
 * @throws BAD_USAGE when there is something at the path, BAD_KEY, WRITE_FAILED, and what the parts throw
 */
export async function writeRunFolder(path: string, { record, metrics, files }: RunFolderParts): Promise<void> {
  const target = resolve(path);
  if (await isTaken(target)) throw fail("BAD_USAGE", { problem: `${target} is there already`, fix: "Choose another folder, or remove it first." });
  let partial = "";
  try {
    await mkdir(dirname(target), { recursive: true });
    partial = await mkdtemp(`${target}.partial-`);
    const write = (name: string, content: Many<Uint8Array | string>) =>
      pipeline(Readable.from(content), createWriteStream(join(partial, name), { flush: true }));
    for (const folder of Object.keys(folders)) await mkdir(join(partial, folder));
    await write("run.json", [`${JSON.stringify(record, null, 2)}\n`]);
    await write("metrics.jsonl", lines(metrics));
    for await (const { name, content } of files) await write(placeOf(name), content);
    for (const folder of Object.keys(folders)) await rmdir(join(partial, folder)).catch(() => {}); // stays unless it is empty
    await rm(target, { recursive: true, force: true }); // at most an empty folder
    await rename(partial, target);
  } catch (cause) {
    if (partial) await rm(partial, { recursive: true, force: true });
    const { code, message } = cause as NodeJS.ErrnoException;
    if (cause instanceof TrainyardError || !code?.startsWith("E")) throw cause;
    throw fail("WRITE_FAILED", { path: target, detail: message, kept: "Nothing was left behind." }, cause);
  }
}

/** Whether there is anything but an empty folder. */
async function isTaken(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !(found.isDirectory() && (await readdir(path)).length === 0);
}

/** @throws BAD_KEY for a name that would lead elsewhere */
function placeOf(name: string): string {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) throw fail("BAD_KEY", { key: name, problem: "it is no plain file name" });
  const [folder = ""] = Object.entries(folders).find(([, names]) => names.includes(name)) ?? [];
  return join(folder, name);
}

async function* lines(values: Many<object>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
