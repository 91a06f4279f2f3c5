/** How threads of our own code are started, compiled or from the sources: then each needs a loader of its own. */
import { Worker } from "node:worker_threads";
import { entry } from "./code.ts";

/** @param module below src, without its ending */
export function startThread(module: string, workerData?: unknown): Worker {
  const { url, compiled } = entry(module);
  if (compiled) return new Worker(url, { workerData });
  const loader = import.meta.resolve("tsx/esm/api");
  return new Worker(`import("${loader}").then(({ register }) => (register(), import("${url}")))`, { eval: true, execArgv: [], workerData });
}
