/** The processes of this machine, as Linux shows them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Which processes there are is read from /proc. */
export const available: boolean = existsSync("/proc/self/stat");

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly environment: readonly string[];
}

/** All processes of this machine that have not ended, as far as they are ours to see. */
export function processes(): Process[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const [command, environment] = ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0"));
      // "42 (the name) S 1 …": state and parent.
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      if (state === "Z" || state === "X") return [];
      return [{ pid: Number(pid), parent: Number(parent), command: command!.join(" "), environment: environment! }];
    } catch {
      return []; // no process, or one that has just ended
    }
  });
}

/** The processes that a process started, and those that they started. */
export function descendantsOf(pid: number, all: readonly Process[] = processes()): Process[] {
  return all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...descendantsOf(child.pid, all)]);
}

/** MiB of a process that has not ended. */
export const memoryOf = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

/** Not that of a process which has ended and is not buried yet. */
export const isAlive = (pid: number): boolean => processes().some((one) => one.pid === pid);

/** Waits until a process has ended. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(20);
}
