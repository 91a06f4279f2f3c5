/** Which columns a list of runs has: found by a word among hundreds. */
import { Button, Checkbox, Group, Popover, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { choicesOf, columnOf, type FieldGroup, MOST_COLUMNS, NAME, usualColumns, wanted } from "../run-columns.ts";
import { runFieldsQuery } from "../run-pages.ts";
import { t } from "../texts.ts";

/** More are found by a word. */
const MOST_SHOWN = 60;

interface ColumnsProps {
  readonly chosen: readonly string[];
  readonly choose: (columns: readonly string[]) => void;
}

export function RunColumns({ chosen, choose }: ColumnsProps) {
  return (
    <Popover trapFocus returnFocus position="bottom-end" shadow="md" width={320}>
      <Popover.Target>
        <Button variant="default" size="xs">
          {t.runs.columnsMenu}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t.runs.columnsMenu}>
        <Menu chosen={chosen} choose={choose} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Menu({ chosen, choose }: ColumnsProps) {
  const { data: fields } = useQuery(runFieldsQuery);
  const [word, setWord] = useState("");
  const all = useMemo(() => {
    const choices = choicesOf(fields ?? { metrics: [], settings: [], tags: [] });
    return (Object.keys(choices) as FieldGroup[]).flatMap((group) => choices[group].map((id) => ({ id, label: columnOf(id).label, group })));
  }, [fields]);
  const words = word.toLowerCase().split(/\s+/);
  const isChosen = new Set(chosen);
  const found = all.filter(({ id, label }) => words.every((one) => `${label} ${id}`.toLowerCase().includes(one)));
  // What is chosen stands first.
  const shown = [...found.filter(({ id }) => isChosen.has(id)), ...found.filter(({ id }) => !isChosen.has(id))].slice(0, MOST_SHOWN);
  const asked = wanted(chosen);
  const isFull = asked.metrics.length >= MOST_COLUMNS || asked.settings.length >= MOST_COLUMNS;
  return (
    <Stack gap="xs">
      <TextInput label={t.runs.findColumn} value={word} onChange={(event) => setWord(event.currentTarget.value)} data-autofocus />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keyboard too */}
      <section className="choices" aria-label={t.runs.columnsMenu} tabIndex={0}>
        {shown.map(({ id, label, group }) => (
          <Checkbox
            key={id}
            size="xs"
            label={label}
            description={group === "run" ? undefined : t.runs.fieldGroups[group]}
            className="name"
            checked={isChosen.has(id)}
            disabled={id === NAME || (isFull && !isChosen.has(id))}
            onChange={({ currentTarget: { checked } }) => choose(checked ? [...chosen, id] : chosen.filter((other) => other !== id))}
          />
        ))}
        {found.length > shown.length && <Text size="xs">{t.runs.moreColumns(found.length - shown.length)}</Text>}
        {found.length === 0 && <Text size="xs">{t.runs.noColumn}</Text>}
      </section>
      <Group justify="end">
        <Button size="compact-xs" variant="default" onClick={() => choose(usualColumns)}>
          {t.runs.usualColumns}
        </Button>
      </Group>
    </Stack>
  );
}
