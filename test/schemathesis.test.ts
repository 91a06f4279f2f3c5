/** The API beside its own description: Schemathesis makes requests from the OpenAPI document, good and bad ones, and no answer may contradict it. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { jobToken } from "../src/server/secrets.ts";
import { register, startTestPlatform } from "./platform.ts";

const python = process.env.TRAINYARD_PYTHON;
const program = python && join(dirname(python), "schemathesis");
const present = program !== undefined && existsSync(program);
if (!present) console.warn("Schemathesis is not there (TRAINYARD_PYTHON): the API is not tested beside its OpenAPI document");

/** All but those about accounts, and those that ask for data which only the server could have made. */
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "missing_required_header",
  "unsupported_method",
  "allow_header_conformance",
];

/** It keeps a cache where it is started. */
const folder = mkdtempSync(join(tmpdir(), "trainyard-schemathesis-"));
afterAll(() => rmSync(folder, { recursive: true }));
const check = async (url: string, ...args: string[]): Promise<string> => {
  const common = ["run", `${url}/openapi.json`, "--checks", checks.join(","), "--phases", "examples,coverage,fuzzing", "--seed", "1"];
  const bounds = ["--max-examples", "4", "--no-shrink", "--request-timeout", "30", "--suppress-health-check", "all"];
  const { stdout } = await promisify(execFile)(program!, [...common, ...bounds, ...args], { cwd: folder, maxBuffer: 2 ** 26 }).catch(
    (error) => error,
  );
  return stdout.slice(stdout.indexOf("= SUMMARY ="));
};

/** Between Schemathesis and the server: hands on what comes and goes, and looks at every answer. */
async function watched(target: string, look: (line: string, status: number, text: string) => void): Promise<{ url: string; close(): Promise<void> }> {
  const { host, hostname, port } = new URL(target);
  const server = createServer({ maxHeaderSize: 2 ** 20 }, (incoming, outgoing) => {
    const headers = { ...incoming.headers, host };
    // The address as it came: what is tidied up would be another one.
    const sent = request({ hostname, port, path: incoming.url, method: incoming.method, headers, maxHeaderSize: 2 ** 20 }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const body = Buffer.concat(parts);
        look(`${incoming.method} ${incoming.url}`, answer.statusCode!, body.toString());
        outgoing.writeHead(answer.statusCode!, answer.headers).end(body);
      });
    });
    sent.on("error", () => outgoing.destroy());
    incoming.pipe(sent);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port: own } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((done) => server.close(() => done()));
  };
  return { url: `http://127.0.0.1:${own}`, close };
}

test.skipIf(!present)(
  "no request makes the server fail or answer what its OpenAPI document does not say, and a trainer sees nothing of another project",
  async () => {
    const platform = await startTestPlatform();
    const { url, client, as, machineToken, kernel } = platform;
    // A project with something of every kind in it, all of it marked.
    const marked = "marked-of-another-project";
    const query = { project: "other" };
    await client.call("createProject", { body: { name: "other" } });
    await client.call("createProject", { body: { name: "school" } });
    const run = await client.call("createRun", {
      body: { dataset: { id: "iris" }, draft: true, name: marked, note: marked, tags: { team: marked } },
      query,
    });
    const dataset = await register(platform, marked, undefined, "other");
    const share = await client.call("shareRun", { params: { id: run.id }, body: {} });
    const hidden = [marked, run.id, dataset.id, share.share.id, share.secret, machineToken, platform.workerToken];
    const { secret } = await as(await platform.account("trainer", "trainer", "school")).call("createToken", {
      body: { name: "schemathesis", scope: "train" },
    });

    const seen: string[] = [];
    const failed: string[] = [];
    const proxy = await watched(url, (line, status, text) => {
      if (status >= 500) failed.push(`${line}: ${status}`);
      for (const one of hidden) if (text.includes(one) && !decodeURIComponent(line).includes(one)) seen.push(`${line}: ${one}`);
    });
    const bearer = (token: string) => ["--header", `Authorization: Bearer ${token}`];
    // A stream that never ends would be waited for; so would a claim.
    const trainers = await check(proxy.url, "--exclude-path-regex", "^/api/worker", "--exclude-operation-id", "followRun", ...bearer(secret));
    const admins = await check(
      url,
      "--include-path-regex",
      "^/(api/(admin|users|messages|events|projects|tokens|me)|metrics)",
      ...bearer(machineToken),
    );
    const job = jobToken(kernel.keys.bytes("jobs")[0]!, "00000000-0000-4000-8000-000000000000", 1);
    const workers = await check(url, "--include-path-regex", "^/api/worker/jobs", ...bearer(job));
    await proxy.close();
    for (const summary of [trainers, admins, workers]) {
      expect(summary).toMatch(/\d+ generated/);
      expect(summary).not.toMatch(/Failures:|Errors:/);
    }
    expect(failed).toEqual([]);
    expect(seen).toEqual([]);
  },
  400_000,
);
