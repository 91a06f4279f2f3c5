/** How processes of our own code are started, compiled or from the sources: with nothing of the environment that they could give away, and those that open what nobody vouches for with a limit to their memory. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setInterval } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { entry } from "./code.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What such a process may know of the environment: no addresses and no secrets. */
const harmless = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "SYSTEMROOT", "USERPROFILE", "TRAINYARD_EXTENSIONS"];
export const harmlessOf = (env: Environment): Record<string, string> =>
  Object.fromEntries(harmless.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));

/** @param module below src, without its ending */
export function childOf(module: string): { readonly path: string; readonly execArgv: string[] } {
  const { url, compiled } = entry(module);
  return { path: fileURLToPath(url), execArgv: compiled ? [] : ["--conditions=source", "--import", "tsx"] };
}

export interface Confinement {
  /** All that it knows of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** MiB that it may take, native memory included. */
  readonly memory: number;
  /** Takes what it writes to stdout and stderr, in pieces; else stdout is lost. */
  readonly heard?: (text: string) => void;
}

/** How a confined process ended. */
export interface Ended {
  /** SIGSEGV, exit code 1. */
  readonly how: string;
  /** MiB, where it took more than it may. */
  readonly used?: number;
  /** The end of what it wrote to stderr. */
  readonly said: string;
}

const POLL_MS = 1000;
const KIB_PER_MIB = 1024;
/** Of stderr, in characters: enough for a stack. */
const MOST_SAID = 4000;

/** A process that opens other people's files. What it says to the one that started it goes over IPC, bytes as bytes. */
export class Confined {
  readonly process: ChildProcess;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
  readonly #memory: number;
  #used?: number;

  /** @param module below src, without its ending */
  constructor(module: string, { env, memory, heard }: Confinement) {
    const { path, execArgv } = childOf(module);
    this.#memory = memory;
    const child = fork(path, {
      execArgv: [`--max-old-space-size=${memory}`, ...execArgv],
      env,
      serialization: "advanced",
      stdio: ["ignore", heard ? "pipe" : "ignore", "pipe", "ipc"],
    });
    this.process = child;
    let said = "";
    this.ended = new Promise((done) => {
      // After the exit, when stderr has been read.
      child.on("close", (code, signal) => {
        // V8's own words, when the limit of its heap came before the look at the whole.
        if (said.includes("JavaScript heap out of memory")) this.#used ??= memory;
        done({ how: signal ?? `exit code ${code}`, used: this.#used, said });
      });
      // Others than that it cannot be started are told by its exit.
      child.on("error", (error) => child.pid === undefined && done({ how: error.message, said }));
    });
    // What could not be started has none.
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-MOST_SAID);
      heard?.(text);
    });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => heard?.(text));
    const watching = new AbortController();
    void this.ended.then(() => watching.abort());
    void this.#watch(watching.signal);
  }

  kill(): void {
    this.process.kill("SIGKILL");
  }

  async #watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of setInterval(POLL_MS, undefined, { signal, ref: false })) {
        const used = await memoryOf(this.process.pid!);
        if (signal.aborted || used <= this.#memory) continue;
        this.#used = used;
        this.kill();
      }
    } catch {
      // Aborted: it has ended.
    }
  }
}

/** MiB of memory, swapped out or not, that are a process's; 0 where the system does not tell. */
async function memoryOf(pid: number): Promise<number> {
  try {
    if (process.platform !== "linux") {
      const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
      return Math.round(Number(stdout) / KIB_PER_MIB);
    }
    const kib = [...(await readFile(`/proc/${pid}/status`, "utf8")).matchAll(/^Vm(?:RSS|Swap):\s+(\d+) kB$/gm)];
    return Math.round(kib.reduce((sum, [, n]) => sum + Number(n), 0) / KIB_PER_MIB);
  } catch {
    return 0; // it has just ended, or there is no ps
  }
}
