/**
 * `node --conditions=source --import tsx bench/web-runs.ts [--runs 10000]`: the table of runs in a real Chromium, with many of them.
 * Prints the table of `bench/web-runs.md`. Wants `npm run build` before.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Page } from "playwright-core";
import { readConfig } from "../src/server/config.ts";
import { startPlatform } from "../src/server/platform.ts";
import { createClient } from "../src/shared/api/client.ts";
import { manyRuns } from "../test/many-runs.ts";

const { values: flags } = parseArgs({
  options: { runs: { type: "string", default: "10000" }, chromium: { type: "string", default: "/usr/bin/chromium" } },
});
const runs = Number(flags.runs);
const password = "correct horse battery";
const home = mkdtempSync(join(tmpdir(), "trainyard-bench-"));
const config = readConfig({ TRAINYARD_HOME: home, TRAINYARD_LOG_LEVEL: "error" });
const platform = await startPlatform(config, { listen: { host: "127.0.0.1", port: 0 }, workers: 0, what: "the bench" });
const { url } = platform;
const client = createClient({ url, token: platform.machineToken });
const browser = await chromium.launch({ executablePath: flags.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const lines: string[] = [];
const tell = (what: string, measured: string) => {
  console.error(`${what}: ${measured}`);
  lines.push(`| ${what} | ${measured} |`);
};
const ms = (from: number) => `${Math.round(performance.now() - from)} ms`;

/** Milliseconds that each of some requests took, the middle one. */
async function request(times: number, ask: () => Promise<unknown>): Promise<string> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const from = performance.now();
    await ask();
    took.push(performance.now() - from);
  }
  return `${took.sort((a, b) => a - b)[times >> 1]!.toFixed(0)} ms`;
}

/** Scrolls down to the end while each frame is looked at. */
async function scrolled(page: Page, pixelsPerFrame: number): Promise<{ frames: number; late: number; blank: number; rows: number; p99: number }> {
  return page.evaluate(
    `(async () => {
      const grid = document.querySelector("section.grid");
      grid.scrollTop = 0;
      await new Promise((done) => setTimeout(done, 300));
      const times = []; let blank = 0; let rows = 0; let last = performance.now();
      for (;;) {
        await new Promise(requestAnimationFrame);
        const now = performance.now(); times.push(now - last); last = now;
        // After the frame's own work: what is painted next.
        const { top, bottom } = grid.getBoundingClientRect();
        for (let y = top + 60; y < bottom - 20; y += 37) {
          const row = document.elementFromPoint(grid.getBoundingClientRect().left + 200, y)?.closest("tr");
          rows++;
          if (!row?.textContent.trim()) blank++;
        }
        if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 2) break;
        grid.scrollTop += ${pixelsPerFrame};
      }
      times.shift(); times.sort((a, b) => a - b);
      return { frames: times.length, late: times.filter((t) => t > 34).length, blank, rows, p99: times[Math.floor(times.length * 0.99)] };
    })()`,
  );
}

try {
  const seeding = performance.now();
  await manyRuns({ client, kernel: platform.kernel }, runs, 500);
  console.error(`${runs} runs made in ${ms(seeding)}`);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto((await platform.setupLink())!.url);
  await page.getByLabel("Name").fill("root");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button").click();
  await page.getByRole("heading", { name: "Welcome" }).waitFor();

  const metrics = ["test_accuracy", "validation_loss:min"];
  const query = { limit: 500, metrics };
  tell(
    "500 runs by the best of a metric, from the server",
    await request(15, () => client.call("listRuns", { query: { ...query, sort: "-metrics.test_accuracy" } })),
  );
  tell(
    "500 runs that have a word, from the server",
    await request(15, () => client.call("listRuns", { query: { ...query, filter: ["text~speech"] } })),
  );
  tell(
    "all runs in groups, by a tag, with the best of each",
    await request(15, () => client.call("groupRuns", { query: { by: "tags.team", metric: "test_accuracy" } })),
  );
  tell("all runs in groups, by a setting", await request(15, () => client.call("groupRuns", { query: { by: "optimizer.params.learningRate" } })));
  tell("what there is to choose columns from, 502 metrics among it", await request(15, () => client.call("getRunFields", {})));

  const opening = performance.now();
  await page.goto(`${url}/runs`);
  await page.getByRole("row", { name: new RegExp(`run-${runs}`) }).waitFor();
  tell("the page, from its address to the first lines", ms(opening));
  // All are loaded before it is measured how they scroll; what is loaded ahead of who scrolls is a test's matter.
  await page.evaluate(`(async () => { const grid = document.querySelector("section.grid");
    const done = () => [...document.querySelectorAll('[role="status"]')].some((one) => one.textContent.startsWith("${new Intl.NumberFormat("en").format(runs)} runs"));
    while (!done()) { grid.scrollTop = grid.scrollHeight; await new Promise((next) => setTimeout(next, 50)); } })()`);
  tell("all of them read, scrolled to the end as they come", ms(opening));
  for (const lines of [10, 20]) {
    const { frames, late, blank, rows, p99 } = await scrolled(page, lines * 37);
    tell(
      `scrolled ${lines} lines a frame, from the first to the last`,
      `${frames} frames, p99 ${p99.toFixed(0)} ms, ${late} over 34 ms; ${blank} blank of ${rows} lines looked at`,
    );
  }
  const sorting = performance.now();
  await page.getByRole("button", { name: "Sort by Test accuracy" }).click();
  await page.locator('th[aria-sort="descending"]').waitFor();
  await page
    .getByRole("row")
    .nth(1)
    .getByText("0.9999", { exact: true })
    .or(page.getByRole("row").nth(1).getByText("1", { exact: true }))
    .first()
    .waitFor();
  tell("sorted by a metric, from the click to the lines", ms(sorting));
  const menu = performance.now();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByLabel("Find a column").fill("own metric 499");
  await page.getByLabel("Own metric 499", { exact: true }).waitFor();
  tell("a column found among 1,500 of metrics, from the click on the menu", ms(menu));
  const plotting = performance.now();
  await page.goto(`${url}/compare?view=parallel`);
  await page.locator(".plot a").nth(1999).waitFor({ state: "attached" });
  tell("2,000 runs as parallel coordinates, from the address", ms(plotting));

  console.log(
    `${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.versions.node}, Chromium ${browser.version()}, ${runs} runs, database embedded\n`,
  );
  console.log(["| what | measured |", "| --- | --- |", ...lines].join("\n"));
} finally {
  await browser.close();
  await platform.close();
  rmSync(home, { recursive: true, force: true });
}
