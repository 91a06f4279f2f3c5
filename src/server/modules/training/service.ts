/** From a request to a queued run: what is right is queued exactly once. */
import type { Run } from "../../../shared/api/schemas.ts";
import type { Context } from "../../entity.ts";
import { createOnce } from "../../idempotency.ts";
import { type Kernel, tell } from "../../kernel.ts";
import { refer } from "../artifacts/service.ts";
import { cancelOrStop, enqueue } from "../jobs/service.ts";
import { saveParams } from "../runs/params.ts";
import { queue, type RunEvent, type RunState, resume, runEntity, stop } from "../runs/run.ts";
import { presentRun, recordRun } from "../runs/service.ts";
import { type Accepted, type Body, check } from "./check.ts";

/** Where a run is made. */
type Place = { readonly project: string };

export interface Creating {
  readonly name?: string;
  readonly note?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly draft?: boolean;
  readonly priority?: number;
  readonly labels?: readonly string[];
  readonly duplicates?: string;
  readonly reproduces?: RunState["reproduces"];
}

/** Creates a run of accepted settings, and queues it unless it is to be a draft. */
export async function createFrom(
  kernel: Kernel,
  operation: string,
  { project }: Place,
  accepted: Accepted,
  given: Creating,
  context: Context,
  key?: string,
): Promise<Run> {
  const { settings, source, task } = accepted;
  const { name, note = "", tags = {}, draft = false, priority = 0, labels = [], duplicates, reproduces } = given;
  const id = await createOnce(kernel, runEntity, { operation, context, key, request: { project, settings, source, given } }, (id, digest) =>
    kernel.db.transaction(async (tx) => {
      const job = draft ? undefined : await enqueue(tx, { kind: "train", project, subject: { kind: "run", id }, priority, labels }, context);
      const created = {
        id,
        project,
        name,
        note,
        tags,
        task,
        settings,
        source,
        priority,
        labels,
        createdBy: context.actor,
        digest,
        duplicates,
        reproduces,
      };
      await recordRun(tx, created, job ? [{ type: "queued", job }] : [], context);
      // The run needs the dataset's files, even when the dataset is deleted.
      await refer(
        tx,
        { kind: "run", id },
        (source?.files ?? []).map(({ name, sha256 }) => ({ name: `data/${name}`, sha256 })),
      );
    }),
  );
  tell(kernel, "run-record", "training", "runs", "train_data_record", context);
  return presentRun(kernel, id);
}

export async function createRun(kernel: Kernel, project: string, body: unknown, context: Context, key?: string): Promise<Run> {
  const accepted = await check(kernel, project, body);
  const { name, note, tags, draft, priority, labels } = body as Body;
  return createFrom(kernel, "createRun", { project }, accepted, { name, note, tags, draft, priority, labels }, context, key);
}

export async function startRun(kernel: Kernel, id: string, context: Context): Promise<Run> {
  return queued(kernel, id, context, queue);
}

export async function resumeRun(kernel: Kernel, id: string, epochs: number | undefined, context: Context): Promise<Run> {
  return queued(kernel, id, context, (state, job) => resume(state, job, epochs));
}

async function queued(kernel: Kernel, id: string, context: Context, decide: (state: RunState, job: string) => readonly RunEvent[]): Promise<Run> {
  await kernel.db.transaction(async (tx) => {
    const { project, priority, labels } = (await runEntity.get(tx, id)).state;
    const job = await enqueue(tx, { kind: "train", project, subject: { kind: "run", id }, priority, labels }, context);
    const { state } = await runEntity.change(tx, id, context, (s) => decide(s, job));
    await saveParams(tx, id, state);
  });
  return presentRun(kernel, id);
}

export async function stopRun(kernel: Kernel, id: string, context: Context): Promise<Run> {
  await kernel.db.transaction(async (tx) => {
    // The job first, as workers do: two that lock in opposite order would wait for each other.
    const { job } = (await runEntity.get(tx, id)).state;
    if (job) await cancelOrStop(tx, job, context);
    await runEntity.change(tx, id, context, stop);
  });
  return presentRun(kernel, id);
}

export async function duplicateRun(
  kernel: Kernel,
  id: string,
  { draft, name }: { draft?: boolean; name?: string },
  context: Context,
  key?: string,
): Promise<Run> {
  const { state } = await runEntity.get(kernel.db.query, id);
  const { settings, source, task, tags, priority, labels } = state;
  return createFrom(
    kernel,
    `duplicateRun ${state.id}`,
    state,
    { settings, source, task },
    { name, tags, draft, priority, labels, duplicates: state.id },
    context,
    key,
  );
}
