/** One experiment, as it was archived: what came of it, where it comes from, everything needed to do it again, and ways to pass it on. */
import { Alert, Anchor, Button, Code, Group, Loader, Stack, Table, Tabs, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import type { Experiment, Lineage, Manifest, Run } from "../../shared/api/schemas.ts";
import { client, experimentQuery, lineageQuery, manifestQuery, meQuery, queries, runQuery } from "../api.ts";
import { Evaluation } from "../components/Evaluation.tsx";
import { Failure } from "../components/Failure.tsx";
import { LineagePicture } from "../components/LineagePicture.tsx";
import { Lines } from "../components/Lines.tsx";
import { mainOf, Outcome, useMetricTitle } from "../components/Outcome.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { Shares } from "../components/Shares.tsx";
import { State } from "../components/State.tsx";
import { TryIt } from "../components/TryIt.tsx";
import { count, figure, moment, size, titled } from "../format.ts";
import { fileOf, outcomeOf } from "../lineage.ts";
import { t } from "../texts.ts";
import { Tags } from "./Experiments.tsx";

const ModelCard = lazy(() => import("../components/ModelCard.tsx").then((module) => ({ default: module.ModelCard })));

const tabs = { about: About, evaluation: OfRun, tryIt: Trial, card: Card, files: Files, manifest: Settings } as const;
type Tab = keyof typeof tabs;

interface Of {
  readonly experiment: Experiment;
}

export function ExperimentPage() {
  const { id } = useParams({ from: "/experiments/$id" });
  const { tab = "about" } = useSearch({ from: "/experiments/$id" });
  const navigate = useNavigate({ from: "/experiments/$id" });
  const { data: experiment, error, refetch } = useQuery(experimentQuery(id));
  if (!experiment) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  const { name, model, dataset, createdAt, createdBy } = experiment;
  return (
    <Stack>
      <div>
        <PageTitle>{name}</PageTitle>
        <Text size="sm" c="dimmed" className="name">
          {model}, {dataset} · {t.experiments.archived(createdBy, moment(createdAt))} · {size(experiment.size)}
        </Text>
        <Text size="sm" c="dimmed">
          {t.experiments.immutable}
        </Text>
      </div>
      <Actions experiment={experiment} />
      <Tabs value={tab} onChange={(to) => void navigate({ search: { tab: to ?? undefined }, replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {(Object.keys(tabs) as Tab[]).map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t.experiments.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {(Object.entries(tabs) as [Tab, (of: Of) => ReactNode][]).map(([one, Content]) => (
          <Tabs.Panel key={one} value={one}>
            <Content experiment={experiment} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}

/** Whether someone may train where the experiment lies; the server decides anyway. */
function useMayTrain({ project }: Experiment): boolean {
  const { data: me } = useQuery(meQuery);
  return me?.role === "admin" || (me?.projects.some((one) => one.project === project && one.role !== "viewer") ?? false);
}

function Actions({ experiment }: Of) {
  const { id } = experiment;
  const mayTrain = useMayTrain(experiment);
  const again = useMutation({
    mutationFn: () => client.call("reproduceExperiment", { params: { id } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["lineage", id] }),
  });
  return (
    <>
      <Group gap="xs">
        <Button size="xs" component="a" href={fileOf(id, "model.onnx")} download>
          {t.run.modelFile}
        </Button>
        {mayTrain && (
          <Button size="xs" variant="default" loading={again.isPending} onClick={() => again.mutate()} title={t.experiments.reproduceHint}>
            {t.experiments.reproduce}
          </Button>
        )}
        <Button size="xs" variant="default" component={Link} to={`/runs/${experiment.run}`}>
          {t.experiments.toRun}
        </Button>
      </Group>
      <Failure error={again.error} />
      <div role="status">
        {again.data && (
          <Text size="sm">
            {t.experiments.reproducing}{" "}
            <Anchor component={Link} to={`/runs/${again.data.id}`} className="name" underline="always">
              {again.data.name}
            </Anchor>
          </Text>
        )}
      </div>
    </>
  );
}

/** What was read of the manifest, or why it was not. */
function WithManifest({ experiment, children }: Of & { readonly children: (manifest: Manifest, text: string) => ReactNode }) {
  const { data, error, refetch } = useQuery(manifestQuery(experiment.id, experiment.hash));
  if (!data) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  return children(data.manifest, data.text);
}

function About({ experiment }: Of) {
  const lineage = useQuery(lineageQuery(experiment.id));
  const mayTrain = useMayTrain(experiment);
  return (
    <WithManifest experiment={experiment}>
      {(manifest) => (
        <Stack>
          <div className="narrow">
            <Outcome experiment={experiment} />
          </div>
          {manifest.run.note && <Text className="name note">{manifest.run.note}</Text>}
          <Tags tags={manifest.run.tags} />
          <section aria-label={t.experiments.lineage.title}>
            <Title order={2} size="h4" mb="xs">
              {t.experiments.lineage.title}
            </Title>
            <LineagePicture experiment={experiment} manifest={manifest} lineage={lineage.data} />
          </section>
          <Failure error={lineage.error} retry={() => void lineage.refetch()} />
          {lineage.data && <Reproductions lineage={lineage.data} />}
          {lineage.data && <Beside experiment={experiment} lineage={lineage.data} />}
          {mayTrain && <Shares experiment={experiment.id} />}
        </Stack>
      )}
    </WithManifest>
  );
}

function Reproductions({ lineage: { reproductions } }: { readonly lineage: Lineage }) {
  const words = t.experiments.reproduction;
  return (
    <section aria-label={words.title}>
      <Title order={2} size="h4">
        {words.title}
      </Title>
      {reproductions.length === 0 && <Text size="sm">{words.none}</Text>}
      {reproductions.length > 0 && (
        <Lines
          columns={[{ label: words.run }, { label: words.state }, { label: words.outcome }]}
          rows={reproductions.map(({ id, name, state, reproduction }) => [
            id,
            <Anchor key="run" inherit component={Link} to={`/runs/${id}`} underline="always">
              {name}
            </Anchor>,
            <State key="state" state={state} />,
            reproduction && (
              <>
                <span className={reproduction.same ? "good" : "bad"}>{outcomeOf(reproduction)}</span>
                {reproduction.differences.length > 0 && `: ${reproduction.differences.join("; ")}`}
              </>
            ),
          ])}
          minWidth={480}
        />
      )}
    </section>
  );
}

function Beside({ experiment, lineage: { beside } }: Of & { readonly lineage: Lineage }) {
  const called = useMetricTitle();
  if (!beside.length) return null;
  const words = t.experiments.beside;
  const metric = mainOf(experiment);
  return (
    <section aria-label={words.title}>
      <Title order={2} size="h4">
        {words.title}
      </Title>
      <Lines
        columns={[
          { label: words.name },
          { label: words.model },
          ...(metric === undefined ? [] : [{ label: called(metric), numeric: true }]),
          { label: words.archived },
        ]}
        rows={beside.map(({ id, name, model, metrics, createdAt }) => [
          id,
          <Anchor key="name" inherit component={Link} to={`/experiments/${id}`} underline="always">
            {name}
          </Anchor>,
          model,
          ...(metric === undefined ? [] : [figure(metrics[metric])]),
          moment(createdAt),
        ])}
        minWidth={480}
      />
    </section>
  );
}

function WithRun({ experiment, children }: Of & { readonly children: (run: Run) => ReactNode }) {
  const { data: run, error, refetch } = useQuery(runQuery(experiment.run));
  if (!run) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  return children(run);
}

function OfRun({ experiment }: Of) {
  return <WithRun experiment={experiment}>{(run) => <Evaluation run={run} />}</WithRun>;
}

function Trial({ experiment }: Of) {
  return <WithRun experiment={experiment}>{(run) => <TryIt run={run} experiment={experiment.id} />}</WithRun>;
}

function Card({ experiment }: Of) {
  return (
    <Suspense fallback={<Loader aria-label={t.loading} />}>
      <ModelCard run={experiment.run} archived={experiment.hash} />
    </Suspense>
  );
}

function Files({ experiment }: Of) {
  const words = t.experiments.file;
  const manifestAt = manifestOf(experiment.id);
  const line = (name: string, address: string, bytes: number, sha256: string): [string, ...ReactNode[]] => [
    name,
    <Anchor key="name" inherit href={address} download underline="always">
      {name}
    </Anchor>,
    size(bytes),
    <Code key="hash" className="name">
      {sha256}
    </Code>,
  ];
  return (
    <WithManifest experiment={experiment}>
      {({ files, source }, text) => (
        <Stack>
          <Lines
            columns={[{ label: words.name }, { label: words.size, numeric: true }, { label: words.hash }]}
            rows={[
              line("manifest.json", manifestAt, new TextEncoder().encode(text).length, experiment.hash),
              ...files.map(({ name, size, sha256 }) => line(name, fileOf(experiment.id, name), size, sha256)),
            ]}
          />
          {source && (
            <section aria-label={words.data}>
              <Title order={2} size="h4">
                {words.data}
              </Title>
              <Text size="sm">{words.dataHint}</Text>
              <Lines
                columns={[{ label: words.name }, { label: words.size, numeric: true }, { label: words.hash }]}
                rows={source.files.map(({ name, size: bytes, sha256 }) => [
                  name,
                  name,
                  size(bytes),
                  <Code key="hash" className="name">
                    {sha256}
                  </Code>,
                ])}
              />
            </section>
          )}
        </Stack>
      )}
    </WithManifest>
  );
}

const manifestOf = (id: string): string => `/api/experiments/${encodeURIComponent(id)}/manifest`;

/** A value as one reads it: what is nested stays JSON. */
const written = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function Settings({ experiment }: Of) {
  const words = t.experiments.made;
  return (
    <WithManifest experiment={experiment}>
      {({ run, settings, source, facts, result }, text) => {
        const { train, validation, test } = facts.dataset.samples;
        const parts = (["model", "loss", "optimizer", "schedule", "dataset"] as const).flatMap(
          (part): [string, string, Readonly<Record<string, unknown>>][] => {
            const chosen = settings[part];
            return chosen ? [[titled(part), chosen.id, chosen.params]] : [];
          },
        );
        const steps = facts.dataset.preprocessing ?? settings.preprocessing ?? [];
        return (
          <Stack>
            <Alert variant="light" color="gray" title={words.hash}>
              <Code className="name">{experiment.hash}</Code>
              <Text size="sm">{words.hashHint}</Text>
            </Alert>
            <Group gap="xs">
              <Button size="xs" variant="default" component="a" href={manifestOf(experiment.id)} download="manifest.json">
                {t.experiments.downloadManifest}
              </Button>
            </Group>
            <Facts
              title={words.run}
              facts={[
                [words.number, `#${run.number}`],
                [words.by, `${run.createdBy}, ${moment(run.createdAt)}`],
                [words.ended, `${result.reason}, ${words.best(result.bestEpoch)}`],
                [words.parameters, count(facts.parameters)],
                [words.threads, count(facts.threads)],
              ]}
            />
            <Facts
              title={words.data}
              facts={[
                [words.dataset, source ? `${source.name}@${source.version}` : settings.dataset.id],
                [words.digest, facts.dataset.digest],
                [words.samples, t.datasets.splits(count(train), count(validation), count(test))],
                ...(steps.map(({ step, params }, i) => [`${words.step} ${i + 1}`, [step, ...assigned(params)].join(" ")]) as [string, string][]),
              ]}
            />
            {parts.map(([title, id, params]) => (
              <Facts
                key={title}
                title={title}
                facts={[[words.is, id], ...Object.entries(params).map(([name, value]): [string, string] => [titled(name), written(value)])]}
              />
            ))}
            <Facts title={titled("training")} facts={Object.entries(settings.training).map(([name, value]) => [titled(name), written(value)])} />
            <Facts title={words.versions} facts={Object.entries(facts.versions)} />
            <Raw text={text} />
          </Stack>
        );
      }}
    </WithManifest>
  );
}

const assigned = (params: Readonly<Record<string, unknown>>): string[] => Object.entries(params).map(([name, value]) => `${name}=${written(value)}`);

function Facts({ title, facts }: { readonly title: string; readonly facts: readonly (readonly [name: string, value: string])[] }) {
  if (!facts.length) return null;
  return (
    <section aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Table maw={760} withRowBorders={false} verticalSpacing={4}>
        <Table.Tbody>
          {facts.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w="38%" fw={500} scope="row">
                {name}
              </Table.Th>
              <Table.Td className="name">{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

/** Of a large network it is megabytes: made readable when one wants to see it. */
function Raw({ text }: { readonly text: string }) {
  return (
    <details>
      <summary>{t.experiments.raw}</summary>
      <Code block tabIndex={0}>
        {text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : JSON.stringify(JSON.parse(text), null, 2)}
      </Code>
    </details>
  );
}

/** Characters. What is longer is downloaded. */
const MOST_SHOWN = 500_000;
