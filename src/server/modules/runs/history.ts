/** How fast runs were: what the time of the next one is told by. */
import { sql } from "kysely";
import type { Query } from "../../entity.ts";
import type { Settings } from "./run.ts";

/** A run that was trained to its end. */
export interface PastRun {
  readonly model: string;
  readonly settings: Settings;
  /** Digest of the registered dataset's snapshot. */
  readonly snapshot: string | null;
  /** Of a sample after preprocessing. */
  readonly sampleShape: readonly number[];
  /** Training samples of an epoch. */
  readonly samples: number;
  /** Of one sample's forward pass. */
  readonly flops: number | null;
  /** Samples a second, as measured last. */
  readonly rate: number | null;
  /** From beginning to end, evaluation included. */
  readonly seconds: number;
}

/** The newest that succeeded, of some models. @param projects to look in; nothing means all */
export async function pastRuns(db: Query, models: readonly string[], projects: readonly string[] | undefined, limit: number): Promise<PastRun[]> {
  const { rows } = await sql<PastRun>`
    with past as (
      select id from runs
      where status = 'succeeded' and model = any(${[...models]}::text[])
        and (${projects === undefined} or project = any(${[...(projects ?? [])]}::uuid[]))
      order by number desc limit ${limit})
    select runs.model, state->'settings' as settings, state->'source'->>'snapshot' as snapshot,
      state->'facts'->'dataset'->'sampleShape' as "sampleShape",
      (state->'facts'->'dataset'->'samples'->>'train')::float8 as samples,
      (select sum((layer->>'flops')::float8) from jsonb_array_elements(state->'facts'->'layers') layer) as flops,
      metric_series.last as rate,
      extract(epoch from ended_at - started_at)::float8 as seconds
    from past join runs using (id) left join metric_series on metric_series.run = runs.id and metric_series.series = 'samples_per_second'
    where state->'facts' is not null and started_at is not null
    order by number desc`.execute(db);
  return rows;
}
