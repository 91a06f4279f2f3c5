/** How the bench measures: requests over kept connections, many at a time, their latencies, and who spends the processors. */
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus } from "node:os";

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
export const median = (values: readonly number[]): number => quantile(values, 0.5);
/** The value that a share of all values do not exceed. */
export const quantile = (values: readonly number[], share: number): number =>
  sorted(values)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;

// --- requests ---

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Caller {
  /** @throws when the answer is no success, or does not come */
  (method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  close(): void;
}

/** What opens each server that was started: for callers who say nothing else. */
export const machineTokens = new Map<string, string>();

/** Calls a server over at most so many connections. Cheaper than fetch, since the bench shares its processors with what it measures. */
export function caller(
  url: string,
  { token: usual = machineTokens.get(url), sockets }: { readonly token?: string; readonly sockets: number },
): Caller {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const call = (method: string, path: string, body?: unknown, token = usual) =>
    new Promise<Answer>((done, failed) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(text !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      };
      const sent = request({ hostname, port, method, path, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", failed);
        response.on("end", () => {
          const answer = { status: response.statusCode!, text: Buffer.concat(chunks).toString() };
          if (answer.status < 400) done(answer);
          else failed(new Error(`${method} ${path.slice(0, 200)}: ${answer.status} ${answer.text.slice(0, 300)}`));
        });
      });
      sent.on("error", failed);
      sent.end(text);
    });
  return Object.assign(call, { close: () => agent.destroy() });
}

export const query = (fields: Readonly<Record<string, string | number | readonly string[] | undefined>>): string =>
  new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
  ).toString();

// --- load ---

export interface Driven {
  /** Milliseconds that each took, in order of their ends. */
  readonly latencies: readonly number[];
  readonly seconds: number;
  readonly errors: readonly Error[];
}

/**
 * Does something again and again, so many at a time, each beginning when one before has ended.
 * @param until a number of times, or seconds
 */
export async function drive(
  concurrency: number,
  until: { readonly times: number } | { readonly seconds: number },
  work: (index: number, lane: number) => Promise<unknown>,
): Promise<Driven> {
  const latencies: number[] = [];
  const errors: Error[] = [];
  const began = performance.now();
  let index = 0;
  const goesOn = "times" in until ? () => index < until.times : () => performance.now() - began < 1000 * until.seconds;
  const lanes = Array.from({ length: concurrency }, async (_, lane) => {
    while (goesOn()) {
      const start = performance.now();
      try {
        await work(index++, lane);
        latencies.push(performance.now() - start);
      } catch (error) {
        errors.push(error as Error);
      }
    }
  });
  await Promise.all(lanes);
  return { latencies, seconds: (performance.now() - began) / 1000, errors };
}

/** As `drive`, for what must not fail. */
export async function driveWell(...args: Parameters<typeof drive>): Promise<Driven> {
  const driven = await drive(...args);
  if (driven.errors.length) throw driven.errors[0];
  return driven;
}

// --- processors ---

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Of processor time, with its children that are gone. */
  readonly seconds: number;
}

const TICKS = 100; // of /proc a second, on Linux

function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [, parent, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const spent = fields.slice(9, 13).reduce((sum, ticks) => sum + Number(ticks), 0);
        return [{ pid: Number(name), parent: Number(parent), seconds: spent / TICKS }];
      } catch {
        return []; // gone meanwhile
      }
    });
}

/** A process and all that it started. */
export function family(pid: number, all: readonly Process[] = processes()): Process[] {
  return all.filter((one) => one.pid === pid).concat(all.filter(({ parent }) => parent === pid).flatMap((child) => family(child.pid, all)));
}

/** Bytes of memory that a process holds now. */
export const residentBytes = (pid: number): number => 1024 * Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);

/** Whose processor time is told apart: by name, the process at the head of each family. */
export type Families = Readonly<Record<string, number>>;

/**
 * Starts to count who spends the processors.
 * @returns when called: shares of one processor, "others" being everything else on the machine
 */
export function meter(families: Families): () => Readonly<Record<string, number>> {
  const named: Families = { bench: process.pid, ...families };
  const look = () => {
    const all = processes();
    const own = (pid: number) => all.find((one) => one.pid === pid)?.seconds ?? 0;
    const spent = Object.entries(named).map(([name, pid]): [string, number] => [
      name,
      name === "bench" ? own(pid) : family(pid, all).reduce((sum, { seconds }) => sum + seconds, 0),
    ]);
    const busy = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
    const others = busy - spent.reduce((sum, [, seconds]) => sum + seconds, 0);
    return { at: performance.now(), spent: { ...Object.fromEntries(spent), others } as Record<string, number> };
  };
  const before = look();
  return () => {
    const after = look();
    const passed = (after.at - before.at) / 1000;
    return Object.fromEntries(Object.entries(after.spent).map(([name, seconds]) => [name, Math.max(0, seconds - before.spent[name]!) / passed]));
  };
}
