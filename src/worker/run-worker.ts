/** The worker: claims jobs from the server, does them, tells how they go. `main.ts` runs it for the server, `trainyard work` in its own process. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../shared/api/client.ts";
import type { ClaimedJob, Finish } from "../shared/api/schemas.ts";
import { fail, TrainyardError, toProblem } from "../shared/errors.ts";
import { BlobCache } from "./blob-cache.ts";
import { jobs } from "./jobs.ts";
import { Lease } from "./lease.ts";
import { Reporter } from "./reporter.ts";
import { versions } from "./versions.ts";

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
  const { id, name, labels, slots } = options;
  const { trainyard: version, platform } = versions();
  const worker = { id, name, labels: [...labels], slots, version, platform };
  const cache = new BlobCache(options.cacheDirectory, options.cacheBytes);

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
      options.log(`cannot claim a job, trying again: ${(error as Error).message}`);
      await pause(REFUSED_PAUSE_MS);
      return null;
    }
  }

  async function perform(job: ClaimedJob): Promise<void> {
    const what = `${job.kind} of ${job.subject.kind} ${job.subject.id} (job ${job.id})`;
    options.log(`begins ${what}`);
    const began = performance.now();
    const lease = new Lease(options.client, job, ended);
    try {
      const { outcome, error } = await end(lease, new Reporter(lease));
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      options.log(`${outcome} ${what} after ${seconds} s${error ? `: ${error.message}` : ""}`);
    } catch (error) {
      options.log(`dropped ${what}: ${(lease.lost ?? (error as Error)).message}`);
    } finally {
      lease.close();
    }
  }

  /** Does the job and says how it ended. @throws when the server no longer listens */
  async function end(lease: Lease, reporter: Reporter): Promise<Ending> {
    const { id, kind, token } = lease.job;
    const finish = (ending: Ending) => lease.call("finishJob", { params: { id }, body: { token, ...ending } }).then(() => ending);
    try {
      return await finish(await work());
    } catch (error) {
      await reporter.flush().catch(() => {}); // the first error counts
      if (lease.lost) throw lease.lost;
      return finish(failed(error));
    }

    async function work(): Promise<Ending> {
      try {
        const { files = {}, ...result } = await jobs[kind]({ lease, reporter, cache, mostThreads: options.threads });
        await reporter.flush();
        return { outcome: "succeeded", ...result, artifacts: await reporter.upload(files) };
      } catch (error) {
        if (error !== lease.signal.reason) throw error;
        await reporter.flush(); // with it the checkpoint to go on from
        return { outcome: lease.stopAsked ? "stopped" : "released" };
      }
    }
  }

  await Promise.all(Array.from({ length: slots }, () => slot().catch((error) => refused.abort(error))));
  refused.signal.throwIfAborted();
}

const failed = (error: unknown): Ending => {
  const { code, status, message, fix } = known(error);
  return { outcome: "failed", error: { code, status, message: message.slice(0, 10_000), fix: fix.slice(0, 10_000) } };
};

function known(error: unknown): TrainyardError {
  if (error instanceof TrainyardError) return error;
  if (error instanceof AggregateError) return fail("INVALID_REQUEST", { problems: error.errors.map((one) => toProblem(one)) }, error);
  return fail("INTERNAL", { detail: error instanceof Error ? error.message : String(error) }, error);
}
