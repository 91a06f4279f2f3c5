/** How good a finished run is on its test split, by a job; and what its model says of a picture or a few rows, at once. */
import type { z } from "zod";
import { catalog } from "../../../catalog/index.ts";
import type { Job, PredictionView, predictRequest, Refit, RunFacts } from "../../../shared/api/schemas.ts";
import { fail, toProblem } from "../../../shared/errors.ts";
import type { EvaluationReport, Significance } from "../../../shared/evaluation.ts";
import type { ModelFacts } from "../../../shared/predictor.ts";
import type { Context } from "../../entity.ts";
import { createOnce } from "../../idempotency.ts";
import type { Kernel } from "../../kernel.ts";
import { readManifest } from "../experiments/service.ts";
import { jobEntity } from "../jobs/job.ts";
import { enqueue, getJob, type NewJob } from "../jobs/service.ts";
import { finished, type RunState, runEntity } from "../runs/run.ts";

export async function evaluateRun(kernel: Kernel, run: string, metrics: readonly string[] | undefined, context: Context, key?: string): Promise<Job> {
  const state = await subject(kernel, run, metrics);
  finished(state, "evaluated");
  return queueOnce(kernel, state, { kind: "evaluate", metrics }, context, key);
}

export async function refitRun(
  kernel: Kernel,
  run: string,
  kind: "cross-validate" | "learning-curve",
  { metrics, ...refit }: Refit & { readonly metrics?: readonly string[] },
  context: Context,
  key?: string,
): Promise<Job> {
  const state = await subject(kernel, run, metrics);
  const { facts } = finished(state, kind === "cross-validate" ? "cross-validated" : "given a learning curve");
  const { inputs = [], columns } = facts.dataset;
  const { group } = refit;
  const texts = inputs.filter(({ type }) => type === "text").map(({ name }) => name);
  if (group !== undefined && !columns.length)
    throw fail("INVALID_REQUEST", {
      problems: [toProblem(fail("BAD_USAGE", { problem: "pictures have no column to group by", fix: "Leave the group out." }), "group")],
    });
  if (group !== undefined && texts.includes(group))
    throw fail("INVALID_REQUEST", {
      problems: [
        toProblem(fail("BAD_USAGE", { problem: `column ${group} is free text, which groups nothing`, fix: "Choose another column." }), "group"),
      ],
    });
  return queueOnce(kernel, state, { kind, metrics, refit }, context, key);
}

/** The run, if it may still get results, and the metrics are for its task. */
async function subject(kernel: Kernel, run: string, metrics: readonly string[] = []): Promise<RunState> {
  const { state } = await runEntity.get(kernel.db.query, run);
  if (state.experiment) throw fail("ALREADY_ARCHIVED", { run: `run "${state.name}"`, experiment: state.experiment });
  const known = metricsOf(state);
  const problems = metrics.flatMap((metric, i) =>
    known.some(({ id }) => id === metric)
      ? []
      : [toProblem(fail("UNKNOWN_ENTRY", { kind: "metric", id: metric, known: known.map(({ id }) => id) }), `metrics.${i}`)],
  );
  if (problems.length) throw fail("INVALID_REQUEST", { problems });
  return state;
}

const metricsOf = ({ task }: RunState) => catalog.metrics.filter(({ tasks }) => tasks.includes(task));

async function queueOnce(
  kernel: Kernel,
  state: RunState,
  wanted: Pick<NewJob, "kind" | "metrics" | "refit">,
  context: Context,
  key?: string,
): Promise<Job> {
  const { id: run, project, labels } = state;
  const request = wanted.kind === "evaluate" ? (wanted.metrics ?? null) : wanted;
  const operation = wanted.kind === "evaluate" ? `evaluateRun ${run}` : `${wanted.kind} ${run}`;
  const job = await createOnce(kernel, jobEntity, { operation, context, key, request }, async (id, digest) => {
    await kernel.db.transaction((tx) =>
      enqueue(tx, { id, project, subject: { kind: "run", id: run }, priority: 5, labels, ...wanted, digest }, context),
    );
  });
  return getJob(kernel, job);
}

/** The whole report, with what was measured since beside it; of a run that left none the summary alone. */
export async function getEvaluation(kernel: Kernel, id: string): Promise<EvaluationReport> {
  const { state } = await runEntity.get(kernel.db.query, id);
  const fix = "Evaluate it once it has finished: POST /api/runs/{id}/evaluation.";
  if (!state.evaluation) throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name: "evaluation", fix });
  const bare = { dataset: state.facts?.dataset.digest ?? "", bestEpoch: state.result?.bestEpoch ?? 0, slices: [], worst: [], importance: [] };
  const report = state.artifacts["evaluation.json"] ? ((await jsonArtifact(kernel, state, "evaluation.json", fix)) as EvaluationReport) : {};
  return { ...bare, ...report, ...state.evaluation };
}

const ways = {
  "cross-validation.json": "Cross-validate it: POST /api/runs/{id}/cross-validation.",
  "learning-curve.json": "Have it drawn: POST /api/runs/{id}/learning-curve.",
} as const;

export async function getRefit(kernel: Kernel, id: string, name: keyof typeof ways): Promise<unknown> {
  const { state } = await runEntity.get(kernel.db.query, id);
  return jsonArtifact(kernel, state, name, ways[name]);
}

/** Reports and predictions that are larger than this are no honest ones. */
const MOST_BYTES = 512 * 2 ** 20;

/** @throws ARTIFACT_MISSING */
async function bytesOf(kernel: Kernel, state: RunState, name: string, fix: string): Promise<Uint8Array> {
  const artifact = state.artifacts[name];
  if (!artifact) throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name, fix });
  if (artifact.size > MOST_BYTES) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_BYTES });
  return loadBlob(kernel, artifact.sha256);
}

export const jsonArtifact = async (kernel: Kernel, state: RunState, name: string, fix: string): Promise<unknown> =>
  JSON.parse(new TextDecoder().decode(await bytesOf(kernel, state, name, fix)));

async function loadBlob(kernel: Kernel, sha256: string): Promise<Uint8Array> {
  const { body } = await kernel.blobs.get(sha256);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part as Uint8Array);
  return new Uint8Array(Buffer.concat(parts));
}

/** Computed in the predictor process, from the predictions that both runs left. */
export async function getSignificance(
  kernel: Kernel,
  [first, second]: readonly [string, string],
  metric: string | undefined,
  signal: AbortSignal,
): Promise<Significance> {
  const states = await Promise.all([first, second].map(async (id) => (await runEntity.get(kernel.db.query, id)).state));
  const [one, other] = states as [RunState, RunState];
  for (const state of states) finished(state, "compared");
  if (one.facts!.dataset.digest !== other.facts!.dataset.digest)
    throw fail("BAD_USAGE", {
      problem: `run "${one.name}" and run "${other.name}" were tested on other rows: their data differs`,
      fix: "Compare runs of one version of a dataset.",
    });
  const known = metricsOf(one);
  const wanted = metric ?? (one.task === "classification" ? "accuracy" : "mae");
  if (!known.some(({ id }) => id === wanted))
    throw fail("INVALID_REQUEST", {
      problems: [toProblem(fail("UNKNOWN_ENTRY", { kind: "metric", id: wanted, known: known.map(({ id }) => id) }), "metric")],
    });
  const files = await Promise.all(
    states.map((state) => bytesOf(kernel, state, "predictions.safetensors", "Evaluate it again: POST /api/runs/{id}/evaluation.")),
  );
  return kernel.predictor.compare({ task: one.task, metric: wanted, predictions: files as [Uint8Array, Uint8Array] }, signal);
}

type Input = z.infer<typeof predictRequest>;

export async function predictWithRun(kernel: Kernel, id: string, input: Input, signal: AbortSignal): Promise<PredictionView[]> {
  const { state } = await runEntity.get(kernel.db.query, id);
  const { facts } = finished(state, "asked for predictions");
  return predict(kernel, `run "${state.name}"`, state.artifacts["model.onnx"]?.sha256, facts, input, signal);
}

export async function predictWithExperiment(kernel: Kernel, id: string, input: Input, signal: AbortSignal): Promise<PredictionView[]> {
  const { manifest } = await readManifest(kernel, id);
  const model = manifest.files.find(({ name }) => name === "model.onnx")?.sha256;
  return predict(kernel, `experiment "${manifest.run.name}"`, model, manifest.facts, input, signal);
}

async function predict(
  kernel: Kernel,
  what: string,
  sha256: string | undefined,
  facts: RunFacts,
  { rows, picture }: Input,
  signal: AbortSignal,
): Promise<PredictionView[]> {
  if (!sha256) throw fail("ARTIFACT_MISSING", { what, name: "model.onnx", fix: "Train it to the end." });
  const load = () => loadBlob(kernel, sha256);
  const bytes = picture === undefined ? undefined : new Uint8Array(Buffer.from(picture, "base64"));
  return kernel.predictor.predict(sha256, load, { facts: modelFacts(facts.dataset), sample: { rows, picture: bytes } }, signal);
}

/** What a model takes and gives: the rest of the facts stays here. */
const modelFacts = ({ task, sampleShape, columns, labels, inputs, pictureShape }: RunFacts["dataset"]): ModelFacts => ({
  task,
  sampleShape,
  columns,
  labels,
  ...(inputs && { inputs }),
  ...(pictureShape && { pictureShape }),
});
