/** A job as an entity: a unit of work that is queued, leased to a worker, tried again, and once done stays done. Pure. */
import type { EntityKind, JobKind, Reason, Refit } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import { applying, Entity } from "../../entity.ts";
import { inDefault } from "../../ids.ts";

export interface JobState {
  readonly id: string;
  /** Of its subject. */
  readonly project: string;
  readonly kind: JobKind;
  readonly status: "queued" | "running" | "done" | "dead" | "cancelled";
  readonly subject: { readonly kind: EntityKind; readonly id: string };
  readonly priority: number;
  readonly labels: readonly string[];
  /** Of an evaluation: the metrics that were asked for. */
  readonly metrics?: readonly string[];
  /** Of a cross-validation or a learning curve: how the run's settings are fitted again. */
  readonly refit?: Refit;
  /** Claims since it last got further: what is tried too often is dead. */
  readonly attempts: number;
  readonly worker?: string;
  readonly reason?: Reason;
  readonly createdAt: string;
  readonly endedAt?: string;
  readonly digest?: string;
}

export type JobEvent =
  | ({ readonly type: "queued" } & Pick<JobState, "id" | "project" | "kind" | "subject" | "priority" | "labels" | "metrics" | "refit" | "digest">)
  | { readonly type: "claimed"; readonly worker: string; readonly token: number }
  | { readonly type: "retried"; readonly reason: Reason; readonly attempts: number; readonly delaySeconds: number }
  | { readonly type: "released" }
  | { readonly type: "done"; readonly outcome: string; readonly reason?: Reason }
  | { readonly type: "died"; readonly reason: Reason }
  | { readonly type: "requeued" }
  | { readonly type: "cancelled" };

export const jobEntity = new Entity<JobState, JobEvent>({
  kind: "job",
  module: "jobs",
  table: "jobs",
  project: (s) => s.project,
  apply: applying<JobState, JobEvent, "queued">("queued", (queued, at) => ({ ...inDefault(queued), status: "queued", attempts: 0, createdAt: at }), {
    claimed: (s, { worker }) => ({ status: "running", worker, attempts: s.attempts + 1 }),
    retried: (_, { reason, attempts }) => ({ status: "queued", reason, attempts, worker: undefined }),
    released: (s) => ({ status: "queued", attempts: s.attempts - 1, worker: undefined }),
    done: (_, { reason }, at) => ({ status: "done", reason, endedAt: at }),
    died: (_, { reason }, at) => ({ status: "dead", reason, endedAt: at }),
    requeued: () => ({ status: "queued", attempts: 0, reason: undefined, worker: undefined, endedAt: undefined }),
    cancelled: (_, __, at) => ({ status: "cancelled", endedAt: at }),
  }),
  columns: (s) => ({
    kind: s.kind,
    status: s.status,
    subject_kind: s.subject.kind,
    subject: s.subject.id,
    priority: s.priority,
    labels: s.labels,
    created_at: new Date(s.createdAt),
    ended_at: s.endedAt ? new Date(s.endedAt) : null,
  }),
});

export const MAX_ATTEMPTS = 5;
/** Seconds before the next attempt: 1, 2, 4, 8, … at most a minute. */
export const backoff = (attempts: number): number => Math.min(60, 2 ** (attempts - 1));

/** After a failure that another attempt may not meet: queued again with a delay, or dead. */
export function tryAgain(s: JobState, reason: Reason, progressed: boolean): JobEvent {
  const attempts = progressed ? 1 : s.attempts;
  return attempts >= MAX_ATTEMPTS ? { type: "died", reason } : { type: "retried", reason, attempts, delaySeconds: backoff(attempts) };
}

export function requeue(s: JobState): readonly JobEvent[] {
  if (s.status !== "dead") throw fail("WRONG_STATE", { what: `job ${s.id}`, state: s.status, verb: "requeued", want: "dead" });
  return [{ type: "requeued" }];
}
