/** The history: versions without gaps whoever writes at once, what an entity was at any time, and who spoke to whom. */

import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { startTestPlatform, tiny, verdict } from "../../../../test/platform.ts";
import type { EventView, Run } from "../../../shared/api/schemas.ts";
import { type RunEvent, runEntity } from "../runs/run.ts";

const platform = await startTestPlatform();
const { client, raw, kernel } = platform;
/** An id as the server gives them, of what never was. */
const nobody = kernel.ids.seal("00000000-0000-4000-8000-000000000000");
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

const draft = () => client.call("createRun", { body: { ...tiny, draft: true } });
const edit = (id: string, body: object) => client.call("editRun", { params: { id }, body });
const eventsOf = async (entity: string) => (await client.call("listEvents", { query: { entity, limit: 500 } })).items.reverse();
const rewind = (id: string, at?: string) => client.call("rewind", { params: { kind: "run", id }, query: { at } });
/** Until the clock that stamps events, the database's, has moved on. */
const tick = () => new Promise((done) => setTimeout(done, 5));

/** Every page of events, newest first. */
async function allEvents(query: Record<string, unknown>): Promise<EventView[]> {
  const items: EventView[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.call("listEvents", { query: { ...query, cursor } });
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}

describe("changes of one entity", () => {
  test("at the same time all land, each on a version of its own", async () => {
    const { id } = await draft();
    await Promise.all(Array.from({ length: 25 }, (_, i) => edit(id, i % 2 ? { name: `name ${i}` } : { note: `note ${i}` })));
    const events = await eventsOf(id);
    expect(events.map(({ version }) => version)).toEqual(Array.from({ length: 26 }, (_, i) => i + 1));
    const run = await client.call("getRun", { params: { id } });
    const last = (field: string) => events.findLast(({ data }) => field in data)!.data[field];
    expect(run).toMatchObject({ version: 26, name: last("name"), note: last("note") });
  });

  test("each see what the one before left", async () => {
    const { id } = await draft();
    const context = { actor: "test", correlation: "test" };
    const add = () =>
      kernel.db.transaction((tx) =>
        runEntity.change(tx, kernel.ids.open(id)!, context, ({ note }): RunEvent[] => [{ type: "edited", note: `${note}+` }]),
      );
    await Promise.all(Array.from({ length: 20 }, add));
    expect((await client.call("getRun", { params: { id } })).note).toBe("+".repeat(20));
  });

  test("that fail half way leave nothing", async () => {
    const { id, version } = await draft();
    const context = { actor: "test", correlation: "test" };
    const failing = kernel.db.transaction(async (tx) => {
      await runEntity.change(tx, kernel.ids.open(id)!, context, () => [{ type: "edited", name: "lost" }]);
      throw new Error("half way");
    });
    await expect(failing).rejects.toThrow("half way");
    expect(await eventsOf(id)).toHaveLength(version);
    expect((await client.call("getRun", { params: { id } })).name).not.toBe("lost");
  });
});

describe("an event", () => {
  test("says what happened to whom, by whom, as part of what and because of what", async () => {
    const before = Date.now();
    const answer = await raw("/api/runs", { method: "POST", headers: { "x-correlation-id": "order-7" }, body: tiny });
    const run: Run = answer.json;
    const [created, queued] = await eventsOf(run.id);
    expect(created).toMatchObject({
      kind: "run",
      entity: run.id,
      version: 1,
      type: "created",
      module: "runs",
      actor: "owner",
      correlation: "order-7",
    });
    expect(created!.data).toMatchObject({ name: run.name, settings: run.settings });
    expect(Math.abs(Date.parse(created!.at) - before)).toBeLessThan(60_000);
    expect(queued).toMatchObject({ version: 2, type: "queued", correlation: "order-7" });

    const job = await worker.take();
    expect(queued!.data.job).toBe(job.id);
    await worker.succeed(job);
    const started = (await eventsOf(run.id)).find(({ type }) => type === "started");
    expect(started).toMatchObject({ actor: "worker", causation: job.id });
    const jobEvents = await eventsOf(job.id);
    expect(jobEvents.map(({ type }) => type)).toEqual(["queued", "claimed", "done"]);
    expect(jobEvents[0]).toMatchObject({ correlation: "order-7", module: "jobs" });
  });

  test("of a request without a correlation has the request's id as one", async () => {
    const answer = await raw("/api/runs", { method: "POST", body: { ...tiny, draft: true } });
    expect((await eventsOf(answer.json.id))[0]!.correlation).toBe(answer.headers["x-request-id"]);
    const foreign = { "x-correlation-id": "a b\tc" };
    const other = await raw("/api/runs", { method: "POST", headers: foreign, body: { ...tiny, draft: true } });
    expect((await eventsOf(other.json.id))[0]!.correlation).toBe(other.headers["x-request-id"]);
  });
});

describe("rewind", () => {
  test("gives what the run was at each moment of its life, as it was shown then", async () => {
    const { id } = await client.call("createRun", { body: { ...tiny, draft: true, name: "one" } });
    const moments: { at: string; run: Run }[] = [];
    const note = async () => {
      await tick();
      moments.push({ at: new Date().toISOString(), run: await client.call("getRun", { params: { id } }) });
      await tick();
    };
    await note();
    await edit(id, { name: "two", tags: { a: "b" } });
    await note();
    await client.call("startRun", { params: { id } });
    await note();
    const job = await worker.take();
    await note();
    await worker.succeed(job, { accuracy: 0.6 });
    await note();
    await client.call("deleteRun", { params: { id } });
    await note();
    await client.call("purge", {});

    for (const { at, run } of moments) {
      const { version, state } = await rewind(id, at);
      const { state: status, artifacts, ...shown } = run;
      const common = Object.fromEntries(Object.entries(shown).filter(([field]) => field in state));
      expect(Object.keys(common)).toEqual(expect.arrayContaining(["name", "tags", "note", "settings", "createdAt"]));
      expect([version, state]).toEqual([run.version, expect.objectContaining({ ...common, status })]);
      expect(Object.keys(state.artifacts as object).sort()).toEqual(artifacts.map(({ name }) => name).sort());
    }
    expect((await rewind(id)).state).toMatchObject({ name: "two", status: "succeeded", purged: true });
  });

  test("answers 404 for a time before there was such an entity, and for what never was", async () => {
    const { id, createdAt } = await draft();
    const at = new Date(Date.parse(createdAt) - 1).toISOString();
    for (const path of [`run/${id}?at=${at}`, `job/${id}`, `run/${nobody}`, `run/${kernel.ids.open(id)}`, "run/none"]) {
      const answer = await raw(`/api/events/rewind/${path}`);
      expect([path, answer.status, answer.json.error.code]).toEqual([path, 404, "NOT_FOUND"]);
    }
    expect((await rewind(id, createdAt)).version).toBe(1);
  });

  test("gives what the run was after so many changes, which of them made it so, and how many there are", async () => {
    const { id } = await draft();
    await edit(id, { name: "second" });
    await edit(id, { name: "third" });
    const of = (version: number, at?: string) => client.call("rewind", { params: { kind: "run", id }, query: { version, at } });
    const second = await of(2);
    expect(second).toMatchObject({
      version: 2,
      versions: 3,
      state: { name: "second" },
      event: { type: "edited", data: { name: "second" }, actor: "owner" },
    });
    expect(second.at).toBe(second.event.at);
    expect((await of(1)).event.type).toBe("created");
    expect(await verdict(of(4))).toBe("NOT_FOUND");
    expect((await of(4, second.at)).version).toBe(2);
    for (const version of ["0", "-1", "1.5", "x", "2147483648"])
      expect([version, (await raw(`/api/events/rewind/run/${id}?version=${version}`)).status]).toEqual([version, 422]);
  });

  test.each(["yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "", "+012026-01-01T00:00:00Z"])("is refused for the time %j", async (at) => {
    const { id } = await draft();
    const answer = await raw(`/api/events/rewind/run/${id}?at=${encodeURIComponent(at)}`);
    expect([answer.status, answer.json.error.problems[0].path]).toEqual([422, "querystring.at"]);
  });
});

describe("the list of events", () => {
  test("comes newest first, in pages that neither skip nor repeat", async () => {
    const items = await allEvents({ limit: 7 });
    const seqs = items.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(seqs.length).toBe(await platform.eventCount());
  });

  test("is found by time, module, kind, entity, actor, type and correlation", async () => {
    const all = await allEvents({ limit: 500 });
    const middle = all[Math.floor(all.length / 2)]!;
    const conditions: [object, (event: EventView) => boolean][] = [
      [{ module: "jobs" }, ({ module }) => module === "jobs"],
      [{ kind: "dataset" }, ({ kind }) => kind === "dataset"],
      [{ entity: middle.entity }, ({ entity }) => entity === middle.entity],
      [{ actor: "worker" }, ({ actor }) => actor === "worker"],
      [{ type: "queued", kind: "run" }, ({ type, kind }) => type === "queued" && kind === "run"],
      [{ from: middle.at }, ({ at }) => at >= middle.at],
      [{ to: middle.at }, ({ at }) => at < middle.at],
      [{ from: middle.at, to: all[0]!.at, module: "runs" }, ({ at, module }) => at >= middle.at && at < all[0]!.at && module === "runs"],
      [{ actor: "nobody" }, () => false],
      [{ correlation: middle.correlation }, ({ correlation }) => correlation === middle.correlation],
    ];
    for (const [query, holds] of conditions) {
      const found = await allEvents({ ...query, limit: 500 });
      expect([query, found.map(({ seq }) => seq)]).toEqual([query, all.filter(holds).map(({ seq }) => seq)]);
    }
    expect(all.filter(conditions[7]![1]).length).toBeGreaterThan(0);
  });

  test("takes times of other zones as the same moment", async () => {
    const [{ at }] = (await client.call("listEvents", { query: { limit: 1 } })).items as [EventView];
    const there = `${new Date(Date.parse(at) + 2 * 3_600_000).toISOString().slice(0, -1)}+02:00`;
    expect(await allEvents({ from: there })).toEqual(await allEvents({ from: at }));
  });
});

describe("the time line", () => {
  const count = (query: object = {}) => client.call("countEvents", { query: { stretches: 20, ...query } });

  test("counts every event once, by kind, in the stretch that it happened in", async () => {
    const all = await allEvents({ limit: 500 });
    const { from, to, kinds } = await count();
    expect([from, Date.parse(to)]).toEqual([all.at(-1)!.at, Date.parse(all[0]!.at) + 1]);
    const width = (Date.parse(to) - Date.parse(from)) / 20;
    const expected = new Map<string, number[]>();
    for (const { kind, at } of all) {
      if (!expected.has(kind)) expected.set(kind, new Array(20).fill(0));
      expected.get(kind)![Math.min(19, Math.floor((Date.parse(at) - Date.parse(from)) / width))]!++;
    }
    // The database knows microseconds, which the list does not show: an event next to an edge may lie on either side.
    expect(new Map(kinds.map(({ kind, total }) => [kind, total]))).toEqual(
      new Map([...expected].map(([kind, counts]) => [kind, counts.reduce((sum, one) => sum + one, 0)])),
    );
    for (const { kind, counts } of kinds) {
      const off = counts.reduce((sum, one, i) => sum + Math.abs(one - expected.get(kind)![i]!), 0);
      expect([kind, off]).toEqual([kind, expect.toSatisfy((n) => n <= 0.2 * all.length)]);
    }
  });

  test("takes the same conditions as the list, and shows the time that was asked for", async () => {
    const asked = { from: "2020-01-01T00:00:00.000Z", to: "2100-01-01T00:00:00.000Z", kind: "dataset" as const };
    const { from, to, kinds } = await count(asked);
    expect([from, to]).toEqual([asked.from, asked.to]);
    expect(kinds).toEqual([{ kind: "dataset", total: (await allEvents({ kind: "dataset" })).length, counts: expect.any(Array) }]);
    expect((await count({ actor: "nobody" })).kinds).toEqual([]);
    expect((await raw("/api/events/timeline?stretches=501")).status).toBe(422);
  });

  test("counts for others what lies in their projects, and nothing of the platform", async () => {
    const theirs = platform.as(await platform.account("counter", "viewer"));
    const { kinds } = await theirs.call("countEvents", { query: {} });
    expect(kinds.map(({ kind }) => kind)).toContain("run");
    expect(kinds.map(({ kind }) => kind)).not.toContain("user");
  });
});

describe("the export", () => {
  test("is JSON lines of CloudEvents 1.0, oldest first, every event once", async () => {
    const { text, headers } = await raw("/api/events/export");
    expect(headers["content-type"]).toMatch(/^application\/x-ndjson/);
    const lines = text.trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line));
    const all = (await allEvents({ limit: 500 })).reverse();
    expect(events.map(({ id }) => id)).toEqual(all.map(({ seq }) => String(seq)));
    for (const [i, event] of events.entries()) {
      const { kind, entity, type, version, at, data, actor } = all[i]!;
      // Required: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
      expect(event).toMatchObject({ specversion: "1.0", type: `trainyard.${kind}.${type}`, subject: `${kind}/${entity}`, time: at, data });
      expect(event.source).toMatch(/^\/trainyard\/\w+$/);
      expect(event).toMatchObject({ datacontenttype: "application/json", entityversion: version, actor });
      for (const attribute of Object.keys(event)) expect(attribute).toMatch(/^[a-z0-9]{1,20}$/);
    }
  });

  test("names projects by the ids that people see, and leaves what they call their tags as it is", async () => {
    const uuid = randomUUID();
    const { id, project } = await client.call("createRun", { body: { dataset: { id: "iris" }, draft: true, tags: { id: uuid, run: "x" } } });
    const [event] = await eventsOf(id);
    expect(event).toMatchObject({ project, entity: id, data: { id, project, tags: { id: uuid, run: "x" } } });
    const { text } = await raw(`/api/events/export?kind=run&entity=${id}`);
    expect(JSON.parse(text)).toMatchObject({ subject: `run/${id}`, data: event!.data });
  });

  test("takes the same conditions as the list", async () => {
    const { text } = await raw("/api/events/export?kind=dataset&type=registered");
    expect(
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).type),
    ).toEqual(["trainyard.dataset.registered"]);
    expect((await raw("/api/events/export?actor=nobody")).text).toBe("");
    expect((await raw("/api/events/export?kind=nothing")).status).toBe(422);
  });
});

describe("message records", () => {
  let correlations = 0;
  /** What was recorded of an exchange: source > destination: payload, as the sender has it. */
  async function recorded(path: string, request: Parameters<typeof raw>[1] = {}): Promise<string[]> {
    const correlation = `exchange-${++correlations}`;
    await raw(path, { ...request, headers: { ...request.headers, "x-correlation-id": correlation } });
    const { items } = await client.call("listMessages", { query: { correlation, limit: 500 } });
    const sent = items.reverse().filter(({ direction }) => direction === "send");
    const received = items.filter(({ direction }) => direction === "receive");
    expect(received.map(({ payload }) => payload).sort()).toEqual(sent.map(({ payload }) => payload).sort());
    return sent.map(({ aggregator, mode, source, destination, payload }) => `${aggregator} ${mode} ${source} > ${destination}: ${payload}`);
  }

  test("name what was asked and what came of it", async () => {
    const { id } = await draft();
    expect(await recorded("/api/catalog")).toEqual([
      "catalog sync client > catalog: training_catalog_req",
      "catalog sync catalog > client: training_catalog",
    ]);
    expect(await recorded("/api/catalog/models/none")).toContain("catalog sync catalog > client: unable_to_fetch_data");
    expect(await recorded("/api/runs", { method: "POST", body: { ...tiny, draft: true } })).toEqual(
      expect.arrayContaining([
        "training sync client > training: training_req",
        "training sync training > client: req_accepted",
        "run-record async training > runs: train_data_record",
      ]),
    );
    expect(await recorded("/api/runs", { method: "POST", body: {} })).toEqual([
      "training sync client > training: training_req",
      "training sync training > client: bad_request",
    ]);
    expect(await recorded(`/api/runs/${id}`)).toEqual(["runs sync client > runs: query_record", "runs sync runs > client: train_data_record"]);
    expect(await recorded(`/api/runs/${nobody}`)).toEqual(["runs sync client > runs: query_record", "runs sync runs > client: run_not_exists"]);
    expect(await recorded(`/api/runs/${id}`, { method: "PATCH", body: { name: "x" } })).toContain("runs sync client > runs: update_run");
    expect(await recorded(`/api/runs/${nobody}/evaluation`)).toEqual([
      "evaluation sync client > evaluation: query_record",
      "evaluation sync evaluation > client: run_not_exists",
    ]);
    expect(await recorded("/api/experiments")).toEqual([
      "experiments sync client > experiments: view_experiments",
      "experiments sync experiments > client: storage_summary",
    ]);
  });

  test("name what goes through the queues between modules and workers", async () => {
    const { id } = await client.call("createRun", { body: tiny });
    const done = await worker.train(id);
    const { items } = await client.call("listMessages", { query: { limit: 500 } });
    const told = new Set(items.map(({ aggregator, source, destination, payload }) => `${aggregator}: ${source} > ${destination} ${payload}`));
    expect(told).toContain("run-record: jobs > worker train_data_record");
    expect(told).toContain("run-update: worker > runs update_run");
    expect(told).toContain("run-record: worker > runs save_run");

    await client.call("evaluateRun", { params: { id }, body: {} });
    await worker.finish(await worker.take(), { outcome: "succeeded", evaluation: done.evaluation! });
    expect(await recorded(`/api/runs/${id}/evaluation`)).toContain("evaluation sync evaluation > client: eval_dto");
    expect(await recorded(`/api/runs/${id}/archive`, { method: "POST" })).toEqual(
      expect.arrayContaining([
        "experiments sync client > experiments: archive_data",
        "experiments sync experiments > client: save_run",
        "experiment-record async runs > experiments: archive_data",
      ]),
    );
  });

  test("are found by time, aggregator, source, destination and payload, in pages", async () => {
    const { items: all } = await client.call("listMessages", { query: { limit: 500 } });
    const middle = all[Math.floor(all.length / 2)]!;
    for (const name of ["aggregator", "source", "destination", "payload"] as const) {
      const { items } = await client.call("listMessages", { query: { [name]: middle[name], to: all[0]!.at, limit: 500 } });
      expect(items.map(({ seq }) => seq)).toEqual(all.filter((m) => m[name] === middle[name] && m.at < all[0]!.at).map(({ seq }) => seq));
    }
    const first = await client.call("listMessages", { query: { limit: 10 } });
    const second = await client.call("listMessages", { query: { limit: 10, cursor: first.next! } });
    const seqs = [...first.items, ...second.items].map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => b - a));
  });

  test("are found by whether they were sent or received", async () => {
    const { items } = await client.call("listMessages", { query: { direction: "receive", limit: 50 } });
    expect(new Set(items.map(({ direction }) => direction))).toEqual(new Set(["receive"]));
  });

  test("are counted by who speaks to whom", async () => {
    const from = new Date().toISOString();
    await tick();
    for (let i = 0; i < 3; i++) await client.call("getCatalog", {});
    const { items } = await client.call("countMessages", { query: { from } });
    expect(items.filter(({ aggregator }) => aggregator === "catalog")).toEqual([
      expect.objectContaining({ source: expect.any(String), destination: expect.any(String), count: 3, mode: "sync" }),
      expect.objectContaining({ count: 3 }),
    ]);
    for (const { firstAt, lastAt } of items) expect([from <= firstAt, firstAt <= lastAt]).toEqual([true, true]);
    const { items: before } = await client.call("countMessages", { query: { to: "2020-01-01T00:00:00Z" } });
    expect(before).toEqual([]);
  });
});
