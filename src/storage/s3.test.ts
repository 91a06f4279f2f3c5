/** What is particular to S3: a server that dies and comes back, lost answers, broken downloads, parts, prefixes, refusals. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hasMoto, S3Server } from "../../test/s3-server.ts";
import type { ObjectStore } from "./object-store.ts";
import { type S3Options, S3Store } from "./s3.ts";

const MB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), "trainyard-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** All chunks different, so that nothing can be lost, doubled or swapped unseen. */
async function* stream(megabytes: number, before: (n: number) => unknown = () => {}): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < megabytes; n++) {
    await before(n);
    yield Buffer.alloc(MB, `${n}.`);
  }
}
const digest = async (body: AsyncIterable<Uint8Array>) => {
  const hash = createHash("sha256");
  for await (const chunk of body) hash.update(chunk);
  return hash.digest("hex");
};
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error) => error.code ?? error,
  );
async function keys(store: ObjectStore, prefix = ""): Promise<string[]> {
  const all: string[] = [];
  for await (const { key } of store.list(prefix)) all.push(key);
  return all;
}

let opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.reverse()) await one.close();
  opened = [];
});
let count = 0;
/** A store of its own in the bucket of a server. */
function openIn(server: S3Server, options: S3Options = {}, prefix = `test-${++count}`): S3Store {
  const store = new S3Store(server.bucket, prefix, { ...server.options.s3, ...options });
  opened.push(store);
  return store;
}

const server = S3Server.s3rver(join(folder, "shared"));
beforeAll(async () => void (await server.start()));
afterAll(() => server.kill());

/** `lose`: the server does what was asked, and its answer never arrives. A number: so many bytes of the body arrive. */
type Mishap = "lose" | "refuse" | number | undefined;

/** Stands between a store and the server, and hands on all but what a test wants to go wrong. */
async function between(
  mishap: (request: IncomingMessage, body: Buffer) => Mishap | Promise<Mishap>,
): Promise<{ endpoint: string; requests: string[] }> {
  const requests: string[] = [];
  const handOn = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request);
    requests.push(`${request.method} ${request.url}`);
    const what = await mishap(request, body);
    if (what === "refuse") return void response.writeHead(403).end("<Error><Code>AccessDenied</Code><Message>not you</Message></Error>");
    const { method, headers, url: path } = request;
    const onward = send(server.endpoint, { method, path, headers }, (answer) => {
      if (what === "lose") return void answer.resume().on("end", () => response.destroy());
      response.writeHead(answer.statusCode!, answer.headers);
      if (what === undefined) return void answer.pipe(response);
      response.flushHeaders();
      let left = what;
      answer.on("data", (chunk: Buffer) => {
        if (left > 0) response.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) answer.destroy();
      });
      answer.on("error", () => {});
      answer.on("close", () => setImmediate(() => response.destroy()));
    });
    onward.on("error", () => response.destroy());
    onward.end(body);
  };
  const proxy = createServer((request, response) => void handOn(request, response).catch(() => response.destroy()));
  return { endpoint: await listen(proxy), requests };
}
async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  opened.push({
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const once = (pattern: RegExp, what: Mishap) => {
  let left = 1;
  return ({ method, url }: IncomingMessage) => (pattern.test(`${method} ${url}`) && left-- > 0 ? what : undefined);
};

describe("a server that is killed", () => {
  let mortal: S3Server;
  beforeAll(async () => {
    mortal = await S3Server.s3rver(join(folder, "mortal")).start();
  });
  afterAll(() => mortal.kill());

  test("and started again during a put goes unnoticed", async () => {
    const store = openIn(mortal);
    let restarted: Promise<unknown> | undefined;
    const body = stream(30, async (n) => {
      if (n !== 20) return;
      await mortal.kill();
      restarted = mortal.start(); // while the next parts are already on their way
    });
    expect(await store.put("large", body)).toEqual({ size: 30 * MB });
    expect(restarted).toBeDefined();
    expect(await digest((await store.get("large")).body)).toBe(await digest(stream(30)));
    expect(await store.sweep(0)).toBe(0);
  });

  test("and started again during a get goes unnoticed", async () => {
    const store = openIn(mortal);
    await store.put("large", stream(30));
    const { body } = await store.get("large");
    let got = 0;
    let restarted: Promise<unknown> | undefined;
    const interrupted = async function* () {
      for await (const chunk of body) {
        if (got < 2 * MB && got + chunk.length >= 2 * MB) {
          await mortal.kill();
          restarted = mortal.start();
        }
        got += chunk.length;
        yield chunk as Uint8Array;
      }
    };
    expect(await digest(interrupted())).toBe(await digest(stream(30)));
    expect(restarted).toBeDefined();
  });

  test("and stays away fails every call, naming the store and the trouble but no secret", async () => {
    await openIn(mortal, {}, "team").put("a", stream(30));
    const store = openIn(mortal, { patienceSeconds: 3 }, "team");
    const { body } = await store.get("a");
    await mortal.stop();
    const { port } = new URL(mortal.endpoint);
    const attempts = {
      put: store.put("a", Buffer.from("x")),
      putStream: store.put("a", stream(20)),
      putIfAbsent: store.put("a", Buffer.from("x"), { ifAbsent: true }),
      get: store.get("a"),
      head: store.head("a"),
      list: keys(store),
      delete: store.delete("a"),
      copy: store.copy("a", "b"),
      sweep: store.sweep(0),
      check: store.check(),
      body: digest(body),
    };
    const errors = await Promise.all(Object.entries(attempts).map(async ([name, attempt]) => [name, await attempt.catch((error) => error)]));
    for (const [name, error] of errors) {
      expect([name, error.code, error.message]).toEqual([
        name,
        "STORE_UNAVAILABLE",
        expect.stringContaining("the object store (s3://trainyard-tests/team)"),
      ]);
      expect([name, error.message]).toEqual([name, expect.stringMatching(`ECONNREFUSED.*${port}|ECONNRESET`)]);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/S3RVER|Signature/);
    }
    await mortal.start();
    expect(await openIn(mortal, {}, "team").head("a")).toMatchObject({ size: 30 * MB });
  });
});

test("a server that takes calls and never answers is given up", async () => {
  const endpoint = await listen(createTcpServer(() => {}));
  const store = openIn(server, { endpoint, patienceSeconds: 0.5 });
  await expect(store.head("a")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("inactivity") });
  expect(await outcome(store.put("a", stream(20)))).toBe("STORE_UNAVAILABLE");
});

describe("an answer that is lost", () => {
  test.each([
    ["of a small put", /^PUT/, 1],
    ["of the end of a large put", /^POST .*uploadId/, 9],
    ["of the beginning of a large put", /^POST .*uploads/, 9],
    ["of a part", /^PUT .*partNumber=1/, 9],
  ])("%s does not make it fail, nor take its own object for another's", async (_, pattern, megabytes) => {
    const { endpoint, requests } = await between(once(pattern, "lose"));
    const store = openIn(server, { endpoint });
    expect(await store.put("a", stream(megabytes), { ifAbsent: true })).toEqual({ size: megabytes * MB });
    expect(requests.filter((request) => pattern.test(request)).length).toBeGreaterThan(1);
    expect(await digest((await store.get("a")).body)).toBe(await digest(stream(megabytes)));
    expect(await outcome(store.put("a", stream(megabytes), { ifAbsent: true }))).toBe("OBJECT_EXISTS");
  });

  test("does not hide that another was faster", async () => {
    const rival = openIn(server, {}, "rivals");
    let begun = false;
    const { endpoint } = await between(async ({ method }) => {
      if (method !== "PUT" || begun) return undefined;
      begun = true;
      await rival.put("a", Buffer.from("faster"));
      return "lose";
    });
    const store = openIn(server, { endpoint }, "rivals");
    expect(await outcome(store.put("a", Buffer.from("slower"), { ifAbsent: true }))).toBe("OBJECT_EXISTS");
    expect(await text((await rival.get("a")).body)).toBe("faster");
  });
});

describe("a part that is refused", () => {
  test("stops a body that would never end, also one that has stalled, and nothing is left", async () => {
    for (const stall of [false, true]) {
      const { endpoint } = await between(({ url = "" }) => (url.includes("partNumber=2") ? "refuse" : undefined));
      const store = openIn(server, { endpoint });
      const endless = stream(Number.POSITIVE_INFINITY, (n) => (stall && n === 20 ? new Promise(() => {}) : undefined));
      await expect(store.put("a", endless)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("AccessDenied") });
      expect(await store.head("a")).toBeUndefined();
      expect(await store.sweep(0)).toBe(0);
    }
  });
});

describe("a download", () => {
  test("that breaks again and again goes on from where it was", async () => {
    const { endpoint, requests } = await between(({ method, headers }) => (method === "GET" && headers.range !== "bytes=3-9" ? 700_000 : undefined));
    const store = openIn(server, { endpoint });
    await store.put("a", stream(4));
    expect(await digest((await store.get("a")).body)).toBe(await digest(stream(4)));
    expect(requests.filter((request) => request.startsWith("GET")).length).toBe(Math.ceil((4 * MB) / 700_000));
    const part = (await buffer((await store.get("a", { start: 1_000_000, end: 2_999_999 })).body)) as Buffer;
    expect(part.equals((await buffer(Readable.from(stream(4)))).subarray(1_000_000, 3_000_000))).toBe(true);
  });

  test("that never brings a byte is given up", async () => {
    const { endpoint } = await between(({ method }) => (method === "GET" ? 0 : undefined));
    const store = openIn(server, { endpoint, patienceSeconds: 3 });
    await store.put("a", stream(1));
    expect(await outcome(digest((await store.get("a")).body))).toBe("STORE_UNAVAILABLE");
  });

  test("of an object that is replaced or deleted meanwhile fails, as its bytes are no more", async () => {
    const { endpoint } = await between(({ method }) => (method === "GET" ? 700_000 : undefined));
    const store = openIn(server, { endpoint });
    const digestAfter = async (change: () => Promise<unknown>) => {
      await store.put("a", stream(4));
      const { body } = await store.get("a");
      await change();
      return digest(body);
    };
    await expect(digestAfter(() => store.put("a", stream(5)))).rejects.toThrow('"a" was replaced while it was read');
    expect(await outcome(digestAfter(() => store.delete("a")))).toBe("OBJECT_NOT_FOUND");
  });

  test("that breaks while nobody reads is opened again when somebody does", async () => {
    const { endpoint, requests } = await between(({ method, headers }) => (method === "GET" && !headers.range ? MB : undefined));
    const store = openIn(server, { endpoint });
    await store.put("a", stream(24));
    const gets = () => requests.filter((request) => request.startsWith("GET")).length;
    const { body } = await store.get("a");
    const hash = createHash("sha256");
    let first = true;
    for await (const chunk of body) {
      hash.update(chunk);
      if (!first) continue;
      first = false;
      await sleep(1000);
      expect(gets()).toBe(1);
    }
    expect(hash.digest("hex")).toBe(await digest(stream(24)));
    expect(gets()).toBe(2);
  });

  test("gives its connection back at its end", async () => {
    let connections = 0;
    const { endpoint } = await between(({ socket }) => {
      if (!seen.has(socket)) connections++;
      seen.add(socket);
      return undefined;
    });
    const seen = new WeakSet<Socket>();
    const store = openIn(server, { endpoint });
    await store.put("a", stream(1));
    for (let round = 0; round < 5; round++) {
      await buffer((await store.get("a")).body);
      await text((await store.get("a", { start: 0, end: 9 })).body);
    }
    await expect.poll(() => connections).toBe(1);
  });
});

test("two prefixes in one bucket are two stores", async () => {
  const [team, teams] = [openIn(server, {}, "shared/team"), openIn(server, {}, "shared/teams")];
  await team.put("a/b", Buffer.from("of team"));
  await teams.put("c", Buffer.from("of teams"));
  await team.check();
  expect([await keys(team), await keys(teams)]).toEqual([["a/b"], ["c"]]);
  expect(await team.head("c")).toBeUndefined();
  expect(await keys(openIn(server, {}, "shared"))).toEqual(["team/a/b", "teams/c"]);
});

test("what others put into the bucket under names that are no keys is passed over", async () => {
  const store = openIn(server, {}, "mixed");
  await store.put("a", Buffer.from("x"));
  for (const name of ["a%20b", ".hidden", "b%23c"]) {
    expect((await fetch(`${server.endpoint}/${server.bucket}/mixed/${name}`, { method: "PUT", body: "x" })).status).toBe(200);
  }
  expect(await keys(store)).toEqual(["a"]);
});

test("objects have the content type they were put with, or none that a browser would show", async () => {
  const store = openIn(server, {}, "types");
  await store.put("a", Buffer.from("{}"), { contentType: "application/json" });
  await store.put("b", Buffer.from("<script>"));
  const type = async (key: string) => (await fetch(`${server.endpoint}/${server.bucket}/types/${key}`)).headers.get("content-type");
  expect([await type("a"), await type("b")]).toEqual(["application/json", "application/octet-stream"]);
});

test("a bucket that is not there, and credentials that are wrong, are said to be the trouble", async () => {
  const { s3 } = server.options;
  const nowhere = new S3Store("no-such-bucket", "", s3!);
  const stranger = openIn(server, { accessKeyId: "stranger", secretAccessKey: "swordfish" });
  opened.push(nowhere);
  for (const [store, detail] of [
    [nowhere, "NoSuchBucket"],
    [stranger, "InvalidAccessKeyId"],
  ] as const) {
    for (const attempt of [() => store.check(), () => store.put("a", stream(1)), () => store.get("a"), () => keys(store)]) {
      const error = await attempt().catch((error) => error);
      expect([error.code, error.message]).toEqual(["STORE_UNAVAILABLE", expect.stringContaining(detail)]);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/S3RVER|stranger|swordfish|Signature/);
    }
  }
});

test("an object with more parts than S3 takes is refused, and nothing of it is left", async () => {
  const store = openIn(server, { limits: { partBytes: 1000, parts: 3 } });
  expect(await store.put("a", Buffer.alloc(3000))).toEqual({ size: 3000 });
  await expect(store.put("b", Buffer.alloc(3001))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE", details: { limit: 3000 } });
  expect(await keys(store)).toEqual(["a"]);
  expect(await store.sweep(0)).toBe(0);
});

describe("a copy of more than one request may copy", () => {
  const limits = { copyBytes: 5 * MB };

  test("that the server cannot do leaves nothing", async () => {
    const store = openIn(server, { limits });
    await store.put("from", stream(12));
    await expect(store.copy("from", "to")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("NotImplemented") });
    expect(await keys(store)).toEqual(["from"]);
    expect(await store.sweep(0)).toBe(0);
  });

  test.skipIf(!hasMoto)("is made in parts (needs TRAINYARD_PYTHON with moto[server])", async () => {
    const moto = await S3Server.moto().start();
    opened.push({ close: () => moto.kill() });
    const store = openIn(moto, { limits });
    await store.put("from", stream(12));
    await store.copy("from", "to");
    expect(await store.head("to")).toMatchObject({ size: 12 * MB });
    expect(await digest((await store.get("to")).body)).toBe(await digest(stream(12)));
    expect(await store.sweep(0)).toBe(0);
  });
});
