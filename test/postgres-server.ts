/** A PostgreSQL cluster of a test's own: made in a temporary folder, on a free port of this machine, gone afterwards. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const installed = "/usr/lib/postgresql"; // Debian's place
const newest = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a))[0] : undefined;

/** Whether this machine has PostgreSQL's programs. */
export const available: boolean = newest !== undefined;

export interface PostgresServer {
  readonly port: number;
  /** Makes an empty database. @returns its URL */
  fresh(): Promise<string>;
  start(): Promise<void>;
  /** fast: connections are cut, transactions rolled back, everything written. immediate: as if it had crashed. */
  stop(how: "fast" | "immediate"): Promise<void>;
  restart(how: "fast" | "immediate"): Promise<void>;
  /** kill -9 of all its processes. */
  kill(): Promise<void>;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

/** @param options.fsync true for what survives a power cut, which costs time */
export async function startPostgres(options: { readonly fsync?: boolean } = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "trainyard-postgres-"));
  const data = join(folder, "data");
  const asRoot = process.getuid?.() === 0;
  const run = (program: string, ...args: string[]) => {
    const command = [join(installed, newest!, "bin", program), ...args];
    return promisify(execFile)(asRoot ? "runuser" : command[0]!, asRoot ? ["-u", "postgres", "--", ...command] : command.slice(1), { cwd: folder });
  };
  // PostgreSQL refuses to run as root.
  if (asRoot) await promisify(execFile)("chown", ["postgres", folder]);
  await chmod(folder, 0o755);
  await run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync");

  const port = await freePort();
  const settings = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", fsync: options.fsync ? "on" : "off", max_connections: 60 };
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
  const control = (...args: string[]) => run("pg_ctl", "-D", data, "-l", join(folder, "log"), "-w", "-t", "30", ...args);
  const urlOf = (name: string) => `postgresql://postgres@127.0.0.1:${port}/${name}`;
  const leader = () => Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10);
  const running = () => existsSync(join(data, "postmaster.pid"));
  let databases = 0;
  /** A test that ends before its time leaves no server behind. */
  const abandon = () => {
    if (running()) process.kill(leader(), "SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", abandon);

  const server: PostgresServer = {
    port,
    async fresh() {
      const name = `test_${++databases}`;
      const client = new pg.Client({ connectionString: urlOf("postgres") });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return urlOf(name);
    },
    start: async () => {
      await control("start", "-o", flags.join(" "));
    },
    stop: async (how) => {
      await control("stop", "-m", how);
    },
    restart: async (how) => {
      await server.stop(how);
      await server.start();
    },
    async kill() {
      const first = leader();
      const children = readFileSync(`/proc/${first}/task/${first}/children`, "utf8").trim().split(" ").map(Number);
      for (const pid of [first, ...children.filter(Boolean)]) process.kill(pid, "SIGKILL");
      await rm(join(data, "postmaster.pid"));
    },
    async close() {
      process.off("exit", abandon);
      if (running()) await server.stop("immediate");
      await rm(folder, { recursive: true });
    },
  };
  await server.start();
  return server;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
