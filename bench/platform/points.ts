/** How many metric points the worker protocol takes in a second, and how far behind those are who watch. */
import { randomUUID } from "node:crypto";
import { type ClientRequest, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimedJob, Points } from "../../src/shared/api/schemas.ts";
import { caller, type Driven, driveWell, type Families, machineTokens, meter, quantile } from "./measure.ts";
import { integer, ms, type Row, showShares } from "./report.ts";
import type { Server } from "./server.ts";

const WANTED = 20_000; // points a second
const FOLLOWERS = 100;
const WANTED_MS = 1000;
const TRAININGS = 50;
const SERIES = ["train_loss", "learning_rate"] as const;
/** As often as workers report. */
const REPORT_MS = 250;

/** A worker as the server sees it: many trainings at once, which all report. */
interface Working {
  readonly jobs: readonly ClaimedJob[];
  report(job: ClaimedJob, points: readonly Points[]): Promise<unknown>;
  /** Ends all trainings. */
  end(): Promise<void>;
}

async function work({ url, token }: Server, trainings: number): Promise<Working> {
  const person = caller(url, { sockets: 4 });
  const call = caller(url, { token, sockets: trainings });
  const worker = { id: randomUUID(), name: "bench", labels: ["cpu"], slots: trainings, version: "0", platform: "bench" };
  const jobs: ClaimedJob[] = [];
  const sequences = new Map<string, number>();
  for (let i = 0; i < trainings; i++) {
    await person("POST", "/api/runs", { dataset: { id: "mnist" }, model: { id: "mlp" }, training: { epochs: 100, seed: i } });
    jobs.push((JSON.parse((await call("POST", "/api/worker/claim", { worker })).text) as { job: ClaimedJob }).job);
  }
  person.close();
  return {
    jobs,
    report({ id, token, key }, points) {
      const sequence = (sequences.get(id) ?? 0) + 1;
      sequences.set(id, sequence);
      const update = points[0]!.steps.at(-1)!;
      const progress = { epoch: 1, epochs: 100, step: update, stepsPerEpoch: 844, update, loss: 1, score: 1, learningRate: 0.001 };
      const body = { token, sequence, points, progress: { ...progress, samplesPerSecond: 12_800, secondsLeft: 60 } };
      return call("POST", `/api/worker/jobs/${id}/report`, body, key);
    },
    async end() {
      for (const { id, token, key } of jobs) await call("POST", `/api/worker/jobs/${id}/finish`, { token, outcome: "stopped" }, key);
      call.close();
    },
  };
}

/** Trainings that log so many points a second together, each point's value being the time at which it was logged; followers that look at it. */
export async function measurePoints(server: Server, families: Families, seconds: number): Promise<Row[]> {
  const working = await work(server, TRAININGS);
  const followers = await Promise.all(
    Array.from({ length: FOLLOWERS }, (_, i) => Follower.start(server.url, working.jobs[i % TRAININGS]!.subject.id)),
  );
  const measured = meter({ server: server.pid, ...families });
  const began = Date.now();
  const every = (1000 * SERIES.length * TRAININGS) / WANTED; // milliseconds from one step of a training to the next
  const answers: number[] = [];
  const logged = await Promise.all(
    working.jobs.map(async (job, i) => {
      let steps = 0;
      await sleep((i * REPORT_MS) / TRAININGS);
      for (let next = Date.now() + REPORT_MS; ; next = Math.max(next + REPORT_MS, Date.now())) {
        await sleep(next - Date.now());
        const until = Math.min(Date.now() - began, 1000 * seconds);
        const due = Array.from({ length: Math.floor(until / every) - steps }, (_, k) => steps + k);
        if (due.length) {
          const values = due.map((step) => began + (step + 1) * every);
          const start = performance.now();
          await working.report(
            job,
            SERIES.map((series) => ({ series, steps: due, values })),
          );
          answers.push(performance.now() - start);
        }
        steps += due.length;
        if (until === 1000 * seconds) return steps * SERIES.length;
      }
    }),
  );
  const took = (Date.now() - began) / 1000;
  const shares = measured();
  await sleep(2 * WANTED_MS); // whatever is still on its way
  await working.end();
  await Promise.all(followers.map(({ ended }) => ended));
  const behind = followers.flatMap(({ ages }) => ages);
  const complete = followers.filter(({ points }, i) => points === logged[i % TRAININGS]).length;
  const rate = logged.reduce((a, b) => a + b) / took;
  // The last points are taken after the last report was due.
  const enough = WANTED * (seconds / (seconds + (2 * REPORT_MS) / 1000));
  const most = behind.reduce((a, b) => Math.max(a, b), 0);
  return [
    {
      what: `points of ${TRAININGS} trainings, while ${FOLLOWERS} follow`,
      measured: `${integer(rate)} /s`,
      wanted: `${integer(WANTED)} /s`,
      ok: rate >= enough,
      note: `reports answered in ${ms(quantile(answers, 0.5))}, p99 ${ms(quantile(answers, 0.99))}; ${showShares(shares)}`,
    },
    {
      what: "from a point's being logged to its being seen",
      measured: `${ms(quantile(behind, 0.5))}, p99 ${ms(quantile(behind, 0.99))}, at most ${ms(most)}`,
      wanted: `at most ${ms(WANTED_MS)}`,
      ok: most < WANTED_MS,
      note: "the oldest point of each message; a worker reports, and a follower hears, four times a second",
    },
    { what: "followers that saw every point", measured: `${complete}`, wanted: `${FOLLOWERS}`, ok: complete === FOLLOWERS },
  ];
}

/** Points taken as fast as they are taken, by trainings of which each has one report on its way. */
export async function pushPoints(
  server: Server,
  { trainings, batch, seconds }: { trainings: number; batch: number; seconds: number },
): Promise<Driven> {
  const working = await work(server, trainings);
  const driven = await driveWell(trainings, { seconds }, (i, lane) => {
    const steps = Array.from({ length: batch }, (_, k) => i * batch + k);
    return working.report(working.jobs[lane]!, [{ series: "train_loss", steps, values: steps.map((step) => 1 / (1 + step)) }]);
  });
  await working.end();
  return driven;
}

export async function measureMostPoints(server: Server, families: Families, seconds: number): Promise<Row[]> {
  const [trainings, batch] = [8, 100];
  const measured = meter({ server: server.pid, ...families });
  const { latencies, seconds: took } = await pushPoints(server, { trainings, batch, seconds });
  return [
    {
      what: "points, as many as are taken",
      measured: `${integer((batch * latencies.length) / took)} /s`,
      note: `${trainings} trainings, ${batch} points a report, ${integer(latencies.length / took)} reports /s; ${showShares(measured())}`,
    },
  ];
}

/** Someone who watches a run (server-sent events), and how old what it sees is. */
class Follower {
  points = 0;
  /** Milliseconds: of each message, how long ago its oldest point was logged. */
  readonly ages: number[] = [];
  readonly ended: Promise<void>;

  /** @returns once it is connected */
  static async start(url: string, run: string): Promise<Follower> {
    const request = get(`${url}/api/runs/${run}/live`, {
      agent: false,
      headers: { accept: "text/event-stream", authorization: `Bearer ${machineTokens.get(url)}` },
    });
    let connected = () => {};
    const first = new Promise<void>((done, failed) => {
      connected = done;
      request.on("error", failed);
    });
    const follower = new Follower(request, connected);
    await first;
    return follower;
  }

  private constructor(request: ClientRequest, connected: () => void) {
    this.ended = new Promise((done, failed) => {
      request.on("response", (response) => {
        if (response.statusCode !== 200) return failed(new Error(`following a run: ${response.statusCode}`));
        let rest = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          const blocks = (rest + chunk).split("\n\n");
          rest = blocks.pop()!;
          for (const block of blocks) this.#hear(block);
          connected();
        });
        response.on("end", done);
        response.on("error", failed);
      });
    });
  }

  #hear(block: string): void {
    const data = /^data: ?(.*)$/m.exec(block)?.[1];
    if (!/^event: ?metrics$/m.test(block) || !data) return;
    const { points } = JSON.parse(data) as { points: Points[] };
    for (const { values } of points) this.points += values.length;
    const oldest = Math.min(...points.map(({ values }) => values[0]!));
    this.ages.push(Date.now() - oldest);
  }
}
