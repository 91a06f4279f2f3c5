/** Links by which anyone reads an experiment: made, copied, ended. */
import { Button, Code, CopyButton, Group, NumberInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Share } from "../../shared/api/schemas.ts";
import { client, queries, sharesQuery } from "../api.ts";
import { moment } from "../format.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";

const { queryKey } = sharesQuery;

export function Shares({ experiment }: { readonly experiment: string }) {
  const [days, setDays] = useState<number | string>(30);
  const all = useQuery(sharesQuery);
  const mine = all.data?.items.filter(({ thing }) => thing === experiment) ?? [];
  const make = useMutation({
    mutationFn: () => client.call("shareExperiment", { params: { id: experiment }, body: { days: Number(days) } }),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
  const revoke = useMutation({
    mutationFn: (id: string) => client.call("revokeShare", { params: { id } }),
    // Gone at once, and back if the server refuses.
    onMutate: async (id) => {
      await queries.cancelQueries({ queryKey });
      const before = queries.getQueryData<{ items: Share[] }>(queryKey);
      queries.setQueryData(queryKey, (now: { items: Share[] } | undefined) => now && { items: now.items.filter((share) => share.id !== id) });
      return before;
    },
    onError: (_, __, before) => queries.setQueryData(queryKey, before),
    onSuccess: () => make.reset(),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const words = t.experiments.share;
  return (
    <section aria-label={words.title}>
      <Title order={2} size="h4">
        {words.title}
      </Title>
      <Text size="sm">{words.hint}</Text>
      <Stack gap="sm" mt="xs">
        <form onSubmit={submit}>
          <Group align="end" gap="xs">
            <NumberInput label={words.days} value={days} onChange={setDays} min={1} max={365} allowDecimal={false} required w={130} />
            <Button type="submit" variant="default" loading={make.isPending}>
              {words.make}
            </Button>
          </Group>
        </form>
        <div role="status">
          {make.data && (
            <Stack gap={4}>
              <Text size="sm">{words.once(moment(make.data.share.expiresAt))}</Text>
              <Code block tabIndex={0} className="name">
                {make.data.url}
              </Code>
              <CopyButton value={make.data.url}>
                {({ copied, copy }) => (
                  <Group>
                    <Button size="xs" variant="default" onClick={copy}>
                      {copied ? words.copied : words.copy}
                    </Button>
                  </Group>
                )}
              </CopyButton>
            </Stack>
          )}
        </div>
        <Failure error={all.error ?? make.error ?? revoke.error} />
        {mine.length > 0 && (
          <Lines
            columns={[{ label: words.by }, { label: words.made }, { label: words.ends }, { label: words.act }]}
            rows={mine.map(({ id, createdBy, createdAt, expiresAt }) => [
              id,
              createdBy,
              moment(createdAt),
              moment(expiresAt),
              <Button key="act" size="compact-xs" variant="default" onClick={() => revoke.mutate(id)}>
                {words.revoke}
              </Button>,
            ])}
            minWidth={520}
          />
        )}
      </Stack>
    </section>
  );
}
