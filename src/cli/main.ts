#!/usr/bin/env node
/** The one program: `trainyard <verb>`. Exit code 0 done, 1 failed, 2 bad usage, 130 stopped. */
import { Command, CommanderError } from "commander";
import { TrainyardError } from "../shared/errors.ts";
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
  const errors = error instanceof AggregateError ? error.errors : [error];
  for (const e of errors) {
    if (e instanceof CommanderError) {
      const flag = /unknown option '(--[\w-]+)/.exec(e.message)?.[1];
      const owners = flag ? ownersOf(flag) : [];
      if (owners.length) process.stderr.write(`${flag} goes with ${owners.join(", or ")}\n`);
    } else if (e instanceof TrainyardError) {
      process.stderr.write(json ? `${JSON.stringify({ type: "error", ...e.toJSON() })}\n` : `error: ${e.message}\n  ${e.fix}\n`);
    } else {
      process.stderr.write(`error: internal: ${e instanceof Error ? e.stack : String(e)}\n`);
    }
  }
  const [first] = errors;
  if (first instanceof CommanderError) return first.exitCode === 0 ? 0 : 2;
  return first instanceof TrainyardError && usage.includes(first.code) ? 2 : 1;
}

const argv = process.argv.slice(2);
const program = new Command("trainyard")
  .description("Train, evaluate and export machine-learning models. Every training step is a plain ONNX graph.")
  .configureHelp({ showGlobalOptions: false })
  .showSuggestionAfterError()
  .exitOverride();
registerTrain(program, argv);
registerEvaluate(program);
registerPredict(program);
registerExport(program);
registerRuns(program);
registerCatalog(program);
for (const command of program.commands) command.exitOverride();

// A reader that has seen enough (| head) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
try {
  await program.parseAsync(argv, { from: "user" });
} catch (error) {
  process.exitCode = report(error, argv.includes("--json"));
}
