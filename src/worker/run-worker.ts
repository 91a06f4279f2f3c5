/** The worker: claims jobs from the server and has each done in a process of its own, which hears nothing of server and credentials. `main.ts` runs it for the server, `trainyard work` in its own process. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../shared/api/client.ts";
import type { ClaimedJob, Finish } from "../shared/api/schemas.ts";
import { TrainyardError, toTrainyardError } from "../shared/errors.ts";
import { version } from "../shared/version.ts";
import { BlobCache } from "./blob-cache.ts";
import type { JobLimits } from "./config.ts";
import type { Result } from "./job-channel.ts";
import { JobLog } from "./job-log.ts";
import { JobProcess } from "./job-process.ts";
import { Lease } from "./lease.ts";

export interface WorkerOptions {
  /** With a patience of minutes: training goes on while the server is away. */
  readonly client: Client;
  /** A UUID, new for each process. */
  readonly id: string;
  readonly name: string;
  readonly labels: readonly string[];
  /** Jobs at the same time. */
  readonly slots: number;
  /** For dataset files; several workers may share it. */
  readonly cacheDirectory: string;
  /** Bytes that dataset files may take, but for those in use. */
  readonly cacheBytes?: number;
  /** Most threads of a training that leaves their number open. */
  readonly threads?: number;
  /** Of each job. */
  readonly limits: JobLimits;
  /** Drains: no more claims, checkpoints are written, jobs are given back. */
  readonly signal: AbortSignal;
  /** Takes a line for people. */
  readonly log: (line: string) => void;
}

type Ending = Omit<Finish, "token">;

/** How long a call should go on trying while the server is away, in seconds: for the client of a worker. */
export const PATIENCE_SECONDS = 600;
const LONG_POLL_SECONDS = 25;
const IDLE_PAUSE_MS = 250;
const REFUSED_PAUSE_MS = 5000;

/**
 * Works until the signal aborts and its jobs are given back.
 * @throws when the server refuses the worker
 */
export async function runWorker({ signal, ...options }: WorkerOptions): Promise<void> {
  const refused = new AbortController();
  const ended = AbortSignal.any([signal, refused.signal]);
  const { id, name, labels, slots, limits, log } = options;
  const worker = { id, name, labels: [...labels], slots, version, platform: `${process.platform}-${process.arch}` };
  const cache = new BlobCache(options.cacheDirectory, options.cacheBytes);
  const downloads = join(options.cacheDirectory, "downloads");

  async function slot(): Promise<void> {
    while (!ended.aborted) {
      const job = await claim();
      if (job) await perform(job);
      else await pause(IDLE_PAUSE_MS);
    }
  }

  const pause = (ms: number) => sleep(ms, undefined, { signal: ended }).catch(() => {});

  async function claim(): Promise<ClaimedJob | null> {
    try {
      return (await options.client.call("claimJob", { body: { worker, wait: LONG_POLL_SECONDS } }, { signal: ended })).job;
    } catch (error) {
      if (ended.aborted) return null;
      if (error instanceof TrainyardError && error.status < 500) throw error;
      log(`cannot claim a job, trying again: ${(error as Error).message}`);
      await pause(REFUSED_PAUSE_MS);
      return null;
    }
  }

  async function perform(job: ClaimedJob): Promise<void> {
    const what = `${job.kind} of ${job.subject.kind} ${job.subject.id} (job ${job.id})`;
    log(`begins ${what}`);
    const began = performance.now();
    const lease = new Lease(options.client, job, ended);
    const said = new JobLog((first, lines) => lease.log(first, lines));
    // Of a dataset there is no log.
    const process = new JobProcess(limits, log, (text) => job.subject.kind === "run" && said.hear(text));
    try {
      const { outcome, error } = await end(lease, process, said);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      log(`${outcome} ${what} after ${seconds} s${error ? `: ${error.message}` : ""}`);
    } catch (error) {
      log(`dropped ${what}: ${(lease.lost ?? (error as Error)).message}`);
    } finally {
      process.kill();
      lease.close();
    }
  }

  /** Has the job done and says how it ended. @throws when the server no longer listens */
  async function end(lease: Lease, process: JobProcess, said: JobLog): Promise<Ending> {
    const finish = async (ending: Ending) => {
      if (ending.error) said.hear(`${ending.error.message}. ${ending.error.fix}\n`);
      await said.end();
      await lease.finish(ending);
      return ending;
    };
    try {
      const result = await work(lease, process);
      return await finish(result ? { outcome: "succeeded", ...result } : { outcome: lease.stopAsked ? "stopped" : "released" });
    } catch (error) {
      if (lease.lost) throw lease.lost;
      return finish(failed(error));
    }
  }

  /** @returns undefined when it ended early because it was told to */
  function work(lease: Lease, process: JobProcess): Promise<Result | undefined> {
    const { id, kind, subject, payload } = lease.job;
    const { source, dataset } = payload;
    const { files } = source ?? dataset ?? { files: [] };
    const use = (path?: string) =>
      cache.withFolder(async (directory) => {
        if (lease.signal.aborted) return undefined;
        return process.perform({ job: { id, kind, subject, payload }, path, directory, downloads, mostThreads: options.threads }, lease);
      });
    if (!files.length) return use();
    return new Promise((done, failed) => {
      const stop = () => process.performs || done(undefined);
      if (lease.signal.aborted) stop();
      lease.signal.addEventListener("abort", stop, { once: true });
      cache.withFiles(files, (sha256, read) => lease.download(sha256, read), use).then(done, failed);
    });
  }

  await Promise.all(Array.from({ length: slots }, () => slot().catch((error) => refused.abort(error))));
  refused.signal.throwIfAborted();
}

const failed = (error: unknown): Ending => {
  const { code, status, message, fix } = toTrainyardError(error);
  return { outcome: "failed", error: { code, status, message: message.slice(0, 10_000), fix: fix.slice(0, 10_000) } };
};
