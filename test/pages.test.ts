/** The pages that need no account, in a real browser, under the policy that the server sends with them. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { available, openPage, signedInAs } from "./browser.ts";
import { HandWorker } from "./hand-worker.ts";
import { password, startTestPlatform, tiny } from "./platform.ts";

const platform = await startTestPlatform();
const { url, client } = platform;

describe.skipIf(!available)("in a browser", () => {
  test("the set-up link makes the administrator, who then is signed in by a cookie that no script sees; it works once", async () => {
    const link = (await platform.setupLink())!.url;
    const page = await openPage();
    await page.goto(link);
    await page.getByText("Create the administrator's account.").waitFor();
    expect(page.url()).toBe(`${url}/join`); // the secret is not left in the history
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button").click();
    await signedInAs(page, "root");
    expect(await page.evaluate("fetch('/api/me').then((answer) => answer.json())")).toMatchObject({ name: "root", role: "admin", by: "session" });
    expect(await page.evaluate("document.cookie")).toBe("");
    expect(page.complaints).toEqual([]);

    const late = await openPage();
    await late.goto(link);
    await late.getByText(/there is no such link: it was used/).waitFor();
    expect(await late.getByRole("button").isDisabled()).toBe(true);
  });

  test("signing in says what is wrong, and then that it is right", async () => {
    await platform.account("ada", "viewer");
    const page = await openPage();
    await page.goto(`${url}/login`);
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button").click();
    await page.getByText(/name or password is wrong/).waitFor();
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button").click();
    await signedInAs(page, "ada");
  });

  test("a page of another site can neither sign in nor do anything with the cookie of who is signed in", async () => {
    const page = await openPage();
    await page.goto(`${url}/login`);
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button").click();
    await signedInAs(page, "ada");
    // Another port of this machine is another site's page to the server, though the same site to cookies: they come along.
    const evil = createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>elsewhere</title>"));
    await new Promise<void>((done) => evil.listen(0, "127.0.0.1", done));
    onTestFinished(() => void evil.close());
    const answers: string[] = [];
    page.on("requestfailed", (request) => answers.push(`${request.method()} ${new URL(request.url()).pathname} ${request.failure()?.errorText}`));
    page.on("response", (response) => answers.push(`${response.request().method()} ${new URL(response.url()).pathname} ${response.status()}`));
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const attempt = (method: string, path: string, body?: string) => {
      const how = { method, mode: body ? "no-cors" : "cors", credentials: "include", body };
      return page.evaluate(`fetch(${JSON.stringify(url + path)}, ${JSON.stringify(how)}).then((a) => a.type, (e) => e.name)`);
    };
    const before = await platform.eventCount();
    expect(await attempt("POST", "/api/logout", "{}")).toBe("TypeError");
    expect(await attempt("POST", "/api/login", JSON.stringify({ name: "root", password }))).toBe("TypeError");
    expect(await attempt("GET", "/api/me")).toBe("TypeError");
    // The first two are asked of the server, which refuses them; whether it answers, the browser keeps from the page.
    expect(answers).toEqual([
      "GET / 200",
      "POST /api/logout net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin",
      "POST /api/login net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin",
      "GET /api/me net::ERR_FAILED",
    ]);
    expect(await platform.eventCount()).toBe(before);
    await page.evaluate(`document.body.append(Object.assign(document.createElement("iframe"), { src: ${JSON.stringify(`${url}/login`)} }))`);
    await expect.poll(() => page.complaints.join()).toMatch(/frame-ancestors|X-Frame-Options/);
    expect(await page.frames()[1]!.getByLabel("Password").count()).toBe(0);
    await page.goto(`${url}/login`);
    expect(await page.evaluate("fetch('/api/me').then((answer) => answer.json())")).toMatchObject({ name: "ada", by: "session" });
  });

  test("a share shows its run to who has no account, names as text, in light and dark, wide and narrow", async () => {
    const worker = new HandWorker(platform);
    await worker.flowers();
    const { id } = await client.call("createRun", { body: { ...tiny, name: "<img src=x onerror=alert(1)> & co", note: "For the class." } });
    await worker.train(id, { accuracy: 0.9321 });
    const { url: link } = await client.call("shareRun", { params: { id }, body: {} });
    for (const options of [{}, { colorScheme: "dark" as const, viewport: { width: 390, height: 700 } }]) {
      const page = await openPage(options);
      await page.goto(link);
      await page.getByText("<img src=x onerror=alert(1)> & co").waitFor();
      await page.getByText("0.9321").waitFor();
      expect(await page.locator("img").count()).toBe(0);
      expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
      expect(page.complaints).toEqual([]);
    }
    const page = await openPage();
    await page.goto(link.slice(0, -3));
    await page.getByText(/there is no such link/).waitFor();
  });

  test("the description of the API works under the policy", async () => {
    const page = await openPage();
    await page.goto(`${url}/docs`);
    await page.getByText("/api/catalog/{kind}/{id}").waitFor();
    expect(page.complaints.filter((text) => !text.includes("inline style"))).toEqual([]);
  });
});
