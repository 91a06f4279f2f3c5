/** MLflow's server, set up as its documentation recommends (PostgreSQL, default workers), and what both servers are compared at: lists and metric points. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { caller, type Driven, driveWell, median, query } from "./measure.ts";
import { pushPoints } from "./points.ts";
import { integer, latency, progress, type Row } from "./report.ts";
import { madeRun } from "./runs.ts";
import type { Server } from "./server.ts";

const WANTED = 10; // times as fast
const CLIENTS = 8;
const ROUNDS = 3;
const METRIC = "validation_accuracy";
/** Points that MLflow takes in one request. */
const MOST_POINTS = 1000;

interface Mlflow {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  stop(): Promise<void>;
}

async function startMlflow(python: string, database: string): Promise<Mlflow> {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-mlflow-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const store = database.replace("postgresql:", "postgresql+psycopg2:"); // its driver: which one is the default depends on the version
  const flags = ["--backend-store-uri", store, "--artifacts-destination", folder, "--host", "127.0.0.1", "--port", `${port}`];
  const child: ChildProcess = spawn(python, ["-m", "mlflow", "server", ...flags], {
    cwd: folder,
    stdio: ["ignore", "ignore", "ignore"],
    // A group of its own, since it starts processes that start processes.
    detached: true,
    env: { PATH: process.env.PATH, HOME: folder, MLFLOW_DISABLE_TELEMETRY: "true" },
  });
  const ended = once(child, "exit");
  const version = async () => (await fetch(`${url}/version`).catch(() => undefined))?.text();
  let answer = await version();
  for (const giveUp = Date.now() + 180_000; !answer; answer = await version()) {
    if (child.exitCode !== null || Date.now() > giveUp) throw new Error(`mlflow does not start; try: ${python} -m mlflow server ${flags.join(" ")}`);
    await sleep(200);
  }
  return {
    url,
    pid: child.pid!,
    version: answer,
    async stop() {
      process.kill(-child.pid!, "SIGTERM");
      await Promise.race([ended, sleep(10_000)]);
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // all gone
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

interface MlflowOptions {
  readonly python: string;
  /** An empty database for MLflow. */
  readonly database: string;
  readonly server: Server;
  /** How many runs of how many points MLflow gets: fewer than Trainyard, since it takes them slowly. */
  readonly runs: number;
  readonly points: number;
  /** How many Trainyard has. */
  readonly ours: number;
  readonly seconds: number;
}

export async function compareMlflow({ python, database, server, runs, points, ours, seconds }: MlflowOptions): Promise<Row[]> {
  progress("MLflow starts ...");
  const mlflow = await startMlflow(python, database);
  const api = caller(mlflow.url, { sockets: CLIENTS });
  const post = async <T>(path: string, body: object): Promise<T> => JSON.parse((await api("POST", `/api/2.0/mlflow/${path}`, body)).text) as T;
  const own = caller(server.url, { sockets: CLIENTS });
  try {
    const { experiment_id } = await post<{ experiment_id: string }>("experiments/create", { name: "bench" });
    progress(`MLflow takes ${runs} runs ...`);
    const ids: string[] = [];
    const loading = await driveWell(CLIENTS, { times: runs }, async (i) => ids.push(await logRun(post, experiment_id, i, points)));

    progress("lists, in turns ...");
    const search = { experiment_ids: [experiment_id], max_results: 50, order_by: [`metrics.${METRIC} DESC`] };
    const list = `/api/runs?${query({ limit: 50, sort: `-metrics.${METRIC}` })}`;
    const rows = [
      await inTurns("lists of 50 runs by a metric", seconds, 1, {
        ours: () => driveWell(CLIENTS, { seconds }, () => own("GET", list)),
        theirs: () => driveWell(CLIENTS, { seconds }, () => post("runs/search", search)),
      }),
    ];
    for (const batch of [100, MOST_POINTS]) {
      progress(`metric points, ${batch} a request, in turns ...`);
      let step = 0;
      rows.push(
        await inTurns(`metric points, ${batch} a request`, seconds, batch, {
          ours: () => pushPoints(server, { trainings: CLIENTS, batch, seconds }),
          theirs: () =>
            driveWell(CLIENTS, { seconds }, (_, lane) => {
              const timestamp = Date.now();
              const metrics = Array.from({ length: batch }, () => ({ key: "pushed", value: 1 / ++step, timestamp, step }));
              return post("runs/log-batch", { run_id: ids[lane], metrics });
            }),
        }),
      );
    }
    return [
      {
        what: "what both hold",
        measured: `${integer(ours)} runs here, ${integer(runs)} in MLflow ${mlflow.version}`,
        note: `of ${points} points each; MLflow took them at ${integer((runs * points) / loading.seconds)} points /s`,
      },
      ...rows,
    ];
  } finally {
    api.close();
    own.close();
    await mlflow.stop();
  }
}

/** A run as its client would log it: parameters, tags, points in batches of the greatest size. @returns its id */
async function logRun(post: <T>(path: string, body: object) => Promise<T>, experiment_id: string, index: number, points: number): Promise<string> {
  const { settings, tags, reports } = madeRun(index, points);
  const { run } = await post<{ run: { info: { run_id: string } } }>("runs/create", {
    experiment_id,
    run_name: `run-${index}`,
    start_time: Date.now(),
  });
  const { run_id } = run.info;
  const params = [...Object.entries(settings.training), ...Object.entries(settings.optimizer!.params)].map(([key, value]) => ({
    key,
    value: `${value}`,
  }));
  const timestamp = Date.now();
  const metrics = reports.flat().flatMap(({ series, steps, values }) => steps.map((step, i) => ({ key: series, value: values[i], timestamp, step })));
  // At most a thousand items of all kinds a request.
  await post("runs/log-batch", { run_id, params, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) });
  for (let from = 0; from < metrics.length; from += MOST_POINTS)
    await post("runs/log-batch", { run_id, metrics: metrics.slice(from, from + MOST_POINTS) });
  return run_id;
}

/** Takes turns, so that both see the same machine, and compares the medians. */
async function inTurns(
  what: string,
  seconds: number,
  each: number,
  sides: { readonly ours: () => Promise<Driven>; readonly theirs: () => Promise<Driven> },
): Promise<Row> {
  const turns = { ours: [] as Driven[], theirs: [] as Driven[] };
  for (let round = 0; round < ROUNDS; round++) {
    turns.ours.push(await sides.ours());
    turns.theirs.push(await sides.theirs());
  }
  const rate = (all: readonly Driven[]) => median(all.map((one) => (each * one.latencies.length) / one.seconds));
  const waits = (all: readonly Driven[]) => latency(all.flatMap(({ latencies }) => latencies));
  const [ours, theirs] = [rate(turns.ours), rate(turns.theirs)];
  return {
    what,
    measured: `${integer(ours)} /s here, ${integer(theirs)} /s in MLflow: ${(ours / theirs).toFixed(1)} x`,
    wanted: `${WANTED} x`,
    ok: ours / theirs >= WANTED,
    note: `${CLIENTS} clients, medians of ${ROUNDS} turns of ${seconds} s; here ${waits(turns.ours)}, MLflow ${waits(turns.theirs)}`,
  };
}
