/** A chart as a file: its numbers as CSV or JSON, its picture as SVG or PNG. */
import { csv, pngBlob, svgBlob } from "./export.ts";

/** A line of a chart; where there is no value it is null or NaN. */
export interface DrawnLine {
  readonly label: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number | null>;
}

export interface DrawnChart {
  readonly title: string;
  readonly x: string;
  readonly y?: string;
  readonly lines: readonly DrawnLine[];
  /** Powers of ten up the side. */
  readonly log?: boolean;
  /** Shown of both axes; else all there is. */
  readonly within?: { readonly x: readonly [number, number]; readonly y?: readonly [number, number] };
}

/** Of a picture that stands by itself, on white. */
const colors = ["#1c5fd0", "#b3470b", "#1f7a3f", "#8a2da5"];
const dashes = ["", "6 3", "2 3"];
const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT] = [800, 400, 70, 40, 40, 16];
const LEGEND_LINE = 18;
const TICKS = 5;

const isThere = (value: number | null | undefined): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** One line for each point: which line it is of, x and y. */
export const toCsv = ({ x, y = "value", lines }: DrawnChart): string =>
  csv(
    ["curve", x, y],
    lines.flatMap(({ label, x, y }) => Array.from(x, (at, i) => [label, at, isThere(y[i]) ? y[i] : null] as const)),
  );

export const toJson = ({ title, x, y, lines }: DrawnChart): string =>
  `${JSON.stringify({ title, x, y, curves: lines.map(({ label, x, y }) => ({ label, x: Array.from(x), y: Array.from(y, (value) => (isThere(value) ? value : null)) })) }, null, 1)}\n`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const short = (value: number): string => String(Number(value.toPrecision(4)));

/** Round numbers across a range. */
export function ticksOf(from: number, to: number, most = TICKS): number[] {
  if (!(to > from)) return [from];
  const raw = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= raw) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function range(lists: readonly ArrayLike<number | null>[], keep: (value: number) => boolean): [number, number] {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      if (!isThere(value) || !keep(value)) continue;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }
  if (min > max) return [0, 1];
  return min === max ? [min - 0.5, max + 0.5] : [min, max];
}

/** A drawing of its own: no style sheet, no script, every text escaped. */
export function toSvg({ title, x, y = "", lines, log = false, within }: DrawnChart): string {
  const scale = (value: number) => (log ? Math.log10(value) : value);
  const shown = (value: number) => !log || value > 0;
  const [left, right] =
    within?.x ??
    range(
      lines.map((line) => line.x),
      () => true,
    );
  const [low, high] = (
    within?.y ??
    range(
      lines.map((line) => line.y),
      shown,
    )
  ).map(scale) as [number, number];
  const height = HEIGHT + LEGEND_LINE * Math.ceil(lines.length / 2);
  const px = (value: number) => (LEFT + ((value - left) / (right - left || 1)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const py = (value: number) => (HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const path = ({ x, y }: DrawnLine): string => {
    let text = "";
    let pen = "M";
    for (let i = 0; i < x.length; i++) {
      const value = y[i];
      if (!isThere(value) || !shown(value) || x[i]! < left || x[i]! > right) continue;
      text += `${pen}${px(x[i]!)} ${py(scale(value))}`;
      pen = "L";
    }
    return text;
  };
  const text = (at: string, content: string, more = "") => `<text ${at} ${more}>${escaped(content)}</text>`;
  const across = ticksOf(left, right);
  const up = ticksOf(low, high);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#4a5463">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(`x="${LEFT}" y="22"`, title, 'font-size="16" font-weight="bold" fill="#1a1d22"'),
    ...across.map((tick) => text(`x="${px(tick)}" y="${HEIGHT - BOTTOM + 18}"`, short(tick), 'text-anchor="middle"')),
    ...up.flatMap((tick) => [
      `<path d="M${LEFT} ${py(tick)}H${WIDTH - RIGHT}" stroke="#e1e5ea"/>`,
      text(`x="${LEFT - 6}" y="${Number(py(tick)) + 4}"`, short(log ? 10 ** tick : tick), 'text-anchor="end"'),
    ]),
    text(`x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}"`, x, 'text-anchor="middle"'),
    text(`transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"`, y, 'text-anchor="middle"'),
    ...lines.map(
      (line, i) =>
        `<path d="${path(line)}" fill="none" stroke="${colors[i % colors.length]}" stroke-width="1.5" stroke-dasharray="${dashes[Math.floor(i / colors.length) % dashes.length]}"/>`,
    ),
    ...lines.flatMap(({ label }, i) => {
      const [at, line] = [LEFT + (i % 2) * ((WIDTH - LEFT) / 2), HEIGHT + 12 + LEGEND_LINE * Math.floor(i / 2)];
      const dash = dashes[Math.floor(i / colors.length) % dashes.length];
      return [
        `<path d="M${at} ${line - 4}h24" stroke="${colors[i % colors.length]}" stroke-width="2" stroke-dasharray="${dash}"/>`,
        text(`x="${at + 30}" y="${line}"`, label),
      ];
    }),
    "</svg>",
  ].join("\n");
}

/** What a chart can be saved as. */
export const chartFormats = {
  csv: async (chart: DrawnChart) => new Blob([toCsv(chart)], { type: "text/csv" }),
  json: async (chart: DrawnChart) => new Blob([toJson(chart)], { type: "application/json" }),
  svg: async (chart: DrawnChart) => svgBlob(toSvg(chart)),
  png: (chart: DrawnChart) => pngBlob(toSvg(chart)),
} as const;
export type ChartFormat = keyof typeof chartFormats;
