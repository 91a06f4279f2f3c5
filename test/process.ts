/** Runs the command line as people do: compiled, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { inProgram } from "../src/shared/code.ts";
import { atEnd } from "./at-end.ts";

export const program: string = fileURLToPath(inProgram("cli/main.js"));

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of who runs the tests, but the data directory. */
export const environment = (home: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TRAINYARD_|DATABASE_URL|COLUMNS)/.test(name))),
  TRAINYARD_HOME: home,
});

/** What runs while the tests of a file do, and must not outlive them. */
const alive = new Set<ChildProcess>();
afterAll(() => {
  for (const child of alive) child.kill("SIGKILL");
});

/**
 * @param home the data directory (TRAINYARD_HOME)
 * @param watch sees the process and its standard output as it grows
 * @param more variables of the environment
 * @param input what comes on its standard input
 */
export function trainyard(
  home: string,
  args: readonly string[],
  watch: (child: ChildProcess, stdout: string) => void = () => {},
  more: NodeJS.ProcessEnv = {},
  input = "",
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...environment(home), ...more } });
  child.stdin.on("error", () => {}).end(input); // it may have ended before it was read
  alive.add(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    watch(child, stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code, signal) => {
      alive.delete(child);
      done({ code, signal, stdout, stderr });
    });
  });
}

export interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  /** Resolves when it has closed. */
  stop(): Promise<Ended>;
}

/** A server of its own on any free port. @param more variables of the environment */
export function serve(home: string, args: readonly string[] = ["--no-demo"], more: NodeJS.ProcessEnv = {}): Promise<Server> {
  return new Promise((done, failed) => {
    let started = false;
    const serving = ["serve", "--port", "0", "--json", ...args];
    const watch = (child: ChildProcess, stdout: string) => {
      if (started || !stdout.includes("\n")) return;
      started = true;
      const { url } = JSON.parse(stdout.split("\n")[0]!) as { url: string };
      const stop = () => {
        child.kill("SIGTERM");
        return ended;
      };
      done({ url, child, stop });
    };
    const ended = trainyard(home, serving, watch, more);
    ended.then(({ stderr }) => failed(new Error(`serve ended: ${stderr}`)), failed);
  });
}

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "trainyard-"));
  atEnd(() => rmSync(path, { recursive: true }));
  return path;
}

/** The lines of --json. Every one of them must be JSON. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the program wrote
export const jsonLines = (text: string): any[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
