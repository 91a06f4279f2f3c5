/** What a chart shows, and its drawing as SVG that needs no script; colours come from the page's style. */
import { html, plain } from "./text.ts";

export type Points = readonly (readonly [x: number, y: number])[];
export interface Axis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}
export type Series = { readonly label: string } & (
  | { readonly as: "line" | "line-dots" | "dots"; readonly points: Points }
  | { readonly as: "bars"; readonly bars: readonly (readonly [from: number, to: number, height: number])[] }
);
export interface Chart {
  readonly title: string;
  /** What one sees in it, for who does not see it. */
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** A line to compare with, with its name. */
  readonly guide?: { readonly label: string; readonly points: Points };
}

/** Colour and dash of a series: neighbours differ in both, so that neither is needed to tell them apart. */
export const STROKES = 10;
const COLOURS = 5;
const DASHES = ["", "8 4", "2 3", "10 3 2 3"] as const;
export const strokeOf = (i: number): string => {
  const dash = DASHES[i % DASHES.length];
  return `class="s${i % COLOURS}"${dash ? ` stroke-dasharray="${dash}"` : ""}`;
};

export const shares = (title: string): Axis => ({ title, from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1] });

/** An axis that holds all values, with ends and about five ticks at 1, 2 or 5 times a power of ten. */
export function axis(title: string, values: readonly number[], { zero = false } = {}): Axis {
  const finite = values.filter(Number.isFinite);
  let [low, high] = finite.reduce(
    ([a, b], v) => [Math.min(a, v), Math.max(b, v)],
    zero ? [0, 0] : [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  if (!(low <= high)) [low, high] = [0, 1];
  if (low === high) [low, high] = zero ? [Math.min(0, low), Math.max(1, high)] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((times) => times * power >= rough * 0.999) ?? 10);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  return { title, from: ticks[0]!, to: ticks.at(-1)!, ticks };
}

const [WIDTH, HEIGHT] = [400, 300];
const MARGIN = { left: 58, right: 22, top: 12, bottom: 44 };
/** Where a value is drawn, to a tenth of a pixel. */
const place = (pixels: number): number => Math.round(pixels * 10) / 10;
const scale = ({ from, to }: Axis, start: number, end: number) => {
  const factor = (end - start) / (to - from);
  return (value: number): number => place(start + (value - from) * factor);
};

export function svg(chart: Chart, id: string): string {
  const [x, y] = [scale(chart.x, MARGIN.left, WIDTH - MARGIN.right), scale(chart.y, HEIGHT - MARGIN.bottom, MARGIN.top)];
  const drawn = chart.series.map((series, i) => draw(series, i, x, y));
  return [
    `<svg role="img" aria-labelledby="${id}-t ${id}-d" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<title id="${id}-t">${html(chart.title)}</title><desc id="${id}-d">${html(chart.description)}</desc>`,
    axes(chart, x, y),
    ...drawn,
    ...(chart.guide ? [`<path class="guide" d="${pathOf(chart.guide.points, x, y)}"/>`] : []),
    "</svg>",
  ].join("");
}

type Place = (value: number) => number;
const finite = (points: Points): Points => points.filter((point) => point.every(Number.isFinite));
const pathOf = (points: Points, x: Place, y: Place): string =>
  finite(points)
    .map(([a, b], i) => `${i ? "L" : "M"}${x(a)} ${y(b)}`)
    .join("");
/** A dot is a line without length and with round ends. */
const dotsOf = (points: Points, x: Place, y: Place): string =>
  finite(points)
    .map(([a, b]) => `M${x(a)} ${y(b)}h0`)
    .join("");

function draw(series: Series, i: number, x: Place, y: Place): string {
  if (series.as === "bars") {
    const base = y(0);
    const bars = series.bars.map(([from, to, height]) => `M${x(from)} ${base}V${y(height)}H${x(to)}V${base}z`);
    return `<path class="bars" d="${bars.join("")}"/>`;
  }
  const dots = `<path class="dots s${i % COLOURS}${series.as === "dots" ? " faint" : ""}" d="${dotsOf(series.points, x, y)}"/>`;
  const line = `<path ${strokeOf(i)} d="${pathOf(series.points, x, y)}"/>`;
  return { line, dots, "line-dots": line + dots }[series.as];
}

function axes({ x: { ticks: xs, title: across }, y: { ticks: ys, title: up } }: Chart, x: Place, y: Place): string {
  const [left, right, top, bottom] = [MARGIN.left, WIDTH - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const grid = [...xs.map((tick) => `M${x(tick)} ${bottom}V${top}`), ...ys.map((tick) => `M${left} ${y(tick)}H${right}`)];
  return [
    `<path class="grid" d="${grid.join("")}"/><path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`,
    ...xs.map((tick) => `<text x="${x(tick)}" y="${bottom + 16}" text-anchor="middle">${tickText(tick, xs)}</text>`),
    ...ys.map((tick) => `<text x="${left - 7}" y="${y(tick) + 4}" text-anchor="end">${tickText(tick, ys)}</text>`),
    `<text x="${(left + right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${html(short(across))}</text>`,
    `<text transform="translate(13 ${(top + bottom) / 2})rotate(-90)" text-anchor="middle">${html(short(up))}</text>`,
  ].join("");
}

/** What has room beside an axis. */
const short = (title: string): string => {
  const letters = [...plain(title)];
  return letters.length > 40 ? `${letters.slice(0, 39).join("")}…` : letters.join("");
};

/** With the decimals that tell ticks apart; powers of ten where they would not fit. */
function tickText(tick: number, ticks: readonly number[]): string {
  const largest = Math.max(...ticks.map(Math.abs));
  const step = Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0));
  const text =
    largest >= 1e12 || largest < 1e-3
      ? tick.toExponential(1).replace("e+", "e")
      : tick.toLocaleString("en-US", largest >= 1e5 ? { notation: "compact", maximumFractionDigits: 2 } : { maximumFractionDigits: decimals(step) });
  return text.replaceAll("-", "−");
}
/** 0.25 has two, 5 none. */
const decimals = (step: number): number => {
  for (let n = 0; n < 6; n++) if (Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) < 1e-6) return n;
  return 6;
};
