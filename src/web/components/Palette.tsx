/** One field for everything: type where to go or what to do. */
import { Combobox, Modal, ScrollArea, Text, TextInput, useCombobox, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { catalogQuery, datasetsQuery, experimentsQuery, meQuery, namedRunsQuery } from "../api.ts";
import { placesOf } from "../places.ts";
import { t } from "../texts.ts";

/** Of each kind, before something more is typed. */
const SHOWN = 6;
const TYPING_MS = 200;

interface Choice {
  readonly label: string;
  readonly hint?: string;
  readonly act: () => void;
}

export function Palette({ close, showKeys }: { readonly close: () => void; readonly showKeys: () => void }) {
  const [text, setText] = useState("");
  const groups = useChoices(text.trim().toLowerCase(), showKeys);
  const combobox = useCombobox({ opened: true });
  const named = new Map<string, Choice>(groups.flatMap(({ label, choices }) => choices.map((choice, i) => [`${label} ${i}`, choice] as const)));
  const shape = [...named].map(([id, { label }]) => `${id} ${label}`).join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first is chosen whenever there are others
  useEffect(() => void combobox.selectFirstOption(), [shape]);
  return (
    <Modal opened onClose={close} withCloseButton={false} aria-label={t.palette.title} padding="xs" size="lg" yOffset="10vh">
      <Combobox
        store={combobox}
        onOptionSubmit={(id) => {
          close();
          named.get(id)?.act();
        }}
      >
        <Combobox.EventsTarget>
          <TextInput
            data-autofocus
            aria-label={t.palette.title}
            placeholder={t.palette.hint}
            value={text}
            onChange={({ currentTarget }) => setText(currentTarget.value)}
          />
        </Combobox.EventsTarget>
        <ScrollArea.Autosize mah="60vh" mt="xs" type="scroll" viewportProps={{ tabIndex: 0 }}>
          <Combobox.Options aria-label={t.palette.title}>
            {groups.map(({ label, choices }) => (
              <Combobox.Group key={label} label={label}>
                {choices.map((choice, i) => (
                  <Combobox.Option key={`${choice.label} ${choice.hint}`} value={`${label} ${i}`}>
                    <Text span className="name">
                      {choice.label}
                    </Text>{" "}
                    <Text span size="xs" className="name">
                      {choice.hint}
                    </Text>
                  </Combobox.Option>
                ))}
              </Combobox.Group>
            ))}
            {named.size === 0 && <Combobox.Empty>{t.palette.none}</Combobox.Empty>}
          </Combobox.Options>
        </ScrollArea.Autosize>
      </Combobox>
    </Modal>
  );
}

/** What there is to choose from, of each kind that has any. */
function useChoices(text: string, showKeys: () => void): readonly { readonly label: string; readonly choices: readonly Choice[] }[] {
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const [searched] = useDebouncedValue(text, TYPING_MS);
  const me = useQuery(meQuery).data;
  const catalog = useQuery(catalogQuery).data;
  const datasets = useQuery(datasetsQuery).data?.items ?? [];
  const experiments = useInfiniteQuery(experimentsQuery(searched ? { search: searched } : {})).data?.pages[0]?.items ?? [];
  const runs = useQuery({ ...namedRunsQuery(searched, SHOWN), placeholderData: (before) => before }).data?.items ?? [];
  const go = (to: string) => () => void navigate({ to });
  const { groups } = t.palette;
  const all: readonly { readonly label: string; readonly choices: readonly Choice[] }[] = [
    { label: groups.places, choices: placesOf(me).map(({ to, label, key }) => ({ label, hint: `g ${key}`, act: go(to) })) },
    {
      label: groups.commands,
      choices: [
        { label: t.scheme, act: () => setColorScheme(scheme === "dark" ? "light" : "dark") },
        { label: t.keys.title, hint: "?", act: showKeys },
        { label: t.nav.api, act: () => location.assign("/docs") },
      ],
    },
    {
      label: groups.datasets,
      choices: datasets.map(({ id, name, version }) => ({ label: name, hint: t.datasets.version(version), act: go(`/datasets/${id}`) })),
    },
    { label: groups.runs, choices: runs.map(({ id, name, number }) => ({ label: name, hint: `#${number}`, act: go(`/runs/${id}`) })) },
    { label: groups.experiments, choices: experiments.map(({ id, name }) => ({ label: name, act: go(`/experiments/${id}`) })) },
    {
      label: groups.models,
      choices: (catalog?.models ?? []).map(({ id, title }) => ({ label: title, hint: id, act: go(`/train?model=${encodeURIComponent(id)}`) })),
    },
  ];
  return all
    .map(({ label, choices }) => ({
      label,
      choices: choices.filter((choice) => `${choice.label} ${choice.hint}`.toLowerCase().includes(text)).slice(0, SHOWN),
    }))
    .filter(({ choices }) => choices.length > 0);
}
