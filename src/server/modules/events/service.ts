/** The history: events by time, module, entity and actor; what an entity was at a time; who spoke to whom. */
import { sql } from "kysely";
import type { z } from "zod";
import {
  type EntityKind,
  type EventTimeline,
  type EventView,
  entityKinds,
  event as eventSchema,
  type exchangeCount,
  type message,
  type Rewound,
} from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import type { Entity } from "../../entity.ts";
import type { Kernel } from "../../kernel.ts";
import type { After } from "../../paging.ts";
import { sealed } from "../../public-ids.ts";
import { tokenEntity } from "../accounts/token.ts";
import { userEntity } from "../accounts/user.ts";
import { datasetEntity } from "../datasets/dataset.ts";
import { experimentEntity } from "../experiments/experiment.ts";
import { jobEntity } from "../jobs/job.ts";
import { projectEntity } from "../projects/project.ts";
import { shareEntity } from "../projects/share.ts";
import { runEntity } from "../runs/run.ts";
import { serverEntity } from "./audit.ts";

/** Every kind of entity. Their events and states are their own: here they are only folded. */
export const entities = {
  run: runEntity,
  job: jobEntity,
  dataset: datasetEntity,
  experiment: experimentEntity,
  share: shareEntity,
  project: projectEntity,
  user: userEntity,
  token: tokenEntity,
  server: serverEntity,
} as unknown as Readonly<Record<EntityKind, Entity<Record<string, unknown>, { readonly type: string }>>>;

export interface EventFilter {
  readonly from?: string;
  readonly to?: string;
  readonly module?: string;
  readonly kind?: EntityKind;
  readonly entity?: string;
  readonly actor?: string;
  readonly type?: string;
  readonly correlation?: string;
  /** Projects to look in; nothing means all, and the platform itself. */
  readonly visible?: readonly string[];
}

const matching = ({ db }: Kernel, { from, to, module, kind, entity, actor, type, correlation, visible }: EventFilter) =>
  db.query
    .selectFrom("events")
    .$if(visible !== undefined, (q) => q.where(sql<boolean>`project = any(${[...(visible ?? [])]}::uuid[])`))
    .$if(from !== undefined, (q) => q.where("at", ">=", new Date(from!)))
    .$if(to !== undefined, (q) => q.where("at", "<", new Date(to!)))
    .$if(module !== undefined, (q) => q.where("module", "=", module!))
    .$if(kind !== undefined, (q) => q.where("kind", "=", kind!))
    .$if(entity !== undefined, (q) => q.where("entity", "=", entity!))
    .$if(actor !== undefined, (q) => q.where("actor", "=", actor!))
    .$if(type !== undefined, (q) => q.where("type", "=", type!))
    .$if(correlation !== undefined, (q) => q.where("correlation", "=", correlation!));

const filtered = (kernel: Kernel, filter: EventFilter) => matching(kernel, filter).selectAll();

type EventRow = Awaited<ReturnType<ReturnType<typeof filtered>["execute"]>>[number];

const present = (row: EventRow): z.infer<typeof eventSchema> => ({
  seq: row.seq,
  kind: row.kind,
  entity: row.entity,
  version: row.version,
  type: row.type,
  module: row.module,
  project: row.project ?? undefined,
  data: row.data,
  actor: row.actor,
  correlation: row.correlation,
  causation: row.causation ?? undefined,
  at: row.at.toISOString(),
});

export async function listEvents(kernel: Kernel, filter: EventFilter, limit: number, after?: After): Promise<{ items: EventView[]; last?: After }> {
  let q = filtered(kernel, filter);
  if (after) q = q.where("seq", "<", Number(after[0]));
  const rows = await q
    .orderBy("seq", "desc")
    .limit(limit + 1)
    .execute();
  return { items: rows.slice(0, limit).map(present), last: rows.length > limit ? [String(rows[limit - 1]!.seq), ""] : undefined };
}

/** Counted by the database, in equal stretches from the first event, or the beginning of the time asked for, to the last. */
export async function countEvents(kernel: Kernel, filter: EventFilter, stretches: number): Promise<EventTimeline> {
  const ends = await matching(kernel, filter)
    .select([sql<Date | null>`min(at)`.as("first"), sql<Date | null>`max(at)`.as("last")])
    .executeTakeFirstOrThrow();
  const now = new Date();
  const from = filter.from ? new Date(filter.from) : (ends.first ?? now);
  const to = filter.to ? new Date(filter.to) : new Date((ends.last ?? now).getTime() + 1);
  const seconds = Math.max(to.getTime() - from.getTime(), 1) / 1000 / stretches;
  const rows = await matching(kernel, filter)
    .select("kind")
    .select(sql<number>`least(${stretches - 1}, floor(extract(epoch from at - ${from}) / ${seconds}::float8))::int`.as("stretch"))
    .select(sql<number>`count(*)`.as("count"))
    .groupBy(["kind", "stretch"])
    .execute();
  const kinds = entityKinds.flatMap((kind) => {
    const own = rows.filter((row) => row.kind === kind);
    if (!own.length) return [];
    const counts = new Array<number>(stretches).fill(0);
    for (const { stretch, count } of own) counts[stretch]! += count;
    return [{ kind, total: counts.reduce((sum, one) => sum + one, 0), counts }];
  });
  return { from: from.toISOString(), to: to.toISOString(), kinds };
}

const EXPORT_BATCH = 1000;

/** Oldest first, in constant memory. CloudEvents 1.0: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
export async function* exportEvents(kernel: Kernel, filter: EventFilter): AsyncGenerator<string> {
  for (let last = 0; ; ) {
    const rows = await filtered(kernel, filter).where("seq", ">", last).orderBy("seq").limit(EXPORT_BATCH).execute();
    if (!rows.length) return;
    yield rows.map((row) => `${JSON.stringify(cloudEvent(sealed(kernel.ids, eventSchema, present(row))))}\n`).join("");
    last = rows.at(-1)!.seq;
  }
}

export const cloudEvent = ({ seq, kind, entity, version, type, module, data, actor, correlation, causation, at }: EventView) => ({
  specversion: "1.0",
  id: String(seq),
  source: `/trainyard/${module}`,
  type: `trainyard.${kind}.${type}`,
  subject: `${kind}/${entity}`,
  time: at,
  datacontenttype: "application/json",
  // Extension attributes: lower-case letters and digits only.
  entityversion: version,
  actor,
  correlationid: correlation,
  ...(causation && { causationid: causation }),
  data,
});

/** @throws NOT_FOUND when there was no such entity at that time, or not so many changes of it */
export async function rewind(
  { db }: Kernel,
  kind: EntityKind,
  id: string,
  { at, version }: { readonly at?: string; readonly version?: number },
): Promise<Rewound> {
  const of = db.query.selectFrom("events").where("kind", "=", kind).where("entity", "=", id);
  const rows = await of
    .selectAll()
    .$if(at !== undefined, (q) => q.where("at", "<=", new Date(at!)))
    .$if(version !== undefined, (q) => q.where("version", "<=", version!))
    .orderBy("version")
    .execute();
  const state = entities[kind].fold(rows);
  const last = rows.at(-1);
  if (!state || !last || (version !== undefined && at === undefined && last.version < version))
    throw fail("NOT_FOUND", { what: [kind, version && `version ${version}`, at && `at ${at}`].filter(Boolean).join(" "), id });
  const { versions } = await of.select(sql<number>`max(version)`.as("versions")).executeTakeFirstOrThrow();
  return { version: last.version, at: last.at.toISOString(), state: JSON.parse(JSON.stringify(state)), event: present(last), versions };
}

export interface MessageFilter {
  readonly from?: string;
  readonly to?: string;
  readonly aggregator?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly payload?: string;
  readonly correlation?: string;
  readonly direction?: string;
}

export async function listMessages(
  { db, messages }: Kernel,
  { from, to, ...equal }: MessageFilter,
  limit: number,
  after?: After,
): Promise<{ items: z.infer<typeof message>[]; last?: After }> {
  await messages.flush();
  let q = db.query.selectFrom("messages").selectAll();
  if (from !== undefined) q = q.where("at", ">=", new Date(from));
  if (to !== undefined) q = q.where("at", "<", new Date(to));
  for (const name of ["aggregator", "source", "destination", "payload", "correlation", "direction"] as const)
    if (equal[name] !== undefined) q = q.where(name, "=", equal[name] as never);
  if (after) q = q.where("seq", "<", Number(after[0]));
  const rows = await q
    .orderBy("seq", "desc")
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit).map(({ seq, aggregator, source, destination, direction, mode, payload, correlation, at }) => ({
    seq,
    aggregator,
    source,
    destination,
    direction,
    mode,
    payload,
    correlation,
    at: at.toISOString(),
  }));
  return { items: shown, last: rows.length > limit ? [String(shown.at(-1)!.seq), ""] : undefined };
}

/** Who talks to whom: each exchange counted once, where it was sent. */
export async function countMessages(
  { db, messages }: Kernel,
  { from, to }: Pick<MessageFilter, "from" | "to">,
): Promise<z.infer<typeof exchangeCount>[]> {
  await messages.flush();
  const rows = await db.query
    .selectFrom("messages")
    .select(["source", "destination", "payload", "aggregator", "mode"])
    .select(sql<number>`count(*)`.as("count"))
    .select([sql<Date>`min(at)`.as("first"), sql<Date>`max(at)`.as("last")])
    .where("direction", "=", "send")
    .$if(from !== undefined, (q) => q.where("at", ">=", new Date(from!)))
    .$if(to !== undefined, (q) => q.where("at", "<", new Date(to!)))
    .groupBy(["source", "destination", "payload", "aggregator", "mode"])
    .orderBy("count", "desc")
    .execute();
  return rows.map(({ source, destination, payload, aggregator, mode, count, first, last }) => ({
    source,
    destination,
    payload,
    aggregator,
    mode,
    count: Number(count),
    firstAt: first.toISOString(),
    lastAt: last.toISOString(),
  }));
}
