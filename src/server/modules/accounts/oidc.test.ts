/** Signing in at an OpenID Connect provider: a real one, on this machine, whose pages are walked through as a browser would. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import Provider, { type Configuration, type KoaContextWithOIDC } from "oidc-provider";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { atEnd } from "../../../../test/at-end.ts";
import { secretIn, startTestPlatform } from "../../../../test/platform.ts";
import { buildApp } from "../../app.ts";
import { awayCookieOf } from "../../browser.ts";
import type { Config } from "../../config.ts";
import { seal } from "../../secrets.ts";
import { namesOf } from "./oidc.ts";

// The provider says when it is loaded and made that it is set up for tests, and that it prefers another version of Node.
vi.hoisted(() => {
  for (const method of ["info", "warn"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

// --- the provider ---

interface Person {
  readonly preferred_username?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
}
/** Who has an account at the provider, by their subject. */
const people: Record<string, Person> = {};
/** Makes another ID token of the one that the provider has made. */
let forge: ((claims: Record<string, unknown>) => Promise<string>) | undefined;
/** As if the provider took secrets by this method alone. */
let onlyMethod: string | undefined;
beforeEach(() => {
  forge = undefined;
});

const { privateKey: stranger } = await generateKeyPair("ES256");
const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const sign = (claims: object, key = privateKey) => new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(key);

let isUp = true;
let answerer: ReturnType<Provider["callback"]>;
const listener = createServer((request, response) => (isUp ? void answerer(request, response) : void request.destroy()));
await new Promise<void>((done) => void listener.listen(0, "127.0.0.1", done));
afterAll(() => listener.close());
const issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;

const oidc = { issuer, clientId: "trainyard", clientSecret: "~ only the two know this: +/%" };
const platform = await startTestPlatform();
const { kernel, client, url } = platform;
const back = `${url}/api/oidc/callback`;

const configuration: Configuration = {
  clients: [
    {
      client_id: oidc.clientId,
      client_secret: oidc.clientSecret,
      redirect_uris: [back],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
    {
      client_id: "posting",
      client_secret: oidc.clientSecret,
      redirect_uris: [back],
      token_endpoint_auth_method: "client_secret_post",
      id_token_signed_response_alg: "ES256",
    },
    { client_id: "public", redirect_uris: [back], token_endpoint_auth_method: "none", id_token_signed_response_alg: "ES256" },
  ],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "one", alg: "ES256", use: "sig" }] },
  cookies: { keys: ["of the tests"] },
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
};
const provider = new Provider(issuer, configuration);
provider.use(async (context, next) => {
  await next();
  const { oidc, body } = context as KoaContextWithOIDC & { body: { id_token?: string } };
  if (onlyMethod && oidc?.route === "discovery") context.body = { ...body, token_endpoint_auth_methods_supported: [onlyMethod] };
  if (forge && oidc?.route === "token" && body.id_token) context.body = { ...body, id_token: await forge(decodeJwt(body.id_token)) };
});
answerer = provider.callback();

// --- servers and a browser ---

/** Another server on what the platform has, configured otherwise. @returns where it listens */
async function serverWith(oidc: Config["oidc"]): Promise<string> {
  const app = await buildApp({ ...kernel, config: { ...kernel.config, oidc, proxies: ["127.0.0.1"] } }, "test");
  atEnd(() => app.close());
  return app.listen({ host: "127.0.0.1", port: 0 });
}
const open = await serverWith({ ...oidc, role: "trainer" });
const invitedOnly = await serverWith({ ...oidc, role: "none" });
const without = await serverWith(undefined);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}
/** @param from the address that the proxy in front tells */
async function get(server: string, path: string, cookie?: string, from = "192.0.2.1"): Promise<Answer> {
  const answer = await fetch(server + path, { redirect: "manual", headers: { "x-forwarded-for": from, ...(cookie && { cookie }) } });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
const cookiesOf = ({ headers }: Answer): string[] => headers.getSetCookie();
const errorOf = ({ text }: Answer) => JSON.parse(text).error;
/** What a browser would send back. */
const kept = (answer: Answer, name: string): string | undefined =>
  cookiesOf(answer)
    .find((cookie) => cookie.startsWith(`${name}=`) && !cookie.startsWith(`${name}=;`))
    ?.split(";")[0];

async function begin(server = open): Promise<{ location: string; cookie: string }> {
  const answer = await get(server, "/api/oidc/start");
  expect(answer.status).toBe(302);
  return { location: answer.headers.get("location")!, cookie: kept(answer, "trainyard_oidc")! };
}

/** Walks through the provider's pages. @returns the path and query with which it sends back */
async function passProvider(location: string, login: string, { abort = false } = {}): Promise<string> {
  const jar = new Map<string, string>();
  const visit = async (at: string, form?: Record<string, string>): Promise<Response> => {
    const answer = await fetch(at, {
      redirect: "manual",
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value) jar.set(name!, value);
      else jar.delete(name!);
    }
    return answer;
  };
  let answer = await visit(location);
  for (let steps = 0; steps < 20; steps++) {
    const to = answer.headers.get("location");
    if (to?.startsWith(back)) return to.slice(url.length);
    if (to) {
      answer = await visit(new URL(to, issuer).href);
      continue;
    }
    const page = await answer.text();
    const action = new RegExp(abort ? 'href="([^"]*/abort)"' : 'action="([^"]+)"').exec(page)?.[1];
    if (!action) throw new Error(`the provider is stuck: ${answer.status} ${page.slice(0, 2000)}`);
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    answer = await visit(new URL(action, issuer).href, abort ? undefined : { prompt: prompt!, login, password: "any" });
  }
  throw new Error("the provider has no end");
}

async function signIn(subject: string, server = open): Promise<Answer> {
  const { location, cookie } = await begin(server);
  return get(server, await passProvider(location, subject), cookie);
}
const me = async (answer: Answer) => JSON.parse((await get(open, "/api/me", kept(answer, "trainyard"))).text);

const lastEvents = async (limit: number) => (await client.call("listEvents", { query: { limit } })).items;
/** Of the one form, with nobody signed in and what was kept forgotten. */
function refusal(answer: Answer) {
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  expect(cookiesOf(answer)).toEqual([expect.stringMatching(/^trainyard_oidc=; .*Max-Age=0/)]);
  const error = errorOf(answer);
  expect(error.fix).toMatch(/\w/);
  return { status: answer.status, code: error.code, message: error.message as string };
}
const refused = (message: string | RegExp) => ({ status: 403, code: "SIGN_IN_REFUSED", message: expect.stringMatching(message) });

// --- facts ---

describe("where no provider is configured", () => {
  test.each(["/api/oidc/start", "/api/oidc/callback?code=a&state=b"])("%s is 404 and names the variables to set", async (path) => {
    const answer = await get(without, path);
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toMatchObject({ code: "NO_PROVIDER", fix: expect.stringMatching(/TRAINYARD_OIDC_ISSUER.*TRAINYARD_OIDC_CLIENT_ID/) });
  });

  test("the page to sign in has no link to one", async () => {
    expect((await get(without, "/login")).text).not.toContain("oidc");
    expect((await get(open, "/login")).text).toContain(`<a href="/api/oidc/start">Sign in with ${new URL(issuer).host}</a>`);
  });
});

describe("beginning", () => {
  test("leads to the provider with a challenge, a state and a nonce that are never the same", async () => {
    const [one, other] = [await begin(), await begin()].map(({ location }) => Object.fromEntries(new URL(location).searchParams));
    expect(one).toMatchObject({
      response_type: "code",
      client_id: "trainyard",
      redirect_uri: back,
      code_challenge_method: "S256",
      scope: "openid profile email",
    });
    for (const name of ["code_challenge", "state", "nonce"]) {
      expect(one![name]).toMatch(/^[\w-]{43}$/);
      expect(one![name]).not.toBe(other![name]);
    }
  });

  test("keeps what it needs in an encrypted cookie that no script reads and that only the way back gets", async () => {
    const answer = await get(open, "/api/oidc/start");
    const [cookie] = cookiesOf(answer);
    expect(cookie).toMatch(/^trainyard_oidc=[\w.-]+; Path=\/api\/oidc; Max-Age=600; HttpOnly; SameSite=Lax$/);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const { state, nonce } = Object.fromEntries(new URL(answer.headers.get("location")!).searchParams);
    const parts = cookie!.split(/[=;]/)[1]!.split(".");
    for (const part of parts) expect(Buffer.from(part, "base64url").toString("latin1")).not.toMatch(new RegExp(`${state}|${nonce}|verifier`));
    expect(awayCookieOf({ publicUrl: "https://trainyard.example" }, "x", 1)).toMatch(/; Secure$/);
  });

  test("is possible once the provider answers, after it did not", async () => {
    const server = await serverWith({ ...oidc, role: "viewer" });
    const logged = vi.spyOn(kernel.log, "error").mockImplementation(() => {});
    isUp = false;
    const down = await get(server, "/api/oidc/start").finally(() => {
      isUp = true;
      logged.mockRestore();
    });
    expect(errorOf(down)).toMatchObject({ code: "PROVIDER_UNAVAILABLE", status: 503, message: expect.stringContaining(issuer) });
    expect(down.headers.getSetCookie()).toEqual([]);
    await begin(server);
  });
});

describe("someone whom the provider knows", () => {
  test("becomes what the configuration says, and is told so by a page without scripts", async () => {
    people["1001"] = { preferred_username: "Grace" };
    const answer = await signIn("1001");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.text).toContain("<strong>grace</strong>");
    expect(answer.text).toContain('href="/"');
    expect(answer.text).not.toMatch(/<script|<style|style=/);
    expect(cookiesOf(answer)).toEqual([
      expect.stringMatching(/^trainyard_oidc=; Path=\/api\/oidc; Max-Age=0; /),
      expect.stringMatching(/^trainyard=tys_[\w-]+; Path=\/; .*HttpOnly; SameSite=Strict$/),
    ]);
    expect(await me(answer)).toMatchObject({ name: "grace", role: "trainer", by: "session", projects: [{ name: "default", role: "trainer" }] });
    const events = (await lastEvents(10)).filter(({ kind }) => kind === "user");
    expect(events.map(({ type, actor, data }) => [type, actor, data.how])).toEqual([
      ["signed-in", "grace", "provider"],
      ["created", "grace", "provider"],
    ]);
  });

  test("comes back to the same account, whatever the provider calls them by then", async () => {
    const users = (await client.call("listUsers", {})).items.length;
    people["1001"] = { preferred_username: "admiral" };
    expect(await me(await signIn("1001"))).toMatchObject({ name: "grace" });
    expect((await client.call("listUsers", {})).items).toHaveLength(users);
  });

  test("gets one account, however many of their browsers come first at once", async () => {
    people["1002"] = { preferred_username: "twice" };
    const ways = await Promise.all([0, 1, 2].map(() => begin()));
    const paths: string[] = [];
    for (const { location } of ways) paths.push(await passProvider(location, "1002"));
    const answers = await Promise.all(ways.map(({ cookie }, i) => get(open, paths[i]!, cookie)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await client.call("listUsers", {})).items.filter(({ name }) => name.startsWith("twice"))).toHaveLength(1);
  });

  test("gets in where the provider takes the secret by its other method", async () => {
    onlyMethod = "client_secret_post";
    const server = await serverWith({ ...oidc, clientId: "posting", role: "viewer" });
    const way = await begin(server).finally(() => {
      onlyMethod = undefined;
    });
    expect((await get(server, await passProvider(way.location, "1001"), way.cookie)).status).toBe(200);
  });

  test("needs no secret where the client has none", async () => {
    people["1003"] = { email: "Linus@kernel.example", email_verified: true };
    const server = await serverWith({ issuer, clientId: "public", role: "viewer" });
    expect(await me(await signIn("1003", server))).toMatchObject({ name: "linus", role: "viewer" });
  });

  test("does not get the local account of the same name", async () => {
    const { url: link } = await client.call("inviteUser", { body: { role: "admin", name: "ada" } });
    await platform.as().call("useLink", { body: { link: secretIn(link), password: "of ada alone" } });
    people["1004"] = { preferred_username: "ada", email: "ada@example.com", email_verified: true };
    expect(refusal(await signIn("1004"))).toEqual(refused('the name "ada" is another account\'s here'));
    const [event] = await lastEvents(1);
    expect(event).toMatchObject({ type: "sign-in-refused", actor: "anonymous", data: { name: "ada", address: "192.0.2.1" } });
    expect(await platform.as().call("login", { body: { name: "ada", password: "of ada alone" } })).toMatchObject({ user: { role: "admin" } });
  });

  test("is refused while their account is disabled", async () => {
    people["1005"] = { preferred_username: "gone" };
    await signIn("1005");
    await client.call("editUser", { params: { id: "gone" }, body: { disabled: true } });
    expect(refusal(await signIn("1005"))).toEqual(refused("the account is disabled"));
    await client.call("editUser", { params: { id: "gone" }, body: { disabled: false } });
    expect((await signIn("1005")).status).toBe(200);
  });
});

describe("where only who was invited comes in", () => {
  test("others are refused and told under which name to be invited", async () => {
    people["2001"] = { preferred_username: "Barbara" };
    expect(refusal(await signIn("2001", invitedOnly))).toEqual(refused('nobody has invited "barbara"'));
    const [event] = await lastEvents(1);
    expect(event).toMatchObject({ type: "sign-in-refused", data: { name: "barbara", why: 'nobody has invited "barbara"', address: "192.0.2.1" } });
    expect((await client.call("listUsers", {})).items.map(({ name }) => name)).not.toContain("barbara");
  });

  test("an invitation gives its role and its project, and is used up", async () => {
    await client.call("createProject", { body: { name: "compilers" } });
    const { url: link } = await client.call("inviteUser", { body: { role: "viewer", name: "barbara", project: "compilers" } });
    const answer = await signIn("2001", invitedOnly);
    expect(await me(answer)).toMatchObject({ name: "barbara", role: "viewer", projects: [{ name: "compilers", role: "viewer" }] });
    const used = platform.as().call("useLink", { body: { link: secretIn(link), password: "another's password" } });
    await expect(used).rejects.toMatchObject({ code: "LINK_USED_UP" });
    people["2002"] = { preferred_username: "barbara" };
    expect(refusal(await signIn("2002", invitedOnly))).toEqual(refused('nobody has invited "barbara"'));
    expect((await signIn("2001", invitedOnly)).status).toBe(200);
  });

  test("an invitation stays open where its account could not be made", async () => {
    const { url: link } = await client.call("inviteUser", { body: { role: "viewer", name: "edsger" } });
    people["2003"] = { preferred_username: "edsger" };
    await signIn("2003", open);
    people["2004"] = { preferred_username: "edsger" };
    expect(refusal(await signIn("2004", invitedOnly))).toEqual(refused('the name "edsger" is another account\'s here'));
    expect(await platform.as().call("lookAtLink", { body: { link: secretIn(link) } })).toMatchObject({ name: "edsger" });
  });

  test("neither half of an address, nor an address that nobody verified, nor a name that only looks alike will do", async () => {
    await client.call("inviteUser", { body: { role: "admin", name: "ken" } });
    await client.call("inviteUser", { body: { role: "viewer", name: "ken@labs.example" } });
    const strangers: Person[] = [
      { email: "ken@evil.example", email_verified: true },
      { email: "ken@labs.example", email_verified: false },
      { preferred_username: "kén" },
      { preferred_username: "\u212aen" }, // the sign of Kelvin, whose small letter is k
      { preferred_username: "-ken" },
    ];
    for (const [i, person] of strangers.entries()) {
      people[`21${i}`] = person;
      expect([person, refusal(await signIn(`21${i}`, invitedOnly))]).toEqual([person, refused(/^you are not signed in: nobody has invited/)]);
    }
    people["2200"] = { email: "Ken@Labs.example", email_verified: true };
    expect(await me(await signIn("2200", invitedOnly))).toMatchObject({ name: "ken@labs.example", role: "viewer" });
  });
});

describe("what is not as it was begun is refused:", () => {
  const subject = "3001";
  people[subject] = { preferred_username: "mallory" };

  test("a state that is not ours", async () => {
    const { location, cookie } = await begin();
    const path = (await passProvider(location, subject)).replace(/state=[^&]+/, `state=${"a".repeat(43)}`);
    expect(refusal(await get(open, path, cookie))).toEqual(refused('unexpected "state" response parameter value'));
  });

  test("an answer to somebody else's beginning", async () => {
    const [mine, theirs] = [await begin(), await begin()];
    expect(refusal(await get(open, await passProvider(theirs.location, subject), mine.cookie))).toEqual(refused('"state"'));
  });

  test("no cookie, one that somebody made, one that is over, and a link for a download", async () => {
    const { location } = await begin();
    const path = await passProvider(location, subject);
    const keys = kernel.keys.bytes("links");
    const state = new URL(path, url).searchParams.get("state");
    const content = { verifier: "v".repeat(43), state, nonce: "n", exp: Math.floor(Date.now() / 1000) };
    const { ticket } = await kernel.tickets.make("0".repeat(64), "a file");
    const values = ["a.b.c.d.e", await seal([Buffer.alloc(32)], { ...content, exp: content.exp + 600 }), await seal(keys, content), ticket];
    for (const cookie of [undefined, ...values.map((value) => `trainyard_oidc=${value}`)])
      expect(refusal(await get(open, path, cookie))).toEqual(refused("this browser did not begin to sign in at this address"));
    expect((await lastEvents(1))[0]).toMatchObject({ kind: "server", type: "sign-in-refused", data: { name: "" } });
  });

  test("a code that was used", async () => {
    const { location, cookie } = await begin();
    const path = await passProvider(location, subject);
    expect((await get(open, path, cookie)).status).toBe(200);
    const again = await get(open, path, cookie);
    expect(refusal(again)).toEqual(refused('the provider says "invalid_grant"'));
    const code = new URL(path, url).searchParams.get("code")!;
    expect(again.text).not.toContain(code);
    expect(JSON.stringify(await lastEvents(3))).not.toContain(code);
  });

  test("a code without the verifier of its beginning", async () => {
    const { location, cookie } = await begin();
    const changed = new URL(location);
    changed.searchParams.set("code_challenge", "x".repeat(43));
    expect(refusal(await get(open, await passProvider(changed.href, subject), cookie))).toEqual(refused('the provider says "invalid_grant"'));
  });

  test("a code for another client", async () => {
    const { location, cookie } = await begin();
    const changed = new URL(location);
    changed.searchParams.set("client_id", "public");
    expect(refusal(await get(open, await passProvider(changed.href, subject), cookie))).toEqual(refused('the provider says "invalid_grant"'));
  });

  test("a token with the nonce of another beginning", async () => {
    const { location, cookie } = await begin();
    const changed = new URL(location);
    changed.searchParams.set("nonce", "another");
    expect(refusal(await get(open, await passProvider(changed.href, subject), cookie))).toEqual(refused('"nonce"'));
  });

  test("a server whose secret is wrong, which it shows nobody", async () => {
    const wrong = "the secret of another server";
    const answer = await signIn(subject, await serverWith({ ...oidc, clientSecret: wrong, role: "viewer" }));
    expect(refusal(answer)).toEqual(refused('the provider says "invalid_client"'));
    expect(answer.text + JSON.stringify(await lastEvents(3))).not.toContain(wrong);
  });

  test("someone who changes their mind at the provider", async () => {
    const { location, cookie } = await begin();
    expect(refusal(await get(open, await passProvider(location, subject, { abort: true }), cookie))).toEqual(
      refused('the provider says "access_denied"'),
    );
  });

  const forgeries: Record<string, [forge: typeof forge, message: string]> = {
    "for another audience": [(claims) => sign({ ...claims, aud: "another" }), '"aud"'],
    "for two audiences, made for the other": [(claims) => sign({ ...claims, aud: ["trainyard", "another"], azp: "another" }), '"azp"'],
    "of another issuer": [(claims) => sign({ ...claims, iss: "https://evil.example" }), '"iss"'],
    "without a nonce": [({ nonce: _, ...claims }) => sign(claims), "nonce"],
    "that is over": [(claims) => sign({ ...claims, exp: 1_000_000_000 }), '"exp"'],
    "signed by a stranger": [(claims) => sign(claims, stranger), "signature"],
    "signed by nobody": [
      async (claims) => `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`,
      "alg",
    ],
    "about nobody whom a database could name": [(claims) => sign({ ...claims, sub: "a\0b" }), "subject"],
  };
  test.each(Object.entries(forgeries))("a token %s", async (_, [made, message]) => {
    forge = made;
    expect(refusal(await signIn(subject))).toEqual(refused(message));
    expect((await lastEvents(1))[0]).toMatchObject({ type: "sign-in-refused", data: { why: expect.stringContaining(message) } });
  });

  test("who fails too often from one address, which keeps nobody else out", async () => {
    const fail = async () => (await get(open, "/api/oidc/callback?code=a&state=b", undefined, "192.0.2.7")).status;
    const answers = [await fail()];
    while (answers.at(-1) === 403 && answers.length < 500) answers.push(await fail());
    expect(answers.at(-1)).toBe(429);
    expect(answers.length).toBeGreaterThan(50);
    expect((await signIn(subject)).status).toBe(200);
  });
});

describe("the name of an account", () => {
  const hashed = expect.stringMatching(/^user-[0-9a-f]{12}$/);
  test.each([
    [{ sub: "1", preferred_username: "Grace.Hopper" }, "grace.hopper", "grace.hopper"],
    [{ sub: "1", preferred_username: "Jürgen Groß" }, "jurgen-gro-", hashed],
    [
      { sub: "1", preferred_username: "grace@navy.example", email: "other@navy.example", email_verified: true },
      "grace@navy.example",
      "grace@navy.example",
    ],
    [{ sub: "1", email: "Grace@navy.example", email_verified: true }, "grace", "grace@navy.example"],
    [{ sub: "a1", email: "Grace@navy.example", email_verified: false }, "a1", "a1"],
    [{ sub: "a1", email: "Grace@navy.example", email_verified: "true" }, "a1", "a1"],
    [{ sub: "auth0|5F7C", preferred_username: "" }, "auth0-5f7c", hashed],
    [{ sub: "1", preferred_username: "owner" }, "1", hashed],
    [{ sub: "!", preferred_username: "日本" }, hashed, hashed],
    [{ sub: "1", preferred_username: 7 }, "1", "1"],
    [{ sub: "1", preferred_username: "x".repeat(300) }, "x".repeat(100), hashed],
  ])("of %j", (claims, name, invited) => {
    expect(namesOf(claims)).toEqual({ name, invited });
  });
});
