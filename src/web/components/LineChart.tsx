/** Curves over steps that grow while one looks, by uPlot: a canvas, as SVG is too slow for 100,000 points. Of each pixel only what can be seen is drawn. */
import "uplot/dist/uPlot.min.css";
import { Button, Group, Switch, Text } from "@mantine/core";
import { useElementSize, useMergedRef } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { closerQuery } from "../api.ts";
import { figure, titleOf } from "../format.ts";
import { type Curve, extent, joined, refined, smoothed, visible } from "../series.ts";
import { t } from "../texts.ts";
import { Export } from "./Export.tsx";

const HEIGHT = 240;
const colors = ["var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)"];

/** The value of a custom property, computed: a canvas knows no `light-dark()`. */
function colorOf(value: string): string {
  const probe = document.createElement("span");
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

interface ChartProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** Light or dark: drawn anew when it changes. */
  readonly scheme: string;
  /** The run that the curves are of, where more of a stretch can be asked for than came. */
  readonly run?: string;
}

/** A chart whose curves are the same is not looked at again, however often the page is. */
export const LineChart = memo(Chart, (before, now) => {
  const same = before.title === now.title && before.run === now.run && before.scheme === now.scheme && before.curves.length === now.curves.length;
  return same && before.curves.every((curve, i) => curve === now.curves[i]);
});

function Chart({ title, curves, scheme, run }: ChartProps) {
  const { ref: measured, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const both = useMergedRef(measured, host);
  const plot = useRef<uPlot | null>(null);
  /** What one looks at closely stays where it is while points come in. */
  const [zoom, setZoom] = useState<readonly [number, number]>();
  const [smooth, setSmooth] = useState(false);
  const [log, setLog] = useState(false);
  const { data: closer } = useQuery({
    ...closerQuery(
      run ?? "",
      curves.map(({ name }) => name),
      zoom ?? [0, 0],
    ),
    enabled: run !== undefined && zoom !== undefined,
  });
  const drawn = useMemo(() => {
    const known =
      zoom && closer
        ? curves.map((curve) =>
            refined(
              curve,
              zoom,
              closer.series.find(({ series }) => series === curve.name),
            ),
          )
        : curves;
    return smooth ? known.map(smoothed) : known;
  }, [curves, smooth, zoom, closer]);
  const range = useMemo(() => zoom ?? extent(drawn), [drawn, zoom]);
  const data = useMemo(() => joined(drawn.map((curve) => visible(curve, range, Math.max(width, 200)))), [drawn, range, width]);
  const names = curves.map(({ name }) => name).join("\n");
  const latest = useRef({ data, range });
  latest.current = { data, range };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when what it consists of changes; data and width come by themselves
  useEffect(() => {
    const { current: element } = host;
    if (!element) return;
    const axis = { stroke: colorOf("var(--chart-text)"), grid: { stroke: colorOf("var(--chart-line)"), width: 1 }, ticks: { show: false } };
    const made = new uPlot(
      {
        width: Math.max(element.clientWidth, 200),
        height: HEIGHT,
        cursor: { drag: { x: true, y: false, setScale: false } },
        scales: { x: { time: false, range: () => [...latest.current.range] as [number, number] }, y: { distr: log ? 3 : 1 } },
        axes: [
          { ...axis, size: 32 },
          { ...axis, size: 60, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : figure(tick))) },
        ],
        series: [
          { label: t.run.step },
          ...names.split("\n").map((label, i) => ({
            label: titleOf(label),
            stroke: colorOf(colors[i % colors.length]!),
            width: 2,
            spanGaps: true,
            points: { show: (chart: uPlot) => chart.data[0].length < 40 },
            value: (_: uPlot, value: number | null) => figure(value),
          })),
        ],
        hooks: {
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < 4) return;
              setZoom([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]);
              chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      latest.current.data,
      element,
    );
    plot.current = made;
    return () => made.destroy();
  }, [names, log, scheme]);

  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData);
  }, [data]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);

  const last = curves.map(({ name, values }) => `${titleOf(name)} ${figure(values[values.length - 1])}`).join(", ");
  return (
    <figure className="chart">
      <Group justify="space-between" gap="xs">
        <Text component="figcaption" fw={600} size="sm" className="name">
          {title}
        </Text>
        <Group gap="sm">
          {zoom && (
            <Button size="compact-xs" variant="default" onClick={() => setZoom(undefined)}>
              {t.run.unzoom}
            </Button>
          )}
          <Switch size="xs" label={t.run.smooth} checked={smooth} onChange={(event) => setSmooth(event.currentTarget.checked)} />
          <Switch size="xs" label={t.run.log} checked={log} onChange={(event) => setLog(event.currentTarget.checked)} />
          <Export
            title={title}
            chart={() => ({
              title,
              x: t.run.step,
              lines: drawn.map(({ name, steps, values }) => ({ label: titleOf(name), x: steps, y: values })),
              log,
              ...(zoom && { within: { x: zoom } }),
            })}
          />
        </Group>
      </Group>
      <div ref={both} role="img" aria-label={`${title}: ${last}`} />
    </figure>
  );
}
