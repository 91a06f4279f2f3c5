/** The one door: every route passes it, whoever asks, from wherever, by whatever method. */
import { connect } from "node:net";
import { describe, expect, inject, test } from "vitest";
import { buildApp } from "../../src/server/app.ts";
import { type Endpoint, endpoints } from "../../src/shared/api/endpoints.ts";
import { errorBody } from "../../src/shared/api/schemas.ts";
import { type Raw, startTestPlatform } from "../platform.ts";

const platform = await startTestPlatform({ env: { TRAINYARD_ALLOWED_HOSTS: "trainyard.example, Other.Example" } });
const { raw, eventCount, workerToken, url, kernel } = platform;
const port = new URL(url).port;

/** Routes as the server has them: method and path, with parameters in braces. */
async function routeTable(): Promise<string[]> {
  const app = await buildApp(kernel, { workerToken }, "test");
  const tree = app.printRoutes({ commonPrefix: false });
  await app.close();
  const above: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent = "", part = "", methods] = /^([│├└─\s]*)(\S+)(?: \((.+)\))?$/.exec(line) ?? [];
    if (!part) return [];
    const depth = indent.length / 4;
    above.splice(depth - 1, Number.POSITIVE_INFINITY, part);
    const path = above.join("").replace(/:(\w+)/g, "{$1}");
    return (methods ?? "").split(", ").map((method) => `${method} ${path}`);
  });
}
const inTable = Object.values(endpoints as Record<string, Endpoint>).map(({ method, path }) => `${method} ${path}`);

/** Of the one form in which every refusal comes. */
function refusal(answer: Raw): { code: string; status: number } {
  expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  const { error } = errorBody.strict().parse(answer.json);
  expect(error.status).toBe(answer.status);
  expect(answer.headers["x-request-id"]).toBe(error.requestId);
  return error;
}

const address = (path: string) => path.replaceAll("{sha256}", "0".repeat(64)).replace(/\{\w+\}/g, "00000000-0000-4000-8000-000000000000");

describe("the table of routes", () => {
  test("is what the server has, with the description of the API besides and nothing else", async () => {
    const routes = await routeTable();
    expect(inTable.filter((route) => !routes.includes(route))).toEqual([]);
    const others = routes.filter((route) => !inTable.includes(route));
    expect(others).toContain("GET /openapi.json");
    expect(others.filter((route) => !/^(GET|HEAD) \/(openapi\.json$|docs(\/|$))/.test(route))).toEqual([]);
  });

  test("is refused whole to a page of another site: by a foreign Host, and by a foreign Origin where it changes something", async () => {
    const before = await eventCount();
    const routes = [...(await routeTable()), "GET /nothing", "POST /nothing", "OPTIONS /api/runs", "HEAD /api/runs", "TRACE /api/runs"];
    for (const route of routes) {
      const [method, path] = route.split(" ") as [string, string];
      const foreign = await raw(address(path), { method, headers: { host: "evil.example" } });
      if (method === "HEAD") expect([route, foreign.status]).toEqual([route, 403]);
      else expect([route, refusal(foreign)]).toEqual([route, expect.objectContaining({ code: "HOST_REFUSED", status: 403 })]);
      if (["GET", "HEAD", "OPTIONS"].includes(method)) continue;
      const origin = await raw(address(path), { method, headers: { origin: "https://evil.example" } });
      expect([route, refusal(origin)]).toEqual([route, expect.objectContaining({ code: "HOST_REFUSED", status: 403 })]);
    }
    expect(await eventCount()).toBe(before);
  });

  test("is closed to whoever shows a wrong token, but for the description", async () => {
    for (const route of inTable) {
      const [method, path] = route.split(" ") as [string, string];
      const answer = await raw(address(path), { method, headers: { authorization: "Bearer wrong" } });
      expect([route, refusal(answer)]).toEqual([route, expect.objectContaining({ code: "UNAUTHENTICATED", status: 401 })]);
    }
  });

  test("gives workers what is for workers, and people everything else", async () => {
    const before = await eventCount();
    for (const [id, { method, path, action }] of Object.entries(endpoints as Record<string, Endpoint>)) {
      const asPerson = action === "work" ? await raw(address(path), { method }) : undefined;
      if (asPerson) expect([id, refusal(asPerson)]).toEqual([id, expect.objectContaining({ code: "UNAUTHENTICATED", status: 401 })]);
      if (action === "work" || action === "open") continue;
      const asWorker = await raw(address(path), { method, headers: { authorization: `Bearer ${workerToken}` } });
      expect([id, refusal(asWorker)]).toEqual([id, expect.objectContaining({ code: "FORBIDDEN", status: 403 })]);
    }
    expect(await eventCount()).toBe(before);
  });
});

describe("the Host", () => {
  test.each([`localhost:${port}`, "localhost", "LOCALHOST", `127.0.0.1:${port}`, "[::1]:4600", "trainyard.example", "other.example:8080"])(
    "%s is ours",
    async (host) => {
      expect((await raw("/health/live", { headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:127.0.0.1",
    "localhost@evil.example",
    "evil.example#localhost",
    "127.0.0.2",
    "[::2]",
    "0.0.0.0",
    "trainyard.example.",
  ])("%j is refused", async (host) => {
    const answer = await raw("/health/live", { headers: { host } });
    expect([refusal(answer).code, answer.status]).toEqual(["HOST_REFUSED", 403]);
  });

  test("cannot be left out, or given twice", async () => {
    for (const hosts of ["", "Host: \r\n", "Host: localhost\r\nHost: evil.example\r\n", "Host: localhost\r\nHost: localhost\r\n"]) {
      const answer = await spoken(`GET /health/live HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
      expect([hosts, answer]).toEqual([hosts, expect.stringMatching(/^HTTP\/1\.1 (400|403) /)]);
    }
  });
});

describe("the Origin", () => {
  const post = (origin: string) => raw("/api/admin/verify", { method: "POST", headers: { origin } });

  test.each([`http://localhost:${port}`, "http://127.0.0.1:9999", "https://trainyard.example"])("%s may change something", async (origin) => {
    expect((await post(origin)).status).toBe(200);
  });

  test.each(["null", "https://evil.example", "http://localhost.evil.example", "file://", "http://user@evil.example", "//localhost", "localhost", ""])(
    "%j may not",
    async (origin) => {
      expect([refusal(await post(origin)).code]).toEqual(["HOST_REFUSED"]);
    },
  );

  test("of another site may look, as a browser shows it nothing", async () => {
    const answer = await raw("/api/runs", { headers: { origin: "https://evil.example" } });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });
});

describe("a token", () => {
  test.each(["", "Bearer", "Bearer ", "Basic d29ya2VyOng=", "bearer x", `Bearer ${"x".repeat(10_000)}`, `Bearer ${" "}`])(
    "%j is none",
    async (authorization) => {
      const answer = await raw("/api/runs", { headers: { authorization } });
      expect([answer.status, refusal(answer).code]).toEqual([401, "UNAUTHENTICATED"]);
    },
  );

  test("is shown in no answer", async () => {
    for (const authorization of [`Bearer ${workerToken}`, `Bearer ${workerToken}x`]) {
      const { text } = await raw("/api/runs", { headers: { authorization } });
      expect(text).not.toContain(workerToken);
    }
  });
});

describe("a method", () => {
  test.each(["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND", "QUERY"])(
    "%s that a path does not take is refused with what it takes",
    async (method) => {
      const answer = await raw("/api/runs", { method });
      expect([answer.status, answer.headers.allow]).toEqual([405, expect.stringMatching(/^(GET, POST|POST, GET)$/)]);
      if (method !== "HEAD") expect(refusal(answer).code).toBe("NO_METHOD");
    },
  );

  test("of no path there is gets a 404 in the one form", async () => {
    for (const path of [
      "/nothing",
      "/api",
      "/api/",
      "/api/runs/",
      "/API/RUNS",
      "//api/runs",
      "/api//runs",
      "/api/runs/../admin/verify",
      "/%2e%2e/",
      "/api/runs%2fcompare",
    ]) {
      const answer = await raw(path, { method: "POST" });
      expect([path, answer.status, refusal(answer).code]).toEqual([path, 404, "NO_ROUTE"]);
    }
  });
});

describe("every answer", () => {
  test("forbids browsers to guess its type, and names its request", async () => {
    for (const path of ["/api/runs", "/nothing", "/openapi.json", "/docs/", "/metrics", "/health/live"]) {
      const { headers } = await raw(path);
      expect([path, headers["x-content-type-options"], headers["x-request-id"]]).toEqual([path, "nosniff", expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    }
  });
});

/** What comes back to bytes on a socket. */
function spoken(text: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.setEncoding("utf8").on("data", (part) => {
      answer += part;
    });
    socket.on("close", () => done(answer));
    socket.on("error", failed);
  });
}

describe("what is no HTTP", () => {
  test.each([
    ["a line that is no request", "HELLO\r\n\r\n"],
    ["a header without a colon", `GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n`],
    ["a length that is no number", `POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n`],
    ["two lengths", `POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ["a length and chunks", `POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["headers without end", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(100_000)}\r\n\r\n`],
  ])("(%s) is refused in the one form, and the server lives on", async (_, text) => {
    const before = await eventCount();
    const answer = await spoken(text);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
    expect(errorBody.parse(JSON.parse(body)).error.status).toBe(Number(answer.slice(9, 12)));
    expect(await eventCount()).toBe(before);
    expect((await raw("/health/live")).status).toBe(200);
  });
});

test("an address that is too long is refused in the one form", async () => {
  for (const path of [
    `/api/runs/${"x".repeat(5000)}`,
    `/api/runs?filter=${"x".repeat(5000)}`,
    `/${"x".repeat(5000)}`,
    `/api/runs/${"%41".repeat(2000)}`,
  ]) {
    const answer = await raw(path);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    refusal(answer);
  }
});

test(`all of this holds on ${inject("backend")}`, () => expect(kernel.db.kind).toBe(inject("backend") === "cluster" ? "postgresql" : "embedded"));
