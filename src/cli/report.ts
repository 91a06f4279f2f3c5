/** `trainyard report`: a run's evaluation as a page, as Markdown, or as a model card. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { reportFormats } from "../shared/api/endpoints.ts";
import { fail } from "../shared/errors.ts";
import { add, answer, type Options, verb } from "./command.ts";
import { findRun, runArgument } from "./find.ts";
import { bytes, print } from "./output.ts";

type Format = (typeof reportFormats)[number];

export function registerReport(program: Command): void {
  add(
    program,
    "report",
    "write a run's evaluation as a page, Markdown or a model card",
    "Write a run's evaluation as one HTML file that needs nothing else, as Markdown, or as a model card (README.md with metadata).",
  )
    .argument("<run>", runArgument)
    .option("-o, --output <file>", "where to write it (default: Markdown and cards on screen, a page as <run>.html)")
    .addOption(new Option("--format <format>", "what to make (default: by the ending of the file, else html)").choices(reportFormats))
    .action(
      verb(async ({ client }, { output, format = formatOf(output) }: Options & { output?: string; format?: Format }, name: string) => {
        const { id, name: run } = await findRun(client, name);
        const response = await client.download("getReport", { params: { id }, query: { format } });
        const text = await response.text();
        const path = output ?? (format === "html" ? `${run.replace(/[^\w.-]/g, "_")}.html` : undefined);
        if (!path) {
          print(text);
          return answer({ run: id, format }, () => "");
        }
        await writeFile(resolve(path), text).catch((cause: Error) => {
          throw fail("WRITE_FAILED", { path, detail: cause.message, kept: "The run is unharmed." }, cause);
        });
        return answer({ run: id, format, path: resolve(path), size: text.length }, () => `${path}  ${bytes(text.length)}`);
      }),
    );
}

const formatOf = (output?: string): Format => (output?.endsWith(".md") ? (/readme\.md$/i.test(output) ? "card" : "markdown") : "html");
