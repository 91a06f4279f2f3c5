/** Files that were looked at, before they are imported: what was found, and what of it is to be set right. */
import { Button, Group, Loader, Select, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { CatalogEntry, DatasetView } from "../../shared/api/schemas.ts";
import { columnTypes } from "../../shared/dataset.ts";
import type { Preview } from "../../shared/profile.ts";
import { catalogQuery, client, previewQuery, queries } from "../api.ts";
import { useDraft } from "../drafts.ts";
import { count } from "../format.ts";
import { differing, problemsOf } from "../settings.ts";
import { t } from "../texts.ts";
import { Apart } from "./Apart.tsx";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";
import { ParamForm, type Values } from "./ParamForm.tsx";

export function ImportForm({ dataset }: { readonly dataset: DatasetView }) {
  const { id, source, snapshot } = dataset;
  const wasLookedAt = snapshot.some(({ name }) => name === "preview.json");
  const { data: preview, error, refetch } = useQuery({ ...previewQuery(id), enabled: wasLookedAt });
  const catalog = useQuery(catalogQuery);
  const entry = catalog.data?.datasets?.find((one) => one.id === source.id);
  const failed = error ?? catalog.error;
  if (failed) return <Failure error={failed} retry={() => void refetch()} />;
  if (!entry || (wasLookedAt && !preview)) return <Loader aria-label={t.loading} />;
  return <Form dataset={dataset} entry={entry} preview={preview} />;
}

interface FormProps {
  readonly dataset: DatasetView;
  /** What reads the files. */
  readonly entry: CatalogEntry;
  /** Where the files could be looked at. */
  readonly preview?: Preview;
}

function Form({ dataset: { id, source }, entry, preview }: FormProps) {
  const [values, setValues, forget] = useDraft<Values>(`import ${id}`, (kept) => kept ?? differing(entry.params, source.params));
  const bring = useMutation({
    mutationFn: () => client.call("importDataset", { params: { id }, body: { params: values as never } }),
    onSuccess: (dataset) => {
      forget();
      queries.setQueryData(["datasets", "one", id], dataset);
      void queries.invalidateQueries({ queryKey: ["datasets"] });
    },
  });
  const problems = problemsOf(bring.error);
  const wrong = (name: string) => problems.find(({ path }) => path === `params.${name}`)?.message;
  const columns = preview?.columns.map(({ name }) => name) ?? [];
  // How rows are split is what is set most often.
  const { target: _, types: __, split, splitColumn, testFraction, validationFraction, ...others } = entry.params;
  const params = Object.fromEntries(
    Object.entries({ split, splitColumn, testFraction, validationFraction, ...(columns.length ? others : { ...entry.params }) }).filter(
      ([, param]) => param,
    ),
  ) as CatalogEntry["params"];
  const set = (name: string, value: unknown) => {
    const { [name]: ___, ...rest } = values;
    setValues(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <form
      aria-label={t.datasets.preview.title}
      onSubmit={(event) => {
        event.preventDefault();
        bring.mutate();
      }}
    >
      <Stack>
        {preview && <Found preview={preview} values={values} set={set} wrong={wrong} />}
        <section aria-label={t.datasets.preview.settings}>
          <Title order={2} size="h4">
            {t.datasets.preview.settings}
          </Title>
          <ParamForm
            entry={{ ...entry, params }}
            values={values}
            change={setValues}
            wrong={wrong}
            choices={columns.length ? { splitColumn: columns } : {}}
          />
        </section>
        {problems.every(({ path }) => !wrong(path.replace("params.", ""))) && <Failure error={bring.error} />}
        <Group>
          <Button type="submit" loading={bring.isPending}>
            {t.datasets.preview.import}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Cells come as the reader writes them: 3.0, 2020-01-31 00:00:00. */
const plain = (type: string | undefined, text: string): string =>
  type === "number" ? text.replace(/\.0$/, "") : type === "date" ? text.replace(/ 00:00:00$/, "") : text;

interface FoundProps {
  readonly preview: Preview;
  readonly values: Values;
  readonly set: (name: string, value: unknown) => void;
  readonly wrong: (name: string) => string | undefined;
}

/** Rows and classes that are shown of many. */
const [ROWS, CLASSES] = [10, 50];
const EXAMPLES = 4;

function Found({ preview, values, set, wrong }: FoundProps) {
  const { format, records, estimated, columns, target, rows, classes, problems } = preview;
  const { preview: says } = t.datasets;
  const types = (values.types ?? {}) as Readonly<Record<string, string>>;
  const setType = (name: string, found: string, chosen: string) => {
    const { [name]: _, ...others } = types;
    const changed = chosen === found ? others : { ...others, [name]: chosen };
    set("types", Object.keys(changed).length ? changed : undefined);
  };
  return (
    <>
      <Title order={2} size="h4">
        {says.title}
      </Title>
      <Text>{says.lead}</Text>
      <Text>{says.found(format.name.toUpperCase(), count(records), estimated)}</Text>
      {problems.length > 0 && (
        <section aria-label={says.problems}>
          <Text fw={600}>{says.problems}</Text>
          <ul>
            {problems.map(({ where, message, fix }) => (
              <li key={where + message} className="name">
                {where}: {message}. {fix}
              </li>
            ))}
          </ul>
        </section>
      )}
      {columns.length > 0 && (
        <Select
          label={says.target}
          description={target && says.why(target.why)}
          data={columns.map(({ name }) => name)}
          searchable
          allowDeselect={false}
          limit={100}
          maw={500}
          error={wrong("target")}
          value={(values.target as string | undefined) ?? target?.name ?? null}
          onChange={(name) => set("target", name === target?.name ? undefined : (name ?? undefined))}
        />
      )}
      {wrong("types") && (
        <Text size="sm" className="bad">
          {wrong("types")}
        </Text>
      )}
      {columns.length > 0 && (
        <Lines
          columns={[
            { label: t.datasets.column.name },
            { label: t.datasets.column.type, width: "11rem" },
            { label: says.examples },
            { label: t.datasets.column.missing, numeric: true },
            { label: t.datasets.column.distinct, numeric: true },
          ]}
          rows={columns.map(({ name, type, examples, missing, distinct }) => [
            name,
            name,
            <Select
              key="type"
              size="xs"
              aria-label={says.type(name)}
              data={[...columnTypes, "drop" as const].map((value) => ({ value, label: says.types[value] }))}
              allowDeselect={false}
              value={types[name] ?? type}
              onChange={(chosen) => setType(name, type, chosen!)}
            />,
            <Apart key="examples" texts={examples.slice(0, EXAMPLES).map((text) => plain(type, text))} />,
            count(missing),
            count(distinct),
          ])}
        />
      )}
      {classes && (
        <Lines
          minWidth={300}
          columns={[{ label: t.evaluation.class }, { label: t.evaluation.support, numeric: true }]}
          rows={classes.slice(0, CLASSES).map(({ label, count: of }) => [label, label, count(of)])}
        />
      )}
      {classes && classes.length > CLASSES && <Text size="sm">{t.datasets.classesShown(count(CLASSES), count(classes.length))}</Text>}
      {rows.length > 0 && (
        <section aria-label={says.rows}>
          <Title order={2} size="h4">
            {says.rows}
          </Title>
          <Lines
            minWidth={100 * columns.length}
            columns={columns.map(({ name, type }) => ({ label: name, numeric: type === "number" }))}
            rows={rows.slice(0, ROWS).map((row, i) => [String(i), ...row.map((cell, c) => (cell === null ? "–" : plain(columns[c]?.type, cell)))])}
          />
        </section>
      )}
    </>
  );
}
