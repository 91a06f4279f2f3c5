/** `trainyard bucket`: files and folders to and from a real S3 server, as a person moves them. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Vault } from "ansible-vault";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainyard } from "./process.ts";
import { S3Server } from "./s3-server.ts";

const folder = mkdtempSync(join(tmpdir(), "trainyard-cli-bucket-"));
afterAll(() => rmSync(folder, { recursive: true }));
const server = S3Server.s3rver(join(folder, "s3"));
beforeAll(async () => void (await server.start()));
afterAll(() => server.stop());

const credentials = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER", AWS_REGION: "us-east-1" };
const nobody = {
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"),
  AWS_EC2_METADATA_DISABLED: "true",
};
const bucket = (args: readonly string[], env: NodeJS.ProcessEnv = credentials) =>
  trainyard(folder, ["bucket", "--endpoint", server.endpoint, "--bucket", server.bucket, ...args], () => {}, env);
const write = (path: string, content: string): string => {
  const full = join(folder, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, content);
  return full;
};
const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const listed = async (prefix = "") => {
  const { stdout } = await bucket(["ls", prefix, "--json"]);
  return stdout ? lines(stdout).map(({ name }) => name) : [];
};

describe("one file", () => {
  test("goes up under its name or another, is listed, comes back, and is deleted", async () => {
    const path = write("mnist/train-images-idx3-ubyte", "pictures");
    const up = await bucket(["upload", "--file", path, "--json"]);
    expect(up).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(up.stdout)).toMatchObject({ name: "train-images-idx3-ubyte", size: 8 });
    expect((await bucket(["upload", "--file", path, "--object", "named/a b.bin"])).code).toBe(0);
    expect(await listed()).toEqual(["named/a b.bin", "train-images-idx3-ubyte"]);
    const target = join(folder, "back", "deep.bin");
    expect((await bucket(["download", "--object", "named/a b.bin", "--file", target])).code).toBe(0);
    expect(readFileSync(target, "utf8")).toBe("pictures");
    expect((await bucket(["rm", "named/a b.bin", "--dry-run"])).stdout).toContain("would delete 1 object");
    expect((await bucket(["rm", "named/a b.bin"])).code).toBe(0);
    expect((await bucket(["rm", "train-images-idx3-ubyte"])).code).toBe(0);
    expect(await listed()).toEqual([]);
  });

  test("that is not there is told, on either side, and so is a bucket that nobody named", async () => {
    expect(await bucket(["upload", "--file", join(folder, "nothing")])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("file or folder not found"),
    });
    expect(await bucket(["download", "--object", "nothing"])).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing") });
    expect(await bucket(["rm", "nothing"])).toMatchObject({ code: 1 });
    const nameless = await trainyard(folder, ["bucket", "--endpoint", server.endpoint, "ls"], () => {}, credentials);
    expect(nameless).toMatchObject({ code: 2, stderr: expect.stringContaining("no bucket is named") });
  });
});

describe("a folder", () => {
  test("goes up with all that is in it, and comes back the same", async () => {
    for (const name of ["a.txt", "b/ü ö.txt", "b/c/d.txt"]) write(`tree/${name}`, name);
    symlinkSync("/etc/hostname", join(folder, "tree/link"));
    const up = await bucket(["upload", "--file", join(folder, "tree"), "--object", "trees/one"]);
    expect(up.stdout).toContain("uploaded 3 objects");
    expect(await listed("trees/one/")).toEqual(["trees/one/a.txt", "trees/one/b/c/d.txt", "trees/one/b/ü ö.txt"]);
    expect((await bucket(["download", "--object", "trees/one/", "--file", join(folder, "copy")])).code).toBe(0);
    for (const name of ["a.txt", "b/ü ö.txt", "b/c/d.txt"]) expect(readFileSync(join(folder, "copy", name), "utf8")).toBe(name);
    expect((await bucket(["rm", "trees/", "--recursive"])).stdout).toContain("deleted 3 objects");
  });

  test("is never written to through a link, nor left by a name that climbs", async () => {
    const outside = mkdtempSync(join(folder, "outside-"));
    write("evil/sub/file.txt", "evil");
    await bucket(["upload", "--file", join(folder, "evil"), "--object", "evil"]);
    mkdirSync(join(folder, "trap"));
    symlinkSync(outside, join(folder, "trap/sub"));
    expect(await bucket(["download", "--object", "evil/", "--file", join(folder, "trap")])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("link"),
    });
    expect(readdirSync(outside)).toEqual([]);
    await bucket(["rm", "evil/", "--recursive"]);
  });

  test("of nothing is refused", async () => {
    mkdirSync(join(folder, "empty"));
    expect(await bucket(["upload", "--file", join(folder, "empty")])).toMatchObject({ code: 1, stderr: expect.stringContaining("holds none") });
  });
});

describe("sync", () => {
  const sync = (from: string, to: string, ...more: string[]) => bucket(["sync", from, to, "--json", ...more]);
  const remote = `s3://${server.bucket}/synced`;

  test("sends only what differs, and deletes only when it is told to", async () => {
    const local = join(folder, "sync");
    for (const name of ["same.txt", "other.txt", "gone.txt"]) write(`sync/${name}`, name);
    expect(JSON.parse((await sync(local, remote)).stdout)).toEqual({ sent: ["gone.txt", "other.txt", "same.txt"], deleted: [], dryRun: false });
    expect(JSON.parse((await sync(local, remote)).stdout).sent).toEqual([]);
    write("sync/other.txt", "OTHER.txt"); // as long as before
    rmSync(join(local, "gone.txt"));
    expect(JSON.parse((await sync(local, remote, "--dry-run", "--delete")).stdout)).toEqual({
      sent: ["other.txt"],
      deleted: ["gone.txt"],
      dryRun: true,
    });
    expect(JSON.parse((await sync(local, remote)).stdout)).toEqual({ sent: ["other.txt"], deleted: [], dryRun: false });
    expect(await listed("synced/")).toContain("synced/gone.txt");
    await sync(local, remote, "--delete");
    expect(await listed("synced/")).toEqual(["synced/other.txt", "synced/same.txt"]);
  });

  test("works the other way, into a folder that need not be there", async () => {
    const target = join(folder, "down");
    expect(JSON.parse((await sync(remote, target)).stdout).sent).toEqual(["other.txt", "same.txt"]);
    expect(readFileSync(join(target, "other.txt"), "utf8")).toBe("OTHER.txt");
    write("down/extra.txt", "extra");
    expect(JSON.parse((await sync(remote, target, "--delete")).stdout)).toMatchObject({ sent: [], deleted: ["extra.txt"] });
    expect(existsSync(join(target, "extra.txt"))).toBe(false);
  });

  test("of two folders, or two buckets, is refused", async () => {
    expect(await sync(folder, folder)).toMatchObject({ code: 2, stderr: expect.stringContaining("two folders") });
    expect(await sync(remote, remote)).toMatchObject({ code: 2, stderr: expect.stringContaining("two buckets") });
  });
});

test("a dataset is added from a bucket, and exported to one for DVC", async () => {
  await bucket(["upload", "--file", "data/iris.csv", "--object", "tables/flowers.csv"]);
  const env = { ...credentials, AWS_ENDPOINT_URL: server.endpoint };
  const added = await trainyard(folder, ["datasets", "add", "flowers", `s3://${server.bucket}/tables/flowers.csv`, "--json"], () => {}, env);
  expect([added.code, added.stderr]).toEqual([0, ""]);
  expect(JSON.parse(added.stdout)).toMatchObject({ state: "ready", source: { id: "table" }, files: [{ name: "flowers.csv" }] });
  const remote = `s3://${server.bucket}/dvc`;
  const exported = await trainyard(folder, ["datasets", "dvc-export", "flowers", join(folder, "project"), "--remote", remote], () => {}, env);
  expect([exported.code, exported.stdout]).toEqual([0, expect.stringContaining("dvc pull flowers.dvc")]);
  const again = await trainyard(folder, ["datasets", "add", "again", "--dvc", join(folder, "project", "flowers.dvc"), "--json"], () => {}, env);
  expect(JSON.parse(again.stdout)).toMatchObject({ state: "ready", facts: JSON.parse(added.stdout).facts });
});

describe("credentials", () => {
  const vault = async (content: string) => write(`vault-${content.length}.yml`, await new Vault({ password: "open sesame" }).encrypt(content, ""));
  const password = write("password", "open sesame\n");

  test("come from a vault, which a wrong password does not open, and are never shown", async () => {
    const file = await vault("access_key_id: S3RVER\nsecret_access_key: S3RVER\n");
    expect(await bucket(["--vault", file, "--vault-password-file", password, "ls"], nobody)).toMatchObject({ code: 0 });
    expect(await bucket(["--vault", file, "ls"], { ...nobody, TRAINYARD_VAULT_PASSWORD: "open sesame" })).toMatchObject({ code: 0 });
    const wrong = await bucket(["--vault", file, "ls"], { ...nobody, TRAINYARD_VAULT_PASSWORD: "close sesame" });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("a vault that this password opens") });
    expect(await bucket(["--vault", file, "ls"], nobody)).toMatchObject({ code: 2, stderr: expect.stringContaining("needs its password") });
    const other = await bucket(["--vault", await vault("token: hush-hush\n"), "--vault-password-file", password, "ls"], nobody);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("lacks one of them") });
    expect(other.stderr + wrong.stderr).not.toMatch(/hush|sesame|S3RVER/);
  });

  test("come from a profile", async () => {
    const file = write("credentials", "[team]\naws_access_key_id = S3RVER\naws_secret_access_key = S3RVER\n");
    expect(await bucket(["--profile", "team", "ls"], { ...nobody, AWS_SHARED_CREDENTIALS_FILE: file })).toMatchObject({ code: 0 });
  });

  test("that are missing or wrong are told, without the secret", async () => {
    expect(await bucket(["ls"], nobody)).toMatchObject({ code: 1, stderr: expect.stringMatching(/credentials/i) });
    const wrong = await bucket(["ls"], { AWS_ACCESS_KEY_ID: "NOBODY", AWS_SECRET_ACCESS_KEY: "wrong-secret", AWS_REGION: "us-east-1" });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).not.toContain("wrong-secret");
  });
});

test("a vault that ansible-vault itself wrote is read", async () => {
  const args = ["--vault", "test/data/vault/credentials.yml", "ls"];
  expect(await bucket(args, { ...nobody, TRAINYARD_VAULT_PASSWORD: "open sesame" })).toMatchObject({ code: 0 });
});
