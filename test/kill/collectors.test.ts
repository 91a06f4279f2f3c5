/** Collectors of blobs that nobody needs: two at once, one that is slow, one that died on the way. */
import { EventEmitter, once } from "node:events";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { collect } from "../../src/server/modules/admin/service.ts";
import { Blobs } from "../../src/storage/blobs.ts";
import { sha256, startTestPlatform } from "../platform.ts";

const { client, kernel, raw } = await startTestPlatform({ env: { TRAINYARD_UPLOAD_GRACE: "0", TRAINYARD_LOG_LEVEL: "silent" } });
const upload = (text: string) => client.upload("uploadBlob", { params: { sha256: sha256(text) } }, new TextEncoder().encode(text));
const there = async (text: string) => (await kernel.blobs.head(sha256(text))) !== undefined;

test("what one collector is deleting is left alone by another, and uploaded again only when it is gone", async () => {
  await upload("needed by nobody");
  const told = new EventEmitter();
  const blobs = new (class extends Blobs {
    override async delete(digest: string): Promise<void> {
      const goOn = once(told, "go on");
      told.emit("begun");
      await goOn;
      await super.delete(digest);
    }
  })(kernel.store);
  const begun = once(told, "begun");
  const first = collect({ ...kernel, blobs });
  await begun;
  expect(await collect(kernel)).toEqual({ blobs: 0, bytes: 0 });
  const early = await raw(`/api/uploads/${sha256("needed by nobody")}`, {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: "needed by nobody",
  });
  expect(early.status).toBe(503);
  told.emit("go on");
  expect(await first).toEqual({ blobs: 1, bytes: 16 });
  await upload("needed by nobody");
  expect(await there("needed by nobody")).toBe(true);
});

test("what a collector left marked that died is uploaded again or deleted after a minute", async () => {
  await upload("marked");
  await upload("marked, too");
  const died = "update blobs set deleting = true, touched_at = now() - make_interval(secs => 61)";
  await sql.raw(died).execute(kernel.db.query);
  await upload("marked");
  expect(await there("marked")).toBe(true);
  expect((await collect(kernel)).blobs).toBeGreaterThanOrEqual(2);
  expect(await there("marked, too")).toBe(false);
});
