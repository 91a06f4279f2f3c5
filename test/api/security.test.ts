/** What went wrong in this field, tried here: each class of `reference/security.md` that applies to what there is. */
import fc from "fast-check";
import { CompactEncrypt, compactDecrypt, compactVerify, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { checkOrigin } from "../../src/server/browser.ts";
import { newSecret } from "../../src/server/secrets.ts";
import { Tickets } from "../../src/server/tickets.ts";
import type { Run } from "../../src/shared/api/schemas.ts";
import { blobKey } from "../../src/storage/blobs.ts";
import { objectKey } from "../../src/storage/keys.ts";
import { HandWorker } from "../hand-worker.ts";
import { secretIn, sha256, startTestPlatform, tiny } from "../platform.ts";

const platform = await startTestPlatform();
const { raw, spoken, client, kernel, as, eventCount } = platform;
const worker = new HandWorker(platform);
let run: Run;

const html = "<!doctype html><script>alert(document.domain)</script>";

beforeAll(async () => {
  await worker.flowers();
  const { id } = await client.call("createRun", { body: tiny });
  const job = await worker.take();
  await worker.report(job, {
    artifacts: [await worker.upload(job, "page.html", html), await worker.upload(job, "picture.svg", "<svg onload=alert(1)>")],
  });
  await worker.succeed(job);
  run = await client.call("getRun", { params: { id } });
});

describe("path traversal", () => {
  const spellings = [
    "../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "..%252f..%252fetc%252fpasswd",
    "..\\..\\..\\etc\\passwd",
    "..%5c..%5cetc%5cpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "model.onnx#/../../etc/passwd",
    "model.onnx;/../../etc/passwd",
    "..%c0%af..%c0%afetc/passwd",
    "model.onnx%00.txt",
  ];
  test.each(spellings)("%s reaches no file, wherever a name or an id stands", async (spelling) => {
    for (const path of [
      `/api/runs/${run.id}/artifacts/${spelling}`,
      `/api/runs/${spelling}`,
      `/api/experiments/${spelling}/artifacts/x`,
      `/api/datasets/${spelling}`,
      `/api/uploads/${spelling}`,
      `/api/download/${spelling}`,
      `/docs/static/${spelling}`,
      `/${spelling}`,
    ]) {
      const { status, text } = await raw(path);
      expect([path, status]).toEqual([path, expect.toSatisfy((s: number) => s >= 400 && s < 500)]);
      expect(text).not.toContain("root:");
    }
  });

  test("does not get into a storage key: it has letters, digits, dot, dash and underscore between slashes, and never climbs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom("..", ".", "", "a/b", "a\\b", "%2e%2e", "\0", "é", "a b")), { minLength: 1 }),
        (parts) => {
          let key: string;
          try {
            key = objectKey(...(parts as [string, ...string[]]));
          } catch (error) {
            expect(error).toMatchObject({ code: "BAD_KEY" });
            return;
          }
          expect(key).toMatch(/^[\w.-]+(\/[\w.-]+)*$/);
          expect(key.split("/").some((part) => /^\.+$/.test(part))).toBe(false);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (!/^[0-9a-f]{64}$/.test(text)) expect(() => blobKey(text)).toThrow();
      }),
    );
  });
});

describe("the Origin and the Host", () => {
  const check = (method: string, host: string, origin?: string, allowedHosts: string[] = []) => {
    try {
      const headers = { host, ...(origin !== undefined && { origin }) };
      checkOrigin({ headers, method, raw: { headersDistinct: { host: [host] } } } as never, { host: "127.0.0.1", allowedHosts });
      return "allowed";
    } catch {
      return "refused";
    }
  };

  test("let nothing in that is not this server's own address or a name it was told, whatever it looks like", () => {
    const odd = fc.oneof(fc.webAuthority(), fc.domain(), fc.ipV4(), fc.string());
    fc.assert(
      fc.property(odd, (host) => {
        const bare = host
          .replace(/:\d+$/, "")
          .replace(/^\[|\]$/g, "")
          .toLowerCase();
        if (!["localhost", "127.0.0.1", "::1"].includes(bare)) expect(check("GET", host)).toBe("refused");
      }),
    );
    fc.assert(
      fc.property(fc.webUrl(), fc.constantFrom("POST", "PUT", "PATCH", "DELETE", "PROPFIND"), (origin, method) => {
        expect(check(method, "localhost:4600", new URL(origin).origin)).toBe("refused");
        expect(check(method, "localhost:4600", origin)).toBe("refused");
      }),
    );
    expect(check("POST", "localhost:4600", "http://localhost:4600")).toBe("allowed");
    expect(check("POST", "localhost:4600", "http://localhost:4600/")).toBe("refused");
    expect(check("POST", "localhost:4600", "http://localhost:4600@evil.example")).toBe("refused");
  });

  test("of a name that was rebound to this machine (DNS) are refused on every method, a GET too", () => {
    for (const method of ["GET", "HEAD", "POST", "DELETE"]) expect(check(method, "rebound.evil.example:4600")).toBe("refused");
  });
});

describe("what someone uploaded", () => {
  test.each(["page.html", "picture.svg"])("%s comes as an attachment of no type that a browser runs", async (name) => {
    for (const path of [
      `/api/runs/${run.id}/artifacts/${name}`,
      new URL((await client.call("linkToArtifact", { params: { id: run.id, name } })).url).pathname,
    ]) {
      const { headers, status } = await raw(path);
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        "content-type": "application/octet-stream",
        "content-disposition": `attachment; filename="${name}"`,
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
      });
    }
  });

  test("as a name is text in JSON and nothing else", async () => {
    const name = `"><img src=x onerror=alert(1)>`;
    await client.call("editRun", { params: { id: run.id }, body: { name } });
    const { headers, json } = await raw(`/api/runs/${run.id}`);
    expect(headers["content-type"]).toMatch(/^application\/json/);
    expect(json.name).toBe(name);
  });

  test("is taken as JSON or raw bytes: a form of many parts is refused unread", async () => {
    const form = Array.from({ length: 5000 }, (_, i) => `--x\r\nContent-Disposition: form-data; name="${i}"\r\n\r\n1\r\n`).join("");
    const answer = await raw("/api/runs", { method: "POST", headers: { "content-type": "multipart/form-data; boundary=x" }, body: `${form}--x--` });
    expect(answer.status).toBe(415);
  });
});

describe("every page and answer", () => {
  test.each(["/login", "/join", "/docs", "/openapi.json", "/api/runs", "/nothing", "/health/live"])(
    "%s is framed by nobody, runs no script but the server's, and says where it came from to nobody",
    async (path) => {
      const { headers } = await raw(path);
      expect(headers).toMatchObject({
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": expect.stringMatching(/frame-ancestors 'none'/),
      });
      expect(headers["content-security-policy"]).not.toMatch(/unsafe-(inline|eval)[^;]*(;|$)(?<!style-src[^;]*)/);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  test("the pages before signing in have no script or style within them", async () => {
    for (const path of ["/login", "/join"]) {
      const { text } = await raw(path, { anonymous: true });
      expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
    }
    expect((await raw("/account.js", { anonymous: true })).text).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|eval\(/);
  });
});

describe("a token", () => {
  test("of one kind is none of another, nor a cookie a token of the machine", async () => {
    const { secret: share } = await client.call("shareRun", { params: { id: run.id }, body: {} });
    const bodies = [share, platform.workerToken, platform.machineToken].map((one) => one.replace(/^ty\w_/, ""));
    for (const body of bodies) {
      for (const prefix of ["", "tys_", "tyt_", "tyr_", "tyj_", "tyl_"]) {
        const token = prefix + body;
        if ([share, platform.workerToken, platform.machineToken].includes(token)) continue;
        expect([token.slice(0, 4), (await raw("/api/runs", { headers: { authorization: `Bearer ${token}` } })).status]).toEqual([
          token.slice(0, 4),
          401,
        ]);
      }
    }
    for (const cookie of [platform.machineToken, platform.workerToken]) {
      const { status } = await raw("/api/runs", { headers: { cookie: `trainyard=${cookie}` } });
      expect(status).toBe(401);
    }
    // Two at once: what was said aloud counts, and it is wrong.
    const session = await platform.account("two-at-once");
    expect((await raw("/api/runs", { headers: { cookie: `trainyard=${session}` } })).status).toBe(200);
    expect((await raw("/api/runs", { headers: { cookie: `trainyard=${session}`, authorization: "Bearer tyt_wrong" } })).status).toBe(401);
  });

  test("that is a link for setting up opens no route", async () => {
    const { url: link } = await client.call("inviteUser", { body: { role: "admin" } });
    expect((await raw("/api/runs", { headers: { authorization: `Bearer ${secretIn(link)}` } })).status).toBe(401);
  });
});

describe("a download link", () => {
  test("opens its one file without signing in, for some minutes, and neither another nor a forged one", async () => {
    const { url: link, expiresAt } = await client.call("linkToArtifact", { params: { id: run.id, name: "page.html" } });
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(300_000);
    const path = new URL(link).pathname;
    expect(await raw(path, { anonymous: true })).toMatchObject({ status: 200, text: html });
    expect(path).not.toContain(sha256(html));
    const ticket = path.split("/").at(-1)!;
    // The last letter has bits that stand for nothing.
    for (const at of [0, 10, 60, ticket.length - 2]) {
      const forged = ticket.slice(0, at) + (ticket[at] === "A" ? "B" : "A") + ticket.slice(at + 1);
      expect((await raw(`/api/download/${forged}`, { anonymous: true })).status).toBe(404);
    }
    expect((await raw(`/api/download/${ticket.slice(0, -4)}`, { anonymous: true })).status).toBe(404);
    const body = new TextEncoder().encode(JSON.stringify({ sha256: sha256(html), name: "x", exp: Date.now() }));
    const own = await new CompactEncrypt(body).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(new Uint8Array(32));
    expect((await raw(`/api/download/${own}`, { anonymous: true })).status).toBe(404);
  });

  test("that is over opens nothing", async () => {
    const body = new TextEncoder().encode(JSON.stringify({ sha256: sha256(html), name: "x", exp: Math.floor(Date.now() / 1000) - 1 }));
    const late = await new CompactEncrypt(body).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(kernel.keys.bytes("links")[0]!);
    expect((await raw(`/api/download/${late}`, { anonymous: true })).status).toBe(404);
  });

  test("for a pair of keys is read by a gateway that has the pair and the public key, which can make none", async () => {
    const { privateKey } = await generateKeyPair("ECDH-ES+A256KW", { extractable: true });
    const pair = (await exportJWK(privateKey)) as JWK;
    const tickets = new Tickets(kernel.keys, pair);
    const { ticket } = await tickets.make(sha256(html), "page.html");
    // The gateway: the pair, and what anyone reads.
    const { keys } = (await raw("/.well-known/jwks.json", { anonymous: true })).json as { keys: JWK[] };
    expect(JSON.stringify(keys)).not.toContain('"d"');
    const { plaintext } = await compactDecrypt(ticket, await importJWK(pair, "ECDH-ES+A256KW"));
    const signed = new TextDecoder().decode(plaintext);
    const { payload } = await compactVerify(signed, await importJWK(keys[0]!, "ES256"));
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({ sha256: sha256(html), name: "page.html" });
    expect(await tickets.read(ticket)).toMatchObject({ sha256: sha256(html) });
    // Encrypted for the pair, but signed by nobody: whoever has the public half could do that.
    const { d: _, ...open } = pair;
    const unsigned = await new CompactEncrypt(payload)
      .setProtectedHeader({ alg: "ECDH-ES+A256KW", enc: "A256GCM" })
      .encrypt(await importJWK(open, "ECDH-ES+A256KW"));
    await expect(tickets.read(unsigned)).rejects.toMatchObject({ code: "NOT_FOUND" });
    // And the server's own kind of link is none here.
    await expect(tickets.read((await kernel.tickets.make(sha256(html), "x")).ticket)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a client that is slow on purpose", () => {
  test("keeps no socket by headers without end, and nobody waits for it", async () => {
    const slow = Array.from({ length: 50 }, () => spoken("GET /api/runs HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
    expect((await raw("/health/live")).status).toBe(200);
    const answers = await Promise.all(slow);
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
  });

  test("sends no more headers than anyone needs", async () => {
    const many = Array.from({ length: 5000 }, (_, i) => `X-${i}: 1\r\n`).join("");
    const answer = await spoken(`GET /health/live HTTP/1.1\r\nHost: localhost:1\r\n${many}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (431|400|200) /);
    expect((await raw("/health/live")).status).toBe(200);
  });
});

describe("JSON", () => {
  test("pollutes no prototype, wherever it stands", async () => {
    const before = await eventCount();
    for (const body of [
      '{"__proto__":{"isAdmin":true},"dataset":{"id":"flowers"}}',
      '{"dataset":{"id":"flowers","params":{"__proto__":{"isAdmin":true}}}}',
      '{"dataset":{"id":"flowers"},"tags":{"__proto__":"x"}}',
      '{"dataset":{"id":"flowers"},"model":{"id":"mlp","params":{"constructor":{"prototype":{"isAdmin":true}}}}}',
    ]) {
      const { status } = await raw("/api/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
      expect([body, status]).toEqual([body, expect.toSatisfy((s: number) => s === 400 || s === 422)]);
    }
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    expect(await eventCount()).toBe(before);
  });
});

describe("a filter", () => {
  test("compiles from an allow-list: whatever stands in it reaches no other column, table or statement", async () => {
    const field = fc.oneof(
      fc.constantFrom(
        "password",
        "hash",
        "state",
        "users.password",
        "runs.project",
        "project",
        "id",
        "experiment",
        "progress",
        "j.text",
        "metrics",
        "1",
        "(select password from users limit 1)",
      ),
      fc.string({ maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(field, fc.constantFrom("=", "!=", "<", ">=", "~"), fc.string({ maxLength: 40 }), async (name, operator, value) => {
        for (const query of [`filter=${encodeURIComponent(`${name}${operator}${value}`)}`, `sort=${encodeURIComponent(name)}`]) {
          const { status, text } = await raw(`/api/runs?${query}`);
          expect([200, 400, 422]).toContain(status);
          expect(text).not.toMatch(/syntax error|pg_|argon2|relation "/);
        }
      }),
      { numRuns: 150 },
    );
    for (const column of ["password", "hash", "project", "experiment", "progress", "version"])
      expect((await raw(`/api/runs?filter=${column}=1`)).status).toBe(422);
  });
});

describe("secrets", () => {
  test("that people, workers and configuration have are in no event, error, export or metric", async () => {
    const planted: string[] = [platform.machineToken, platform.workerToken];
    const { url: link } = await client.call("inviteUser", { body: { role: "trainer" } });
    const secret = secretIn(link);
    const password = "planted-password-of-pia";
    const { token } = await as().call("useLink", { body: { link: secret, name: "pia", password, token: true } });
    const { secret: api } = await as(token).call("createToken", { body: { name: "planted", scope: "read" } });
    planted.push(secret, password, token!, api);
    const texts: string[] = [];
    const say = async (answer: Promise<{ text: string }>) => texts.push((await answer).text);
    // Wherever a mistake might repeat what it was given.
    for (const one of planted) {
      await say(raw(`/api/runs/${one}`, { headers: { authorization: `Bearer ${one}` } }));
      await say(raw("/api/login", { method: "POST", body: { name: "pia", password: one, wrong: 1 }, anonymous: true }));
      await say(raw("/api/login", { method: "POST", body: { name: "pia", password: `${one}!` }, anonymous: true }));
      await say(raw("/api/login", { method: "POST", body: { name: "pia", password: [one] }, anonymous: true }));
      await say(
        raw("/api/links/use", { method: "POST", body: { link: one.slice(0, 9), password: one.slice(0, 9), name: "UPPER" }, anonymous: true }),
      );
      await say(raw("/api/links/look", { method: "POST", body: { link: { secret: one } }, anonymous: true }));
      await say(raw("/api/links/use", { method: "POST", body: { link: one, name: "x", password: one }, anonymous: true }));
      await say(raw("/api/runs", { headers: { cookie: `trainyard=${one}` } }));
    }
    await say(raw("/api/events/export"));
    await say(raw("/metrics"));
    await say(raw("/api/messages?limit=500"));
    await say(raw("/openapi.json"));
    await say(raw("/api/users"));
    await say(raw("/api/tokens"));
    // A secret that stands in an address comes back in the error about that address, to who sent it.
    const rest = texts.map((text, i) => (i < planted.length * 8 && i % 8 === 0 ? "" : text));
    for (const one of planted) for (const text of rest) expect(text.includes(one.slice(0, 9))).toBe(false);
    const events = JSON.stringify(await kernel.db.query.selectFrom("events").select("data").execute());
    expect(events).toContain("pia");
    for (const one of planted) expect(events.includes(one)).toBe(false);
  });

  test("are of 256 random bits, each another", () => {
    const made = new Set(Array.from({ length: 1000 }, () => newSecret("token")));
    expect(made.size).toBe(1000);
    for (const one of made) expect(one).toMatch(/^tyt_[\w-]{43}$/);
  });
});
