/** What a worker does for each kind of job. */
import { loadDataset, resolveSettings } from "../catalog/run-settings.ts";
import type { DatasetSource, Finish, JobKind, RunFacts } from "../shared/api/schemas.ts";
import type { Task } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { TrainEvent } from "../shared/events.ts";
import type { BlobCache, CachedFile } from "./blob-cache.ts";
import { decodeWeights } from "./checkpoint.ts";
import { type EvaluationRecord, evaluate } from "./evaluation.ts";
import type { Lease } from "./lease.ts";
import { type Files, jsonFile } from "./output.ts";
import type { Point, Reporter } from "./reporter.ts";
import { type PreparedTraining, performTraining, prepareTraining, reassemble, shapesOf } from "./training.ts";

/** A job under way. */
export interface Work {
  readonly lease: Lease;
  readonly reporter: Reporter;
  readonly cache: BlobCache;
  readonly mostThreads?: number;
}

/** What a job that succeeded ends with. */
export type Result = Pick<Finish, "result" | "evaluation" | "dataset"> & { readonly files?: Files };

/** Each throws the reason of the lease's signal when it ends early, with all that is needed to go on handed to the reporter. */
export const jobs = { train, evaluate: evaluateAgain, ingest } satisfies Record<JobKind, (work: Work) => Promise<Result>>;

async function train(work: Work): Promise<Result> {
  const { lease, reporter } = work;
  const { facts, resume } = lease.job.payload;
  const prepared = await prepare(work);
  if (!facts) await reporter.tell({ facts: prepared.facts });
  const going = resume && { last: await lease.load(resume.last), ...(resume.best && { best: await lease.load(resume.best) }) };

  const { task } = prepared.dataset;
  let updates = 0;
  for await (const event of performTraining(prepared, reporter, { signal: lease.signal, resume: going })) {
    if (event.type === "started") updates = event.resumedAt;
    if (event.type === "progress") {
      const { type: _, ...progress } = event;
      updates = event.update;
      await reporter.tell({ progress, points: pointsOf(event, task) });
    }
    if (event.type === "epoch") await reporter.tell({ points: pointsOf(event, task) });
    if (event.type === "done") {
      const { reason, bestEpoch, best } = event;
      const evaluation = await evaluate(prepared, best, { bestEpoch, signal: lease.signal });
      await reporter.tell({ points: Object.entries(evaluation.metrics).map(([metric, value]): Point => [`test_${metric}`, updates, value]) });
      return { result: { reason, bestEpoch }, ...evaluated(evaluation) };
    }
  }
  throw lease.signal.reason;
}

async function evaluateAgain(work: Work): Promise<Result> {
  const { lease } = work;
  const { resume, metrics, bestEpoch = 0 } = lease.job.payload;
  if (!resume?.best) throw fail("INTERNAL", { detail: `job ${lease.job.id} names no weights to evaluate` });
  const prepared = await prepare(work);
  const weights = decodeWeights(await lease.load(resume.best), "best.safetensors", shapesOf(prepared));
  return evaluated(await evaluate(prepared, weights, { metrics, bestEpoch, signal: lease.signal }));
}

async function ingest(work: Work): Promise<Result> {
  const { lease } = work;
  const { dataset } = lease.job.payload;
  if (!dataset) throw fail("INTERNAL", { detail: `job ${lease.job.id} names no dataset` });
  const { id, params, files } = dataset;
  const { digest, task, sampleShape, columns, labels, train, test } = await withFiles(work, files, (path) =>
    loadDataset(resolveSettings({ dataset: { id, params }, path })),
  );
  const records = { train: train.count, test: test.count };
  return { dataset: { digest, task, sampleShape: [...sampleShape], columns: [...columns], labels: [...labels], records } };
}

const evaluated = (evaluation: EvaluationRecord): Result => ({ evaluation, files: { "evaluation.json": jsonFile(evaluation) } });

/** The parts of the job's run: as its facts say, or found out now. */
async function prepare(work: Work): Promise<PreparedTraining> {
  const { settings, source, facts } = work.lease.job.payload;
  if (!settings) throw fail("INTERNAL", { detail: `job ${work.lease.job.id} has no settings` });
  const load = (path?: string) => {
    const request = { ...settings, path };
    return facts ? reassemble(request, facts) : prepareTraining(request, work.mostThreads);
  };
  const prepared = await (source ? withFiles(work, source.files, load) : orStop(work.lease, load()));
  return { ...prepared, facts: facts ?? withPublicName(prepared.facts, settings.dataset.id, source) };
}

/** Which folder of the worker the data lay in is nobody's business. */
function withPublicName(facts: RunFacts, entry: string, source?: DatasetSource): RunFacts {
  const name = source ? { id: source.name, source: `${source.name}@${source.version}` } : { source: entry };
  return { ...facts, dataset: { ...facts.dataset, ...name } };
}

const withFiles = <T>({ lease, cache }: Work, files: readonly CachedFile[], use: (path: string) => Promise<T>): Promise<T> =>
  orStop(
    lease,
    cache.withFiles(files, (sha256, read) => lease.download(sha256, read), use),
  );

/** Loading cannot be interrupted: when the job is to end it goes on unwatched. @throws the reason of the signal */
function orStop<T>({ signal }: Lease, work: Promise<T>): Promise<T> {
  return new Promise((done, failed) => {
    const stop = () => failed(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(done, failed).finally(() => signal.removeEventListener("abort", stop));
  });
}

const scoreName: Record<Task, string> = { classification: "accuracy", regression: "mean_absolute_error" };

/** What an event adds to the charts, by the number of updates so far. */
function pointsOf(event: Extract<TrainEvent, { type: "progress" | "epoch" }>, task: Task): Point[] {
  const { update, loss, score, learningRate } = event;
  const named: readonly (readonly [string, number])[] =
    event.type === "progress"
      ? [
          ["loss", loss],
          [scoreName[task], score],
          ["learning_rate", learningRate],
          ["samples_per_second", Math.round(event.samplesPerSecond)],
        ]
      : [
          ["train_loss", loss],
          [`train_${scoreName[task]}`, score],
          ...(event.validation
            ? ([
                ["validation_loss", event.validation.loss],
                [`validation_${scoreName[task]}`, event.validation.score],
              ] as const)
            : []),
        ];
  return named.map(([name, value]) => [name, update, value]);
}
