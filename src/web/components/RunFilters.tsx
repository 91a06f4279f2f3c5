/** Which runs are wanted: words, and conditions that are put together from a field, a comparison and a value. */
import { Autocomplete, Button, Group, NumberInput, Pill, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { runStates } from "../../shared/api/schemas.ts";
import { type FilterOperator, type FilterParts, filterParts, filterText } from "../../shared/run-filter.ts";
import { choicesOf, columnOf, type FieldGroup } from "../run-columns.ts";
import { groupsQuery, runFieldsQuery } from "../run-pages.ts";
import { t } from "../texts.ts";

interface FilterProps {
  readonly q: string;
  readonly setQ: (q: string) => void;
  readonly filter: readonly string[];
  readonly setFilter: (filter: readonly string[]) => void;
}

/** A field of a filter, and what it is compared as. */
type Kind = "text" | "number" | "time" | "state";
const operatorsOf: Readonly<Record<Kind, readonly FilterOperator[]>> = {
  text: ["=", "!=", "~", "!"],
  state: ["=", "!="],
  number: [">", ">=", "<", "<=", "=", "!=", "!"],
  time: [">=", "<", "!"],
};

const inWords = (filter: string): string => {
  const parts = filterParts(filter);
  if (!parts) return filter;
  const { field, operator, value } = parts;
  return `${columnOf(field).label} ${t.runs.operators[operator]} ${value}`.trim();
};

/** Of a setting one cannot know what it is: it is a number where all its values are. */
function kindOf(field: string, numeric: ReadonlySet<string>): Kind {
  return numeric.has(field) ? "number" : columnOf(field).kind;
}

export function RunFilters({ q, setQ, filter, setFilter }: FilterProps) {
  const [words, setWords] = useState(q);
  useEffect(() => setWords(q), [q]);
  // What is typed is looked for when one stops typing.
  useEffect(() => {
    if (words.trim() === q) return;
    const timer = setTimeout(() => setQ(words.trim()), 300);
    return () => clearTimeout(timer);
  }, [words, q, setQ]);
  return (
    <>
      <Group align="end" gap="xs">
        <TextInput
          type="search"
          label={t.runs.search}
          placeholder={t.runs.searchHint}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          w={{ base: "100%", sm: 260 }}
        />
        <Builder add={(condition) => !filter.includes(condition) && setFilter([...filter, condition])} />
      </Group>
      {filter.length > 0 && (
        <Group gap="xs" role="group" aria-label={t.runs.filter}>
          {filter.map((one) => (
            <Pill
              key={one}
              size="md"
              className="name"
              withRemoveButton
              removeButtonProps={{ "aria-label": t.runs.removeFilter(inWords(one)), "aria-hidden": false, tabIndex: 0 }}
              onRemove={() => setFilter(filter.filter((other) => other !== one))}
            >
              {inWords(one)}
            </Pill>
          ))}
        </Group>
      )}
    </>
  );
}

function Builder({ add }: { readonly add: (condition: string) => void }) {
  const { data: fields } = useQuery(runFieldsQuery);
  const [field, setField] = useState<string | null>(null);
  const [operator, setOperator] = useState<FilterOperator>("=");
  const [value, setValue] = useState("");
  const numeric = useMemo(() => new Set(fields?.settings.flatMap(({ name, numeric }) => (numeric ? [name] : []))), [fields]);
  const kind = field === null ? "text" : kindOf(field, numeric);
  const data = useMemo(() => {
    const choices = choicesOf(fields ?? { metrics: [], settings: [], tags: [] });
    return (Object.keys(choices) as FieldGroup[]).map((group) => ({
      group: t.runs.fieldGroups[group],
      items: choices[group].filter((id) => columnOf(id).sorts).map((id) => ({ value: id, label: columnOf(id).label })),
    }));
  }, [fields]);
  const choose = (chosen: string | null) => {
    setField(chosen);
    if (chosen !== null) setOperator(operatorsOf[kindOf(chosen, numeric)][0]!);
    setValue("");
  };
  const isReady = field !== null && (operator === "!" || value.trim() !== "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    add(filterText({ field, operator, value: value.trim() }));
    choose(null);
  };
  return (
    <form onSubmit={submit}>
      <Group align="end" gap="xs">
        <Select
          label={t.runs.field}
          placeholder={t.runs.fieldHint}
          data={data}
          value={field}
          onChange={choose}
          searchable
          clearable
          limit={100}
          w={200}
        />
        {field !== null && (
          <>
            <Select
              label={t.runs.operator}
              data={operatorsOf[kind].map((one) => ({ value: one, label: t.runs.operators[one] }))}
              value={operator}
              onChange={(one) => one && setOperator(one)}
              allowDeselect={false}
              w={130}
            />
            {operator !== "!" && <ValueField field={field} kind={kind} value={value} set={setValue} />}
            <Button type="submit" variant="default" disabled={!isReady}>
              {t.runs.addFilter}
            </Button>
          </>
        )}
      </Group>
    </form>
  );
}

interface ValueProps extends Pick<FilterParts, "field"> {
  readonly kind: Kind;
  readonly value: string;
  readonly set: (value: string) => void;
}

function ValueField({ field, kind, value, set }: ValueProps) {
  const isText = kind === "text" && field !== "text";
  const { data } = useQuery({ ...groupsQuery({}, field), enabled: isText, refetchInterval: false });
  const common = { label: t.runs.value, w: 180 } as const;
  if (kind === "state")
    return (
      <Select
        {...common}
        data={runStates.map((one) => ({ value: one, label: t.states[one] }))}
        value={value || null}
        onChange={(one) => set(one ?? "")}
      />
    );
  if (kind === "number") return <NumberInput {...common} value={value} onChange={(one) => set(String(one))} />;
  if (kind === "time") return <TextInput {...common} type="date" value={value} onChange={(event) => set(event.currentTarget.value)} />;
  const values = [...new Set(data?.groups.flatMap(({ value }) => value || []))];
  return <Autocomplete {...common} data={values} limit={50} value={value} onChange={set} />;
}
