#!/usr/bin/env node
/** The one program: `trainyard <verb>`. Exit code 0 done, 1 failed, 2 bad usage, 130 stopped. */
import { Command, CommanderError } from "commander";
import { loadExtensions } from "../catalog/extensions.ts";
import { fail, type Problem, TrainyardError } from "../shared/errors.ts";
import { version } from "../shared/version.ts";
import { registerAdmin } from "./admin.ts";
import { registerBucket } from "./bucket.ts";
import { registerCatalog } from "./catalog.ts";
import { registerCompletion } from "./completion.ts";
import { config } from "./config.ts";
import { registerDatasets } from "./datasets.ts";
import { registerEvaluate } from "./evaluate.ts";
import { registerEvents } from "./events.ts";
import { registerExperiments } from "./experiments.ts";
import { registerExport } from "./export.ts";
import { ownersOf } from "./flags.ts";
import { catchInterrupts, Interrupted, interrupted } from "./interrupt.ts";
import { registerLogin } from "./login.ts";
import { say } from "./output.ts";
import { registerPredict } from "./predict.ts";
import { registerProjects } from "./projects.ts";
import { registerRefits } from "./refit.ts";
import { registerReport } from "./report.ts";
import { registerRuns } from "./runs.ts";
import { registerServe } from "./serve.ts";
import { registerShares } from "./shares.ts";
import { registerTokens } from "./tokens.ts";
import { registerTrain } from "./train.ts";
import { registerUsers } from "./users.ts";
import { registerWork } from "./work.ts";

/** Errors of the person at the keyboard, not of data or machine. */
const usage: readonly string[] = [
  "BAD_USAGE",
  "BAD_CONFIG",
  "BAD_EXTENSION",
  "UNKNOWN_ENTRY",
  "UNKNOWN_PARAMETER",
  "BAD_PARAMETER",
  "NOT_ALLOWED",
  "TASK_MISMATCH",
];

/** Flags that earlier versions had. */
const moved: Readonly<Record<string, string>> = {
  "--resume": "Go on with a run: npx trainyard runs resume latest.",
  "--out": "Runs are kept in the data directory; write one into a folder: npx trainyard export latest -o folder.",
};

function report(error: unknown, json: boolean): number {
  if (error instanceof Interrupted || interrupted.aborted) return 130;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (error.code === "commander.help") return 2; // no command: the help is on the screen
  }
  const errors = (error instanceof AggregateError ? error.errors : [error]).map(known).map(withLogin).flatMap(one);
  for (const e of errors) {
    if (!(e instanceof TrainyardError)) say(`error: internal: ${e instanceof Error ? e.stack : String(e)}`);
    else say(json ? JSON.stringify({ type: "error", ...e.toJSON() }) : `error: ${e.message}\n  ${e.fix}`);
  }
  const [first] = errors;
  return first instanceof TrainyardError && usage.includes(first.code) ? 2 : 1;
}

/** A server that does not know who asks leaves it to its caller how to tell. A worker has a token of its own. */
function withLogin(error: unknown): unknown {
  if (!(error instanceof TrainyardError && error.code === "UNAUTHENTICATED") || config.verb === "work") return error;
  const fix = !config.url
    ? "Sign in: npx trainyard login; or be who owns this machine again: npx trainyard logout."
    : config.token
      ? "Correct TRAINYARD_TOKEN, or unset it and sign in: npx trainyard login."
      : "Sign in: npx trainyard login.";
  return new TrainyardError(error.code, error.status, error.message, fix, error.details);
}

/** What commander says, in the words of every other error. */
function known(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  const [problem, suggestion] = error.message.replace(/^error: /, "").split("\n");
  const flag = /unknown option '(--[\w-]+)/.exec(error.message)?.[1] ?? "";
  const owners = ownersOf(flag);
  const hint = moved[flag] ?? (owners.length ? `${flag} goes with ${owners.join(", or ")}.` : suggestion?.replace(/^\((.*)\)$/, "$1"));
  return fail("BAD_USAGE", { problem: problem!, fix: hint ?? "See npx trainyard --help, or --help after a command." });
}

/** A request that the server refuses for several reasons is several errors. */
function one(error: unknown): readonly unknown[] {
  if (!(error instanceof TrainyardError && error.code === "INVALID_REQUEST")) return [error];
  const problems = (error.details.problems ?? []) as readonly Problem[];
  return problems.length
    ? problems.map(({ code, message, fix, path, wanted, got }) => new TrainyardError(code, error.status, message, fix, { path, wanted, got }))
    : [error];
}

/** Commands that work in a project, or look for something by its name. */
const ofProjects: readonly string[] = [
  ...["train", "evaluate", "predict", "export", "runs", "experiments", "archive", "reproduce", "datasets"],
  ...["share", "shares", "events", "rewind"],
];
const projectFlag = [
  "--project <project>",
  "by name or id (default: $TRAINYARD_PROJECT, else the usual one to train in, and all to look in)",
] as const;

const every = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(every)];

/** The commands, with flags for everything that can be chosen. */
function commands(argv: readonly string[]): Command {
  const program = new Command("trainyard")
    .description("Train, evaluate and keep machine-learning models. Every training step is a plain ONNX graph.")
    .version(version)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ outputError() {} })
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride();
  program.commandsGroup("Train and use:");
  registerTrain(program, argv);
  registerEvaluate(program);
  registerRefits(program);
  registerReport(program);
  registerPredict(program);
  registerExport(program);
  registerRuns(program);
  registerExperiments(program);
  registerDatasets(program, argv);
  registerCatalog(program);
  registerBucket(program);
  program.commandsGroup("People and projects:");
  registerLogin(program);
  registerProjects(program);
  registerShares(program);
  registerTokens(program);
  registerUsers(program);
  program.commandsGroup("Run the platform:");
  registerServe(program);
  registerWork(program);
  registerEvents(program);
  registerAdmin(program);
  registerCompletion(program);
  for (const command of program.commands.filter((c) => ofProjects.includes(c.name())).flatMap(every)) command.option(...projectFlag);
  for (const command of every(program).slice(1)) command.enablePositionalOptions().option("--json", "print JSON, a line for each thing");
  return program;
}

const argv = process.argv.slice(2);
catchInterrupts();
try {
  await loadExtensions(config.extensions);
  await commands(argv).parseAsync(argv, { from: "user" });
} catch (error) {
  process.exitCode = report(error, argv.includes("--json"));
}
