/** Buckets over the API: administrators alone, those of the configuration alone, and every change of one in the history. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { sha256, startTestPlatform, verdict } from "../../../../test/platform.ts";
import { S3Server } from "../../../../test/s3-server.ts";
import { endpoints } from "../../../shared/api/endpoints.ts";

const folder = mkdtempSync(join(tmpdir(), "trainyard-buckets-"));
mkdirSync(join(folder, "lab"));
writeFileSync(join(folder, "lab", "kept.txt"), "kept");
const server = await S3Server.s3rver(join(folder, "s3")).start();
// What s3rver knows.
process.env.AWS_ACCESS_KEY_ID = "S3RVER";
process.env.AWS_SECRET_ACCESS_KEY = "S3RVER";
const MAX = 100_000;
const platform = await startTestPlatform({
  env: {
    TRAINYARD_BUCKETS: `photos=s3://${server.bucket}/photos?endpoint=${server.endpoint},lab=${join(folder, "lab")},archive=${join(folder, "lab")}:ro,gone=${join(folder, "nowhere")}`,
    TRAINYARD_MAX_UPLOAD: String(MAX),
    TRAINYARD_LOG_LEVEL: "silent", // a folder is not there on purpose
  },
});
const { client, raw, as, kernel } = platform;
afterAll(async () => {
  await server.kill();
  rmSync(folder, { recursive: true });
});

const objectOf = (bucket: string, name: string): string => `/api/buckets/${bucket}/object?name=${encodeURIComponent(name)}`;
const upload = (bucket: string, name: string, body: string | Uint8Array, more = "") =>
  raw(`${objectOf(bucket, name)}${more}`, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body });
const listed = async (bucket: string, prefix = "") => {
  const { folders, items } = await client.call("listObjects", { params: { bucket }, query: { prefix } });
  return [...folders, ...items.map(({ name }) => name)];
};

test("the buckets of the configuration are listed, with their places and without where their servers are", async () => {
  const { items, maxBytes } = await client.call("listBuckets", {});
  expect(items.map(({ name, kind, readOnly }) => [name, kind, readOnly])).toEqual([
    ["photos", "s3", false],
    ["lab", "files", false],
    ["archive", "files", true],
    ["gone", "files", false],
  ]);
  expect(items[0]!.place).toBe(`s3://${server.bucket}/photos`);
  expect(maxBytes).toBe(MAX);
});

describe("only administrators of the platform", () => {
  const ids = Object.entries(endpoints).filter(([, { module }]) => module === "buckets");

  test.each(ids)("%s", async (_, { method, path }) => {
    for (const role of ["viewer", "trainer"] as const) {
      const token = await platform.account(`${role}-${path.length}-${method.toLowerCase()}`, role);
      const headers = { authorization: `Bearer ${token}` };
      const answer = await raw(path.replace("{bucket}", "lab"), { method, headers });
      expect([answer.status, answer.json.error.code]).toEqual([403, "FORBIDDEN"]);
    }
    const nobody = await raw(path.replace("{bucket}", "lab"), { method, anonymous: true });
    expect(nobody.status).toBe(401);
  });

  test("not those of a project alone", async () => {
    const { id } = await client.call("createProject", { body: { name: "alone" } });
    const ada = as(await platform.account("ada"));
    await client.call("setMember", { params: { id, user: "ada" }, body: { role: "admin" } });
    expect(await verdict(ada.call("listObjects", { params: { bucket: "lab" } }))).toBe("FORBIDDEN");
    expect(
      await verdict(ada.call("importObjects", { params: { bucket: "lab" }, query: { project: id }, body: { objects: ["kept.txt"], name: "mine" } })),
    ).toBe("FORBIDDEN");
  });
});

describe.each(["photos", "lab"])("bucket %s", (bucket) => {
  test("takes what is uploaded, lists it, gives it back as a plain attachment, and forgets it", async () => {
    const name = `2026/Größe "1" 🦜.svg`;
    const content = "<svg onload=alert(1)>";
    expect((await upload(bucket, name, content)).json).toEqual({ name, size: content.length });
    expect(await listed(bucket)).toContain("2026/");
    expect(await listed(bucket, "2026/")).toEqual([name]);
    const { text, headers } = await raw(objectOf(bucket, name));
    expect(text).toBe(content);
    expect(headers).toMatchObject({
      "content-type": "application/octet-stream",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-length": String(content.length),
    });
    expect(headers["content-disposition"]).toBe(
      `attachment; filename="Gr__e__1____.svg"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22%20%F0%9F%A6%9C.svg`,
    );
    expect(await raw(objectOf(bucket, name), { headers: { range: "bytes=1-3" } })).toMatchObject({ status: 206, text: "svg" });
    expect((await raw(objectOf(bucket, name), { method: "DELETE" })).status).toBe(204);
    expect(await listed(bucket)).not.toContain("2026/");
    expect((await raw(objectOf(bucket, name))).json.error.code).toBe("OBJECT_NOT_FOUND");
  });

  test("keeps what is there unless told to replace it", async () => {
    await upload(bucket, "once.txt", "first");
    expect((await upload(bucket, "once.txt", "second")).json.error).toMatchObject({ code: "OBJECT_EXISTS", status: 409 });
    expect((await upload(bucket, "once.txt", "second", "&replace=true")).status).toBe(200);
    expect((await raw(objectOf(bucket, "once.txt"))).text).toBe("second");
  });

  test("refuses what is too large before it is read, and names that lead elsewhere", async () => {
    expect((await upload(bucket, "large", new Uint8Array(MAX + 1))).json.error.code).toBe("PAYLOAD_TOO_LARGE");
    for (const name of ["../up", "a/../../up", "a\nb", "/rooted", "a//b"])
      expect([name, (await upload(bucket, name, "x")).json.error.code]).toEqual([name, "BAD_OBJECT_NAME"]);
    for (const name of ["../lab/kept.txt", ".."]) {
      expect([name, (await raw(objectOf(bucket, name))).json.error.code]).toEqual([name, "BAD_OBJECT_NAME"]);
      expect([name, (await raw(objectOf(bucket, name), { method: "DELETE" })).json.error.code]).toEqual([name, "BAD_OBJECT_NAME"]);
    }
  });

  test("tells the history who stored and deleted what", async () => {
    await upload(bucket, "told.txt", "x");
    await raw(objectOf(bucket, "told.txt"), { method: "DELETE" });
    const { items } = await client.call("listEvents", { query: { kind: "server", limit: 2 } });
    expect(items.map(({ type, actor, data }) => [type, actor, data])).toEqual([
      ["object-deleted", "owner", { bucket, name: "told.txt" }],
      ["object-stored", "owner", { bucket, name: "told.txt", size: 1 }],
    ]);
  });
});

describe("a bucket that may only be read", () => {
  test("is listed and downloaded from, and nothing else", async () => {
    expect((await raw(objectOf("archive", "kept.txt"))).text).toBe("kept");
    expect((await upload("archive", "new.txt", "x")).json.error.code).toBe("BUCKET_READ_ONLY");
    expect((await raw(objectOf("archive", "kept.txt"), { method: "DELETE" })).json.error.code).toBe("BUCKET_READ_ONLY");
    expect(await listed("archive")).toContain("kept.txt");
  });
});

test("a bucket that is not of the configuration is not there, and one whose folder is missing says so until it is", async () => {
  for (const bucket of ["other", "s3://photos", "..", "LAB"])
    expect((await raw(`/api/buckets/${encodeURIComponent(bucket)}/objects`)).status).toBe(404);
  expect((await raw("/api/buckets/gone/objects")).json.error).toMatchObject({ code: "STORE_UNAVAILABLE", status: 503 });
  mkdirSync(join(folder, "nowhere"));
  expect(await listed("gone")).toEqual([]);
});

describe("bringing objects in as a dataset", () => {
  const worker = new HandWorker(platform);
  beforeAll(async () => {
    await upload("photos", "tables/iris of 1936.csv", readFileSync("data/iris.csv"));
    await upload("photos", "more/iris of 1936.csv", "a,b\n1,2\n");
  });
  const bring = (objects: string[], name: string, query = {}) =>
    client.call("importObjects", { params: { bucket: "photos" }, query, body: { objects, name } });

  test("copies them, registers them under plain names, and has a worker read them", async () => {
    const dataset = await bring(["tables/iris of 1936.csv", "more/iris of 1936.csv"], "irises");
    expect(dataset).toMatchObject({ name: "irises", state: "reading", source: { id: "table" }, note: expect.stringContaining("From bucket photos") });
    expect(dataset.files.map(({ name }) => name)).toEqual(["iris_of_1936.csv", "2-iris_of_1936.csv"]);
    expect(dataset.files[0]!.sha256).toBe(sha256(readFileSync("data/iris.csv")));
    await raw(objectOf("photos", "tables/iris of 1936.csv"), { method: "DELETE" });
    expect((await raw(`/api/datasets/${dataset.id}/files/${dataset.files[0]!.sha256}`)).text).toBe(readFileSync("data/iris.csv", "utf8"));
    await worker.read(await worker.take());
  });

  test("goes into the project that is named", async () => {
    const { id } = await client.call("createProject", { body: { name: "botany" } });
    const dataset = await bring(["more/iris of 1936.csv"], "leaves", { project: "botany" });
    expect(dataset.project).toBe(id);
    expect(await verdict(bring(["more/iris of 1936.csv"], "leaves", { project: "nowhere" }))).toBe("NOT_FOUND");
  });

  test("of an object that is not there registers nothing", async () => {
    const before = await platform.eventCount();
    expect(await verdict(bring(["nothing.csv"], "nothing"))).toBe("OBJECT_NOT_FOUND");
    expect(await verdict(bring(["more/iris of 1936.csv"], "bad/name"))).toBe("INVALID_REQUEST");
    expect(await platform.eventCount()).toBe(before);
    expect(kernel.buckets.list.length).toBe(4);
  });
});
