/** What the bench measures against: a PostgreSQL cluster of its own, and `trainyard serve` as people start it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { machineTokens } from "./measure.ts";

export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Seconds from the command until it answers that it is ready. */
  readonly startSeconds: number;
  /** What workers show. */
  readonly token: string;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** dist/cli/main.js */
  readonly main: string;
  /** The data directory. */
  readonly home: string;
  /** Of PostgreSQL; without it the database is embedded. */
  readonly database?: string;
  readonly workers?: number;
}

/** Starts `trainyard serve` and waits until /health/ready says yes. */
export async function serve({ main, home, database, workers = 0 }: ServeOptions): Promise<Server> {
  mkdirSync(home, { recursive: true });
  const began = performance.now();
  const child = spawn(process.execPath, [main, "serve", "--no-demo", "--json", "--port", "0", "--data", home, "--workers", `${workers}`], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...(database && { DATABASE_URL: database }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const url = await new Promise<string>((done, failed) => {
    ended.then(([code]) => failed(new Error(`trainyard serve ended with exit code ${code}; what it said is above`)), failed);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const told = JSON.parse(line) as { type: string; url: string };
      if (told.type === "serving") done(told.url);
    });
  });
  while (!(await fetch(`${url}/health/ready`)).ok);
  machineTokens.set(url, readFileSync(join(home, "machine-token"), "utf8"));
  const startSeconds = (performance.now() - began) / 1000;
  return {
    url,
    pid: child.pid!,
    startSeconds,
    token: readFileSync(join(home, "worker-token"), "utf8"),
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The process at the head of a PostgreSQL server, for its processor time. */
export async function postmaster(database: string): Promise<number> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const stat = readFileSync(`/proc/${rows[0]!.pid}/stat`, "utf8");
  await client.end();
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
