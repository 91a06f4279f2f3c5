/** Runs as points between two of their settings or metrics, coloured by a third. */
import { useElementSize } from "@mantine/hooks";
import { useMemo, useRef } from "react";
import type { RunSummary } from "../../shared/api/schemas.ts";
import { type Axis, axisOf, colorAt, type Scheme } from "../plot.ts";
import type { RunColumn } from "../run-columns.ts";
import { t } from "../texts.ts";
import { described, type Key, PlotFrame, pathTo, useMarks } from "./PlotFrame.tsx";

/** In units of the picture. It is as wide as there is room, within these. */
const WIDTHS = [340, 900] as const;
const HEIGHT = 420;
const EDGE = { left: 96, right: 20, top: 12, bottom: 52 };
const LABEL = 16;
const short = (text: string): string => (text.length > LABEL ? `${text.slice(0, LABEL - 1)}…` : text);

interface ScatterProps {
  readonly runs: readonly RunSummary[];
  readonly x: RunColumn;
  readonly y: RunColumn;
  readonly color: RunColumn;
  readonly scheme: Scheme;
}

export function Scatter({ runs, x, y, color, scheme }: ScatterProps) {
  const svg = useRef<SVGSVGElement>(null);
  const [across, up, shade] = useMemo(() => [x, y, color].map((column) => axisOf(runs, column)) as [Axis, Axis, Axis], [runs, x, y, color]);
  // A run without either has no place.
  const points = useMemo(
    () =>
      runs.flatMap((run) => {
        const [a, b] = [across.at(x.value(run)), up.at(y.value(run))];
        return a === undefined || b === undefined ? [] : [{ run, a, b }];
      }),
    [runs, across, up, x, y],
  );
  const marks = useMarks(useMemo(() => points.map(({ run }) => run), [points]));
  const { ref: measured, width: room } = useElementSize();
  const width = Math.round(Math.min(WIDTHS[1], Math.max(WIDTHS[0], room)));
  const px = (at: number) => EDGE.left + at * (width - EDGE.left - EDGE.right);
  const py = (at: number) => EDGE.top + (1 - at) * (HEIGHT - EDGE.top - EDGE.bottom);
  const columns = [x, y, color];
  const pointed = marks.at === undefined ? undefined : points[marks.at]?.run;
  return (
    <PlotFrame
      title={t.compare.scatter}
      label={t.compare.scatterOf(points.length, x.label, y.label)}
      name="scatter"
      svg={svg}
      said={pointed && described(pointed, columns)}
      colors={colorKey(color, shade, scheme)}
    >
      <div ref={measured} />
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: the section around it is named */}
      <svg ref={svg} viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT}>
        {across.ticks.map(({ at, label }) => (
          <g key={at}>
            <line x1={px(at)} x2={px(at)} y1={py(0)} y2={py(1)} stroke="var(--chart-line)" />
            <text className="axis" x={px(at)} y={py(0) + 16} textAnchor="middle">
              {short(label)}
            </text>
          </g>
        ))}
        {up.ticks.map(({ at, label }) => (
          <g key={at}>
            <line x1={px(0)} x2={px(1)} y1={py(at)} y2={py(at)} stroke="var(--chart-line)" />
            <text className="axis" x={px(0) - 6} y={py(at) + 3} textAnchor="end">
              {short(label)}
            </text>
          </g>
        ))}
        <text className="axis title" x={(px(0) + px(1)) / 2} y={HEIGHT - 8} textAnchor="middle">
          {x.label}
        </text>
        <text className="axis title" transform={`translate(14 ${(py(0) + py(1)) / 2}) rotate(-90)`} textAnchor="middle">
          {y.label}
        </text>
        {points.map(({ run, a, b }, i) => (
          <a key={run.id} href={pathTo(run)} {...marks.props(i)} aria-label={described(run, columns)} className="mark">
            <circle
              cx={px(a)}
              cy={py(b)}
              r={pointed === run ? 8 : 5}
              fill={colorAt(shade.at(color.value(run)), scheme)}
              fillOpacity={0.8}
              stroke="var(--mantine-color-body)"
            />
          </a>
        ))}
      </svg>
    </PlotFrame>
  );
}

/** What colours mean. */
export const colorKey = ({ label }: RunColumn, axis: Axis, scheme: Scheme): Key => ({
  label,
  stops: axis.ticks.map(({ at, label }) => ({ color: colorAt(at, scheme), label })),
});
