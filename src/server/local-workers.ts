/** The worker processes that a server keeps on its own machine: started, watched, started again, drained. */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { childOf } from "../shared/child.ts";
import { type Config, childEnvironment } from "./config.ts";

export interface LocalWorkersOptions {
  readonly count: number;
  readonly url: string;
  readonly token: string;
  readonly cacheDirectory: string;
  readonly limits: Config["limits"];
  /** A worker's process is gone: its jobs can go to others at once. */
  readonly lost: (id: string) => Promise<void>;
  readonly log: (line: string) => void;
}

/** A process that lived this long was well: the next start is not delayed. */
const WELL_MS = 10_000;
/** How long a worker has to write its checkpoint when the server shuts down. */
const DRAIN_MS = 20_000;

export class LocalWorkers {
  readonly #options: LocalWorkersOptions;
  readonly #children = new Set<ChildProcess>();
  #closing = false;

  constructor(options: LocalWorkersOptions) {
    this.#options = options;
    for (let i = 1; i <= options.count; i++) void this.#keep(`${hostname()}-${process.pid}-${i}`);
  }

  get pids(): number[] {
    return [...this.#children].map(({ pid }) => pid!);
  }

  async #keep(name: string): Promise<void> {
    for (let delay = 500; !this.#closing; delay = Math.min(2 * delay, 30_000)) {
      const began = Date.now();
      const how = await this.#run(name);
      if (this.#closing) return;
      this.#options.log(`worker ${name} ended (${how}); starting another`);
      if (Date.now() - began > WELL_MS) delay = 500;
      await pause(delay, undefined, { ref: false });
    }
  }

  async #run(name: string): Promise<string> {
    const { url, token, cacheDirectory, limits, lost, log } = this.#options;
    const id = randomUUID();
    const { path, execArgv } = childOf("worker/main");
    const child = fork(path, { execArgv, env: childEnvironment(), stdio: ["ignore", "ignore", "pipe", "ipc"] });
    // As a message: others on the machine can see arguments, and whoever is the same user, variables.
    child.send({ url, token, id, name, labels: ["cpu"], slots: 1, cacheDirectory, limits }, () => {});
    this.#children.add(child);
    createInterface({ input: child.stderr! }).on("line", log);
    const how = await new Promise<string>((ended) => {
      child.on("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
      child.on("error", (error) => ended(error.message));
    });
    this.#children.delete(child);
    await lost(id).catch((error: Error) => log(`the jobs of worker ${name} could not be taken back yet: ${error.message}`));
    return how;
  }

  /** Lets every worker write a checkpoint and give its job back; ends those that take too long. */
  async close(): Promise<void> {
    this.#closing = true;
    const ended = [...this.#children].map(async (child) => {
      const exit = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), DRAIN_MS);
      await exit;
      clearTimeout(late);
    });
    await Promise.all(ended);
  }
}
