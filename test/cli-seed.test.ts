/** `trainyard datasets seed` against a real S3 server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ObjectStore, openStore } from "../src/storage/index.ts";
import { jsonLines, temporaryFolder, trainyard } from "./process.ts";
import { S3Server } from "./s3-server.ts";

const root = temporaryFolder();
const server = S3Server.s3rver(join(root, "s3"));
const keys = {
  AWS_ACCESS_KEY_ID: "S3RVER",
  AWS_SECRET_ACCESS_KEY: "S3RVER",
  AWS_REGION: "us-east-1",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
};
let store: ObjectStore;
beforeAll(async () => {
  await server.start();
  const { url, s3 } = server.options;
  store = await openStore({ url: `${url}/seed`, s3, directory: "" });
});
afterAll(async () => {
  await store?.close();
  await server.stop();
});

const seed = (...args: string[]) =>
  trainyard(
    join(root, "home"),
    ["datasets", "seed", ...args, "--store", `s3://${server.bucket}/seed`, "--endpoint", server.endpoint, "--json"],
    undefined,
    keys,
  );

test("puts the published files and the subset into the bucket, once", async () => {
  const first = await seed("digits");
  expect([first.code, first.stderr]).toEqual([0, ""]);
  expect(jsonLines(first.stdout)).toEqual([
    { dataset: "digits", key: "seed/digits/digits.csv.gz", size: 57_523, state: "stored" },
    { dataset: "digits", key: "seed/cka/digits.safetensors", size: expect.any(Number), state: "stored" },
  ]);
  const { body } = await store.get("digits/digits.csv.gz");
  expect(Buffer.concat(await body.toArray()).equals(readFileSync("data/digits.csv.gz"))).toBe(true);
  expect((await store.head("cka/digits.safetensors"))!.size).toBeGreaterThan(100 * 64);
  const again = await seed("digits");
  expect(jsonLines(again.stdout).map(({ state }) => state)).toEqual(["was there", "was there"]);
});

test("refuses a dataset that is no built-in one of pictures", async () => {
  const { code, stderr } = await seed("iris");
  expect([code, JSON.parse(stderr).message]).toEqual([2, 'there is no built-in dataset of pictures "iris"']);
});
