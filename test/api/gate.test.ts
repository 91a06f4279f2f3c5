/** The one door: every route passes it, whoever asks, from wherever, by whatever method. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { existsSync, readdirSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { describe, expect, inject, test } from "vitest";
import { buildApp } from "../../src/server/app.ts";
import { jobToken } from "../../src/server/secrets.ts";
import { type Endpoint, endpoints } from "../../src/shared/api/endpoints.ts";
import { errorBody } from "../../src/shared/api/schemas.ts";
import { webPaths } from "../../src/shared/web-paths.ts";
import { type Raw, startTestPlatform } from "../platform.ts";

const platform = await startTestPlatform({ env: { TRAINYARD_ALLOWED_HOSTS: "trainyard.example, Other.Example" } });
const { raw, spoken, eventCount, workerToken, machineToken, url, kernel } = platform;
const port = new URL(url).port;

/** Routes as the server has them: method and path, with parameters in braces. */
async function routeTable(): Promise<string[]> {
  const app = await buildApp(kernel, "test");
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
const table = endpoints as Readonly<Record<string, Endpoint>>;
const inTable = Object.values(table).map(({ method, path }) => `${method} ${path}`);

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
  test("is what the server has, with the description of the API and the pages of signing in besides, and nothing else", async () => {
    const routes = await routeTable();
    expect(inTable.filter((route) => !routes.includes(route))).toEqual([]);
    const others = routes.filter((route) => !inTable.includes(route));
    expect(others).toContain("GET /openapi.json");
    const assets = existsSync("dist/web/assets") ? readdirSync("dist/web/assets") : [];
    // The router's picture of itself writes /runs/* as /runs*.
    const pages = new Set([...webPaths.flatMap((path) => [path, path.replace("/*", "*")]), ...assets.map((name) => `/assets/${name}`)]);
    const ofSigningIn = /^\/(login|join|shared|account\.(css|js)|docs(\/.*)?|openapi\.json)$/;
    const isPublic = (route: string) => {
      const [method, path] = route.split(" ") as [string, string];
      return ["GET", "HEAD"].includes(method) && (pages.has(path) || ofSigningIn.test(path));
    };
    expect(others.filter((route) => !isPublic(route))).toEqual([]);
  });

  test("takes no route that is not in it: the server does not start", async () => {
    const build = async (plugin: (app: FastifyInstance) => void) => {
      const join = (message: unknown) => void (message as { fastify: FastifyInstance }).fastify.register(async (app) => plugin(app));
      subscribe("fastify.initialization", join);
      try {
        return await buildApp(kernel, "test");
      } finally {
        unsubscribe("fastify.initialization", join);
      }
    };
    const open = async () => "open";
    await expect(build((app) => app.get("/api/backdoor", open))).rejects.toThrow(
      "route /api/backdoor is neither in the table of endpoints nor a public page",
    );
    const posing = { schema: { operationId: "noSuchOperation" } as object };
    await expect(build((app) => app.get("/api/back", posing, open))).rejects.toThrow("route /api/back is neither in the table");
    await (await build(() => {})).close();
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

  /** The same address, spelt in ways that some part on the way might take for it. */
  const spellings = (path: string): string[] =>
    [
      path,
      `${path}/`,
      `/${path}`,
      path.replace("/api/", "/api//"),
      path.replace("/api/", "/API/"),
      path.replace("/api/", "/api/./"),
      path.replace("/api/", "/x/../api/"),
      path.replace(/\/(?=[^/]*$)/, "%2f"),
      path.replace("/api/", "/%61pi/"),
      `${path}?x=1`,
      `${path};x=1`,
      `${path}%00`,
      `${path}%20`,
    ].filter((spelling) => spelling.startsWith("/"));
  const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY"];

  test("is closed to nobody: 401 by every method and spelling, but for the few routes that are public", async () => {
    const before = await eventCount();
    const open = new Set(Object.values(table).flatMap(({ action, method, path }) => (action === "open" ? [`${method} ${address(path)}`] : [])));
    const leaks: string[] = [];
    for (const { path, action } of Object.values(table)) {
      if (action === "open" && path.includes("{")) continue; // any text is a ticket, if a wrong one
      for (const spelling of spellings(address(path))) {
        for (const method of methods) {
          const plain = spelling.split("?")[0]!.replace("/%61pi/", "/api/");
          if (open.has(`${method} ${plain}`)) continue;
          const { status } = await raw(spelling, { method, anonymous: true });
          if (status !== 401 && !(status === 400 && spelling.includes("%00"))) leaks.push(`${method} ${spelling}: ${status}`);
        }
      }
    }
    expect(leaks).toEqual([]);
    expect(await eventCount()).toBe(before);
  }, 240_000);

  test("has these public routes and no others", () => {
    const open = Object.entries(table).flatMap(([id, { action }]) => (action === "open" ? [id] : []));
    expect(open.sort()).toEqual(
      ["download", "endOidc", "getKeys", "live", "login", "lookAtLink", "lookAtShare", "ready", "startOidc", "useLink"].sort(),
    );
  });

  test("is closed to whoever shows a wrong token, whatever it looks like", async () => {
    const wrong = ["wrong", "tys_x", `tyt_${"A".repeat(43)}`, `tyr_${"A".repeat(43)}`, `tyj_${"A".repeat(51)}`, `tyl_${"A".repeat(43)}`];
    for (const [i, { method, path }] of Object.values(table).entries()) {
      const answer = await raw(address(path), { method, headers: { authorization: `Bearer ${wrong[i % wrong.length]}` } });
      expect([path, refusal(answer)]).toEqual([path, expect.objectContaining({ code: "UNAUTHENTICATED", status: 401 })]);
    }
  });

  test("gives workers the queue, the holder of a job its job, and people everything else", async () => {
    const before = await eventCount();
    const job = jobToken(kernel.keys.bytes("jobs")[0]!, "00000000-0000-4000-8000-000000000001", 1);
    for (const [id, { method, path, action, on }] of Object.entries(table)) {
      if (action === "open") continue;
      const ask = (token: string) => raw(address(path), { method, headers: { authorization: `Bearer ${token}` } });
      if (action === "work") expect([id, refusal(await ask(machineToken)).status]).toEqual([id, expect.toSatisfy((s) => s === 403 || s === 404)]);
      if (on !== "queue") expect([id, refusal(await ask(workerToken))]).toEqual([id, expect.objectContaining({ code: "FORBIDDEN", status: 403 })]);
      // Another job does not exist for it; anything else it may not do.
      expect([id, refusal(await ask(job)).status]).toEqual([id, action === "work" && on === "job" ? 404 : 403]);
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
  const post = (origin: string, host = `localhost:${port}`) => raw("/api/admin/verify", { method: "POST", headers: { origin, host } });

  test("that is the very address which was asked may change something, and so may a name that the server was told", async () => {
    expect((await post(`http://localhost:${port}`)).status).toBe(200);
    expect((await post(`http://127.0.0.1:${port}`, `127.0.0.1:${port}`)).status).toBe(200);
    expect((await post("https://trainyard.example", `127.0.0.1:${port}`)).status).toBe(200);
    expect((await post("https://trainyard.example:8443", "trainyard.example:8443")).status).toBe(200);
  });

  test("of another port of this machine may not, as its cookies would come along", async () => {
    for (const origin of ["http://127.0.0.1:9999", "http://localhost:9999", "http://localhost", `http://127.0.0.1:${port}`, `http://[::1]:${port}`])
      expect([origin, refusal(await post(origin)).code]).toEqual([origin, "HOST_REFUSED"]);
  });

  test("that is missing beside a cookie may not", async () => {
    const answer = await raw("/api/admin/verify", { method: "POST", headers: { cookie: `trainyard=${machineToken}` } });
    expect([answer.status, refusal(answer).code]).toEqual([403, "HOST_REFUSED"]);
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
