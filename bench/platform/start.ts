/** How soon `trainyard serve` is ready, and how much memory it holds when nobody asks anything. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { caller, family, median, residentBytes } from "./measure.ts";
import { megabytes, progress, type Row, seconds } from "./report.ts";
import { serve } from "./server.ts";

const IDLE_SECONDS = 10;
const ROUNDS = 3;
const RUNS = 50;

export interface StartOptions {
  readonly main: string;
  /** Of PostgreSQL with runs in it, and an empty one for each round. */
  readonly used: string;
  readonly fresh: readonly string[];
}

export async function measureStart({ main, used, fresh }: StartOptions): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), "trainyard-bench-start-"));
  const home = (name: string) => join(root, name);
  const rounds = Array.from({ length: ROUNDS }, (_, i) => i);
  const started = async (options: { home: string; database?: string }, whenOpen?: (url: string) => Promise<void>): Promise<number> => {
    const server = await serve({ main, ...options });
    await whenOpen?.(server.url);
    await server.stop();
    return server.startSeconds;
  };
  /** One after the other, as they are not to disturb each other. */
  const each = async (start: (round: number) => Promise<number>): Promise<number[]> => {
    const all: number[] = [];
    for (const round of rounds) all.push(await start(round));
    return all;
  };
  try {
    progress("start: embedded ...");
    const newEmbedded = await each((i) => started({ home: home(`new-${i}`) }));
    await started({ home: home("used") }, draftRuns);
    const usedEmbedded = await each(() => started({ home: home("used") }));
    progress("start: PostgreSQL ...");
    const newServer = await each((i) => started({ home: home(`postgres-${i}`), database: fresh[i] }));
    const usedServer = await each(() => started({ home: home("postgres-0"), database: used }));
    progress("idle memory ...");
    const embedded = await idle({ main, home: home("used") });
    const server = await idle({ main, home: home("postgres-0"), database: used });
    const start = (what: string, all: readonly number[], wanted: number): Row => ({
      what,
      measured: seconds(median(all)),
      wanted: `< ${wanted} s`,
      ok: median(all) < wanted,
      note: `median of ${all.map(seconds).join(", ")}`,
    });
    const memory = (what: string, { alone, withWorker }: Idle, wanted: number): Row => ({
      what,
      measured: megabytes(alone),
      wanted: `< ${wanted} MB`,
      ok: alone < wanted * 1e6,
      note: `resident ${IDLE_SECONDS} s after the start; ${megabytes(withWorker)} with its worker, a process of its own`,
    });
    return [
      start("`serve` to ready, new data directory, embedded", newEmbedded, 3),
      start(`the same, used data directory (${RUNS} drafts)`, usedEmbedded, 2),
      start("`serve` to ready, empty PostgreSQL database", newServer, 3),
      start("the same, used database", usedServer, 2),
      memory("memory of the idle server, embedded", embedded, 450),
      memory("memory of the idle server, PostgreSQL", server, 200),
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function draftRuns(url: string): Promise<void> {
  const call = caller(url, { sockets: 1 });
  for (let seed = 0; seed < RUNS; seed++) await call("POST", "/api/runs", { dataset: { id: "mnist" }, draft: true, training: { seed } });
  call.close();
}

interface Idle {
  readonly alone: number;
  readonly withWorker: number;
}

async function idle(options: { main: string; home: string; database?: string }): Promise<Idle> {
  const server = await serve({ ...options, workers: 1 });
  await sleep(1000 * IDLE_SECONDS);
  const alone = residentBytes(server.pid);
  const withWorker = family(server.pid).reduce((sum, { pid }) => sum + residentBytes(pid), 0);
  await server.stop();
  return { alone, withWorker };
}
