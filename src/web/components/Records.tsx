/** What is in a split, a page at a time: pictures in a grid, rows in a table; by class, and searched. */
import { ActionIcon, Group, Loader, Modal, SegmentedControl, Select, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { DatasetView } from "../../shared/api/schemas.ts";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import type { Records as Page } from "../../shared/records.ts";
import { recordsQuery } from "../api.ts";
import { count, figure } from "../format.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";
import { pictureAt } from "./Thumbnails.tsx";

/** Which records; what is left out is all of them, from the first. */
export interface Where {
  readonly split?: SplitName;
  readonly label?: string;
  readonly text?: string;
  readonly offset?: number;
}

/** Records of a page: whole lines of the grid on most screens. */
const perPage = { pictures: 60, table: 50 };
/** Classes that a list shows at a time; the others are searched. */
const MOST_CLASSES = 50;
const SETTLED_MS = 300;

interface RecordsProps {
  readonly dataset: DatasetView;
  readonly where: Where;
  readonly go: (where: Where) => void;
}

export function Records({ dataset: { id, facts }, where, go }: RecordsProps) {
  const { split = "train", label, text, offset = 0 } = where;
  const [typed, setTyped] = useState(text ?? "");
  const find = useDebouncedCallback((wanted: string) => go({ ...where, text: wanted.trim() || undefined, offset: undefined }), SETTLED_MS);
  const { kind, labels, records, task } = facts!;
  const limit = perPage[kind];
  const { data: page, error, refetch, isPlaceholderData } = useQuery(recordsQuery(id, { split, label, text, offset, limit }));
  const splits = splitNames.filter((name) => records[name] > 0);
  return (
    <Stack gap="sm">
      <Group align="end">
        <SegmentedControl
          aria-label={t.datasets.record.split}
          data={splits.map((value) => ({ value, label: `${t.datasets.split[value]} (${count(records[value])})` }))}
          value={split}
          onChange={(value) => go({ ...where, split: value as SplitName, offset: undefined })}
        />
        {task === "classification" && (
          <Select
            label={t.datasets.record.class}
            placeholder={t.datasets.record.anyClass}
            data={labels}
            limit={MOST_CLASSES}
            searchable
            clearable
            value={label ?? null}
            onChange={(value) => go({ ...where, label: value ?? undefined, offset: undefined })}
          />
        )}
        <TextInput
          type="search"
          label={kind === "pictures" ? t.datasets.record.searchPictures : t.datasets.record.searchTable}
          value={typed}
          onChange={({ currentTarget: { value } }) => {
            setTyped(value);
            find(value);
          }}
        />
      </Group>
      <Failure error={error} retry={() => void refetch()} />
      {!page && !error && <Loader aria-label={t.loading} />}
      {page && (
        <div aria-busy={isPlaceholderData}>
          <Turn page={page} limit={limit} go={(to) => go({ ...where, offset: to || undefined })} />
          {page.items.length > 0 && (kind === "pictures" ? <Pictures id={id} page={page} /> : <Rows page={page} facts={facts!} />)}
        </div>
      )}
    </Stack>
  );
}

function Turn({ page: { matched, offset, items }, limit, go }: { readonly page: Page; readonly limit: number; readonly go: (to: number) => void }) {
  if (!items.length) return <Text role="status">{t.datasets.record.none}</Text>;
  return (
    <Group gap="xs" mb="xs">
      <ActionIcon variant="default" aria-label={t.datasets.record.previous} disabled={offset === 0} onClick={() => go(Math.max(0, offset - limit))}>
        <span aria-hidden="true">‹</span>
      </ActionIcon>
      <Text size="sm" role="status">
        {t.datasets.record.found(count(offset + 1), count(offset + items.length), count(matched))}
      </Text>
      <ActionIcon
        variant="default"
        aria-label={t.datasets.record.next}
        disabled={offset + items.length >= matched}
        onClick={() => go(offset + limit)}
      >
        <span aria-hidden="true">›</span>
      </ActionIcon>
    </Group>
  );
}

/** Pixels of the longest side: for screens with two to a point, and for a look at one alone. */
const [IN_GRID, ALONE] = [192, 1024];

const nameOf = (target: string | number): string => (typeof target === "number" ? figure(target) : target);

function Pictures({ id, page: { split, items } }: { readonly id: string; readonly page: Page }) {
  const [open, setOpen] = useState<Page["items"][number]>();
  return (
    <>
      <ul className="pictures">
        {items.map((item) => (
          <li key={item.index}>
            <UnstyledButton onClick={() => setOpen(item)} aria-label={t.datasets.record.picture(item.index, nameOf(item.target))}>
              <img src={pictureAt(id, split, item.index, IN_GRID)} alt="" loading="lazy" className="pixels" />
              <Text size="xs" className="name" lineClamp={1} component="span" display="block">
                {nameOf(item.target)}
              </Text>
            </UnstyledButton>
          </li>
        ))}
      </ul>
      <Modal opened={open !== undefined} onClose={() => setOpen(undefined)} title={open && t.datasets.record.large(open.index)} size="lg" centered>
        {open && (
          <Stack gap="xs">
            <img
              src={pictureAt(id, split, open.index, ALONE)}
              alt={t.datasets.record.picture(open.index, nameOf(open.target))}
              className="pixels large"
            />
            <Text className="name">{nameOf(open.target)}</Text>
          </Stack>
        )}
      </Modal>
    </>
  );
}

/** Pixels that a column takes at least. */
const COLUMN = 100;

function Rows({ page: { columns, more, items }, facts }: { readonly page: Page; readonly facts: NonNullable<DatasetView["facts"]> }) {
  const numeric = new Set(facts.columns.filter(({ type }) => type === "number").map(({ name }) => name));
  // Of a table of numbers alone the target is none of the columns.
  const extra = columns.includes(facts.target) ? [] : [facts.target];
  return (
    <>
      <Lines
        minWidth={COLUMN * (columns.length + extra.length + 1)}
        columns={[
          { label: t.datasets.record.index, numeric: true },
          ...[...columns, ...extra].map((name) => ({
            label: name,
            numeric: numeric.has(name) || (name === facts.target && facts.task === "regression"),
          })),
        ]}
        rows={items.map(({ index, cells = [], target }) => [
          String(index),
          count(index),
          ...cells.map((cell) => cell ?? "–"),
          ...extra.map(() => nameOf(target)),
        ])}
      />
      {more > 0 && <Text size="sm">{t.datasets.record.unshown(count(more))}</Text>}
    </>
  );
}
