/** Metric points of a run as they come, and what charts make of them. */
import type { LiveEvent } from "../shared/api/client.ts";
import type { ProgressView, Run } from "../shared/api/schemas.ts";

/** Where there is no value it is null or NaN. */
export interface Curve {
  readonly name: string;
  readonly steps: ArrayLike<number>;
  readonly values: ArrayLike<number | null>;
}

/** A run as one watches it. */
export interface Watched {
  readonly run?: Run;
  readonly progress?: ProgressView;
  readonly curves: ReadonlyMap<string, Curve>;
}

/** A curve that grows: views of arrays with room behind them, so that what comes is written once and nothing is copied but when the room is doubled. */
class Growing implements Curve {
  readonly name: string;
  readonly steps: Float64Array;
  readonly values: Float64Array;

  private constructor(name: string, steps: Float64Array, values: Float64Array) {
    this.name = name;
    this.steps = steps;
    this.values = values;
  }

  static from(name: string): Growing {
    return new Growing(name, new Float64Array(1024).subarray(0, 0), new Float64Array(1024).subarray(0, 0));
  }

  /** With more points behind, from one of those that came. Whoever holds this one sees no change. */
  with(steps: readonly number[], values: readonly (number | null)[], from: number): Growing {
    const length = this.steps.length + steps.length - from;
    const [s, v] = [grown(this.steps, length), grown(this.values, length)];
    for (let i = from, to = this.steps.length; i < steps.length; i++, to++) {
      s[to] = steps[i]!;
      v[to] = values[i] ?? Number.NaN;
    }
    return new Growing(this.name, s, v);
  }
}

/** The same numbers with room for so many. Only the newest view is grown, so its room is nobody else's. */
function grown(view: Float64Array, length: number): Float64Array {
  const { buffer, length: before } = view;
  if (length * Float64Array.BYTES_PER_ELEMENT <= buffer.byteLength) return new Float64Array(buffer, 0, length);
  const room = new Float64Array(Math.max(length, 2 * before));
  room.set(view);
  return room.subarray(0, length);
}

/** What one knows after a message of the server. Points that are there already, as after coming back, count once. */
export function taken(watched: Watched, { event, data }: Pick<LiveEvent, "event" | "data">): Watched {
  if (event === "run") return { ...watched, run: data, progress: data.progress };
  if (event === "progress") return { ...watched, progress: data };
  if (event !== "metrics") return watched;
  const curves = new Map(watched.curves);
  for (const { series: name, steps, values } of data.points as { series: string; steps: number[]; values: (number | null)[] }[]) {
    const before = (curves.get(name) as Growing | undefined) ?? Growing.from(name);
    const last = before.steps.at(-1) ?? Number.NEGATIVE_INFINITY;
    const from = steps.findIndex((step) => step > last);
    if (from >= 0) curves.set(name, before.with(steps, values, from));
  }
  return { ...watched, curves };
}

/** Curves that share a chart. */
export interface ChartOf {
  readonly title: string;
  readonly curves: readonly Curve[];
}

/** Of training and validation one chart: loss, accuracy, and so on. Loss first, then in alphabetical order. What is measured once, on the test records, is no curve. */
export function charts(curves: ReadonlyMap<string, Curve>): ChartOf[] {
  const groups = new Map<string, Curve[]>();
  for (const curve of curves.values()) {
    if (curve.name.startsWith("test_") && curve.steps.length <= 1) continue;
    const title = curve.name.replace(/^(train|validation|test)_/, "");
    const group = groups.get(title);
    if (group) group.push(curve);
    else groups.set(title, [curve]);
  }
  const rank = (title: string) => ["loss", "accuracy", "learning_rate", "samples_per_second"].indexOf(title) + 1 || 9;
  return [...groups]
    .map(([title, group]) => ({ title, curves: group.sort((a, b) => a.name.localeCompare(b.name)) }))
    .sort((a, b) => rank(a.title) - rank(b.title) || a.title.localeCompare(b.title));
}

const WEIGHT = 0.9;
/** Exponential moving average, its beginning corrected (Kingma and Ba, 2015, section 3). */
export function smoothed({ name, steps, values }: Curve): Curve {
  const out = new Float64Array(values.length);
  let [sum, weight] = [0, 0];
  for (let i = 0; i < out.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) {
      out[i] = Number.NaN;
      continue;
    }
    sum = WEIGHT * sum + (1 - WEIGHT) * value;
    weight = WEIGHT * weight + (1 - WEIGHT);
    out[i] = sum / weight;
  }
  return { name, steps, values: out };
}

/** First and last step of any curve; of a single step some room around it, as an axis needs. */
export function extent(curves: readonly Curve[]): readonly [number, number] {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { steps } of curves) {
    if (!steps.length) continue;
    min = Math.min(min, steps[0]!);
    max = Math.max(max, steps[steps.length - 1]!);
  }
  if (min > max) return [0, 1];
  return min === max ? [min - 1, max + 1] : [min, max];
}

/** The first place whose step is at least so large. */
function place(steps: ArrayLike<number>, step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * What of a curve can be seen: of the points of each pixel the first, least, greatest and last (Jugel et al., 2014, "M4"), which draw the same line.
 * @param from first and last step that are shown; a neighbour on each side stays, as the line goes on there
 * @param pixels of the chart's width
 */
export function visible({ name, steps, values }: Curve, [from, to]: readonly [number, number], pixels: number): Curve {
  const begin = Math.max(0, place(steps, from) - 1);
  let end = place(steps, to);
  while (end < steps.length && steps[end]! <= to) end++;
  end = Math.min(steps.length, end + 1);
  if (end - begin <= 4 * pixels) {
    const whole = begin === 0 && end === steps.length;
    return whole ? { name, steps, values } : { name, steps: cut(steps, begin, end), values: cut(values, begin, end) };
  }
  const [s, v]: [number[], number[]] = [[], []];
  const width = Math.max(to - from, Number.MIN_VALUE) / pixels;
  for (let i = begin; i < end; ) {
    const edge = from + (Math.floor((steps[i]! - from) / width) + 1) * width;
    let [last, low, high] = [i, -1, -1];
    for (; last < end && (last === i || steps[last]! < edge); last++) {
      const value = values[last] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      if (low < 0 || value < values[low]!) low = last;
      if (high < 0 || value > values[high]!) high = last;
    }
    let before = -1;
    for (const at of [i, Math.min(low, high), Math.max(low, high), last - 1]) {
      if (at <= before) continue;
      before = at;
      s.push(steps[at]!);
      v.push(values[at] ?? Number.NaN);
    }
    i = last;
  }
  return { name, steps: s, values: v };
}

/** A curve with what is known more closely of a stretch; points that came since stay behind it. */
export function refined(curve: Curve, [from, to]: readonly [number, number], closer: Pick<Curve, "steps" | "values"> | undefined): Curve {
  const known = place(curve.steps, to) - place(curve.steps, from);
  if (!closer || closer.steps.length <= known) return curve;
  const { name, steps, values } = curve;
  const [begin, end] = [place(steps, closer.steps[0]!), place(steps, closer.steps[closer.steps.length - 1]! + 1)];
  const around = <T>(list: ArrayLike<T>, middle: ArrayLike<T>): T[] => [
    ...cut(list, 0, begin),
    ...Array.from(middle),
    ...cut(list, end, list.length),
  ];
  return { name, steps: around(steps, closer.steps), values: around(values, closer.values) };
}

const cut = <T>(list: ArrayLike<T>, begin: number, end: number): T[] => Array.prototype.slice.call(list, begin, end);

/** Curves over one axis of steps, as uPlot has them: [steps, values, values, …], null where a curve has no point. */
export function joined(curves: readonly Curve[]): [number[], ...(number | null)[][]] {
  const [first] = curves;
  const numbers = (values: ArrayLike<number | null>) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));
  if (curves.length === 1) return [Array.from(first!.steps), numbers(first!.values)];
  const all = new Set<number>();
  for (const { steps } of curves) for (let i = 0; i < steps.length; i++) all.add(steps[i]!);
  const steps = Float64Array.from(all).sort();
  return [
    Array.from(steps),
    ...curves.map(({ steps: own, values }) => {
      let next = 0;
      return Array.from(steps, (step) => {
        if (own[next] !== step) return null;
        const value = values[next++]!;
        return Number.isNaN(value) ? null : value;
      });
    }),
  ];
}
