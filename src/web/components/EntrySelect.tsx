/** One entry of the catalog out of a list. What does not go with the rest cannot be chosen, and says why. */
import { Select, Text } from "@mantine/core";
import type { CatalogEntry, Choice } from "../../shared/api/schemas.ts";
import { t } from "../texts.ts";

interface EntrySelectProps {
  readonly label: string;
  readonly placeholder?: string;
  readonly groups: readonly { readonly group: string; readonly entries: readonly CatalogEntry[] }[];
  /** What the server says of them. */
  readonly choices: readonly Choice[] | undefined;
  readonly value: string | undefined;
  readonly choose: (id: string | undefined) => void;
  readonly error?: string;
}

export function EntrySelect({ label, placeholder, groups, choices = [], value, choose, error }: EntrySelectProps) {
  const whyNot = new Map(choices.flatMap(({ id, why }) => (why ? [[id, why] as const] : [])));
  const entries = groups.flatMap((group) => group.entries);
  const summaries = new Map(entries.map(({ id, summary }) => [id, summary]));
  const refused = entries.filter(({ id }) => whyNot.has(id));
  const options = groups.map((group) => ({
    group: group.group,
    items: group.entries.map(({ id, title }) => ({ value: id, label: title, disabled: whyNot.has(id) && id !== value })),
  }));
  return (
    <div>
      <Select
        label={label}
        placeholder={placeholder}
        data={options.length === 1 ? options[0]!.items : options}
        searchable
        clearable
        maxDropdownHeight={360}
        value={value ?? null}
        onChange={(id) => choose(id ?? undefined)}
        error={error}
        renderOption={({ option }) => (
          <div>
            <Text size="sm">{option.label}</Text>
            <Text size="xs" c={whyNot.has(option.value) ? undefined : "dimmed"} className={whyNot.has(option.value) ? "bad" : undefined}>
              {whyNot.get(option.value) ?? summaries.get(option.value)}
            </Text>
          </div>
        )}
      />
      {refused.length > 0 && (
        <details>
          <Text component="summary" size="xs" c="dimmed" className="why">
            {t.train.refused(refused.length)}
          </Text>
          <ul className="reasons">
            {refused.map(({ id, title }) => (
              <li key={id}>
                {title}: {whyNot.get(id)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
