/** Ties a process to the one that forked it, which alone decides when it ends: for those that open other people's files. */
import { Worker } from "node:worker_threads";

/** In a thread of its own: a file that keeps the main one busy for ever must not outlive whoever would have ended it. */
const watch = `
  const { workerData: parent } = require("node:worker_threads");
  setInterval(() => process.ppid === parent || process.kill(process.pid, "SIGKILL"), 500);
`;

export function endWithParent(): void {
  process.on("disconnect", () => process.exit());
  if (!process.connected) process.exit(); // it was gone before this file was loaded
  // Ctrl-C in a terminal reaches every process; the one that forked this takes care of it.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  new Worker(watch, { eval: true, execArgv: [], workerData: process.ppid }).unref();
}
