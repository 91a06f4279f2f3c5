/** Runs as lines across axes of their settings and metrics. What lies outside of what is brushed on any axis is dimmed. */
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from "react";
import type { RunSummary } from "../../shared/api/schemas.ts";
import { type Axis, axisOf, type Brush, colorAt, type Scheme, within } from "../plot.ts";
import { columnOf, type RunColumn } from "../run-columns.ts";
import { t } from "../texts.ts";
import { described, PlotFrame, pathTo, useMarks } from "./PlotFrame.tsx";
import { colorKey } from "./Scatter.tsx";

/** In units of the picture. Axes are as far apart as there is room, but no nearer than this. */
const GAP = 170;
const EDGE = { left: 70, right: 110, top: 44, bottom: 24 };
const HEIGHT = 320;
const LABEL = 22;

export interface ParallelProps {
  readonly runs: readonly RunSummary[];
  readonly axes: readonly RunColumn[];
  readonly color: RunColumn;
  readonly scheme: Scheme;
  readonly brushes: Readonly<Record<string, Brush>>;
  readonly setBrush: (axis: string, brush?: Brush) => void;
}

/** Those that lie within every brush. */
export function brushed(runs: readonly RunSummary[], brushes: ParallelProps["brushes"]): readonly RunSummary[] {
  const tests = Object.entries(brushes).map(([id, brush]) => {
    const column = columnOf(id);
    const axis = axisOf(runs, column);
    return (run: RunSummary) => within(axis.at(column.value(run)), brush);
  });
  return runs.filter((run) => tests.every((holds) => holds(run)));
}

export function Parallel({ runs, axes, color, scheme, brushes, setBrush }: ParallelProps) {
  const svg = useRef<SVGSVGElement>(null);
  const scales = useMemo(() => axes.map((column) => axisOf(runs, column)), [runs, axes]);
  const shade = useMemo(() => axisOf(runs, color), [runs, color]);
  // The dimmed ones first, so that the others lie above them.
  const kept = useMemo(() => new Set(brushed(runs, brushes).map(({ id }) => id)), [runs, brushes]);
  const lines = useMemo(() => [...runs.filter(({ id }) => !kept.has(id)), ...runs.filter(({ id }) => kept.has(id))], [runs, kept]);
  const marks = useMarks(lines);
  const { ref: measured, width: room } = useElementSize();
  const gaps = Math.max(axes.length - 1, 1);
  const gap = Math.max(GAP, (room - EDGE.left - EDGE.right) / gaps);
  const x = (i: number) => EDGE.left + i * gap;
  const y = (at: number) => EDGE.top + (1 - at) * HEIGHT;
  const width = Math.floor(EDGE.left + gaps * gap + EDGE.right);
  const height = EDGE.top + HEIGHT + EDGE.bottom;
  const pointed = marks.at === undefined ? undefined : lines[marks.at];
  return (
    <PlotFrame
      title={t.compare.parallel}
      label={t.compare.parallelOf(runs.length, axes.map(({ label }) => label).join(", "))}
      name="parallel"
      svg={svg}
      said={pointed && described(pointed, axes)}
      colors={colorKey(color, shade, scheme)}
    >
      <div ref={measured} />
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: the section around it is named */}
      <svg ref={svg} viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
        {lines.map((run, i) => {
          const isKept = kept.has(run.id);
          return (
            <a key={run.id} href={pathTo(run)} {...marks.props(i)} aria-label={described(run, axes)} className="mark">
              <path
                d={pathOf(
                  axes.map(({ value }, k) => scales[k]!.at(value(run))),
                  x,
                  y,
                )}
                fill="none"
                stroke={colorAt(shade.at(color.value(run)), scheme)}
                strokeWidth={pointed === run ? 4 : 1.5}
                strokeOpacity={isKept ? (pointed && pointed !== run ? 0.5 : 0.9) : 0.1}
              />
            </a>
          );
        })}
        {axes.map((column, i) => (
          <AxisLine
            key={column.id}
            column={column}
            axis={scales[i]!}
            x={x(i)}
            y={y}
            brush={brushes[column.id]}
            setBrush={(brush) => setBrush(column.id, brush)}
          />
        ))}
      </svg>
    </PlotFrame>
  );
}

/** Broken where a run has no value. */
function pathOf(places: readonly (number | undefined)[], x: (i: number) => number, y: (at: number) => number): string {
  return places
    .map((at, i) => (at === undefined ? "" : `${i > 0 && places[i - 1] !== undefined ? "L" : "M"}${x(i).toFixed(1)},${y(at).toFixed(1)}`))
    .join("");
}

interface AxisProps {
  readonly column: RunColumn;
  readonly axis: Axis;
  readonly x: number;
  readonly y: (at: number) => number;
  readonly brush?: Brush;
  readonly setBrush: (brush?: Brush) => void;
}

const short = (text: string): string => (text.length > LABEL ? `${text.slice(0, LABEL - 1)}…` : text);
const clip = (at: number): number => Math.min(1, Math.max(0, at));

function AxisLine({ column, axis, x, y, brush, setBrush }: AxisProps) {
  const [drawn, setDrawn] = useState<Brush>();
  const from = useRef<number>(undefined);
  const shown = drawn ?? brush;
  const placeOf = (event: PointerEvent<SVGRectElement>) => {
    const { top, height } = event.currentTarget.getBoundingClientRect();
    return clip(1 - (event.clientY - top) / height);
  };
  const drag = {
    onPointerDown: (event: PointerEvent<SVGRectElement>) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      from.current = placeOf(event);
    },
    onPointerMove: (event: PointerEvent<SVGRectElement>) => {
      if (from.current === undefined) return;
      const to = placeOf(event);
      setDrawn([Math.min(from.current, to), Math.max(from.current, to)]);
    },
    onPointerUp: () => {
      from.current = undefined;
      setDrawn(undefined);
      // A click without a way takes the brush off.
      setBrush(drawn && drawn[1] - drawn[0] > 0.01 ? drawn : undefined);
    },
  };
  return (
    <g>
      <text className="axis title" x={x} y={16} textAnchor="middle">
        <title>{column.label}</title>
        {short(column.label)}
      </text>
      <line x1={x} x2={x} y1={y(0)} y2={y(1)} stroke="var(--chart-text)" />
      {axis.ticks.map(({ at, label }) => (
        <text key={at} className="axis" x={x + 16} y={y(at) + 3}>
          {short(label)}
        </text>
      ))}
      {shown && (
        <rect x={x - 7} width={14} y={y(shown[1])} height={Math.max(1, y(shown[0]) - y(shown[1]))} fill="var(--series-1)" fillOpacity={0.3} />
      )}
      <rect data-screen-only className="brush" x={x - 14} width={28} y={y(1)} height={y(0) - y(1)} fill="transparent" {...drag} />
      {([1, 0] as const).map((end) => (
        <Handle key={end} end={end} column={column} axis={axis} x={x} y={y} brush={shown ?? [0, 1]} setBrush={setBrush} />
      ))}
    </g>
  );
}

interface HandleProps extends Omit<AxisProps, "brush"> {
  readonly end: 0 | 1;
  readonly brush: Brush;
}

/** An end of what is brushed, moved by the arrow keys. */
function Handle({ end, column, axis, x, y, brush, setBrush }: HandleProps) {
  const at = brush[end];
  const move = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = {
      ArrowUp: 0.05,
      ArrowRight: 0.05,
      ArrowDown: -0.05,
      ArrowLeft: -0.05,
      PageUp: 0.2,
      PageDown: -0.2,
      Home: -1,
      End: 1,
    };
    if (event.key === "Escape") return setBrush(undefined);
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = clip(Math.round((at + step) * 1000) / 1000);
    const next: Brush = end === 0 ? [Math.min(to, brush[1]), brush[1]] : [brush[0], Math.max(to, brush[0])];
    setBrush(next[0] === 0 && next[1] === 1 ? undefined : next);
  };
  return (
    <rect
      data-screen-only
      className="handle"
      role="slider"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={t.compare.ends[end](column.label)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * at)}
      aria-valuetext={axis.text(at)}
      x={x - 12}
      y={y(at) + (end ? -12 : 0)}
      width={24}
      height={12}
      rx={3}
      onKeyDown={move}
    />
  );
}
