/** `trainyard train`: trains, shows how it goes, evaluates the result. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import { type Choice, choices, type RunRequest } from "../catalog/run-settings.ts";
import { fail } from "../shared/errors.ts";
import type { TrainEvent } from "../shared/events.ts";
import { RunFolder } from "../storage/run-folder.ts";
import { evaluateRun } from "../worker/evaluation.ts";
import { type PreparedTraining, performTraining, prepareTraining, reassemble, type TrainingRecord } from "../worker/training.ts";
import { config } from "./config.ts";
import { printEvaluation } from "./evaluate.ts";
import { addFlags, flagsFor, requestFrom } from "./flags.ts";
import { print, printJson, progressPrinter } from "./output.ts";

interface TrainFlags extends Record<string, string> {
  readonly path: string;
  readonly network: string;
  readonly out: string;
  readonly resume: string;
}

/** Registers the command with the flags of what `argv` chooses: `--model mlp` brings `--hidden`. */
export function registerTrain(program: Command, argv: readonly string[]): void {
  const chosen = chosenIn(argv);
  const flags = flagsFor(chosen);
  const command = program
    .command("train")
    .summary("train a model on a dataset")
    .description("Train a model on a dataset, evaluate it on the held-out test split, and keep both in a run folder.")
    .argument("[dataset]", `a dataset (${catalog.datasets.map((d) => d.id).join(", ")}) or a .csv file`)
    .option("--model <id>", `what to train: ${catalog.models.map((m) => m.id).join(", ")} (default: what suits the dataset)`)
    .option("--network <file.json>", "train this network description (model custom)")
    .option("--loss <id>", `what to minimise: ${catalog.losses.map((l) => l.id).join(", ")} (default: what suits the task)`)
    .option("--optimizer <id>", `how to step: ${catalog.optimizers.map((o) => o.id).join(", ")} (default: adam)`)
    .option("--schedule <id>", `how the learning rate changes: ${catalog.schedules.map((s) => s.id).join(", ")} (default: constant)`)
    .option("--path <path>", "the file or folder to read the dataset from")
    .option("--out <folder>", `folder of the run (default: a new one in ${config.runs}/)`)
    .option("--resume <folder>", "go on with a stopped run; --epochs may raise its number of epochs")
    .option("--json", "print events as JSON lines");
  addFlags(command, flags);
  command.action(async (dataset: string | undefined, values: TrainFlags) => {
    const { prepared, folder } = values.resume
      ? await resumed(values.resume, values.epochs)
      : await fresh({ ...requestFrom(flags, values, chosen), ...(await filesOf(values, dataset, chosen)) }, values.out);
    await run(prepared, folder, Boolean(values.resume), Boolean(values.json));
  });
}

/** The entries that a command line names, before commander has read it: they decide which flags there are. */
function chosenIn(argv: readonly string[]): Partial<Record<Choice, string>> {
  const value = (flag: string) =>
    argv.map((arg, i) => (arg === flag ? argv[i + 1] : arg.startsWith(`${flag}=`) ? arg.slice(flag.length + 1) : undefined)).find(Boolean);
  const named = argv[argv.indexOf("train") + 1];
  const dataset = named?.toLowerCase().endsWith(".csv") ? "csv" : named?.startsWith("-") ? undefined : named;
  const model = argv.some((arg) => arg.startsWith("--network"))
    ? "custom"
    : (value("--model") ?? catalog.datasets.find((d) => d.id === dataset)?.suggestedModel);
  const loss = value("--loss");
  return {
    ...(dataset && { dataset }),
    ...(model && { model }),
    ...(loss && { loss }),
    optimizer: value("--optimizer") ?? "adam",
    schedule: value("--schedule") ?? "constant",
  };
}

/** What the request reads from files. */
async function filesOf(
  { path, network }: TrainFlags,
  dataset: string | undefined,
  chosen: Partial<Record<Choice, string>>,
): Promise<Pick<RunRequest, "path" | "network">> {
  if (!dataset)
    throw fail("BAD_USAGE", {
      problem: "train needs a dataset",
      fix: `Name one of ${choices.dataset.entries.map((d) => d.id).join(", ")}, or a .csv file.`,
    });
  return {
    path: path ?? (chosen.dataset === "csv" && dataset !== "csv" ? dataset : undefined),
    ...(network && { network: await readJson(network) }),
  };
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => {
    throw fail("FILE_NOT_FOUND", { path, what: "network description", fix: "Name a JSON file: { layers: [{ id, layer, params, inputs }] }." });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail("BAD_FILE", { path, want: "JSON", got: `it does not parse (${(cause as Error).message})`, fix: "Correct the file." }, cause);
  }
}

async function fresh(request: RunRequest, out: string | undefined): Promise<{ prepared: PreparedTraining; folder: RunFolder }> {
  const stamp = new Date()
    .toISOString()
    .replace(/[-:]|\.\d+Z/g, "")
    .replace("T", "-");
  const folder = new RunFolder(out ?? join(config.runs, `${stamp}-${request.dataset?.id}-${request.model?.id ?? "mlp"}`));
  const prepared = await prepareTraining(request, folder.id);
  await folder.create();
  return { prepared, folder };
}

async function resumed(path: string, epochs: string | undefined): Promise<{ prepared: PreparedTraining; folder: RunFolder }> {
  const folder = new RunFolder(path);
  const record = await folder.record<TrainingRecord>();
  if (epochs !== undefined && !(Number.isInteger(Number(epochs)) && Number(epochs) > 0)) {
    throw fail("BAD_PARAMETER", { where: "training", name: "epochs", want: "an integer of at least 1", got: epochs });
  }
  const training = { ...record.settings.training, ...(epochs !== undefined && { epochs: Number(epochs) }) };
  return { prepared: await reassemble({ ...record, status: "running", settings: { ...record.settings, training } }), folder };
}

async function run(prepared: PreparedTraining, folder: RunFolder, resume: boolean, json: boolean): Promise<void> {
  const { record } = prepared;
  const show = json ? (event: TrainEvent) => printJson(presentEvent(event, folder)) : progressPrinter(record.dataset.task);
  if (!json)
    print(
      `${record.settings.dataset.id}: ${record.settings.model.id} with ${record.parameters.toLocaleString("en-US")} parameters, run ${folder.path}`,
    );
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    for await (const event of performTraining(prepared, folder, { signal: stop.signal, resume })) {
      show(event);
      if (event.type !== "stopped") continue;
      if (!json) print(`stopped after step ${event.position.update}; go on with:\n  npx trainyard train --resume ${folder.path}`);
      process.exitCode = 130;
      return;
    }
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
  const evaluation = await evaluateRun(folder, prepared);
  if (json) return printJson({ type: "evaluation", path: folder.file("evaluation.json"), ...evaluation });
  printEvaluation(evaluation);
  print(`\nmodel       ${folder.file("model.onnx")}\nevaluation  ${folder.file("evaluation.json")}`);
}

/** An event without its tensors, which lie in the folder. */
function presentEvent(event: TrainEvent, folder: RunFolder): object {
  switch (event.type) {
    case "checkpoint":
      return { type: event.type, path: folder.file("checkpoints", "last.safetensors"), update: event.checkpoint.position.update };
    case "done":
      return { type: event.type, reason: event.reason, bestEpoch: event.bestEpoch, model: folder.file("model.onnx") };
    case "stopped":
      return { type: event.type, update: event.position.update, resume: `npx trainyard train --resume ${folder.path}` };
    default:
      return event;
  }
}
