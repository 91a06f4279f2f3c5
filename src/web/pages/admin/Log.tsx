/** The last lines of the server's log, which go on while one looks. */
import { Button, Group, Loader, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { type LogLine, logLevels } from "../../../shared/api/schemas.ts";
import { type AdminSearch, known } from "../../admin-search.ts";
import { client, queries } from "../../api.ts";
import { Failure } from "../../components/Failure.tsx";
import { Words } from "../../components/Words.tsx";
import { count, instant } from "../../format.ts";
import { t } from "../../texts.ts";

const { log: texts } = t.admin;

const POLL_MS = 2000;
/** Lines that are shown. */
const MOST = 1000;
/** All that the server keeps. */
const KEPT = 5000;
/** Pixels from the end at which one still looks at the end. */
const NEAR = 40;

interface Shown {
  readonly lines: readonly LogLine[];
  readonly last: number;
}

export function Log() {
  const { level: given, text } = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  const set = (change: Partial<AdminSearch>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const level = known(logLevels, given) ?? "info";
  const [paused, pause] = useState(false);
  const queryKey = ["log", level, text];
  const { data, error, isPending } = useQuery({
    queryKey,
    queryFn: async (): Promise<Shown> => {
      const before = queries.getQueryData<Shown>(queryKey);
      const { items, last } = await client.call("getServerLog", { query: { level, text, limit: MOST, ...(before && { after: before.last }) } });
      // A server that was started anew counts from the beginning.
      if (before && last < before.last) {
        const anew = await client.call("getServerLog", { query: { level, text, limit: MOST } });
        return { lines: anew.items, last: anew.last };
      }
      return {
        lines: [...(before?.lines ?? []), ...items].slice(-MOST),
        // Of more than come at once the rest comes next.
        last: before && items.length === MOST ? items.at(-1)!.seq : last,
      };
    },
    refetchInterval: paused ? false : POLL_MS,
    gcTime: 0,
  });
  const download = useMutation({
    mutationFn: async () => {
      const { items } = await client.call("getServerLog", { query: { level, text, limit: KEPT } });
      const url = URL.createObjectURL(new Blob([items.map((line) => `${JSON.stringify(line)}\n`).join("")], { type: "application/x-ndjson" }));
      const link = Object.assign(document.createElement("a"), { href: url, download: "server-log.jsonl" });
      link.click();
      URL.revokeObjectURL(url);
    },
  });
  return (
    <Stack>
      <Group align="end">
        <Select
          label={texts.level}
          w={130}
          data={logLevels.map((value) => ({ value, label: texts.levels[value] }))}
          value={level}
          allowDeselect={false}
          onChange={(to) => set({ level: to ?? undefined })}
        />
        <Words label={texts.search} type="search" maxLength={200} value={text} change={(text) => set({ text })} />
        <Button variant="default" aria-pressed={paused} onClick={() => pause(!paused)}>
          {paused ? texts.go : texts.pause}
        </Button>
        <Button variant="default" loading={download.isPending} onClick={() => download.mutate()}>
          {texts.download}
        </Button>
        <Text size="sm" role="status">
          {paused ? texts.paused : texts.follows}
        </Text>
      </Group>
      <Failure error={error ?? download.error} />
      {isPending && <Loader aria-label={t.loading} />}
      {data && data.lines.length === 0 && <Text>{texts.none}</Text>}
      {data && data.lines.length > 0 && (
        <>
          <Roll lines={data.lines} />
          <Text size="xs" c="dimmed">
            {texts.shown(count(data.lines.length))}
          </Text>
        </>
      )}
    </Stack>
  );
}

/** Stays at the end while one looks there. */
function Roll({ lines }: { readonly lines: readonly LogLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: goes to the end when there are other lines
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <div
      ref={box}
      className="log"
      role="log"
      aria-live="off"
      aria-label={texts.lines}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
      }}
    >
      {lines.map(({ seq, at, level, flow, function: where, message, error, requestId }) => (
        <div key={seq} className={["error", "fatal"].includes(level) ? "bad" : undefined}>
          <time dateTime={at}>{instant(at)}</time> <b>{texts.levels[level].toUpperCase()}</b> [{where ? `${flow} @ ${where}` : flow}] {message}
          {requestId && ` (${requestId.slice(0, 8)})`}
          {error && `\n${error}`}
        </div>
      ))}
    </div>
  );
}
