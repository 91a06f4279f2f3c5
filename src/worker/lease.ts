/** A claimed job's line to the server: calls that carry its credentials, the heartbeat, and what the server says back. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Sending } from "../shared/api/client.ts";
import type { Outgoing } from "../shared/api/endpoints.ts";
import type { ClaimedJob, Finish, JobLine, Report } from "../shared/api/schemas.ts";
import { fail, TrainyardError } from "../shared/errors.ts";

/** After these there is nobody left to tell about the job. */
const farewells = new Set(["STALE_TOKEN", "NOT_FOUND", "SERVER_UNREACHABLE", "UNAUTHENTICATED", "FORBIDDEN"]);
/** How long a worker that shuts down goes on trying to hand its work back; then the lease runs out. */
const DRAIN_SECONDS = 20;
/** How often an answer that breaks off half-way is asked for again. */
const MOST_RETRIES = 10;
const RETRY_SECONDS = 1;

export class Lease {
  readonly job: ClaimedJob;
  /** Set once the server told to stop. */
  stopAsked = false;
  /** Why the job is no longer ours: nothing more can be said about it. */
  lost?: TrainyardError;
  readonly #client: Client;
  readonly #shutdown: AbortSignal;
  readonly #stop = new AbortController();
  readonly #over = new AbortController();
  readonly #sending: Sending;
  #leaseSeconds: number;

  constructor(client: Client, job: ClaimedJob, shutdown: AbortSignal) {
    this.job = job;
    this.#client = client;
    this.#shutdown = shutdown;
    this.#leaseSeconds = job.leaseSeconds;
    this.#sending = { signal: this.#over.signal, headers: { authorization: `Bearer ${job.key}` } };
    if (shutdown.aborted) this.#drain();
    shutdown.addEventListener("abort", this.#drain, { once: true });
    void this.#beat();
  }

  /** Aborted when the work is to end: by order, because the worker shuts down, or because the job is lost. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted when nothing more can be said about the job. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Ends heartbeats, and calls under way. */
  close(): void {
    this.#shutdown.removeEventListener("abort", this.#drain);
    this.#over.abort();
  }

  /** Every call throws what the server refuses. */
  async report(told: Omit<Report, "token">): Promise<void> {
    const { id, token } = this.job;
    this.#heard(await this.#insist(() => this.#client.call("report", { params: { id }, body: { ...told, token } }, this.#sending)));
  }

  /** Lines that the job wrote. Nothing follows from a refusal. */
  async log(first: number, lines: JobLine[]): Promise<void> {
    const { id, token } = this.job;
    await this.#client.call("addLog", { params: { id }, body: { token, first, lines } }, this.#sending);
  }

  async upload(sha256: string, content: Blob): Promise<void> {
    const { id, token } = this.job;
    await this.#insist(() => this.#client.upload("putJobBlob", { params: { id, sha256 }, query: { token } }, content, this.#sending));
  }

  /**
   * A file of the job.
   * @param read takes the answer; called again when it throws because the answer broke off
   */
  download<T>(sha256: string, read: (response: Response) => Promise<T>): Promise<T> {
    const { id, token } = this.job;
    const call = { params: { id, sha256 }, query: { token } };
    return this.#insist(async () => read(await this.#client.download("getJobBlob", call, this.#sending)));
  }

  /** A file of the job in memory. @throws BLOB_MISMATCH */
  load(sha256: string): Promise<Uint8Array> {
    return this.download(sha256, async (response) => {
      const bytes = new Uint8Array(await response.arrayBuffer());
      const got = createHash("sha256").update(bytes).digest("hex");
      if (got !== sha256) throw fail("BLOB_MISMATCH", { want: sha256, got });
      return bytes;
    });
  }

  async finish(ending: Omit<Finish, "token">): Promise<void> {
    const { id, token } = this.job;
    await this.#insist(() => this.#client.call("finishJob", { params: { id }, body: { ...ending, token } }, this.#sending));
  }

  /** Takes in what a heartbeat or report is answered. */
  #heard({ stop, leaseSeconds }: Outgoing<"heartbeat">): void {
    this.#leaseSeconds = leaseSeconds;
    if (!stop) return;
    this.stopAsked = true;
    this.#stop.abort();
  }

  /** The client tries again while the server is away; here, when an answer breaks off half-way. Every call may be sent twice. */
  async #insist<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      if (this.lost) throw this.lost;
      try {
        return await work();
      } catch (error) {
        if (this.lost) throw this.lost;
        if (error instanceof TrainyardError && farewells.has(error.code)) this.#lose(error);
        if (error instanceof TrainyardError || this.#over.signal.aborted || tries > MOST_RETRIES) throw error;
        await sleep(1000 * RETRY_SECONDS);
      }
    }
  }

  #lose(error: TrainyardError): void {
    this.lost = error;
    this.#stop.abort();
    this.#over.abort();
  }

  readonly #drain = (): void => {
    this.#stop.abort();
    const detail = `it took no leave within ${DRAIN_SECONDS} s`;
    const giveUp = setTimeout(() => this.#lose(fail("SERVER_UNREACHABLE", { url: this.#client.url, detail })), 1000 * DRAIN_SECONDS);
    this.#over.signal.addEventListener("abort", () => clearTimeout(giveUp));
  };

  async #beat(): Promise<void> {
    const { id, token } = this.job;
    while (!this.#over.signal.aborted) {
      try {
        await sleep((1000 * this.#leaseSeconds) / 3, undefined, { signal: this.#over.signal });
        this.#heard(await this.#insist(() => this.#client.call("heartbeat", { params: { id }, body: { token } }, this.#sending)));
      } catch {
        // Lost is lost; anything else may be better at the next beat.
      }
    }
  }
}
