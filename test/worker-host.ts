/** The server's side of the worker protocol, in memory: validates what workers send by the API's schemas, and can misbehave on demand. */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { z } from "zod";
import { type Endpoint, endpoints } from "../src/shared/api/endpoints.ts";
import type { ClaimedJob, claimRequest, Finish, JobKind, Report, RunFacts } from "../src/shared/api/schemas.ts";
import { fail, TrainyardError } from "../src/shared/errors.ts";

type Operation = "claimJob" | "heartbeat" | "report" | "putJobBlob" | "getJobBlob" | "finishJob";
const operations: readonly Operation[] = ["claimJob", "heartbeat", "report", "putJobBlob", "getJobBlob", "finishJob"];

export interface HostedJob {
  readonly id: string;
  readonly kind: JobKind;
  payload: ClaimedJob["payload"];
  state: "queued" | "running" | Finish["outcome"];
  token: number;
  leaseUntil: number;
  stop: boolean;
  worker?: z.infer<typeof claimRequest>["worker"];
  sequence: number;
  readonly reports: Report[];
  facts?: RunFacts;
  progress?: Report["progress"];
  readonly points: Map<string, [step: number, value: number | null][]>;
  readonly artifacts: Map<string, string>;
  checkpoint?: { readonly update: number; readonly epoch: number };
  finish?: Finish;
}

/** What a test may put in the way of an operation. */
export type Mischief = (operation: Operation, job: HostedJob | undefined, response: ServerResponse) => boolean | undefined;

export class WorkerHost {
  readonly blobs = new Map<string, Buffer>();
  readonly jobs = new Map<string, HostedJob>();
  /** Every operation that was served, in order. */
  readonly served: Operation[] = [];
  leaseSeconds = 30;
  /** Whether answers are what the API says: a server may also be hostile. */
  honest = true;
  /** Workers that wait for a job. */
  claiming = 0;
  /** Before the work is done: true when the response was dealt with. */
  before?: Mischief;
  /** After the work is done, instead of the answer: true when the response was dealt with. */
  after?: Mischief;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #changed = new Set<() => void>();

  async listen(port = 0): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, "127.0.0.1", done));
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  /** Goes away, connections and all. */
  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  add(kind: JobKind, payload: ClaimedJob["payload"]): HostedJob {
    const head = { id: randomUUID(), kind, payload, state: "queued", token: 0, leaseUntil: 0, stop: false, sequence: 0 } as const;
    const job: HostedJob = { ...head, reports: [], points: new Map(), artifacts: new Map() };
    this.jobs.set(job.id, job);
    this.#tell();
    return job;
  }
  addFile(name: string, content: Uint8Array): { name: string; sha256: string; size: number } {
    const sha256 = createHash("sha256").update(content).digest("hex");
    this.blobs.set(sha256, Buffer.from(content));
    return { name, sha256, size: content.length };
  }
  file(job: HostedJob, name: string): Buffer {
    return this.blobs.get(job.artifacts.get(name)!)!;
  }

  /** Queues a job again, to go on from its last checkpoint. */
  requeue(job: HostedJob): void {
    const { facts, checkpoint } = job;
    const [last, best] = ["last.safetensors", "best.safetensors"].map((name) => job.artifacts.get(name));
    job.payload = { ...job.payload, facts, resume: checkpoint && { last: last!, ...(best && { best }) } };
    for (const [name, points] of job.points)
      job.points.set(
        name,
        points.filter(([step]) => step <= (checkpoint?.update ?? 0)),
      );
    Object.assign(job, { state: "queued", token: job.token + 1, stop: false, finish: undefined, progress: undefined });
    this.#tell();
  }

  /** Resolves once the condition holds: it is looked at after every operation. */
  async until(condition: () => unknown): Promise<void> {
    while (!condition()) await new Promise<void>((done) => this.#changed.add(done));
  }

  #tell(): void {
    const waiting = this.#changed;
    this.#changed = new Set();
    for (const done of waiting) done();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.url);
    try {
      const [operation, params] = route(request.method!, url.pathname);
      const endpoint: Endpoint = endpoints[operation];
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      const body = endpoint.body?.parse(JSON.parse(bytes.toString()));
      const job = this.jobs.get(params.id ?? "");
      if (params.id && !job) throw fail("NOT_FOUND", { what: "job", id: params.id });
      if (this.before?.(operation, job, response)) return;
      // The key of an earlier claim is one, too: its number is then told to be stale.
      const { authorization = "" } = request.headers;
      if (job ? !authorization.startsWith(`Bearer key-${job.id}-`) : authorization !== "Bearer secret")
        throw fail("UNAUTHENTICATED", { detail: "this is no key to that" });
      const token = (body as { token?: number })?.token ?? Number(url.searchParams.get("token"));
      if (job && token !== job.token) throw fail("STALE_TOKEN", { job: job.id, given: token, current: job.token });
      const answer = await this.#do[operation](job as never, body as never, { bytes, sha256: params.sha256!, response });
      this.served.push(operation);
      if (this.after?.(operation, job, response)) return;
      if (answer instanceof Buffer) response.end(answer);
      else if (answer === undefined) response.writeHead(204).end();
      else response.setHeader("content-type", "application/json").end(JSON.stringify(this.honest ? endpoint.response!.parse(answer) : answer));
    } catch (cause) {
      const error = cause instanceof TrainyardError ? cause : fail("INTERNAL", { detail: String(cause) }, cause);
      response.writeHead(error.status, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { ...error.toJSON(), problems: [], requestId: "1" } }));
    } finally {
      this.#tell();
    }
  }

  readonly #do = {
    claimJob: async (_: undefined, { worker, wait = 0 }: z.infer<typeof claimRequest>, { response }: { response: ServerResponse }) => {
      const next = () =>
        [...this.jobs.values()].find(({ state, leaseUntil }) => state === "queued" || (state === "running" && leaseUntil < Date.now()));
      const giveUp = Date.now() + 1000 * wait;
      let away = false;
      response.on("close", () => {
        away = true;
      });
      this.claiming++;
      this.#tell();
      while (!next() && Date.now() < giveUp && !away) await new Promise((done) => setTimeout(done, 20));
      this.claiming--;
      const job = away ? undefined : next();
      if (!job) return { job: null };
      if (job.state === "running") this.requeue(job);
      Object.assign(job, { state: "running", token: job.token + 1, sequence: 0, worker });
      return {
        job: {
          ...this.#lease(job),
          key: keyOf(job),
          id: job.id,
          kind: job.kind,
          token: job.token,
          subject: { kind: "run", id: "r1" },
          payload: job.payload,
        },
      };
    },
    heartbeat: async (job: HostedJob) => this.#lease(job),
    report: async (job: HostedJob, report: Report) => {
      if (report.sequence <= job.sequence) return this.#lease(job);
      job.sequence = report.sequence;
      job.reports.push(report);
      job.facts = report.facts ?? job.facts;
      job.progress = report.progress ?? job.progress;
      for (const { series, steps, values } of report.points ?? [])
        job.points.set(series, [...(job.points.get(series) ?? []), ...steps.map((s, i) => [s, values[i]!] as [number, number])]);
      this.#keep(job, report.artifacts);
      job.checkpoint = report.checkpoint ?? job.checkpoint;
      return this.#lease(job);
    },
    putJobBlob: async (_: HostedJob, __: undefined, { bytes, sha256 }: { bytes: Buffer; sha256: string }) => {
      const got = createHash("sha256").update(bytes).digest("hex");
      if (got !== sha256) throw fail("BLOB_MISMATCH", { want: sha256, got });
      this.blobs.set(sha256, bytes);
      return { sha256, size: bytes.length };
    },
    getJobBlob: async (_: HostedJob, __: undefined, { sha256 }: { sha256: string }) => {
      const blob = this.blobs.get(sha256);
      if (!blob) throw fail("OBJECT_NOT_FOUND", { key: sha256 });
      return blob;
    },
    finishJob: async (job: HostedJob, finish: Finish) => {
      this.#keep(job, finish.artifacts);
      Object.assign(job, { state: finish.outcome, finish });
    },
  };

  #keep(job: HostedJob, artifacts: Report["artifacts"] = []): void {
    for (const { name, sha256, size } of artifacts) {
      if (this.blobs.get(sha256)?.length !== size) throw new Error(`${name} was not uploaded`);
      job.artifacts.set(name, sha256);
    }
  }
  #lease(job: HostedJob): { stop: boolean; leaseSeconds: number } {
    job.leaseUntil = Date.now() + 1000 * this.leaseSeconds;
    return { stop: job.stop, leaseSeconds: this.leaseSeconds };
  }
}

const keyOf = ({ id, token }: HostedJob): string => `key-${id}-${token}`;

function route(method: string, path: string): [Operation, Record<string, string>] {
  for (const operation of operations) {
    const endpoint = endpoints[operation];
    const pattern = new RegExp(`^${endpoint.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
    const match = endpoint.method === method && pattern.exec(path);
    if (match) return [operation, { ...match.groups }];
  }
  throw fail("NO_ROUTE", { method, path });
}
