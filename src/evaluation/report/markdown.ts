/** The report as GitHub's Markdown: the same words and tables, shorter, and no charts. */
import { type Block, type Section, type Table, textOf } from "./blocks.ts";
import type { ReportFacts } from "./facts.ts";
import { type Room, sectionsOf } from "./sections.ts";
import { markdown } from "./text.ts";

const room: Room = { confusion: 10, pairs: 10, classes: 30, slices: 10, worst: 10, columns: 8, importance: 15 };

export function markdownReport(facts: ReportFacts): string {
  const { run, model, dataset } = facts;
  const about = `${model.title} on ${dataset.name}, by ${run.createdBy}, ${run.createdAt.slice(0, 10)}${run.tags.length ? `. Tags: ${run.tags.join(", ")}` : ""}.`;
  return paragraphs([
    `# ${markdown(run.name)} \\#${run.number}`,
    markdown(about),
    ...(run.note ? [`> ${markdown(run.note)}`] : []),
    ...sectionsOf(facts, room).flatMap(sectionLines),
  ]);
}

export const paragraphs = (texts: readonly string[]): string => `${texts.join("\n\n")}\n`;

/** Its title and what of it can be written; nothing where that is nothing. */
export function sectionLines({ title, blocks }: Section): string[] {
  const written = blocks.flatMap(blockLines);
  return written.length ? [`## ${title}`, ...written] : [];
}

export function blockLines(block: Block): string[] {
  switch (block.kind) {
    case "text":
      return [markdown(block.text)];
    case "findings":
      return list(block.findings.map(({ title, text }) => `- **${markdown(title)}.** ${markdown(text)}`));
    case "pairs":
      return list(block.pairs.map(([name, value]) => `- ${markdown(name)}: ${markdown(value)}`));
    case "steps":
      return list(block.steps.map((step, i) => `${i + 1}. ${markdown(step)}`));
    case "table":
      return tableLines(block);
    case "pictures":
      return list(block.pictures.map(({ caption }) => `- ${markdown(caption)}`));
    // The table of metrics says what tiles say; charts need a page.
    case "tiles":
    case "charts":
      return [];
  }
}

const list = (lines: readonly string[]): string[] => (lines.length ? [lines.join("\n")] : []);

function tableLines({ caption, over, columns, rows }: Table): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const head = columns.map(({ title }, i) => markdown(i === 0 && over ? `${title} \\ ${over}` : title));
  const body = rows.map((row) =>
    line(
      row.map((cell) => {
        const text = markdown(textOf(cell));
        return typeof cell !== "string" && cell.strong && text ? `**${text}**` : text;
      }),
    ),
  );
  return [
    `${markdown(caption)}.`.replace(/\.\.$/, "."),
    [line(head), line(columns.map(({ numeric }) => (numeric ? "--:" : "---"))), ...body].join("\n"),
  ];
}
