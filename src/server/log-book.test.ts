/** The log that administrators read: bounded, found by level and text, followed without a gap, and without secrets. */
import { expect, test } from "vitest";
import { LogBook, type LogQuery } from "./log-book.ts";
import { createLog } from "./logging.ts";

function logging() {
  const book = new LogBook();
  const read = (query: Partial<LogQuery> = {}) => book.read({ level: "info", limit: 500, ...query });
  return { book, read, log: createLog({ level: "silent", format: "json" }, book) };
}
const messages = (lines: readonly { message: string }[]) => lines.map(({ message }) => message);

test("keeps what is worth telling, whatever level goes to stderr", () => {
  const { read, log } = logging();
  log.debug("too small");
  log.info({ flow: "worker", function: "claim", requestId: "r1", correlation: "order-7" }, "one");
  log.error({ err: new Error("boom") }, "two");
  expect(read()).toEqual([
    {
      seq: 1,
      at: expect.stringMatching(/Z$/),
      level: "info",
      flow: "worker",
      function: "claim",
      requestId: "r1",
      correlation: "order-7",
      message: "one",
    },
    { seq: 2, at: expect.any(String), level: "error", flow: "server", message: "two", error: expect.stringContaining("Error: boom\n") },
  ]);
});

test("finds lines by level and by text, in capitals or not, also in the error", () => {
  const { read, log } = logging();
  log.info("Alpha");
  log.warn("beta");
  log.error({ err: new Error("ALPHA again") }, "gamma");
  expect(messages(read({ level: "warn" }))).toEqual(["beta", "gamma"]);
  expect(messages(read({ text: "alpha" }))).toEqual(["Alpha", "gamma"]);
  expect(messages(read({ text: "alpha", level: "fatal" }))).toEqual([]);
});

test("gives the newest lines, or those after one, from which one goes on", () => {
  const { book, read, log } = logging();
  for (let i = 1; i <= 10; i++) log.info(`${i}`);
  expect(messages(read({ limit: 3 }))).toEqual(["8", "9", "10"]);
  expect(messages(read({ limit: 3, after: 2 }))).toEqual(["3", "4", "5"]);
  expect(read({ after: book.last })).toEqual([]);
});

test("forgets the oldest lines when there are too many, or they are too long", () => {
  const { book, read, log } = logging();
  for (let i = 1; i <= 5100; i++) log.info(`${i}`);
  expect([read({ limit: 10_000 }).length, read({ limit: 10_000 })[0]!.message, book.last]).toEqual([5000, "101", 5100]);
  for (let i = 0; i < 200; i++) log.info("x".repeat(100_000));
  const lines = read({ limit: 10_000 });
  const characters = lines.reduce((sum, { message }) => sum + message.length, 0);
  expect([characters <= 2 ** 21, characters > 2 ** 20, lines.every(({ message }) => message.length < 20_000)]).toEqual([true, true, true]);
});

test("is told no secret that a line names", () => {
  const { read, log } = logging();
  log.info({ account: { token: "tyt_secret", password: "secret" }, req: { headers: { cookie: "secret" } } }, "signed in");
  expect(JSON.stringify(read())).not.toContain("secret");
});
