/** Chromium, as the machine has it, for tests of pages. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { atEnd } from "./at-end.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
export const available: boolean = executablePath !== undefined;
if (!available) console.warn("Chromium is not there: pages are not tested in a browser");

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
