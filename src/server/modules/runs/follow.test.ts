/** Following a run: everything arrives, once, at a bearable pace, however often the connection breaks. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { HandWorker, runFacts } from "../../../../test/hand-worker.ts";
import { startTestPlatform, tiny, verdict } from "../../../../test/platform.ts";
import type { LiveEvent } from "../../../shared/api/client.ts";
import type { ClaimedJob, Points, Run } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform();
const { client, raw, account } = platform;
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

async function running(): Promise<{ id: string; job: ClaimedJob }> {
  const { id } = await client.call("createRun", { body: tiny });
  return { id, job: await worker.take() };
}
const follow = (id: string, lastEventId?: string, signal?: AbortSignal) =>
  client.follow("followRun", { params: { id } }, lastEventId, signal && { signal });

/** One point of each of two series. */
const point = (step: number): Points[] => [
  { series: "loss", steps: [step], values: [1 / step] },
  { series: "accuracy", steps: [step], values: [step] },
];
const progressAt = (update: number) => ({
  epoch: 0,
  epochs: 1,
  step: update,
  stepsPerEpoch: 100,
  update,
  loss: 1,
  score: 1,
  learningRate: 1,
  samplesPerSecond: 1,
  secondsLeft: 1,
});

/** Steps of a series in the order in which they came. */
const stepsOf = (events: readonly LiveEvent[], series: string): number[] =>
  events.flatMap(({ event, data }) =>
    event === "metrics" ? (data.points as Points[]).filter((p) => p.series === series).flatMap((p) => p.steps) : [],
  );
const statesOf = (events: readonly LiveEvent[]): string[] => events.flatMap(({ event, data }) => (event === "run" ? [(data as Run).state] : []));
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

describe("whoever follows a run", () => {
  test("sees it as it is, then every change and every point until it is over", async () => {
    const { id, job } = await running();
    const seen: LiveEvent[] = [];
    let step = 0;
    for await (const event of follow(id)) {
      seen.push(event);
      // Each next point comes only once the one before was seen.
      if (step === Math.max(0, ...stepsOf(seen, "loss")) && step < 4) await worker.report(job, { points: point(++step) });
      else if (step === 4 && stepsOf(seen, "loss").includes(4)) await worker.succeed(job, { points: point(++step) });
    }
    expect(stepsOf(seen, "loss")).toEqual(upTo(5));
    expect(stepsOf(seen, "accuracy")).toEqual(upTo(5));
    expect(statesOf(seen)[0]).toBe("running");
    expect(statesOf(seen).at(-1)).toBe("succeeded");
  });

  test("sees the points that were there before, and none of them again", async () => {
    const { id, job } = await running();
    for (const step of upTo(3)) await worker.report(job, { points: point(step) });
    const seen: LiveEvent[] = [];
    for await (const event of follow(id)) {
      seen.push(event);
      if (event.event === "metrics" && stepsOf(seen, "loss").length === 3) await worker.succeed(job, { points: point(4) });
    }
    expect(stepsOf(seen, "loss")).toEqual(upTo(4));
  });

  test("of a run that is over sees how it ended", async () => {
    const { id, job } = await running();
    await worker.succeed(job, { points: point(1) });
    const seen: LiveEvent[] = [];
    for await (const event of follow(id)) seen.push(event);
    expect(seen.map(({ event }) => event)).toEqual(["run", "metrics"]);
    expect(statesOf(seen)).toEqual(["succeeded"]);
    const again: LiveEvent[] = [];
    for await (const event of follow(id, seen.at(-1)!.id)) again.push(event);
    expect(again).toEqual([]);
  });

  test("gets progress as it moves", async () => {
    const { id, job } = await running();
    await worker.report(job, { facts: runFacts, progress: progressAt(1) });
    const updates: number[] = [];
    for await (const { event, data } of follow(id)) {
      if (event !== "progress") continue;
      updates.push(data.update);
      if (data.update === 1) await worker.report(job, { progress: progressAt(2) });
      else await worker.finish(job, { outcome: "stopped" });
    }
    expect(updates).toEqual([1, 2]);
  });

  test("is refused in the one form of errors where there is no such run", async () => {
    const nobody = platform.kernel.ids.seal("00000000-0000-4000-8000-000000000000");
    const answer = await raw(`/api/runs/${nobody}/live`, { headers: { accept: "text/event-stream" } });
    expect([answer.status, answer.json.error.code]).toEqual([404, "NOT_FOUND"]);
  });

  test.each(["", "x", "1", "1.", "99999999999.1", "-1.0", "1.1.1"])(
    "with the Last-Event-ID %j, which was never given, begins anew",
    async (lastEventId) => {
      const { id, job } = await running();
      await worker.succeed(job, { points: point(1) });
      const seen: LiveEvent[] = [];
      for await (const event of follow(id, lastEventId)) seen.push(event);
      expect([statesOf(seen), stepsOf(seen, "loss")]).toEqual([["succeeded"], [1]]);
    },
  );
});

describe("a connection that breaks", () => {
  /** Follows until the run is over, through as many connections as are cut: each after some messages. */
  async function followThrough(id: string, cutAfter: (connection: number) => number): Promise<{ seen: LiveEvent[]; connections: number }> {
    const seen: LiveEvent[] = [];
    for (let connections = 1; ; connections++) {
      const cut = new AbortController();
      let left = cutAfter(connections);
      try {
        for await (const event of follow(id, seen.at(-1)?.id, cut.signal)) {
          seen.push(event);
          if (--left === 0) break;
        }
        if (left > 0) return { seen, connections };
      } catch (error) {
        if (!cut.signal.aborted) throw error;
      }
      cut.abort();
    }
  }

  test("after any message loses nothing and repeats nothing", async () => {
    const { id, job } = await running();
    const COUNT = 60;
    // Three who watch: cut after each message, after every other, and in no order.
    const watchers = [() => 1, () => 2, (n: number) => [3, 1, 4, 1, 5][n % 5]!].map((cutAfter) => followThrough(id, cutAfter));
    for (const step of upTo(COUNT)) {
      await worker.report(job, { points: point(step), progress: progressAt(step) });
      if (step % 20 === 0) await client.call("editRun", { params: { id }, body: { note: `at ${step}` } });
    }
    await worker.succeed(job);
    for (const { seen, connections } of await Promise.all(watchers)) {
      expect(connections).toBeGreaterThan(2);
      expect(stepsOf(seen, "loss")).toEqual(upTo(COUNT));
      expect(stepsOf(seen, "accuracy")).toEqual(upTo(COUNT));
      const versions = seen.flatMap(({ event, data }) => (event === "run" ? [(data as Run).version] : []));
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      expect(statesOf(seen).at(-1)).toBe("succeeded");
      expect((seen.findLast(({ event }) => event === "run")!.data as Run).note).toBe(`at ${COUNT}`);
    }
  });

  test("before its first message is no error of the server", async () => {
    const { id, job } = await running();
    const errors = vi.spyOn(platform.kernel.log, "error");
    for (let i = 0; i < 30; i++) {
      const gone = new AbortController();
      const first = follow(id, undefined, gone.signal)
        .next()
        .catch(() => {});
      await new Promise((done) => setTimeout(done, i % 6));
      gone.abort();
      await first;
    }
    await worker.succeed(job); // by now the server knows that they have gone
    expect(errors).not.toHaveBeenCalled();
    errors.mockRestore();
  });

  test("for a long while loses nothing", async () => {
    const { id, job } = await running();
    let last = "";
    for await (const event of follow(id)) {
      last = event.id;
      break;
    }
    for (const step of upTo(30)) await worker.report(job, { points: point(step) });
    await worker.succeed(job);
    const seen: LiveEvent[] = [];
    for await (const event of follow(id, last)) seen.push(event);
    expect(stepsOf(seen, "loss")).toEqual(upTo(30));
    expect(statesOf(seen)).toEqual(["succeeded"]);
  });
});

test("a fast training gives at most four updates a second, with all that came between them", async () => {
  const { id, job } = await running();
  const times: number[] = [];
  const seen: LiveEvent[] = [];
  const watching = (async () => {
    for await (const event of follow(id)) {
      seen.push(event);
      if (event.event === "metrics") times.push(Date.now());
    }
  })();
  const end = Date.now() + 2500;
  let step = 0;
  while (Date.now() < end) await worker.report(job, { points: point(++step) });
  await worker.succeed(job);
  await watching;
  expect(step).toBeGreaterThan(20);
  expect(stepsOf(seen, "loss")).toEqual(upTo(step));
  expect(times.length).toBeGreaterThan(2);
  // A sum over the whole time, as one update may be late and the next in time.
  const seconds = (times.at(-1)! - times[0]!) / 1000;
  expect(times.length - 1).toBeLessThanOrEqual(Math.ceil(4 * seconds) + 1);
});

test("a stream ends when the right to it does: of a share, of a member, of a token, of a session", async () => {
  const { id, job } = await running();
  const { share, secret } = await client.call("shareRun", { params: { id }, body: {} });
  const session = await account("follower", "viewer");
  const tokenOf = async (name: string) => platform.as(session).call("createToken", { body: { name, scope: "read" } });
  const [{ token, secret: api }, { secret: other }] = [await tokenOf("one"), await tokenOf("two")];
  const project = "default";
  // Each with what whoever comes back is told.
  const ways = [
    { who: secret, end: () => client.call("revokeShare", { params: { id: share.id } }), code: "UNAUTHENTICATED" },
    { who: api, end: () => client.call("revokeToken", { params: { id: token.id } }), code: "UNAUTHENTICATED" },
    { who: session, end: () => platform.as(session).call("logout", { body: {} }), code: "UNAUTHENTICATED" },
    { who: other, end: () => client.call("removeMember", { params: { id: project, user: "follower" } }), code: "NOT_FOUND" },
  ];
  const listen = (who: string) => {
    const heard: string[] = [];
    const follow = async () => {
      for await (const { event } of platform.as(who).follow("followRun", { params: { id } })) heard.push(event);
    };
    return { heard, follow, ended: verdict(follow()) };
  };
  const followers = ways.map(({ who }) => listen(who));
  const stays = listen(platform.machineToken);
  for (const { heard } of [...followers, stays]) await expect.poll(() => heard).toContain("run");
  for (const [i, { end, code }] of ways.entries()) {
    await end();
    expect([i, await followers[i]!.ended]).toEqual([i, undefined]); // the connection broke
    expect([i, await verdict(followers[i]!.follow())]).toEqual([i, code]);
  }
  // Nobody else's ended.
  await worker.succeed(job, { points: point(1) });
  expect(await stays.ended).toBe("allowed");
  expect(stays.heard).toContain("metrics");
});
