/** The test records behind a cell of the confusion matrix, or one by itself: pictures or rows, beside the page. */
import { Drawer, Image, Loader, SimpleGrid, Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { PredictionPage } from "../../shared/api/schemas.ts";
import { client } from "../api.ts";
import { count, figure } from "../format.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";
import { More } from "./More.tsx";

/** Which records: those of a cell, or one. */
export interface Chosen {
  readonly truth?: number;
  readonly predicted?: number;
  readonly row?: number;
}

interface RecordsProps {
  readonly run: string;
  /** Of the evaluation: another one says something else. */
  readonly version: string;
  readonly chosen?: Chosen;
  readonly title: string;
  readonly close: () => void;
}

const PAGE = 24;
type Item = PredictionPage["items"][number];

export function TestRecords({ run, version, chosen, title, close }: RecordsProps) {
  return (
    <Drawer
      opened={chosen !== undefined}
      onClose={close}
      title={title}
      position="right"
      // What locks the page's own scrolling writes style elements without a nonce.
      size="xl"
      closeButtonProps={{ "aria-label": t.evaluation.close }}
    >
      {chosen && <Pages run={run} version={version} chosen={chosen} />}
    </Drawer>
  );
}

function Pages({ run, version, chosen }: Required<Pick<RecordsProps, "run" | "version" | "chosen">>) {
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["predictions", run, version, chosen],
    queryFn: ({ pageParam }) => client.call("listPredictions", { params: { id: run }, query: { ...chosen, offset: pageParam, limit: PAGE } }),
    initialPageParam: 0,
    getNextPageParam: ({ total, items }, _, offset) => (items.length && offset + items.length < total ? offset + items.length : undefined),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (isPending) return <Loader aria-label={t.loading} />;
  if (!data) return <Failure error={error} />;
  const [first] = data.pages;
  const items = data.pages.flatMap(({ items }) => items);
  const [only] = items;
  if (!only) return <Text>{t.evaluation.noRecords}</Text>;
  return (
    <Stack>
      {chosen.row === undefined && <Text size="sm">{t.evaluation.shown(count(items.length), count(first!.total))}</Text>}
      {!first!.kind && <Text size="sm">{t.evaluation.notKept}</Text>}
      {chosen.row !== undefined ? (
        <One run={run} item={only} isPicture={first!.kind === "pictures"} />
      ) : first!.kind === "pictures" ? (
        <SimpleGrid cols={{ base: 3, sm: 4, lg: 6 }} spacing="xs">
          {items.map((item) => (
            <figure key={item.row} className="chart">
              <Picture run={run} item={item} side={88} />
              <Text component="figcaption" size="xs">
                #{item.row} · {figure(item.confidence)}
              </Text>
            </figure>
          ))}
        </SimpleGrid>
      ) : (
        <Rows items={items} />
      )}
      <More of={{ hasNextPage, fetchNextPage, isFetchingNextPage }} />
      <Failure error={error} />
    </Stack>
  );
}

const shown = (value: string | number | null | undefined): string => (typeof value === "number" ? figure(value) : (value ?? "–"));

function Picture({ run, item: { row, truth, predicted }, side }: { readonly run: string; readonly item: Item; readonly side: number }) {
  return (
    <Image
      src={`/api/runs/${encodeURIComponent(run)}/predictions/${row}/picture`}
      alt={t.evaluation.pictureOf(row, shown(truth), shown(predicted))}
      loading="lazy"
      w={side}
      h={side}
      fit="contain"
      className="pixels"
    />
  );
}

function Rows({ items }: { readonly items: readonly Item[] }) {
  const columns = Object.keys(items[0]!.sample ?? {});
  const isValue = typeof items[0]!.truth === "number";
  return (
    <Lines
      minWidth={300 + 110 * columns.length}
      columns={[
        { label: t.evaluation.row, numeric: true },
        ...(isValue
          ? [
              { label: t.evaluation.truth, numeric: true },
              { label: t.evaluation.predicted, numeric: true },
            ]
          : []),
        { label: isValue ? t.evaluation.error : t.evaluation.confidence, numeric: true },
        ...columns.map((label) => ({ label })),
      ]}
      rows={items.map(({ row, truth, predicted, confidence, error, sample }) => [
        String(row),
        row,
        ...(isValue ? [shown(truth), shown(predicted)] : []),
        figure(isValue ? error : confidence),
        ...columns.map((column) => shown(sample?.[column])),
      ])}
    />
  );
}

function One({ run, item, isPicture }: { readonly run: string; readonly item: Item; readonly isPicture: boolean }) {
  const { truth, predicted, confidence, error, sample = {} } = item;
  return (
    <>
      {isPicture && <Picture run={run} item={item} side={256} />}
      <Lines
        minWidth={260}
        columns={[{ label: t.evaluation.what }, { label: t.evaluation.value }]}
        rows={[
          ["truth", t.evaluation.truth, shown(truth)],
          ["predicted", t.evaluation.predicted, shown(predicted)],
          ...(confidence === undefined ? [] : [["confidence", t.evaluation.confidence, figure(confidence)] as const]),
          ...(error === undefined ? [] : [["error", t.evaluation.error, figure(error)] as const]),
          ...Object.entries(sample).map(([column, value]) => [`column ${column}`, column, shown(value)] as const),
        ]}
      />
    </>
  );
}
