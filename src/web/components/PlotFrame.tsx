/** What is around a picture of runs: its title, what it is of, what the run under the pointer or the focus is, and the picture as a file. */
import { Button, Group, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type MouseEvent, type ReactNode, type RefObject, useCallback, useRef, useState } from "react";
import type { RunSummary } from "../../shared/api/schemas.ts";
import { pngBlob, save, svgBlob, svgText } from "../export.ts";
import { figure } from "../format.ts";
import type { RunColumn } from "../run-columns.ts";
import { t } from "../texts.ts";

/** A run as one reads it: what it is called, and its values. */
export const described = (run: RunSummary, columns: readonly RunColumn[]): string =>
  `#${run.number} ${run.name}: ${columns.map((column) => `${column.label} ${shownCell(column, run)}`).join(", ")}`;

export function shownCell({ id, value }: RunColumn, run: RunSummary): string {
  const cell = value(run);
  return typeof cell === "number" && id !== "number" ? figure(cell) : String(cell ?? "–");
}

/** Least to greatest, and their colours. */
export interface Key {
  readonly label: string;
  readonly stops: readonly { readonly color: string; readonly label: string }[];
}

interface FrameProps {
  readonly title: string;
  /** What it is of, for who does not see it. */
  readonly label: string;
  /** Of files. */
  readonly name: string;
  readonly svg: RefObject<SVGSVGElement | null>;
  /** Of the run that is pointed at. */
  readonly said?: string;
  readonly colors?: Key;
  readonly children: ReactNode;
}

/** The button that saves a picture, or what it was made of, in one format. */
export const SaveAs = ({ format, act }: { readonly format: string; readonly act: () => unknown }) => (
  <Button size="compact-xs" variant="default" aria-label={t.compare.exportAs(format)} onClick={() => void act()}>
    {format}
  </Button>
);

export function PlotFrame({ title, label, name, svg, said, colors, children }: FrameProps) {
  return (
    <figure className="chart">
      <Group justify="space-between" gap="xs">
        <Text component="figcaption" fw={600} size="sm">
          {title}
        </Text>
        <Group gap="xs">
          <SaveAs format="SVG" act={() => svg.current && save(`${name}.svg`, svgBlob(svgText(svg.current)))} />
          <SaveAs format="PNG" act={async () => svg.current && save(`${name}.png`, await pngBlob(svgText(svg.current)))} />
        </Group>
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keyboard too */}
      <section className="plot" aria-label={label} tabIndex={0}>
        {children}
      </section>
      <Text size="sm" className="name said" aria-hidden="true">
        {said ?? t.compare.point}
      </Text>
      {colors && (
        <ul className="legend" aria-label={colors.label}>
          <li>{colors.label}</li>
          {colors.stops.map(({ color, label }) => (
            <li key={label} className="name">
              <svg width="12" height="12" aria-hidden="true">
                <rect width="12" height="12" fill={color} />
              </svg>{" "}
              {label}
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}

/** Where a mark leads. */
export const pathTo = ({ id }: RunSummary): string => `/runs/${id}`;

/** Marks of a picture, one a run: one of them takes the focus, and the arrow keys go from one to the next. */
export function useMarks(runs: readonly RunSummary[]) {
  const navigate = useNavigate();
  const [at, setAt] = useState<number>();
  const current = Math.min(at ?? 0, Math.max(runs.length - 1, 0));
  const marks = useRef<(HTMLElement | SVGElement | null)[]>([]);
  const move = (event: KeyboardEvent, i: number) => {
    const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: runs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    marks.current[Math.max(0, Math.min(runs.length - 1, to))]?.focus();
  };
  const leave = useCallback(() => setAt(undefined), []);
  return {
    /** Of the run that is pointed at. */
    at: at !== undefined && at < runs.length ? at : undefined,
    props: (i: number) => ({
      ref: (element: HTMLElement | SVGElement | null) => {
        marks.current[i] = element;
      },
      tabIndex: i === current ? 0 : -1,
      onFocus: () => setAt(i),
      onPointerEnter: () => setAt(i),
      onPointerLeave: leave,
      onBlur: leave,
      onKeyDown: (event: KeyboardEvent) => move(event, i),
      onClick: (event: MouseEvent) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into another tab or window
        event.preventDefault();
        void navigate({ to: pathTo(runs[i]!) });
      },
    }),
  };
}
