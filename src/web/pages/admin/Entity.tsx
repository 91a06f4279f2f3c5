/** One entity through its life: a slider over its changes, what each of them changed, and what it then was. */
import { Anchor, Button, Code, Group, Loader, Slider, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { EntityKind } from "../../../shared/api/schemas.ts";
import { client, rewoundQuery } from "../../api.ts";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { type Change, differences, passages } from "../../difference.ts";
import { instant } from "../../format.ts";
import { fromField, toField } from "../../local-time.ts";
import { t } from "../../texts.ts";

const { entity: texts } = t.admin;

/** While the slider moves, not every place of it is asked for. */
const PAUSE_MS = 150;
/** Characters of a value in the table of changes. */
const LONG = 300;

interface EntityProps {
  readonly kind: EntityKind;
  readonly id: string;
  /** The newest unless said. */
  readonly version: number | undefined;
  readonly show: (version: number) => void;
  readonly leave: () => void;
}

export function Entity({ kind, id, version, show, leave }: EntityProps) {
  const newest = useQuery(rewoundQuery(kind, id));
  const versions = newest.data?.versions ?? 1;
  const shown = Math.min(version ?? versions, versions);
  const [at, move] = useState(shown);
  useEffect(() => move(shown), [shown]);
  const settle = useDebouncedCallback(show, PAUSE_MS);
  const goTo = (to: number) => {
    move(to);
    settle(to);
  };
  const then = useQuery({ ...rewoundQuery(kind, id, shown), enabled: newest.isSuccess, placeholderData: keepPreviousData });
  const before = useQuery({ ...rewoundQuery(kind, id, shown - 1), enabled: newest.isSuccess && shown > 1, placeholderData: keepPreviousData });
  const jump = useMutation({
    mutationFn: (at: string) => client.call("rewind", { params: { kind, id }, query: { at } }),
    onSuccess: ({ version }) => show(version),
  });
  const settled = then.data?.version === shown && (shown === 1 || before.data?.version === shown - 1);
  const state = newest.data?.state as { readonly name?: string; readonly number?: number } | undefined;
  const name = state?.name ?? id.slice(0, 8);
  const page = kind === "run" ? `/runs/${id}` : kind === "dataset" ? `/datasets/${id}` : undefined;
  return (
    <section aria-label={texts.title(kind, name)}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4" className="name">
            {page ? (
              <Anchor component={Link} to={page} inherit underline="always">
                {texts.title(kind, name)}
              </Anchor>
            ) : (
              texts.title(kind, name)
            )}
          </Title>
          <Button size="xs" variant="default" onClick={leave}>
            {texts.back}
          </Button>
        </Group>
        <Failure error={newest.error ?? then.error ?? before.error ?? jump.error} />
        {newest.isPending && <Loader aria-label={t.loading} />}
        {newest.data && (
          <>
            <Group align="end">
              <div className="rewind">
                <Text size="sm" component="label" id="rewind-label">
                  {texts.version}
                </Text>
                <Slider
                  min={1}
                  max={Math.max(versions, 2)}
                  disabled={versions < 2}
                  value={at}
                  onChange={goTo}
                  label={null}
                  thumbProps={{ "aria-labelledby": "rewind-label", "aria-valuetext": texts.versionOf(at, versions) }}
                />
              </div>
              <Group gap="xs" align="end">
                <Button size="xs" variant="default" disabled={at <= 1} onClick={() => goTo(at - 1)}>
                  {texts.before}
                </Button>
                <Button size="xs" variant="default" disabled={at >= versions} onClick={() => goTo(at + 1)}>
                  {texts.next}
                </Button>
                <TextInput
                  size="xs"
                  type="datetime-local"
                  step={1}
                  label={texts.asAt}
                  value={toField(then.data?.at)}
                  onChange={(event) => {
                    const time = fromField(event.currentTarget.value);
                    if (time) jump.mutate(time);
                  }}
                />
              </Group>
            </Group>
            {then.data && (
              <Text size="sm" role="status" className="name">
                {texts.versionOf(then.data.version, versions)}: {then.data.event.type}, {then.data.event.actor}, {instant(then.data.at)}
              </Text>
            )}
            {settled && <Changed state={then.data!.state} changes={differences(shown === 1 ? {} : before.data!.state, then.data!.state)} />}
            <Title order={3} size="h5">
              {texts.changes}
            </Title>
          </>
        )}
      </Stack>
    </section>
  );
}

const shortly = (value: unknown): string => {
  const text = value === undefined ? "" : JSON.stringify(value);
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
};

function Changed({ state, changes }: { readonly state: unknown; readonly changes: readonly Change[] }) {
  return (
    <>
      <Title order={3} size="h5">
        {texts.changed}
      </Title>
      {changes.length === 0 && <Text size="sm">{texts.nothing}</Text>}
      {changes.length > 0 && (
        <Lines
          minWidth={480}
          columns={[
            { label: texts.path, width: "30%" },
            { label: texts.was, width: "35%" },
            { label: texts.is, width: "35%" },
          ]}
          rows={changes.map((change) => [
            change.path,
            change.path,
            "before" in change && <del className="was">{shortly(change.before)}</del>,
            "after" in change && <ins className="is">{shortly(change.after)}</ins>,
          ])}
        />
      )}
      <details>
        <summary>{texts.state}</summary>
        <Code block className="state" tabIndex={0}>
          {passages(state, changes).map(({ changed, text }, i) =>
            // biome-ignore lint/suspicious/noArrayIndexKey: passages have no name but their place
            changed ? <ins key={i} className="is">{`${text}\n`}</ins> : `${text}\n`,
          )}
        </Code>
      </details>
    </>
  );
}
