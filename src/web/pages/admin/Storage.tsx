/** What is stored, what can be freed, whether the tables are what the events say, and the keys of ids and links. */
import { Button, Code, Group, Loader, NumberInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, queries, storageQuery } from "../../api.ts";
import { Confirm } from "../../components/Confirm.tsx";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { count, moment, size } from "../../format.ts";
import { t } from "../../texts.ts";

const { storage } = t.admin;

export function Storage() {
  const use = useQuery(storageQuery);
  const purge = useMutation({ mutationFn: () => client.call("purge", {}), onSuccess: () => queries.invalidateQueries({ queryKey: ["storage"] }) });
  return (
    <Stack>
      <Failure error={use.error ?? purge.error} />
      {use.isPending && <Loader aria-label={t.loading} />}
      {use.data && (
        <>
          <Text className="name">{storage.lies(use.data.store, count(use.data.blobs), size(use.data.bytes))}</Text>
          <Lines
            columns={[{ label: storage.kind }, { label: storage.files, numeric: true }, { label: storage.size, numeric: true }]}
            rows={Object.entries(use.data.byKind).map(([kind, { blobs, bytes }]) => [kind, kind, count(blobs), size(bytes)])}
            minWidth={300}
          />
          <Text>{storage.reclaimable(size(use.data.reclaimable.bytes), count(use.data.reclaimable.runs), count(use.data.reclaimable.datasets))}</Text>
        </>
      )}
      <Group gap="xs">
        <Confirm label={storage.purge} what={storage.purgeIt} loading={purge.isPending} act={() => purge.mutate()} />
        <Text size="sm" role="status">
          {purge.data && storage.purged(size(purge.data.bytes))}
        </Text>
      </Group>
      <Verify />
      <Keys />
    </Stack>
  );
}

const text = (value: unknown) => <Code key={String(value)}>{JSON.stringify(value)?.slice(0, 500)}</Code>;

function Verify() {
  const { data, error, isPending, mutate } = useMutation({ mutationFn: () => client.call("verify", {}) });
  const { difference, missing } = storage;
  return (
    <section aria-label={storage.verify}>
      <Title order={2} size="h4">
        {storage.verify}
      </Title>
      <Text size="sm" mb="xs">
        {storage.verifyHint}
      </Text>
      <Failure error={error} />
      <Group gap="xs" mb="xs">
        <Button size="xs" variant="default" loading={isPending} onClick={() => mutate()}>
          {storage.verify}
        </Button>
        <Text size="sm" role="status" className={data && data.differences.length + data.missingBlobs.length ? "bad" : "good"}>
          {data && storage.verified(count(data.events), count(data.entities), data.differences.length, data.missingBlobs.length)}
        </Text>
      </Group>
      {data !== undefined && data.differences.length > 0 && (
        <Lines
          columns={[{ label: difference.of }, { label: difference.field }, { label: difference.told }, { label: difference.kept }]}
          rows={data.differences.map(({ kind, entity, field, fromEvents, inTable }) => [
            `${kind} ${entity} ${field}`,
            <Link key="of" to="/admin" search={{ tab: "events", kind, entity }}>
              {kind} {entity.slice(0, 8)}
            </Link>,
            field,
            text(fromEvents),
            text(inTable),
          ])}
        />
      )}
      {data !== undefined && data.missingBlobs.length > 0 && (
        <Lines
          columns={[{ label: missing.owner }, { label: missing.name }, { label: missing.file }]}
          rows={data.missingBlobs.map(({ sha256, owner, name }) => [`${owner} ${name}`, owner, name, sha256])}
        />
      )}
    </section>
  );
}

function Keys() {
  const [graceDays, setDays] = useState<number | string>(30);
  const { data, error, isPending, mutate } = useMutation({
    mutationFn: () => client.call("rotateKeys", { body: { graceDays: Number(graceDays) } }),
  });
  const retires = data?.keys.flatMap(({ retiresAt }) => retiresAt ?? []).sort();
  return (
    <section aria-label={storage.keys}>
      <Title order={2} size="h4">
        {storage.keys}
      </Title>
      <Text size="sm" mb="xs">
        {storage.keysHint}
      </Text>
      <Failure error={error} />
      <Group align="end" gap="xs">
        <NumberInput label={storage.days} min={0} max={3650} w={140} value={graceDays} onChange={setDays} />
        <Confirm size="sm" label={storage.rotate} what={storage.rotateIt} loading={isPending} act={() => mutate()} />
      </Group>
      <Text size="sm" role="status" className="good">
        {retires && retires.length > 0 && storage.rotated(moment(retires.at(-1)!))}
      </Text>
    </section>
  );
}
