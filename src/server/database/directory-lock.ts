/**
 * One process owns a folder. The lock is a local socket that its owner listens on: the system closes it when the process ends, however it ends,
 * so it is never stale, and no process id has to be believed. On Linux and macOS the sockets are files in the folder, which containers that
 * share the folder see too; on Windows it is one named pipe, which the system gives to one process only.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, realpath, rename, rm, symlink, unlink } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail } from "../../shared/errors.ts";

export interface Owner {
  readonly pid: number;
  /** What it is doing with the folder: "trainyard serve". */
  readonly what: string;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/** What a socket answers to whoever connects. A candidate has announced itself and looks whether it is alone. One that is paused is silent. */
interface Holder extends Owner {
  readonly id: string;
  readonly since: string;
  readonly state: "candidate" | "owner" | "silent";
}

/** @throws DIRECTORY_IN_USE naming the process that has it */
export async function lockDirectory(directory: string, owner: Owner): Promise<DirectoryLock> {
  const path = await realpath(directory);
  return process.platform === "win32" ? lockByPipe(path, owner) : lockBySockets(path, owner);
}

const inUse = (path: string, { pid, what, since }: Holder) => fail("DIRECTORY_IN_USE", { path, pid, what, since });

async function lockByPipe(path: string, owner: Owner): Promise<DirectoryLock> {
  const pipe = `\\\\.\\pipe\\trainyard-${digest(path.toLowerCase())}`;
  const holder: Holder = { ...owner, id: pipe, since: new Date().toISOString(), state: "owner" };
  try {
    const server = await listen(pipe, () => holder);
    return { release: () => close(server) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw inUse(path, await ask(pipe).catch(() => ({ ...holder, pid: 0, what: "another process" })));
  }
}

/** How long candidates look for a winner. A silent one could keep them waiting for ever. */
const candidacy = 4000; // ms

/**
 * Every candidate announces itself, then looks. Only one that sees nobody else alive becomes the owner: of two that did, the one that announced
 * itself later must have seen the other. Among candidates the later ones withdraw, so the earliest is soon alone.
 */
async function lockBySockets(path: string, owner: Owner): Promise<DirectoryLock> {
  for (const end = Date.now() + candidacy; ; ) {
    const mine = await announce(path, owner);
    for (;;) {
      const others = await mine.others();
      if (others.length === 0) {
        mine.own();
        return { release: mine.withdraw };
      }
      const first = others.find(({ state }) => state === "owner") ?? (Date.now() > end ? others[0] : undefined);
      if (first || others.some(({ id }) => id < mine.id)) await mine.withdraw();
      if (first) throw inUse(path, first);
      await sleep(5 + Math.random() * 20);
      if (others.some(({ id }) => id < mine.id)) break;
    }
  }
}

async function announce(path: string, owner: Owner) {
  const since = new Date();
  const id = `${since.getTime().toString(36)}-${owner.pid}-${randomBytes(4).toString("hex")}`; // in order of time
  let state: Holder["state"] = "candidate";
  const answer = (): Holder => ({ ...owner, id, since: since.toISOString(), state });
  const { folder, server } = await place(path, `${id}.new`, answer);
  await rename(join(folder, `${id}.new`), join(folder, `${id}.sock`)); // from now on it is seen, and it listens already

  return {
    id,
    own: () => {
      state = "owner";
    },
    withdraw: async () => {
      await unlink(join(folder, `${id}.sock`)).catch(() => {});
      await close(server);
    },
    others: async (): Promise<Holder[]> => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".sock") && name !== `${id}.sock`);
      return (await Promise.all(names.map((name) => visit(folder, name)))).filter((holder) => holder !== undefined);
    },
  };
}

/** Sockets live in the folder itself. Where its file system has none (network drives, some container mounts), beside others of this machine. */
async function place(path: string, name: string, answer: () => Holder): Promise<{ folder: string; server: Server }> {
  const folders = [join(path, "lock"), join(tmpdir(), `trainyard-lock-${digest(path)}`)];
  for (const folder of folders) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      return { folder, server: await shortened(folder, (short) => listen(join(short, name), answer)) };
    } catch (error) {
      const unsupported = ["ENOTSUP", "EOPNOTSUPP", "EPERM", "EINVAL", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (!unsupported || folder === folders.at(-1)) throw error;
    }
  }
  throw fail("INTERNAL", { detail: "a lock has no place" });
}

/** Asks the holder of a socket. One that nobody listens on is left from a process that ended, and nobody will ever listen on it again. */
async function visit(folder: string, name: string): Promise<Holder | undefined> {
  for (;;) {
    try {
      return await shortened(folder, (short) => ask(join(short, name)));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ECONNREFUSED") await unlink(join(folder, name)).catch(() => {});
      if (code === "ECONNREFUSED" || code === "ENOENT") return undefined;
      const [time = "", pid = ""] = name.split("-");
      const since = new Date(Number.parseInt(time, 36)).toISOString();
      if (code !== "ECONNRESET") return { id: name, pid: Number(pid), what: "another process", since, state: "silent" };
      await sleep(5); // it is withdrawing, or ends just now
    }
  }
}

/** The system keeps 104 bytes for the path of a socket: a longer one is reached through a link in the temporary folder. */
async function shortened<T>(folder: string, use: (folder: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(folder) < 60) return use(folder);
  const temporary = await mkdtemp(join(tmpdir(), "ty-"));
  try {
    await symlink(folder, join(temporary, "l"));
    return await use(join(temporary, "l"));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function listen(path: string, answer: () => Holder): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => {}).end(JSON.stringify(answer())));
  server.unref();
  return new Promise((done, failed) => server.once("error", failed).listen(path, () => done(server)));
}

const close = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()));

/** @throws ECONNREFUSED or ENOENT when nobody listens, ECONNRESET when somebody just stopped to, and another code when there is no answer */
function ask(path: string): Promise<Holder> {
  return new Promise((done, failed) => {
    let text = "";
    const socket = createConnection(path).setEncoding("utf8").setTimeout(1000);
    socket.on("error", failed).on("timeout", () => socket.destroy(coded("ETIMEDOUT")));
    socket.on("data", (part) => {
      text += part;
    });
    socket.on("end", () => {
      try {
        done(JSON.parse(text));
      } catch {
        failed(coded(text ? "EPROTO" : "ECONNRESET"));
      }
    });
  });
}

const coded = (code: string): Error => Object.assign(new Error(code), { code });

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
