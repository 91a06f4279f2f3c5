/** Chromium, as the machine has it, for tests of pages. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { atEnd } from "./at-end.ts";
import { password } from "./platform.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
export const available: boolean = executablePath !== undefined;
if (!available) console.warn("Chromium is not there: pages are not tested in a browser");

/** Whether the web application was compiled, as `npm test` does before. */
export const built: boolean = existsSync("dist/web/index.html");

/** Resolves when someone who has just signed in is where that leads. */
export const signedInAs = (page: Page, name: string): Promise<void> =>
  page.getByText(built ? `Signed in as ${name}` : `You are signed in as ${name}.`).waitFor({ state: "attached" });

let browser: Promise<Browser> | undefined;

/** What a page said that a page should not: errors of its scripts, violations of the policy, requests that failed. */
export interface Watched extends Page {
  readonly complaints: string[];
}

/** A page of someone who was never here before. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Watched> {
  if (!browser) {
    const args = [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A camera that shows a moving picture, and nobody to ask whether it may be used.
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ];
    browser = chromium.launch({ executablePath, args });
    atEnd(async () => (await browser!).close());
  }
  const page = await (await (await browser).newContext(options)).newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return Object.assign(page, { complaints });
}

/** A page of the application of someone who has signed in, by the form as a person would. */
export async function pageOf({ url }: { readonly url: string }, name = "root", options: BrowserContextOptions = {}): Promise<Watched> {
  const page = await openPage(options);
  await page.goto(`${url}/login`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button").click();
  await signedInAs(page, name);
  return page;
}

/** What axe finds against WCAG 2.2 AA, in a few words each. */
export async function complaintsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source); // the page's policy refuses elements, not the debugger
  return page.evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 200) + " " + failureSummary)))`);
}

/** What takes a moment to look as it should has done so. */
const settled = `new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)).then(() => Promise.race([
  Promise.allSettled(document.getAnimations().map(({ finished }) => finished)), new Promise((done) => setTimeout(done, 1000))]))`;

/** Wide and light, narrow and dark. */
const views = [
  { colorScheme: "light", width: 1440 },
  { colorScheme: "dark", width: 390 },
] as const;
/** What is between them, for whoever wants to look at pages. */
const others = [
  { colorScheme: "light", width: 390 },
  { colorScheme: "dark", width: 1440 },
] as const;

/**
 * What no page may have: see complaintsOf, and what is wider than the screen.
 * With a folder in TRAINYARD_PICTURES a picture of each page is left there, of each width and colour scheme.
 */
export async function faultsOf(page: Page, url: string, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const pictures = process.env.TRAINYARD_PICTURES;
  for (const path of paths) {
    await page.goto(url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    for (const { colorScheme, width } of pictures ? [...views, ...others] : views) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      await page.evaluate(settled);
      const where = `${colorScheme} ${width} ${path}`;
      if (pictures) await page.screenshot({ path: join(pictures, `${where.replace(/[^\w=-]+/g, "_").slice(0, 150)}.png`), fullPage: true });
      found.push(...(await complaintsOf(page)).map((text) => `${where}: ${text}`));
      const wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      if ((wider as number) > 0) found.push(`${where}: is ${wider} pixels wider than the screen`);
    }
  }
  return found;
}
