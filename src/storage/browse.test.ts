/** Buckets as people browse them: a folder of this machine and a bucket of S3 do the same. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { S3Server } from "../../test/s3-server.ts";
import type { BrowsedBucket } from "./browse.ts";
import { BrowsedS3, S3Bucket } from "./bucket.ts";
import { FolderBucket } from "./folder-bucket.ts";

const MiB = 2 ** 20;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
async function* pieces(content: Uint8Array, step = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += step) yield content.subarray(at, at + step);
}
const put = (bucket: BrowsedBucket, name: string, content: Uint8Array | string, replace = false): Promise<void> => {
  const bytes = typeof content === "string" ? bytesOf(content) : content;
  return bucket.put(name, pieces(bytes), { size: bytes.length, replace });
};
async function contentOf(bucket: BrowsedBucket, name: string, range?: { start: number; end?: number }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of (await bucket.open(name, range)).body) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: { code: string }) => error.code,
  );
const odd = ["with space.txt", "Größe/Übersicht.csv", "emoji 🦜/🦜🏽.txt", "\u202Egpj.txt", "100%25 & more+?.txt", "a'b\"c.txt"];

const folder = mkdtempSync(join(tmpdir(), "trainyard-browse-"));
const server = S3Server.s3rver(join(folder, "s3"));
let others: S3Bucket;
beforeAll(async () => {
  await server.start();
});
afterAll(async () => {
  await server.kill();
  rmSync(folder, { recursive: true });
});

describe.each(["files", "s3"])("a bucket in %s", (kind) => {
  let bucket: BrowsedBucket;
  beforeAll(async () => {
    if (kind === "files") {
      mkdirSync(join(folder, "lab"));
      bucket = await FolderBucket.open(join(folder, "lab"));
    } else {
      others = new S3Bucket(server.bucket, server.options.s3);
      bucket = new BrowsedS3(others, "team/");
    }
  });
  afterAll(() => bucket.close());
  const everything = async (prefix = "", limit = 1000) => {
    const { folders, objects } = await bucket.page(prefix, limit);
    return [...folders, ...objects.map(({ name }) => name)];
  };

  test("gives what was put, whole and in part, and tells how large it is", async () => {
    await put(bucket, "deep/down/a.txt", "0123456789");
    expect(String(await contentOf(bucket, "deep/down/a.txt"))).toBe("0123456789");
    expect(String(await contentOf(bucket, "deep/down/a.txt", { start: 3, end: 5 }))).toBe("345");
    expect((await bucket.open("deep/down/a.txt", { start: 9 })).size).toBe(10);
    expect(await codeOf(bucket.open("deep/down/a.txt", { start: 10 }))).toBe("RANGE_NOT_SATISFIABLE");
    await put(bucket, "empty", "");
    expect((await contentOf(bucket, "empty")).length).toBe(0);
    expect(await codeOf(bucket.open("deep"))).toBe("OBJECT_NOT_FOUND");
  });

  test("takes what is larger than a part", async () => {
    const content = randomBytes(17 * MiB);
    await put(bucket, "large.bin", content);
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    expect(hash(await contentOf(bucket, "large.bin"))).toBe(hash(content));
    await bucket.remove("large.bin");
  });

  test("keeps what is there unless told to replace it", async () => {
    await put(bucket, "twice.txt", "first");
    expect(await codeOf(put(bucket, "twice.txt", "second"))).toBe("OBJECT_EXISTS");
    expect(String(await contentOf(bucket, "twice.txt"))).toBe("first");
    await put(bucket, "twice.txt", "second", true);
    expect(String(await contentOf(bucket, "twice.txt"))).toBe("second");
  });

  test.each([10, 17 * MiB])("has nothing of an upload of %i bytes that breaks off", async (size) => {
    const before = await everything();
    async function* breaking() {
      yield new Uint8Array(size / 2);
      throw new Error("the connection is lost");
    }
    await expect(bucket.put("broken.bin", breaking(), { size })).rejects.toThrow("the connection is lost");
    expect(await everything()).toEqual(before);
    if (kind === "s3") expect(await others.forgetUnfinished()).toBe(0);
  });

  test("lists folders and objects page by page, each once", async () => {
    for (const name of ["pages/a/1", "pages/a/2", "pages/b", "pages/c/1", "pages/d", "pages/e"]) await put(bucket, name, "x");
    const found: string[] = [];
    for (let after: string | undefined; ; ) {
      const { folders, objects, next } = await bucket.page("pages/", 2, after);
      expect(folders.length + objects.length).toBeLessThanOrEqual(2);
      found.push(...folders, ...objects.map(({ name }) => name));
      if (next === undefined) break;
      after = next;
    }
    expect(found.sort()).toEqual(["pages/a/", "pages/b", "pages/c/", "pages/d", "pages/e"]);
    expect(await everything("pages/a/")).toEqual(["pages/a/1", "pages/a/2"]);
    expect(await everything("pages/e")).toEqual(["pages/e"]);
    expect(await everything("nothing/here/")).toEqual([]);
  });

  test("forgets a folder when the last object in it is deleted, and deletes what is not there without complaint", async () => {
    await put(bucket, "gone/soon.txt", "x");
    await bucket.remove("gone/soon.txt");
    await bucket.remove("gone/soon.txt");
    expect(await everything()).not.toContain("gone/");
  });

  test("takes names with spaces, umlauts, emoji and marks of direction as they are", async () => {
    for (const name of odd) await put(bucket, `odd/${name}`, name);
    for (const name of odd) expect(String(await contentOf(bucket, `odd/${name}`))).toBe(name);
    const listed = [...(await everything("odd/")), ...(await everything("odd/Größe/")), ...(await everything("odd/emoji 🦜/"))];
    expect(listed.filter((name) => !name.endsWith("/")).sort()).toEqual(odd.map((name) => `odd/${name}`).sort());
  });

  test.each([
    ["..", "../up"],
    ["..", "a/../../up"],
    [".. behind a backslash", "a\\..\\..\\up"],
    [".", "./here"],
    ["NUL", "a\0b"],
    ["nothing", ""],
    ["half a surrogate pair", "a\ud800"],
    ["more than 1,024 bytes", "ü".repeat(513)],
  ])("has no object whose name has %s", async (_, name) => {
    for (const work of [put(bucket, name, "x"), bucket.open(name), bucket.remove(name)]) expect(await codeOf(work)).toBe("BAD_OBJECT_NAME");
    if (name) expect(await codeOf(bucket.page(name, 10))).toBe("BAD_OBJECT_NAME");
  });

  test.each(["/rooted", "a//b", "folder/", "line\nbreak", "bell\x07"])("makes no object called %j", async (name) => {
    expect(await codeOf(put(bucket, name, "x"))).toBe("BAD_OBJECT_NAME");
  });
});

test("a bucket of S3 that is held to a prefix shows nothing beside it", async () => {
  await others.put("beside.txt", pieces(bytesOf("secret")), { size: 6 });
  const bucket = new BrowsedS3(others, "team/");
  expect((await bucket.page("", 1000)).objects.map(({ name }) => name)).not.toContain("beside.txt");
  expect(await codeOf(bucket.open("../beside.txt"))).toBe("BAD_OBJECT_NAME");
  expect(bucket.place).toBe("s3://trainyard-tests/team");
});

describe("a folder as a bucket", () => {
  test("follows no link out of itself, and lists none", async () => {
    const root = join(folder, "linked");
    mkdirSync(join(root, "real"), { recursive: true });
    writeFileSync(join(folder, "outside.txt"), "secret");
    mkdirSync(join(folder, "outside"));
    symlinkSync(join(folder, "outside.txt"), join(root, "file"));
    symlinkSync(join(folder, "outside"), join(root, "way"));
    const bucket = await FolderBucket.open(root);
    expect(await bucket.page("", 10)).toMatchObject({ folders: ["real/"], objects: [] });
    expect(await codeOf(bucket.open("file"))).toBe("OBJECT_NOT_FOUND");
    expect(await codeOf(put(bucket, "file", "x", true))).toBe("BAD_OBJECT_NAME");
    expect(await codeOf(put(bucket, "way/in.txt", "x"))).toBe("BAD_OBJECT_NAME");
    expect((await bucket.page("way/", 10)).objects).toEqual([]);
    expect(readdirSync(join(folder, "outside"))).toEqual([]);
  });

  test("is opened only where there is one", async () => {
    expect(await codeOf(FolderBucket.open(join(folder, "nowhere")))).toBe("STORE_UNAVAILABLE");
  });

  test("of many files gives pages in order", async () => {
    const root = join(folder, "many");
    mkdirSync(root);
    const names = Array.from({ length: 600 }, (_, i) => String(i).padStart(4, "0"));
    for (const name of names) writeFileSync(join(root, name), "");
    const bucket = await FolderBucket.open(root);
    const first = await bucket.page("", 50);
    expect(first.objects.map(({ name }) => name)).toEqual(names.slice(0, 50));
    expect((await bucket.page("", 50, first.next)).objects.map(({ name }) => name)).toEqual(names.slice(50, 100));
  });
});
