/** A new run is filled in, and its model tried, in a real browser. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../src/shared/api/schemas.ts";
import { available, built, faultsOf, pageOf, type Watched } from "./browser.ts";
import { password, register, secretIn, startTestPlatform } from "./platform.ts";

type Point = readonly [x: number, y: number];

describe.skipIf(!available || !built)("a new run in the browser", async () => {
  const platform = await startTestPlatform({ workers: 1 });
  const { url, client } = platform;
  let digits: Run;
  let flowers: Run;

  beforeAll(async () => {
    const { url: link } = (await platform.setupLink())!;
    await platform.as().call("useLink", { body: { link: secretIn(link), name: "root", password, token: true } });
    const { id } = await register(platform, "flowers");
    await platform.until("dataset", id, async () => (await client.call("getDataset", { params: { id } })).state === "ready");
    const training = { epochs: 1, threads: 1 };
    const ofDigits = await client.call("createRun", { body: { dataset: { id: "mnist" }, model: { id: "mlp" }, training } });
    const model = { id: "mlp", params: { hidden: [8] } };
    const ofFlowers = await client.call("createRun", { body: { dataset: { id: "flowers" }, model, training: { epochs: 20, batchSize: 8 } } });
    digits = await platform.waitFor(ofDigits.id, "succeeded");
    flowers = await platform.waitFor(ofFlowers.id, "succeeded");
  });

  test("what does not go with the data cannot be chosen and says why, and what a run will take is told", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/train?dataset=iris`);
    await page.getByText("Ready to train.").waitFor();
    const expected = page.getByRole("region", { name: "What to expect" });
    await expected.getByText(/^about .+ by the speed of 2 other networks here$/).waitFor();
    expect(await expected.getByText("108", { exact: true }).count()).toBe(1);
    await page.getByRole("combobox", { name: "Model" }).click();
    const cnn = page.getByRole("option", { name: /^Convolutional network/ });
    expect(await cnn.getAttribute("aria-disabled")).toBe("true");
    expect(await cnn.textContent()).toContain('is for pictures, but dataset "iris" has rows of a table');
    await page.getByRole("option", { name: /^Random forest/ }).click();
    await page.waitForURL(/model=random-forest/);
    await expected.getByText(/^Not known yet: this model was not trained here/).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("what was typed outlives a reload and a login that ended, and a run is begun with it", async () => {
    const page = await pageOf(platform, "root", { reducedMotion: "reduce" });
    await page.goto(`${url}/train?dataset=mnist&model=mlp`);
    await page.getByLabel("All settings").click();
    await page.getByLabel("Hidden").fill("24, 12");
    await page.getByRole("button", { name: /^Augmentation/ }).click();
    await page.getByLabel("Random shift").check();
    await page.getByLabel("Right").fill("1");
    await page.getByRole("button", { name: /^Optimizer/ }).click();
    await page.getByText("One does not go with the rest: why").filter({ visible: true }).click();
    await page
      .getByRole("listitem")
      .filter({ hasText: /^L-BFGS: .+ the network draws random numbers/ })
      .waitFor();
    await page.reload();
    await page.getByText("Ready to train.").waitFor();
    expect(await page.getByLabel("Hidden").inputValue()).toBe("24, 12");

    await page.context().clearCookies();
    await page.getByLabel("Hidden").fill("20, 10");
    const again = page.getByRole("dialog", { name: "Sign in again" });
    await again.getByLabel("Password of root").fill(password);
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.waitFor({ state: "detached" });
    expect(await page.getByLabel("Hidden").inputValue()).toBe("20, 10");
    await page.getByRole("button", { name: /^Hidden: Back to the default/ }).waitFor();
    await page.getByText("Ready to train.").waitFor();
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.waitForURL(/\/runs\//);
    const [run] = (await client.call("listRuns", { query: { limit: 1 } })).items;
    const { settings } = await client.call("getRun", { params: { id: run!.id } });
    expect(settings).toMatchObject({
      model: { params: { hidden: [20, 10] } },
      augmentation: [{ layer: "RandomShift", params: { down: 2, right: 1 } }],
      training: { epochs: 5 },
    });
    await client.call("stopRun", { params: { id: run!.id } });

    await page.getByRole("link", { name: "Change settings and train again" }).click();
    await page.getByText(/^Filled in with the settings of mnist-mlp/).waitFor();
    expect(await page.getByLabel("Hidden").inputValue()).toBe("20, 10");
    await page.getByRole("button", { name: "Augmentation: 1" }).click();
    expect(await page.getByLabel("Right").inputValue()).toBe("1");
    await page.getByRole("button", { name: "Start over" }).waitFor();
    expect(page.complaints.filter((text) => !text.includes("401"))).toEqual([]);
  });

  test("steps of preprocessing that an address brings are shown, and go into the request", async () => {
    const page = await pageOf(platform);
    const steps = [{ step: "min-max" }];
    const checked = page.waitForRequest((request) => request.url().endsWith("/api/training/check"));
    await page.goto(`${url}/train?dataset=flowers&steps=${encodeURIComponent(JSON.stringify(steps))}`);
    expect((await checked).postDataJSON()).toMatchObject({ dataset: { id: "flowers" }, preprocessing: steps });
    await page.getByRole("button", { name: "Preprocessing", exact: true }).click();
    await page.getByText("These steps were chosen for this run.").waitFor();
    await page.getByRole("button", { name: "Take those that suit the dataset" }).click();
    await page.getByText(/^These steps suit the dataset/).waitFor();
  });

  /** Draws with the mouse, in shares of the sheet. */
  async function draw(page: Watched, points: readonly Point[]): Promise<void> {
    const sheet = page.getByRole("img", { name: /^A sheet to draw on/ });
    await sheet.scrollIntoViewIfNeeded();
    const box = (await sheet.boundingBox())!;
    const [first, ...rest] = points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const);
    await page.mouse.move(...first!);
    await page.mouse.down();
    for (const [x, y] of rest) await page.mouse.move(x, y, { steps: 4 });
    await page.mouse.up();
  }
  const ring = Array.from({ length: 25 }, (_, i): Point => [0.4 + 0.14 * Math.sin(i / 4), 0.4 - 0.22 * Math.cos(i / 4)]);

  test("a digit that is drawn, small and out of the middle, is recognised while it is drawn; the sheet can be cleared", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/runs/${digits.id}?tab=tryIt`);
    await draw(page, ring);
    await page.getByText("The model says: 0").waitFor();
    await page.getByRole("img", { name: "What the model sees" }).waitFor();
    await page.getByRole("button", { name: "All 10 classes" }).click();
    expect(await page.getByRole("progressbar").count()).toBe(10);
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("The model says").waitFor({ state: "detached" });
    await draw(page, [
      [0.7, 0.2],
      [0.68, 0.9],
    ]);
    await page.getByText("The model says: 1").waitFor();
    await draw(page, [
      [0.68, 0.2],
      [0.3, 0.2],
    ]);
    await page.getByText("The model says: 7").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("what the camera sees is predicted, and the camera is let go of", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/runs/${digits.id}?tab=tryIt`);
    await page.getByText("Camera", { exact: true }).click();
    await page.getByRole("button", { name: "Turn on the camera" }).click();
    await page.getByText(/^The model says: \d/).waitFor();
    await page.getByRole("button", { name: "Turn it off" }).click();
    await page.getByRole("button", { name: "Turn on the camera" }).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("a row is filled in by a record of the test split, and what it is in truth stands beside the prediction", async () => {
    const { row, of, truth, cells } = await client.call("getExample", { params: { id: flowers.id }, query: { row: 3 } });
    expect([row, of]).toEqual([3, 30]);
    const line = Object.values(cells!).join(",");
    expect(readFileSync("data/iris.csv", "utf8")).toContain(`${line},${truth}`);
    await expect(client.call("getExample", { params: { id: flowers.id }, query: { row: 30 } })).rejects.toMatchObject({ code: "NOT_FOUND" });
    const drawn = await client.call("getExample", { params: { id: digits.id }, query: { row: 7 } });
    expect([drawn.of, drawn.picture!.shape, Buffer.from(drawn.picture!.pixels, "base64").length]).toEqual([
      digits.facts!.dataset.samples.test,
      [1, 28, 28],
      784,
    ]);
    expect(digits.facts!.dataset.labels).toContain(drawn.truth);
    const draft = await client.call("createRun", { body: { dataset: { id: "iris" }, draft: true } });
    await expect(client.call("getExample", { params: { id: draft.id } })).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });

    const page = await pageOf(platform);
    await page.goto(`${url}/runs/${flowers.id}?tab=tryIt`);
    await page
      .getByText(/ to .+ in the data/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Fill in a random test row" }).click();
    await expect.poll(() => page.getByLabel("petal_length").inputValue()).not.toBe("");
    await page.getByRole("button", { name: "Predict" }).click();
    await page.getByText(/^The model says: Iris-/).waitFor();
    await page.getByText(/^In truth it is: Iris-/).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("has no fault that axe finds", async () => {
    const page = await pageOf(platform, "root", { reducedMotion: "reduce" });
    await page.goto(`${url}/train?dataset=mnist&model=mlp`);
    await page.getByLabel("All settings").click();
    await page.getByRole("button", { name: /^Augmentation/ }).click();
    const paths = [`/train?from=${flowers.id}`, "/train?dataset=mnist&model=mlp", `/runs/${digits.id}?tab=tryIt`, `/runs/${flowers.id}?tab=tryIt`];
    expect(await faultsOf(page, url, paths)).toEqual([]);
  });
});
