/** The first page: data to begin with, one button that trains, and what was trained last. */
import { Anchor, Button, Card, Group, Loader, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { catalogQuery, client, latestRunsQuery, meQuery } from "../api.ts";
import { Failure } from "../components/Failure.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { RunTable } from "../components/RunTable.tsx";
import { mayTrain } from "../rights.ts";
import { t } from "../texts.ts";

/** Shipped with the program, small, and of both kinds. */
const samples = ["mnist", "iris", "height-weight"];

export function Home() {
  const catalog = useQuery(catalogQuery);
  const recent = useQuery(latestRunsQuery);
  const may = mayTrain(useQuery(meQuery).data);
  const navigate = useNavigate();
  const begin = useMutation({
    mutationFn: (dataset: string) => client.call("createRun", { body: { dataset: { id: dataset } } }),
    onSuccess: ({ id }) => void navigate({ to: "/runs/$id", params: { id } }),
  });
  const entries = samples.flatMap((id) => catalog.data?.datasets?.filter((entry) => entry.id === id) ?? []);
  const first = entries[0];
  const runs = recent.data?.items ?? [];
  const heading = (
    <>
      <PageTitle>{t.home.title}</PageTitle>
      <Text>{t.home.lead}</Text>
    </>
  );
  if (catalog.isPending || recent.isPending)
    return (
      <Stack maw={1100}>
        {heading}
        <Loader aria-label={t.loading} />
      </Stack>
    );
  return (
    <Stack maw={1100}>
      {heading}
      <Failure error={catalog.error ?? begin.error} />
      {first && may && (
        <Group>
          <Button size="md" loading={begin.isPending} onClick={() => begin.mutate(first.id)}>
            {t.home.trainFirst}
          </Button>
        </Group>
      )}
      <Title order={2} size="h3">
        {t.home.samples}
      </Title>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        {entries.map((entry) => (
          <Sample key={entry.id} title={entry.title} about={entry.summary}>
            <Anchor component={Link} to={`/train?dataset=${encodeURIComponent(entry.id)}`} underline="always" mt="auto">
              {t.home.use(entry.title)}
            </Anchor>
          </Sample>
        ))}
        <Sample title={t.home.own} about={t.datasets.drop}>
          <Anchor component={Link} to="/datasets" underline="always" mt="auto">
            {t.datasets.add}
          </Anchor>
        </Sample>
      </SimpleGrid>
      {runs.length > 0 && (
        <>
          <Title order={2} size="h3">
            {t.home.recent}
          </Title>
          <RunTable runs={runs} />
        </>
      )}
    </Stack>
  );
}

function Sample({ title, about, children }: { readonly title: string; readonly about?: string; readonly children: ReactNode }) {
  return (
    <Card withBorder>
      <Title order={3} size="h4">
        {title}
      </Title>
      <Text size="sm" mt="xs" mb="md">
        {about}
      </Text>
      {children}
    </Card>
  );
}
