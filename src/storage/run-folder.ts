/** A run is a folder that a human can open; this file alone knows what lies where in it. */
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { decodeSafetensors, encodeSafetensors } from "../engine/safetensors.ts";
import { fail, show, showShape, TrainyardError } from "../shared/errors.ts";
import type { Checkpoint, Position, Tensors } from "../shared/events.ts";
import { writeAtomically } from "./atomic.ts";

/** What every `run.json` has; the settings and facts of the training are its own matter. */
export const runSchema = z.looseObject({
  id: z.string(),
  status: z.enum(["running", "done", "stopped", "failed"]),
  createdAt: z.iso.datetime(),
});
export type RunRecord = Readonly<z.infer<typeof runSchema>>;

const count = z.int().min(0);
const positionSchema: z.ZodType<Position> = z.object({
  epoch: count,
  step: count,
  update: count,
  sums: z.object({ loss: z.number(), score: z.number(), samples: count }),
  losses: z.array(z.number()),
});

/** Shapes of tensors by name. */
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
  /** What to type to go on with it. */
  get resumeCommand(): string {
    return `npx trainyard train --resume ${/\s/.test(this.path) ? JSON.stringify(this.path) : this.path}`;
  }

  /** Whether there is a run. */
  exists(): Promise<boolean> {
    return exists(this.file("run.json"));
  }

  /** Makes a new run. @throws BAD_USAGE when there is one already, WRITE_FAILED */
  async create(): Promise<void> {
    if (await this.exists()) {
      throw fail("BAD_USAGE", {
        problem: `${this.path} already holds a run`,
        fix: `Choose another folder with --out, or go on with it: ${this.resumeCommand}`,
      });
    }
    await attempt(this.path, mkdir(this.file("checkpoints"), { recursive: true }));
  }

  /** Makes a new run in a folder of its own: `name`, or `name-2` and so on where that is taken. @throws WRITE_FAILED */
  static async createIn(root: string, name: string): Promise<RunFolder> {
    await attempt(root, mkdir(root, { recursive: true }));
    for (let n = 1; ; n++) {
      const folder = new RunFolder(join(root, n === 1 ? name : `${name}-${n}`));
      const taken = await mkdir(folder.path).then(
        () => false,
        (cause: NodeJS.ErrnoException) => {
          if (cause.code === "EEXIST") return true;
          throw writeError(folder.path, cause);
        },
      );
      if (taken) continue;
      await folder.create();
      return folder;
    }
  }

  /**
   * What `run.json` says.
   * @param schema what the caller relies on
   * @throws FILE_NOT_FOUND, BAD_FILE
   */
  async record<R extends RunRecord>(schema: z.ZodType<unknown> = runSchema): Promise<R> {
    const path = this.file("run.json");
    const bad = (want: string, got: string) => fail("BAD_FILE", { path, want, got, fix: "Restore the file, or train again." });
    const text = await readFile(path, "utf8").catch(() => {
      throw fail("FILE_NOT_FOUND", { path, what: "run", fix: "Name the folder of a run; `trainyard runs` lists them." });
    });
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw bad("JSON", `it does not parse (${(cause as Error).message})`);
    }
    const { error } = schema.safeParse(json);
    if (error) throw bad("the record of a run", `${error.issues[0]!.path.join(".") || "it"} is no such thing (${error.issues[0]!.message})`);
    return json as R;
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
    await attempt(this.file("plan"), mkdir(this.file("plan"), { recursive: true }));
    await this.writeJson(join("plan", "plan.json"), spec);
    for (const [file, bytes] of graphs) await this.write(join("plan", file), bytes);
  }

  /** One line of `metrics.jsonl`. @throws WRITE_FAILED */
  appendMetric(line: Metric): Promise<void> {
    const path = this.file("metrics.jsonl");
    return attempt(path, appendFile(path, `${JSON.stringify(line)}\n`));
  }

  /** Drops the metrics of what comes after a position: a training that goes on from there writes them again. */
  async truncateMetrics({ epoch, update }: Position): Promise<void> {
    const path = this.file("metrics.jsonl");
    if (!(await exists(path))) return;
    const kept: string[] = [];
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const metric = parsed(line) as Metric | undefined;
      if (metric && (metric.type === "epoch" ? metric.epoch <= epoch : metric.update <= update)) kept.push(`${line}\n`);
    }
    await writeAtomically(path, kept);
  }

  /** Writes `checkpoints/last.safetensors`, after `best` where the best weights changed: together they are where a training goes on. */
  async saveCheckpoint({ position, tensors }: Checkpoint, shapes: Shapes, best?: Tensors): Promise<void> {
    const save = (name: string, values: Tensors) => {
      const entries = [...values].map(([tensor, data]) => [tensor, { shape: shapes.get(tensor)!, data }] as const);
      const metadata = { position: JSON.stringify(position) };
      return writeAtomically(this.file("checkpoints", name), encodeSafetensors({ tensors: new Map(entries), metadata }));
    };
    if (best) await save("best.safetensors", best);
    await save("last.safetensors", tensors);
  }

  /**
   * @param shapes what it must hold; anything when left out
   * @throws FILE_NOT_FOUND, BAD_FILE, CHECKPOINT_MISMATCH
   */
  async loadCheckpoint(name: "last" | "best", shapes?: Shapes): Promise<Checkpoint> {
    const relative = join("checkpoints", `${name}.safetensors`);
    const path = this.file(relative);
    const bytes = await this.read(
      relative,
      name === "last"
        ? "Train from the start: no checkpoint was written."
        : "Train at least one epoch first: the best weights are chosen at its end.",
    );
    const { tensors, metadata } = decodeSafetensors(bytes, path);
    const shown = (shape?: readonly number[]) => (shape ? showShape(shape) : "absent");
    for (const tensor of shapes ? new Set([...shapes.keys(), ...tensors.keys()]) : []) {
      const [want, got] = [shown(shapes?.get(tensor)), shown(tensors.get(tensor)?.shape)];
      if (want !== got) throw fail("CHECKPOINT_MISMATCH", { path, tensor, want, got });
    }
    const position = positionSchema.safeParse(parsed(metadata.position ?? ""));
    if (!position.success) {
      const got = `its position is ${show(metadata.position)}`;
      throw fail("BAD_FILE", { path, want: "a checkpoint of a training", got, fix: "Use a checkpoint that Trainyard wrote." });
    }
    return { position: position.data, tensors: new Map([...tensors].map(([tensor, { data }]) => [tensor, data])) };
  }
}

/** What `metrics.jsonl` is made of. */
interface Metric {
  readonly type: "progress" | "epoch";
  readonly epoch: number;
  readonly update: number;
}

/** The runs in a folder, newest first, and why the others cannot be read. Folders without `run.json` are passed over. */
export async function listRuns<R extends RunRecord>(
  root: string,
  schema: z.ZodType<unknown> = runSchema,
): Promise<{ runs: { folder: RunFolder; record: R }[]; unreadable: TrainyardError[] }> {
  const names = await readdir(root).catch(() => []);
  const read = async (name: string) => {
    const folder = new RunFolder(join(root, name));
    if (!(await folder.exists())) return [];
    return folder.record<R>(schema).then(
      (record) => [{ folder, record }],
      (error: TrainyardError) => [error],
    );
  };
  const found = (await Promise.all(names.sort().map(read))).flat();
  const runs = found.flatMap((one) => (one instanceof TrainyardError ? [] : [one]));
  return {
    runs: runs.sort((a, b) => b.record.createdAt.localeCompare(a.record.createdAt)),
    unreadable: found.flatMap((one) => (one instanceof TrainyardError ? [one] : [])),
  };
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const writeError = (path: string, cause: Error) => fail("WRITE_FAILED", { path, detail: cause.message, kept: "Nothing else was changed." }, cause);

/** What the operating system refuses, as an error that names the path. */
async function attempt(path: string, work: Promise<unknown>): Promise<void> {
  await work.catch((cause: Error) => {
    throw writeError(path, cause);
  });
}

/** Undefined for what is no JSON, such as a line cut off by a crash. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
