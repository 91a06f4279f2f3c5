/** Lists of runs as pages ask for them: loaded page by page, ahead of who scrolls; what is not over yet is looked at again. */
import { type InfiniteData, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { isOver, type RunSummary } from "../shared/api/schemas.ts";
import { client, queries } from "./api.ts";
import { wanted } from "./run-columns.ts";

/** Which runs, in what order, with which columns. */
export interface RunsAsked {
  /** Words that must all be in a run's name, dataset, model, tags or note. */
  readonly q?: string;
  /** Conditions of the API. */
  readonly filter?: readonly string[];
  readonly sort?: string;
  readonly columns: readonly string[];
}

/** The first page is soon there; the others are few. */
const FIRST = 100;
const PAGE = 500;
const POLL_MS = 2000;
const COUNT_MS = 5000;
/** Runs that are looked at again at once. */
const MOST_LIVE = 100;

/** All conditions of the API. */
export const conditions = ({ q = "", filter = [] }: Pick<RunsAsked, "q" | "filter">): string[] => [
  ...filter,
  ...q.split(/\s+/).flatMap((word) => (word ? [`text~${word}`] : [])),
];

const isMoving = ({ state }: RunSummary): boolean => !isOver(state) && state !== "draft";

interface Page {
  readonly items: RunSummary[];
  readonly next: string | null;
  /** Runs in all, when the first page was asked for. */
  readonly total?: number;
}
type Pages = InfiniteData<Page>;
const KEY = ["runs", "pages"] as const;
const GROUP_KEY = ["runs", "group"] as const;

export const totalQuery = (asked: Pick<RunsAsked, "q" | "filter">) =>
  queryOptions({
    queryKey: ["runs", "total", conditions(asked)],
    queryFn: async () => (await client.call("groupRuns", { query: { filter: conditions(asked) } })).total,
    refetchInterval: COUNT_MS,
  });
export const runFieldsQuery = queryOptions({ queryKey: ["runs", "fields"], queryFn: () => client.call("getRunFields", {}), staleTime: 30_000 });
/** @param metric of which the least and greatest of each group is told */
export const groupsQuery = (asked: Pick<RunsAsked, "q" | "filter">, by: string, metric?: string) =>
  queryOptions({
    queryKey: ["runs", "groups", conditions(asked), by, metric],
    queryFn: () => client.call("groupRuns", { query: { filter: conditions(asked), by, metric } }),
    refetchInterval: COUNT_MS,
  });
/** The first runs of a group. */
export const groupQuery = (asked: RunsAsked) =>
  queryOptions({
    queryKey: [...GROUP_KEY, conditions(asked), asked.sort, asked.columns],
    queryFn: () => client.call("listRuns", { query: { limit: PAGE, filter: conditions(asked), sort: asked.sort, ...wanted(asked.columns) } }),
  });

/** @param enabled false where nothing is to be loaded */
export function useRunPages(asked: RunsAsked, enabled: boolean) {
  const filter = conditions(asked);
  const { sort, columns } = asked;
  const { data, ...query } = useInfiniteQuery({
    queryKey: [...KEY, filter, sort, columns],
    queryFn: async ({ pageParam }): Promise<Page> => {
      const page = client.call("listRuns", {
        query: { limit: pageParam ? PAGE : FIRST, filter, sort, ...wanted(columns), ...(pageParam && { cursor: pageParam }) },
      });
      return pageParam ? page : { ...(await page), total: await queries.fetchQuery({ ...totalQuery(asked), staleTime: 0 }) };
    },
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
    enabled,
    // Pages come anew when something says so: what moves is looked at by itself, below.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const runs = data?.pages.flatMap(({ items }) => items) ?? [];
  useLive(runs, columns);
  return { ...query, runs, pages: data?.pages.length ?? 0, isLoaded: data !== undefined, totalThen: data?.pages[0]?.total };
}

/** Keeps what is not over yet as it is on the server. */
export function useLive(runs: readonly RunSummary[], columns: readonly string[]): void {
  const id = runs
    .filter(isMoving)
    .slice(0, MOST_LIVE)
    .map(({ id }) => id);
  useQuery({
    queryKey: ["runs", "live", id, columns],
    queryFn: async () => {
      const { items } = await client.call("listRuns", { query: { id, limit: MOST_LIVE, ...wanted(columns) } });
      const now = new Map(items.map((run) => [run.id, run]));
      changeRuns((run) => (now.has(run.id) ? { ...run, ...now.get(run.id)! } : run));
      return items.length;
    },
    enabled: id.length > 0,
    refetchInterval: POLL_MS,
  });
}

/** Changes what is known of runs in every list; undefined takes one out. */
export function changeRuns(change: (run: RunSummary) => RunSummary | undefined): void {
  const each = <P extends { readonly items: RunSummary[] }>(page: P): P => ({ ...page, items: page.items.flatMap((run) => change(run) ?? []) });
  queries.setQueriesData<Pages>({ queryKey: KEY }, (data) => data && { ...data, pages: data.pages.map(each) });
  queries.setQueriesData<Page>({ queryKey: GROUP_KEY }, (data) => data && each(data));
}

/** Asks anew for lists of runs, but for what was loaded of them already. */
export const recount = (): Promise<void> =>
  queries.invalidateQueries({
    predicate: ({ queryKey: [of, what] }) => of === "runs" && ["total", "groups", "fields", "latest"].includes(String(what)),
  });

export const useAgain = () => useCallback(() => queries.invalidateQueries({ queryKey: ["runs"] }), []);

/** Every run that is asked for, from the first to the last. @param told how many there are so far */
export async function allRuns(asked: RunsAsked, most: number, told: (count: number) => void, signal?: AbortSignal): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for (let cursor: string | undefined; ; ) {
    const { items, next } = await client.call(
      "listRuns",
      { query: { limit: Math.min(PAGE, most - runs.length), filter: conditions(asked), sort: asked.sort, ...wanted(asked.columns), cursor } },
      { signal },
    );
    runs.push(...items);
    told(runs.length);
    if (next === null || runs.length >= most) return runs;
    cursor = next;
  }
}

/** Runs that a picture can show. */
const MOST_PLOTTED = 2000;

/** Chosen runs, or all that a filter leaves, with what a picture shows of them. */
export const plottedQuery = ({ ids, ...asked }: RunsAsked & { readonly ids?: readonly string[] }) =>
  queryOptions({
    queryKey: ["runs", "plotted", ids, conditions(asked), asked.columns],
    queryFn: async ({ signal }): Promise<{ readonly runs: RunSummary[]; readonly isMore: boolean }> => {
      if (!ids) {
        const runs = await allRuns(asked, MOST_PLOTTED + 1, () => {}, signal);
        return { runs: runs.slice(0, MOST_PLOTTED), isMore: runs.length > MOST_PLOTTED };
      }
      const { items } = await client.call("listRuns", { query: { id: [...ids], limit: ids.length, ...wanted(asked.columns) } });
      return { runs: items, isMore: false };
    },
  });
