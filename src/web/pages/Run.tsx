/** One run: how it goes, how good it is, what it is made of, and what can be done with it. */
import { Anchor, Badge, Button, Group, Loader, Progress, Stack, Tabs, Text, useComputedColorScheme } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { isOver, type Run } from "../../shared/api/schemas.ts";
import { client } from "../api.ts";
import { About, tagTexts } from "../components/About.tsx";
import { Charts } from "../components/Charts.tsx";
import { Evaluation } from "../components/Evaluation.tsx";
import { Failure } from "../components/Failure.tsx";
import { Layers } from "../components/Layers.tsx";
import { Lines } from "../components/Lines.tsx";
import { Log } from "../components/Log.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { State } from "../components/State.tsx";
import { TryIt } from "../components/TryIt.tsx";
import { count, moment, size, span } from "../format.ts";
import { totalQuery } from "../run-pages.ts";
import type { Watched } from "../series.ts";
import { t } from "../texts.ts";
import { useWatched } from "../watch.ts";

const tabs = ["charts", "evaluation", "tryIt", "network", "settings", "log", "files"] as const;

export function RunPage() {
  const { id } = useParams({ from: "/runs/$id" });
  const { tab = "charts", charts: search = "" } = useSearch({ from: "/runs/$id" });
  const navigate = useNavigate({ from: "/runs/$id" });
  const [again, setAgain] = useState(0);
  const { run, progress, curves, error } = useWatched(id, again);
  const scheme = useComputedColorScheme("light");
  const edit = useMutation({
    mutationFn: (words: Pick<Run, "note" | "tags">) => client.call("editRun", { params: { id }, body: words }),
    onSuccess: () => setAgain(again + 1),
  });
  if (!run) return error ? <Failure error={error} /> : <Loader aria-label={t.loading} />;
  // What is being saved is shown at once, and no longer when it is refused.
  const { tags } = edit.isPending ? edit.variables : run;
  return (
    <Stack>
      <Group justify="space-between" align="start">
        <div>
          <PageTitle>{run.name}</PageTitle>
          <Text size="sm" c="dimmed" className="name">
            #{run.number} · {run.model}, {run.dataset} · {moment(run.createdAt)} · {run.createdBy}
          </Text>
          <Group gap={4} mt={4}>
            {tagTexts(tags).map((tag) => (
              <Badge key={tag} variant="default" tt="none" className="name">
                {tag}
              </Badge>
            ))}
          </Group>
        </div>
        <State state={run.state} />
      </Group>
      <Failure error={error} />
      {run.reason && (
        <Text size="sm" className={run.state === "failed" ? "bad name" : "name"}>
          {run.reason.message}. {run.reason.fix}
        </Text>
      )}
      {progress && !isOver(run.state) && <HowFar progress={progress} />}
      {run.state === "queued" && <Waiting />}
      <Actions run={run} changed={() => setAgain(again + 1)} />
      <Tabs value={tab} onChange={(to) => void navigate({ search: { tab: to ?? undefined }, replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {tabs.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t.run.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="charts">
          <Charts
            run={run.id}
            curves={curves}
            scheme={scheme}
            search={search}
            onSearch={(text) => void navigate({ search: (before) => ({ ...before, charts: text || undefined }), replace: true })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="evaluation">
          <Evaluation run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="tryIt">
          <TryIt run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="network">
          <Layers run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <About run={run} editing={{ save: edit.mutate, isSaving: edit.isPending, error: edit.error }} />
        </Tabs.Panel>
        <Tabs.Panel value="log">
          <Log run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="files">
          <Files run={run} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

/** Why nothing happens yet. */
function Waiting() {
  const [running, waiting] = [useQuery(totalOf("running")).data, useQuery(totalOf("queued")).data];
  return (
    <Text size="sm" role="status">
      {running !== undefined && waiting !== undefined && t.run.waits(running, waiting - 1)}
    </Text>
  );
}
const totalOf = (state: string) => totalQuery({ filter: [`state=${state}`] });

function HowFar({ progress }: { readonly progress: NonNullable<Watched["progress"]> }) {
  const { epoch, epochs, step, stepsPerEpoch, unit, secondsLeft, samplesPerSecond } = progress;
  const total = Math.max(epochs * stepsPerEpoch, 1);
  const done = Math.max(epoch - 1, 0) * stepsPerEpoch + step;
  const texts = [
    unit ? t.run.steps(step, stepsPerEpoch, unit) : t.run.progress(epoch, epochs),
    ...(samplesPerSecond ? [t.run.rate(count(samplesPerSecond))] : []),
    t.run.left(span(secondsLeft)),
  ];
  return (
    <div>
      <Progress value={Math.min((100 * done) / total, 100)} aria-label={texts[0]} />
      <Text size="sm" mt={4}>
        {texts.join(" · ")}
      </Text>
    </div>
  );
}

function Actions({ run, changed }: { readonly run: Run; readonly changed: () => void }) {
  const navigate = useNavigate();
  const params = { id: run.id };
  const go = (id: string) => void navigate({ to: "/runs/$id", params: { id } });
  const act = useMutation({ mutationFn: (what: () => Promise<unknown>) => what(), onSuccess: changed });
  const { state, experiment, trashedAt } = run;
  const offered: [label: string, shown: boolean, act: () => Promise<unknown>][] = [
    [t.run.start, state === "draft" && !trashedAt, () => client.call("startRun", { params })],
    [t.run.stop, ["queued", "running"].includes(state), () => client.call("stopRun", { params })],
    [t.run.resume, ["stopped", "failed"].includes(state) && !trashedAt && !experiment, () => client.call("resumeRun", { params, body: {} })],
    [t.run.duplicate, state !== "draft", () => client.call("duplicateRun", { params, body: {} }).then(({ id }) => go(id))],
    [t.run.archive, state === "succeeded" && !experiment && !trashedAt, () => client.call("archiveRun", { params })],
    [t.run.remove, (isOver(state) || state === "draft") && !experiment && !trashedAt, () => client.call("deleteRun", { params })],
    [t.run.restore, trashedAt !== undefined, () => client.call("restoreRun", { params })],
  ];
  return (
    <>
      <Group gap="xs">
        {offered
          .filter(([, shown]) => shown)
          .map(([label, , what]) => (
            <Button
              key={label}
              size="xs"
              variant="default"
              title={label === t.run.archive ? t.run.archiveHint : undefined}
              disabled={act.isPending}
              onClick={() => act.mutate(what)}
            >
              {label}
            </Button>
          ))}
        <Button size="xs" variant="default" component={Link} to={`/train?from=${encodeURIComponent(run.id)}`}>
          {t.train.changeRun}
        </Button>
        {run.evaluation && (
          <Button size="xs" variant="default" component="a" href={`/api/runs/${encodeURIComponent(run.id)}/report`}>
            {t.run.report}
          </Button>
        )}
      </Group>
      {trashedAt && <Text size="sm">{t.run.removed}</Text>}
      <Failure error={act.error} />
    </>
  );
}

function Files({ run }: { readonly run: Run }) {
  return (
    <Lines
      minWidth={300}
      columns={[{ label: t.run.file.name }, { label: t.run.file.size, numeric: true }]}
      rows={run.artifacts.map((file) => [
        file.name,
        <Anchor
          key="download"
          href={`/api/runs/${encodeURIComponent(run.id)}/artifacts/${encodeURIComponent(file.name)}`}
          download
          underline="always"
          size="sm"
        >
          {file.name}
        </Anchor>,
        size(file.size),
      ])}
    />
  );
}
