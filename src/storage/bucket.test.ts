/** Files to and from buckets, against real S3 servers. */
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasMoto, S3Server } from "../../test/s3-server.ts";
import { isSame, partSize, S3Bucket } from "./bucket.ts";

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), "trainyard-bucket-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, content);
  return path;
}
const fresh = () => join(folder, `down-${files++}`, "deep", "file");
const code = (work: Promise<unknown>) =>
  work.then(
    () => "fine",
    (error) => error.code ?? error.message,
  );

const servers: Record<string, () => S3Server> = {
  s3rver: () => S3Server.s3rver(mkdtempSync(join(folder, "s3rver-"))),
  ...(hasMoto && { moto: () => S3Server.moto() }),
};
if (!hasMoto) test.skip("buckets of moto (TRAINYARD_PYTHON names no Python with moto[server])", () => {});

describe.each(Object.entries(servers))("a bucket of %s", (kind, make) => {
  let server: S3Server;
  let bucket: S3Bucket;
  /** Patient, as the servers share the machine with other tests. */
  const open = (endpoint = server.endpoint, patienceSeconds = 60) =>
    new S3Bucket(server.bucket, { endpoint, accessKeyId: "S3RVER", secretAccessKey: "S3RVER", patienceSeconds });
  beforeAll(async () => {
    server = make();
    await server.start();
    bucket = open();
  });
  afterAll(async () => {
    bucket.close();
    await server.stop();
  });

  test.each([
    ["empty", new Uint8Array(0)],
    ["of one byte", new Uint8Array([7])],
    ["as large as a part", randomBytes(16 * MIB)],
    ["of several parts", randomBytes(40 * MIB + 3)],
  ])("gives back a file %s as it was", async (what, content) => {
    const name = `sizes/${what} ü.bin`;
    let told = 0;
    const put = await bucket.upload(file(content), name, { progress: (n) => (told += n) });
    expect([put.size, told]).toEqual([content.length, content.length]);
    const target = fresh();
    const got = await bucket.download(name, target);
    expect(got.etag).toBe(put.etag);
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(readdirSync(join(target, "..")).length).toBe(1);
    expect(await isSame(target, put)).toBe(true);
  });

  test("lists what begins with a prefix, in order, under any names, and forgets what is removed", async () => {
    const names = ["list/a b.txt", "list/a/ü.txt", "list/b+c&d=e?.txt", "list/ünïcode 漢字.txt"];
    for (const name of names) await bucket.upload(file(name), name);
    await bucket.upload(file("x"), "listed-not");
    const listed = async () => {
      const found: string[] = [];
      for await (const object of bucket.list("list/")) found.push(object.name);
      return found;
    };
    expect((await listed()).sort()).toEqual([...names].sort());
    for (const name of names) {
      const target = fresh();
      await bucket.download(name, target);
      expect(readFileSync(target, "utf8")).toBe(name);
    }
    await bucket.remove(names[0]!);
    await bucket.remove("never there");
    expect(await listed()).not.toContain(names[0]);
  });

  test("goes on with an upload that was cut off: parts that are there are not sent again", async () => {
    const content = randomBytes(50 * MIB);
    const path = file(content);
    const proxy = await countingProxy(server.endpoint, 2);
    const through = open(proxy.url, 6);
    expect(await code(through.upload(path, "cut.bin"))).toBe("STORE_UNAVAILABLE");
    through.close();
    const sent = proxy.parts;
    proxy.allow();
    const again = open(proxy.url);
    await again.upload(path, "cut.bin");
    again.close();
    await proxy.close();
    expect(sent).toBeGreaterThan(0);
    // s3rver tells nobody which parts it has: there all of them are sent again.
    const whole = Math.ceil(content.length / partSize(content.length));
    expect(proxy.parts).toBe(kind === "moto" ? whole : sent + whole);
    const target = fresh();
    await bucket.download("cut.bin", target);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  test("goes on with a download that was cut off, but not when the object is another by now", async () => {
    const content = randomBytes(100 * MIB);
    await bucket.upload(file(content), "down.bin");
    const target = fresh();
    const stop = new AbortController();
    let before = 0;
    const progress = (n: number) => {
      before += n;
      if (before >= 16 * MIB) stop.abort(new Error("enough"));
    };
    expect(await code(bucket.download("down.bin", target, { signal: stop.signal, progress }))).toBe("enough");
    expect(existsSync(target)).toBe(false);
    const steps: number[] = [];
    await bucket.download("down.bin", target, { progress: (n) => steps.push(n) });
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(readdirSync(join(target, ".."))).toEqual(["file"]);

    const other = randomBytes(100 * MIB);
    const half = new AbortController();
    await code(bucket.download("down.bin", `${target}2`, { signal: half.signal, progress: () => half.abort(new Error("enough")) }));
    await bucket.upload(file(other), "down.bin");
    await bucket.download("down.bin", `${target}2`);
    expect(readFileSync(`${target}2`).equals(other)).toBe(true);
  });

  test("refuses a download that goes on with a part that is damaged by now, and fetches it anew the next time", async () => {
    const content = randomBytes(100 * MIB);
    await bucket.upload(file(content), "rotten.bin");
    const target = fresh();
    const stop = new AbortController();
    await code(bucket.download("rotten.bin", target, { signal: stop.signal, progress: () => stop.abort(new Error("enough")) }));
    const beside = join(target, "..");
    const partial = join(beside, readdirSync(beside).find((name) => name.endsWith(".partial"))!);
    const [[part]] = JSON.parse(readFileSync(`${partial}.json`, "utf8"));
    const written = openSync(partial, "r+");
    writeSync(written, Buffer.alloc(4096), 0, 4096, part * partSize(content.length));
    closeSync(written);
    expect(await code(bucket.download("rotten.bin", target))).toBe("CHECKSUM_MISMATCH");
    expect(readdirSync(beside)).toEqual([]);
    await bucket.download("rotten.bin", target);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  test("refuses a file that is written to while it is uploaded", async () => {
    const path = file(randomBytes(40 * MIB));
    const grown = bucket.upload(path, "grown.bin", { progress: () => appendFileSync(path, "more") });
    expect(await code(grown)).toBe("BAD_FILE");
    const cut = file(randomBytes(40 * MIB));
    expect(await code(bucket.upload(cut, "cut short.bin", { progress: () => truncateSync(cut, 10) }))).toBe("BAD_FILE");
    expect([await bucket.head("grown.bin"), await bucket.head("cut short.bin")]).toEqual([undefined, undefined]);
  });

  test("tells what is not there", async () => {
    expect(await code(bucket.download("nothing", fresh()))).toBe("OBJECT_NOT_FOUND");
    expect(await code(bucket.upload(join(folder, "nothing"), "x"))).toBe("FILE_NOT_FOUND");
    mkdirSync(join(folder, "directory"), { recursive: true });
    expect(await code(bucket.upload(join(folder, "directory"), "x"))).toBe("BAD_FILE");
    expect(await bucket.head("nothing")).toBeUndefined();
    const none = new S3Bucket("no-such-bucket-here", {
      endpoint: server.endpoint,
      accessKeyId: "S3RVER",
      secretAccessKey: "S3RVER",
      patienceSeconds: 1,
    });
    expect(await code(none.upload(file("x"), "x"))).toBe("STORE_UNAVAILABLE");
    none.close();
  });
});

test("a download whose bytes are not those of its ETag is refused, and leaves nothing", async () => {
  const content = Buffer.from("what is sent");
  const server = createServer((_, response) => {
    response.writeHead(200, { etag: '"00000000000000000000000000000000"', "content-length": content.length });
    response.end(content);
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bucket = new S3Bucket("any", { endpoint, accessKeyId: "a", secretAccessKey: "b", patienceSeconds: 1 });
  const target = fresh();
  expect(await code(bucket.download("damaged", target))).toBe("CHECKSUM_MISMATCH");
  expect(readdirSync(join(target, ".."))).toEqual([]);
  bucket.close();
  server.close();
});

test("parts grow with the file, so that there are never more than S3 takes", () => {
  for (const size of [1, 16 * MIB, 10 ** 10, 5 * 2 ** 40]) expect(Math.ceil(size / partSize(size))).toBeLessThanOrEqual(10_000);
});

/** Passes requests on, counts the parts that get through, and breaks connections from a number of parts on until it is told not to. */
async function countingProxy(endpoint: string, most: number) {
  const { hostname, port } = new URL(endpoint);
  const state = { parts: 0, most };
  const server = createServer((incoming, outgoing) => {
    const isPart = incoming.method === "PUT" && /partNumber=/.test(incoming.url ?? "");
    if (isPart && state.parts >= state.most) return incoming.socket.destroy();
    if (isPart) state.parts++;
    const sent = request({ hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    sent.on("error", () => outgoing.destroy());
    incoming.pipe(sent);
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get parts() {
      return state.parts;
    },
    allow: () => {
      state.most = Number.POSITIVE_INFINITY;
    },
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
