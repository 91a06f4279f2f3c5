/** Runs beside each other: where their settings differ, how good each is, whether the difference of two is more than chance, and pictures of many. */
import { Anchor, Loader, Select, Stack, Switch, Tabs, Text, Title, useComputedColorScheme } from "@mantine/core";
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Comparison } from "../../shared/api/schemas.ts";
import { compareQuery, seriesQuery, significanceQuery } from "../api.ts";
import { Failure } from "../components/Failure.tsx";
import { LineChart } from "../components/LineChart.tsx";
import { Lines } from "../components/Lines.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { Plots } from "../components/Plots.tsx";
import { RunLink } from "../components/RunLink.tsx";
import { figure, titleOf } from "../format.ts";
import { t } from "../texts.ts";

/** Curves that are told apart, more or less. */
const MOST_CURVES = 20;

/** A value as a comparison tells it. */
const settingText = (value: unknown): string => (value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value));

export function Compare() {
  const { ids, view, all = false } = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const isChosen = ids !== undefined && ids.length > 1;
  // Without chosen runs the pictures are of all that a filter leaves.
  const shown = view ?? "beside";
  const { data, error, refetch, isPending } = useQuery({ ...compareQuery(ids ?? [], all), enabled: isChosen, placeholderData: keepPreviousData });
  const views = (Object.keys(t.compare.views) as (keyof typeof t.compare.views)[]).filter((one) => isChosen || one !== "beside");
  if (!isChosen && shown === "beside")
    return (
      <Stack>
        <PageTitle>{t.compare.title}</PageTitle>
        <Text>
          {t.compare.choose}{" "}
          <Anchor component={Link} to="/runs" underline="always">
            {t.compare.toRuns}
          </Anchor>
        </Text>
      </Stack>
    );
  return (
    <Stack>
      <PageTitle>{t.compare.title}</PageTitle>
      <Tabs
        value={shown}
        onChange={(value) => void navigate({ search: (before) => ({ ...before, view: (value ?? undefined) as typeof view }), replace: true })}
        keepMounted={false}
      >
        <Tabs.List>
          {views.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t.compare.views[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {isChosen && isPending && <Loader aria-label={t.loading} mt="sm" />}
        <Failure error={error} retry={() => void refetch()} />
        {views.map((one) => (
          <Tabs.Panel key={one} value={one}>
            {one === "beside" ? data && <Beside ids={ids!} data={data} /> : (!isChosen || data) && <Plots view={one} comparison={data} />}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}

function Beside({ ids, data }: { readonly ids: readonly string[]; readonly data: Comparison }) {
  const { series, all = false } = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const { runs, settings, metrics } = data;
  return (
    <Stack mt="sm">
      {ids.length === 2 && runs.length === 2 && <Significance ids={ids as [string, string]} runs={runs} />}
      <Overlaid runs={runs} names={metrics.map(({ series }) => series)} series={series} />
      <Matrix
        title={t.compare.settings}
        head={t.compare.field}
        runs={runs}
        rows={settings.map(({ path, values }) => ({ name: path, cells: values.map(settingText) }))}
        none={t.compare.agree}
      >
        <Switch
          size="xs"
          my="xs"
          label={t.compare.all}
          checked={all}
          onChange={({ currentTarget: { checked } }) =>
            void navigate({ search: (before) => ({ ...before, all: checked || undefined }), replace: true, resetScroll: false })
          }
        />
      </Matrix>
      <Matrix
        title={t.compare.metrics}
        head={t.evaluation.metric}
        runs={runs}
        rows={metrics.map(({ series, values }) => ({ name: titleOf(series), cells: values.map((value) => figure(value?.last)) }))}
      />
    </Stack>
  );
}

function Significance({ ids, runs }: { readonly ids: readonly [string, string]; readonly runs: Comparison["runs"] }) {
  const { data } = useQuery({ ...significanceQuery(ids), enabled: runs.every(({ state }) => state === "succeeded") });
  if (!data) return null; // not of the same data, or not evaluated: then there is nothing to say
  const { metric, difference, interval, p } = data;
  const [first, second] = runs as [Comparison["runs"][number], Comparison["runs"][number]];
  return (
    <Text className="name">
      {t.compare.significance(second.name, first.name, titleOf(metric), figure(difference), interval.map(figure).join(" … "), figure(p))}
    </Text>
  );
}

function Overlaid({ runs, names, series }: { readonly runs: Comparison["runs"]; readonly names: readonly string[]; readonly series?: string }) {
  const navigate = useNavigate({ from: "/compare" });
  const scheme = useComputedColorScheme("light");
  const chosen = series ?? ["validation_loss", "train_loss", "loss"].find((name) => names.includes(name)) ?? names[0];
  const drawn = runs.slice(0, MOST_CURVES);
  const results = useQueries({ queries: drawn.map(({ id }) => ({ ...seriesQuery(id, chosen ?? ""), enabled: chosen !== undefined })) });
  // Names may be equal: numbers are not.
  const curves = results.flatMap(
    ({ data }, i) => data?.series.map(({ steps, values }) => ({ name: `#${drawn[i]!.number} ${drawn[i]!.name}`, steps, values })) ?? [],
  );
  if (!chosen) return null;
  return (
    <>
      <Select
        label={t.compare.series}
        data={names.map((value) => ({ value, label: titleOf(value) }))}
        value={chosen}
        allowDeselect={false}
        searchable
        limit={100}
        onChange={(value) => void navigate({ search: (before) => ({ ...before, series: value ?? undefined }), replace: true })}
        maw={300}
      />
      {drawn.length < runs.length && <Text size="sm">{t.compare.firstCurves(drawn.length, runs.length)}</Text>}
      {curves.length > 0 && <LineChart title={titleOf(chosen)} curves={curves} scheme={scheme} />}
    </>
  );
}

interface MatrixProps {
  readonly title: string;
  /** What the first column is of. */
  readonly head: string;
  readonly runs: Comparison["runs"];
  readonly rows: readonly { readonly name: string; readonly cells: readonly string[] }[];
  /** Said where there are no rows; without it there is nothing then. */
  readonly none?: string;
  readonly children?: React.ReactNode;
}

/** A line for each property, a column for each run. */
function Matrix({ title, head, runs, rows, none, children }: MatrixProps) {
  if (!rows.length && !none) return null;
  return (
    <section aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children}
      {rows.length ? (
        <Lines
          columns={[{ label: head }, ...runs.map((run) => ({ label: `#${run.number} ${run.name}`, head: <RunLink run={run} /> }))]}
          rows={rows.map(({ name, cells }) => [name, name, ...cells])}
          minWidth={200 + 140 * runs.length}
        />
      ) : (
        <Text size="sm">{none}</Text>
      )}
    </section>
  );
}
