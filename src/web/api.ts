/** The server, as pages see it: the typed client, and what of its answers is kept and for how long. */
import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { createClient } from "../shared/api/client.ts";
import type { Call } from "../shared/api/endpoints.ts";
import { type EntityKind, isOver, type Manifest } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import { reaching } from "./reach.ts";

/** Signs in by the cookie that the browser keeps. */
export const client = createClient({
  url: location.origin,
  patience: 5,
  fetch: reaching(() => queries.getQueryData(meQuery.queryKey) !== undefined),
});

/** Who is no longer signed in comes back to the same page afterwards. */
export function signIn(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      // The client has tried again itself where that may help.
      retry: false,
    },
  },
});

const POLL_MS = 2000;
/** That steps of preprocessing are shown on. */
const SAMPLES = 8;

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async () => {
    try {
      return await client.call("whoAmI", {});
    } catch (error) {
      if (error instanceof TrainyardError && error.code === "UNAUTHENTICATED") signIn();
      throw error;
    }
  },
  staleTime: 60_000,
});
export const catalogQuery = queryOptions({
  queryKey: ["catalog"],
  queryFn: () => client.call("getCatalog", {}),
  staleTime: Number.POSITIVE_INFINITY,
});
export const datasetsQuery = queryOptions({
  queryKey: ["datasets"],
  queryFn: () => client.call("listDatasets", { query: { limit: 200 } }),
  // While one is read, it is looked at again.
  refetchInterval: ({ state }) => (state.data?.items.some(({ state }) => ["previewing", "reading"].includes(state)) ? POLL_MS : false),
});
export const datasetQuery = (id: string) =>
  queryOptions({
    queryKey: ["datasets", "one", id],
    queryFn: () => client.call("getDataset", { params: { id } }),
    refetchInterval: ({ state }) => (["previewing", "reading"].includes(state.data?.state ?? "") ? POLL_MS : false),
  });
/** Computed once, when the version is imported. */
export const profileQuery = (id: string) =>
  queryOptions({ queryKey: ["profile", id], queryFn: () => client.call("getProfile", { params: { id } }), staleTime: Number.POSITIVE_INFINITY });
/** Records never change. */
export const recordsQuery = (id: string, query: NonNullable<Call<"listRecords">["query"]>) =>
  queryOptions({
    queryKey: ["records", id, query],
    queryFn: () => client.call("listRecords", { params: { id }, query }),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
export const previewQuery = (id: string) =>
  queryOptions({ queryKey: ["preview", id], queryFn: () => client.call("getPreview", { params: { id } }), staleTime: Number.POSITIVE_INFINITY });
export const driftQuery = (base: string, other: string) =>
  queryOptions({
    queryKey: ["drift", base, other],
    queryFn: () => client.call("compareDatasets", { params: { id: base, other } }),
    staleTime: Number.POSITIVE_INFINITY,
  });
export const stepsQuery = (id: string, preprocessing: Call<"previewSteps">["body"]["preprocessing"]) =>
  queryOptions({
    queryKey: ["steps", id, preprocessing],
    queryFn: ({ signal }) => client.call("previewSteps", { params: { id }, body: { preprocessing, rows: SAMPLES } }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
export const versionsQuery = (name: string) =>
  queryOptions({ queryKey: ["datasets", "versions", name], queryFn: () => client.call("listDatasets", { query: { name, limit: 200 } }) });
/** The newest of those whose name has a text in it. */
export const namedRunsQuery = (text: string, limit: number) =>
  queryOptions({ queryKey: ["runs", "named", text, limit], queryFn: () => client.call("listRuns", { query: { filter: [`name~${text}`], limit } }) });
export const experimentsQuery = (sought: { search?: string; dataset?: string; model?: string; tag?: string }) =>
  infiniteQueryOptions({
    queryKey: ["experiments", sought],
    queryFn: ({ pageParam }) => client.call("listExperiments", { query: { limit: 60, ...sought, ...(pageParam && { cursor: pageParam }) } }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
export const experimentQuery = (id: string) =>
  queryOptions({
    queryKey: ["experiment", id],
    queryFn: () => client.call("getExperiment", { params: { id } }),
    staleTime: Number.POSITIVE_INFINITY,
  });
/** As it lies in the store, and what it says. @param hash which it has for good */
export const manifestQuery = (id: string, hash: string) =>
  queryOptions({
    queryKey: ["manifest", id, hash],
    queryFn: async () => {
      const text = await (await client.download("getManifest", { params: { id } })).text();
      return { text, manifest: JSON.parse(text) as Manifest };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
export const lineageQuery = (id: string) =>
  queryOptions({
    queryKey: ["lineage", id],
    queryFn: () => client.call("getLineage", { params: { id } }),
    refetchInterval: ({ state }) => (state.data?.reproductions.some((run) => !isOver(run.state)) ? POLL_MS : false),
  });
/** Of a run that is over. */
export const runQuery = (id: string) => queryOptions({ queryKey: ["run", id], queryFn: () => client.call("getRun", { params: { id } }) });
/** Made of what was archived. */
export const cardQuery = (run: string, archived: string) =>
  queryOptions({
    queryKey: ["card", run, archived],
    queryFn: async () => (await client.download("getReport", { params: { id: run }, query: { format: "card" } })).text(),
    staleTime: Number.POSITIVE_INFINITY,
  });
export const bucketsQuery = queryOptions({ queryKey: ["buckets"], queryFn: () => client.call("listBuckets", {}) });
export const objectsQuery = (bucket: string, prefix: string) =>
  infiniteQueryOptions({
    queryKey: ["objects", bucket, prefix],
    queryFn: ({ pageParam }) =>
      client.call("listObjects", { params: { bucket }, query: { prefix, limit: 200, ...(pageParam && { cursor: pageParam }) } }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
export const sharesQuery = queryOptions({ queryKey: ["shares"], queryFn: () => client.call("listShares", {}) });
export const latestRunsQuery = queryOptions({
  queryKey: ["runs", "latest"],
  queryFn: () => client.call("listRuns", { query: { limit: 5 } }),
  refetchInterval: ({ state }) => (state.data?.items.some((run) => !isOver(run.state) && run.state !== "draft") ? POLL_MS : false),
});
/** A run whose settings are taken for another one: they never change. */
export const settingsOfQuery = (id: string) =>
  queryOptions({ queryKey: ["settings", id], queryFn: () => client.call("getRun", { params: { id } }), staleTime: Number.POSITIVE_INFINITY });
/** @param all settings in which they agree as well */
export const compareQuery = (ids: readonly string[], all = false) =>
  queryOptions({ queryKey: ["compare", ids, all], queryFn: () => client.call("compareRuns", { query: { id: [...ids], all: `${all}` } }) });
export const significanceQuery = (ids: readonly [string, string]) =>
  queryOptions({ queryKey: ["significance", ids], queryFn: () => client.call("getSignificance", { query: { id: [...ids] } }) });
export const workersQuery = queryOptions({ queryKey: ["workers"], queryFn: () => client.call("listWorkers", {}), refetchInterval: POLL_MS });
/** What the workers are at. */
export const runningJobsQuery = queryOptions({
  queryKey: ["jobs", "running"],
  queryFn: () => client.call("listJobs", { query: { state: "running", limit: 200 } }),
  refetchInterval: POLL_MS,
});
export const queuesQuery = queryOptions({ queryKey: ["jobs", "queues"], queryFn: () => client.call("getQueues", {}), refetchInterval: POLL_MS });
export const usersQuery = queryOptions({ queryKey: ["users"], queryFn: () => client.call("listUsers", {}) });
export const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: () => client.call("listTokens", {}) });
export const projectsQuery = queryOptions({ queryKey: ["projects"], queryFn: () => client.call("listProjects", {}) });
/** What an entity was after so many changes stays so; without a version, as it is now. */
export const rewoundQuery = (kind: EntityKind, id: string, version?: number) =>
  queryOptions({
    queryKey: ["rewound", kind, id, version ?? "now"],
    queryFn: () => client.call("rewind", { params: { kind, id }, query: { version } }),
    ...(version !== undefined && { staleTime: Number.POSITIVE_INFINITY }),
  });
export const storageQuery = queryOptions({ queryKey: ["storage"], queryFn: () => client.call("getStorage", {}) });
/** Points that a chart of one page's width can show. */
const POINTS = 1000;
export const seriesQuery = (id: string, series: string) =>
  queryOptions({
    queryKey: ["series", id, series],
    queryFn: () => client.call("getMetrics", { params: { id }, query: { series: [series], points: POINTS } }),
  });
/** More points of a stretch than a live run tells of what was before one came. */
export const closerQuery = (id: string, series: readonly string[], [from, to]: readonly [number, number]) =>
  queryOptions({
    queryKey: ["series", id, series, from, to],
    queryFn: () =>
      client.call("getMetrics", {
        params: { id },
        query: { series: [...series], points: 4 * POINTS, from: Math.max(0, Math.floor(from)), to: Math.max(0, Math.ceil(to)) },
      }),
  });
/** Made once when the run ends, and again when it is evaluated anew. @param at the time of the run's evaluation.json */
export const evaluationQuery = (id: string, at: string) =>
  queryOptions({
    queryKey: ["evaluation", id, at],
    queryFn: () => client.call("getEvaluation", { params: { id } }),
    staleTime: Number.POSITIVE_INFINITY,
  });
