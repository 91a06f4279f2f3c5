/** What is exported for DVC is fetched by the real one, and what it pushed is read here. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasMoto, S3Server } from "../../test/s3-server.ts";
import { type DvcRemote, exportDvc, openRemote, readDvc } from "./dvc.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-dvc-test-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const fresh = () => {
  const path = join(root, `${folders++}`);
  mkdirSync(path);
  return path;
};
const files: Readonly<Record<string, string>> = {
  "table.csv": "a,b\n1,2\n",
  "images/ä 1.png": "a picture",
  "images/deep/2.png": "another",
  empty: "",
};
function written(): string {
  const folder = fresh();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
const sources = (folder: string) => Object.keys(files).map((relpath) => ({ path: join(folder, relpath), relpath }));
const contentOf = (folder: string) => Object.fromEntries(Object.keys(files).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => "accepted",
    ({ code, message }) => [code, message.replaceAll(root, "")],
  );

const python = process.env.TRAINYARD_PYTHON;
const dvc = (() => {
  if (!python) return undefined;
  try {
    execFileSync(python, ["-c", "import dvc, dvc_s3"], { stdio: "ignore" });
    return (cwd: string, ...args: string[]) =>
      execFileSync(python, ["-m", "dvc", ...args], {
        cwd,
        stdio: "pipe",
        env: { ...process.env, DVC_NO_ANALYTICS: "1", AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER", AWS_DEFAULT_REGION: "us-east-1" },
      }).toString();
  } catch {
    return undefined;
  }
})();

describe("an export", () => {
  test("is read again, and pushes nothing that is there", async () => {
    const [remoteFolder, project] = [fresh(), fresh()];
    const remote = await openRemote(remoteFolder);
    const from = written();
    expect(await exportDvc("data", sources(from), remote, project)).toMatchObject({ files: 4, pushed: 5 });
    expect(await exportDvc("data", sources(from), remote, project)).toMatchObject({ files: 4, pushed: 0 });
    expect(readFileSync(join(project, ".gitignore"), "utf8")).toBe("/data\n");
    expect(contentOf(await readDvc(join(project, "data.dvc"), fresh(), undefined))).toEqual(files);
  });

  test("leaves the configuration of a project alone", async () => {
    const project = fresh();
    mkdirSync(join(project, ".dvc"));
    writeFileSync(join(project, ".dvc/config"), "[core]\n    remote = ours\n");
    await exportDvc("data", sources(written()), await openRemote(fresh()), project);
    expect(readFileSync(join(project, ".dvc/config"), "utf8")).toBe("[core]\n    remote = ours\n");
  });
});

describe("what is not what it should be is refused:", () => {
  const project = (out: object, more: Readonly<Record<string, string>> = {}) => {
    const folder = fresh();
    mkdirSync(join(folder, ".dvc"));
    writeFileSync(join(folder, ".dvc/config"), "[core]\n remote = r\n['remote \"r\"']\n url = ../remote\n");
    writeFileSync(join(folder, "x.dvc"), JSON.stringify(out));
    for (const [name, content] of Object.entries(more)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return join(folder, "x.dvc");
  };
  const md5 = "0".repeat(32);
  const evil = '[{"md5": "d41d8cd98f00b204e9800998ecf8427e", "relpath": "../../outside"}]';

  test.each<[string, object, Readonly<Record<string, string>>, string, RegExp]>([
    ["no DVC", { stages: {} }, {}, "BAD_FILE", /must be a \.dvc file with an MD5 and a path/],
    [
      "several outputs",
      {
        outs: [
          { md5, path: "a", hash: "md5" },
          { md5, path: "b", hash: "md5" },
        ],
      },
      {},
      "BAD_FILE",
      /of one file or folder, but names 2/,
    ],
    ["another hash", { outs: [{ md5, path: "a", hash: "md5-dos2unix" }] }, {}, "BAD_FILE", /named by MD5, but says hash: md5-dos2unix/],
    ["an object that is gone", { outs: [{ md5, path: "a", hash: "md5" }] }, {}, "OBJECT_NOT_FOUND", /files\/md5\/00\/0{30}/],
    [
      "an object that is damaged",
      { outs: [{ md5, path: "a", hash: "md5" }] },
      { [`remote/files/md5/00/${"0".repeat(30)}`]: "other" },
      "CHECKSUM_MISMATCH",
      /should have MD5 0{32}/,
    ],
  ])("%s", async (_, out, more, code, message) => {
    expect(await refusal(readDvc(project(out, more), fresh(), undefined))).toEqual([code, expect.stringMatching(message)]);
  });

  test("a path that climbs out of the folder", async () => {
    const name = createHash("md5").update(evil).digest("hex");
    const path = project(
      { outs: [{ md5: `${name}.dir`, path: "a", hash: "md5" }] },
      { [`remote/files/md5/${name.slice(0, 2)}/${name.slice(2)}.dir`]: evil },
    );
    expect(await refusal(readDvc(path, fresh(), undefined))).toMatchObject(["BAD_FILE", expect.stringContaining("leads elsewhere")]);
  });

  test("a remote of another kind", async () => {
    expect(await refusal(openRemote("gs://bucket/x"))).toMatchObject(["BAD_USAGE", expect.stringContaining("kind gs")]);
  });
});

const title = "the real DVC";
if (!dvc) test.skip(`${title} (TRAINYARD_PYTHON names no Python with dvc[s3])`, () => {});
else
  describe(title, () => {
    const server = hasMoto ? S3Server.moto() : undefined;
    beforeAll(async () => void (await server?.start()));
    afterAll(() => server?.stop());
    const remotes: [string, () => Promise<{ remote: DvcRemote; url: string; endpoint?: string }>][] = [
      [
        "a folder",
        async () => {
          const url = fresh();
          return { remote: await openRemote(url), url };
        },
      ],
      ...(server
        ? ([
            [
              "S3",
              async () => {
                const url = `s3://${server.bucket}/dvc/${folders++}`;
                return {
                  remote: await openRemote(url, { endpoint: server.endpoint, accessKeyId: "S3RVER", secretAccessKey: "S3RVER" }),
                  url,
                  endpoint: server.endpoint,
                };
              },
            ],
          ] as [string, () => Promise<{ remote: DvcRemote; url: string; endpoint: string }>][])
        : []),
    ];

    test.each(remotes)("pulls from %s what was exported", async (_, make) => {
      const { remote, endpoint } = await make();
      const project = fresh();
      await exportDvc("data", sources(written()), remote, project, { endpoint });
      dvc(project, "pull", "data.dvc");
      expect(contentOf(join(project, "data"))).toEqual(files);
      expect(dvc(project, "status")).toContain("up to date");
      remote.close();
    });

    test.each(remotes)("pushes to %s what is read, from its cache or from there", async (_, make) => {
      const { remote, url, endpoint } = await make();
      const project = fresh();
      dvc(project, "init", "--no-scm");
      cpSync(written(), join(project, "data"), { recursive: true });
      writeFileSync(join(project, "one.csv"), "a,b\n5,6\n");
      dvc(project, "add", "data", "one.csv");
      dvc(project, "remote", "add", "-d", "ours", url);
      if (endpoint) dvc(project, "remote", "modify", "ours", "endpointurl", endpoint);
      dvc(project, "push");
      rmSync(join(project, "data"), { recursive: true });
      rmSync(join(project, "one.csv"));
      expect(contentOf(await readDvc(join(project, "data.dvc"), fresh(), undefined))).toEqual(files); // its cache
      rmSync(join(project, ".dvc/cache"), { recursive: true });
      const s3 = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
      expect(contentOf(await readDvc(join(project, "data.dvc"), fresh(), undefined, s3))).toEqual(files);
      expect(readFileSync(await readDvc(join(project, "one.csv.dvc"), fresh(), remote), "utf8")).toBe("a,b\n5,6\n");
      expect(readdirSync(project)).not.toContain("data");
      remote.close();
    });
  });
