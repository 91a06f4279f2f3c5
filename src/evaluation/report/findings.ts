/** What the numbers of a report say, in sentences; those that warn in front. */
import type { Slice } from "../../shared/evaluation.ts";
import type { Finding } from "./blocks.ts";
import { advantage, headlineIds, metricIds, type ReportFacts, titleOf } from "./facts.ts";
import { listed, number, percent, quoted, rows, whole } from "./text.ts";

/** Fewer test rows tell little. */
const FEW_ROWS = 100;
/** Fewer rows of a slice may differ by chance alone. */
export const FEW_IN_SLICE = 30;
const MISCALIBRATED = 0.1;
/** By F1, guessing at random does better than the baseline's one class: to beat it tells nothing. */
const TELLS_NOTHING = "f1";

type Teller = (facts: ReportFacts) => Finding | undefined;

const between = ([low, high]: readonly [number, number]): string => `${number(low)} to ${number(high)}`;

/** No better than guessing by a metric: guessing lies in its interval, or beyond; without an interval, is at least as good. */
function guessed(facts: ReportFacts, id: string): boolean {
  const { metrics, intervals, baseline } = facts.evaluation;
  const guess = baseline?.metrics[id];
  if (guess === undefined) return false;
  const least = worseEnd(facts, id, intervals?.[id] ?? [metrics[id]!, metrics[id]!]);
  return advantage(facts, id, least, guess) <= 0;
}
const worseEnd = (facts: ReportFacts, id: string, [low, high]: readonly [number, number]): number =>
  advantage(facts, id, low, high) < 0 ? low : high;
const betterEnd = (facts: ReportFacts, id: string, [low, high]: readonly [number, number]): number =>
  advantage(facts, id, low, high) < 0 ? high : low;

const baseline: Teller = (facts) => {
  const { baseline, metrics, intervals } = facts.evaluation;
  const ids = headlineIds(facts).filter((id) => id !== TELLS_NOTHING && baseline?.metrics[id] !== undefined);
  if (!baseline || !ids.length) return undefined;
  const guesses = ids.filter((id) => guessed(facts, id));
  const told = (id: string) => {
    const interval = intervals?.[id];
    return `${titleOf(facts, id)} is ${number(metrics[id])}${interval ? ` (95 %: ${between(interval)})` : ""}, and ${number(baseline.metrics[id])} without learning`;
  };
  if (!guesses.length)
    return {
      tone: "good",
      title: "Better than guessing",
      text: `${told(ids[0]!)} (${baseline.model}); beyond chance by every headline metric.`,
    };
  const title =
    guesses.length === ids.length ? "No better than guessing" : `No better than guessing by ${listed(guesses.map((id) => titleOf(facts, id)))}`;
  return { tone: "warning", title, text: `${guesses.map(told).join("; ")} (${baseline.model}). The difference may be chance.` };
};

const overfitting: Teller = (facts) => {
  const { train, metrics, intervals } = facts.evaluation;
  const over = headlineIds(facts).filter((id) => {
    const [learnt, interval] = [train?.metrics[id], intervals?.[id]];
    return learnt !== undefined && interval !== undefined && advantage(facts, id, learnt, betterEnd(facts, id, interval)) > 0;
  });
  const [id, ...others] = over;
  if (id === undefined) return undefined;
  const likewise = others.length ? `; likewise ${listed(others.map((other) => titleOf(facts, other)))}` : "";
  const told = `${titleOf(facts, id)} is ${number(train!.metrics[id])} on the rows it learnt from and ${number(metrics[id])} on the test split (95 %: ${between(intervals![id]!)})${likewise}`;
  return { tone: "warning", title: "Over-fitted", text: `${told}. It knows its training rows better than it knows the subject.` };
};

const fewRows: Teller = ({ evaluation: { samples } }) =>
  samples < FEW_ROWS
    ? { tone: "note", title: "Small test split", text: `All of this was measured on ${rows(samples)}: read the intervals, not the last digits.` }
    : undefined;

const missingClasses: Teller = ({ evaluation: { classes = [], labels = [] } }) => {
  const missing = labels.filter((_, c) => !classes[c]?.support);
  return missing.length
    ? { tone: "note", title: "Classes that were not tested", text: `The test split has no row of ${listed(missing)}.` }
    : undefined;
};

const weakClass: Teller = ({ evaluation: { classes = [], labels = [] } }) => {
  const tested = classes.flatMap((scores, c) => (scores.support ? [{ ...scores, label: labels[c]! }] : []));
  const worst = tested.reduce<(typeof tested)[number] | undefined>((least, one) => (least && least.recall <= one.recall ? least : one), undefined);
  return worst && tested.length > 1 && worst.recall < 1
    ? {
        tone: "note",
        title: "Weakest class",
        text: `Of ${quoted(worst.label)} it finds ${percent(worst.recall)} (${rows(worst.support)} in the test split).`,
      }
    : undefined;
};

export interface Confused {
  readonly truth: string;
  readonly predicted: string;
  readonly count: number;
  /** Of the rows of the true class. */
  readonly share: number;
}
/** Pairs of classes that were taken for each other, most often first. */
export function confusedPairs({ evaluation: { confusion = [], labels = [] } }: ReportFacts): Confused[] {
  const pairs = confusion.flatMap((cells, t) => {
    const total = cells.reduce((a, b) => a + b, 0);
    return cells.flatMap((count, p) => (count && p !== t ? [{ truth: labels[t]!, predicted: labels[p]!, count, share: count / total }] : []));
  });
  return pairs.sort((a, b) => b.count - a.count || b.share - a.share);
}

const confusedPair: Teller = (facts) => {
  const [worst] = confusedPairs(facts);
  return worst && (facts.evaluation.labels?.length ?? 0) > 2
    ? {
        tone: "note",
        title: "Most often confused",
        text: `${quoted(worst.truth)} is taken for ${quoted(worst.predicted)} ${worst.count === 1 ? "once" : `${whole(worst.count)} times`} (${percent(worst.share)} of its rows).`,
      }
    : undefined;
};

export interface RankedSlice extends Slice {
  readonly value: string;
  readonly measured: number;
  readonly difference: number;
}
/** Slices by the first metric that they have, the worst first. */
export function rankedSlices(facts: ReportFacts): { metric: string; slices: RankedSlice[] } | undefined {
  const { slices, metrics } = facts.evaluation;
  const metric = metricIds(facts).find((id) => slices.some((slice) => slice.metrics[id] !== undefined));
  if (metric === undefined) return undefined;
  const ranked = slices.flatMap((slice) => {
    const measured = slice.metrics[metric];
    return measured === undefined ? [] : [{ ...slice, measured, difference: measured - metrics[metric]! }];
  });
  return { metric, slices: ranked.sort((a, b) => advantage(facts, metric, a.measured, b.measured) || b.samples - a.samples) };
}

const worstSlice: Teller = (facts) => {
  const ranked = rankedSlices(facts);
  const worst = ranked?.slices.find(({ samples }) => samples >= FEW_IN_SLICE);
  if (!ranked || !worst || advantage(facts, ranked.metric, worst.measured, facts.evaluation.metrics[ranked.metric]!) >= 0) return undefined;
  return {
    tone: "note",
    title: "Weakest slice",
    text: `Where ${quoted(worst.column)} is ${quoted(worst.value)}, ${titleOf(facts, ranked.metric)} is ${number(worst.measured)} against ${number(facts.evaluation.metrics[ranked.metric])} in all (${rows(worst.samples)}).`,
  };
};

const calibration: Teller = ({ evaluation: { curves } }) => {
  const { ece = 0, bins = [] } = curves?.calibration ?? {};
  if (ece <= MISCALIBRATED) return undefined;
  const surplus = bins.reduce((sum, { confidence, accuracy, count }) => sum + count * (confidence - accuracy), 0);
  const [title, how] = surplus > 0 ? ["Over-confident", "more"] : ["Under-confident", "less"];
  return { tone: "warning", title, text: `It is ${how} sure than it is right: its probabilities are off by ${percent(ece)} on average (ECE).` };
};

const tellers: readonly Teller[] = [baseline, overfitting, calibration, fewRows, missingClasses, weakClass, confusedPair, worstSlice];
const RANK = { warning: 0, good: 1, note: 2 } as const;

/** Warnings first. */
export const findingsOf = (facts: ReportFacts): Finding[] =>
  tellers.flatMap((finding) => finding(facts) ?? []).sort((a, b) => RANK[a.tone] - RANK[b.tone]);
