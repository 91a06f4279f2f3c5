/** Files on their way into a bucket, a line each. */
import { Button, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { size } from "../format.ts";
import { isRefusal, type Sent, type useSending } from "../sending.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";

const words = t.buckets;

export function Uploads({ sending }: { readonly sending: ReturnType<typeof useSending> }) {
  const { all, again, cancel, forget } = sending;
  if (!all.length) return null;
  return (
    <section aria-label={words.uploads}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {words.uploads}
        </Title>
        <Button size="compact-xs" variant="default" onClick={forget}>
          {words.forget}
        </Button>
      </Group>
      <Stack gap="xs">
        {all.map((one) => (
          <One key={one.id} one={one} again={again} cancel={cancel} />
        ))}
      </Stack>
    </section>
  );
}

interface OneProps extends Pick<ReturnType<typeof useSending>, "again" | "cancel"> {
  readonly one: Sent;
}

function One({ one: { id, name, file, state, share, error }, again, cancel }: OneProps) {
  const isThere = isRefusal(error, "OBJECT_EXISTS");
  const percent = Math.floor(100 * share);
  const says = { waiting: words.waiting, sending: words.sending(percent), stored: words.stored, failed: t.errorTitle, cancelled: words.cancelled };
  return (
    <div>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" className="name">
          {name} <Text span size="xs" c="dimmed">{`${size(file.size)}, ${says[state]}`}</Text>
        </Text>
        <Group gap={4} wrap="nowrap">
          {(state === "waiting" || state === "sending") && (
            <Button size="compact-xs" variant="default" onClick={() => cancel(id)} aria-label={words.cancel(name)}>
              {words.words.cancel}
            </Button>
          )}
          {isThere && (
            <Button size="compact-xs" variant="default" onClick={() => again(id, true)} aria-label={words.replace(name)}>
              {words.words.replace}
            </Button>
          )}
          {((state === "failed" && !isThere) || state === "cancelled") && (
            <Button size="compact-xs" variant="default" onClick={() => again(id, false)} aria-label={words.retry(name)}>
              {words.words.retry}
            </Button>
          )}
        </Group>
      </Group>
      {state === "sending" && <Progress value={percent} aria-label={name} />}
      {state === "failed" && <Failure error={error} />}
    </div>
  );
}
