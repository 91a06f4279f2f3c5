/** How many events there were when: a lane for each kind of entity, over which one drags to choose a stretch of time. */
import { Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type PointerEvent, useState } from "react";
import type { EventTimeline } from "../../../shared/api/schemas.ts";
import { Lines } from "../../components/Lines.tsx";
import { count, instant } from "../../format.ts";
import { t } from "../../texts.ts";

const { event: texts } = t.admin;

const LANE = 26;
const LINE = 14;
const LABEL = 82;
const TOTAL = 56;

interface TimelineProps {
  readonly line: EventTimeline;
  readonly choose: (from: string, to: string) => void;
}

export function Timeline({ line: { from, to, kinds }, choose }: TimelineProps) {
  const { ref, width } = useElementSize<HTMLElement>();
  const [dragged, drag] = useState<readonly [start: number, end: number]>();
  const room = Math.max(width - LABEL - TOTAL, 10);
  const height = kinds.length * LANE;
  /** Both ends of the time are beside each other where there is room. */
  const axisLines = room < 320 ? 2 : 1;
  const stretches = kinds[0]?.counts.length ?? 1;
  const most = Math.max(1, ...kinds.flatMap(({ counts }) => counts));
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const iso = (share: number) => new Date(start + share * (end - start)).toISOString();
  const total = kinds.reduce((sum, { total }) => sum + total, 0);
  /** Where in the time line, from 0 to 1. */
  const shareAt = ({ clientX, currentTarget }: PointerEvent<SVGSVGElement>): number =>
    Math.min(1, Math.max(0, (clientX - currentTarget.getBoundingClientRect().left - LABEL) / room));
  const settle = () => {
    if (!dragged) return;
    const [a, b] = [Math.min(...dragged), Math.max(...dragged)];
    drag(undefined);
    // A click is for the stretch that it hits.
    const hit = Math.min(Math.floor(a * stretches), stretches - 1);
    if ((b - a) * room < 4) choose(iso(hit / stretches), iso((hit + 1) / stretches));
    else choose(iso(a), iso(b));
  };
  return (
    <figure className="chart" ref={ref}>
      <svg
        role="img"
        aria-label={texts.lineOf(count(total), instant(from), instant(to), kinds.map(({ kind, total }) => `${kind} ${count(total)}`).join(", "))}
        className="timeline"
        width={width}
        height={height + LINE * axisLines + 4}
        onPointerDown={(pointer) => {
          pointer.currentTarget.setPointerCapture(pointer.pointerId);
          drag([shareAt(pointer), shareAt(pointer)]);
        }}
        onPointerMove={(pointer) => dragged && drag([dragged[0], shareAt(pointer)])}
        onPointerUp={settle}
        onPointerCancel={() => drag(undefined)}
      >
        {kinds.map(({ kind, total, counts }, lane) => (
          <g key={kind} transform={`translate(0 ${lane * LANE})`}>
            <line x1={LABEL} x2={LABEL + room} y1={LANE - 0.5} y2={LANE - 0.5} stroke="var(--chart-line)" />
            <text className="axis" x={LABEL - 6} y={LANE - 8} textAnchor="end">
              {kind}
            </text>
            <text className="axis" x={LABEL + room + 6} y={LANE - 8}>
              {count(total)}
            </text>
            {counts.map((n, i) => {
              if (!n) return null;
              // By the root, so that a few are seen beside many.
              const tall = Math.max(2, (LANE - 4) * Math.sqrt(n / most));
              const x = LABEL + (i * room) / stretches;
              return <rect key={x} x={x} width={Math.max(room / stretches - 1, 1)} y={LANE - tall} height={tall} fill="var(--series-1)" />;
            })}
          </g>
        ))}
        <text className="axis" x={LABEL} y={height + 13}>
          {instant(from)}
        </text>
        <text className="axis" x={LABEL + room} y={height + 13 + LINE * (axisLines - 1)} textAnchor="end">
          {instant(to)}
        </text>
        {dragged && (
          <rect className="brush" x={LABEL + room * Math.min(...dragged)} width={room * Math.abs(dragged[1] - dragged[0])} y={0} height={height} />
        )}
      </svg>
      <Text component="figcaption" size="xs" c="dimmed">
        {texts.lineHint}
      </Text>
      <details>
        <summary>{texts.table}</summary>
        <Lines
          minWidth={320}
          columns={[{ label: t.admin.from }, ...kinds.map(({ kind }) => ({ label: kind, numeric: true }))]}
          rows={Array.from({ length: stretches }, (_, i) => i)
            .filter((i) => kinds.some(({ counts }) => counts[i]))
            .map((i) => [String(i), instant(iso(i / stretches)), ...kinds.map(({ counts }) => count(counts[i]!))])}
        />
      </details>
    </figure>
  );
}
