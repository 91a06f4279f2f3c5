/** The picture of who talks to whom: what goes through a queue goes into it and out of it, refusals are errors, nothing lies on anything else. */
import { expect, test } from "vitest";
import type { ExchangeCount } from "../shared/api/schemas.ts";
import { edgesOf, isRefusal, picture } from "./exchanges.ts";

const at = "2026-01-01T00:00:00.000Z";
const exchange = (source: string, destination: string, payload: string, count: number, aggregator?: string): ExchangeCount => ({
  source,
  destination,
  payload,
  count,
  aggregator: aggregator ?? "runs",
  mode: aggregator ? "async" : "sync",
  firstAt: at,
  lastAt: at,
});
const counts = [
  exchange("client", "runs", "query_record", 10),
  exchange("runs", "client", "train_data_record", 7),
  exchange("runs", "client", "run_not_exists", 3),
  exchange("client", "training", "training_req", 2),
  exchange("training", "runs", "train_data_record", 2, "run-record"),
  exchange("worker", "runs", "update_run", 5, "run-update"),
];

test("an exchange is an edge, one through a queue two, and refusals are counted as errors", () => {
  const edges = edgesOf(counts).map(({ from, to, count, errors, async }) => [from, to, count, errors, async]);
  expect(edges).toEqual([
    ["client", "runs", 10, 0, false],
    ["runs", "client", 10, 3, false],
    ["client", "training", 2, 0, false],
    ["training", "run-record", 2, 0, true],
    ["run-record", "runs", 2, 0, true],
    ["worker", "run-update", 5, 0, true],
    ["run-update", "runs", 5, 0, true],
  ]);
});

test("refusals are what the table of routes calls them", () => {
  expect(["bad_request", "run_not_exists", "query_record"].map(isRefusal)).toEqual([true, true, false]);
});

test("clients, modules, queues and workers stand in columns, and neither boxes nor labels lie on each other", () => {
  const { nodes, edges, width, height } = picture(edgesOf(counts));
  const x = Object.fromEntries(nodes.map(({ name, x }) => [name, x]));
  expect(x.client! < x.runs! && x.runs === x.training && x.runs! < x["run-record"]! && x["run-record"]! < x.worker!).toBe(true);
  for (const [i, a] of nodes.entries()) {
    expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height).toBe(true);
    for (const b of nodes.slice(i + 1))
      expect([a.name, b.name, a.x === b.x && a.y < b.y + b.height && b.y < a.y + a.height]).toEqual([a.name, b.name, false]);
  }
  const labels = edges.map(({ label }) => label);
  for (const [i, a] of labels.entries())
    for (const b of labels.slice(i + 1)) expect(a.anchor === b.anchor && a.x === b.x && Math.abs(a.y - b.y) < 15).toBe(false);
});

test("nothing is an empty picture", () => {
  expect(picture([])).toMatchObject({ nodes: [], edges: [] });
});
