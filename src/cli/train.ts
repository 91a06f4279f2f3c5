/** `trainyard train`: brings the data, asks for a run, shows how it goes and how good it is. */
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import { type Choice, checkRequest, choices, defaultLoss, defaults, learnerOf, type RunRequest, usualSchedule } from "../catalog/run-settings.ts";
import type { Client } from "../shared/api/client.ts";
import type { RunRequestBody } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { add, several, wholeNumber } from "./command.ts";
import { connect } from "./connect.ts";
import { isPath, nameFor, sourceOf } from "./files.ts";
import { addFlags, flagsFor, requestFrom } from "./flags.ts";
import { detachFlag, type FollowOptions, follow, followHelp } from "./follow.ts";
import { readJson, readList } from "./steps.ts";
import { registerFiles } from "./upload.ts";

type TrainOptions = FollowOptions & {
  readonly path?: string;
  readonly network?: string;
  readonly preprocessing?: string;
  readonly augmentation?: string;
  readonly name?: string;
  readonly note?: string;
  readonly tag?: readonly string[];
  readonly priority?: number;
  readonly needs?: string;
  readonly draft?: boolean;
};
type Chosen = Readonly<Partial<Record<Choice, string>>>;

/** Registers the command with the flags of what `argv` chooses: `--model mlp` brings `--hidden`. */
export function registerTrain(program: Command, argv: readonly string[]): void {
  const chosen = chosenIn(argv);
  const flags = flagsFor(chosen);
  const ids = (kind: keyof typeof catalog) => catalog[kind].map(({ id }) => id).join(", ");
  const command = add(program, "train", "train a model on a dataset", "Train a model on a dataset and evaluate it on the held-out test split.")
    .argument("[dataset]", `a dataset (${ids("datasets")}), a registered one, or a file or folder`)
    .option("--model <id>", `what to train: a network (${ids("models")}) or a classical model (${ids("learners")}) (default: what suits the dataset)`)
    .option("--network <file.json>", "train this network description (model custom)")
    .option("--preprocessing <steps>", "what samples go through first: JSON, or a file of it (default: what suits the dataset)")
    .option("--augmentation <layers>", "what changes pictures at random in training: JSON, or a file of it (default: nothing)")
    .option("--loss <id>", `what to minimise: ${ids("losses")} (default: what suits the task)`)
    .option("--optimizer <id>", `how to step: ${ids("optimizers")} (default: ${defaults.optimizer})`)
    .option("--schedule <id>", `how the learning rate changes: ${ids("schedules")} (default: ${defaults.schedule})`)
    .option("--path <path>", "the file or folder to read the dataset from: it is uploaded and registered")
    .option("--name <name>", "of the run (default: by dataset, model and number)")
    .option("--note <text>", "what is worth knowing about the run")
    .option("--tag <key=value>", "a label for the run; may be given several times", several)
    .option("--priority <integer>", "runs of higher priority go first (default: 0)", wholeNumber("--priority", -100))
    .option("--needs <labels>", "what the worker must have, such as gpu")
    .option("--draft", "keep it as a draft; `runs start` trains it")
    .option(...detachFlag);
  addFlags(command, flags);
  command.addHelpText("after", `${followHelp}\nName a dataset, model, loss, optimizer or schedule before --help to see its flags too.`);
  // Of an entry that does not exist the flags are unknown; the entry is the fault to report. A dataset may be a registered one.
  const exists = (choice: Choice) => choice === "dataset" || !chosen[choice] || choices[choice].entries.some((e) => e.id === chosen[choice]);
  if (!(Object.keys(choices) as Choice[]).every(exists)) command.allowUnknownOption().allowExcessArguments();
  command.action(async (dataset: string | undefined, options: TrainOptions) => {
    const request = requestFrom(flags, options as Record<string, string>, chosen);
    const network = options.network && (await readJson(options.network, "network description", "{ layers: [{ id, layer, params, inputs }] }"));
    const preprocessing = options.preprocessing && (await readList("preprocessing", options.preprocessing));
    const augmentation = options.augmentation && (await readList("augmentation", options.augmentation));
    await train(dataset, options, {
      ...request,
      ...(network !== undefined && { network }),
      ...(preprocessing && { preprocessing }),
      ...(augmentation && { augmentation }),
    });
  });
}

async function train(dataset: string | undefined, options: TrainOptions, request: RunRequest): Promise<void> {
  if (!dataset)
    throw fail("BAD_USAGE", {
      problem: "train needs a dataset",
      fix: `Name one of ${choices.dataset.entries.map(({ id }) => id).join(", ")}, one you registered, or a file or folder.`,
    });
  checkHere(request);
  const path = options.path ?? (isPath(dataset) ? dataset : undefined);
  const leaves = options.detach || options.draft;
  const connection = await connect({ workers: leaves && !path ? 0 : 1, project: options.project });
  try {
    const { client } = connection;
    const run = await client.call("createRun", {
      body: { ...wished(options), ...(request as RunRequestBody), ...(path && { dataset: await uploaded(client, path, request) }) },
    });
    await follow(connection, run, { ...options, detach: leaves });
  } finally {
    await connection.close();
  }
}

/** What can be known to be wrong without the data is told before anything is uploaded or started. @throws AggregateError */
function checkHere(request: RunRequest): void {
  if (!choices.dataset.entries.some(({ id }) => id === request.dataset?.id)) return; // a registered one, which the server knows
  const { errors } = checkRequest(request);
  if (errors.length) throw new AggregateError(errors);
}

async function uploaded(client: Client, path: string, { dataset }: RunRequest): Promise<RunRequestBody["dataset"]> {
  const { name, version } = await registerFiles(client, { name: nameFor(path), source: dataset as { id: string } }, [path]);
  return { id: `${name}@${version}` };
}

/** What the flags say of the run besides what to train. */
function wished({ name, note, tag, priority, needs, draft }: TrainOptions): Partial<RunRequestBody> {
  return {
    name,
    note,
    draft,
    ...(tag && { tags: tagsFrom(tag) }),
    priority,
    ...(needs && { labels: needs.split(",") }),
  };
}

/** "team=vision" -> { team: "vision" }; a tag without a value has an empty one. */
export const tagsFrom = (tags: readonly string[]): Record<string, string> =>
  Object.fromEntries(tags.map((tag) => tag.split(/=(.*)/s)).map(([key, value = ""]) => [key!, value]));

/** The entries that a command line names, before commander has read it: they decide which flags there are. */
function chosenIn(argv: readonly string[]): Chosen {
  const { named, options } = split(argv.slice(argv.indexOf("train") + 1));
  const dataset = named && isPath(named) ? sourceOf(named) : named;
  const entry = catalog.datasets.find((d) => d.id === dataset);
  const model = options.get("--model") ?? (options.has("--network") ? "custom" : entry?.suggestedModel);
  // A classical model has a loss and a way to learn of its own.
  const optimizer = options.get("--optimizer") ?? defaults.optimizer;
  const loss = entry?.tasks.length === 1 ? defaultLoss[entry.tasks[0]!] : undefined;
  const usual = model && learnerOf({ model: { id: model } }) ? {} : { optimizer, schedule: usualSchedule(optimizer), loss };
  const given = { loss: options.get("--loss"), optimizer: options.get("--optimizer"), schedule: options.get("--schedule") };
  const chosen = { dataset, model, ...usual, ...Object.fromEntries(Object.entries(given).filter(([, id]) => id)) };
  return Object.fromEntries(Object.entries(chosen).filter(([, id]) => id));
}

/** The first word that is neither an option nor the value of one, and the options with their values, the last one of each. */
function split(args: readonly string[]): { named?: string; options: ReadonlyMap<string, string> } {
  const options = new Map<string, string>();
  let named: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const [flag, value] = args[i]!.split(/=(.*)/s) as [string, string?];
    if (!flag.startsWith("-")) named ??= flag;
    else if (!["--json", "--detach", "--draft", "--help", "-h"].includes(flag)) options.set(flag, value ?? args[++i] ?? "");
  }
  return { named, options };
}
