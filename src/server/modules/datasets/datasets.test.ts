/** Registered datasets: files under a name, in versions that never change. */
import { describe, expect, test } from "vitest";
import { HandWorker, irisFacts } from "../../../../test/hand-worker.ts";
import { register, sha256, startTestPlatform, tiny } from "../../../../test/platform.ts";

const platform = await startTestPlatform();
const { client, raw, eventCount, kernel } = platform;
const worker = new HandWorker(platform);
const get = (id: string) => client.call("getDataset", { params: { id } });

/** Registers, and says that it was read. */
async function ready(name: string, table: string) {
  const { id } = await register(platform, name, table);
  await worker.finish(await worker.take(), { outcome: "succeeded", dataset: irisFacts });
  return get(id);
}

describe("a dataset that is registered", () => {
  test("is read by a worker and then ready", async () => {
    const table = "a,b\n1,2\n";
    const dataset = await register(platform, "first", table);
    const file = { name: "table.csv", sha256: sha256(table), size: table.length };
    expect(dataset).toMatchObject({
      name: "first",
      version: 1,
      state: "reading",
      files: [file],
      source: { id: "csv", params: { testFraction: 0.2 } },
    });
    const job = await worker.take();
    expect(job).toMatchObject({ kind: "ingest", subject: { kind: "dataset", id: dataset.id }, payload: { dataset: { id: "csv", files: [file] } } });
    await worker.finish(job, { outcome: "succeeded", dataset: irisFacts });
    expect(await get(dataset.id)).toEqual({ ...dataset, state: "ready", facts: irisFacts });
  });

  test("again with the same content is the same version, and with other content another", async () => {
    const one = await ready("grown", "a,b\n1,2\n");
    const before = await eventCount();
    expect(await register(platform, "grown", "a,b\n1,2\n")).toEqual(one);
    expect(await eventCount()).toBe(before);
    const two = await ready("grown", "a,b\n1,2\n3,4\n");
    expect([one.version, two.version]).toEqual([1, 2]);
    expect(await get("grown")).toEqual(two);
    expect(await get("grown@1")).toEqual(one);
    expect(await get(one.id)).toEqual(one);
    expect(await worker.claim()).toBeNull();
  });

  test("by several at once is one version", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => register(platform, "crowded", "a,b\n5,6\n")));
    expect(new Set(all.map(({ id, version }) => `${id} ${version}`)).size).toBe(1);
    const others = await Promise.all(Array.from({ length: 5 }, (_, i) => register(platform, "crowded", `a,b\n${i},6\n`)));
    expect([...new Set([...all, ...others].map(({ version }) => version))].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    for (let job = await worker.claim(); job; job = await worker.claim()) await worker.finish(job, { outcome: "succeeded", dataset: irisFacts });
  });

  test("and could not be read is read again when it is registered again", async () => {
    const { id } = await register(platform, "second chance", "a,b\n7,8\n");
    await worker.finish(await worker.take(), {
      outcome: "failed",
      error: { code: "BAD_FILE", status: 422, message: "no table", fix: "Make it one." },
    });
    expect(await get(id)).toMatchObject({ state: "failed", reason: { code: "BAD_FILE", message: "no table", fix: "Make it one." } });
    const again = await register(platform, "second chance", "a,b\n7,8\n");
    expect([again.id, again.version, again.state, again.reason]).toEqual([id, 1, "reading", undefined]);
    await worker.finish(await worker.take(), { outcome: "succeeded", dataset: irisFacts });
    expect((await get(id)).state).toBe("ready");
  });

  test("is refused with every problem at once", async () => {
    const before = await eventCount();
    const file = { name: "t.csv", sha256: "0".repeat(64), size: 1 };
    const source = { id: "csv", params: { testFraction: 2, colour: 1 } };
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "iris", source, files: [file, file] } });
    expect(answer.status).toBe(422);
    expect(answer.json.error.problems.map(({ path }: { path: string }) => path).sort()).toEqual([
      "files",
      "name",
      "source.params.colour",
      "source.params.testFraction",
    ]);
    expect(await eventCount()).toBe(before);
  });

  test.each<[what: string, body: object, status: number, path: string]>([
    ["an unknown source", { source: { id: "xml" } }, 422, "source.id"],
    ["a name that climbs", { name: "../etc" }, 422, "name"],
    ["a name with an @, which asks for a version", { name: "a@1" }, 422, "name"],
    ["a file whose name is a path", { files: [{ name: "../a.csv", sha256: "0".repeat(64), size: 1 }] }, 422, "files.0.name"],
    ["a file whose name is an absolute path", { files: [{ name: "/etc/passwd", sha256: "0".repeat(64), size: 1 }] }, 422, "files.0.name"],
    ["a digest that is none", { files: [{ name: "a.csv", sha256: "F".repeat(64), size: 1 }] }, 422, "files.0.sha256"],
    ["no files", { files: [] }, 422, "files"],
    ["a field that there is not", { folder: "/data" }, 422, "folder"],
  ])("is refused for %s", async (_, change, status, path) => {
    const file = { name: "t.csv", sha256: "0".repeat(64), size: 1 };
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "x", source: { id: "csv" }, files: [file], ...change } });
    expect([answer.status, answer.json.error.problems.map((p: { path: string }) => p.path)]).toEqual([status, [path]]);
  });

  test("is refused while its files were not uploaded", async () => {
    const before = await eventCount();
    const files = [{ name: "t.csv", sha256: sha256("never uploaded"), size: 14 }];
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "hollow", source: { id: "csv" }, files } });
    expect([answer.status, answer.json.error.code]).toEqual([404, "NOT_FOUND"]);
    expect(await eventCount()).toBe(before);
  });

  test("is refused with a size that its file has not", async () => {
    const table = "a,b\n9,9\n";
    await client.upload("uploadBlob", { params: { sha256: sha256(table) } }, new TextEncoder().encode(table));
    const files = [{ name: "t.csv", sha256: sha256(table), size: 999 }];
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "shrunk", source: { id: "csv" }, files } });
    expect([answer.status, answer.json.error.code]).toEqual([422, "BLOB_MISMATCH"]);
  });
});

describe("a dataset that is deleted", () => {
  test("is listed no more, while runs go on with the files they have", async () => {
    const dataset = await ready("leaving", "a,b\n1,1\n");
    const run = await client.call("createRun", { body: { ...tiny, dataset: { id: "leaving" } } });
    await client.call("deleteDataset", { params: { id: "leaving" } });
    expect((await raw("/api/datasets/leaving")).status).toBe(404);
    expect((await client.call("listDatasets", { query: { limit: 500 } })).items.map(({ id }) => id)).not.toContain(dataset.id);
    await client.call("purge", {});
    const job = await worker.take();
    const { sha256: digest } = run.source!.files[0]!;
    const answer = await platform.as(job.key).download("getJobBlob", { params: { id: job.id, sha256: digest }, query: { token: job.token } });
    expect(await answer.text()).toBe("a,b\n1,1\n");
    await worker.succeed(job);
  });

  test("comes back when it is registered again", async () => {
    const { id } = await ready("returning", "a,b\n2,2\n");
    await client.call("deleteDataset", { params: { id } });
    expect(await register(platform, "returning", "a,b\n2,2\n")).toMatchObject({ id, version: 1, state: "ready" });
  });

  test("uncovers the version before", async () => {
    const one = await ready("layered", "a,b\n3,3\n");
    const two = await ready("layered", "a,b\n4,4\n");
    await client.call("deleteDataset", { params: { id: two.id } });
    expect(await get("layered")).toEqual(one);
    expect(await ready("layered", "a,b\n5,5\n")).toMatchObject({ version: 3 });
  });
});

test("the list of datasets comes newest first, in pages that neither skip nor repeat", async () => {
  const { items: all } = await client.call("listDatasets", { query: { limit: 500 } });
  const found: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.call("listDatasets", { query: { limit: 3, cursor } });
    found.push(...page.items.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  expect(all.length).toBeGreaterThan(6);
  expect(found).toEqual(all.map(({ id }) => id));
  const times = all.map(({ createdAt }) => createdAt);
  expect(times).toEqual([...times].sort().reverse());
});

describe("an upload", () => {
  const put = (digest: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    raw(`/api/uploads/${digest}`, { method: "PUT", headers: { "content-type": "application/octet-stream", ...headers }, body });

  test("of other content than was announced is refused, and nothing is kept", async () => {
    const answer = await put(sha256("announced"), "other");
    expect([answer.status, answer.json.error.code]).toEqual([422, "BLOB_MISMATCH"]);
    expect(await kernel.blobs.head(sha256("announced"))).toBeUndefined();
    expect(await kernel.blobs.head(sha256("other"))).toBeUndefined();
  });

  test("again is the same", async () => {
    const digest = sha256("twice");
    const answers = await Promise.all([put(digest, "twice"), put(digest, "twice"), put(digest, "twice")]);
    for (const { status, json } of answers) expect([status, json]).toEqual([200, { sha256: digest, size: 5 }]);
  });

  test("of nothing is an empty file", async () => {
    const answer = await put(sha256(""), "");
    expect([answer.status, answer.json]).toEqual([200, { sha256: sha256(""), size: 0 }]);
  });

  test("under a name that is no digest is refused", async () => {
    for (const digest of ["x", "0".repeat(63), "0".repeat(65), "A".repeat(64), `${"0".repeat(62)}%00`, "..%2f..%2fetc"]) {
      const answer = await put(digest, "x");
      expect([digest, answer.status]).toEqual([digest, expect.toSatisfy((status: number) => status >= 400 && status < 500)]);
    }
  });

  test("as JSON is refused", async () => {
    const answer = await put(sha256("{}"), "{}", { "content-type": "application/json" });
    expect([answer.status, answer.json.error.code]).toEqual([415, "CONTENT_TYPE"]);
    expect(answer.json.error.message).toContain("application/octet-stream");
  });

  test("that is larger than what is accepted is refused, whether it says so or not", async () => {
    const strict = await startTestPlatform({ env: { TRAINYARD_MAX_UPLOAD: "1000" } });
    const large = "x".repeat(1001);
    const path = `/api/uploads/${sha256(large)}`;
    const announced = await strict.raw(path, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: large });
    expect([announced.status, announced.json.error.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    const streamed = await fetch(`${strict.url}${path}`, {
      method: "PUT",
      headers: { "content-type": "application/octet-stream", authorization: `Bearer ${strict.machineToken}` },
      body: new Blob([large]).stream(),
      duplex: "half",
    } as RequestInit);
    expect([streamed.status, await streamed.json()]).toEqual([
      413,
      expect.objectContaining({ error: expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }) }),
    ]);
    expect(await strict.kernel.blobs.head(sha256(large))).toBeUndefined();
    const fits = "x".repeat(1000);
    await strict.client.upload("uploadBlob", { params: { sha256: sha256(fits) } }, new TextEncoder().encode(fits));
  });

  test("that breaks off leaves nothing", async () => {
    const content = "y".repeat(100_000);
    const gone = new AbortController();
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent++ < 3) controller.enqueue(new TextEncoder().encode(content.slice(0, 1000)));
        else gone.abort();
      },
    });
    const broken = client.upload("uploadBlob", { params: { sha256: sha256(content) } }, body as never, { signal: gone.signal });
    await expect(broken).rejects.toThrow();
    expect(await kernel.blobs.head(sha256(content))).toBeUndefined();
    expect((await put(sha256(content), content)).status).toBe(200);
  });
});
