/** What can be done to the runs that are selected, how far it is, and what could not be done. */
import { Button, Group, Popover, Progress, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { RunSummary } from "../../shared/api/schemas.ts";
import { TrainyardError } from "../../shared/errors.ts";
import { meQuery } from "../api.ts";
import { type DeedName, deeds, each, mayChange, tagParts } from "../bulk.ts";
import { changeRuns, recount, useAgain } from "../run-pages.ts";
import { t } from "../texts.ts";

interface BulkProps {
  readonly runs: readonly RunSummary[];
  readonly clear: () => void;
}

interface Outcome {
  readonly deed: DeedName;
  readonly done: readonly RunSummary[];
  readonly failures: readonly { readonly item: RunSummary; readonly error: unknown }[];
}

/** As many as can be beside each other. */
export const MOST_COMPARED = 100;

export function BulkActions({ runs, clear }: BulkProps) {
  const { data: me } = useQuery(meQuery);
  const again = useAgain();
  const navigate = useNavigate();
  const [progress, setProgress] = useState<{ readonly done: number; readonly of: number }>();
  const [outcome, setOutcome] = useState<Outcome>();
  const mine = runs.length > 0 && runs.every((run) => mayChange(me, run));
  const fitting = (deed: DeedName) => runs.filter(deeds[deed].fits);
  const perform = async (deed: DeedName, items: readonly RunSummary[], tag = "") => {
    setOutcome(undefined);
    setProgress({ done: 0, of: items.length });
    const failures = await each(
      items,
      async (run) => void (await deeds[deed].act(run, tag)),
      (done) => setProgress({ done, of: items.length }),
    );
    const failed = new Set(failures.map(({ item }) => item.id));
    const done = items.filter(({ id }) => !failed.has(id));
    const ids = new Set(done.map(({ id }) => id));
    changeRuns((run) => (ids.has(run.id) ? deeds[deed].after(run, tag) : run));
    setOutcome({ deed, done, failures });
    setProgress(undefined);
    if (deed === "restore") await again();
    else await recount();
    if (!failures.length) clear();
  };
  const button = (deed: "stop" | "archive" | "remove") => {
    const fit = fitting(deed);
    return (
      fit.length > 0 && (
        <Button key={deed} size="xs" variant="default" onClick={() => void perform(deed, fit)}>
          {t.runs.deeds[deed](fit.length)}
        </Button>
      )
    );
  };
  return (
    <Stack gap="xs">
      {runs.length > 0 && (
        <Group gap="xs" role="group" aria-label={t.runs.selected(runs.length)}>
          <Text size="sm">{t.runs.selected(runs.length)}</Text>
          {!progress && (
            <>
              {runs.length > 1 && runs.length <= MOST_COMPARED && (
                <Button size="xs" onClick={() => void navigate({ to: "/compare", search: { ids: runs.map(({ id }) => id) } })}>
                  {t.compare.of(runs.length)}
                </Button>
              )}
              {mine && (
                <>
                  {(["stop", "archive", "remove"] as const).map(button)}
                  <Tagging deed="addTag" perform={(tag) => void perform("addTag", fitting("addTag"), tag)} names={[]} />
                  <Tagging
                    deed="removeTag"
                    perform={(tag) =>
                      void perform(
                        "removeTag",
                        fitting("removeTag").filter(({ tags }) => Object.hasOwn(tags, tagParts(tag)[0])),
                        tag,
                      )
                    }
                    names={[...new Set(runs.flatMap(({ tags }) => Object.keys(tags)))]}
                  />
                </>
              )}
              <Button size="xs" variant="subtle" onClick={clear}>
                {t.runs.clear}
              </Button>
            </>
          )}
        </Group>
      )}
      {progress && <Progress value={(100 * progress.done) / progress.of} aria-label={t.runs.progress(progress.done, progress.of)} maw={400} />}
      <div role="status">
        {outcome && (
          <Group gap="xs">
            <Text size="sm">{t.runs.outcomes[outcome.deed](outcome.done.length)}</Text>
            {outcome.deed === "remove" && outcome.done.length > 0 && (
              <Button size="compact-xs" variant="default" onClick={() => void perform("restore", outcome.done)}>
                {t.runs.undo}
              </Button>
            )}
          </Group>
        )}
      </div>
      {outcome && outcome.failures.length > 0 && (
        <ul className="failures" role="alert" aria-label={t.runs.failures(outcome.failures.length)}>
          {outcome.failures.map(({ item, error }) => (
            <li key={item.id} className="name">
              #{item.number} {item.name}: {error instanceof TrainyardError ? `${error.message}. ${error.fix}` : String(error)}
            </li>
          ))}
        </ul>
      )}
    </Stack>
  );
}

interface TaggingProps {
  readonly deed: "addTag" | "removeTag";
  readonly perform: (tag: string) => void;
  /** To choose from; any where there are none. */
  readonly names: readonly string[];
}

function Tagging({ deed, perform, names }: TaggingProps) {
  const [opened, setOpened] = useState(false);
  const [tag, setTag] = useState("");
  const act = (chosen: string) => {
    setOpened(false);
    setTag("");
    perform(chosen);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (tagParts(tag)[0]) act(tag);
  };
  if (deed === "removeTag" && !names.length) return null;
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant="default" onClick={() => setOpened(!opened)}>
          {t.runs.tagging[deed]}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t.runs.tagging[deed]}>
        {deed === "removeTag" ? (
          <Stack gap="xs">
            {names.map((name) => (
              <Button key={name} size="xs" variant="default" className="name" onClick={() => act(name)}>
                {name}
              </Button>
            ))}
          </Stack>
        ) : (
          <form onSubmit={submit}>
            <Group align="end" gap="xs">
              <TextInput
                label={t.runs.tagLabel}
                description={t.runs.tagHint}
                value={tag}
                onChange={(event) => setTag(event.currentTarget.value)}
                data-autofocus
              />
              <Button type="submit" disabled={!tagParts(tag)[0]}>
                {t.runs.addFilter}
              </Button>
            </Group>
          </form>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
