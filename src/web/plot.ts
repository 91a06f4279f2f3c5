/** Axes for pictures of many runs: of numbers, even or logarithmic, and of words; and the colours between a least and a greatest. */
import type { RunSummary } from "../shared/api/schemas.ts";
import { figure } from "./format.ts";
import { type Cell, metricOf, type RunColumn } from "./run-columns.ts";

export interface Tick {
  /** From 0 to 1. */
  readonly at: number;
  readonly label: string;
}

export interface Axis {
  readonly kind: "even" | "logarithmic" | "words";
  readonly ticks: readonly Tick[];
  /** From 0 to 1; undefined for what is not there. */
  readonly at: (value: Cell) => number | undefined;
  /** What stands there, to be read. */
  readonly text: (at: number) => string;
}

/** A greatest so many times the least is told apart on a logarithmic axis only. */
const WIDE = 50;
const TICKS = 5;
const MOST_WORDS = 30;

/** Settings are tried out by factors, so they may lie on a logarithmic axis; what is measured lies on an even one. */
export function axisOf(runs: readonly RunSummary[], { id, value }: Pick<RunColumn, "id" | "value">): Axis {
  const there = runs.map(value).filter((cell) => cell !== null);
  if (!there.every((cell) => typeof cell === "number" && Number.isFinite(cell))) return ofWords(there);
  return ofNumbers(there as number[], metricOf(id) === undefined);
}

function ofNumbers(numbers: readonly number[], byFactors: boolean): Axis {
  const low = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const isLogarithmic = byFactors && low > 0 && high / low > WIDE;
  const to = isLogarithmic ? Math.log10 : (value: number) => value;
  // Rounded, so that what was a power of ten is one again.
  const back = isLogarithmic ? (value: number) => Number((10 ** value).toPrecision(12)) : (value: number) => value;
  const [from, span] = [to(low), to(high) - to(low)];
  const valueAt = (at: number) => back(from + at * span);
  const steps = !numbers.length ? [] : span > 0 ? Array.from({ length: TICKS }, (_, i) => i / (TICKS - 1)) : [0.5];
  return {
    kind: isLogarithmic ? "logarithmic" : "even",
    ticks: steps.map((at) => ({ at, label: figure(valueAt(span > 0 ? at : 0)) })),
    at: (value) => (typeof value !== "number" || !Number.isFinite(value) ? undefined : span > 0 ? (to(value) - from) / span : 0.5),
    text: (at) => (numbers.length ? figure(valueAt(at)) : ""),
  };
}

function ofWords(values: readonly Exclude<Cell, null>[]): Axis {
  const words = [...new Set(values.map(String))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const places = new Map(words.map((word, i) => [word, words.length > 1 ? i / (words.length - 1) : 0.5]));
  const ticks = words.map((label) => ({ at: places.get(label)!, label }));
  const every = Math.ceil(ticks.length / MOST_WORDS);
  return {
    kind: "words",
    ticks: ticks.filter((_, i) => i % every === 0),
    at: (value) => (value === null ? undefined : places.get(String(value))),
    text: (at) => words[Math.round(at * (words.length - 1))] ?? "",
  };
}

/** Red, green and blue of the least, the middle and the greatest: told apart by who sees colours differently, and from the page. */
const ramps = {
  light: [
    [28, 95, 208],
    [138, 45, 165],
    [194, 65, 12],
  ],
  dark: [
    [127, 176, 255],
    [221, 155, 242],
    [255, 176, 119],
  ],
} as const;
export type Scheme = keyof typeof ramps;

/** @param at from 0 to 1; undefined of what has no value */
export function colorAt(at: number | undefined, scheme: Scheme): string {
  if (at === undefined) return scheme === "light" ? "rgb(107 114 128)" : "rgb(160 168 180)";
  const [low, middle, high] = ramps[scheme];
  const [a, b, part] = at < 0.5 ? [low, middle, 2 * at] : [middle, high, 2 * at - 1];
  return `rgb(${a.map((from, i) => Math.round(from + part * (b[i]! - from))).join(" ")})`;
}

/** Ends of what is looked at on an axis, from 0 to 1. */
export type Brush = readonly [from: number, to: number];

/** A rounding error wide, so that what lies at an end of a brush is within. */
const EDGE = 1e-9;
export const within = (at: number | undefined, [from, to]: Brush): boolean => at !== undefined && at >= from - EDGE && at <= to + EDGE;
