/** How pictures are changed at random while a network trains: the layers of the catalog that augment, each with its parameters. */
import { Stack, Switch, Text } from "@mantine/core";
import type { CatalogEntry, Choice } from "../../shared/api/schemas.ts";
import { type Augmentation, withLayer } from "../request.ts";
import { t } from "../texts.ts";
import { ParamForm } from "./ParamForm.tsx";

interface AugmentProps {
  readonly layers: readonly CatalogEntry[];
  readonly choices: readonly Choice[] | undefined;
  readonly value: Augmentation;
  readonly change: (value: Augmentation) => void;
  /** What the server says of a parameter of the n-th of those chosen. */
  readonly wrong: (place: number) => (name: string) => string | undefined;
}

export function AugmentForm({ layers, choices = [], value, change, wrong }: AugmentProps) {
  const order = layers.map(({ id }) => id);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t.train.augmentationHelp}
      </Text>
      {layers.map((entry) => {
        const place = value.findIndex(({ layer }) => layer === entry.id);
        const why = choices.find(({ id }) => id === entry.id)?.why;
        return (
          <div key={entry.id}>
            <Switch
              label={entry.title}
              description={why ?? (place < 0 ? entry.summary : undefined)}
              checked={place >= 0}
              disabled={why !== undefined && place < 0}
              onChange={(event) => change(withLayer(value, entry.id, event.currentTarget.checked ? {} : undefined, order))}
            />
            {place >= 0 && (
              <div className="inset">
                <ParamForm
                  entry={entry}
                  values={value[place]!.params ?? {}}
                  change={(params) => change(withLayer(value, entry.id, params, order))}
                  wrong={wrong(place)}
                />
              </div>
            )}
          </div>
        );
      })}
    </Stack>
  );
}
