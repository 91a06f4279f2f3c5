/**
 * `node --conditions=source --import tsx bench/platform.ts`: the platform under load, on a PostgreSQL cluster of its own, and MLflow's server beside it.
 * Prints the tables of `bench/platform.md`. Exit code 1 when something fails; targets that are missed are told, no failure.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../test/postgres-server.ts";
import { measureClients } from "./platform/clients.ts";
import { measureEvents, measurePatches } from "./platform/events.ts";
import { measureGate } from "./platform/gate.ts";
import { measureLists } from "./platform/lists.ts";
import { loadRuns } from "./platform/load.ts";
import { caller } from "./platform/measure.ts";
import { compareMlflow } from "./platform/mlflow.ts";
import { measureMostPoints, measurePoints } from "./platform/points.ts";
import { integer, misses, printTable, progress, type Row } from "./platform/report.ts";
import { postmaster, type Server, serve } from "./platform/server.ts";
import { measureStart } from "./platform/start.ts";

const sections = ["gate", "lists", "points", "clients", "events", "mlflow", "start"] as const;
type Section = (typeof sections)[number];

const usage = `Usage: bench/platform.ts [--runs 10000] [--points 1000] [--quick] [--python PATH] [--only ${sections.join(",")}] [--main dist/cli/main.js]
--quick   300 runs and short turns, to see that it works
--python  of an environment with mlflow and psycopg2-binary; without it there is nothing to compare with`;

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string" },
    points: { type: "string", default: "1000" },
    quick: { type: "boolean", default: false },
    python: { type: "string" },
    only: { type: "string", default: sections.join(",") },
    main: { type: "string", default: "dist/cli/main.js" },
    help: { type: "boolean", default: false },
  },
});
if (flags.help) {
  console.log(usage);
  process.exit();
}
const { quick } = flags;
const runs = Number(flags.runs ?? (quick ? 300 : 10_000));
const points = Number(flags.points);
const chosen = flags.only.split(",") as Section[];
const main = resolve(flags.main);
if (!chosen.every((name) => sections.includes(name)) || !(runs >= 100) || !(points >= 100) || !existsSync(main)) {
  console.error(existsSync(main) ? usage : `there is no ${main}: npm run build makes it`);
  process.exit(2);
}
const wants = (name: Section) => chosen.includes(name);
/** Seconds of a measurement. */
const short = quick ? 3 : 10;
const long = quick ? 5 : 20;

const cluster = await startPostgres({ fsync: true });
const home = mkdtempSync(join(tmpdir(), "trainyard-bench-"));
try {
  const database = await cluster.fresh();
  const families = { PostgreSQL: await postmaster(database) };
  console.log(
    `${cpus()[0]!.model}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${platform()} ${release()}; Node ${process.versions.node}, PostgreSQL ${await versionOf(database)} as it is shipped`,
  );
  progress(`loading ${runs} runs of ${points} points ...`);
  const took = await loadRuns(database, runs, points);
  printTable("Load", [
    {
      what: `${integer(runs)} runs of ${integer(points)} points, by the server's store functions`,
      measured: `${integer(took)} s`,
      note: `${integer((runs * points) / took)} points /s, ${await sizeOf(database)}`,
    },
  ]);

  /** Each section meets a server that was just started. */
  const withServer = async (work: (server: Server) => Promise<Row[]>): Promise<Row[]> => {
    const server = await serve({ main, home, database });
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  };
  const section = async (name: Section, title: string, work: () => Promise<Row[]>) => {
    if (!wants(name)) return;
    progress(`${name} ...`);
    printTable(title, await work());
  };

  await section("gate", "The gate", () => withServer((server) => measureGate(server, database, short)));
  await section("lists", "Lists and pages", () => withServer(({ url }) => measureLists(url, quick ? 60 : 500)));
  await section("points", "Metric points", () =>
    withServer(async (server) => [...(await measurePoints(server, families, long)), ...(await measureMostPoints(server, families, short))]),
  );
  await section("clients", "Many clients", () => withServer(async (server) => measureClients(server, families, await changeable(server.url), long)));
  await section("events", "Events", async () => [
    ...(await withServer(async (server) => measurePatches(server, families, await changeable(server.url), short))),
    ...(await measureEvents(database, families, short)),
  ]);
  if (wants("mlflow") && !flags.python) progress("mlflow: left out, as there is no --python");
  else if (flags.python) {
    const scale = { runs: quick ? 50 : Math.min(1000, runs), points, ours: runs, seconds: quick ? 2 : 5 };
    const python = resolve(flags.python);
    await section("mlflow", "Beside MLflow", () =>
      withServer(async (server) => compareMlflow({ python, database: await cluster.fresh(), server, ...scale })),
    );
  }
  await section("start", "Start", async () =>
    measureStart({ main, used: database, fresh: [await cluster.fresh(), await cluster.fresh(), await cluster.fresh()] }),
  );
  printTable("Afterwards", await withServer(async ({ url }) => [await verified(url)]));
  if (misses.length) progress(`\nmissed: ${misses.join("; ")}`);
} finally {
  rmSync(home, { recursive: true, force: true });
  await cluster.close();
}

/** Runs that may be edited, of all ages. */
async function changeable(url: string): Promise<string[]> {
  const call = caller(url, { sockets: 1 });
  const { items } = JSON.parse((await call("GET", "/api/runs?limit=500&sort=name")).text) as { items: { id: string }[] };
  call.close();
  return items.map(({ id }) => id);
}

/** Tables and events agree, after all of this. */
async function verified(url: string): Promise<Row> {
  const call = caller(url, { sockets: 1 });
  const { events, entities, differences } = JSON.parse((await call("POST", "/api/admin/verify")).text) as {
    events: number;
    entities: number;
    differences: unknown[];
  };
  call.close();
  return {
    what: `differences that \`admin verify\` finds, of ${integer(events)} events and ${integer(entities)} entities`,
    measured: `${differences.length}`,
    wanted: "0",
    ok: differences.length === 0,
  };
}

async function ask<T>(database: string, sql: string): Promise<T> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows[0] as T;
}

async function versionOf(database: string): Promise<string> {
  return (await ask<{ version: string }>(database, "select current_setting('server_version') as version")).version;
}

async function sizeOf(database: string): Promise<string> {
  return (await ask<{ size: string }>(database, "select pg_size_pretty(pg_database_size(current_database())) as size")).size;
}
