/** A row to predict from: a field for each column that the model reads, as the column is. */
import { Autocomplete, Button, Group, NumberInput, SimpleGrid, Text, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Run } from "../../../shared/api/schemas.ts";
import type { ColumnProfile } from "../../../shared/profile.ts";
import { figure } from "../../format.ts";
import { t } from "../../texts.ts";

export type Row = Readonly<Record<string, string | number | null>>;
type Facts = NonNullable<Run["facts"]>["dataset"];
type Input = NonNullable<Facts["inputs"]>[number];
type Steps = NonNullable<Facts["preprocessing"]>;

interface RowFormProps {
  readonly inputs: readonly Input[];
  /** What is known of the columns, where it is. */
  readonly columns: readonly ColumnProfile[];
  /** The steps of preprocessing with what they learnt, which tell something where nothing else does. */
  readonly steps: Steps;
  /** To begin with. */
  readonly filled: Row | undefined;
  readonly busy: boolean;
  readonly predict: (row: Row) => void;
  readonly children: ReactNode;
}

export function RowForm({ inputs, columns, steps, filled = {}, busy, predict, children }: RowFormProps) {
  const [row, setRow] = useState<Readonly<Record<string, string | number>>>(
    Object.fromEntries(Object.entries(filled).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    predict(Object.fromEntries(inputs.map(({ name }) => [name, row[name] === undefined || row[name] === "" ? null : row[name]])));
  };
  return (
    <form onSubmit={submit}>
      <Text mb="sm">{t.tryIt.row.lead}</Text>
      <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }}>
        {inputs.map((input) => (
          <Cell
            key={input.name}
            input={input}
            column={columns.find(({ name }) => name === input.name)}
            seen={valuesIn(steps, input.name)}
            value={row[input.name] ?? ""}
            set={(value) => setRow({ ...row, [input.name]: value })}
          />
        ))}
      </SimpleGrid>
      <Group mt="md">
        <Button type="submit" loading={busy}>
          {t.tryIt.predict}
        </Button>
        {children}
      </Group>
    </form>
  );
}

interface CellProps {
  readonly input: Input;
  readonly column: ColumnProfile | undefined;
  /** Values of a category that training saw. */
  readonly seen: readonly string[];
  readonly value: string | number;
  readonly set: (value: string | number) => void;
}

function Cell({ input: { name, type, required }, column, seen, value, set }: CellProps) {
  const edges = column?.type === "number" ? column.histogram?.edges : undefined;
  const range = edges?.length ? t.tryIt.row.range(figure(edges[0]), figure(edges.at(-1))) : "";
  const common = { label: name, required, description: [range, required ? "" : t.tryIt.row.optional].filter(Boolean).join("; ") || undefined };
  switch (type) {
    case "number":
      return <NumberInput {...common} value={value} onChange={set} />;
    case "category": {
      const top = column?.top?.map((one) => one.value) ?? [];
      return <Autocomplete {...common} data={[...new Set([...top, ...seen])]} limit={100} value={String(value)} onChange={set} />;
    }
    case "date":
      return <TextInput {...common} placeholder={t.tryIt.row.date} value={value} onChange={(event) => set(event.currentTarget.value)} />;
    default:
      return <Textarea {...common} autosize maxRows={6} value={value} onChange={(event) => set(event.currentTarget.value)} />;
  }
}

/** Values of a category, as the steps that make numbers of them learnt them. */
function valuesIn(steps: Steps, column: string): readonly string[] {
  return steps.flatMap(({ fitted }) => {
    const learnt = (fitted as Readonly<Record<string, { readonly values?: unknown } | null>> | undefined)?.[column];
    return Array.isArray(learnt?.values) ? learnt.values.map(String) : [];
  });
}
