/** `trainyard work`: a worker for a server, on this machine or another. */
import { hostname } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { createClient } from "../shared/api/client.ts";
import { fail } from "../shared/errors.ts";
import { add, type Options, wholeNumber } from "./command.ts";
import { config } from "./config.ts";
import { onInterrupt } from "./interrupt.ts";
import { print, printJson, say } from "./output.ts";

interface WorkOptions extends Options {
  readonly server?: string;
  readonly token?: string;
  readonly labels: string;
  readonly concurrency: number;
  readonly name: string;
  readonly cache: string;
}

export function registerWork(program: Command): void {
  add(
    program,
    "work",
    "work for a server",
    "Do the work of a server: trainings, evaluations, reading datasets. Ctrl-C gives back what is under way, for another worker to go on with.",
  )
    .option("--server <url>", "the server (default: $TRAINYARD_URL)", config.url)
    .option(
      "--token <token>",
      "what the server knows workers by, see the file worker-token in its data directory; better set $TRAINYARD_TOKEN: others on the machine may see what a command is given (default: $TRAINYARD_TOKEN)",
    )
    .option("--labels <a,b,…>", "what this machine has", "cpu")
    .option("--concurrency <integer>", "jobs at once", wholeNumber("--concurrency", 1), 1)
    .option("--name <name>", "what to be called", hostname())
    .option("--cache <folder>", "where to keep files of datasets", join(config.home, "cache"))
    .addHelpText("after", "\nTRAINYARD_JOB_MEMORY and TRAINYARD_…_SECONDS limit what a job may take: docs/configuration.md.")
    .action(work);
}

async function work({ server, token = config.token, labels, concurrency, name, cache, json }: WorkOptions): Promise<void> {
  process.title = "trainyard work"; // instead of the arguments, the token among them, that `ps` shows to everyone
  if (!server)
    throw fail("BAD_USAGE", { problem: "work needs a server", fix: "Name it: TRAINYARD_TOKEN=… npx trainyard work --server http://host:4600" });
  const [{ readConfig }, { PATIENCE_SECONDS, runWorker }] = await Promise.all([import("../server/config.ts"), import("../worker/run-worker.ts")]);
  const { limits } = readConfig(config.environment);
  const ending = new AbortController();
  if (json) printJson({ type: "working", server, name });
  else print(`${name} works for ${server} (Ctrl-C gives back what is under way)`);
  await onInterrupt(
    () => ending.abort(),
    () =>
      runWorker({
        client: createClient({ url: server, token, patience: PATIENCE_SECONDS }),
        id: crypto.randomUUID(),
        name,
        labels: labels.split(",").filter(Boolean),
        slots: concurrency,
        cacheDirectory: cache,
        limits,
        signal: ending.signal,
        log: (line: string) => say(json ? JSON.stringify({ type: "log", line }) : line),
      }),
  );
}
