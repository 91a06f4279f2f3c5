/** On what the server's tests run: each of them twice, or one test is skipped and says so. */
import { expect, inject, test } from "vitest";
import { startTestPlatform } from "../platform.ts";
import { available } from "../postgres-server.ts";

const backend = inject("backend");
const wanted = { embedded: ["embedded", "files"], cluster: ["postgresql", "s3"] }[backend];

test.skipIf(backend === "cluster" && !available)(`the server's tests run on ${wanted.join(" and ")}`, async () => {
  const { kernel } = await startTestPlatform();
  expect([kernel.db.kind, kernel.store.kind]).toEqual(wanted);
});
