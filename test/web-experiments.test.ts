/** The gallery of experiments, the page of one, and the page of buckets, in a real browser. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Experiment, Manifest } from "../src/shared/api/schemas.ts";
import { available, built, faultsOf, openPage, pageOf } from "./browser.ts";
import { password, secretIn, startTestPlatform } from "./platform.ts";

describe.skipIf(!available || !built)("the web application", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-web-buckets-"));
  mkdirSync(join(folder, "lab", "2026"), { recursive: true });
  writeFileSync(join(folder, "lab", "2026", "iris.csv"), readFileSync("data/iris.csv"));
  writeFileSync(join(folder, "lab", "\u202Egpj.<b>.txt"), "turned around");
  const platform = await startTestPlatform({
    workers: 1,
    env: { TRAINYARD_BUCKETS: `lab=${join(folder, "lab")},archive=${join(folder, "lab")}:ro` },
  });
  const { client, url } = platform;
  let one: Experiment;
  let two: Experiment;

  beforeAll(async () => {
    const link = (await platform.setupLink())!;
    await platform.as().call("useLink", { body: { link: secretIn(link.url), name: "root", password } });
    const archived = async (id: string) => {
      await platform.waitFor(id, "succeeded");
      await platform.until("run", id, async () => (await client.call("getRun", { params: { id } })).evaluation !== undefined);
      return client.call("archiveRun", { params: { id } });
    };
    const training = { epochs: 3, threads: 1 };
    const body = { name: "iris <b>one</b>", note: "why", tags: { team: "botany" }, dataset: { id: "iris" }, training };
    const run = await client.call("createRun", { body });
    one = await archived(run.id);
    two = await archived((await client.call("duplicateRun", { params: { id: run.id }, body: { name: "the copy" } })).id);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("finds experiments by words and narrows them by what a card says, all of it in the address", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/experiments`);
    await page
      .getByRole("article", { name: "iris <b>one</b>" })
      .getByRole("img", { name: /^Accuracy .*95 % interval .*without learning$/ })
      .waitFor();
    expect(await page.getByRole("article").count()).toBe(2);
    await page.getByLabel("Search").fill("COPY");
    await page.getByLabel("Search").press("Enter");
    await page.waitForURL(/search=COPY/);
    await expect.poll(() => page.getByRole("article").count()).toBe(1);
    await page.getByLabel("Search").fill("");
    await page.getByRole("button", { name: "Find" }).click();
    await expect.poll(() => page.getByRole("article").count()).toBe(2);
    await page.getByRole("link", { name: "team=botany" }).first().click();
    await page.waitForURL(/tag=/);
    await page.getByText("Tag: team=botany").waitFor();
    await page.goto(`${url}/experiments?tag=team%3Dzoology`);
    await page.getByText("No experiment is like that.").waitFor();
    await page.getByRole("button", { name: "Any tag" }).click();
    await expect.poll(() => page.getByRole("article").count()).toBe(2);
    expect(page.complaints).toEqual([]);
  });

  test("shows where an experiment comes from, does it again bit by bit, and hands it on by a link that can be ended", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/experiments/${two.id}`);
    const lineage = page.getByRole("group", { name: "Lineage" });
    await lineage.getByRole("link", { name: "Duplicated from, iris <b>one</b>" }).waitFor();
    expect(await lineage.getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("aria-label")!.split(",")[0]))).toEqual([
      "Dataset",
      "Preprocessing",
      "Run",
      "Model",
      "Duplicated from",
    ]);
    await lineage.getByText("not deployed", { exact: true }).waitFor();
    await page.getByRole("region", { name: "Other experiments on the same data" }).getByRole("link", { name: "iris <b>one</b>" }).waitFor();
    await page.getByRole("button", { name: "Reproduce" }).click();
    await page.getByRole("region", { name: "Reproductions" }).getByText("bit-identical").waitFor();

    await page.getByRole("button", { name: "Make a link" }).click();
    const shared = await page.getByText(/\/shared#tyr_/).textContent();
    const guest = await openPage();
    await guest.goto(shared!);
    await guest.getByRole("heading", { name: "the copy" }).waitFor();
    await page.getByRole("button", { name: "End it" }).click();
    await page.getByRole("button", { name: "End it" }).waitFor({ state: "detached" });
    await expect.poll(async () => (await client.call("listShares", {})).items).toEqual([]);

    await lineage.getByRole("link", { name: /^Duplicated from, iris/ }).click();
    await page.waitForURL(`${url}/runs/${one.run}`);
    expect(page.complaints).toEqual([]);
  });

  test("gives out everything of an experiment: card, files with their hashes, manifest as it is stored; and predicts with it", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/experiments/${one.id}?tab=card`);
    await page.getByRole("heading", { name: "Intended use and limits" }).waitFor();
    expect(await page.getByRole("article").getByRole("heading", { name: "iris <b>one</b>" }).count()).toBe(1);
    await page.getByRole("tab", { name: "Files" }).click();
    const { files } = (await (await client.download("getManifest", { params: { id: one.id } })).json()) as Manifest;
    for (const { name, sha256 } of files)
      await page
        .getByRole("row", { name: `${name} ` })
        .getByText(sha256)
        .waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "model.onnx" }).click()]);
    expect(readFileSync((await file.path())!).length).toBe(files.find(({ name }) => name === "model.onnx")!.size);
    await page.getByRole("tab", { name: "Manifest" }).click();
    await page.getByText(one.hash).waitFor();
    expect(await page.getByRole("region", { name: "Training" }).getByRole("row", { name: "Epochs 3" }).count()).toBe(1);
    await page.getByText("The manifest as JSON").click();
    await page.getByText('"manifest": 1').waitFor();
    await page.getByRole("tab", { name: "Try it" }).click();
    for (const name of ["petal_width", "petal_length", "sepal_width", "sepal_length"]) await page.getByLabel(name).fill("1");
    await page.getByRole("button", { name: "Predict" }).click();
    await page.getByText(/^The model says: Iris-/).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("fills a bucket and empties it: several files at once, none over another unless told, deleted when one is sure", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/buckets?bucket=lab`);
    await page.getByRole("link", { name: "⟨U+202E⟩gpj.<b>.txt" }).waitFor();
    const files = ["a.txt", "Größe 🦜.txt"].map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(`this is ${name}`) }));
    await page.locator('input[type="file"]').setInputFiles(files);
    for (const { name } of files) await page.getByRole("link", { name, exact: true }).waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Größe 🦜.txt" }).click()]);
    expect([file.suggestedFilename(), readFileSync((await file.path())!, "utf8")]).toEqual(["Größe 🦜.txt", "this is Größe 🦜.txt"]);

    await page.locator('input[type="file"]').setInputFiles({ ...files[0]!, buffer: Buffer.from("another") });
    await page.getByRole("alert").getByText('there already is an object "a.txt"').waitFor();
    await page.getByRole("button", { name: "Replace a.txt" }).click();
    await page.getByRole("button", { name: "Replace a.txt" }).waitFor({ state: "detached" });
    await expect.poll(() => readFileSync(join(folder, "lab", "a.txt"), "utf8")).toBe("another");

    for (const { name } of files) await page.getByLabel(`Choose ${name}`).check();
    await page.getByRole("button", { name: "Delete 2 objects" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    for (const { name } of files) expect(await page.getByRole("link", { name, exact: true }).count()).toBe(0);
    const { items } = await client.call("listObjects", { params: { bucket: "lab" }, query: {} });
    expect(items.map(({ name }) => name)).toEqual(["\u202Egpj.<b>.txt"]);
    expect(page.complaints.filter((text) => !text.includes("409"))).toEqual([]);
  });

  test("says that the connection was lost in the middle of an upload, and sends the file again", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/buckets?bucket=lab&prefix=2026/`);
    await page.getByRole("link", { name: "iris.csv" }).waitFor();
    await page.route("**/object?**", (route) => (route.request().method() === "PUT" ? route.abort("connectionreset") : route.continue()));
    await page.locator('input[type="file"]').setInputFiles({ name: "cut.txt", mimeType: "text/plain", buffer: Buffer.from("whole") });
    await page.getByText("The connection was lost. Nothing of the file is in the bucket.").waitFor();
    await page.unroute("**/object?**");
    await page.getByRole("button", { name: "Try 2026/cut.txt again" }).click();
    await page.getByRole("link", { name: "cut.txt" }).waitFor();
    expect(readFileSync(join(folder, "lab", "2026", "cut.txt"), "utf8")).toBe("whole");
  });

  test("brings an object in as a dataset, from the folder that the address names", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/buckets?bucket=archive`);
    await page.getByRole("link", { name: "2026/" }).click();
    await page.waitForURL(/prefix=2026/);
    expect(await page.getByRole("button", { name: "Upload" }).count()).toBe(0);
    await page.getByRole("button", { name: "Bring iris.csv in as a dataset" }).click();
    await page.getByLabel("Name").fill("irises of the lab");
    await page.getByRole("button", { name: "Bring it in" }).click();
    await page.getByRole("dialog").getByRole("link", { name: "irises of the lab" }).click();
    await page.getByRole("heading", { name: "irises of the lab" }).waitFor();
    await page.getByText("Ready").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("has no fault that axe finds on these pages, wide and light, narrow and dark", async () => {
    const page = await pageOf(platform);
    const tabs = ["about", "card", "files", "manifest"].map((tab) => `/experiments/${two.id}?tab=${tab}`);
    const paths = ["/experiments?tag=team%3Dbotany", ...tabs, "/buckets?bucket=lab&prefix=2026/"];
    expect(await faultsOf(page, url, paths)).toEqual([]);
  });
});
