/** Whether a request can be trained: judged by the catalog and the data, with every problem told at once. */
import type { z } from "zod";
import { networkOf } from "../../../catalog/assemble.ts";
import { catalog } from "../../../catalog/index.ts";
import { checkRequest, type NetworkSettings, ofLearner, type RunSettings, rawShapeOf, sampleShapeAfter } from "../../../catalog/run-settings.ts";
import type { DatasetFacts as CatalogFacts } from "../../../data/kinds.ts";
import type { Network } from "../../../engine/network.ts";
import { checkOutput, checkWhole } from "../../../engine/training-plan.ts";
import { type DatasetFacts, type DatasetSource, runRequest } from "../../../shared/api/schemas.ts";
import type { Task } from "../../../shared/dataset.ts";
import { fail, type Problem, TrainyardError, toProblem } from "../../../shared/errors.ts";
import { isUuid } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";
import { MAX_PROBLEMS, problemsOf } from "../../validation.ts";
import { filesToTrain, findDataset } from "../datasets/service.ts";
import type { Settings } from "../runs/run.ts";

export type Body = z.infer<typeof runRequest>;
/** A part of a request as it came, once it has a form that the catalog can judge. */
type Part = { readonly id: string; readonly params?: Readonly<Record<string, unknown>> };

export interface Accepted {
  readonly settings: Settings;
  readonly source?: DatasetSource;
  readonly task: Task;
}

/** What is known of a dataset before it is loaded. */
export interface DataFacts {
  readonly task: Task;
  readonly records: { readonly train: number; readonly validation?: number };
  readonly sampleShape: readonly number[];
  readonly labels: readonly string[];
  readonly features?: CatalogFacts["features"];
  readonly columns?: DatasetFacts["columns"];
}

export interface Resolved {
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

/** What a request comes to, and everything that is wrong with it. */
export interface Judged {
  readonly request: Partial<Body>;
  readonly data?: Resolved;
  readonly settings: RunSettings;
  readonly problems: readonly Problem[];
  /** Of a network, where the shape of a sample is known before the rows are read. */
  readonly network?: Network;
}

/** @param project where a dataset's name means something */
export async function judge(kernel: Kernel, project: string | undefined, body: unknown): Promise<Judged> {
  const request = wellFormed(body);
  const resolved = request.dataset ? await resolveDataset(kernel, project, request.dataset) : undefined;
  const data = resolved && !("code" in resolved) ? resolved : undefined;
  const judged = judgeWith(request, data);
  const before = [...problemsOf(runRequest, body), ...(resolved && "code" in resolved ? [resolved] : [])];
  return { ...judged, problems: [...before, ...judged.problems] };
}

/** The same, of a request whose dataset was looked up. */
export function judgeWith(request: Partial<Body>, data: Resolved | undefined): Judged {
  const facts = data?.facts;
  const { task: wanted, dataset: asked } = request;
  const { network, ...rest } = request;
  const checked = checkRequest(
    { ...rest, ...(network !== undefined && { network }), dataset: data?.dataset },
    facts && { task: facts.task, id: asked!.id, raw: rawShapeOf(facts), labels: facts.labels, records: facts.records },
  );
  // Without a dataset its own faults are told already.
  const problems = checked.problems.filter(({ path }) => data || !path.startsWith("dataset"));
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
  const sound = !problems.some(({ path }) => /^(model|network|preprocessing|augmentation)\b/.test(path));
  const built = sound && facts ? build(settings, facts) : undefined;
  if (built && "code" in built) return { request, data, settings, problems: [...problems, built] };
  const wrong = built && unfitOptimizer(settings, built);
  return { request, data, settings, problems: [...problems, ...(wrong ? [wrong] : [])], network: built };
}

/**
 * Checks a request whole.
 * @param project where a dataset's name means something
 * @throws INVALID_REQUEST with every problem
 */
export async function check(kernel: Kernel, project: string | undefined, body: unknown): Promise<Accepted> {
  const { data, settings, problems } = await judge(kernel, project, body);
  if (problems.length) throw fail("INVALID_REQUEST", { problems: problems.slice(0, MAX_PROBLEMS) });
  return { settings: settings as Settings, source: data!.source, task: data!.facts!.task };
}

/** The network, once the shape of a sample is known, if it takes the dataset's samples and gives as many outputs as there are classes. */
function build(settings: RunSettings, facts: DataFacts): Network | Problem | undefined {
  if (ofLearner(settings)) return undefined;
  const sampleShape = sampleShapeAfter(settings, rawShapeOf(facts));
  if (!sampleShape) return undefined;
  return buildFor(settings, facts, sampleShape);
}

/** @param sampleShape after preprocessing */
export function buildFor(
  settings: NetworkSettings,
  { task, labels }: Pick<DataFacts, "task" | "labels">,
  sampleShape: readonly number[],
): Network | Problem {
  try {
    const outputs = task === "classification" ? labels.length : 1;
    const network = networkOf(settings, sampleShape, outputs);
    checkOutput(network, task, outputs);
    return network;
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    const ofAugmentation = /^augmentation-\d+$/.test(String((error.details as { layer?: unknown }).layer));
    return toProblem(error, ofAugmentation ? "augmentation" : settings.network ? "network" : "model");
  }
}

/** Why the optimizer cannot train this network: one that looks at all samples before each step wants the same loss at each look. */
function unfitOptimizer(settings: RunSettings, network: Network): Problem | undefined {
  if (ofLearner(settings)) return undefined;
  const optimizer = catalog.optimizers.find(({ id }) => id === settings.optimizer.id);
  if (!optimizer || !("whole" in optimizer)) return undefined;
  const { batchSize, clipNorm, clipValue } = settings.training;
  try {
    checkWhole({ network, optimizer, batchSize, clipNorm: clipNorm > 0, clipValue: clipValue > 0 });
    return undefined;
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    return toProblem(error, "optimizer");
  }
}
