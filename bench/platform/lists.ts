/** How long people wait for what they look at most: lists in every order, found by every quantity, at any depth; and the page of one run. */
import { type Caller, caller, type Driven, driveWell, quantile, query } from "./measure.ts";
import { latency, type Row } from "./report.ts";
import { batchSizes, optimizers, teams } from "./runs.ts";

const CLIENTS = 4;
const PAGE = 50;
const WANTED_MS = 50;

interface Page {
  readonly items: readonly { readonly id: string; readonly number: number; readonly createdAt: string }[];
  readonly next: string | null;
}
type Fields = Parameters<typeof query>[0];

const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!;
/** Numbers differ from request to request, so that no answer is the one before. */
const between = (low: number, high: number): string => (low + (high - low) * Math.random()).toFixed(4);

/** What is asked for, by what it shows. Keys that say "deep" are asked with cursors of anywhere in the list. */
const lists: Readonly<Record<string, () => Fields>> = {
  "newest first": () => ({}),
  "oldest first": () => ({ sort: "createdAt" }),
  "by name": () => ({ sort: "name" }),
  "by a parameter": () => ({ sort: "-optimizer.params.learningRate" }),
  "by a parameter, text": () => ({ sort: "optimizer" }),
  "by a tag": () => ({ sort: "tags.team" }),
  "by the last value of a metric": () => ({ sort: "-metrics.validation_accuracy" }),
  "by the least of a metric": () => ({ sort: "metrics.train_loss:min" }),
  "by the greatest of a metric": () => ({ sort: "-metrics.train_accuracy:max" }),
  "newest first, deep": () => ({}),
  "by name, deep": () => ({ sort: "name" }),
  "by a parameter, deep": () => ({ sort: "optimizer.params.learningRate" }),
  "by a metric, deep": () => ({ sort: "-metrics.validation_accuracy" }),
  state: () => ({ filter: "state=failed" }),
  "metric, many": () => ({ filter: `metrics.validation_accuracy>${between(0.6, 0.8)}` }),
  "metric, few": () => ({ filter: `metrics.validation_accuracy>${between(0.97, 0.98)}` }),
  "metric, none": () => ({ filter: `metrics.validation_accuracy>${between(2, 3)}` }),
  parameter: () => ({ filter: `training.batchSize=${pick(batchSizes)}` }),
  "parameter, few": () => ({ filter: `optimizer.params.learningRate<${between(0.0001, 0.00011)}` }),
  tag: () => ({ filter: `tags.team=${pick(teams)}` }),
  "name contains": () => ({ filter: `name~trial-${Math.floor(100 * Math.random())}` }),
  "name contains, none": () => ({ filter: `name~nothing-${Math.floor(1e6 * Math.random())}` }),
  "tag, parameter and metric, by a metric": () => ({
    filter: [`tags.team=${pick(teams)}`, `optimizer=${pick(optimizers)}`, `metrics.train_loss:min<${between(0.3, 0.5)}`],
    sort: "-metrics.validation_accuracy",
  }),
  "name, parameter and tag, by a parameter": () => ({
    filter: ["name~sweep", `training.batchSize>=${pick(batchSizes)}`, `tags.team!=${pick(teams)}`],
    sort: "-optimizer.params.learningRate",
  }),
};

export async function measureLists(url: string, requests: number): Promise<Row[]> {
  const call = caller(url, { sockets: 2 * CLIENTS });
  const list = async (fields: Fields): Promise<Page> => JSON.parse((await call("GET", `/api/runs?${query({ limit: PAGE, ...fields })}`)).text);
  const rows: Row[] = [];
  const all: number[] = [];
  for (const [what, fields] of Object.entries(lists)) {
    const cursors = what.includes("deep") ? await cursorsOf(list, fields()) : [undefined];
    await driveWell(CLIENTS, { times: 2 * CLIENTS }, () => list({ ...fields(), cursor: pick(cursors) })); // warm
    const { latencies } = await driveWell(CLIENTS, { times: requests }, () => list({ ...fields(), cursor: pick(cursors) }));
    all.push(...latencies);
    rows.push(row(what, latencies));
  }
  const { latencies } = await runPage(call, list, requests);
  call.close();
  return [
    { ...row("**all lists together**", all), note: `p50, p99 of ${all.length} requests, ${CLIENTS} at a time, ${PAGE} runs each` },
    ...rows,
    { ...row("**the page of a run**", latencies), note: "the run and all its points, thinned for charts, asked together" },
  ];
}

const row = (what: string, latencies: readonly number[]): Row => ({
  what,
  measured: latency(latencies),
  wanted: `p99 < ${WANTED_MS} ms`,
  ok: quantile(latencies, 0.99) < WANTED_MS,
});

/** Cursors of some twenty places between the list's first and last page. */
async function cursorsOf(list: (fields: Fields) => Promise<Page>, fields: Fields): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ; cursor = found.at(-1)) {
    const { next } = await list({ ...fields, limit: 500, cursor });
    if (next === null) return found.length ? found : [(await list({ ...fields, limit: 1 })).next!];
    found.push(next);
  }
}

/** Two requests, as the page of a run makes. */
async function runPage(call: Caller, list: (fields: Fields) => Promise<Page>, requests: number): Promise<Driven> {
  const { items } = await list({ limit: 500, sort: "name" });
  const look = () => {
    const { id } = pick(items);
    return Promise.all([call("GET", `/api/runs/${id}`), call("GET", `/api/runs/${id}/metrics`)]);
  };
  await driveWell(CLIENTS, { times: 2 * CLIENTS }, look);
  return driveWell(CLIENTS, { times: requests }, look);
}
