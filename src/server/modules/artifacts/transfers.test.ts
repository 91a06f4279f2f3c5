/** Uploads in pieces: cut off anywhere, they go on where they were; nothing of them is seen before the end. */
import { describe, expect, test } from "vitest";
import { sha256, startTestPlatform, verdict } from "../../../../test/platform.ts";
import { sweepTransfers } from "./transfers.ts";

const platform = await startTestPlatform();
const { client, raw, kernel } = platform;

const begin = (size: number, fingerprint?: string) => client.call("beginTransfer", { body: { size, fingerprint } });
const put = (id: string, offset: number, bytes: Uint8Array | string) =>
  raw(`/api/transfers/${id}/pieces/${offset}`, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: bytes });
const finish = (id: string, digest?: string) => client.call("finishTransfer", { params: { id }, body: { sha256: digest } });
const pieces = async () => {
  const keys: string[] = [];
  for await (const { key } of kernel.store.list("transfers/")) keys.push(key);
  return keys.length;
};

describe("a transfer", () => {
  test("becomes a file of all its pieces, which a dataset may then be made of", async () => {
    const content = "a,b\n1,2\n3,4\n";
    const { id } = await begin(content.length);
    for (const [from, to] of [
      [0, 5],
      [5, 6],
      [6, content.length],
    ] as const) {
      expect((await put(id, from, content.slice(from, to))).json).toMatchObject({ id, received: to, size: content.length });
    }
    expect(await finish(id)).toEqual({ sha256: sha256(content), size: content.length });
    expect(await finish(id, sha256(content))).toEqual({ sha256: sha256(content), size: content.length });
    expect(await pieces()).toBe(0);
    const files = [{ name: "t.csv", sha256: sha256(content), size: content.length }];
    expect(await client.call("registerDataset", { body: { name: "in pieces", source: { id: "table" }, files } })).toMatchObject({ files });
  });

  test("goes on where it was cut off, also for who only knows what was being sent", async () => {
    const content = "0123456789";
    const first = await begin(10, "numbers.csv 10 2026-11-26");
    await put(first.id, 0, content.slice(0, 4));
    const again = await begin(10, "numbers.csv 10 2026-11-26");
    expect([again.id, again.received]).toEqual([first.id, 4]);
    expect((await begin(10, "another")).id).not.toBe(first.id);
    expect((await begin(11, "numbers.csv 10 2026-11-26")).id).not.toBe(first.id);
    await put(first.id, 4, content.slice(4));
    expect((await finish(first.id)).sha256).toBe(sha256(content));
  });

  test("takes no piece that does not begin where the last one ended, and tells where that is", async () => {
    const { id } = await begin(10);
    await put(id, 0, "0123");
    for (const offset of [0, 3, 5, 10]) {
      const { status, json } = await put(id, offset, "x");
      expect([status, json.error.code, json.error.details]).toEqual([409, "TRANSFER_OFFSET", { given: offset, received: 4 }]);
    }
    expect(await verdict(finish(id))).toBe("TRANSFER_OFFSET");
  });

  test("takes one of two pieces that come at once, and keeps nothing of the other", async () => {
    const { id } = await begin(4);
    const before = await pieces();
    const answers = await Promise.all(Array.from({ length: 6 }, () => put(id, 0, "abcd")));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    expect((await pieces()) - before).toBe(1);
    expect((await finish(id)).sha256).toBe(sha256("abcd"));
  });

  test("takes no more than was announced, nor a piece that is too large", async () => {
    const { id } = await begin(3);
    expect((await put(id, 0, "abcd")).json.error.code).toBe("PAYLOAD_TOO_LARGE");
    const { id: large, pieceBytes } = await begin(2 ** 30);
    expect((await put(large, 0, new Uint8Array(pieceBytes + 1))).json.error.code).toBe("PAYLOAD_TOO_LARGE");
    expect((await client.call("getTransfer", { params: { id: large } })).received).toBe(0);
    await client.call("cancelTransfer", { params: { id: large } });
  });

  test("whose content is not what was expected becomes nothing, and can be finished as what it is", async () => {
    const { id } = await begin(3);
    await put(id, 0, "abc");
    expect(await verdict(finish(id, sha256("abd")))).toBe("BLOB_MISMATCH");
    expect(await kernel.blobs.head(sha256("abd"))).toBeUndefined();
    expect((await finish(id)).sha256).toBe(sha256("abc"));
  });

  test("of nothing is an empty file", async () => {
    const { id } = await begin(0);
    expect(await finish(id)).toEqual({ sha256: sha256(""), size: 0 });
  });

  test("that is cancelled leaves nothing", async () => {
    const before = await pieces();
    const { id } = await begin(8);
    await put(id, 0, "abc");
    await client.call("cancelTransfer", { params: { id } });
    expect(await verdict(client.call("getTransfer", { params: { id } }))).toBe("NOT_FOUND");
    expect(await pieces()).toBe(before);
  });

  test("is of whoever began it alone", async () => {
    const { id } = await begin(3);
    const other = platform.as(await platform.account("another", "admin"));
    expect(await verdict(other.call("getTransfer", { params: { id } }))).toBe("NOT_FOUND");
    expect(await verdict(other.call("finishTransfer", { params: { id }, body: {} }))).toBe("NOT_FOUND");
    const viewer = platform.as(await platform.account("looker", "viewer", "default"));
    expect(await verdict(viewer.call("beginTransfer", { body: { size: 1 } }))).toBe("FORBIDDEN");
  });

  test("that nobody goes on with ends, and those under way do not", async () => {
    const { id: old } = await begin(8, "old");
    await put(old, 0, "abc");
    expect(await sweepTransfers(kernel, 3_600_000)).toBe(0);
    expect((await client.call("getTransfer", { params: { id: old } })).received).toBe(3);
    expect(await sweepTransfers(kernel, -60_000)).toBeGreaterThan(0);
    expect(await verdict(client.call("getTransfer", { params: { id: old } }))).toBe("NOT_FOUND");
    expect(await pieces()).toBe(0);
  });

  test("is refused when it is larger than what is accepted, or one of too many", async () => {
    expect(await verdict(begin(2 ** 50))).toBe("PAYLOAD_TOO_LARGE");
    const verdicts: string[] = [];
    for (let i = 0; i < 101; i++) verdicts.push(await verdict(begin(1)));
    expect(verdicts.at(-1)).toBe("TOO_MANY_TRANSFERS");
    expect(await sweepTransfers(kernel, -60_000)).toBeGreaterThan(0);
  });
});
