/**
 * `node --conditions=source --import tsx bench/web.ts`: the page of a run in Chromium while 100,000 points of four measures come in by the worker protocol,
 * at most four reports a second. Prints the table of `bench/web.md`: times between frames, and tasks that kept the page for longer than 50 ms.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chromium, type Page } from "playwright-core";
import { createClient } from "../src/shared/api/client.ts";
import { machineTokens, quantile } from "./platform/measure.ts";
import { printTable } from "./platform/report.ts";
import { serve } from "./platform/server.ts";

const { values: flags } = parseArgs({
  options: { points: { type: "string", default: "100000" }, main: { type: "string", default: "dist/cli/main.js" } },
});
const points = Number(flags.points);
/** As trainings name them: a chart for each pair. */
const measures = ["loss", "accuracy", "learning_rate", "samples_per_second"] as const;
const EACH = 2000;
const REPORTS_A_SECOND = 4;
const PASSWORD = "correct horse battery";

/** Begins to note frames and long tasks in the page. */
const watch = `(() => {
  window.frames_ = []; window.long_ = [];
  new PerformanceObserver((list) => window.long_.push(...list.getEntries().map(({ duration }) => duration))).observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const frame = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
})()`;
const taken = "(() => { const noted = [window.frames_, window.long_]; window.frames_ = []; window.long_ = []; return noted; })()";

async function phase(page: Page, what: string, work: () => Promise<unknown>) {
  await page.evaluate(taken);
  await work();
  const [frames, long] = (await page.evaluate(taken)) as [number[], number[]];
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const late = frames.filter((time) => time > 1.5 * (1000 / 60)).length;
  return {
    what,
    measured: `${ms(quantile(frames, 0.5))}, ${ms(quantile(frames, 0.99))}, ${ms(Math.max(...frames))}`,
    note: `${frames.length} frames, ${late} dropped one; ${long.length} tasks over 50 ms${long.length ? `, longest ${ms(Math.max(...long))}` : ""}`,
  };
}

const main = resolve(flags.main);
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
if (!executablePath || !existsSync(main)) {
  console.error(executablePath ? `there is no ${main}: npm run build makes it` : "there is no Chromium");
  process.exit(2);
}
const home = mkdtempSync(join(tmpdir(), "trainyard-bench-"));
const server = await serve({ main, home });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const { url } = server;
  const as = (token?: string) => createClient({ url, token });
  const owner = as(machineTokens.get(url));
  const { url: link } = await owner.call("inviteUser", { body: { role: "admin" } });
  await as().call("useLink", { body: { link: new URL(link).hash.slice(1), name: "root", password: PASSWORD } });
  const run = await owner.call("createRun", { body: { dataset: { id: "iris" }, training: { epochs: 1000 } } });
  const worker = { id: randomUUID(), name: "bench", labels: [], slots: 1, version: "0.1.0", platform: "bench" };
  const job = (await as(server.token).call("claimJob", { body: { worker, wait: 5 } })).job!;
  const reporter = as(job.key);
  let [sequence, step] = [0, 0];
  const report = async (each: number) => {
    const steps = Array.from({ length: each }, (_, i) => step + i);
    step += each;
    const progress = { epoch: 1, epochs: 1000, step, stepsPerEpoch: 10 * points, update: step, secondsLeft: 60 };
    const noisy = (at: number) => Math.exp(-at / points) + 0.2 * Math.random();
    const series = measures.map((name) => ({ series: name, steps, values: steps.map(noisy) }));
    await reporter.call("report", { params: { id: job.id }, body: { token: job.token, sequence: ++sequence, progress, points: series } });
  };
  const reports = async (times: number, each: number) => {
    for (let i = 0; i < times; i++) await Promise.all([report(each), sleep(1000 / REPORTS_A_SECOND)]);
  };

  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${url}/login`);
  await page.getByLabel("Name").fill("root");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button").click();
  await page.getByText("Signed in as root").waitFor({ state: "attached" });
  await page.goto(`${url}/runs/${run.id}`);
  await report(10);
  await page.getByRole("img", { name: /^Loss: / }).waitFor();
  await page.evaluate(watch);

  const rows = [
    await phase(page, `${points.toLocaleString("en")} points of each of four measures come in`, () => reports(points / EACH, EACH)),
    await phase(page, "with all of them there, 50 more of each a report", () => reports(40, 50)),
    await phase(page, "the same while the mouse goes over a chart", async () => {
      const coming = reports(20, 50);
      const box = (await page.getByRole("img", { name: /^Loss: / }).boundingBox())!;
      for (let i = 0; i < 250; i++) {
        await page.mouse.move(box.x + 60 + ((i * 7) % (box.width - 80)), box.y + 100);
        await sleep(20);
      }
      await coming;
    }),
    await phase(page, "a stretch is zoomed to, smoothed, and the whole shown again", async () => {
      const box = (await page.getByRole("img", { name: /^Loss: / }).boundingBox())!;
      await page.mouse.move(box.x + 200, box.y + 100);
      await page.mouse.down();
      await page.mouse.move(box.x + 260, box.y + 100, { steps: 10 });
      await page.mouse.up();
      await page.getByLabel("Smooth").first().click({ force: true });
      await reports(8, 50);
      await page.getByRole("button", { name: "Whole range" }).click();
      await reports(4, 50);
    }),
  ];
  printTable("Frames: median, 99 %, longest", rows);
} finally {
  await browser.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}
