/** Administration in a real browser: the history of everything, who talks to whom, work, people, tokens, projects, storage, the log; and what others may not. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../src/shared/api/schemas.ts";
import { available, built, faultsOf, openPage, pageOf, type Watched } from "./browser.ts";
import { HandWorker } from "./hand-worker.ts";
import { password, secretIn, startTestPlatform, tiny, verdict } from "./platform.ts";

describe.skipIf(!available || !built)("administration", async () => {
  const platform = await startTestPlatform();
  const { client, url, as, kernel } = platform;
  const worker = new HandWorker(platform);
  let root: Watched;
  let run: Run;
  const changed = async (name: string) => client.call("editRun", { params: { id: run.id }, body: { name } });
  const at = (page: Watched, search: string) => page.goto(`${url}/admin?${search}`);

  beforeAll(async () => {
    const link = (await platform.setupLink())!;
    await as().call("useLink", { body: { link: secretIn(link.url), name: "root", password } });
    await worker.flowers();
    run = await client.call("createRun", { body: { ...tiny, draft: true, name: "first" } });
    await changed("second");
    await changed("<b>third</b>");
    root = await pageOf({ url });
  });

  test("shows when events happened, and those of a kind, of a stretch of time, of a request", async () => {
    await at(root, "tab=events");
    const line = root.getByRole("img", { name: /^\d+ events from .+: run 3/ });
    await line.waitFor();
    await root.getByRole("textbox", { name: "What" }).fill("edited");
    await root.getByRole("textbox", { name: "What" }).press("Enter");
    await root.getByText("2 events", { exact: true }).waitFor();
    expect(new URL(root.url()).searchParams.get("type")).toBe("edited");
    await root.getByRole("button", { name: "Filter nothing" }).click();
    // A click into the first stretch: what happened first alone.
    await root.getByRole("img", { name: /events from/ }).waitFor();
    const box = (await root.getByRole("img", { name: /events from/ }).boundingBox())!;
    await root.mouse.click(box.x + 84, box.y + 10);
    await root.waitForURL(/from=.+to=/);
    await root.getByRole("cell", { name: "server created" }).waitFor();
    expect(await root.getByRole("cell", { name: "run edited" }).count()).toBe(0);
    await root.getByRole("button", { name: "All the time" }).click();
    await root.getByRole("cell", { name: "run edited" }).first().waitFor();
    expect(root.complaints).toEqual([]);
  });

  test("shows what an entity was after each change, what that changed, by keyboard and by address", async () => {
    await at(root, `tab=events&entity=${run.id}`);
    await root.getByText("3 of 3 changes: edited, owner").waitFor();
    const change = root.getByRole("row", { name: /^name / });
    expect(await change.getByRole("cell").allTextContents()).toEqual(["name", '"second"', '"<b>third</b>"']);
    await root.getByRole("slider").press("ArrowLeft");
    await root.waitForURL(/version=2/);
    await root.getByText("2 of 3 changes").waitFor();
    await change.getByRole("cell", { name: '"first"' }).waitFor();
    expect(await change.getByRole("cell").allTextContents()).toEqual(["name", '"first"', '"second"']);
    await root.getByText("Its whole state then").click();
    expect(await root.locator(".state ins").allTextContents()).toEqual([expect.stringContaining('"name": "second"')]);
    await root.getByRole("button", { name: "Previous" }).click();
    await root.waitForURL(/version=1/);
    await root.getByText("1 of 3 changes: created").waitFor();
    await root.reload();
    await root.getByText("1 of 3 changes: created").waitFor();
    await root.getByRole("link", { name: "Show change 3" }).click();
    await root.getByText("3 of 3 changes: edited").waitFor();
    expect(root.complaints).toEqual([]);
  });

  test("draws who talks to whom, with refusals, and lists the records of an exchange that is clicked", async () => {
    await verdict(client.call("getRun", { params: { id: kernel.ids.seal("00000000-0000-4000-8000-000000000000") } }));
    await at(root, "tab=messages");
    const edge = root.getByRole("group", { name: "Who talks to whom" }).getByRole("link", { name: /^runs to client: .+, 1 refused$/ });
    await edge.focus();
    await edge.press("Enter");
    const records = root.getByRole("region", { name: "Records: runs to client" });
    await records.getByRole("cell", { name: "run_not_exists" }).waitFor();
    expect(new URL(root.url()).searchParams.get("source")).toBe("runs");
    await root
      .getByRole("region", { name: "All exchanges" })
      .getByRole("row", { name: /^client runs / })
      .first()
      .waitFor();
    await records.getByRole("button", { name: "Close" }).click();
    await records.waitFor({ state: "detached" });
    expect(root.complaints).toEqual([]);
  });

  test("shows what workers do and how much waits, leads to what a job is for, and stops it when one is sure", async () => {
    await client.call("createRun", { body: { ...tiny, name: "wanted" } });
    const taken = await worker.take();
    await at(root, "tab=workers");
    await root.getByRole("row", { name: /^hand at work 1 of 1 train wanted / }).waitFor();
    await worker.succeed(taken);
    await root.getByRole("row", { name: /^hand at work 0 of 1 waits for work / }).waitFor();

    const { id, name } = await client.call("createRun", { body: { ...tiny, name: "unwanted" } });
    await at(root, "state=queued");
    await root
      .getByRole("region", { name: "Queues" })
      .getByRole("row", { name: /^train 1 / })
      .waitFor();
    const jobs = root.getByRole("region", { name: "Jobs" });
    expect(await jobs.getByRole("link", { name }).getAttribute("href")).toBe(`/runs/${id}`);
    await jobs.getByRole("button", { name: "Stop" }).click();
    await jobs.getByRole("button", { name: "Yes: Stop" }).click();
    await jobs.getByText("No job is like that.").waitFor();
    expect((await client.call("getRun", { params: { id } })).state).toBe("stopped");
    expect(root.complaints).toEqual([]);
  });

  test("changes what another may at once, while they look, and takes back on the page what the server refuses", async () => {
    await platform.account("vera", "viewer");
    const vera = await pageOf({ url }, "vera");
    await vera.goto(`${url}/me`);
    await vera.getByText("vera, viewer").waitFor();
    expect(await vera.getByRole("button", { name: "Make a project" }).count()).toBe(0);
    expect(await vera.getByRole("link", { name: "Administration" }).count()).toBe(0);
    for (const tab of ["workers", "messages", "people", "storage", "log"]) {
      await at(vera, `tab=${tab}`);
      await vera.getByRole("alert").first().waitFor();
      expect(await vera.getByRole("alert").first().textContent()).toMatch(/vera may not administer this/);
    }

    await at(root, "tab=people");
    const choose = async (name: string, role: string) => {
      await root.getByRole("combobox", { name: `Role of ${name}` }).click();
      await root.getByRole("option", { name: role }).click();
    };
    await choose("vera", "trainer");
    await expect.poll(async () => (await client.call("listUsers", {})).items.find(({ name }) => name === "vera")!.role).toBe("trainer");
    await vera.goto(`${url}/me`);
    await vera.getByText("vera, trainer").waitFor();
    await vera.getByRole("textbox", { name: "New project" }).fill("greenhouse");
    await vera.getByRole("button", { name: "Make a project" }).click();
    await vera.getByRole("region", { name: "Members of greenhouse" }).getByRole("cell", { name: "vera" }).waitFor();

    // Someone has to administer.
    await choose("root", "viewer");
    await root.getByRole("alert").waitFor();
    await expect.poll(() => root.getByRole("combobox", { name: "Role of root" }).inputValue()).toBe("admin");

    await root.getByRole("button", { name: "Disable vera" }).click();
    await root.getByRole("button", { name: "Let in again vera" }).waitFor();
    await expect.poll(async () => (await client.call("listUsers", {})).items.find(({ name }) => name === "vera")!.state).toBe("disabled");
    await vera.reload();
    await vera.waitForURL(/\/login\?next=%2Fme/);

    await root.getByRole("button", { name: "Let in again vera" }).click();
    await root.getByRole("button", { name: "New password vera" }).click();
    const reset = await openPage();
    await reset.goto((await root.getByText(/\/join#/).textContent())!);
    await reset.getByText("Choose a new password.").waitFor();
    expect([...root.complaints, ...vera.complaints].filter((text) => !/status of (401|403|409|422)/.test(text))).toEqual([]);
    root.complaints.length = 0;
  });

  test("gives everyone tokens of their own, shown once and ended at once, and a new password", async () => {
    await platform.account("tom", "trainer");
    const tom = await pageOf({ url }, "tom");
    await tom.getByRole("link", { name: "Account" }).click();
    const tokens = tom.getByRole("region", { name: "Tokens" });
    await tokens.getByText("There are none.").waitFor();
    await tokens.getByRole("textbox", { name: "Name" }).fill("notebook");
    await tokens.getByRole("button", { name: "Make a token" }).click();
    const secret = (await tokens.getByText(/^tyt_/).textContent())!;
    expect(await as(secret).call("whoAmI", {})).toMatchObject({ name: "tom", scope: "read" });
    await at(root, "tab=tokens");
    await root.getByRole("row", { name: /^notebook tom / }).waitFor();

    await tom.reload();
    await tokens.getByRole("cell", { name: "notebook" }).waitFor();
    expect(await tom.getByText(secret).count()).toBe(0);
    await tokens.getByRole("button", { name: "Revoke" }).click();
    await tokens.getByRole("button", { name: "Yes: revoke notebook" }).click();
    await tokens.getByText("There are none.").waitFor();
    await expect.poll(() => verdict(as(secret).call("whoAmI", {}))).toBe("UNAUTHENTICATED");

    await tom.getByRole("textbox", { name: "Password now" }).fill("not this one");
    await tom.getByRole("textbox", { name: "New password" }).fill("another horse battery");
    await tom.getByRole("button", { name: "Change it" }).click();
    await tom.getByRole("alert").waitFor();
    // Nothing that was typed is lost.
    expect(await tom.getByRole("textbox", { name: "New password" }).inputValue()).toBe("another horse battery");
    await tom.getByRole("textbox", { name: "Password now" }).fill(password);
    await tom.getByRole("button", { name: "Change it" }).click();
    await tom.getByText("It is changed.").waitFor();
    expect(await verdict(as().call("login", { body: { name: "tom", password: "another horse battery", token: true } }))).toBe("allowed");
    expect(tom.complaints.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
  });

  test("makes projects, puts people in and takes them out, and ends what is shared", async () => {
    await platform.account("pia", "trainer");
    await client.call("shareRun", { params: { id: run.id }, body: {} });
    await at(root, "tab=projects");
    await root.getByRole("textbox", { name: "New project" }).fill("Botany!");
    await root.getByRole("button", { name: "Make a project" }).click();
    await root.getByRole("alert").waitFor();
    await root.getByRole("textbox", { name: "New project" }).fill("botany");
    await root.getByRole("button", { name: "Make a project" }).click();
    const members = root.getByRole("region", { name: "Members of botany" });
    await members.getByRole("combobox", { name: "Person" }).click();
    await root.getByRole("option", { name: "pia" }).click();
    await members.getByRole("button", { name: "Add" }).click();
    await members.getByRole("cell", { name: "pia" }).waitFor();
    expect(new URL(root.url()).searchParams.get("project")).toBeTruthy();
    const inProject = async () => (await client.call("getProject", { params: { id: "botany" } })).members.map(({ name, role }) => `${name} ${role}`);
    expect(await inProject()).toEqual(["root admin", "pia trainer"]);
    await members.getByRole("row", { name: /^pia/ }).getByRole("button", { name: "Take out" }).click();
    await members.getByRole("button", { name: "Yes: take pia out" }).click();
    await expect.poll(inProject).toEqual(["root admin"]);

    const shares = root.getByRole("region", { name: "Shared by links" });
    await shares.getByRole("button", { name: "End" }).click();
    await shares.getByRole("button", { name: "Yes: end this link" }).click();
    await shares.getByText("Nothing is shared.").waitFor();
    await expect.poll(async () => (await client.call("listShares", { query: {} })).items).toEqual([]);
    expect(root.complaints.filter((text) => !text.includes("422"))).toEqual([]);
    root.complaints.length = 0;
  });

  test("verifies, and makes new keys when one is sure, after which old addresses still lead there", async () => {
    await at(root, "tab=storage");
    await root.getByRole("button", { name: "Verify" }).click();
    await root.getByText(/looked at: 0 differences, 0 files missing/).waitFor();
    await root.getByRole("button", { name: "Make new keys" }).click();
    await root.getByRole("button", { name: "No" }).click();
    await root.getByRole("button", { name: "Make new keys" }).click();
    await root.getByRole("button", { name: "Yes: make new keys" }).click();
    await root.getByText(/^New keys are in use/).waitFor();
    await at(root, `tab=events&kind=run&entity=${run.id}&version=2`);
    await root.getByText("2 of 3 changes").waitFor();
  });

  test("follows the server's log, by level and text, until it is paused", async () => {
    kernel.log.info({ flow: "storage" }, "a line <i>before</i>");
    await at(root, "tab=log");
    const log = root.getByRole("log");
    await log.getByText("a line <i>before</i>").waitFor();
    kernel.log.info("a line that comes");
    await log.getByText("a line that comes").waitFor();
    await root.getByRole("searchbox", { name: "Search" }).fill("BEFORE");
    await root.getByRole("searchbox", { name: "Search" }).press("Enter");
    await log.getByText("a line that comes").waitFor({ state: "detached" });
    await root.waitForURL(/text=BEFORE/);
    const saved = root.waitForEvent("download");
    await root.getByRole("button", { name: "Download" }).click();
    expect((await saved).suggestedFilename()).toBe("server-log.jsonl");
    await root.getByRole("button", { name: "Pause" }).click();
    await root.getByText("Paused").waitFor();
    expect(root.complaints).toEqual([]);
  });

  test("has no page that axe finds fault with, wide and light, narrow and dark", async () => {
    const tabs = ["workers", "people", "tokens", "storage", "messages&source=runs&destination=client", "log"];
    const { id: project } = await client.call("getProject", { params: { id: "default" } });
    const searches = [...tabs.map((tab) => `tab=${tab}`), `tab=projects&project=${project}`, `tab=events&entity=${run.id}&version=2`];
    expect(await faultsOf(root, url, [...searches.map((search) => `/admin?${search}`), "/me"])).toEqual([]);
    expect(root.complaints).toEqual([]);
  });
});
