/** Steps of preprocessing as a list: added to, removed from, reordered by dragging or by buttons, with what they do to some records. */
import { ActionIcon, Anchor, Card, Group, Select, Stack, Text, Title, VisuallyHidden } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type DragEvent, useState } from "react";
import type { CatalogEntry } from "../../shared/api/schemas.ts";
import { catalogQuery, datasetQuery, stepsQuery } from "../api.ts";
import { problemsOf } from "../settings.ts";
import { moved, type Step } from "../steps.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { ParamForm } from "./ParamForm.tsx";
import { StepEffect } from "./StepEffect.tsx";

interface StepsProps {
  readonly value: readonly Step[];
  readonly onChange: (value: readonly Step[]) => void;
  /** Id of a version that is ready. */
  readonly dataset: string;
}

type Kind = CatalogEntry & { readonly of?: "table" | "pictures" };

const SETTLED_MS = 300;

export function Steps({ value, onChange, dataset: id }: StepsProps) {
  const catalog = useQuery(catalogQuery);
  const { data: dataset } = useQuery(datasetQuery(id));
  const [settled] = useDebouncedValue(JSON.stringify(value), SETTLED_MS);
  const effect = useQuery({ ...stepsQuery(id, JSON.parse(settled)), placeholderData: keepPreviousData });
  const [keys, setKeys] = useKeys(value.length);
  const [told, setTold] = useState("");
  const [dragged, setDragged] = useState<number>();

  const kind = dataset?.facts?.kind;
  const kinds = (catalog.data?.preprocessing ?? []) as readonly Kind[];
  const titleOf = (step: string) => kinds.find((one) => one.id === step)?.title ?? step;
  const problems = problemsOf(effect.error);
  const stages = effect.data?.stages ?? [];
  const change = (list: readonly Step[], newKeys: readonly number[]) => {
    setKeys(newKeys);
    onChange(list);
  };
  const move = (from: number, to: number) => {
    if (to < 0 || to >= value.length || to === from) return;
    change(moved(value, from, to), moved(keys, from, to));
    setTold(t.steps.moved(titleOf(value[from]!.step), to + 1, value.length));
  };
  const drop = (event: DragEvent, to: number) => {
    event.preventDefault();
    if (dragged !== undefined) move(dragged, to);
    setDragged(undefined);
  };
  /** Columns that there are before a step. */
  const columnsBefore = (i: number): readonly string[] => {
    const stage = stages[Math.min(i, stages.length - 1)];
    return stage && "columns" in stage ? stage.columns.map(({ name }) => name) : (dataset?.facts?.columns.map(({ name }) => name) ?? []);
  };

  return (
    <Stack gap="sm">
      {value.length === 0 && <Text>{t.steps.none}</Text>}
      <ol className="steps">
        {value.map(({ step, params = {} }, i) => {
          const entry = kinds.find((one) => one.id === step);
          const at = `preprocessing.${i}`;
          const ofWhole = problems.filter(({ path }) => path === at || path === `${at}.step`);
          const title = titleOf(step);
          return (
            <Card
              component="li"
              key={keys[i]}
              withBorder
              padding="sm"
              onDragOver={(event) => dragged !== undefined && event.preventDefault()}
              onDrop={(event) => drop(event, i)}
              opacity={dragged === i ? 0.5 : 1}
            >
              <Group justify="space-between" wrap="nowrap">
                <Group
                  gap="xs"
                  wrap="nowrap"
                  className="handle"
                  title={t.steps.drag}
                  draggable
                  onDragStart={(event) => {
                    event.dataTransfer.effectAllowed = "move";
                    event.dataTransfer.setData("text/plain", step);
                    setDragged(i);
                  }}
                  onDragEnd={() => setDragged(undefined)}
                >
                  <span aria-hidden="true">⠿</span>
                  <Title order={3} size="h5">
                    {t.steps.step(i + 1, title)}
                  </Title>
                </Group>
                <Group gap={4} wrap="nowrap">
                  <ActionIcon variant="default" aria-label={t.steps.up(title)} disabled={i === 0} onClick={() => move(i, i - 1)}>
                    <span aria-hidden="true">↑</span>
                  </ActionIcon>
                  <ActionIcon variant="default" aria-label={t.steps.down(title)} disabled={i === value.length - 1} onClick={() => move(i, i + 1)}>
                    <span aria-hidden="true">↓</span>
                  </ActionIcon>
                  <ActionIcon
                    variant="default"
                    aria-label={t.steps.remove(title)}
                    onClick={() => change(value.toSpliced(i, 1), keys.toSpliced(i, 1))}
                  >
                    <span aria-hidden="true">✕</span>
                  </ActionIcon>
                </Group>
              </Group>
              {entry && (
                <ParamForm
                  entry={entry}
                  values={params}
                  change={(changed) => onChange(value.toSpliced(i, 1, { step, params: changed }))}
                  wrong={(name) => problems.find(({ path }) => path === `${at}.params.${name}`)?.message}
                  choices={kind === "table" ? { columns: columnsBefore(i) } : {}}
                />
              )}
              {ofWhole.map(({ message, fix }) => (
                <Text key={message} size="sm" className="bad name">
                  {message}. {fix}
                </Text>
              ))}
            </Card>
          );
        })}
      </ol>
      <VisuallyHidden role="status">{told}</VisuallyHidden>
      <Group align="end">
        <Select
          label={t.steps.add}
          placeholder={t.steps.addHint}
          data={kinds.filter((one) => !kind || one.of === kind).map((one) => ({ value: one.id, label: one.title }))}
          searchable
          value={null}
          onChange={(step) => step && change([...value, { step, params: {} }], [...keys, Math.max(-1, ...keys) + 1])}
        />
        {value.length > 0 && (
          <Anchor component="button" type="button" size="sm" mb={8} onClick={() => change([], [])}>
            {t.steps.clear}
          </Anchor>
        )}
      </Group>
      <Failure error={catalog.error} />
      {problems.length === 0 && <Failure error={effect.error} />}
      {effect.data && <StepEffect effect={effect.data} titleOf={titleOf} isOld={effect.isPlaceholderData || effect.isError} />}
    </Stack>
  );
}

/** Keys that go along with the steps: what is typed in one stays with it. */
function useKeys(count: number): [keys: readonly number[], set: (keys: readonly number[]) => void] {
  const [kept, setKept] = useState<readonly number[]>([]);
  // Where the list was changed from outside, what is at a place stays at it.
  const keys = kept.length === count ? kept : Array.from({ length: count }, (_, i) => i);
  return [keys, setKept];
}
