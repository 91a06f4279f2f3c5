/** Content under its digest, on every kind of store: kept once, checked on its way, and nothing of what is refused. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type StoreKind, storeKinds, TestStores } from "../../test/s3-server.ts";
import { Blobs, blobKey } from "./blobs.ts";
import type { ObjectStore } from "./object-store.ts";

const MB = 2 ** 20;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const hello = Buffer.from("hello");
const helloDigest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const large = Buffer.concat(Array.from({ length: 20 }, (_, n) => Buffer.alloc(MB, `${n},`)));
/** As it would come over the network. */
const streamed = (bytes: Uint8Array) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000);
    })(),
  );
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error) => error.code ?? error,
  );
async function keys(store: ObjectStore): Promise<string[]> {
  const all: string[] = [];
  for await (const { key } of store.list("")) all.push(key);
  return all;
}

for (const { kind, needs } of storeKinds) {
  if (needs) test.skip(`blobs in a store of kind ${kind} (needs ${needs})`);
  else describe(`blobs in a store of kind ${kind}`, () => suite(kind));
}

function suite(kind: StoreKind) {
  const stores = new TestStores(kind);
  let store: ObjectStore;
  let blobs: Blobs;
  beforeAll(() => stores.start());
  afterAll(() => stores.end());
  beforeEach(async () => {
    store = await stores.open();
    blobs = new Blobs(store);
  });

  /** All three ways into a store. */
  const ways: [string, (bytes: Uint8Array) => Promise<unknown>][] = [
    ["bytes in memory", (bytes) => blobs.put(bytes)],
    ["a stream of unknown content", (bytes) => blobs.put(streamed(bytes))],
    ["a stream of announced content", (bytes) => blobs.put(streamed(bytes), { sha256: sha256(bytes), size: bytes.length, maxBytes: bytes.length })],
  ];

  test.each(ways)("%s end under their digest, and nowhere else", async (_, put) => {
    expect(await put(hello)).toEqual({ sha256: helloDigest, size: 5 });
    expect(await put(large)).toEqual({ sha256: sha256(large), size: large.length });
    expect(await put(new Uint8Array(0))).toEqual({ sha256: sha256(Buffer.alloc(0)), size: 0 });
    expect(await keys(store)).toEqual([blobKey(helloDigest), blobKey(sha256(large)), blobKey(sha256(Buffer.alloc(0)))].sort());
    expect(await text((await blobs.get(helloDigest)).body)).toBe("hello");
    const { size, body } = await blobs.get(sha256(large), { start: 10 * MB - 3, end: 10 * MB + 2 });
    expect([size, await text(body)]).toEqual([large.length, large.subarray(10 * MB - 3, 10 * MB + 3).toString()]);
  });

  test.each(ways)("%s that are there already are not written again", async (_, put) => {
    // Other bytes in its place show whether it was written.
    await store.put(blobKey(helloDigest), Buffer.from("first"));
    expect(await put(hello)).toEqual({ sha256: helloDigest, size: 5 });
    expect(await text((await blobs.get(helloDigest)).body)).toBe("first");
    expect(await keys(store)).toEqual([blobKey(helloDigest)]);
  });

  test.each(ways)("%s from many at once are kept once", async (_, put) => {
    const want = { sha256: sha256(large), size: large.length };
    expect(await Promise.all([put(large), put(large), put(large)])).toEqual([want, want, want]);
    expect(await keys(store)).toEqual([blobKey(want.sha256)]);
    expect(await blobs.head(want.sha256)).toMatchObject({ size: want.size });
  });

  const refusals: [string, Uint8Array, { sha256?: string; size?: number; maxBytes?: number }, string][] = [
    ["another digest", hello, { sha256: sha256(large) }, `announced as SHA-256 ${sha256(large)}, but is SHA-256 ${helloDigest}`],
    ["another digest, when large", large, { sha256: helloDigest }, `announced as SHA-256 ${helloDigest}, but is SHA-256 ${sha256(large)}`],
    ["too few bytes", hello, { size: 6 }, "the content was announced as 6 bytes, but is 5 bytes"],
    ["too many bytes", hello, { size: 4 }, "the content was announced as 4 bytes, but is longer"],
    ["too many bytes, when large", large, { size: large.length - 1 }, `the content was announced as ${large.length - 1} bytes, but is longer`],
    ["more than is accepted", large, { maxBytes: large.length - 1 }, `the content has more than the ${large.length - 1} bytes that are accepted`],
    ["an announcement of too much", hello, { size: 9, maxBytes: 8 }, "the content has more than the 8 bytes that are accepted"],
  ];
  test.each(refusals)("content with %s is refused, and nothing of it is left", async (_, content, expected, message) => {
    for (const announced of [{}, { sha256: sha256(content) }]) {
      for (const body of [() => content, () => streamed(content)]) {
        const error = await blobs.put(body(), { ...announced, ...expected }).catch((error) => error);
        expect([error.code, error.message]).toEqual([expected.maxBytes ? "PAYLOAD_TOO_LARGE" : "BLOB_MISMATCH", expect.stringContaining(message)]);
        expect(await keys(store)).toEqual([]);
        expect(await store.sweep(0)).toBe(0);
      }
    }
  });

  test("wrong content is refused also where the right one is there, and does not harm it", async () => {
    await blobs.put(hello);
    expect(await code(blobs.put(streamed(large), { sha256: helloDigest }))).toBe("BLOB_MISMATCH");
    expect(await code(blobs.put(streamed(Buffer.alloc(0)), { sha256: helloDigest }))).toBe("BLOB_MISMATCH");
    expect(await text((await blobs.get(helloDigest)).body)).toBe("hello");
  });

  test("a blob that someone else puts after the first look is not written again, and the content is read and checked all the same", async () => {
    await store.put(blobKey(helloDigest), Buffer.from("first"));
    const late = new Blobs({ ...store, head: async () => undefined, put: (...args) => store.put(...args) } as ObjectStore);
    expect(await late.put(streamed(hello), { sha256: helloDigest })).toEqual({ sha256: helloDigest, size: 5 });
    expect(await code(late.put(streamed(large), { sha256: helloDigest }))).toBe("BLOB_MISMATCH");
    expect(await text((await blobs.get(helloDigest)).body)).toBe("first");
  });

  test("a body that breaks off leaves nothing, and its error comes through", async () => {
    const broken = new Error("the client went away");
    const breaking = async function* () {
      yield large;
      throw broken;
    };
    for (const expected of [{}, { sha256: sha256(large) }]) {
      expect(await code(blobs.put(breaking(), expected))).toBe(broken);
      expect(await keys(store)).toEqual([]);
    }
  });

  test("what is no digest names no blob", async () => {
    for (const name of ["", "abc", helloDigest.toUpperCase(), `${helloDigest}0`, `../${helloDigest.slice(3)}`, `${helloDigest}\n`]) {
      for (const attempt of [
        () => blobs.get(name),
        () => blobs.head(name),
        () => blobs.delete(name),
        () => blobs.url(name, 60),
        () => blobs.put(hello, { sha256: name }),
      ]) {
        expect(await code(attempt())).toBe("BAD_KEY");
      }
    }
  });

  test("blobs are listed in the order of their digests, on from any of them, and other objects are not", async () => {
    const digests: string[] = [];
    for (let n = 0; n < 8; n++) digests.push((await blobs.put(Buffer.from(`${n}`))).sha256);
    digests.sort();
    for (const other of ["blobs/ab/short", "blobs/x", "runs/a"]) await store.put(other, hello);
    const listed = async (after?: string) => {
      const all: string[] = [];
      for await (const blob of blobs.list(after)) {
        expect(blob).toEqual({ sha256: expect.any(String), size: 1, modifiedAt: expect.any(Date) });
        all.push(blob.sha256);
      }
      return all;
    };
    expect(await listed()).toEqual(digests);
    expect(await listed(digests[4])).toEqual(digests.slice(5));
  });

  test("a deleted blob is gone, and can be put again", async () => {
    await blobs.put(hello);
    await blobs.delete(helloDigest);
    await blobs.delete(helloDigest);
    expect(await blobs.head(helloDigest)).toBeUndefined();
    expect(await code(blobs.get(helloDigest))).toBe("OBJECT_NOT_FOUND");
    await blobs.put(hello);
    expect(await text((await blobs.get(helloDigest)).body)).toBe("hello");
  });

  test("a link to a blob serves its bytes, where the store has links", async () => {
    await blobs.put(hello);
    const link = await blobs.url(helloDigest, 60, "greeting.txt");
    expect(link && (await (await fetch(link)).text())).toBe(kind === "files" ? undefined : "hello");
  });

  test("uploads that were left behind are swept once they are old, and blobs are not", async () => {
    await blobs.put(hello);
    await store.put("uploads/left-behind", large);
    expect(await blobs.sweepUploads(60_000)).toBe(0);
    expect(await blobs.sweepUploads(-2000)).toBe(1); // S3 tells whole seconds
    expect(await keys(store)).toEqual([blobKey(helloDigest)]);
  });
}
