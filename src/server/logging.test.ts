/** Lines of the plain log: one form for all, with who asked and what went wrong. */
import { expect, test } from "vitest";
import { plain } from "./logging.ts";

const time = new Date(2026, 0, 31, 7, 8, 9).getTime();
const at = "| DATE: 31/01/2026 | TIME: 07:08:09 |";

test("a line says when, in which flow and function, how grave it is and what happened", () => {
  expect(plain({ time, level: 50, msg: "the store is away", flow: "training", function: "createRun" })).toBe(
    `${at} [ TRAINING @ createRun ] ERROR the store is away`,
  );
  expect(plain({ time, level: 30, msg: "started" })).toBe(`${at} [ SERVER @ main ] INFO started`);
});

test("a line names the request, and what it is part of where that is something else", () => {
  expect(plain({ time, level: 40, msg: "late", requestId: "r1", correlation: "r1" })).toMatch(/WARN late \(request r1\)$/);
  expect(plain({ time, level: 40, msg: "late", requestId: "r1", correlation: "order-7" })).toMatch(/\(request r1, correlation order-7\)$/);
});

test("an error shows its stack where it is grave, and else its message", () => {
  const err = { message: "boom", stack: "Error: boom\n    at somewhere" };
  expect(plain({ time, level: 50, msg: "failed", err })).toContain("failed Error: boom\n    at somewhere");
  expect(plain({ time, level: 40, msg: "failed", err })).toMatch(/failed boom$/);
});
