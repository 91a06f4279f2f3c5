/** One version of a dataset: what is in it, what is known of it, what preprocessing does to it, and how far other versions are. */
import { Anchor, Button, Group, Loader, Progress, Stack, Tabs, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { DatasetView } from "../../shared/api/schemas.ts";
import { catalogQuery, client, datasetQuery, queries } from "../api.ts";
import { Failure } from "../components/Failure.tsx";
import { ImportForm } from "../components/ImportForm.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { Records } from "../components/Records.tsx";
import { State } from "../components/State.tsx";
import { Statistics } from "../components/Statistics.tsx";
import { Steps } from "../components/Steps.tsx";
import { Versions } from "../components/Versions.tsx";
import { useDraft } from "../drafts.ts";
import { moment, size } from "../format.ts";
import { differing, problemsOf } from "../settings.ts";
import type { Step } from "../steps.ts";
import { t } from "../texts.ts";

export function Dataset() {
  const { id } = useParams({ from: "/datasets/$id" });
  const { data: dataset, error, refetch } = useQuery(datasetQuery(id));
  if (!dataset) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  const { name, version, state, createdAt, reason, files, progress } = dataset;
  return (
    <Stack>
      <Group justify="space-between" align="start">
        <div>
          <PageTitle>{name}</PageTitle>
          <Text size="sm" c="dimmed">
            {t.datasets.version(version)} · {moment(createdAt)} · {size(files.reduce((sum, file) => sum + file.size, 0))}
          </Text>
        </div>
        <State state={state} />
      </Group>
      {reason && state === "failed" && (
        <Text size="sm" className="bad name" role="alert">
          {reason.message}. {reason.fix}
        </Text>
      )}
      <Actions dataset={dataset} />
      {state === "previewing" && <Loader aria-label={t.states.previewing} />}
      {state === "reading" && (
        <Progress value={progress ? (100 * progress.done) / Math.max(progress.total, 1) : 0} aria-label={t.states.reading} animated />
      )}
      {(state === "previewed" || state === "failed") && <ImportForm key={id} dataset={dataset} />}
      {state === "ready" && <Known key={id} dataset={dataset} />}
    </Stack>
  );
}

function Actions({ dataset: { id, name, version, state } }: { readonly dataset: DatasetView }) {
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => client.call("deleteDataset", { params: { id } }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["datasets"] });
      void navigate({ to: "/datasets" });
    },
  });
  return (
    <>
      <Group gap="xs">
        {state === "ready" && (
          <Button size="xs" component={Link} to={`/train?dataset=${encodeURIComponent(`${name}@${version}`)}`}>
            {t.datasets.train}
          </Button>
        )}
        <Button size="xs" variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>
          {t.datasets.preview.give}
        </Button>
      </Group>
      <Failure error={remove.error} />
    </>
  );
}

const tabs = ["records", "statistics", "preprocessing", "versions"] as const;
type Tab = (typeof tabs)[number];

function Known({ dataset }: { readonly dataset: DatasetView }) {
  const { tab = "records", against, ...where } = useSearch({ from: "/datasets/$id" });
  const navigate = useNavigate({ from: "/datasets/$id" });
  const views: Readonly<Record<Tab, () => React.ReactNode>> = {
    records: () => (
      <Records
        key={where.label}
        dataset={dataset}
        where={where}
        go={(to) => void navigate({ search: (before) => ({ ...before, ...to }), replace: true })}
      />
    ),
    statistics: () => <Statistics dataset={dataset} />,
    preprocessing: () => <Preprocessing dataset={dataset} />,
    versions: () => (
      <Stack>
        <Note dataset={dataset} />
        <Versions
          dataset={dataset}
          against={against}
          choose={(other) => void navigate({ search: (before) => ({ ...before, against: other }), replace: true })}
        />
      </Stack>
    ),
  };
  return (
    <Tabs
      value={tab}
      keepMounted={false}
      onChange={(to) => void navigate({ search: (before) => ({ ...before, tab: to === "records" ? undefined : (to ?? undefined) }), replace: true })}
    >
      <Tabs.List mb="md">
        {tabs.map((one) => (
          <Tabs.Tab key={one} value={one}>
            {t.datasets.tabs[one]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map((one) => (
        <Tabs.Panel key={one} value={one}>
          {views[one]()}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

/** To play with, beginning with what is usual for the data: a training takes them along. */
function Preprocessing({ dataset }: { readonly dataset: DatasetView }) {
  const { data: catalog, error } = useQuery(catalogQuery);
  if (!catalog) return error ? <Failure error={error} /> : <Loader aria-label={t.loading} />;
  const listed = (catalog.datasets?.find(({ id }) => id === dataset.source.id)?.preprocessing ?? []) as readonly Step[];
  // A source may read tables and pictures.
  const usual = listed.flatMap(({ step, params = {} }) => {
    const entry = catalog.preprocessing?.find(({ id }) => id === step);
    return entry?.of === dataset.facts!.kind ? [{ step, params: differing(entry.params, params) }] : [];
  });
  return <Playground dataset={dataset} usual={usual} />;
}

function Playground({ dataset: { id, name, version }, usual }: { readonly dataset: DatasetView; readonly usual: readonly Step[] }) {
  const router = useRouter();
  const [steps, setSteps] = useDraft<readonly Step[]>(`steps ${id}`, (kept) => kept ?? usual);
  const search = router.options.stringifySearch!({ dataset: `${name}@${version}`, steps: JSON.stringify(steps) });
  return (
    <Stack>
      <Text>{t.steps.lead}</Text>
      <Steps value={steps} onChange={setSteps} dataset={id} />
      <Group>
        <Button
          component="a"
          href={`/train${search}`}
          onClick={(event: React.MouseEvent) => {
            event.preventDefault();
            router.history.push(`/train${search}`);
          }}
        >
          {t.steps.train}
        </Button>
        {usual.length > 0 && (
          <Anchor component="button" type="button" onClick={() => setSteps(usual)}>
            {t.steps.usual}
          </Anchor>
        )}
      </Group>
    </Stack>
  );
}

/** Shown as it is to be at once, and as it was when the server refuses it. */
function Note({ dataset: { id, note } }: { readonly dataset: DatasetView }) {
  const [typed, setTyped, forget] = useDraft<string>(`note ${id}`, (kept) => kept ?? note);
  const [saved, setSaved] = useState(note);
  const save = useMutation({
    mutationFn: () => client.call("editDataset", { params: { id }, body: { note: typed } }),
    onMutate: () => {
      setSaved(typed);
      return saved;
    },
    onSuccess: (dataset) => {
      forget();
      queries.setQueryData(["datasets", "one", id], dataset);
      void queries.invalidateQueries({ queryKey: ["datasets", "versions"] });
    },
    onError: (_, __, before) => before !== undefined && setSaved(before),
  });
  return (
    <Stack gap="xs" maw={700}>
      <Textarea
        label={t.datasets.describe}
        autosize
        minRows={2}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        error={problemsOf(save.error)[0]?.message}
      />
      {!problemsOf(save.error).length && <Failure error={save.error} />}
      <Group>
        <Button size="xs" disabled={typed === saved} loading={save.isPending} onClick={() => save.mutate()}>
          {t.run.save}
        </Button>
      </Group>
    </Stack>
  );
}
