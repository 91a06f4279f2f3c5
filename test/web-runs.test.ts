/** The lists of runs and their pictures in a real browser: ten thousand runs, found, sorted, grouped, changed many at once, kept as files, and compared. */
import { readFileSync } from "node:fs";
import type { Download, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { RunSummary } from "../src/shared/api/schemas.ts";
import { available, built, faultsOf, pageOf } from "./browser.ts";
import { HandWorker } from "./hand-worker.ts";
import { manyRuns, oddNames } from "./many-runs.ts";
import { password, secretIn, startTestPlatform, tiny } from "./platform.ts";

const COUNT = 10_000;

describe.skipIf(!available || !built)("ten thousand runs", async () => {
  const platform = await startTestPlatform();
  const { url, client } = platform;
  let page: Awaited<ReturnType<typeof pageOf>>;

  beforeAll(async () => {
    await client.call("useLink", { body: { link: secretIn((await platform.setupLink())!.url), name: "root", password } });
    await platform.account("looker", "viewer", "default");
    await manyRuns(platform, COUNT, 500);
    page = await pageOf(platform);
  });

  const go = async (path: string, query: object = {}) => {
    const search = Object.entries(query).map(
      ([name, value]) => `${name}=${encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value))}`,
    );
    await page.goto(`${url}${path}${search.length ? `?${search.join("&")}` : ""}`);
  };
  const lines = (of: Page = page) => of.locator(".grid tbody tr[data-index]");
  /** Texts of a column of the first lines. */
  const firsts = (column: number, count = 5) =>
    page.evaluate(
      `[...document.querySelectorAll(".grid tbody tr[data-index]")].slice(0, ${count}).map((row) => row.children[${column}]?.textContent)`,
    ) as Promise<string[]>;
  const numbers = (runs: readonly RunSummary[]) => runs.slice(0, 5).map(({ number }) => String(number));
  const listed = async (query: object) => numbers((await client.call("listRuns", { query })).items);
  const saved = async (button: string): Promise<[string, Download]> => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
    return [readFileSync(await download.path(), "utf8"), download];
  };

  test("scroll to the last, and wherever one stops no line is blank", async () => {
    await go("/runs");
    await page.getByText(`of ${COUNT.toLocaleString("en")} runs`).waitFor();
    const seen = (await page.evaluate(`(async () => {
      const grid = document.querySelector(".grid");
      const inSight = () => {
        const { top, bottom, left } = grid.getBoundingClientRect();
        const points = Array.from({ length: Math.floor((bottom - top - 42) / 18) }, (_, i) => top + 40 + 18 * i);
        return points.map((y) => document.elementFromPoint(left + 200, y)?.closest("tr"));
      };
      const stops = []; let last = 0;
      while (last < ${COUNT} && stops.length < ${COUNT}) {
        grid.scrollTop += 3 * grid.clientHeight;
        let rows = [];
        for (let frame = 0; frame < 600; frame++) {
          await new Promise(requestAnimationFrame);
          rows = inSight();
          if (rows.every((row) => row?.textContent.trim())) break;
        }
        stops.push(rows.filter((row) => !row?.textContent.trim()).length);
        last = Math.max(last, ...rows.map((row) => Number(row?.dataset.index ?? -1) + 1));
      }
      return { last, stops: stops.length, blank: stops.filter((blank) => blank > 0).length };
    })()`)) as { last: number; stops: number; blank: number };
    expect(seen).toEqual({ last: COUNT, stops: seen.stops, blank: 0 });
    expect(seen.stops).toBeGreaterThan(COUNT / 200);
    expect(await lines().count()).toBeLessThan(120);
    expect(page.complaints).toEqual([]);
  });

  test("are sorted by a metric and by a setting that is a column, and the address says so", async () => {
    await go("/runs", { columns: ["number", "name", "optimizer.params.learningRate", "metrics.test_accuracy"] });
    await page.getByRole("button", { name: "Sort by Test accuracy" }).click();
    await page.getByRole("columnheader", { name: "Test accuracy" }).and(page.locator('[aria-sort="descending"]')).waitFor();
    await expect.poll(() => firsts(1)).toEqual(await listed({ sort: "-metrics.test_accuracy" }));
    expect(page.url()).toContain("sort=-metrics.test_accuracy");
    await page.getByRole("button", { name: "Sort by Optimizer: learning rate" }).click();
    await page.getByRole("button", { name: "Sort by Optimizer: learning rate" }).click();
    await expect.poll(() => firsts(1)).toEqual(await listed({ sort: "optimizer.params.learningRate" }));
    expect(new Set(await firsts(3))).toEqual(new Set(["0.0001"]));
  });

  test("are found by words and by conditions that are put together, and by the address alone", async () => {
    await go("/runs");
    await page.getByLabel("Search").fill("run-12 speech");
    await expect.poll(() => firsts(1)).toEqual(await listed({ filter: ["text~run-12", "text~speech"] }));
    await page.getByRole("combobox", { name: "Filter by" }).fill("test accuracy");
    await page.getByRole("option", { name: "Test accuracy", exact: true }).click();
    await page.getByRole("textbox", { name: "Value" }).fill("0.9");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const filter = ["text~run-12", "text~speech", "metrics.test_accuracy>0.9"];
    const { total } = await client.call("groupRuns", { query: { filter } });
    await page.getByText(`${total} runs`, { exact: true }).waitFor();
    expect(await firsts(1)).toEqual(await listed({ filter }));
    const address = page.url();
    await page.goto("about:blank");
    await page.goto(address);
    await page.getByText(`${total} runs`, { exact: true }).waitFor();
    expect(await page.getByLabel("Search").inputValue()).toBe("run-12 speech");
    await page.getByRole("button", { name: "Remove the filter: Test accuracy greater than 0.9" }).click();
    await expect.poll(() => firsts(1)).toEqual(await listed({ filter: filter.slice(0, 2) }));
    await go("/runs", { q: "nothing-is-called-that" });
    await page.getByRole("button", { name: "Show all runs" }).click();
    await lines().first().waitFor();
  });

  test("have columns of any of their 502 metrics, found by a word", async () => {
    await go("/runs", { sort: "-number" });
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByLabel("Find a column").fill("own metric 499");
    await page.getByLabel("Own metric 499, greatest").check();
    await page.keyboard.press("Escape");
    await page.getByRole("columnheader", { name: "Own metric 499, greatest" }).waitFor();
    const { items } = await client.call("listRuns", { query: { metrics: ["own_metric_499:max"] } });
    await expect.poll(async () => (await firsts(9, 1)).map(Number)).toEqual([Number(items[0]!.metrics["own_metric_499:max"]!.toPrecision(4))]);
    expect(page.url()).toContain("own_metric_499");
  });

  test("stand in groups, each with its count and its best, that open and close", async () => {
    await go("/runs", { group: "tags.team" });
    const [first] = (await client.call("groupRuns", { query: { by: "tags.team", metric: "test_accuracy" } })).groups;
    const best = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 }).format(first!.greatest!);
    const head = page.getByRole("button", { name: `Tag team: ${first!.value} ${first!.count} runs · best Test accuracy: ${best}` });
    await head.click();
    await expect
      .poll(() => firsts(1, 6).then((all) => all.filter(Boolean).slice(0, 5)))
      .toEqual(await listed({ filter: [`tags.team=${first!.value}`] }));
    expect(await head.getAttribute("aria-expanded")).toBe("true");
    expect(page.url()).toContain("open=");
    await head.click();
    await expect.poll(() => lines().count()).toBe(5);
  });

  test("are shown by their names, whatever is in them", async () => {
    await go("/runs", { sort: "number" });
    for (const name of oddNames) await page.getByRole("link", { name, exact: true }).waitFor();
    expect(await page.locator(".grid img").count()).toBe(0);
  });

  test("are tagged, deleted and brought back many at once; what is refused is told run by run", async () => {
    await go("/runs", { q: "run-77" });
    await expect.poll(() => firsts(1)).toEqual(await listed({ filter: ["text~run-77"] }));
    const before = await firsts(1, 8);
    const box = (i: number) => lines().nth(i).getByRole("checkbox");
    await box(0).click();
    await box(3).click({ modifiers: ["Shift"] });
    await page.getByRole("group", { name: "4 selected" }).waitFor();
    await page.getByRole("button", { name: "Add a tag" }).click();
    await page.getByRole("textbox", { name: "Tag", exact: true }).fill("stage=candidate");
    await page.getByRole("button", { name: "Add", exact: true }).last().click();
    await page.getByText("4 tagged.").waitFor();
    expect((await client.call("listRuns", { query: { filter: ["tags.stage=candidate"] } })).items.map(({ number }) => String(number))).toEqual(
      before.slice(0, 4),
    );

    await box(0).click();
    await box(1).click();
    await page.getByRole("button", { name: "Delete 2" }).click();
    await page.getByText("2 moved to the trash.").waitFor();
    await expect.poll(() => firsts(1)).toEqual(before.slice(2, 7));
    expect(await listed({ trash: "true", filter: ["tags.stage=candidate"] })).toEqual(before.slice(0, 2));
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("2 taken out of the trash.").waitFor();
    await expect.poll(() => firsts(1)).toEqual(before.slice(0, 5));

    // Nobody evaluated them, so they cannot be archived.
    await box(0).click();
    await page
      .getByRole("button", { name: "Archive 1" })
      .or(page.getByRole("button", { name: "Select none" }))
      .first()
      .waitFor();
    await box(1).click();
    await box(2).click();
    await page.getByRole("button", { name: /^Archive / }).click();
    const failures = page.getByRole("alert", { name: / failed$/ });
    await failures.getByText("finished and evaluated").first().waitFor();
    expect(await failures.getByRole("listitem").count()).toBeGreaterThan(1);
    expect(page.complaints.filter((text) => !text.includes("409"))).toEqual([]);
  });

  test("go as files, all of them and in the chosen columns, with nothing that a spreadsheet would compute", async () => {
    await go("/runs", { sort: "number", columns: ["number", "name", "metrics.test_accuracy"] });
    const [text] = await saved("Export all as CSV");
    expect(text.startsWith("number,name,metrics.test_accuracy\r\n")).toBe(true);
    expect(text.split("\r\n").length).toBe(COUNT + 2);
    expect(text).toContain(`,'=cmd|' /C calc'!A0,`);
    expect(text).toContain(`,"a,b""c\nd",`);
    const [list] = await saved("Export all as JSON");
    const rows = JSON.parse(list) as { name: string }[];
    expect([rows.length, rows[0]!.name]).toEqual([COUNT, oddNames[0]]);
  });

  test("change while one looks: what is made, started and ended since", async () => {
    const worker = new HandWorker(platform);
    await worker.flowers();
    await go("/runs", { q: "newcomer" });
    await page.getByText("No run is like that.").waitFor();
    const { id } = await client.call("createRun", { body: { ...tiny, name: "newcomer" } });
    const line = page.getByRole("row", { name: /newcomer/ });
    await line.getByText("Waiting").waitFor();
    await line.getByRole("link", { name: "newcomer" }).click();
    await page.getByText(/^Waits for a worker that is free, and begins by itself/).waitFor();
    await page.goBack();
    await line.getByText("Waiting").waitFor();
    const job = await worker.take();
    await line.getByText("Training").waitFor();
    await line.getByRole("checkbox").click();
    await page.getByRole("button", { name: "Stop 1" }).click();
    await line.getByText("Stopping").waitFor();
    await worker.finish(job, { outcome: "stopped" });
    await line.getByText("Stopped").waitFor();
    await client.call("deleteRun", { params: { id } });
  });

  test("can be looked at, sorted and compared by who may only read, and not changed", async () => {
    const looker = await pageOf(platform, "looker");
    await looker.goto(`${url}/runs`);
    await lines(looker).nth(0).getByRole("checkbox").click();
    await lines(looker).nth(1).getByRole("checkbox").click();
    const bar = looker.getByRole("group", { name: "2 selected" });
    await bar.waitFor();
    expect(await bar.getByRole("button").allTextContents()).toEqual(["Compare 2 runs", "Select none"]);
    expect(looker.complaints).toEqual([]);
    await looker.close();
  });

  test("are plotted across axes, looked at in part by keyboard and by mouse, and kept as a picture", async () => {
    const { items } = await client.call("listRuns", { query: { limit: 60 } });
    await go("/compare", { ids: items.map(({ id }) => id), view: "parallel" });
    await page.locator(".plot a").nth(59).waitFor({ state: "attached" });
    await page.getByText("60 runs", { exact: true }).waitFor();
    const from = page.getByRole("slider", { name: "Test accuracy, from" });
    await from.focus();
    for (let i = 0; i < 2; i++) await from.press("PageUp");
    const accuracies = (await client.call("listRuns", { query: { limit: 60, metrics: ["test_accuracy"] } })).items.map(
      ({ metrics }) => metrics.test_accuracy!,
    );
    const [least, most] = [Math.min(...accuracies), Math.max(...accuracies)];
    const within = accuracies.filter((value) => value >= least + 0.4 * (most - least)).length;
    await page.getByText(`${within} of 60 runs are within`).waitFor();
    expect(page.url()).toContain("brush=");
    await page.getByLabel("As a table").click();
    await expect.poll(() => page.getByRole("table").getByRole("row").count()).toBe(within + 1);
    const [svg] = await saved("Save as SVG");
    expect(svg).toMatch(/^<svg .*<path .*stroke="rgb/s);
    expect(svg).not.toMatch(/var\(|light-dark|class=|NaN/);
    const [, png] = await saved("Save as PNG");
    expect(
      readFileSync(await png.path())
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    await from.press("Escape");
    await page.getByText("60 runs", { exact: true }).waitFor();
    const brush = (await page.locator("rect.brush").last().boundingBox())!;
    await page.mouse.move(brush.x + 14, brush.y + 2);
    await page.mouse.down();
    await page.mouse.move(brush.x + 14, brush.y + brush.height / 2, { steps: 4 });
    await page.mouse.up();
    await page.getByText(/^\d+ of 60 runs are within$/).waitFor();

    await page.getByRole("tab", { name: "Scatter" }).click();
    const point = page.locator(".plot a").first();
    await point.focus();
    await page.locator(".said", { hasText: /^#\d+ .+: .+ .+, Test accuracy / }).waitFor();
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate("[...document.querySelectorAll('.plot a')].indexOf(document.activeElement)")).toBe(1);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/runs\/[^?]+$/);
  });

  test("are beside each other with the settings in which they differ, or with all", async () => {
    const { items } = await client.call("listRuns", { query: { limit: 2 } });
    await go("/compare", { ids: items.map(({ id }) => id) });
    const settings = page.getByRole("region", { name: "Settings that differ" });
    await settings.getByRole("row", { name: /learningRate/ }).waitFor();
    expect(await settings.getByRole("row", { name: /training\.batchSize/ }).count()).toBe(0);
    await settings.getByLabel("Also settings in which they agree").click();
    await settings.getByRole("row", { name: /training\.batchSize/ }).waitFor();
    expect(page.url()).toContain("all=true");
  });

  test("have no page that axe finds fault with, wide and light, narrow and dark", async () => {
    const { items } = await client.call("listRuns", { query: { limit: 12 } });
    const ids = encodeURIComponent(JSON.stringify(items.map(({ id }) => id)));
    const filter = encodeURIComponent(JSON.stringify(["tags.team=ads", "metrics.test_accuracy>0.5"]));
    const paths = [
      `/runs?q=run&filter=${filter}&sort=-metrics.test_accuracy`,
      "/runs?group=model",
      `/compare?ids=${ids}`,
      `/compare?ids=${ids}&view=parallel&table=true`,
      `/compare?ids=${ids}&view=scatter`,
    ];
    expect(await faultsOf(page, url, paths)).toEqual([]);
  });
});
