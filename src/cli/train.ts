/** `trainyard train`: trains, shows how it goes, evaluates the result. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import { type Choice, choices, defaultLoss, defaults, type RunRequest, trainingParams } from "../catalog/run-settings.ts";
import { parseParam } from "../shared/define.ts";
import { fail } from "../shared/errors.ts";
import type { TrainEvent } from "../shared/events.ts";
import { RunFolder } from "../storage/run-folder.ts";
import { evaluateRun } from "../worker/evaluation.ts";
import { type PreparedTraining, performTraining, prepareTraining, readRecord, reassemble, type TrainingRecord } from "../worker/training.ts";
import { config } from "./config.ts";
import { printEvaluation } from "./evaluate.ts";
import { findRun } from "./find-run.ts";
import { addFlags, flagsFor, requestFrom } from "./flags.ts";
import { print, printJson, progressPrinter, thousands } from "./output.ts";

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
    .option("--optimizer <id>", `how to step: ${catalog.optimizers.map((o) => o.id).join(", ")} (default: ${defaults.optimizer})`)
    .option("--schedule <id>", `how the learning rate changes: ${catalog.schedules.map((s) => s.id).join(", ")} (default: ${defaults.schedule})`)
    .option("--path <path>", "the file or folder to read the dataset from")
    .option("--out <folder>", `folder of the run (default: a new one in ${config.runs}/)`)
    .option("--resume <run>", "go on with a stopped run; of the settings only --epochs may change")
    .option("--json", "print events as JSON lines");
  addFlags(command, flags);
  command.addHelpText("after", "\nName a dataset, model, loss, optimizer or schedule before --help to see its flags too.");
  // Of an entry that does not exist the flags are unknown; the entry is the fault to report.
  const exists = (choice: Choice) => chosen[choice] === undefined || choices[choice].entries.some((e) => e.id === chosen[choice]);
  if (!(Object.keys(choices) as Choice[]).every(exists)) command.allowUnknownOption().allowExcessArguments();
  command.action(async (dataset: string | undefined, values: TrainFlags) => {
    const { prepared, folder } = values.resume
      ? await resumed(values, dataset)
      : await fresh({ ...requestFrom(flags, values, chosen), ...(await filesOf(values, dataset, chosen)) }, values.out);
    await run(prepared, folder, Boolean(values.resume), Boolean(values.json));
  });
}

/** The entries that a command line names, before commander has read it: they decide which flags there are. */
function chosenIn(argv: readonly string[]): Partial<Record<Choice, string>> {
  const { named, options } = split(argv.slice(argv.indexOf("train") + 1));
  const dataset = named?.toLowerCase().endsWith(".csv") ? "csv" : named;
  const entry = catalog.datasets.find((d) => d.id === dataset);
  const chosen = {
    dataset,
    model: options.get("--model") ?? (options.has("--network") ? "custom" : entry?.suggestedModel),
    loss: options.get("--loss") ?? (entry?.tasks.length === 1 ? defaultLoss[entry.tasks[0]!] : undefined),
    optimizer: options.get("--optimizer") ?? defaults.optimizer,
    schedule: options.get("--schedule") ?? defaults.schedule,
  };
  return Object.fromEntries(Object.entries(chosen).filter(([, id]) => id));
}

/** The first word that is neither an option nor the value of one, and the options with their values, the last one of each. */
function split(args: readonly string[]): { named?: string; options: ReadonlyMap<string, string> } {
  const options = new Map<string, string>();
  let named: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const [flag, value] = args[i]!.split(/=(.*)/s) as [string, string?];
    if (!flag.startsWith("-")) named ??= flag;
    else if (!["--json", "--help", "-h"].includes(flag)) options.set(flag, value ?? args[++i] ?? "");
  }
  return { named, options };
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
  const file = path ?? (chosen.dataset === "csv" && dataset !== "csv" ? dataset : undefined);
  return {
    path: file && resolve(file), // the run may be resumed from another folder
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
  const given = out ? new RunFolder(out) : undefined;
  const { record, ...parts } = await prepareTraining(request, given?.id ?? stamp);
  const { dataset, model } = record.settings;
  const folder = given ?? (await RunFolder.createIn(config.runs, `${stamp}-${dataset.id}-${model.id}`));
  await given?.create();
  return { prepared: { record: { ...record, id: folder.id }, ...parts }, folder };
}

async function resumed(
  { resume, epochs, json: _, ...others }: TrainFlags,
  dataset: string | undefined,
): Promise<{ prepared: PreparedTraining; folder: RunFolder }> {
  const stray = dataset ?? Object.keys(others).map((name) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`)[0];
  if (stray !== undefined) {
    throw fail("BAD_USAGE", {
      problem: `--resume goes on with the settings of the run, so ${stray} cannot be given`,
      fix: "Leave it out, or train anew. Only --epochs may change.",
    });
  }
  const folder = await findRun(resume);
  const record = await readRecord(folder);
  const given = epochs === undefined ? {} : { epochs: parseParam(trainingParams.epochs, epochs) };
  const training = { ...record.settings.training, ...given } as TrainingRecord["settings"]["training"];
  return { prepared: await reassemble({ ...record, settings: { ...record.settings, training } }), folder };
}

async function run(prepared: PreparedTraining, folder: RunFolder, resume: boolean, json: boolean): Promise<void> {
  const { record } = prepared;
  const { show, close } = json
    ? { show: (event: TrainEvent) => printJson(presentEvent(event, folder)), close() {} }
    : progressPrinter(record.dataset.task);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const outputs = [process.stdout, process.stderr];
  for (const output of outputs) output.on("error", interrupt); // nobody reads on
  if (!json) print(`${record.settings.dataset.id}: ${record.settings.model.id} with ${thousands(record.parameters)} parameters, run ${folder.path}`);
  try {
    for await (const event of performTraining(prepared, folder, { signal: stop.signal, resume })) {
      show(event);
      if (event.type !== "stopped") continue;
      close();
      if (!json) print(`stopped after step ${event.position.update}; go on with:\n  ${folder.resumeCommand}`);
      process.exitCode = 130;
      return;
    }
  } finally {
    close();
    // Once stopped, a signal that comes late (npm sends a second one) must not end the program in another way.
    if (process.exitCode !== 130) for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupt);
    for (const output of outputs) output.off("error", interrupt);
  }
  const evaluation = await evaluateRun(folder, prepared);
  if (json) return printJson({ type: "evaluation", path: folder.file("evaluation.json"), ...evaluation });
  printEvaluation(evaluation);
  print(`\nmodel       ${folder.file("model.onnx")}\nevaluation  ${folder.file("evaluation.json")}`);
}

/** An event without its tensors, which lie in the folder. */
function presentEvent(event: TrainEvent, folder: RunFolder): object {
  switch (event.type) {
    case "started":
      return { ...event, run: folder.path };
    case "checkpoint":
      return { type: event.type, path: folder.file("checkpoints", "last.safetensors"), update: event.checkpoint.position.update };
    case "done":
      return { type: event.type, reason: event.reason, bestEpoch: event.bestEpoch, model: folder.file("model.onnx") };
    case "stopped":
      return { type: event.type, update: event.position.update, resume: folder.resumeCommand };
    default:
      return event;
  }
}
