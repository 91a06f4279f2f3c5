import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { download, type Published } from "./download.ts";

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24));
const sha256 = createHash("sha256").update(content).digest("hex");
const again = "Put it there.";

const servers: ReturnType<typeof createServer>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A mirror on this machine, and what it was asked. */
async function mirror(handle: RequestListener): Promise<{ url: string; asked: IncomingMessage["headers"][] }> {
  const asked: IncomingMessage["headers"][] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    handle(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`, asked };
}

/** Sends the rest that is asked for, as long as the condition holds. */
const honest = (etag: string, most = Number.POSITIVE_INFINITY) => {
  return (request: IncomingMessage, response: ServerResponse) => {
    const [, from = "0"] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const start = request.headers["if-range"] === undefined || request.headers["if-range"] === etag ? Number(from) : 0;
    response.writeHead(start ? 206 : 200, {
      etag,
      "content-length": content.length - start,
      ...(start && { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    const part = content.subarray(start, start + Math.min(most, content.length));
    if (start + part.length === content.length) response.end(part);
    else response.write(part, () => setTimeout(() => response.destroy(), 20));
  };
};

const folder = () => join(mkdtempSync(join(tmpdir(), "trainyard-download-")), "cache");
const published = (...urls: string[]): Published => ({ name: "file.bin", size: content.length, sha256, urls });
const quick = { silenceMs: 500, pauseMs: 1 };
const fetched = (file: Published, into: string, options = {}) => download(file, into, "Letters: file.bin", again, { ...quick, ...options });
/** Comparing the bytes one by one takes vitest half a second. */
const isContent = (path: string) => readFileSync(path).equals(content);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
/** Why each mirror failed, and that nothing appeared under the file's name. */
async function reasonsOf(file: Published, into = folder()): Promise<string> {
  const [code, message, fix] = (await refusal(fetched(file, into))) as string[];
  expect([code, fix]).toEqual(["DOWNLOAD_FAILED", again]);
  expect(existsSync(join(into, "file.bin"))).toBe(false);
  return message!.replace(/http:\/\/127\.0\.0\.1:\d+/g, "");
}

describe("a download", () => {
  test("has the published bytes, says how many have come, and leaves nothing else", async () => {
    const { url } = await mirror(honest('"a"'));
    const [into, seen] = [folder(), [] as number[]];
    const path = await fetched(published(url), into, { progress: (bytes: number) => seen.push(bytes) });
    expect(isContent(path)).toBe(true);
    expect(readdirSync(into)).toEqual(["file.bin"]);
    expect(seen.at(-1)).toBe(content.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test("goes on where the connection was cut, on condition that the file is the same", async () => {
    const { url, asked } = await mirror(honest('"a"', 100_000));
    expect(isContent(await fetched(published(url), folder()))).toBe(true);
    expect(asked.map(({ range, "if-range": condition }) => [range, condition])).toEqual([
      [undefined, undefined],
      ["bytes=100000-", '"a"'],
      ["bytes=200000-", '"a"'],
    ]);
  });

  test("begins again where the mirror has another version by now", async () => {
    const into = folder();
    mkdirSync(into);
    const { url, asked } = await mirror(honest('"new"'));
    writeFileSync(join(into, "file.bin.partial"), "of the old version");
    writeFileSync(join(into, "file.bin.partial.origin"), JSON.stringify({ url, validator: '"old"' }));
    expect(isContent(await fetched(published(url), into))).toBe(true);
    expect(asked.map(({ range, "if-range": condition }) => [range, condition])).toEqual([["bytes=18-", '"old"']]);
    expect(readdirSync(into)).toEqual(["file.bin"]);
  });

  test("begins again where what an earlier attempt left is damaged", async () => {
    const into = folder();
    mkdirSync(into);
    writeFileSync(join(into, "file.bin.partial"), "damaged");
    const { url, asked } = await mirror(honest('"a"'));
    expect(isContent(await fetched(published(url), into))).toBe(true);
    expect(asked.map(({ range }) => range)).toEqual(["bytes=7-", undefined]);
  });

  test("takes what another mirror has begun", async () => {
    const dying = await mirror((request, response) => (dying.asked.length > 1 ? response.destroy() : honest('"a"', 120_000)(request, response)));
    const other = await mirror(honest('"b"'));
    expect(isContent(await fetched(published(dying.url, other.url), folder()))).toBe(true);
    expect(other.asked.map(({ range, "if-range": condition }) => [range, condition])).toEqual([["bytes=120000-", undefined]]);
  });

  test("that was given up is gone on with, and so is one whose process was killed", async () => {
    for (const left of ["file.bin.partial", "file.bin.1-abc.downloading"]) {
      const into = folder();
      const slow = await mirror((request, response) => void honest('"a"', 50_000)(request, response));
      const controller = new AbortController();
      const given = fetched(published(slow.url), into, {
        signal: controller.signal,
        progress: () => controller.abort(new Error("enough")),
      });
      await expect(given).rejects.toThrow("enough");
      expect(readdirSync(into)).toEqual(["file.bin.partial", "file.bin.partial.origin"]);
      const { size } = statSync(join(into, "file.bin.partial"));
      if (left !== "file.bin.partial") {
        renameSync(join(into, "file.bin.partial"), join(into, left));
        renameSync(join(into, "file.bin.partial.origin"), join(into, `${left}.origin`));
        utimesSync(join(into, left), 1, 1);
      }
      const { url, asked } = await mirror(honest('"a"'));
      expect(isContent(await fetched(published(url), into))).toBe(true);
      expect(asked.map(({ range }) => range)).toEqual([`bytes=${size}-`]);
      expect(readdirSync(into)).toEqual(["file.bin"]);
    }
  });

  test("is whole however many fetch the same file at once", async () => {
    const { url } = await mirror(honest('"a"', 100_000));
    const into = folder();
    const paths = await Promise.all(Array.from({ length: 4 }, () => fetched(published(url), into)));
    for (const path of paths) expect(isContent(path)).toBe(true);
    expect(readdirSync(into)).toEqual(["file.bin"]);
  });

  test("comes from the next mirror when one has none, and when one answers with a web page", async () => {
    const none = await mirror((_, response) => response.writeHead(404).end("no"));
    const page = await mirror((_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>"));
    const { url } = await mirror(honest('"a"'));
    expect(isContent(await fetched(published(none.url, page.url, url), folder()))).toBe(true);
  });

  test("that no mirror has fails with the reason of each", async () => {
    const none = await mirror((_, response) => response.writeHead(404).end());
    const broken = await mirror((_, response) => response.writeHead(503).end());
    const page = await mirror((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"));
    expect(await reasonsOf(published(none.url, broken.url, page.url))).toBe(
      "Letters: file.bin could not be downloaded: /file.bin answers 404; /file.bin answers 503; /file.bin answers with a web page instead of the file",
    );
    expect(broken.asked).toHaveLength(4);
    expect(none.asked).toHaveLength(1);
  });

  test.each([
    ["another size announced", (r: ServerResponse) => r.writeHead(200, { "content-length": 5 }).end("short"), "has 5 bytes instead of 300000"],
    ["more than was announced", (r: ServerResponse) => r.writeHead(200).end(Buffer.concat([content, content])), "sends more than 300000 bytes"],
    [
      "other content of that size",
      (r: ServerResponse) => r.writeHead(200).end(Buffer.alloc(content.length)),
      `sends a file with SHA-256 ${createHash("sha256").update(Buffer.alloc(content.length)).digest("hex")} instead of ${sha256}`,
    ],
    ["less, again and again", (r: ServerResponse) => r.writeHead(200).end("less"), "breaks off after 4 of 300000 bytes"],
    ["nothing for a while", () => {}, "is silent for 0.5 s"],
    [
      "a redirect to itself",
      (r: ServerResponse) => r.writeHead(302, { location: "/file.bin" }).end(),
      "sends on to another address more than 5 times",
    ],
    [
      "a redirect to somebody else",
      (r: ServerResponse) => r.writeHead(302, { location: "http://169.254.169.254/latest" }).end(),
      "sends on to http://169.254.169.254, which is none of the dataset's addresses",
    ],
    [
      "a redirect to a file of this machine",
      (r: ServerResponse) => r.writeHead(302, { location: "file:///etc/passwd" }).end(),
      "sends on to file://, which is none of the dataset's addresses",
    ],
    ["a part that was not asked for", (r: ServerResponse) => r.writeHead(206, { "content-range": "bytes 5-9/300000" }).end("parts"), "from 0"],
  ] as const)("is refused from a mirror that sends %s", async (_, handle, why) => {
    const { url } = await mirror((_, response) => void handle(response));
    expect(await reasonsOf(published(url))).toContain(why);
  });

  test("fails at a mirror that is not there, and says so", async () => {
    expect(await reasonsOf(published("http://127.0.0.1:9/file.bin"))).toBe(
      "Letters: file.bin could not be downloaded: /file.bin refuses the connection",
    );
  });

  test("follows a redirect to an address that the dataset has, too", async () => {
    const { url } = await mirror(honest('"a"'));
    const moved = await mirror((_, response) => response.writeHead(301, { location: url }).end());
    expect(isContent(await fetched(published(moved.url, url), folder()))).toBe(true);
  });

  test("into a folder that cannot be written to fails as such", async () => {
    const { url } = await mirror(honest('"a"'));
    const file = join(mkdtempSync(join(tmpdir(), "trainyard-download-")), "file");
    writeFileSync(file, "");
    expect(((await refusal(fetched(published(url), file))) as string[])[0]).toBe("WRITE_FAILED");
  });
});
