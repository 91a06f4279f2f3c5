/** What an administrator sees and does: verify finds what was changed behind the events' back, purge frees what nobody needs, health and metrics tell how it is. */
import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { register, sha256, startTestPlatform, tiny } from "../../../../test/platform.ts";
import { type Endpoint, endpoints } from "../../../shared/api/endpoints.ts";
import type { Run } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";

const platform = await startTestPlatform({ env: { TRAINYARD_UPLOAD_GRACE: "0", TRAINYARD_LOG_LEVEL: "silent" } });
const { client, as, raw, kernel, eventCount } = platform;
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

const draft = () => client.call("createRun", { body: { ...tiny, draft: true } });
async function trained(options?: Parameters<HandWorker["succeed"]>[1]): Promise<Run> {
  const { id } = await client.call("createRun", { body: tiny });
  return worker.train(id, options);
}
const verify = () => client.call("verify", {});
/** The id of a row, behind the one that the world sees. */
const own = (id: string): string => kernel.ids.open(id)!;
const NOBODY = "00000000-0000-4000-8000-000000000001";
const anyUuid = /[0-9a-f]{8}-[0-9a-f]{4}/;
const run = (statement: string) => sql.raw(statement).execute(kernel.db.query);

describe("verify", () => {
  test("finds nothing where everything went its way", async () => {
    await trained();
    await client.call("archiveRun", { params: { id: (await trained()).id } });
    await client.call("deleteRun", { params: { id: (await draft()).id } });
    const events = await eventCount(); // that it was verified is an event too
    const found = await verify();
    expect(found).toMatchObject({ differences: [], missingBlobs: [], events });
    expect(found.entities).toBeGreaterThan(7);
  });

  test.each<[what: string, change: string, back: string, field: string]>([
    ["a name", "update runs set name = 'forged' where id = '$id'", "update runs set name = state ->> 'name' where id = '$id'", "name"],
    [
      "a state",
      "update runs set state = jsonb_set(state, '{note}', '\"forged\"') where id = '$id'",
      "update runs set state = jsonb_set(state, '{note}', '\"\"') where id = '$id'",
      "state",
    ],
    ["a version", "update runs set version = 7 where id = '$id'", "update runs set version = 1 where id = '$id'", "version"],
    ["a tag", "update runs set tags = '{\"a\":\"b\"}' where id = '$id'", "update runs set tags = '{}' where id = '$id'", "tags"],
    [
      "a time",
      "update runs set created_at = now() where id = '$id'",
      "update runs set created_at = (state ->> 'createdAt')::timestamptz where id = '$id'",
      "created_at",
    ],
    [
      "a project",
      `update runs set project = '${NOBODY}' where id = '$id'`,
      "update runs set project = (state ->> 'project')::uuid where id = '$id'",
      "project",
    ],
    [
      "a parameter",
      "update run_params set number = 99 where run = '$id' and path = 'training.epochs'",
      "update run_params set number = 2 where run = '$id' and path = 'training.epochs'",
      "parameters",
    ],
    [
      "a tag that lists find",
      "insert into run_params (run, run_number, path, text) select id, number, 'tags.team', 'forged' from runs where id = '$id'",
      "delete from run_params where run = '$id' and path = 'tags.team'",
      "parameters",
    ],
  ])("finds %s that was changed behind its back", async (_, change, back, field) => {
    const { id } = await draft();
    await new Promise((done) => setTimeout(done, 5)); // now() is another than when it was created
    await run(change.replaceAll("$id", own(id)));
    const { differences } = await verify();
    expect(differences).toEqual([expect.objectContaining({ kind: "run", entity: id, field })]);
    expect(differences[0]!.fromEvents).not.toEqual(differences[0]!.inTable);
    await run(back.replaceAll("$id", own(id)));
    expect((await verify()).differences).toEqual([]);
  });

  test("finds a row that is missing, and one that no event tells of", async () => {
    const [a, b] = [await draft(), await draft()];
    await run(`create table kept as select * from runs where id = '${own(a.id)}'`);
    await run(`delete from runs where id = '${own(a.id)}'`);
    await run(`update runs set id = '${NOBODY}' where id = '${own(b.id)}'`);
    const { differences } = await verify();
    expect(differences).toEqual(
      expect.arrayContaining([
        { kind: "run", entity: a.id, field: "row", fromEvents: "present", inTable: "absent" },
        { kind: "run", entity: b.id, field: "row", fromEvents: "present", inTable: "absent" },
        { kind: "run", entity: kernel.ids.seal(NOBODY), field: "row", fromEvents: "absent", inTable: "present" },
      ]),
    );
    // Generated columns come by themselves.
    const { rows } = await run(`select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns
      where table_schema = current_schema() and table_name = 'runs' and is_generated = 'NEVER'`);
    const { names } = rows[0] as { names: string };
    await run(`insert into runs (${names}) select ${names} from kept`);
    await run(`update runs set id = '${own(b.id)}' where id = '${NOBODY}'`);
    expect((await verify()).differences).toEqual([]);
  });

  test("finds a job and a dataset that were changed too", async () => {
    const { id } = await register(platform, "spare", "a,b\n1,2\n");
    const { id: job } = await worker.take();
    await run(`update datasets set status = 'ready' where id = '${own(id)}'`);
    await run(`update jobs set priority = 99 where id = '${own(job)}'`);
    const { differences } = await verify();
    expect(differences.map(({ kind, entity, field }) => [kind, entity, field]).sort()).toEqual([
      ["dataset", id, "status"],
      ["job", job, "priority"],
    ]);
    await run(`update datasets set status = 'reading' where id = '${own(id)}'`);
    await run(`update jobs set priority = 10 where id = '${own(job)}'`);
    expect((await verify()).differences).toEqual([]);
  });

  test("finds a member who was added, roles that were raised, a token and a share that were revived, and the platform itself changed", async () => {
    const { id: project } = await client.call("createProject", { body: { name: "walled" } });
    await platform.account("intruder", "viewer", "walled");
    const user = (await client.call("listUsers", {})).items.find(({ name }) => name === "intruder")!;
    const { token } = await client.call("createToken", { body: { name: "revoked", scope: "work" } });
    await client.call("revokeToken", { params: { id: token.id } });
    const { share } = await client.call("shareRun", { params: { id: (await draft()).id }, body: {} });
    await client.call("revokeShare", { params: { id: share.id } });
    const { id: other } = await client.call("createProject", { body: { name: "walled-too" } });
    expect((await verify()).differences).toEqual([]);
    await run("create table before as select id, state from projects union select id, state from servers");

    const member = JSON.stringify({ user: own(user.id), role: "admin" });
    await run(`update projects set state = jsonb_set(state, '{members}', state -> 'members' || '${member}') where id = '${own(other)}'`);
    await run(`update projects set state = jsonb_set(state, '{members,0,role}', '"admin"') where id = '${own(project)}'`);
    await run(`update users set role = 'admin' where id = '${own(user.id)}'`);
    await run(`update tokens set status = 'active' where id = '${own(token.id)}'`);
    await run(`update shares set status = 'active', project = '${own(project)}' where id = '${own(share.id)}'`);
    await run("update servers set state = state - 'configuration'");
    const { differences } = await verify();
    expect(differences.map(({ kind, entity, field }) => [kind, entity, field])).toEqual(
      expect.arrayContaining([
        ["project", other, "state"],
        ["project", project, "state"],
        ["user", user.id, "role"],
        ["token", token.id, "status"],
        ["share", share.id, "status"],
        ["share", share.id, "project"],
        ["server", expect.any(String), "state"],
      ]),
    );
    expect(differences).toHaveLength(7);
    const added = differences.find(({ entity }) => entity === other)!;
    expect([added.fromEvents, added.inTable]).toEqual([
      expect.objectContaining({ id: other, members: [] }),
      expect.objectContaining({ id: other, members: [{ user: user.id, role: "admin" }] }),
    ]);
    expect(JSON.stringify(differences)).not.toMatch(anyUuid);

    for (const table of ["projects", "servers"]) await run(`update ${table} one set state = before.state from before where before.id = one.id`);
    await run(`update users set role = 'viewer' where id = '${own(user.id)}'`);
    await run(`update tokens set status = 'revoked' where id = '${own(token.id)}'`);
    await run(`update shares set status = 'revoked', project = (state ->> 'project')::uuid where id = '${own(share.id)}'`);
    expect((await verify()).differences).toEqual([]);
  });

  test("finds an event that was put into another project, where others could read what it is about", async () => {
    const { id, project } = await draft();
    const moved = (to: string) => run(`update events set project = '${to}' where entity = '${own(id)}'`);
    await run("alter table events disable trigger user");
    await moved(NOBODY);
    const { differences } = await verify();
    await moved(own(project));
    await run("alter table events enable trigger user");
    const [fromEvents, inTable] = [{ project }, { project: kernel.ids.seal(NOBODY) }];
    expect(differences).toEqual([{ kind: "run", entity: id, field: "events", fromEvents, inTable }]);
    expect((await verify()).differences).toEqual([]);
  });

  test("finds an event that went missing", async () => {
    const { id } = await draft();
    for (const name of ["b", "c"]) await client.call("editRun", { params: { id }, body: { name } });
    await run("alter table events disable trigger user");
    await run(`create table lost as select * from events where entity = '${own(id)}' and version = 2`);
    await run(`delete from events where entity = '${own(id)}' and version = 2`);
    const { differences } = await verify();
    expect(differences).toEqual(expect.arrayContaining([expect.objectContaining({ entity: id, field: "versions", inTable: [1, 3] })]));
    await run("insert into events overriding system value select * from lost");
    await run("alter table events enable trigger user");
    expect((await verify()).differences).toEqual([]);
  });

  test("finds a blob that is missing or of another size, and whose it is", async () => {
    const content = "to be lost";
    const { id } = await trained({ model: content });
    const digest = sha256(content);
    const missing = [{ sha256: digest, owner: `run ${id}`, name: "model.onnx" }];
    await kernel.blobs.delete(digest);
    expect((await verify()).missingBlobs).toEqual(missing);
    await kernel.blobs.put(new TextEncoder().encode(content));
    expect((await verify()).missingBlobs).toEqual([]);
    await run(`update blobs set size = size + 1 where sha256 = '${digest}'`);
    expect((await verify()).missingBlobs).toEqual(missing);
    await run(`update blobs set size = size - 1 where sha256 = '${digest}'`);
  });

  test("finds a file of a run or a dataset that is no longer told to be needed, so that a purge would take it", async () => {
    const { id } = await trained({ model: "needed" });
    const dataset = await client.call("getDataset", { params: { id: "flowers" } });
    await run("create table needs as select * from blob_refs where owner_kind <> 'experiment'");
    await run(`delete from blob_refs where owner = '${own(id)}' and name = 'model.onnx'`);
    await run(`delete from blob_refs where owner = '${own(dataset.id)}'`);
    const { differences } = await verify();
    expect(differences.map(({ kind, entity, field }) => [kind, entity, field]).sort()).toEqual([
      ["dataset", dataset.id, "files"],
      ["run", id, "files"],
    ]);
    await run("insert into blob_refs select * from needs on conflict do nothing");
    expect((await verify()).differences).toEqual([]);
  });

  test("finds nothing wrong while others write", async () => {
    const { id } = await draft();
    const writing = Promise.all(Array.from({ length: 40 }, (_, i) => client.call("editRun", { params: { id }, body: { note: `${i}` } })));
    for (let i = 0; i < 5; i++) expect((await verify()).differences).toEqual([]);
    await writing;
  });
});

describe("a purge", () => {
  test("of a dataset frees its files once no run needs them, and forgets it", async () => {
    await client.call("purge", {});
    const table = "x,y\n1,a\n2,b\n";
    const { id } = await register(platform, "fleeting", table);
    await worker.finish(await worker.take(), { outcome: "failed", error: { code: "BAD_FILE", status: 422, message: "no", fix: "no" } });
    await client.call("deleteDataset", { params: { id } });
    expect((await raw("/api/datasets/fleeting")).status).toBe(404);
    expect(await client.call("purge", {})).toEqual({ runs: 0, datasets: 1, blobs: 1, bytes: table.length });
    expect(await kernel.blobs.head(sha256(table))).toBeUndefined();
    const again = await register(platform, "fleeting", table);
    expect(again).toMatchObject({ version: 2, state: "reading" });
    expect(again.id).not.toBe(id);
    await worker.finish(await worker.take(), { outcome: "stopped" });
    expect((await verify()).differences).toEqual([]);
  });

  test("of a dataset leaves the files that a run reads", async () => {
    const { source } = await draft();
    await client.call("deleteDataset", { params: { id: "flowers" } });
    // What the run does not read goes: the table as it was uploaded, and its profile.
    expect(await client.call("purge", {})).toMatchObject({ datasets: 1, blobs: 2 });
    for (const { sha256 } of source!.files) expect(await kernel.blobs.head(sha256)).toBeDefined();
    await worker.flowers();
  });

  test("twice at once frees everything once", async () => {
    await client.call("purge", {});
    const runs = [await trained({ model: "one of many" }), await trained({ model: "two of many" })];
    for (const { id } of runs) await client.call("deleteRun", { params: { id } });
    const both = await Promise.all([client.call("purge", {}), client.call("purge", {})]);
    expect(both.reduce((sum, { runs }) => sum + runs, 0)).toBe(2);
    expect(both.reduce((sum, { blobs }) => sum + blobs, 0)).toBe(4);
    expect(await verify()).toMatchObject({ differences: [], missingBlobs: [] });
  });

  test("of a run that is worked on leaves it for the next", async () => {
    const { id } = await trained();
    await client.call("evaluateRun", { params: { id }, body: {} });
    const job = await worker.take();
    await client.call("deleteRun", { params: { id } });
    expect(await client.call("purge", {})).toMatchObject({ runs: 0 });
    expect((await raw(`/api/runs/${id}`)).status).toBe(200);
    await worker.finish(job, { outcome: "failed", error: { code: "X", status: 422, message: "no", fix: "no" } });
    expect(await client.call("purge", {})).toMatchObject({ runs: 1 });
  });

  test("of a run whose evaluation waits cancels that", async () => {
    const { id } = await trained();
    const job = await client.call("evaluateRun", { params: { id }, body: {} });
    await client.call("deleteRun", { params: { id } });
    expect(await client.call("purge", {})).toMatchObject({ runs: 1 });
    expect(await client.call("getJob", { params: { id: job.id } })).toMatchObject({ state: "cancelled" });
    expect(await worker.claim()).toBeNull();
  });

  test("at the same time as an upload of the same content loses nothing that was asked for", async () => {
    for (let round = 0; round < 10; round++) {
      const content = `contested ${round}`;
      const digest = sha256(content);
      await client.upload("uploadBlob", { params: { sha256: digest } }, new TextEncoder().encode(content));
      const registering = register(platform, `contested-${round}`, content).catch((error: unknown) => error);
      const [registered] = await Promise.all([registering, client.call("purge", {})]);
      // Either the purge came between upload and registration, which is then refused, or the file is there for good.
      if (registered instanceof Error) expect(registered).toMatchObject({ code: expect.stringMatching(/^(NOT_FOUND|STORE_UNAVAILABLE)$/) });
      else expect(await kernel.blobs.head(digest)).toBeDefined();
    }
    for (let job = await worker.claim(); job; job = await worker.claim()) await worker.finish(job, { outcome: "stopped" });
    expect((await verify()).missingBlobs).toEqual([]);
  });
});

describe("an upload", () => {
  test("that nothing refers to is safe from a purge for the time of grace", async () => {
    const patient = await startTestPlatform({ env: { TRAINYARD_UPLOAD_GRACE: "3600" } });
    const content = "not needed yet";
    await patient.client.upload("uploadBlob", { params: { sha256: sha256(content) } }, new TextEncoder().encode(content));
    expect(await patient.client.call("purge", {})).toMatchObject({ blobs: 0 });
    expect(await patient.kernel.blobs.head(sha256(content))).toBeDefined();
  });
});

describe("storage in use", () => {
  test("is told whole and by who needs it", async () => {
    const { blobs, bytes, byKind, store } = await client.call("getStorage", {});
    const { rows } = await sql<{ blobs: number; bytes: number }>`select count(*)::int as blobs, sum(size)::float8 as bytes from blobs`.execute(
      kernel.db.query,
    );
    expect({ blobs, bytes }).toEqual(rows[0]);
    expect(Object.keys(byKind).sort()).toEqual(["dataset", "experiment", "run"]);
    expect(store).toBe(kernel.store.name);
  });
});

describe("health", () => {
  test("says that the process lives and that database and store answer", async () => {
    expect(await raw("/health/live")).toMatchObject({ status: 200, json: { live: true } });
    expect(await raw("/health/ready")).toMatchObject({ status: 200, json: { ready: true } });
  });

  test("says that it is not ready while the store does not answer", async () => {
    const { check } = kernel.store;
    kernel.store.check = () => Promise.reject(fail("STORE_UNAVAILABLE", { store: "of the test", detail: "away" }));
    const answer = await raw("/health/ready");
    kernel.store.check = check;
    expect([answer.status, answer.headers["retry-after"], answer.json.error.code]).toEqual([503, "1", "STORE_UNAVAILABLE"]);
    expect((await raw("/health/live")).status).toBe(200);
  });
});

describe("GET /metrics", () => {
  test("tells Prometheus of requests, jobs, points, storage and events, under one prefix and with no ids", async () => {
    const { id } = await trained({ points: [{ series: "loss", steps: [1, 2], values: [1, 2] }] });
    await expect(as().call("login", { body: { name: "mallory", password: "guessed" } })).rejects.toMatchObject({ code: "BAD_CREDENTIALS" });
    const { text, headers } = await raw("/metrics");
    expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of [
      /^trainyard_build_info\{version="[\d.]+"\} 1$/m,
      /^trainyard_http_request_duration_seconds_count\{operation="getRun",status="200"\} [1-9]/m,
      /^trainyard_jobs\{state="done"\} [1-9]/m,
      /^trainyard_job_duration_seconds_count\{kind="train",outcome="succeeded"\} [1-9]/m,
      /^trainyard_metric_points_total \d+$/m,
      /^trainyard_queue_wait_seconds \d/m,
      /^trainyard_storage_bytes [1-9]/m,
      /^trainyard_events_total\{type="run\.created"\} [1-9]/m,
      /^trainyard_events_total\{type="server\.sign-in-failed"\} 1$/m,
      /^trainyard_http_request_duration_seconds_count\{operation="login",status="401"\} 1$/m,
      /^process_resident_memory_bytes \d/m,
    ])
      expect(text).toMatch(line);
    for (const secret of [id, "mallory"]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(anyUuid);
  });
});

describe("the server's log", () => {
  test("is read by level, text and from a line on", async () => {
    const { last } = await client.call("getServerLog", { query: {} });
    kernel.log.info({ flow: "storage" }, "a line of some weight");
    kernel.log.warn({ err: new Error("late"), requestId: "r-9" }, "a line that worries");
    const read = async (query: object) => (await client.call("getServerLog", { query: { after: last, ...query } })).items;
    expect(await read({})).toEqual([
      expect.objectContaining({ level: "info", flow: "storage", message: "a line of some weight" }),
      expect.objectContaining({ level: "warn", message: "a line that worries", requestId: "r-9", error: expect.any(String) }),
    ]);
    expect(await read({ level: "warn", text: "WORRIES" })).toHaveLength(1);
    expect(await read({ text: "no such line" })).toEqual([]);
    expect((await raw("/api/admin/log?level=loud")).status).toBe(422);
    expect((await raw("/api/admin/log?limit=5001")).status).toBe(422);
  });
});

test("whatever administers the server is refused to viewers and trainers, and changes nothing", async () => {
  const manages = Object.entries(endpoints as Readonly<Record<string, Endpoint>>).filter(
    ([, { action, on }]) => action === "manage" && on === "server",
  );
  expect(manages.map(([id]) => id)).toEqual(
    expect.arrayContaining(["getServerLog", "getQueues", "stopJob", "countMessages", "rotateKeys", "editUser"]),
  );
  for (const role of ["viewer", "trainer"] as const) {
    const authorization = `Bearer ${await platform.account(`plain-${role}`, role)}`;
    const before = await eventCount();
    for (const [id, { method, path }] of manages) {
      const { status, json } = await raw(path.replace("{id}", kernel.ids.seal(NOBODY)), { method, headers: { authorization } });
      expect([id, status, json.error.code]).toEqual([id, 403, "FORBIDDEN"]);
    }
    expect(await eventCount()).toBe(before);
  }
});
