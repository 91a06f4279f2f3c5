/** A whole platform for the tests of one file: on a free port, on the back end of the project that runs, gone after the file's last test. */
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { readConfig } from "../src/server/config.ts";
import { type Platform, startPlatform } from "../src/server/platform.ts";
import { type Client, createClient } from "../src/shared/api/client.ts";
import type { DatasetView, Job, Role, Run, RunRequestBody, RunStateName } from "../src/shared/api/schemas.ts";
import { atEnd } from "./at-end.ts";

/** Where a platform keeps what it has: another one that is started there shares it. */
export interface Place {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface TestOptions {
  /** Worker processes; none unless said. */
  readonly workers?: number;
  /** Variables of the server's configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** A database and a store of its own, unless said. */
  readonly place?: Place;
  /** Any that is free, unless said. */
  readonly port?: number;
}

/** What came back, whatever it is. */
export interface Raw {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server wrote
  readonly json: any;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As nobody; as the owner of the machine unless said, or another is named by a header. */
  readonly anonymous?: boolean;
  /** Bytes as they are; anything but a text or bytes is sent as JSON. */
  readonly body?: unknown;
}

export interface TestPlatform extends Platform {
  readonly place: Place;
  /** As the owner of the machine. */
  readonly client: Client;
  /** As whoever a token belongs to, or nobody. */
  as(token?: string): Client;
  /** As a worker. */
  readonly worker: Client;
  /** A request as it stands: no path is tidied up, no header is added but Host, Content-Length and who asks. */
  raw(path: string, request?: RawRequest): Promise<Raw>;
  /** What comes back to bytes on a socket, until the server ends it. */
  spoken(text: string): Promise<string>;
  /** Makes an account by an invitation. @returns the token of a session */
  account(name: string, role?: Role, project?: string): Promise<string>;
  /** Follows a run until it is in one of the states. @throws when it is over otherwise */
  waitFor(run: string, ...states: readonly RunStateName[]): Promise<Run>;
  /** Waits until something of an entity is so, looking whenever the server tells of a change. */
  until<T>(kind: "run" | "job" | "dataset", id: string, look: () => Promise<T | undefined | false>): Promise<T>;
  /** Waits until a job is over. */
  jobEnd(id: string): Promise<Job>;
  /** Trains to the end. */
  train(body?: Partial<RunRequestBody>): Promise<Run>;
  /** How many events there are: nothing changed where it stays the same. */
  eventCount(): Promise<number>;
}

export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
/** What everyone has who does not need another. */
export const password = "correct horse battery";
/** The secret of a link to sign in or to a share, which stands where no server is sent it. */
export const secretIn = (link: string): string => new URL(link).hash.slice(1);
/** "allowed", or the code of the refusal. */
export const verdict = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "allowed",
    (error: { code: string }) => error.code,
  );
const iris = readFileSync("data/iris.csv");

/** A small training: about a tenth of a second. */
export const tiny = {
  dataset: { id: "flowers" },
  model: { id: "mlp", params: { hidden: [8] } },
  training: { epochs: 2, batchSize: 16, threads: 1 },
} as const satisfies RunRequestBody;

/** A place that no other test has. */
export async function freshPlace(): Promise<Place> {
  const home = mkdtempSync(join(tmpdir(), "trainyard-platform-"));
  atEnd(() => rmSync(home, { recursive: true, force: true }));
  const cluster = inject("cluster");
  if (!cluster) return { home, env: {} };
  const name = `trainyard_${randomUUID().replaceAll("-", "")}`;
  const url = (database: string) => `postgresql://postgres@127.0.0.1:${cluster.postgresPort}/${database}`;
  const admin = new pg.Client({ connectionString: url("postgres") });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  return {
    home,
    env: {
      DATABASE_URL: url(name),
      TRAINYARD_POOL: "6",
      TRAINYARD_STORE: `s3://${cluster.bucket}/${name}`,
      AWS_ENDPOINT_URL_S3: cluster.s3,
    },
  };
}

/** Starts a platform that is closed after the tests of the file. */
export async function startTestPlatform({ workers = 0, env = {}, place, port = 0 }: TestOptions = {}): Promise<TestPlatform> {
  const where = place ?? (await freshPlace());
  // Only what goes wrong inside the server is worth a line in the tests' output.
  const config = readConfig({ TRAINYARD_HOME: where.home, TRAINYARD_LOG_LEVEL: "error", ...where.env, ...env });
  const platform = await startPlatform(config, { listen: { host: "127.0.0.1", port }, workers, what: "the tests" });
  atEnd(() => platform.close());
  const { url, kernel } = platform;
  const as = (token?: string) => createClient({ url, token, patience: 0 });
  const client = as(platform.machineToken);

  async function waitFor(run: string, ...states: readonly RunStateName[]): Promise<Run> {
    for await (const { event, data } of client.follow("followRun", { params: { id: run } })) {
      if (event === "run" && states.includes(data.state)) return data;
    }
    const { state, reason } = await client.call("getRun", { params: { id: run } });
    throw new Error(`run ${run} is ${state}, not ${states.join(" or ")}: ${reason?.message}`);
  }

  function until<T>(kind: "run" | "job" | "dataset", id: string, look: () => Promise<T | undefined | false>): Promise<T> {
    return new Promise((done, failed) => {
      const check = () =>
        look().then((found) => {
          if (found === undefined || found === false) return;
          off();
          done(found);
        }, failed);
      const off = kernel.live.on(`${kind}:${kernel.ids.open(id)}`, check);
      check();
    });
  }

  const jobEnd = (id: string) =>
    until("job", id, async () => {
      const job = await client.call("getJob", { params: { id } });
      return job.endedAt !== undefined && job;
    });

  return {
    url,
    kernel,
    localUrl: platform.localUrl,
    workerToken: platform.workerToken,
    machineToken: platform.machineToken,
    setupLink: () => platform.setupLink(),
    isNew: platform.isNew,
    get workerPids() {
      return platform.workerPids;
    },
    close: () => platform.close(),
    place: where,
    client,
    as,
    worker: as(platform.workerToken),
    raw(path, { anonymous = false, headers = {}, ...options } = {}) {
      const mine: Record<string, string> =
        anonymous || "authorization" in headers || "cookie" in headers ? {} : { authorization: `Bearer ${platform.machineToken}` };
      return raw(url, path, { ...options, headers: { ...mine, ...headers } });
    },
    spoken: (text) => spoken(url, text),
    async account(name, role = "trainer", project) {
      const { url: link } = await client.call("inviteUser", { body: { role, project } });
      return (await as().call("useLink", { body: { link: secretIn(link), name, password, token: true } })).token!;
    },
    waitFor,
    until,
    jobEnd,
    async train(body = {}) {
      const { id } = await client.call("createRun", { body: { ...tiny, ...body } });
      return waitFor(id, "succeeded");
    },
    async eventCount() {
      const { count } = await kernel.db.query
        .selectFrom("events")
        .select(({ fn }) => fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}

function raw(url: string, path: string, { method = "GET", headers = {}, body }: RawRequest = {}): Promise<Raw> {
  const bytes = body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const plain = bytes === body;
  const { hostname, port } = new URL(url);
  return new Promise((done, failed) => {
    const sent = request({
      hostname,
      port,
      method,
      path,
      agent: false,
      headers: {
        ...(!plain && { "content-type": "application/json" }),
        ...(bytes !== undefined && { "content-length": String(Buffer.byteLength(bytes as string)) }),
        ...headers,
      },
    });
    sent.on("error", failed);
    sent.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", failed);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        let json: unknown;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        done({ status: answer.statusCode!, headers: answer.headers, text, json });
      });
    });
    sent.end(bytes as string | Uint8Array | undefined);
  });
}

function spoken(url: string, text: string): Promise<string> {
  return new Promise((done) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.setEncoding("utf8").on("data", (part) => {
      answer += part;
    });
    // Who is refused while they still send may see a reset after the answer.
    socket.on("close", () => done(answer)).on("error", () => done(answer));
  });
}

/** Uploads a table and registers it; without a worker it stays unread. */
export async function register(
  { client }: Pick<TestPlatform, "client">,
  name: string,
  table: string | Uint8Array = iris,
  project?: string,
): Promise<DatasetView> {
  const digest = sha256(table);
  const query = { project };
  const { size } = await client.upload("uploadBlob", { params: { sha256: digest }, query }, new Uint8Array(Buffer.from(table)));
  const files = [{ name: "table.csv", sha256: digest, size }];
  return client.call("registerDataset", { body: { name, source: { id: "table" }, files }, query });
}
