/** What the jobs of a run said: the last lines, as they come; what is looked for; all of it as a file. */
import { Button, Group, Loader, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { isOver, type LogPage, type Run } from "../../shared/api/schemas.ts";
import { client } from "../api.ts";
import { save } from "../export.ts";
import { clock, count } from "../format.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";

const STEP = 200;
/** Of one answer; more are in the file. */
const MOST = 1000;
const POLL_MS = 1500;
const TYPING_MS = 300;

export function Log({ run }: { readonly run: Run }) {
  const [typed, setTyped] = useState("");
  const [find] = useDebouncedValue(typed, TYPING_MS);
  const [limit, setLimit] = useState(STEP);
  const over = isOver(run.state);
  const { data, error } = useQuery({
    // The last lines come just before the end.
    queryKey: ["log", run.id, find, limit, over],
    queryFn: () => client.call("getRunLog", { params: { id: run.id }, query: { limit, ...(find && { find }) } }),
    refetchInterval: over ? false : POLL_MS,
    placeholderData: keepPreviousData,
  });
  const download = useMutation({ mutationFn: () => wholeOf(run) });
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: who looks at the last line sees the next one
  useEffect(() => {
    if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [data]);
  return (
    <Stack gap="xs">
      <Group align="end">
        <TextInput label={t.log.find} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} maxLength={200} w={300} />
        <Button variant="default" loading={download.isPending} onClick={() => download.mutate()}>
          {t.log.download}
        </Button>
      </Group>
      <Failure error={error ?? download.error} />
      {!data && !error && <Loader aria-label={t.loading} />}
      {data && (
        <>
          <Group>
            <Text size="sm" role="status">
              {t.log.lines(count(data.items.length), count(data.total))}
            </Text>
            {data.items.length < data.total && limit < MOST && (
              <Button size="compact-sm" variant="default" onClick={() => setLimit(Math.min(MOST, limit + STEP))}>
                {t.log.older}
              </Button>
            )}
          </Group>
          {data.items.length === 0 ? (
            <Text>{t.log.none}</Text>
          ) : (
            <div
              ref={box}
              className="log"
              // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys
              tabIndex={0}
              role="log"
              aria-label={t.log.title}
              onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
                isAtEnd.current = scrollHeight - scrollTop - clientHeight < 20;
              }}
            >
              {data.items.map(({ seq, at, text }) => (
                <div key={seq}>
                  <time dateTime={at}>{clock(at)}</time> {text}
                </div>
              ))}
            </div>
          )}
        </>
      )}
    </Stack>
  );
}

/** All lines, page by page, as a file. */
async function wholeOf({ id, name }: Run): Promise<void> {
  const parts: string[] = [];
  for (let after = 0; ; ) {
    const { items }: LogPage = await client.call("getRunLog", { params: { id }, query: { after, limit: MOST } });
    parts.push(...items.map(({ at, text }) => `${at} ${text}\n`));
    if (items.length < MOST) break;
    after = items.at(-1)!.seq;
  }
  save(`${name}.log.txt`, new Blob(parts, { type: "text/plain" }));
}
