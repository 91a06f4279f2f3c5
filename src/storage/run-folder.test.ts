/** What lies where in a run, what comes back from it, and how broken ones are refused. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeSafetensors } from "../engine/safetensors.ts";
import type { Checkpoint, Position } from "../shared/events.ts";
import { listRuns, RunFolder, type Shapes } from "./run-folder.ts";

let root: string;
let folder: RunFolder;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "trainyard-"));
  folder = new RunFolder(join(root, "a"));
  await folder.create();
});
afterEach(() => rmSync(root, { recursive: true }));

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
const record = (id: string, day: number) => ({ id, status: "done", createdAt: `2030-01-0${day}T00:00:00.000Z`, extra: { kept: true } });
const position: Position = { epoch: 2, step: 3, update: 23, sums: { loss: 1.1, score: 0.1, samples: 30 }, losses: [0.3, 1 / 3] };
const shapes: Shapes = new Map([
  ["w", [2, 2]],
  ["b", [2]],
]);
const checkpoint: Checkpoint = {
  position,
  tensors: new Map([
    ["w", Float32Array.of(1, 2, 3, 4)],
    ["b", Float32Array.of(0.1, -0)],
  ]),
};

describe("a new run", () => {
  test("is refused where there is one already, with the way to go on", async () => {
    await folder.writeJson("run.json", record("a", 1));
    expect(await refusal(folder.create())).toEqual([
      "BAD_USAGE",
      `${folder.path} already holds a run`,
      `Choose another folder with --out, or go on with it: npx trainyard train --resume ${folder.path}`,
    ]);
  });

  test("quotes a path with spaces in what is to be typed", () => {
    expect(new RunFolder(join(root, "my run")).resumeCommand).toBe(`npx trainyard train --resume ${JSON.stringify(join(root, "my run"))}`);
  });

  test("gets a folder of its own, also when several begin in the same second", async () => {
    const folders = await Promise.all([1, 2, 3].map(() => RunFolder.createIn(join(root, "runs"), "now")));
    expect(folders.map(({ id }) => id).sort()).toEqual(["now", "now-2", "now-3"]);
    expect(readdirSync(folders[0]!.path)).toEqual(["checkpoints"]);
  });

  test("cannot be made inside a file", async () => {
    writeFileSync(join(root, "file"), "");
    const inside = new RunFolder(join(root, "file", "run"));
    expect(await refusal(inside.create())).toEqual([
      "WRITE_FAILED",
      expect.stringMatching(/^could not write .*file.run: E(NOTDIR|EXIST|NOENT)/),
      "Free some space or choose another folder. Nothing else was changed.",
    ]);
  });
});

describe("run.json", () => {
  test("comes back whole", async () => {
    await folder.writeJson("run.json", record("a", 1));
    expect(await folder.record()).toEqual(record("a", 1));
  });

  test("that is missing, no JSON, or no record of a run is refused", async () => {
    const path = folder.file("run.json");
    const fix = "Restore the file, or train again.";
    expect(await refusal(folder.record())).toEqual([
      "FILE_NOT_FOUND",
      `run not found: ${path}`,
      "Name the folder of a run; `trainyard runs` lists them.",
    ]);
    writeFileSync(path, '{ "id": ');
    expect(await refusal(folder.record())).toEqual(["BAD_FILE", expect.stringMatching(/run\.json must be JSON, but it does not parse \(.+\)$/), fix]);
    writeFileSync(path, JSON.stringify({ ...record("a", 1), status: "dancing" }));
    expect(await refusal(folder.record())).toEqual([
      "BAD_FILE",
      `${path} must be the record of a run, but status is no such thing (Invalid option: expected one of "running"|"done"|"stopped"|"failed")`,
      fix,
    ]);
    writeFileSync(path, "null");
    expect(await refusal(folder.record())).toEqual([
      "BAD_FILE",
      expect.stringContaining("must be the record of a run, but it is no such thing"),
      fix,
    ]);
  });
});

describe("the list of runs", () => {
  test("is newest first, and one that cannot be read hides no other", async () => {
    for (const [name, day] of [
      ["a", 2],
      ["b", 3],
      ["c", 1],
    ] as const) {
      mkdirSync(join(root, name), { recursive: true });
      writeFileSync(join(root, name, "run.json"), JSON.stringify(record(name, day)));
    }
    mkdirSync(join(root, "broken"));
    writeFileSync(join(root, "broken", "run.json"), "{");
    mkdirSync(join(root, "no-run"));
    writeFileSync(join(root, "a-file"), "");
    const { runs, unreadable } = await listRuns(root);
    expect(runs.map(({ folder }) => folder.id)).toEqual(["b", "a", "c"]);
    expect(unreadable.map(({ code, message }) => [code, message])).toEqual([["BAD_FILE", expect.stringContaining(join("broken", "run.json"))]]);
  });

  test("of a folder that is not there is empty", async () => {
    expect(await listRuns(join(root, "nowhere"))).toEqual({ runs: [], unreadable: [] });
  });
});

describe("metrics.jsonl", () => {
  const line = (type: "progress" | "epoch", epoch: number, update: number) => ({ type, epoch, update });
  const lines = () =>
    readFileSync(folder.file("metrics.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
  const all = [
    line("progress", 1, 10),
    line("epoch", 1, 10),
    line("progress", 2, 15),
    line("progress", 2, 20),
    line("epoch", 2, 20),
    line("progress", 3, 25),
  ];

  test.each([
    ["within an epoch", { epoch: 1, step: 5, update: 15 }, 3],
    ["between an epoch's last step and its validation", { epoch: 1, step: 10, update: 20 }, 4],
    ["after an epoch", { epoch: 2, step: 0, update: 20 }, 5],
    ["before the first step", { epoch: 0, step: 0, update: 0 }, 0],
  ])("is cut back to a position %s, so that no line comes twice", async (_, at, kept) => {
    for (const metric of all) await folder.appendMetric(metric);
    await folder.truncateMetrics({ ...position, ...at });
    if (kept) expect(lines()).toEqual(all.slice(0, kept));
    else expect(readFileSync(folder.file("metrics.jsonl"), "utf8")).toBe("");
  });

  test("loses the line that a crash cut off", async () => {
    await folder.appendMetric(all[0]!);
    appendFileSync(folder.file("metrics.jsonl"), '{"type":"prog');
    await folder.truncateMetrics({ ...position, epoch: 9, update: 90 });
    await folder.appendMetric(all[1]!);
    expect(lines()).toEqual(all.slice(0, 2));
  });

  test("need not be there", async () => {
    await folder.truncateMetrics(position);
    expect(existsSync(folder.file("metrics.jsonl"))).toBe(false);
  });

  test.skipIf(!existsSync("/dev/full"))("on a full disk is an error that names it (needs /dev/full)", async () => {
    symlinkSync("/dev/full", folder.file("metrics.jsonl"));
    expect(await refusal(folder.appendMetric(all[0]!))).toEqual([
      "WRITE_FAILED",
      `could not write ${folder.file("metrics.jsonl")}: ENOSPC: no space left on device, write`,
      "Free some space or choose another folder. Nothing else was changed.",
    ]);
  });
});

describe("a checkpoint", () => {
  const last = () => folder.file("checkpoints", "last.safetensors");

  test("comes back bit for bit, position included", async () => {
    await folder.saveCheckpoint(checkpoint, shapes);
    expect(await folder.loadCheckpoint("last", shapes)).toEqual(checkpoint);
    expect(readdirSync(folder.file("checkpoints"))).toEqual(["last.safetensors"]);
  });

  test("brings the best weights where they changed", async () => {
    const best = new Map([...checkpoint.tensors].map(([name, data]) => [name, data.map((v) => v + 1)]));
    await folder.saveCheckpoint(checkpoint, shapes, best);
    await folder.saveCheckpoint({ ...checkpoint, position: { ...position, update: 30 } }, shapes);
    expect((await folder.loadCheckpoint("best", shapes)).tensors).toEqual(best);
    expect((await folder.loadCheckpoint("last", shapes)).position.update).toBe(30);
  });

  test("that is missing is an error with a way out", async () => {
    expect(await refusal(folder.loadCheckpoint("last"))).toEqual([
      "FILE_NOT_FOUND",
      `${join("checkpoints", "last.safetensors")} not found: ${last()}`,
      "Train from the start: no checkpoint was written.",
    ]);
    expect(await refusal(folder.loadCheckpoint("best"))).toMatchObject([
      "FILE_NOT_FOUND",
      expect.any(String),
      "Train at least one epoch first: the best weights are chosen at its end.",
    ]);
  });

  test.each<[string, Shapes, string, string, string]>([
    [
      "a tensor of another shape",
      new Map([
        ["w", [4]],
        ["b", [2]],
      ]),
      "w",
      "[4]",
      "[2, 2]",
    ],
    ["a tensor that is missing", new Map([...shapes, ["v", [1]]]), "v", "[1]", "absent"],
    ["a tensor too many", new Map([["w", [2, 2]]]), "b", "absent", "[2]"],
  ])("of another network is refused: %s", async (_, wanted, tensor, want, got) => {
    await folder.saveCheckpoint(checkpoint, shapes);
    expect(await refusal(folder.loadCheckpoint("last", wanted))).toEqual([
      "CHECKPOINT_MISMATCH",
      `checkpoint ${last()} belongs to another network: "${tensor}" should be ${want}, but is ${got}`,
      "Resume with the network, optimizer and settings that wrote the checkpoint.",
    ]);
  });

  test("that is cut off is refused", async () => {
    await folder.saveCheckpoint(checkpoint, shapes);
    const bytes = readFileSync(last());
    writeFileSync(last(), bytes.subarray(0, -5));
    expect(await refusal(folder.loadCheckpoint("last"))).toEqual([
      "BAD_FILE",
      `${last()} must be a safetensors file of float32 tensors, but tensor "b" is cut off: the file has ${bytes.length - 5} of ${bytes.length} bytes`,
      "Use a checkpoint that Trainyard wrote, complete.",
    ]);
  });

  test("without a position, as other programs write it, is refused", async () => {
    const tensors = new Map([...checkpoint.tensors].map(([name, data]) => [name, { shape: shapes.get(name)!, data }]));
    const refused = (got: string) => [
      "BAD_FILE",
      `${last()} must be a checkpoint of a training, but its position is ${got}`,
      "Use a checkpoint that Trainyard wrote.",
    ];
    for (const [metadata, got] of [
      [{}, "missing"],
      [{ position: "none" }, '"none"'],
      [{ position: '{"epoch":-1}' }, '"{\\"epoch\\":-1}"'],
    ] as const) {
      writeFileSync(last(), Buffer.concat(encodeSafetensors({ tensors, metadata })));
      expect(await refusal(folder.loadCheckpoint("last", shapes))).toEqual(refused(got));
    }
  });

  test.skipIf(!existsSync("/dev/full"))("survives a full disk byte for byte (needs /dev/full)", async () => {
    await folder.saveCheckpoint(checkpoint, shapes);
    const before = readFileSync(last());
    symlinkSync("/dev/full", `${last()}.partial`);
    expect(await refusal(folder.saveCheckpoint({ ...checkpoint, position: { ...position, update: 99 } }, shapes))).toEqual([
      "WRITE_FAILED",
      `could not write ${last()}: ENOSPC: no space left on device, write`,
      "Free some space or choose another folder. What was in its place before is unharmed.",
    ]);
    expect(readFileSync(last())).toEqual(before);
    expect(await folder.loadCheckpoint("last", shapes)).toEqual(checkpoint);
  });
});
