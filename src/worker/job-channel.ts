/**
 * What a worker and the process of one job say to each other, over IPC with serialization "advanced". The process has no
 * address and no credentials: what it asks for, the worker does for this one job, with what the job's claim allows.
 */
import type { ChildProcess } from "node:child_process";
import { openAsBlob } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { storedFile } from "../data/snapshot.ts";
import { artifactName, type ClaimedJob, type Finish, type Report } from "../shared/api/schemas.ts";
import type { StoredFile } from "../shared/dataset.ts";
import { type ErrorView, fail, remoteError, toTrainyardError } from "../shared/errors.ts";
import type { Lease } from "./lease.ts";
import type { Parts } from "./output.ts";

/** A job as its process knows it. */
export type Job = Pick<ClaimedJob, "id" | "kind" | "subject" | "payload">;

export interface Assignment {
  readonly job: Job;
  /** Of the dataset's one file, or of the folder with several. */
  readonly path?: string;
  /** An empty folder for what it writes; gone with the job. */
  readonly directory: string;
  /** Where built-in datasets are kept once they were downloaded. */
  readonly downloads: string;
  readonly mostThreads?: number;
}

/** What a job that succeeded ends with. */
export type Result = Pick<Finish, "result" | "evaluation" | "dataset" | "artifacts">;
/** The last word of the process; neither, when it ended early because it was told to, with all that is needed to go on uploaded. */
export interface Ending {
  readonly result?: Result;
  readonly error?: ErrorView;
}

/** What the process may ask for. Bytes go in pieces, as one message holds less than 2 GiB and is held several times on its way. */
interface Operations {
  report(report: Omit<Report, "token">): Promise<void>;
  /** The next piece of the file that is uploaded next. */
  append(bytes: Uint8Array): Promise<void>;
  upload(sha256: string): Promise<void>;
  /** A file that it wrote in its folder. */
  uploadFile(name: string): Promise<StoredFile>;
  /** A piece of a file of the job, and the size of the whole. */
  read(sha256: string, offset: number): Promise<{ readonly size: number; readonly bytes: Uint8Array }>;
}
type Operation = keyof Operations;

type ToJob =
  | ({ readonly type: "perform" } & Assignment)
  | { readonly type: "stop" }
  | { readonly type: "answer"; readonly id: number; readonly value?: unknown; readonly error?: ErrorView };
type ToWorker =
  | { readonly type: "ask"; readonly id: number; readonly operation: Operation; readonly args: readonly unknown[] }
  | ({ readonly type: "end" } & Ending);

const PIECE = 32 * 2 ** 20;

// --- the worker's end ---

export interface JobOrders {
  stop(): void;
}

/**
 * Gives a process its work, and does what it asks for.
 * @param most bytes of a file that it may upload: more than its memory holds is no honest file
 * @param ended takes its last word
 */
export function direct(child: ChildProcess, assignment: Assignment, lease: Lease, most: number, ended: (ending: Ending) => void): JobOrders {
  const tell = (message: ToJob) => void child.send(message, () => {}); // that it is gone is told by its exit
  const operations = operationsOn(lease, most, assignment.directory);
  child.on("message", async (message: ToWorker) => {
    if (message?.type === "end") ended(message);
    if (message?.type !== "ask") return;
    const { id, operation, args } = message;
    try {
      if (!Object.hasOwn(operations, operation)) throw fail("INTERNAL", { detail: `a job asked for ${operation}` });
      const value = await (operations[operation] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
      tell({ type: "answer", id, value });
    } catch (error) {
      tell({ type: "answer", id, error: toTrainyardError(error).toJSON() });
    }
  });
  tell({ type: "perform", ...assignment });
  return { stop: () => tell({ type: "stop" }) };
}

function operationsOn(lease: Lease, most: number, directory: string): Operations {
  let pieces: Uint8Array[] = [];
  let size = 0;
  let loaded: { readonly sha256: string; readonly bytes: Uint8Array } | undefined;
  return {
    report: (report) => lease.report(report),
    async append(bytes) {
      // Whoever asks is not trusted: what has no length would be counted as nothing.
      if (!(bytes instanceof Uint8Array)) throw fail("BAD_BODY", { want: "bytes", got: `it is ${typeof bytes}` });
      size += bytes.length;
      if (size > most) throw fail("PAYLOAD_TOO_LARGE", { limit: most });
      pieces.push(bytes);
    },
    upload(sha256) {
      const content = new Blob(pieces as Uint8Array<ArrayBuffer>[]);
      [pieces, size] = [[], 0];
      return lease.upload(sha256, content);
    },
    async uploadFile(name) {
      // Names become paths here, and whoever gives them is not trusted: neither to stay in the folder, nor to have put files there.
      const path = join(directory, artifactName.parse(name));
      if (!(await lstat(path)).isFile()) throw fail("BAD_FILE", { path: name, want: "a file", got: "is none", fix: "Import the dataset again." });
      const file = await storedFile(path);
      await lease.upload(file.sha256, await openAsBlob(path));
      return file;
    },
    async read(sha256, offset) {
      if (loaded?.sha256 !== sha256) loaded = { sha256, bytes: await lease.load(sha256) };
      const { bytes } = loaded;
      const end = offset + PIECE;
      if (end >= bytes.length) loaded = undefined;
      return { size: bytes.length, bytes: bytes.subarray(offset, end) };
    },
  };
}

// --- the job's end ---

interface Asked {
  readonly done: (value: never) => void;
  readonly failed: (error: Error) => void;
}

/** All that the process of a job can do besides computing. Every call throws what the server refuses. */
export class JobChannel {
  readonly job: Job;
  readonly #asked = new Map<number, Asked>();
  readonly #stop = new AbortController();
  #next = 0;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(job: Job) {
    this.job = job;
    process.on("message", (message: ToJob) => {
      if (message.type === "stop") this.#stop.abort();
      if (message.type !== "answer") return;
      const { id, value, error } = message;
      const { done, failed } = this.#asked.get(id)!;
      this.#asked.delete(id);
      if (error) failed(remoteError(error));
      else done(value as never);
    });
  }

  /** Aborted when the work is to end: by order, or because the worker shuts down. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  report(report: Omit<Report, "token">): Promise<void> {
    return this.#ask("report", report);
  }

  async upload(sha256: string, content: Parts): Promise<void> {
    for (const part of content) for (let at = 0; at < part.length; at += PIECE) await this.#ask("append", part.subarray(at, at + PIECE));
    await this.#ask("upload", sha256);
  }

  /** A file in the job's folder, from the disk: its size does not matter. */
  uploadFile(name: string): Promise<StoredFile> {
    return this.#ask("uploadFile", name);
  }

  /** A file of the job. @throws BLOB_MISMATCH */
  async load(sha256: string): Promise<Uint8Array> {
    const first = await this.#ask("read", sha256, 0);
    const whole = new Uint8Array(first.size);
    whole.set(first.bytes);
    for (let at = first.bytes.length; at < whole.length; at += PIECE) whole.set((await this.#ask("read", sha256, at)).bytes, at);
    return whole;
  }

  /**
   * Resolves when what was said has left this process. A training step blocks it for half a second, and between two of them
   * but a fifth of a megabyte would leave: whoever computes waits a moment instead.
   */
  async sent(): Promise<void> {
    await this.#sending;
  }

  end(ending: Ending): void {
    this.#send({ type: "end", ...ending });
  }

  #ask<O extends Operation>(operation: O, ...args: Parameters<Operations[O]>): ReturnType<Operations[O]> {
    const id = this.#next++;
    const answer = new Promise((done, failed) => {
      this.#asked.set(id, { done, failed });
      this.#send({ type: "ask", id, operation, args });
    });
    return answer as ReturnType<Operations[O]>;
  }

  #send(message: ToWorker): void {
    // Where it fails the worker is gone, and this process with it.
    this.#sending = new Promise((sent) => process.send!(message, undefined, {}, sent));
  }
}
