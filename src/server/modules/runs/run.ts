/** A run as an entity: what can happen to it, and what it then is. Pure. */
import type { z } from "zod";
import {
  type DatasetSource,
  isOver,
  type Reason,
  type RunFacts,
  type RunStateName,
  type reproduction,
  type runSettings,
} from "../../../shared/api/schemas.ts";
import { canonical } from "../../../shared/canonical.ts";
import type { Task } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import type { EvaluationSummary } from "../../../shared/evaluation.ts";
import { applying, Entity } from "../../entity.ts";
import { inDefault } from "../../ids.ts";

export type Settings = z.infer<typeof runSettings>;
export type Reproduction = z.infer<typeof reproduction>;

/** What a reproduction has to come out as: from the manifest. */
export interface Expected {
  readonly experiment: string;
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
  readonly versions: Readonly<Record<string, string>>;
}

export interface StoredFile {
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}

export interface RunState {
  readonly id: string;
  readonly project: string;
  readonly number: number;
  readonly name: string;
  readonly note: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly status: RunStateName;
  readonly reason?: Reason;
  readonly task: Task;
  readonly settings: Settings;
  readonly source?: DatasetSource;
  readonly priority: number;
  readonly labels: readonly string[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Of the request that created it under an Idempotency-Key. */
  readonly digest?: string;
  /** The job that trains it, or trained it last. */
  readonly job?: string;
  readonly facts?: RunFacts;
  readonly checkpoint?: { readonly update: number; readonly epoch: number; readonly at: string };
  readonly result?: { readonly reason: string; readonly bestEpoch: number };
  readonly evaluation?: EvaluationSummary;
  readonly artifacts: Readonly<Record<string, { readonly sha256: string; readonly size: number; readonly at: string }>>;
  readonly trashedAt?: string;
  readonly purged?: boolean;
  readonly experiment?: string;
  /** The run whose settings it was given. */
  readonly duplicates?: string;
  readonly reproduces?: Expected;
  readonly reproduction?: Reproduction;
}

export type RunEvent =
  | ({ readonly type: "created"; readonly id: string; readonly createdBy: string } & Pick<
      RunState,
      | "project"
      | "number"
      | "name"
      | "note"
      | "tags"
      | "task"
      | "settings"
      | "source"
      | "priority"
      | "labels"
      | "digest"
      | "duplicates"
      | "reproduces"
    >)
  | { readonly type: "queued"; readonly job: string }
  | { readonly type: "started"; readonly worker: string }
  | { readonly type: "prepared"; readonly facts: RunFacts }
  | { readonly type: "stored"; readonly files: readonly StoredFile[]; readonly checkpoint?: { readonly update: number; readonly epoch: number } }
  | { readonly type: "stop-requested" }
  | { readonly type: "stopped" }
  | { readonly type: "interrupted"; readonly reason: Reason }
  | { readonly type: "succeeded"; readonly result: { readonly reason: string; readonly bestEpoch: number } }
  | { readonly type: "failed"; readonly reason: Reason }
  | { readonly type: "extended"; readonly epochs: number }
  | { readonly type: "edited"; readonly name?: string; readonly note?: string; readonly tags?: Readonly<Record<string, string>> }
  | { readonly type: "evaluated"; readonly evaluation: EvaluationSummary }
  | { readonly type: "trashed" }
  | { readonly type: "restored" }
  | { readonly type: "purged" }
  | { readonly type: "archived"; readonly experiment: string }
  | ({ readonly type: "reproduced" } & Reproduction);

export const runEntity = new Entity<RunState, RunEvent>({
  kind: "run",
  module: "runs",
  table: "runs",
  project: (s) => s.project,
  apply: applying<RunState, RunEvent, "created">(
    "created",
    (created, at) => ({ ...inDefault(created), status: "draft", createdAt: at, artifacts: {} }),
    {
      queued: (_, { job }) => ({ status: "queued", job, reason: undefined, endedAt: undefined }),
      started: (s, _, at) => ({ status: "running", reason: undefined, startedAt: s.startedAt ?? at, endedAt: undefined, result: undefined }),
      prepared: (_, { facts }) => ({ facts }),
      stored: (s, { files, checkpoint }, at) => ({
        artifacts: { ...s.artifacts, ...Object.fromEntries(files.map(({ name, sha256, size }) => [name, { sha256, size, at }])) },
        ...(checkpoint && { checkpoint: { ...checkpoint, at } }),
      }),
      "stop-requested": () => ({ status: "stopping" }),
      stopped: (_, __, at) => ({ status: "stopped", endedAt: at }),
      interrupted: (_, { reason }) => ({ status: "queued", reason }),
      succeeded: (_, { result }, at) => ({ status: "succeeded", result, reason: undefined, endedAt: at }),
      failed: (_, { reason }, at) => ({ status: "failed", reason, endedAt: at }),
      extended: ({ settings }, { epochs }) => ({ settings: { ...settings, training: { ...settings.training, epochs } } }),
      edited: (s, { name, note, tags }) => ({ name: name ?? s.name, note: note ?? s.note, tags: tags ?? s.tags }),
      evaluated: (_, { evaluation }) => ({ evaluation }),
      trashed: (_, __, at) => ({ trashedAt: at }),
      restored: () => ({ trashedAt: undefined }),
      purged: () => ({ purged: true }),
      archived: (_, { experiment }) => ({ experiment }),
      reproduced: (_, { type: __, ...reproduction }) => ({ reproduction }),
    },
  ),
  columns: (s) =>
    s.purged
      ? undefined
      : {
          project: s.project,
          number: s.number,
          name: s.name,
          status: s.status,
          task: s.task,
          dataset: s.source?.name ?? s.settings.dataset.id,
          model: s.settings.model.id,
          tags: JSON.stringify(s.tags),
          created_at: new Date(s.createdAt),
          started_at: s.startedAt ? new Date(s.startedAt) : null,
          ended_at: s.endedAt ? new Date(s.endedAt) : null,
          trashed_at: s.trashedAt ? new Date(s.trashedAt) : null,
          experiment: s.experiment ?? null,
        },
});

const called = (s: RunState): string => `run "${s.name}"`;
const wrongState = (s: RunState, verb: string, want: string) =>
  fail("WRONG_STATE", { what: called(s), state: s.trashedAt ? "in the trash" : s.status, verb, want });

/** What is archived never changes; what is in the trash has to be taken out first. */
function changeable(s: RunState, verb: string): void {
  if (s.experiment) throw fail("ALREADY_ARCHIVED", { run: called(s), experiment: s.experiment });
  if (s.trashedAt) throw wrongState(s, verb, "not in the trash");
}

// What people do. Each says what happens, or throws WRONG_STATE.

export function queue(s: RunState, job: string): readonly RunEvent[] {
  changeable(s, "started");
  if (s.status !== "draft") throw wrongState(s, "started", "a draft");
  return [{ type: "queued", job }];
}

export function stop(s: RunState): readonly RunEvent[] {
  changeable(s, "stopped");
  if (s.status === "stopping") return [];
  if (s.status === "queued") return [{ type: "stopped" }];
  if (s.status === "running") return [{ type: "stop-requested" }];
  throw wrongState(s, "stopped", "queued or running");
}

/** @param epochs to train in all; without it, as many as were asked for */
export function resume(s: RunState, job: string, epochs?: number): readonly RunEvent[] {
  changeable(s, "resumed");
  const before = s.settings.training.epochs as number | undefined;
  if (!isOver(s.status)) throw wrongState(s, "resumed", "stopped, failed or finished");
  if (before === undefined) {
    if (epochs !== undefined)
      throw fail("BAD_USAGE", {
        problem: `${called(s)} has no epochs: model ${s.settings.model.id} is fitted once`,
        fix: "Resume it without epochs.",
      });
    if (s.status === "succeeded") throw wrongState(s, "resumed", "stopped or failed");
    return [{ type: "queued", job }];
  }
  if (s.status === "succeeded" && (epochs ?? before) <= before)
    throw wrongState(s, "resumed", `stopped or failed, or given more than ${before} epochs,`);
  const done = s.checkpoint?.epoch ?? 0;
  if (epochs !== undefined && epochs < done) {
    throw fail("BAD_PARAMETER", {
      where: called(s),
      name: "epochs",
      want: `an integer of at least ${done}, the epochs it has done`,
      got: String(epochs),
      path: "epochs",
    } as never);
  }
  return [...(epochs !== undefined && epochs !== before ? [{ type: "extended", epochs } as const] : []), { type: "queued", job }];
}

export function edit(s: RunState, { name, note, tags }: { name?: string; note?: string; tags?: Record<string, string> }): readonly RunEvent[] {
  changeable(s, "changed");
  const changes = {
    ...(name !== undefined && name !== s.name && { name }),
    ...(note !== undefined && note !== s.note && { note }),
    ...(tags && canonical(tags) !== canonical(s.tags) && { tags }),
  };
  return Object.keys(changes).length ? [{ type: "edited", ...changes }] : [];
}

export function trash(s: RunState): readonly RunEvent[] {
  if (s.trashedAt) return [];
  changeable(s, "deleted");
  if (s.status !== "draft" && !isOver(s.status)) throw wrongState(s, "deleted", "a draft, stopped, failed or finished");
  return [{ type: "trashed" }];
}

export const restore = (s: RunState): readonly RunEvent[] => (s.trashedAt ? [{ type: "restored" }] : []);

export function archive(s: RunState, experiment: string): readonly RunEvent[] {
  changeable(s, "archived");
  if (s.status !== "succeeded" || !s.facts || !s.evaluation || !s.result) throw wrongState(s, "archived", "finished and evaluated");
  return [{ type: "archived", experiment }];
}

/** A run whose best weights can be used. @throws WRONG_STATE */
export function finished(s: RunState, verb: string): { readonly facts: RunFacts; readonly best: string } {
  const best = s.artifacts["best.safetensors"];
  if (s.status !== "succeeded" || !s.facts || !best) throw wrongState(s, verb, "finished");
  return { facts: s.facts, best: best.sha256 };
}

// What workers tell.

/** Its worker is gone or gave it back: it waits for another, unless it was to stop anyway. */
export const interrupt = (s: RunState, reason: Reason): readonly RunEvent[] =>
  s.status === "stopping" ? [{ type: "stopped" }] : s.status === "running" ? [{ type: "interrupted", reason }] : [];

/** Whether training again gave the bits of the experiment, and if not, what else was different. */
export function compareBits(s: RunState): RunEvent {
  const { experiment, files, versions } = s.reproduces!;
  const same = files.every(({ name, sha256 }) => s.artifacts[name]?.sha256 === sha256);
  const now = s.facts?.versions ?? {};
  const differences = [
    ...files.filter(({ name, sha256 }) => s.artifacts[name]?.sha256 !== sha256).map(({ name }) => `${name} has other bits`),
    ...Object.keys({ ...versions, ...now })
      .filter((part) => versions[part] !== now[part])
      .map((part) => `${part} was ${versions[part] ?? "absent"}, now ${now[part] ?? "absent"}`),
  ];
  return { type: "reproduced", experiment, same, differences };
}
