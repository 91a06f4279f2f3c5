/** Log lines keep their form, and say nothing that is secret. */
import { expect, test } from "vitest";
import { plain } from "./logging.ts";

const time = new Date(2026, 0, 31, 7, 5, 9).getTime();

test("a plain line has date, time, flow and function in their fixed places", () => {
  expect(plain({ time, level: 40, msg: "leases could not be looked at", flow: "jobs", function: "reap" })).toBe(
    "| DATE: 31/01/2026 | TIME: 07:05:09 | [ JOBS @ reap ] WARN leases could not be looked at",
  );
});

test("an error brings its request, its correlation and its stack; a warning only its message", () => {
  const err = { message: "no space", stack: "Error: no space\n    at write" };
  const ids = { requestId: "r1", correlation: "c1" };
  expect(plain({ time, level: 50, msg: "failed", flow: "runs", function: "createRun", err, ...ids })).toBe(
    "| DATE: 31/01/2026 | TIME: 07:05:09 | [ RUNS @ createRun ] ERROR failed Error: no space\n    at write (request r1, correlation c1)",
  );
  expect(plain({ time, level: 40, msg: "failed", err })).toMatch(/WARN failed no space$/);
});
