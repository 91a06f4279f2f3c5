/** The whole life of a model by the pages alone: from a file to an experiment, on a desk and on a phone. */
import { describe, expect, test } from "vitest";
import { available, built, pageOf, type Watched } from "./browser.ts";
import { startTestPlatform } from "./platform.ts";

describe.skipIf(!available || !built)("the whole life of a model", async () => {
  const platform = await startTestPlatform({ workers: 1 });
  await platform.account("root", "admin");

  /** By the menu, which a phone opens first. */
  async function goTo(page: Watched, place: string): Promise<void> {
    const menu = page.getByRole("button", { name: "Menu" });
    if (await menu.isVisible()) await menu.click();
    await page.getByRole("navigation").getByRole("link", { name: place, exact: true }).click();
  }
  /** What is filled in must be right before it can be sent. */
  async function train(page: Watched): Promise<void> {
    await page.getByText("Ready to train.").waitFor();
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.waitForURL(/\/runs\//);
  }

  test.each([
    { where: "a desk", width: 1440, height: 900, name: "flowers of the desk" },
    { where: "a phone", width: 390, height: 844, name: "flowers of the phone" },
  ])(
    "is lived on $where",
    async ({ width, height, name }) => {
      const page = await pageOf(platform, "root", { viewport: { width, height } });
      await goTo(page, "Datasets");
      await page.getByRole("button", { name: "Choose a file" }).waitFor();
      await page.locator('input[type="file"]').setInputFiles("data/iris.csv");
      await page.getByLabel("Name").fill(name);
      await page.getByRole("button", { name: "Add it" }).click();
      await page.getByText("What was found").first().waitFor();
      await page.getByRole("button", { name: "Import" }).click();
      await page.getByRole("link", { name: "Train on it" }).click();

      // So long that it is stopped on the way, twice.
      await page.getByLabel("All settings").click();
      await page.getByRole("button", { name: "Training", exact: true }).click();
      await page.getByLabel("Epochs").fill("100000");
      await train(page);
      for (const again of [false, true]) {
        if (again) await page.getByRole("button", { name: "Go on" }).click();
        await page.getByText(/^Epoch \d+ of 100,?000/).waitFor();
        await page.getByRole("button", { name: "Stop" }).click();
        await page.getByText("Stopped", { exact: true }).waitFor();
      }
      const stopped = page.url();

      await goTo(page, "Train");
      await page.getByRole("combobox", { name: "Dataset" }).click();
      await page.getByRole("option", { name }).click();
      await train(page);
      await page.getByText("Done", { exact: true }).waitFor();
      const done = page.url();
      await page.getByRole("tab", { name: "Evaluation" }).click();
      const matrix = page.getByRole("region", { name: "Confusion matrix" });
      await matrix.getByRole("button").or(matrix.getByRole("link")).first().click();
      await page.getByText(/^\d+ of \d+ records$/).waitFor();
      await page.keyboard.press("Escape");

      await goTo(page, "Runs");
      for (const address of [stopped, done]) {
        const { name: run } = await platform.client.call("getRun", { params: { id: new URL(address).pathname.split("/")[2]! } });
        await page.getByLabel(`Compare ${run}`, { exact: true }).check();
      }
      await page.getByRole("button", { name: "Compare 2 runs" }).click();
      await page
        .getByRole("region", { name: "Settings that differ" })
        .getByRole("row", { name: /training\.epochs/ })
        .waitFor();

      await page.goto(done);
      await page.getByRole("tab", { name: "Try it" }).click();
      for (const [column, value] of Object.entries({ petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 }))
        await page.getByLabel(column).fill(String(value));
      await page.getByRole("button", { name: "Predict" }).click();
      await page.getByText(/^The model says: Iris-/).waitFor();
      await page.getByRole("button", { name: "Archive" }).click();
      await page.getByRole("button", { name: "Archive" }).waitFor({ state: "detached" });
      await goTo(page, "Experiments");
      await page.getByText(name).first().waitFor();
      expect(page.complaints).toEqual([]);
    },
    180_000,
  );
});
