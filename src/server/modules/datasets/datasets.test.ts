/** Registered datasets: files under a name, in versions that never change. */
import { describe, expect, test } from "vitest";
import { HandWorker, irisFacts, irisProfile } from "../../../../test/hand-worker.ts";
import { register, sha256, startTestPlatform, tiny, verdict } from "../../../../test/platform.ts";
import type { Preview } from "../../../shared/profile.ts";

// A worker that writes nonsense is an error of ours, which would be logged.
const platform = await startTestPlatform({ env: { TRAINYARD_LOG_LEVEL: "silent" } });
const { client, raw, eventCount, kernel } = platform;
const worker = new HandWorker(platform);
const get = (id: string) => client.call("getDataset", { params: { id } });

/** Registers, and says that it was read. */
async function ready(name: string, table: string) {
  const { id } = await register(platform, name, table);
  await worker.read(await worker.take());
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
      source: { id: "table", params: { testFraction: 0.2 } },
    });
    const job = await worker.take();
    expect(job).toMatchObject({ kind: "ingest", subject: { kind: "dataset", id: dataset.id }, payload: { dataset: { id: "table", files: [file] } } });
    await worker.read(job);
    const read = await get(dataset.id);
    expect(read).toEqual({ ...dataset, state: "ready", facts: irisFacts, snapshot: read.snapshot });
    expect(read.snapshot.map(({ name }) => name)).toEqual(["snapshot.json", "profile.json", "train.safetensors"]);
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
    for (let job = await worker.claim(); job; job = await worker.claim()) await worker.read(job);
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
    await worker.read(await worker.take());
    expect((await get(id)).state).toBe("ready");
  });

  test("is refused with every problem at once", async () => {
    const before = await eventCount();
    const file = { name: "t.csv", sha256: "0".repeat(64), size: 1 };
    const source = { id: "table", params: { testFraction: 2, colour: 1 } };
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
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "x", source: { id: "table" }, files: [file], ...change } });
    expect([answer.status, answer.json.error.problems.map((p: { path: string }) => p.path)]).toEqual([status, [path]]);
  });

  test("is refused while its files were not uploaded", async () => {
    const before = await eventCount();
    const files = [{ name: "t.csv", sha256: sha256("never uploaded"), size: 14 }];
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "hollow", source: { id: "table" }, files } });
    expect([answer.status, answer.json.error.code]).toEqual([404, "NOT_FOUND"]);
    expect(await eventCount()).toBe(before);
  });

  test("is refused with a size that its file has not", async () => {
    const table = "a,b\n9,9\n";
    await client.upload("uploadBlob", { params: { sha256: sha256(table) } }, new TextEncoder().encode(table));
    const files = [{ name: "t.csv", sha256: sha256(table), size: 999 }];
    const answer = await raw("/api/datasets", { method: "POST", body: { name: "shrunk", source: { id: "table" }, files } });
    expect([answer.status, answer.json.error.code]).toEqual([422, "BLOB_MISMATCH"]);
  });
});

describe("a dataset that is deleted", () => {
  test("is listed no more, while runs go on with the snapshot they have", async () => {
    const dataset = await ready("leaving", "a,b\n1,1\n");
    const run = await client.call("createRun", { body: { ...tiny, dataset: { id: "leaving" } } });
    await client.call("deleteDataset", { params: { id: "leaving" } });
    expect((await raw("/api/datasets/leaving")).status).toBe(404);
    expect((await client.call("listDatasets", { query: { limit: 500 } })).items.map(({ id }) => id)).not.toContain(dataset.id);
    await client.call("purge", {});
    const job = await worker.take();
    expect(run.source).toMatchObject({ name: "leaving", version: 1, snapshot: irisFacts.digest });
    const { sha256: digest } = run.source!.files.find(({ name }) => name === "train.safetensors")!;
    const answer = await platform.as(job.key).download("getJobBlob", { params: { id: job.id, sha256: digest }, query: { token: job.token } });
    expect(await answer.text()).toBe("rows to train on");
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

describe("a dataset that is looked at first", () => {
  const look = async (name: string, table: string) => {
    await client.upload("uploadBlob", { params: { sha256: sha256(table) } }, new TextEncoder().encode(table));
    const files = [{ name: "table.csv", sha256: sha256(table), size: table.length }];
    return client.call("registerDataset", { body: { name, source: { id: "table" }, files, preview: true } });
  };
  const found: Preview = { kind: "table", format: { name: "csv" }, records: 1, estimated: false, columns: [], rows: [["1", "2"]], problems: [] };
  const previewed = async (name: string, table: string) => {
    const dataset = await look(name, table);
    const job = await worker.take();
    const artifacts = [await worker.upload(job, "preview.json", JSON.stringify(found))];
    await worker.finish(job, { outcome: "succeeded", artifacts });
    return dataset;
  };

  test("tells what was found, and is imported with what is set right", async () => {
    const dataset = await look("looked at", "a,b\n1,0\n");
    expect(dataset.state).toBe("previewing");
    expect(await verdict(client.call("getPreview", { params: { id: dataset.id } }))).toBe("WRONG_STATE");
    const job = await worker.take();
    expect(job.payload.dataset).toMatchObject({ id: "table", preview: true });
    const artifacts = [await worker.upload(job, "preview.json", JSON.stringify(found))];
    await worker.finish(job, { outcome: "succeeded", artifacts });
    expect(await get(dataset.id)).toMatchObject({ state: "previewed" });
    expect(await client.call("getPreview", { params: { id: dataset.id } })).toEqual(found);

    const params = { target: "a", types: { b: "category" } };
    const importing = await client.call("importDataset", { params: { id: dataset.id }, body: { params } });
    expect(importing).toMatchObject({ state: "reading", source: { id: "table", params } });
    const next = await worker.take();
    expect(next.payload.dataset).toMatchObject({ preview: false, params });
    await worker.report(next, { imported: { done: 3, total: 10 } });
    expect((await get(dataset.id)).progress).toEqual({ done: 3, total: 10 });
    await worker.read(next);
    expect(await get("looked at")).toMatchObject({ id: dataset.id, version: 1, state: "ready" });
    expect((await get("looked at")).progress).toBeUndefined();
    // Neither does it need any more what was made to look at it.
    expect((await client.call("verify", {})).differences).toEqual([]);
    expect(await verdict(client.call("importDataset", { params: { id: dataset.id }, body: {} }))).toBe("WRONG_STATE");
  });

  test("is not yet what its name means, nor to be trained on", async () => {
    const one = await ready("halfway", "a,b\n6,6\n");
    const two = await previewed("halfway", "a,b\n7,7\n");
    expect(await get("halfway")).toEqual(one);
    expect(await get("halfway@2")).toMatchObject({ id: two.id, state: "previewed" });
    const answer = await raw("/api/runs", { method: "POST", body: { ...tiny, dataset: { id: "halfway@2" } } });
    expect(answer.json.error.problems).toMatchObject([{ path: "dataset.id", code: "WRONG_STATE" }]);
  });

  test("keeps waiting when what is set right is wrong, with every problem told", async () => {
    const { id } = await previewed("corrected", "a,b\n8,8\n");
    const answer = await raw(`/api/datasets/${id}/import`, { method: "POST", body: { params: { testFraction: 2, types: { a: "colour" } } } });
    expect([answer.status, answer.json.error.problems.map(({ path }: { path: string }) => path).sort()]).toEqual([
      422,
      ["params.testFraction", "params.types"],
    ]);
    expect(await get(id)).toMatchObject({ state: "previewed" });
  });
});

describe("what is known of a dataset", () => {
  test("is told once it is ready, and its files are downloads", async () => {
    const dataset = await ready("known", "a,b\n1,8\n");
    expect(await client.call("getProfile", { params: { id: "known" } })).toEqual(irisProfile);
    for (const { sha256: digest, size } of [...dataset.files, ...dataset.snapshot]) {
      const answer = await client.download("getDatasetFile", { params: { id: "known", sha256: digest } });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      expect([sha256(bytes), bytes.length]).toEqual([digest, size]);
      expect(answer.headers.get("content-disposition")).toContain("attachment");
    }
    const other = await ready("unknown", "a,b\n2,8\n");
    const foreign = other.files[0]!.sha256;
    expect(await verdict(client.download("getDatasetFile", { params: { id: "known", sha256: foreign } }))).toBe("NOT_FOUND");
  });

  test("includes a note that may change, and nothing else does", async () => {
    const dataset = await ready("noted", "a,b\n3,8\n");
    const note = "measured in May";
    expect(await client.call("editDataset", { params: { id: "noted" }, body: { note } })).toEqual({ ...dataset, note });
    const before = await eventCount();
    await client.call("editDataset", { params: { id: "noted" }, body: { note } });
    expect(await eventCount()).toBe(before);
    expect((await raw("/api/datasets/noted", { method: "PATCH", body: { note, name: "other" } })).status).toBe(422);
  });

  test("is refused as long as a worker wrote something else than a profile", async () => {
    const { id } = await register(platform, "odd", "a,b\n4,8\n");
    const job = await worker.take();
    const artifacts = [await worker.upload(job, "profile.json", '{"kind":"poem"}')];
    await worker.finish(job, { outcome: "succeeded", dataset: irisFacts, artifacts });
    expect((await raw(`/api/datasets/${id}/profile`)).status).toBe(500);
  });
});

describe("a dataset of the catalog", () => {
  test("is imported under its own name alone, without files, and trainings then read that", async () => {
    const other = await raw("/api/datasets", { method: "POST", body: { name: "mnist", source: { id: "iris" }, files: [] } });
    expect(other.json.error.problems).toMatchObject([{ path: "name" }]);
    const { id } = await client.call("registerDataset", { body: { name: "iris", source: { id: "iris" }, files: [] } });
    await worker.read(await worker.take());
    const draft = (params?: object) =>
      client.call("createRun", { body: { ...tiny, dataset: { id: "iris", ...(params && { params: params as never }) }, draft: true } });
    expect((await draft()).source).toMatchObject({ name: "iris", version: 1, snapshot: irisFacts.digest });
    expect((await draft({ splitSeed: 2 })).source).toBeUndefined();
    await client.call("deleteDataset", { params: { id } });
    expect((await draft()).source).toBeUndefined();
  });
});

describe("versions of a dataset", () => {
  test("are compared by what is known of them, within one project", async () => {
    const profiled = async (name: string, table: string, train: number) => {
      const { id } = await register(platform, name, table);
      const job = await worker.take();
      const profile = { ...irisProfile, records: { train, validation: 0, test: 1 } };
      const artifacts = [await worker.upload(job, "profile.json", JSON.stringify(profile))];
      await worker.finish(job, { outcome: "succeeded", dataset: irisFacts, artifacts });
      return id;
    };
    const [one, two] = [await profiled("compared", "a,b\n1,7\n", 10), await profiled("compared", "a,b\n2,7\n", 20)];
    const compared = await client.call("compareDatasets", { params: { id: "compared@1", other: "compared" } });
    expect(compared).toMatchObject({ records: { base: { train: 10 }, other: { train: 20 } }, columns: { drift: [] } });
    expect(await client.call("compareDatasets", { params: { id: one, other: two } })).toEqual(compared);
    await client.call("createProject", { body: { name: "elsewhere" } });
    const foreign = raw(`/api/datasets/compared/compare/${two}?project=elsewhere`);
    expect((await foreign).status).toBe(404);
    expect(await verdict(client.call("compareDatasets", { params: { id: one, other: "nothing" } }))).toBe("NOT_FOUND");
  });

  test("are listed by its name", async () => {
    const one = await ready("many", "a,b\n1,9\n");
    const two = await ready("many", "a,b\n2,9\n");
    await ready("more", "a,b\n3,9\n");
    expect((await client.call("listDatasets", { query: { name: "many" } })).items).toEqual([two, one]);
  });
});

test("an import that is stopped says so, and can be begun again", async () => {
  const { id } = await register(platform, "stopped", "a,b\n5,9\n");
  const job = await worker.take();
  await client.call("deleteDataset", { params: { id } });
  expect((await worker.heartbeat(job)).stop).toBe(true);
  await worker.finish(job, { outcome: "stopped" });
  expect(await register(platform, "stopped", "a,b\n5,9\n")).toMatchObject({ id, state: "reading" });
  await worker.read(await worker.take());
  expect((await get(id)).state).toBe("ready");
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
