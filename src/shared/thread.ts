/** How threads of our own code are started, compiled or from the sources: then each needs a loader of its own. */
import { Worker } from "node:worker_threads";

/** @param module where it is compiled to: `new URL("./it.js", import.meta.url)` */
export function startThread(module: URL, workerData?: unknown): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(module, { workerData });
  const loader = import.meta.resolve("tsx/esm/api");
  const source = module.href.replace(/\.js$/, ".ts");
  return new Worker(`import("${loader}").then(({ register }) => (register(), import("${source}")))`, { eval: true, execArgv: [], workerData });
}
