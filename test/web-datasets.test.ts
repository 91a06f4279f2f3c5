/** Datasets in a real browser: brought in over a connection that is lost, looked into, compared, prepared. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { DatasetView } from "../src/shared/api/schemas.ts";
import { npy } from "./arrays.ts";
import { available, built, faultsOf, openPage, pageOf, type Watched } from "./browser.ts";
import { pngs, temporary } from "./pictures.ts";
import { password, register, sha256, startTestPlatform } from "./platform.ts";
import { zipOf } from "./zip.ts";

const PIECE = 4 * 2 ** 20;
const folder = temporary();
const names = { html: "<b>cat", rtl: "\u202eevil", emoji: "🏠 house" };

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
};
/** A black picture of so many pixels a side, one bit each: small as a file, large as a picture. */
function huge(side: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(new Uint8Array(side * (1 + Math.ceil(side / 8))), { level: 1 });
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", new Uint8Array())]);
}

/** A table of more than two pieces. */
function largeTable(): string {
  const line = (i: number) => `${i},${i % 7},${i % 2 ? names.html : names.emoji},${"x".repeat(1000)}${i},${(i % 7) * 2}\n`;
  const path = join(folder, "large table.csv");
  writeFileSync(path, `id,code,${names.rtl},text,value\n${Array.from({ length: 10_000 }, (_, i) => line(i)).join("")}`);
  return path;
}

async function picturesZip(): Promise<string> {
  const paths = [names.html, names.rtl, names.emoji].flatMap((label) => Array.from({ length: 12 }, (_, i) => `${label}/${i}.png`));
  const path = join(folder, "odd pictures.zip");
  writeFileSync(path, zipOf({ ...(await pngs(...paths)), [`${names.emoji}/huge.png`]: huge(20_000) }));
  return path;
}

describe.skipIf(!available || !built)("datasets in the web application", async () => {
  const platform = await startTestPlatform({ workers: 1 });
  const { url, client } = platform;
  const found = new Map<string, DatasetView>();
  const ready = (name: string): Promise<DatasetView> => {
    const find = async () => (await client.call("listDatasets", { query: { name } })).items[0];
    return expect
      .poll(async () => (await find())?.state)
      .toBe("ready")
      .then(async () => (await find())!);
  };
  const choose = (page: Page, path: string) => page.locator('input[type="file"]').setInputFiles(path);

  beforeAll(async () => {
    const page = await openPage();
    await page.goto((await platform.setupLink())!.url);
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button").click();
    await page.getByRole("button", { name: "Train a first model" }).waitFor();
    await page.context().close();
  });

  describe("a table that is brought in", () => {
    let page: Watched;
    const path = largeTable();

    test("goes on where it was when the page was closed, and by itself when the connection comes back", async () => {
      const offsets: number[] = [];
      const pieceAt = (of: Page) =>
        of.on("request", (request) => {
          const [, offset] = /\/pieces\/(\d+)$/.exec(request.url()) ?? [];
          if (offset) offsets.push(Number(offset));
        });
      const first = await pageOf(platform);
      await first.goto(`${url}/datasets`);
      await first.route(`**/pieces/${PIECE}`, (route) => route.abort());
      pieceAt(first);
      await choose(first, path);
      await first.getByRole("button", { name: "Add it" }).click();
      await first.getByText("The connection is lost.").waitFor();
      await first.context().close();
      expect(offsets).toEqual([0, PIECE]);

      page = await pageOf(platform);
      await page.goto(`${url}/datasets`);
      pieceAt(page);
      let lost = false;
      await page.route(`**/pieces/${PIECE}`, async (route) => {
        if (lost) return route.continue();
        lost = true;
        await page.context().setOffline(true);
        await route.abort("internetdisconnected");
      });
      await choose(page, path);
      await page.getByLabel("Name").fill("<b>large</b>");
      await page.getByText("must be letters, digits, space").waitFor();
      expect(await page.getByRole("button", { name: "Add it" }).isDisabled()).toBe(true);
      await page.getByLabel("Name").fill("large");
      await page.getByRole("button", { name: "Add it" }).click();
      await page.getByText("The connection is lost.").waitFor();
      expect(await page.getByRole("progressbar", { name: /^Uploading, [34]\d %$/ }).count()).toBe(1);
      await page.context().setOffline(false);
      await page.getByText("What was found").first().waitFor();
      expect(offsets.slice(2)).toEqual([PIECE, PIECE, 2 * PIECE]);
    });

    test("is shown before it is imported, set right, and what was typed outlives a reload", async () => {
      await page.getByRole("combobox", { name: "What to predict" }).click();
      await page.getByRole("option", { name: "code" }).click();
      await page.getByRole("combobox", { name: "Type of text" }).click();
      await page.getByRole("option", { name: "leave out" }).click();
      await page.getByLabel("Test fraction").fill("2");
      await page.reload();
      await page.getByRole("button", { name: "Import" }).click();
      await page.getByText(/testFraction must be .*but is 2/).waitFor();
      await page.getByLabel("Test fraction").fill("0.5");
      await page.getByRole("button", { name: "Import" }).click();
      await page.getByRole("tab", { name: "Records" }).waitFor();
      const { facts } = await ready("large");
      expect(facts).toMatchObject({ target: "code", labels: ["0", "1", "2", "3", "4", "5", "6"] });
      expect(facts!.records.test / 10_000).toBeCloseTo(0.5, 2);
      expect(facts!.columns.map(({ name }) => name)).not.toContain("text");
    });

    test("is looked into by split, class and text, a page at a time, its names shown as text", async () => {
      await page.getByText(/^1 to 50 of [34],\d{3}$/).waitFor();
      expect(await page.getByRole("columnheader").allTextContents()).toContain(names.rtl);
      await page.getByText(/^Test \(5,0/).click();
      await page.getByRole("combobox", { name: "Class" }).click();
      await page.getByRole("option", { name: "3", exact: true }).click();
      await page.getByLabel("Search in the rows").fill(names.html.toUpperCase());
      await expect.poll(async () => new Set(await page.locator("tbody tr td:nth-child(4)").allTextContents())).toEqual(new Set([names.html]));
      await page.getByRole("button", { name: "Next page" }).click();
      await page.getByText(/^51 to 100 of /).waitFor();
      expect(new Set(await page.locator("tbody tr td:nth-child(3)").allTextContents())).toEqual(new Set(["3"]));
      await page.reload(); // the address says it all
      await page.getByText(/^51 to 100 of /).waitFor();
      expect(page.complaints.filter((text) => !/ERR_FAILED|DISCONNECTED|422/.test(text))).toEqual([]);
    });
  });

  test("pictures that are dropped are shown by class, a picture of 20,000 pixels a side is told of, and names are text", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/datasets`);
    await page.getByRole("button", { name: "Choose a file" }).waitFor();
    const path = await picturesZip();
    await choose(page, path);
    await page.getByRole("button", { name: "Add it" }).click();
    await page.getByText("What was found").first().waitFor();
    await page.getByRole("button", { name: "Import" }).click();
    const pictures = page.locator(".pictures li");
    await pictures.first().waitFor();
    found.set("pictures", await ready("odd pictures"));
    const { labels, records } = found.get("pictures")!.facts!;
    expect([labels.toSorted(), await pictures.count()]).toEqual([Object.values(names).toSorted(), records.train]);
    await page.getByLabel("Search by class or number").fill("CAT");
    await expect.poll(async () => new Set(await pictures.allTextContents())).toEqual(new Set([names.html]));
    const picture = pictures.first().locator("img");
    await expect.poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBeGreaterThan(0);
    await pictures.first().getByRole("button").click();
    await page
      .getByRole("dialog", { name: /^Picture \d+$/ })
      .getByText(names.html)
      .waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Statistics" }).click();
    await page.getByRole("region", { name: "Pictures" }).getByText("huge.png").waitFor();
    await page.goto(`${url}/datasets?q=odd`);
    await page.locator(".thumbnails img").first().waitFor();
    expect(await page.getByRole("heading", { level: 3 }).allTextContents()).toEqual(["odd pictures"]);
    expect(page.complaints).toEqual([]);
  });

  test("files that are dropped anywhere on the page are added", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/datasets`);
    await page.getByRole("button", { name: "Choose a file" }).waitFor();
    await page.evaluate(`{
      const transfer = new DataTransfer();
      transfer.items.add(new File(["a,b\\n1,x\\n2,y\\n"], "dropped.csv"));
      for (const type of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }`);
    await page.getByRole("form", { name: "Adding dropped" }).waitFor();
    await page.getByRole("button", { name: "Take back" }).click();
    await page.getByRole("form", { name: "Adding dropped" }).waitFor({ state: "detached" });
  });

  test("how far a version is from the one before is said in words", async () => {
    const table = (shift: number, kinds: readonly string[]) =>
      `size,kind,y\n${Array.from({ length: 300 }, (_, i) => `${(i % 50) + shift},${kinds[i % kinds.length]},${i % 2}`).join("\n")}\n`;
    await register(platform, "drifting", table(0, ["a", "b"]));
    await ready("drifting");
    await register(platform, "drifting", table(40, ["a", names.rtl]));
    await expect.poll(async () => (await client.call("getDataset", { params: { id: "drifting@2" } })).state).toBe("ready");
    const dataset = await client.call("getDataset", { params: { id: "drifting" } });
    found.set("drifting", dataset);
    const page = await pageOf(platform);
    await page.goto(`${url}/datasets/${dataset.id}?tab=versions`);
    const drift = page.getByRole("region", { name: "From version 1 to version 2" });
    const row = drift.getByRole("row", { name: /^size/ });
    expect(await row.textContent()).toMatch(/strongly shifted.*mean 24\.5 → 64\.5; median/);
    expect(await drift.getByRole("row", { name: /^kind/ }).textContent()).toContain(names.rtl);
    await page.getByLabel("Note on this version").fill("a new <i>sensor</i>");
    await page.getByRole("button", { name: "Save" }).click();
    await expect.poll(async () => (await client.call("getDataset", { params: { id: "drifting" } })).note).toBe("a new <i>sensor</i>");
    expect(page.complaints).toEqual([]);
  });

  test("steps of preprocessing are added, moved by keyboard and by mouse, removed, shown at work, and taken along to a training", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/datasets/${found.get("drifting")!.id}?tab=preprocessing`);
    const titles = () => page.locator(".steps h3").allTextContents();
    await page.getByRole("button", { name: "Remove all steps" }).click();
    await page.getByText(/column "kind" holds categories at the end/).waitFor();
    for (const title of ["Standardise", "One-hot"]) {
      await page.getByRole("combobox", { name: "Add a step" }).click();
      await page.getByRole("option", { name: title, exact: true }).click();
    }
    const effect = page.getByRole("region", { name: "What they do" });
    await effect.getByRole("columnheader", { name: "kind=a" }).waitFor();
    await page.getByRole("button", { name: "Move One-hot up" }).focus();
    await page.keyboard.press("Enter");
    expect(await titles()).toEqual(["1. One-hot", "2. Standardise"]);
    await page.getByText("One-hot is now step 1 of 2").waitFor({ state: "attached" });
    // Indicators are standardised too, now that they come first.
    await expect.poll(async () => await effect.getByRole("cell").allTextContents()).not.toContain("0");
    await page.locator(".handle").first().dragTo(page.locator(".steps li").last());
    await expect.poll(titles).toEqual(["1. Standardise", "2. One-hot"]);
    await page.getByRole("combobox", { name: "Columns" }).first().click();
    await page.getByRole("option", { name: "kind", exact: true }).click();
    await page.getByText(/kind/).and(page.locator(".bad, [class*=error]")).first().waitFor();
    await page.getByRole("button", { name: "Remove Standardise" }).click();
    await expect.poll(titles).toEqual(["1. One-hot"]);
    await page.getByRole("link", { name: "Train with these steps" }).click();
    await page.getByRole("button", { name: "Preprocessing" }).click();
    await expect.poll(titles).toEqual(["1. One-hot"]);
    expect(new URL(page.url()).searchParams.get("dataset")).toBe("drifting@2");
  });

  test("pictures are shown after each step, and twenty thousand classes a part at a time", async () => {
    const page = await pageOf(platform);
    await page.goto(`${url}/datasets/${found.get("pictures")!.id}?tab=preprocessing`);
    await page.getByRole("img", { name: "After 1. Normalise, Sample 1" }).waitFor();

    const classes = 20_000;
    const arrays = {
      "x.npy": npy([2 * classes, 1], new Float32Array(2 * classes)),
      "y.npy": npy(
        [2 * classes],
        Int32Array.from({ length: 2 * classes }, (_, i) => i % classes),
      ),
    };
    const files = [];
    for (const [name, content] of Object.entries(arrays)) {
      await client.upload("uploadBlob", { params: { sha256: sha256(content) } }, content);
      files.push({ name, sha256: sha256(content), size: content.length });
    }
    await client.call("registerDataset", { body: { name: "many", source: { id: "arrays", params: { task: "classification" } }, files } });
    const many = await ready("many");
    expect(many.facts!.labels.length).toBe(classes);
    await page.goto(`${url}/datasets/${many.id}?tab=statistics`);
    await page.getByText("50 of 20,000 classes").waitFor();
    expect(await page.getByRole("row").count()).toBeLessThan(100);
    await page.getByLabel("Search classes").fill("1999");
    await page.getByText("12 of 12 classes").waitFor();
    await page.getByRole("link", { name: "19999", exact: true }).click();
    await page.getByText(/^1 to [12] of [12]$/).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("have no page that axe finds fault with, wide and light, narrow and dark", async () => {
    const page = await pageOf(platform);
    const [pictures, table] = [found.get("pictures")!.id, found.get("drifting")!.id];
    const paths = [
      "/datasets",
      `/datasets/${pictures}`,
      `/datasets/${pictures}?tab=preprocessing`,
      `/datasets/${table}?tab=statistics`,
      `/datasets/${table}?tab=preprocessing`,
      `/datasets/${table}?tab=versions`,
    ];
    expect(await faultsOf(page, url, paths)).toEqual([]);
  });
});
