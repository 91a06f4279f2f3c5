/** What a list of runs can show of each: columns by the names that filters and orders have for them. */
import type { CatalogEntry, RunFields, RunSummary } from "../shared/api/schemas.ts";
import { tagField } from "../shared/run-filter.ts";
import { titled, titleOf } from "./format.ts";
import { t } from "./texts.ts";

export type Cell = string | number | null;

export interface RunColumn {
  /** As in an address, a filter and an order. */
  readonly id: string;
  readonly label: string;
  readonly kind: "text" | "number" | "time" | "state";
  /** Whether lists can be sorted by it. */
  readonly sorts: boolean;
  /** In pixels. */
  readonly width: number;
  readonly value: (run: RunSummary) => Cell;
}

const column = (
  id: keyof typeof t.runs.columns,
  kind: RunColumn["kind"],
  width: number,
  value: RunColumn["value"],
  sorts = true,
): readonly [string, RunColumn] => [id, { id, label: t.runs.columns[id], kind, sorts, width, value }];

/** In seconds. */
const duration = ({ startedAt, endedAt }: RunSummary): number | null =>
  startedAt && endedAt ? Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 100) / 10 : null;

const own: ReadonlyMap<string, RunColumn> = new Map([
  column("number", "number", 60, ({ number }) => number),
  column("name", "text", 220, ({ name }) => name),
  column("state", "state", 110, ({ state }) => state),
  column("dataset", "text", 130, ({ dataset }) => dataset),
  column("model", "text", 140, ({ model }) => model),
  column("task", "text", 130, ({ task }) => task),
  column("author", "text", 120, ({ createdBy }) => createdBy),
  column("createdAt", "time", 165, ({ createdAt }) => createdAt),
  column("startedAt", "time", 165, ({ startedAt }) => startedAt ?? null),
  column("endedAt", "time", 165, ({ endedAt }) => endedAt ?? null),
  column("duration", "number", 110, duration, false),
  column(
    "tags",
    "text",
    220,
    ({ tags }) =>
      Object.entries(tags)
        .map(([name, value]) => (value ? `${name}=${value}` : name))
        .join(", ") || null,
    false,
  ),
]);

/** First whatever is chosen: it names the line. */
export const NAME = "name";
export const usualColumns: readonly string[] = [
  "number",
  NAME,
  "state",
  "dataset",
  "model",
  "metrics.test_accuracy",
  "metrics.validation_loss:min",
  "createdAt",
];

/** What lies behind "metrics." */
export const metricOf = (id: string): string | undefined => (id.startsWith("metrics.") ? id.slice("metrics.".length) : undefined);
const tagOf = (id: string): string | undefined =>
  /^tags\.(?:"(.*)"|(.*))$/s
    .exec(id)
    ?.slice(1)
    .find((name) => name !== undefined);

/** Pixels that a label takes, about, within what looks well. */
const widthOf = (label: string): number => Math.min(230, Math.max(110, 7 * label.length + 38));

export function columnOf(id: string): RunColumn {
  const known = own.get(id);
  if (known) return known;
  const metric = metricOf(id);
  if (metric !== undefined) {
    const [name, which] = metric.split(/:(?=(?:min|max)$)/) as [string, "min" | "max" | undefined];
    const label = which ? t.runs[which](titleOf(name)) : titleOf(name);
    return { id, label, kind: "number", sorts: true, width: widthOf(label), value: ({ metrics }) => metrics[metric] ?? null };
  }
  const tag = tagOf(id);
  const label = tag === undefined ? settingLabel(id) : t.runs.tag(tag);
  if (tag !== undefined) return { id, label, kind: "text", sorts: true, width: widthOf(label), value: ({ tags }) => tags[tag] ?? null };
  return { id, label, kind: "text", sorts: true, width: widthOf(label), value: ({ settings }) => settings?.[id] ?? null };
}

/** training.epochs: Epochs; optimizer.params.learningRate: Optimizer: learning rate */
function settingLabel(id: string): string {
  const [part = "", ...names] = id.split(".");
  const name = names.at(-1);
  if (name === undefined) return titled(part);
  return part === "training" ? titled(name) : `${titled(part)}: ${titled(name).toLowerCase()}`;
}

/** What to ask the server for, so that columns have their values. */
export function wanted(ids: readonly string[]): { readonly metrics: string[]; readonly settings: string[] } {
  const others = ids.filter((id) => !own.has(id) && tagOf(id) === undefined);
  return {
    metrics: others.flatMap((id) => metricOf(id) ?? []),
    settings: others.filter((id) => metricOf(id) === undefined),
  };
}

/** As many metrics, and as many settings, as a list takes at once. */
export const MOST_COLUMNS = 50;

export type FieldGroup = "run" | "settings" | "metrics" | "tags";

/** All that can be chosen from, in groups. */
export function choicesOf({ metrics, settings, tags }: RunFields): Readonly<Record<FieldGroup, readonly string[]>> {
  return {
    run: [...own.keys()],
    settings: settings.map(({ name }) => name),
    metrics: metrics.flatMap((name) => [`metrics.${name}`, `metrics.${name}:min`, `metrics.${name}:max`]),
    tags: tags.map(tagField),
  };
}

/** Whether less of a metric is better: as the catalog says of the metric that the series is of. */
export function isLowerBetter(series: string, metrics: readonly CatalogEntry[] = []): boolean {
  const name = series.replace(/^(train|validation|test)_/, "").replace(/:(min|max|last)$/, "");
  if (name === "loss") return true;
  return metrics.some((entry) => entry.id.replaceAll("-", "_") === name.replaceAll("-", "_") && entry.better === "lower");
}
