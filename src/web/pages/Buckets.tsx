/** Buckets of the configuration: looked around in, filled, emptied, and brought in from as datasets. Which folder is in the address. */
import { Anchor, Breadcrumbs, Button, Checkbox, Code, FileButton, Group, List, Loader, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { type InfiniteData, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type DragEvent, type FormEvent, useState } from "react";
import type { Bucket, BucketObject } from "../../shared/api/schemas.ts";
import { bucketsQuery, client, objectsQuery, queries } from "../api.ts";
import { Failure } from "../components/Failure.tsx";
import { Lines } from "../components/Lines.tsx";
import { More } from "../components/More.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { Uploads } from "../components/Uploads.tsx";
import { moment, size, visible } from "../format.ts";
import { addressOf, useSending } from "../sending.ts";
import { t } from "../texts.ts";

const words = t.buckets;

export function Buckets() {
  const { bucket: named, prefix = "" } = useSearch({ from: "/buckets" });
  const { data, error, isPending, refetch } = useQuery(bucketsQuery);
  const bucket = data?.items.find(({ name }) => name === named) ?? (named === undefined ? data?.items[0] : undefined);
  return (
    <Stack>
      <PageTitle>{words.title}</PageTitle>
      <Text size="sm" c="dimmed">
        {words.lead}
      </Text>
      <Failure error={error} retry={() => void refetch()} />
      {isPending && <Loader aria-label={t.loading} />}
      {data?.items.length === 0 && <Empty />}
      {data && data.items.length > 0 && <Choice buckets={data.items} bucket={bucket} />}
      {bucket && <Contents key={bucket.name} bucket={bucket} prefix={prefix} most={data!.maxBytes} />}
    </Stack>
  );
}

function Empty() {
  return (
    <Stack gap="xs" maw={700}>
      <Text fw={600}>{words.none}</Text>
      <Text size="sm">{words.teach}</Text>
      <Code block tabIndex={0}>
        {words.example}
      </Code>
      <Text size="sm">{words.documentation}</Text>
    </Stack>
  );
}

function Choice({ buckets, bucket }: { readonly buckets: readonly Bucket[]; readonly bucket: Bucket | undefined }) {
  const navigate = useNavigate({ from: "/buckets" });
  return (
    <Group align="end">
      <Select
        label={words.bucket}
        data={buckets.map(({ name }) => name)}
        value={bucket?.name ?? null}
        allowDeselect={false}
        onChange={(name) => name && void navigate({ search: { bucket: name } })}
      />
      {bucket && (
        <Text size="sm" c="dimmed" className="name" pb={8}>
          {bucket.place}
          {bucket.readOnly && `, ${words.readOnly}`}
        </Text>
      )}
    </Group>
  );
}

interface ContentsProps {
  readonly bucket: Bucket;
  readonly prefix: string;
  /** Bytes of an upload. */
  readonly most: number;
}

function Contents({ bucket: { name: bucket, readOnly }, prefix, most }: ContentsProps) {
  const query = objectsQuery(bucket, prefix);
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(query);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [leaving, setLeaving] = useState<readonly string[]>();
  const [bringing, setBringing] = useState<string>();
  const [over, setOver] = useState(false);
  const sending = useSending(() => void queries.invalidateQueries({ queryKey: ["objects", bucket] }));
  const objects = data?.pages.flatMap(({ items }) => items) ?? [];
  const folders = data?.pages.flatMap(({ folders }) => folders) ?? [];
  const selected = objects.filter(({ name }) => chosen.has(name)).map(({ name }) => name);
  const add = (files: readonly File[]) => sending.add(bucket, prefix, files);
  const drag = readOnly
    ? {}
    : {
        onDragOver: (event: DragEvent) => {
          if (!event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setOver(true);
        },
        onDragLeave: () => setOver(false),
        onDrop: (event: DragEvent) => {
          event.preventDefault();
          setOver(false);
          add([...event.dataTransfer.files]);
        },
      };
  const choose = (name: string, on: boolean) => {
    const changed = new Set(chosen);
    if (on) changed.add(name);
    else changed.delete(name);
    setChosen(changed);
  };
  return (
    <Stack {...drag} className={over ? "dropping" : undefined}>
      <Path bucket={bucket} prefix={prefix} />
      {!readOnly && (
        <Group gap="xs">
          <FileButton multiple onChange={(files) => add(files)}>
            {(props) => <Button {...props}>{words.upload}</Button>}
          </FileButton>
          <Button variant="default" disabled={selected.length === 0} onClick={() => setLeaving(selected)}>
            {words.remove(selected.length)}
          </Button>
          <Text size="sm" c="dimmed">
            {words.drop}, {words.limit(size(most))}
          </Text>
        </Group>
      )}
      <Uploads sending={sending} />
      <Failure error={error} retry={() => void refetch()} />
      {isPending && <Loader aria-label={t.loading} />}
      {data && folders.length + objects.length === 0 && <Text>{readOnly ? words.emptyToRead : words.empty}</Text>}
      {folders.length + objects.length > 0 && (
        <Lines
          columns={[
            ...(readOnly ? [] : [{ label: words.columns.select, width: "5rem" }]),
            { label: words.columns.name },
            { label: words.columns.size, numeric: true },
            { label: words.columns.changed },
            { label: words.columns.act },
          ]}
          rows={[
            ...folders.map((folder): [string, ...React.ReactNode[]] => [
              folder,
              ...(readOnly ? [] : [null]),
              <Anchor key="name" component={Link} inherit to="/buckets" search={{ bucket, prefix: folder } as never} underline="always">
                {visible(folder.slice(prefix.length))}
              </Anchor>,
              words.folder,
              "",
              null,
            ]),
            ...objects.map(({ name, size: bytes, modifiedAt }): [string, ...React.ReactNode[]] => {
              const shown = visible(name.slice(prefix.length));
              return [
                name,
                ...(readOnly
                  ? []
                  : [
                      <Checkbox
                        key="choose"
                        size="xs"
                        aria-label={words.select(shown)}
                        checked={chosen.has(name)}
                        onChange={({ currentTarget }) => choose(name, currentTarget.checked)}
                      />,
                    ]),
                <Anchor key="name" inherit href={addressOf(bucket, name)} download underline="always">
                  {shown}
                </Anchor>,
                size(bytes),
                moment(modifiedAt),
                <Group key="act" gap={4} wrap="nowrap">
                  <Button size="compact-xs" variant="default" onClick={() => setBringing(name)} aria-label={words.importOne(shown)}>
                    {words.import}
                  </Button>
                  {!readOnly && (
                    <Button size="compact-xs" variant="default" onClick={() => setLeaving([name])} aria-label={words.removeOne(shown)}>
                      {t.run.remove}
                    </Button>
                  )}
                </Group>,
              ];
            }),
          ]}
        />
      )}
      <More of={{ hasNextPage, fetchNextPage, isFetchingNextPage }} />
      {leaving && <Removal bucket={bucket} prefix={prefix} names={leaving} close={() => setLeaving(undefined)} />}
      {bringing !== undefined && <Bringing bucket={bucket} object={bringing} close={() => setBringing(undefined)} />}
    </Stack>
  );
}

/** From the bucket to the folder, each a link. */
function Path({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }) {
  const parts = prefix.split("/").slice(0, -1);
  const places = [
    { label: bucket, prefix: "" },
    ...parts.map((label, i) => ({ label: label || "/", prefix: `${parts.slice(0, i + 1).join("/")}/` })),
  ];
  return (
    <nav aria-label={words.path}>
      <Breadcrumbs className="name" style={{ flexWrap: "wrap" }}>
        {places.map(({ label, prefix: to }) =>
          to === prefix ? (
            <Text key={to} component="span" aria-current="page" fw={600} className="name">
              {visible(label)}
            </Text>
          ) : (
            <Anchor
              key={to}
              component={Link}
              to="/buckets"
              search={{ bucket, ...(to && { prefix: to }) } as never}
              className="name"
              underline="always"
            >
              {visible(label)}
            </Anchor>
          ),
        )}
      </Breadcrumbs>
    </nav>
  );
}

interface RemovalProps {
  readonly bucket: string;
  readonly prefix: string;
  readonly names: readonly string[];
  readonly close: () => void;
}
/** Of names that a question lists. */
const MOST_NAMED = 8;

type Pages = InfiniteData<{ folders: string[]; items: BucketObject[]; next: string | null }>;

function Removal({ bucket, prefix, names, close }: RemovalProps) {
  const { queryKey } = objectsQuery(bucket, prefix);
  const remove = useMutation({
    mutationFn: async () => {
      for (const name of names) await client.call("deleteObject", { params: { bucket }, query: { name } });
    },
    // Gone at once, and back if the server refuses.
    onMutate: async () => {
      await queries.cancelQueries({ queryKey });
      const before = queries.getQueryData<Pages>(queryKey);
      const without = (page: Pages["pages"][number]) => ({ ...page, items: page.items.filter(({ name }) => !names.includes(name)) });
      queries.setQueryData<Pages>(queryKey, (now) => now && { ...now, pages: now.pages.map(without) });
      return before;
    },
    onError: (_, __, before) => queries.setQueryData(queryKey, before),
    onSuccess: close,
    onSettled: () => queries.invalidateQueries({ queryKey: ["objects", bucket] }),
  });
  return (
    <Modal opened onClose={close} title={words.sure(names.length)} closeButtonProps={{ "aria-label": words.keep }}>
      <Stack>
        <List size="sm">
          {names.slice(0, MOST_NAMED).map((name) => (
            <List.Item key={name} className="name">
              {visible(name)}
            </List.Item>
          ))}
          {names.length > MOST_NAMED && <List.Item>{words.more(names.length - MOST_NAMED)}</List.Item>}
        </List>
        <Text size="sm">{words.noWay}</Text>
        <Failure error={remove.error} />
        <Group>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            {t.run.remove}
          </Button>
          <Button variant="default" onClick={close}>
            {words.keep}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Bringing({ bucket, object, close }: { readonly bucket: string; readonly object: string; readonly close: () => void }) {
  const [name, setName] = useState(() =>
    object
      .replace(/^.*\//s, "")
      .replace(/\.[^.]+$/, "")
      .replaceAll(/[^A-Za-z0-9._ -]/g, "-")
      .replace(/^[^A-Za-z0-9]+/, ""),
  );
  const bring = useMutation({
    mutationFn: () => client.call("importObjects", { params: { bucket }, body: { objects: [object], name } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["datasets"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    bring.mutate();
  };
  return (
    <Modal opened onClose={close} title={words.import} closeButtonProps={{ "aria-label": words.close }}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" className="name">
            {visible(object)}. {words.importHint}
          </Text>
          <TextInput label={t.datasets.name} value={name} onChange={(event) => setName(event.currentTarget.value)} required data-autofocus />
          <Failure error={bring.error} />
          <div role="status">
            {bring.data && (
              <Text size="sm">
                {words.imported}{" "}
                <Anchor component={Link} to={`/datasets/${bring.data.id}`} className="name" underline="always">
                  {bring.data.name}
                </Anchor>
              </Text>
            )}
          </div>
          <Group>
            <Button type="submit" loading={bring.isPending} disabled={bring.isSuccess}>
              {words.importing}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
