/** How far two versions of a dataset are from each other, from their profiles alone. Pure. */
import { type ColumnProfile, type Comparison, type Profile, quantileShares } from "../shared/profile.ts";

/**
 * Compares profiles.
 *
 * - Population stability index: sum over bins of (q - p) ln(q / p), p and q the shares of base and other, none taken as less than
 *   1e-4. Below 0.1 stable, below 0.25 shifted, else strongly shifted (N. Siddiqi, Credit Risk Scorecards, 2006). Bins of numbers
 *   and dates lie between the base's deciles, and what the other has in them is read from its quantile grid: approximate.
 *   Bins of categories are the values that both profiles list, and the rest.
 * - Kolmogorov-Smirnov: the greatest distance of the two distribution functions, at the quantiles that are known of either: at least
 *   that much, and less than 5 % more than that.
 */
export function compareProfiles(base: Profile, other: Profile): Comparison {
  const [columnsOfBase, columnsOfOther] = [base, other].map(({ columns = [] }) => new Map(columns.map((c) => [c.name, c])));
  const both = [...columnsOfBase!.values()].flatMap((a) => {
    const b = columnsOfOther!.get(a.name);
    return b ? [[a, b] as const] : [];
  });
  const [total, totalOfOther] = [base, other].map(({ records }) => records.train + records.validation + records.test);
  return {
    records: { base: base.records, other: other.records },
    columns: {
      added: names(columnsOfOther!, columnsOfBase!),
      removed: names(columnsOfBase!, columnsOfOther!),
      retyped: both.filter(([a, b]) => a.type !== b.type).map(([a, b]) => ({ name: a.name, base: a.type, other: b.type })),
      drift: both.filter(([a, b]) => a.type === b.type).map(([a, b]) => driftOf(a, b, total!, totalOfOther!)),
    },
    ...(base.classes && other.classes && { classes: classesOf(base.classes, other.classes) }),
    ...(base.pictures && other.pictures && { pictures: picturesOf(base.pictures, other.pictures) }),
  };
}

type Drift = Comparison["columns"]["drift"][number];
type Verdict = Drift["verdict"];

export const verdictOf = (psi: number): Verdict => (psi < 0.1 ? "stable" : psi < 0.25 ? "shifted" : "strongly shifted");

/** Names that the first has and the second lacks. */
const names = (all: ReadonlyMap<string, unknown>, others: ReadonlyMap<string, unknown>): string[] =>
  [...all.keys()].filter((name) => !others.has(name));

const floor = 1e-4;
/** Of shares, bin by bin. */
export const stabilityIndex = (base: readonly number[], other: readonly number[]): number =>
  base.reduce((sum, share, i) => {
    const [p, q] = [Math.max(share, floor), Math.max(other[i]!, floor)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);

function driftOf(a: ColumnProfile, b: ColumnProfile, totalA: number, totalB: number): Drift {
  const missing = { base: share(a.missing, totalA), other: share(b.missing, totalB) };
  const head = { name: a.name, type: a.type, missing };
  if (a.quantiles && b.quantiles) {
    const { psi, ks } = numbers(a.quantiles, b.quantiles);
    const mean = a.mean !== undefined && b.mean !== undefined ? { base: a.mean, other: b.mean } : undefined;
    return { ...head, psi, ks, ...(mean && { mean }), median: { base: a.quantiles[median]!, other: b.quantiles[median]! }, verdict: verdictOf(psi) };
  }
  const { psi, variation, appeared, vanished } = categories(a, b, totalA, totalB);
  return { ...head, psi, variation, appeared, vanished, verdict: verdictOf(psi) };
}

const share = (part: number, of: number): number => (of ? part / of : 0);
const median = quantileShares.indexOf(0.5);
const deciles = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((p) => quantileShares.indexOf(p as 0.5));

/** Share of values that are at most x: linear between the quantiles that are known. */
function distribution(quantiles: readonly number[]): (x: number) => number {
  return (x) => {
    if (x < quantiles[0]!) return 0;
    // From the right, so that of equal quantiles, which many equal values make, the last one counts.
    let i = quantiles.length - 1;
    while (quantiles[i]! > x) i--;
    if (i === quantiles.length - 1) return 1;
    const [low, high] = [quantiles[i]!, quantiles[i + 1]!];
    return quantileShares[i]! + ((x - low) / (high - low)) * (quantileShares[i + 1]! - quantileShares[i]!);
  };
}

function numbers(a: readonly number[], b: readonly number[]): { psi: number; ks: number } {
  const [F, G] = [distribution(a), distribution(b)];
  const edges = [...new Set(deciles.map((i) => a[i]!))];
  const shares = (of: (x: number) => number) => {
    const at = [0, ...edges.map(of), 1];
    return at.slice(1).map((to, i) => to - at[i]!);
  };
  const ks = Math.max(...[...a, ...b].map((x) => Math.abs(F(x) - G(x))));
  return { psi: stabilityIndex(shares(F), shares(G)), ks };
}

/** By the values that a profile lists; a value that only one lists may still be among the rest of the other, if there is a rest. */
function categories(a: ColumnProfile, b: ColumnProfile, totalA: number, totalB: number) {
  const [inA, inB] = [a, b].map(({ top = [] }) => new Map(top.map(({ value, count }) => [value, count])));
  const [presentA, presentB] = [totalA - a.missing, totalB - b.missing];
  const isWhole = (c: ColumnProfile) => (c.top?.length ?? 0) >= c.distinct;
  // Where both list all their values each is a bin; else only those that both list can be compared.
  const bins = isWhole(a) && isWhole(b) ? [...new Set([...inA!.keys(), ...inB!.keys()])] : [...inA!.keys()].filter((value) => inB!.has(value));
  const shares = (counts: ReadonlyMap<string, number>, present: number) => {
    const each = bins.map((value) => share(counts.get(value) ?? 0, present));
    return [...each, Math.max(0, 1 - each.reduce((sum, s) => sum + s, 0))];
  };
  const [p, q] = [shares(inA!, presentA), shares(inB!, presentB)];
  return {
    psi: stabilityIndex(p, q),
    variation: p.reduce((sum, s, i) => sum + Math.abs(s - q[i]!), 0) / 2,
    appeared: isWhole(a) ? names(inB!, inA!) : [],
    vanished: isWhole(b) ? names(inA!, inB!) : [],
  };
}

function classesOf(a: NonNullable<Profile["classes"]>, b: NonNullable<Profile["classes"]>): NonNullable<Comparison["classes"]> {
  const count = (one: (typeof a)[number] | undefined) => (one ? one.train + one.validation + one.test : 0);
  const [inA, inB] = [a, b].map((all) => new Map(all.map((one) => [one.label, one])));
  const labels = [...new Set([...inA!.keys(), ...inB!.keys()])];
  const [countsA, countsB] = [labels.map((label) => count(inA!.get(label))), labels.map((label) => count(inB!.get(label)))];
  const [totalA, totalB] = [countsA, countsB].map((counts) => counts.reduce((sum, n) => sum + n, 0));
  const psi = stabilityIndex(
    countsA.map((n) => share(n, totalA!)),
    countsB.map((n) => share(n, totalB!)),
  );
  return {
    added: names(inB!, inA!),
    removed: names(inA!, inB!),
    counts: labels.map((label, i) => ({ label, base: countsA[i]!, other: countsB[i]! })),
    psi,
    verdict: verdictOf(psi),
  };
}

type Pictures = NonNullable<Profile["pictures"]>;
/** Shifts of brightness in units of the base's deviation: a fifth of it is a shift that a model notices, a half a strong one. */
function picturesOf(a: Pictures, b: Pictures): NonNullable<Comparison["pictures"]> {
  const shift = a.mean.length === b.mean.length ? Math.max(...a.mean.map((m, i) => Math.abs(b.mean[i]! - m) / (a.deviation[i] || 1))) : undefined;
  return {
    mean: { base: a.mean, other: b.mean },
    deviation: { base: a.deviation, other: b.deviation },
    ...(shift !== undefined && { shift }),
    verdict: shift === undefined || shift >= 0.5 ? "strongly shifted" : shift >= 0.2 ? "shifted" : "stable",
  };
}
