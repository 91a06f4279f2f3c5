#!/usr/bin/env node
/** The one program: `trainyard <verb>`. Exit code 0 done, 1 failed, 2 bad usage, 130 stopped. */
import { Command, CommanderError } from "commander";
import { fail, TrainyardError } from "../shared/errors.ts";
import { versions } from "../worker/versions.ts";
import { registerCatalog } from "./catalog.ts";
import { registerEvaluate } from "./evaluate.ts";
import { registerExport } from "./export.ts";
import { ownersOf } from "./flags.ts";
import { registerPredict } from "./predict.ts";
import { registerRuns } from "./runs.ts";
import { registerTrain } from "./train.ts";

/** Errors of the person at the keyboard, not of data or machine. */
const usage: readonly string[] = ["BAD_USAGE", "UNKNOWN_ENTRY", "UNKNOWN_PARAMETER", "BAD_PARAMETER"];

function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (error.code === "commander.help") return 2; // no command: the help is on the screen
  }
  const errors = (error instanceof AggregateError ? error.errors : [error]).map(known);
  for (const e of errors) {
    if (e instanceof TrainyardError) {
      process.stderr.write(json ? `${JSON.stringify({ type: "error", ...e.toJSON() })}\n` : `error: ${e.message}\n  ${e.fix}\n`);
    } else {
      process.stderr.write(`error: internal: ${e instanceof Error ? e.stack : String(e)}\n`);
    }
  }
  const [first] = errors;
  return first instanceof TrainyardError && usage.includes(first.code) ? 2 : 1;
}

/** What commander says, in the words of every other error. */
function known(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  const [problem, suggestion] = error.message.replace(/^error: /, "").split("\n");
  const flag = /unknown option '(--[\w-]+)/.exec(error.message)?.[1] ?? "";
  const owners = ownersOf(flag);
  const hint = owners.length ? `${flag} goes with ${owners.join(", or ")}.` : suggestion?.replace(/^\((.*)\)$/, "$1");
  return fail("BAD_USAGE", { problem: problem!, fix: hint ?? "See npx trainyard --help, or --help after a command." });
}

const argv = process.argv.slice(2);
const program = new Command("trainyard")
  .description("Train, evaluate and export machine-learning models. Every training step is a plain ONNX graph.")
  .version(versions().trainyard)
  .configureHelp({ showGlobalOptions: false })
  .configureOutput({ outputError() {} })
  .showSuggestionAfterError()
  .exitOverride();
registerTrain(program, argv);
registerEvaluate(program);
registerPredict(program);
registerExport(program);
registerRuns(program);
registerCatalog(program);

for (const output of [process.stdout, process.stderr]) {
  output.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exit(1); // a reader that has seen enough (| head) is no error
  });
}
try {
  await program.parseAsync(argv, { from: "user" });
} catch (error) {
  process.exitCode = report(error, argv.includes("--json"));
}
