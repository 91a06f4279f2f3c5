/** The API beside its own description: Schemathesis makes requests from the OpenAPI document, good and bad ones, and no answer may contradict it. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { startTestPlatform } from "./platform.ts";

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
const run = async (url: string, ...args: string[]): Promise<string> => {
  const common = ["run", `${url}/openapi.json`, "--checks", checks.join(","), "--phases", "examples,coverage,fuzzing", "--seed", "1"];
  const bounds = ["--max-examples", "4", "--no-shrink", "--request-timeout", "30", "--suppress-health-check", "all"];
  const { stdout } = await promisify(execFile)(program!, [...common, ...bounds, ...args], { cwd: folder, maxBuffer: 2 ** 26 }).catch(
    (error) => error,
  );
  return stdout.slice(stdout.indexOf("= SUMMARY ="));
};

test.skipIf(!present)(
  "no request makes the server fail or answer what its OpenAPI document does not say",
  async () => {
    const { url, workerToken } = await startTestPlatform();
    // A stream that never ends would be waited for; so would a claim.
    const people = await run(url, "--exclude-path-regex", "^/api/worker", "--exclude-operation-id", "followRun");
    const workers = await run(url, "--include-path-regex", "^/api/worker/jobs", "--header", `Authorization: Bearer ${workerToken}`);
    for (const summary of [people, workers]) {
      expect(summary).toMatch(/\d+ generated/);
      expect(summary).not.toMatch(/Failures:|Errors:/);
    }
  },
  240_000,
);
