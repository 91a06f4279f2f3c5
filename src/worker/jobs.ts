/** What is done for each kind of job, in a process of its own. */
import type { RunRequest } from "../catalog/run-settings.ts";
import type { DatasetSource, JobKind, ProgressView, RunFacts } from "../shared/api/schemas.ts";
import type { Task } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import type { TrainEvent } from "../shared/events.ts";
import { type Evaluated, evaluate } from "./evaluation.ts";
import { ingest } from "./ingest.ts";
import type { Assignment, JobChannel, Result } from "./job-channel.ts";
import { type Files, jsonFile } from "./output.ts";
import { crossValidate, learningCurve, type Refitting } from "./refitting.ts";
import type { Point, Reporter } from "./reporter.ts";
import { testRecords } from "./test-records.ts";
import { decodeTrained, type PreparedTraining, performTraining, prepareTraining, reassemble, type Trained } from "./training.ts";

/** A job under way. */
interface Work extends Omit<Assignment, "job"> {
  readonly channel: JobChannel;
  readonly reporter: Reporter;
}

/** What a job that succeeded ends with: its last files, uploaded or not yet. */
type Done = Omit<Result, "artifacts"> & { readonly files?: Files; readonly uploaded?: Result["artifacts"] };

/** Each throws the reason of the channel's signal when it ends early, with all that is needed to go on handed to the reporter. */
export const jobs = {
  train,
  evaluate: evaluateAgain,
  "cross-validate": crossValidateRun,
  "learning-curve": learningCurveOfRun,
  ingest: importDataset,
} satisfies Record<JobKind, (work: Work) => Promise<Done>>;

async function train(work: Work): Promise<Done> {
  const { channel, reporter } = work;
  const { facts, resume } = channel.job.payload;
  const prepared = await prepare(work);
  if (!facts) await reporter.tell({ facts: prepared.facts });
  sayFacts(prepared);
  const going = resume && { last: await channel.load(resume.last), ...(resume.best && { best: await channel.load(resume.best) }) };

  const { task } = prepared.dataset;
  let updates = 0;
  /** The end of either kind of training. */
  const finish = async (trained: Trained, result: { reason: string; bestEpoch: number }, metrics: Readonly<Record<string, number>> = {}) => {
    say(`trained (${result.reason}); evaluates on ${prepared.dataset.test.count} test records`);
    const evaluated = await evaluate(prepared, trained, { bestEpoch: result.bestEpoch, signal: channel.signal });
    say(`on the test records: ${measures(evaluated.summary.metrics)}`);
    const measured = [
      ...Object.entries(metrics),
      ...Object.entries(evaluated.summary.metrics).map(([metric, value]) => [`test_${metric}`, value] as const),
    ];
    await reporter.tell({ points: measured.map(([series, value]): Point => [series, updates, value]) });
    return { result, ...filed(evaluated, work, prepared) };
  };
  for await (const event of performTraining(prepared, reporter, { signal: channel.signal, resume: going })) {
    if (event.type === "started") {
      updates = event.resumedAt;
      if (updates) say(`goes on after update ${updates}`);
    }
    if (event.type === "progress") {
      const { type: _, ...progress } = event;
      updates = event.update;
      await reporter.tell({ progress, points: pointsOf(event, task) });
    }
    if (event.type === "epoch") {
      const points = pointsOf(event, task);
      say(`epoch ${event.epoch}: ${measures(Object.fromEntries(points.map(([series, , value]) => [series, value])))}`);
      await reporter.tell({ points });
    }
    if (event.type === "done") return finish({ weights: event.best }, { reason: event.reason, bestEpoch: event.bestEpoch });
    if (event.type === "fitting") {
      const { done, total, unit, loss, secondsLeft } = event;
      updates = done;
      const told = placeOf(unit, done, total, secondsLeft);
      await reporter.tell({
        progress: loss === undefined ? told : { ...told, loss },
        points: loss === undefined ? [] : [["loss", done, loss]],
      });
    }
    if (event.type === "fitted") {
      updates = event.done;
      return finish({ learnt: event.tensors }, { reason: "completed", bestEpoch: 0 }, event.metrics);
    }
  }
  throw channel.signal.reason;
}

/** A line for who watches the run: `job-log.ts` takes it from here. */
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const measures = (metrics: Readonly<Record<string, number>>): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${Number(value.toPrecision(4))}`)
    .join(", ");

function sayFacts({ facts: { dataset, parameters, threads }, settings }: PreparedTraining): void {
  const { train, validation, test } = dataset.samples;
  say(`reads ${dataset.source}: ${train} records to train on, ${validation} to validate, ${test} to test`);
  say(`trains ${settings.model.id}${parameters ? `, ${parameters} parameters` : ""}, on ${threads} ${threads === 1 ? "thread" : "threads"}`);
}

async function evaluateAgain(work: Work): Promise<Done> {
  const { channel } = work;
  const { resume, metrics, bestEpoch = 0 } = channel.job.payload;
  if (!resume?.best) throw fail("INTERNAL", { detail: `job ${channel.job.id} names no weights to evaluate` });
  const prepared = await prepare(work);
  const trained = decodeTrained(prepared, await channel.load(resume.best));
  return filed(await evaluate(prepared, trained, { metrics, bestEpoch, signal: channel.signal }), work, prepared);
}

async function crossValidateRun(work: Work): Promise<Done> {
  const { folds = 5, repeats = 1, stratified = true, group } = work.channel.job.payload.refit ?? {};
  return refitted("cross-validation.json", await orStop(work.channel, crossValidate(refitting(work), { folds, repeats, stratified, group })));
}

async function learningCurveOfRun(work: Work): Promise<Done> {
  const { points = 6, repeats = 1 } = work.channel.job.payload.refit ?? {};
  return refitted("learning-curve.json", await orStop(work.channel, learningCurve(refitting(work), { points, repeats })));
}

/** Progress where there are no epochs. */
const placeOf = (unit: string, done: number, total: number, secondsLeft: number): ProgressView => ({
  ...{ epoch: 1, epochs: 1, step: done, stepsPerEpoch: total, update: done },
  ...{ unit, secondsLeft },
});

const refitted = (name: string, result: unknown): Done => ({ files: { [name]: jsonFile(result) } });

/** The settings of the job's run, to be fitted again. */
function refitting({ channel, reporter, path, mostThreads, downloads }: Work): Refitting {
  const { settings, metrics } = channel.job.payload;
  if (!settings) throw fail("INTERNAL", { detail: `job ${channel.job.id} has no settings` });
  const { signal } = channel;
  const began = performance.now();
  const progress = (done: number, total: number) => {
    const secondsLeft = ((performance.now() - began) / 1000 / done) * (total - done);
    void reporter.tell({ progress: placeOf("fits", done, total, secondsLeft) }).catch(() => {}); // told again at the end
  };
  return { request: { ...settings, path } as RunRequest, mostThreads, metrics, signal, progress, load: { cache: downloads, signal } };
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

/** What was evaluated; of a dataset that no snapshot of the server holds the records come along, as they would be nowhere else. */
const filed = ({ report, summary, predictions }: Evaluated, { channel }: Work, { dataset }: PreparedTraining): Done => ({
  evaluation: summary,
  files: {
    "evaluation.json": jsonFile(report),
    "predictions.safetensors": predictions,
    ...(!channel.job.payload.source && testRecords(dataset)),
  },
});

/** The parts of the job's run: as its facts say, or found out now. */
async function prepare({ channel, path, mostThreads, downloads }: Work): Promise<PreparedTraining> {
  const { settings, source, facts } = channel.job.payload;
  if (!settings) throw fail("INTERNAL", { detail: `job ${channel.job.id} has no settings` });
  const request = { ...settings, path } as RunRequest;
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
