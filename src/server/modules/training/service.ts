/** From a request to a queued run: checked against the catalog and the data, with every problem told at once. */
import type { z } from "zod";
import { catalog } from "../../../catalog/index.ts";
import { checkRequest, rawShapeOf, sampleShapeAfter } from "../../../catalog/run-settings.ts";
import type { DatasetFacts as CatalogFacts } from "../../../data/kinds.ts";
import { checkNetwork } from "../../../engine/network.ts";
import { checkOutput } from "../../../engine/training-plan.ts";
import { type DatasetFacts, type DatasetSource, type Run, runRequest } from "../../../shared/api/schemas.ts";
import type { Task } from "../../../shared/dataset.ts";
import { fail, type Problem, TrainyardError, toProblem } from "../../../shared/errors.ts";
import type { Context } from "../../entity.ts";
import { createOnce } from "../../idempotency.ts";
import { isUuid } from "../../ids.ts";
import { type Kernel, tell } from "../../kernel.ts";
import { MAX_PROBLEMS, problemsOf } from "../../validation.ts";
import { refer } from "../artifacts/service.ts";
import { filesToTrain, findDataset } from "../datasets/service.ts";
import { cancelOrStop, enqueue } from "../jobs/service.ts";
import { saveParams } from "../runs/params.ts";
import { queue, type RunEvent, type RunState, resume, runEntity, type Settings, stop } from "../runs/run.ts";
import { presentRun, recordRun } from "../runs/service.ts";

type Body = z.infer<typeof runRequest>;
/** A part of a request as it came, once it has a form that the catalog can judge. */
type Part = { readonly id: string; readonly params?: Readonly<Record<string, unknown>> };

export interface Accepted {
  readonly settings: Settings;
  readonly source?: DatasetSource;
  readonly task: Task;
}

/** Where a run is made. */
type Place = { readonly project: string };

/** What is known of a dataset before it is loaded. */
interface DataFacts {
  readonly task: Task;
  readonly sampleShape: readonly number[];
  readonly labels: readonly string[];
  readonly features?: CatalogFacts["features"];
  readonly columns?: DatasetFacts["columns"];
}

interface Resolved {
  readonly dataset: Part;
  readonly source?: DatasetSource;
  readonly facts?: DataFacts;
}

const notReady = { reading: "still being read", previewing: "only looked at so far", previewed: "only looked at so far" } as const;

/** The dataset that a request names, as the catalog knows it: who reads it, from which files. */
async function resolveDataset({ db, ids }: Kernel, project: string | undefined, asked: Part): Promise<Resolved | Problem> {
  const builtIn = catalog.datasets.find(({ id }) => id === asked.id);
  const ref = ids.open(asked.id) ?? (isUuid(asked.id) ? undefined : asked.id); // a row's own id names nothing outside
  const found = project && ref && (await findDataset(db.query, project, ref));
  // One that was imported need not be again, unless it is to be another.
  const imported = found && found.status === "ready" && found.snapshot.length > 0 && !Object.keys(asked.params ?? {}).length;
  if (builtIn && !imported) {
    if (builtIn.facts) return { dataset: asked, facts: builtIn.facts };
    return toProblem(
      fail("BAD_USAGE", {
        problem: `dataset "${asked.id}" needs files`,
        fix: "Upload them, register them under a name (POST /api/datasets), and train on that name.",
      }),
      "dataset.id",
    );
  }
  if (!found)
    return toProblem(
      fail("UNKNOWN_ENTRY", {
        kind: "dataset",
        id: asked.id,
        known: [...catalog.datasets.filter(({ facts }) => facts).map(({ id }) => id), "the registered datasets"],
      }),
      "dataset.id",
    );
  if (found.status !== "ready" && found.status !== "failed")
    return toProblem(
      fail("WRONG_STATE", { what: `dataset "${found.name}"`, state: notReady[found.status], verb: "trained on", want: "ready" }),
      "dataset.id",
    );
  if (found.status !== "failed" && !found.snapshot.length)
    return toProblem(
      fail("BAD_USAGE", { problem: `dataset "${found.name}" has no snapshot yet`, fix: "Register its files again: they are then imported." }),
      "dataset.id",
    );
  if (Object.keys(asked.params ?? {}).length)
    return toProblem(
      fail("BAD_USAGE", {
        problem: `dataset "${found.name}" is read and split already, so it takes no parameters`,
        fix: "Leave them out, or register the files again with other parameters: that makes another version.",
      }),
      "dataset.params",
    );
  if (found.status === "failed")
    return toProblem(
      fail("BAD_USAGE", { problem: `dataset "${found.name}" could not be read: ${found.reason?.message}`, fix: found.reason?.fix ?? "" }),
      "dataset.id",
    );
  return {
    dataset: found.source,
    source: { name: found.name, version: found.number, snapshot: found.facts!.digest, files: [...filesToTrain(found)] },
    facts: found.facts,
  };
}

/** The fields of a body that have the form they should, whatever the others look like. */
function wellFormed(body: unknown): Partial<Body> {
  const given = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return Object.fromEntries(
    Object.entries(runRequest.shape).flatMap(([name, schema]) => {
      const { success, data } = schema.safeParse(given[name]);
      return success && data !== undefined ? [[name, data]] : [];
    }),
  );
}

/**
 * Checks a request whole.
 * @param project where a dataset's name means something
 * @throws INVALID_REQUEST with every problem
 */
export async function check(kernel: Kernel, project: string | undefined, body: unknown): Promise<Accepted> {
  const problems: Problem[] = problemsOf(runRequest, body);
  const request = wellFormed(body);
  const resolved = request.dataset ? await resolveDataset(kernel, project, request.dataset) : undefined;
  const data = resolved && !("code" in resolved) ? resolved : undefined;
  if (resolved && "code" in resolved) problems.push(resolved);
  const facts = data?.facts;
  const { task: wanted, dataset: asked } = request;
  const { network, ...rest } = request;
  const checked = checkRequest(
    { ...rest, ...(network !== undefined && { network }), dataset: data?.dataset },
    facts && { task: facts.task, id: asked!.id, raw: rawShapeOf(facts) },
  );
  // Without a dataset its own faults were told above.
  problems.push(...checked.problems.filter(({ path }) => data || !path.startsWith("dataset")));
  if (facts && wanted && wanted !== facts.task) {
    problems.push(
      toProblem(
        fail("BAD_PARAMETER", {
          where: "the request",
          name: "task",
          want: `${facts.task}, the task of dataset "${asked!.id}"`,
          got: JSON.stringify(wanted),
        }),
        "task",
      ),
    );
  }
  const { settings } = checked;
  const sound = !problems.some(({ path }) => /^(model|network|preprocessing)\b/.test(path));
  if (sound && facts) problems.push(...fits(settings, facts));
  if (problems.length) throw fail("INVALID_REQUEST", { problems: problems.slice(0, MAX_PROBLEMS) });
  return { settings: settings as Settings, source: data!.source, task: facts!.task };
}

/** Whether the network takes the dataset's samples, once their shape is known, and gives as many outputs as there are classes. */
function fits(settings: ReturnType<typeof checkRequest>["settings"], facts: DataFacts): Problem[] {
  const { task, labels } = facts;
  const sampleShape = sampleShapeAfter(settings, rawShapeOf(facts));
  if (!sampleShape) return [];
  try {
    const model = catalog.models.find(({ id }) => id === settings.model.id)!;
    const outputs = task === "classification" ? labels.length : 1;
    const description = settings.network ?? model.network(sampleShape, outputs, settings.model.params as never);
    checkOutput(checkNetwork(description, catalog.layers, sampleShape), task, outputs);
    return [];
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    return [toProblem(error, settings.network ? "network" : "model")];
  }
}

export interface Creating {
  readonly name?: string;
  readonly note?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly draft?: boolean;
  readonly priority?: number;
  readonly labels?: readonly string[];
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
  const { name, note = "", tags = {}, draft = false, priority = 0, labels = [], reproduces } = given;
  const id = await createOnce(kernel, runEntity, { operation, context, key, request: { project, settings, source, given } }, (id, digest) =>
    kernel.db.transaction(async (tx) => {
      const job = draft ? undefined : await enqueue(tx, { kind: "train", project, subject: { kind: "run", id }, priority, labels }, context);
      const created = { id, project, name, note, tags, task, settings, source, priority, labels, createdBy: context.actor, digest, reproduces };
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
  return createFrom(kernel, `duplicateRun ${state.id}`, state, { settings, source, task }, { name, tags, draft, priority, labels }, context, key);
}
