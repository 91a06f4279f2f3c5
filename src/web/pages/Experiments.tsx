/** The permanent gallery: runs that were archived. What narrows it is in the address. */
import { Anchor, Badge, Button, Card, Group, Loader, Pill, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import type { Experiment } from "../../shared/api/schemas.ts";
import { experimentsQuery } from "../api.ts";
import { Failure } from "../components/Failure.tsx";
import { More } from "../components/More.tsx";
import { mainOf, Outcome, useMetricTitle } from "../components/Outcome.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { figure, moment, size } from "../format.ts";
import { t } from "../texts.ts";

const facets = ["dataset", "model", "tag"] as const;
type Sought = { readonly [F in "search" | (typeof facets)[number]]?: string };

export function Experiments() {
  const sought = useSearch({ from: "/experiments" });
  const navigate = useNavigate({ from: "/experiments" });
  const narrow = (change: Sought) => void navigate({ search: (before) => ({ ...before, ...change }) });
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    ...experimentsQuery(sought),
    placeholderData: keepPreviousData,
  });
  const experiments = data?.pages.flatMap(({ items }) => items) ?? [];
  const chosen = facets.filter((facet) => sought[facet] !== undefined);
  const isNarrowed = chosen.length > 0 || Boolean(sought.search);
  return (
    <Stack>
      <PageTitle>{t.experiments.title}</PageTitle>
      <Text size="sm" c="dimmed">
        {t.experiments.lead}
      </Text>
      {(experiments.length > 0 || isNarrowed) && <Search words={sought.search ?? ""} search={(search) => narrow({ search: search || undefined })} />}
      {chosen.length > 0 && (
        <Group gap="xs">
          {chosen.map((facet) => (
            <Pill
              key={facet}
              size="md"
              withRemoveButton
              onRemove={() => narrow({ [facet]: undefined })}
              removeButtonProps={{ "aria-label": t.experiments.drop(t.experiments.facets[facet]), "aria-hidden": false, tabIndex: 0 }}
            >
              {t.experiments.facets[facet]}: <bdi>{sought[facet]}</bdi>
            </Pill>
          ))}
        </Group>
      )}
      <Failure error={error} retry={() => void refetch()} />
      {isPending && <Loader aria-label={t.loading} />}
      {data && experiments.length === 0 && (
        <Text role="status">
          {isNarrowed ? t.experiments.noneFound : t.experiments.none}{" "}
          {!isNarrowed && (
            <Anchor component={Link} to="/runs" underline="always">
              {t.experiments.toRuns}
            </Anchor>
          )}
        </Text>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {experiments.map((experiment) => (
          <One key={experiment.id} experiment={experiment} />
        ))}
      </SimpleGrid>
      <More of={{ hasNextPage, fetchNextPage, isFetchingNextPage }} />
    </Stack>
  );
}

/** Looked for when Enter is pressed; what the address says when one comes back. */
function Search({ words, search }: { readonly words: string; readonly search: (words: string) => void }) {
  const [typed, setTyped] = useState(words);
  useEffect(() => setTyped(words), [words]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    search(typed.trim());
  };
  return (
    <search>
      <form onSubmit={submit}>
        <Group align="end" gap="xs">
          <TextInput
            type="search"
            label={t.experiments.search}
            placeholder={t.experiments.searchHint}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            flex="1 1 16rem"
            maw={520}
          />
          <Button type="submit" variant="default">
            {t.experiments.find}
          </Button>
        </Group>
      </form>
    </search>
  );
}

/** Metrics besides the main one that fit a card. */
const MOST_OTHERS = 3;

function One({ experiment }: { readonly experiment: Experiment }) {
  const { id, name, dataset, model, metrics, tags, createdAt, createdBy } = experiment;
  const called = useMetricTitle();
  const main = mainOf(experiment);
  const others = Object.entries(metrics)
    .filter(([metric]) => metric !== main)
    .slice(0, MOST_OTHERS);
  return (
    <Card withBorder component="article" aria-label={name}>
      <Title order={2} size="h4" className="name">
        <Anchor component={Link} to={`/experiments/${id}`} inherit underline="always">
          {name}
        </Anchor>
      </Title>
      <Text size="sm" c="dimmed" mt={6} mb="xs">
        <Narrowing search={{ model }} label={model} />, <Narrowing search={{ dataset }} label={dataset} />
      </Text>
      <Outcome experiment={experiment} />
      {others.length > 0 && (
        <Group gap="lg" mt="xs">
          {others.map(([metric, value]) => (
            <div key={metric}>
              <Text size="xs" c="dimmed">
                {called(metric)}
              </Text>
              <Text fw={600}>{figure(value)}</Text>
            </div>
          ))}
        </Group>
      )}
      <Tags tags={tags} />
      <Text size="xs" c="dimmed" mt="auto" pt="sm" className="name">
        {t.experiments.archived(createdBy, moment(createdAt))} · {size(experiment.size)}
      </Text>
    </Card>
  );
}

function Narrowing({ search, label }: { readonly search: Sought; readonly label: string }) {
  return (
    <Anchor
      component={Link}
      to="/experiments"
      search={((before: Sought) => ({ ...before, ...search })) as never}
      className="name"
      c="inherit"
      underline="always"
    >
      {label}
    </Anchor>
  );
}

/** A tag leads to the experiments that have it. */
export function Tags({ tags }: { readonly tags: Experiment["tags"] }) {
  const all = Object.entries(tags).map(([name, value]) => (value ? `${name}=${value}` : name));
  if (!all.length) return null;
  return (
    <Group gap={6} mt="sm">
      {all.map((tag) => (
        <Badge key={tag} component={Link} to="/experiments" search={{ tag } as never} variant="default" tt="none" fw={500} className="tag">
          <bdi>{tag}</bdi>
        </Badge>
      ))}
    </Group>
  );
}
