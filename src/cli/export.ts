/** `trainyard export`: a run's model as one ONNX file. */

import { resolve } from "node:path";
import type { Command } from "commander";
import { writeAtomically } from "../storage/atomic.ts";
import { findRun, runArgument } from "./find-run.ts";
import { print } from "./output.ts";

export function registerExport(program: Command): void {
  program
    .command("export")
    .summary("write a run's model as one ONNX file")
    .description("Write a run's model as one ONNX file: raw values in, predictions out, labels in its metadata. Any ONNX Runtime from 1.17 runs it.")
    .argument("<run>", runArgument)
    .requiredOption("-o, --output <file>", "where to write it")
    .action(async (run: string, { output }: { output: string }) => {
      const folder = await findRun(run);
      const bytes = await folder.read("model.onnx", `Finish the training first: ${folder.resumeCommand}`);
      await writeAtomically(resolve(output), [bytes]);
      print(`${resolve(output)}  ${(bytes.length / 1e6).toFixed(1)} MB`);
    });
}
