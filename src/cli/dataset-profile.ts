/** What is known of data, as a terminal shows it: the preview of files, the profile of a snapshot. `datasets profile` shows the latter. */
import type { Command } from "commander";
import { printable } from "../shared/errors.ts";
import { type ColumnProfile, type Preview, type Profile, quantileShares } from "../shared/profile.ts";
import { add, answer, verb } from "./command.ts";
import { digits, percent, thousands } from "./output.ts";
import { type Column, pairs, table } from "./table.ts";

export function registerProfile(datasets: Command, datasetArgument: string): void {
  add(datasets, "profile", "tell what is known of the data: columns, classes, duplicates, warnings")
    .argument("<dataset>", datasetArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const profile = await client.call("getProfile", { params: { id: name } });
        return answer(profile, () => profileText(profile));
      }),
    );
}

const paragraphs = (parts: readonly (string | undefined)[]): string => parts.filter((part) => part).join("\n\n");
/** What others wrote must not steer the terminal. */
const safe = (text: string): string => printable(text);

// --- previews ---

/** Rows of a preview that are shown. */
const SHOWN_ROWS = 5;

export function previewText(preview: Preview): string {
  const { format, records, estimated, columns, target, rows, classes, pictureShape, problems } = preview;
  const found = [
    format.name,
    format.encoding,
    format.delimiter && `cells end with ${JSON.stringify(format.delimiter)}`,
    format.header === false && "no header",
  ];
  const facts = pairs([
    ["found", found.filter(Boolean).join(", ")],
    ["records", `${estimated ? "about " : ""}${thousands(records)}`],
    ["target", target && `${safe(target.name)} (${target.task}): ${target.why}`],
    ["pictures", pictureShape && `brought to ${pictureShape.join(" x ")}`],
  ]);
  const texts = problems.map(({ where, message, fix }) => `${safe(where)}: ${safe(message)}\n  ${safe(fix)}`);
  const sample = rows.slice(0, SHOWN_ROWS);
  return paragraphs([
    texts.length ? `problems:\n${texts.join("\n")}` : undefined,
    facts,
    columns.length ? table(previewColumns, columns) : undefined,
    classes?.length ? classBars(classes) : undefined,
    columns.length && sample.length
      ? table(
          columns.map(({ name }, c): Column<Preview["rows"][number]> => ({ title: safe(name), cell: (row) => row[c] ?? "" })),
          sample,
        )
      : undefined,
  ]);
}

const previewColumns: readonly Column<Preview["columns"][number]>[] = [
  { title: "column", cell: (c) => c.name },
  { title: "type", cell: (c) => c.type },
  { title: "missing", cell: (c) => c.missing || "", right: true },
  { title: "distinct", cell: (c) => thousands(c.distinct), right: true },
  { title: "examples", cell: (c) => c.examples.join(", ") },
];

// --- profiles ---

export function profileText(profile: Profile): string {
  const { records, columns, classes, pictures, duplicates, warnings } = profile;
  const { train, validation, test } = records;
  return paragraphs([
    warnings.map(({ message, fix }) => `! ${safe(message)}\n  ${safe(fix)}`).join("\n"),
    pairs([
      ["records", `${thousands(train)} to train on, ${validation ? `${thousands(validation)} to choose by, ` : ""}${thousands(test)} to test`],
      ["duplicates", duplicates && duplicatesText(duplicates)],
      ...(pictures ? pictureFacts(pictures) : []),
    ]),
    classes?.length ? classBars(classes.map((c) => ({ label: c.label, count: c.train + c.validation + c.test }))) : undefined,
    columns?.length ? table(profileColumns, columns) : undefined,
    pictures?.broken.length ? `left out:\n${pictures.broken.map(({ file, why }) => `${safe(file)}: ${safe(why)}`).join("\n")}` : undefined,
  ]);
}

function duplicatesText({ exact, near, acrossSplits }: NonNullable<Profile["duplicates"]>): string {
  const alike = near === undefined ? "" : `, ${thousands(near)} that look alike`;
  return `${thousands(exact)} like an earlier one${alike}, ${thousands(acrossSplits)} of them in another split than training`;
}

function pictureFacts({ sizes, channels, formats, mean, deviation }: NonNullable<Profile["pictures"]>): (readonly [string, string])[] {
  const several = <T extends { count: number }>(all: readonly T[], show: (one: T) => string) =>
    all
      .slice(0, 5)
      .map((one) => `${thousands(one.count)} ${show(one)}`)
      .join(", ") + (all.length > 5 ? `, ${all.length - 5} more` : "");
  return [
    ["sizes", several(sizes, ({ width, height }) => `of ${width} x ${height}`)],
    ["channels", several(channels, (c) => `of ${c.channels}`)],
    ["formats", several(formats, ({ format }) => safe(format))],
    ["mean", mean.map((m, i) => `${digits(m)} ± ${digits(deviation[i])}`).join(", ")],
  ];
}

const median = quantileShares.indexOf(0.5);
const profileColumns: readonly Column<ColumnProfile>[] = [
  { title: "column", cell: (c) => (c.role === "target" ? `${c.name} (target)` : c.name) },
  { title: "type", cell: (c) => c.type },
  { title: "missing", cell: (c) => c.missing || "", right: true },
  { title: "distinct", cell: (c) => thousands(c.distinct), right: true },
  { title: "mean", cell: (c) => shown(c, c.mean), right: true },
  { title: "deviation", cell: (c) => (c.type === "date" ? "" : digits(c.deviation)), right: true },
  { title: "least", cell: (c) => shown(c, c.quantiles?.[0]), right: true },
  { title: "median", cell: (c) => shown(c, c.quantiles?.[median]), right: true },
  { title: "most", cell: (c) => shown(c, c.quantiles?.at(-1)), right: true },
  {
    title: "spread",
    cell: (c) =>
      c.histogram
        ? sparkline(c.histogram.counts)
        : (c.top
            ?.slice(0, 3)
            .map(({ value }) => value)
            .join(", ") ?? ""),
  },
  { title: "tells of the target", cell: (c) => (c.association ? percent(c.association.value) : ""), right: true },
];

/** A number, or the day of seconds since 1970. */
const shown = ({ type }: ColumnProfile, value: number | undefined): string =>
  value === undefined ? "" : type === "date" ? new Date(1000 * value).toISOString().slice(0, 10) : digits(value);

const levels = "▁▂▃▄▅▆▇█";
const SPARK_WIDTH = 10;
/** Counts as little bars, neighbours taken together. */
function sparkline(counts: readonly number[]): string {
  const width = Math.min(SPARK_WIDTH, counts.length);
  const sums = new Array<number>(width).fill(0);
  for (const [i, count] of counts.entries()) sums[Math.floor((i * width) / counts.length)]! += count;
  const most = Math.max(1, ...sums);
  return sums.map((sum) => (sum ? levels[Math.min(7, Math.floor((8 * sum) / most))] : " ")).join("");
}

const BAR_WIDTH = 30;
const MOST_CLASSES = 30;
function classBars(classes: readonly { readonly label: string; readonly count: number }[]): string {
  const most = Math.max(1, ...classes.map(({ count }) => count));
  const total = classes.reduce((sum, { count }) => sum + count, 0) || 1;
  const columns: readonly Column<(typeof classes)[number]>[] = [
    { title: "class", cell: (c) => c.label },
    { title: "records", cell: (c) => thousands(c.count), right: true },
    { title: "", cell: (c) => `${"█".repeat(Math.ceil((BAR_WIDTH * c.count) / most))} ${percent(c.count / total)}` },
  ];
  const rest = classes.length - MOST_CLASSES;
  return table(columns, classes.slice(0, MOST_CLASSES)) + (rest > 0 ? `\n… and ${rest} more` : "");
}
