/** Every recorded change: when there were how many, filtered by what the address says, and what one entity was at any time. */
import { Button, Code, Group, Loader, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type EventView, entityKinds, modules } from "../../../shared/api/schemas.ts";
import { type AdminSearch, known } from "../../admin-search.ts";
import { client } from "../../api.ts";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { More } from "../../components/More.tsx";
import { To } from "../../components/To.tsx";
import { Words } from "../../components/Words.tsx";
import { count, instant } from "../../format.ts";
import { fromField, toField } from "../../local-time.ts";
import { t } from "../../texts.ts";
import { Entity } from "./Entity.tsx";
import { Timeline } from "./Timeline.tsx";

const { event: texts } = t.admin;
const PAGE = 50;
/** Seconds back from now. */
const spans = { hour: 3600, day: 86_400, week: 604_800 } as const;

/** What the address filters by, as the API takes it. */
const filterOf = ({ kind, module, actor, type, correlation, entity, from, to }: AdminSearch) => ({
  kind: known(entityKinds, kind),
  module: known(modules, module),
  actor,
  type,
  correlation,
  entity,
  from,
  to,
});
type Filter = ReturnType<typeof filterOf>;

export function Events() {
  const search = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  const set = (change: Partial<AdminSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change, tab: "events" }), replace: true, resetScroll: false });
  const filter = filterOf(search);
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["events", filter],
    queryFn: ({ pageParam }) => client.call("listEvents", { query: { limit: PAGE, ...filter, ...(pageParam && { cursor: pageParam }) } }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
  const events = data?.pages.flatMap(({ items }) => items) ?? [];
  const kind = filter.kind ?? (filter.entity ? events[0]?.kind : undefined);
  return (
    <Stack>
      {filter.entity && kind ? (
        <Entity
          key={filter.entity}
          kind={kind}
          id={filter.entity}
          version={search.version}
          show={(version) => set({ version })}
          leave={() => set({ entity: undefined, version: undefined })}
        />
      ) : (
        <Overview filter={filter} set={set} />
      )}
      <Failure error={error} />
      {isPending && <Loader aria-label={t.loading} />}
      {data && events.length === 0 && <Text>{texts.none}</Text>}
      {events.length > 0 && (
        <Lines
          minWidth={1040}
          columns={[
            { label: texts.at },
            { label: texts.actor },
            { label: texts.what },
            { label: filter.entity ? texts.number : texts.entity },
            { label: texts.correlation },
            { label: texts.data },
          ]}
          rows={events.map((one) => [
            String(one.seq),
            instant(one.at),
            one.actor,
            `${one.kind} ${one.type}`,
            <Of key="of" event={one} isOfOne={filter.entity !== undefined} />,
            <Caused key="caused" {...one} />,
            <Data key="data" {...one} />,
          ])}
        />
      )}
      <More of={{ hasNextPage, fetchNextPage, isFetchingNextPage }} />
    </Stack>
  );
}

interface OverviewProps {
  readonly filter: Filter;
  readonly set: (change: Partial<AdminSearch>) => void;
}

function Overview({ filter, set }: OverviewProps) {
  const { data, error } = useQuery({
    queryKey: ["timeline", filter],
    queryFn: () => client.call("countEvents", { query: filter }),
    placeholderData: (before) => before,
  });
  const { kind, module, actor, type, correlation, entity, from, to } = filter;
  const total = data?.kinds.reduce((sum, { total }) => sum + total, 0) ?? 0;
  const address = new URLSearchParams(Object.entries(filter).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  const clear = { "aria-label": texts.clear };
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4, xl: 8 }} spacing="xs" verticalSpacing="xs">
        <Select
          label={texts.kind}
          placeholder={t.admin.all}
          data={[...entityKinds]}
          value={kind ?? null}
          clearable
          clearButtonProps={clear}
          onChange={(to) => set({ kind: to ?? undefined })}
        />
        <Select
          label={texts.module}
          placeholder={t.admin.all}
          data={[...modules]}
          value={module ?? null}
          clearable
          clearButtonProps={clear}
          onChange={(to) => set({ module: to ?? undefined })}
        />
        <Words label={texts.type} placeholder={texts.typeHint} value={type} change={(type) => set({ type })} />
        <Words label={texts.actor} value={actor} change={(actor) => set({ actor })} />
        <Words label={texts.entityId} value={entity} change={(entity) => set({ entity })} />
        <Words label={texts.correlation} value={correlation} change={(correlation) => set({ correlation })} />
        <TextInput
          label={t.admin.from}
          type="datetime-local"
          step={1}
          value={toField(from)}
          onChange={(event) => set({ from: fromField(event.currentTarget.value) })}
        />
        <TextInput
          label={t.admin.to}
          type="datetime-local"
          step={1}
          value={toField(to)}
          onChange={(event) => set({ to: fromField(event.currentTarget.value) })}
        />
      </SimpleGrid>
      <Group gap="xs">
        <Button size="xs" variant="default" disabled={!from && !to} onClick={() => set({ from: undefined, to: undefined })}>
          {texts.whole}
        </Button>
        {(Object.keys(spans) as (keyof typeof spans)[]).map((span) => (
          <Button
            key={span}
            size="xs"
            variant="default"
            onClick={() => set({ from: new Date(Date.now() - 1000 * spans[span]).toISOString(), to: undefined })}
          >
            {texts.spans[span]}
          </Button>
        ))}
        <Button
          size="xs"
          variant="default"
          disabled={address.size === 0}
          onClick={() => set(Object.fromEntries(Object.keys(filter).map((name) => [name, undefined])))}
        >
          {texts.clear}
        </Button>
        <Button size="xs" variant="default" component="a" href={`/api/events/export?${address}`} download="events.jsonl">
          {texts.export}
        </Button>
        <Text size="sm" role="status">
          {data && texts.found(count(total))}
        </Text>
      </Group>
      <Failure error={error} />
      {data && total > 0 && <Timeline line={data} choose={(from, to) => set({ from, to })} />}
    </>
  );
}

/** Leads to the entity as this event made it: by its number where all are of one, by its id else. */
function Of({ event: { kind, entity, version }, isOfOne }: { readonly event: EventView; readonly isOfOne: boolean }) {
  return (
    <To
      to="/admin"
      search={(before: AdminSearch) => ({ ...before, tab: "events", kind, entity, version })}
      resetScroll={!isOfOne}
      aria-label={isOfOne ? t.admin.entity.show(version) : texts.open(kind, entity)}
    >
      {isOfOne ? version : entity.slice(0, 8)}
    </To>
  );
}

function Caused({ correlation }: EventView) {
  return (
    <To to="/admin" search={{ tab: "events", correlation }} title={texts.caused} aria-label={`${texts.caused} ${correlation}`}>
      {correlation.slice(0, 8)}
    </To>
  );
}

function Data({ data }: EventView) {
  const text = JSON.stringify(data);
  return (
    <details>
      <summary>{text.length > 60 ? `${text.slice(0, 60)}…` : text}</summary>
      <Code block tabIndex={0}>
        {JSON.stringify(data, null, 2)}
      </Code>
    </details>
  );
}
