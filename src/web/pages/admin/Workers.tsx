/** Workers and what they do now, how much waits for them, and every job with what became of it. */
import { Button, Group, Loader, Select, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type Job, jobKinds, jobStates, type QueueView, type WorkerInfo } from "../../../shared/api/schemas.ts";
import { known } from "../../admin-search.ts";
import { client, queries, queuesQuery, runningJobsQuery, workersQuery } from "../../api.ts";
import { Confirm } from "../../components/Confirm.tsx";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { More } from "../../components/More.tsx";
import { To } from "../../components/To.tsx";
import { count, moment, span } from "../../format.ts";
import { t } from "../../texts.ts";

const { worker, queue, job } = t.admin;

export function Workers() {
  // Lists that come one by one would push each other down.
  const [workers, running, queues] = [useQuery(workersQuery), useQuery(runningJobsQuery), useQuery(queuesQuery)];
  if (workers.isPending || running.isPending || queues.isPending) return <Loader aria-label={t.loading} />;
  return (
    <Stack>
      <Failure error={workers.error ?? running.error} />
      {workers.data && <WorkerList workers={workers.data.items} running={running.data?.items ?? []} />}
      <Queues queues={queues.data?.items} error={queues.error} />
      <Jobs />
    </Stack>
  );
}

/** What a job is for: its run or dataset, where one goes from here. */
function Subject({ subject }: Pick<Job, "subject">) {
  const to = subject.kind === "dataset" ? `/datasets/${subject.id}` : `/runs/${subject.id}`;
  return <To to={to}>{subject.name ?? subject.id.slice(0, 8)}</To>;
}

function WorkerList({ workers, running }: { readonly workers: readonly WorkerInfo[]; readonly running: readonly Job[] }) {
  const jobs = new Map(running.map((one) => [one.id, one]));
  return (
    <Lines
      columns={[
        { label: worker.name },
        { label: worker.state },
        { label: worker.slots, numeric: true },
        { label: worker.doing },
        { label: worker.version },
        { label: worker.seen },
      ]}
      rows={workers.map(({ id, name, alive, slots, jobs: own, lastSeenAt, version, platform, labels }) => [
        id,
        name,
        <span key="state" className={alive ? "good" : "bad"}>
          {alive ? worker.alive : worker.gone}
        </span>,
        worker.inUse(own.length, slots),
        own.length === 0 ? (
          worker.nothing
        ) : (
          <Stack key="jobs" gap={2}>
            {own.flatMap((id) => {
              const one = jobs.get(id);
              return one ? [<Doing key={id} {...one} />] : [];
            })}
          </Stack>
        ),
        [version, platform, ...labels].join(", "),
        moment(lastSeenAt),
      ])}
    />
  );
}

const Doing = ({ kind, subject }: Job) => (
  <Text size="sm" component="span">
    {queue.kinds[kind]} <Subject subject={subject} />
  </Text>
);

function Queues({ queues, error }: { readonly queues: readonly QueueView[] | undefined; readonly error: unknown }) {
  const age = ({ oldestAt }: QueueView) => (oldestAt ? span(Math.max(0, (Date.now() - Date.parse(oldestAt)) / 1000)) : "–");
  return (
    <section aria-label={queue.title}>
      <Title order={2} size="h4" mb="xs">
        {queue.title}
      </Title>
      <Failure error={error} />
      {queues && (
        <Lines
          columns={[
            { label: queue.kind },
            ...[queue.queued, queue.since, queue.delayed, queue.running, queue.done, queue.failed, queue.cancelled].map((label) => ({
              label,
              numeric: true,
            })),
          ]}
          rows={queues.map((one) => [
            one.kind,
            queue.kinds[one.kind],
            count(one.queued),
            age(one),
            count(one.delayed),
            count(one.running),
            count(one.done),
            <span key="failed" className={one.failed ? "bad" : undefined}>
              {count(one.failed)}
            </span>,
            count(one.cancelled),
          ])}
        />
      )}
    </section>
  );
}

const PAGE = 50;
const POLL_MS = 2000;

function Jobs() {
  const search = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  const [state, kind] = [known(jobStates, search.state), known(jobKinds, search.kind)];
  const set = (change: { state?: string; kind?: string }) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["jobs", "list", { state, kind }],
    queryFn: ({ pageParam }) => client.call("listJobs", { query: { limit: PAGE, state, kind, ...(pageParam && { cursor: pageParam }) } }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
    refetchInterval: POLL_MS,
  });
  const act = useMutation({
    mutationFn: ({ id, what }: { id: string; what: "requeueJob" | "stopJob" }) => client.call(what, { params: { id } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["jobs"] }),
  });
  const jobs = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <section aria-label={job.title}>
      <Title order={2} size="h4" mb="xs">
        {job.title}
      </Title>
      <Group mb="sm">
        <Select
          label={job.state}
          placeholder={t.admin.all}
          data={jobStates.map((value) => ({ value, label: job.states[value] }))}
          value={state ?? null}
          clearable
          clearButtonProps={{ "aria-label": t.admin.event.clear }}
          onChange={(to) => set({ state: to ?? undefined })}
        />
        <Select
          label={job.kind}
          placeholder={t.admin.all}
          data={jobKinds.map((value) => ({ value, label: queue.kinds[value] }))}
          value={kind ?? null}
          clearable
          clearButtonProps={{ "aria-label": t.admin.event.clear }}
          onChange={(to) => set({ kind: to ?? undefined })}
        />
      </Group>
      <Failure error={error ?? act.error} />
      {data && jobs.length === 0 && <Text>{state || kind ? job.noneFound : job.none}</Text>}
      {jobs.length > 0 && (
        <Lines
          columns={[
            { label: job.kind },
            { label: job.of },
            { label: job.state },
            { label: job.attempts, numeric: true },
            { label: job.created },
            { label: job.ended },
            { label: job.reason },
            { label: job.act },
          ]}
          minWidth={960}
          rows={jobs.map(({ id, kind, state, subject, attempts, createdAt, endedAt, reason }) => [
            id,
            queue.kinds[kind],
            <Subject key="of" subject={subject} />,
            <span key="state" className={state === "dead" ? "bad" : undefined}>
              {job.states[state]}
            </span>,
            count(attempts),
            moment(createdAt),
            endedAt ? moment(endedAt) : "",
            reason && `${reason.message}. ${reason.fix}`,
            <Group key="act" gap="xs" wrap="nowrap">
              {state === "dead" && (
                <Button size="compact-xs" variant="default" disabled={act.isPending} onClick={() => act.mutate({ id, what: "requeueJob" })}>
                  {t.retry}
                </Button>
              )}
              {(state === "queued" || state === "running") && (
                <Confirm
                  size="compact-xs"
                  label={job.stop}
                  what={job.stop}
                  disabled={act.isPending}
                  act={() => act.mutate({ id, what: "stopJob" })}
                />
              )}
              <To to="/admin" search={{ tab: "events", kind: "job", entity: id }}>
                {job.history}
              </To>
            </Group>,
          ])}
        />
      )}
      <More of={{ hasNextPage, fetchNextPage, isFetchingNextPage }} />
    </section>
  );
}
