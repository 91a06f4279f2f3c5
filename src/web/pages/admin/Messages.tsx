/** Who talks to whom: a picture of what went between clients, modules, queues and workers, the same as a table, and the records behind it. */
import { Button, Group, Loader, Select, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ExchangeCount } from "../../../shared/api/schemas.ts";
import { type AdminSearch, known } from "../../admin-search.ts";
import { client } from "../../api.ts";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { More } from "../../components/More.tsx";
import { To } from "../../components/To.tsx";
import { Wide } from "../../components/Wide.tsx";
import { type Edge, edgesOf, isRefusal, picture } from "../../exchanges.ts";
import { count, instant } from "../../format.ts";
import { t } from "../../texts.ts";

const { message: texts } = t.admin;

/** Minutes back from now. */
const windows = { minutes: 5, hour: 60, day: 1440, week: 10_080, always: Number.POSITIVE_INFINITY } as const;
type Window = keyof typeof windows;
const windowNames = Object.keys(windows) as Window[];
const POLL_MS = 5000;
const PAGE = 50;

const since = (window: Window): { readonly from?: string } =>
  window === "always" ? {} : { from: new Date(Date.now() - 60_000 * windows[window]).toISOString() };

/** Minutes that counts are of: of all the time, since the first one. */
const minutesOf = (window: Window, counts: readonly ExchangeCount[]): number =>
  window === "always" ? Math.max(1, (Date.now() - Math.min(...counts.map(({ firstAt }) => Date.parse(firstAt)))) / 60_000) : windows[window];

export function Messages() {
  const search = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  const window = known(windowNames, search.window) ?? "hour";
  const { data, error, isPending } = useQuery({
    queryKey: ["exchanges", window],
    queryFn: () => client.call("countMessages", { query: since(window) }),
    refetchInterval: POLL_MS,
  });
  const counts = data?.items ?? [];
  const minutes = minutesOf(window, counts);
  const chosen = search.source !== undefined || search.destination !== undefined;
  return (
    <Stack>
      <Select
        label={texts.window}
        maw={240}
        data={windowNames.map((value) => ({ value, label: texts.windows[value] }))}
        value={window}
        allowDeselect={false}
        onChange={(to) => void navigate({ search: (before) => ({ ...before, window: to ?? undefined }), replace: true })}
      />
      <Failure error={error} />
      {isPending && <Loader aria-label={t.loading} />}
      {data && counts.length === 0 && <Text>{texts.none}</Text>}
      {counts.length > 0 && <Graph edges={edgesOf(counts)} minutes={minutes} />}
      {chosen && <Records key={`${search.source} ${search.destination} ${search.queue}`} window={window} />}
      {counts.length > 0 && <Exchanges counts={counts} minutes={minutes} />}
    </Stack>
  );
}

const rates = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const rate = (n: number, minutes: number): string => rates.format(n / minutes);
/** What the address says of an edge. */
const chosenBy =
  ({ source, destination, queue }: Edge) =>
  (before: AdminSearch) => ({ ...before, tab: "messages", source, destination, queue });

function Graph({ edges, minutes }: { readonly edges: readonly Edge[]; readonly minutes: number }) {
  const { source, destination, queue } = useSearch({ from: "/admin" });
  const drawn = picture(edges);
  const classOf = (edge: Edge): string =>
    [edge.errors && "refused", edge.async && "async", edge.source === source && edge.destination === destination && edge.queue === queue && "chosen"]
      .filter(Boolean)
      .join(" ");
  return (
    <figure className="chart">
      <Wide minWidth={drawn.width + 16}>
        {/* biome-ignore lint/a11y/useSemanticElements: a picture is no field set */}
        <svg role="group" aria-label={texts.picture} className="exchanges" width={drawn.width} height={drawn.height}>
          <defs>
            {["arrow", "arrow-bad"].map((id) => (
              <marker
                key={id}
                id={id}
                viewBox="0 0 8 8"
                refX="8"
                refY="4"
                markerWidth="8"
                markerHeight="8"
                markerUnits="userSpaceOnUse"
                orient="auto"
              >
                <path d="M0 0L8 4L0 8Z" className={id} />
              </marker>
            ))}
          </defs>
          {drawn.edges.map((edge) => (
            <Link
              key={`${edge.from} ${edge.to}`}
              to="/admin"
              search={chosenBy(edge)}
              replace
              resetScroll={false}
              className={`edge ${classOf(edge)}`}
              aria-label={texts.edge(edge.from, edge.to, count(edge.count), rate(edge.count, minutes), count(edge.errors))}
            >
              <path className="hit" d={edge.path} />
              <path
                className="drawn"
                d={edge.path}
                strokeWidth={1 + Math.min(3, Math.log10(edge.count))}
                markerEnd={edge.errors ? "url(#arrow-bad)" : "url(#arrow)"}
              />
            </Link>
          ))}
          {/* Over all lines, which say the same to who does not see them. */}
          {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can be focused */}
          <g aria-hidden="true" pointerEvents="none">
            {drawn.edges.map((edge) => {
              const label = texts.label(count(edge.count), rate(edge.count, minutes));
              return (
                <text
                  key={`${edge.from} ${edge.to}`}
                  className={`axis ${classOf(edge)}`}
                  x={edge.label.x}
                  y={edge.label.y}
                  textAnchor={edge.label.anchor}
                >
                  {edge.errors ? texts.withErrors(label, count(edge.errors)) : label}
                </text>
              );
            })}
          </g>
          {drawn.nodes.map(({ name, isQueue, x, y, width, height }) => (
            <g key={name} className={isQueue ? "node queue" : "node"}>
              <rect x={x} y={y} width={width} height={height} rx={isQueue ? 14 : 6} />
              <text x={x + width / 2} y={y + height / 2 + 4} textAnchor="middle">
                {name}
              </text>
            </g>
          ))}
        </svg>
      </Wide>
      <Text component="figcaption" size="xs" c="dimmed">
        {texts.legend}
      </Text>
    </figure>
  );
}

function Exchanges({ counts, minutes }: { readonly counts: readonly ExchangeCount[]; readonly minutes: number }) {
  return (
    <section aria-label={texts.exchanges}>
      <Title order={2} size="h4" mb="xs">
        {texts.exchanges}
      </Title>
      <Lines
        minWidth={1060}
        columns={[
          { label: texts.from },
          { label: texts.to },
          { label: texts.through },
          { label: texts.payload },
          { label: texts.mode },
          { label: texts.count, numeric: true },
          { label: texts.rate, numeric: true },
          { label: texts.errors, numeric: true },
          { label: texts.last },
        ]}
        rows={counts.map(({ source, destination, aggregator, payload, mode, count: n, lastAt }) => [
          `${source} ${destination} ${aggregator} ${payload} ${mode}`,
          source,
          destination,
          aggregator,
          payload,
          texts.modes[mode],
          count(n),
          rate(n, minutes),
          <span key="errors" className={isRefusal(payload) ? "bad" : undefined}>
            {isRefusal(payload) ? count(n) : 0}
          </span>,
          instant(lastAt),
        ])}
      />
    </section>
  );
}

function Records({ window }: { readonly window: Window }) {
  const { source, destination, queue } = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["messages", { source, destination, queue, window }],
    queryFn: ({ pageParam }) =>
      client.call("listMessages", {
        query: {
          limit: PAGE,
          ...since(window),
          source,
          destination,
          aggregator: queue,
          // What comes out of a queue was received, all else is told by who sent it.
          direction: queue && destination ? "receive" : "send",
          ...(pageParam && { cursor: pageParam }),
        },
      }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
  const records = data?.pages.flatMap(({ items }) => items) ?? [];
  const title = texts.records(source ?? queue ?? "", destination ?? queue ?? "");
  return (
    <section aria-label={title}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4" className="name">
          {title}
        </Title>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            void navigate({
              search: (before) => ({ ...before, source: undefined, destination: undefined, queue: undefined }),
              replace: true,
              resetScroll: false,
            })
          }
        >
          {texts.close}
        </Button>
      </Group>
      <Failure error={error} />
      {isPending && <Loader aria-label={t.loading} />}
      {data && records.length === 0 && <Text>{texts.none}</Text>}
      {records.length > 0 && (
        <Lines
          columns={[
            { label: texts.at },
            { label: texts.from },
            { label: texts.to },
            { label: texts.payload },
            { label: texts.mode },
            { label: t.admin.event.correlation },
          ]}
          rows={records.map(({ seq, at, source, destination, payload, mode, correlation }) => [
            String(seq),
            instant(at),
            source,
            destination,
            <span key="payload" className={isRefusal(payload) ? "bad" : undefined}>
              {payload}
            </span>,
            texts.modes[mode],
            <To
              key="correlation"
              to="/admin"
              search={{ tab: "events", correlation }}
              title={t.admin.event.caused}
              aria-label={`${t.admin.event.caused} ${correlation}`}
            >
              {correlation.slice(0, 8)}
            </To>,
          ])}
        />
      )}
      <More of={{ hasNextPage, fetchNextPage, isFetchingNextPage }} />
    </section>
  );
}
