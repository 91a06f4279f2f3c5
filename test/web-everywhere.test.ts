/** What holds on every page: keys and the palette, a session that runs out, a server that is away, and names that are texts. */
import { describe, expect, test } from "vitest";
import { available, built, complaintsOf, pageOf } from "./browser.ts";
import { password, startTestPlatform } from "./platform.ts";

describe.skipIf(!available || !built)("everywhere in the web application", async () => {
  const platform = await startTestPlatform();
  const { url } = platform;
  await platform.account("root", "admin");

  test("keys and the palette lead to every place, and keys without Ctrl can be turned off", async () => {
    const draft = await platform.client.call("createRun", { body: { dataset: { id: "iris" }, name: "quiet meadow", draft: true } });
    const page = await pageOf(platform);
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await page.getByRole("heading", { level: 1, name: "Datasets" }).waitFor();

    await page.keyboard.press("Control+k");
    await page.getByRole("textbox", { name: "Search and go anywhere" }).fill("meadow");
    await page.getByRole("option", { name: "quiet meadow" }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${url}/runs/${draft.id}`);
    // What is typed into a field is no shortcut.
    await page.getByRole("tab", { name: "Settings" }).click();
    await page.getByLabel("Note").fill("");
    await page.getByLabel("Note").pressSequentially("g d?");
    expect(await page.getByLabel("Note").inputValue()).toBe("g d?");
    expect(new URL(page.url()).pathname).toBe(`/runs/${draft.id}`);

    await page.goto(`${url}/runs`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.keyboard.press("Shift+?");
    const keys = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await keys.getByRole("row", { name: "g e Experiments" }).waitFor();
    await keys.getByLabel("Shortcuts without Ctrl").click();
    await page.keyboard.press("Escape");
    await keys.waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.keyboard.press("Shift+?");
    await page.keyboard.press("Control+k");
    await page.getByRole("textbox", { name: "Search and go anywhere" }).waitFor();
    expect(await keys.count()).toBe(0);
    expect(new URL(page.url()).pathname).toBe("/runs");
    expect(page.complaints).toEqual([]);
  });

  test("what is typed while a session runs out is kept, and sent when its owner has signed in again", async () => {
    const draft = await platform.client.call("createRun", { body: { dataset: { id: "iris" }, draft: true } });
    const page = await pageOf(platform);
    await page.goto(`${url}/runs/${draft.id}?tab=settings`);
    await page.getByLabel("Note").fill("half an hour of thought");
    await page.context().clearCookies();
    await page.getByRole("button", { name: "Save" }).click();
    const again = page.getByRole("dialog", { name: "Sign in again" });
    await again.getByLabel("Password of root").fill("not the password");
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.getByRole("alert").waitFor();
    await again.getByLabel("Password of root").fill(password);
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.waitFor({ state: "detached" });
    await expect.poll(async () => (await platform.client.call("getRun", { params: { id: draft.id } })).note).toBe("half an hour of thought");
  });

  test("a page whose server is away says so, and goes on by itself when it is back", async () => {
    const draft = await platform.client.call("createRun", { body: { dataset: { id: "iris" }, draft: true } });
    const page = await pageOf(platform);
    await page.goto(`${url}/runs/${draft.id}?tab=settings`);
    await page.getByLabel("Note").fill("written before the cable was pulled");
    await page.route("**/{api,health}/**", (route) => route.abort("connectionrefused"));
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The server does not answer.").waitFor();
    await page.unroute("**/{api,health}/**");
    await page.getByText("The server does not answer.").waitFor({ state: "detached" });
    await expect.poll(async () => (await platform.client.call("getRun", { params: { id: draft.id } })).note).toMatch(/^written before/);
  });

  test("names are texts, whatever is in them", async () => {
    const name = "<img src=x onerror=alert(1)> \u202Egnp.exe 🚂";
    await platform.client.call("createRun", { body: { dataset: { id: "iris" }, name, draft: true, tags: { "a<b": "<script>1</script>" } } });
    const page = await pageOf(platform);
    await page.goto(`${url}/runs`);
    await page.getByRole("link", { name }).waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(page.complaints).toEqual([]);
  });

  test("no overlay has what axe finds fault with", async () => {
    const page = await pageOf(platform);
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    const found = await complaintsOf(page);
    await page.getByRole("option", { name: "Keyboard shortcuts" }).click();
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 800 });
    expect([...found, ...(await complaintsOf(page))]).toEqual([]);
  });
});
