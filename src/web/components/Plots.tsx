/** Pictures of many runs: which, by what, and what is within what one looks at. */
import { Button, Group, Loader, MultiSelect, Select, Stack, Switch, Text, useComputedColorScheme } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Comparison, RunFields, RunSummary } from "../../shared/api/schemas.ts";
import { csv, json, saveText } from "../export.ts";
import type { Brush } from "../plot.ts";
import { choicesOf, columnOf, type FieldGroup, type RunColumn } from "../run-columns.ts";
import { plottedQuery, runFieldsQuery } from "../run-pages.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";
import { brushed, Parallel } from "./Parallel.tsx";
import { SaveAs, shownCell } from "./PlotFrame.tsx";
import { RunLink } from "./RunLink.tsx";
import { Scatter } from "./Scatter.tsx";

/** Axes of the first picture. */
const MOST_AXES = 5;
/** Lines of the table; the files have all. */
const MOST_LINES = 100;
const MOST_CHOSEN = 20;
/** What people vary, and how it came out: those first that tell most. */
const usualSettings = ["model", "optimizer", "optimizer.params.learningRate", "training.batchSize", "training.epochs"];
const usualMetrics = ["test_accuracy", "test_mae", "validation_loss", "train_loss"];
/** Differs always, and says nothing. */
const SEED = "training.seed";

/** As filters name what a comparison tells by its path. */
const fieldOfPath = (path: string): string => path.replace(/\.id$/, "");

/** Fields in which chosen runs differ: what people vary most first, then what most of the runs have. */
function differing({ settings }: Comparison): string[] {
  const rank = (field: string) => usualSettings.indexOf(field) + 1 || usualSettings.length + 1;
  const missing = (values: readonly unknown[]) => values.filter((value) => value === null).length;
  return settings
    .map(({ path, values }) => ({ field: fieldOfPath(path), lack: missing(values) }))
    .filter(({ field }) => field !== SEED)
    .sort((a, b) => rank(a.field) - rank(b.field) || a.lack - b.lack)
    .map(({ field }) => field);
}

function usualAxes({ metrics, settings }: RunFields, comparison: Comparison | undefined): string[] {
  const known = new Set(["model", "dataset", ...settings.map(({ name }) => name)]);
  const varied = (comparison ? differing(comparison) : usualSettings).filter((field) => known.has(field));
  const metric = usualMetrics.find((name) => metrics.includes(name)) ?? metrics[0];
  return [...varied.slice(0, MOST_AXES - 1), ...(metric === undefined ? [] : [`metrics.${metric}`])];
}

export function Plots({ view, comparison }: { readonly view: "parallel" | "scatter"; readonly comparison?: Comparison }) {
  const { ids, q, filter, axes, x, y, color, brush = {}, table = false } = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const scheme = useComputedColorScheme("light");
  const fields = useQuery(runFieldsQuery);
  const usual = fields.data ? usualAxes(fields.data, comparison) : [];
  const chosen = axes ?? usual;
  const [across, up] = [x ?? chosen.at(-2) ?? "number", y ?? chosen.at(-1) ?? "number"];
  const shade = color ?? usual.at(-1) ?? "number";
  const wanted = [...new Set([...(view === "parallel" ? chosen : [across, up]), shade])];
  const runs = useQuery({
    ...plottedQuery({ ids, q, filter, columns: wanted }),
    enabled: fields.data !== undefined,
    placeholderData: keepPreviousData,
  });
  const set = (change: object) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const columns = useColumns(wanted);
  const shown = useColumns(view === "parallel" ? chosen : [across, up]);
  const found = runs.data?.runs ?? [];
  const kept = useMemo(() => (view === "parallel" ? brushed(found, brush) : found), [view, found, brush]);
  const setBrush = (axis: string, to?: Brush) => {
    const { [axis]: _, ...others } = brush;
    set({ brush: to ? { ...others, [axis]: to } : Object.keys(others).length ? others : undefined });
  };
  const options = optionsOf(fields.data);
  const pick = (label: string, name: "x" | "y" | "color", value: string) => (
    <Select
      label={label}
      data={options}
      value={value}
      onChange={(value) => set({ [name]: value ?? undefined })}
      searchable
      allowDeselect={false}
      limit={100}
      maw={260}
    />
  );
  return (
    <Stack gap="sm" mt="sm">
      <Failure error={fields.error ?? runs.error} retry={() => void runs.refetch()} />
      <Group align="end">
        {view === "parallel" ? (
          <MultiSelect
            label={t.compare.axes}
            data={options}
            value={[...chosen]}
            // A brush goes with its axis.
            onChange={(axes) => set({ axes, brush: keysWithin(brush, axes) })}
            searchable
            limit={100}
            maxValues={MOST_CHOSEN}
            maw={700}
          />
        ) : (
          <>
            {pick(t.compare.x, "x", across)}
            {pick(t.compare.y, "y", up)}
          </>
        )}
        {pick(t.compare.color, "color", shade)}
      </Group>
      {!runs.data && !runs.error && <Loader aria-label={t.loading} />}
      {runs.data && found.length === 0 && <Text>{t.compare.noPlot}</Text>}
      {found.length > 0 && (
        <>
          {view === "parallel" ? (
            <Parallel runs={found} axes={shown} color={columnOf(shade)} scheme={scheme} brushes={brush} setBrush={setBrush} />
          ) : (
            <Scatter runs={found} x={shown[0]!} y={shown[1]!} color={columnOf(shade)} scheme={scheme} />
          )}
          {view === "parallel" && (
            <Text size="sm" c="dimmed">
              {t.compare.brushHint}
            </Text>
          )}
          <Group>
            <Text size="sm" role="status">
              {t.compare.kept(kept.length, found.length)}
              {runs.data?.isMore && ` ${t.compare.first(found.length)}`}
            </Text>
            {Object.keys(brush).length > 0 && view === "parallel" && (
              <Button size="compact-xs" variant="default" onClick={() => set({ brush: undefined })}>
                {t.compare.unbrush}
              </Button>
            )}
            <Switch
              size="xs"
              label={t.compare.asTable}
              checked={table}
              onChange={(event) => set({ table: event.currentTarget.checked || undefined })}
            />
            <Files runs={kept} columns={columns} />
          </Group>
          {table && <AsTable runs={kept} columns={columns} />}
        </>
      )}
    </Stack>
  );
}

/** The same while they are of the same names. */
function useColumns(ids: readonly string[]): readonly RunColumn[] {
  const key = JSON.stringify(ids);
  return useMemo(() => (JSON.parse(key) as string[]).map(columnOf), [key]);
}

function keysWithin<T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> | undefined {
  const left = Object.entries(record).filter(([key]) => keys.includes(key));
  return left.length ? Object.fromEntries(left) : undefined;
}

function optionsOf(fields: RunFields | undefined) {
  const choices = choicesOf(fields ?? { metrics: [], settings: [], tags: [] });
  return (Object.keys(choices) as FieldGroup[]).map((group) => ({
    group: t.runs.fieldGroups[group],
    items: choices[group].map((value) => ({ value, label: columnOf(value).label })),
  }));
}

const named: readonly RunColumn[] = [columnOf("number"), columnOf("name")];

function Files({ runs, columns }: { readonly runs: readonly RunSummary[]; readonly columns: readonly RunColumn[] }) {
  const all = [...named, ...columns];
  const head = all.map(({ id }) => id);
  const rows = () => runs.map((run) => all.map(({ value }) => value(run)));
  return (
    <Group gap="xs">
      <SaveAs format="CSV" act={() => saveText("plotted.csv", "text/csv", csv(head, rows()))} />
      <SaveAs format="JSON" act={() => saveText("plotted.json", "application/json", json(head, rows()))} />
    </Group>
  );
}

function AsTable({ runs, columns }: { readonly runs: readonly RunSummary[]; readonly columns: readonly RunColumn[] }) {
  const lines = runs.slice(0, MOST_LINES);
  return (
    <>
      <Lines
        columns={[{ label: t.compare.run }, ...columns.map(({ label, kind }) => ({ label, numeric: kind === "number" }))]}
        rows={lines.map((run) => [run.id, <RunLink key="run" run={run} />, ...columns.map((column) => shownCell(column, run))])}
        minWidth={200 + 120 * columns.length}
      />
      {lines.length < runs.length && <Text size="sm">{t.compare.first(lines.length)}</Text>}
    </>
  );
}
