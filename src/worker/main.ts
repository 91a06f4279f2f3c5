/** A worker process of the local server, which forks it and sends it its configuration. It ends with the server, or drains on SIGTERM. */
import { once } from "node:events";
import { createClient } from "../shared/api/client.ts";
import { readConfig } from "./config.ts";
import { PATIENCE_SECONDS, runWorker } from "./run-worker.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop.abort());
process.on("disconnect", () => process.exit()); // nobody is left to report to
if (!process.connected) process.exit(); // nobody was left even before this file was loaded

const [message] = await once(process, "message");
const { url, token, ...config } = readConfig(message);
await runWorker({
  ...config,
  client: createClient({ url, token, patience: PATIENCE_SECONDS }),
  signal: stop.signal,
  log: (line) => process.stderr.write(`${line}\n`),
});
process.exit();
