/** From a snapshot to what a network trains on: steps are fitted on the training rows alone, then every row goes through them once. */
import type { Dataset, FittedStep, Normalisation, Preparation, RawSplit, Snapshot, Split, SplitName } from "../shared/dataset.ts";
import { fail, show } from "../shared/errors.ts";
import { onlyRows, type Rows, storedRows } from "./batches.ts";
import type { PictureShape, PictureStep, TableStep } from "./kinds.ts";
import { preparePictures } from "./prepare-pictures.ts";
import { fitTable, prepareTable } from "./prepare-table.ts";
import { cellsOf } from "./raw.ts";
import { readBatches, readSnapshot } from "./snapshot.ts";
import { splitValidation } from "./splits.ts";
import { moments } from "./statistics.ts";
import { checkSteps, type Step, settled } from "./steps.ts";

export interface PrepareOptions {
  /** For messages: the dataset as people name it. */
  readonly id: string;
  /** Where it was read from. */
  readonly source: string;
  /** What is set aside of the training split to choose the best epoch by, where the snapshot has no validation split. */
  readonly validation: { readonly fraction: number; readonly seed: number };
  /** What the steps learnt before: nothing is fitted, so that the same rows give the same bits. */
  readonly fitted?: readonly FittedStep[];
  /** Which rows of the training split (and the validation split after it) may be learnt from; without it all but those to validate by. */
  readonly rows?: Int32Array;
  /** The number column that says how much each row counts. */
  readonly weights?: string;
  /** A column of the raw table to read along. */
  readonly column?: string;
  /** Whether samples may have missing values (NaN). */
  readonly gaps?: boolean;
}

/** @throws BAD_PREPROCESSING, BAD_PARAMETER, BAD_USAGE, BAD_FILE, FILE_NOT_FOUND */
export async function prepare(directory: string, steps: readonly Step[], options: PrepareOptions): Promise<Dataset> {
  const snapshot = await readSnapshot(directory);
  const raw = snapshot.pictureShape ? { pictureShape: snapshot.pictureShape } : { columns: snapshot.columns };
  const { problems } = checkSteps(
    steps.map(({ kind }) => kind),
    steps.map(settled),
    raw,
  );
  if (problems.length)
    throw problems.length === 1
      ? problems[0]!.error
      : new AggregateError(
          problems.map(({ error }) => error),
          "the preprocessing has several problems",
        );

  const { task, labels, digest, splits } = snapshot;
  const given = splits.validation;
  const [train, validation, test] = [
    await targetsOf(directory, snapshot, "train"),
    given && (await targetsOf(directory, snapshot, "validation")),
    await targetsOf(directory, snapshot, "test"),
  ];
  const targets = validation ? joined(train, validation) : train;
  const rows = options.rows
    ? { train: options.rows, validation: new Int32Array() }
    : validation
      ? { train: range(0, train.length), validation: range(train.length, targets.length) }
      : splitValidation(
          { inputs: new Uint8Array(), targets: train, count: train.length },
          options.validation.fraction,
          options.validation.seed,
          task,
        );
  const isTraining = new Uint8Array(targets.length);
  for (const row of rows.train) isTraining[row] = 1;
  const stored =
    (split: SplitName): Rows =>
    (perBatch, inputs) =>
      storedRows(directory, snapshot, split, perBatch, inputs);
  // Rows of a validation split are learnt from only where `options.rows` says so.
  const training: Rows = async function* (perBatch, inputs) {
    yield* onlyRows(stored("train")(perBatch, inputs), (row) => isTraining[row] === 1);
    if (validation && options.rows) yield* onlyRows(stored("validation")(perBatch, inputs), (row) => isTraining[train.length + row] === 1);
  };
  const weights = options.weights === undefined ? undefined : await weightsOf(directory, snapshot, options.weights);

  const { preparation, sampleShape, normalisation, inputs } = await (snapshot.pictureShape ? pictures : table)({
    snapshot,
    steps,
    options,
    stored,
    training,
    trained: rows.train.length,
  });
  return {
    id: options.id,
    task,
    sampleShape,
    columns: preparation.inputs.map(({ name }) => name),
    labels,
    normalisation: { ...normalisation, ...(task === "regression" && { target: targetMoments(targets, rows.train) }) },
    preparation,
    train: { inputs: inputs.train, targets, count: targets.length, ...(weights && { weights }) },
    rows,
    ...(!snapshot.pictureShape && { raw: { columns: snapshot.columns, test: await rawSplit(directory, snapshot, "test") } }),
    ...(options.column !== undefined && { column: await columnOf(directory, snapshot, options.column) }),
    test: { inputs: inputs.test, targets: test, count: test.length },
    source: options.source,
    digest,
  };
}

interface Work {
  readonly snapshot: Snapshot;
  readonly steps: readonly Step[];
  readonly options: PrepareOptions;
  readonly stored: (split: SplitName) => Rows;
  readonly training: Rows;
  /** Rows that may be learnt from. */
  readonly trained: number;
}
interface Samples<A> {
  readonly preparation: Preparation;
  readonly sampleShape: readonly number[];
  readonly normalisation: Normalisation;
  /** `train` holds the rows of the validation split, too, where there is one: after the others. */
  readonly inputs: { readonly train: A; readonly test: A };
}

async function table({ snapshot, steps, options, stored, training, trained }: Work): Promise<Samples<Float32Array>> {
  const { columns, splits } = snapshot;
  const mine = steps as readonly Step<TableStep>[];
  const fits = options.fitted?.map(({ fitted }) => fitted) ?? (await fitTable(mine, columns, training, trained));
  const { preparation, width, fill } = prepareTable(mine, fits, columns, options.gaps);
  const train = new Float32Array((splits.train.count + (splits.validation?.count ?? 0)) * width);
  const test = new Float32Array(splits.test.count * width);
  await fill(train, 0, stored("train"), "the training split");
  if (splits.validation) await fill(train, splits.train.count * width, stored("validation"), "the validation split");
  await fill(test, 0, stored("test"), "the test split");
  // What scales the samples is among the steps.
  return { preparation, sampleShape: [width], normalisation: { mean: [0], deviation: [1] }, inputs: { train, test } };
}

async function pictures({ snapshot, steps, options, stored, training }: Work): Promise<Samples<Uint8Array>> {
  const { pictureShape, splits } = snapshot;
  const { preparation, shape, normalisation, fill } = await preparePictures(
    steps as readonly Step<PictureStep>[],
    pictureShape as PictureShape,
    training,
    options.fitted,
  );
  const size = shape.reduce((a, b) => a * b, 1);
  const train = new Uint8Array((splits.train.count + (splits.validation?.count ?? 0)) * size);
  const test = new Uint8Array(splits.test.count * size);
  await fill(train, 0, stored("train"));
  if (splits.validation) await fill(train, splits.train.count * size, stored("validation"));
  await fill(test, 0, stored("test"));
  return { preparation, sampleShape: shape, normalisation, inputs: { train, test } };
}

async function targetsOf(directory: string, snapshot: Snapshot, split: SplitName): Promise<Split["targets"]> {
  for await (const { targets } of readBatches(directory, snapshot, split, Number.POSITIVE_INFINITY, ["targets"])) return targets;
  return snapshot.task === "regression" ? new Float32Array() : new Int32Array();
}

/** The raw rows of a split of a table, but for its texts. */
async function rawSplit(directory: string, snapshot: Snapshot, split: SplitName): Promise<RawSplit> {
  for await (const rows of readBatches(directory, snapshot, split, Number.POSITIVE_INFINITY)) return rows;
  return { count: 0, targets: new Int32Array() };
}

/** A column over the rows to train on and, after them, to validate by: see `cellsOf`. @throws BAD_PARAMETER for one that is not there, or of texts */
async function columnOf(directory: string, snapshot: Snapshot, name: string): Promise<Float64Array> {
  const { columns, splits } = snapshot;
  const column = columns.find((one) => one.name === name && one.type !== "text");
  if (!column) {
    const known = columns.filter(({ type }) => type !== "text").map((one) => one.name);
    const want = `one of ${known.join(", ") || "its columns, of which it has none"}`;
    throw fail("BAD_PARAMETER", { where: "the table", name: "column", want, got: show(name) });
  }
  const all = new Float64Array(splits.train.count + (splits.validation?.count ?? 0));
  let at = 0;
  for (const split of ["train", "validation"] as const) {
    if (!splits[split]) continue;
    const rows = await rawSplit(directory, snapshot, split);
    const cell = cellsOf(rows, columns, column);
    for (let row = 0; row < rows.count; row++) all[at++] = cell(row);
  }
  return all;
}

/** How much each row counts. @throws UNFIT_DATA for a weight that is missing, negative or infinite */
async function weightsOf(directory: string, snapshot: Snapshot, name: string): Promise<Float32Array> {
  const weights = Float32Array.from(await columnOf(directory, snapshot, name));
  const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (bad >= 0) {
    throw fail("UNFIT_DATA", {
      what: `column ${show(name)}`,
      problem: `a weight must be a number of at least 0, but in row ${bad + 1} of the training split it is ${Number.isNaN(weights[bad]) ? "missing" : weights[bad]}`,
      fix: "Correct the column, or train without sampleWeights.",
    });
  }
  return weights;
}

function joined(a: Split["targets"], b: Split["targets"]): Split["targets"] {
  const both = a instanceof Int32Array ? new Int32Array(a.length + b.length) : new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);

/** A target that never changes gets deviation 1. */
function targetMoments(targets: Split["targets"], rows: Int32Array): { mean: number; deviation: number } {
  const { mean, deviation } = moments(Float32Array.from(rows, (row) => targets[row]!));
  return { mean, deviation: deviation || 1 };
}
