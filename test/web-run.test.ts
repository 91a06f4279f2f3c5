/** The page of a run in a real browser: what stands behind an evaluation, the network's picture, the log, charts as files, and a server that goes and comes back. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { addPoints } from "../src/server/modules/runs/metrics.ts";
import type { Run } from "../src/shared/api/schemas.ts";
import { available, built, faultsOf, pageOf } from "./browser.ts";
import { startTestPlatform, tiny } from "./platform.ts";

describe.skipIf(!available || !built)("the page of a run", async () => {
  let platform = await startTestPlatform({ workers: 1 });
  const { url, client, kernel } = platform;
  await platform.account("root", "admin");
  const learner = (dataset: string, model: string, params = {}) =>
    platform.train({ dataset: { id: dataset }, model: { id: model, params }, training: {} });
  const iris = await platform.train({ dataset: { id: "iris" } });
  const digits = await learner("digits", "naive-bayes");
  const cancer = await learner("breast-cancer", "naive-bayes");
  const page = await pageOf(platform);
  const go = (run: Run, search = "") => page.goto(`${url}/runs/${run.id}${search}`);
  const panel = page.getByRole("dialog");

  test("opens the rows behind a cell of the confusion matrix by keyboard alone, at an address of their own", async () => {
    await go(iris, "?tab=evaluation");
    const matrix = page.getByRole("region", { name: "Confusion matrix" });
    const { confusion, labels } = await client.call("getEvaluation", { params: { id: iris.id } });
    await matrix.getByRole("button").first().focus();
    // Down and right to the cell with most records.
    const [truth, predicted] = confusion!
      .flatMap((row, t) => row.map((count, p) => [t, p, count] as const))
      .reduce((best, one) => (one[2] > best[2] ? one : best));
    for (let i = 0; i < truth; i++) await page.keyboard.press("ArrowDown");
    for (let i = 0; i < predicted; i++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const count = confusion![truth]![predicted]!;
    await panel.getByText(`${count} of ${count} records`).waitFor();
    expect(await panel.getByRole("heading").first().textContent()).toContain(labels![truth]);
    expect(await panel.getByRole("row").count()).toBe(count + 1);
    expect(await panel.getByRole("columnheader").allTextContents()).toContain("petal_width");
    expect(new URL(page.url()).searchParams.get("cell")).toBe(`${truth},${predicted}`);

    await page.reload();
    await panel.getByText(`${count} of ${count} records`).waitFor();
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    expect(new URL(page.url()).searchParams.has("cell")).toBe(false);
    expect(page.complaints).toEqual([]);
  });

  test("opens the pictures behind a cell, and the one behind an error", async () => {
    await go(digits, "?tab=evaluation&cell=0,0");
    const picture = panel.getByRole("img", { name: /^Test record/ }).first();
    await picture.waitFor();
    expect(await picture.getAttribute("alt")).toMatch(/^Test record \d+: 0, predicted 0$/);
    await expect.poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBe(8);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    const worst = page.getByRole("region", { name: "Worst errors" }).getByRole("button").first();
    const name = await worst.textContent();
    await worst.click();
    await panel.getByRole("heading", { name: name! }).waitFor();
    await panel.getByRole("img", { name: new RegExp(`^${name}: `) }).waitFor();
    expect(page.url()).toContain(`record=${name!.match(/\d+/)![0]}`);
    expect(page.complaints).toEqual([]);
  });

  test("says what another threshold would come to, and shows each class by bars in another order", async () => {
    await go(cancer, "?tab=evaluation");
    const threshold = page.getByRole("region", { name: "Threshold" });
    await threshold.getByRole("slider").focus();
    const scores = () => threshold.getByRole("table").first().getByRole("cell").allTextContents();
    const before = await scores();
    await page.keyboard.press("Home");
    await expect.poll(async () => (await scores())[1]).toBe("1"); // all are found from the lowest output on
    expect(await scores()).not.toEqual(before);

    const classes = page.getByRole("region", { name: "Class by class" });
    const { classes: of, labels } = await client.call("getEvaluation", { params: { id: cancer.id } });
    const worst = of!.reduce((least, { f1 }, c) => (f1 < of![least]!.f1 ? c : least), 0);
    await classes
      .getByRole("combobox", { name: "Order" })
      .or(classes.getByRole("textbox", { name: "Order" }))
      .first()
      .click();
    await page.getByRole("option", { name: "Worst F1 first" }).click();
    await expect.poll(() => classes.getByRole("row").nth(1).getByRole("cell").first().textContent()).toBe(labels![worst]);
    expect(page.complaints).toEqual([]);
  });

  test("draws the network, whose layers are gone through by arrows and told in words", async () => {
    await go(iris, "?tab=network");
    const picture = page.getByRole("application", { name: /^Picture of the network: \d+ layers, 67 parameters$/ });
    await picture.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const [first] = iris.facts!.layers as { id: string; layer: string; outputShape: number[] }[];
    const told = page.getByRole("status").getByRole("table");
    await told.getByRole("columnheader", { name: first!.id }).waitFor();
    await told.getByRole("cell", { name: first!.layer, exact: true }).waitFor();
    expect(await page.getByRole("region", { name: "Layers" }).getByRole("row").count()).toBe(iris.facts!.layers.length + 1);
    await go(cancer, "?tab=network");
    await page.getByText("There is no network").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("has the log of the run's job, in which one can search, and as a file", async () => {
    await go(iris, "?tab=log");
    const log = page.getByRole("log");
    await log.getByText("epoch 2: train loss").waitFor();
    await log.getByText(/on the test records: .*accuracy/).waitFor();
    await page.getByLabel("Find in the log").fill("EPOCH 1");
    await page.getByText("1 of 1 lines").waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    expect(readFileSync(await file.path(), "utf8")).toMatch(/^\S+Z reads iris: .+\n\S+Z trains mlp, 67 parameters/);
    expect(page.complaints).toEqual([]);
  });

  test("saves a chart as numbers and as a picture", async () => {
    await go(iris);
    await page.getByRole("img", { name: /^Loss: / }).waitFor();
    const saved = async (format: string) => {
      await page.getByRole("button", { name: "Save Loss", exact: true }).click();
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: format }).click()]);
      return [file.suggestedFilename(), readFileSync(await file.path())] as const;
    };
    const [name, csv] = await saved("CSV");
    expect(name).toBe("Loss.csv");
    expect(csv.toString()).toMatch(/^curve,Step,value\r\n(Loss|Train loss|Validation loss),\d+,\d\.\d+\r\n/);
    expect((await saved("SVG"))[1].toString()).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect((await saved("PNG"))[1].subarray(1, 4).toString()).toBe("PNG");
    expect(page.complaints).toEqual([]);
  });

  test("with 500 metrics shows some, and those that are looked for", async () => {
    const draft = await client.call("createRun", { body: { ...tiny, dataset: { id: "iris" }, draft: true } });
    const steps = Array.from({ length: 20 }, (_, i) => i);
    const points = Array.from({ length: 500 }, (_, i) => ({ series: `probe_${i}`, steps, values: steps.map((step) => step * i) }));
    await kernel.db.transaction((tx) => addPoints(tx, kernel.ids.open(draft.id)!, points));
    await go(draft);
    await page.getByText("12 of 500 charts").waitFor();
    await page.getByLabel("Find a curve").fill("probe 437");
    await page.getByRole("img", { name: "Probe 437: Probe 437 8,303" }).waitFor();
    expect(await page.getByRole("figure").count()).toBe(1);
    expect(page.url()).toContain("charts=probe");
    expect(page.complaints).toEqual([]);
  });

  test("shows tags at once, and takes them back when the server refuses them; what was typed stays", async () => {
    await go(iris, "?tab=settings");
    let refuse = () => {};
    const asked = new Promise<void>((told) => {
      void page.route("**/api/runs/*", async (route) => {
        if (route.request().method() !== "PATCH") return route.fallback();
        told();
        await new Promise<void>((done) => {
          refuse = done;
        });
        return route.fulfill({ status: 409, contentType: "application/json", body: JSON.stringify({ error: refused }) });
      });
    });
    const refused = {
      code: "CONFLICT",
      status: 409,
      message: "someone else was faster",
      fix: "Look again.",
      details: {},
      problems: [],
      requestId: "1",
    };
    await page.getByLabel("Tags").first().fill("team=botany");
    await page.getByLabel("Tags").first().press("Enter");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await asked;
    const shown = page.locator(".mantine-Badge-root", { hasText: "team=botany" });
    await shown.waitFor();
    refuse();
    await page.getByRole("alert").getByText("Look again.").waitFor();
    await shown.waitFor({ state: "detached" });
    expect(await page.getByText("team=botany").count()).toBe(1); // in the field
    await page.unroute("**/api/runs/*");
    page.complaints.length = 0; // the browser tells of the refusal
  });

  test("has no tab that axe finds fault with, wide and light, narrow and dark", async () => {
    const at = (run: Run, search: string) => `/runs/${run.id}?tab=${search}`;
    const paths = [
      at(iris, "network"),
      at(iris, "log"),
      at(iris, "evaluation&cell=0,0"),
      at(digits, "evaluation&cell=1,1"),
      at(cancer, "evaluation"),
    ];
    expect(await faultsOf(page, url, paths)).toEqual([]);
  });

  test("goes on by itself when the server was away, and its charts with it", async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    const long = await client.call("createRun", { body: { dataset: { id: "iris" }, training: { epochs: 1_000_000, batchSize: 16, threads: 1 } } });
    await go(long);
    await page.getByText(/Epoch \d+ of 1,?000,?000/).waitFor();
    const { place } = platform;
    await platform.close();
    await page.getByRole("alert").first().waitFor();
    platform = await startTestPlatform({ workers: 1, place, port: Number(new URL(url).port) });
    await page.getByRole("alert").first().waitFor({ state: "detached" });
    const epoch = async () =>
      Number(/Epoch ([\d,]+) of/.exec((await page.getByText(/Epoch [\d,]+ of/).textContent()) ?? "")?.[1]?.replaceAll(",", ""));
    await page.getByText("Training", { exact: true }).waitFor();
    const then = await epoch();
    await expect.poll(epoch).toBeGreaterThan(then);
    const lastLoss = () => page.getByRole("img", { name: /^Loss: / }).getAttribute("aria-label");
    const before = await lastLoss();
    await expect.poll(lastLoss).not.toBe(before);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped", { exact: true }).waitFor();
  });
});
