/** The runs of a list, all of them, as a file. */
import { Button, Group } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { csv, json, saveText } from "../export.ts";
import { count } from "../format.ts";
import type { RunColumn } from "../run-columns.ts";
import { allRuns, type RunsAsked } from "../run-pages.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";

const formats = {
  CSV: { type: "text/csv", end: "csv", write: csv },
  JSON: { type: "application/json", end: "json", write: json },
} as const;

export function RunExport({ asked, columns }: { readonly asked: RunsAsked; readonly columns: readonly RunColumn[] }) {
  const [read, setRead] = useState(0);
  const stop = useRef<AbortController>(null);
  const run = useMutation({
    mutationFn: async (format: keyof typeof formats) => {
      stop.current = new AbortController();
      setRead(0);
      const runs = await allRuns(asked, Number.POSITIVE_INFINITY, setRead, stop.current.signal);
      const { type, end, write } = formats[format];
      saveText(
        `runs.${end}`,
        type,
        write(
          columns.map(({ id }) => id),
          runs.map((run) => columns.map(({ value }) => value(run))),
        ),
      );
    },
  });
  return (
    <>
      <Group gap="xs" wrap="nowrap">
        {run.isPending ? (
          <Button size="xs" variant="default" onClick={() => stop.current?.abort()}>
            {t.runs.exporting(count(read))}
          </Button>
        ) : (
          (Object.keys(formats) as (keyof typeof formats)[]).map((format) => (
            <Button key={format} size="xs" variant="default" aria-label={t.runs.exportAs(format)} onClick={() => run.mutate(format)}>
              {format}
            </Button>
          ))
        )}
      </Group>
      {!stop.current?.signal.aborted && <Failure error={run.error} />}
    </>
  );
}
