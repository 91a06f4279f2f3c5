/** What to train on what: three choices, or everything. The server checks it while it is filled in. */
import { Accordion, Anchor, Button, Group, JsonInput, Loader, SegmentedControl, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useEffectEvent, useRef } from "react";
import type { CatalogEntry, Run, RunRequestBody } from "../../shared/api/schemas.ts";
import { catalogQuery, client, datasetsQuery, meQuery, settingsOfQuery } from "../api.ts";
import { AugmentForm } from "../components/AugmentForm.tsx";
import { EntrySelect } from "../components/EntrySelect.tsx";
import { Estimate } from "../components/Estimate.tsx";
import { Failure } from "../components/Failure.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { ParamForm, type Values } from "../components/ParamForm.tsx";
import { StepList } from "../components/StepList.tsx";
import { useDraft } from "../drafts.ts";
import { type Arrival, arrived, type Draft, draftOf, emptyDraft, type Part, parts, requestOf, usualEpochs, withChosen } from "../request.ts";
import { refusalsOf } from "../settings.ts";
import { t } from "../texts.ts";

type Catalog = Readonly<Record<string, readonly CatalogEntry[]>>;

/** Loads what the form is made of, and of which run it is a change. */
export function NewRun() {
  const { from } = useSearch({ from: "/train" });
  const me = useQuery(meQuery);
  const catalog = useQuery(catalogQuery);
  const run = useQuery({ ...settingsOfQuery(from ?? ""), enabled: from !== undefined });
  const error = catalog.error ?? run.error;
  const ready = me.data && catalog.data && (from === undefined || run.data);
  return (
    <Stack maw={1000}>
      <PageTitle>{t.train.title}</PageTitle>
      {error ? (
        <Failure error={error} retry={() => void (catalog.error ? catalog : run).refetch()} />
      ) : ready ? (
        <Form key={from} keep={`new-run ${me.data.name} ${from ?? ""}`} catalog={catalog.data} run={run.data} />
      ) : (
        <Loader aria-label={t.loading} />
      )}
    </Stack>
  );
}

interface FormProps {
  /** Under which it is kept what was filled in. */
  readonly keep: string;
  readonly catalog: Catalog;
  readonly run: Run | undefined;
}

function Form({ keep, catalog, run }: FormProps) {
  const search = useSearch({ from: "/train" });
  const navigate = useNavigate({ from: "/train" });
  const begin = () => (run ? draftOf(run, catalog) : emptyDraft);
  const [draft, setDraft, forget] = useDraft<Draft>(keep, (kept) => arrived({ ...emptyDraft, ...(kept ?? begin()) }, search));
  const { chosen, expert } = draft;
  const [dataset, modelId] = [chosen.dataset?.id, chosen.model?.id];
  useAddress({ dataset, model: modelId }, (address) => setDraft((before) => arrived(before, address)));

  const isLearner = catalog.learners?.some(({ id }) => id === modelId) ?? false;
  const told = (isLearner ? catalog.fitting : catalog.training)?.[0];
  const training = told && !isLearner ? withDefault(told, "epochs", usualEpochs) : told;
  const epochs = draft.training.epochs ?? usualEpochs;
  const request = requestOf(draft, isLearner ? Object.keys(training?.params ?? {}) : undefined);
  const { check, choices, estimate } = useJudgement(request);
  const start = useMutation({
    mutationFn: (body: RunRequestBody) => client.call("createRun", { body }),
    onSuccess: ({ id }) => {
      forget();
      void navigate({ to: "/runs/$id", params: { id } });
    },
  });
  const error = check.error ?? start.error;
  const problems = refusalsOf(error);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const choose = (part: Part, id: string | undefined) => setDraft((before) => withChosen(before, part, id));

  const models = [
    { group: t.train.networks, entries: catalog.models ?? [] },
    { group: t.train.learners, entries: catalog.learners ?? [] },
  ];
  const settings = check.data?.settings;
  const settledEpochs = settings?.training.epochs;
  /** Of what was chosen, or of what the server suggests. */
  const entryOf = (part: Part): CatalogEntry | undefined => {
    const id = chosen[part]?.id ?? (settings?.[part] as { id: string } | undefined)?.id;
    const list = part === "model" ? models.flatMap(({ entries }) => entries) : catalog[parts[part]];
    return list?.find((entry) => entry.id === id);
  };
  const wrongIn = (place: string) => (name: string) => problems.find(({ path }) => path === `${place}.${name}`)?.message;
  const elsewhere = problems.filter(({ path }) => !expert || !/^(\w+(\.\d+)?\.params|training)\./.test(path));

  /** The parameters of a part; from the first that is set, they belong to its entry. */
  const paramsOf = (part: Part): ReactNode => {
    const entry = entryOf(part);
    if (!entry) return null;
    const change = (params: Values) => set({ chosen: { ...chosen, [part]: { id: chosen[part]?.id ?? entry.id, params } } });
    return <ParamForm key={entry.id} entry={entry} values={chosen[part]?.params ?? {}} change={change} wrong={wrongIn(`${part}.params`)} />;
  };
  const suggestion = (part: Part) => {
    const entry = chosen[part] ? undefined : entryOf(part);
    return entry ? `${t.train.suggested}: ${entry.title}` : t.train.suggested;
  };
  const listed = (part: Exclude<Part, "dataset" | "model">): ReactNode => (
    <Stack gap="sm">
      <EntrySelect
        label={t.train[part]}
        placeholder={suggestion(part)}
        groups={[{ group: "", entries: catalog[parts[part]] ?? [] }]}
        choices={choices?.[part]}
        value={chosen[part]?.id}
        choose={(id) => choose(part, id)}
      />
      {paramsOf(part)}
    </Stack>
  );
  const isBuiltIn = catalog.datasets?.some(({ id }) => id === dataset);
  const augmenting = (catalog.layers ?? []).filter((layer) => layer.augments);
  /** What every setting is shown in: the title, and what is in it. */
  const sections: Readonly<Record<string, readonly [title: string, content: ReactNode]>> = {
    ...(Object.keys(entryOf("dataset")?.params ?? {}).length > 0 && {
      dataset: [`${t.train.dataset}: ${entryOf("dataset")!.title}`, paramsOf("dataset")],
    }),
    ...(dataset && {
      steps: [
        t.train.steps,
        <StepList
          key="steps"
          own={draft.steps}
          usual={settings?.preprocessing?.map(({ step, params }) => ({ step, params })) ?? []}
          entries={catalog.preprocessing ?? []}
          dataset={isBuiltIn ? undefined : dataset}
          change={(steps) => set({ steps: steps && [...steps] })}
        />,
      ],
    }),
    model: [entryOf("model") ? `${t.train.model}: ${entryOf("model")!.title}` : t.train.model, paramsOf("model")],
    ...(!isLearner && {
      loss: [`${t.train.loss}: ${entryOf("loss")?.title ?? t.train.suggested}`, listed("loss")],
      optimizer: [`${t.train.optimizer}: ${entryOf("optimizer")?.title ?? t.train.suggested}`, listed("optimizer")],
      schedule: [`${t.train.schedule}: ${entryOf("schedule")?.title ?? t.train.suggested}`, listed("schedule")],
      augmentation: [
        `${t.train.augmentation}: ${t.train.augmented(draft.augmentation.length)}`,
        <AugmentForm
          key="augmentation"
          layers={augmenting}
          choices={choices?.augmentation}
          value={draft.augmentation}
          change={(augmentation) => set({ augmentation })}
          wrong={(place) => wrongIn(`augmentation.${place}.params`)}
        />,
      ],
    }),
    training: [
      t.train.training,
      <Stack key="training" gap="sm">
        <TextInput
          label={t.train.name}
          description={t.train.nameHint}
          maxLength={200}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        {training && (
          <ParamForm entry={training} values={draft.training} change={(values) => set({ training: values })} wrong={wrongIn("training")} />
        )}
      </Stack>,
    ],
  };

  return (
    <>
      {run && (
        <Text size="sm" className="name">
          {t.train.from(run.name)}
        </Text>
      )}
      <DatasetSelect value={dataset} choose={(id) => choose("dataset", id)} builtIn={catalog.datasets ?? []} />
      <EntrySelect
        label={t.train.model}
        placeholder={suggestion("model")}
        groups={models}
        choices={choices?.model}
        value={modelId}
        choose={(id) => choose("model", id)}
      />
      {modelId === "custom" && (
        <JsonInput
          label={t.train.network}
          description={t.train.networkHelp}
          autosize
          minRows={4}
          maxRows={20}
          value={draft.network}
          onChange={(network) => set({ network })}
          error={problems.find(({ path }) => path === "network")?.message}
        />
      )}
      {!isLearner && (
        <div>
          <Text size="sm" fw={500} id="effort">
            {t.train.effort}
          </Text>
          <SegmentedControl
            aria-labelledby="effort"
            data={Object.entries(t.train.efforts).map(([value, label]) => ({ value, label }))}
            value={String(epochs)}
            onChange={(value) => set({ training: { ...draft.training, epochs: value } })}
          />
          <Text size="xs" c="dimmed" mt={4}>
            {settledEpochs === undefined ? "" : t.train.epochs(Number(settledEpochs))}
          </Text>
        </div>
      )}
      <Switch label={t.train.expert} checked={expert} onChange={(event) => set({ expert: event.currentTarget.checked })} />
      {expert && (
        <Accordion multiple variant="separated" defaultValue={["model"]}>
          {Object.entries(sections).map(([name, [title, content]]) => (
            <Accordion.Item key={name} value={name}>
              <Accordion.Control>{title}</Accordion.Control>
              <Accordion.Panel>{content}</Accordion.Panel>
            </Accordion.Item>
          ))}
        </Accordion>
      )}
      {estimate && problems.length === 0 && <Estimate estimate={estimate} isLearner={isLearner} />}
      <div role="status">
        {elsewhere.map(({ path, message, fix }) => (
          <Text key={path + message} size="sm" className="bad name">
            {message}. {fix}
          </Text>
        ))}
        {settings && problems.length === 0 && !check.error && (
          <Text size="sm" className="good">
            {t.train.ok}
          </Text>
        )}
      </div>
      {problems.length === 0 && <Failure error={error} />}
      <Group>
        <Button size="md" disabled={!request || problems.length > 0} loading={start.isPending} onClick={() => request && start.mutate(request)}>
          {t.train.start}
        </Button>
        {dataset && (
          <Anchor component="button" type="button" underline="always" onClick={() => setDraft(begin)}>
            {t.train.over}
          </Anchor>
        )}
      </Group>
    </>
  );
}

const withDefault = (entry: CatalogEntry, name: string, value: unknown): CatalogEntry => ({
  ...entry,
  params: { ...entry.params, [name]: { ...entry.params[name]!, default: value } },
});

/**
 * The address says what is trained on what; whoever comes by another address, gets what that says.
 * @param come with what an address says that was not written here
 */
function useAddress({ dataset, model }: Arrival, come: (address: Arrival) => void): void {
  const search = useSearch({ from: "/train" });
  const navigate = useNavigate({ from: "/train" });
  const written = useRef(new Set<string>());
  const write = useEffectEvent(() => {
    if (keyOf(search) === keyOf({ dataset, model }) && search.steps === undefined) return;
    written.current.add(keyOf({ dataset, model }));
    void navigate({ search: (before) => ({ ...before, dataset, model, steps: undefined }), replace: true });
  });
  const read = useEffectEvent((address: Arrival) => {
    if (written.current.delete(keyOf(address))) return;
    if (address.dataset === undefined && dataset !== undefined) write();
    else come(address);
  });
  useEffect(() => read(search), [search]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: written whenever these are others
  useEffect(() => write(), [dataset, model]);
}
const keyOf = ({ dataset, model }: Arrival): string => JSON.stringify([dataset, model]);

/** What the server says of a request, a moment after it has changed. */
function useJudgement(request: RunRequestBody | undefined) {
  const [settled] = useDebouncedValue(JSON.stringify(request), 250);
  const body = settled === undefined ? undefined : (JSON.parse(settled) as RunRequestBody);
  const common = { enabled: body !== undefined, placeholderData: <T,>(before: T) => before };
  const check = useQuery({ ...common, queryKey: ["check", settled], queryFn: () => client.call("checkTraining", { body: body! }) });
  const choices = useQuery({ ...common, queryKey: ["choices", settled], queryFn: () => client.call("getChoices", { body: body! }) });
  const accepted = common.enabled && check.isSuccess && !check.isPlaceholderData;
  const estimate = useQuery({
    ...common,
    enabled: accepted,
    queryKey: ["estimate", settled],
    queryFn: () => client.call("estimateRun", { body: body! }),
  });
  return { check, choices: choices.data, estimate: estimate.data };
}

interface DatasetSelectProps {
  readonly value: string | undefined;
  readonly choose: (id: string | undefined) => void;
  readonly builtIn: readonly CatalogEntry[];
}

function DatasetSelect({ value, choose, builtIn }: DatasetSelectProps) {
  const own = useQuery(datasetsQuery);
  const ready = own.data?.items.filter(({ state }) => state === "ready") ?? [];
  const groups = [
    {
      group: t.datasets.own,
      items: ready.map(({ name, version }) => ({ value: `${name}@${version}`, label: `${name}, ${t.datasets.version(version)}` })),
    },
    // Those of which nothing is known before files are there are registered, not chosen.
    { group: t.datasets.builtIn, items: builtIn.filter((entry) => entry.task).map(({ id, title }) => ({ value: id, label: title })) },
  ].filter(({ items }) => items.length);
  const known = groups.some(({ items }) => items.some((item) => item.value === value));
  // A name without a version, or a version that is not among the newest.
  const data = value && !known ? [{ group: t.datasets.own, items: [{ value, label: value }] }, ...groups] : groups;
  return (
    <>
      <Failure error={own.error} />
      <Select label={t.train.dataset} data={data} searchable value={value ?? null} onChange={(id) => choose(id ?? undefined)} />
    </>
  );
}
