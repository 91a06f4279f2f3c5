/** Thousands of runs, a line each, of which only those in sight are drawn: of plain elements, as a hundred of them come and go in a second. */
import { Button, Group, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, memo, type ReactNode, useEffect, useRef } from "react";
import type { RunGroups, RunSummary } from "../../shared/api/schemas.ts";
import { count, figure, moment, span } from "../format.ts";
import { NAME, type RunColumn } from "../run-columns.ts";
import { t } from "../texts.ts";

export type RunGroup = RunGroups["groups"][number];

export type GridRow =
  | { readonly kind: "run"; readonly run: RunSummary }
  | { readonly kind: "group"; readonly group: RunGroup; readonly label: string; readonly isOpen: boolean; readonly best?: string }
  /** Of a group: not there yet, or more than are shown at once. */
  | { readonly kind: "more"; readonly group: RunGroup; readonly isLoading: boolean };

interface GridProps {
  readonly rows: readonly GridRow[];
  /** Lines in all; more than there are rows while others are still to come. */
  readonly total: number;
  readonly columns: readonly RunColumn[];
  readonly sort?: string;
  readonly setSort: (sort: string) => void;
  readonly selected: ReadonlySet<string>;
  /** @param range whether all from the one that was chosen last up to this one are meant */
  readonly select: (run: RunSummary, range: boolean) => void;
  /** The box of the head, for all that there are. */
  readonly selectAll: ReactNode;
  readonly toggle: (group: RunGroup) => void;
  readonly only: (group: RunGroup) => void;
  /** How far it is scrolled: the last row in sight. */
  readonly reached: (row: number) => void;
}

/** Pixels. */
const LINE = 37;
const BOX = 40;
/** Of the name, which stays in sight while one scrolls sideways. */
const NARROW_NAME = 150;
/** Lines that are drawn above and below those in sight: as far as one scrolls in two frames, so that none is blank. */
const OVERSCAN = 40;

export function RunGrid({ rows, total, columns, sort, setSort, selected, select, selectAll, toggle, only, reached }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => LINE, overscan: OVERSCAN });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => reached(last), [last, reached]);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const navigate = useNavigate();
  const go = (event: MouseEvent<HTMLElement>) => {
    const to = (event.target as Element).closest("a")?.getAttribute("href");
    if (!to || event.ctrlKey || event.metaKey || event.shiftKey) return; // into another tab or window
    event.preventDefault();
    void navigate({ to });
  };
  const isNarrow = useMediaQuery("(max-width: 48em)");
  const widthOf = (column: RunColumn) => (isNarrow && column.id === NAME ? NARROW_NAME : column.width);
  const width = columns.reduce((sum, column) => sum + widthOf(column), BOX);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keyboard too
    // biome-ignore lint/a11y/useKeyWithClickEvents: the Enter key clicks a link that has the focus
    <section ref={scroller} className="grid" aria-label={t.runs.title} tabIndex={0} onClick={go}>
      <table style={{ minWidth: width }} aria-rowcount={total + 1}>
        <colgroup>
          <col style={{ width: BOX }} />
          {columns.map((column) => (
            <col key={column.id} style={{ width: widthOf(column) }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="box">
              {selectAll}
            </th>
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} setSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Space height={before} of={columns.length + 1} />}
          {items.map(({ index }) => {
            const row = rows[index]!;
            if (row.kind === "run")
              return <RunLine key={row.run.id} index={index} run={row.run} columns={columns} isSelected={selected.has(row.run.id)} select={select} />;
            return (
              <tr key={`${row.kind} ${row.group.value}`} aria-rowindex={index + 2} className="group" data-index={index}>
                <td colSpan={columns.length + 1}>
                  {row.kind === "group" ? (
                    <UnstyledButton className="line" aria-expanded={row.isOpen} onClick={() => toggle(row.group)}>
                      <span aria-hidden="true">{row.isOpen ? "▾" : "▸"}</span> <strong className="name">{row.label}</strong>{" "}
                      <Text span size="sm" c="dimmed">
                        {t.runs.ofGroup(row.group.count)}
                        {row.best && ` · ${row.best}`}
                      </Text>
                    </UnstyledButton>
                  ) : row.isLoading ? (
                    <Text className="line" size="sm">
                      {t.loading}
                    </Text>
                  ) : (
                    <Group className="line">
                      <Button size="compact-xs" variant="default" onClick={() => only(row.group)}>
                        {t.runs.onlyThese(row.group.count)}
                      </Button>
                    </Group>
                  )}
                </td>
              </tr>
            );
          })}
          {after > 0 && <Space height={after} of={columns.length + 1} />}
        </tbody>
      </table>
    </section>
  );
}

const Space = ({ height, of }: { readonly height: number; readonly of: number }) => (
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a line that nothing is in, and that takes no focus
  <tr aria-hidden="true">
    <td className="space" colSpan={of} style={{ height }} />
  </tr>
);

function Head({ column: { id, label, kind, sorts }, sort, setSort }: { readonly column: RunColumn } & Pick<GridProps, "sort" | "setSort">) {
  const direction = sort === id ? "ascending" : sort === `-${id}` ? "descending" : "none";
  return (
    <th scope="col" className={classOf(id, kind)} aria-sort={sorts ? direction : undefined} title={label}>
      {sorts ? (
        <UnstyledButton
          className="heading"
          fw={700}
          fz="sm"
          aria-label={t.runs.sortedBy(label)}
          onClick={() => setSort(direction === "descending" ? id : `-${id}`)}
        >
          {label} {direction === "ascending" ? "↑" : direction === "descending" ? "↓" : ""}
        </UnstyledButton>
      ) : (
        label
      )}
    </th>
  );
}

const classOf = (id: string, kind: RunColumn["kind"]): string | undefined => (id === NAME ? "sticky" : kind === "number" ? "numbers" : undefined);

interface LineProps extends Pick<GridProps, "columns" | "select"> {
  readonly index: number;
  readonly run: RunSummary;
  readonly isSelected: boolean;
}

const RunLine = memo(function RunLine({ index, run, columns, isSelected, select }: LineProps) {
  return (
    <tr aria-rowindex={index + 2} aria-selected={isSelected} data-index={index}>
      <td className="box">
        <input
          type="checkbox"
          aria-label={t.compare.select(run.name)}
          checked={isSelected}
          readOnly
          onClick={({ shiftKey }) => select(run, shiftKey)}
        />
      </td>
      {columns.map((column) => (
        <td key={column.id} className={classOf(column.id, column.kind)}>
          <Value column={column} run={run} />
        </td>
      ))}
    </tr>
  );
});

function Value({ column: { id, kind, value: of }, run }: { readonly column: RunColumn; readonly run: RunSummary }) {
  const value = of(run);
  if (id === NAME)
    return (
      <a href={`/runs/${run.id}`} className="name" title={run.name}>
        {run.name}
      </a>
    );
  if (kind === "state")
    return (
      <span className="state" data-state={run.state}>
        {t.states[run.state]}
      </span>
    );
  if (value === null) return "–";
  if (kind === "time")
    return (
      <time dateTime={String(value)} title={String(value)}>
        {moment(String(value))}
      </time>
    );
  if (id === "number") return String(value);
  if (id === "duration") return span(Number(value));
  if (typeof value === "number") return figure(value);
  return (
    <span className="name" title={value}>
      {value}
    </span>
  );
}

/** How many of a list are there, for who cannot see how long the scroll bar is. */
export const Loaded = ({ shown, total }: { readonly shown: number; readonly total: number }) => (
  <Text size="sm" c="dimmed" role="status">
    {t.runs.shown(count(shown), count(total))}
  </Text>
);
