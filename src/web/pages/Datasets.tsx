/** What can be trained on: data of one's own, and what the catalog brings. */
import { Anchor, Button, Card, Group, Loader, Progress, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { CatalogEntry, DatasetView } from "../../shared/api/schemas.ts";
import { catalogQuery, client, datasetsQuery, queries } from "../api.ts";
import { AddData } from "../components/AddData.tsx";
import { Failure } from "../components/Failure.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { State } from "../components/State.tsx";
import { Thumbnails } from "../components/Thumbnails.tsx";
import { count } from "../format.ts";
import { t } from "../texts.ts";

/** Sources that read files of one's own. */
const readers = ["table", "arrays", "pictures"];

export function Datasets() {
  const { q = "" } = useSearch({ from: "/datasets" });
  const navigate = useNavigate({ from: "/datasets" });
  const own = useQuery(datasetsQuery);
  const catalog = useQuery(catalogQuery);
  const has = (...texts: readonly string[]) => texts.some((text) => text.toLowerCase().includes(q.trim().toLowerCase()));
  const mine = own.data?.items.filter(({ name, note, facts }) => has(name, note, facts?.target ?? "", ...(facts?.labels ?? [])));
  const builtIn = catalog.data?.datasets?.filter(({ id, title, summary }) => !readers.includes(id) && has(id, title, summary)) ?? [];
  return (
    <Stack>
      <PageTitle>{t.datasets.title}</PageTitle>
      <AddData />
      <TextInput
        type="search"
        label={t.datasets.search}
        maw={400}
        value={q}
        onChange={({ currentTarget: { value } }) => void navigate({ search: { q: value || undefined }, replace: true })}
      />
      <Title order={2} size="h3">
        {t.datasets.own}
      </Title>
      <Failure error={own.error ?? catalog.error} retry={() => void own.refetch()} />
      {own.isPending && <Loader aria-label={t.loading} />}
      {own.data?.items.length === 0 && <Text>{t.datasets.none}</Text>}
      {own.data && own.data.items.length > 0 && mine!.length + builtIn.length === 0 && <Text>{t.datasets.noneFound}</Text>}
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {mine?.map((dataset) => (
          <Own key={dataset.id} dataset={dataset} />
        ))}
      </SimpleGrid>
      <Title order={2} size="h3">
        {t.datasets.builtIn}
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {builtIn.map((entry) => (
          <BuiltIn key={entry.id} entry={entry} registered={own.data?.items.find(({ name }) => name === entry.id)} />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function TrainOn({ dataset, title }: { readonly dataset: string; readonly title: string }) {
  return (
    <Anchor component={Link} to={`/train?dataset=${encodeURIComponent(dataset)}`} underline="always" className="name">
      {t.home.use(title)}
    </Anchor>
  );
}

/** @param registered the same data, where it was looked at before */
function BuiltIn({ entry: { id, title, summary }, registered }: { readonly entry: CatalogEntry; readonly registered?: DatasetView }) {
  const navigate = useNavigate();
  const open = (dataset: string) => navigate({ to: "/datasets/$id", params: { id: dataset } });
  const look = useMutation({
    mutationFn: () => client.call("registerDataset", { body: { name: id, source: { id }, files: [] } }),
    onSuccess: (dataset) => {
      void queries.invalidateQueries({ queryKey: ["datasets"] });
      void open(dataset.id);
    },
  });
  return (
    <Card withBorder>
      <Stack gap="xs" h="100%">
        <Title order={3} size="h4">
          {title}
        </Title>
        {registered?.state === "ready" && registered.facts && <Thumbnails id={registered.id} facts={registered.facts} />}
        <Text size="sm">{summary}</Text>
        <Failure error={look.error} />
        <Group mt="auto" justify="space-between">
          <TrainOn dataset={id} title={title} />
          <Button
            size="xs"
            variant="default"
            aria-label={t.datasets.lookAt(title)}
            loading={look.isPending}
            onClick={() => (registered ? void open(registered.id) : look.mutate())}
          >
            {t.datasets.look}
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}

function Own({ dataset }: { readonly dataset: DatasetView }) {
  const { id, name, version, state, facts, reason, progress } = dataset;
  const records = facts && Object.values(facts.records).reduce((sum, one) => sum + one, 0);
  return (
    <Card withBorder>
      <Stack gap="xs" h="100%">
        <Group justify="space-between" wrap="nowrap">
          <Title order={3} size="h4" className="name">
            <Anchor component={Link} to={`/datasets/${id}`} inherit underline="always">
              {name}
            </Anchor>
          </Title>
          <State state={state} />
        </Group>
        {facts && <Thumbnails id={id} facts={facts} />}
        <Text size="sm" c="dimmed">
          {t.datasets.version(version)}
        </Text>
        {facts && (
          <Text size="sm">
            {t.datasets.records(count(records!))},{" "}
            {facts.task === "classification" ? t.datasets.classes(count(facts.labels.length)) : t.datasets.regression}
          </Text>
        )}
        {progress && state === "reading" && <Progress value={(100 * progress.done) / Math.max(progress.total, 1)} aria-label={t.states.reading} />}
        {reason && (
          <Text size="sm" className="bad name">
            {reason.message}. {reason.fix}
          </Text>
        )}
        <Group mt="auto">{state === "ready" && <TrainOn dataset={`${name}@${version}`} title={name} />}</Group>
      </Stack>
    </Card>
  );
}
