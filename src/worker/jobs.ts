/** What is done for each kind of job, in a process of its own. */
import type { DatasetSource, JobKind, RunFacts } from "../shared/api/schemas.ts";
import type { Task } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { TrainEvent } from "../shared/events.ts";
import { decodeWeights } from "./checkpoint.ts";
import { type EvaluationRecord, evaluate } from "./evaluation.ts";
import { ingest } from "./ingest.ts";
import type { Assignment, JobChannel, Result } from "./job-channel.ts";
import { type Files, jsonFile } from "./output.ts";
import type { Point, Reporter } from "./reporter.ts";
import { type PreparedTraining, performTraining, prepareTraining, reassemble, shapesOf } from "./training.ts";

/** A job under way. */
interface Work extends Omit<Assignment, "job"> {
  readonly channel: JobChannel;
  readonly reporter: Reporter;
}

/** What a job that succeeded ends with: its last files, uploaded or not yet. */
type Done = Omit<Result, "artifacts"> & { readonly files?: Files; readonly uploaded?: Result["artifacts"] };

/** Each throws the reason of the channel's signal when it ends early, with all that is needed to go on handed to the reporter. */
export const jobs = { train, evaluate: evaluateAgain, ingest: importDataset } satisfies Record<JobKind, (work: Work) => Promise<Done>>;

async function train(work: Work): Promise<Done> {
  const { channel, reporter } = work;
  const { facts, resume } = channel.job.payload;
  const prepared = await prepare(work);
  if (!facts) await reporter.tell({ facts: prepared.facts });
  const going = resume && { last: await channel.load(resume.last), ...(resume.best && { best: await channel.load(resume.best) }) };

  const { task } = prepared.dataset;
  let updates = 0;
  for await (const event of performTraining(prepared, reporter, { signal: channel.signal, resume: going })) {
    if (event.type === "started") updates = event.resumedAt;
    if (event.type === "progress") {
      const { type: _, ...progress } = event;
      updates = event.update;
      await reporter.tell({ progress, points: pointsOf(event, task) });
    }
    if (event.type === "epoch") await reporter.tell({ points: pointsOf(event, task) });
    if (event.type === "done") {
      const { reason, bestEpoch, best } = event;
      const evaluation = await evaluate(prepared, best, { bestEpoch, signal: channel.signal });
      await reporter.tell({ points: Object.entries(evaluation.metrics).map(([metric, value]): Point => [`test_${metric}`, updates, value]) });
      return { result: { reason, bestEpoch }, ...evaluated(evaluation) };
    }
  }
  throw channel.signal.reason;
}

async function evaluateAgain(work: Work): Promise<Done> {
  const { channel } = work;
  const { resume, metrics, bestEpoch = 0 } = channel.job.payload;
  if (!resume?.best) throw fail("INTERNAL", { detail: `job ${channel.job.id} names no weights to evaluate` });
  const prepared = await prepare(work);
  const weights = decodeWeights(await channel.load(resume.best), "best.safetensors", shapesOf(prepared));
  return evaluated(await evaluate(prepared, weights, { metrics, bestEpoch, signal: channel.signal }));
}

async function importDataset({ channel, reporter, path, directory, downloads }: Work): Promise<Done> {
  const { dataset } = channel.job.payload;
  if (!dataset) throw fail("INTERNAL", { detail: `job ${channel.job.id} names no dataset` });
  const { signal } = channel;
  const progress = (done: number, total: number) => void reporter.tell({ imported: { done, total } }).catch(() => {}); // told again at the end
  const { files, facts } = await orStop(channel, ingest(dataset, { path, directory, cache: downloads, signal, progress }));
  const uploaded = [];
  for (const name of files) uploaded.push(await channel.uploadFile(name));
  return { ...(facts && { dataset: facts }), uploaded };
}

const evaluated = (evaluation: EvaluationRecord): Done => ({ evaluation, files: { "evaluation.json": jsonFile(evaluation) } });

/** The parts of the job's run: as its facts say, or found out now. */
async function prepare({ channel, path, mostThreads, downloads }: Work): Promise<PreparedTraining> {
  const { settings, source, facts } = channel.job.payload;
  if (!settings) throw fail("INTERNAL", { detail: `job ${channel.job.id} has no settings` });
  const request = { ...settings, path };
  const options = { cache: downloads, signal: channel.signal };
  const prepared = await orStop(channel, facts ? reassemble(request, facts, options) : prepareTraining(request, mostThreads, options));
  return { ...prepared, facts: facts ?? withPublicName(prepared.facts, settings.dataset.id, source) };
}

/** Which folder of the worker the data lay in is nobody's business. */
function withPublicName(facts: RunFacts, entry: string, source?: DatasetSource): RunFacts {
  const name = source ? { id: source.name, source: `${source.name}@${source.version}` } : { source: entry };
  return { ...facts, dataset: { ...facts.dataset, ...name } };
}

/** Loading cannot be interrupted: when the job is to end it goes on unwatched. @throws the reason of the signal */
function orStop<T>({ signal }: JobChannel, work: Promise<T>): Promise<T> {
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
