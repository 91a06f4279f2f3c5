/** The network of a run as a picture: a box for each layer with its output and parameters, lines for what flows between. Loaded when it is looked at. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { useElementSize, useMergedRef } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { count, figure } from "../format.ts";
import type { Layer } from "../layers.ts";
import { BOX, drawn, INPUT } from "../network.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";

const HEIGHT = 520;
const FACTOR = 1.25;
const [SMALLEST, LARGEST] = [0.1, 3];
const STEP = 60;

interface View {
  readonly x: number;
  readonly y: number;
  /** Pixels for a unit of the picture. */
  readonly scale: number;
}

interface NetworkProps {
  readonly layers: readonly Layer[];
  readonly sampleShape: readonly number[];
}

const shape = (sizes: readonly number[]): string => sizes.join(" × ");

export function Network({ layers, sampleShape }: NetworkProps) {
  const picture = useMemo(() => drawn(layers), [layers]);
  const { ref: measured, width } = useElementSize<HTMLDivElement>();
  const host = useRef<HTMLDivElement>(null);
  const both = useMergedRef(measured, host);
  const [view, setView] = useState<View>();
  const [chosen, setChosen] = useState<string>();
  const dragged = useRef<{ x: number; y: number }>(undefined);
  const input = { id: INPUT, layer: t.network.sample, inputs: [], outputShape: sampleShape, parameters: 0, flops: 0, params: {} } as const;
  const all: readonly Layer[] = [input, ...layers];
  const whole: View = useMemo(() => {
    const scale = Math.max(SMALLEST, Math.min(1, (width || 600) / picture.width));
    return { scale, x: (picture.width - (width || 600) / scale) / 2, y: 0 };
  }, [picture, width]);
  const now = view ?? whole;

  const zoom = (by: number) => {
    const scale = Math.min(LARGEST, Math.max(SMALLEST, now.scale * by));
    const [cx, cy] = [now.x + width / 2 / now.scale, now.y + HEIGHT / 2 / now.scale];
    setView({ scale, x: cx - width / 2 / scale, y: cy - HEIGHT / 2 / scale });
  };
  const pan = (dx: number, dy: number) => setView({ ...now, x: now.x + dx / now.scale, y: now.y + dy / now.scale });
  const choose = (id: string, center = false) => {
    setChosen(id);
    const at = picture.boxes.get(id);
    if (center && at) setView({ ...now, x: at.x - width / 2 / now.scale, y: at.y - HEIGHT / 2 / now.scale });
  };
  const next = (by: number) => {
    const place = all.findIndex(({ id }) => id === chosen);
    choose(all[Math.min(Math.max(place + by, 0), all.length - 1)]!.id, true);
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => next(1),
    ArrowUp: () => next(-1),
    ArrowLeft: () => pan(-STEP, 0),
    ArrowRight: () => pan(STEP, 0),
    "+": () => zoom(FACTOR),
    "=": () => zoom(FACTOR),
    "-": () => zoom(1 / FACTOR),
    "0": () => setView(undefined),
  };
  const press = (event: KeyboardEvent) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  // A wheel alone scrolls the page; React's own listeners could not keep the browser from zooming it.
  const wheel = useRef<(event: WheelEvent) => void>(() => {});
  wheel.current = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? FACTOR : 1 / FACTOR);
  };
  useEffect(() => {
    const element = host.current;
    const turn = (event: WheelEvent) => wheel.current(event);
    element?.addEventListener("wheel", turn, { passive: false });
    return () => element?.removeEventListener("wheel", turn);
  }, []);
  const drag = (event: PointerEvent) => {
    if (!dragged.current) return;
    pan(dragged.current.x - event.clientX, dragged.current.y - event.clientY);
    dragged.current = { x: event.clientX, y: event.clientY };
  };
  const layer = all.find(({ id }) => id === chosen);
  const total = layers.reduce((sum, { parameters }) => sum + parameters, 0);
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Text size="sm">{t.network.hint}</Text>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" onClick={() => zoom(FACTOR)} aria-label={t.network.larger}>
            +
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => zoom(1 / FACTOR)} aria-label={t.network.smaller}>
            −
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => setView(undefined)}>
            {t.network.whole}
          </Button>
        </Group>
      </Group>
      <div
        ref={both}
        className="network"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is moved and zoomed by keys
        tabIndex={0}
        aria-label={t.network.picture(layers.length, count(total))}
        onKeyDown={press}
        onPointerDown={({ clientX, clientY }) => {
          dragged.current = { x: clientX, y: clientY };
        }}
        onPointerMove={drag}
        onPointerUp={() => {
          dragged.current = undefined;
        }}
        onPointerLeave={() => {
          dragged.current = undefined;
        }}
      >
        <svg width="100%" height={HEIGHT} aria-hidden="true">
          <defs>
            <marker id="flows" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0L8 4L0 8z" fill="var(--chart-text)" />
            </marker>
          </defs>
          <g transform={`scale(${now.scale}) translate(${-now.x} ${-now.y})`}>
            {picture.edges.map(({ from, to, points }) => (
              <path
                key={`${from} ${to}`}
                d={points.map(({ x, y }, i) => `${i ? "L" : "M"}${x} ${y}`).join("")}
                className="flow"
                markerEnd="url(#flows)"
              />
            ))}
            {all.map(({ id, layer, outputShape, parameters }) => {
              const { x, y } = picture.boxes.get(id)!;
              return (
                // biome-ignore lint/a11y/noStaticElementInteractions: by keys the arrows do this
                <g
                  key={id}
                  transform={`translate(${x - BOX.width / 2} ${y - BOX.height / 2})`}
                  className={id === chosen ? "layer chosen" : "layer"}
                  onClick={() => choose(id)}
                >
                  <rect width={BOX.width} height={BOX.height} rx="8" />
                  <text x="10" y="18" className="kind">
                    {layer}
                  </text>
                  <text x={BOX.width - 10} y="18" textAnchor="end">
                    {fitting(id)}
                  </text>
                  <text x="10" y="34">
                    {shape(outputShape)}
                  </text>
                  {parameters > 0 && (
                    <text x="10" y="49">
                      {t.network.parameters(count(parameters))}
                    </text>
                  )}
                </g>
              );
            })}
          </g>
        </svg>
      </div>
      <div role="status">{layer && <Details layer={layer} />}</div>
    </Stack>
  );
}

/** What of a name has room in its box. */
const fitting = (name: string): string => (name.length > 14 ? `${name.slice(0, 13)}…` : name);

function Details({ layer: { id, layer, inputs, outputShape, parameters, flops, params } }: { readonly layer: Layer }) {
  const columns = t.run.layer;
  const rows: readonly (readonly [string, string])[] = [
    [columns.kind, layer],
    [columns.shape, shape(outputShape)],
    [columns.parameters, count(parameters)],
    [columns.flops, figure(flops)],
    ...(inputs.length ? [[columns.from, inputs.join(", ")] as const] : []),
    ...Object.entries(params).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)] as const),
  ];
  return (
    <Lines minWidth={260} columns={[{ label: columns.name, width: "30%" }, { label: id }]} rows={rows.map(([name, value]) => [name, name, value])} />
  );
}
