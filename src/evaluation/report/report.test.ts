/** Reports of runs as the library judges them: what they say, that nothing from outside becomes mark-up, and how the page stands in a browser. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { available, openPage } from "../../../test/browser.ts";
import { type Classified, classification, crossValidated, learnt, regression } from "../../../test/report-facts.ts";
import { modelCard } from "./card.ts";
import { axis } from "./chart.ts";
import type { ReportFacts } from "./facts.ts";
import { findingsOf } from "./findings.ts";
import { htmlReport } from "./html.ts";
import { markdownReport } from "./markdown.ts";
import { html, markdown, number, safePicture } from "./text.ts";

const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const hostile = ["<script>alert(1)</script>", "a|b`c```d", "---\n# x: y", "🦊 \u202Etxt.exe", `"><img src=x onerror=alert(1)>'`];
const flowers = ["setosa", "versicolor", "virginica"];
const many = Array.from({ length: 35 }, (_, i) => `class ${i}`);

/** Everything that a name can be, hostile everywhere. */
function attacked(): ReportFacts {
  const facts = classification({ labels: hostile, counties: hostile });
  const [script, pipe, rule, marks, attribute] = hostile as [string, string, string, string, string];
  const sample = { [script]: attribute, [pipe]: rule };
  return {
    ...facts,
    run: { ...facts.run, name: script, createdBy: attribute, note: rule, tags: hostile },
    dataset: { ...facts.dataset, name: `${pipe}@1`, columns: hostile, target: marks, licence: script },
    model: { id: pipe, title: script, params: { [rule]: attribute } },
    settings: [[pipe, script]],
    preprocessing: hostile,
    metricTitles: { ...facts.metricTitles, accuracy: { title: `${script}${pipe}`, better: "higher" } },
    versions: { [script]: rule },
    crossValidation: { ...crossValidated, group: script },
    evaluation: {
      ...facts.evaluation,
      importance: [{ feature: attribute, mean: 0.1, deviation: 0.01 }],
      worst: facts.evaluation.worst.map((error) => ({ ...error, sample, picture: `${PIXEL}" onload="alert(1)` })),
    },
  };
}

const pictured = (): ReportFacts => {
  const facts = classification({ labels: ["cat", "dog", "fox"] });
  const worst = facts.evaluation.worst.map(({ sample: _, ...error }) => ({ ...error, picture: PIXEL }));
  return { ...facts, dataset: { ...facts.dataset, columns: [] }, evaluation: { ...facts.evaluation, worst, slices: [], importance: [] } };
};
/** Made when the first test asks for it. */
const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
const runs: Readonly<Record<string, () => ReportFacts>> = {
  "two classes": once(() => classification({ labels: ["healthy", "ill"] }, { crossValidation: crossValidated, learningCurve: learnt })),
  "three classes": once(() => classification({ labels: flowers })),
  "35 classes": once(() => classification({ labels: many, rows: 400 })),
  "a value": once(() => regression()),
  pictures: once(pictured),
  "hostile names": once(attacked),
};

describe("findings", () => {
  const titles = (given: Classified) => findingsOf(classification(given)).map(({ title }) => title);

  test("a model that is as good on rows it never saw is better than guessing and not over-fitted", () => {
    const told = titles({ labels: flowers, learnt: 1.8 });
    expect(told).toContain("Better than guessing");
    expect(told).not.toContain("Over-fitted");
  });
  test("one that knows its training rows beyond the interval of the test is over-fitted", () => {
    const [over] = findingsOf(classification({ labels: flowers, learnt: 8 })).filter(({ title }) => title === "Over-fitted");
    expect(over?.text).toMatch(
      /^Accuracy is (1\.0000|0\.99\d\d) on the rows it learnt from and 0\.\d{4} on the test split \(95 %: 0\.\d{4} to 0\.\d{4}\)/,
    );
  });
  test("one that guesses is no better than guessing, whether a metric is better high or low", () => {
    const [first] = findingsOf(classification({ labels: ["healthy", "ill"], skill: 0 }));
    expect(first).toMatchObject({ tone: "warning", title: "No better than guessing" });
    expect(first?.text).toMatch(/Log loss is 0\.\d+ .*0\.6931 without learning/);
    expect(findingsOf(regression(14))[0]).toMatchObject({ title: "No better than guessing" });
    expect(findingsOf(regression(4))[0]).toMatchObject({ title: "Better than guessing" });
  });
  test("few test rows, and a class without any, are said", () => {
    const facts = classification({ labels: flowers, rows: 40 });
    const classes = facts.evaluation.classes!.map((scores, c) => (c === 1 ? { ...scores, support: 0 } : scores));
    const told = findingsOf({ ...facts, evaluation: { ...facts.evaluation, classes } }).map(({ text }) => text);
    expect(told.join("\n")).toContain("measured on 40 rows");
    expect(told.join("\n")).toContain("The test split has no row of “versicolor”.");
  });
});

describe("text", () => {
  test.each([
    [0.96666, "0.9667"],
    [-12.3456, "−12.346"],
    [12345.6, "12,346"],
    [0.00001234, "1.23e−5"],
    [0, "0.0000"],
    [2.5e12, "2.50e12"],
    [undefined, "–"],
  ])("%s is written %s", (value, text) => expect(number(value)).toBe(text));

  test("marks of direction, control characters and halves of pairs are seen; emoji and other scripts stay", () => {
    expect(html("🦊 \u202Etxt\u0000 \ud800 שלום 👩‍🔬")).toBe("🦊 [U+202E]txt[U+0000] [U+D800] שלום 👩‍🔬");
  });
  test.each([
    ["# no title", "\\# no title"],
    ["- no list", "\\- no list"],
    ["1. no list", "1\\. no list"],
    ["a\nb\n---", "a b ---"],
    ["[x](javascript:y) `c` | <b>&amp;", "\\[x\\](javascript:y) \\`c\\` \\| &lt;b&gt;&amp;amp;"],
  ])("Markdown takes %j literally", (text, safe) => expect(markdown(text)).toBe(safe));

  test("a picture is a PNG as data URI or none", () => {
    expect(safePicture(PIXEL)).toBe(PIXEL);
    for (const uri of [`${PIXEL}"`, `${PIXEL}\n`, "data:image/svg+xml;base64,AAAA", "https://a.b/c.png", undefined])
      expect(safePicture(uri)).toBeUndefined();
  });
  test("an axis holds its values between ticks at round numbers, also where all are the same", () => {
    expect(axis("", [3, 97])).toMatchObject({ from: 0, to: 100, ticks: [0, 20, 40, 60, 80, 100] });
    expect(axis("", [-0.3, 0.25])).toMatchObject({ from: -0.4, to: 0.4 });
    for (const values of [[5, 5], [0], [], [Number.NaN], [1e-300, 2e-300], [-1e300, 1e300]]) {
      const { from, to, ticks } = axis("", values);
      expect(from).toBeLessThan(to);
      expect(ticks.length).toBeLessThan(13);
    }
  });
});

describe("Markdown", () => {
  test("every table has as many cells in each line, whatever the names", () => {
    for (const facts of Object.values(runs)) {
      const tables = markdownReport(facts())
        .trim()
        .split("\n\n")
        .filter((text) => text.startsWith("|"));
      expect(tables.length).toBeGreaterThan(2);
      for (const table of tables) {
        const widths = table.split("\n").map((line) => line.replaceAll("\\\\", "").match(/(?<!\\)\|/g)!.length);
        expect(new Set(widths).size).toBe(1);
      }
    }
  });
  test("no HTML, no code and no heading comes from a name", () => {
    const text = markdownReport(runs["hostile names"]!());
    expect(text).not.toMatch(/<[a-z]/i);
    expect(text.replaceAll("\\\\", "")).not.toMatch(/(?<!\\)`/);
    expect(text.match(/^#+ .*$/gm)!.slice(1)).toEqual(expect.not.arrayContaining([expect.stringContaining("x: y")]));
    expect(text).not.toMatch(/^(---|===)/m);
    expect(text).not.toContain("\u202E");
  });
  test("it has the words of the page: metrics, confusion, slices, worst errors, how it was made", () => {
    const text = markdownReport(runs["two classes"]!());
    const titles = text.match(/^## .*$/gm);
    expect(titles).toEqual(
      [
        "Summary",
        "Metrics",
        "Confusion",
        "Classes",
        "Threshold",
        "Slices",
        "Importance of features",
        "Worst errors",
        "Cross-validation",
        "Learning curve",
        "How it was made",
      ].map((t) => `## ${t}`),
    );
    expect(text).toContain("| Truth \\\\ Predicted | healthy | ill |");
    expect(text).toMatch(/\| 0\.\d{4}, best F1 \| \*\*0/);
  });
});

describe("model card", () => {
  const front = (card: string) => parse(card.split(/^---$/m)[1]!);

  test("its front matter is what Hugging Face reads", () => {
    const facts = runs["three classes"]!();
    const card = modelCard(facts);
    const { accuracy } = facts.evaluation.metrics;
    expect(front(card)).toMatchObject({
      library_name: "trainyard",
      tags: ["trainyard", "onnx", "tabular-classification", "baseline", "trees"],
      datasets: ["patients"],
      "model-index": [
        {
          name: "first try",
          results: [
            {
              task: { type: "tabular-classification", name: "Tabular classification" },
              dataset: { type: "patients", name: "patients@3", split: "test", revision: facts.dataset.digest },
              metrics: expect.arrayContaining([{ type: "accuracy", value: accuracy, name: "Accuracy" }]),
            },
          ],
        },
      ],
    });
    expect(card.match(/^## .*$/gm)).toEqual(["## Model", "## Intended use and limits", "## Training and data", "## Evaluation"]);
  });
  test.each([
    ["pictures", "image-classification"],
    ["a value", "tabular-regression"],
  ])("of %s, the task is %s", (name, type) => {
    expect(front(modelCard(runs[name]!()))["model-index"][0].results[0].task.type).toBe(type);
  });
  test("hostile names come back out of the front matter as they went in, and are text in the card", () => {
    const card = modelCard(runs["hostile names"]!());
    const [, yaml, ...text] = card.split(/^---$/m);
    const parsed = parse(yaml!);
    expect(parsed["model-index"][0].name).toBe(hostile[0]);
    expect(parsed.tags.slice(3)).toEqual(hostile);
    expect(text).toHaveLength(1);
    expect(text[0]).not.toMatch(/<[a-z]/i);
  });
});

describe("HTML", () => {
  test("the same facts give the same bytes, and the page asks for nothing", () => {
    const page = htmlReport(runs["two classes"]!());
    expect(htmlReport(runs["two classes"]!())).toBe(page);
    expect(page).not.toMatch(/<script|<link|@import|url\(|https?:/i);
  });
  test("more than 30 classes are shown by the pairs that were confused, more than 10 curves by the worst", () => {
    const page = htmlReport(runs["35 classes"]!());
    expect(page).toContain("Pairs that were confused, the most frequent 20 of");
    expect(page).toContain("ROC, the worst 10 of 35");
  });
  test("a run that was measured alone, without intervals or anything to compare with, has its report too", () => {
    const { intervals: _, train: __, baseline: ___, curves: ____, ...evaluation } = runs["three classes"]!().evaluation;
    const facts = { ...runs["three classes"]!(), evaluation: { ...evaluation, slices: [], worst: [], importance: [] } };
    for (const report of [htmlReport, markdownReport, modelCard]) expect(report(facts)).toMatch(/0\.\d{4}/);
  });
});

describe.skipIf(!available)("in a browser", () => {
  test.each(Object.entries(runs))(
    "the page of %s says no error, asks for nothing, fits a telephone, and can be read without eyes",
    async (_, facts) => {
      const page = await openPage({ viewport: { width: 390, height: 844 } });
      const requests: string[] = [];
      page.on("request", (request) => request.url().startsWith("data:") || requests.push(request.url()));
      page.on("dialog", (dialog) => requests.push(dialog.message()));
      await page.setContent(htmlReport(facts()));
      await page.waitForLoadState("networkidle");
      const seen = (await page.evaluate(`({
      overflow: document.documentElement.scrollWidth - innerWidth,
      scripts: document.querySelectorAll("script, [onerror], [onload], iframe, link").length,
      levels: [...document.querySelectorAll("h1, h2, h3, h4")].map((h) => Number(h.tagName[1])),
      heads: [...document.querySelectorAll("th")].filter((th) => !th.scope || !th.textContent).length,
      tables: [...document.querySelectorAll("table")].filter((table) => !table.caption?.textContent).length,
      pictures: [...document.querySelectorAll("img")].filter((img) => !img.alt || !img.naturalWidth).length,
      charts: [...document.querySelectorAll("svg:not([aria-hidden])")].filter((svg) => svg.getAttribute("role") !== "img" || !svg.querySelector("title").textContent).length,
      ids: [...document.querySelectorAll("[id]")].length - new Set([...document.querySelectorAll("[id]")].map(({ id }) => id)).size,
      dangling: [...document.querySelectorAll("[aria-labelledby]")].filter((e) => e.getAttribute("aria-labelledby").split(" ").some((id) => !document.getElementById(id))).length,
      bad: [...document.querySelectorAll("path")].filter((path) => /NaN|undefined|Infinity/.test(path.getAttribute("d"))).length,
    })`)) as { levels: number[] };
      const { levels, ...faults } = seen;
      expect(faults).toEqual({ overflow: 0, scripts: 0, heads: 0, tables: 0, pictures: 0, charts: 0, ids: 0, dangling: 0, bad: 0 });
      expect(levels.filter((level, i) => level > (levels[i - 1] ?? 0) + 1)).toEqual([]);
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      expect(requests).toEqual([]);
      expect(page.complaints).toEqual([]);
      await page.context().close();
    },
  );

  test.each(["light", "dark"] as const)(
    "in the %s scheme all text has a contrast of 4.5, shaded cells too, and series one of 3",
    async (colorScheme) => {
      const page = await openPage({ colorScheme });
      await page.setContent(htmlReport(runs["three classes"]!()));
      const low = await page.evaluate(`(() => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const over = (...colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
      };
      const luminance = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const contrast = (a, b) => { const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y); return (high + 0.05) / (low + 0.05); };
      const backs = (e) => e ? [...backs(e.parentElement), getComputedStyle(e).backgroundColor] : [];
      const texts = [...document.body.querySelectorAll("*")].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && !e.closest("desc, title"));
      const lines = [...document.querySelectorAll("figure path[class^=s], figure path.axis, figure path.guide")];
      const faint = (e, property, least) => { const under = backs(e); return contrast(over(...under, getComputedStyle(e)[property]), over(...under)) < least; };
      return [
        ...texts.filter((e) => faint(e, e.namespaceURI.endsWith("svg") ? "fill" : "color", 4.5)),
        ...lines.filter((e) => faint(e, "stroke", 3)),
      ].map((e) => e.outerHTML.slice(0, 80));
    })()`);
      expect(low).toEqual([]);
      await page.context().close();
    },
  );
});
