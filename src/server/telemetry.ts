/** Prometheus metrics. One prefix, base units, no ids and no names of people as labels. */

import { sql } from "kysely";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Query } from "./entity.ts";

export interface Telemetry {
  readonly registry: Registry;
  readonly requestSeconds: Histogram;
  readonly jobSeconds: Histogram;
  readonly metricPoints: Counter;
}

/** @param version of Trainyard */
export function createTelemetry(version: string, db: Query): Telemetry {
  const registry = new Registry();
  const events = countEvents(db);
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: "trainyard_build_info", help: "Which version runs.", labelNames: ["version"], registers }).set({ version }, 1);
  new Gauge({
    name: "trainyard_jobs",
    help: "Jobs by state.",
    labelNames: ["state"],
    registers,
    async collect() {
      const { rows } = await sql<{ status: string; n: number }>`select status, count(*) as n from jobs group by status`.execute(db);
      this.reset();
      for (const { status, n } of rows) this.set({ state: status }, Number(n));
    },
  });
  new Gauge({
    name: "trainyard_queue_wait_seconds",
    help: "Age of the oldest job that could be claimed.",
    registers,
    async collect() {
      const { rows } = await sql<{
        wait: number | null;
      }>`select extract(epoch from now() - min(run_at))::float8 as wait from jobs where status = 'queued' and run_at <= now()`.execute(db);
      this.set(rows[0]?.wait ?? 0);
    },
  });
  new Gauge({
    name: "trainyard_storage_bytes",
    help: "Bytes of all blobs.",
    registers,
    async collect() {
      const { rows } = await sql<{ bytes: number }>`select coalesce(sum(size), 0)::bigint as bytes from blobs`.execute(db);
      this.set(Number(rows[0]!.bytes));
    },
  });
  new Counter({
    name: "trainyard_events_total",
    help: "Recorded events by type.",
    labelNames: ["type"],
    registers,
    async collect() {
      const all = await events();
      this.reset();
      for (const [type, count] of all) this.inc({ type }, count);
    },
  });
  return {
    registry,
    requestSeconds: new Histogram({
      name: "trainyard_http_request_duration_seconds",
      help: "How long requests took, by operation and status.",
      labelNames: ["operation", "status"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers,
    }),
    jobSeconds: new Histogram({
      name: "trainyard_job_duration_seconds",
      help: "From queueing to the end of a job.",
      labelNames: ["kind", "outcome"],
      buckets: [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400],
      registers,
    }),
    metricPoints: new Counter({ name: "trainyard_metric_points_total", help: "Metric points taken by this process.", registers }),
  };
}

/** Events by type. Those older than any transaction that may be under way are counted once and kept in mind, as there are ever more of them. */
function countEvents(db: Query): () => Promise<ReadonlyMap<string, number>> {
  let settled = { until: 0, counts: new Map<string, number>() };
  return async () => {
    const { until, counts } = settled;
    const { rows } = await sql<{ type: string; settled: boolean; count: number; last: number }>`
      with young as (select min(seq) as first from events where at > now() - interval '1 minute')
      select kind || '.' || type as type, first is null or seq < first as settled, count(*), max(seq) as last
      from events, young where seq > ${until} group by 1, 2`.execute(db);
    const old = rows.filter((row) => row.settled);
    const sum = (chosen: typeof rows) => chosen.reduce((all, { type, count }) => all.set(type, (all.get(type) ?? 0) + count), new Map(counts));
    settled = { until: old.reduce((most, { last }) => Math.max(most, last), until), counts: sum(old) };
    return sum(rows);
  };
}
