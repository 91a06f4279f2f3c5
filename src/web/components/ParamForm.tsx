/** A form from the catalog's own words: one field for each parameter of an entry. Empty fields are left to their defaults. */
import {
  Anchor,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
  type TextInputProps,
  VisuallyHidden,
} from "@mantine/core";
import { useState } from "react";
import type { CatalogEntry } from "../../shared/api/schemas.ts";
import { type Param, wanted } from "../../shared/define.ts";
import { titled } from "../format.ts";
import { parsed, shown, stepOf } from "../param-text.ts";
import { t } from "../texts.ts";

export type Values = Readonly<Record<string, unknown>>;

interface FormProps {
  readonly entry: CatalogEntry;
  readonly values: Values;
  readonly change: (values: Values) => void;
  /** What the server says of a parameter. */
  readonly wrong: (name: string) => string | undefined;
  /** Parameters that are set elsewhere. */
  readonly omit?: readonly string[];
  /** Of parameters that name something, such as columns, what there is. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

export function ParamForm({ entry, values, change, wrong, omit = [], choices = {} }: FormProps) {
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...others } = values;
    change(value === undefined ? others : { ...others, [name]: value });
  };
  const params = (Object.entries(entry.params) as unknown as [string, Param][]).filter(([name]) => !omit.includes(name));
  const changed = params.filter(([name]) => values[name] !== undefined);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {entry.summary} <Reference to={entry.reference} of={entry.title} />
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {params.map(([name, param]) => (
          <div key={name}>
            <Field name={name} param={param} value={values[name]} set={(value) => set(name, value)} error={wrong(name)} choices={choices[name]} />
            {values[name] !== undefined && (
              <Anchor component="button" type="button" size="xs" underline="always" onClick={() => set(name, undefined)}>
                <VisuallyHidden>{titled(name)}: </VisuallyHidden>
                {t.train.default(shownDefault(param))}
              </Anchor>
            )}
          </div>
        ))}
      </SimpleGrid>
      {changed.length > 1 && (
        <Group>
          <Anchor component="button" type="button" size="sm" underline="always" onClick={() => change({})}>
            {t.train.reset(entry.title)}
          </Anchor>
        </Group>
      )}
    </Stack>
  );
}

/** Where the formula comes from; only addresses of the web are links. */
function Reference({ to = "", of }: { readonly to?: string; readonly of: string }) {
  if (!/^https?:\/\//.test(to)) return null;
  return (
    <Anchor href={to} target="_blank" rel="noreferrer" size="sm" underline="always">
      {t.train.reference}
      <VisuallyHidden>: {of}</VisuallyHidden>
    </Anchor>
  );
}

const shownDefault = (param: Param): string => shown(param.default) || t.train.nothing;

interface FieldProps {
  readonly name: string;
  readonly param: Param;
  readonly value: unknown;
  readonly set: (value: unknown) => void;
  readonly error?: string;
  readonly choices?: readonly string[];
}

/** Options that are shown at a time: of a wide table there are thousands. */
const SHOWN = 100;

function Field({ name, param, value, set, error, choices }: FieldProps) {
  const accepts = param.type === "boolean" || param.type === "choice" || choices ? "" : ` ${t.train.accepts(wanted(param))}`;
  const common = { label: titled(name), description: `${param.help}${accepts}`, error };
  const usual = t.train.usually(shownDefault(param));
  const written = () => (
    <Written {...common} placeholder={usual} given={value} read={(text) => set(text.trim() === "" ? undefined : parsed(param, text))} />
  );
  switch (param.type) {
    case "integer":
    case "number":
      return (
        <NumberInput
          {...common}
          min={param.min}
          max={param.max}
          step={stepOf(param, value)}
          allowDecimal={param.type === "number"}
          clampBehavior="none"
          placeholder={usual}
          value={(value as number | undefined) ?? ""}
          onChange={(given) => set(given === "" ? undefined : given)}
        />
      );
    case "boolean":
      return (
        <Switch
          {...common}
          mt="xs"
          checked={(value as boolean | undefined) ?? param.default}
          onChange={(event) => set(event.currentTarget.checked === param.default ? undefined : event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <Select
          {...common}
          data={[...param.options]}
          allowDeselect={false}
          value={(value as string | undefined) ?? param.default}
          onChange={(given) => set(given === param.default ? undefined : (given ?? undefined))}
        />
      );
    case "texts": {
      if (!choices) return written();
      const named = (value as string[] | undefined) ?? [];
      return (
        <MultiSelect
          {...common}
          data={[...new Set([...choices, ...named])]}
          searchable
          clearable
          limit={SHOWN}
          value={named}
          onChange={(given) => set(given.length ? given : undefined)}
        />
      );
    }
    case "text":
      if (!choices) return written();
      return (
        <Select
          {...common}
          data={[...choices]}
          searchable
          clearable
          limit={SHOWN}
          value={(value as string | undefined) ?? null}
          onChange={(given) => set(given ?? undefined)}
        />
      );
    default:
      return written();
  }
}

/** Stays as it is typed, whatever it is read as. */
function Written({ given, read, ...common }: { readonly given: unknown; readonly read: (text: string) => void } & TextInputProps) {
  const [text, setText] = useState(given === undefined ? "" : shown(given));
  const value = given === undefined ? "" : text; // emptied from outside
  const type = (typed: string) => {
    setText(typed);
    read(typed);
  };
  return <TextInput {...common} value={value} onChange={(event) => type(event.currentTarget.value)} />;
}
