/** All runs: found, sorted, grouped and shown as the address says; what is done to many at once. */
import { Anchor, Button, Checkbox, Group, Loader, Select, Stack, Text } from "@mantine/core";
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { RunSummary } from "../../shared/api/schemas.ts";
import { catalogQuery } from "../api.ts";
import { BulkActions } from "../components/BulkActions.tsx";
import { Failure } from "../components/Failure.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { RunColumns } from "../components/RunColumns.tsx";
import { RunExport } from "../components/RunExport.tsx";
import { RunFilters } from "../components/RunFilters.tsx";
import { type GridRow, Loaded, RunGrid, type RunGroup } from "../components/RunGrid.tsx";
import { count, figure } from "../format.ts";
import { choicesOf, columnOf, isLowerBetter, metricOf, usualColumns } from "../run-columns.ts";
import { allRuns, groupQuery, groupsQuery, type RunsAsked, runFieldsQuery, totalQuery, useAgain, useLive, useRunPages } from "../run-pages.ts";
import { t } from "../texts.ts";

/** Rows that are loaded below what is in sight. */
const AHEAD = 1500;
/** Lists of more pages are not read anew before one says so. */
const FEW_PAGES = 2;
const none: readonly string[] = [];

/** The condition that the runs of a group meet. */
const conditionOf = (by: string, { value }: RunGroup): string => (value === null ? `!${by}` : `${by}=${value}`);

export function Runs() {
  const search = useSearch({ from: "/runs" });
  const { q = "", filter = none, sort, columns: ids = usualColumns, group, open = none } = search;
  const navigate = useNavigate({ from: "/runs" });
  const set = useCallback(
    (change: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true }),
    [navigate],
  );
  const asked: RunsAsked = { q, filter, sort, columns: ids };
  const columns = useMemo(() => ids.map(columnOf), [ids]);
  const list = useRunPages(asked, group === undefined);
  const grouped = useGroups(asked, group, open);
  const total = useQuery({ ...totalQuery(asked), placeholderData: keepPreviousData });
  const again = useAgain();

  const rows: readonly GridRow[] = group === undefined ? list.runs.map((run) => ({ kind: "run", run })) : grouped.rows;
  const shown = rows.flatMap((row) => (row.kind === "run" ? [row.run] : []));
  const selection = useSelection(shown, JSON.stringify([q, filter, group]));

  const { hasNextPage, isFetching, fetchNextPage, isFetchNextPageError } = list;
  const mayRead = hasNextPage && !isFetching && !isFetchNextPageError;
  // No state: nothing is drawn anew because one scrolls.
  const row = useRef(0);
  const readAhead = useCallback(() => {
    if (mayRead && rows.length - row.current < AHEAD) void fetchNextPage();
  }, [mayRead, fetchNextPage, rows.length]);
  useEffect(readAhead, [readAhead]);
  const reached = useCallback(
    (last: number) => {
      row.current = last;
      readAhead();
    },
    [readAhead],
  );

  // Runs that came or went since the list was read.
  const isOld = group === undefined && !list.isFetching && total.data !== undefined && list.totalThen !== undefined && total.data !== list.totalThen;
  const isSmall = list.pages <= FEW_PAGES;
  useEffect(() => {
    if (isOld && isSmall) void again();
  }, [isOld, isSmall, again]);

  const all = total.data ?? shown.length;
  const isLoaded = group === undefined ? list.isLoaded : grouped.isLoaded;
  const isNarrowed = q !== "" || filter.length > 0;
  const error = list.error ?? grouped.error ?? total.error;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <PageTitle>{t.runs.title}</PageTitle>
        <Button component={Link} to="/train">
          {t.train.title}
        </Button>
      </Group>
      <RunFilters
        q={q}
        setQ={useCallback((q: string) => set({ q: q || undefined }), [set])}
        filter={filter}
        setFilter={(filter) => set({ filter: filter.length ? [...filter] : undefined })}
      />
      <Group justify="space-between" align="end" gap="xs">
        <Group align="end" gap="xs">
          <GroupBy group={group} set={(group) => set({ group, open: undefined })} />
          {isLoaded && <Loaded shown={shown.length} total={all} />}
          {isOld && !isSmall && (
            <Button size="compact-xs" variant="default" onClick={() => void again()}>
              {t.runs.again}
            </Button>
          )}
        </Group>
        <Group gap="xs">
          <Button
            component={Link}
            to="/compare"
            search={{ q: q || undefined, filter: filter.length ? filter : undefined, view: "parallel" } as never}
            size="xs"
            variant="default"
          >
            {t.runs.plot}
          </Button>
          <RunExport asked={asked} columns={columns} />
          <RunColumns chosen={ids} choose={(columns) => set({ columns: [...columns] })} />
        </Group>
      </Group>
      <BulkActions runs={selection.runs} clear={selection.clear} />
      <Failure error={error} retry={() => void again()} />
      {!isLoaded && !error && <Loader aria-label={t.loading} />}
      {isLoaded && rows.length === 0 && <Nothing isNarrowed={isNarrowed} clear={() => set({ q: undefined, filter: undefined })} />}
      {rows.length > 0 && (
        <RunGrid
          rows={rows}
          total={group === undefined ? all : rows.length}
          columns={columns}
          sort={sort}
          setSort={(sort) => set({ sort })}
          selected={selection.selected}
          select={selection.select}
          selectAll={<SelectAll asked={asked} all={all} selection={selection} />}
          toggle={(one) => {
            const condition = conditionOf(group!, one);
            set({ open: open.includes(condition) ? open.filter((other) => other !== condition) : [...open, condition] });
          }}
          only={(one) => set({ filter: [...filter, conditionOf(group!, one)], group: undefined, open: undefined })}
          reached={reached}
        />
      )}
    </Stack>
  );
}

/** Groups, and the runs of those that are open, as rows. */
function useGroups(asked: RunsAsked, by: string | undefined, open: readonly string[]) {
  const { data: catalog } = useQuery(catalogQuery);
  // What is best is told of what is sorted by, or else of the first metric there is to see.
  const metric = [asked.sort?.replace(/^-/, ""), ...asked.columns].flatMap((id) => (id && metricOf(id)) || [])[0];
  const groups = useQuery({ ...groupsQuery(asked, by ?? "", metric), enabled: by !== undefined, placeholderData: keepPreviousData });
  const list = (by !== undefined && groups.data?.groups) || [];
  const inside = list.map((group) => ({ group, condition: conditionOf(by!, group) }));
  const opened = inside.filter(({ condition }) => open.includes(condition));
  const members = useQueries({ queries: opened.map(({ condition }) => groupQuery({ ...asked, filter: [...(asked.filter ?? []), condition] })) });
  const runs = members.flatMap(({ data }) => data?.items ?? []);
  useLive(runs, asked.columns);
  const rows = inside.flatMap(({ group, condition }): GridRow[] => {
    const at = opened.findIndex((one) => one.condition === condition);
    const best = metric === undefined ? null : isLowerBetter(metric, catalog?.metrics) ? group.least : group.greatest;
    const head: GridRow = {
      kind: "group",
      group,
      label: labelOf(by!, group.value),
      isOpen: at >= 0,
      best: best === null ? undefined : t.runs.best(columnOf(`metrics.${metric}`).label, figure(best)),
    };
    if (at < 0) return [head];
    const { data } = members[at]!;
    const lines = data?.items.map((run): GridRow => ({ kind: "run", run })) ?? [];
    return data && !data.next ? [head, ...lines] : [head, ...lines, { kind: "more", group, isLoading: !data }];
  });
  return { rows, isLoaded: groups.data !== undefined, error: groups.error ?? members.find(({ error }) => error)?.error };
}

function labelOf(by: string, value: string | null): string {
  if (value === null) return t.runs.without(columnOf(by).label);
  return by === "state" ? t.states[value as keyof typeof t.states] : `${columnOf(by).label}: ${value || t.runs.empty}`;
}

function GroupBy({ group, set }: { readonly group?: string; readonly set: (group?: string) => void }) {
  const { data: fields } = useQuery(runFieldsQuery);
  const { settings, tags } = choicesOf(fields ?? { metrics: [], settings: [], tags: [] });
  const option = (value: string) => ({ value, label: columnOf(value).label });
  const data = [
    { group: t.runs.fieldGroups.run, items: ["dataset", "model", "state", "author", "task"].map(option) },
    { group: t.runs.fieldGroups.tags, items: tags.map(option) },
    { group: t.runs.fieldGroups.settings, items: settings.map(option) },
  ];
  return (
    <Select
      label={t.runs.groupBy}
      placeholder={t.runs.noGroup}
      size="xs"
      data={data}
      value={group ?? null}
      onChange={(value) => set(value ?? undefined)}
      searchable
      clearable
      limit={100}
      w={200}
    />
  );
}

/** Which runs are chosen; with the shift key all from the one that was chosen last. */
function useSelection(shown: readonly RunSummary[], list: string) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, RunSummary>>(new Map());
  const latest = useRef(shown);
  latest.current = shown;
  const last = useRef<string>(undefined);
  const clear = useCallback(() => setChosen(new Map()), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: of another list, others are chosen
  useEffect(clear, [list]);
  const select = useCallback((run: RunSummary, range: boolean) => {
    const from = range ? latest.current.findIndex(({ id }) => id === last.current) : -1;
    const to = latest.current.findIndex(({ id }) => id === run.id);
    last.current = run.id;
    setChosen((before) => {
      const after = new Map(before);
      const isOn = !before.has(run.id);
      const meant = from < 0 ? [run] : latest.current.slice(Math.min(from, to), Math.max(from, to) + 1);
      for (const one of meant)
        if (isOn) after.set(one.id, one);
        else after.delete(one.id);
      return after;
    });
  }, []);
  const choose = useCallback((runs: readonly RunSummary[]) => setChosen(new Map(runs.map((run) => [run.id, run]))), []);
  const now = new Map(shown.map((run) => [run.id, run]));
  return {
    selected: useMemo(() => new Set(chosen.keys()), [chosen]),
    // As they are by now, where they are in sight.
    runs: [...chosen.values()].map((run) => now.get(run.id) ?? run),
    select,
    choose,
    clear,
  };
}

interface SelectAllProps {
  readonly asked: RunsAsked;
  readonly all: number;
  readonly selection: ReturnType<typeof useSelection>;
}

function SelectAll({ asked, all, selection: { runs, choose, clear } }: SelectAllProps) {
  const [isReading, setReading] = useState(false);
  const toggle = async () => {
    if (runs.length) return clear();
    setReading(true);
    try {
      choose(await allRuns({ ...asked, columns: none }, Number.POSITIVE_INFINITY, () => {}));
    } finally {
      setReading(false);
    }
  };
  return (
    <Checkbox
      size="xs"
      aria-label={t.runs.selectAll(count(all))}
      checked={runs.length > 0 && runs.length >= all}
      indeterminate={runs.length > 0 && runs.length < all}
      disabled={isReading}
      onChange={() => void toggle()}
    />
  );
}

function Nothing({ isNarrowed, clear }: { readonly isNarrowed: boolean; readonly clear: () => void }) {
  if (isNarrowed)
    return (
      <Group gap="xs">
        <Text>{t.runs.noneFound}</Text>
        <Button size="compact-xs" variant="default" onClick={clear}>
          {t.runs.showAll}
        </Button>
      </Group>
    );
  return (
    <Stack gap="xs" maw={600}>
      <Text>{t.runs.none}</Text>
      <Text>{t.runs.teaches}</Text>
      <Anchor component={Link} to="/" underline="always">
        {t.runs.trainOne}
      </Anchor>
    </Stack>
  );
}
