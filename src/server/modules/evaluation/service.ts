/** How good a finished run is on its test split, by a job; and what its model says of a picture or a few rows, at once. */
import type { z } from "zod";
import { catalog } from "../../../catalog/index.ts";
import type { EvaluationView, Job, PredictionView, predictRequest, RunFacts } from "../../../shared/api/schemas.ts";
import { fail, toProblem } from "../../../shared/errors.ts";
import type { ModelFacts } from "../../../shared/predictor.ts";
import type { Context } from "../../entity.ts";
import { createOnce } from "../../idempotency.ts";
import type { Kernel } from "../../kernel.ts";
import { readManifest } from "../experiments/service.ts";
import { jobEntity } from "../jobs/job.ts";
import { enqueue, getJob } from "../jobs/service.ts";
import { finished, runEntity } from "../runs/run.ts";

export async function evaluateRun(kernel: Kernel, run: string, metrics: readonly string[] | undefined, context: Context, key?: string): Promise<Job> {
  const { state } = await runEntity.get(kernel.db.query, run);
  if (state.experiment) throw fail("ALREADY_ARCHIVED", { run: `run "${state.name}"`, experiment: state.experiment });
  finished(state, "evaluated");
  const known = catalog.metrics.filter(({ tasks }) => tasks.includes(state.task)).map(({ id }) => id);
  const problems = (metrics ?? []).flatMap((metric, i) =>
    known.includes(metric) ? [] : [toProblem(fail("UNKNOWN_ENTRY", { kind: "metric", id: metric, known }), `metrics.${i}`)],
  );
  if (problems.length) throw fail("INVALID_REQUEST", { problems });
  const job = await createOnce(kernel, jobEntity, { operation: `evaluateRun ${run}`, context, key, request: metrics ?? null }, async (id, digest) => {
    await kernel.db.transaction((tx) =>
      enqueue(
        tx,
        { id, kind: "evaluate", project: state.project, subject: { kind: "run", id: run }, priority: 5, labels: state.labels, metrics, digest },
        context,
      ),
    );
  });
  return getJob(kernel, job);
}

export async function getEvaluation({ db }: Kernel, id: string): Promise<EvaluationView> {
  const { state } = await runEntity.get(db.query, id);
  if (!state.evaluation)
    throw fail("ARTIFACT_MISSING", {
      what: `run "${state.name}"`,
      name: "evaluation",
      fix: "Evaluate it once it has finished: POST /api/runs/{id}/evaluation.",
    });
  return state.evaluation;
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
  const load = async () => {
    const { body } = await kernel.blobs.get(sha256);
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part as Uint8Array);
    return new Uint8Array(Buffer.concat(parts));
  };
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
