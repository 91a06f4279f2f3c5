/** The report as one page that opens anywhere: no script, no request, its style and charts inside. */
import { type Block, type Cell, type Picture, type Section, type Table, textOf } from "./blocks.ts";
import { type Chart, strokeOf, svg } from "./chart.ts";
import type { ReportFacts } from "./facts.ts";
import { type Room, sectionsOf } from "./sections.ts";
import { style } from "./style.ts";
import { html } from "./text.ts";

const room: Room = { confusion: 30, pairs: 20, classes: 100, slices: 40, worst: 25, columns: 12, importance: 30 };
/** What the page may load, which is nothing, whoever opens it from where. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export function htmlReport(facts: ReportFacts): string {
  const { run, model, dataset } = facts;
  const sections = sectionsOf(facts, room);
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="generator" content="Trainyard">`,
    `<title>${html(run.name)} #${run.number}: evaluation</title><style>${style}</style></head><body>`,
    `<header><h1>${html(run.name)} <span>#${run.number}</span></h1>`,
    `<p>${html(model.title)} on ${html(dataset.name)}, by ${html(run.createdBy)}, <time datetime="${html(run.createdAt)}">${html(run.createdAt.slice(0, 10))}</time></p>`,
    run.note ? `<p class="note">${html(run.note)}</p>` : "",
    run.tags.length ? `<ul class="tags" aria-label="Tags">${items(run.tags)}</ul>` : "",
    "</header>",
    `<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${html(title)}</a></li>`).join("")}</ul></nav>`,
    `<main>${sections.map(section).join("\n")}</main>`,
    "<footer>Measured on the test split, which training never saw. Intervals hold 95 % of the values over resamples of its rows. Made by Trainyard.</footer>",
    "</body></html>\n",
  ].join("\n");
}

const items = (texts: readonly string[]): string => texts.map((text) => `<li>${html(text)}</li>`).join("");

const section = ({ id, title, blocks }: Section): string =>
  `<section aria-labelledby="${id}"><h2 id="${id}">${html(title)}</h2>${blocks.map((block, i) => draw(block, `${id}-${i}`)).join("\n")}</section>`;

const TONES = { good: "good", warning: "warning", note: "plain" } as const;

function draw(block: Block, id: string): string {
  switch (block.kind) {
    case "text":
      return `<p>${html(block.text)}</p>`;
    case "findings":
      return `<ul class="findings">${block.findings.map(({ tone, title, text }) => `<li class="${TONES[tone]}"><strong>${html(title)}.</strong> ${html(text)}</li>`).join("")}</ul>`;
    case "tiles":
      return `<dl class="tiles">${block.tiles.map((tile) => `<div><dt>${html(tile.title)}</dt><dd>${html(tile.value)}</dd><dd>${html(tile.below)}</dd></div>`).join("")}</dl>`;
    case "pairs":
      return `<dl class="pairs">${block.pairs.map(([name, value]) => `<dt>${html(name)}</dt><dd>${html(value)}</dd>`).join("")}</dl>`;
    case "steps":
      return `<ol>${items(block.steps)}</ol>`;
    case "table":
      return tableOf(block, id);
    case "charts":
      return `<div class="charts">${block.charts.map((chart, i) => figure(chart, `${id}-${i}`)).join("\n")}</div>`;
    case "pictures":
      return `<div class="pictures">${block.pictures.map(picture).join("")}</div>`;
  }
}

/** A table wider than the screen scrolls in itself, also by keys. */
function tableOf({ caption, over, columns, rows }: Table, id: string): string {
  const side = columns.map(({ numeric }) => (numeric ? ' class="n"' : ""));
  const above = over ? `<tr><td></td><th class="over" scope="colgroup" colspan="${columns.length - 1}">${html(over)}</th></tr>` : "";
  const head = columns.map(({ title }, i) => `<th scope="col"${side[i]}>${html(title)}</th>`).join("");
  const body = rows.map(
    (row) => `<tr>${row.map((one, i) => (i ? cell(one, columns[i]?.numeric) : `<th scope="row">${html(textOf(one))}</th>`)).join("")}</tr>`,
  );
  return [
    `<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-c"><table><caption id="${id}-c"><span>${html(caption)}</span></caption>`,
    `<thead>${above}<tr>${head}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`,
  ].join("");
}

function cell(one: Cell, numeric = false): string {
  const text = html(textOf(one));
  if (typeof one === "string") return `<td${numeric ? ' class="n"' : ""}>${text}</td>`;
  const shown = one.strong ? `<strong>${text}</strong>` : text;
  if (one.bar !== undefined) return `<td class="n"><div class="bar"><i style="--amount:${one.bar.toFixed(3)}"></i>${shown}</div></td>`;
  if (one.shade) return `<td class="n ${one.shade.right ? "right" : "wrong"}" style="--amount:${one.shade.amount.toFixed(3)}">${shown}</td>`;
  return `<td${numeric ? ' class="n"' : ""}>${shown}</td>`;
}

function figure(chart: Chart, id: string): string {
  const sample = (stroke: string) => `<svg viewBox="0 0 40 12" aria-hidden="true"><path ${stroke} d="M0 6H40"/></svg>`;
  const names = chart.series.map(({ as, label }, i) => `<li>${as === "bars" || as === "dots" ? "" : sample(strokeOf(i))}${html(label)}</li>`);
  const guide = chart.guide ? `<li>${sample('class="guide"')}${html(chart.guide.label)}</li>` : "";
  return `<figure><h3>${html(chart.title)}</h3>${svg(chart, id)}<figcaption><ul class="legend">${names.join("")}${guide}</ul></figcaption></figure>`;
}

const picture = ({ uri, alt, caption }: Picture): string =>
  `<figure><img src="${uri}" alt="${html(alt)}"><figcaption>${html(caption)}</figcaption></figure>`;
