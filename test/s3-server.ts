/** Object stores to test against, each in a process of its own on a free port of this machine: s3rver always, moto's where Python has it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ObjectStore, openStore, type StoreOptions } from "../src/storage/object-store.ts";

const python = process.env.TRAINYARD_PYTHON;
const motoScript = `
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
print("listening on", server.get_host_and_port()[1], flush=True)
sys.stdin.read()
os._exit(0)
`;

/** Whether moto can be started: TRAINYARD_PYTHON names a Python that has moto[server]. */
export const hasMoto = (() => {
  if (!python) return false;
  try {
    execFileSync(python, ["-c", "import moto.server"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

type Command = (port: number) => [program: string, ...args: string[]];

export class S3Server {
  readonly bucket = "trainyard-tests";
  readonly #command: Command;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(command: Command) {
    this.#command = command;
  }

  /** @param folder keeps the objects: started again with it, the server has them again */
  static s3rver(folder: string): S3Server {
    const script = fileURLToPath(new URL("s3rver.mjs", import.meta.url));
    return new S3Server((port) => [process.execPath, "--openssl-legacy-provider", script, folder, `${port}`, "trainyard-tests"]);
  }

  /** Keeps its objects in memory: they are gone when it stops. */
  static moto(): S3Server {
    if (!hasMoto) throw new Error("TRAINYARD_PYTHON names no Python with moto[server]");
    return new S3Server((port) => [python!, "-c", motoScript, `${port}`]);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What `openStore` needs besides a directory. s3rver knows this one account, moto takes any. */
  get options(): Omit<StoreOptions, "directory"> {
    const s3 = { endpoint: this.endpoint, accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
    return { url: `s3://${this.bucket}`, s3 };
  }

  /** Starts with an empty bucket, or the one in its folder. @param port the one it had before, or a free one, when left out */
  async start(port = this.#port): Promise<this> {
    const [program, ...args] = this.#command(port);
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints = (complaints + text).slice(-2000);
    });
    this.#child = child;
    this.#port = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`${program} ${args[1]} ended with ${code}: ${complaints}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const [, found] = /^listening on (\d+)$/.exec(line) ?? [];
        if (found) resolve(Number(found));
      });
    });
    const answer = await fetch(`${this.endpoint}/${this.bucket}`, { method: "PUT" });
    if (!answer.ok && answer.status !== 409) throw new Error(`no bucket: ${answer.status} ${await answer.text()}`);
    return this;
  }

  /** Lets it end by itself. */
  async stop(): Promise<void> {
    await this.#end((child) => child.stdin?.end());
  }

  /** kill -9 */
  async kill(): Promise<void> {
    await this.#end((child) => child.kill("SIGKILL"));
  }

  async #end(how: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    how(child);
    await ended;
  }
}

export type StoreKind = "files" | "s3rver" | "moto";

/** What one suite runs on, and what this machine lacks for it. */
export const storeKinds: readonly { readonly kind: StoreKind; readonly needs?: string }[] = [
  { kind: "files" },
  { kind: "s3rver" },
  { kind: "moto", needs: hasMoto ? undefined : "TRAINYARD_PYTHON with moto[server]" },
];

/** Opens any number of empty stores of a kind. */
export class TestStores {
  readonly #folder = mkdtempSync(join(tmpdir(), "trainyard-stores-"));
  readonly #server: S3Server | undefined;
  readonly #open: ObjectStore[] = [];

  constructor(kind: StoreKind) {
    this.#server = kind === "files" ? undefined : kind === "s3rver" ? S3Server.s3rver(join(this.#folder, "s3")) : S3Server.moto();
  }

  async start(): Promise<void> {
    await this.#server?.start();
  }

  /** What opens a store that nobody else has. */
  fresh(): StoreOptions {
    const name = randomUUID();
    const { url, s3 } = this.#server?.options ?? {};
    return { directory: join(this.#folder, name), url: url && `${url}/${name}`, s3 };
  }

  async open(options = this.fresh()): Promise<ObjectStore> {
    const store = await openStore(options);
    this.#open.push(store);
    return store;
  }

  async end(): Promise<void> {
    for (const store of this.#open) await store.close();
    await this.#server?.kill();
    rmSync(this.#folder, { recursive: true });
  }
}
