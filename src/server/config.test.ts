/** The configuration: every problem told at once, flags before the environment, no secret in a message. */
import { expect, test } from "vitest";
import type { TrainyardError } from "../shared/errors.ts";
import { readConfig } from "./config.ts";

const problems = (env: Record<string, string>, flags = {}): readonly string[] => {
  try {
    readConfig(env, flags);
    return [];
  } catch (error) {
    return (error as TrainyardError).details.problems as readonly string[];
  }
};

test("with nothing set everything is on this machine", () => {
  const { host, port, workers, databaseUrl, store, home } = readConfig({});
  expect({ host, port, workers, databaseUrl, store }).toEqual({
    host: "127.0.0.1",
    port: 4600,
    workers: 1,
    databaseUrl: undefined,
    store: undefined,
  });
  expect(home).toMatch(/\.trainyard$/);
});

test("all problems are told at once, each with the variable, what was wanted and what came", () => {
  expect(problems({ TRAINYARD_PORT: "99999", TRAINYARD_WORKERS: "two", TRAINYARD_STORE: "file:///x", TRAINYARD_PROT: "1" }, { port: "-1" })).toEqual([
    '--port must be an integer from 0 to 65535, but is "-1"',
    'TRAINYARD_WORKERS must be an integer from 0 to 256, but is "two"',
    'TRAINYARD_STORE must be a URL that begins with s3://, but is "file:///x"',
    "there is no variable TRAINYARD_PROT",
  ]);
});

test("flags go before the environment", () => {
  expect(readConfig({ TRAINYARD_PORT: "1", TRAINYARD_HOME: "/a" }, { port: "2" })).toMatchObject({ port: 2, home: "/a" });
});

test("a secret that is wrong is not shown", () => {
  expect(problems({ DATABASE_URL: "mysql://me:hunter2@host/db", TRAINYARD_WORKER_TOKEN: "short" })).toEqual([
    "TRAINYARD_WORKER_TOKEN must be at least 20 characters, but is something else",
    "DATABASE_URL must be a URL that begins with postgres:// or postgresql://, but is something else",
  ]);
});
