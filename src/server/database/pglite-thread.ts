/**
 * The thread that owns PGlite, so that no query ever blocks the server. It speaks PostgreSQL's wire protocol: bytes come, bytes go. Started by
 * embedded.ts. It also does what PostgreSQL does in other processes and PGlite leaves out: syncing to disk, checkpoints, vacuum.
 */
import { parentPort, workerData } from "node:worker_threads";
import { PGlite, protocol } from "@electric-sql/pglite";
import { ClusterFiles } from "./cluster-files.ts";
import type { Answer, Task } from "./embedded.ts";

const port = parentPort!;
const task = workerData as Task;

/** PGlite's initdb, without the two databases that others would be copied from: nobody would ever vacuum them. */
async function makeTemplate(cluster: string): Promise<void> {
  const pg = await PGlite.create({
    dataDir: cluster,
    initDbStartParams: ["--wal-segsize=4"], // MB; the default 16 are much to write for a small database
    startParams: startParams(false),
  });
  for (const name of ["template0", "template1"]) {
    await pg.query("update pg_database set datistemplate = false where datname = $1", [name]);
    await pg.exec(`drop database ${name}`);
  }
  await pg.exec("vacuum (freeze, analyze)");
  await pg.close();
}

async function serve({ cluster, durable, module, synced }: Extract<Task, { kind: "serve" }>): Promise<void> {
  const complaints: string[] = [];
  const files = new ClusterFiles(cluster, durable ? synced : undefined);
  const pg = await PGlite.create({
    fs: files,
    ...{ pgliteWasmModule: module },
    startParams: startParams(durable),
    onStderr: (text) => {
      if (complaints.push(text) > 20) complaints.shift();
      return false;
    },
  }).catch((error) => {
    throw new Error(reason(complaints, error), { cause: error });
  });
  const backend = pg.Module;
  const mainLoop = backend._PostgresMainLoopOnce;
  // PGlite knows one exception, PostgreSQL's return after an error, and ignores all others: then the database is in no defined state.
  backend._PostgresMainLoopOnce = () => {
    try {
      mainLoop();
    } catch (error) {
      if ((error as { status?: number }).status !== 100) die(error);
      throw error;
    }
  };
  const die = (error: unknown) => {
    port.postMessage({ died: reason(complaints, error) } satisfies Answer);
    process.exit(1);
  };

  const run = (request: Uint8Array): Uint8Array<ArrayBuffer> => {
    const parts: Uint8Array[] = [];
    void pg.execProtocolRawStream(request, { syncToFs: false, onRawData: (part) => parts.push(part.slice()) });
    return joined(parts);
  };
  const command = (sql: string) => run(protocol.serialize.query(sql));
  let [checkpointed, vacuumed] = [0, 0]; // the count of WAL bytes when it was last done

  files.deferring = durable;
  port.postMessage({ ready: true } satisfies Answer);

  let pending: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  for await (const message of messages()) {
    if (message === "close") break;
    pending = pending.length ? Buffer.concat([pending, message]) : Buffer.from(message.buffer);
    const whole = wholeRequests(pending);
    if (!whole) continue;
    const bytes = run(pending.subarray(0, whole));
    pending = pending.subarray(whole);
    port.postMessage({ bytes, wal: files.unsynced() } satisfies Answer, [bytes.buffer]);
    if (files.walBytes - checkpointed < 16e6 || pg.isInTransaction()) continue;
    if (files.walBytes - vacuumed > 64e6) {
      command("vacuum (analyze)");
      vacuumed = files.walBytes;
    }
    command("checkpoint");
    checkpointed = files.walBytes;
  }
  files.deferring = false;
  if (files.walBytes - vacuumed > 4e6) command("vacuum (analyze)");
  await pg.close();
  process.exit(0);
}

/** PostgreSQL's last words, as far as it had any. */
const reason = (complaints: readonly string[], error: unknown): string => {
  const fatal = complaints.findLast((line) => /\b(FATAL|PANIC): /.test(line))?.replace(/^.*?\b(FATAL|PANIC): +/, "");
  return fatal ?? (complaints.join("\n") || (error as Error).message);
};

/** What the main thread sends, one after the other. */
async function* messages(): AsyncGenerator<Uint8Array | "close"> {
  const queue: (Uint8Array | "close")[] = [];
  let wake = () => {};
  port.on("message", (message) => {
    queue.push(message);
    wake();
  });
  for (;;) {
    const next = queue.shift();
    if (next) yield next;
    else
      await new Promise<void>((done) => {
        wake = done;
      });
  }
}

/** PostgreSQL's own defaults suit a server; these suit one connection in a small process. */
const startParams = (durable: boolean): string[] => {
  const settings = {
    fsync: durable ? "on" : "off",
    wal_sync_method: "fsync", // the one that Emscripten passes on
    shared_buffers: "16MB",
    max_connections: "5",
    max_wal_senders: "0",
    wal_level: "minimal",
    min_wal_size: "32MB",
  };
  const ours = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return [...PGlite.defaultStartParams.filter((param) => param !== "-F"), ...ours];
};

/** Messages that the backend answers: simple query, sync. And what starts a connection has no type, but a length below 2^24. */
const answered = new Set(["Q", "S"].map((type) => type.charCodeAt(0)));

/** How many of the bytes make whole requests. */
function wholeRequests(bytes: Buffer): number {
  let whole = 0;
  for (let at = 0; at + 5 <= bytes.length; ) {
    const type = bytes[at]!;
    at += type === 0 ? bytes.readInt32BE(at) : 1 + bytes.readInt32BE(at + 1);
    if (at <= bytes.length && (type === 0 || answered.has(type))) whole = at;
  }
  return whole;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

if (task.kind === "template") await makeTemplate(task.cluster);
else await serve(task);
