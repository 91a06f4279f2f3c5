/** Bad input of every kind, from people and from workers: each a clear 4xx in the one form, and nothing changed. */
import { beforeAll, describe, expect, test } from "vitest";
import { jobToken } from "../../src/server/secrets.ts";
import { type Endpoint, endpoints } from "../../src/shared/api/endpoints.ts";
import { errorBody, type Run } from "../../src/shared/api/schemas.ts";
import { HandWorker } from "../hand-worker.ts";
import { type Raw, type RawRequest, sha256, startTestPlatform, tiny } from "../platform.ts";

const platform = await startTestPlatform();
const { raw, client, eventCount, machineToken, workerToken, kernel } = platform;
const worker = new HandWorker(platform);
let run: Run;
let draft: Run;

beforeAll(async () => {
  await worker.flowers();
  const { id } = await client.call("createRun", { body: tiny });
  run = await worker.train(id, { model: "0123456789" });
  draft = await client.call("createRun", { body: { ...tiny, draft: true } });
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** Who holds some job, which is not there. */
const asHolder = bearer(jobToken(kernel.keys.bytes("jobs")[0]!, "00000000-0000-4000-8000-000000000000", 1));
const json = { "content-type": "application/json" };

/** Sends what must be refused. @returns the refusal */
async function refused(path: string, request: RawRequest): Promise<Raw & { code: string }> {
  const before = await eventCount();
  const answer = await raw(path, request);
  const { error } = errorBody.strict().parse(answer.json);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(error.status).toBe(answer.status);
  for (const part of [error.message, error.fix]) expect(part).toMatch(/^[^\n]+$/);
  expect(await eventCount()).toBe(before);
  return { ...answer, code: error.code };
}

describe("a body", () => {
  test.each([
    ["that breaks off", '{"dataset":{"id":"flow'],
    ["with a comma too many", '{"dataset":{"id":"flowers"},}'],
    ["with single quotes", "{'dataset':1}"],
    ["of two values", "{}{}"],
    ["of NaN", '{"priority":NaN}'],
    ["that is a word", "flowers"],
    ["of bytes that are no UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ["that would change prototypes", '{"__proto__":{"draft":true},"dataset":{"id":"flowers"}}'],
    ["that would change constructors", '{"dataset":{"id":"flowers","params":{"constructor":{"prototype":{"x":1}}}}}'],
    ["with NUL in a text", '{"dataset":{"id":"flowers"},"name":"a\\u0000b"}'],
    ["with half a surrogate pair", '{"dataset":{"id":"flowers"},"name":"a\\ud800b"}'],
    ["with the other half", '{"dataset":{"id":"flowers"},"name":"\\udc00"}'],
    ["with halves the wrong way round", '{"dataset":{"id":"flowers"},"name":"\\udc00\\ud800"}'],
    ["with half a pair in a key", '{"dataset":{"id":"flowers"},"tags":{"\\ud800":"x"}}'],
    ["with NUL far inside", '{"dataset":{"id":"flowers"},"network":{"layers":[[[{"a":"\\u0000"}]]]}}'],
    ["with NUL as it is", '{"dataset":{"id":"flowers"},"name":"a\u0000b"}'],
    ["that is nothing", ""],
    ["that is blank", "  \n "],
  ])("%s is refused", async (_, body) => {
    const answer = await refused("/api/runs", { method: "POST", headers: json, body });
    expect([400, 422]).toContain(answer.status);
  });

  test("of nested lists without end is refused", async () => {
    for (const depth of [5000, 100_000, 500_000]) {
      const nested = `${"[".repeat(depth)}${"]".repeat(depth)}`;
      await refused("/api/runs", { method: "POST", headers: json, body: `{"dataset":{"id":"flowers"},"network":${nested}}` });
      await refused("/api/runs", { method: "POST", headers: json, body: `{"dataset":{"id":"flowers","params":{"label":${nested}}}}` });
      await refused(`/api/runs/${draft.id}`, { method: "PATCH", headers: json, body: `{"tags":${nested}}` });
    }
  });

  test("with a whole surrogate pair, and one that only looks like an escape, is fine", async () => {
    const body = '{"name":"\\ud83d\\ude00 \\\\ud800 \\\\u0000"}';
    const answer = await raw(`/api/runs/${draft.id}`, { method: "PATCH", headers: json, body });
    expect([answer.status, answer.json.name]).toEqual([200, "😀 \\ud800 \\u0000"]);
  });

  test.each([
    ["text/plain", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["application/xml", 415],
    ["application/octet-stream", 415],
    ["nonsense", 415],
    ["", 415],
  ])("of the type %j is refused", async (type, status) => {
    const answer = await refused("/api/runs", { method: "POST", headers: { "content-type": type }, body: '{"dataset":{"id":"flowers"}}' });
    expect([answer.status, answer.code]).toEqual([status, "CONTENT_TYPE"]);
    expect(answer.json.error.message).toContain("application/json");
  });

  test("without a type is refused", async () => {
    const answer = await refused("/api/runs", { method: "POST", body: '{"dataset":{"id":"flowers"}}' });
    expect(answer.status).toBe(415);
  });

  test("beyond the limit is refused, whether it says so or not", async () => {
    const large = `{"dataset":{"id":"flowers"},"note":"${"x".repeat(2 * 2 ** 20)}"}`;
    const answer = await refused("/api/runs", { method: "POST", headers: json, body: large });
    expect([answer.status, answer.code, answer.json.error.message]).toEqual([413, "PAYLOAD_TOO_LARGE", expect.stringContaining("2097152")]);
    const before = await eventCount();
    const streamed = await fetch(`${platform.url}/api/runs`, {
      method: "POST",
      headers: { ...json, ...bearer(machineToken) },
      body: new Blob([large]).stream(),
      duplex: "half",
    } as RequestInit);
    expect([streamed.status, errorBody.parse(await streamed.json()).error.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect(await eventCount()).toBe(before);
  });

  test("where none is wanted does no harm", async () => {
    const answer = await raw(`/api/runs/${draft.id}`, { headers: json, body: "no JSON" });
    expect([200, 400]).toContain(answer.status);
  });
});

describe("an id", () => {
  const withId = Object.entries(endpoints as Record<string, Endpoint>).filter(([, { path }]) => path.includes("{id}") && !path.includes("{kind}"));
  const nobody = "00000000-0000-4000-8000-000000000000";
  const bodies: Partial<Record<string, object>> = {
    heartbeat: { token: 1 },
    report: { token: 1, sequence: 1 },
    finishJob: { token: 1, outcome: "stopped" },
    editRun: { name: "x" },
    editUser: { role: "viewer" },
    predictWithRun: { rows: [{ a: 1 }] },
    predictWithExperiment: { rows: [{ a: 1 }] },
    resumeRun: {},
    duplicateRun: {},
    evaluateRun: {},
    finishTransfer: {},
    importDataset: {},
    editDataset: { note: "x" },
    previewSteps: { preprocessing: [] },
    addLog: { token: 1, first: 1, lines: [] },
  };

  /** What else stands in a path. */
  const parts: Readonly<Record<string, string>> = {
    sha256: "0".repeat(64),
    name: "model.onnx",
    offset: "0",
    other: "other",
    split: "test",
    index: "0",
    row: "0",
  };

  const ask = (name: string, { method, path, action, upload }: Endpoint, id: string) =>
    refused(`${path.replace("{id}", id).replace(/\{(\w+)\}/g, (_, name: string) => parts[name]!)}${path.includes("blobs") ? "?token=1" : ""}`, {
      method,
      headers: { ...(action === "work" && asHolder), ...(upload && { "content-type": "application/octet-stream" }) },
      body: upload ? "x" : bodies[name],
    });

  test.each(withId)("of what there is not answers 404: %s", async (name, endpoint) => {
    const answer = await ask(name, endpoint, nobody);
    expect([answer.status, answer.code]).toEqual([404, "NOT_FOUND"]);
    expect(answer.json.error.message).toContain(nobody);
  });

  test.each(withId)("that is none answers 404 or 422: %s", async (name, endpoint) => {
    for (const id of [
      "1",
      "null",
      "undefined",
      nobody.toUpperCase().replace("0", "A"),
      `${nobody}0`,
      `{${nobody}}`,
      "%27%20or%201%3D1--",
      "%F0%9F%98%80",
      "%1b%5b31m",
      "x".repeat(100),
      "x".repeat(101),
      "..%2f..%2fadmin",
      "%2e%2e",
      "%5c..%5c",
      "a%0d%0aSet-Cookie:%20x=y",
    ]) {
      const answer = await ask(name, endpoint, id);
      expect([id, answer.status]).toEqual([id, expect.toSatisfy((status: number) => [404, 422].includes(status))]);
      expect(answer.text).not.toMatch(/\p{Cc}/u);
      expect(answer.headers["set-cookie"]).toBeUndefined();
    }
  });

  test.each(withId)("with NUL or a broken escape answers 400 or 404: %s", async (name, endpoint) => {
    for (const id of ["%00", `${nobody}%00`, "%", "%zz", "%c0%af", "%ff"]) {
      const answer = await ask(name, endpoint, id);
      expect([id, answer.status]).toEqual([id, expect.toSatisfy((status: number) => [400, 404].includes(status))]);
    }
  });

  test("of one kind is none of another", async () => {
    for (const path of [`/api/jobs/${run.id}`, `/api/experiments/${run.id}`, `/api/datasets/${run.id}`, `/api/events/rewind/job/${run.id}`]) {
      const answer = await refused(path, {});
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });
});

describe("a name", () => {
  const rename = (name: unknown) => ({ method: "PATCH", body: { name } });

  test.each([
    ["an escape that commands terminals", "\u001b[2Jgone"],
    ["a line break", "two\nlines"],
    ["a carriage return", "over\rwritten"],
    ["a backspace", "a\bb"],
    ["delete", "a\u007f"],
    ["a control character of C1", "a\u009bb"],
    ["nothing but space", " \t "],
    ["201 letters", "x".repeat(201)],
    ["a number", 7],
    ["a list", ["x"]],
    ["null", null],
  ])("of %s is refused", async (_, name) => {
    const answer = await refused(`/api/runs/${draft.id}`, rename(name));
    expect([answer.status, answer.json.error.problems[0].path]).toEqual([422, "name"]);
    expect(answer.text).not.toMatch(/\p{Cc}/u);
  });

  test.each([
    "Größe",
    "模型",
    "نموذج",
    "🏳️‍🌈",
    "a\u0301",
    "\u202eright to left",
    "x".repeat(200),
    "<script>alert(1)</script>",
    "'; drop table runs; --",
    "../../etc/passwd",
    "$name",
    "%s%n",
  ])("of %j is kept as it is", async (name) => {
    const answer = await raw(`/api/runs/${draft.id}`, rename(name));
    expect([answer.status, answer.json.name]).toEqual([200, name]);
    const found = await client.call("listRuns", { query: { filter: [`name=${name}`] } });
    expect(found.items.map(({ id }) => id)).toEqual([draft.id]);
  });
});

describe("tags", () => {
  const tag = (tags: unknown) => ({ method: "PATCH", body: { tags } });

  test("by the hundred thousand are refused at once", async () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`t${i}`, ""]));
    const start = performance.now();
    const answer = await refused(`/api/runs/${draft.id}`, tag(many));
    expect([answer.status, answer.json.error.problems.length]).toEqual([422, 1]);
    expect(answer.text.length).toBeLessThan(2000);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("by the million are refused for their size", async () => {
    const many = JSON.stringify({ tags: Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [`t${i}`, ""])) });
    const answer = await refused(`/api/runs/${draft.id}`, { method: "PATCH", headers: json, body: many });
    expect([answer.status, answer.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
  });

  test("of bad names or values are refused, each told up to what anyone reads", async () => {
    const bad = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`t${i}`, i]));
    const answer = await refused(`/api/runs/${draft.id}`, tag(bad));
    expect([answer.status, answer.json.error.problems.length]).toEqual([422, 100]);
    for (const tags of [
      { "": "x" },
      { "a\u0007": "x" },
      { ["k".repeat(101)]: "x" },
      { a: "v".repeat(251) },
      { a: null },
      { a: { b: "c" } },
      ["a"],
      "a",
      1,
    ]) {
      await refused(`/api/runs/${draft.id}`, tag(tags));
    }
  });

  test("of any name that is one are kept and found, even those that every object has", async () => {
    const tags = { constructor: "a", toString: "b", "with space": "", "😀": "💯", hasOwnProperty: "c" };
    const answer = await raw(`/api/runs/${draft.id}`, tag(tags));
    expect([answer.status, answer.json.tags]).toEqual([200, tags]);
    const found = await client.call("listRuns", { query: { filter: ["tags.constructor=a", "tags.😀=💯"] } });
    expect(found.items.map(({ id }) => id)).toEqual([draft.id]);
  });

  test("up to a hundred are fine", async () => {
    const hundred = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`t${i}`, "v"]));
    expect((await raw(`/api/runs/${draft.id}`, tag(hundred))).status).toBe(200);
    expect((await refused(`/api/runs/${draft.id}`, tag({ ...hundred, more: "" }))).status).toBe(422);
  });
});

describe("a query", () => {
  test.each([
    "/api/runs?limit=10&limit=20",
    "/api/runs?cursor=a&cursor=b",
    "/api/runs?trash=maybe",
    `/api/runs?${"filter=name=x&".repeat(51)}`,
    `/api/runs?filter=${"x".repeat(501)}=1`,
    "/api/runs?filter=name%3D%00",
    "/api/runs?sort=%00",
    "/api/runs?limit[$gt]=1",
    "/api/runs/compare",
    `/api/runs/compare?${"id=x&".repeat(101)}`,
    "/api/runs/compare?id=x&id=y",
    "/api/events?kind=nothing",
    "/api/events?from=yesterday",
    "/api/events?entity=x",
    "/api/events?cursor=x",
    `/api/events?cursor=${Buffer.from('["99999999999999999999",""]').toString("base64url")}`,
    `/api/datasets?cursor=${Buffer.from('["2026-99-99T00:00:00Z","x"]').toString("base64url")}`,
    `/api/datasets?cursor=${Buffer.from('["12",""]').toString("base64url")}`,
    `/api/experiments?cursor=${Buffer.from('["2026-01-01T00:00:00Z","------------------------------------"]').toString("base64url")}`,
    `/api/experiments?cursor=${Buffer.from('["7",""]').toString("base64url")}`,
    `/api/admin/jobs?cursor=${Buffer.from('["7",""]').toString("base64url")}`,
    `/api/events?cursor=${Buffer.from('["2026-01-01T00:00:00Z","00000000-0000-4000-8000-000000000000"]').toString("base64url")}`,
    "/api/messages?aggregator=a&aggregator=b",
    "/api/messages?from=2026-13-01T00:00:00Z",
    "/api/messages/graph?to=never",
  ])("%s is refused", async (path) => {
    expect([400, 404, 422]).toContain((await refused(path, {})).status);
  });

  test.each(["points=1", "points=20001", "points=x", "from=-1", "to=1.5", "from=99999999999999999999"])(
    "of metrics by %s is refused",
    async (query) => {
      expect((await refused(`/api/runs/${run.id}/metrics?${query}`, {})).status).toBe(422);
    },
  );

  test("that the route does not know is refused", async () => {
    for (const path of ["/api/runs?colour=red", "/api/events?filter=x", `/api/runs/${run.id}/metrics?constructor=1`]) {
      const answer = await refused(path, {});
      expect([path, answer.status, answer.json.error.problems[0].wanted]).toEqual([path, 422, "absent: there is no such field"]);
    }
  });
});

describe("a file of a run", () => {
  const file = (name: string, headers: Record<string, string> = {}) => raw(`/api/runs/${run.id}/artifacts/${name}`, { headers });

  test("is an attachment of a fixed type that no browser opens", async () => {
    const { status, headers, text } = await file("model.onnx");
    expect([status, text]).toEqual([200, "0123456789"]);
    expect(headers).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": 'attachment; filename="model.onnx"',
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
      "content-length": "10",
    });
  });

  test.each([
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cetc",
    "%252e%252e%252fetc",
    "%2fetc%2fpasswd",
    "model.onnx%00.txt",
    "model.onnx%2f..",
    "model.onnx%3f",
    "model.onnx%23",
    "model.onnx;x",
    ".",
    "%2e",
    "..",
    "constructor",
    "__proto__",
    "toString",
    "MODEL.ONNX",
    "",
    "%20",
    "x".repeat(300),
    "C:%5cwindows",
    "file:%2f%2f%2fetc%2fpasswd",
  ])("is not found by %s", async (name) => {
    const answer = await refused(`/api/runs/${run.id}/artifacts/${name}`, {});
    expect([400, 404, 422]).toContain(answer.status);
    expect(answer.text).not.toContain("root:");
  });

  test.each([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=4-", 206, "456789", "bytes 4-9/10"],
    ["bytes=9-9", 206, "9", "bytes 9-9/10"],
    ["bytes=5-1000", 206, "56789", "bytes 5-9/10"],
    ["bytes=5-2", 200, "0123456789", undefined],
    ["bytes=a-b", 200, "0123456789", undefined],
    ["bytes=", 200, "0123456789", undefined],
    ["bytes=0-0,2-2", 200, "0123456789", undefined],
    ["lines=0-3", 200, "0123456789", undefined],
  ])("in the range %s comes with %d", async (range, status, text, contentRange) => {
    const answer = await file("model.onnx", { range });
    expect([answer.status, answer.text, answer.headers["content-range"]]).toEqual([status, text, contentRange]);
    expect(answer.headers["content-length"]).toBe(String(text.length));
  });

  test.each(["bytes=10-", "bytes=10-20", "bytes=999999999999999-"])("has nothing in the range %s, and says how much there is", async (range) => {
    const answer = await refused(`/api/runs/${run.id}/artifacts/model.onnx`, { headers: { range } });
    expect([answer.status, answer.code, answer.headers["content-range"]]).toEqual([416, "RANGE_NOT_SATISFIABLE", "bytes */10"]);
  });

  test("counted from the end comes whole, as any server may answer", async () => {
    expect(await file("model.onnx", { range: "bytes=-3" })).toMatchObject({ status: 200, text: "0123456789" });
  });
});

describe("a worker", () => {
  const claimBody = { worker: { id: "00000000-0000-4000-8000-00000000000a", name: "w", labels: [], slots: 1, version: "1", platform: "x" }, wait: 0 };
  const claim = (body: unknown) => refused("/api/worker/claim", { method: "POST", headers: bearer(workerToken), body });

  test.each<[what: string, change: object, path: string]>([
    ["an id that is none", { id: "me" }, "worker.id"],
    ["a name with control characters", { name: "w\u001b[31m" }, "worker.name"],
    ["labels beyond count", { labels: Array(21).fill("x") }, "worker.labels"],
    ["no slots", { slots: 0 }, "worker.slots"],
    ["half a slot", { slots: 0.5 }, "worker.slots"],
    ["a field that there is not", { root: true }, "worker.root"],
  ])("with %s gets no job", async (_, change, path) => {
    const answer = await claim({ ...claimBody, worker: { ...claimBody.worker, ...change } });
    expect([answer.status, answer.json.error.problems.map((p: { path: string }) => p.path)]).toEqual([422, [path]]);
  });

  test.each([-1, 26, "long", null])("that would wait %j seconds gets no job", async (wait) => {
    expect((await claim({ ...claimBody, wait })).json.error.problems[0].path).toBe("wait");
  });

  test("that reports what is out of form is refused", async () => {
    const { id } = await client.call("createRun", { body: tiny });
    const job = await worker.take();
    const report = (what: object) =>
      refused(`/api/worker/jobs/${job.id}/report`, { method: "POST", headers: bearer(job.key), body: { token: job.token, sequence: 1, ...what } });
    for (const [what, path] of [
      [{ sequence: 0 }, "sequence"],
      [{ sequence: 2 ** 40 }, "sequence"],
      [{ token: 1.5 }, "token"],
      [{ token: 2 ** 53 }, "token"],
      [{ points: [{ series: "a b", steps: [1], values: [1] }] }, "points.0.series"],
      [{ points: [{ series: "", steps: [1], values: [1] }] }, "points.0.series"],
      [{ points: [{ series: "a", steps: [-1], values: [1] }] }, "points.0.steps.0"],
      [{ points: [{ series: "a", steps: [0.5], values: [1] }] }, "points.0.steps.0"],
      [{ points: [{ series: "a", steps: [1], values: ["1"] }] }, "points.0.values.0"],
      [{ points: [{ series: "a", steps: Array(10_001).fill(1), values: Array(10_001).fill(1) }] }, "points.0.steps"],
      [{ artifacts: [{ name: "../up", sha256: sha256(""), size: 0 }] }, "artifacts.0.name"],
      [{ artifacts: [{ name: "UP", sha256: sha256(""), size: 0 }] }, "artifacts.0.name"],
      [{ artifacts: [{ name: "up", sha256: "x", size: 0 }] }, "artifacts.0.sha256"],
      [{ artifacts: [{ name: "up", sha256: sha256(""), size: -1 }] }, "artifacts.0.size"],
      [{ checkpoint: { update: -1, epoch: 0 } }, "checkpoint.update"],
      [{ progress: { epoch: 1 } }, "progress.epochs"],
      [{ facts: {} }, "facts.dataset"],
    ] as const) {
      const { json: told, status } = await report(what);
      expect([what, status, told.error.problems.map((p: { path: string }) => p.path)]).toEqual([what, 422, expect.arrayContaining([path])]);
    }
    expect(await client.call("getRun", { params: { id } })).toMatchObject({ state: "running", artifacts: [], metrics: {} });
    await worker.succeed(job);
  });

  test("whose numbers are larger than any counter gets a clear no, or is taken at its word", async () => {
    const { id } = await client.call("createRun", { body: tiny });
    const job = await worker.take();
    const last = Number.MAX_SAFE_INTEGER;
    const answer = await raw(`/api/worker/jobs/${job.id}/report`, {
      method: "POST",
      headers: bearer(job.key),
      body: { token: job.token, sequence: 1, points: [{ series: "a", steps: [last], values: [1.7e308] }] },
    });
    expect(answer.status).toBe(200);
    expect((await client.call("getRun", { params: { id } })).metrics.a).toMatchObject({ lastStep: last, max: 1.7e308 });
    await worker.succeed(job);
  });

  test("with a token in the query that is no number gets no file", async () => {
    await client.call("createRun", { body: tiny });
    const job = await worker.take();
    for (const [token, status] of [
      ["", 409], // nothing is 0, which is no claim's number
      ["x", 422],
      ["1.5", 422],
      ["1e99", 422],
      ["-1", 409],
      ["NaN", 422],
      ["9007199254740993", 422],
    ] as const) {
      const answer = await refused(`/api/worker/jobs/${job.id}/blobs/${sha256("")}?token=${token}`, { headers: bearer(job.key) });
      expect([token, answer.status]).toEqual([token, status]);
    }
    await worker.succeed(job);
  });
});

test("an export, a download or a feed that its reader leaves half way leaves the server as it was", async () => {
  for (const path of ["/api/events/export", `/api/runs/${run.id}/artifacts/model.onnx`, `/api/runs/${draft.id}/live`]) {
    const gone = new AbortController();
    const answer = await fetch(`${platform.url}${path}`, {
      signal: gone.signal,
      headers: { ...bearer(machineToken), accept: "text/event-stream, */*" },
    });
    expect(answer.status).toBe(200);
    gone.abort();
  }
  expect((await raw("/health/ready")).status).toBe(200);
});

test("after all of this the tables are what the events say", async () => {
  expect(await client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
});
