/** Accounts as people have them who use the command line: each with a data directory of their own, at a server that is not theirs. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { password } from "./platform.ts";
import { type Ended, environment, jsonLines, program, type Server, serve, temporaryFolder, trainyard } from "./process.ts";

const root = temporaryFolder();
const home = join(root, "server");

let server: Server;
/** Of someone whose data directory has this name. */
const as = (who: string, args: readonly string[], input = "", more: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  trainyard(join(root, who), args, undefined, { TRAINYARD_URL: server.url, ...more }, input);
const credentials = (who: string) => join(root, who, "credentials.json");
const line = ({ stdout }: Ended): string => stdout.trimEnd();

/** Invites someone, who comes. */
async function invite(who: string, ...flags: string[]): Promise<void> {
  const link = line(await as("admin", ["invite", ...flags]));
  expect(await as(who, ["login", "--link", link, "--name", who], password)).toMatchObject({ code: 0 });
}

let setup: string;
beforeAll(async () => {
  server = await serve(home, ["--no-demo", "--workers", "0"]);
  setup = await vi.waitFor(() => readFileSync(join(home, "setup-link"), "utf8"), { timeout: 30_000 });
  expect(await as("admin", ["login", "--link", setup, "--name", "admin"], `${password}\n`)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^admin \\(admin\\) is signed in at ${server.url} until 20`)),
    stderr: "",
  });
});
afterAll(() => server?.stop());

describe("the first start", () => {
  test("prints a link that makes the first administrator, and none once there is one", async () => {
    const other = join(root, "other");
    const first = await serve(other, ["--no-demo", "--workers", "0"]);
    const link = await vi.waitFor(() => readFileSync(join(other, "setup-link"), "utf8"), { timeout: 30_000 });
    expect(statSync(join(other, "setup-link")).mode & 0o777).toBe(0o600);
    expect(await trainyard(join(root, "eve"), ["login", "--link", link, "--name", "eve"], undefined, {}, password)).toMatchObject({
      code: 0,
      stderr: `To work there: export TRAINYARD_URL=${first.url}\n`,
    });
    const [, told] = jsonLines((await first.stop()).stdout);
    expect(told).toEqual({ type: "setup-link", url: link, expiresAt: expect.any(String) });
    const second = await serve(other, ["--no-demo", "--workers", "0"]);
    await vi.waitFor(() => expect(existsSync(join(other, "setup-link"))).toBe(false), { timeout: 30_000 });
    expect(jsonLines((await second.stop()).stdout)).toEqual([{ type: "serving", url: second.url }]);
  });

  test("is over: its link works no more", async () => {
    const { code, stderr } = await as("late", ["login", "--link", setup, "--name", "late"], password);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: there is no such link: /)]);
    expect(existsSync(credentials("late"))).toBe(false);
  });

  test("leaves the owner of the data directory above all accounts", async () => {
    const me = await trainyard(home, ["whoami", "--json"]);
    expect(JSON.parse(me.stdout)).toMatchObject({ name: "owner", role: "admin", by: "machine", url: server.url });
  });
});

describe("signing in", () => {
  test("with a wrong password is refused, and nothing is kept or repeated", async () => {
    const { code, stdout, stderr } = await as("stranger", ["login", "--name", "admin"], "a wrong password");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: name or password is wrong, or the account is closed\n {2}\S/);
    expect(stderr).not.toContain("a wrong password");
    expect(existsSync(credentials("stranger"))).toBe(false);
  });

  test("keeps a session that only its owner reads, and no password; signing out ends and forgets it", async () => {
    expect((await as("desk", ["login", "--name", "admin", "--json"], password)).stdout).toMatch(/^\{"url":/);
    expect(statSync(credentials("desk")).mode & 0o777).toBe(0o600);
    const kept = readFileSync(credentials("desk"), "utf8");
    expect(JSON.parse(kept)).toEqual([{ url: server.url, token: expect.stringMatching(/^tys_/), name: "admin", expiresAt: expect.any(String) }]);
    expect(kept).not.toContain(password);
    expect(JSON.parse((await as("desk", ["whoami", "--json"])).stdout)).toMatchObject({ name: "admin", role: "admin", by: "session" });
    expect((await as("desk", ["whoami"])).stdout).toMatch(
      /^name +admin\nrole +admin\nhow +signed in\nserver +http:\S+\n\nproject +role\ndefault +admin\n$/,
    );

    expect(await as("desk", ["logout"])).toMatchObject({ code: 0, stdout: `admin is signed out at ${server.url}\n`, stderr: "" });
    expect(JSON.parse(readFileSync(credentials("desk"), "utf8"))).toEqual([]);
    const [{ token }] = JSON.parse(kept);
    const ended = await as("desk", ["whoami"], "", { TRAINYARD_TOKEN: token });
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringMatching(/\n {2}Correct TRAINYARD_TOKEN, or unset it and sign in: npx trainyard login\.\n$/),
    ]);
    expect(ended.stderr).not.toContain(token);
  });

  test("is what whoever did not is told to do, and signing out is refused them", async () => {
    const [runs, out] = await Promise.all([as("nobody", ["runs"]), as("nobody", ["logout"])]);
    expect([runs.code, runs.stderr]).toEqual([1, "error: the server does not know who asks: nobody is signed in\n  Sign in: npx trainyard login.\n"]);
    expect([out.code, out.stderr]).toEqual([2, `error: no session at ${server.url} is kept here\n  Name the server that you signed in at.\n`]);
  });

  test("needs a name, a password and a server", async () => {
    const [name, empty, nowhere] = await Promise.all([
      as("nobody", ["login"], password),
      as("nobody", ["login", "--name", "ann"]),
      trainyard(join(root, "nobody"), ["login", "--name", "ann"]),
    ]);
    expect([name.code, name.stderr]).toEqual([2, "error: login needs a name\n  Give it: npx trainyard login --name ann.\n"]);
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringMatching(/^error: login needs a password\n/)]);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringMatching(/^error: login needs a server, and none runs on this machine\n/)]);
  });

  test("everywhere else is undone by signing out everywhere", async () => {
    await Promise.all([as("phone", ["login", "--name", "admin"], password), as("tablet", ["login", "--name", "admin"], password)]);
    await as("phone", ["logout", "--everywhere"]);
    expect(await as("tablet", ["whoami"])).toMatchObject({ code: 1, stdout: "" });
    expect(await as("admin", ["login", "--name", "admin"], password)).toMatchObject({ code: 0 });
  });

  // script(1) gives the command a terminal, and what it types comes back in its output where it is shown.
  const script = "/usr/bin/script";
  test.skipIf(!existsSync(script))("at a terminal asks, and does not show the password", async () => {
    const typing = spawn(script, ["-qec", `'${process.execPath}' '${program}' login`, "/dev/null"], {
      env: { ...environment(join(root, "typist")), TRAINYARD_URL: server.url },
    });
    let seen = "";
    const answers = [
      ["name: ", "admin\r"],
      ["password: ", `${password}\r`],
    ] as const;
    let given = 0;
    typing.stdout.setEncoding("utf8").on("data", (text: string) => {
      seen += stripVTControlCharacters(text);
      const [question, answer] = answers[given] ?? [];
      if (question && seen.endsWith(question)) {
        given++;
        typing.stdin.write(answer!);
      }
    });
    const code = await new Promise((done) => typing.on("close", done));
    expect(seen).toMatch(/name: admin[\s\S]+password: [\s\S]+admin \(admin\) is signed in/);
    expect(seen).not.toContain(password);
    expect(code).toBe(0);
  });
});

describe("a secret is in no error:", () => {
  const secret = "tyl_verysecretverysecret";
  test.each([
    ["a link that is used up", ["login", "--link", `URL/join#${secret}`, "--name", "ann"], password],
    ["a link as the address", ["login", `URL/join#${secret}`], password],
    ["half a link", ["login", "--link", `URL#${secret}`], password],
    ["a password in the address", ["login", `http://ann:${secret}@host`], password],
    ["a token that is none", ["whoami"], "", { TRAINYARD_TOKEN: secret }],
  ])("%s", async (_, args, input, more: NodeJS.ProcessEnv = {}) => {
    const { code, stdout, stderr } = await as(
      "nobody",
      args.map((word) => word.replace("URL", server.url)),
      input,
      more,
    );
    expect(code).not.toBe(0);
    expect(stdout + stderr).not.toContain(secret);
    expect(stderr).toMatch(/^error: .+\n {2}\S/);
  });

  test("a new password that is too short", async () => {
    const link = line(await as("admin", ["invite"]));
    const { code, stderr } = await as("nobody", ["login", "--link", link, "--name", "shorty"], "tooshort");
    expect([code, stderr]).toEqual([2, "error: the password must have at least 10 characters\n  Choose another one.\n"]);
  });
});

describe("someone who was invited", () => {
  test("has the role and the name of the link, which ends in a week", async () => {
    const invited = await as("admin", ["invite", "--role", "viewer", "--name", "vera"]);
    expect(invited.stdout).toMatch(new RegExp(`^${server.url}/join#tyl_\\S+\n$`));
    expect(invited.stderr).toMatch(/^The link makes the account vera \(viewer\), once, until 20\d\d-/);
    const [{ expiresAt }] = jsonLines((await as("admin", ["invite", "--json"])).stdout);
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 7 * 86_400_000)).toBeLessThan(60_000);
    const wrong = await as("vera", ["login", "--link", line(invited), "--name", "walter"], password);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/^error: the link is for vera, not for walter\n/)]);
    expect((await as("vera", ["login", "--link", line(invited)], password)).stdout).toMatch(/^vera \(viewer\) is signed in at /);
  });

  test("as a viewer sees runs, but may not train, and is told so", async () => {
    expect(await as("vera", ["runs"])).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await as("vera", ["train", "iris", "--draft"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("error: vera may not train or change anything here\n  Ask an administrator for the right to.\n");
    expect((await as("vera", ["users"])).stderr).toMatch(/^error: vera may not administer this\n/);
  });

  test("is listed, promoted, closed out, let in again and given a new password", async () => {
    expect((await as("admin", ["users"])).stdout).toMatch(
      /^user +role +state +created +last signed in\nadmin +admin +active .+\nvera +viewer +active /,
    );
    expect((await as("admin", ["users", "role", "vera", "trainer"])).stdout).toBe("vera is trainer\n");
    const unknown = await as("admin", ["users", "role", "vera", "boss"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("one of viewer, trainer, admin")]);
    expect((await as("admin", ["users", "disable", "vera"])).stdout).toBe("vera is disabled, trainer\n");
    expect(await as("vera", ["whoami"])).toMatchObject({ code: 1, stdout: "" });
    expect((await as("admin", ["users", "enable", "vera"])).stdout).toBe("vera is trainer\n");
    const reset = await as("admin", ["users", "reset", "vera"]);
    expect(reset.stderr).toMatch(/^The link sets a new password for vera, once, until /);
    expect(await as("vera", ["login", "--link", line(reset)], "another password")).toMatchObject({ code: 0 });
    expect(await as("vera", ["login", "--name", "vera"], "another password")).toMatchObject({ code: 0 });
  });
});

describe("a token", () => {
  test("is alone on stdout, is used as TRAINYARD_TOKEN, does what its scope says, and ends when it is revoked", async () => {
    const made = await as("admin", ["tokens", "create", "ci", "--scope", "read", "--days", "1"]);
    const secret = line(made);
    expect(made.stdout).toMatch(/^tyt_\S+\n$/);
    expect(made.stderr).toMatch(/^The token is shown this once; it expires 20.+ npx trainyard tokens revoke \S+\n$/);
    expect(made.stderr).not.toContain(secret);

    const ci = (...args: string[]) => as("ci", args, "", { TRAINYARD_TOKEN: secret });
    expect(JSON.parse((await ci("whoami", "--json")).stdout)).toMatchObject({ name: "admin", by: "token", scope: "read" });
    expect(await ci("runs")).toMatchObject({ code: 0 });
    expect(await ci("train", "iris", "--draft")).toMatchObject({ code: 1, stderr: expect.stringMatching(/ may not train /) });

    const [{ id }] = jsonLines((await as("admin", ["tokens", "--json"])).stdout);
    expect((await as("admin", ["tokens"])).stdout).toMatch(/^id +token +owner +scope +project .+\n\S+ +ci +admin +read +all /);
    expect((await as("admin", ["tokens", "revoke", id])).stdout).toBe(`token ${id} is revoked\n`);
    expect(await ci("runs")).toMatchObject({ code: 1, stdout: "" });
    expect((await as("admin", ["tokens"])).stdout).toBe("no tokens; make one: npx trainyard tokens create ci --scope train\n");
  });

  test("needs a scope that there is", async () => {
    const [none, unknown] = await Promise.all([as("admin", ["tokens", "create", "ci"]), as("admin", ["tokens", "create", "ci", "--scope", "all"])]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/^error: required option '--scope <scope>' not specified\n/)]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("one of read, serve, train, admin, work")]);
  });
});

describe("a project", () => {
  beforeAll(() => invite("tom"));

  test("is made by a trainer, who chooses its members", async () => {
    expect((await as("tom", ["projects", "create", "vision"])).stdout).toMatch(
      /^project +vision\nid +\S+\nyou are +admin\ncreated +.+ by tom\n\nmember +role\ntom +admin\n\ntrain in it: npx trainyard train iris --project vision\n$/,
    );
    expect((await as("tom", ["projects", "member", "vision", "vera", "viewer"])).stdout).toMatch(/\nvera +viewer\n/);
    expect((await as("vera", ["projects"])).stdout).toMatch(/\nvision +viewer +2 /);
    expect((await as("vera", ["project", "rename", "vision", "seeing"])).stderr).toMatch(/^error: vera may not administer this\n/);
    expect(JSON.parse((await as("tom", ["projects", "rename", "vision", "seeing", "--json"])).stdout)).toMatchObject({ name: "seeing" });
    expect((await as("tom", ["projects", "remove", "seeing", "vera"])).stdout).not.toContain("vera");
    expect(await as("vera", ["projects", "show", "seeing"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no project "seeing"'),
    });
  });

  test("is where runs are made and found that name it, by the flag or by TRAINYARD_PROJECT", async () => {
    const made = await as("tom", ["train", "iris", "--draft", "--json", "--name", "seen", "--project", "seeing"]);
    const { project } = JSON.parse(made.stdout);
    await as("tom", ["train", "iris", "--draft", "--name", "elsewhere"]);
    const names = async (args: string[], more?: NodeJS.ProcessEnv) =>
      jsonLines((await as("tom", ["runs", "--json", ...args], "", more)).stdout).map((run) => run.name);
    expect(await names(["--project", "seeing"])).toEqual(["seen"]);
    expect(await names([], { TRAINYARD_PROJECT: project })).toEqual(["seen"]);
    expect(await names(["--project", "default"], { TRAINYARD_PROJECT: "seeing" })).toEqual(["elsewhere"]);
    expect(await names([])).toEqual(["elsewhere", "seen"]);
    expect(await as("tom", ["runs", "show", "elsewhere", "--project", "seeing"])).toMatchObject({ code: 1 });
    expect(await as("tom", ["runs", "show", "seen", "--project", "seeing"])).toMatchObject({ code: 0 });
    expect((await as("tom", ["events", "--kind", "run", "--json", "--project", "seeing"])).stdout).toMatch(/"created"/);
    expect(await as("vera", ["runs", "show", "seen"])).toMatchObject({ code: 1 });
    const typo = await as("tom", ["runs", "--project", "seing"]);
    expect([typo.code, typo.stderr]).toEqual([1, expect.stringMatching(/^error: there is no project "seing"\n/)]);
  });

  test("is what a token can be made for alone", async () => {
    const secret = line(await as("tom", ["tokens", "create", "seer", "--scope", "train", "--project", "seeing"]));
    const seer = (...args: string[]) => as("seer", args, "", { TRAINYARD_TOKEN: secret });
    expect(jsonLines((await seer("runs", "--json")).stdout).map((run) => run.name)).toEqual(["seen"]);
    expect(await seer("runs", "show", "elsewhere")).toMatchObject({ code: 1 });
  });
});

describe("a shared link", () => {
  test("is alone on stdout, is listed, and ends when it is revoked", async () => {
    const shared = await as("tom", ["share", "seen", "--days", "2"]);
    expect(shared.stdout).toMatch(new RegExp(`^${server.url}/shared#tyr_\\S+\n$`));
    expect(shared.stderr).toMatch(/^Whoever has the link reads seen, until 20.+ npx trainyard shares revoke \S+\n$/);
    const [, secret] = line(shared).split("#");
    const [{ id, thing, kind }] = jsonLines((await as("tom", ["shares", "--json"])).stdout);
    expect(kind).toBe("run");
    const look = () => fetch(`${server.url}/api/runs/${thing}`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await look()).status).toBe(200);
    expect((await as("tom", ["shares", "revoke", id])).stdout).toBe(`the link ${id} is ended\n`);
    expect((await look()).status).toBe(401);
    expect((await as("tom", ["shares"])).stdout).toBe("nothing is shared; share a run: npx trainyard share latest\n");
  });
});

test("an administrator makes new keys, and what was told before is still found", async () => {
  const [{ id }] = jsonLines((await as("tom", ["runs", "--json", "--filter", "name=seen"])).stdout);
  const rotated = await as("admin", ["admin", "rotate-keys", "--grace-days", "1"]);
  expect([rotated.code, rotated.stdout]).toEqual([0, expect.stringMatching(/^key for +created +opens until\n/)]);
  expect(await as("tom", ["runs", "show", id])).toMatchObject({ code: 0 });
});

test("credentials that nobody can read are as none, and are replaced", async () => {
  writeFileSync(credentials("admin"), "{");
  expect((await as("admin", ["whoami"])).stderr).toMatch(/\n {2}Sign in: npx trainyard login\.\n$/);
  expect(await as("admin", ["login", "--name", "admin"], password)).toMatchObject({ code: 0 });
});

test("someone who signed in at the server of this machine is that person there, and its owner again after signing out", async () => {
  const here = (args: string[], input?: string) => trainyard(home, args, undefined, {}, input);
  expect(await here(["login", "--name", "admin"], password)).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse((await here(["whoami", "--json"])).stdout)).toMatchObject({ name: "admin", by: "session" });
  await here(["logout"]);
  expect(JSON.parse((await here(["whoami", "--json"])).stdout)).toMatchObject({ name: "owner", by: "machine" });
});
