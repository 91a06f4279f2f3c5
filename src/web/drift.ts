/** How a column of one version differs from that of another, in words. */
import type { Comparison } from "../shared/profile.ts";
import { day, figure } from "./format.ts";
import { t } from "./texts.ts";

type Drift = Comparison["columns"]["drift"][number];

/** Names of a list that are said. */
const NAMED = 5;
const says = t.datasets.history;

/** Isolated, as `bdi` does it where there is markup (https://www.w3.org/International/questions/qa-bidi-unicode-controls). */
const apart = (name: string): string => `\u2068${name}\u2069`;

export const listed = (all: readonly string[]): string => {
  const names = all.map(apart);
  return names.length > NAMED ? `${names.slice(0, NAMED).join(", ")} ${says.others(names.length - NAMED)}` : names.join(", ");
};

const percent = (share: number): string => figure(100 * share);
/** Changes that nobody sees are not worth a word. */
const changed = (
  pair: { readonly base: number; readonly other: number } | undefined,
  shown: typeof figure,
  say: (base: string, other: string) => string,
) => (pair && shown(pair.base) !== shown(pair.other) ? [say(shown(pair.base), shown(pair.other))] : []);

export function changesOf({ type, mean, median, missing, ks, variation, appeared = [], vanished = [] }: Drift): readonly string[] {
  const shown = type === "date" ? day : figure;
  return [
    ...changed(mean, shown, says.mean),
    ...changed(median, shown, says.median),
    ...(ks !== undefined && ks > 0 ? [says.farthest(percent(ks))] : []),
    ...(variation !== undefined && variation > 0 ? [says.moved(percent(variation))] : []),
    ...(missing.base !== missing.other ? [says.missing(percent(missing.base), percent(missing.other))] : []),
    ...(appeared.length ? [says.appeared(listed(appeared))] : []),
    ...(vanished.length ? [says.vanished(listed(vanished))] : []),
  ];
}
