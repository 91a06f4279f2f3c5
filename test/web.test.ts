/** The web application in a real browser: the first minutes of a person who never did this, and what every page owes everyone. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { available, built, faultsOf, openPage, pageOf } from "./browser.ts";
import { password, startTestPlatform } from "./platform.ts";

describe.skipIf(!available || !built)("the web application", async () => {
  const platform = await startTestPlatform({ workers: 1 });
  const { url } = platform;
  let compared = "/compare";

  test("takes the first administrator from the set-up link to a trained, tried and archived model", async () => {
    const page = await openPage();
    await page.goto((await platform.setupLink())!.url);
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button").click();
    await page.getByRole("button", { name: "Train a first model" }).waitFor();
    await page.getByRole("link", { name: "Train on Iris" }).click();
    await page.getByText("Ready to train.").waitFor();
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText("Done").waitFor();
    await page.getByRole("img", { name: /^Loss: / }).waitFor();

    await page.getByRole("tab", { name: "Evaluation" }).click();
    await page.getByText("On 30 test records, which training never saw").waitFor();
    expect(await page.getByRole("table").first().getByRole("row").nth(1).textContent()).toMatch(/^Accuracy0|^Accuracy1/);
    await page.getByRole("region", { name: "Confusion matrix" }).waitFor();

    await page.getByRole("tab", { name: "Try it" }).click();
    for (const [name, value] of Object.entries({ petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 }))
      await page.getByLabel(name).fill(String(value));
    await page.getByRole("button", { name: "Predict" }).click();
    await page.getByText(/^The model says: Iris-/).waitFor();

    await page.getByRole("button", { name: "Archive" }).click();
    await page.getByRole("button", { name: "Archive" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Experiments" }).click();
    await page.getByRole("link", { name: /^iris-mlp/ }).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("brings a table of one's own, trains a classical model on it, and says what is wrong with a setting where it is", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/datasets`);
    await page.getByRole("button", { name: "Choose a file" }).waitFor();
    await page.locator('input[type="file"]').setInputFiles("data/iris.csv");
    await page.getByLabel("Name").fill("my flowers");
    await page.getByRole("button", { name: "Add it" }).click();
    await page.getByRole("button", { name: "Import" }).click();
    await page.getByRole("tab", { name: "Statistics" }).click();
    await page.getByRole("region", { name: "Columns" }).getByText("species (to predict)").waitFor();
    await page.getByRole("link", { name: "Train on it" }).click();
    await page.waitForURL(/\/train\?dataset=/);
    await page.goto(`${page.url()}&model=decision-tree`);
    await page.getByLabel("All settings").click();
    await page.getByLabel("Max depth").fill("-3");
    await page.getByText(/maxDepth must be an integer of at least 0, but is -3/).waitFor();
    expect(await page.getByRole("button", { name: "Train", exact: true }).isDisabled()).toBe(true);
    await page.getByLabel("Max depth").fill("3");
    await page.getByText("Ready to train.").waitFor();
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText("Done").waitFor();
    await page.getByRole("tab", { name: "Settings" }).click();
    await page.getByText('"maxDepth": 3').waitFor();
    await page.getByLabel("Note").fill("three <i>levels</i> are enough");
    await page.getByLabel("Tags").first().fill("team=botany");
    await page.getByLabel("Tags").first().press("Enter");
    await page.getByRole("button", { name: "Save" }).click();
    await expect
      .poll(async () => (await platform.client.call("listRuns", { query: { filter: ["tags.team=botany"] } })).items.map(({ model }) => model))
      .toEqual(["decision-tree"]);
    expect(page.complaints.filter((text) => !text.includes("422"))).toEqual([]);
  });

  test("compares runs that are chosen: settings that differ, metrics, a curve of each", async () => {
    const train = async (seed: number) => {
      const run = await platform.client.call("createRun", { body: { dataset: { id: "iris" }, training: { epochs: 3, seed } } });
      await platform.waitFor(run.id, "succeeded");
      return run;
    };
    const [one, two] = [await train(1), await train(2)];
    const page = await pageOf(platform);
    await page.goto(`${url}/runs`);
    for (const { name } of [one, two]) await page.getByLabel(`Compare ${name}`).check();
    await page.getByRole("button", { name: "Compare 2 runs" }).click();
    const settings = page.getByRole("region", { name: "Settings that differ" });
    await settings.getByRole("row", { name: /training\.seed/ }).waitFor();
    expect(
      await settings
        .getByRole("row", { name: /training\.seed/ })
        .getByRole("cell")
        .allTextContents(),
    ).toEqual(["training.seed", "1", "2"]);
    await page.getByRole("img", { name: new RegExp(`^Validation loss: #${one.number} .+, #${two.number} `) }).waitFor();
    await page.getByText(/on the same test records: .+ \(95 % interval .+, p = /).waitFor();
    expect(page.url()).toContain("/compare?ids=");
    compared = page.url().slice(url.length);
    expect(page.complaints).toEqual([]);
  });

  test("sends who is not signed in to sign in, and back to the page that was wanted", async () => {
    const page = await openPage();
    await page.goto(`${url}/runs?sort=-number`);
    await page.waitForURL(/\/login\?next=/);
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button").click();
    await page.waitForURL(`${url}/runs?sort=-number`);
    await page.getByRole("heading", { name: "Runs" }).waitFor();
  });

  test("has no page that axe finds fault with, wide and light, narrow and dark", async () => {
    const page = await pageOf(platform);
    const [run] = (await platform.client.call("listRuns", { query: { limit: 1, archived: "true" } })).items;
    const paths = [
      "/",
      "/datasets",
      "/train?dataset=iris",
      "/runs",
      `/runs/${run!.id}`,
      `/runs/${run!.id}?tab=evaluation`,
      `/runs/${run!.id}?tab=tryIt`,
      `/runs/${run!.id}?tab=settings`,
      "/experiments",
      compared,
      `/datasets/${(await platform.client.call("listDatasets", { query: {} })).items[0]!.id}`,
    ];
    expect(await faultsOf(page, url, paths)).toEqual([]);
  });

  test("needs at most 250 kB of compressed script before its first page is shown", async () => {
    const page = await pageOf(platform);
    const scripts = new Set<string>();
    page.on("request", (request) => request.resourceType() === "script" && scripts.add(new URL(request.url()).pathname));
    await page.goto(`${url}/`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const bytes = [...scripts].map((path) => gzipSync(readFileSync(`dist/web${path}`)).length);
    expect(bytes.length).toBeGreaterThan(1);
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(250_000);
  });
});
