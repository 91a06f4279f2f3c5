/** The compiled program as a server that gets killed: in a process group of its own, on an address that stays the same. Used by the kill tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { environment, program } from "../process.ts";
import { descendantsOf, type Process, processes } from "../processes.ts";

/** Long enough for a machine that has much else to do. */
export const PATIENCE_MS = 60_000;

/** Looks again and again. @throws when it takes too long, saying what was waited for */
export async function until<T>(what: string, look: () => T | Promise<T>, patience = PATIENCE_MS): Promise<NonNullable<T>> {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain: ${what}`);
  }
}

/** What opens every server of the trials to their people, known before the first start. */
export const MACHINE_TOKEN = "of-the-machine-on-which-they-are-killed";

export class Program {
  readonly home: string;
  readonly url: string;
  /** What it wrote to stderr in all its lives. */
  readonly log: string;
  /** Its folder for temporary files, by which its processes are known: ids come again. */
  readonly temporary: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  private constructor(home: string, port: number, env: NodeJS.ProcessEnv) {
    this.home = home;
    this.url = `http://127.0.0.1:${port}`;
    this.log = `${home}.log`;
    this.temporary = `${home}.tmp`;
    this.#env = { ...environment(home), TRAINYARD_PORT: String(port), TMPDIR: this.temporary, ...env };
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "machine-token"), MACHINE_TOKEN, { mode: 0o600 });
    mkdirSync(this.temporary);
  }

  /** @param home the data directory */
  static async create(home: string, env: NodeJS.ProcessEnv = {}): Promise<Program> {
    return new Program(home, await lowPort(), { TRAINYARD_LEASE_SECONDS: "3", ...env });
  }

  /** Starts it, without waiting until it serves. */
  spawn(): void {
    const child = spawn(process.execPath, [program, "serve", "--no-demo", "--json"], {
      env: this.#env,
      detached: true, // the leader of a group of its own
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr.pipe(createWriteStream(this.log, { flags: "a" }));
    this.#child = child;
  }

  /** Resolves when it serves. */
  async ready(): Promise<void> {
    const child = this.#child!;
    await until(`${this.url} serves`, () => {
      if (hasEnded(child)) throw new Error(`serve ended with ${child.exitCode ?? child.signalCode}: ${readFileSync(this.log, "utf8").slice(-2000)}`);
      return fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(5000) }).then(
        (answer) => answer.ok,
        () => false,
      );
    });
  }

  async start(): Promise<void> {
    this.spawn();
    await this.ready();
  }

  /** Of the server. */
  get pid(): number {
    return this.#child!.pid!;
  }

  /** Asks it to end. */
  ask(): void {
    this.#child!.kill("SIGTERM");
  }

  /** kill -9 of the server alone, or of all its processes at once. */
  async kill(what: "server" | "group"): Promise<void> {
    const child = this.#child!;
    this.#child = undefined;
    if (hasEnded(child)) return;
    const ended = once(child, "exit");
    process.kill(what === "group" ? -child.pid! : child.pid!, "SIGKILL");
    await ended;
  }

  /** kill -9 of its workers. @returns how many there were */
  killWorkers(): number {
    const workers = processes().filter(({ parent, command }) => parent === this.#child?.pid && command.includes("worker/main"));
    for (const { pid } of workers) process.kill(pid, "SIGKILL");
    return workers.length;
  }

  /** What is alive of all that it ever started, but for the server that runs now, its workers and their jobs. */
  orphans(): string[] {
    const server = this.#child?.pid;
    const kin = new Set(server === undefined ? [] : [server, ...descendantsOf(server).map(({ pid }) => pid)]);
    return this.#processes()
      .filter(({ pid }) => !kin.has(pid))
      .map(({ pid, command }) => `${pid} ${command}`);
  }

  /** Asks it to end, and waits. @returns its exit code */
  async stop(): Promise<number | null> {
    const child = this.#child!;
    this.ask();
    this.#child = undefined;
    if (!hasEnded(child)) await once(child, "exit");
    return child.exitCode;
  }

  /** Whatever the tests left. */
  destroy(): void {
    for (const { pid } of this.#processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {} // it has just ended
    }
  }

  #processes(): Process[] {
    return processes().filter(({ environment }) => environment.includes(`TMPDIR=${this.temporary}`));
  }

  /** Files below a folder of the data directory, by their paths within it. */
  files(folder: string): string[] {
    const path = join(this.home, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** A free port below those that the system gives to outgoing connections, so that nobody takes it while the server is dead. */
async function lowPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((done) =>
      server.once("error", () => done(false)).listen(port, "127.0.0.1", () => server.close(() => done(true))),
    );
    if (free) return port;
  }
}
