/** How good a run is on the test split, beside its training rows and what one gets without learning. */
import { Anchor, Group, Image, Loader, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { CatalogEntry, Run } from "../../shared/api/schemas.ts";
import type { EvaluationReport, Slice } from "../../shared/evaluation.ts";
import { catalogQuery, evaluationQuery } from "../api.ts";
import { cellOf } from "../confusion.ts";
import { count, figure, titleOf } from "../format.ts";
import { t } from "../texts.ts";
import { judge } from "../verdict.ts";
import { ClassScores } from "./ClassScores.tsx";
import { Confusion } from "./Confusion.tsx";
import { Curves } from "./Curves.tsx";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";
import { type Chosen, TestRecords } from "./TestRecords.tsx";
import { Thresholds } from "./Thresholds.tsx";

/** Of a probability; of other scores their sign decides. */
const USUAL = { probabilities: 0.5, scores: 0 } as const;

export function Evaluation({ run }: { readonly run: Run }) {
  const file = run.artifacts.find(({ name }) => name === "evaluation.json");
  const { data, error, isPending } = useQuery({ ...evaluationQuery(run.id, file?.sha256 ?? ""), enabled: file !== undefined });
  const catalog = useQuery(catalogQuery);
  const { cell, record } = useSearch({ from: "/runs/$id" });
  const navigate = useNavigate({ from: "/runs/$id" });
  if (!file) return <Text>{t.run.noEvaluation}</Text>;
  // Metrics stand in the order of the catalog: what is shown does not move.
  if (isPending || catalog.isPending) return <Loader aria-label={t.loading} />;
  if (!data) return <Failure error={error} />;
  const metrics: Catalog = catalog.data?.metrics ?? [];
  const { labels, confusion, classes, curves, thresholds, gives = "probabilities" } = data;
  const open = (to: { cell?: string; record?: number }) =>
    void navigate({ search: (before) => ({ ...before, cell: undefined, record: undefined, ...to }) });
  const chosen: Chosen | undefined = record === undefined ? cellOf(cell) : { row: record };
  return (
    <Stack>
      <Text>{t.evaluation.onTest(count(data.samples))}</Text>
      <Words data={data} />
      <Metrics data={data} catalog={metrics} />
      {confusion && labels && (
        <Confusion labels={labels} confusion={confusion} open={(truth, predicted) => open({ cell: `${truth},${predicted}` })} />
      )}
      {classes && labels && <ClassScores labels={labels} classes={classes} />}
      {thresholds && thresholds.length > 0 && labels && <Thresholds labels={labels} thresholds={thresholds} usual={USUAL[gives]} />}
      {curves && <Curves curves={curves} />}
      {data.slices.length > 0 && <Slices slices={data.slices} catalog={metrics} />}
      {data.importance.length > 0 && <Importance data={data} />}
      {data.worst.length > 0 && <Worst data={data} open={(row) => open({ record: row })} />}
      <TestRecords run={run.id} version={file.sha256} chosen={chosen} title={titleFor(chosen, labels)} close={() => open({})} />
    </Stack>
  );
}

function titleFor(chosen: Chosen | undefined, labels: readonly string[] = []): string {
  if (!chosen) return "";
  const { row, truth = -1, predicted = -1 } = chosen;
  if (row !== undefined) return t.evaluation.record(row);
  return t.evaluation.cellTitle(labels[truth] ?? String(truth), labels[predicted] ?? String(predicted));
}

/** Metrics as the catalog lists them. */
type Catalog = readonly CatalogEntry[];

/** Test beside training and baseline, in a sentence. */
function Words({ data }: { readonly data: EvaluationReport }) {
  const judged = judge(data);
  if (!judged) return null;
  const { verdict, metric, test, train, baseline } = judged;
  const said = t.evaluation.verdict[verdict](titleOf(metric), figure(test), figure(train), figure(baseline));
  return (
    <div>
      <Text fw={600} className={verdict === "even" ? "good" : "bad"}>
        {t.evaluation.verdictTitle[verdict]}
      </Text>
      <Text size="sm">{said}</Text>
    </div>
  );
}

function Metrics({ data, catalog }: { readonly data: EvaluationReport; readonly catalog: Catalog }) {
  const { metrics, intervals, train, baseline } = data;
  // In the catalog's order and words; what it does not know comes last.
  const rows = Object.entries(metrics)
    .map(([metric, value]) => {
      const place = catalog.findIndex(({ id }) => id === metric.replaceAll("_", "-"));
      return { metric, value, title: catalog[place]?.title ?? titleOf(metric), place: place < 0 ? catalog.length : place };
    })
    .sort((a, b) => a.place - b.place);
  return (
    <Lines
      minWidth={500}
      columns={[
        { label: t.evaluation.metric },
        ...[t.evaluation.test, t.evaluation.interval, t.evaluation.train, t.evaluation.baseline].map((label) => ({ label, numeric: true })),
      ]}
      rows={rows.map(({ metric, title, value }) => {
        const interval = intervals?.[metric];
        return [
          metric,
          title,
          figure(value),
          interval ? t.evaluation.to(figure(interval[0]), figure(interval[1])) : "–",
          figure(train?.metrics[metric]),
          figure(baseline?.metrics[metric]),
        ];
      })}
    />
  );
}

/** More are not read. */
const MOST_SLICES = 15;

/** Where the model is worst: parts of the data in which a column has a value, by their first metric. */
function Slices({ slices, catalog }: { readonly slices: readonly Slice[]; readonly catalog: Catalog }) {
  const metrics = Object.keys(slices[0]!.metrics).slice(0, 3);
  const [first] = metrics;
  const sign = catalog.find(({ id }) => id === first?.replaceAll("_", "-"))?.better === "lower" ? -1 : 1;
  const worst = [...slices].sort((a, b) => sign * ((a.metrics[first!] ?? 0) - (b.metrics[first!] ?? 0))).slice(0, MOST_SLICES);
  return (
    <section aria-label={t.evaluation.slices}>
      <Title order={2} size="h4">
        {t.evaluation.slices}
      </Title>
      <Lines
        minWidth={420}
        columns={[
          { label: t.evaluation.slice },
          { label: t.evaluation.records, numeric: true },
          ...metrics.map((metric) => ({ label: titleOf(metric), numeric: true })),
        ]}
        rows={worst.map(({ column, value, samples, metrics: measured }) => [
          `${column} ${value}`,
          `${column}: ${value}`,
          count(samples),
          ...metrics.map((metric) => figure(measured[metric])),
        ])}
      />
    </section>
  );
}

function Importance({ data }: { readonly data: EvaluationReport }) {
  const sorted = [...data.importance].sort((a, b) => b.mean - a.mean).slice(0, 20);
  const most = Math.max(sorted[0]?.mean ?? 0, 1e-12);
  return (
    <section aria-label={t.evaluation.importance}>
      <Title order={2} size="h4">
        {t.evaluation.importance}
      </Title>
      <Lines
        minWidth={320}
        columns={[{ label: t.evaluation.feature }, { label: t.evaluation.loses, width: "60%" }]}
        rows={sorted.map(({ feature, mean }) => [
          feature,
          feature,
          <div key="bar" className="bar">
            <Progress value={Math.max(0, (100 * mean) / most)} aria-label={feature} />
            <span>{figure(mean)}</span>
          </div>,
        ])}
      />
    </section>
  );
}

function Worst({ data, open }: { readonly data: EvaluationReport; readonly open: (row: number) => void }) {
  return (
    <section aria-label={t.evaluation.worst}>
      <Title order={2} size="h4">
        {t.evaluation.worst}
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }} mt="xs">
        {data.worst.slice(0, 12).map(({ row, truth, predicted, confidence, sample, picture }) => (
          <Group key={row} wrap="nowrap" align="start" gap="sm">
            {picture && <Image src={picture} alt={`${t.evaluation.truth}: ${truth}`} w={64} h={64} fit="contain" className="pixels" />}
            <Text size="sm" className="name" component="div">
              <Anchor component="button" type="button" size="sm" underline="always" onClick={() => open(row)}>
                {t.evaluation.record(row)}
              </Anchor>
              <br />
              {t.evaluation.truth}: <strong>{typeof truth === "number" ? figure(truth) : truth}</strong>
              <br />
              {t.evaluation.predicted}: <strong>{typeof predicted === "number" ? figure(predicted) : predicted}</strong>
              {confidence !== undefined && (
                <>
                  <br />
                  {t.evaluation.confidence}: {figure(confidence)}
                </>
              )}
              {sample && (
                <Text size="xs" c="dimmed" lineClamp={3}>
                  {Object.entries(sample)
                    .map(([column, value]) => `${column}: ${typeof value === "number" ? figure(value) : value}`)
                    .join(", ")}
                </Text>
              )}
            </Text>
          </Group>
        ))}
      </SimpleGrid>
    </section>
  );
}
