/** Accounts: the first start, signing in and out, links, tokens, and what administrators do with people. */
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { password, type Raw, register, secretIn, startTestPlatform, verdict } from "../../../../test/platform.ts";
import { cookieOf, headersOf } from "../../browser.ts";
import { hashOf } from "../../secrets.ts";
import { countAttempt, hashPassword, isPassword } from "./passwords.ts";

const platform = await startTestPlatform();
const { client, kernel, raw, as, place } = platform;

const member = async (...who: Parameters<typeof platform.account>) => as(await platform.account(...who));
const cookieIn = ({ headers }: Raw): string => (headers["set-cookie"]?.[0] ?? "").split(";")[0]!;
const login = (body: object, headers: Record<string, string> = {}) => raw("/api/login", { method: "POST", body, anonymous: true, headers });

describe("the first start", () => {
  test("has a set-up link, in a file that only its owner reads; of many who use it at once one becomes the administrator", async () => {
    const link = (await platform.setupLink())!;
    const path = join(place.home, "setup-link");
    expect(readFileSync(path, "utf8")).toBe(link.url);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Date.parse(link.expiresAt) - Date.now()).toBeLessThanOrEqual(3_600_000);
    expect(await as().call("lookAtLink", { body: { link: secretIn(link.url) } })).toMatchObject({ kind: "setup", role: "admin" });
    const use = (i: number) => as().call("useLink", { body: { link: secretIn(link.url), name: `root${i}`, password, token: true } });
    const tries = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6, 7].map(use));
    const won = tries.filter((one) => one.status === "fulfilled");
    expect(won).toHaveLength(1);
    const lost = tries.filter((one) => one.status === "rejected").map(({ reason }) => reason.code);
    expect(new Set(lost)).toEqual(new Set(["LINK_USED_UP"]));
    expect((await client.call("listUsers", {})).items).toMatchObject([{ role: "admin", state: "active" }]);
    // From now on there is nothing to set up.
    expect(await platform.setupLink()).toBeUndefined();
    expect(() => statSync(path)).toThrow();
  });

  test("leaves its secrets in files that only their owner reads, none like another", () => {
    const secrets = ["machine-token", "worker-token"].map((name) => {
      expect(statSync(join(place.home, name)).mode & 0o777).toBe(0o600);
      return readFileSync(join(place.home, name), "utf8");
    });
    expect(new Set(secrets).size).toBe(2);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  test("has a link that dies after an hour", async () => {
    const { url } = await client.call("inviteUser", { body: { role: "viewer" } });
    await kernel.db.query
      .updateTable("links")
      .set({ expires_at: new Date(Date.now() - 1) })
      .where("hash", "=", hashOf(secretIn(url)))
      .execute();
    expect(await verdict(as().call("useLink", { body: { link: secretIn(url), name: "late", password } }))).toBe("LINK_USED_UP");
    expect(await verdict(as().call("lookAtLink", { body: { link: secretIn(url) } }))).toBe("LINK_USED_UP");
  });
});

describe("signing in", () => {
  test("sets a cookie that no script reads and no other site sends; it opens what its owner may, and dies with signing out", async () => {
    await member("ada");
    const answer = await login({ name: "Ada", password });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ user: expect.objectContaining({ name: "ada", role: "trainer" }), expiresAt: expect.any(String) });
    const [cookie] = answer.headers["set-cookie"]!;
    expect(cookie).toMatch(/^trainyard=tys_[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
    const mine = { cookie: cookieIn(answer), origin: platform.url };
    expect((await raw("/api/me", { headers: mine })).json).toMatchObject({
      name: "ada",
      by: "session",
      projects: [{ name: "default", role: "trainer" }],
    });
    const out = await raw("/api/logout", { method: "POST", headers: mine, body: {} });
    expect([out.status, out.headers["set-cookie"]]).toEqual([204, [expect.stringMatching(/^trainyard=; .*1970/)]]);
    expect((await raw("/api/me", { headers: mine })).status).toBe(401);
  });

  test("says the same, in about the same time, of a wrong password, an unknown name and a closed account", async () => {
    await member("bob");
    await client.call("editUser", { params: { id: "bob" }, body: { disabled: true } });
    const answers: Raw[] = [];
    for (const body of [
      { name: "bob", password },
      { name: "ada", password: "wrong" },
      { name: "nobody-at-all", password },
    ]) {
      const began = performance.now();
      const answer = await login(body);
      answers.push(answer);
      expect(performance.now() - began).toBeGreaterThan(3); // a hash was computed each time
    }
    expect(new Set(answers.map(({ json, status }) => JSON.stringify({ ...json.error, requestId: "", status })))).toHaveProperty("size", 1);
    expect(answers[0]!.json.error).toMatchObject({ code: "BAD_CREDENTIALS", status: 401 });
  });

  test("everywhere at once is ended by one word", async () => {
    const [one, two] = [await member("carol"), as((await as().call("login", { body: { name: "carol", password, token: true } })).token)];
    expect(await verdict(two.call("whoAmI", {}))).toBe("allowed");
    await one.call("logout", { body: { everywhere: true } });
    expect([await verdict(one.call("whoAmI", {})), await verdict(two.call("whoAmI", {}))]).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED"]);
  });

  test("is slowed down for who guesses, and never locks a person out for good", async () => {
    await member("dora");
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) codes.push((await login({ name: "dora", password: `guess ${i}` })).json.error.code);
    expect(codes.slice(0, 5)).toEqual(Array(5).fill("BAD_CREDENTIALS"));
    expect(codes).toContain("TOO_MANY_ATTEMPTS");
    const blocked = await login({ name: "dora", password });
    expect([blocked.status, Number(blocked.headers["retry-after"])]).toEqual([429, expect.toSatisfy((s: number) => s >= 1 && s <= 900)]);
    // Someone who guesses from everywhere makes her wait a minute at most.
    for (let i = 0; i < 100; i++) await countAttempt(kernel.db.query, "dora", `192.0.2.${i}`).catch(() => {});
    const attacked = (ago: number) =>
      kernel.db.query
        .updateTable("attempts")
        .set({ last_at: new Date(Date.now() - ago), failures: 1000 })
        .where("key", "=", "account dora")
        .execute();
    await attacked(0);
    expect(await verdict(countAttempt(kernel.db.query, "dora", "203.0.113.9"))).toBe("TOO_MANY_ATTEMPTS");
    await attacked(61_000);
    expect(await verdict(countAttempt(kernel.db.query, "dora", "203.0.113.9"))).toBe("allowed");
    // Where she has been signed in she does not wait for what others do.
    await attacked(0);
    await kernel.db.query.deleteFrom("attempts").where("key", "like", "pair dora%").execute();
    expect((await login({ name: "dora", password })).status).toBe(200);
  });

  test("counts attempts that are made at once, each of them", async () => {
    const tries = await Promise.allSettled(Array.from({ length: 30 }, () => countAttempt(kernel.db.query, "erin", "198.51.100.7")));
    const allowed = tries.filter(({ status }) => status === "fulfilled").length;
    expect(allowed).toBeGreaterThanOrEqual(5);
    expect(allowed).toBeLessThanOrEqual(6);
    for (const one of tries) if (one.status === "rejected") expect(one.reason.code).toBe("TOO_MANY_ATTEMPTS");
  });
});

describe("a password", () => {
  test("is changed by who knows it; every other session ends", async () => {
    const here = await member("frank");
    const there = as((await as().call("login", { body: { name: "frank", password, token: true } })).token);
    expect(await verdict(here.call("changePassword", { body: { current: "wrong", password: "another long one" } }))).toBe("BAD_CREDENTIALS");
    await here.call("changePassword", { body: { current: password, password: "another long one" } });
    expect([await verdict(here.call("whoAmI", {})), await verdict(there.call("whoAmI", {}))]).toEqual(["allowed", "UNAUTHENTICATED"]);
    expect((await login({ name: "frank", password })).status).toBe(401);
    expect((await login({ name: "frank", password: "another long one" })).status).toBe(200);
  });

  test("is set anew by a link of an administrator, which works once", async () => {
    const before = await member("grace");
    const { url } = await client.call("resetPassword", { params: { id: "grace" } });
    const use = () => as().call("useLink", { body: { link: secretIn(url), password: "a new long one", token: true } });
    expect((await use()).user.name).toBe("grace");
    expect(await verdict(use())).toBe("LINK_USED_UP");
    expect(await verdict(before.call("whoAmI", {}))).toBe("UNAUTHENTICATED");
  });

  test("is set anew by one link: another that was made for it dies with the first, and one whose account was closed opens nothing", async () => {
    await member("gwen");
    const reset = async () => secretIn((await client.call("resetPassword", { params: { id: "gwen" } })).url);
    const [first, second] = [await reset(), await reset()];
    const use = (link: string) => verdict(as().call("useLink", { body: { link, password: "a new long one" } }));
    expect([await use(second), await use(first)]).toEqual(["allowed", "LINK_USED_UP"]);
    const third = await reset();
    await client.call("editUser", { params: { id: "gwen" }, body: { disabled: true } });
    expect(await use(third)).toBe("LINK_USED_UP");
    await client.call("editUser", { params: { id: "gwen" }, body: { disabled: false } });
    expect((await login({ name: "gwen", password: "a new long one" })).status).toBe(200);
  });

  test("that is short is refused; it lies in the database as argon2id, in no event, and comes out nowhere", async () => {
    const { url } = await client.call("inviteUser", { body: { role: "viewer" } });
    const short = as().call("useLink", { body: { link: secretIn(url), name: "heidi", password: "short" } });
    await expect(short).rejects.toMatchObject({ code: "INVALID_REQUEST", message: expect.stringMatching(/^password must be text of .*10/) });
    await as().call("useLink", { body: { link: secretIn(url), name: "heidi", password: "planted-secret-password" } });
    const { password: stored } = await kernel.db.query.selectFrom("users").select("password").where("name", "=", "heidi").executeTakeFirstOrThrow();
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const { text } = await raw("/api/events/export");
    expect(text).toContain("heidi");
    for (const secret of ["planted-secret-password", stored!, secretIn(url), "argon2"]) expect(text).not.toContain(secret);
  });
});

describe("a token", () => {
  test("is shown once, kept as a hash, used until it is revoked", async () => {
    const owner = await member("ivan");
    const { token, secret } = await owner.call("createToken", { body: { name: "ci", scope: "train" } });
    expect(secret).toMatch(/^tyt_[\w-]{43}$/);
    expect(JSON.stringify((await owner.call("listTokens", {})).items)).not.toContain(secret);
    const rows = await kernel.db.query.selectFrom("tokens").selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(await as(secret).call("whoAmI", {})).toMatchObject({ name: "ivan", by: "token", scope: "train" });
    await owner.call("revokeToken", { params: { id: token.id } });
    expect(await verdict(as(secret).call("whoAmI", {}))).toBe("UNAUTHENTICATED");
  });

  test("of a scope opens no more than that, and no more than its owner may", async () => {
    const admin = await member("judy", "admin");
    const of = async (scope: "read" | "serve" | "train" | "admin" | "work", who = admin) =>
      as((await who.call("createToken", { body: { name: scope, scope } })).secret);
    const can = async (who: typeof client) => ({
      read: await verdict(who.call("listRuns", {})),
      train: await verdict(who.call("createRun", { body: { dataset: { id: "iris" }, draft: true } })),
      manage: await verdict(who.call("listUsers", {})),
      self: await verdict(who.call("listTokens", {})),
    });
    const no = "FORBIDDEN";
    expect(await can(await of("read"))).toEqual({ read: "allowed", train: no, manage: no, self: no });
    expect(await can(await of("serve"))).toEqual({ read: no, train: no, manage: no, self: no });
    expect(await can(await of("train"))).toEqual({ read: "allowed", train: "allowed", manage: no, self: no });
    expect(await can(await of("admin"))).toEqual({ read: "allowed", train: "allowed", manage: "allowed", self: "allowed" });
    expect(await can(await of("work"))).toEqual({ read: no, train: no, manage: no, self: no });
    const viewer = await member("ken", "viewer");
    expect(await can(await of("admin", viewer))).toEqual({ read: "allowed", train: no, manage: no, self: "allowed" });
    expect(await verdict(of("work", viewer))).toBe("FORBIDDEN");
  });

  test("of one project opens no other", async () => {
    const admin = await member("laura", "admin");
    await admin.call("createProject", { body: { name: "walled" } });
    const { id } = await admin.call("createRun", { body: { dataset: { id: "iris" }, draft: true } });
    const inside = as((await admin.call("createToken", { body: { name: "walled", scope: "admin", project: "walled" } })).secret);
    expect((await inside.call("listRuns", {})).items).toEqual([]);
    expect(await verdict(inside.call("getRun", { params: { id } }))).toBe("NOT_FOUND");
    expect(await verdict(inside.call("listRuns", { query: { project: "default" } }))).toBe("NOT_FOUND");
    expect(await verdict(inside.call("listUsers", {}))).toBe("FORBIDDEN");
    expect(await verdict(inside.call("createToken", { body: { name: "wider", scope: "admin", project: "default" } }))).toBe("NOT_FOUND");
    const { token } = await inside.call("createToken", { body: { name: "same", scope: "admin" } });
    const walled = (await admin.call("listProjects", {})).items.find(({ name }) => name === "walled")!;
    expect(token.project).toBe(walled.id);
    const made = await inside.call("createRun", { body: { dataset: { id: "iris" }, draft: true } });
    expect(made.project).toBe(walled.id);
  });

  test("of one project neither sees nor ends the others of its owner, makes no project, and no token for workers", async () => {
    const admin = await member("leo", "admin");
    const { id: project } = await admin.call("createProject", { body: { name: "fenced" } });
    const { token: wide } = await admin.call("createToken", { body: { name: "wide", scope: "admin" } });
    const { token: other } = await client.call("createToken", { body: { name: "of-the-owner", scope: "read" } });
    const { token: narrow, secret } = await admin.call("createToken", { body: { name: "narrow", scope: "admin", project } });
    expect(narrow.project).toBe(project);
    const inside = as(secret);
    expect((await inside.call("listTokens", {})).items.map(({ name }) => name).sort()).toEqual(["narrow"]);
    for (const { id } of [wide, other]) expect(await verdict(inside.call("revokeToken", { params: { id } }))).toBe("NOT_FOUND");
    expect(await verdict(inside.call("createToken", { body: { name: "queue", scope: "work" } }))).toBe("FORBIDDEN");
    expect(await verdict(inside.call("createProject", { body: { name: "another" } }))).toBe("FORBIDDEN");
    expect(await verdict(admin.call("createToken", { body: { name: "queue", scope: "work", project } }))).toBe("FORBIDDEN");
    expect((await admin.call("listTokens", {})).items.map(({ name }) => name)).toEqual(expect.arrayContaining(["wide", "narrow", "of-the-owner"]));
    await inside.call("revokeToken", { params: { id: narrow.id } });
    expect(await verdict(inside.call("listRuns", {}))).toBe("UNAUTHENTICATED");
  });

  test("of one project is worth nothing once its owner is in that project no more", async () => {
    await client.call("createProject", { body: { name: "left" } });
    const owner = await member("lou", "trainer", "left");
    const inside = as((await owner.call("createToken", { body: { name: "left", scope: "train", project: "left" } })).secret);
    await register(platform, "of-left", undefined, "left");
    const check = () => verdict(inside.call("checkTraining", { body: { dataset: { id: "of-left" } } }));
    const draft = () => verdict(inside.call("createRun", { body: { dataset: { id: "iris" }, draft: true } }));
    // Nobody has read the table yet: that is told to who may know that it is there.
    await expect(inside.call("checkTraining", { body: { dataset: { id: "of-left" } } })).rejects.toThrow("being read");
    expect(await draft()).toBe("allowed");
    await client.call("removeMember", { params: { id: "left", user: "lou" } });
    expect([await check(), await draft()]).toEqual(["INVALID_REQUEST", "BAD_PARAMETER"]);
    expect((await inside.call("listRuns", {})).items).toEqual([]);
  });

  test("for workers is good while who made it administers the platform", async () => {
    const admin = await member("mia", "admin");
    const { secret } = await admin.call("createToken", { body: { name: "queue", scope: "work" } });
    const worker = { id: randomUUID(), name: "hand", labels: [], slots: 1, version: "0", platform: "test" };
    const claim = () => verdict(as(secret).call("claimJob", { body: { worker } }));
    expect(await claim()).toBe("allowed");
    await client.call("editUser", { params: { id: "mia" }, body: { role: "trainer" } });
    expect(await claim()).toBe("UNAUTHENTICATED");
    await client.call("editUser", { params: { id: "mia" }, body: { role: "admin" } });
    expect(await claim()).toBe("allowed");
    await client.call("editUser", { params: { id: "mia" }, body: { disabled: true } });
    expect(await claim()).toBe("UNAUTHENTICATED");
  });

  test("that has expired, or whose owner's account is closed, is none", async () => {
    const owner = await member("mallory");
    const { secret, token } = await owner.call("createToken", { body: { name: "old", scope: "read" } });
    const ends = (at: Date) => kernel.db.query.updateTable("tokens").set({ expires_at: at }).where("id", "=", kernel.ids.open(token.id)!).execute();
    await ends(new Date(Date.now() - 1));
    expect(await verdict(as(secret).call("whoAmI", {}))).toBe("UNAUTHENTICATED");
    await ends(new Date(token.expiresAt));
    const other = (await owner.call("createToken", { body: { name: "other", scope: "read" } })).secret;
    expect(await verdict(as(other).call("whoAmI", {}))).toBe("allowed");
    await client.call("editUser", { params: { id: "mallory" }, body: { disabled: true } });
    expect([await verdict(as(other).call("whoAmI", {})), await verdict(owner.call("whoAmI", {}))]).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED"]);
  });

  test("of someone else does not exist, but for an administrator", async () => {
    const [one, two] = [await member("nina"), await member("oscar")];
    const { token } = await one.call("createToken", { body: { name: "mine", scope: "read" } });
    expect(await verdict(two.call("revokeToken", { params: { id: token.id } }))).toBe("NOT_FOUND");
    expect((await two.call("listTokens", {})).items).toEqual([]);
    await client.call("revokeToken", { params: { id: token.id } });
    expect((await one.call("listTokens", {})).items).toEqual([]);
  });
});

describe("an administrator", () => {
  test("who is the last one stays", async () => {
    for (const { id, role } of (await client.call("listUsers", {})).items)
      if (role === "admin") await client.call("editUser", { params: { id }, body: { role: "viewer" } }).catch(() => {});
    const [last, ...others] = (await client.call("listUsers", {})).items.filter(({ role }) => role === "admin");
    expect(others).toEqual([]);
    for (const body of [{ role: "trainer" as const }, { disabled: true }])
      await expect(client.call("editUser", { params: { id: last!.id }, body })).rejects.toMatchObject({ code: "WRONG_STATE" });
    const again = await member("second-admin", "admin");
    const both = (await client.call("listUsers", {})).items.filter(({ role }) => role === "admin");
    // Two who demote each other at once: one stays.
    await Promise.allSettled(both.map(({ id }) => again.call("editUser", { params: { id }, body: { role: "viewer" } })));
    expect((await client.call("listUsers", {})).items.filter(({ role }) => role === "admin")).toHaveLength(1);
  });

  test("of the platform is above its projects: who is one no more is a trainer in the project they were invited to", async () => {
    const { id: project } = await client.call("createProject", { body: { name: "first-home" } });
    const rosa = await member("rosa", "admin", project);
    expect((await rosa.call("getProject", { params: { id: project } })).role).toBe("admin");
    await client.call("editUser", { params: { id: "rosa" }, body: { role: "trainer" } });
    expect((await rosa.call("getProject", { params: { id: project } })).role).toBe("trainer");
    expect(await verdict(rosa.call("editProject", { params: { id: project }, body: { name: "hers" } }))).toBe("FORBIDDEN");
  });

  test("sees who did what: signing in, failing to, roles, tokens, links", async () => {
    await login({ name: "no-such-person", password: "whatever it is" });
    const types = new Set<string>();
    for (const kind of ["user", "token", "server", "project"] as const)
      for (const { type } of (await client.call("listEvents", { query: { kind, limit: 500 } })).items) types.add(`${kind} ${type}`);
    for (const type of [
      "user created",
      "user password-set",
      "user signed-in",
      "user sign-in-failed",
      "user signed-out",
      "user role-set",
      "user disabled",
      "token created",
      "token revoked",
      "server created",
      "server configured",
      "server set-up",
      "server link-made",
      "server sign-in-failed",
      "server exported",
      "project member-set",
    ])
      expect(types).toContain(type);
    const viewer = await member("pat", "viewer");
    const seen = (await viewer.call("listEvents", { query: { limit: 500 } })).items;
    expect(seen.filter(({ kind }) => ["user", "token", "server"].includes(kind))).toEqual([]);
  });
});

test("a name that someone has, or that is the server's own, or no name, is refused, and the link still works", async () => {
  const { url } = await client.call("inviteUser", { body: { role: "viewer" } });
  const use = (name: string) => as().call("useLink", { body: { link: secretIn(url), name, password } });
  expect(await verdict(use("ada"))).toBe("NAME_TAKEN");
  for (const name of ["owner", "system", "worker", "", "UPPER", "with space", "<script>", "../x", "a".repeat(101)])
    expect(await verdict(use(name))).toBe("INVALID_REQUEST");
  expect(await verdict(use("quentin"))).toBe("allowed");
});

test("a password is salted, is the same however its letters are composed, and nobody's matches none", async () => {
  const stored = await hashPassword("caf\u00e9 au lait, twice");
  expect(await hashPassword("caf\u00e9 au lait, twice")).not.toBe(stored);
  expect(await isPassword(stored, "cafe\u0301 au lait, twice")).toBe(true);
  expect(await isPassword(stored, "cafe au lait, twice")).toBe(false);
  expect(await isPassword(undefined, "of nobody")).toBe(false);
});

test("over TLS the cookie is for this host alone and browsers are told to stay with TLS", () => {
  const tls = { cert: "", key: "" };
  expect(cookieOf({ tls }, "tys_x", new Date(0))).toMatch(/^__Host-trainyard=tys_x; Path=\/; .*; HttpOnly; SameSite=Strict; Secure$/);
  expect(cookieOf({ publicUrl: "https://trainyard.example" }, "tys_x", new Date(0))).toMatch(/^__Host-.*; Secure$/);
  expect(headersOf({ tls })["strict-transport-security"]).toBe("max-age=31536000");
  expect(headersOf({})["strict-transport-security"]).toBeUndefined();
  expect(headersOf({})["content-security-policy"]).not.toMatch(/unsafe/);
});

test("all of this left tables that are what the events say", async () => {
  expect((await client.call("verify", {})).differences).toEqual([]);
});
