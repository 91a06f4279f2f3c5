/** A run is a folder that a human can open; this file alone knows what lies where in it. */
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { decodeSafetensors, encodeSafetensors } from "../engine/safetensors.ts";
import { fail } from "../shared/errors.ts";
import type { Checkpoint, Position, Tensors } from "../shared/events.ts";
import { writeAtomically } from "./atomic.ts";

export type RunStatus = "running" | "done" | "stopped" | "failed";

/** What every `run.json` has; the settings and facts of the training are its own matter. */
export interface RunRecord {
  readonly id: string;
  readonly status: RunStatus;
  readonly createdAt: string;
}

/** Shapes of tensors by name, for writing them. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  get id(): string {
    return basename(this.path);
  }
  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Makes a new run. @throws BAD_USAGE when there is one already */
  async create(): Promise<void> {
    if (await this.exists()) {
      throw fail("BAD_USAGE", {
        problem: `${this.path} already holds a run`,
        fix: `Choose another folder with --out, or go on with it: --resume ${this.path}.`,
      });
    }
    try {
      await mkdir(this.file("checkpoints"), { recursive: true });
    } catch (cause) {
      throw fail("WRITE_FAILED", { path: this.path, detail: (cause as Error).message, kept: "Nothing was changed." }, cause);
    }
  }

  /** @throws FILE_NOT_FOUND, BAD_FILE */
  async record<R extends RunRecord>(): Promise<R> {
    const path = this.file("run.json");
    const text = await readFile(path, "utf8").catch(() => {
      throw fail("FILE_NOT_FOUND", { path, what: "run", fix: "Name the folder of a run; `trainyard runs` lists them." });
    });
    try {
      return JSON.parse(text) as R;
    } catch (cause) {
      throw fail(
        "BAD_FILE",
        { path, want: "JSON", got: `it does not parse (${(cause as Error).message})`, fix: "Restore the file, or train again." },
        cause,
      );
    }
  }

  writeJson(name: string, value: unknown): Promise<void> {
    return writeAtomically(this.file(name), [`${JSON.stringify(value, null, 2)}\n`]);
  }
  write(name: string, bytes: Uint8Array): Promise<void> {
    return writeAtomically(this.file(name), [bytes]);
  }
  async read(name: string, fix: string): Promise<Uint8Array> {
    const path = this.file(name);
    return readFile(path).catch(() => {
      throw fail("FILE_NOT_FOUND", { path, what: name, fix });
    });
  }

  /** `plan/`: its description and graphs, for whoever wants to see or execute them. */
  async writePlan(spec: unknown, graphs: readonly (readonly [file: string, bytes: Uint8Array])[]): Promise<void> {
    await mkdir(this.file("plan"), { recursive: true });
    await this.writeJson(join("plan", "plan.json"), spec);
    for (const [file, bytes] of graphs) await this.write(join("plan", file), bytes);
  }

  /** One line of `metrics.jsonl`. */
  appendMetric(line: { readonly update: number }): Promise<void> {
    return appendFile(this.file("metrics.jsonl"), `${JSON.stringify(line)}\n`);
  }

  /** Drops metrics after an update: a resumed run writes them again. */
  async truncateMetrics(update: number): Promise<void> {
    const path = this.file("metrics.jsonl");
    if (!(await exists(path))) return;
    const kept: string[] = [];
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const point = parsed(line);
      if (point && point.update <= update) kept.push(line);
    }
    await writeAtomically(
      path,
      kept.map((line) => `${line}\n`),
    );
  }

  /** Writes `checkpoints/last.safetensors`, after `best` where the best weights changed: together they are where a training goes on. */
  async saveCheckpoint({ position, tensors }: Checkpoint, shapes: Shapes, best?: Tensors): Promise<void> {
    const save = (name: string, values: Tensors, metadata: Record<string, string>) => {
      const entries = [...values].map(([tensor, data]) => [tensor, { shape: shapes.get(tensor)!, data }] as const);
      return writeAtomically(this.file("checkpoints", name), encodeSafetensors({ tensors: new Map(entries), metadata }));
    };
    if (best) await save("best.safetensors", best, { position: JSON.stringify(position) });
    await save("last.safetensors", tensors, { position: JSON.stringify(position) });
  }

  /** @throws FILE_NOT_FOUND, BAD_FILE */
  async loadCheckpoint(name: "last" | "best"): Promise<Checkpoint> {
    const relative = join("checkpoints", `${name}.safetensors`);
    const { tensors, metadata } = decodeSafetensors(
      await this.read(relative, "Train from the start: no checkpoint was written."),
      this.file(relative),
    );
    return {
      position: JSON.parse(metadata.position ?? "null") as Position,
      tensors: new Map([...tensors].map(([tensor, { data }]) => [tensor, data])),
    };
  }

  /** Whether there is a run. */
  exists(): Promise<boolean> {
    return exists(this.file("run.json"));
  }
}

/** The runs in a folder, newest first. Folders that hold none are passed over. */
export async function listRuns<R extends RunRecord>(root: string): Promise<{ folder: RunFolder; record: R }[]> {
  const names = await readdir(root).catch(() => []);
  const runs = await Promise.all(
    names.map(async (name) => {
      const folder = new RunFolder(join(root, name));
      return (await folder.exists()) ? [{ folder, record: await folder.record<R>() }] : [];
    }),
  );
  return runs.flat().sort((a, b) => b.record.createdAt.localeCompare(a.record.createdAt));
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A line cut off by a crash is no JSON and counts for nothing. */
function parsed(line: string): { update: number } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
