/** What is done to many runs at once: which of them it can be done to, one after the other, some side by side. */
import { isOver, type Me, type Run, type RunSummary } from "../shared/api/schemas.ts";
import { client } from "./api.ts";

export interface Deed {
  /** Whether the server would do it to such a run. */
  readonly fits: (run: RunSummary) => boolean;
  /** @param tag of deeds that are about one: "stage" or "stage=candidate" */
  readonly act: (run: RunSummary, tag: string) => Promise<unknown>;
  /** What is then known of the run; undefined where it is in the list no more. */
  readonly after: (run: RunSummary, tag: string) => RunSummary | undefined;
}

const params = ({ id }: RunSummary) => ({ params: { id } });
const gone = () => undefined;
/** What is archived never changes; what is in the trash has to be taken out first. */
const changeable = ({ experiment, trashedAt }: RunSummary): boolean => !experiment && !trashedAt;

/** "stage=candidate": ["stage", "candidate"] */
export function tagParts(text: string): readonly [name: string, value: string] {
  const [name = "", ...rest] = text.split("=");
  return [name.trim(), rest.join("=").trim()];
}
const without = ({ tags }: Pick<RunSummary, "tags">, tag: string) =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => name !== tagParts(tag)[0]));
const withTag = (run: Pick<RunSummary, "tags">, tag: string) => {
  const [name, value] = tagParts(tag);
  return { ...run.tags, [name]: value };
};
/** Tags are replaced as a whole, so what others did meanwhile is read first, and an edit between the two is refused. */
const editTags = async (run: RunSummary, change: (run: Pick<Run, "tags">) => Record<string, string>) => {
  const now = await client.call("getRun", params(run));
  return client.call("editRun", { ...params(run), body: { tags: change(now), version: now.version } });
};

export const deeds = {
  stop: {
    fits: (run) => changeable(run) && (run.state === "queued" || run.state === "running"),
    act: (run) => client.call("stopRun", params(run)),
    after: (run) => ({ ...run, state: run.state === "queued" ? "stopped" : "stopping" }),
  },
  archive: {
    fits: (run) => changeable(run) && run.state === "succeeded",
    act: (run) => client.call("archiveRun", params(run)),
    after: gone,
  },
  remove: {
    fits: (run) => changeable(run) && (run.state === "draft" || isOver(run.state)),
    act: (run) => client.call("deleteRun", params(run)),
    after: gone,
  },
  restore: { fits: () => true, act: (run) => client.call("restoreRun", params(run)), after: gone },
  addTag: {
    fits: changeable,
    act: (run, tag) => editTags(run, (now) => withTag(now, tag)),
    after: (run, tag) => ({ ...run, tags: withTag(run, tag) }),
  },
  removeTag: {
    fits: changeable,
    act: (run, tag) => editTags(run, (now) => without(now, tag)),
    after: (run, tag) => ({ ...run, tags: without(run, tag) }),
  },
} satisfies Record<string, Deed>;
export type DeedName = keyof typeof deeds;

/** Whether someone may change a run, as the server decides. */
export function mayChange(me: Me | undefined, { project }: Pick<RunSummary, "project">): boolean {
  if (!me) return false;
  const role = me.role === "admin" ? me.role : me.projects.find((one) => one.project === project)?.role;
  return role === "trainer" || role === "admin";
}

/** Requests at once. */
const LANES = 4;

/** Does something to each; what fails does not keep the others from being done. @param told after each */
export async function each<T>(
  items: readonly T[],
  act: (item: T) => Promise<void>,
  told: (done: number) => void,
): Promise<{ item: T; error: unknown }[]> {
  const failures: { item: T; error: unknown }[] = [];
  let [next, done] = [0, 0];
  const lane = async () => {
    while (next < items.length) {
      const item = items[next++]!;
      await act(item).catch((error: unknown) => failures.push({ item, error }));
      told(++done);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return failures;
}
