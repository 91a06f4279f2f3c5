/** `trainyard serve`: the platform, until it is told to end. The first time it has something to show at once. */
import { once } from "node:events";
import type { Command } from "commander";
import type { Platform } from "../server/platform.ts";
import { createClient } from "../shared/api/client.ts";
import { add, type Options } from "./command.ts";
import { config } from "./config.ts";
import { evaluationText } from "./evaluate.ts";
import { reasonText } from "./failure.ts";
import { watch } from "./follow.ts";
import { onInterrupt } from "./interrupt.ts";
import { print, printJson, say, when } from "./output.ts";

interface ServeOptions extends Options {
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly workers?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureNetwork?: boolean;
  readonly demo: boolean;
}

export function registerServe(program: Command): void {
  add(
    program,
    "serve",
    "open the platform: server and workers",
    "Open the platform: the server, and workers on this machine. Ctrl-C closes it; runs under way go on at the next start.",
  )
    .option("--port <integer>", "to listen on (default: 4600)")
    .option("--host <address>", "to listen on (default: 127.0.0.1)")
    .option("--data <folder>", "data directory (default: $TRAINYARD_HOME, else ~/.trainyard)")
    .option("--workers <integer>", "worker processes to start on this machine (default: 1)")
    .option("--tls-cert <file>", "certificate chain (PEM): the server then speaks TLS")
    .option("--tls-key <file>", "the certificate's private key (PEM)")
    .option("--insecure-network", "listen on an address that others reach although there is no TLS: anyone on the way reads passwords and data")
    .option("--no-demo", "train nothing at the first start")
    .addHelpText("after", "\nEverything else is set by variables of the environment: docs/configuration.md.")
    .action(serve);
}

async function serve({ port, host, data, workers, tlsCert, tlsKey, insecureNetwork, demo, json }: ServeOptions): Promise<void> {
  const [{ readConfig }, { startPlatform }] = await Promise.all([import("../server/config.ts"), import("../server/platform.ts")]);
  const settings = readConfig(config.environment, {
    ...{ port, host, data, workers, tlsCert, tlsKey },
    ...(insecureNetwork && { insecureNetwork: "true" }),
  });
  const platform = await startPlatform(settings, {
    listen: { host: settings.host, port: settings.port },
    workers: settings.workers,
    what: "trainyard serve",
  });
  const leaving = new AbortController();
  const told = once(leaving.signal, "abort");
  await onInterrupt(
    () => leaving.abort(),
    async () => {
      if (json) printJson({ type: "serving", url: platform.url });
      else print(`Trainyard is open at ${platform.url} (Ctrl-C closes it)`);
      const link = await platform.setupLink();
      if (link && json) printJson({ type: "setup-link", ...link });
      else if (link) print(`There is no administrator yet. This link makes one, once, until ${when(link.expiresAt)}:\n  ${link.url}`);
      if (demo && platform.isNew)
        void firstRun(platform, leaving.signal, json).catch((error: Error) => leaving.signal.aborted || say(`the first run: ${error.message}`));
      await told;
      if (!json) say("closing");
      await platform.close();
    },
  );
}

/** So that there is something to see at once. Several servers that start together on one database make one. */
async function firstRun({ localUrl: url, machineToken: token }: Platform, signal: AbortSignal, json: boolean | undefined): Promise<void> {
  const client = createClient({ url, token, signal });
  const started = await client.call(
    "createRun",
    { body: { dataset: { id: "mnist" }, model: { id: "cnn" }, training: { epochs: 1 }, note: "The first run, made by `trainyard serve`." } },
    { idempotencyKey: "the-first-run" },
  );
  const run = await watch(client, started, json, signal);
  if (json) return;
  if (run.evaluation) print(`\n${evaluationText(await client.call("getEvaluation", { params: { id: run.id } }))}\n`);
  const why = run.state === "failed" ? `: ${reasonText(run.reason)}` : "";
  print(`run ${run.name} ${run.state}${why}\nin another terminal: npx trainyard runs show ${run.name}`);
}
